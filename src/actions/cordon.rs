//! Cordon: keep new pods off a node.

use serde_json::{Value, json};

use super::guard::Check;
use super::live::Live;
use super::plan::{Plan, Step, Target};
use super::{Action, Level, blast, node};
use crate::intent::Intent;
use crate::model::Snapshot;
use crate::objects::ObjectKind;

pub static ACTION: Action = Action {
    id: "cordon",
    doc: "Keep new pods off a node.
Sets spec.unschedulable, so that the scheduler passes the node by. What runs there goes on: nothing
is evicted, nothing restarts. Pods of daemon sets and static pods come all the same.",
    intent: Intent::Cordon,
    level: Level::Reversible,
    on: ObjectKind::Node,
    needs: &[ObjectKind::Node],
    reads: &[ObjectKind::Pod, ObjectKind::DisruptionBudget],
    permission: "patch",
    field: node::FIELD,
    undone_by: Some("uncordon"),
    leaves: Some("cordoned"),
    expects: "spec.unschedulable is true",
    met: node::is_cordoned,
    met_in: node::says_cordoned,
    already: "is cordoned already",
    steps,
    inputs: node::inputs,
    premise: node::premise,
    blast: |snap, object| blast::of_node(snap, object, "they stay, none is evicted"),
    checks,
};

fn steps(target: &Target) -> Vec<Step> {
    vec![node::step(target, "cordon", json!(true), Value::Null)]
}

fn checks(plan: &Plan, snap: &Snapshot, _: Option<&Live>) -> Vec<Check> {
    let Some((object, body)) = node::of_plan(plan, snap) else {
        return Vec::new();
    };
    let mut checks = node::control_plane(plan, object, body, snap);
    // Ordinary pods do not go to a control-plane node anyway.
    if !body.is_control_plane() {
        checks.push(node::room(plan, object, snap));
    }
    checks
}
