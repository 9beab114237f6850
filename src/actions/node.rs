//! What cordon and uncordon share: the one field of a node, what their plans rest on, and what
//! speaks against them. No action of its own.

use serde_json::{Value, json};

use super::blast;
use super::call::Call;
use super::guard::{Check, Verdict};
use super::live::{self, Live};
use super::plan::{By, Inputs, Plan, Step, Target};
use crate::model::Snapshot;
use crate::objects::{Body, Node, Object, ObjectKind, Status};
use crate::subject::Subject;
use crate::units;

/// The field, from the object's root.
pub const FIELD: &[&str] = &["spec", "unschedulable"];

/// Is the node cordoned?
#[must_use]
pub fn is_cordoned(object: &Object) -> bool {
    matches!(&object.body, Body::Node(node) if node.unschedulable)
}

/// Does the node take pods as far as a cordon goes?
#[must_use]
pub fn is_open(object: &Object) -> bool {
    matches!(&object.body, Body::Node(node) if !node.unschedulable)
}

/// Is the node cordoned, by its JSON?
#[must_use]
pub fn says_cordoned(object: &Value) -> bool {
    object.pointer("/spec/unschedulable") == Some(&Value::Bool(true))
}

/// What both plans rest on of the node's own JSON: that it is this node and stays, whether it is
/// cordoned, and what keeps pods off it. The taint that a cordon itself brings is left out: it
/// follows by itself.
#[must_use]
pub fn premise(object: &Value) -> Inputs {
    let mut premise = Inputs::default();
    let text = |value: &Value, key: &str| {
        let text = value.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let metadata = object.get("metadata").unwrap_or(&Value::Null);
    premise.add("uid", text(metadata, "uid"));
    let deleting = metadata.get("deletionTimestamp");
    premise.add("being deleted", yes(deleting.is_some()));
    premise.add("cordoned", yes(says_cordoned(object)));
    let taints = object.pointer("/spec/taints").and_then(Value::as_array);
    let mut taints: Vec<String> = taints
        .into_iter()
        .flatten()
        .filter(|taint| text(taint, "key") != "node.kubernetes.io/unschedulable")
        .map(|taint| {
            ["key", "value", "effect"]
                .map(|part| text(taint, part))
                .join(" ")
        })
        .collect();
    taints.sort();
    premise.add("taints", taints.join(", "));
    premise
}

/// Sets or removes `spec.unschedulable` of this very node in this very version: done twice, the
/// second is refused by the API server.
#[must_use]
pub fn step(target: &Target, title: &str, wanted: Value, before: Value) -> Step {
    let call = |value: Value, pins: Value| {
        let body = json!({ "metadata": pins, "spec": { "unschedulable": value } });
        Call::merge(target.path(), body)
    };
    // The version after it is not known yet; the undo is made anew when it is asked for.
    let undo = call(before, json!({ "uid": &*target.uid }));
    Step {
        title: format!("{title} {}", target.name),
        call: call(wanted, target.pins()),
        undo: Some(undo),
    }
}

/// What both plans rest on: the node's own state, and for a control-plane node its peers'.
#[must_use]
pub fn inputs(snap: &Snapshot, object: &Object) -> Inputs {
    let mut inputs = Inputs::default();
    inputs.add("uid", &object.uid);
    inputs.add("being deleted", yes(object.deleting.is_some()));
    let Body::Node(node) = &object.body else {
        return inputs;
    };
    inputs.add("cordoned", yes(node.unschedulable));
    inputs.add("Ready", word(node.ready()));
    inputs.add("roles", node.roles.join(","));
    if node.is_control_plane() {
        for (name, state) in peers(snap, object) {
            inputs.add(format!("control plane {name}"), state.word());
        }
        if let Ok(quorum) = snap.quorum(&Subject::etcd(&object.cluster)) {
            let (healthy, voters) = (quorum.healthy.len(), quorum.voters());
            inputs.add("etcd", format!("{healthy} of {voters}"));
        }
    } else {
        let others = blast::others(snap, object).next();
        inputs.add(
            "others that take pods",
            if others.is_none() { "none" } else { "some" },
        );
    }
    inputs
}

fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::True => "True",
        Status::False => "False",
        Status::Unknown => "Unknown",
    }
}

/// How a control-plane node stands, as a quorum counts it: one that is cordoned is as good as gone,
/// since that is how its going begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    InOrder,
    Cordoned,
    NotReady,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Self::InOrder => "in order",
            Self::Cordoned => "cordoned",
            Self::NotReady => "not ready",
        }
    }
}

/// The other control-plane nodes by name.
fn peers(snap: &Snapshot, object: &Object) -> Vec<(String, Standing)> {
    let cluster = snap.model.objects().cluster(&object.cluster);
    let nodes = cluster
        .into_iter()
        .flat_map(|c| c.of_kind(ObjectKind::Node));
    let peers = nodes.filter_map(|other| match &other.body {
        Body::Node(node) if node.is_control_plane() && other.uid != object.uid => {
            let standing = match node.ready() {
                _ if node.unschedulable => Standing::Cordoned,
                Status::True => Standing::InOrder,
                _ => Standing::NotReady,
            };
            Some((other.name.to_string(), standing))
        }
        _ => None,
    });
    peers.collect()
}

/// The plan's node as the watch knows it.
pub fn of_plan<'a>(plan: &Plan, snap: &Snapshot<'a>) -> Option<(&'a Object, &'a Node)> {
    let object: &Object = snap.object(&plan.subject).ok()?;
    match &object.body {
        Body::Node(node) => Some((object, node)),
        _ => None,
    }
}

/// What a cordon leaves of the control plane and of its etcd.
#[must_use]
pub fn control_plane(plan: &Plan, object: &Object, node: &Node, snap: &Snapshot) -> Vec<Check> {
    if !node.is_control_plane() {
        return Vec::new();
    }
    let peers = peers(snap, object);
    let all = peers.len() + 1;
    let stay = peers
        .iter()
        .filter(|(_, state)| *state == Standing::InOrder)
        .count();
    let needed = all / 2 + 1;
    let gone: Vec<String> = peers
        .iter()
        .filter(|(_, state)| *state != Standing::InOrder)
        .map(|(name, state)| format!("{name} is {}", state.word()))
        .collect();
    let mut text = if all == 1 {
        "the only control-plane node; a cordon stops nothing there".to_owned()
    } else {
        let quorum = if stay < needed {
            "below the quorum of"
        } else {
            "quorum"
        };
        format!("control plane: {stay} of {all} stay in order, {quorum} {needed}")
    };
    if !gone.is_empty() {
        text.push_str(&format!(" ({})", gone.join(", ")));
    }
    let mut checks = vec![Check::new(
        "control-plane",
        Verdict::Warn,
        text,
        snap.now.stamp,
    )];
    if let Ok(quorum) = snap.quorum(&Subject::etcd(&object.cluster)) {
        let (healthy, voters) = (quorum.healthy.len(), quorum.voters());
        let needed = quorum.needed();
        let verdict = if healthy > needed {
            Verdict::Ok
        } else {
            Verdict::Warn
        };
        let text = format!(
            "etcd {}: {healthy} of {voters} healthy, quorum {needed}",
            object.cluster
        );
        checks.push(Check::new("etcd", verdict, text, quorum.list.at));
    } else if plan.by == By::Command {
        // It watches the one cluster alone; what is not looked at must not be taken for well.
        let text = "etcd is not looked at by act: only what Kubernetes tells";
        checks.push(Check::new("etcd", Verdict::Warn, text, snap.now.stamp));
    }
    checks
}

/// Is there another node that takes what this one no longer does? Judged by what is so now; where
/// that is not what the plan counted, both are told.
#[must_use]
pub fn room(plan: &Plan, object: &Object, snap: &Snapshot) -> Check {
    let now = snap.now.stamp;
    let others = blast::others(snap, object).count();
    let mut text = blast::take_pods(others);
    if others == 0 {
        text.push_str(": new ones would wait");
        return Check::new("elsewhere", Verdict::Stop, text, now);
    }
    let planned = plan.blast.elsewhere.as_ref().map(|room| room.nodes);
    if let Some(planned) = planned.filter(|planned| *planned != others) {
        text.push_str(&format!(" now, {planned} when it was planned"));
    }
    Check::new("elsewhere", Verdict::Ok, text, now)
}

/// Who set the field last, and when, where somebody other than midwatch did.
#[must_use]
pub fn last_set(live: &Live, snap: &Snapshot) -> Option<String> {
    let object = live.object.as_ref().ok()?;
    let last = live::managers(object, FIELD)
        .into_iter()
        .max_by_key(|manager| manager.at)?;
    let ago = last.at.map_or_else(String::new, |at| {
        let ago = snap.now.wall.duration_since(at);
        let ago = std::time::Duration::try_from(ago).unwrap_or_default();
        format!(" {} ago", units::age(ago))
    });
    Some(format!("set by {}{ago}", last.name))
}
