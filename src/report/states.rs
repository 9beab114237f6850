//! The four states of targets and subjects, as a report tells them.

use std::collections::{BTreeMap, BTreeSet};

use super::{SubjectRow, TargetError, TargetRow, millis};
use crate::findings::{Ledger, Severity};
use crate::ids::TargetId;
use crate::model::{Feed, Snapshot, State};
use crate::subject::{Subject, SubjectKind};

/// Kinds that a fleet may have or not; the others are parts of one of them.
const TOP: [SubjectKind; 5] = [
    SubjectKind::Host,
    SubjectKind::Etcd,
    SubjectKind::Prometheus,
    SubjectKind::Alertmanager,
    SubjectKind::Sntp,
];

pub(super) fn targets(snap: &Snapshot) -> Vec<TargetRow> {
    let mut by_target: BTreeMap<&TargetId, Vec<&Feed>> = BTreeMap::new();
    for feed in snap.model.feeds() {
        by_target
            .entry(&feed.spec.id.target)
            .or_default()
            .push(feed);
    }
    let mut rows: Vec<TargetRow> = by_target
        .into_iter()
        .map(|(id, feeds)| target(snap, id, &feeds))
        .collect();
    // Stable: equal states stay in the order of their names.
    rows.sort_by_key(|row| std::cmp::Reverse(row.state));
    rows
}

fn target(snap: &Snapshot, id: &TargetId, feeds: &[&Feed]) -> TargetRow {
    let now = snap.now.stamp;
    let states = feeds.iter().map(|feed| feed.state(now));
    // The oldest answer counts, and one that never came is older than all.
    let ages = feeds
        .iter()
        .map(|feed| Some(now.since(feed.last_ok?.stamp)));
    let oldest = ages
        .collect::<Option<Vec<_>>>()
        .and_then(|ages| ages.into_iter().max());
    TargetRow {
        id: id.to_string(),
        kind: id.kind.to_string(),
        state: states.max().unwrap_or(State::Unknown),
        age_ms: oldest.map(millis),
        error: error(feeds),
    }
}

fn error(feeds: &[&Feed]) -> Option<TargetError> {
    let failing: Vec<&Feed> = feeds
        .iter()
        .filter(|feed| feed.outage.is_some())
        .copied()
        .collect();
    let outage = failing.first()?.outage.as_ref()?;
    let endpoints: Vec<&str> = failing.iter().map(|feed| &*feed.spec.id.endpoint).collect();
    Some(TargetError {
        layer: outage.layer,
        detail: outage.detail.clone(),
        hint: outage.hint.as_ref().map(ToString::to_string),
        endpoint: endpoints.join(", "),
    })
}

pub(super) fn subjects(snap: &Snapshot, ledger: &Ledger) -> Vec<SubjectRow> {
    let found = |severities: &[Severity]| -> BTreeSet<&Subject> {
        let entries = ledger.entries().map(|entry| &entry.finding);
        let hit = entries.filter(|finding| severities.contains(&finding.severity));
        hit.map(|finding| &finding.subject).collect()
    };
    let bad = found(&[Severity::Critical, Severity::Warning]);
    let unknown = found(&[Severity::Unknown]);
    let known = snap.model.all_subjects().map(|subject| SubjectRow {
        id: subject.to_string(),
        kind: kind_word(subject.kind),
        state: if bad.contains(subject) {
            State::Bad
        } else if unknown.contains(subject) {
            State::Unknown
        } else {
            snap.known(subject)
        },
        age_ms: snap.age(subject).map(|(age, _)| millis(age)),
        spare: spare(snap, subject),
    });
    let absent = TOP.into_iter().filter(|kind| !snap.is_configured(*kind));
    let absent = absent.map(|kind| SubjectRow {
        id: kind.word().to_owned(),
        kind: kind_word(kind),
        state: State::NotConfigured,
        age_ms: None,
        spare: None,
    });
    known.chain(absent).collect()
}

fn spare(snap: &Snapshot, subject: &Subject) -> Option<i32> {
    if subject.kind != SubjectKind::Etcd {
        return None;
    }
    Some(snap.quorum(subject).ok()?.spare_at_least())
}

/// The kind as it serialises: `etcd-member` is told apart from `etcd`.
fn kind_word(kind: SubjectKind) -> String {
    let value = serde_json::to_value(kind).ok();
    let word = value.as_ref().and_then(|value| value.as_str());
    word.unwrap_or(kind.word()).to_owned()
}

/// A state in the words of the machine-readable formats.
pub(super) fn word(state: State) -> &'static str {
    match state {
        State::NotConfigured => "not-configured",
        state => state.word(),
    }
}

/// A severity in the words of the machine-readable formats.
pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Unknown => "unknown",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
