//! Findings over time: which fire, since when, what became of them, and what cannot be known.
//!
//! The ledger runs the rules on the subjects that moved and on no others, and keeps what they
//! said. It never judges by itself: its two own rules only say that a rule could not.

mod crash;
mod doubts;
mod flips;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub use crash::RULE_CRASHED;
pub use doubts::NOT_KNOWN;
use doubts::{Shade, shade};
use flips::Flips;

use super::fold::{Fold, second};
use super::{Finding, FindingId, RULES, Rule, Severity, Verdict};
use crate::clock::{Now, Stamp};
use crate::model::{Doubt, Model, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// Ended findings that are remembered.
const REMEMBERED: usize = 200;

/// Rules on the whole fleet compare many subjects, so they run at most this often.
const FLEET_PERIOD: Duration = Duration::from_secs(1);

/// Place of the doubts among a subject's verdicts, behind all real rules.
const DOUBTS: usize = usize::MAX;

/// A finding that fires, and its place among the others.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: FindingId,
    pub finding: Finding,
    /// When it began to fire, by the finding's own word if that is earlier; kept while evidence
    /// and severity change.
    pub since: Now,
    /// How often it went on or off in the last 15 minutes.
    pub flips: u32,
    /// The finding that explains this one.
    pub cause: Option<FindingId>,
    /// Findings that this one explains directly.
    pub folded: Vec<FindingId>,
    /// How many findings it explains, at any depth.
    pub weight: usize,
    /// The worst of itself and all that it explains.
    pub effective: Severity,
    /// The least spare of itself and all that it explains.
    pub spare: Option<i32>,
    /// Rule and origin of every verdict that says it.
    holders: Vec<(usize, Subject)>,
}

impl Entry {
    /// One that stands alone.
    pub(super) fn new(finding: Finding, since: Now) -> Self {
        Self {
            id: finding.id(),
            since,
            flips: 0,
            cause: None,
            folded: Vec::new(),
            weight: 0,
            effective: finding.severity,
            spare: finding.spare,
            holders: Vec::new(),
            finding,
        }
    }

    /// Four changes in 15 minutes: a state that nobody should be told about one by one.
    #[must_use]
    pub fn is_flapping(&self) -> bool {
        self.flips >= 4
    }
}

/// A finding that no longer fires.
#[derive(Clone, Debug)]
pub struct Past {
    pub finding: Finding,
    pub since: Now,
    pub until: Now,
    pub ended: Ended,
}

/// Why a finding stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The rule looked and found it well.
    Cleared,
    /// It can no longer be told: not a recovery.
    Undecided,
    /// The subject is gone.
    Vanished,
}

/// Roots by effective severity, and how many findings there are with what they fold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub critical: usize,
    pub unknown: usize,
    pub warning: usize,
    pub info: usize,
    pub all: usize,
}

/// What a rule has cost, where the ledger was given a timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub runs: u64,
    pub spent: Duration,
    pub longest: Duration,
}

/// What one rule said about one subject.
#[derive(Clone, Debug, Default)]
struct Held {
    ids: Vec<FindingId>,
    doubt: Option<(Doubt, Shade)>,
    /// What fired before the doubt, so that it keeps its age when it is seen again.
    suspended: Vec<(FindingId, Now)>,
}

#[derive(Clone, Debug, Default)]
struct Change {
    any: bool,
    /// Findings that came, went, or must be folded elsewhere.
    folds: BTreeSet<FindingId>,
}

/// All verdicts, and the findings in them.
#[derive(Clone, Debug)]
pub struct Ledger {
    rules: &'static [&'static Rule],
    by_kind: BTreeMap<SubjectKind, Vec<usize>>,
    verdicts: BTreeMap<Subject, BTreeMap<usize, Held>>,
    entries: BTreeMap<FindingId, Entry>,
    fold: Fold,
    recent: VecDeque<Past>,
    flips: Flips,
    second_samples: usize,
    waiting: usize,
    due_on_fleet: BTreeSet<usize>,
    fleet_at: Option<Stamp>,
    timer: Option<fn() -> Stamp>,
    costs: Vec<Cost>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::with_rules(RULES)
    }
}

impl Ledger {
    /// A ledger over other rules than [`RULES`]: fewer of them, or a test's own.
    #[must_use]
    pub fn with_rules(rules: &'static [&'static Rule]) -> Self {
        let mut by_kind: BTreeMap<SubjectKind, Vec<usize>> = BTreeMap::new();
        for (index, rule) in rules.iter().enumerate() {
            for kind in rule.on {
                by_kind.entry(*kind).or_default().push(index);
            }
        }
        let own: [&'static Rule; 2] = [&NOT_KNOWN, &RULE_CRASHED];
        let all = rules.iter().copied().chain(own);
        Self {
            rules,
            by_kind,
            verdicts: BTreeMap::new(),
            entries: BTreeMap::new(),
            fold: Fold::new(all),
            recent: VecDeque::new(),
            flips: Flips::default(),
            second_samples: 0,
            waiting: 0,
            due_on_fleet: BTreeSet::new(),
            fleet_at: None,
            timer: None,
            costs: vec![Cost::default(); rules.len()],
        }
    }

    /// Measures what each rule costs with a clock of the caller's.
    #[must_use]
    pub fn timed_by(mut self, timer: fn() -> Stamp) -> Self {
        self.timer = Some(timer);
        self
    }

    /// Judges what moved since the last run; true when anything that can be seen changed. Rules on
    /// the fleet are held back while changes follow each other within a second; a run that finds
    /// nothing new catches up on them.
    pub fn run(&mut self, model: &mut Model, now: Now) -> bool {
        let moved = model.take_dirty();
        let around = model.take_moved_kin();
        let mut dirty = widen(model, moved);
        self.ask_again(model, &mut dirty);
        let snap = model.snapshot(now);
        let mut change = Change::default();
        // Clusters last: what they tell of a silent watch names what its objects lost.
        let (clusters, others): (Vec<&Subject>, Vec<&Subject>) =
            dirty.iter().partition(|s| s.kind == SubjectKind::Cluster);
        for subject in others.into_iter().chain(clusters) {
            self.note_for_fleet(model, subject);
            self.visit(&snap, subject, &mut change);
        }
        let rested = self
            .fleet_at
            .is_none_or(|at| now.stamp.since(at) >= FLEET_PERIOD);
        if !self.due_on_fleet.is_empty() && (rested || dirty.is_empty()) {
            self.fleet_at = Some(now.stamp);
            let due = std::mem::take(&mut self.due_on_fleet);
            self.judge(&snap, &Subject::fleet(), due, &mut change);
        }
        change.any |= self.forget_flips(now.stamp);
        let folds = change.folds;
        let folded = self.fold.follow(&mut self.entries, model, &folds, &around);
        change.any || folded || !folds.is_empty()
    }

    /// A verdict of one subject that stands on another is judged again when the other moves:
    /// that Prometheus cannot scrape a host, when the host falls silent.
    fn ask_again(&self, model: &Model, dirty: &mut BTreeSet<Subject>) {
        let moved = dirty.iter().flat_map(|subject| self.found_on(subject));
        let origins: Vec<Subject> = moved
            .flat_map(|entry| entry.holders.iter().map(|(_, origin)| origin))
            .filter(|origin| origin.kind != SubjectKind::Fleet && model.contains(origin))
            .cloned()
            .collect();
        dirty.extend(origins);
    }

    /// Remembers which rules on the fleet a moved subject concerns: those whose facts it carries.
    /// Objects carry none, and come and go by the thousand.
    fn note_for_fleet(&mut self, model: &Model, subject: &Subject) {
        if subject.as_object().is_some() {
            return;
        }
        let gone = !model.contains(subject);
        for &index in self.by_kind.get(&SubjectKind::Fleet).into_iter().flatten() {
            let needs = self.rules[index].needs;
            let concerned =
                gone || needs.is_empty() || needs.iter().any(|kind| model.carries(subject, *kind));
            if concerned {
                self.due_on_fleet.insert(index);
            }
        }
    }

    fn visit(&mut self, snap: &Snapshot, subject: &Subject, change: &mut Change) {
        if !snap.model.contains(subject) {
            self.forget(subject, snap.now, change);
        } else if let Some(doubt) = doubts::of_object(snap, subject) {
            self.suspend(snap, subject, &doubt, change);
        } else if subject.kind != SubjectKind::Fleet {
            let due = self.by_kind.get(&subject.kind).cloned().unwrap_or_default();
            self.judge(snap, subject, due, change);
        }
    }

    /// The watch that told an object is silent: no rule can judge it, so none is asked. Of
    /// thousands of objects only those that something was held about are touched.
    fn suspend(&mut self, snap: &Snapshot, object: &Subject, doubt: &Doubt, change: &mut Change) {
        let held = self.verdicts.get(object).into_iter().flatten();
        let held: Vec<usize> = held.map(|(index, _)| *index).collect();
        for index in held {
            let verdict = match index {
                DOUBTS => Verdict::Clear,
                _ => Verdict::Undecided(doubt.clone()),
            };
            self.settle(index, snap, object, verdict, change);
        }
    }

    fn judge(
        &mut self,
        snap: &Snapshot,
        subject: &Subject,
        due: impl IntoIterator<Item = usize>,
        change: &mut Change,
    ) {
        for index in due {
            let verdict = self.check(index, snap, subject);
            self.settle(index, snap, subject, verdict, change);
        }
        let unknown = self
            .verdicts
            .get(subject)
            .and_then(|held| self.not_known(held, snap, subject));
        let mut unknown: Vec<Finding> = unknown.into_iter().collect();
        if subject.kind == SubjectKind::Cluster {
            unknown.extend(self.not_told(snap, subject));
        }
        self.settle(DOUBTS, snap, subject, unknown.into(), change);
    }

    fn check(&mut self, index: usize, snap: &Snapshot, subject: &Subject) -> Verdict {
        let began = self.timer.map(|timer| timer());
        let verdict = crash::guarded(self.rules[index], snap, subject);
        let cost = &mut self.costs[index];
        cost.runs += 1;
        if let (Some(timer), Some(began)) = (self.timer, began) {
            let took = timer().since(began);
            cost.spent += took;
            cost.longest = cost.longest.max(took);
        }
        verdict
    }

    /// Enters one verdict in place of what the same rule said of the same subject before.
    fn settle(
        &mut self,
        index: usize,
        snap: &Snapshot,
        origin: &Subject,
        verdict: Verdict,
        change: &mut Change,
    ) {
        let before = self
            .verdicts
            .get_mut(origin)
            .and_then(|held| held.remove(&index))
            .unwrap_or_default();
        let mut after = Held::default();
        let mut ended = Ended::Cleared;
        match verdict {
            Verdict::Firing(findings) => {
                for finding in findings {
                    let id = finding.id();
                    let since = before.suspended.iter().find(|(was, _)| *was == id);
                    let since = since.map_or(snap.now, |(_, since)| *since);
                    self.enter(finding, (index, origin), since, snap.now, change);
                    if !after.ids.contains(&id) {
                        after.ids.push(id);
                    }
                }
            }
            Verdict::Undecided(doubt) => {
                ended = Ended::Undecided;
                after.suspended.clone_from(&before.suspended);
                let held = before.ids.iter().filter_map(|id| self.entries.get(id));
                after
                    .suspended
                    .extend(held.map(|e| (e.id.clone(), e.since)));
                let shade = shade(&doubt, snap.model, origin);
                after.doubt = Some((doubt, shade));
            }
            Verdict::Clear | Verdict::NotApplicable => {}
        }
        self.tally(&before, &after);
        change.any |= before.doubt != after.doubt;
        for id in before.ids.iter().filter(|id| !after.ids.contains(id)) {
            self.leave(id, (index, origin), ended, snap.now, change);
        }
        if !after.ids.is_empty() || after.doubt.is_some() {
            let held = self.verdicts.entry(origin.clone()).or_default();
            held.insert(index, after);
        } else if self.verdicts.get(origin).is_some_and(BTreeMap::is_empty) {
            self.verdicts.remove(origin);
        }
    }

    fn enter(
        &mut self,
        finding: Finding,
        holder: (usize, &Subject),
        since: Now,
        now: Now,
        change: &mut Change,
    ) {
        let id = finding.id();
        if let Some(entry) = self.entries.get_mut(&id) {
            let was = &entry.finding;
            let moved = was.severity != finding.severity
                || was.spare != finding.spare
                || was.because != finding.because;
            let since = onset(entry.since, &finding, now);
            if moved || second(since) != second(entry.since) {
                change.folds.insert(id);
            }
            entry.since = since;
            change.any |= moved || !entry.finding.says_as(&finding);
            entry.finding = finding;
            if !entry.holders.iter().any(|(i, s)| (*i, s) == holder) {
                entry.holders.push((holder.0, holder.1.clone()));
            }
            return;
        }
        // What comes back out of a doubt did not flip: nobody saw it well in between.
        if since == now {
            self.flips.note(&id, now.stamp);
        }
        let since = onset(since, &finding, now);
        let entry = Entry {
            flips: self.flips.count(&id),
            holders: vec![(holder.0, holder.1.clone())],
            ..Entry::new(finding, since)
        };
        change.folds.insert(id.clone());
        self.entries.insert(id, entry);
    }

    fn leave(
        &mut self,
        id: &FindingId,
        holder: (usize, &Subject),
        ended: Ended,
        now: Now,
        change: &mut Change,
    ) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        entry.holders.retain(|(i, s)| (*i, s) != holder);
        if !entry.holders.is_empty() {
            return;
        }
        change.folds.insert(id.clone());
        if ended == Ended::Cleared {
            self.flips.note(id, now.stamp);
        }
        if let Some(entry) = self.entries.remove(id) {
            self.recent.push_front(Past {
                finding: entry.finding,
                since: entry.since,
                until: now,
                ended,
            });
            self.recent.truncate(REMEMBERED);
        }
    }

    /// Drops every verdict on a subject that is no more.
    fn forget(&mut self, subject: &Subject, now: Now, change: &mut Change) {
        for (index, held) in self.verdicts.remove(subject).unwrap_or_default() {
            self.tally(&held, &Held::default());
            change.any |= held.doubt.is_some();
            for id in &held.ids {
                self.leave(id, (index, subject), Ended::Vanished, now, change);
            }
        }
    }

    fn forget_flips(&mut self, now: Stamp) -> bool {
        let fewer = self.flips.forget(now);
        for id in &fewer {
            let flips = self.flips.count(id);
            if let Some(entry) = self.entries.get_mut(id) {
                entry.flips = flips;
            }
        }
        !fewer.is_empty()
    }
}

impl Ledger {
    /// Findings that nothing else explains, the gravest first; equal ones keep their order.
    #[must_use]
    pub fn roots(&self) -> Vec<&Entry> {
        let roots = self.fold.roots();
        roots.filter_map(|id| self.entries.get(id)).collect()
    }

    #[must_use]
    pub fn entry(&self, id: &FindingId) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Every finding that fires, by rule, subject and key.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Everything that a finding explains, at any depth, in order of depth.
    #[must_use]
    pub fn under(&self, id: &FindingId) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = Vec::new();
        let mut next = 0;
        let mut parent = self.entries.get(id);
        while let Some(entry) = parent {
            found.extend(entry.folded.iter().filter_map(|id| self.entries.get(id)));
            parent = found.get(next).copied();
            next += 1;
        }
        found
    }

    /// The worst severity found on this very subject.
    #[must_use]
    pub fn on(&self, subject: &Subject) -> Option<Severity> {
        self.fold.worst(subject)
    }

    /// Every subject that something was found on, in no order.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.fold.subjects()
    }

    /// How often a subject was the first time found to have a problem, or found to be well again.
    #[must_use]
    pub fn found_until(&self) -> u64 {
        self.fold.log().until()
    }

    /// Subjects that problems came to or left after so many such changes; `None` where that is too
    /// long ago.
    #[must_use]
    pub fn found_since(&self, seen: u64) -> Option<impl Iterator<Item = &Subject>> {
        self.fold.log().since(seen)
    }

    /// The worst severity found on this subject or a part of it.
    #[must_use]
    pub fn within(&self, subject: &Subject) -> Option<Severity> {
        self.fold.worst_within(subject)
    }

    /// Findings on this very subject, by rule and key.
    pub fn found_on(&self, subject: &Subject) -> impl Iterator<Item = &Entry> {
        let ids = self.fold.on(subject).iter();
        ids.filter_map(|id| self.entries.get(id))
    }

    /// How many findings there are on a subject and its parts.
    #[must_use]
    pub fn count_within(&self, subject: &Subject) -> usize {
        self.fold.within(subject)
    }

    /// Subjects of a kind that are worse than noteworthy, and the worst severity among them.
    #[must_use]
    pub fn troubled(&self, kind: SubjectKind) -> Option<(usize, Severity)> {
        self.fold.troubled(kind)
    }

    #[cfg(test)]
    pub(super) fn fold(&self) -> &Fold {
        &self.fold
    }

    #[must_use]
    pub fn counts(&self) -> Counts {
        self.fold.counts()
    }

    /// Findings that ended, the latest first.
    pub fn recent(&self) -> impl Iterator<Item = &Past> {
        self.recent.iter()
    }

    /// What cannot be decided about a subject, and why.
    pub fn undecided(&self, subject: &Subject) -> impl Iterator<Item = (&'static str, &Doubt)> {
        let held = self.verdicts.get(subject).into_iter().flatten();
        held.filter_map(|(index, held)| {
            let rule = self.rules.get(*index)?;
            held.doubt.as_ref().map(|(doubt, _)| (rule.id, doubt))
        })
    }

    /// Checks that only need one more poll, because they judge a rate.
    #[must_use]
    pub fn waiting_for_second_sample(&self) -> usize {
        self.second_samples
    }

    /// Checks that wait for the first answer of a feed that was not polled yet.
    #[must_use]
    pub fn waiting_for_first_answer(&self) -> usize {
        self.waiting
    }

    /// What each rule has cost; the spans stay zero without a timer.
    pub fn costs(&self) -> impl Iterator<Item = (&'static str, &Cost)> {
        self.rules.iter().map(|rule| rule.id).zip(&self.costs)
    }
}

/// The earlier of when it was first seen here and when it began by the word of whoever told it.
/// The stamp goes back as far as this machine has been up; the wall time goes back all the way.
fn onset(seen: Now, finding: &Finding, now: Now) -> Now {
    let Some(wall) = finding.since.filter(|began| *began < seen.wall) else {
        return seen;
    };
    let span = Duration::try_from(now.wall.duration_since(wall)).unwrap_or_default();
    let stamp = (now.stamp - span).min(seen.stamp);
    Now { stamp, wall }
}

/// The subjects to judge: those that moved; the whole of each, whose verdicts count its parts; and
/// what a failing feed speaks for, so that the age in its doubts moves with each failed poll.
fn widen(model: &Model, dirty: BTreeSet<Subject>) -> BTreeSet<Subject> {
    let mut wide = dirty;
    let silent: Vec<Subject> = wide
        .iter()
        .filter_map(|subject| model.feed_of(subject))
        .filter(|feed| feed.outage.is_some())
        .map(|feed| feed.subject().clone())
        .collect();
    wide.extend(silent);
    // A cluster does not count its objects each time one of them moves: what it must know of them
    // marks it by itself.
    let parts = wide.iter().filter(|subject| subject.as_object().is_none());
    let wholes: Vec<Subject> = parts.filter_map(Subject::whole).collect();
    wide.extend(wholes.into_iter().filter(|whole| model.contains(whole)));
    wide
}
