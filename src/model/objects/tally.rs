//! Sums over a cluster's objects that are moved with each change, so that nobody has to add up
//! fifty thousand pods for a row or a frame.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::objects::{Body, Object, Phase, Resources, Status};

/// How many there are, of a cluster or of one namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub nodes: u32,
    /// Nodes whose `Ready` condition is true.
    pub nodes_ready: u32,
    pub cordoned: u32,
    pub pods: u32,
    pub running: u32,
    /// Pods that run with all their containers ready.
    pub ready: u32,
    pub pending: u32,
    pub failed: u32,
    pub ended: u32,
    /// Pods that are not as they should be, or may not stay so.
    pub unsettled: u32,
}

/// What the pods of a node ask for. Pods that have ended hold nothing and are not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub pods: u32,
    /// Sum of their requests.
    pub requests: Resources,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tallies {
    all: Tally,
    by_namespace: FxHashMap<Arc<str>, Tally>,
    by_node: FxHashMap<Arc<str>, Load>,
    /// Restarts of pods by the uid of what controls them; none for what never restarted.
    restarts: FxHashMap<Arc<str>, u64>,
}

/// Is an object counted, or no longer?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    In,
    Out,
}

impl Tallies {
    pub(super) fn add(&mut self, object: &Object) {
        self.count(object, Count::In);
    }

    pub(super) fn take(&mut self, object: &Object) {
        self.count(object, Count::Out);
    }

    fn count(&mut self, object: &Object, way: Count) {
        match &object.body {
            Body::Node(node) => {
                let ready = node.ready() == Status::True;
                shift(&mut self.all.nodes, way, true);
                shift(&mut self.all.nodes_ready, way, ready);
                shift(&mut self.all.cordoned, way, node.unschedulable);
            }
            Body::Pod(pod) => {
                self.all.pod(object, way);
                let place = self.by_namespace.entry(object.namespace.clone());
                let tally = place.or_default();
                tally.pod(object, way);
                if tally.pods == 0 {
                    self.by_namespace.remove(&object.namespace);
                }
                if let Some(node) = &pod.node
                    && !matches!(pod.phase, Phase::Succeeded | Phase::Failed)
                {
                    let load = self.by_node.entry(node.clone()).or_default();
                    load.shift(pod.requests(), way);
                    if load.pods == 0 {
                        self.by_node.remove(node);
                    }
                }
                self.restart(object, pod.restarts().into(), way);
            }
            _ => {}
        }
    }

    fn restart(&mut self, pod: &Object, restarts: u64, way: Count) {
        let Some(owner) = pod.owner.as_ref().filter(|_| restarts > 0) else {
            return;
        };
        let sum = self.restarts.entry(owner.uid.clone()).or_default();
        *sum = match way {
            Count::In => *sum + restarts,
            Count::Out => sum.saturating_sub(restarts),
        };
        if *sum == 0 {
            self.restarts.remove(&owner.uid);
        }
    }

    pub(super) fn of(&self, namespace: Option<&str>) -> Tally {
        match namespace {
            None => self.all,
            Some(namespace) => self
                .by_namespace
                .get(namespace)
                .copied()
                .unwrap_or_default(),
        }
    }

    pub(super) fn on_node(&self, node: &str) -> Load {
        self.by_node.get(node).copied().unwrap_or_default()
    }

    pub(super) fn restarts(&self, controller: &str) -> u64 {
        self.restarts.get(controller).copied().unwrap_or_default()
    }

    pub(super) fn namespaces(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_namespace.keys()
    }
}

impl Tally {
    fn pod(&mut self, object: &Object, way: Count) {
        let Body::Pod(pod) = &object.body else {
            return;
        };
        shift(&mut self.pods, way, true);
        shift(&mut self.unsettled, way, !object.is_settled());
        let of_phase = match pod.phase {
            Phase::Running => &mut self.running,
            Phase::Pending => &mut self.pending,
            Phase::Failed | Phase::Unknown => &mut self.failed,
            Phase::Succeeded => &mut self.ended,
        };
        shift(of_phase, way, true);
        let (ready, all) = pod.ready_count();
        let well = pod.phase == Phase::Running && ready == all;
        shift(&mut self.ready, way, well);
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            nodes: self.nodes + other.nodes,
            nodes_ready: self.nodes_ready + other.nodes_ready,
            cordoned: self.cordoned + other.cordoned,
            pods: self.pods + other.pods,
            running: self.running + other.running,
            ready: self.ready + other.ready,
            pending: self.pending + other.pending,
            failed: self.failed + other.failed,
            ended: self.ended + other.ended,
            unsettled: self.unsettled + other.unsettled,
        }
    }
}

impl Load {
    fn shift(&mut self, requests: Resources, way: Count) {
        shift(&mut self.pods, way, true);
        let moved = |sum: &mut Option<u64>, one: Option<u64>| {
            let (before, one) = (sum.unwrap_or(0), one.unwrap_or(0));
            *sum = Some(match way {
                Count::In => before.saturating_add(one),
                Count::Out => before.saturating_sub(one),
            });
        };
        moved(&mut self.requests.cpu_milli, requests.cpu_milli);
        moved(&mut self.requests.memory, requests.memory);
    }
}

fn shift(count: &mut u32, way: Count, counts: bool) {
    let one = u32::from(counts);
    *count = match way {
        Count::In => *count + one,
        Count::Out => count.saturating_sub(one),
    };
}
