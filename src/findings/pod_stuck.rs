//! A pod that neither gets on nor goes away: not placed, not started, not ready, not gone.

use jiff::Timestamp;

use super::object::containers::{named, what};
use super::pod_crash_looping::waits_to_restart;
use super::{Cause, Finding, Rule, Severity, Verdict, image_pull_failing, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Container, ContainerState, Object, Phase, Pod};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "pod-stuck",
    doc: "a pod does not get on
Threshold: bound to a node and not started, or running and not ready, for `pod_stuck_warning`; still
there that long after its deletion was due; not looked at by any scheduler for
`pod_unscheduled_warning` (own choices; kubernetes mixin: not ready for 15 min). A container that
cannot be made for a fault of its own is told at once.
It matters because it holds up whoever waits for it: a rollout, a drain, a namespace.
Look at its events: volumes, secrets and network on the way up, finalizers and the kubelet on the
way down.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::node("node-not-ready"),
        Cause::claim("claim-pending"),
        Cause::owner("workload-unavailable"),
        Cause::owner("rollout-stuck"),
        Cause::owner("job-failed"),
    ],
    check: |snap, pod| judge(snap, pod).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::Pod(pod) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    let limits = snap.thresholds(subject);
    let past = |at: Option<Timestamp>, limit: f64| {
        at.is_some() && object::is_older(snap, object, at, limit)
    };
    let stuck = |key: &'static str, since: Option<Timestamp>, summary: String| {
        let status = pod.status_word().into_owned();
        Finding::new(&RULE, subject, Severity::Warning, summary)
            .key(key)
            .since(since)
            .evidence(object::evidence(snap, object, "status", status, ""))
    };
    if let Some(due) = object.deleting {
        let long = past(Some(due), limits.pod_stuck_warning);
        let on = pod
            .node
            .as_deref()
            .map_or_else(String::new, |node| format!(" on {node}"));
        let finding = long.then(|| {
            stuck(
                "ending",
                Some(due),
                format!("still there{on} after its deletion was due"),
            )
        });
        return Ok(finding.into());
    }
    if pod.phase == Phase::Succeeded {
        return Ok(Verdict::Clear);
    }
    let (unmade, whys): (Vec<&Container>, Vec<String>) =
        pod.all_containers().filter_map(unmade).unzip();
    if let Some(why) = whys.first() {
        let summary = format!("{} cannot be made: {why}", named(&unmade));
        let mut finding = stuck("container", None, summary);
        for (container, why) in unmade.iter().zip(&whys).filter(|_| unmade.len() > 1) {
            let what = what(&unmade, "waiting", container);
            finding = finding.evidence(object::evidence(snap, object, &what, why, ""));
        }
        return Ok(finding.into());
    }
    let since = since(object, pod);
    let finding = match pod.phase {
        Phase::Pending if pod.node.is_none() && pod.unscheduled.is_none() => {
            past(since, limits.pod_unscheduled_warning).then(|| {
                let finding = stuck("placing", since, "no scheduler has looked at it".into());
                finding.because(Cause::whole("controller-silent"))
            })
        }
        Phase::Pending if pod.node.is_some() && !waits_for_image(pod) => {
            let word = pod.status_word();
            past(since, limits.pod_stuck_warning)
                .then(|| stuck("starting", since, format!("does not start: {word}")))
        }
        Phase::Running if !pod.ready && !pod.traits.ends && !is_looping(pod) => {
            past(since, limits.pod_stuck_warning).then(|| {
                let (ready, all) = pod.ready_count();
                let summary = format!("runs and is not ready ({ready} of {all} containers)");
                stuck("readiness", since, summary)
            })
        }
        _ => None,
    };
    Ok(finding.into())
}

/// Since when it is as it is, as nearly as it tells.
fn since(object: &Object, pod: &Pod) -> Option<Timestamp> {
    match pod.phase {
        Phase::Running => pod.ready_since.or(pod.started),
        _ if pod.node.is_some() => pod.started.or(object.created),
        _ => object.created,
    }
}

/// A container that the kubelet cannot make, with its words: no such secret, no such command.
fn unmade(container: &Container) -> Option<(&Container, String)> {
    let ContainerState::Waiting(reason, message) = &container.state else {
        return None;
    };
    let fault = reason.ends_with("Error") && !image_pull_failing::is_pulling(reason);
    fault.then(|| {
        let message = message.as_deref().unwrap_or_default();
        (container, object::because(reason, message))
    })
}

fn waits_for_image(pod: &Pod) -> bool {
    pod.all_containers().any(|container| {
        matches!(&container.state, ContainerState::Waiting(reason, _) if image_pull_failing::is_pulling(reason))
    })
}

/// What crashes or lacks its image is not ready for a reason that others tell.
fn is_looping(pod: &Pod) -> bool {
    waits_for_image(pod) || pod.all_containers().any(waits_to_restart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, container, pending, pod, waiting};

    fn says(object: Object) -> String {
        Scenario::kube([object]).says(&RULE, "pod/prod/shop/web-1")
    }

    fn creating(reason: &str, secs: i64) -> Object {
        let mut object = pending("web-1", ago(secs));
        if let Body::Pod(pod) = &mut object.body {
            pod.node = Some("w-1".into());
            pod.started = Some(ago(secs));
            pod.containers = [waiting(container("web"), reason)].into();
        }
        object
    }

    #[test]
    fn one_that_does_not_start_is_told_after_five_minutes() {
        assert_eq!(says(creating("ContainerCreating", 299)), "clear");
        assert_eq!(
            says(creating("ContainerCreating", 300)),
            "WARN pod/prod/shop/web-1 does not start: ContainerCreating"
        );
        assert_eq!(says(creating("ImagePullBackOff", 900)), "clear");
    }

    #[test]
    fn a_container_that_cannot_be_made_is_told_at_once() {
        assert_eq!(
            says(creating("CreateContainerConfigError", 2)),
            "WARN pod/prod/shop/web-1 container web cannot be made: CreateContainerConfigError"
        );
    }

    #[test]
    fn two_containers_that_cannot_be_made_are_one_finding() {
        let mut object = creating("CreateContainerConfigError", 2);
        if let Body::Pod(pod) = &mut object.body {
            let other = waiting(container("proxy"), "RunContainerError");
            pod.containers = [pod.containers[0].clone(), other].into();
        }
        let w = Scenario::kube([object]);
        let Verdict::Firing(found) = w.verdict(&RULE, "pod/prod/shop/web-1") else {
            panic!("it does not fire")
        };
        let [one] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!(
            one.summary,
            "containers web and proxy cannot be made: CreateContainerConfigError"
        );
        let told: Vec<&str> = one.evidence.iter().map(|e| &*e.what).collect();
        assert_eq!(told, ["status", "waiting of web", "waiting of proxy"]);
    }

    #[test]
    fn one_that_does_not_go_is_told_with_its_node() {
        let going = |secs| {
            let mut object = pod("web-1", |pod| pod.node = Some("w-1".into()));
            object.deleting = Some(ago(secs));
            says(object)
        };
        // The grace has not ended yet, or not long ago.
        assert_eq!(going(-30), "clear");
        assert_eq!(going(299), "clear");
        assert_eq!(
            going(300),
            "WARN pod/prod/shop/web-1 still there on w-1 after its deletion was due"
        );
    }

    #[test]
    fn one_that_runs_and_is_never_ready_is_told() {
        let unready = |secs| {
            pod("web-1", |pod| {
                pod.ready = false;
                pod.ready_since = Some(ago(secs));
                pod.containers[0].ready = false;
            })
        };
        assert_eq!(says(unready(299)), "clear");
        assert_eq!(
            says(unready(300)),
            "WARN pod/prod/shop/web-1 runs and is not ready (0 of 1 containers)"
        );
    }

    #[test]
    fn one_that_nobody_places_is_told_after_a_minute() {
        assert_eq!(says(pending("web-1", ago(59))), "clear");
        assert_eq!(
            says(pending("web-1", ago(60))),
            "WARN pod/prod/shop/web-1 no scheduler has looked at it"
        );
    }
}
