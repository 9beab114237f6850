//! A plan on the screen: opened, asked about, made anew where the world moved, and how much of it
//! was read.

use std::collections::BTreeSet;

use super::shown::Shown;
use super::{Aim, errand, subject_cluster};
use crate::actions::errand::{End, Errand, Ticket};
use crate::actions::live::{Live, Seen};
use crate::actions::plan::{Plan, Request};
use crate::actions::record::ActionId;
use crate::actions::refusal::{Refusal, Why};
use crate::actions::{self, Action};
use crate::app::{App, Page};
use crate::effect::Effect;
use crate::subject::Subject;

/// A plan on the screen.
#[derive(Debug)]
pub struct Proposal {
    pub(super) ticket: Ticket,
    pub action: &'static Action,
    pub subject: Subject,
    pub(super) request: Request,
    pub state: State,
    /// How much of it was on the screen since it waits for an answer.
    pub(super) shown: Shown,
    /// Why it had to be made anew.
    pub remade: Option<String>,
    /// Refusals that are recorded already.
    pub(super) told: BTreeSet<Why>,
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
    /// Permitted; the rest is told by its [`Flight`](super::Flight) and the audit.
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

    /// Was all of it on the screen since it waits for an answer?
    #[must_use]
    pub fn was_read(&self) -> bool {
        self.shown.whole().is_some()
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
    /// Opens the plan of an action on what is under the cursor.
    pub(in crate::app) fn propose(&mut self, action: &'static Action) -> Vec<Effect> {
        let aim = self.acting.aim.take().unwrap_or_else(|| self.aimed());
        self.propose_for(action, aim, "")
    }

    /// `:cordon [NODE] [-- REASON]`: on what is named, else on what is under the cursor. A word too
    /// many is neither: what was meant by it is not guessed.
    pub(in crate::app) fn propose_by_name(
        &mut self,
        action: &'static Action,
        words: &str,
    ) -> Vec<Effect> {
        let under = self.acting.aim.take();
        let (name, reason) = parted(words);
        let aim = match name.split_once(char::is_whitespace) {
            None if name.is_empty() => under.unwrap_or_else(|| self.aimed()),
            None => self.named(action, name),
            Some((first, more)) => Err(format!(
                "one name at a time, and a reason after two dashes: :{} {first} -- {}",
                action.id,
                more.trim()
            )),
        };
        self.propose_for(action, aim, reason)
    }

    fn propose_for(
        &mut self,
        action: &'static Action,
        aim: Result<Aim, String>,
        reason: &str,
    ) -> Vec<Effect> {
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

    pub(super) fn open_plan(
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
            shown: Shown::default(),
            remade: None,
            told: BTreeSet::new(),
            id: None,
            end: None,
        });
        self.show(Page::Plan);
        self.make_plan()
    }

    /// Makes the open plan anew from the world as it is, and asks the API server about it.
    pub(super) fn make_plan(&mut self) -> Vec<Effect> {
        self.acting.tickets += 1;
        let ticket = Ticket(self.acting.tickets);
        let snap = self.model.snapshot(self.now);
        let Some(open) = &mut self.acting.proposal else {
            return Vec::new();
        };
        open.ticket = ticket;
        // What became of the plan before it is not what becomes of this one.
        (open.id, open.end) = (None, None);
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
        let cluster = subject_cluster(&open.subject).to_owned();
        self.read_anew();
        let armed = armed.filter(|armed| **armed.cluster() == cluster);
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
    pub(super) fn prepared(&mut self, ticket: Ticket, live: Live) {
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
                self.read_anew();
            }
        }
    }

    /// A frame was drawn: what was wholly on the screen can be answered from now on.
    pub(in crate::app) fn plan_was_drawn(&mut self) {
        let now = self.now.stamp;
        match self.page {
            Some(Page::Plan) => {
                let open = self.acting.proposal.as_mut();
                if let Some(open) = open.filter(|open| matches!(open.state, State::Ready(_))) {
                    let before = open.was_read();
                    open.shown.drawn(&self.drawn, now);
                    // The hint line says that it can be answered now.
                    self.dirty |= open.was_read() != before && self.drawn.scroll_max > 0;
                }
            }
            Some(Page::Arm) => {
                if let Some(page) = &mut self.acting.arming {
                    page.shown.drawn(&self.drawn, now);
                }
            }
            _ => {}
        }
    }

    /// What stands on the page is not what was read: it is read from its top again.
    pub(in crate::app) fn read_anew(&mut self) {
        if let Some(open) = &mut self.acting.proposal {
            open.shown = Shown::default();
        }
        if let Some(page) = &mut self.acting.arming {
            page.shown = Shown::default();
        }
        if matches!(self.page, Some(Page::Plan | Page::Arm)) {
            self.scroll = 0;
        }
    }
}

/// What stands before and after a lone `--`.
fn parted(words: &str) -> (&str, &str) {
    let mut from = 0;
    for word in words.split_whitespace() {
        let at = from + words[from..].find(word).unwrap_or_default();
        from = at + word.len();
        if word == "--" {
            return (words[..at].trim(), words[from..].trim());
        }
    }
    (words.trim(), "")
}
