//! A pod that its node's kubelet ended to get room.

use jiff::Timestamp;

use super::{Cause, Finding, Rule, Severity, Verdict, object, pod_crash_looping};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Object, Phase, Pod};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "pod-evicted",
    doc: "a pod was evicted by its node
Threshold: it failed as Evicted within `pod_recent` (1 h, as long as the API keeps events); what is
left of older ones is history.
It matters because what it did was cut short, and others on that node may be next.
Look at what its node was short of, and at its own use against its requests.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::node("node-pressure"),
        Cause::owner("workload-unavailable"),
        Cause::owner("job-failed"),
    ],
    check: |snap, pod| judge(snap, pod).into(),
};

/// When a pod that failed did so, as nearly as it tells.
pub(super) fn failed_at(object: &Object, pod: &Pod) -> Option<Timestamp> {
    let containers = pod.all_containers();
    let ends = containers.filter_map(|c| pod_crash_looping::ended(c)?.finished);
    ends.chain(pod.ready_since)
        .max()
        .or(pod.started)
        .or(object.created)
}

pub(super) fn is_evicted(pod: &Pod) -> bool {
    pod.phase == Phase::Failed && pod.reason.as_deref() == Some("Evicted")
}

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(Verdict::Clear);
    };
    if !is_evicted(pod) {
        return Ok(Verdict::Clear);
    }
    let at = failed_at(object, pod);
    if object::is_older(snap, object, at, snap.thresholds(subject).pod_recent) {
        return Ok(Verdict::Clear);
    }
    let why = object::short(pod.message.as_deref().unwrap_or("no reason was told"));
    let node = pod.node.as_deref().unwrap_or("an unknown node");
    let finding = Finding::new(
        &RULE,
        subject,
        Severity::Warning,
        format!("evicted from {node}: {why}"),
    );
    let told = pod.message.as_deref().unwrap_or_default();
    Ok(finding
        .since(at)
        .evidence(object::evidence(snap, object, "Evicted", told, ""))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, pod};

    #[test]
    fn it_is_told_while_it_is_news() {
        let says = |secs| {
            let evicted = pod("web-1", |pod| {
                pod.phase = Phase::Failed;
                pod.reason = Some("Evicted".into());
                pod.message = Some("The node was low on resource: memory.".into());
                pod.node = Some("w-1".into());
                pod.ready_since = Some(ago(secs));
            });
            Scenario::kube([evicted]).says(&RULE, "pod/prod/shop/web-1")
        };
        assert_eq!(
            says(60),
            "WARN pod/prod/shop/web-1 evicted from w-1: The node was low on resource: memory"
        );
        assert_eq!(says(3600), "clear");
    }
}
