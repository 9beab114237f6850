//! An API server that takes long, for us or for everybody.

use std::time::Duration;

use super::{Cause, Evidence, Finding, Rule, Severity};
use crate::facts::{FactKind, Histogram, KubeApi, KubeMetrics};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, seconds, span};

/// The window of the SLO: five minutes.
const WINDOW: Duration = Duration::from_secs(300);
/// Slow polls in a row (own choice: one may be late on any day).
const POLLS: usize = 3;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "api-slow",
    doc: "an API server is slow
Threshold: three polls of `/readyz` in a row took longer than `api_latency_warning`, or p99 of the
changing requests over five minutes did, webhooks and queues aside (Kubernetes SLO: 1 s); or priority
and fairness turned requests away within five minutes.
It matters because controllers fall behind: leases are lost, nodes look silent, rollouts crawl.
Look at etcd's disks, at webhooks, at CPU of the control plane, and at who asks most.",
    on: &[SubjectKind::Cluster],
    needs: &[FactKind::KubeApi, FactKind::KubeMetrics],
    causes: &[Cause::same("api-not-ready")],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let limit = snap.thresholds(subject).api_latency_warning;
    let api = snap.fresh::<KubeApi>(subject)?;
    let mut found: Vec<Finding> = own(subject, &api, limit).into_iter().collect();
    // Many may not see the metrics: what our own polls tell stands without them.
    match snap.fresh::<KubeMetrics>(subject) {
        Ok(metrics) => {
            found.extend(writes(subject, &metrics, limit));
            found.extend(rejected(subject, &metrics));
        }
        Err(doubt) if found.is_empty() => return Err(doubt),
        Err(_) => {}
    }
    Ok(found)
}

fn own(subject: &Subject, api: &Reading<KubeApi>, limit: f64) -> Option<Finding> {
    let told: Vec<Duration> = api.all().map(|(_, api)| api.took).collect();
    let slow = |took: &&Duration| took.as_secs_f64() > limit;
    let polls = told.iter().rev().take_while(slow).count();
    if polls < POLLS {
        return None;
    }
    let took = latency(api.value.took);
    let limit = format!("<= {}", latency(seconds(limit)));
    Some(
        Finding::new(
            &RULE,
            subject,
            Severity::Warning,
            format!("{took} to an answer of /readyz, slow for {polls} polls"),
        )
        .key("polls")
        .so_what("Whatever asks it waits as long.")
        .evidence(Evidence::of(api, "time to the answer", took, limit)),
    )
}

/// Only counters of one process can be compared: another server may have answered before.
fn same_process(now: &KubeMetrics, then: &KubeMetrics) -> bool {
    now.started == then.started
}

fn writes(subject: &Subject, metrics: &Reading<KubeMetrics>, limit: f64) -> Option<Finding> {
    let now = metrics.value;
    let counted = |then: &KubeMetrics| -> Option<Histogram> {
        let same = same_process(now, then).then_some(now.writes.as_ref()?)?;
        same.since(then.writes.as_ref()?)
    };
    let (window, over) = metrics.over(WINDOW, counted).ok()?;
    let p99 = window.quantile(0.99).filter(|p99| *p99 > limit)?;
    let (p99, over) = (latency(seconds(p99)), span(over));
    let limit = format!("<= {}", latency(seconds(limit)));
    Some(
        Finding::new(
            &RULE,
            subject,
            Severity::Warning,
            format!("p99 of changing requests {p99} over {over}"),
        )
        .key("writes")
        .so_what("Controllers and users wait for each change.")
        .evidence(Evidence::of(metrics, "changing requests p99", p99, limit)),
    )
}

fn rejected(subject: &Subject, metrics: &Reading<KubeMetrics>) -> Option<Finding> {
    let now = metrics.value;
    let more = |then: &KubeMetrics| {
        same_process(now, then).then(|| {
            let before = |level: &str, reason: &str| {
                let mut known = then.rejected.iter();
                let known = known.find(|r| &*r.priority_level == level && &*r.reason == reason);
                known.map_or(0.0, |known| known.count)
            };
            let each = now.rejected.iter().map(|r| {
                let count = r.count - before(&r.priority_level, &r.reason);
                (count, &r.priority_level, &r.reason)
            });
            let some: Vec<_> = each.filter(|(count, ..)| *count > 0.0).collect();
            some
        })
    };
    let (more, over) = metrics.over(WINDOW, more).ok()?;
    let all: f64 = more.iter().map(|(count, ..)| count).sum();
    let (_, level, reason) = more.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    let over = span(over);
    let value = format!("{all:.0} in {over}");
    Some(
        Finding::new(
            &RULE,
            subject,
            Severity::Warning,
            format!("{all:.0} requests turned away in {over}, most of {level} ({reason})"),
        )
        .key("rejected")
        .so_what("Somebody asks more than it can answer.")
        .evidence(Evidence::of(metrics, "rejected requests", value, "0")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FlowRejections;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::kube::{api, metrics};

    fn says(w: &Scenario) -> String {
        w.says(&RULE, "cluster/prod")
    }

    #[test]
    fn three_slow_answers_in_a_row_are_told() {
        let slow = || KubeApi {
            took: Duration::from_millis(1200),
            ..api()
        };
        let mut w = Scenario::kube([]);
        for _ in 0..2 {
            w.wait(5).api([slow().into()]);
        }
        assert_eq!(says(&w), "clear");
        w.wait(5).api([slow().into()]);
        assert_eq!(
            says(&w),
            "WARN cluster/prod 1.20s to an answer of /readyz, slow for 3 polls"
        );
    }

    fn written(slow: f64, started: f64) -> KubeMetrics {
        let mut writes = Histogram {
            count: 100.0 + slow,
            ..Histogram::default()
        };
        for (bound, count) in [
            (0.5, 100.0),
            (4.0, 100.0 + slow),
            (f64::INFINITY, 100.0 + slow),
        ] {
            writes.add(bound, count);
        }
        KubeMetrics {
            started: Some(started),
            writes: Some(writes),
            ..metrics()
        }
    }

    #[test]
    fn changing_requests_are_judged_by_what_happened_since() {
        let mut w = Scenario::kube([]);
        w.metrics(written(0.0, 5.0));
        w.wait(30).api([api().into()]).metrics(written(50.0, 5.0));
        assert_eq!(
            says(&w),
            "WARN cluster/prod p99 of changing requests 3.96s over 30s"
        );
        // Another server behind the same address: its counters are its own.
        w.wait(30).api([api().into()]).metrics(written(90.0, 6.0));
        assert_eq!(says(&w), "clear");
    }

    #[test]
    fn requests_that_were_turned_away_are_told_with_where() {
        let away = |count| KubeMetrics {
            started: Some(5.0),
            rejected: vec![FlowRejections {
                priority_level: "workload-low".into(),
                reason: "queue-full".into(),
                count,
            }],
            ..metrics()
        };
        let mut w = Scenario::kube([]);
        w.metrics(away(7.0));
        w.wait(30).api([api().into()]).metrics(away(7.0));
        assert_eq!(says(&w), "clear");
        w.wait(30).api([api().into()]).metrics(away(19.0));
        assert_eq!(
            says(&w),
            "WARN cluster/prod 12 requests turned away in 30s, most of workload-low (queue-full)"
        );
    }
}
