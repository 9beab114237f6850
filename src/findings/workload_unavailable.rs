//! A deployment, stateful set or daemon set with fewer pods at work than it wants.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::pod_unschedulable::waits_for_lost_nodes;
use super::{Cause, Evidence, Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, ObjectKind, Pod, Status, Workload};
use crate::subject::{Subject, SubjectKind};
use crate::thresholds::Thresholds;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "workload-unavailable",
    doc: "a workload lacks pods
Threshold: fewer are available than wanted for `workload_short_warning` (own choice: 5 min; kubernetes
mixin: 15 min), or a deployment says itself that it is below its minimum; none at all for
`workload_down_critical` (own choice: 1 min, since a single pod that is restarted is back within
seconds) is critical. One that was made less than `workload_short_warning` ago is starting.
It matters because what is left carries the load of all, and with none the service is down.
Look at the pods below it: where they wait, and why they end.",
    on: &[
        SubjectKind::Deployment,
        SubjectKind::StatefulSet,
        SubjectKind::DaemonSet,
    ],
    needs: &[],
    causes: &[Cause::node("node-not-ready")],
    check: |snap, workload| judge(snap, workload).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Some(workload) = object.workload() else {
        return Ok(Verdict::NotApplicable);
    };
    // Where minimum ready seconds run, what is ready works already.
    let working = workload.available.max(workload.ready).min(workload.desired);
    if working == workload.desired || object.deleting.is_some() {
        return Ok(Verdict::Clear);
    }
    let limits = snap.thresholds(subject);
    if !object::is_older(snap, object, object.created, limits.workload_short_warning) {
        return Ok(Verdict::Clear);
    }
    let lacking = lacking(snap, object);
    let since = since(workload, &lacking);
    let Some(severity) = grade(snap, object, workload, working, since, limits) else {
        return Ok(Verdict::Clear);
    };
    let wanted = workload.desired;
    let count = match (working, wanted) {
        (0, 1) => "its only pod is not available".to_owned(),
        (0, _) => format!("none of {wanted} pods is available"),
        _ => format!("{working} of {wanted} pods available"),
    };
    let why = commonest(&lacking);
    let why = why.map_or_else(String::new, |word| format!(" ({word})"));
    let mut finding = Finding::new(&RULE, subject, severity, format!("{count}{why}"))
        .since(since)
        .evidence(counts(snap, object, workload));
    if working == 0 {
        finding = finding.so_what("Nobody is there to serve.");
    }
    let waiting = |(_, pod): &&(&Object, &Pod)| pod.node.is_none() && waits_for_lost_nodes(pod);
    let by_nodes = lacking.iter().filter(waiting).count();
    if by_nodes >= (wanted - working) as usize {
        finding = finding.because(Cause::whole("node-not-ready"));
    }
    Ok(finding.into())
}

fn grade(
    snap: &Snapshot,
    object: &Object,
    workload: &Workload,
    working: u32,
    since: Option<Timestamp>,
    limits: &Thresholds,
) -> Option<Severity> {
    let lasts = |limit: f64| object::is_older(snap, object, since, limit);
    if working == 0 {
        let down = lasts(limits.workload_down_critical);
        return down.then_some(Severity::Critical);
    }
    let below_minimum = workload
        .condition("Available")
        .is_some_and(|condition| condition.status == Status::False);
    let limit = if below_minimum {
        limits.workload_down_critical
    } else {
        limits.workload_short_warning
    };
    lasts(limit).then_some(Severity::Warning)
}

/// Its pods that do not work, those that are on their way out left aside. Empty where pods are not
/// watched.
fn lacking<'a>(snap: &Snapshot<'a>, object: &Object) -> Vec<(&'a Object, &'a Pod)> {
    let Ok(cluster) = snap.cluster(&object.cluster, &[ObjectKind::Pod]) else {
        return Vec::new();
    };
    let pods = cluster.pods_of(object).into_iter();
    let pods = pods.filter_map(|pod: &'a Arc<Object>| match &pod.body {
        Body::Pod(body) if !body.ready && pod.deleting.is_none() => Some((&**pod, body)),
        _ => None,
    });
    pods.collect()
}

/// Since when it lacks pods: by its own word, else since the first of those that do not work stopped
/// or was made.
fn since(workload: &Workload, lacking: &[(&Object, &Pod)]) -> Option<Timestamp> {
    let own = workload
        .condition("Available")
        .filter(|condition| condition.status == Status::False)
        .and_then(|condition| condition.since);
    let pods = lacking.iter();
    own.or_else(|| {
        pods.filter_map(|(object, pod)| pod.ready_since.or(object.created))
            .min()
    })
}

/// The word that most of them are in.
fn commonest(lacking: &[(&Object, &Pod)]) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, pod) in lacking {
        *counts.entry(pod.status_word().into_owned()).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(word, _)| word).filter(|word| word != "Running")
}

fn counts(snap: &Snapshot, object: &Object, workload: &Workload) -> Evidence {
    let value = format!(
        "{} ready, {} available, {} of the newest revision",
        workload.ready, workload.available, workload.updated
    );
    let limit = format!("{} wanted", workload.desired);
    object::evidence(snap, object, "pods", value, limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{
        ago, condition, container, deployment, lost, node, owned, pod, replica_set, stateful_set,
        waiting,
    };

    const WEB: &str = "deployment/prod/shop/web";

    fn world(available: u32, since: i64) -> Scenario {
        let web = deployment("web", 3, |w| {
            (w.ready, w.available) = (available, available);
            let status = if available < 3 {
                Status::False
            } else {
                Status::True
            };
            w.conditions = [condition("Available", status, ago(since))].into();
        });
        let pods = (0..3 - available).map(|n| {
            let crashing = pod(&format!("web-{n}"), |pod| {
                pod.ready = false;
                pod.ready_since = Some(ago(since));
                pod.containers = [waiting(container("web"), "CrashLoopBackOff")].into();
            });
            owned(crashing, "ReplicaSet", "web-1")
        });
        let all: Vec<Object> = pods.chain([web, replica_set("web-1", "web")]).collect();
        Scenario::kube(all)
    }

    #[test]
    fn none_is_critical_and_fewer_a_warning() {
        assert_eq!(world(3, 600).says(&RULE, WEB), "clear");
        assert_eq!(
            world(2, 600).says(&RULE, WEB),
            "WARN deployment/prod/shop/web 2 of 3 pods available (CrashLoopBackOff)"
        );
        assert_eq!(
            world(0, 600).says(&RULE, WEB),
            "CRIT deployment/prod/shop/web none of 3 pods is available (CrashLoopBackOff)"
        );
    }

    #[test]
    fn a_single_pod_has_time_to_come_back() {
        let restarted = |secs| {
            let db = stateful_set("db", 1, |w| (w.ready, w.available) = (0, 0));
            let fresh = pod("db-0", |pod| {
                pod.ready = false;
                pod.ready_since = Some(ago(secs));
            });
            let w = Scenario::kube([db, owned(fresh, "StatefulSet", "db")]);
            w.says(&RULE, "statefulset/prod/shop/db")
        };
        assert_eq!(restarted(59), "clear");
        assert_eq!(
            restarted(60),
            "CRIT statefulset/prod/shop/db its only pod is not available"
        );
    }

    #[test]
    fn a_new_one_is_starting() {
        let mut web = deployment("web", 3, |w| (w.ready, w.available) = (0, 0));
        web.created = Some(ago(200));
        assert_eq!(Scenario::kube([web]).says(&RULE, WEB), "clear");
    }

    #[test]
    fn what_crashes_is_told_under_it() {
        let mut w = world(0, 600);
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT workload-unavailable deployment/prod/shop/web
  pod-crash-looping pod/prod/shop/web-0
  pod-crash-looping pod/prod/shop/web-1
  pod-crash-looping pod/prod/shop/web-2
"
        );
    }

    fn spread(nodes: [&str; 2]) -> Scenario {
        let web = deployment("web", 2, |w| {
            (w.ready, w.available) = (1, 1);
            w.conditions = [condition("Available", Status::False, ago(90))].into();
        });
        let placed = |name: &str, at: &str, ready: bool| {
            let pod = pod(name, |pod| {
                pod.node = Some(at.into());
                pod.ready = ready;
                pod.ready_since = Some(ago(90));
            });
            owned(pod, "ReplicaSet", "web-1")
        };
        Scenario::kube([
            web,
            replica_set("web-1", "web"),
            node("w-1", |node| lost(node, ago(90))),
            node("w-2", |_| {}),
            placed("web-a", nodes[0], false),
            placed("web-b", nodes[1], true),
        ])
    }

    #[test]
    fn it_is_told_under_the_node_that_holds_all_it_lacks_and_no_other() {
        let mut w = spread(["w-1", "w-2"]);
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT node-not-ready node/prod/w-1
  workload-unavailable deployment/prod/shop/web
"
        );
        let mut w = spread(["w-2", "w-1"]);
        w.run();
        assert_eq!(w.ledger.roots().len(), 2, "{}", w.rows());
    }
}
