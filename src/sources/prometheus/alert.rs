//! An alert from its labels and annotations, alike for Prometheus and Alertmanager.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::facts::{Alert, AlertState, Alerts};

/// Labels or annotations as JSON carries them.
pub type Texts = BTreeMap<Arc<str>, Arc<str>>;

/// Alerts kept of one server; a storm beyond it is counted.
pub const KEPT: usize = 2000;

#[must_use]
pub fn alert(
    mut labels: Texts,
    mut annotations: Texts,
    state: AlertState,
    active_at: Option<Timestamp>,
) -> Alert {
    let summary = ["summary", "description", "message"]
        .iter()
        .find_map(|key| annotations.remove(*key))
        .unwrap_or_default();
    Alert {
        name: labels.remove("alertname").unwrap_or_default(),
        severity: labels.remove("severity").unwrap_or_default(),
        labels,
        state,
        summary,
        active_at,
    }
}

/// At most [`KEPT`], those that fire before all others; and how many were left out.
#[must_use]
pub fn capped(mut alerts: Vec<Alert>) -> (Alerts, u64) {
    let over = alerts.len().saturating_sub(KEPT);
    if over > 0 {
        alerts.sort_by_key(|alert| alert.state);
        alerts.truncate(KEPT);
    }
    (Alerts(alerts), over as u64)
}

/// A moment as Go writes it; its zero time is no moment.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok()?;
    (at > Timestamp::UNIX_EPOCH).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pairs: &[(&str, &str)]) -> Texts {
        let pairs = pairs.iter();
        pairs.map(|(k, v)| (Arc::from(*k), Arc::from(*v))).collect()
    }

    #[test]
    fn name_and_severity_leave_the_labels() {
        let told = alert(
            texts(&[("alertname", "Down"), ("severity", "page"), ("job", "a")]),
            texts(&[("description", "long"), ("runbook_url", "x")]),
            AlertState::Firing,
            None,
        );
        assert_eq!((&*told.name, &*told.severity), ("Down", "page"));
        assert_eq!(told.labels, texts(&[("job", "a")]));
        assert_eq!(&*told.summary, "long");
    }

    #[test]
    fn in_a_storm_what_fires_is_kept_before_what_waits() {
        let one = |state| alert(Texts::new(), Texts::new(), state, None);
        let mut storm = vec![one(AlertState::Pending); KEPT];
        storm.extend(vec![one(AlertState::Firing); 3]);
        let (kept, over) = capped(storm);
        assert_eq!((kept.0.len(), over), (KEPT, 3));
        assert_eq!(kept.0[2].state, AlertState::Firing);
    }

    #[test]
    fn the_zero_time_of_go_is_no_moment() {
        assert_eq!(moment("0001-01-01T00:00:00Z"), None);
        assert!(moment("2026-11-21T09:09:12.227035886Z").is_some());
    }
}
