//! Containers that the kernel killed for their memory.

use super::object::containers::{named, verb, what};
use super::{Cause, Finding, Rule, Severity, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Container, ContainerState, Object, Termination};
use crate::subject::{Subject, SubjectKind};
use crate::units::Bytes;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "pod-oom-killed",
    doc: "a container was killed for memory
Threshold: it ended as OOMKilled within `pod_recent` (1 h, as long as the API keeps events).
It matters because what it was doing was lost, and it will happen again at the same load.
Look at its use against its limit; without a limit the node itself ran short.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::owner("workload-unavailable"),
        Cause::owner("rollout-stuck"),
        Cause::owner("job-failed"),
    ],
    check: |snap, pod| judge(snap, pod).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Option<Finding>, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(None);
    };
    let containers = pod.all_containers();
    let killed = containers.filter_map(|c| Some((c, kill(snap, object, c)?)));
    let (killed, ends): (Vec<&Container>, Vec<&Termination>) = killed.unzip();
    let since = ends.iter().filter_map(|end| end.finished).min();
    Ok(finding(snap, subject, object, &killed).map(|finding| finding.since(since)))
}

/// The latest such end, if it is recent.
fn kill<'a>(snap: &Snapshot, object: &Object, container: &'a Container) -> Option<&'a Termination> {
    let now = match &container.state {
        ContainerState::Terminated(end) => Some(end),
        _ => None,
    };
    let ends = now.into_iter().chain(&container.last);
    let mut kills = ends.filter(|end| &*end.reason == "OOMKilled");
    let end = kills.next()?;
    let recent = snap.thresholds(&object.subject()).pod_recent;
    let is_recent = end.finished.is_some() && !object::is_older(snap, object, end.finished, recent);
    is_recent.then_some(end)
}

/// One finding for all containers of a pod that were killed, with the limit of each.
fn finding(
    snap: &Snapshot,
    subject: &Subject,
    object: &Object,
    killed: &[&Container],
) -> Option<Finding> {
    let first = limit(killed.first()?);
    let alike = killed.iter().all(|container| limit(container) == first);
    let at = match first {
        _ if !alike => String::new(),
        Some(limit) => format!(
            " at {} of {limit}",
            verb(killed, "its limit", "their limit")
        ),
        None => " without a limit: the node ran short".into(),
    };
    let (who, were) = (named(killed), verb(killed, "was", "were"));
    let summary = format!("{who} {were} killed for memory{at}");
    let mut finding = Finding::new(&RULE, subject, Severity::Warning, summary);
    for container in killed {
        let limit = limit(container).map_or("none".into(), |limit| limit.to_string());
        let restarts = container.restarts.to_string();
        for (word, value) in [("memory limit", limit), ("restarts", restarts)] {
            let what = what(killed, word, container);
            finding = finding.evidence(object::evidence(snap, object, &what, value, ""));
        }
    }
    Some(finding)
}

fn limit(container: &Container) -> Option<Bytes> {
    container.spec.limits.memory.map(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Verdict;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, container, ended, limited, pod};

    fn says(container: Container) -> String {
        let w = Scenario::kube([pod("web-1", |pod| pod.containers = [container].into())]);
        w.says(&RULE, "pod/prod/shop/web-1")
    }

    fn killed(secs: i64) -> Container {
        Container {
            restarts: 1,
            last: Some(ended("OOMKilled", 137, ago(secs)).into()),
            ..limited(container("web"), 256 << 20)
        }
    }

    #[test]
    fn it_is_told_for_an_hour_with_its_limit() {
        assert_eq!(
            says(killed(3599)),
            "WARN pod/prod/shop/web-1 container web was killed for memory at its limit of 256 MiB"
        );
        assert_eq!(says(killed(3600)), "clear");
    }

    #[test]
    fn without_a_limit_it_was_the_node_that_ran_short() {
        let free = Container {
            last: killed(5).last,
            ..container("web")
        };
        assert!(says(free).ends_with("without a limit: the node ran short"));
    }

    #[test]
    fn two_that_were_killed_are_one_finding_with_the_limit_of_each() {
        let small = Container {
            last: killed(9).last,
            ..limited(container("proxy"), 64 << 20)
        };
        let both = |other: Container| {
            let all = [killed(5), other];
            Scenario::kube([pod("web-1", |pod| pod.containers = all.into())])
        };
        let alike = Container {
            last: killed(9).last,
            ..limited(container("proxy"), 256 << 20)
        };
        let says = |w: &Scenario| w.says(&RULE, "pod/prod/shop/web-1");
        let who = "WARN pod/prod/shop/web-1 containers web and proxy were killed for memory";
        assert_eq!(
            says(&both(alike)),
            format!("{who} at their limit of 256 MiB")
        );
        let w = both(small);
        assert_eq!(says(&w), who);
        let Verdict::Firing(found) = w.verdict(&RULE, "pod/prod/shop/web-1") else {
            panic!("it does not fire")
        };
        let told = found[0].evidence.iter();
        let told: Vec<_> = told.map(|e| (&*e.what, &*e.value)).collect();
        assert_eq!(told[0], ("memory limit of web", "256 MiB"));
        assert_eq!(told[2], ("memory limit of proxy", "64.0 MiB"));
        assert_eq!(found[0].since, Some(ago(9)), "the first of them");
    }

    #[test]
    fn one_that_lies_dead_right_now_counts_too() {
        let dead = Container {
            state: ContainerState::Terminated(ended("OOMKilled", 137, ago(5)).into()),
            ..container("web")
        };
        assert!(says(dead).starts_with("WARN"));
    }
}
