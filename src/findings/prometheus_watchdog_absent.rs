//! The alert that must always fire does not, or does not arrive.

use jiff::SignedDuration;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{AlertState, Alerts, FactKind, PrometheusStatus, RuleGroups};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-watchdog-absent",
    doc: "the watchdog alert is silent
Threshold: a rule that is meant to fire always (`Watchdog`) was evaluated and does not fire, or fires
and reaches none of the Alertmanagers that are watched (kubernetes mixin: Watchdog); not in the first
two minutes of the server.
It matters because the way that every other alert takes is broken.
Follow the way: rule, Prometheus, Alertmanager, receiver.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::RuleGroups, FactKind::Alerts],
    causes: &[
        Cause::same("prometheus-not-ready"),
        Cause::same("prometheus-no-alertmanager"),
        Cause::same("prometheus-rule-failing"),
        Cause::same("prometheus-head-stale"),
    ],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let Some(groups) = snap.told::<RuleGroups>(server)? else {
        return Ok(Verdict::NotApplicable);
    };
    if just_started(snap, server) {
        return Ok(Verdict::NotApplicable);
    }
    let evaluated = groups
        .value
        .0
        .iter()
        .filter(|group| group.last_at.is_some());
    let mut watchdogs = evaluated.flat_map(|group| &group.watchdogs).peekable();
    if watchdogs.peek().is_none() {
        return Ok(Verdict::NotApplicable);
    }
    let alerts = snap.fresh::<Alerts>(server)?;
    let receivers: Vec<Reading<Alerts>> = snap
        .model
        .subjects(SubjectKind::Alertmanager)
        .filter_map(|receiver| snap.fresh::<Alerts>(receiver).ok())
        .collect();
    let mut found = Vec::new();
    for watchdog in watchdogs {
        let (summary, at) = if !fires(alerts.value, watchdog) {
            (format!("{watchdog} does not fire"), &alerts)
        } else if let Some(receiver) = receivers.first()
            && !receivers.iter().any(|r| fires(r.value, watchdog))
        {
            (
                format!("{watchdog} fires and reaches no Alertmanager"),
                receiver,
            )
        } else {
            continue;
        };
        let evidence = Evidence::of(at, watchdog, "absent", "firing");
        let finding = Finding::new(&RULE, server, Severity::Critical, summary)
            .key(watchdog.clone())
            .so_what("The way that every alert takes is broken.");
        found.push(finding.evidence(evidence));
    }
    Ok(found.into())
}

/// In this time a server evaluates its rules and reaches its Alertmanagers (own choice).
const WARMS_UP: SignedDuration = SignedDuration::from_mins(2);

fn just_started(snap: &Snapshot, server: &Subject) -> bool {
    let status = snap.latest::<PrometheusStatus>(server);
    let started = status.and_then(|status| status.value.started_at);
    started.is_some_and(|at| snap.now.wall.duration_since(at) < WARMS_UP)
}

/// A silenced watchdog has arrived all the same.
fn fires(alerts: &Alerts, name: &str) -> bool {
    let arrived = |state| matches!(state, AlertState::Firing | AlertState::Suppressed);
    alerts
        .0
        .iter()
        .any(|alert| &*alert.name == name && arrived(alert.state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::facts::{Alert, PrometheusStatus, RuleGroup};
    use crate::findings::scenario::Scenario;

    fn alerts(names: &[&str]) -> Alerts {
        let alert = |name: &&str| Alert {
            name: (*name).into(),
            state: AlertState::Firing,
            severity: "none".into(),
            labels: std::collections::BTreeMap::default(),
            summary: "".into(),
            active_at: None,
        };
        Alerts(names.iter().map(alert).collect())
    }

    fn world(watchdogs: &[&str], firing: &[&str]) -> Scenario {
        let group = RuleGroup {
            watchdogs: watchdogs.iter().map(|name| (*name).into()).collect(),
            last_at: Some(Now::fixed().wall),
            ..RuleGroup::default()
        };
        Scenario::prometheus([RuleGroups(vec![group]).into(), alerts(firing).into()])
    }

    #[test]
    fn it_must_fire_and_it_must_arrive() {
        assert_eq!(world(&[], &[]).says(&RULE, "prometheus/a"), "n/a");
        assert_eq!(
            world(&["Watchdog"], &[]).says(&RULE, "prometheus/a"),
            "CRIT prometheus/a Watchdog does not fire"
        );
        let mut w = world(&["Watchdog"], &["Watchdog"]);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
        w.feed("alertmanager/m http://m:9093", "alertmanager/m");
        w.tell(
            "alertmanager/m http://m:9093",
            [("alertmanager/m", alerts(&[]).into())],
        );
        assert_eq!(
            w.says(&RULE, "prometheus/a"),
            "CRIT prometheus/a Watchdog fires and reaches no Alertmanager"
        );
        let arrived = [("alertmanager/m", alerts(&["Watchdog"]).into())];
        w.tell("alertmanager/m http://m:9093", arrived);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
    }

    fn young(secs: i64, last_at: Option<jiff::Timestamp>) -> Scenario {
        let group = RuleGroup {
            watchdogs: vec!["Watchdog".into()],
            last_at,
            ..RuleGroup::default()
        };
        let now = Now::fixed().wall;
        let status = PrometheusStatus {
            started_at: Some(now - SignedDuration::from_secs(secs)),
            ..PrometheusStatus::default()
        };
        Scenario::prometheus([
            RuleGroups(vec![group]).into(),
            alerts(&[]).into(),
            status.into(),
        ])
    }

    #[test]
    fn a_server_that_just_started_has_had_no_time_to_fire() {
        let evaluated = Some(Now::fixed().wall);
        assert_eq!(young(119, evaluated).says(&RULE, "prometheus/a"), "n/a");
        assert_eq!(
            young(121, evaluated).says(&RULE, "prometheus/a"),
            "CRIT prometheus/a Watchdog does not fire"
        );
        assert_eq!(young(121, None).says(&RULE, "prometheus/a"), "n/a");
    }
}
