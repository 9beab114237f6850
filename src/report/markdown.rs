//! The report as Markdown tables, to paste into the incident's channel.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Report, states};
use crate::model::State;
use crate::text::SafeText;
use crate::units::span;

/// A heading, a table of findings, a table of targets that do not answer.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = format!("### midwatch: {}\n\n", report.counts());
    let answering = report
        .targets
        .iter()
        .filter(|row| row.state == State::Ok)
        .count();
    let _ = writeln!(
        out,
        "{}, {answering} of {} targets answer, took {}",
        report.started_at,
        report.targets.len(),
        crate::units::latency(Duration::from_millis(report.took_ms)),
    );
    findings(&mut out, report);
    targets(&mut out, report);
    out
}

fn findings(out: &mut String, report: &Report) {
    if report.findings.is_empty() {
        return;
    }
    out.push_str("\n| severity | subject | finding | evidence | lasts |\n");
    out.push_str("| --- | --- | --- | --- | --- |\n");
    for row in &report.findings {
        let folded = "↳ ".repeat(row.told.depth);
        let evidence = row.evidence.iter().map(|evidence| {
            let value = format!("{} {} {}", evidence.what, evidence.value, evidence.limit);
            cell(value.trim())
        });
        let evidence: Vec<String> = evidence.collect();
        let _ = writeln!(
            out,
            "| {folded}{} | {} | {} ({}) | {} | {} |",
            states::severity_word(row.severity),
            cell(&row.subject),
            cell(&row.summary),
            cell(&row.rule),
            evidence.join("; "),
            span(row.told.lasts),
        );
    }
}

fn targets(out: &mut String, report: &Report) {
    let mut silent = report
        .targets
        .iter()
        .filter(|row| row.state != State::Ok)
        .peekable();
    if silent.peek().is_none() {
        return;
    }
    out.push_str("\n| target | state | age | error |\n| --- | --- | --- | --- |\n");
    for row in silent {
        let age = row
            .age_ms
            .map_or("never".into(), |age| span(Duration::from_millis(age)));
        let error = row.error.as_ref().map_or(String::new(), |error| {
            format!(
                "{}: {} ({})",
                error.layer.word(),
                error.detail,
                error.endpoint
            )
        });
        let _ = writeln!(
            out,
            "| {} | {} | {age} | {} |",
            cell(&row.id),
            states::word(row.state),
            cell(&error),
        );
    }
}

/// Text that stays in its cell and means nothing to Markdown or HTML.
fn cell(raw: &str) -> String {
    let mut out = String::new();
    for c in SafeText::new(raw).as_str().chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
