//! The report for people at a terminal: the gravest first, one summary line last.

use std::fmt::Write as _;
use std::time::Duration;

use super::{FindingRow, Paint, Report, TargetRow};
use crate::findings::Severity;
use crate::model::State;
use crate::text::{SafeText, width};
use crate::units::span;

/// Aligned lines without a control character of anyone else's.
#[must_use]
pub fn render(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    let widest = report
        .findings
        .iter()
        .map(|row| width_of(row) + 2 * row.told.depth);
    let widest = widest.max().unwrap_or(0).min(40);
    for row in &report.findings {
        finding(&mut out, row, widest, paint);
    }
    let silent: Vec<&TargetRow> = report
        .targets
        .iter()
        .filter(|row| row.state != State::Ok)
        .collect();
    if !silent.is_empty() {
        if !report.findings.is_empty() {
            out.push('\n');
        }
        for row in silent {
            target(&mut out, row, paint);
        }
    }
    if !out.is_empty() {
        out.push('\n');
    }
    if report.waiting_for_second_sample > 0 {
        let _ = writeln!(
            out,
            "{} checks judge a rate and had one sample; add --wait for the second",
            report.waiting_for_second_sample
        );
    }
    out.push_str(&summary(report));
    out.push('\n');
    out
}

fn width_of(row: &FindingRow) -> usize {
    SafeText::new(&row.subject).width()
}

fn finding(out: &mut String, row: &FindingRow, widest: usize, paint: Paint) {
    let indent = "  ".repeat(row.told.depth);
    let subject = SafeText::new(&row.subject);
    let gap = " ".repeat(widest.saturating_sub(subject.width() + indent.len()));
    let _ = writeln!(
        out,
        "{indent}{}  {subject}{gap}  {}  [{}]",
        painted(row.severity.word(), row.severity, paint),
        SafeText::new(&row.summary),
        SafeText::new(&row.rule),
    );
    // A finding that another explains is one line; its evidence is in the other formats.
    if row.told.depth > 0 {
        return;
    }
    if !row.told.so_what.is_empty() {
        let _ = writeln!(out, "      {}", SafeText::new(&row.told.so_what));
    }
    for evidence in &row.evidence {
        let age = Duration::from_millis(evidence.age_ms);
        let limit = if evidence.limit.is_empty() {
            String::new()
        } else {
            format!(" ({})", evidence.limit)
        };
        let line = format!(
            "{} {}{limit}, {} ago from {}",
            evidence.what,
            evidence.value,
            span(age),
            evidence.source
        );
        let _ = writeln!(out, "      {}", SafeText::new(&line));
    }
}

fn target(out: &mut String, row: &TargetRow, paint: Paint) {
    let mark = match row.state {
        State::Bad => painted("FAIL", Severity::Critical, paint),
        _ => painted("UNKN", Severity::Unknown, paint),
    };
    let age = match (row.age_ms, row.state) {
        (Some(age), _) => format!("oldest answer {} ago", span(Duration::from_millis(age))),
        (None, State::Bad) => "never answered".into(),
        (None, _) => "not answered yet".into(),
    };
    let _ = writeln!(out, "{mark}  {}  {age}", SafeText::new(&row.id));
    if let Some(error) = &row.error {
        let line = match &*error.endpoint {
            // Several are named one by one in the detail.
            several if several.contains(", ") => error.detail.clone(),
            "" => format!("{}: {}", error.layer.word(), error.detail),
            one => format!("{} at {one}: {}", error.layer.word(), error.detail),
        };
        let _ = writeln!(out, "      {}", SafeText::new(&line));
        if let Some(hint) = &error.hint {
            let _ = writeln!(out, "      hint: {}", SafeText::new(hint));
        }
    }
}

/// One line with every count, zero ones included: nothing is left out for being well.
fn summary(report: &Report) -> String {
    let answering = report
        .targets
        .iter()
        .filter(|row| row.state == State::Ok)
        .count();
    let verdict = match report.exit_code() {
        0 => "ok",
        1 => "warning",
        2 => "critical",
        _ => "unknown",
    };
    let waiting = report.targets.iter().filter(|row| row.waiting > 0);
    let waiting = match waiting.count() {
        0 => String::new(),
        count => format!(", {count} not heard before the limit"),
    };
    format!(
        "{verdict}: {}; {answering} of {} targets answer{waiting}; took {}",
        report.counts(),
        report.targets.len(),
        crate::units::latency(Duration::from_millis(report.took_ms)),
    )
}

fn painted(word: &str, severity: Severity, paint: Paint) -> String {
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::Unknown => "1;35",
        Severity::Warning => "33",
        Severity::Info => "36",
    };
    let padded = format!("{word}{}", " ".repeat(4_usize.saturating_sub(width(word))));
    match paint {
        Paint::Plain => padded,
        Paint::Ansi => format!("\u{1b}[{code}m{padded}\u{1b}[0m"),
    }
}
