//! The audit as the console knows it: what was done, how it stands, what was never taken back.
//!
//! Built from records in their order; it never changes one and judges nothing by guess: an action
//! without an end is unknown until somebody has looked at the object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::record::{ActionId, Ended, Found, Kind, Record};
use super::{Action, action};
use crate::objects::Object;
use crate::subject::Subject;

/// Everything that was recorded, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    acts: BTreeMap<ActionId, Act>,
    /// What belongs to no action: arming, refusals.
    others: Vec<Record>,
    /// Numbers of all records that are known: they may come out of their order.
    known: BTreeSet<u64>,
    /// Under way in another midwatch that is alive.
    busy: BTreeSet<ActionId>,
    /// Why it cannot be read or written.
    pub trouble: Option<Arc<str>>,
    /// How its chain is broken, and the way out. It lasts: writing another record mends nothing.
    pub damage: Option<Arc<str>>,
}

/// For who looks at a model alone: nothing was done.
pub static NOTHING: Trail = Trail {
    acts: BTreeMap::new(),
    others: Vec::new(),
    known: BTreeSet::new(),
    busy: BTreeSet::new(),
    trouble: None,
    damage: None,
};

/// One run of an action: its intent and all that followed.
#[derive(Clone, Debug)]
pub struct Act {
    pub id: ActionId,
    pub intent: Record,
    pub later: Vec<Record>,
}

/// How a run stands by what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// No word on how it ended.
    Open,
    /// Nothing was sent.
    NotSent,
    /// The API server said no.
    Refused,
    /// The API server said yes; not seen yet.
    Accepted,
    /// The API server said yes, and the next observation too.
    Confirmed,
    /// The API server said yes, but no observation did in time.
    NotSeen,
    /// Found out by looking.
    Resolved(Found),
    /// It was so, and later it was not, without midwatch.
    Undone,
}

impl Standing {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Open => "UNKNOWN - verifying",
            Self::NotSent => "not sent",
            Self::Refused => "refused by the server",
            Self::Accepted => "accepted, not seen yet",
            Self::Confirmed => "done and seen",
            Self::NotSeen => "accepted, NOT SEEN",
            Self::Resolved(Found::InEffect) => "found in effect",
            Self::Resolved(Found::NotInEffect) => "found not in effect",
            Self::Resolved(Found::Gone) => "object is gone",
            Self::Resolved(Found::Replaced) => "object was replaced",
            Self::Resolved(Found::NotSeen) => "not found out",
            Self::Undone => "taken back by somebody else",
        }
    }

    /// Is the world as the action wanted it, as far as is known?
    #[must_use]
    pub fn took(self) -> bool {
        matches!(self, Self::Confirmed | Self::Resolved(Found::InEffect))
    }

    /// Does somebody have to look at the object?
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Open | Self::Accepted | Self::NotSeen)
    }
}

impl Act {
    #[must_use]
    pub fn action(&self) -> Option<&'static Action> {
        action(self.intent.entry.verb.as_deref()?)
    }

    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        self.intent.entry.subject.as_deref()?.parse().ok()
    }

    #[must_use]
    pub fn uid(&self) -> &str {
        self.intent.entry.uid.as_deref().unwrap_or_default()
    }

    /// The last word counts; what was found by looking counts most.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let mut standing = Standing::Open;
        for record in &self.later {
            let entry = &record.entry;
            standing = match (entry.kind, &entry.outcome, entry.found) {
                (Kind::Refused, _, _) => Standing::NotSent,
                (Kind::Result, Some(outcome), _) => match outcome.ended {
                    Ended::Accepted => Standing::Accepted,
                    Ended::Refused => Standing::Refused,
                    Ended::NotSent => Standing::NotSent,
                    Ended::Unknown => Standing::Open,
                },
                (Kind::Observed, _, Some(Found::InEffect)) => Standing::Confirmed,
                (Kind::Observed, _, _) if standing == Standing::Accepted => Standing::NotSeen,
                (Kind::Observed, _, Some(found)) if standing.took() && found != Found::NotSeen => {
                    Standing::Undone
                }
                (Kind::Resolved, _, Some(found)) => Standing::Resolved(found),
                _ => standing,
            };
        }
        standing
    }

    /// Was a request of it ever about to be sent?
    #[must_use]
    pub fn was_attempted(&self) -> bool {
        self.later.iter().any(|r| r.entry.kind == Kind::Attempt)
    }

    /// `cordon node/prod/w-03`.
    #[must_use]
    pub fn title(&self) -> String {
        let entry = &self.intent.entry;
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".into());
        format!("{} {}", text(&entry.verb), text(&entry.subject))
    }
}

impl Trail {
    /// Takes in all records, oldest first; `busy` are actions of other processes that are alive.
    pub fn read(&mut self, records: Vec<Record>, busy: BTreeSet<ActionId>) {
        for record in records {
            self.add(record);
        }
        self.busy = busy;
    }

    /// Takes in one more; one that is known already changes nothing. A later one may have come
    /// before it: who writes and who tells are several.
    pub fn add(&mut self, record: Record) {
        if !self.known.insert(record.seq) {
            return;
        }
        let act = record.entry.action;
        match act {
            Some(id) if record.entry.kind == Kind::Intent => {
                let own = |other: &mut Record| other.entry.action == Some(id);
                let later = self.others.extract_if(.., own).collect();
                let intent = record;
                self.acts.insert(id, Act { id, intent, later });
            }
            Some(id) => match self.acts.get_mut(&id) {
                Some(act) => in_order(&mut act.later, record),
                None => in_order(&mut self.others, record),
            },
            None => in_order(&mut self.others, record),
        }
    }

    /// Why nothing may be done: the audit cannot be read or written, or is damaged.
    #[must_use]
    pub fn hindrance(&self) -> Option<String> {
        let trouble = || {
            Some(format!(
                "nothing could be recorded: {}",
                self.trouble.as_ref()?
            ))
        };
        self.damage.as_deref().map(str::to_owned).or_else(trouble)
    }

    #[must_use]
    pub fn act(&self, id: ActionId) -> Option<&Act> {
        self.acts.get(&id)
    }

    /// Oldest first.
    pub fn acts(&self) -> impl DoubleEndedIterator<Item = &Act> {
        self.acts.values()
    }

    /// What belongs to no action, oldest first.
    #[must_use]
    pub fn others(&self) -> &[Record] {
        &self.others
    }

    #[must_use]
    pub fn is_busy(&self, id: ActionId) -> bool {
        self.busy.contains(&id)
    }

    /// Is something under way in another midwatch, as far as was read?
    #[must_use]
    pub fn has_busy(&self) -> bool {
        !self.busy.is_empty()
    }

    /// The number of the last record.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.known.last().copied().unwrap_or_default()
    }

    /// Runs that somebody has to look into, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Act> {
        self.acts
            .values()
            .filter(|act| act.standing().is_open() && !self.busy.contains(&act.id))
    }

    /// Runs that left something behind which nobody took back through midwatch, oldest first.
    #[must_use]
    pub fn left_behind(&self) -> Vec<&Act> {
        let mut last: BTreeMap<(&str, &str), &Act> = BTreeMap::new();
        for act in self.acts.values().filter(|act| act.standing().took()) {
            let cluster = act.intent.entry.cluster.as_deref().unwrap_or_default();
            last.insert((cluster, act.uid()), act);
        }
        let mut left: Vec<&Act> = last
            .into_values()
            .filter(|act| act.action().is_some_and(|action| action.leaves.is_some()))
            .collect();
        left.sort_by_key(|act| act.id);
        left
    }

    /// Those of [`Trail::left_behind`] of which it is known that they still are so.
    pub fn still_left<'a>(
        &'a self,
        known: impl Fn(&Subject) -> Option<&'a Arc<Object>>,
    ) -> Vec<&'a Act> {
        let mut left = self.left_behind();
        left.retain(|act| {
            let object = act.subject().and_then(|subject| known(&subject));
            object.is_some_and(|object| {
                *object.uid == *act.uid() && act.action().is_some_and(|a| (a.met)(object))
            })
        });
        left
    }
}

/// Puts a record where its number belongs.
fn in_order(records: &mut Vec<Record>, record: Record) {
    let at = records.partition_point(|known| known.seq < record.seq);
    records.insert(at, record);
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::actions::record::{Entry, Outcome, Process};
    use crate::digest::Digest;

    struct Book(Trail, u64);

    impl Book {
        fn write(&mut self, entry: Entry) -> ActionId {
            self.1 += 1;
            let id = entry.action.unwrap_or(ActionId(self.1));
            let entry = match entry.kind {
                Kind::Intent => Entry {
                    action: Some(id),
                    ..entry
                },
                _ => entry,
            };
            self.0.add(Record {
                seq: self.1,
                at: Timestamp::UNIX_EPOCH,
                entry,
                process: Process::default(),
                prev: Digest::NOTHING,
            });
            id
        }

        fn intent(&mut self, verb: &str) -> ActionId {
            self.write(Entry {
                verb: Some(verb.into()),
                subject: Some("node/prod/w-03".into()),
                uid: Some("u-1".into()),
                cluster: Some("prod".into()),
                ..Entry::new(Kind::Intent)
            })
        }

        fn result(&mut self, id: ActionId, ended: Ended) {
            let outcome = Outcome {
                ended,
                code: None,
                request: None,
                message: String::new(),
                warnings: Vec::new(),
            };
            self.write(Entry {
                outcome: Some(outcome),
                ..Entry::of(Kind::Result, id)
            });
        }

        fn standing(&self, id: ActionId) -> Standing {
            self.0.act(id).unwrap().standing()
        }
    }

    fn book() -> Book {
        Book(Trail::default(), 0)
    }

    #[test]
    fn without_an_end_a_run_is_neither_failed_nor_done() {
        let mut book = book();
        let id = book.intent("cordon");
        assert_eq!(book.standing(id), Standing::Open);
        book.write(Entry::of(Kind::Attempt, id));
        assert_eq!(book.standing(id), Standing::Open);
        book.result(id, Ended::Unknown);
        assert_eq!(book.standing(id), Standing::Open);
        assert_eq!(book.0.open().count(), 1);
        book.write(Entry::of(Kind::Resolved, id).found(Found::NotInEffect));
        assert_eq!(book.standing(id), Standing::Resolved(Found::NotInEffect));
        assert_eq!(book.0.open().count(), 0);
    }

    #[test]
    fn accepted_is_not_done_until_it_was_seen() {
        let mut book = book();
        let id = book.intent("cordon");
        book.result(id, Ended::Accepted);
        assert_eq!(book.standing(id), Standing::Accepted);
        book.write(Entry::of(Kind::Observed, id).found(Found::NotSeen));
        assert_eq!(book.standing(id), Standing::NotSeen);
        assert!(!book.standing(id).took());
        book.write(Entry::of(Kind::Observed, id).found(Found::InEffect));
        assert_eq!(book.standing(id), Standing::Confirmed);
    }

    #[test]
    fn a_cordon_is_left_behind_until_it_is_taken_back_on_the_same_object() {
        let mut book = book();
        let id = book.intent("cordon");
        book.result(id, Ended::Accepted);
        assert!(book.0.left_behind().is_empty(), "not seen yet");
        book.write(Entry::of(Kind::Observed, id).found(Found::InEffect));
        assert_eq!(book.0.left_behind().len(), 1);
        let undo = book.intent("uncordon");
        book.result(undo, Ended::Refused);
        assert_eq!(book.0.left_behind().len(), 1, "the undo was refused");
        let undo = book.intent("uncordon");
        book.result(undo, Ended::Accepted);
        book.write(Entry::of(Kind::Observed, undo).found(Found::InEffect));
        assert!(book.0.left_behind().is_empty());
    }

    #[test]
    fn what_another_midwatch_is_doing_is_not_looked_into() {
        let mut book = book();
        let id = book.intent("cordon");
        book.0.busy.insert(id);
        assert_eq!(book.0.open().count(), 0);
    }

    #[test]
    fn a_record_that_is_known_changes_nothing() {
        let mut book = book();
        let id = book.intent("cordon");
        book.result(id, Ended::Accepted);
        let again = book.0.act(id).unwrap().later[0].clone();
        book.0.add(again);
        assert_eq!(book.0.act(id).unwrap().later.len(), 1);
    }

    #[test]
    fn records_that_overtake_each_other_are_all_kept_and_read_in_their_order() {
        let mut whole = book();
        let id = whole.intent("cordon");
        whole.write(Entry::of(Kind::Attempt, id));
        whole.result(id, Ended::Accepted);
        whole.write(Entry::new(Kind::Armed));
        whole.write(Entry::of(Kind::Observed, id).found(Found::InEffect));
        let act = whole.0.act(id).unwrap();
        let mut records = vec![act.intent.clone()];
        records.extend(act.later.iter().chain(whole.0.others()).cloned());
        for turn in 0..records.len() {
            let mut turned = records.clone();
            turned.rotate_left(turn);
            for order in [turned.clone(), turned.into_iter().rev().collect()] {
                let mut trail = Trail::default();
                trail.read(order, BTreeSet::new());
                let act = trail.act(id).unwrap();
                assert_eq!(act.standing(), Standing::Confirmed);
                let seqs: Vec<u64> = act.later.iter().map(|record| record.seq).collect();
                assert_eq!(seqs, [2, 3, 5]);
                assert_eq!((trail.others().len(), trail.newest()), (1, 5));
            }
        }
    }
}
