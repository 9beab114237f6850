//! Facts about a Kubernetes API server, on the cluster's subject. Counters stay counters, since the
//! start of the very server that answered: of several behind one address, each has its own.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use crate::units::Bytes;

/// What an API server says of its own health.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KubeApi {
    /// `v1.36.3`; empty while it was not told.
    pub version: Arc<str>,
    /// `linux/amd64`.
    pub platform: Arc<str>,
    /// May it be sent requests?
    pub readyz: KubeChecks,
    /// Should it be restarted? `None` where that was not to be had.
    pub livez: Option<KubeChecks>,
    /// From the request for `/readyz` to the head of the answer.
    pub took: Duration,
}

/// The checks behind one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KubeChecks {
    /// The verdict over all, by the HTTP status.
    pub passed: bool,
    /// How many checks were named; zero where the server names none.
    pub total: u32,
    /// Those that fail, by name.
    pub failing: Vec<Arc<str>>,
}

/// The part of `/metrics` that verdicts need.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KubeMetrics {
    /// Start of the process by its own wall clock, in Unix seconds: two readings of counters can be
    /// compared only where this is the same.
    pub started: Option<f64>,
    pub resident: Option<Bytes>,
    /// Size of the database in etcd.
    pub storage: Option<Bytes>,
    /// Deprecated APIs that somebody asked for since the start.
    pub deprecated: Vec<DeprecatedApi>,
    /// Admission webhooks that rejected or failed.
    pub webhooks: Vec<Webhook>,
    /// Requests rejected by priority and fairness.
    pub rejected: Vec<FlowRejections>,
    /// Requests answered, by HTTP status.
    pub codes: Vec<(u16, f64)>,
    /// Requests being served: changing, reading.
    pub inflight: Option<(f64, f64)>,
    /// Seconds; POST, PUT, PATCH, DELETE without the time in webhooks and queues.
    pub writes: Option<Histogram>,
    /// Seconds; GET and LIST.
    pub reads: Option<Histogram>,
    /// Stored objects by resource, as in role rules: `pods`, `deployments.apps`.
    pub objects: Vec<(Arc<str>, u64)>,
}

/// An API that is going to go, and that somebody uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeprecatedApi {
    /// Empty for the core group.
    pub group: Arc<str>,
    pub version: Arc<str>,
    pub resource: Arc<str>,
    pub subresource: Arc<str>,
    /// The release that will be without it, such as `1.32`; empty where none is planned.
    pub removed_release: Arc<str>,
}

/// One admission webhook, by what it did to requests. Counters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    pub name: Arc<str>,
    /// It answered, and said no.
    pub denied: f64,
    /// It did not answer as it should, and the request was rejected for that.
    pub failed_closed: f64,
    /// The API server could not make use of its answer, and the request was rejected.
    pub failed_inside: f64,
    /// It did not answer as it should, and the request went on.
    pub failed_open: f64,
}

/// Requests that priority and fairness turned away. A counter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowRejections {
    pub priority_level: Arc<str>,
    /// `queue-full`, `time-out`, `concurrency-limit`, `cancelled`.
    pub reason: Arc<str>,
    pub count: f64,
}
