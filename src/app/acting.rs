//! From a key to a permit: what is aimed at, the plan that is open, the answer to it.
//!
//! Part of the app's state, so pure as the rest of it: what must be asked, sent or written leaves as
//! an [`Errand`]. Power is in `acting/power.rs`, what happens after the permit in
//! `acting/flight.rs`.

mod flight;
mod power;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::prompt::PromptKind;
use super::{App, Page};
use crate::actions::arm::Power;
use crate::actions::errand::{End, Errand, News, Ticket};
use crate::actions::guard::{self, Answer, Check, Policy, Said};
use crate::actions::live::{Identity, Live, Seen};
use crate::actions::plan::{Plan, Request};
use crate::actions::record::{ActionId, Entry, Kind};
use crate::actions::refusal::{Refusal, Why};
use crate::actions::trail::{Act, Trail};
use crate::actions::{self, Action, Level};
use crate::chord::{Chord, KeyCode};
use crate::clock::Stamp;
use crate::effect::Effect;
use crate::listing::RowKey;
use crate::subject::Subject;

pub use flight::{Flight, PATIENCE, found};
pub use power::Arming;

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
}

/// What an intent is about: the object that was under the cursor when its first key came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    pub row: RowKey,
    pub subject: Subject,
    /// Of the object as it was on the screen; `None` for what is no kept object.
    pub uid: Option<Arc<str>>,
}

/// A plan on the screen.
#[derive(Debug)]
pub struct Proposal {
    ticket: Ticket,
    pub action: &'static Action,
    pub subject: Subject,
    request: Request,
    pub state: State,
    /// Since when it stands whole on the screen.
    shown: Option<Stamp>,
    /// Why it had to be made anew.
    pub remade: Option<String>,
    /// Refusals that are recorded already.
    told: BTreeSet<Why>,
    /// The run that it became.
    pub id: Option<ActionId>,
    pub end: Option<End>,
}

/// How far a proposal has come.
#[derive(Debug)]
pub enum State {
    Refused(Box<Refusal>),
    /// The API server is being asked.
    Asking(Box<Plan>),
    /// Waits for an answer.
    Ready(Box<Plan>),
    /// Permitted; the rest is told by its [`Flight`] and the audit.
    Sent(Box<Plan>),
}

impl Proposal {
    /// The plan as far as there is one, be it refused.
    #[must_use]
    pub fn plan(&self) -> Option<&Plan> {
        match &self.state {
            State::Refused(refusal) => refusal.would.as_deref(),
            State::Asking(plan) | State::Ready(plan) | State::Sent(plan) => Some(plan),
        }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        &self.request.reason
    }

    #[must_use]
    pub fn undoes(&self) -> Option<ActionId> {
        self.request.undoes
    }
}

impl App {
    #[must_use]
    pub fn acting(&self) -> &Acting {
        &self.acting
    }

    /// What would be the object of an intent now.
    fn aimed(&self) -> Result<Aim, String> {
        let row = match &self.page {
            Some(Page::Detail(key)) => key.clone(),
            Some(Page::Plan) => {
                let open = self.acting.proposal.as_ref();
                let open = open.ok_or_else(|| "no plan is open".to_owned())?;
                RowKey::Subject(open.subject.clone())
            }
            None | Some(Page::Kind) => {
                let drawn = self.drawn.cursor.clone();
                if drawn != self.selected() {
                    return Err("the cursor moved before it was drawn; look, then try again".into());
                }
                drawn.ok_or_else(|| "nothing is under the cursor".to_owned())?
            }
            Some(_) => return Err("nothing is under the cursor here".to_owned()),
        };
        let subject = row.subject().cloned();
        let Some(subject) = subject else {
            return Err("there is no object under the cursor".to_owned());
        };
        let object = self.shown().0.objects().get(&subject);
        Ok(Aim {
            uid: object.map(|object| object.uid.clone()),
            subject,
            row,
        })
    }

    /// Holds fast what is under the cursor, before anything can move it: at the first key of a
    /// sequence, or when a command begins to be typed.
    pub(super) fn take_aim(&mut self) {
        let aim = self.aimed();
        if let Ok(aim) = &aim
            && self.page.is_none()
        {
            let row = aim.row.clone();
            self.view_mut().cursor = Some(row);
        }
        self.acting.aim = Some(aim);
    }

    /// A key came at this moment.
    pub(super) fn pressed(&mut self, at: Stamp) {
        self.acting.before = self.acting.pressed;
        self.acting.pressed = at;
        if let Some(power) = &self.acting.power {
            power.touch(at);
        }
    }

    /// Opens the plan of an action on what is aimed at.
    pub(super) fn propose(&mut self, action: &'static Action, reason: &str) -> Vec<Effect> {
        let aim = self.acting.aim.take().unwrap_or_else(|| self.aimed());
        match aim {
            Ok(aim) => {
                let request = Request {
                    uid: aim.uid,
                    reason: reason.to_owned(),
                    ..Request::default()
                };
                self.open_plan(action, &aim.subject, request)
            }
            Err(why) => {
                self.say(format!("{}: {why}", action.id));
                Vec::new()
            }
        }
    }

    fn open_plan(
        &mut self,
        action: &'static Action,
        subject: &Subject,
        request: Request,
    ) -> Vec<Effect> {
        self.acting.proposal = Some(Proposal {
            ticket: Ticket::default(),
            action,
            subject: subject.clone(),
            request,
            state: State::Refused(Box::new(Refusal::new(Why::NotKnown, "", ""))),
            shown: None,
            remade: None,
            told: BTreeSet::new(),
            id: None,
            end: None,
        });
        self.show(Page::Plan);
        self.make_plan()
    }

    /// Makes the open plan anew from the world as it is, and asks the API server about it.
    fn make_plan(&mut self) -> Vec<Effect> {
        self.acting.tickets += 1;
        let ticket = Ticket(self.acting.tickets);
        let snap = self.model.snapshot(self.now);
        let Some(open) = &mut self.acting.proposal else {
            return Vec::new();
        };
        open.ticket = ticket;
        open.shown = None;
        open.request.resource_version = None;
        let made = actions::plan::plan(open.action, &snap, &open.subject, &open.request);
        let (plan, armed) = match &made {
            Ok(plan) => {
                // From now on it is this very object.
                open.request.uid = Some(plan.target.uid.clone());
                let power = self.acting.power.as_ref();
                let armed = power.map(|power| power.armed().clone());
                (Some(plan.clone()), armed)
            }
            // Who did it, and when, is worth a look even where there is nothing to do.
            Err(refusal) => (refusal.would.as_deref().cloned(), None),
        };
        open.state = match made {
            Ok(plan) => State::Asking(Box::new(plan)),
            Err(refusal) => State::Refused(Box::new(refusal)),
        };
        let cluster = subject_cluster(&open.subject);
        let armed = armed.filter(|armed| **armed.cluster() == *cluster);
        plan.map(|plan| {
            let plan = Box::new(plan);
            errand(Errand::Prepare {
                ticket,
                plan,
                armed,
            })
        })
        .into_iter()
        .collect()
    }

    /// The API server's word on the open plan has come.
    fn prepared(&mut self, ticket: Ticket, live: Live) {
        let snap = self.model.snapshot(self.now);
        let Some(open) = &mut self.acting.proposal else {
            return;
        };
        if open.ticket != ticket {
            return;
        }
        match &mut open.state {
            State::Refused(refusal) => {
                if let Some(would) = &mut refusal.would {
                    would.live = Some(live);
                }
            }
            State::Sent(_) => {}
            State::Asking(_) | State::Ready(_) => {
                let seen = live.object.as_ref().ok().and_then(Seen::of);
                let version = seen.map(|seen| seen.resource_version.into());
                open.request.resource_version = version;
                let made = actions::plan::plan(open.action, &snap, &open.subject, &open.request);
                open.state = match made {
                    Ok(mut plan) => {
                        if let Ok(who) = &live.who {
                            let cluster = plan.target.cluster.clone();
                            self.acting.who.insert(cluster, who.clone());
                        }
                        plan.live = Some(live);
                        State::Ready(Box::new(plan))
                    }
                    Err(refusal) => State::Refused(Box::new(refusal)),
                };
                open.shown = None;
            }
        }
    }

    /// A frame was drawn: whatever stands there can be answered from now on.
    pub(super) fn plan_was_drawn(&mut self) {
        let now = self.now.stamp;
        let (plan, arming) = (self.page == Some(Page::Plan), self.page == Some(Page::Arm));
        if let Some(open) = &mut self.acting.proposal
            && plan
            && matches!(open.state, State::Ready(_))
        {
            open.shown.get_or_insert(now);
        }
        if let Some(page) = &mut self.acting.arming
            && arming
        {
            page.shown.get_or_insert(now);
        }
    }

    /// Does this key answer the page that is open, whatever the keymap says?
    #[must_use]
    pub fn answers(&self, chord: Chord) -> bool {
        let KeyCode::Char(c) = chord.code else {
            return false;
        };
        if chord.ctrl || chord.alt || self.prompt.is_some() {
            return false;
        }
        match self.page {
            Some(Page::Plan) => matches!(c, 'y' | 'r'),
            Some(Page::Arm) => matches!(c, 'y' | '1' | '3' | '6'),
            _ => false,
        }
    }

    /// A key that [`App::answers`] claimed.
    pub(super) fn answer(&mut self, chord: Chord) -> Vec<Effect> {
        let KeyCode::Char(c) = chord.code else {
            return Vec::new();
        };
        self.notice = None;
        match (&self.page, c) {
            (Some(Page::Arm), c) => self.answer_arming(c),
            (Some(Page::Plan), 'r') => {
                let reason = self.acting.proposal.as_ref().map(Proposal::reason);
                let reason = reason.unwrap_or_default().to_owned();
                self.open_prompt(PromptKind::Reason, &reason);
                Vec::new()
            }
            (Some(Page::Plan), 'y') => self.yes(),
            _ => Vec::new(),
        }
    }

    /// `y`: the answer itself for what can be taken back, and for what cannot the question for words.
    fn yes(&mut self) -> Vec<Effect> {
        let level = self.acting.proposal.as_ref().map(|open| open.action.level);
        match level {
            Some(Level::Reversible) => self.confirm(Said::Yes),
            Some(_) => {
                self.acting.asked = self.acting.pressed;
                self.open_prompt(PromptKind::Words, "");
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// The reason was typed.
    pub(super) fn give_reason(&mut self, reason: &str) {
        if let Some(open) = &mut self.acting.proposal {
            reason.trim().clone_into(&mut open.request.reason);
            if let State::Asking(plan) | State::Ready(plan) = &mut open.state {
                plan.reason.clone_from(&open.request.reason);
            }
            // What changed must be seen before it is confirmed.
            open.shown = None;
        }
    }

    /// `:override REASON`: go past what stops, with a reason that is recorded.
    pub(super) fn override_guards(&mut self, reason: &str) {
        if self.page != Some(Page::Plan) || reason.is_empty() {
            self.say("override: open a plan, and say why: :override REASON");
            return;
        }
        if let Some(open) = &mut self.acting.proposal {
            open.request.overridden = true;
            if let State::Asking(plan) | State::Ready(plan) = &mut open.state {
                plan.overridden = true;
            }
        }
        self.give_reason(reason);
    }

    /// The answer to the open plan.
    pub(super) fn confirm(&mut self, said: Said) -> Vec<Effect> {
        let snap = self.model.snapshot(self.now);
        let armed = self.acting.power.as_ref().map(Power::armed);
        let Some(open) = &mut self.acting.proposal else {
            return Vec::new();
        };
        let plan = match &open.state {
            State::Ready(plan) => plan,
            State::Asking(_) => {
                self.say("the API server is still being asked");
                return Vec::new();
            }
            State::Refused(_) | State::Sent(_) => return Vec::new(),
        };
        let Some(shown) = open.shown else {
            self.say("too early: the plan is not on the screen yet");
            return Vec::new();
        };
        let before = match said {
            Said::Yes => self.acting.before,
            // The keys before it are the words themselves.
            Said::Words(_) => self.acting.asked,
        };
        let answer = Answer::Key {
            said,
            at: self.acting.pressed,
            shown,
            before,
        };
        let policy = Policy::default();
        match guard::admit((**plan).clone(), &snap, &policy, armed, &answer) {
            Ok(permit) => {
                let ticket = open.ticket;
                let plan = plan.clone();
                self.acting
                    .flights
                    .push(Flight::new(ticket, &plan, self.now));
                open.state = State::Sent(plan);
                let permit = Box::new(permit);
                vec![errand(Errand::Run { ticket, permit })]
            }
            Err(refusal) => self.refused(refusal),
        }
    }

    /// A no to the open plan: told, recorded once, and where the world moved the plan is made anew.
    fn refused(&mut self, refusal: Refusal) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Some(open) = &mut self.acting.proposal
            && refusal.why != Why::Answer
            && open.told.insert(refusal.why)
        {
            let plan = open.plan();
            let entry = Entry {
                verb: Some(open.action.id.to_owned()),
                subject: Some(open.subject.to_string()),
                uid: plan.map(|plan| plan.target.uid.to_string()),
                cluster: Some(subject_cluster(&open.subject).to_owned()),
                plan: plan.map(Plan::hash),
                ..Entry::new(Kind::Refused)
            };
            effects.push(record(entry.note(refusal.to_string())));
        }
        self.say(refusal.to_string());
        match refusal.why {
            Why::Expired => {
                if let Some(open) = &mut self.acting.proposal {
                    open.remade = Some(refusal.to_string());
                }
                effects.extend(self.make_plan());
            }
            Why::Already | Why::Replaced => {
                if let Some(open) = &mut self.acting.proposal {
                    open.state = State::Refused(Box::new(refusal));
                }
            }
            _ => {}
        }
        effects
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

    /// The run that `u` is about: the one on the page, the one under the cursor, else the last.
    fn meant_act(&self) -> Option<&Act> {
        let trail = &self.acting.trail;
        let row = match &self.page {
            Some(Page::Detail(key)) => Some(key.clone()),
            None if self.drawn.cursor == self.selected() => self.drawn.cursor.clone(),
            _ => None,
        };
        let under = row.and_then(|row| match row {
            RowKey::Text(text) => text.parse::<ActionId>().ok(),
            _ => None,
        });
        trail.act(under.or(self.acting.last)?)
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

    /// A key came that was no part of a sequence or a command.
    pub(super) fn forget_aim(&mut self) {
        self.aim = None;
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
