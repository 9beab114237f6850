//! What the audit holds: one record per line, flat, so that `jq` and eyes find their way.
//!
//! Only the shape. The shell writes, chains and reads it back (`audit.rs`).

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::live::Identity;
use crate::digest::Digest;

/// One run of an action: the number of its intent record. Prints as `a-0012`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("a-{:04}", self.0))
    }
}

/// A text that names no run of an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no action; write it as the audit shows it, such as a-0012")]
pub struct NoActionId(pub String);

impl FromStr for ActionId {
    type Err = NoActionId;

    fn from_str(text: &str) -> Result<Self, NoActionId> {
        let digits = text.strip_prefix("a-").filter(|digits| digits.len() >= 4);
        digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| NoActionId(text.to_owned()))
    }
}

impl Serialize for ActionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An action is about to be done; nothing was sent yet.
    Intent,
    /// A request is about to be sent.
    Attempt,
    /// How the request was answered, or that nobody knows.
    Result,
    /// What the next observation of the object said.
    Observed,
    /// What was found when an action without an end was looked into.
    Resolved,
    /// Something was not done.
    Refused,
    Armed,
    Disarmed,
    /// A line that a crash had cut off was closed.
    Repaired,
}

impl Kind {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Attempt => "attempt",
            Self::Result => "result",
            Self::Observed => "observed",
            Self::Resolved => "resolved",
            Self::Refused => "refused",
            Self::Armed => "armed",
            Self::Disarmed => "disarmed",
            Self::Repaired => "repaired",
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The API server says that it is done; the next observation has the last word.
    Accepted,
    /// The API server said no: nothing changed.
    Refused,
    /// It is not known whether it was done.
    Unknown,
    /// It was never sent.
    NotSent,
}

/// What a look at the object showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// The object is as the action wanted it.
    InEffect,
    NotInEffect,
    /// The object is gone.
    Gone,
    /// Another object has its name.
    Replaced,
    /// Nothing was seen in time.
    NotSeen,
}

impl Found {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::InEffect => "in effect",
            Self::NotInEffect => "not in effect",
            Self::Gone => "the object is gone",
            Self::Replaced => "another object has its name now",
            Self::NotSeen => "not seen in time",
        }
    }
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub ended: Ended,
    /// HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The request's id in the API server's own audit (`Audit-Id`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One request as it goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub method: String,
    pub path: String,
    #[serde(rename = "type")]
    pub content_type: String,
    pub body: serde_json::Value,
}

/// A guard's word at the moment of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub guard: String,
    pub verdict: String,
    pub text: String,
    /// Age of what it rests on.
    pub age_ms: u64,
}

/// Who did it: by the API server's word, and on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<Identity>,
    /// Login name and number.
    pub local: String,
    pub host: String,
}

/// The process that writes, told apart from a later one of the same number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub id: u32,
    /// When it started, in clock ticks since boot; 0 where the system does not tell.
    pub started: u64,
    pub boot: String,
}

/// Bytes that a crash left and that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    pub bytes: u64,
    pub hash: Digest,
}

impl Cut {
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.len() as u64,
            hash: Digest::of(bytes),
        }
    }
}

/// What is to be recorded. Number, moment, machine and chain are added by the writer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub kind: Kind,
    /// `None` on an intent until it is written: its own number is the action's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<ActionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Digest>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Evidence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Sent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// The line that a [`Kind::Repaired`] closes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// In words, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
}

impl Entry {
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            action: None,
            verb: None,
            subject: None,
            uid: None,
            cluster: None,
            reason: None,
            undoes: None,
            plan: None,
            guards: Vec::new(),
            calls: Vec::new(),
            outcome: None,
            found: None,
            cut: None,
            note: None,
            who: None,
        }
    }

    #[must_use]
    pub fn of(kind: Kind, action: ActionId) -> Self {
        Self {
            action: Some(action),
            ..Self::new(kind)
        }
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    #[must_use]
    pub fn cluster(mut self, cluster: &str) -> Self {
        self.cluster = Some(cluster.to_owned());
        self
    }

    #[must_use]
    pub fn found(mut self, found: Found) -> Self {
        self.found = Some(found);
        self
    }
}

/// An entry as it stands in the audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 1 for the first ever, then one more each time.
    pub seq: u64,
    /// By the wall clock; the order is that of `seq`.
    pub at: Timestamp,
    #[serde(flatten)]
    pub entry: Entry,
    pub process: Process,
    /// The hash of the record before this one.
    pub prev: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_reads_back_as_it_prints() {
        for id in [1, 12, 4412, 123_456] {
            assert_eq!(ActionId(id).to_string().parse(), Ok(ActionId(id)));
        }
        for wrong in ["a-12", "0012", "a-00x2", "a-", "", "a-+012"] {
            assert!(wrong.parse::<ActionId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_record_is_flat_and_leaves_out_what_it_does_not_know() {
        let record = Record {
            seq: 3,
            at: Timestamp::UNIX_EPOCH,
            entry: Entry::of(Kind::Observed, ActionId(1)).found(Found::InEffect),
            process: Process::default(),
            prev: Digest::NOTHING,
        };
        let text = serde_json::to_string(&record).unwrap();
        assert!(
            text.starts_with(
                r#"{"seq":3,"at":"1970-01-01T00:00:00Z","kind":"observed","action":"a-0001","found":"in-effect","process""#
            ),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
