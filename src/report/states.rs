//! The four states of targets and subjects, as a report tells them.

use std::collections::{BTreeMap, BTreeSet};

use super::{SubjectRow, TargetError, TargetRow, millis};
use crate::findings::{Ledger, Severity};
use crate::ids::TargetId;
use crate::model::{Feed, Snapshot, State};
use crate::observation::{Layer, Outage};
use crate::subject::{Subject, SubjectKind};

/// Kinds that a fleet may have or not; the others are parts of one of them.
const TOP: [SubjectKind; 6] = [
    SubjectKind::Host,
    SubjectKind::Cluster,
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
    let states = feeds.iter().map(|feed| match feed.state(now) {
        State::Ok if is_waiting(snap, feed) => State::Unknown,
        state => state,
    });
    // Of those that ever answered the oldest counts; what fails is in the error.
    let ages = feeds
        .iter()
        .filter_map(|feed| Some(now.since(feed.last_ok?.stamp)));
    let oldest = ages.max();
    TargetRow {
        id: id.to_string(),
        kind: id.kind.to_string(),
        state: states.max().unwrap_or(State::Unknown),
        age_ms: oldest.map(millis),
        error: error(snap, feeds),
        waiting: feeds.iter().filter(|feed| is_waiting(snap, feed)).count(),
    }
}

/// Was its first poll, or its first listing, still under way when the check ended?
fn is_waiting(snap: &Snapshot, feed: &Feed) -> bool {
    let is_listing = || {
        let kind = feed.spec.tells?;
        let cluster = snap.model.objects().cluster(&feed.spec.id.target.name)?;
        Some(!cluster.is_synced(kind) && feed.outage.is_none())
    };
    feed.last_poll.is_none() || is_listing().unwrap_or(false)
}

fn error(snap: &Snapshot, feeds: &[&Feed]) -> Option<TargetError> {
    let failing = |feed: &&Feed| match &feed.outage {
        None if is_waiting(snap, feed) => Some((
            feed.spec.id.endpoint.clone(),
            Outage::new(Layer::Timeout, "no answer before the limit of the check"),
        )),
        outage => Some((feed.spec.id.endpoint.clone(), outage.clone()?)),
    };
    let failing: Vec<_> = feeds.iter().filter_map(failing).collect();
    let (_, outage) = failing.first()?;
    let endpoints: Vec<&str> = failing.iter().map(|(endpoint, _)| &**endpoint).collect();
    let detail = match failing.as_slice() {
        [_] => outage.detail.clone(),
        several => {
            let each = several.iter();
            let each: Vec<String> = each.map(|(at, why)| format!("{at}: {why}")).collect();
            each.join("; ")
        }
    };
    Some(TargetError {
        layer: outage.layer,
        detail,
        hint: outage.hint.as_ref().map(ToString::to_string),
        endpoint: endpoints.join(", "),
    })
}

pub(super) fn subjects(snap: &Snapshot, ledger: &Ledger) -> Vec<SubjectRow> {
    let found = |severities: &[Severity]| -> BTreeSet<&Subject> {
        let entries = ledger.entries();
        let hit = entries.filter(|entry| severities.contains(&entry.effective));
        hit.map(|entry| &entry.id.subject).collect()
    };
    let bad = found(&[Severity::Critical, Severity::Warning]);
    let unknown = found(&[Severity::Unknown]);
    // Of a cluster's thousands of objects only those that somebody must look at.
    let objects: BTreeSet<&Subject> = ledger
        .entries()
        .map(|entry| &entry.id.subject)
        .filter(|subject| subject.as_object().is_some())
        .collect();
    let known = snap.model.all_subjects().chain(objects);
    let known = known.map(|subject| SubjectRow {
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
