//! What the orders of these tests are made of: pods, replica sets and events by small numbers, and
//! listings of them.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::listing::{
    Cell, Column, Context, Direction, Listing, MovedBy, ObjectListing, Row, SortValue,
};
use crate::model::objects::Move;
use crate::objects::workload::{Selector, Workload};
use crate::objects::{
    Body, Container, ContainerSpec, ContainerState, Event, EventType, Object, ObjectKind, Owner,
    Phase, Pod, Resources,
};
use crate::subject::Subject;

pub(super) struct Things {
    kinds: &'static [ObjectKind],
    natural: Option<(&'static str, Direction)>,
}

pub(super) static PODS: Things = Things {
    kinds: &[ObjectKind::Pod],
    natural: None,
};
pub(super) static BOTH: Things = Things {
    kinds: &[ObjectKind::ReplicaSet, ObjectKind::Pod],
    natural: Some(("name", Direction::Down)),
};
pub(super) static EVENTS: Things = Things {
    kinds: &[ObjectKind::Event],
    natural: Some(("last", Direction::Down)),
};

pub(super) const SORTS: [&str; 6] = ["name", "node", "restarts", "cpu", "crowd", "last"];
static COLUMNS: &[Column] = &[
    Column::left("name", "NAME", 4..=10, 0),
    Column::ages("age", "AGE", 4..=14, 0),
];

impl Listing for Things {
    fn id(&self) -> &'static str {
        "things"
    }
    fn title(&self) -> &'static str {
        "Things"
    }
    fn doc(&self) -> &'static str {
        "Made for a test."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn objects(&self) -> Option<&dyn ObjectListing> {
        Some(self)
    }
    fn rows(&self, _: &Context) -> Vec<Row> {
        Vec::new()
    }
    fn cell(&self, _: &Context, _: &Row, _: &'static str) -> Cell {
        Cell::none()
    }
}

impl ObjectListing for Things {
    fn kinds(&self) -> &'static [ObjectKind] {
        self.kinds
    }
    fn lists(&self, object: &Object) -> bool {
        &*object.name != "n7"
    }
    fn natural(&self) -> Option<(&'static str, Direction)> {
        self.natural
    }
    fn moved_by(&self, column: &'static str) -> MovedBy {
        match column {
            "cpu" => MovedBy::Metrics,
            "crowd" => MovedBy::Others,
            _ => MovedBy::Itself,
        }
    }

    fn sort_value(&self, object: &Object, column: &'static str) -> SortValue {
        match (column, &object.body) {
            ("name", _) => SortValue::Text(object.name.to_string()),
            ("node", Body::Pod(pod)) => match &pod.node {
                Some(node) => SortValue::Text(node.to_string()),
                None => SortValue::Nothing,
            },
            ("restarts", Body::Pod(pod)) => SortValue::Number(pod.restarts().into()),
            ("last", Body::Event(event)) => event.last.map_or(SortValue::Nothing, |last| {
                SortValue::Number(last.as_second().to_string().parse().unwrap())
            }),
            _ => SortValue::Nothing,
        }
    }

    fn volatile_value(&self, cx: &Context, object: &Object, column: &'static str) -> SortValue {
        let cluster = cx.snap.model.objects().cluster(&object.cluster).unwrap();
        match (column, &object.body) {
            ("crowd", Body::Pod(pod)) => match &pod.node {
                Some(node) => SortValue::Number(f64::from(
                    u32::try_from(cluster.on_node(node).len()).unwrap(),
                )),
                None => SortValue::Nothing,
            },
            ("cpu", Body::Pod(_)) => match cluster.used(object).and_then(|used| used.cpu_milli) {
                Some(cpu) => SortValue::Number(f64::from(u32::try_from(cpu).unwrap())),
                None => SortValue::Nothing,
            },
            _ => SortValue::Nothing,
        }
    }

    fn touched(
        &self,
        cx: &Context,
        column: &'static str,
        one: &Move,
        each: &mut dyn FnMut(Subject),
    ) -> bool {
        for object in one.old.iter().chain(&one.new) {
            let cluster = cx.snap.model.objects().cluster(&object.cluster).unwrap();
            if let Body::Pod(Pod {
                node: Some(node), ..
            }) = &object.body
            {
                for beside in cluster.on_node(node) {
                    each(beside.subject());
                }
            }
        }
        column == "crowd"
    }

    fn words(&self, object: &Object, each: &mut dyn FnMut(&str)) {
        each(&object.name);
        if let Body::Pod(pod) = &object.body {
            each(pod.phase.word());
        }
    }
}

/// A pod, a replica set or an event, by small numbers so that they meet again.
#[derive(Clone, Debug)]
pub(super) struct Thing {
    pub namespace: u8,
    pub name: u8,
    pub node: u8,
    pub owner: u8,
    pub count: u8,
    pub phase: bool,
}

pub(super) fn things() -> impl Strategy<Value = Thing> {
    (0..2_u8, 0..9_u8, 0..3_u8, 0..3_u8, 0..3_u8, any::<bool>()).prop_map(
        |(namespace, name, node, owner, count, phase)| Thing {
            namespace,
            name,
            node,
            owner,
            count,
            phase,
        },
    )
}

pub(super) fn object(kind: ObjectKind, thing: &Thing) -> Arc<Object> {
    let Thing {
        namespace,
        name,
        node,
        owner,
        count,
        phase,
    } = thing;
    let body = match kind {
        ObjectKind::Pod => pod(thing),
        ObjectKind::Event => Body::Event(Box::new(Event {
            kind: EventType::Warning,
            reason: if *phase { "BackOff" } else { "Failed" }.into(),
            message: format!("{name} {count}").into(),
            about: ("Pod".into(), format!("ns{namespace}").into(), "n1".into()),
            about_uid: format!("pods-ns{namespace}-n{owner}").into(),
            source: "kubelet".into(),
            count: (*count).into(),
            first: None,
            last: Timestamp::from_second(i64::from(*node) * 10).ok(),
        })),
        _ => Body::ReplicaSet(Box::new(Workload {
            desired: (*count).into(),
            current: 0,
            ready: 0,
            available: 0,
            updated: 0,
            observed: true,
            paused: false,
            conditions: Box::default(),
            selector: Selector::default(),
            images: Box::default(),
            requests: Resources::default(),
            limits: Resources::default(),
        })),
    };
    let owned = kind == ObjectKind::Pod || (kind == ObjectKind::ReplicaSet && *owner == 1);
    Arc::new(Object {
        cluster: "prod".into(),
        namespace: format!("ns{namespace}").into(),
        name: format!("n{name}").into(),
        uid: format!("{}-ns{namespace}-n{name}", kind.plural()).into(),
        created: None,
        deleting: None,
        owner: owned.then(|| {
            Arc::new(Owner {
                kind: "ReplicaSet".into(),
                name: format!("n{owner}").into(),
                uid: format!("replicasets-ns{namespace}-n{owner}").into(),
            })
        }),
        labels: [("app".into(), format!("a{owner}").into())].into(),
        body,
    })
}

fn pod(thing: &Thing) -> Body {
    let spec = ContainerSpec {
        name: "main".into(),
        image: "main".into(),
        requests: Resources::default(),
        limits: Resources::default(),
        sidecar: false,
    };
    let container = Container {
        spec: Arc::new(spec),
        ready: thing.phase,
        restarts: thing.count.into(),
        state: ContainerState::Running(None),
        last: None,
    };
    Body::Pod(Pod {
        phase: if thing.phase {
            Phase::Running
        } else {
            Phase::Failed
        },
        reason: None,
        message: None,
        node: (thing.node > 0).then(|| format!("w{}", thing.node - 1).into()),
        ip: None,
        containers: [container].into(),
        init: Box::default(),
        unscheduled: None,
        ready: thing.phase,
        ready_since: None,
        started: None,
        claims: Arc::default(),
        traits: crate::objects::pod::PodTraits::default(),
    })
}

pub(super) fn thing(name: u8) -> Thing {
    Thing {
        namespace: 0,
        name,
        node: 1,
        owner: 1,
        count: 1,
        phase: true,
    }
}
