//! Alerts as Prometheus or Alertmanager tell them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Active alerts on a `prometheus/…` or `alertmanager/…` subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alerts(pub Vec<Alert>);

/// One alert. Every text is remote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub name: Arc<str>,
    pub state: AlertState,
    /// The `severity` label; empty where there is none.
    pub severity: Arc<str>,
    /// All labels but `alertname` and `severity`.
    pub labels: BTreeMap<Arc<str>, Arc<str>>,
    /// The `summary` annotation, else `description`, else `message`, else empty.
    pub summary: Arc<str>,
    pub active_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    Firing,
    Pending,
    /// Silenced or inhibited at the Alertmanager.
    Suppressed,
}
