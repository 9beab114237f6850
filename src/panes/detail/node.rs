//! A node: what it is, how full it is, what keeps pods away, what it carries.

use super::object::{Depth, origin_rows, pods};
use super::row;
use crate::listing::Context;
use crate::objects::{Body, Node, Object, ObjectKind};
use crate::paint::Line;
use crate::panes::objects::{self, Told};
use crate::panes::{Block, nodes, parts};
use crate::role::Role;
use crate::units;

pub(super) fn node(cx: &Context, object: &Object, node: &Node, depth: Depth) -> Vec<Block> {
    let told = Told::of(cx, object);
    let (word, role) = nodes::state(node);
    let mut line = Line::new().with(word, role);
    if let Some(why) = node
        .condition("Ready")
        .filter(|c| c.status != crate::objects::Status::True)
    {
        line = line.text(format!("  {}  {}", why.reason, why.message));
    }
    if !node.roles.is_empty() {
        line = line.dim(format!("  {}", node.roles.join(", ")));
    }
    let mut blocks = vec![row("status", told.line(line))];
    blocks.extend(room(cx, told, object, node));
    blocks.extend(taints(told, node));
    blocks.extend(lease(cx, object));
    let system = Line::new().text(format!("{}  ", node.kubelet)).dim(format!(
        "{}  {}  kernel {}  {}",
        node.runtime, node.os_image, node.kernel, node.architecture
    ));
    blocks.push(row("system", told.line(system)));
    blocks.extend(origin_rows(cx, told, object));
    if depth == Depth::Whole {
        blocks.extend(addresses(told, node));
        blocks.extend(carried(cx, object));
    }
    blocks
}

/// Requested and used of what can be given away.
fn room(cx: &Context, told: Told, object: &Object, node: &Node) -> Vec<Block> {
    let Some(sums) = nodes::told_of_load(cx, told, object) else {
        let line = Line::new().with("not known: its pods are not told", Role::Unknown);
        return vec![row("room", line)];
    };
    let load = nodes::load(cx, object);
    let most = node
        .pods
        .map_or_else(|| "?".into(), |most| most.to_string());
    let line = Line::new().text(format!("{} of {most}", load.pods));
    let mut blocks = vec![row("pods", sums.line(line))];
    let cluster = objects::cluster_of(cx, object);
    let used = cluster.and_then(|cluster| cluster.used(object));
    for column in ["cpu", "memory"] {
        let Some(whole) = objects::pick(node.allocatable, column).filter(|whole| *whole > 0) else {
            continue;
        };
        let print = objects::amount(column);
        let asked = objects::pick(load.requests, column).unwrap_or(0);
        let share = objects::share(asked, whole);
        let mut line = Line::new()
            .with(
                format!("{:.0}% ", share * 100.0),
                parts::over(share, 0.95, 1.001),
            )
            .text(format!("{} of {} requested", print(asked), print(whole)));
        if let Some(used) = used.and_then(|used| objects::pick(used, column)) {
            let share = objects::share(used, whole);
            line = line.dim(",  ").with(
                format!("{:.0}% {} used", share * 100.0, print(used)),
                parts::over(share, 0.9, 0.98),
            );
        }
        blocks.push(row(column, sums.line(line)));
    }
    blocks
}

fn taints(told: Told, node: &Node) -> Vec<Block> {
    let all: Vec<String> = node.taints.iter().map(nodes::taint_text).collect();
    if all.is_empty() {
        return Vec::new();
    }
    vec![row("taints", told.line(Line::new().text(all.join("  "))))]
}

fn lease(cx: &Context, object: &Object) -> Vec<Block> {
    let Some(age) = nodes::renewed(cx, object) else {
        return Vec::new();
    };
    let told = Told::of_kind(cx, &object.cluster, ObjectKind::Lease);
    let line = Line::new().text(format!("seen renewed {} ago", units::age(age)));
    vec![row("lease", told.line(line))]
}

fn addresses(told: Told, node: &Node) -> Vec<Block> {
    let all: Vec<String> = node
        .addresses
        .iter()
        .map(|(kind, address)| format!("{address} ({kind})"))
        .collect();
    let mut blocks = vec![row(
        "addresses",
        told.line(Line::new().text(all.join("  "))),
    )];
    if let Some(provider) = &node.provider_id {
        let line = Line::new().dim(provider.to_string());
        blocks.push(row("provider", told.line(line)));
    }
    blocks
}

fn carried(cx: &Context, object: &Object) -> Vec<Block> {
    let cluster = objects::cluster_of(cx, object);
    let all = cluster.map_or(&[][..], |cluster| cluster.on_node(&object.name));
    let all: Vec<_> = all
        .iter()
        .filter(|pod| matches!(pod.body, Body::Pod(_)))
        .collect();
    pods(cx, "carries", &all)
}
