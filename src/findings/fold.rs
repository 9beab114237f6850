//! Symptoms fold under their cause, and what remains is sorted by what it means.
//!
//! A pure function of the findings and the topology. It hides nothing: a folded finding stays in
//! the ledger, and its cause takes on its severity.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::ledger::{Counts, Entry};
use super::{Cause, FindingId, Relation, Severity};
use crate::model::Topology;
use crate::subject::{Subject, SubjectKind};

type Entries = BTreeMap<FindingId, Entry>;

/// Where one finding stands among the others.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub cause: Option<FindingId>,
    pub folded: Vec<FindingId>,
    pub weight: usize,
    pub effective: Severity,
    pub spare: Option<i32>,
}

/// The order of all findings.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    places: BTreeMap<FindingId, Place>,
    pub roots: Vec<FindingId>,
    pub worst: BTreeMap<Subject, Severity>,
    pub worst_within: BTreeMap<Subject, Severity>,
    pub counts: Counts,
}

impl Folded {
    pub fn place(&mut self, id: &FindingId) -> Place {
        self.places.remove(id).unwrap_or(Place {
            cause: None,
            folded: Vec::new(),
            weight: 0,
            effective: Severity::Unknown,
            spare: None,
        })
    }
}

/// Puts every finding under its cause, works out what each row stands for, and sorts the rows.
pub(super) fn fold(
    entries: &Entries,
    topology: &Topology,
    causes_of: impl Fn(&str) -> &'static [Cause],
) -> Folded {
    let causes = causes(entries, topology, causes_of);
    let mut places: BTreeMap<FindingId, Place> = BTreeMap::new();
    for (id, entry) in entries {
        let place = Place {
            cause: causes.get(id).cloned(),
            folded: Vec::new(),
            weight: 0,
            effective: entry.finding.severity,
            spare: entry.finding.spare,
        };
        places.insert(id.clone(), place);
    }
    for (id, entry) in entries {
        if let Some(cause) = causes.get(id).and_then(|cause| places.get_mut(cause)) {
            cause.folded.push(id.clone());
        }
        let mut above = causes.get(id);
        while let Some(place) = above.and_then(|cause| places.get_mut(cause)) {
            place.weight += 1;
            place.effective = place.effective.max(entry.finding.severity);
            place.spare = least(place.spare, entry.finding.spare);
            above = above.and_then(|cause| causes.get(cause));
        }
    }
    let mut folded = Folded {
        roots: sorted(entries, &places),
        ..Folded::default()
    };
    folded.counts = count(&folded.roots, &places);
    note_worst(entries, &mut folded);
    folded.places = places;
    folded
}

/// The one cause of each finding that has any. Following causes always ends: one that would close
/// a circle is not taken.
fn causes(
    entries: &Entries,
    topology: &Topology,
    causes_of: impl Fn(&str) -> &'static [Cause],
) -> BTreeMap<FindingId, FindingId> {
    let mut causes = BTreeMap::new();
    for id in entries.keys() {
        let found = causes_of(&id.rule)
            .iter()
            .find_map(|cause| seen(entries, topology, id, cause, &causes));
        if let Some(found) = found {
            causes.insert(id.clone(), found);
        }
    }
    causes
}

/// The gravest finding of the cause's rule that stands where the cause must, if any does.
fn seen(
    entries: &Entries,
    topology: &Topology,
    symptom: &FindingId,
    cause: &Cause,
    known: &BTreeMap<FindingId, FindingId>,
) -> Option<FindingId> {
    let of = |subject: &Subject| on_subject(entries, cause.rule, subject);
    let whole = symptom.subject.whole();
    let mut candidates: Vec<&Entry> = match cause.at {
        Relation::Same => of(&symptom.subject).collect(),
        Relation::Part => on_parts(entries, cause.rule, &symptom.subject),
        Relation::Whole => whole.iter().flat_map(of).collect(),
        Relation::Anywhere => on_any(entries, cause.rule),
        Relation::Host => topology
            .host_of(&symptom.subject)
            .into_iter()
            .flat_map(of)
            .collect(),
    };
    if cause.at == Relation::Whole
        && let Some(whole) = &whole
    {
        candidates.extend(on_parts(entries, cause.rule, whole));
    }
    candidates.retain(|entry| entry.id != *symptom && !leads_to(known, &entry.id, symptom));
    let gravest = candidates
        .into_iter()
        .max_by_key(|entry| (entry.finding.severity, Reverse(&entry.id)));
    gravest.map(|entry| entry.id.clone())
}

fn leads_to(causes: &BTreeMap<FindingId, FindingId>, from: &FindingId, to: &FindingId) -> bool {
    let mut at = Some(from);
    while let Some(id) = at {
        if id == to {
            return true;
        }
        at = causes.get(id);
    }
    false
}

fn on_subject<'a>(
    entries: &'a Entries,
    rule: &str,
    subject: &Subject,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    let first = FindingId {
        rule: rule.into(),
        subject: subject.clone(),
        key: "".into(),
    };
    let (rule, subject) = (first.rule.clone(), subject.clone());
    entries
        .range((Bound::Included(first), Bound::Unbounded))
        .take_while(move |(id, _)| id.rule == rule && id.subject == subject)
        .map(|(_, entry)| entry)
}

fn on_any<'a>(entries: &'a Entries, rule: &str) -> Vec<&'a Entry> {
    let first = FindingId {
        rule: rule.into(),
        subject: Subject::fleet(),
        key: "".into(),
    };
    let range = entries.range((Bound::Included(first), Bound::Unbounded));
    range
        .take_while(|(id, _)| &*id.rule == rule)
        .map(|(_, entry)| entry)
        .collect()
}

fn on_parts<'a>(entries: &'a Entries, rule: &str, whole: &Subject) -> Vec<&'a Entry> {
    let kinds: &[SubjectKind] = match whole.kind {
        SubjectKind::Host => &[SubjectKind::Mount, SubjectKind::Disk, SubjectKind::Nic],
        SubjectKind::Etcd => &[SubjectKind::EtcdMember],
        _ => &[],
    };
    let prefix = format!("{}/", whole.path);
    let mut found = Vec::new();
    for &kind in kinds {
        let first = FindingId {
            rule: rule.into(),
            subject: Subject::new(kind, prefix.as_str()),
            key: "".into(),
        };
        let range = entries.range((Bound::Included(first), Bound::Unbounded));
        let inside = range.take_while(|(id, _)| {
            &*id.rule == rule && id.subject.kind == kind && id.subject.path.starts_with(&prefix)
        });
        found.extend(inside.map(|(_, entry)| entry));
    }
    found
}

fn least(a: Option<i32>, b: Option<i32>) -> Option<i32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What hurts most first: effective severity, redundancy that is used up, how much it explains,
/// how long it lasts.
fn sorted(entries: &Entries, places: &BTreeMap<FindingId, Place>) -> Vec<FindingId> {
    let mut roots: Vec<_> = places
        .iter()
        .filter(|(_, place)| place.cause.is_none())
        .filter_map(|(id, place)| Some((id, place, entries.get(id)?)))
        .collect();
    roots.sort_by_key(|(id, place, entry)| {
        let spent = place.spare.filter(|spare| *spare <= 0).unwrap_or(i32::MAX);
        // Whole seconds: what one fault broke within a second stays in the order of its names.
        let onset = entry.since.stamp.0 / 1_000_000_000;
        (
            Reverse(place.effective),
            spent,
            Reverse(place.weight),
            onset,
            *id,
        )
    });
    roots.into_iter().map(|(id, ..)| id.clone()).collect()
}

fn count(roots: &[FindingId], places: &BTreeMap<FindingId, Place>) -> Counts {
    let mut counts = Counts {
        all: places.len(),
        ..Counts::default()
    };
    for place in roots.iter().filter_map(|id| places.get(id)) {
        match place.effective {
            Severity::Critical => counts.critical += 1,
            Severity::Unknown => counts.unknown += 1,
            Severity::Warning => counts.warning += 1,
            Severity::Info => counts.info += 1,
        }
    }
    counts
}

fn note_worst(entries: &Entries, folded: &mut Folded) {
    for entry in entries.values() {
        let severity = entry.finding.severity;
        let note = |map: &mut BTreeMap<Subject, Severity>, subject: &Subject| {
            map.entry(subject.clone())
                .and_modify(|worst| *worst = severity.max(*worst))
                .or_insert(severity);
        };
        note(&mut folded.worst, &entry.id.subject);
        note(&mut folded.worst_within, &entry.id.subject);
        if let Some(whole) = entry.id.subject.whole() {
            note(&mut folded.worst_within, &whole);
        }
    }
}
