//! An admission webhook that does not answer as it should.

use std::time::Duration;

use super::{Evidence, Finding, Rule, Severity};
use crate::facts::{FactKind, KubeMetrics, Webhook};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// Rare requests must not fall between two looks.
const WINDOW: Duration = Duration::from_secs(600);

/// See the doc.
pub static RULE: Rule = Rule {
    id: "webhook-failing",
    doc: "an admission webhook fails
Threshold: within ten minutes it did not answer as it should, or its answer was of no use, and a
request was rejected for that (critical) or went on without it (warning).
It matters because a webhook that fails closed stops every change that it is asked about, of nodes
and leases too if it is asked about those; one that fails open checks nothing.
Look at the pods behind its service, then at its certificate and timeout.",
    on: &[SubjectKind::Cluster],
    needs: &[FactKind::KubeMetrics],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let metrics = snap.fresh::<KubeMetrics>(subject)?;
    let now = metrics.value;
    if now.webhooks.is_empty() {
        return Ok(Vec::new());
    }
    // Only counters of one process can be compared: another server may have answered before.
    let since = |then: &KubeMetrics| (then.started == now.started).then(|| failures(now, then));
    let (failures, over) = metrics.over(WINDOW, since)?;
    let found = failures.iter();
    Ok(found
        .flat_map(|more| finding(subject, &metrics, more, over))
        .collect())
}

/// What one webhook did more of.
struct More<'a> {
    name: &'a str,
    closed: f64,
    open: f64,
}

fn failures<'a>(now: &'a KubeMetrics, then: &KubeMetrics) -> Vec<More<'a>> {
    let each = now.webhooks.iter().map(|webhook| {
        let before = then
            .webhooks
            .iter()
            .find(|known| known.name == webhook.name);
        let before = before.cloned().unwrap_or_default();
        let closed = |webhook: &Webhook| webhook.failed_closed + webhook.failed_inside;
        More {
            name: &webhook.name,
            closed: closed(webhook) - closed(&before),
            open: webhook.failed_open - before.failed_open,
        }
    });
    each.collect()
}

fn finding(
    subject: &Subject,
    metrics: &Reading<KubeMetrics>,
    more: &More,
    over: Duration,
) -> Vec<Finding> {
    let (name, over) = (more.name, span(over));
    let told = |severity, count: f64, way: &str, what: &str, so_what: &str| {
        (count > 0.0).then(|| {
            let value = format!("{count:.0} in {over}");
            let ending = if count < 1.5 { "" } else { "s" };
            let summary =
                format!("webhook {name} fails: {count:.0} request{ending} {what} in {over}");
            Finding::new(&RULE, subject, severity, summary)
                .key(format!("{name} {way}"))
                .so_what(so_what)
                .evidence(Evidence::of(metrics, what, value, "0"))
        })
    };
    let closed = told(
        Severity::Critical,
        more.closed,
        "closed",
        "rejected for it",
        "Nothing that it is asked about can be changed.",
    );
    let open = told(
        Severity::Warning,
        more.open,
        "open",
        "let through unchecked",
        "What it should check or add is missing.",
    );
    closed.into_iter().chain(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::kube::metrics;

    fn hook(denied: f64, failed_closed: f64, failed_open: f64) -> KubeMetrics {
        KubeMetrics {
            started: Some(5.0),
            webhooks: vec![Webhook {
                name: "guard.example.com".into(),
                denied,
                failed_closed,
                failed_inside: 0.0,
                failed_open,
            }],
            ..metrics()
        }
    }

    fn says(first: KubeMetrics, then: KubeMetrics) -> String {
        let mut w = Scenario::kube([]);
        w.metrics(first).wait(30).metrics(then);
        w.says(&RULE, "cluster/prod")
    }

    #[test]
    fn to_say_no_is_no_failure() {
        assert_eq!(says(hook(1.0, 3.0, 2.0), hook(90.0, 3.0, 2.0)), "clear");
    }

    #[test]
    fn what_fails_closed_is_critical_and_what_fails_open_a_warning() {
        assert_eq!(
            says(hook(0.0, 3.0, 2.0), hook(0.0, 8.0, 3.0)),
            "CRIT cluster/prod webhook guard.example.com fails: 5 requests rejected for it in 30s
WARN cluster/prod webhook guard.example.com fails: 1 request let through unchecked in 30s"
        );
    }

    #[test]
    fn counters_of_another_server_are_not_compared() {
        let restarted = KubeMetrics {
            started: Some(99.0),
            ..hook(0.0, 8.0, 0.0)
        };
        assert_eq!(
            says(hook(0.0, 3.0, 0.0), restarted),
            "unknown: needs a second sample"
        );
    }
}
