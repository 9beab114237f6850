//! What the guard lets through and what it does not, world by world.

mod object;
mod told;

use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::actions::arm::{self, Power};
use crate::actions::live::{self, DryRun, Live};
use crate::actions::plan::{By, Request, plan};
use crate::actions::world::{self, World, budget, control_plane, cordoned, node, node_but, pod};
use crate::actions::{Action, cordon, uncordon};
use crate::objects::{Body, ObjectKind, Status};
use crate::observation::{Layer, Outage};
use crate::subject::Subject;

fn subject(name: &str) -> Subject {
    Subject::object(ObjectKind::Node, "prod", "", name)
}

fn power(world: &World) -> Power {
    arm::arm("prod", arm::USUAL, &world.snap()).unwrap()
}

/// A plan with a willing API server's word.
fn planned(world: &World, action: &'static Action, name: &str) -> Plan {
    let request = Request {
        resource_version: Some("41".into()),
        ..Request::default()
    };
    let mut plan = plan(action, &world.snap(), &subject(name), &request).unwrap();
    let mut live = world::willing(name, "41", world.now);
    if action.id == "uncordon" {
        live.object = Ok(world::json_of_cordoned(name, "41"));
    }
    plan.live = Some(live);
    plan
}

fn admitted(world: &World, plan: Plan, power: &Power) -> Result<Permit, Refusal> {
    let policy = Policy::default();
    admit(
        plan,
        &world.snap(),
        &policy,
        Some(power.armed()),
        &Answer::Command,
    )
}

fn verdict(checks: &[Check], id: &str) -> Option<Verdict> {
    checks
        .iter()
        .find(|check| check.id == id)
        .map(|c| c.verdict)
}

fn text<'a>(checks: &'a [Check], id: &str) -> &'a str {
    &checks.iter().find(|check| check.id == id).unwrap().text
}

#[test]
fn with_nothing_against_it_a_plan_is_permitted() {
    let world = World::of_three();
    let power = power(&world);
    let permit = admitted(&world, planned(&world, &cordon::ACTION, "w-1"), &power).unwrap();
    assert!(permit.holds(world.now.stamp));
    assert!(!permit.holds(world.now.stamp + FRESH + Duration::from_secs(1)));
    drop(power);
    assert!(
        !permit.holds(world.now.stamp),
        "the permit ends with the power"
    );
}

#[test]
fn each_word_of_the_server_and_the_audit_can_stop_it() {
    type Spoil = fn(&mut Live);
    let outage = || Outage::new(Layer::Timeout, "no answer");
    let spoils: [(&str, Spoil); 9] = [
        ("object", |live| {
            live.object = Err(Outage::new(Layer::Timeout, "x"));
        }),
        ("object", |live| live.object = Ok(json!({"kind": "Status"}))),
        ("object", |live| {
            live.object = Ok(world::json_of("w-9", "41"));
        }),
        ("rbac", |live| {
            live.may = Ok(live::May {
                allowed: false,
                reason: String::new(),
            });
        }),
        ("rbac", |live| {
            live.may = Err(Outage::new(Layer::Timeout, "x"));
        }),
        ("dry-run", |live| {
            live.dry_run = DryRun::Refused {
                code: 422,
                message: "no".into(),
            }
        }),
        ("dry-run", |live| {
            live.dry_run = DryRun::NotAsked("not armed");
        }),
        ("tls", |live| live.verified = false),
        ("audit", |live| live.audit = Err("disk full".into())),
    ];
    let world = World::of_three();
    let power = power(&world);
    for (id, spoil) in spoils {
        let mut plan = planned(&world, &cordon::ACTION, "w-1");
        spoil(plan.live.as_mut().unwrap());
        let checks = checks(&plan, &world.snap(), Some(power.armed()));
        assert!(
            matches!(verdict(&checks, id), Some(Verdict::Fail | Verdict::Asked)),
            "{id}"
        );
        assert_eq!(
            admitted(&world, plan, &power).unwrap_err().why,
            Why::Guard,
            "{id}"
        );
    }
    let mut unasked = planned(&world, &cordon::ACTION, "w-1");
    unasked.live = None;
    assert_eq!(
        admitted(&world, unasked, &power).unwrap_err().why,
        Why::Guard
    );
    // Not to know who we are is said, and stops nothing.
    let mut plan = planned(&world, &cordon::ACTION, "w-1");
    plan.live.as_mut().unwrap().who = Err(outage());
    assert!(admitted(&world, plan, &power).is_ok());
}

#[test]
fn who_turns_it_back_is_named() {
    let world = World::of_three();
    let mut plan = planned(&world, &cordon::ACTION, "w-1");
    let live = plan.live.as_mut().unwrap();
    let object = live.object.as_mut().unwrap();
    object["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "infra"});
    let flux = text(&checks(&plan, &world.snap(), None), "managed").to_owned();
    assert_eq!(
        flux,
        "kept by Flux (Kustomization infra): it may be reverted"
    );
    let object = plan.live.as_mut().unwrap().object.as_mut().unwrap();
    object["metadata"]["managedFields"] = json!([{
        "manager": "argocd-controller", "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:unschedulable": {}}},
    }]);
    let argo = text(&checks(&plan, &world.snap(), None), "managed").to_owned();
    assert_eq!(
        argo,
        "argocd-controller applies spec.unschedulable: it will be reverted"
    );
}

#[test]
fn a_control_plane_node_is_cordoned_with_a_warning_that_counts_its_peers() {
    let mut world = World::of_three();
    world.list(
        ObjectKind::Node,
        vec![
            control_plane("cp-1"),
            control_plane("cp-2"),
            control_plane("cp-3"),
            node("w-1"),
        ],
    );
    let plan = planned(&world, &cordon::ACTION, "cp-1");
    let told = checks(&plan, &world.snap(), None);
    assert_eq!(verdict(&told, "control-plane"), Some(Verdict::Warn));
    assert_eq!(
        text(&told, "control-plane"),
        "control plane: 2 of 3 stay in order, quorum 2"
    );
    // One that is cordoned is counted as gone, though its kubelet is well.
    let mut gone = control_plane("cp-2");
    if let Body::Node(node) = &mut gone.body {
        node.unschedulable = true;
    }
    world.put(gone);
    let told = checks(&plan, &world.snap(), None);
    assert_eq!(
        text(&told, "control-plane"),
        "control plane: 1 of 3 stay in order, below the quorum of 2 (cp-2 is cordoned)"
    );
    // And the plan that was made before it does not hold any more.
    let power = power(&world);
    let refusal = admitted(&world, plan, &power).unwrap_err();
    assert_eq!(refusal.why, Why::Expired);
    assert_eq!(refusal.changes[0].what, "control plane cp-2");
    assert!(admitted(&world, planned(&world, &cordon::ACTION, "cp-1"), &power).is_ok());
}

#[test]
fn the_last_node_that_takes_pods_is_closed_only_with_a_reason() {
    let mut world = World::of_three();
    world.put(cordoned("w-2"));
    world.put(node_but("w-3", |node| {
        node.conditions[0].status = Status::False;
    }));
    let power = power(&world);
    let mut plan = planned(&world, &cordon::ACTION, "w-1");
    assert_eq!(
        admitted(&world, plan.clone(), &power).unwrap_err().why,
        Why::Guard
    );
    plan.overridden = true;
    assert!(
        admitted(&world, plan.clone(), &power).is_err(),
        "without a reason"
    );
    plan.reason = "it burns".into();
    let permit = admitted(&world, plan, &power).unwrap();
    let intent = permit.intent(Who::default());
    assert_eq!(intent.reason.as_deref(), Some("it burns"));
    assert!(intent.guards.iter().any(|guard| guard.verdict == "stop"));
}

#[test]
fn uncordoning_tells_what_may_wait_there_and_who_closed_it() {
    let mut world = World::of_three();
    world.put(node_but("w-1", |node| {
        node.unschedulable = true;
        node.conditions[0].status = Status::Unknown;
    }));
    let mut plan = planned(&world, &uncordon::ACTION, "w-1");
    assert_eq!(
        plan.steps[0].call.body["spec"],
        json!({ "unschedulable": null })
    );
    let object = plan.live.as_mut().unwrap().object.as_mut().unwrap();
    let hour_ago = world.now.wall - jiff::SignedDuration::from_hours(1);
    object["metadata"]["managedFields"] = json!([{
        "manager": "kubectl-cordon", "operation": "Update", "time": hour_ago.to_string(),
        "fieldsV1": {"f:spec": {"f:unschedulable": {}}},
    }]);
    let told = checks(&plan, &world.snap(), None);
    assert_eq!(verdict(&told, "ready"), Some(Verdict::Warn));
    assert_eq!(
        text(&told, "set-by"),
        "the cordon was set by kubectl-cordon 1h00m ago"
    );
}

#[test]
fn what_is_stale_or_unknown_or_of_another_kind_has_no_plan() {
    let mut world = World::of_three();
    let snap = |world: &World, name: &str| {
        plan(
            &cordon::ACTION,
            &world.snap(),
            &subject(name),
            &Request::default(),
        )
    };
    assert_eq!(snap(&world, "w-9").unwrap_err().why, Why::NotKnown);
    let pod = Subject::object(ObjectKind::Pod, "prod", "shop", "web-1");
    let wrong = plan(&cordon::ACTION, &world.snap(), &pod, &Request::default());
    assert_eq!(wrong.unwrap_err().why, Why::WrongKind);
    world.wait(60);
    assert_eq!(snap(&world, "w-1").unwrap_err().why, Why::NotKnown);
}

#[test]
fn the_blast_counts_what_is_there_by_what_a_drain_would_have_to_know() {
    let mut world = World::of_three();
    let mut daemon = pod("d-1", "w-1", "ds");
    daemon.owner = Some(std::sync::Arc::new(crate::objects::Owner {
        kind: "DaemonSet".into(),
        name: "ds".into(),
        uid: "ds".into(),
    }));
    let mut alone = pod("a-1", "w-1", "alone");
    alone.owner = None;
    let with = |mut object: crate::objects::Object, change: fn(&mut crate::objects::Pod)| {
        if let Body::Pod(pod) = &mut object.body {
            change(pod);
        }
        object
    };
    let mirror = with(pod("m-1", "w-1", "m"), |pod| pod.traits.mirror = true);
    let ended = with(pod("e-1", "w-1", "web"), |pod| {
        pod.phase = crate::objects::Phase::Succeeded;
    });
    let local = with(pod("web-1", "w-1", "web"), |pod| {
        pod.traits.local_storage = true;
    });
    world.list(
        ObjectKind::Pod,
        vec![
            daemon,
            alone,
            mirror,
            ended,
            local,
            pod("web-2", "w-2", "web"),
        ],
    );
    world.list(
        ObjectKind::DisruptionBudget,
        vec![budget("web", "web", 0), budget("other", "other", 1)],
    );
    let blast = planned(&world, &cordon::ACTION, "w-1").blast;
    let lines = blast.lines();
    assert_eq!(
        lines,
        [
            "4 pods (1 DaemonSet, 1 ReplicaSet, 1 of nobody, 1 static), 1 with emptyDir, 1 ended: \
             they stay, none is evicted",
            "budgets: shop/web 1 here, room 0",
            "2 other nodes take pods: 8.0 CPU, 16.0 GiB free",
        ]
    );
    // What is not known is said, and not shown as nothing.
    world.wait(60);
    let kinds = [ObjectKind::Node];
    for kind in kinds {
        world
            .model
            .absorb(world::told("prod", kind, world.now, Vec::new()));
    }
    let blast = planned(&world, &cordon::ACTION, "w-1").blast;
    assert_eq!(blast.pods, None);
    assert!(
        blast.lines().iter().any(|line| line.starts_with("? ")),
        "{:?}",
        blast.lines()
    );
}

#[test]
fn the_answer_must_be_the_one_that_the_level_wants() {
    let at = |secs| Stamp::from_secs(secs);
    let policy = Policy::default();
    let key = |said, pressed| Answer::Key {
        said,
        at: at(pressed),
        shown: at(10),
        before: at(5),
    };
    let words = |text: &str| Said::Words(text.into());
    assert!(heed(None, &key(Said::Yes, 11), &policy).is_ok());
    assert!(
        heed(None, &key(Said::Yes, 10), &policy).is_err(),
        "too early"
    );
    assert!(
        heed(None, &key(Said::Yes, 9), &policy).is_err(),
        "before it stood there"
    );
    let wanted = || Some("reboot cp-3".to_owned());
    assert!(heed(wanted(), &key(words("reboot cp-3"), 11), &policy).is_ok());
    for wrong in [
        "reboot cp-30",
        "reboot cp-2",
        "Reboot cp-3",
        "reboot cp-3 ",
        "cp-3",
        "",
    ] {
        assert!(
            heed(wanted(), &key(words(wrong), 11), &policy).is_err(),
            "{wrong}"
        );
    }
    assert!(heed(wanted(), &key(Said::Yes, 11), &policy).is_err());
}

#[test]
fn arming_has_bounds_and_wants_a_cluster_that_answers() {
    let mut world = World::of_three();
    let arm = |world: &World, cluster: &str, secs| {
        arm::arm(cluster, Duration::from_secs(secs), &world.snap())
    };
    for wrong in [0, 3601, 86_400] {
        assert!(arm(&world, "prod", wrong).is_err(), "{wrong}");
    }
    assert!(arm(&world, "prod", 3600).is_ok());
    assert!(arm(&world, "stage", 600).is_err());
    world.wait(31);
    assert!(arm(&world, "prod", 600).is_err(), "silent");
}

/// Something that a plan rests on, or that it is.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    Cordon,
    NotReady,
    Role,
    Deleting,
    Replace,
    Others,
    Gone,
    Version,
    Uid,
    Path,
    Body,
    Method,
    Subject,
    Verb,
    Inputs,
    Undoes,
    Steps,
}

const MUTATIONS: [Mutation; 17] = [
    Mutation::Cordon,
    Mutation::NotReady,
    Mutation::Role,
    Mutation::Deleting,
    Mutation::Replace,
    Mutation::Others,
    Mutation::Gone,
    Mutation::Version,
    Mutation::Uid,
    Mutation::Path,
    Mutation::Body,
    Mutation::Method,
    Mutation::Subject,
    Mutation::Verb,
    Mutation::Inputs,
    Mutation::Undoes,
    Mutation::Steps,
];

fn mutate(world: &mut World, plan: &mut Plan, mutation: Mutation) {
    let call = &mut plan.steps[0].call;
    match mutation {
        Mutation::Cordon => world.put(cordoned("w-1")),
        Mutation::NotReady => world.put(node_but("w-1", |node| {
            node.conditions[0].status = Status::False;
        })),
        Mutation::Role => world.put(node_but("w-1", |node| {
            node.roles = Box::new(["gpu".into()]);
        })),
        Mutation::Deleting => {
            let mut object = node("w-1");
            object.deleting = Some(world.now.wall);
            world.put(object);
        }
        Mutation::Replace => {
            let mut object = node("w-1");
            object.uid = "another".into();
            world.put(object);
        }
        Mutation::Others => {
            world.put(cordoned("w-2"));
            world.put(cordoned("w-3"));
        }
        Mutation::Gone => world.list(ObjectKind::Node, vec![node("w-2"), node("w-3")]),
        Mutation::Version => call.body["metadata"]["resourceVersion"] = json!("42"),
        Mutation::Uid => call.body["metadata"]["uid"] = json!("another"),
        Mutation::Path => call.path = "/api/v1/nodes/w-2".into(),
        Mutation::Body => call.body["spec"]["taints"] = json!([]),
        Mutation::Method => call.method = crate::actions::call::Method::Delete,
        Mutation::Subject => plan.subject = subject("w-2"),
        Mutation::Verb => plan.action = &uncordon::ACTION,
        Mutation::Inputs => plan.inputs.add("roles", "something else"),
        Mutation::Undoes => plan.steps[0].undo = None,
        Mutation::Steps => {
            let again = plan.steps[0].clone();
            plan.steps.push(again);
        }
    }
}

proptest! {
    #[test]
    fn a_plan_of_which_anything_changed_after_the_preview_is_refused(
        picked in prop::sample::subsequence(MUTATIONS.to_vec(), 1..4),
    ) {
        let mut world = World::of_three();
        let power = power(&world);
        let mut plan = planned(&world, &cordon::ACTION, "w-1");
        for mutation in &picked {
            mutate(&mut world, &mut plan, *mutation);
        }
        let refused = admitted(&world, plan, &power);
        prop_assert!(refused.is_err(), "{picked:?}");
        let why = refused.unwrap_err().why;
        prop_assert!(matches!(why, Why::Expired | Why::Already | Why::Guard), "{picked:?}: {why:?}");
    }
}
