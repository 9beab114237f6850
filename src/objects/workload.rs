//! What makes pods: deployments and their like, jobs, cron jobs.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Condition, Labels, Resources, Status};

/// A deployment, stateful set, daemon set or replica set. Counts that a kind does not have are
/// those nearest in meaning: a daemon set's `desired` is its desired number scheduled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    pub desired: u32,
    pub current: u32,
    pub ready: u32,
    pub available: u32,
    /// Of the newest revision.
    pub updated: u32,
    /// `generation` equals `observedGeneration`: the counts are about the present spec.
    pub observed: bool,
    pub paused: bool,
    pub conditions: Box<[Condition]>,
    pub selector: Selector,
    /// Of the template's containers: name and image.
    pub images: Box<[(Arc<str>, Arc<str>)]>,
    /// Sum over the template's containers, for one pod.
    pub requests: Resources,
    pub limits: Resources,
}

impl Workload {
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// All that is wanted is there, of the newest revision.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.observed
            && self.ready >= self.desired
            && self.available >= self.desired
            && self.updated >= self.desired
            && !self.conditions.iter().any(|c| {
                matches!(&*c.kind, "Progressing" | "Available") && c.status != Status::True
                    || &*c.kind == "ReplicaFailure" && c.status == Status::True
            })
    }
}

/// Which labels something selects by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Selector {
    /// All of these pairs.
    pub pairs: Labels,
    /// Key, operator (`In`, `NotIn`, `Exists`, `DoesNotExist`) and values.
    pub expressions: Box<[(Arc<str>, Arc<str>, Box<[Arc<str>]>)]>,
    /// Absent altogether: selects nothing. An empty one selects everything.
    pub absent: bool,
}

impl Selector {
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        let value = |key: &str| {
            let found = labels.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
            Some(&labels[found].1)
        };
        !self.absent
            && self
                .pairs
                .iter()
                .all(|(key, wanted)| value(key) == Some(wanted))
            && self.expressions.iter().all(|(key, operator, values)| {
                let has = value(key);
                match &**operator {
                    "In" => has.is_some_and(|has| values.contains(has)),
                    "NotIn" => has.is_none_or(|has| !values.contains(has)),
                    "Exists" => has.is_some(),
                    "DoesNotExist" => has.is_none(),
                    _ => false,
                }
            })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub completions: Option<u32>,
    pub parallelism: u32,
    pub active: u32,
    pub succeeded: u32,
    pub failed: u32,
    pub suspended: bool,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    pub conditions: Box<[Condition]>,
}

impl Job {
    /// The condition of this kind, where it holds.
    #[must_use]
    pub fn holds(&self, kind: &str) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|c| &*c.kind == kind && c.status == Status::True)
    }

    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.holds("Failed").is_none() && self.failed == 0
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CronJob {
    pub schedule: Arc<str>,
    pub time_zone: Option<Arc<str>>,
    pub suspended: bool,
    pub active: u32,
    pub last_scheduled: Option<Timestamp>,
    pub last_successful: Option<Timestamp>,
    pub starting_deadline: Option<u64>,
}
