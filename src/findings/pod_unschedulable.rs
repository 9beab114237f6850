//! A pod for which the scheduler finds no node.

use super::{Cause, Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Phase, Pod};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "pod-unschedulable",
    doc: "a pod finds no node
Threshold: the scheduler refused it, and it is older than `pod_unscheduled_warning` (own choice: 1 min,
in which an autoscaler or a rollout may help). One that is held by a gate is meant to wait.
It matters because it will not run until a node has room, or its demands are changed.
Look at what the scheduler says of each node: room, taints, selectors, volumes.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::claim("claim-pending"),
        Cause::owner("workload-unavailable"),
        Cause::owner("rollout-stuck"),
        Cause::owner("job-failed"),
    ],
    check: |snap, pod| judge(snap, pod).into(),
};

/// Did nodes that are not ready turn it away? Their taints keep everything off them.
pub(super) fn waits_for_lost_nodes(pod: &Pod) -> bool {
    pod.unscheduled.as_ref().is_some_and(|told| {
        [
            "node.kubernetes.io/unreachable",
            "node.kubernetes.io/not-ready",
        ]
        .iter()
        .any(|taint| told.1.contains(taint))
    })
}

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(Verdict::Clear);
    };
    let Some(told) = pod
        .unscheduled
        .as_ref()
        .filter(|_| pod.phase == Phase::Pending)
    else {
        return Ok(Verdict::Clear);
    };
    let (reason, message) = (&told.0, &told.1);
    let patience = snap.thresholds(subject).pod_unscheduled_warning;
    if &**reason == "SchedulingGated" || !object::is_older(snap, object, object.created, patience) {
        return Ok(Verdict::Clear);
    }
    // What preemption would not help either is a second telling of the same.
    let nodes = message.split(" preemption:").next().unwrap_or(message);
    let summary = format!("no node takes it: {}", object::because("", nodes));
    let mut finding = Finding::new(&RULE, subject, Severity::Warning, summary)
        .since(object.created)
        .evidence(object::evidence(snap, object, reason, &**message, ""));
    if waits_for_lost_nodes(pod) {
        finding = finding.because(Cause::whole("node-not-ready"));
    }
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, claim, lost, node, pending, unscheduled};

    const POD: &str = "pod/prod/shop/web-1";
    const CROWDED: &str = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are \
                           available: 3 No preemption victims found for incoming pod.";

    #[test]
    fn the_schedulers_reason_is_told_once_it_had_a_minute() {
        let says = |secs| {
            let waits = unscheduled(pending("web-1", ago(secs)), "Unschedulable", CROWDED);
            Scenario::kube([waits]).says(&RULE, POD)
        };
        assert_eq!(says(59), "clear");
        assert_eq!(
            says(60),
            "WARN pod/prod/shop/web-1 no node takes it: 0/3 nodes are available: 3 Insufficient cpu"
        );
    }

    #[test]
    fn a_gate_is_meant() {
        let gated = unscheduled(
            pending("web-1", ago(900)),
            "SchedulingGated",
            "Scheduling is blocked due to non-empty scheduling gates",
        );
        assert_eq!(Scenario::kube([gated]).says(&RULE, POD), "clear");
    }

    #[test]
    fn what_lost_nodes_turn_away_is_told_under_them() {
        let taints = "0/1 nodes are available: 1 node(s) had untolerated taint \
                      {node.kubernetes.io/unreachable: }.";
        let waits = unscheduled(pending("web-1", ago(900)), "Unschedulable", taints);
        let mut w = Scenario::kube([node("w-1", |node| lost(node, ago(60))), waits]);
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT node-not-ready node/prod/w-1\n  pod-unschedulable pod/prod/shop/web-1\n"
        );
    }

    #[test]
    fn what_waits_for_a_volume_is_told_under_its_claim() {
        let unbound = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
        let mut waits = unscheduled(pending("web-1", ago(900)), "Unschedulable", unbound);
        if let crate::objects::Body::Pod(pod) = &mut waits.body {
            pod.claims = ["data".into()].into();
        }
        let mut w = Scenario::kube([waits, claim("data", "Pending", ago(900))]);
        w.run();
        assert_eq!(
            w.rows(),
            "WARN claim-pending pvc/prod/shop/data\n  pod-unschedulable pod/prod/shop/web-1\n"
        );
    }
}
