//! A pod: where it is, its containers and how they ended, what it asks for and uses.

use super::object::{Depth, ago, origin_rows, selected_by};
use super::row;
use crate::listing::Context;
use crate::objects::{Container, ContainerState, Object, ObjectKind, Pod, Resources};
use crate::paint::Line;
use crate::panes::objects::{self, Told};
use crate::panes::{Block, pods};
use crate::role::Role;
use crate::units;

pub(super) fn pod(cx: &Context, object: &Object, pod: &Pod, depth: Depth) -> Vec<Block> {
    let told = Told::of(cx, object);
    let mut blocks = vec![status(told, object, pod)];
    blocks.extend(reasons(told, pod));
    blocks.extend(containers(cx, told, pod, depth));
    blocks.extend(amounts(cx, told, object));
    blocks.extend(origin_rows(cx, told, object));
    if depth == Depth::Whole {
        blocks.extend(claims(cx, told, object, pod));
        blocks.extend(selected_by(cx, object, &object.labels));
        blocks.extend(traits(told, pod));
    }
    blocks
}

fn status(told: Told, object: &Object, pod: &Pod) -> Block {
    let (word, role) = pods::state(object, pod);
    let (ready, all) = pod.ready_count();
    let mut line = Line::new()
        .with(word, role)
        .text(format!("  {ready} of {all} ready"));
    line = match &pod.node {
        Some(node) => line.dim("  on ").text(node.to_string()),
        None => line.with("  on no node yet", Role::Warning),
    };
    if let Some(ip) = &pod.ip {
        line = line.dim(format!("  {ip}"));
    }
    row("status", told.line(line))
}

/// Why it is as it is, in the words of kubelet and scheduler.
fn reasons(told: Told, pod: &Pod) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(unscheduled) = &pod.unscheduled {
        let (reason, message) = &**unscheduled;
        let line = Line::new()
            .with(format!("{reason}  "), Role::Warning)
            .text(message.to_string());
        blocks.push(row("scheduler", told.line(line)));
    }
    if pod.reason.is_some() || pod.message.is_some() {
        let reason = pod.reason.as_deref().unwrap_or_default();
        let line = Line::new()
            .text(format!("{reason}  "))
            .text(pod.message.as_deref().unwrap_or_default());
        blocks.push(row("because", told.line(line)));
    }
    blocks
}

fn containers(cx: &Context, told: Told, pod: &Pod, depth: Depth) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (label, all) in [("containers", &pod.containers), ("init", &pod.init)] {
        let mut label = label;
        for container in all {
            // Below a table only what still runs or failed is worth a line.
            let done =
                matches!(&container.state, ContainerState::Terminated(end) if end.exit_code == 0);
            if depth == Depth::Glance && label != "containers" && done {
                continue;
            }
            let line = container_line(cx, container);
            blocks.push(row(label, told.line(line)));
            label = "";
            if depth == Depth::Whole {
                blocks.push(row("", told.line(made_of(container))));
            }
        }
    }
    blocks
}

/// Name, state, restarts and the end before this one.
fn container_line(cx: &Context, container: &Container) -> Line {
    let name = &container.spec.name;
    let sidecar = if container.spec.sidecar {
        " (sidecar)"
    } else {
        ""
    };
    let mut line = Line::new().text(format!("{name}{sidecar}  "));
    line = match &container.state {
        ContainerState::Running(since) => {
            let since = since.map_or_else(String::new, |at| format!(" for {}", ago(cx, at)));
            let (word, role) = if container.ready {
                ("running", Role::StateOk)
            } else {
                ("running, not ready", Role::Warning)
            };
            line.with(word, role).dim(since)
        }
        ContainerState::Waiting(reason, _) if reason.is_empty() => line.with("waiting", Role::Info),
        ContainerState::Waiting(reason, message) => {
            let role = if reason.contains("BackOff") || reason.contains("Err") {
                Role::StateBad
            } else {
                Role::Info
            };
            let message = message.as_deref().unwrap_or_default();
            line.with(reason.to_string(), role)
                .dim(format!("  {message}"))
        }
        ContainerState::Terminated(end) => {
            let role = if end.exit_code == 0 {
                Role::Dim
            } else {
                Role::StateBad
            };
            let ago = end
                .finished
                .map_or_else(String::new, |at| format!("  {} ago", ago(cx, at)));
            line.with(pods::ended(end), role).dim(ago)
        }
    };
    if container.restarts > 0 {
        line = line.text(format!("  restarts {}", container.restarts));
    }
    if let Some(last) = &container.last {
        let at = last
            .finished
            .map_or_else(String::new, |at| format!(" {} ago", ago(cx, at)));
        line = line
            .dim("  before ")
            .with(pods::ended(last), pods::end_role(last))
            .dim(at);
        if let Some(message) = &last.message {
            line = line.dim(format!("  {}", message.trim()));
        }
    }
    line
}

/// Image and resources, as its template says.
fn made_of(container: &Container) -> Line {
    let spec = &container.spec;
    Line::new().dim(format!(
        "  {}  requests {}  limits {}",
        spec.image,
        resources(spec.requests),
        resources(spec.limits)
    ))
}

/// `250m / 512Mi`.
pub(super) fn resources(resources: Resources) -> String {
    let cpu = resources.cpu_milli.map_or_else(|| "-".into(), units::cores);
    let memory = resources.memory.map_or_else(|| "-".into(), units::binary);
    format!("{cpu} / {memory}")
}

/// What it uses of what it asks for and may have.
fn amounts(cx: &Context, told: Told, object: &Object) -> Vec<Block> {
    let mut blocks = Vec::new();
    for column in ["cpu", "memory"] {
        let [used, requested, limit] = objects::pod_amounts(cx, object, column);
        if used.is_none() && requested.is_none() && limit.is_none() {
            continue;
        }
        let print = objects::amount(column);
        let words = [(used, "used"), (requested, "requested"), (limit, "allowed")]
            .into_iter()
            .filter_map(|(amount, word)| Some(format!("{} {word}", print(amount?))));
        let text = words.collect::<Vec<_>>().join(", ");
        let line = Line::new().with(
            text,
            match objects::use_role(used, limit) {
                Role::Dim => Role::Text,
                role => role,
            },
        );
        blocks.push(row(column, told.line(line)));
    }
    blocks
}

fn claims(cx: &Context, told: Told, object: &Object, pod: &Pod) -> Vec<Block> {
    let mut blocks = Vec::new();
    for name in &*pod.claims {
        let cluster = objects::cluster_of(cx, object);
        let claim = cluster
            .and_then(|cluster| cluster.get(ObjectKind::VolumeClaim, &object.namespace, name));
        let label = if blocks.is_empty() { "claims" } else { "" };
        let line = Line::new().text(format!("{name}  "));
        blocks.push(match claim {
            Some(claim) => row(
                label,
                Told::of(cx, claim).line(super::smaller::claim_line(line, claim)),
            ),
            None => row(label, told.line(line.with("not known", Role::Unknown))),
        });
    }
    blocks
}

/// What a drain has to know of it.
fn traits(told: Told, pod: &Pod) -> Vec<Block> {
    let traits = pod.traits;
    let words: Vec<&str> = [
        (traits.mirror, "static pod of its node"),
        (traits.local_storage, "keeps data in emptyDir"),
        (traits.host_network, "on the node's network"),
        (traits.ends, "meant to end"),
    ]
    .into_iter()
    .filter_map(|(has, word)| has.then_some(word))
    .collect();
    if words.is_empty() {
        return Vec::new();
    }
    vec![row("traits", told.line(Line::new().text(words.join(", "))))]
}
