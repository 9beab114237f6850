//! After the permit: what the runner tells, what the next observation says, and what was found of
//! runs that nobody saw the end of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{errand, record};
use crate::actions::Action;
use crate::actions::arm::Lost;
use crate::actions::errand::{End, Errand, Ticket};
use crate::actions::plan::Plan;
use crate::actions::record::{ActionId, Entry, Found, Kind, Record};
use crate::actions::trail::Act;
use crate::app::App;
use crate::clock::{Now, Stamp};
use crate::effect::Effect;
use crate::intent::Intent;
use crate::model::{Doubt, Snapshot};
use crate::subject::Subject;
use crate::units;

/// So long the next observation may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A request that is on its way may still be done so long after it was sent: the API server gives
/// up after 60 s (`--request-timeout`).
pub const LATE: Duration = Duration::from_secs(75);

/// How often the audit is read again while something of it is waited for.
const READ_AGAIN: Duration = Duration::from_secs(5);

/// A run that has not ended.
#[derive(Debug)]
pub struct Flight {
    pub(super) ticket: Ticket,
    action: &'static Action,
    subject: Subject,
    uid: Arc<str>,
    pub id: Option<ActionId>,
    pub began: Now,
    /// The last request was answered, or lost; the world is looked at until then.
    pub awaited: Option<Stamp>,
}

impl Flight {
    #[must_use]
    pub fn new(ticket: Ticket, plan: &Plan, now: Now) -> Self {
        Self {
            ticket,
            action: plan.action,
            subject: plan.subject.clone(),
            uid: plan.target.uid.clone(),
            id: None,
            began: now,
            awaited: None,
        }
    }
}

/// What a look at an object shows of an action on it.
///
/// # Errors
/// A [`Doubt`] when the object cannot be judged now.
pub fn found(
    snap: &Snapshot,
    action: &Action,
    subject: &Subject,
    uid: &str,
) -> Result<Found, Doubt> {
    let object = match snap.object(subject) {
        Ok(object) => object,
        Err(doubt) => {
            let (kind, cluster, ..) = subject.as_object().ok_or_else(|| doubt.clone())?;
            let known = snap.cluster(cluster, &[kind])?;
            let gone = subject
                .as_object()
                .is_some_and(|(kind, _, namespace, name)| {
                    known.get(kind, namespace, name).is_none()
                });
            return if gone { Ok(Found::Gone) } else { Err(doubt) };
        }
    };
    Ok(if *object.uid != *uid {
        Found::Replaced
    } else if (action.met)(object) {
        Found::InEffect
    } else {
        Found::NotInEffect
    })
}

impl App {
    /// A record is on disk.
    pub(super) fn recorded(&mut self, ticket: Option<Ticket>, record: Record) {
        let id = record.entry.action;
        let kind = record.entry.kind;
        if let Some(id) = id.filter(|_| matches!(kind, Kind::Observed | Kind::Resolved)) {
            self.acting.resolving.remove(&id);
        }
        if record.entry.kind == Kind::Intent && ticket.is_some() {
            let mut flights = self.acting.flights.iter_mut();
            if let Some(flight) = flights.find(|flight| Some(flight.ticket) == ticket) {
                flight.id = id;
            }
            let open = self.acting.proposal.as_mut();
            if let Some(open) = open.filter(|open| Some(open.ticket) == ticket) {
                open.id = id;
            }
            self.acting.last = id;
        }
        self.acting.trail.add(record);
        self.acting.trail.trouble = None;
        self.recompute();
    }

    /// Nothing can be recorded: so nothing is done, and that is said until it is well again.
    pub(super) fn not_recorded(&mut self, why: &str) -> Vec<Effect> {
        self.acting.trail.trouble = Some(why.into());
        self.acting.resolving.clear();
        // A record of the end of power would fail as well.
        drop(self.acting.power.take());
        self.say(format!("read-only: {}: {why}", Lost::Audit));
        Vec::new()
    }

    /// The audit's chain is broken: read-only from now on, and that is said until the next start.
    pub(super) fn damaged(&mut self, how: &str) -> Vec<Effect> {
        self.acting.trail.damage = Some(how.into());
        self.say(format!("read-only: {how}"));
        self.disarm(Lost::Audit)
    }

    pub(super) fn read_trail(
        &mut self,
        read: Result<(Vec<Record>, BTreeSet<ActionId>), String>,
    ) -> Vec<Effect> {
        let first = !std::mem::replace(&mut self.acting.has_read, true);
        self.acting.read = self.now.stamp;
        match read {
            Ok((records, busy)) => {
                self.acting.trail.read(records, busy);
                self.acting.trail.trouble = None;
                let open = self.open_acts().count();
                if open > 0 && first {
                    let runs = if open == 1 { "action" } else { "actions" };
                    self.say(format!("{open} {runs} without an end: UNKNOWN - verifying"));
                }
            }
            Err(why) => {
                let known = self.acting.trail.trouble.as_deref() == Some(why.as_str());
                self.acting.trail.trouble = Some(why.as_str().into());
                if !known {
                    self.say(format!("read-only: {}: {why}", Lost::Audit));
                }
            }
        }
        self.recompute();
        self.look()
    }

    /// The runner is done with its requests.
    pub(super) fn ended(&mut self, ticket: Ticket, end: End) -> Vec<Effect> {
        let now = self.now.stamp;
        let at = |flight: &Flight| flight.ticket == ticket;
        let Some(at) = self.acting.flights.iter().position(at) else {
            return Vec::new();
        };
        let flight = &mut self.acting.flights[at];
        let told = match &end {
            // That nothing can be recorded is said below, together with it.
            End::Accepted | End::AcceptedUnrecorded(_) => None,
            End::Unknown(why) => Some(format!("UNKNOWN whether it was done: {why}; looking")),
            End::Refused(why) => Some(format!("the server refused it: {why}")),
            End::NotSent(why) => Some(format!("nothing was sent: {why}")),
            End::Changed(changes) => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                Some(format!("nothing was sent: {}", changes.join(", ")))
            }
            End::NotRecorded(why) => Some(format!("nothing was sent: no audit: {why}")),
        };
        let title = format!("{} {}", flight.action.id, flight.subject.leaf());
        if matches!(
            end,
            End::Accepted | End::AcceptedUnrecorded(_) | End::Unknown(_)
        ) {
            flight.awaited = Some(now + PATIENCE);
        } else {
            self.acting.flights.remove(at);
            self.set_end(ticket, &end);
            self.landed();
        }
        if let Some(told) = told {
            self.say(format!("{title}: {told}"));
        }
        match end {
            End::Changed(changes) => {
                let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
                self.remake(ticket, &words.join(", "))
            }
            End::NotRecorded(why) => self.not_recorded(&why),
            End::AcceptedUnrecorded(why) => self.not_recorded(&format!(
                "the server accepted {title}; the record of it could not be written: {why}"
            )),
            _ => self.look(),
        }
    }

    /// The plan on the page is made anew, because the object was not as it had it.
    fn remake(&mut self, ticket: Ticket, why: &str) -> Vec<Effect> {
        match &mut self.acting.proposal {
            Some(open) if open.ticket == ticket => {
                open.remade = Some(format!("the plan did not hold: {why}"));
                self.make_plan()
            }
            _ => Vec::new(),
        }
    }

    fn set_end(&mut self, ticket: Ticket, end: &End) {
        if let Some(open) = &mut self.acting.proposal
            && open.ticket == ticket
        {
            open.end = Some(end.clone());
        }
    }

    /// Looks at the objects of runs that wait for it.
    pub(in crate::app) fn look(&mut self) -> Vec<Effect> {
        let mut effects = self.look_at_flights();
        effects.extend(self.look_at_open());
        effects.extend(self.look_at_left());
        effects.extend(self.read_again());
        effects
    }

    /// The audit is read again while it could not be written, and while something is under way in
    /// another midwatch: both end without a word.
    fn read_again(&mut self) -> Option<Effect> {
        let trail = &self.acting.trail;
        let now = self.now.stamp;
        let due = now.since(self.acting.read) >= READ_AGAIN;
        if !due || (trail.trouble.is_none() && !trail.has_busy()) {
            return None;
        }
        self.acting.read = now;
        Some(errand(Errand::ReadTrail))
    }

    /// What midwatch left behind may be taken back by somebody else; done once more, it is his.
    fn look_at_left(&mut self) -> Vec<Effect> {
        let snap = self.model.snapshot(self.now);
        let trail = &self.acting.trail;
        let is_moving = |uid: &str| {
            let flies = self.acting.flights.iter().any(|flight| *flight.uid == *uid);
            flies || trail.open().any(|act| act.uid() == uid)
        };
        let mut undone = Vec::new();
        for act in trail.left_behind() {
            let (Some(action), Some(subject)) = (act.action(), act.subject()) else {
                continue;
            };
            if self.acting.resolving.contains(&act.id) || is_moving(act.uid()) {
                continue;
            }
            match found(&snap, action, &subject, act.uid()) {
                Ok(found) if found != Found::InEffect => undone.push((act.id, found)),
                _ => {}
            }
        }
        let mut effects = Vec::new();
        for (id, found) in undone {
            self.acting.resolving.insert(id);
            let entry = Entry::of(Kind::Observed, id).found(found);
            effects.push(record(
                entry.note("it is not so any more, and not by midwatch"),
            ));
        }
        effects
    }

    /// Where nothing is under way, leaving needs no second word.
    fn landed(&mut self) {
        if self.acting.flights.is_empty() {
            self.acting.warned = false;
        }
    }

    fn look_at_flights(&mut self) -> Vec<Effect> {
        let now = self.now;
        let snap = self.model.snapshot(now);
        let mut effects = Vec::new();
        let mut told = Vec::new();
        let undo = self.key_for(Intent::Undo);
        let resolving = &mut self.acting.resolving;
        self.acting.flights.retain(|flight| {
            let (Some(until), Some(id)) = (flight.awaited, flight.id) else {
                return true;
            };
            let seen = found(&snap, flight.action, &flight.subject, &flight.uid);
            let late = now.stamp > until;
            let (found, words) = match seen {
                Ok(found @ (Found::InEffect | Found::Gone | Found::Replaced)) => {
                    (found, found.words())
                }
                _ if late => (Found::NotSeen, Found::NotSeen.words()),
                _ => return true,
            };
            let took = units::latency(now.stamp.since(flight.began.stamp));
            let title = format!("{} {}", flight.action.id, flight.subject.leaf());
            told.push(match found {
                Found::InEffect => {
                    format!("{title}: done and seen in {took} ({id}); {undo} takes it back")
                }
                _ => format!("{title}: {words} after {took} ({id})"),
            });
            resolving.insert(id);
            effects.push(record(Entry::of(Kind::Observed, id).found(found)));
            false
        });
        for words in told {
            self.say(words);
        }
        self.landed();
        effects
    }

    fn open_acts(&self) -> impl Iterator<Item = &Act> {
        let under_way = |id| self.acting.flights.iter().any(|f| f.id == Some(id));
        self.acting
            .trail
            .open()
            .filter(move |act| !under_way(act.id) && !self.acting.resolving.contains(&act.id))
    }

    /// Runs of which nobody saw the end are found out by looking, never by guessing.
    fn look_at_open(&mut self) -> Vec<Effect> {
        let snap = self.model.snapshot(self.now);
        let mut solved = Vec::new();
        for act in self.open_acts() {
            let (Some(action), Some(subject)) = (act.action(), act.subject()) else {
                continue;
            };
            if !act.was_attempted() {
                solved.push((act.id, None, act.title()));
                continue;
            }
            let Ok(found) = found(&snap, action, &subject, act.uid()) else {
                continue;
            };
            let age = self.now.wall.duration_since(act.intent.at);
            let age = Duration::try_from(age).unwrap_or_default();
            // What is still under way at the API server may yet be done.
            if found == Found::NotInEffect && age < LATE {
                continue;
            }
            solved.push((act.id, Some(found), act.title()));
        }
        let mut effects = Vec::new();
        for (id, found, title) in solved {
            self.acting.resolving.insert(id);
            // A request is sent behind a record of its attempt, so without one there was none.
            let Some(found) = found else {
                self.say(format!("{id} {title}: nothing of it was sent"));
                let entry = Entry::of(Kind::Refused, id);
                effects.push(record(entry.note("ended before anything was sent")));
                continue;
            };
            self.say(format!("{id} {title}: {}", found.words()));
            let entry = Entry::of(Kind::Resolved, id).found(found);
            effects.push(record(entry.note("found out by looking at the object")));
        }
        effects
    }

    /// What is to be known before the console is left.
    #[must_use]
    pub fn left_behind(&self) -> Vec<String> {
        let objects = self.model.objects();
        let trail = &self.acting.trail;
        let left = trail.still_left(|subject| objects.get(subject));
        let now = self.now.wall;
        let flying = self.acting.flights.iter().map(|flight| {
            let (action, subject) = (flight.action.id, &flight.subject);
            let id = flight.id.map_or_else(String::new, |id| format!(" ({id})"));
            format!("UNKNOWN whether {action} {subject} is done{id}; the next start looks into it")
        });
        let left = left.into_iter().map(|act| {
            let leaves = act.action().and_then(|action| action.leaves);
            let age = now.duration_since(act.intent.at);
            let age = units::age(Duration::try_from(age).unwrap_or_default());
            format!(
                "still {} by midwatch: {} ({}, {age} ago)",
                leaves.unwrap_or("changed"),
                act.intent.entry.subject.as_deref().unwrap_or("?"),
                act.id,
            )
        });
        flying.chain(left).collect()
    }

    /// Leaving while something is under way needs a second word.
    pub(in crate::app) fn may_leave(&mut self) -> bool {
        let Some(flight) = self.acting.flights.first() else {
            return true;
        };
        if std::mem::replace(&mut self.acting.warned, true) {
            return true;
        }
        let title = format!("{} {}", flight.action.id, flight.subject.leaf());
        self.say(format!(
            "{title} is under way: wait, or leave with the same key; the next start looks into it"
        ));
        false
    }
}
