//! What is asked of all findings at once: by subject, by whole, by kind, and in total. Each sum
//! moves with the finding that changed.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::file;
use super::log::Log;
use super::tally::{BySeverity, worst};
use crate::findings::ledger::Counts;
use crate::findings::{FindingId, Severity};
use crate::subject::{Subject, SubjectKind};

#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    on: FxHashMap<Subject, On>,
    /// Findings on a subject and on its parts.
    within: FxHashMap<Subject, Within>,
    /// Subjects of each kind by the worst that was found on them.
    troubled: BTreeMap<SubjectKind, BySeverity>,
    roots: BySeverity,
    log: Log,
}

#[derive(Clone, Debug, Default)]
struct On {
    ids: Vec<FindingId>,
    counts: BySeverity,
}

#[derive(Clone, Debug, Default)]
struct Within {
    count: usize,
    counts: BySeverity,
}

impl Sums {
    pub fn enter(&mut self, id: &FindingId, whole: Option<&Subject>) {
        let on = self.on.entry(id.subject.clone()).or_default();
        if on.ids.is_empty() {
            self.log.push(&id.subject);
        }
        file(&mut on.ids, id);
        for subject in std::iter::once(&id.subject).chain(whole) {
            self.within.entry(subject.clone()).or_default().count += 1;
        }
    }

    pub fn leave(&mut self, id: &FindingId, whole: Option<&Subject>) {
        if let Some(on) = self.on.get_mut(&id.subject) {
            on.ids.retain(|other| other != id);
            if on.ids.is_empty() {
                self.on.remove(&id.subject);
                self.log.push(&id.subject);
            }
        }
        for subject in std::iter::once(&id.subject).chain(whole) {
            if let Some(within) = self.within.get_mut(subject) {
                within.count -= 1;
                if within.count == 0 {
                    self.within.remove(subject);
                }
            }
        }
    }

    /// One finding is as grave as this now, and was as grave as that.
    pub fn shift(
        &mut self,
        id: &FindingId,
        whole: Option<&Subject>,
        was: Option<Severity>,
        is: Option<Severity>,
    ) {
        if was == is {
            return;
        }
        if let Some(on) = self.on.get_mut(&id.subject) {
            let before = worst(&on.counts);
            shift(&mut on.counts, was, is);
            let after = worst(&on.counts);
            let kind = self.troubled.entry(id.subject.kind).or_default();
            shift(kind, before, after);
        }
        for subject in std::iter::once(&id.subject).chain(whole) {
            if let Some(within) = self.within.get_mut(subject) {
                shift(&mut within.counts, was, is);
            }
        }
    }

    /// One root is as grave as this now, and was as grave as that; `None` for what is no root.
    pub fn root(&mut self, was: Option<Severity>, is: Option<Severity>) {
        shift(&mut self.roots, was, is);
    }

    pub fn log(&self) -> &Log {
        &self.log
    }

    pub fn on(&self, subject: &Subject) -> &[FindingId] {
        self.on.get(subject).map_or(&[], |on| on.ids.as_slice())
    }

    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.on.keys()
    }

    pub fn worst(&self, subject: &Subject) -> Option<Severity> {
        worst(&self.on.get(subject)?.counts)
    }

    pub fn worst_within(&self, subject: &Subject) -> Option<Severity> {
        worst(&self.within.get(subject)?.counts)
    }

    pub fn within(&self, subject: &Subject) -> usize {
        self.within.get(subject).map_or(0, |within| within.count)
    }

    pub fn troubled(&self, kind: SubjectKind) -> Option<(usize, Severity)> {
        let mut counts = *self.troubled.get(&kind)?;
        counts[Severity::Info as usize] = 0;
        let all: u32 = counts.iter().sum();
        Some((all as usize, worst(&counts)?))
    }

    pub fn counts(&self, all: usize) -> Counts {
        let of = |severity: Severity| self.roots[severity as usize] as usize;
        Counts {
            critical: of(Severity::Critical),
            unknown: of(Severity::Unknown),
            warning: of(Severity::Warning),
            info: of(Severity::Info),
            all,
        }
    }
}

fn shift(counts: &mut BySeverity, was: Option<Severity>, is: Option<Severity>) {
    if let Some(was) = was {
        counts[was as usize] = counts[was as usize].saturating_sub(1);
    }
    if let Some(is) = is {
        counts[is as usize] += 1;
    }
}
