//! The same fold, of all findings at once: a pure function that knows of no change. What follows
//! changes is held against it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::Entries;
use super::kin::Kin;
use crate::findings::ledger::{Counts, Entry};
use crate::findings::{Cause, FindingId, Relation, Severity};
use crate::model::Model;
use crate::subject::{Subject, SubjectKind};

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
    pub roots: Vec<FindingId>,
    pub worst: FxHashMap<Subject, Severity>,
    pub worst_within: FxHashMap<Subject, Severity>,
    /// Findings on each subject, in the order of their ids.
    pub on: FxHashMap<Subject, Vec<FindingId>>,
    /// How many findings there are on a whole and its parts.
    pub within: FxHashMap<Subject, usize>,
    /// Subjects of each kind that are worse than noteworthy, and the worst of them.
    pub troubled: BTreeMap<SubjectKind, (usize, Severity)>,
    pub counts: Counts,
}

/// Puts every finding under its cause, works out what each row stands for, and sorts the rows. The
/// places are in the order of the entries.
pub(super) fn fold(
    entries: &Entries,
    model: &Model,
    causes_of: impl Fn(&str) -> &'static [Cause],
) -> (Folded, Vec<Place>) {
    let ranked = Ranked::new(entries);
    let causes = causes(&ranked, model, causes_of);
    let mut places: Vec<Place> = ranked
        .all
        .iter()
        .zip(&causes)
        .map(|(entry, cause)| Place {
            cause: cause.map(|cause| ranked.all[cause].id.clone()),
            folded: Vec::new(),
            weight: 0,
            effective: entry.finding.severity,
            spare: entry.finding.spare,
        })
        .collect();
    for (at, entry) in ranked.all.iter().enumerate() {
        if let Some(cause) = causes[at] {
            places[cause].folded.push(entry.id.clone());
        }
        let mut above = causes[at];
        while let Some(cause) = above {
            let place = &mut places[cause];
            place.weight += 1;
            if entry.finding.severity != Severity::Unknown {
                place.effective = place.effective.max(entry.finding.severity);
            }
            place.spare = least(place.spare, entry.finding.spare);
            above = causes[cause];
        }
    }
    // What is not known counts last: it makes no known fault graver.
    for (at, entry) in ranked.all.iter().enumerate() {
        let mut above = causes[at].filter(|_| entry.finding.severity == Severity::Unknown);
        while let Some(cause) = above {
            if places[cause].effective == Severity::Info {
                places[cause].effective = Severity::Unknown;
            }
            above = causes[cause];
        }
    }
    let roots = sorted(&ranked, &places);
    let mut folded = Folded {
        counts: count(&roots, &places),
        roots: roots.iter().map(|at| ranked.all[*at].id.clone()).collect(),
        ..Folded::default()
    };
    note_worst(&ranked, &places, &mut folded);
    (folded, places)
}

/// The findings in the order of their ids (rule, subject, key), known by their number in it: a
/// number is cheap to compare and to keep, an id is not.
struct Ranked<'a> {
    all: Vec<&'a Entry>,
    by_rule: FxHashMap<&'a str, Range<usize>>,
}

impl<'a> Ranked<'a> {
    fn new(entries: &'a Entries) -> Self {
        let all: Vec<&Entry> = entries.values().collect();
        let mut by_rule: FxHashMap<&str, Range<usize>> = FxHashMap::default();
        for (at, entry) in all.iter().enumerate() {
            let range = by_rule.entry(&*entry.id.rule).or_insert(at..at);
            range.end = at + 1;
        }
        Self { all, by_rule }
    }

    fn on_any(&self, rule: &str) -> Range<usize> {
        self.by_rule.get(rule).cloned().unwrap_or_default()
    }

    /// The findings of a rule from the first subject that `is_before` refuses to the last that
    /// `is_within` takes.
    fn within(
        &self,
        rule: &str,
        is_before: impl Fn(&Subject) -> bool,
        is_within: impl Fn(&Subject) -> bool,
    ) -> Range<usize> {
        let of_rule = self.on_any(rule);
        let found = &self.all[of_rule.clone()];
        let start = found.partition_point(|entry| is_before(&entry.id.subject));
        let inside = found[start..].iter();
        let count = inside
            .take_while(|entry| is_within(&entry.id.subject))
            .count();
        of_rule.start + start..of_rule.start + start + count
    }

    fn on_subject(&self, rule: &str, subject: &Subject) -> Range<usize> {
        self.within(rule, |known| known < subject, |known| known == subject)
    }

    fn on_parts(&self, rule: &str, whole: &Subject) -> Vec<usize> {
        let kinds: &[SubjectKind] = match whole.kind {
            SubjectKind::Host => &[SubjectKind::Mount, SubjectKind::Disk, SubjectKind::Nic],
            SubjectKind::Etcd => &[SubjectKind::EtcdMember],
            // What else is in a cluster is a part of it too, and the cause of nothing beside it.
            SubjectKind::Cluster => &[SubjectKind::Node],
            _ => &[],
        };
        if kinds.is_empty() || self.on_any(rule).is_empty() {
            return Vec::new();
        }
        let prefix = format!("{}/", whole.path);
        let parts = kinds.iter().flat_map(|kind| {
            let first = Subject::new(*kind, prefix.as_str());
            self.within(
                rule,
                |known| *known < first,
                |known| known.kind == *kind && known.path.starts_with(&prefix),
            )
        });
        parts.collect()
    }
}

/// The one cause of each finding that has any. Following causes always ends: one that would close
/// a circle is not taken.
fn causes(
    ranked: &Ranked,
    model: &Model,
    causes_of: impl Fn(&str) -> &'static [Cause],
) -> Vec<Option<usize>> {
    let mut causes = vec![None; ranked.all.len()];
    for at in 0..ranked.all.len() {
        // Most causes fire nowhere: looking for them on each subject would be most of the work.
        let entry = ranked.all[at];
        let own = causes_of(&entry.id.rule).iter();
        let mut fires = own
            .chain(&entry.finding.because)
            .filter(|cause| ranked.by_rule.contains_key(cause.rule))
            .peekable();
        if fires.peek().is_none() {
            continue;
        }
        let kin = Kin::of(model, &entry.id.subject);
        causes[at] = fires.find_map(|cause| seen(ranked, &kin, at, cause, &causes));
    }
    causes
}

/// The gravest finding of the cause's rule that stands where the cause must, if any does; of those
/// on the symptom's own subject rather the one with the same key, which is about the same part.
fn seen(
    ranked: &Ranked,
    kin: &Kin,
    symptom: usize,
    cause: &Cause,
    known: &[Option<usize>],
) -> Option<usize> {
    let id = &ranked.all[symptom].id;
    let of = |subject: &Subject| ranked.on_subject(cause.rule, subject);
    let each = |subjects: &[Subject]| subjects.iter().flat_map(of).collect();
    let mut candidates: Vec<usize> = match cause.at {
        Relation::Same => of(&id.subject).collect(),
        Relation::Part => ranked.on_parts(cause.rule, &id.subject),
        Relation::Whole => match id.subject.whole() {
            Some(whole) => {
                let parts = ranked.on_parts(cause.rule, &whole);
                of(&whole).chain(parts).collect()
            }
            None => Vec::new(),
        },
        Relation::Anywhere => ranked.on_any(cause.rule).collect(),
        Relation::Host => kin.host().map_or_else(Vec::new, |host| of(host).collect()),
        Relation::Node => each(&kin.nodes(|node| !of(node).is_empty())),
        Relation::Owner => each(kin.owners()),
        Relation::Claim => each(&kin.claims()),
    };
    candidates.retain(|at| *at != symptom && !leads_to(known, *at, symptom));
    // Of equal ones the first, which is the one with the least id.
    candidates.into_iter().max_by_key(|at| {
        let entry = ranked.all[*at];
        let alike = cause.at == Relation::Same && entry.id.key == id.key;
        (alike, entry.finding.severity, Reverse(*at))
    })
}

fn leads_to(causes: &[Option<usize>], from: usize, to: usize) -> bool {
    let mut at = Some(from);
    while let Some(number) = at {
        if number == to {
            return true;
        }
        at = causes[number];
    }
    false
}

fn least(a: Option<i32>, b: Option<i32>) -> Option<i32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// What hurts most first: effective severity, redundancy that is used up, how much it explains,
/// how long it lasts.
fn sorted(ranked: &Ranked, places: &[Place]) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..places.len())
        .filter(|at| places[*at].cause.is_none())
        .collect();
    roots.sort_by_key(|at| {
        let place = &places[*at];
        let spent = place.spare.filter(|spare| *spare <= 0).unwrap_or(i32::MAX);
        // Whole seconds: what one fault broke within a second stays in the order of its names.
        let onset = ranked.all[*at].since.stamp.0 / 1_000_000_000;
        let (effective, weight) = (Reverse(place.effective), Reverse(place.weight));
        (effective, spent, weight, onset, *at)
    });
    roots
}

fn count(roots: &[usize], places: &[Place]) -> Counts {
    let mut counts = Counts {
        all: places.len(),
        ..Counts::default()
    };
    for at in roots {
        match places[*at].effective {
            Severity::Critical => counts.critical += 1,
            Severity::Unknown => counts.unknown += 1,
            Severity::Warning => counts.warning += 1,
            Severity::Info => counts.info += 1,
        }
    }
    counts
}

fn note_worst(ranked: &Ranked, places: &[Place], folded: &mut Folded) {
    for (entry, place) in ranked.all.iter().zip(places) {
        let severity = place.effective;
        let note = |map: &mut FxHashMap<Subject, Severity>, subject: Subject| {
            map.entry(subject)
                .and_modify(|worst| *worst = severity.max(*worst))
                .or_insert(severity);
        };
        let subject = &entry.id.subject;
        note(&mut folded.worst, subject.clone());
        note(&mut folded.worst_within, subject.clone());
        let on = folded.on.entry(subject.clone()).or_default();
        on.push(entry.id.clone());
        *folded.within.entry(subject.clone()).or_default() += 1;
        if let Some(whole) = subject.whole() {
            *folded.within.entry(whole.clone()).or_default() += 1;
            note(&mut folded.worst_within, whole);
        }
    }
    for (subject, severity) in &folded.worst {
        if *severity > Severity::Info {
            let (count, worst) = folded
                .troubled
                .entry(subject.kind)
                .or_insert((0, *severity));
            *count += 1;
            *worst = (*worst).max(*severity);
        }
    }
}
