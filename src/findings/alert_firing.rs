//! Alerts that Prometheus or an Alertmanager already raised, carried over as they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{Alert, AlertState, Alerts, FactKind, RuleGroups};
use crate::model::{Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "alert-firing",
    doc: "an alert is firing
Threshold: that of the alert; its `severity` label is kept: `critical` and `page` are critical,
`warning` is a warning, all else is information (kubernetes mixin: the usual labels). A silenced or
inhibited one is information.
It matters because somebody wrote it down as worth knowing.
Look at the alert's own words. One that names what is watched here stands on that; the same alert
at Prometheus and Alertmanager is told once, and watchdogs are not told.",
    on: &[SubjectKind::Fleet],
    needs: &[FactKind::Alerts],
    causes: &[
        Cause::same("target-down"),
        Cause::same("etcd-member-down"),
        Cause::host("host-down"),
    ],
    check: |snap, fleet| judge(snap, fleet),
};

/// One alert with the reading that told it.
struct Told<'a> {
    alert: &'a Alert,
    state: AlertState,
    by: &'a Subject,
    reading: Reading<'a, Alerts>,
}

fn judge(snap: &Snapshot, fleet: &Subject) -> Verdict {
    let watchdogs = watchdogs(snap);
    // By name: the first to tell an alert is Prometheus, whose labels are the fewer.
    let mut known: BTreeMap<&str, Vec<Told>> = BTreeMap::new();
    let kinds = [SubjectKind::Prometheus, SubjectKind::Alertmanager];
    for by in kinds.into_iter().flat_map(|kind| snap.model.subjects(kind)) {
        for reading in snap.readings::<Alerts>(by) {
            for alert in &reading.value.0 {
                if alert.state == AlertState::Pending || watchdogs.contains(&alert.name) {
                    continue;
                }
                let row = known.entry(&alert.name).or_default();
                let state = alert.state;
                let told = Told {
                    alert,
                    state,
                    by,
                    reading,
                };
                enter(row, told);
            }
        }
    }
    let found: Vec<Finding> = known
        .values()
        .flatten()
        .map(|told| finding(snap, fleet, told))
        .collect();
    found.into()
}

/// Alertmanager tells the labels of Prometheus and those that Prometheus adds for the outside, so
/// an alert whose labels hold all of a known one's is the same. A suppressed state wins: it is the
/// Alertmanager's later word.
fn enter<'a>(row: &mut Vec<Told<'a>>, told: Told<'a>) {
    let same = row.iter_mut().find(|known| {
        known.alert.severity == told.alert.severity
            && known
                .alert
                .labels
                .iter()
                .all(|(key, value)| told.alert.labels.get(key) == Some(value))
    });
    match same {
        Some(known) if told.state == AlertState::Suppressed => {
            // The labels stay those of the first, so that the finding stays the same one.
            known.state = told.state;
            known.reading = told.reading;
        }
        Some(_) => {}
        None => row.push(told),
    }
}

fn watchdogs(snap: &Snapshot) -> BTreeSet<Arc<str>> {
    let servers = snap.model.subjects(SubjectKind::Prometheus);
    servers
        .filter_map(|server| snap.latest::<RuleGroups>(server))
        .flat_map(|groups| &groups.value.0)
        .flat_map(|group| group.watchdogs.iter().cloned())
        .chain(["Watchdog".into(), "DeadMansSwitch".into()])
        .collect()
}

fn finding(snap: &Snapshot, fleet: &Subject, told: &Told) -> Finding {
    let alert = told.alert;
    let topology = snap.model.topology();
    let about = alert.labels.get("instance");
    let subject = about.and_then(|instance| topology.at(instance, told.by));
    let severity = if told.state == AlertState::Suppressed {
        Severity::Info
    } else {
        severity(&alert.severity)
    };
    let finding = Finding::new(&RULE, subject.unwrap_or(fleet), severity, summary(told))
        .key(key(alert))
        .since(alert.active_at)
        .evidence(Evidence::of(
            &told.reading,
            &alert.name,
            word(told.state),
            "",
        ));
    if told.reading.freshness.is_usable() {
        return finding;
    }
    let age = format!("{} ago", span(told.reading.age));
    finding.against(Evidence::of(&told.reading, "last told", age, ""))
}

fn severity(label: &str) -> Severity {
    match label {
        "critical" | "page" => Severity::Critical,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    }
}

fn word(state: AlertState) -> &'static str {
    match state {
        AlertState::Suppressed => "suppressed",
        _ => "firing",
    }
}

fn summary(told: &Told) -> String {
    let alert = told.alert;
    let suppressed = match told.state {
        AlertState::Suppressed => " (suppressed)",
        _ => "",
    };
    let words = match &*alert.summary {
        "" => labels(alert),
        words => words.to_owned(),
    };
    format!("{}{suppressed}: {words}", alert.name)
}

fn labels(alert: &Alert) -> String {
    let pairs: Vec<String> = alert
        .labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join(" ")
}

fn key(alert: &Alert) -> String {
    format!("{} {} {}", alert.name, alert.severity, labels(alert))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::observation::Layer;

    const AM: &str = "alertmanager/m http://m:9093";
    const NODE: &str = "node-exporter/a http://10.0.0.1:9100";

    fn alert(name: &str, severity: &str, state: AlertState, labels: &[(&str, &str)]) -> Alert {
        Alert {
            name: name.into(),
            state,
            severity: severity.into(),
            labels: labels
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            summary: "it burns".into(),
            active_at: None,
        }
    }

    fn firing(name: &str, severity: &str, labels: &[(&str, &str)]) -> Alert {
        alert(name, severity, AlertState::Firing, labels)
    }

    fn world(alerts: Vec<Alert>) -> Scenario {
        let mut w = Scenario::prometheus([Alerts(alerts).into()]);
        w.feed(AM, "alertmanager/m").feed(NODE, "host/cp-1");
        w
    }

    #[test]
    fn severities_are_kept_and_pending_and_watchdogs_are_not_told() {
        let w = world(vec![
            firing("A", "page", &[]),
            firing("B", "warning", &[]),
            firing("C", "none", &[]),
            alert("D", "critical", AlertState::Pending, &[]),
            firing("Watchdog", "none", &[]),
        ]);
        assert_eq!(
            w.says(&RULE, "fleet"),
            "CRIT fleet A: it burns\nWARN fleet B: it burns\nINFO fleet C: it burns"
        );
    }

    #[test]
    fn one_alert_at_two_places_is_one_finding() {
        let mut w = world(vec![firing("A", "warning", &[("job", "x")])]);
        let outside = [("job", "x"), ("cluster", "eu")];
        let there = Alerts(vec![firing("A", "warning", &outside)]);
        w.tell(AM, [("alertmanager/m", there.into())]);
        assert_eq!(w.says(&RULE, "fleet"), "WARN fleet A: it burns");
    }

    #[test]
    fn a_silence_at_the_alertmanager_makes_it_information() {
        let labels = [("job", "x"), ("cluster", "eu")];
        for known in [&labels[..], &labels[..1]] {
            let mut w = world(vec![firing("A", "critical", known)]);
            let silenced = alert("A", "critical", AlertState::Suppressed, &labels);
            w.tell(AM, [("alertmanager/m", Alerts(vec![silenced]).into())]);
            assert_eq!(
                w.says(&RULE, "fleet"),
                "INFO fleet A (suppressed): it burns"
            );
        }
    }

    #[test]
    fn an_alert_on_a_dead_target_folds_under_it() {
        let mut w = world(vec![firing(
            "Down",
            "critical",
            &[("instance", "10.0.0.1:9100")],
        )]);
        assert_eq!(w.says(&RULE, "fleet"), "CRIT host/cp-1 Down: it burns");
        w.fail(NODE, Layer::Tcp, "10.0.0.1 refused the connection")
            .run();
        let rows = w.rows();
        assert!(rows.contains("  alert-firing host/cp-1\n"), "{rows}");
    }

    #[test]
    fn an_alert_of_a_silent_server_stays_and_says_so() {
        let mut w = world(vec![firing("A", "warning", &[])]);
        w.wait(60);
        let Verdict::Firing(found) = w.verdict(&RULE, "fleet") else {
            panic!("it vanished");
        };
        assert_eq!(found[0].against[0].value, "1m00s ago");
    }

    #[test]
    fn an_alert_fires_since_it_became_active_and_not_since_we_looked() {
        let since = crate::clock::Now::fixed().wall - jiff::SignedDuration::from_secs(600);
        let old = Alert {
            active_at: Some(since),
            ..firing("A", "warning", &[])
        };
        let mut w = world(vec![old]);
        w.run();
        let entry = |w: &Scenario| {
            let mut all = w.ledger.entries();
            all.find(|it| &*it.id.rule == "alert-firing").unwrap().since
        };
        assert_eq!(entry(&w).wall, since);
        assert_eq!(w.now.stamp.since(entry(&w).stamp).as_secs(), 600);
        w.wait(1);
        let ahead = Alert {
            active_at: Some(w.now.wall + jiff::SignedDuration::from_secs(600)),
            ..firing("B", "warning", &[])
        };
        w.tell(AM, [("alertmanager/m", Alerts(vec![ahead]).into())]);
        w.run();
        let all: Vec<_> = w.ledger.entries().collect();
        let b = all.iter().find(|it| it.id.key.starts_with("B ")).unwrap();
        assert!(
            b.since.wall <= w.now.wall,
            "a clock ahead of ours is no future"
        );
    }
}
