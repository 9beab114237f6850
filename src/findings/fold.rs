//! Symptoms fold under their cause, and what remains is sorted by what it means.
//!
//! The fold follows what changed: a finding that comes, goes or grows graver moves itself, those
//! that it may explain, and the rows above them; the others stay as they are. It hides nothing: a
//! folded finding stays in the ledger, and its cause takes on its severity.

mod edges;
mod kin;
mod log;
mod near;
#[cfg(test)]
mod plain;
mod sums;
mod tally;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::ledger::{Counts, Entry};
use super::{Cause, FindingId, Relation, Rule, Severity};
use crate::clock::Now;
use crate::model::Model;
use crate::model::objects::Moved;
use crate::subject::{Subject, SubjectKind};
use edges::Edges;
use kin::Kin;
use sums::Sums;
use tally::Tally;

type Entries = BTreeMap<FindingId, Entry>;
/// Findings of one rule by what they are about.
type OfRule = BTreeMap<Subject, Vec<FindingId>>;

/// Where all findings stand among each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Fold {
    nodes: FxHashMap<FindingId, Node>,
    by_rule: FxHashMap<Arc<str>, OfRule>,
    edges: Edges,
    roots: BTreeSet<Rank>,
    sums: Sums,
    /// The state of the topology by which hosts were found.
    topology: u64,
}

/// One finding as it was folded last.
#[derive(Clone, Debug)]
struct Node {
    severity: Severity,
    spare: Option<i32>,
    /// When it began, in whole seconds: what one fault broke within a second stays in the order of
    /// its names.
    onset: u64,
    because: Option<Cause>,
    whole: Option<Subject>,
    cause: Option<FindingId>,
    folded: Vec<FindingId>,
    /// All that it explains, at any depth.
    below: Tally,
    shown: Option<Shown>,
}

/// What others were told of a finding.
#[derive(Clone, Debug)]
struct Shown {
    effective: Severity,
    /// Its place among the roots, if it is one.
    rank: Option<Rank>,
}

/// What hurts most first: effective severity, redundancy that is used up, how much it explains, how
/// long it lasts.
type Rank = (Reverse<Severity>, i32, Reverse<usize>, u64, FindingId);

/// The second in which a finding began, by which it is sorted.
pub(super) fn second(since: Now) -> u64 {
    since.stamp.0 / 1_000_000_000
}

impl Fold {
    pub fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        Self {
            edges: Edges::new(rules),
            ..Self::default()
        }
    }

    /// Takes in findings that came, went or changed, and objects that now stand elsewhere; writes
    /// the new places into the entries. True when any place moved.
    pub fn follow(
        &mut self,
        entries: &mut Entries,
        model: &Model,
        changed: &BTreeSet<FindingId>,
        moved: &Moved,
    ) -> bool {
        let mut touched = FxHashSet::default();
        let mut again = BTreeSet::new();
        for id in changed {
            self.renew(entries, id, &mut again, &mut touched);
        }
        if self.topology != model.topology().version() {
            self.topology = model.topology().version();
            again.extend(self.nodes.keys().cloned());
        }
        // One that went concerns more than what it explained: a workload may be explained by several
        // lost nodes together, and by none of them without the others.
        for id in changed {
            near::explained_by(self, model, id, &mut again);
        }
        near::moved(self, model, moved, &mut again);
        again.retain(|id| self.nodes.contains_key(id));
        self.seek_causes(model, again, &mut touched);
        let mut any = false;
        for id in touched {
            any |= self.show(entries, &id);
        }
        any
    }

    /// Brings one finding up to date by its entry, alone: what it explained seeks its cause anew.
    fn renew(
        &mut self,
        entries: &Entries,
        id: &FindingId,
        again: &mut BTreeSet<FindingId>,
        touched: &mut FxHashSet<FindingId>,
    ) {
        self.detach(id, touched);
        let Some(entry) = entries.get(id) else {
            self.remove(id, again, touched);
            return;
        };
        again.insert(id.clone());
        touched.insert(id.clone());
        let finding = &entry.finding;
        if let Some(cause) = finding.because {
            self.edges.learn(&id.rule, cause);
        }
        if let Some(node) = self.nodes.get_mut(id) {
            (node.severity, node.spare) = (finding.severity, finding.spare);
            (node.because, node.onset) = (finding.because, second(entry.since));
            again.extend(node.folded.iter().cloned());
            return;
        }
        let of_rule = self.by_rule.entry(id.rule.clone()).or_default();
        let on = of_rule.entry(id.subject.clone()).or_default();
        file(on, id);
        let node = Node {
            severity: finding.severity,
            spare: finding.spare,
            onset: second(entry.since),
            because: finding.because,
            whole: id.subject.whole(),
            cause: None,
            folded: Vec::new(),
            below: Tally::default(),
            shown: None,
        };
        self.sums.enter(id, node.whole.as_ref());
        self.nodes.insert(id.clone(), node);
    }

    fn remove(
        &mut self,
        id: &FindingId,
        again: &mut BTreeSet<FindingId>,
        touched: &mut FxHashSet<FindingId>,
    ) {
        let folded = self.nodes.get(id).map(|node| node.folded.clone());
        for child in folded.into_iter().flatten() {
            self.detach(&child, touched);
            again.insert(child);
        }
        touched.remove(id);
        let Some(node) = self.nodes.remove(id) else {
            return;
        };
        if let Some(shown) = node.shown {
            self.sums
                .shift(id, node.whole.as_ref(), Some(shown.effective), None);
            if let Some(rank) = shown.rank {
                self.sums.root(Some(shown.effective), None);
                self.roots.remove(&rank);
            }
        }
        self.sums.leave(id, node.whole.as_ref());
        if let Some(of_rule) = self.by_rule.get_mut(&id.rule) {
            if let Some(on) = of_rule.get_mut(&id.subject) {
                on.retain(|other| other != id);
                if on.is_empty() {
                    of_rule.remove(&id.subject);
                }
            }
            if of_rule.is_empty() {
                self.by_rule.remove(&id.rule);
            }
        }
    }

    /// Finds the cause of each of these anew. Following causes always ends: one that would close a
    /// circle is not taken, and which one that is depends on all findings of the rules that may go
    /// round in it, in the order of their ids.
    fn seek_causes(
        &mut self,
        model: &Model,
        mut again: BTreeSet<FindingId>,
        touched: &mut FxHashSet<FindingId>,
    ) {
        let circles: BTreeSet<usize> = again
            .iter()
            .filter_map(|id| self.edges.circle(&id.rule))
            .collect();
        let in_one = |rule: &str| {
            let circle = self.edges.circle(rule);
            circle.is_some_and(|circle| circles.contains(&circle))
        };
        let turning = self.by_rule.iter().filter(|(rule, _)| in_one(rule));
        let turning: Vec<FindingId> = turning
            .flat_map(|(_, of_rule)| of_rule.values().flatten())
            .cloned()
            .collect();
        for id in &turning {
            self.detach(id, touched);
        }
        again.extend(turning);
        for id in again {
            let cause = self.cause_of(model, &id);
            if self.nodes.get(&id).is_some_and(|node| node.cause != cause) {
                self.detach(&id, touched);
                if let Some(cause) = cause {
                    self.attach(&id, cause, touched);
                }
            }
        }
    }

    fn cause_of(&self, model: &Model, id: &FindingId) -> Option<FindingId> {
        // Most causes fire nowhere: looking for them on each subject would be most of the work.
        let own = self.edges.causes_of(&id.rule).iter();
        let because = self.nodes.get(id).and_then(|node| node.because.as_ref());
        let mut fires = own
            .chain(because)
            .filter_map(|cause| Some((cause.at, self.by_rule.get(cause.rule)?)))
            .peekable();
        fires.peek()?;
        let kin = Kin::of(model, &id.subject);
        fires.find_map(|(at, of_rule)| self.seen(&kin, id, at, of_rule).cloned())
    }

    /// The gravest finding of the cause's rule that stands where the cause must, if any does; of
    /// those on the symptom's own subject rather the one with the same key, which is about the same
    /// part.
    fn seen<'a>(
        &'a self,
        kin: &Kin,
        symptom: &FindingId,
        at: Relation,
        of_rule: &'a OfRule,
    ) -> Option<&'a FindingId> {
        let each =
            |subjects: &[Subject]| subjects.iter().flat_map(|s| near::on(of_rule, s)).collect();
        let subject = &symptom.subject;
        let candidates: Vec<&FindingId> = match at {
            Relation::Same => near::on(of_rule, subject).iter().collect(),
            Relation::Part => near::on_parts(of_rule, subject).collect(),
            Relation::Whole => match subject.whole() {
                Some(whole) => {
                    let parts = near::on_parts(of_rule, &whole);
                    near::on(of_rule, &whole).iter().chain(parts).collect()
                }
                None => Vec::new(),
            },
            Relation::Anywhere => of_rule.values().flatten().collect(),
            Relation::Host => kin
                .host()
                .into_iter()
                .flat_map(|host| near::on(of_rule, host))
                .collect(),
            Relation::Node => each(&kin.nodes(|node| of_rule.contains_key(node))),
            Relation::Owner => each(kin.owners()),
            Relation::Claim => each(&kin.claims()),
        };
        let may = candidates
            .into_iter()
            .filter(|id| !self.leads_to(id, symptom));
        // Of equal ones the first, which is the one with the least id.
        may.max_by_key(|id| {
            let alike = at == Relation::Same && id.key == symptom.key;
            let severity = self.nodes.get(*id).map(|node| node.severity);
            (alike, severity, Reverse(*id))
        })
    }

    fn leads_to(&self, from: &FindingId, to: &FindingId) -> bool {
        let up = |id: &&FindingId| self.nodes.get(*id)?.cause.as_ref();
        std::iter::successors(Some(from), up).any(|id| id == to)
    }

    fn detach(&mut self, id: &FindingId, touched: &mut FxHashSet<FindingId>) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        let Some(cause) = node.cause.take() else {
            return;
        };
        let mut tally = node.below.clone();
        tally.add(node.severity, node.spare);
        touched.insert(id.clone());
        if let Some(above) = self.nodes.get_mut(&cause) {
            above.folded.retain(|other| other != id);
        }
        self.up(cause, touched, |below| below.take(&tally));
    }

    fn attach(&mut self, id: &FindingId, cause: FindingId, touched: &mut FxHashSet<FindingId>) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        node.cause = Some(cause.clone());
        let mut tally = node.below.clone();
        tally.add(node.severity, node.spare);
        touched.insert(id.clone());
        if let Some(above) = self.nodes.get_mut(&cause) {
            file(&mut above.folded, id);
        }
        self.up(cause, touched, |below| below.join(&tally));
    }

    /// Changes what a finding and all above it explain.
    fn up(
        &mut self,
        from: FindingId,
        touched: &mut FxHashSet<FindingId>,
        change: impl Fn(&mut Tally),
    ) {
        let mut at = Some(from);
        while let Some(id) = at {
            let Some(node) = self.nodes.get_mut(&id) else {
                return;
            };
            change(&mut node.below);
            let above = node.cause.clone();
            touched.insert(id);
            at = above;
        }
    }

    /// Tells the place of a finding where it moved.
    fn show(&mut self, entries: &mut Entries, id: &FindingId) -> bool {
        let (Some(node), Some(entry)) = (self.nodes.get_mut(id), entries.get_mut(id)) else {
            return false;
        };
        let effective = node.below.with(node.severity);
        let spare = node.below.least(node.spare);
        let weight = node.below.count();
        let rank = node.cause.is_none().then(|| {
            let spent = spare.filter(|spare| *spare <= 0).unwrap_or(i32::MAX);
            let (graver, heavier) = (Reverse(effective), Reverse(weight));
            (graver, spent, heavier, node.onset, id.clone())
        });
        let shown = Shown { effective, rank };
        let before = node.shown.replace(shown.clone());
        let was = before.as_ref().map(|shown| shown.effective);
        self.sums
            .shift(id, node.whole.as_ref(), was, Some(effective));
        let root = |shown: &Shown| shown.rank.is_some().then_some(shown.effective);
        self.sums.root(before.as_ref().and_then(root), root(&shown));
        let rank_before = before.and_then(|shown| shown.rank);
        let mut any = rank_before != shown.rank;
        if any {
            if let Some(rank) = rank_before {
                self.roots.remove(&rank);
            }
            self.roots.extend(shown.rank);
        }
        let place = (entry.weight, entry.effective, entry.spare);
        any |= place != (weight, effective, spare);
        (entry.weight, entry.effective, entry.spare) = (weight, effective, spare);
        if entry.cause != node.cause {
            entry.cause.clone_from(&node.cause);
            any = true;
        }
        if entry.folded != node.folded {
            entry.folded.clone_from(&node.folded);
            any = true;
        }
        any
    }
}

/// What may be asked at any time.
impl Fold {
    pub fn roots(&self) -> impl Iterator<Item = &FindingId> {
        self.roots.iter().map(|(.., id)| id)
    }

    /// Findings on a subject, in the order of their ids.
    pub fn on(&self, subject: &Subject) -> &[FindingId] {
        self.sums.on(subject)
    }

    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.sums.subjects()
    }

    /// What came and went among the subjects.
    pub fn log(&self) -> &log::Log {
        self.sums.log()
    }

    pub fn worst(&self, subject: &Subject) -> Option<Severity> {
        self.sums.worst(subject)
    }

    pub fn worst_within(&self, subject: &Subject) -> Option<Severity> {
        self.sums.worst_within(subject)
    }

    /// How many findings there are on a whole and its parts.
    pub fn within(&self, subject: &Subject) -> usize {
        self.sums.within(subject)
    }

    /// Subjects of a kind that are worse than noteworthy, and the worst of them.
    pub fn troubled(&self, kind: SubjectKind) -> Option<(usize, Severity)> {
        self.sums.troubled(kind)
    }

    pub fn counts(&self) -> Counts {
        self.sums.counts(self.nodes.len())
    }
}

/// Puts an id into a list that is in order.
fn file(list: &mut Vec<FindingId>, id: &FindingId) {
    if let Err(at) = list.binary_search(id) {
        list.insert(at, id.clone());
    }
}
