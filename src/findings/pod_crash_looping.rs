//! Containers that end soon after each start.

use super::object::containers::{named, verb, what};
use super::{Cause, Finding, Rule, Severity, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::pod::LOOP;
use crate::objects::{Container, ContainerState, Object, Termination};
use crate::subject::{Subject, SubjectKind};
use crate::units::counted;

/// The kubelet forgets its back-off once a container ran for ten minutes.
const CALM: f64 = 600.0;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "pod-crash-looping",
    doc: "a container crashes again and again
Threshold: it waits in CrashLoopBackOff, or was restarted three times or more and ended less than ten
minutes ago, after which the kubelet forgets its back-off (kubernetes mixin: CrashLoopBackOff).
It matters because it serves for a few seconds at a time; the pause grows to five minutes.
Look at its log before the restart (`previous`), its exit code and its memory limit.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::node("node-not-ready"),
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
    let looping: Vec<&Container> = pod
        .all_containers()
        .filter(|c| loops(snap, object, c))
        .collect();
    Ok(finding(snap, subject, object, &looping))
}

pub(super) fn waits_to_restart(container: &Container) -> bool {
    matches!(&container.state, ContainerState::Waiting(reason, _) if &**reason == "CrashLoopBackOff")
}

/// How it ended last.
pub(super) fn ended(container: &Container) -> Option<&Termination> {
    match &container.state {
        ContainerState::Terminated(end) => Some(end),
        _ => container.last.as_deref(),
    }
}

fn loops(snap: &Snapshot, object: &Object, container: &Container) -> bool {
    if waits_to_restart(container) {
        return true;
    }
    container.restarts >= LOOP
        && ended(container).is_some_and(|end| {
            end.exit_code != 0
                && end.finished.is_some()
                && !object::is_older(snap, object, end.finished, CALM)
        })
}

/// One finding for all containers of a pod that loop, with the end of each.
fn finding(
    snap: &Snapshot,
    subject: &Subject,
    object: &Object,
    looping: &[&Container],
) -> Option<Finding> {
    // The first where none has a date.
    let ends = looping.iter().rev().filter_map(|c| ended(c));
    let last = ends.max_by_key(|end| end.finished);
    let last = last.map_or_else(String::new, |end| format!(", last {}", words(end)));
    let restarts: usize = looping.iter().map(|c| c.restarts as usize).sum();
    let restarts = counted(restarts, "restart");
    let (who, crash) = (named(looping), verb(looping, "crashes", "crash"));
    let summary = format!("{who} {crash} again and again: {restarts}{last}");
    let mut finding = Finding::new(&RULE, subject, Severity::Warning, summary);
    for container in looping {
        let Some(end) = ended(container) else {
            continue;
        };
        let mut value = object::because(&words(end), end.message.as_deref().unwrap_or_default());
        if looping.len() > 1 {
            let restarts = counted(container.restarts as usize, "restart");
            value = format!("{value} ({restarts})");
        }
        let what = what(looping, "last end", container);
        finding = finding.evidence(object::evidence(snap, object, &what, value, ""));
    }
    let oom = |c: &&Container| ended(c).is_some_and(|end| &*end.reason == "OOMKilled");
    if looping.iter().all(oom) {
        finding = finding.because(Cause::same("pod-oom-killed"));
    }
    (!looping.is_empty()).then_some(finding)
}

/// `exit 1 (Error)`, `signal 9 (OOMKilled)`.
pub(super) fn words(end: &Termination) -> String {
    let how = match end.signal {
        0 => format!("exit {}", end.exit_code),
        signal => format!("signal {signal}"),
    };
    match &*end.reason {
        "" => how,
        reason => format!("{how} ({reason})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, container, ended as end, pod, waiting};

    fn says(container: Container) -> String {
        let w = Scenario::kube([pod("web-1", |pod| pod.containers = [container].into())]);
        w.says(&RULE, "pod/prod/shop/web-1")
    }

    fn crashed(restarts: u32, secs: i64) -> Container {
        Container {
            restarts,
            last: Some(end("Error", 1, ago(secs)).into()),
            ..container("web")
        }
    }

    #[test]
    fn the_back_off_is_told_with_the_last_end() {
        assert_eq!(
            says(waiting(crashed(7, 20), "CrashLoopBackOff")),
            "WARN pod/prod/shop/web-1 container web crashes again and again: 7 restarts, last exit 1 (Error)"
        );
    }

    #[test]
    fn it_goes_on_while_the_container_happens_to_run_and_ends_with_the_back_off() {
        assert!(says(crashed(3, 599)).starts_with("WARN"));
        assert_eq!(says(crashed(3, 600)), "clear");
        assert_eq!(says(crashed(2, 20)), "clear");
    }

    #[test]
    fn two_that_crash_are_one_row_with_the_end_of_each() {
        let mut proxy = waiting(container("proxy"), "CrashLoopBackOff");
        proxy.last = Some(end("OOMKilled", 137, ago(5)).into());
        proxy.restarts = 5;
        let web = waiting(crashed(7, 20), "CrashLoopBackOff");
        let mut w = Scenario::kube([pod("web-1", |pod| pod.containers = [web, proxy].into())]);
        assert_eq!(
            w.says(&RULE, "pod/prod/shop/web-1"),
            "WARN pod/prod/shop/web-1 containers web and proxy crash again and again: \
             12 restarts, last exit 137 (OOMKilled)"
        );
        w.run();
        let rows = w.rows();
        assert_eq!(rows.matches("pod-crash-looping").count(), 1, "{rows}");
        let rule = |entry: &&crate::findings::Entry| *entry.id.rule == *RULE.id;
        let entry = w.ledger.entries().find(rule).unwrap();
        assert_eq!(entry.finding.because, None, "one of them was not killed");
        let told = entry.finding.evidence.iter();
        let told: Vec<_> = told.map(|e| (&*e.what, &*e.value)).collect();
        let ends = [
            ("last end of web", "exit 1 (Error) (7 restarts)"),
            ("last end of proxy", "exit 137 (OOMKilled) (5 restarts)"),
        ];
        assert_eq!(told, ends);
    }

    #[test]
    fn an_init_container_that_ends_well_is_no_crash() {
        let mut done = crashed(3, 5);
        done.last = Some(end("Completed", 0, ago(5)).into());
        assert_eq!(says(done), "clear");
    }
}
