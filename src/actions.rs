//! Actions: what midwatch can change, and the one way that leads there. Pure: no I/O, no clock.
//!
//! ```text
//! key -> Aim (subject and uid as last drawn) -> plan() -> shown -> Live (asked by the shell)
//!     -> admit() -> Permit -> runner: intent on disk, look again, attempt, request, result
//!     -> next observation -> observed
//! ```
//!
//! One file per action, registered in [`ACTIONS`]: what it is for, which calls it makes, what its
//! plan rests on, what must be true afterwards. Everything else here is the same for all of them.

pub mod arm;
pub mod blast;
pub mod call;
pub mod cordon;
pub mod difference;
pub mod errand;
pub mod guard;
pub mod live;
pub mod named;
pub mod node;
pub mod plan;
pub mod record;
pub mod refusal;
pub mod trail;
pub mod uncordon;
#[cfg(test)]
pub mod world;

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::intent::Intent;
use crate::model::Snapshot;
use crate::objects::{Object, ObjectKind};
use blast::Blast;
use guard::Check;
use live::Live;
use plan::{Inputs, Plan, Step, Target};

/// Every action, in the order in which help shows them.
pub static ACTIONS: &[&Action] = &[&cordon::ACTION, &uncordon::ACTION];

/// One thing that can be done to one kind of object.
pub struct Action {
    /// The file's stem in kebab case: a verb.
    pub id: &'static str,
    /// First line: what it does, as a sentence.
    pub doc: &'static str,
    pub intent: Intent,
    pub level: Level,
    /// The kind that it is done to.
    pub on: ObjectKind,
    /// Kinds without which there is no plan.
    pub needs: &'static [ObjectKind],
    /// Kinds that tell more of what it touches, where they may be read.
    pub reads: &'static [ObjectKind],
    /// The verb that a role must grant on [`Action::on`].
    pub permission: &'static str,
    /// The field that it changes, from the object's root; who owns it is shown.
    pub field: &'static [&'static str],
    /// The action that takes it back.
    pub undone_by: Option<&'static str>,
    /// What an object is until somebody takes it back, where that is worth a reminder: `cordoned`.
    pub leaves: Option<&'static str>,
    /// What the next observation must say, in the API's words: `spec.unschedulable is true`.
    pub expects: &'static str,
    /// Does an object say so?
    pub met: fn(&Object) -> bool,
    /// Does the object's JSON say so, as the API server has it now? The watch may be behind.
    pub met_in: fn(&Value) -> bool,
    /// How the refusal says that there is nothing to do: `is cordoned already`.
    pub already: &'static str,
    pub steps: fn(&Target) -> Vec<Step>,
    /// What the plan rests on; any change of it makes the plan void.
    pub inputs: fn(&Snapshot, &Object) -> Inputs,
    /// What of the object's own JSON the plan rests on. What else changes of it before the request
    /// leaves (a heartbeat, an annotation) makes no plan void: the request carries the new version.
    /// Names that [`Action::inputs`] has as well must mean the same.
    pub premise: fn(&Value) -> Inputs,
    pub blast: fn(&Snapshot, &Object) -> Blast,
    /// What speaks for and against it beyond what holds for every action.
    pub checks: fn(&Plan, &Snapshot, Option<&Live>) -> Vec<Check>,
}

impl Action {
    /// The first line of its doc.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.doc.lines().next().unwrap_or_default()
    }
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Action {}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

/// How much must be said before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Can be taken back at once: armed, and `y`.
    Reversible,
    /// Interrupts something: armed, and the target's name typed.
    Disruptive,
    /// Can cost a quorum or a host: armed, and verb and target typed.
    Grave,
}

impl Level {
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Reversible => 1,
            Self::Disruptive => 2,
            Self::Grave => 3,
        }
    }
}

/// The action of this id.
#[must_use]
pub fn action(id: &str) -> Option<&'static Action> {
    ACTIONS.iter().copied().find(|action| action.id == id)
}

/// The action that an intent asks for, if it asks for one.
#[must_use]
pub fn of_intent(intent: Intent) -> Option<&'static Action> {
    ACTIONS
        .iter()
        .copied()
        .find(|action| action.intent == intent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_named_as_its_intent_and_can_be_taken_back_by_one_that_is_there() {
        for known in ACTIONS {
            assert_eq!(known.intent.name(), known.id);
            assert_eq!(of_intent(known.intent), Some(*known));
            assert!(!known.title().is_empty() && !known.expects.is_empty());
            if let Some(undo) = known.undone_by {
                let undo = action(undo).unwrap();
                assert_eq!(undo.on, known.on);
                assert_eq!(undo.undone_by, Some(known.id));
            }
            assert!(
                known.level != Level::Reversible || known.undone_by.is_some(),
                "{} is called reversible",
                known.id
            );
        }
    }
}
