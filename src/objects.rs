//! Kubernetes objects as midwatch keeps them: what a verdict, a row or a plan needs, and no more.
//!
//! Only parse code sees the wire. Strings that many objects share (namespaces, nodes, images, label
//! sets) are interned by the source, so an equal text is mostly the same allocation.

pub mod cluster_wide;
pub mod kind;
pub mod node;
pub mod pod;
pub mod workload;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use cluster_wide::{
    About, DisruptionBudget, Endpoints, Event, EventType, Lease, Namespace, Quota, QuotaLine,
    Service, Volume, VolumeClaim,
};
pub use kind::ObjectKind;
pub use node::{Node, Taint};
pub use pod::{Container, ContainerSpec, ContainerState, Phase, Pod, Termination};
pub use workload::{CronJob, Job, Selector, Workload};

use crate::subject::Subject;

/// Label pairs in the order of their keys; shared by all objects that carry the same ones.
pub type Labels = Arc<[(Arc<str>, Arc<str>)]>;

/// One object, immutable: a change replaces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The cluster's name as configured.
    pub cluster: Arc<str>,
    /// Empty for kinds without namespaces.
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    /// Opaque; mostly a UUID.
    pub uid: Arc<str>,
    /// By the API server's clock.
    pub created: Option<Timestamp>,
    /// When its deletion was asked for, by the API server's clock; finalizers may still hold it.
    pub deleting: Option<Timestamp>,
    /// The owner that controls it.
    pub owner: Option<Arc<Owner>>,
    pub labels: Labels,
    pub body: Body,
}

/// Who controls an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// As the API says it: `ReplicaSet`, or a kind that midwatch does not keep.
    pub kind: Arc<str>,
    pub name: Arc<str>,
    pub uid: Arc<str>,
}

/// What is particular to a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    Pod(Pod),
    Node(Box<Node>),
    Namespace(Namespace),
    Deployment(Box<Workload>),
    StatefulSet(Box<Workload>),
    DaemonSet(Box<Workload>),
    ReplicaSet(Box<Workload>),
    Job(Box<Job>),
    CronJob(Box<CronJob>),
    Event(Box<Event>),
    DisruptionBudget(Box<DisruptionBudget>),
    VolumeClaim(Box<VolumeClaim>),
    Volume(Box<Volume>),
    Service(Box<Service>),
    Endpoints(Box<Endpoints>),
    Quota(Box<Quota>),
    Lease(Box<Lease>),
}

impl Object {
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match self.body {
            Body::Pod(_) => ObjectKind::Pod,
            Body::Node(_) => ObjectKind::Node,
            Body::Namespace(_) => ObjectKind::Namespace,
            Body::Deployment(_) => ObjectKind::Deployment,
            Body::StatefulSet(_) => ObjectKind::StatefulSet,
            Body::DaemonSet(_) => ObjectKind::DaemonSet,
            Body::ReplicaSet(_) => ObjectKind::ReplicaSet,
            Body::Job(_) => ObjectKind::Job,
            Body::CronJob(_) => ObjectKind::CronJob,
            Body::Event(_) => ObjectKind::Event,
            Body::DisruptionBudget(_) => ObjectKind::DisruptionBudget,
            Body::VolumeClaim(_) => ObjectKind::VolumeClaim,
            Body::Volume(_) => ObjectKind::Volume,
            Body::Service(_) => ObjectKind::Service,
            Body::Endpoints(_) => ObjectKind::Endpoints,
            Body::Quota(_) => ObjectKind::Quota,
            Body::Lease(_) => ObjectKind::Lease,
        }
    }

    /// `pod/prod/shop/web-1`, `node/prod/w-03`.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::object(self.kind(), &self.cluster, &self.namespace, &self.name)
    }

    /// What a deployment, stateful set, daemon set or replica set wants and has.
    #[must_use]
    pub fn workload(&self) -> Option<&Workload> {
        match &self.body {
            Body::Deployment(workload)
            | Body::StatefulSet(workload)
            | Body::DaemonSet(workload)
            | Body::ReplicaSet(workload) => Some(workload),
            _ => None,
        }
    }

    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        let found = self.labels.binary_search_by(|(k, _)| (**k).cmp(key)).ok()?;
        Some(&self.labels[found].1)
    }

    /// Can no rule have anything to say about it, now or merely because time goes on? What is
    /// settled is judged only when it changes; everything else is judged again and again.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        if self.deleting.is_some() {
            return false;
        }
        match &self.body {
            Body::Pod(pod) => pod.is_settled(),
            Body::Deployment(w) | Body::StatefulSet(w) | Body::DaemonSet(w) => w.is_settled(),
            Body::Job(job) => job.is_settled(),
            Body::VolumeClaim(claim) => claim.is_settled(),
            Body::Namespace(namespace) => !namespace.terminating,
            // Judged by what surrounds them or by the clock.
            Body::Node(_)
            | Body::CronJob(_)
            | Body::DisruptionBudget(_)
            | Body::Quota(_)
            | Body::Service(_) => false,
            Body::ReplicaSet(_)
            | Body::Event(_)
            | Body::Volume(_)
            | Body::Endpoints(_)
            | Body::Lease(_) => true,
        }
    }

    /// The natural order: by cluster, namespace and name.
    #[must_use]
    pub fn place(&self) -> (&str, &str, &str) {
        (&self.cluster, &self.namespace, &self.name)
    }
}

/// The three answers of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    True,
    False,
    Unknown,
}

/// One condition of an object's status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    pub kind: Arc<str>,
    pub status: Status,
    /// Last transition, by the server's clock.
    pub since: Option<Timestamp>,
    pub reason: Arc<str>,
    pub message: Arc<str>,
}

/// CPU in thousandths of a core and memory in bytes, as requested, limited, offered or used;
/// `None` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resources {
    pub cpu_milli: Option<u64>,
    pub memory: Option<u64>,
}

/// What a pod or a node uses at present, by the metrics API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Use {
    pub kind: ObjectKind,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    pub used: Resources,
}

/// One change of a cluster's objects, in the order in which the API server told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delta {
    /// A listing begins: what is not put again before [`Delta::Synced`] is gone.
    Begin(ObjectKind),
    Put(Arc<Object>),
    Gone {
        kind: ObjectKind,
        namespace: Arc<str>,
        name: Arc<str>,
    },
    /// Everything of this kind has been told once.
    Synced(ObjectKind),
    /// All uses of this kind, in place of those before.
    Uses(ObjectKind, Vec<Use>),
}
