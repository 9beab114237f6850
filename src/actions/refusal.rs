//! Why something is not done: always with a reason and with what could be done about it.

use std::fmt;

use serde::Serialize;

use super::plan::{Change, Plan};

/// A no, before anything was sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    pub why: Why,
    pub text: String,
    /// Starts with a verb.
    pub hint: String,
    /// What changed since the plan was shown, where that is the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What would have been done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<Box<Plan>>,
}

/// The kind of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Read-only, or armed for another cluster.
    NotArmed,
    /// Not a thing that this can be done to.
    WrongKind,
    /// Nothing, or not enough, is known of it.
    NotKnown,
    /// Another object has its name now.
    Replaced,
    /// It is so already.
    Already,
    /// The plan is too old, or what it rests on changed.
    Expired,
    /// A guard says no, or has not answered.
    Guard,
    /// The answer was not the one that is wanted, or came too early.
    Answer,
    /// Nothing can be recorded, so nothing is done.
    Audit,
}

impl Refusal {
    #[must_use]
    pub fn new(why: Why, text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            why,
            text: text.into(),
            hint: hint.into(),
            changes: Vec::new(),
            would: None,
        }
    }

    #[must_use]
    pub fn would(mut self, plan: Plan) -> Self {
        self.would = Some(Box::new(plan));
        self
    }

    #[must_use]
    pub fn changed(mut self, changes: Vec<Change>) -> Self {
        self.changes = changes;
        self
    }
}

impl Refusal {
    /// What speaks against it and what changed, without what to do about it.
    #[must_use]
    pub fn reason(&self) -> String {
        let mut reason = self.text.clone();
        for (nth, change) in self.changes.iter().enumerate() {
            reason.push_str(if nth == 0 { ": " } else { ", " });
            reason.push_str(&change.to_string());
        }
        reason
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason(), self.hint)
    }
}
