//! One problem on one subject: how bad it is, its evidence, and what makes it the same one over time.
//!
//! Plain values. What fires is for rules to say, what it means over time for the ledger.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cause, Rule};
use crate::clock::Stamp;
use crate::facts::Factual;
use crate::model::Reading;
use crate::subject::Subject;

/// How bad, worst last, so that `max` takes the worst.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Info,
    Warning,
    /// No answer, or none that can be believed: ranked right under critical.
    Unknown,
    Critical,
}

impl Severity {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "CRIT",
            Self::Unknown => "UNKN",
            Self::Warning => "WARN",
            Self::Info => "INFO",
        }
    }

    /// How bad a value is that must stay below its limits, with the limit that it broke.
    #[must_use]
    pub fn above(value: f64, warning: f64, critical: f64) -> Option<(Self, f64)> {
        if value > critical {
            Some((Self::Critical, critical))
        } else {
            (value > warning).then_some((Self::Warning, warning))
        }
    }

    /// How bad a value is that must stay above its limits, with the limit that it broke.
    #[must_use]
    pub fn below(value: f64, warning: f64, critical: f64) -> Option<(Self, f64)> {
        if value < critical {
            Some((Self::Critical, critical))
        } else {
            (value < warning).then_some((Self::Warning, warning))
        }
    }
}

/// One problem on one subject, as a sentence with the number in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: Arc<str>,
    pub subject: Subject,
    /// Tells apart several findings of one rule on one subject; empty for most.
    pub key: Arc<str>,
    pub severity: Severity,
    pub summary: String,
    /// What breaks because of it; empty where the summary says it.
    pub so_what: String,
    pub evidence: Vec<Evidence>,
    /// What speaks against it.
    pub against: Vec<Evidence>,
    /// Failures that can still be borne, for problems of redundancy: zero means that the next one
    /// is an outage, less that it has happened.
    #[serde(default)]
    pub spare: Option<i32>,
    /// Since when it holds by the word of whoever told it, where that is earlier than anyone here
    /// looked: an alert that was carried over.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// What explains this finding beside the causes of its rule, where only some of the rule's
    /// findings have that cause.
    #[serde(skip)]
    pub because: Option<Cause>,
}

/// What makes a finding the same one over time: its evidence and severity may change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingId {
    pub rule: Arc<str>,
    pub subject: Subject,
    pub key: Arc<str>,
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule, self.subject)?;
        if self.key.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.key)
        }
    }
}

impl Finding {
    #[must_use]
    pub fn new(
        rule: &Rule,
        subject: &Subject,
        severity: Severity,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.id.into(),
            subject: subject.clone(),
            key: "".into(),
            severity,
            summary: summary.into(),
            so_what: String::new(),
            evidence: Vec::new(),
            against: Vec::new(),
            spare: None,
            since: None,
            because: None,
        }
    }

    #[must_use]
    pub fn id(&self) -> FindingId {
        FindingId {
            rule: self.rule.clone(),
            subject: self.subject.clone(),
            key: self.key.clone(),
        }
    }

    /// How many more failures can be borne.
    #[must_use]
    pub fn spare(mut self, spare: i32) -> Self {
        self.spare = Some(spare);
        self
    }

    /// It began before anyone here looked.
    #[must_use]
    pub fn since(mut self, began: Option<Timestamp>) -> Self {
        self.since = began;
        self
    }

    /// Another finding explains this one, whatever the causes of its rule are.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.because = Some(cause);
        self
    }

    #[must_use]
    pub fn so_what(mut self, text: impl Into<String>) -> Self {
        self.so_what = text.into();
        self
    }

    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = key.into();
        self
    }

    /// Does it tell the same, whenever each part of it was last told?
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        let same = |a: &[Evidence], b: &[Evidence]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_as(b))
        };
        (&self.summary, &self.so_what, self.since) == (&other.summary, &other.so_what, other.since)
            && (self.severity, self.spare, self.because)
                == (other.severity, other.spare, other.because)
            && self.id() == other.id()
            && same(&self.evidence, &other.evidence)
            && same(&self.against, &other.against)
    }

    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    #[must_use]
    pub fn against(mut self, evidence: Evidence) -> Self {
        self.against.push(evidence);
        self
    }
}

/// One observed value beside the limit it broke, and who said so when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was measured, in the field's words: `wal fsync p99`.
    pub what: String,
    pub value: String,
    /// The limit with its comparison (`> 500ms`); empty where there is none.
    pub limit: String,
    /// The feed that told it.
    pub source: String,
    pub at: Stamp,
}

impl Evidence {
    fn says_as(&self, other: &Self) -> bool {
        (&self.what, &self.value) == (&other.what, &other.value)
            && (&self.limit, &self.source) == (&other.limit, &other.source)
    }

    /// Evidence from one reading.
    #[must_use]
    pub fn of<T: Factual>(
        reading: &Reading<T>,
        what: &str,
        value: impl Into<String>,
        limit: impl Into<String>,
    ) -> Self {
        Self {
            what: what.to_owned(),
            value: value.into(),
            limit: limit.into(),
            source: reading.feed.spec.id.to_string(),
            at: reading.at,
        }
    }
}

/// The first few names and how many more there are: `a, b, c and 4 more`.
#[must_use]
pub fn some_of<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
