//! A Kubernetes cluster as its streams tell it: nodes with their leases, deployments with their pods.
//!
//! Shared by benchmarks; nothing here is part of the program.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use midwatch::clock::Now;
use midwatch::findings::Ledger;
use midwatch::ids::{FeedId, TargetId};
use midwatch::model::{FeedSpec, Model};
use midwatch::objects::pod::PodTraits;
use midwatch::objects::{
    Body, Condition, Container, ContainerSpec, ContainerState, Delta, Labels, Lease, Node, Object,
    ObjectKind, Owner, Phase, Pod, Resources, Selector, Status, Workload,
};
use midwatch::observation::{Harvest, Layer, Observation, Outage};
use midwatch::subject::Subject;
use midwatch::thresholds::Thresholds;

/// Pods of one deployment, and of one node.
const OF_ONE: usize = 10;
const ON_ONE: usize = 50;
/// Deployments of one namespace.
const IN_ONE: usize = 20;
/// Objects of one observation.
pub const BATCH: usize = 1000;

const KINDS: [ObjectKind; 5] = [
    ObjectKind::Node,
    ObjectKind::Lease,
    ObjectKind::Deployment,
    ObjectKind::ReplicaSet,
    ObjectKind::Pod,
];

pub struct Cluster {
    pub model: Model,
    pub ledger: Ledger,
    pub now: Now,
    spec: Arc<ContainerSpec>,
    name: Arc<str>,
}

impl Cluster {
    /// A cluster whose objects were not told yet.
    pub fn new() -> Self {
        let now = Now::fixed();
        let mut model = Model::new(now, Thresholds::default());
        for kind in KINDS {
            let spec = FeedSpec {
                id: feed(kind),
                period: Duration::from_secs(5),
                timeout: Duration::from_secs(10),
                subject: Subject::cluster("prod"),
                tells: Some(kind),
            };
            model.register(spec, Thresholds::default());
        }
        let spec = ContainerSpec {
            name: "web".into(),
            image: "registry.example.com/shop/web:1.2.3".into(),
            requests: Resources::default(),
            limits: Resources::default(),
            sidecar: false,
        };
        Self {
            model,
            ledger: Ledger::default(),
            now,
            spec: spec.into(),
            name: "prod".into(),
        }
    }

    /// Everything but the pods.
    pub fn found(&mut self, pods: usize) {
        let nodes = 0..pods.div_ceil(ON_ONE);
        let made = 0..pods.div_ceil(OF_ONE);
        let told = [
            (
                ObjectKind::Node,
                nodes.clone().map(|at| self.node(at)).collect(),
            ),
            (
                ObjectKind::Lease,
                nodes.map(|at| self.lease(at, 5)).collect(),
            ),
            (
                ObjectKind::Deployment,
                made.clone().map(|at| self.deployment(at)).collect(),
            ),
            (
                ObjectKind::ReplicaSet,
                made.map(|at| self.replica_set(at)).collect(),
            ),
        ];
        for (kind, objects) in told {
            self.begin(kind);
            let objects: Vec<Object> = objects;
            for object in objects {
                self.absorb(kind, vec![put(object)]);
            }
            self.absorb(kind, vec![Delta::Synced(kind)]);
        }
        self.begin(ObjectKind::Pod);
        self.judge();
    }

    fn begin(&mut self, kind: ObjectKind) {
        self.absorb(kind, vec![Delta::Begin(kind)]);
    }

    pub fn absorb(&mut self, kind: ObjectKind, deltas: Vec<Delta>) {
        let harvest = Harvest {
            deltas,
            ..Harvest::default()
        };
        self.model.absorb(Observation {
            feed: feed(kind),
            at: self.now,
            took: Duration::from_millis(40),
            bytes: 1000,
            outcome: Ok(harvest),
        });
    }

    /// Every stream says that all is quiet.
    pub fn beat(&mut self) {
        for kind in KINDS {
            self.absorb(kind, Vec::new());
        }
    }

    /// The stream of a kind fails.
    pub fn failure(&self, kind: ObjectKind, layer: Layer) -> Observation {
        Observation {
            feed: feed(kind),
            at: self.now,
            took: Duration::from_secs(10),
            bytes: 0,
            outcome: Err(Outage::new(layer, "nothing heard in 15s")),
        }
    }

    pub fn judge(&mut self) {
        self.ledger.run(&mut self.model, self.now);
        drop(self.model.take_moved_objects());
    }

    /// A pod that runs, on the API server's word that it changed `times` over.
    pub fn pod(&self, at: usize, times: u32) -> Object {
        let container = Container {
            spec: self.spec.clone(),
            ready: true,
            restarts: 0,
            state: ContainerState::Running(Some(before(self.now, 9000))),
            last: None,
        };
        let pod = Pod {
            phase: Phase::Running,
            reason: None,
            message: None,
            node: Some(format!("w-{:04}", at / ON_ONE).into()),
            ip: Some(format!("10.{}.{}.{}", times % 250, at / 250 % 250, at % 250).into()),
            containers: [container].into(),
            init: Box::default(),
            unscheduled: None,
            ready: true,
            ready_since: Some(before(self.now, 9000)),
            started: Some(before(self.now, 9000)),
            claims: Arc::default(),
            traits: PodTraits::default(),
        };
        let maker = at / OF_ONE;
        let mut object = self.object(
            &format!("web-{maker:05}-{:02}", at % OF_ONE),
            Body::Pod(pod),
        );
        object.namespace = space(maker);
        object.owner = Some(owner("ReplicaSet", &format!("web-{maker:05}-1")));
        object
    }

    /// The same pod, crashing.
    pub fn crashing(&self, at: usize) -> Object {
        let mut object = self.pod(at, 0);
        if let Body::Pod(pod) = &mut object.body {
            pod.ready = false;
            pod.containers[0].ready = false;
            pod.containers[0].state = ContainerState::Waiting("CrashLoopBackOff".into(), None);
        }
        object
    }

    pub fn lease(&self, at: usize, secs: i64) -> Object {
        let lease = Lease {
            holder: Some("kubelet".into()),
            duration: 40,
            renewed: Some(before(self.now, secs)),
            acquired: None,
            transitions: 0,
        };
        let mut object = self.object(&format!("w-{at:04}"), Body::Lease(Box::new(lease)));
        object.namespace = "kube-node-lease".into();
        object
    }

    fn node(&self, at: usize) -> Object {
        let ready = Condition {
            kind: "Ready".into(),
            status: Status::True,
            since: Some(before(self.now, 9000)),
            reason: "KubeletReady".into(),
            message: "kubelet is posting ready status".into(),
        };
        let node = Node {
            unschedulable: false,
            taints: Box::default(),
            conditions: [ready].into(),
            capacity: Resources::default(),
            allocatable: Resources::default(),
            pods: Some(110),
            roles: Box::default(),
            addresses: Box::default(),
            kubelet: "v1.33.1".into(),
            runtime: "".into(),
            kernel: "".into(),
            os_image: "".into(),
            architecture: "".into(),
            boot_id: "".into(),
            provider_id: None,
        };
        self.object(&format!("w-{at:04}"), Body::Node(Box::new(node)))
    }

    fn deployment(&self, at: usize) -> Object {
        let body = Body::Deployment(Box::new(workload()));
        let mut object = self.object(&format!("web-{at:05}"), body);
        object.namespace = space(at);
        object
    }

    fn replica_set(&self, at: usize) -> Object {
        let body = Body::ReplicaSet(Box::new(workload()));
        let mut object = self.object(&format!("web-{at:05}-1"), body);
        object.namespace = space(at);
        object.owner = Some(owner("Deployment", &format!("web-{at:05}")));
        object
    }

    fn object(&self, name: &str, body: Body) -> Object {
        let mut object = Object {
            cluster: self.name.clone(),
            namespace: "".into(),
            name: name.into(),
            uid: "".into(),
            created: Some(before(self.now, 9000)),
            deleting: None,
            owner: None,
            labels: Labels::default(),
            body,
        };
        object.uid = uid(object.kind().api_kind(), name);
        object
    }
}

pub fn put(object: Object) -> Delta {
    Delta::Put(Arc::new(object))
}

fn feed(kind: ObjectKind) -> FeedId {
    FeedId::new(TargetId::new("kubernetes", "prod"), kind.plural())
}

fn before(now: Now, secs: i64) -> Timestamp {
    now.wall - SignedDuration::from_secs(secs)
}

fn space(maker: usize) -> Arc<str> {
    format!("shop-{:03}", maker / IN_ONE).into()
}

fn uid(kind: &str, name: &str) -> Arc<str> {
    format!("{kind}-{name}").into()
}

fn owner(kind: &str, name: &str) -> Arc<Owner> {
    Arc::new(Owner {
        kind: kind.into(),
        name: name.into(),
        uid: uid(kind, name),
    })
}

fn workload() -> Workload {
    let all = u32::try_from(OF_ONE).unwrap_or(0);
    Workload {
        desired: all,
        current: all,
        ready: all,
        available: all,
        updated: all,
        observed: true,
        paused: false,
        conditions: Box::default(),
        selector: Selector::default(),
        images: Box::default(),
        requests: Resources::default(),
        limits: Resources::default(),
    }
}
