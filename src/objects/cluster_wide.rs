//! The smaller kinds: namespaces, events, budgets, volumes, services, quotas, leases.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Condition, Object, ObjectKind, Selector};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    pub terminating: bool,
    /// What holds the deletion up, in the namespace controller's words.
    pub conditions: Box<[Condition]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventType {
    Normal,
    Warning,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub kind: EventType,
    pub reason: Arc<str>,
    pub message: Arc<str>,
    /// What it is about: kind as the API says it, namespace and name.
    pub about: (Arc<str>, Arc<str>, Arc<str>),
    pub about_uid: Arc<str>,
    pub source: Arc<str>,
    pub count: u32,
    pub first: Option<Timestamp>,
    /// Series first, then last, then event time, then creation.
    pub last: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisruptionBudget {
    /// As written: `1`, `50%`.
    pub min_available: Option<Arc<str>>,
    pub max_unavailable: Option<Arc<str>>,
    pub selector: Selector,
    pub allowed: u32,
    pub healthy: u32,
    pub desired: u32,
    pub expected: u32,
    /// The counts are about the present spec.
    pub observed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeClaim {
    pub phase: Arc<str>,
    pub class: Option<Arc<str>>,
    pub volume: Option<Arc<str>>,
    /// Asked for and granted, in bytes.
    pub wanted: Option<u64>,
    pub granted: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    pub phase: Arc<str>,
    pub class: Option<Arc<str>>,
    /// Namespace and name of the claim that holds it.
    pub claim: Option<(Arc<str>, Arc<str>)>,
    pub capacity: Option<u64>,
    pub reclaim: Arc<str>,
    pub reason: Option<Arc<str>>,
    pub message: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub kind: Arc<str>,
    pub cluster_ip: Option<Arc<str>>,
    /// `None`: its endpoints are somebody else's work.
    pub selector: Option<Selector>,
    /// `80/TCP`, in order.
    pub ports: Box<[Arc<str>]>,
    /// Addresses that a load balancer gave it.
    pub ingress: Box<[Arc<str>]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoints {
    /// From the label `kubernetes.io/service-name`.
    pub service: Option<Arc<str>>,
    pub ready: u32,
    pub serving: u32,
    pub all: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    pub lines: Box<[QuotaLine]>,
}

/// One limited resource: what is used and what is allowed, as numbers and as the API writes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaLine {
    pub resource: Arc<str>,
    pub used: f64,
    pub hard: f64,
    pub used_text: Arc<str>,
    pub hard_text: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    pub holder: Option<Arc<str>>,
    /// Seconds.
    pub duration: u32,
    /// By the holder's clock.
    pub renewed: Option<Timestamp>,
    pub acquired: Option<Timestamp>,
    pub transitions: u32,
}

/// What an event is about, as far as it can be told apart: an object that came anew under an old
/// name is another one, but of a node not every component knows the uid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum About {
    Uid(Arc<str>),
    /// Kind as the API says it, namespace and name.
    Name(Arc<str>, Arc<str>, Arc<str>),
}

impl About {
    #[must_use]
    pub fn of(object: &Object) -> Self {
        match object.kind() {
            ObjectKind::Node => Self::Name("Node".into(), "".into(), object.name.clone()),
            _ => Self::Uid(object.uid.clone()),
        }
    }
}

impl VolumeClaim {
    /// Has its volume, as large as it should be.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let lacks = self
            .granted
            .zip(self.wanted)
            .is_some_and(|(granted, wanted)| granted < wanted);
        &*self.phase == "Bound" && !lacks
    }
}

impl Event {
    #[must_use]
    pub fn about_key(&self) -> About {
        let (kind, namespace, name) = &self.about;
        if &**kind == "Node" {
            About::Name(kind.clone(), "".into(), name.clone())
        } else if self.about_uid.is_empty() {
            About::Name(kind.clone(), namespace.clone(), name.clone())
        } else {
            About::Uid(self.about_uid.clone())
        }
    }

    /// The kind that it is about, where midwatch keeps that kind.
    #[must_use]
    pub fn about_kind(&self) -> Option<ObjectKind> {
        ObjectKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.api_kind() == &*self.about.0)
    }
}
