//! What a user sees who may not see all of a cluster: what is known in part never looks like all of
//! it, and what nobody told is no zero.

use std::sync::Arc;
use std::time::Duration;

use midwatch::app::App;
use midwatch::clock::Now;
use midwatch::event::Event;
use midwatch::glyph;
use midwatch::ids::{FeedId, TargetId};
use midwatch::model::{FeedSpec, Model};
use midwatch::objects::pod::PodTraits;
use midwatch::objects::{
    Body, Condition, Delta, Namespace, Node, Object, ObjectKind, Phase, Pod, Resources, Status,
};
use midwatch::observation::{Harvest, Layer, Observation, Outage};
use midwatch::panes;
use midwatch::subject::Subject;
use midwatch::theme::{Depth, Themes};
use midwatch::thresholds::Thresholds;

use crate::screens;

const PERIOD: Duration = Duration::from_secs(5);

fn feed(endpoint: &str) -> FeedId {
    FeedId::new(TargetId::new("kubernetes", "prod"), endpoint)
}

/// A console over one cluster with these streams.
struct Desk(App);

impl Desk {
    fn new(streams: &[(ObjectKind, &str)]) -> Self {
        let now = Now::fixed();
        let mut model = Model::new(now, Thresholds::default());
        for (kind, endpoint) in streams {
            let spec = FeedSpec {
                id: feed(endpoint),
                period: PERIOD,
                timeout: PERIOD * 2,
                subject: Subject::cluster("prod"),
                tells: Some(*kind),
            };
            model.register(spec, Thresholds::default());
        }
        Self(App::new(model, panes::listings(), 0, now))
    }

    fn tell(&mut self, endpoint: &str, outcome: Result<Harvest, Outage>) {
        let at = self.0.now;
        self.0.update(Event::Observed {
            observation: Box::new(Observation {
                feed: feed(endpoint),
                at,
                took: Duration::from_millis(1),
                bytes: 1,
                outcome,
            }),
            next_poll: at.stamp + PERIOD,
            dropped: 0,
        });
    }

    /// All that there is of a kind, as a stream tells it.
    fn list(&mut self, kind: ObjectKind, endpoint: &str, objects: Vec<Object>) {
        self.tell(endpoint, Ok(listed(kind, objects)));
    }

    fn refuse(&mut self, endpoint: &str) {
        let outage = Outage::new(Layer::Auth, format!("not permitted: needs list {endpoint}"));
        self.tell(endpoint, Err(outage));
    }

    fn wait(&mut self, seconds: u64) {
        let now = self.0.now.plus(Duration::from_secs(seconds));
        self.0.update(Event::Tick(now));
    }

    /// The screen after `:LINE`.
    fn screen(&mut self, line: &str) -> String {
        screens::open(&mut self.0, line);
        let theme = Themes::default().load("dark", Depth::True).unwrap();
        screens::text(&screens::draw(
            &mut self.0,
            (160, 40),
            &theme,
            &glyph::UNICODE,
        ))
    }
}

fn listed(kind: ObjectKind, objects: Vec<Object>) -> Harvest {
    let mut deltas = vec![Delta::Begin(kind)];
    deltas.extend(
        objects
            .into_iter()
            .map(|object| Delta::Put(Arc::new(object))),
    );
    deltas.push(Delta::Synced(kind));
    Harvest {
        deltas,
        ..Harvest::default()
    }
}

fn object(namespace: &str, name: &str, body: Body) -> Object {
    Object {
        cluster: "prod".into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("uid-{name}").into(),
        created: None,
        deleting: None,
        owner: None,
        labels: Arc::default(),
        body,
    }
}

fn pod(name: &str) -> Object {
    let body = Pod {
        phase: Phase::Running,
        reason: None,
        message: None,
        node: Some("w-1".into()),
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
    object("shop", name, Body::Pod(body))
}

fn node(name: &str) -> Object {
    let ready = Condition {
        kind: "Ready".into(),
        status: Status::True,
        since: None,
        reason: "".into(),
        message: "".into(),
    };
    let room = Resources {
        cpu_milli: Some(4000),
        memory: Some(8 << 30),
    };
    let body = Node {
        unschedulable: false,
        taints: Box::default(),
        conditions: [ready].into(),
        capacity: room,
        allocatable: room,
        pods: Some(110),
        roles: Box::default(),
        addresses: Box::default(),
        kubelet: "v1.36.0".into(),
        runtime: "".into(),
        kernel: "".into(),
        os_image: "".into(),
        architecture: "".into(),
        boot_id: "".into(),
        provider_id: None,
    };
    object("", name, Body::Node(body.into()))
}

fn namespace(name: &str) -> Object {
    let body = Namespace {
        terminating: false,
        conditions: Box::default(),
    };
    object("", name, Body::Namespace(body))
}

#[track_caller]
fn has(screen: &str, text: &str) {
    assert!(screen.contains(text), "`{text}` is not on\n{screen}");
}

#[track_caller]
fn has_not(screen: &str, text: &str) {
    assert!(!screen.contains(text), "`{text}` is on\n{screen}");
}

const STREAMS: [(ObjectKind, &str); 4] = [
    (ObjectKind::Node, "nodes"),
    (ObjectKind::Namespace, "namespaces"),
    (ObjectKind::Pod, "pods in shop"),
    (ObjectKind::Deployment, "deployments in shop"),
];

/// The pods of one namespace are watched, and nodes where they may be.
fn in_shop(nodes: Option<Vec<Object>>) -> Desk {
    let mut desk = Desk::new(&STREAMS);
    match nodes {
        Some(nodes) => desk.list(ObjectKind::Node, "nodes", nodes),
        None => desk.refuse("nodes"),
    }
    let both = vec![namespace("shop"), namespace("web")];
    desk.list(ObjectKind::Namespace, "namespaces", both);
    desk.list(ObjectKind::Pod, "pods in shop", vec![pod("a"), pod("b")]);
    desk.list(ObjectKind::Deployment, "deployments in shop", Vec::new());
    desk
}

#[test]
fn what_may_not_be_listed_is_no_zero() {
    let mut desk = in_shop(None);
    let nodes = desk.screen("nodes");
    has(&nodes, "not permitted: needs list nodes");
    has_not(&nodes, "0 of 0");
    let clusters = desk.screen("clusters");
    has(&clusters, "? nodes   2+ pods");
    has_not(&clusters, " 0 nodes");
}

#[test]
fn a_count_of_some_namespaces_says_of_which() {
    let mut desk = in_shop(None);
    let pods = desk.screen("pods");
    has(&pods, "2 ready");
    has(&pods, "pods  of shop alone");
    has(&desk.screen("ns shop"), "2 ready");
    has_not(&desk.screen("pods"), "of shop alone");
}

#[test]
fn a_namespace_that_nobody_watches_is_not_empty() {
    let mut desk = in_shop(None);
    desk.screen("ns web");
    let pods = desk.screen("pods");
    has(&pods, "not watched in web, only in shop");
    has_not(&pods, "0 running");
    has(
        &desk.screen("workloads"),
        "not watched in web, only in shop",
    );
}

#[test]
fn what_a_node_carries_is_not_known_by_the_pods_of_one_namespace() {
    let row = |screen: &str| {
        let row = screen.lines().find(|line| line.contains("w-1"));
        row.unwrap_or_else(|| panic!("{screen}")).to_owned()
    };
    let mut all = Desk::new(&[(ObjectKind::Node, "nodes"), (ObjectKind::Pod, "pods")]);
    all.list(ObjectKind::Node, "nodes", vec![node("w-1")]);
    all.list(ObjectKind::Pod, "pods", vec![pod("a"), pod("b")]);
    has(&row(&all.screen("nodes")), "2/110");
    let mut desk = in_shop(Some(vec![node("w-1")]));
    let nodes = desk.screen("nodes");
    has(&nodes, "1 of 1 ready");
    has_not(&row(&nodes), "/110");
    has(&row(&nodes), "?");
    let snap = desk.0.context().snap;
    let doubt = snap.whole("prod", &[ObjectKind::Pod]).unwrap_err();
    assert_eq!(doubt.to_string(), "pods not known: watched in shop alone");
    assert!(snap.cluster("prod", &[ObjectKind::Pod]).is_ok());
}

#[test]
fn what_is_listed_and_not_watched_says_so_wherever_it_is_told() {
    let mut desk = Desk::new(&[(ObjectKind::Pod, "pods")]);
    let told = |harvest: Harvest, behind| Harvest {
        behind: Duration::from_secs(behind),
        listed: Some(Duration::from_secs(9)),
        ..harvest
    };
    let list = listed(ObjectKind::Pod, vec![pod("a")]);
    desk.tell("pods", Ok(told(list, 0)));
    for (behind, word) in [(7, ""), (7, ""), (7, "aging"), (7, "STALE")] {
        desk.wait(behind);
        let age = desk.0.now.stamp.since(Now::fixed().stamp);
        desk.tell("pods", Ok(told(Harvest::default(), age.as_secs())));
        let sources = desk.screen("sources");
        has(&sources, "listed every 9s: needs watch pods");
        let pods = desk.screen("pods");
        has(&pods, word);
        if word != "STALE" {
            has_not(&pods, "STALE");
            has(&pods, "pods  listed every 9s: may not be watched");
            has(&pods, "1 ready");
        }
    }
}
