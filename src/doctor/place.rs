//! The terminal that midwatch would draw on, and the way to it.

use std::io::{self, IsTerminal};

use super::{Line, Mark};
use crate::config::Environment;

/// What the process itself has: its streams and its window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seat {
    pub input: Stream,
    pub output: Stream,
    /// Columns and rows, where there is a window.
    pub size: Option<(u16, u16)>,
    pub way: Way,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stream {
    Terminal,
    #[default]
    Other,
}

/// Programs between the terminal and us that the environment does not tell of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    #[default]
    Plain,
    Mosh,
}

impl Seat {
    pub fn of_process() -> Self {
        let stream = |is| if is { Stream::Terminal } else { Stream::Other };
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok();
        Self {
            input: stream(io::stdin().is_terminal()),
            output: stream(io::stdout().is_terminal()),
            size: size
                .map(|size| (size.ws_col, size.ws_row))
                .filter(|(columns, _)| *columns > 0),
            way: if below_mosh() { Way::Mosh } else { Way::Plain },
        }
    }
}

/// mosh leaves no variable behind, but its server is a parent of ours.
fn below_mosh() -> bool {
    let mut pid = "self".to_owned();
    for _ in 0..20 {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
            return false;
        };
        // `PID (NAME) STATE PARENT ...`; the name may hold anything, even `)`.
        let Some((head, tail)) = stat.rsplit_once(") ") else {
            return false;
        };
        if head.ends_with("(mosh-server") {
            return true;
        }
        match tail.split(' ').nth(1) {
            Some(parent) if parent != "0" => parent.clone_into(&mut pid),
            _ => return false,
        }
    }
    false
}

const TERMINAL: &str = "the console; `midwatch check` needs none";

/// Terminal, colours and what stands between.
pub(super) fn terminal(environment: &Environment, seat: Seat) -> Vec<Line> {
    vec![
        screen(environment, seat),
        colour(environment),
        between(environment, seat.way),
    ]
}

fn screen(environment: &Environment, seat: Seat) -> Line {
    let term = environment.get("TERM").unwrap_or("not set");
    if seat.output == Stream::Other || seat.input == Stream::Other {
        let which = if seat.output == Stream::Other {
            "output"
        } else {
            "input"
        };
        let found = format!("the {which} is not a terminal; TERM is {term}");
        return Line::new(Mark::Warn, "terminal", found, TERMINAL)
            .hint("Run it in a terminal, without a pipe");
    }
    let size = match seat.size {
        Some((columns, rows)) => format!("{columns}x{rows}"),
        None => "of unknown size".into(),
    };
    let line = |mark| Line::new(mark, "terminal", format!("{term}, {size}"), TERMINAL);
    match seat.size {
        _ if matches!(term, "dumb" | "not set") => {
            line(Mark::Bad).hint("Set TERM to what your terminal is, such as xterm-256color")
        }
        Some((columns, rows)) if columns < 60 || rows < 15 => {
            line(Mark::Bad).hint("Make the window at least 60x15; 80x24 shows everything")
        }
        Some((columns, rows)) if columns < 80 || rows < 24 => {
            line(Mark::Warn).hint("Make the window at least 80x24 to see everything")
        }
        _ => line(Mark::Ok),
    }
}

fn colour(environment: &Environment) -> Line {
    let term = environment.get("TERM").unwrap_or_default();
    let depth = match environment.get("COLORTERM") {
        Some("truecolor" | "24bit") => "24 bit (COLORTERM)",
        _ if term.contains("direct") => "24 bit (TERM)",
        _ if term.contains("256color") => "256 colours (TERM)",
        _ if term.is_empty() || term == "dumb" => "none",
        _ => "16 colours",
    };
    let found = match environment.get("NO_COLOR") {
        Some(_) => format!("{depth}, switched off by NO_COLOR"),
        None => depth.to_owned(),
    };
    Line::new(
        Mark::Ok,
        "colours",
        found,
        "themes; every state also has a word and a glyph",
    )
}

fn between(environment: &Environment, way: Way) -> Line {
    let term = environment.get("TERM").unwrap_or_default();
    let set = |name| environment.get(name).is_some();
    let mut found = Vec::new();
    if set("TMUX") {
        found.push("tmux");
    }
    if set("STY") || (term.starts_with("screen") && !set("TMUX")) {
        found.push("screen");
    }
    if way == Way::Mosh {
        found.push("mosh (no links, copying only by OSC 52)");
    } else if set("SSH_CONNECTION") || set("SSH_TTY") {
        found.push("ssh");
    }
    let found = if found.is_empty() {
        "nothing".into()
    } else {
        found.join(", ")
    };
    Line::new(
        Mark::Ok,
        "in between",
        found,
        "how the screen is drawn and text is copied",
    )
}

/// Can the terminal show more than ASCII?
pub(super) fn locale(environment: &Environment) -> Line {
    const USE: &str = "lines and marks; --ascii draws without them";
    let named = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| Some((name, environment.get(name)?)));
    let Some((name, value)) = named else {
        return Line::new(Mark::Warn, "locale", "none is set", USE)
            .hint("Set LANG=C.UTF-8, or use --ascii");
    };
    let folded = value.to_ascii_lowercase();
    let found = format!("{value} ({name})");
    if folded.contains("utf-8") || folded.contains("utf8") {
        Line::new(Mark::Ok, "locale", found, USE)
    } else {
        Line::new(Mark::Warn, "locale", format!("{found} is not UTF-8"), USE)
            .hint("Set LC_ALL=C.UTF-8, or use --ascii")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(columns: u16, rows: u16) -> Seat {
        Seat {
            input: Stream::Terminal,
            output: Stream::Terminal,
            size: Some((columns, rows)),
            way: Way::Plain,
        }
    }

    #[test]
    fn a_small_window_warns_and_a_tiny_one_is_bad() {
        let xterm = Environment::of(&[("TERM", "xterm-256color")]);
        assert_eq!(screen(&xterm, seat(80, 24)).mark, Mark::Ok);
        assert_eq!(screen(&xterm, seat(79, 24)).mark, Mark::Warn);
        assert_eq!(screen(&xterm, seat(59, 24)).mark, Mark::Bad);
        assert_eq!(
            screen(&Environment::of(&[("TERM", "dumb")]), seat(80, 24)).mark,
            Mark::Bad
        );
        assert_eq!(screen(&xterm, Seat::default()).mark, Mark::Warn);
    }

    #[test]
    fn the_way_to_the_terminal_is_named() {
        let both = Environment::of(&[
            ("TMUX", "/tmp/x"),
            ("SSH_TTY", "/dev/pts/1"),
            ("TERM", "screen-256color"),
        ]);
        assert_eq!(between(&both, Way::Plain).found, "tmux, ssh");
        assert!(between(&both, Way::Mosh).found.contains("mosh"));
        assert_eq!(between(&Environment::of(&[]), Way::Plain).found, "nothing");
    }

    #[test]
    fn the_first_locale_that_is_set_counts() {
        let mixed = Environment::of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]);
        assert_eq!(locale(&mixed).mark, Mark::Warn);
        assert_eq!(
            locale(&Environment::of(&[("LANG", "en_US.utf8")])).mark,
            Mark::Ok
        );
        assert_eq!(locale(&Environment::of(&[])).mark, Mark::Warn);
    }

    #[test]
    fn no_color_is_said() {
        let off = Environment::of(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]);
        assert_eq!(
            colour(&off).found,
            "24 bit (COLORTERM), switched off by NO_COLOR"
        );
    }
}
