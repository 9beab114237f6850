//! The report as `JUnit` XML: one test case for each target and one for each finding.

use std::fmt::Write as _;

use super::{FindingRow, Report, TargetRow, states};
use crate::findings::Severity;
use crate::model::State;
use crate::text::SafeText;

/// What became of a test case.
enum Outcome {
    Passed,
    /// Seen, and bad.
    Failed,
    /// Not known.
    Errored,
}

/// Well-formed XML 1.0, whatever the names hold.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a check takes no 2^52 milliseconds"
)]
pub fn render(report: &Report) -> String {
    let targets: Vec<(Outcome, String)> = report.targets.iter().map(target).collect();
    let findings: Vec<(Outcome, String)> = report.findings.iter().map(finding).collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = targets.iter().chain(&findings);
    let _ = writeln!(
        out,
        "<testsuites name=\"midwatch\"{} time=\"{:.3}\">",
        counts(all),
        report.took_ms as f64 / 1000.0
    );
    for (name, cases) in [("targets", &targets), ("findings", &findings)] {
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\"{} timestamp=\"{}\">",
            counts(cases.iter()),
            escape(&report.started_at)
        );
        for (_, case) in cases {
            out.push_str(case);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts<'a>(cases: impl Iterator<Item = &'a (Outcome, String)>) -> String {
    let (mut tests, mut failures, mut errors) = (0, 0, 0);
    for (outcome, _) in cases {
        tests += 1;
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed => failures += 1,
            Outcome::Errored => errors += 1,
        }
    }
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"")
}

fn target(row: &TargetRow) -> (Outcome, String) {
    let head = format!(
        "    <testcase classname=\"target\" name=\"{}\"",
        escape(&row.id)
    );
    if row.state == State::Ok {
        return (Outcome::Passed, format!("{head}/>\n"));
    }
    let (kind, text) = match &row.error {
        Some(error) => (
            error.layer.word().to_owned(),
            format!("{}: {}", error.endpoint, error.detail),
        ),
        None => (
            states::word(row.state).to_owned(),
            "no answer yet".to_owned(),
        ),
    };
    (
        Outcome::Errored,
        case(
            &head,
            "error",
            &kind,
            &text,
            row.error.as_ref().and_then(|e| e.hint.as_deref()),
        ),
    )
}

fn finding(row: &FindingRow) -> (Outcome, String) {
    let key = if row.key.is_empty() {
        String::new()
    } else {
        format!(" {}", row.key)
    };
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}{}\"",
        escape(&row.rule),
        escape(&row.subject),
        escape(&key)
    );
    let kind = states::severity_word(row.severity);
    let mut detail = row.told.so_what.clone();
    for evidence in &row.evidence {
        let line = format!(
            "{} {} {} ({})",
            evidence.what, evidence.value, evidence.limit, evidence.source
        );
        detail = format!("{detail}\n{line}");
    }
    let detail = Some(detail.trim()).filter(|detail| !detail.is_empty());
    match row.severity {
        Severity::Info => {
            let text = escape(&row.summary);
            (
                Outcome::Passed,
                format!("{head}>\n      <system-out>{text}</system-out>\n    </testcase>\n"),
            )
        }
        Severity::Unknown => (
            Outcome::Errored,
            case(&head, "error", kind, &row.summary, detail),
        ),
        _ => (
            Outcome::Failed,
            case(&head, "failure", kind, &row.summary, detail),
        ),
    }
}

fn case(head: &str, element: &str, kind: &str, message: &str, detail: Option<&str>) -> String {
    let detail: Vec<String> = detail.unwrap_or_default().lines().map(escape).collect();
    format!(
        "{head}>\n      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n    </testcase>\n",
        escape(kind),
        escape(message),
        detail.join("\n")
    )
}

/// XML 1.0 has no way at all to write most control characters, so they become visible marks.
fn escape(raw: &str) -> String {
    let mut out = String::new();
    for c in SafeText::new(raw).as_str().chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}
