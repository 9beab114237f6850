//! The result of one poll of one feed: facts, or the layer at which it failed.
//!
//! A failed poll is a value like any other. It never travels as an `Err` to the loop, and it never
//! carries a zero in place of what was not learnt.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Now;
use crate::facts::{Fact, FactKind};
use crate::ids::FeedId;
use crate::objects::Delta;
use crate::subject::Subject;

/// What one poll of one feed brought. Serialisable: it is what a recorder stores and a test replays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    pub feed: FeedId,
    /// When the poll ended.
    pub at: Now,
    pub took: Duration,
    /// Bytes of bodies received, before inflation.
    pub bytes: u64,
    pub outcome: Result<Harvest, Outage>,
}

impl Observation {
    /// The moment that what it tells is dated by: when the poll ended, or earlier where it tells of
    /// the past.
    #[must_use]
    pub fn told_at(&self) -> Now {
        match &self.outcome {
            Ok(harvest) => self.at.minus(harvest.behind),
            Err(_) => self.at,
        }
    }
}

/// What a successful poll yields. `lost` names the parts that could not be had although the feed
/// answered: `/metrics` forbidden, hash not offered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Harvest {
    /// What the feed speaks for, once it knows (an etcd endpoint learns its member's name).
    pub subject: Option<Subject>,
    pub facts: Vec<(Subject, Fact)>,
    pub lost: Vec<Lost>,
    /// Samples or items refused for exceeding a limit or for being impossible; shown, never silent.
    pub refused: u64,
    /// Changes of Kubernetes objects, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<Delta>,
    /// How much older than the poll is what it tells: between two lists, the age of the last.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub behind: Duration,
    /// How often objects are listed that this user may not watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<Duration>,
}

/// One kind of fact that a feed should have brought and did not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lost {
    pub kind: FactKind,
    pub outage: Outage,
}

/// The layer at which talking to an endpoint failed.
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
pub enum Layer {
    Dns,
    Tcp,
    Tls,
    Auth,
    Timeout,
    /// The peer answered, but not as its protocol says (HTTP status, gRPC code, framing).
    Protocol,
    /// The body arrived and could not be read.
    Parse,
    TooLarge,
    /// Our own side: an unreadable key file, a crashed source.
    Local,
}

impl Layer {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Auth => "auth",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Parse => "parse",
            Self::TooLarge => "too large",
            Self::Local => "local",
        }
    }
}

/// A failure as data. `detail` may hold remote text and is sanitised where it is drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    pub layer: Layer,
    pub detail: String,
    /// What to do about it; starts with a verb.
    pub hint: Option<Cow<'static, str>>,
}

impl Outage {
    #[must_use]
    pub fn new(layer: Layer, detail: impl Into<String>) -> Self {
        Self {
            layer,
            detail: detail.into(),
            hint: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.layer.word(), self.detail)
    }
}

impl std::error::Error for Outage {}
