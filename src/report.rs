//! The second reader of the model: what `midwatch check` says, as values and in five formats.
//!
//! It shows that nothing of a verdict lives in the screen. [`Report`] is the machine-readable
//! contract: its fields are stable, and `check --schema` prints them.

pub mod json;
pub mod junit;
pub mod markdown;
pub mod prometheus;
mod states;
pub mod text;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Now;
use crate::config::{ColorWhen, Environment};
use crate::findings::{Entry, FindingId, Ledger, Severity};
use crate::model::{Snapshot, State};
use crate::observation::Layer;

/// Exit codes of a check, as monitoring plugins have them; 0 is ok, 1 a warning.
pub const CRITICAL: u8 = 2;
pub const UNKNOWN: u8 = 3;

/// The whole answer of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of midwatch.
    pub version: String,
    /// When the check began, as RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Checks that judge a rate and had one sample only; `--wait` brings the second.
    pub waiting_for_second_sample: usize,
    /// Every configured target.
    pub targets: Vec<TargetRow>,
    /// Every finding, the gravest first, each followed by those that it explains.
    pub findings: Vec<FindingRow>,
    /// Everything known, and the kinds that nobody is configured to watch.
    pub subjects: Vec<SubjectRow>,
}

/// One configured target, all of its endpoints taken together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRow {
    /// `KIND/NAME`.
    pub id: String,
    pub kind: String,
    /// `bad`: the last poll of an endpoint failed. `unknown`: an endpoint has not answered.
    pub state: State,
    /// Age of the oldest of the last answers; null only when no endpoint ever answered.
    pub age_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<TargetError>,
    /// Endpoints whose first answer had not come when the check ended.
    #[serde(default)]
    pub waiting: usize,
}

/// Why a target is bad: layer and hint of the first failing endpoint, and the words of all that
/// fail. An endpoint that the check's own limit cut off fails with `timeout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetError {
    pub layer: Layer,
    /// What went wrong; with several failing endpoints, each one's name and words.
    pub detail: String,
    pub hint: Option<String>,
    /// The failing endpoints, parted by commas; empty for a target without any.
    pub endpoint: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingRow {
    pub rule: String,
    /// `KIND/NAME`, as on the command line.
    pub subject: String,
    /// Tells apart several findings of one rule on one subject; absent where there is one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The worst of the finding itself and of what it explains, as in every view of it. What is
    /// unknown because of a known fault makes the fault no graver.
    pub severity: Severity,
    pub summary: String,
    /// When it was first seen, or began by the word of who told it, as RFC 3339 in UTC.
    #[schemars(extend("format" = "date-time"))]
    pub since: String,
    pub evidence: Vec<EvidenceRow>,
    /// The finding that explains this one. Findings with a cause are folded: neither the counts
    /// of severities nor the exit code take them up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseRow>,
    /// What is told to people only.
    #[serde(skip)]
    pub told: Told,
}

/// Parts of a finding that the machine-readable form leaves out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub so_what: String,
    /// How deep it is folded under its causes; 0 for one that nothing explains.
    pub depth: usize,
    pub lasts: Duration,
}

/// One measured value and its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRow {
    pub what: String,
    pub value: String,
    /// With its comparison, `> 500ms`; empty where there is none.
    pub limit: String,
    /// The feed that told it.
    pub source: String,
    /// How old it was at the end of the check.
    pub age_ms: u64,
}

/// Names a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CauseRow {
    pub rule: String,
    pub subject: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
}

/// One subject, or a kind that nobody watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectRow {
    /// `KIND/NAME`; the kind's word alone where the state is `not-configured`.
    pub id: String,
    pub kind: String,
    pub state: State,
    /// Age of the newest fact; null when there is none.
    pub age_ms: Option<u64>,
    /// Voters that an etcd cluster can still lose before its quorum is gone, at least; absent on
    /// everything else and where no member tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spare: Option<i32>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    Markdown,
    Junit,
    Prometheus,
}

/// May the text carry colours?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    #[default]
    Plain,
    Ansi,
}

/// Where text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    Terminal,
    Pipe,
}

impl Out {
    /// What this stream is.
    #[must_use]
    pub fn of(stream: &impl std::io::IsTerminal) -> Self {
        if stream.is_terminal() {
            Self::Terminal
        } else {
            Self::Pipe
        }
    }
}

impl Paint {
    /// The flag decides; left to itself, `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb` and whether it
    /// is a terminal, in this order.
    #[must_use]
    pub fn choose(when: ColorWhen, environment: &Environment, out: Out) -> Self {
        let forbidden = environment.get("NO_COLOR").is_some();
        let forced = environment
            .get("CLICOLOR_FORCE")
            .is_some_and(|value| value != "0");
        let fit = out == Out::Terminal && environment.get("TERM") != Some("dumb");
        match when {
            ColorWhen::Always => Self::Ansi,
            ColorWhen::Auto if !forbidden && (forced || fit) => Self::Ansi,
            ColorWhen::Auto | ColorWhen::Never => Self::Plain,
        }
    }
}

impl Report {
    /// Reads everything off the model and the ledger; `started` and `took` are the check's own.
    #[must_use]
    pub fn new(snap: &Snapshot, ledger: &Ledger, started: Now, took: Duration) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: instant(started.wall),
            took_ms: millis(took),
            waiting_for_second_sample: ledger.waiting_for_second_sample(),
            targets: states::targets(snap),
            findings: findings(snap, ledger),
            subjects: states::subjects(snap, ledger),
        }
    }

    /// 2 with anything critical, else 3 with anything unknown, else 1 with a warning, else 0, by
    /// the findings that nothing else explains. A target that was not heard is unknown, and so is
    /// one that fails where no finding says so.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |severity| self.count(severity) > 0;
        let told = any(Severity::Warning);
        let unheard = |target: &TargetRow| match target.state {
            State::Ok => false,
            State::Bad => target.waiting > 0 || !told,
            State::Unknown | State::NotConfigured => true,
        };
        let unheard = self.targets.is_empty() || self.targets.iter().any(unheard);
        if any(Severity::Critical) {
            CRITICAL
        } else if any(Severity::Unknown) || unheard {
            UNKNOWN
        } else {
            u8::from(any(Severity::Warning))
        }
    }

    /// Findings of one severity that nothing else explains.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let roots = self.findings.iter().filter(|row| row.cause.is_none());
        roots.filter(|row| row.severity == severity).count()
    }

    /// The counts in words: `1 critical, 0 unknown, 2 warning, 0 info (+12 folded)`.
    #[must_use]
    pub fn counts(&self) -> String {
        let folded = self.findings.iter().filter(|row| row.cause.is_some());
        let folded = match folded.count() {
            0 => String::new(),
            count => format!(" (+{count} folded)"),
        };
        format!(
            "{} critical, {} unknown, {} warning, {} info{folded}",
            self.count(Severity::Critical),
            self.count(Severity::Unknown),
            self.count(Severity::Warning),
            self.count(Severity::Info),
        )
    }

    /// The report as text in one of the formats; ends with a line break. Only [`Format::Text`]
    /// can be painted.
    #[must_use]
    pub fn render(&self, format: Format, paint: Paint) -> String {
        match format {
            Format::Text => text::render(self, paint),
            Format::Json => json::render(self),
            Format::Markdown => markdown::render(self),
            Format::Junit => junit::render(self),
            Format::Prometheus => prometheus::render(self),
        }
    }
}

/// Roots in the ledger's order, each followed by what it explains.
fn findings(snap: &Snapshot, ledger: &Ledger) -> Vec<FindingRow> {
    let mut rows = Vec::new();
    let mut seen = BTreeSet::new();
    for root in ledger.roots() {
        unfold(snap, ledger, root, 0, &mut seen, &mut rows);
    }
    // Whatever is in no tree is still told.
    for entry in ledger.entries() {
        unfold(snap, ledger, entry, 0, &mut seen, &mut rows);
    }
    rows
}

fn unfold(
    snap: &Snapshot,
    ledger: &Ledger,
    entry: &Entry,
    depth: usize,
    seen: &mut BTreeSet<FindingId>,
    rows: &mut Vec<FindingRow>,
) {
    if !seen.insert(entry.id.clone()) {
        return;
    }
    rows.push(row(snap, entry, depth));
    let mut folded: Vec<&Entry> = entry
        .folded
        .iter()
        .filter_map(|id| ledger.entry(id))
        .collect();
    folded.sort_by_key(|entry| std::cmp::Reverse(entry.effective));
    for child in folded {
        unfold(snap, ledger, child, depth + 1, seen, rows);
    }
}

fn row(snap: &Snapshot, entry: &Entry, depth: usize) -> FindingRow {
    let finding = &entry.finding;
    let evidence = finding.evidence.iter().map(|evidence| EvidenceRow {
        what: evidence.what.clone(),
        value: evidence.value.clone(),
        limit: evidence.limit.clone(),
        source: evidence.source.clone(),
        age_ms: millis(snap.now.stamp.since(evidence.at)),
    });
    // The carried word of another goes back further than the uptime that stamps count.
    let seen = snap.now.wall_at(entry.since.stamp);
    let since = finding.since.map_or(seen, |began| began.min(seen));
    let lasts = snap.now.wall.duration_since(since);
    FindingRow {
        rule: finding.rule.to_string(),
        subject: finding.subject.to_string(),
        key: finding.key.to_string(),
        severity: entry.effective,
        summary: finding.summary.clone(),
        since: instant(since),
        evidence: evidence.collect(),
        cause: entry.cause.as_ref().map(|cause| CauseRow {
            rule: cause.rule.to_string(),
            subject: cause.subject.to_string(),
            key: cause.key.to_string(),
        }),
        told: Told {
            so_what: finding.so_what.clone(),
            depth,
            lasts: Duration::try_from(lasts).unwrap_or_default(),
        },
    }
}

fn instant(at: Timestamp) -> String {
    let rounded = at.round(jiff::Unit::Millisecond).unwrap_or(at);
    rounded.to_string()
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
