//! Names of the configured things: targets and their feeds.
//!
//! A *target* is what the user configures (`etcd/prod`); a *feed* is one polled endpoint of it
//! (`etcd/prod` at `https://10.0.0.11:2379`). A target with one endpoint has one feed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A configured target. Prints as `KIND/NAME`, the form used on the command line and in reports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetId {
    pub kind: Arc<str>,
    pub name: Arc<str>,
}

impl TargetId {
    #[must_use]
    pub fn new(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// One polled endpoint of a target: the unit that has its own task, deadline, backoff and age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FeedId {
    pub target: TargetId,
    /// The endpoint as configured (a URL or `host:port`); empty for in-process feeds.
    pub endpoint: Arc<str>,
}

impl FeedId {
    #[must_use]
    pub fn new(target: TargetId, endpoint: &str) -> Self {
        Self {
            target,
            endpoint: endpoint.into(),
        }
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.endpoint.is_empty() {
            write!(f, "{}", self.target)
        } else {
            write!(f, "{} at {}", self.target, self.endpoint)
        }
    }
}
