//! What an action touches: the pods on a node, the budgets over them, the room elsewhere.
//!
//! For reading, not for deciding: what a plan rests on is in its inputs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Snapshot;
use crate::objects::{Body, Node, Object, ObjectKind, Phase, Pod, Status};

/// What is known of it; `None` where it cannot be known, with the reason in `unknown`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Blast {
    /// In one sentence, what happens to what is there.
    pub effect: &'static str,
    pub roles: Vec<String>,
    pub pods: Option<Pods>,
    pub budgets: Option<Vec<Budget>>,
    pub elsewhere: Option<Elsewhere>,
    pub unknown: Vec<String>,
}

/// Pods of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pods {
    /// Those that have not ended.
    pub all: usize,
    /// By the kind of their controller; those of nobody under `none`.
    pub by_owner: BTreeMap<String, usize>,
    /// Static pods, which only the kubelet moves.
    pub mirror: usize,
    /// With an `emptyDir`.
    pub local_storage: usize,
    pub ended: usize,
}

/// A disruption budget over pods of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// `shop/web`.
    pub name: String,
    /// How many of its pods are here.
    pub here: usize,
    /// How many it lets go; `None` while its counts are about an older spec.
    pub room: Option<u32>,
}

/// Other nodes that take pods, and what nobody has asked for there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    pub nodes: usize,
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
}

/// Everything about one node.
#[must_use]
pub fn of_node(snap: &Snapshot, object: &Object, effect: &'static str) -> Blast {
    let mut blast = Blast {
        effect,
        ..Blast::default()
    };
    if let Body::Node(node) = &object.body {
        blast.roles = node.roles.iter().map(ToString::to_string).collect();
    }
    match snap.whole(&object.cluster, &[ObjectKind::Pod]) {
        Ok(cluster) => blast.pods = Some(pods(cluster.on_node(&object.name))),
        Err(doubt) => blast.unknown.push(doubt.to_string()),
    }
    let both = [ObjectKind::Pod, ObjectKind::DisruptionBudget];
    match snap.whole(&object.cluster, &both) {
        Ok(_) => blast.budgets = Some(budgets(snap, object)),
        Err(doubt) if blast.pods.is_some() => blast.unknown.push(doubt.to_string()),
        Err(_) => {}
    }
    let both = [ObjectKind::Node, ObjectKind::Pod];
    if snap.whole(&object.cluster, &both).is_ok() {
        blast.elsewhere = Some(elsewhere(snap, object));
    }
    blast
}

fn pods(here: &[std::sync::Arc<Object>]) -> Pods {
    let mut found = Pods::default();
    for (object, pod) in here
        .iter()
        .filter_map(|object| Some((object, pod(object)?)))
    {
        if has_ended(pod) {
            found.ended += 1;
            continue;
        }
        found.all += 1;
        found.local_storage += usize::from(pod.traits.local_storage);
        if pod.traits.mirror {
            found.mirror += 1;
            continue;
        }
        let owner = object.owner.as_ref().map_or("none", |owner| &*owner.kind);
        *found.by_owner.entry(owner.to_owned()).or_default() += 1;
    }
    found
}

fn pod(object: &Object) -> Option<&Pod> {
    match &object.body {
        Body::Pod(pod) => Some(pod),
        _ => None,
    }
}

fn has_ended(pod: &Pod) -> bool {
    matches!(pod.phase, Phase::Succeeded | Phase::Failed)
}

/// Budgets that select a pod of this node, those with the least room first.
fn budgets(snap: &Snapshot, node: &Object) -> Vec<Budget> {
    let Some(cluster) = snap.model.objects().cluster(&node.cluster) else {
        return Vec::new();
    };
    let here = cluster.on_node(&node.name);
    let mut found: Vec<Budget> = Vec::new();
    for object in cluster.of_kind(ObjectKind::DisruptionBudget) {
        let Body::DisruptionBudget(budget) = &object.body else {
            continue;
        };
        let selected = here.iter().filter(|one| {
            one.namespace == object.namespace
                && pod(one).is_some_and(|pod| !has_ended(pod))
                && budget.selector.selects(&one.labels)
        });
        let selected = selected.count();
        if selected > 0 {
            found.push(Budget {
                name: format!("{}/{}", object.namespace, object.name),
                here: selected,
                room: budget.observed.then_some(budget.allowed),
            });
        }
    }
    found.sort_by(|a, b| (a.room, &a.name).cmp(&(b.room, &b.name)));
    found
}

/// Does the scheduler put ordinary pods on this node?
#[must_use]
pub fn takes_pods(node: &Node) -> bool {
    let closed = |effect: &str| matches!(effect, "NoSchedule" | "NoExecute");
    !node.unschedulable
        && node.ready() == Status::True
        && !node.taints.iter().any(|taint| closed(&taint.effect))
}

/// The other nodes of its cluster that take ordinary pods: the one count of them.
pub(super) fn others<'a>(
    snap: &Snapshot<'a>,
    node: &Object,
) -> impl Iterator<Item = (&'a Object, &'a Node)> {
    let cluster = snap.model.objects().cluster(&node.cluster);
    let nodes = cluster
        .into_iter()
        .flat_map(|cluster| cluster.of_kind(ObjectKind::Node));
    nodes.filter_map(|other| match &other.body {
        Body::Node(body) if other.uid != node.uid && takes_pods(body) => Some((&**other, &**body)),
        _ => None,
    })
}

fn elsewhere(snap: &Snapshot, node: &Object) -> Elsewhere {
    let mut room = Elsewhere::default();
    let Some(cluster) = snap.model.objects().cluster(&node.cluster) else {
        return room;
    };
    for (other, body) in others(snap, node) {
        room.nodes += 1;
        let asked = cluster
            .on_node(&other.name)
            .iter()
            .filter_map(|object| pod(object))
            .filter(|pod| !has_ended(pod))
            .map(Pod::requests);
        let (mut cpu, mut memory) = (0, 0);
        for one in asked {
            cpu += one.cpu_milli.unwrap_or(0);
            memory += one.memory.unwrap_or(0);
        }
        room.cpu_milli += body.allocatable.cpu_milli.unwrap_or(0).saturating_sub(cpu);
        room.memory += body.allocatable.memory.unwrap_or(0).saturating_sub(memory);
    }
    room
}

impl Blast {
    /// In words, one line per matter.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(pods) = &self.pods {
            lines.push(format!("{}: {}", pods.words(), self.effect));
        } else {
            lines.push(self.effect.to_owned());
        }
        if let Some(budgets) = &self.budgets
            && !budgets.is_empty()
        {
            lines.push(format!("budgets: {}", budget_words(budgets)));
        }
        if let Some(room) = &self.elsewhere {
            lines.push(room.words());
        }
        if !self.roles.is_empty() {
            lines.push(format!("role {}", self.roles.join(", ")));
        }
        lines.extend(self.unknown.iter().map(|why| format!("? {why}")));
        lines
    }
}

impl Pods {
    fn words(&self) -> String {
        let mut parts: Vec<(usize, String)> = self
            .by_owner
            .iter()
            .map(|(owner, count)| match owner.as_str() {
                "none" => (*count, format!("{count} of nobody")),
                owner => (*count, format!("{count} {owner}")),
            })
            .collect();
        if self.mirror > 0 {
            parts.push((self.mirror, format!("{} static", self.mirror)));
        }
        parts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let parts: Vec<String> = parts.into_iter().map(|(_, words)| words).collect();
        let mut words = match self.all {
            0 => "no pods".to_owned(),
            1 => "1 pod".to_owned(),
            all => format!("{all} pods"),
        };
        if !parts.is_empty() {
            words.push_str(&format!(" ({})", parts.join(", ")));
        }
        if self.local_storage > 0 {
            words.push_str(&format!(", {} with emptyDir", self.local_storage));
        }
        if self.ended > 0 {
            words.push_str(&format!(", {} ended", self.ended));
        }
        words
    }
}

/// Budgets that are named; the rest is counted.
const NAMED: usize = 4;

fn budget_words(budgets: &[Budget]) -> String {
    let named = budgets.iter().take(NAMED).map(|budget| match budget.room {
        Some(room) => format!("{} {} here, room {room}", budget.name, budget.here),
        None => format!("{} {} here, room ?", budget.name, budget.here),
    });
    let mut words = named.collect::<Vec<_>>().join("; ");
    if budgets.len() > NAMED {
        words.push_str(&format!("; {} more", budgets.len() - NAMED));
    }
    words
}

/// `3 other nodes take pods`.
pub(super) fn take_pods(nodes: usize) -> String {
    match nodes {
        0 => "no other node takes pods".to_owned(),
        1 => "1 other node takes pods".to_owned(),
        n => format!("{n} other nodes take pods"),
    }
}

impl Elsewhere {
    #[must_use]
    pub fn words(&self) -> String {
        let memory = crate::units::Bytes(self.memory);
        let nodes = take_pods(self.nodes);
        match self.nodes {
            0 => nodes,
            _ => format!("{nodes}: {} CPU, {memory} free", self.cpus()),
        }
    }

    fn cpus(&self) -> String {
        format!("{}.{}", self.cpu_milli / 1000, self.cpu_milli % 1000 / 100)
    }
}
