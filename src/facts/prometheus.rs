//! Facts about a Prometheus server and an Alertmanager.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Build, runtime and TSDB state. Absent parts are `None`: a compatible server may lack them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PrometheusStatus {
    pub version: Arc<str>,
    /// `/-/ready`: false while the write-ahead log is replayed.
    pub ready: bool,
    pub started_at: Option<Timestamp>,
    /// False when the last configuration reload failed: the server runs on an older one.
    pub config_ok: Option<bool>,
    pub retention: Arc<str>,
    pub head_series: Option<u64>,
    pub head_chunks: Option<u64>,
    /// Newest sample in the head block, by the server's samples.
    pub head_max_at: Option<Timestamp>,
    /// WAL corruptions counted since start.
    pub corruptions: Option<u64>,
    /// Alertmanagers it sends to; `None` where the endpoint is not offered.
    pub alertmanagers: Option<Vec<Arc<str>>>,
}

/// Scrape targets: the counts of all, the details of those that are not up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScrapeTargets {
    pub up: u32,
    pub down: u32,
    pub unknown: u32,
    /// Those not up, at most [`ScrapeTargets::KEPT`].
    pub failing: Vec<ScrapeTarget>,
}

impl ScrapeTargets {
    /// Failing targets kept in detail; the rest are in the count.
    pub const KEPT: usize = 500;

    #[must_use]
    pub fn total(&self) -> u32 {
        self.up + self.down + self.unknown
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScrapeTarget {
    pub job: Arc<str>,
    pub instance: Arc<str>,
    pub url: Arc<str>,
    pub error: Arc<str>,
    pub last_scrape: Option<Timestamp>,
    pub took: Duration,
    /// False: not scraped yet rather than down.
    pub down: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleGroups(pub Vec<RuleGroup>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleGroup {
    pub name: Arc<str>,
    pub file: Arc<str>,
    pub interval: Duration,
    pub took: Duration,
    pub last_at: Option<Timestamp>,
    pub rules: u32,
    /// Rules whose last evaluation failed: name and error.
    pub failing: Vec<(Arc<str>, Arc<str>)>,
    /// Alerting rules whose alert is always meant to fire (`Watchdog`, `DeadMansSwitch`).
    pub watchdogs: Vec<Arc<str>>,
}

/// Results of the configured instant queries, in their order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Queries(pub Vec<QueryResult>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryResult {
    pub query: Arc<str>,
    /// The samples, at most 1,000, or the server's error text.
    pub result: Result<Vec<Sample>, String>,
    /// Samples beyond the limit.
    pub dropped: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// `{job="node", instance="a:9100"}` as Prometheus writes it.
    pub labels: Arc<str>,
    pub value: f64,
}

/// How full the volumes of Kubernetes claims are, by the kubelets that the server scrapes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VolumeUses {
    /// The cluster that the user says this server scrapes.
    pub cluster: Option<Arc<str>>,
    /// At most [`VolumeUses::KEPT`].
    pub uses: Vec<VolumeUse>,
}

impl VolumeUses {
    /// Claims kept of one server.
    pub const KEPT: usize = 5000;
}

/// One claim; what nobody told is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VolumeUse {
    /// The series' own `cluster` label.
    pub cluster: Option<Arc<str>>,
    pub namespace: Arc<str>,
    pub claim: Arc<str>,
    /// Used bytes and all of them.
    pub used: Option<u64>,
    pub capacity: Option<u64>,
    pub inodes_used: Option<u64>,
    pub inodes: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertmanagerStatus {
    pub version: Arc<str>,
    pub ready: bool,
    pub started_at: Option<Timestamp>,
    /// `ready`, `settling` or `disabled`.
    pub cluster: Arc<str>,
    pub peers: u32,
    pub silences: Option<u32>,
}
