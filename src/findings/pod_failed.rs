//! A pod that ended badly and that no job speaks for.

use super::{Cause, Finding, Rule, Severity, Verdict, object, pod_crash_looping, pod_evicted};
use crate::model::{Doubt, Snapshot};
use crate::objects::Phase;
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "pod-failed",
    doc: "a pod failed
Threshold: its phase is Failed, and neither an eviction nor a job tells why; where something replaces
it, only within `pod_recent` (1 h), since what is left of it later is history.
It matters because nothing starts a pod again that stands for itself.
Look at its exit code and its log; `OutOf…` and `NodeAffinity` are the kubelet's refusal to take it.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::node("node-not-ready"),
        Cause::owner("workload-unavailable"),
    ],
    check: |snap, pod| judge(snap, pod).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(Verdict::Clear);
    };
    let of_job = object
        .owner
        .as_ref()
        .is_some_and(|owner| &*owner.kind == "Job");
    if pod.phase != Phase::Failed || of_job || pod_evicted::is_evicted(pod) {
        return Ok(Verdict::Clear);
    }
    let at = pod_evicted::failed_at(object, pod);
    let recent = snap.thresholds(subject).pod_recent;
    if object.owner.is_some() && object::is_older(snap, object, at, recent) {
        return Ok(Verdict::Clear);
    }
    let ends = pod.all_containers().filter_map(pod_crash_looping::ended);
    let mut bad = ends.filter(|end| end.exit_code != 0);
    let why = match (&pod.reason, bad.next()) {
        (Some(reason), _) => object::because(reason, pod.message.as_deref().unwrap_or_default()),
        (None, Some(end)) => pod_crash_looping::words(end),
        (None, None) => "no reason was told".into(),
    };
    let finding = Finding::new(&RULE, subject, Severity::Warning, format!("failed: {why}"));
    Ok(finding
        .since(at)
        .evidence(object::evidence(snap, object, "phase", "Failed", ""))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, container, ended, owned, pod};
    use crate::objects::{Container, ContainerState, Object};

    fn failed(secs: i64) -> Object {
        pod("web-1", |pod| {
            pod.phase = Phase::Failed;
            pod.ready = false;
            pod.ready_since = None;
            pod.containers = [Container {
                ready: false,
                state: ContainerState::Terminated(ended("Error", 3, ago(secs)).into()),
                ..container("web")
            }]
            .into();
        })
    }

    fn says(object: Object) -> String {
        Scenario::kube([object]).says(&RULE, "pod/prod/shop/web-1")
    }

    #[test]
    fn one_that_stands_for_itself_stays_told() {
        let told = "WARN pod/prod/shop/web-1 failed: exit 3 (Error)";
        assert_eq!(says(failed(60)), told);
        assert_eq!(says(failed(90_000)), told);
    }

    #[test]
    fn of_one_that_is_replaced_it_is_soon_history_and_a_job_speaks_for_its_own() {
        assert!(says(owned(failed(60), "ReplicaSet", "web")).starts_with("WARN"));
        assert_eq!(says(owned(failed(3600), "ReplicaSet", "web")), "clear");
        assert_eq!(says(owned(failed(60), "Job", "backup")), "clear");
    }
}
