//! Everything about one thing: what stands under a table, and what fills the page when it is
//! opened.

mod cluster;
mod etcd;
mod host;
mod node;
mod object;
mod pod;
mod smaller;
mod workload;

use std::time::Duration;

use super::{
    Block, help, parts,
    parts::{dated, origin},
};
use crate::facts::{Certificate, ClockOffset, Factual, KernelClock, PrometheusStatus};
use crate::findings::{self, Entry};
use crate::listing::{Context, RowKey, severity_role};
use crate::model::Series;
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};

use crate::objects::ObjectKind;
use crate::units;
pub use cluster::cluster;
pub use etcd::etcd;
pub use host::host;
pub use object::{Depth, object};

/// The page for a row that was opened.
#[must_use]
pub fn page(
    cx: &Context,
    key: &RowKey,
    preview: fn(&Context, &RowKey) -> Vec<Block>,
) -> Vec<Block> {
    let entry = match key {
        RowKey::Finding(id) => cx.ledger.entry(id),
        _ => None,
    };
    let mut blocks = match entry {
        Some(entry) => finding(cx, entry),
        None => match key.subject().filter(|subject| is_kubernetes(subject)) {
            Some(about) => subject(cx, about),
            None => preview(cx, key),
        },
    };
    if let RowKey::Finding(id) = key {
        blocks.extend(subject(cx, &id.subject));
        if let Some(rule) = findings::rule(&id.rule) {
            blocks.push(title(format!("rule {}", rule.id)));
            blocks.extend(
                rule.doc
                    .lines()
                    .map(|line| Block::Line(Line::new().text(line.trim()))),
            );
        }
    }
    if blocks.is_empty() && matches!(key, RowKey::Text(_)) {
        blocks = help::about(cx, key);
    }
    if blocks.is_empty() {
        blocks.push(Block::Line(
            Line::new().dim("nothing is known about this row any more; Esc goes back"),
        ));
    }
    blocks
}

/// The most telling lines about an object or a cluster, for below a table.
#[must_use]
pub fn glance(cx: &Context, key: &RowKey) -> Vec<Block> {
    match key.subject() {
        Some(subject) if subject.kind == SubjectKind::Cluster => cluster(cx, subject),
        Some(subject) => object(cx, subject, Depth::Glance),
        None => Vec::new(),
    }
}

fn is_kubernetes(subject: &Subject) -> bool {
    subject.kind == SubjectKind::Cluster || ObjectKind::of_subject(subject.kind).is_some()
}

fn title(text: impl Into<String>) -> Block {
    Block::Title(Line::new().with(text.into(), Role::Title))
}

fn row(label: &str, line: Line) -> Block {
    let mut whole = Line::new().dim(format!("{label:<11} "));
    whole.0.extend(line.0);
    Block::Line(whole)
}

/// A chart's title, marked when the curve does not reach into the present.
fn titled<T: Factual>(cx: &Context, subject: &Subject, title: &str) -> Line {
    let line = Line::new().dim(title);
    match cx.snap.latest::<T>(subject) {
        Some(reading) => dated(line, &reading),
        None => line,
    }
}

/// What breaks: said by the finding itself, else by the gravest that it explains.
#[must_use]
pub fn so_what<'a>(cx: &Context<'a>, entry: &'a Entry) -> Option<&'a str> {
    let own = std::iter::once(entry);
    let mut folded = cx.ledger.under(&entry.id);
    folded.sort_by_key(|child| std::cmp::Reverse((child.spare.is_some(), child.effective)));
    let said = own
        .chain(folded)
        .map(|entry| entry.finding.so_what.as_str());
    said.into_iter().find(|text| !text.is_empty())
}

/// A finding: what, so what, for, against, what it folds, what to do.
#[must_use]
pub fn finding(cx: &Context, entry: &Entry) -> Vec<Block> {
    let finding = &entry.finding;
    let heading = Line::new()
        .with(entry.effective.word(), severity_role(entry.effective))
        .text("  ")
        .with(finding.summary.clone(), Role::Title);
    let mut blocks = vec![Block::Title(heading)];
    let since = format!(
        "{} ({} ago)",
        clock_time(entry.since.wall),
        parts::ago(cx, entry.since.stamp)
    );
    blocks.push(row(
        "where",
        Line::new()
            .text(finding.subject.to_string())
            .dim(format!("   since {since}")),
    ));
    if let Some(text) = so_what(cx, entry) {
        blocks.push(row("so what", Line::new().text(text)));
    }
    for (nth, evidence) in finding.evidence.iter().enumerate() {
        blocks.push(row(
            if nth == 0 { "for" } else { "" },
            parts::evidence(cx, evidence),
        ));
    }
    for (nth, evidence) in finding.against.iter().enumerate() {
        blocks.push(row(
            if nth == 0 { "against" } else { "" },
            parts::evidence(cx, evidence),
        ));
    }
    if let Some(cause) = entry.cause.as_ref().and_then(|id| cx.ledger.entry(id)) {
        let line = Line::new()
            .text(cause.finding.summary.clone())
            .dim(format!("  {}", cause.finding.subject));
        blocks.push(row("because", line));
    }
    for (nth, child) in cx.ledger.under(&entry.id).into_iter().enumerate() {
        let line = Line::new()
            .with(
                format!("{} ", child.effective.word()),
                severity_role(child.effective),
            )
            .text(child.finding.summary.clone())
            .dim(format!("  {}", child.finding.subject));
        blocks.push(row(if nth == 0 { "folded" } else { "" }, line));
    }
    blocks
}

fn clock_time(at: jiff::Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// Findings on a subject and its parts, one line each.
fn findings_on(cx: &Context, subject: &Subject) -> Vec<Block> {
    // What cannot be decided is listed rule by rule below.
    let told = |entry: &&Entry| {
        &*entry.finding.rule != findings::NOT_KNOWN.id || entry.finding.subject != *subject
    };
    let mut found: Vec<&Entry> = cx.ledger.found_on(subject).filter(told).collect();
    // Objects have no parts, and a cluster's are too many for its page.
    if !is_kubernetes(subject) {
        let part = |entry: &&Entry| entry.finding.subject.whole().as_ref() == Some(subject);
        found.extend(cx.ledger.entries().filter(part));
    }
    found.sort_by_key(|entry| std::cmp::Reverse(entry.effective));
    let lines = found.into_iter().map(|entry| {
        Block::Line(
            Line::new()
                .with(
                    format!("{}  ", entry.effective.word()),
                    severity_role(entry.effective),
                )
                .text(entry.finding.summary.clone())
                .dim(format!("  since {}", parts::ago(cx, entry.since.stamp))),
        )
    });
    let doubts: Vec<&str> = cx.ledger.undecided(subject).map(|(rule, _)| rule).collect();
    let doubts = (!doubts.is_empty()).then(|| {
        Block::Line(
            Line::new()
                .with("?     ", Role::Unknown)
                .text(format!("{} checks cannot be decided  ", doubts.len()))
                .dim(doubts.join(", ")),
        )
    });
    lines.chain(doubts).collect()
}

/// Any subject: by its kind, else what fires on it.
#[must_use]
pub fn subject(cx: &Context, subject: &Subject) -> Vec<Block> {
    match subject.kind {
        SubjectKind::Host => host(cx, subject),
        SubjectKind::Mount | SubjectKind::Disk | SubjectKind::Nic => subject
            .whole()
            .map(|whole| host(cx, &whole))
            .unwrap_or_default(),
        SubjectKind::Etcd | SubjectKind::EtcdMember => etcd(cx, subject),
        SubjectKind::Cluster => cluster(cx, subject),
        kind if ObjectKind::of_subject(kind).is_some() => object(cx, subject, Depth::Whole),
        _ => {
            let mut blocks = vec![title(subject.to_string())];
            blocks.extend(findings_on(cx, subject));
            blocks.extend(clock_row(cx, subject));
            blocks.extend(certificate(cx, subject));
            if subject.kind == SubjectKind::Prometheus {
                blocks.push(Block::Chart {
                    title: titled::<PrometheusStatus>(cx, subject, "series in the head block"),
                    samples: cx
                        .snap
                        .model
                        .history()
                        .samples(subject, Series::HeadSeries)
                        .collect(),
                    top: None,
                    print: |count| format!("{count:.0}"),
                    height: 5,
                });
            }
            blocks
        }
    }
}

fn clock_row(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    for clock in cx.snap.readings::<ClockOffset>(subject) {
        let value = clock.value;
        let text = format!(
            "{} to {} against this machine, by {}",
            units::offset(value.offset.lo),
            units::offset(value.offset.hi),
            parts::witness(value.witness)
        );
        blocks.push(row("clock", origin(Line::new().text(text), &clock)));
    }
    if let Some(kernel) = cx.snap.latest::<KernelClock>(subject) {
        let (word, role) = if kernel.value.synced {
            ("synced", Role::StateOk)
        } else {
            ("NOT SYNCED", Role::Warning)
        };
        let error = units::latency(units::seconds(kernel.value.max_error));
        let line = Line::new().with(word, role).text(format!(
            ", error at most {error}, frequency {:+.1} ppm",
            kernel.value.frequency_ppm
        ));
        blocks.push(row("kernel says", dated(line, &kernel)));
    }
    blocks
}

/// One clock: who measured it, how, and what the kernel there says.
#[must_use]
pub fn clock(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(subject.to_string())];
    blocks.extend(clock_row(cx, subject));
    if let Some(clock) = cx.snap.latest::<ClockOffset>(subject) {
        let value = clock.value;
        let round_trip = units::latency(units::seconds(value.round_trip));
        let line = Line::new().text(round_trip);
        blocks.push(row("round trip", dated(line, &clock)));
        if let Some(reference) = &value.reference {
            let line = Line::new().text(reference.to_string());
            blocks.push(row("follows", dated(line, &clock)));
        }
    }
    blocks.push(Block::Chart {
        title: titled::<ClockOffset>(cx, subject, "size of the offset"),
        samples: cx
            .snap
            .model
            .history()
            .samples(subject, Series::ClockOffset)
            .map(|sample| sample.map(f32::abs))
            .collect(),
        top: None,
        print: |secs| units::offset(f64::from(secs)),
        height: 5,
    });
    blocks
}

fn certificate(cx: &Context, subject: &Subject) -> Vec<Block> {
    let readings = cx.snap.readings::<Certificate>(subject);
    let lines = readings.into_iter().map(|reading| {
        let left = reading.value.not_after.duration_since(cx.snap.now.wall);
        let (text, role) = match Duration::try_from(left) {
            Ok(left) => {
                let limits = cx.snap.thresholds(subject);
                let soon = left.as_secs_f64() < limits.certificate_warning;
                (
                    format!("expires in {}", units::span(left)),
                    if soon { Role::Warning } else { Role::Text },
                )
            }
            Err(_) => ("EXPIRED".to_owned(), Role::Critical),
        };
        let line = Line::new().with(text, role).dim(format!(
            "  {} by {}",
            reading.value.subject, reading.value.issuer
        ));
        row("certificate", dated(line, &reading))
    });
    lines.collect()
}
