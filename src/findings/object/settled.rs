//! What is settled is judged only when it changes, so no rule may ever fire on it: held against every
//! rule, for objects that are bent in every way that a rule looks at.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::findings::scenario::Scenario;
use crate::findings::scenario::objects::{
    ago, claim, condition, container, deployment, ended, job, limited, lost, namespace, node,
    owned, pod, replica_set, stateful_set, waiting,
};
use crate::findings::{RULES, Verdict};
use crate::objects::{Body, Condition, Container, ContainerState, Object, Phase, Status};

type Bend = fn(&mut Object);

fn body_of_pod(object: &mut Object) -> &mut crate::objects::Pod {
    match &mut object.body {
        Body::Pod(pod) => pod,
        _ => panic!("no pod"),
    }
}

fn workload(object: &mut Object) -> &mut crate::objects::Workload {
    match &mut object.body {
        Body::Deployment(workload) | Body::StatefulSet(workload) => workload,
        _ => panic!("no workload"),
    }
}

fn add(conditions: &mut Box<[Condition]>, kind: &str, status: Status, reason: &str) {
    let one = Condition {
        reason: reason.into(),
        ..condition(kind, status, ago(900))
    };
    *conditions = [&**conditions, &[one]].concat().into();
}

fn set(object: &mut Object, container: Container) {
    body_of_pod(object).containers = [container].into();
}

fn set_init(object: &mut Object, container: Container) {
    body_of_pod(object).init = [container].into();
}

fn dead(reason: &str, code: i32) -> Container {
    Container {
        state: ContainerState::Terminated(ended(reason, code, ago(5)).into()),
        ..container("web")
    }
}

fn restarted(reason: &str, restarts: u32) -> Container {
    Container {
        restarts,
        last: Some(ended(reason, 137, ago(5)).into()),
        ..limited(container("web"), 1 << 20)
    }
}

/// Each pod as the kubelet may tell it, in every mixture.
const PODS: &[Bend] = &[
    |o| body_of_pod(o).phase = Phase::Pending,
    |o| body_of_pod(o).phase = Phase::Failed,
    |o| body_of_pod(o).phase = Phase::Succeeded,
    |o| body_of_pod(o).phase = Phase::Unknown,
    |o| body_of_pod(o).ready = false,
    |o| body_of_pod(o).ready_since = None,
    |o| body_of_pod(o).reason = Some("Evicted".into()),
    |o| body_of_pod(o).node = None,
    |o| body_of_pod(o).claims = ["data".into()].into(),
    |o| {
        let told = ("Unschedulable".into(), "0/1 nodes are available".into());
        body_of_pod(o).unscheduled = Some(Box::new(told));
    },
    |o| body_of_pod(o).traits.ends = true,
    |o| set(o, waiting(container("web"), "CrashLoopBackOff")),
    |o| set(o, waiting(container("web"), "CreateContainerConfigError")),
    |o| set(o, waiting(container("web"), "ImagePullBackOff")),
    |o| set(o, dead("Completed", 0)),
    |o| set(o, dead("OOMKilled", 137)),
    |o| set(o, restarted("Error", 1)),
    |o| set(o, restarted("Error", 9)),
    |o| set(o, restarted("OOMKilled", 1)),
    |o| set_init(o, dead("Completed", 0)),
    |o| set_init(o, dead("Error", 2)),
    |o| set_init(o, restarted("Error", 9)),
    |o| set_init(o, restarted("OOMKilled", 1)),
    |o| set_init(o, waiting(container("init"), "CrashLoopBackOff")),
    |o| o.deleting = Some(ago(900)),
    |o| o.created = None,
];

const WORKLOADS: &[Bend] = &[
    |o| (workload(o).ready, workload(o).available) = (0, 0),
    |o| workload(o).ready = 1,
    |o| workload(o).ready = 0,
    |o| workload(o).available = 0,
    |o| workload(o).updated = 1,
    |o| workload(o).desired = 0,
    |o| workload(o).observed = false,
    |o| workload(o).paused = true,
    |o| add(&mut workload(o).conditions, "Available", Status::False, ""),
    |o| add(&mut workload(o).conditions, "Available", Status::True, ""),
    |o| {
        let reason = "ProgressDeadlineExceeded";
        add(
            &mut workload(o).conditions,
            "Progressing",
            Status::False,
            reason,
        );
    },
    |o| {
        add(
            &mut workload(o).conditions,
            "ReplicaFailure",
            Status::True,
            "FailedCreate",
        );
    },
    |o| o.deleting = Some(ago(900)),
];

const JOBS: &[Bend] = &[
    |o| job_of(o).failed = 3,
    |o| job_of(o).active = 1,
    |o| {
        add(
            &mut job_of(o).conditions,
            "Failed",
            Status::True,
            "DeadlineExceeded",
        );
    },
    |o| add(&mut job_of(o).conditions, "Failed", Status::False, ""),
    |o| add(&mut job_of(o).conditions, "Complete", Status::True, ""),
    |o| o.deleting = Some(ago(900)),
];

const CLAIMS: &[Bend] = &[
    |o| claim_of(o).phase = "Pending".into(),
    |o| claim_of(o).phase = "Lost".into(),
    |o| claim_of(o).wanted = Some(20),
    |o| claim_of(o).granted = Some(10),
    |o| claim_of(o).granted = Some(30),
    |o| o.deleting = Some(ago(900)),
];

const NAMESPACES: &[Bend] = &[
    |o| o.deleting = Some(ago(900)),
    |o| {
        if let Body::Namespace(namespace) = &mut o.body {
            namespace.terminating = true;
            add(
                &mut namespace.conditions,
                "NamespaceContentRemaining",
                Status::True,
                "",
            );
        }
    },
];

fn job_of(object: &mut Object) -> &mut crate::objects::Job {
    match &mut object.body {
        Body::Job(job) => job,
        _ => panic!("no job"),
    }
}

fn claim_of(object: &mut Object) -> &mut crate::objects::VolumeClaim {
    match &mut object.body {
        Body::VolumeClaim(claim) => claim,
        _ => panic!("no claim"),
    }
}

/// A well object of each kind that can be settled, with what may be wrong with it.
fn kinds() -> Vec<(Object, &'static [Bend])> {
    let placed = pod("web", |pod| pod.node = Some("w-1".into()));
    vec![
        (owned(placed, "ReplicaSet", "web-1"), PODS),
        (pod("lone", |_| {}), PODS),
        (deployment("web", 2, |_| {}), WORKLOADS),
        (stateful_set("db", 2, |_| {}), WORKLOADS),
        (job("backup", |_| {}), JOBS),
        (claim("data", "Bound", ago(900)), CLAIMS),
        (namespace("shop", Vec::new()), NAMESPACES),
    ]
}

/// What fires on this object, in a cluster in which all around it is bad.
fn firing(object: &Object) -> Vec<String> {
    let crashing = pod("other", |pod| {
        pod.ready = false;
        pod.ready_since = Some(ago(900));
        pod.claims = ["data".into()].into();
        pod.containers = [waiting(container("web"), "CrashLoopBackOff")].into();
    });
    let around = [
        node("w-1", |node| lost(node, ago(900))),
        replica_set("web-1", "web"),
        owned(crashing, "ReplicaSet", "web-1"),
    ];
    let mut world = Scenario::kube(around.into_iter().chain([object.clone()]));
    let mut found = Vec::new();
    for _ in 0..2 {
        for rule in RULES
            .iter()
            .filter(|rule| rule.on.contains(&object.subject().kind))
        {
            let verdict = world.verdict(rule, &object.subject().to_string());
            if let Verdict::Firing(findings) = verdict {
                found.extend(findings.iter().map(|finding| finding.id().to_string()));
            }
        }
        world.wait(30 * 86_400).hear();
    }
    found
}

#[test]
fn what_is_well_is_settled_and_what_is_bent_can_be_judged() {
    for (object, bends) in kinds() {
        assert!(object.is_settled(), "{object:?}");
        // Each kind has a fault that is seen, so that the law below is about something.
        let bent = bends.iter().map(|bend| {
            let mut object = object.clone();
            bend(&mut object);
            object
        });
        let mut bad = bent.filter(|object| !firing(object).is_empty());
        assert!(bad.next().is_some(), "{object:?}");
    }
}

fn bent() -> impl Strategy<Value = Arc<Object>> {
    (0..kinds().len()).prop_flat_map(|which| {
        let (_, bends) = kinds().swap_remove(which);
        subsequence((0..bends.len()).collect::<Vec<_>>(), 0..=bends.len().min(4)).prop_map(
            move |chosen| {
                let (mut object, bends) = kinds().swap_remove(which);
                for at in chosen {
                    bends[at](&mut object);
                }
                Arc::new(object)
            },
        )
    })
}

proptest! {
    #[test]
    fn no_rule_fires_on_what_is_settled(object in bent()) {
        if object.is_settled() {
            prop_assert_eq!(firing(&object), Vec::<String>::new());
        }
    }
}
