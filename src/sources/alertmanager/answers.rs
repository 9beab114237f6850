//! From the bodies of Alertmanager's API v2 to facts. Pure.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::facts::{Alert, AlertState, AlertmanagerStatus};
use crate::sources::prometheus::alert::{self, Texts, moment};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    cluster: Cluster,
    version_info: Version,
    /// Despite its name the moment of the start.
    #[serde(default)]
    uptime: String,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    status: Arc<str>,
    /// Absent or null where clustering is off.
    peers: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    version: Arc<str>,
}

impl Status {
    pub fn fill(self, status: &mut AlertmanagerStatus) {
        let peers = self.cluster.peers.map_or(0, |peers| peers.len());
        status.version = self.version_info.version;
        status.cluster = self.cluster.status;
        status.peers = u32::try_from(peers).unwrap_or(u32::MAX);
        status.started_at = moment(&self.uptime);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GettableAlert {
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
    #[serde(default)]
    starts_at: String,
    status: State,
}

#[derive(Deserialize)]
struct State {
    state: String,
}

impl GettableAlert {
    /// `unprocessed` fires as well: it only came in a moment ago.
    pub fn alert(self) -> Alert {
        let state = match self.status.state.as_str() {
            "suppressed" => AlertState::Suppressed,
            _ => AlertState::Firing,
        };
        let at = moment(&self.starts_at);
        alert::alert(self.labels, self.annotations, state, at)
    }
}

#[derive(Deserialize)]
pub struct Silence {
    status: State,
}

/// Silences in force now; expired ones stay listed for days.
pub fn active(silences: &[Silence]) -> u32 {
    let active = silences.iter().filter(|s| s.status.state == "active");
    u32::try_from(active.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            serde_json::from_slice(include_bytes!(concat!(
                "../../../tests/fixtures/payloads/alertmanager/",
                $name,
                ".json"
            )))
            .unwrap()
        };
    }

    #[test]
    fn version_start_and_cluster_are_read() {
        let status: Status = recorded!("status");
        let mut told = AlertmanagerStatus::default();
        status.fill(&mut told);
        assert_eq!(&*told.version, "0.25.0");
        assert_eq!(told.peers, 0);
        assert_eq!(&*told.cluster, "disabled");
        assert!(told.started_at.is_some());
    }

    #[test]
    fn a_silenced_alert_is_suppressed_and_the_other_fires() {
        let alerts: Vec<GettableAlert> = recorded!("alerts");
        let alerts: Vec<Alert> = alerts.into_iter().map(GettableAlert::alert).collect();
        let state = |name: &str| alerts.iter().find(|a| &*a.name == name).unwrap().state;
        assert_eq!(state("InstanceDown"), AlertState::Firing);
        assert_eq!(state("Watchdog"), AlertState::Suppressed);
        assert!(alerts.iter().all(|alert| alert.active_at.is_some()));
    }

    #[test]
    fn an_alert_is_active_since_its_start() {
        let told = r#"{"labels":{"alertname":"A"},"status":{"state":"active"},
            "startsAt":"2026-11-21T09:09:12Z","updatedAt":"2026-11-21T10:00:00Z"}"#;
        let alert = serde_json::from_str::<GettableAlert>(told).unwrap().alert();
        assert_eq!(alert.active_at, "2026-11-21T09:09:12Z".parse().ok());
    }

    #[test]
    fn an_expired_silence_is_no_longer_counted() {
        let silences: Vec<Silence> = recorded!("silences");
        assert_eq!(silences.len(), 2);
        assert_eq!(active(&silences), 1);
    }
}
