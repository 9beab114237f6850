//! Uncordon: let a node take new pods again.

use serde_json::{Value, json};

use super::guard::{Check, Verdict};
use super::live::Live;
use super::plan::{Plan, Step, Target};
use super::{Action, Level, blast, node};
use crate::intent::Intent;
use crate::model::Snapshot;
use crate::objects::{ObjectKind, Status};

pub static ACTION: Action = Action {
    id: "uncordon",
    doc: "Let a node take new pods again.
Removes spec.unschedulable, so that the scheduler counts the node in. Nothing is moved to it at
once; taints that others set stay.",
    intent: Intent::Uncordon,
    level: Level::Reversible,
    on: ObjectKind::Node,
    needs: &[ObjectKind::Node],
    reads: &[ObjectKind::Pod, ObjectKind::DisruptionBudget],
    permission: "patch",
    field: node::FIELD,
    undone_by: Some("cordon"),
    leaves: None,
    expects: "spec.unschedulable is not set",
    met: node::is_open,
    met_in: |object| !node::says_cordoned(object),
    already: "is not cordoned",
    steps,
    inputs: node::inputs,
    premise: node::premise,
    blast: |snap, object| blast::of_node(snap, object, "nothing moves; new pods may come"),
    checks,
};

fn steps(target: &Target) -> Vec<Step> {
    vec![node::step(target, "uncordon", Value::Null, json!(true))]
}

fn checks(plan: &Plan, snap: &Snapshot, live: Option<&Live>) -> Vec<Check> {
    let Some((_, body)) = node::of_plan(plan, snap) else {
        return Vec::new();
    };
    let now = snap.now.stamp;
    let mut checks = vec![match body.ready() {
        Status::True => Check::new("ready", Verdict::Ok, "the node is Ready", now),
        Status::False => {
            let text = "the node is not Ready: pods would wait there";
            Check::new("ready", Verdict::Warn, text, now)
        }
        Status::Unknown => {
            let text = "nobody hears the node: pods would wait there";
            Check::new("ready", Verdict::Warn, text, now)
        }
    }];
    // What somebody else closed, he may have closed for a reason.
    if let Some(by) = live.and_then(|live| node::last_set(live, snap)) {
        let own = by.starts_with("set by midwatch");
        let verdict = if own { Verdict::Ok } else { Verdict::Warn };
        checks.push(Check::new(
            "set-by",
            verdict,
            format!("the cordon was {by}"),
            now,
        ));
    }
    checks
}
