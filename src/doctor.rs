//! `midwatch doctor`: what midwatch finds on this machine, and what each is used for.
//!
//! Looks and changes nothing. Credentials are never read, only their files' modes.

mod files;
mod place;

use std::fmt::Write as _;

use crate::config::Request;
use crate::facts::KernelClock;
use crate::report::Paint;
use crate::text::{SafeText, safe_lines};

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Ok,
    Warn,
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub mark: Mark,
    /// What was looked at, in a word or two.
    pub what: &'static str,
    pub found: String,
    /// What midwatch does with it.
    pub used_for: &'static str,
    /// What to do about it; starts with a verb.
    pub hint: Option<String>,
}

impl Line {
    fn new(
        mark: Mark,
        what: &'static str,
        found: impl Into<String>,
        used_for: &'static str,
    ) -> Self {
        Self {
            mark,
            what,
            found: found.into(),
            used_for,
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Looks at everything, in the order in which it is told. `kernel` is what the kernel says of its
/// clock, as the local source reads it.
#[must_use]
pub fn examine(request: &Request, kernel: Option<KernelClock>) -> Vec<Line> {
    let environment = &request.environment;
    let mut lines = place::terminal(environment, place::Seat::of_process());
    lines.push(place::locale(environment));
    lines.push(files::configuration(request));
    lines.push(files::kubeconfig(environment));
    lines.push(files::talosconfig(environment));
    lines.push(files::state(environment));
    lines.push(clock(kernel));
    lines
}

/// One line each: glyph, word, what, what was found; hints below.
#[must_use]
pub fn render(lines: &[Line], paint: Paint) -> String {
    let widest = lines.iter().map(|line| line.what.len()).max().unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        let (glyph, word, code) = match line.mark {
            Mark::Ok => ("+", "ok  ", "32"),
            Mark::Warn => ("!", "warn", "33"),
            Mark::Bad => ("x", "BAD ", "1;31"),
        };
        let mark = match paint {
            Paint::Plain => format!("{glyph} {word}"),
            Paint::Ansi => format!("\u{1b}[{code}m{glyph} {word}\u{1b}[0m"),
        };
        let mut told = safe_lines(&line.found);
        let indent = " ".repeat(widest + 10);
        told = told.replace('\n', &format!("\n{indent}"));
        let _ = writeln!(out, "{mark}  {:widest$}  {told}", line.what);
        if !line.used_for.is_empty() {
            let _ = writeln!(out, "{indent}for: {}", line.used_for);
        }
        if let Some(hint) = &line.hint {
            let _ = writeln!(out, "{indent}hint: {}", SafeText::new(hint));
        }
    }
    let count = |mark| lines.iter().filter(|line| line.mark == mark).count();
    let _ = writeln!(
        out,
        "\n{} ok, {} warn, {} bad",
        count(Mark::Ok),
        count(Mark::Warn),
        count(Mark::Bad)
    );
    out
}

const CLOCK_USE: &str = "stamps in reports and logs, and the yardstick for other clocks";

/// Is this machine's own clock disciplined?
fn clock(told: Option<KernelClock>) -> Line {
    match told {
        None => Line::new(
            Mark::Warn,
            "clock",
            "the kernel does not tell whether it is synchronised",
            CLOCK_USE,
        )
        .hint("Check your time service: chronyc tracking, or timedatectl"),
        Some(clock) if clock.synced => {
            let error = crate::units::latency(crate::units::seconds(clock.max_error));
            let found = format!("synchronised, error at most {error}");
            Line::new(Mark::Ok, "clock", found, CLOCK_USE)
        }
        Some(_) => Line::new(
            Mark::Bad,
            "clock",
            "the kernel says that nobody disciplines it",
            CLOCK_USE,
        )
        .hint("Start chronyd, systemd-timesyncd or ntpd, or set this machine's own clock right"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_disciplines_is_bad_and_one_that_is_not_told_no_better_than_a_warning() {
        let clock_of = |synced| KernelClock {
            synced,
            max_error: 0.012,
            ..KernelClock::default()
        };
        assert_eq!(clock(Some(clock_of(true))).mark, Mark::Ok);
        assert!(clock(Some(clock_of(true))).found.ends_with("at most 12ms"));
        assert_eq!(clock(Some(clock_of(false))).mark, Mark::Bad);
        assert_eq!(clock(None).mark, Mark::Warn);
    }

    #[test]
    fn each_line_has_its_glyph_and_word_without_colour() {
        let lines = [
            Line::new(Mark::Ok, "one", "well", "this"),
            Line::new(Mark::Bad, "another", "two\nlines\u{1b}", "").hint("Do it"),
        ];
        assert_eq!(
            render(&lines, Paint::Plain),
            "+ ok    one      well\n                 for: this\n\
             x BAD   another  two\n                 lines\u{241b}\n                 hint: Do it\n\
             \n1 ok, 0 warn, 1 bad\n"
        );
    }

    #[test]
    fn whatever_is_not_well_has_a_hint() {
        for line in examine(&Request::default(), None) {
            assert!(line.mark == Mark::Ok || line.hint.is_some(), "{line:?}");
        }
    }
}
