//! From a key to a permit and what became of it, in the order of the files: `aim`, `proposal`,
//! `shown`, `answer`, `flight`; power over a cluster is in `power`.
//!
//! Part of the app's state, so pure as the rest of it: what must be asked, sent or written leaves as
//! an [`Errand`].

mod aim;
mod answer;
mod flight;
mod power;
mod proposal;
mod shown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::App;
use crate::actions;
use crate::actions::arm::Power;
use crate::actions::errand::{Errand, News};
use crate::actions::guard::{self, Check};
use crate::actions::live::Identity;
use crate::actions::plan::Request;
use crate::actions::record::{ActionId, Entry};
use crate::actions::trail::Trail;
use crate::clock::Stamp;
use crate::effect::Effect;
use crate::subject::Subject;

pub use aim::Aim;
pub use flight::{Flight, PATIENCE, found};
pub use power::Arming;
pub use proposal::{Proposal, State};

/// Everything about acting.
#[derive(Debug, Default)]
pub struct Acting {
    power: Option<Power>,
    arming: Option<Arming>,
    proposal: Option<Proposal>,
    flights: Vec<Flight>,
    pub trail: Trail,
    /// Runs that were looked into and whose record is on its way.
    resolving: BTreeSet<ActionId>,
    /// Who we are, by cluster, as the API server said last.
    who: BTreeMap<Arc<str>, Identity>,
    aim: Option<Result<Aim, String>>,
    /// The last key, and the one before it.
    pressed: Stamp,
    before: Stamp,
    /// When words were asked for.
    asked: Stamp,
    tickets: u64,
    /// The last run of this console.
    last: Option<ActionId>,
    warned: bool,
    /// The audit was read once, and when it was asked for again.
    has_read: bool,
    read: Stamp,
}

impl App {
    #[must_use]
    pub fn acting(&self) -> &Acting {
        &self.acting
    }

    /// A key came at this moment.
    pub(super) fn pressed(&mut self, at: Stamp) {
        self.acting.before = self.acting.pressed;
        self.acting.pressed = at;
        if let Some(power) = &self.acting.power {
            power.touch(at);
        }
    }

    /// Every guard's word on the open plan.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let snap = self.model.snapshot(self.now);
        let plan = self.acting.proposal.as_ref().and_then(Proposal::plan);
        let armed = self.acting.power.as_ref().map(Power::armed);
        plan.map(|plan| guard::checks(plan, &snap, armed))
            .unwrap_or_default()
    }

    /// `u`: proposes the inverse of the run that is meant.
    pub(super) fn undo(&mut self) -> Vec<Effect> {
        let Some(act) = self.meant_act() else {
            self.say("undo: this console did nothing yet; choose an entry of the audit");
            return Vec::new();
        };
        let id = act.id;
        let inverse = act.action().and_then(|action| action.undone_by);
        let inverse = inverse.and_then(actions::action);
        let (Some(inverse), Some(subject)) = (inverse, act.subject()) else {
            self.say(format!("{id} has no way back"));
            return Vec::new();
        };
        let standing = act.standing();
        if !(standing.took() || standing.is_open()) {
            let words = standing.words();
            self.say(format!("{id}: {words}; there is nothing to take back"));
            return Vec::new();
        }
        let request = Request {
            uid: Some(act.uid().into()),
            undoes: Some(id),
            reason: format!("undoes {id}"),
            ..Request::default()
        };
        self.open_plan(inverse, &subject, request)
    }

    /// Something came back from the shell.
    pub(super) fn news(&mut self, news: News) -> Vec<Effect> {
        match news {
            News::Prepared { ticket, live } => {
                self.prepared(ticket, *live);
                Vec::new()
            }
            News::Recorded { ticket, record } => {
                self.recorded(ticket, *record);
                self.look()
            }
            News::NotRecorded(why) => self.not_recorded(&why),
            News::Ended { ticket, end } => self.ended(ticket, end),
            News::Trail(read) => self.read_trail(read),
            News::Damaged(how) => self.damaged(&how),
            News::Identified { cluster, who, may } => {
                self.identified(&cluster, who, may);
                Vec::new()
            }
        }
    }
}

impl Acting {
    #[must_use]
    pub fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_ref()
    }

    /// The run of the open proposal, while it is under way.
    #[must_use]
    pub fn flight(&self) -> Option<&Flight> {
        let ticket = self.proposal.as_ref()?.ticket;
        self.flights.iter().find(|flight| flight.ticket == ticket)
    }

    /// Is there anything that an observation could decide?
    pub(super) fn waits(&self) -> bool {
        !self.flights.is_empty() || self.trail.open().next().is_some()
    }
}

/// The cluster that a subject's path begins with.
fn subject_cluster(subject: &Subject) -> &str {
    subject.as_object().map_or("", |(_, cluster, _, _)| cluster)
}

fn errand(errand: Errand) -> Effect {
    Effect::Errand(Box::new(errand))
}

fn record(entry: Entry) -> Effect {
    errand(Errand::Record(Box::new(entry)))
}
