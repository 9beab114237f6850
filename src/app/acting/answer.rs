//! The answer to the page that is open: yes, the words, a reason, and what is said where it is no.

use super::proposal::{Proposal, State};
use super::{Flight, errand, record, subject_cluster};
use crate::actions::Level;
use crate::actions::arm::Power;
use crate::actions::errand::Errand;
use crate::actions::guard::{self, Answer, Check, Policy, Said, Verdict};
use crate::actions::plan::Plan;
use crate::actions::record::{Entry, Kind};
use crate::actions::refusal::{Refusal, Why};
use crate::app::prompt::PromptKind;
use crate::app::{App, Page};
use crate::chord::{Chord, KeyCode};
use crate::effect::Effect;

impl App {
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
    pub(in crate::app) fn answer(&mut self, chord: Chord) -> Vec<Effect> {
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
    pub(in crate::app) fn give_reason(&mut self, reason: &str) {
        if let Some(open) = &mut self.acting.proposal {
            reason.trim().clone_into(&mut open.request.reason);
            if let State::Asking(plan) | State::Ready(plan) = &mut open.state {
                plan.reason.clone_from(&open.request.reason);
            }
        }
        // What changed must be seen before it is confirmed.
        self.read_anew();
    }

    /// `:override REASON`: go past what stops, with a reason that is recorded.
    pub(in crate::app) fn override_guards(&mut self, reason: &str) {
        let open = self.acting.proposal.as_ref();
        let open = open.filter(|_| self.page == Some(Page::Plan));
        let waits = open.is_some_and(|open| {
            let state = &open.state;
            matches!(state, State::Asking(_) | State::Ready(_))
        });
        let stops = |check: &Check| check.verdict == Verdict::Stop;
        let why = if !waits {
            Some("override: no plan waits for an answer; open one first")
        } else if reason.is_empty() {
            Some("say why: :override REASON")
        } else if !self.checks().iter().any(stops) {
            Some("override: no guard stops it that can be overridden; r gives a reason")
        } else {
            None
        };
        if let Some(why) = why {
            self.say(why);
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
    pub(in crate::app) fn confirm(&mut self, said: Said) -> Vec<Effect> {
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
        let Some(shown) = open.shown.whole() else {
            let why = if open.shown.is_begun() {
                "the plan is longer than the screen: read all of it, then answer"
            } else {
                "too early: the plan is not on the screen yet"
            };
            self.say(why);
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
                    open.remade = Some(refusal.reason());
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
}
