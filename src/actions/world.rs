//! A small cluster for tests of plans and guards: nodes, pods, budgets, told by feeds that can fall
//! silent. No I/O, no clock.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::live::{DryRun, Identity, Live, May};
use crate::clock::Now;
use crate::ids::{FeedId, TargetId};
use crate::model::{FeedSpec, Model, Snapshot};
use crate::objects::pod::PodTraits;
use crate::objects::{
    Body, Condition, Delta, DisruptionBudget, Node, Object, ObjectKind, Owner, Phase, Pod,
    Resources, Selector, Status, Taint,
};
use crate::observation::{Harvest, Observation};
use crate::subject::Subject;
use crate::thresholds::Thresholds;

pub struct World {
    pub model: Model,
    pub now: Now,
}

/// Kinds that a world tells.
const KINDS: [ObjectKind; 3] = [
    ObjectKind::Node,
    ObjectKind::Pod,
    ObjectKind::DisruptionBudget,
];

pub fn feed(cluster: &str, kind: ObjectKind) -> FeedId {
    FeedId::new(TargetId::new("kubernetes", cluster), kind.plural())
}

/// A model that expects a cluster of this name.
pub fn register(model: &mut Model, cluster: &str) {
    for kind in KINDS {
        let spec = FeedSpec {
            id: feed(cluster, kind),
            period: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            subject: Subject::cluster(cluster),
            tells: Some(kind),
        };
        model.register(spec, Thresholds::default());
    }
}

pub fn told(cluster: &str, kind: ObjectKind, at: Now, deltas: Vec<Delta>) -> Observation {
    Observation {
        feed: feed(cluster, kind),
        at,
        took: Duration::from_millis(1),
        bytes: 1,
        outcome: Ok(Harvest {
            deltas,
            ..Harvest::default()
        }),
    }
}

impl World {
    /// A cluster `prod` with three workers, `w-1` to `w-3`, all listed and well.
    pub fn of_three() -> Self {
        let now = Now::fixed();
        let mut model = Model::new(now, Thresholds::default());
        register(&mut model, "prod");
        let mut world = Self { model, now };
        world.list(ObjectKind::Node, ["w-1", "w-2", "w-3"].map(node).to_vec());
        world.list(ObjectKind::Pod, Vec::new());
        world.list(ObjectKind::DisruptionBudget, Vec::new());
        world
    }

    pub fn list(&mut self, kind: ObjectKind, objects: Vec<Object>) {
        let mut deltas = vec![Delta::Begin(kind)];
        deltas.extend(
            objects
                .into_iter()
                .map(|object| Delta::Put(Arc::new(object))),
        );
        deltas.push(Delta::Synced(kind));
        self.model.absorb(told("prod", kind, self.now, deltas));
    }

    pub fn put(&mut self, object: Object) {
        let kind = object.kind();
        let deltas = vec![Delta::Put(Arc::new(object))];
        self.model.absorb(told("prod", kind, self.now, deltas));
    }

    /// Every feed was heard from, and nothing moved.
    pub fn beat(&mut self) {
        for kind in KINDS {
            self.model.absorb(told("prod", kind, self.now, Vec::new()));
        }
    }

    pub fn wait(&mut self, secs: u64) {
        self.now = self.now.plus(Duration::from_secs(secs));
        self.model.age(self.now);
    }

    pub fn snap(&self) -> Snapshot<'_> {
        self.model.snapshot(self.now)
    }
}

fn object(namespace: &str, name: &str, body: Body) -> Object {
    Object {
        cluster: "prod".into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("uid-{namespace}{name}").into(),
        created: None,
        deleting: None,
        owner: None,
        labels: Arc::default(),
        body,
    }
}

/// A node that is Ready and takes pods.
pub fn node(name: &str) -> Object {
    let room = Resources {
        cpu_milli: Some(4000),
        memory: Some(8 << 30),
    };
    let body = Node {
        unschedulable: false,
        taints: Box::default(),
        conditions: Box::new([Condition {
            kind: "Ready".into(),
            status: Status::True,
            since: None,
            reason: "KubeletReady".into(),
            message: "".into(),
        }]),
        capacity: room,
        allocatable: room,
        pods: Some(110),
        roles: Box::default(),
        addresses: Box::default(),
        kubelet: "v1.36.3".into(),
        runtime: "".into(),
        kernel: "".into(),
        os_image: "".into(),
        architecture: "amd64".into(),
        boot_id: "".into(),
        provider_id: None,
    };
    object("", name, Body::Node(Box::new(body)))
}

/// A node, changed.
pub fn node_but(name: &str, change: impl FnOnce(&mut Node)) -> Object {
    let mut object = node(name);
    if let Body::Node(body) = &mut object.body {
        change(body);
    }
    object
}

pub fn cordoned(name: &str) -> Object {
    node_but(name, |node| node.unschedulable = true)
}

pub fn control_plane(name: &str) -> Object {
    node_but(name, |node| {
        node.roles = Box::new(["control-plane".into()]);
        node.taints = Box::new([Taint {
            key: "node-role.kubernetes.io/control-plane".into(),
            value: "".into(),
            effect: "NoSchedule".into(),
        }]);
    })
}

/// A running pod of a replica set, with the label `app` of this value.
pub fn pod(name: &str, on: &str, app: &str) -> Object {
    let body = Pod {
        phase: Phase::Running,
        reason: None,
        message: None,
        node: Some(on.into()),
        ip: None,
        containers: Box::default(),
        init: Box::default(),
        unscheduled: None,
        ready: true,
        ready_since: None,
        started: None,
        claims: Arc::default(),
        traits: PodTraits::default(),
    };
    let mut object = object("shop", name, Body::Pod(body));
    object.labels = Arc::new([("app".into(), app.into())]);
    object.owner = Some(Arc::new(Owner {
        kind: "ReplicaSet".into(),
        name: app.into(),
        uid: app.into(),
    }));
    object
}

pub fn budget(name: &str, app: &str, allowed: u32) -> Object {
    let body = DisruptionBudget {
        min_available: None,
        max_unavailable: Some("1".into()),
        selector: Selector {
            pairs: Arc::new([("app".into(), app.into())]),
            ..Selector::default()
        },
        allowed,
        healthy: 3,
        desired: 2,
        expected: 3,
        observed: true,
    };
    object("shop", name, Body::DisruptionBudget(Box::new(body)))
}

/// The JSON of a node as the API server would answer it.
pub fn json_of(name: &str, version: &str) -> Value {
    json!({ "metadata": {
        "name": name,
        "uid": format!("uid-{name}"),
        "resourceVersion": version,
    }, "spec": {} })
}

/// The same of one that is cordoned.
pub fn json_of_cordoned(name: &str, version: &str) -> Value {
    let mut node = json_of(name, version);
    node["spec"]["unschedulable"] = json!(true);
    node
}

/// An API server that has nothing against it.
pub fn willing(name: &str, version: &str, at: Now) -> Live {
    Live {
        at,
        object: Ok(json_of(name, version)),
        who: Ok(Identity {
            user: "ann".into(),
            groups: Vec::new(),
        }),
        may: Ok(May {
            allowed: true,
            reason: String::new(),
        }),
        dry_run: DryRun::Passed(Vec::new()),
        audit: Ok(()),
        verified: true,
    }
}
