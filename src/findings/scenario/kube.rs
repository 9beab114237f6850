//! A Kubernetes cluster for tests of rules: the feeds that tell of it, and how they fail.
//!
//! The cluster is `prod`; its API server and metrics are polled, each kind has a stream.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::objects::{
    ago, condition, deployment, endpoints, labelled, lease, lost, node, owned, pending, pod,
    replica_set, service, unscheduled,
};
use super::{Scenario, id};
use crate::facts::{Fact, FactKind, KubeApi, KubeChecks, KubeMetrics};
use crate::model::FeedSpec;
use crate::objects::{Delta, Object, ObjectKind, Status};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::subject::Subject;
use crate::thresholds::Thresholds;

/// The feed that polls the API server.
pub const API: &str = "kubernetes/prod https://10.0.0.1:6443";

/// The feed that reads its metrics.
const METRICS: &str = "kubernetes/prod https://10.0.0.1:6443 (metrics)";

/// An API server of 1.33 that is well.
pub fn api() -> KubeApi {
    let well = KubeChecks {
        passed: true,
        total: 40,
        failing: Vec::new(),
    };
    KubeApi {
        version: "v1.33.1".into(),
        platform: "linux/amd64".into(),
        readyz: well.clone(),
        livez: Some(well),
        took: Duration::from_millis(20),
    }
}

/// Nothing happened since it started.
pub fn metrics() -> KubeMetrics {
    KubeMetrics {
        started: Some(1.0),
        ..KubeMetrics::default()
    }
}

fn stream(kind: ObjectKind) -> String {
    format!("kubernetes/prod {}", kind.plural())
}

/// What the next run of the ledger would judge.
pub fn seen(world: &mut Scenario) -> Vec<String> {
    let dirty: BTreeSet<Subject> = world.model.take_dirty();
    let objects = dirty.iter().filter(|subject| subject.as_object().is_some());
    objects.map(ToString::to_string).collect()
}

impl Scenario {
    /// A cluster `prod` whose API server is polled and whose streams have told these objects.
    pub fn kube(objects: impl IntoIterator<Item = Object>) -> Self {
        let mut world = Self::new();
        world.feed(API, "cluster/prod");
        for kind in ObjectKind::ALL {
            world.stream(*kind, "cluster/prod");
        }
        world.feed(METRICS, "cluster/prod");
        world.list(objects);
        world.hear();
        world
    }

    /// A stream of one kind of the cluster `prod`.
    pub fn stream(&mut self, kind: ObjectKind, subject: &str) -> &mut Self {
        self.stream_of(&stream(kind), subject, kind)
    }

    /// A stream of one kind of any cluster.
    pub fn stream_of(&mut self, feed: &str, subject: &str, kind: ObjectKind) -> &mut Self {
        let spec = FeedSpec {
            id: id(feed),
            period: Duration::from_secs(5),
            timeout: Duration::from_secs(10),
            subject: subject.parse().unwrap(),
            tells: Some(kind),
        };
        self.model.register(spec, Thresholds::default());
        self
    }

    /// Each stream lists anew: these are all objects that there are.
    pub fn list(&mut self, objects: impl IntoIterator<Item = Object>) -> &mut Self {
        let objects: Vec<Arc<Object>> = objects.into_iter().map(Arc::new).collect();
        for kind in ObjectKind::ALL {
            let of_kind = objects.iter().filter(|object| object.kind() == *kind);
            let mut deltas = vec![Delta::Begin(*kind)];
            deltas.extend(of_kind.cloned().map(Delta::Put));
            deltas.push(Delta::Synced(*kind));
            self.deltas(*kind, deltas);
        }
        self
    }

    /// The stream of a kind brings this.
    pub fn deltas(&mut self, kind: ObjectKind, deltas: Vec<Delta>) -> &mut Self {
        let harvest = Harvest {
            deltas,
            ..Harvest::default()
        };
        self.absorb(&stream(kind), Ok(harvest))
    }

    /// One object is new or changed.
    pub fn put(&mut self, object: Object) -> &mut Self {
        let kind = object.kind();
        self.deltas(kind, vec![Delta::Put(Arc::new(object))])
    }

    /// The poll of the API server brings these facts about the cluster.
    pub fn api<const N: usize>(&mut self, facts: [Fact; N]) -> &mut Self {
        self.tell(API, facts.map(|fact| ("cluster/prod", fact)))
    }

    /// Its metrics are read.
    pub fn metrics(&mut self, metrics: KubeMetrics) -> &mut Self {
        self.tell(METRICS, [("cluster/prod", metrics.into())])
    }

    /// Every feed of the cluster answers that all is well and nothing changed.
    pub fn hear(&mut self) -> &mut Self {
        self.api([api().into()]).metrics(metrics());
        for kind in ObjectKind::ALL {
            self.deltas(*kind, Vec::new());
        }
        self
    }

    /// The stream of one kind breaks.
    pub fn lose_watch(&mut self, kind: ObjectKind) -> &mut Self {
        self.fail(&stream(kind), Layer::Timeout, "nothing heard in 15s")
    }

    /// The stream of one kind is refused to this user.
    pub fn forbid(&mut self, kind: ObjectKind) -> &mut Self {
        let detail = format!("not permitted: needs list {}", kind.plural());
        let outage = Outage::new(Layer::Auth, detail);
        self.absorb(&stream(kind), Err(outage))
    }

    /// Its metrics are refused to this user.
    pub fn forbid_metrics(&mut self) -> &mut Self {
        let detail = "not permitted: needs get /metrics";
        let lost = Lost {
            kind: FactKind::KubeMetrics,
            outage: Outage::new(Layer::Auth, detail),
        };
        let harvest = Harvest {
            lost: vec![lost],
            ..Harvest::default()
        };
        self.absorb(METRICS, Ok(harvest))
    }

    /// Every feed of the cluster fails.
    pub fn fail_all(&mut self, layer: Layer, detail: &str) -> &mut Self {
        self.fail(API, layer, detail).fail(METRICS, layer, detail);
        for kind in ObjectKind::ALL {
            self.fail(&stream(*kind), layer, detail);
        }
        self
    }
}

/// Six nodes, on each of them two of the twelve pods of one deployment.
impl Scenario {
    pub fn fleet_of_six() -> Self {
        let nodes = (0..6).map(|n| node(&format!("w-{n}"), |_| {}));
        let pods = (0..12).map(|n| placed(n, true));
        let web = [deployment("web", 12, |_| {}), replica_set("web-1", "web")];
        let service = [service("web", &[("app", "web")]), endpoints("web", 12, 12)];
        let leases = (0..6).map(|n| lease(&format!("kube-node-lease/w-{n}"), 40, ago(5)));
        let all = nodes.chain(pods).chain(web).chain(service).chain(leases);
        Self::kube(all)
    }

    /// All kubelets stop; the controllers say so 50 s later.
    pub fn lose_all_nodes(&mut self) -> &mut Self {
        for _ in 0..10 {
            self.wait(5).hear();
        }
        let at = self.now.wall;
        for n in 0..6 {
            self.put(node(&format!("w-{n}"), |node| lost(node, at)));
        }
        for n in 0..12 {
            self.put(placed(n, false));
        }
        self.put(endpoints("web", 0, 12));
        self.put(deployment("web", 12, |w| {
            (w.ready, w.available) = (0, 0);
            w.conditions = [condition("Available", Status::False, at)].into();
        }));
        for _ in 0..14 {
            self.wait(5).hear();
        }
        self
    }

    /// Five minutes later the pods must go, cannot, and their successors find no node.
    pub fn evict_all_pods(&mut self) -> &mut Self {
        let taints = "0/6 nodes are available: 6 node(s) had untolerated taint \
                      {node.kubernetes.io/unreachable: }.";
        let at = self.now.wall;
        for n in 0..12 {
            let mut old = placed(n, false);
            old.deleting = Some(at);
            self.put(old);
            let new = unscheduled(pending(&format!("new-{n}"), at), "Unschedulable", taints);
            let new = labelled(owned(new, "ReplicaSet", "web-1"), &[("app", "web")]);
            self.put(new);
        }
        for _ in 0..70 {
            self.wait(5).hear();
        }
        self
    }
}

fn placed(n: usize, ready: bool) -> Object {
    let object = pod(&format!("web-{n}"), |pod| {
        pod.node = Some(format!("w-{}", n % 6).into());
        pod.ready = ready;
        pod.ready_since = Some(ago(if ready { 80_000 } else { -50 }));
    });
    labelled(owned(object, "ReplicaSet", "web-1"), &[("app", "web")])
}
