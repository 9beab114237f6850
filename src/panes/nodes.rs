//! Nodes: are they ready, how full are they, who keeps pods away from them.

use std::time::Duration;

use super::objects::{self, About, ObjectPane, Told};
use super::{Extra, Pane, detail, parts};
use crate::clock::Stamp;
use crate::listing::{Cell, Column, Context, MovedBy, ObjectListing, SortValue};
use crate::model::objects::{Load, Move, NODE_LEASES, Tally};
use crate::objects::{Body, Node, Object, ObjectKind, Status, Taint};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::Subject;
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Nodes,
    head,
    preview: detail::glance,
};

struct Nodes;

const KINDS: &[ObjectKind] = &[ObjectKind::Node];

static ABOUT: About = About {
    id: "nodes",
    title: "Nodes",
    doc: "Every node: ready or not, pods, what they ask for of what there is, taints, lease; Enter shows its pods.",
    columns: &[
        Column::names("cluster", "CLUSTER", 6..=24, 2),
        Column::names("name", "NAME", 10..=60, 0),
        Column::left("status", "STATUS", 10..=30, 0),
        Column::left("roles", "ROLES", 8..=24, 4),
        Column::right("pods", "PODS", 7..=9, 2),
        Column::right("cpu", "CPU REQ", 7..=14, 1),
        Column::right("cpu-used", "CPU USED", 8..=14, 3),
        Column::right("memory", "MEM REQ", 7..=14, 1),
        Column::right("memory-used", "MEM USED", 8..=14, 3),
        Column::left("taints", "TAINTS", 14..=40, 7),
        Column::left("version", "VERSION", 8..=18, 5),
        Column::right("lease", "LEASE", 5..=8, 4),
        Column::ages("age", "AGE", 5..=14, 0),
    ],
};

impl ObjectPane for Nodes {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_own_idle(&self, cx: &Context, column: &'static str) -> bool {
        match column {
            "cpu-used" | "memory-used" => {
                !objects::in_scope(cx).any(|cluster| cluster.is_measured(ObjectKind::Node))
            }
            _ => false,
        }
    }

    fn own_cell(&self, cx: &Context, object: &Object, told: Told, column: &'static str) -> Cell {
        let Body::Node(node) = &object.body else {
            return Cell::none();
        };
        match column {
            "status" => {
                let (word, role) = state(node);
                told.state(word, role)
            }
            "roles" if node.roles.is_empty() => Cell::none(),
            "roles" => told.value(node.roles.join(","), Role::Text),
            "pods" => pods(cx, told, object, node),
            "cpu" | "memory" => requested(cx, told, object, node, column),
            "cpu-used" | "memory-used" => used(cx, told, object, node, column),
            "taints" => taints(told, node),
            "version" => told.value(&*node.kubelet, Role::Dim),
            _ => lease(cx, object),
        }
    }
}

impl ObjectListing for Nodes {
    fn kinds(&self) -> &'static [ObjectKind] {
        KINDS
    }

    fn moved_by(&self, column: &'static str) -> MovedBy {
        match column {
            "pods" | "cpu" | "memory" | "lease" => MovedBy::Others,
            "cpu-used" | "memory-used" => MovedBy::Metrics,
            _ => MovedBy::Itself,
        }
    }

    fn sort_value(&self, object: &Object, column: &'static str) -> SortValue {
        if let Some(value) = objects::common_value(object, column) {
            return value;
        }
        let Body::Node(node) = &object.body else {
            return SortValue::Nothing;
        };
        match column {
            "status" => SortValue::Number(rank(node)),
            "roles" if node.roles.is_empty() => SortValue::Nothing,
            "roles" => SortValue::Text(node.roles.join(",")),
            "taints" => SortValue::Number(-f64::from(
                u32::try_from(shown_taints(node).count()).unwrap_or(0),
            )),
            "version" => SortValue::Word(node.kubelet.clone()),
            _ => SortValue::Nothing,
        }
    }

    /// The fullest first.
    fn volatile_value(&self, cx: &Context, object: &Object, column: &'static str) -> SortValue {
        let Body::Node(node) = &object.body else {
            return SortValue::Nothing;
        };
        let value = match column {
            "pods" => Some(f64::from(load(cx, object).pods)),
            "lease" => return renewed_at(cx, object).map_or(SortValue::Nothing, by_stamp),
            "cpu" | "memory" => requested_share(cx, object, node, column),
            _ => used_share(cx, object, node, column),
        };
        value.map_or(SortValue::Nothing, |value| SortValue::Number(-value))
    }

    /// The nodes of a pod before and after; the node that renews a lease.
    fn touched(
        &self,
        _: &Context,
        _: &'static str,
        one: &Move,
        each: &mut dyn FnMut(Subject),
    ) -> bool {
        for object in one.old.iter().chain(&one.new) {
            let node = match &object.body {
                Body::Pod(pod) => pod.node.as_deref(),
                Body::Lease(_) if *object.namespace == *NODE_LEASES => Some(&*object.name),
                _ => None,
            };
            if let Some(node) = node {
                each(Subject::object(ObjectKind::Node, &object.cluster, "", node));
            }
        }
        true
    }

    fn words(&self, object: &Object, each: &mut dyn FnMut(&str)) {
        each(&object.name);
        if let Body::Node(node) = &object.body {
            each(&state(node).0);
            for role in &node.roles {
                each(role);
            }
            each(&node.kubelet);
            for (_, address) in &node.addresses {
                each(address);
            }
            for taint in shown_taints(node) {
                each(&taint.key);
            }
        }
    }
}

/// Conditions that are bad when they hold, with a short word.
const PRESSURES: [(&str, &str); 4] = [
    ("MemoryPressure", "memory"),
    ("DiskPressure", "disk"),
    ("PIDPressure", "pids"),
    ("NetworkUnavailable", "network"),
];

/// The word for a node's state, and how it is meant: `Ready`, `NotReady cordoned`, `Ready disk`.
#[must_use]
pub fn state(node: &Node) -> (String, Role) {
    let (mut word, mut role) = match node.ready() {
        Status::True => ("Ready".to_owned(), Role::StateOk),
        Status::False => ("NotReady".to_owned(), Role::StateBad),
        Status::Unknown => ("Unknown".to_owned(), Role::Unknown),
    };
    for (kind, short) in PRESSURES {
        if node
            .condition(kind)
            .is_some_and(|c| c.status == Status::True)
        {
            word.push(' ');
            word.push_str(short);
            if role == Role::StateOk {
                role = Role::Warning;
            }
        }
    }
    if node.unschedulable {
        word.push_str(" cordoned");
        if role == Role::StateOk {
            role = Role::Info;
        }
    }
    (word, role)
}

/// Worst first.
fn rank(node: &Node) -> f64 {
    match state(node).1 {
        Role::StateBad => 0.0,
        Role::Unknown => 1.0,
        Role::Warning => 2.0,
        Role::Info => 3.0,
        _ => 4.0,
    }
}

#[must_use]
pub fn load(cx: &Context, object: &Object) -> Load {
    let cluster = objects::cluster_of(cx, object);
    cluster
        .map(|cluster| cluster.load(&object.name))
        .unwrap_or_default()
}

/// What a node carries is known as well as its pods are; `None` while they are not told, or only
/// those of some namespaces.
#[must_use]
pub fn told_of_load(cx: &Context, told: Told, object: &Object) -> Option<Told> {
    let cluster = objects::cluster_of(cx, object)?;
    let synced = cluster.is_synced(ObjectKind::Pod);
    let all = cx.snap.only_in(&object.cluster, ObjectKind::Pod).is_none();
    (synced && all).then(|| told.or_worse(Told::of_kind(cx, &object.cluster, ObjectKind::Pod)))
}

fn pods(cx: &Context, told: Told, object: &Object, node: &Node) -> Cell {
    let Some(told) = told_of_load(cx, told, object) else {
        return Cell::unknown();
    };
    let pods = load(cx, object).pods;
    match node.pods {
        Some(most) => {
            let role = parts::over(objects::share(pods.into(), most.max(1)), 0.9, 1.0);
            told.value(format!("{pods}/{most}"), role)
        }
        None => told.value(pods.to_string(), Role::Text),
    }
}

fn requested_share(cx: &Context, object: &Object, node: &Node, column: &str) -> Option<f64> {
    let whole = objects::pick(node.allocatable, column)?;
    let part = objects::pick(load(cx, object).requests, column).unwrap_or(0);
    (whole > 0).then(|| objects::share(part, whole))
}

fn requested(cx: &Context, told: Told, object: &Object, node: &Node, column: &str) -> Cell {
    let told = told_of_load(cx, told, object);
    match (told, requested_share(cx, object, node, column)) {
        (Some(told), Some(share)) => told.bar(share, parts::over(share, 0.95, 1.001)),
        _ => Cell::unknown(),
    }
}

fn used_share(cx: &Context, object: &Object, node: &Node, column: &str) -> Option<f64> {
    let whole = objects::pick(node.allocatable, column)?;
    let used = objects::cluster_of(cx, object)?.used(object)?;
    let part = objects::pick(used, column)?;
    (whole > 0).then(|| objects::share(part, whole))
}

fn used(cx: &Context, told: Told, object: &Object, node: &Node, column: &str) -> Cell {
    match used_share(cx, object, node, column) {
        Some(share) => told.bar(share, parts::over(share, 0.9, 0.98)),
        None => Cell::unknown(),
    }
}

/// Taints that say more than status and roles do.
fn shown_taints(node: &Node) -> impl Iterator<Item = &Taint> {
    node.taints
        .iter()
        .filter(|taint| !is_told(node, taint) && !is_role(taint))
}

fn is_role(taint: &Taint) -> bool {
    taint.key.starts_with("node-role.kubernetes.io/")
}

/// Does the node's status say it already? A taint that outlives its condition keeps pods away from
/// a node that looks well.
fn is_told(node: &Node, taint: &Taint) -> bool {
    let is = |kind| {
        node.condition(kind)
            .is_some_and(|c| c.status == Status::True)
    };
    match taint.key.strip_prefix("node.kubernetes.io/") {
        Some("unschedulable") => node.unschedulable,
        Some("not-ready" | "unreachable") => !is("Ready"),
        Some("memory-pressure") => is("MemoryPressure"),
        Some("disk-pressure") => is("DiskPressure"),
        Some("pid-pressure") => is("PIDPressure"),
        Some("network-unavailable") => is("NetworkUnavailable"),
        _ => false,
    }
}

/// The key without the domain of those that Kubernetes itself sets, which all nodes share.
fn short(taint: &Taint) -> String {
    let text = taint_text(taint);
    match text.strip_prefix("node.kubernetes.io/") {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// `dedicated=gpu:NoSchedule`.
#[must_use]
pub fn taint_text(taint: &Taint) -> String {
    if taint.value.is_empty() {
        format!("{}:{}", taint.key, taint.effect)
    } else {
        format!("{}={}:{}", taint.key, taint.value, taint.effect)
    }
}

fn taints(told: Told, node: &Node) -> Cell {
    let mut taints = shown_taints(node);
    let Some(first) = taints.next() else {
        return Cell::none();
    };
    let more = taints.count();
    let more = if more > 0 {
        format!(" +{more}")
    } else {
        String::new()
    };
    // One that Kubernetes set itself stands for trouble; others are somebody's wish.
    let role = if first.key.starts_with("node.kubernetes.io/") {
        Role::Warning
    } else {
        Role::Dim
    };
    told.value(format!("{}{more}", short(first)), role)
}

/// Since when its kubelet has not renewed its lease, as we saw it; `None` where leases are not
/// watched.
#[must_use]
pub fn renewed(cx: &Context, object: &Object) -> Option<Duration> {
    let at = renewed_at(cx, object)?;
    Some(cx.snap.now.stamp.since(at))
}

fn renewed_at(cx: &Context, object: &Object) -> Option<Stamp> {
    let cluster = objects::cluster_of(cx, object)?;
    let lease = cluster.get(ObjectKind::Lease, NODE_LEASES, &object.name)?;
    cluster.renewed_at(lease)
}

/// By when and not by how long ago: that would move all rows at any time.
fn by_stamp(at: Stamp) -> SortValue {
    objects::number(at.0)
}

fn lease(cx: &Context, object: &Object) -> Cell {
    /// Kubelets renew every ten seconds; at forty the node counts as lost.
    const LATE: (u64, u64) = (20, 40);
    let Some(age) = renewed(cx, object) else {
        return Cell::unknown();
    };
    let told = Told::of_kind(cx, &object.cluster, ObjectKind::Lease);
    let role = match age.as_secs() {
        secs if secs >= LATE.1 => Role::Critical,
        secs if secs >= LATE.0 => Role::Warning,
        _ => Role::Dim,
    };
    told.value(units::age(age), role)
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    // Nodes are in no namespace: the one in scope does not make them fewer.
    let tallies = objects::in_scope(cx).map(|cluster| cluster.tally(None));
    let tally = tallies.fold(Tally::default(), Tally::and);
    let (ready, all) = (tally.nodes_ready, tally.nodes);
    let role = if ready == all {
        Role::Text
    } else {
        Role::Warning
    };
    let mut line = Line::new().with(format!("{ready} of {all} ready"), role);
    if tally.cordoned > 0 {
        line = line.with(format!("   {} cordoned", tally.cordoned), Role::Info);
    }
    let doubts = objects::doubts(cx, &[ObjectKind::Node, ObjectKind::Pod]);
    if all == 0 && !objects::are_known(cx, KINDS) {
        return doubts;
    }
    std::iter::once(line).chain(doubts).collect()
}
