//! A container that the kernel killed for its memory.

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

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(Vec::new());
    };
    let containers = pod.all_containers();
    let killed = containers.filter_map(|c| Some((c, kill(snap, object, c)?)));
    Ok(killed
        .map(|(c, end)| finding(snap, subject, object, c, end))
        .collect())
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

fn finding(
    snap: &Snapshot,
    subject: &Subject,
    object: &Object,
    container: &Container,
    end: &Termination,
) -> Finding {
    let name = &container.spec.name;
    let limit = container.spec.limits.memory.map(Bytes);
    let (at, told) = match limit {
        Some(limit) => (format!("at its limit of {limit}"), limit.to_string()),
        None => ("without a limit: the node ran short".into(), "none".into()),
    };
    let restarts = container.restarts.to_string();
    Finding::new(
        &RULE,
        subject,
        Severity::Warning,
        format!("container {name} was killed for memory {at}"),
    )
    .key(name.clone())
    .since(end.finished)
    .evidence(object::evidence(snap, object, "memory limit", told, ""))
    .evidence(object::evidence(snap, object, "restarts", restarts, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn one_that_lies_dead_right_now_counts_too() {
        let dead = Container {
            state: ContainerState::Terminated(ended("OOMKilled", 137, ago(5)).into()),
            ..container("web")
        };
        assert!(says(dead).starts_with("WARN"));
    }
}
