//! An order that follows changes is the order that is made anew: whatever came, however it is
//! sorted, filtered and cut to a part.

mod things;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Now;
use crate::findings::{Finding, Ledger, Rule, Severity, Verdict};
use crate::ids::{FeedId, TargetId};
use crate::listing::{Order, Scope};
use crate::model::{FeedSpec, Model};
use crate::objects::{Body, Delta, ObjectKind, Phase, Resources, Use};
use crate::observation::{Harvest, Observation};
use crate::subject::{Subject, SubjectKind};
use crate::thresholds::Thresholds;
use things::{BOTH, EVENTS, PODS, SORTS, Thing, Things, object, thing, things};

static RULES: &[&Rule] = &[&SICK];

/// Fires on every pod that failed.
static SICK: Rule = Rule {
    id: "sick",
    doc: "",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[],
    check: |snap, pod| match snap.object(pod).map(|object| &object.body) {
        Ok(Body::Pod(body)) if body.phase == Phase::Failed => {
            Finding::new(&SICK, pod, Severity::Warning, "").into()
        }
        Ok(_) => Verdict::Clear,
        Err(doubt) => doubt.into(),
    },
};

#[derive(Clone, Debug)]
enum Happens {
    Put(ObjectKind, Thing),
    Gone(ObjectKind, Thing),
    Listed(ObjectKind, Vec<Thing>),
    Uses(Vec<(Thing, u64)>),
    /// What the reader asks for.
    Sort(Option<(&'static str, Direction)>),
    Filter(&'static str),
    Within(Option<&'static str>),
    Namespace(Option<&'static str>),
    Kind(Option<ObjectKind>),
    Problems(bool),
}

const KINDS: [ObjectKind; 3] = [ObjectKind::Pod, ObjectKind::ReplicaSet, ObjectKind::Event];

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let kind = || prop::sample::select(KINDS.to_vec());
    let direction = prop::sample::select(vec![Direction::Up, Direction::Down]);
    let sort = (prop::sample::select(SORTS.to_vec()), direction);
    let filters = vec![
        "",
        "n1",
        "!n1",
        "running",
        "-l app=a0",
        "-f n0",
        "-l app=a1 !n2",
    ];
    let withins = vec![
        None,
        Some("node/prod/w0"),
        Some("replicaset/prod/ns0/n1"),
        Some("replicaset/prod/ns0/n2"),
        Some("pod/prod/ns0/n1"),
        Some("cluster/prod"),
    ];
    let one = prop_oneof![
        8 => (kind(), things()).prop_map(|(kind, thing)| Happens::Put(kind, thing)),
        3 => (kind(), things()).prop_map(|(kind, thing)| Happens::Gone(kind, thing)),
        1 => (kind(), prop::collection::vec(things(), 0..12)).prop_map(|(k, all)| Happens::Listed(k, all)),
        1 => prop::collection::vec((things(), 0..4_u64), 0..6).prop_map(Happens::Uses),
        1 => prop::option::of(sort).prop_map(Happens::Sort),
        1 => prop::sample::select(filters).prop_map(Happens::Filter),
        1 => prop::sample::select(withins).prop_map(Happens::Within),
        1 => prop::sample::select(vec![None, Some("ns0")]).prop_map(Happens::Namespace),
        1 => prop::sample::select(vec![None, Some(ObjectKind::Pod), Some(ObjectKind::Event)])
            .prop_map(Happens::Kind),
        2 => any::<bool>().prop_map(Happens::Problems),
    ];
    prop::collection::vec(one, 1..40)
}

fn deltas(happens: &Happens) -> Vec<Delta> {
    match happens {
        Happens::Put(kind, thing) => vec![Delta::Put(object(*kind, thing))],
        Happens::Gone(kind, thing) => vec![Delta::Gone {
            kind: *kind,
            namespace: format!("ns{}", thing.namespace).into(),
            name: format!("n{}", thing.name).into(),
        }],
        Happens::Listed(kind, all) => {
            let puts = all.iter().map(|thing| Delta::Put(object(*kind, thing)));
            std::iter::once(Delta::Begin(*kind))
                .chain(puts)
                .chain([Delta::Synced(*kind)])
                .collect()
        }
        Happens::Uses(uses) => {
            let uses = uses.iter().map(|(thing, cpu)| Use {
                kind: ObjectKind::Pod,
                namespace: format!("ns{}", thing.namespace).into(),
                name: format!("n{}", thing.name).into(),
                used: Resources {
                    cpu_milli: Some(*cpu),
                    memory: None,
                },
            });
            vec![Delta::Uses(ObjectKind::Pod, uses.collect())]
        }
        _ => Vec::new(),
    }
}

/// A model, what the reader asks for, and an order that follows both.
struct World {
    listing: &'static Things,
    model: Model,
    ledger: Ledger,
    unfolded: BTreeSet<RowKey>,
    scope: Scope,
    view: View,
    order: Order,
    now: Now,
}

impl World {
    fn new(listing: &'static Things) -> Self {
        let now = Now::fixed();
        let mut model = Model::new(now, Thresholds::default());
        model.register(
            FeedSpec {
                id: feed(),
                period: Duration::from_secs(5),
                timeout: Duration::from_secs(10),
                subject: Subject::cluster("prod"),
                tells: Some(ObjectKind::Pod),
            },
            Thresholds::default(),
        );
        Self {
            listing,
            model,
            ledger: Ledger::with_rules(RULES),
            unfolded: BTreeSet::new(),
            scope: Scope::default(),
            view: View::default(),
            order: Order::default(),
            now,
        }
    }

    fn cx(&self) -> Context<'_> {
        Context {
            snap: self.model.snapshot(self.now),
            ledger: &self.ledger,
            unfolded: &self.unfolded,
            bindings: &[],
            asked_from: "",
            scope: &self.scope,
            trail: &crate::actions::trail::NOTHING,
        }
    }

    fn happen(&mut self, happens: &Happens) {
        match happens {
            Happens::Sort(sort) => self.view.sort = *sort,
            Happens::Filter(filter) => self.view.filter = (*filter).into(),
            Happens::Within(within) => self.view.within = within.map(|s| s.parse().unwrap()),
            Happens::Namespace(name) => self.scope.namespace = name.map(Into::into),
            Happens::Kind(kind) => self.view.kind = *kind,
            Happens::Problems(only) => self.view.problems_only = *only,
            told => self.deltas(deltas(told)),
        }
    }

    fn deltas(&mut self, deltas: Vec<Delta>) {
        self.model.absorb(Observation {
            feed: feed(),
            at: self.now,
            took: Duration::ZERO,
            bytes: 0,
            outcome: Ok(Harvest {
                deltas,
                ..Harvest::default()
            }),
        });
    }

    /// As the app does it. True when the old order could be kept.
    fn follow(&mut self) -> bool {
        self.ledger.run(&mut self.model, self.now);
        let moved = self.model.take_moved_objects();
        let mut order = std::mem::take(&mut self.order);
        let kept = order.follow(self.listing, &self.cx(), &self.view, &moved);
        self.order = if kept { order } else { self.anew() };
        kept
    }

    fn anew(&self) -> Order {
        Order::compute(self.listing, &self.cx(), &self.view)
    }
}

fn feed() -> FeedId {
    FeedId::new(TargetId::new("kubernetes", "prod"), "pods")
}

fn check(listing: &'static Things, all: &[Happens]) -> Result<(), TestCaseError> {
    let mut world = World::new(listing);
    for happens in all {
        world.happen(happens);
        world.follow();
        let anew = world.anew();
        let rows: Vec<Row> = world.order.rows(0).collect();
        prop_assert_eq!(&rows, &anew.rows(0).collect::<Vec<_>>());
        prop_assert_eq!(world.order.total, anew.total);
        prop_assert_eq!(world.order.len(), rows.len());
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(world.order.find(listing, &world.cx(), &row.key), Some(at));
            let there = world.order.row(at);
            prop_assert_eq!(there.as_ref(), Some(row));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn following_changes_is_making_the_order_anew(all in happenings()) {
        for listing in [&PODS, &BOTH, &EVENTS] {
            check(listing, &all)?;
        }
    }
}

#[test]
fn a_change_of_one_object_keeps_the_order_that_is_there() {
    let mut world = World::new(&PODS);
    world.happen(&Happens::Listed(
        ObjectKind::Pod,
        (0..9).map(thing).collect(),
    ));
    assert!(!world.follow(), "nothing was ordered yet");
    let restarted = Thing {
        count: 2,
        ..thing(3)
    };
    for sort in [None, Some(("restarts", Direction::Down))] {
        world.happen(&Happens::Sort(sort));
        world.follow();
        world.happen(&Happens::Put(ObjectKind::Pod, restarted.clone()));
        assert!(world.follow(), "sorted by {sort:?}");
    }
    world.happen(&Happens::Within(Some("replicaset/prod/ns0/n1")));
    world.follow();
    world.happen(&Happens::Put(ObjectKind::Pod, thing(5)));
    assert!(world.follow(), "of one replica set");
    world.happen(&Happens::Uses(vec![(thing(1), 3)]));
    assert!(world.follow(), "nothing is sorted by what they use");
}

#[test]
fn problems_come_and_go_in_the_order_that_is_there() {
    let mut world = World::new(&PODS);
    let fails = |name| Thing {
        phase: false,
        ..thing(name)
    };
    world.happen(&Happens::Listed(
        ObjectKind::Pod,
        (0..6).map(fails).collect(),
    ));
    world.happen(&Happens::Problems(true));
    world.follow();
    assert_eq!(world.order.len(), 6);
    for (happens, left) in [
        (Happens::Put(ObjectKind::Pod, thing(3)), 5),
        (Happens::Put(ObjectKind::Pod, fails(8)), 6),
        (Happens::Gone(ObjectKind::Pod, thing(1)), 5),
        (Happens::Put(ObjectKind::Pod, fails(3)), 6),
    ] {
        world.happen(&happens);
        assert!(world.follow(), "{happens:?}");
        assert_eq!(world.order.len(), left, "{happens:?}");
        let anew = world.anew();
        let rows = |order: &Order| order.rows(0).collect::<Vec<_>>();
        assert_eq!(rows(&world.order), rows(&anew));
        assert_eq!(world.order.total, anew.total);
    }
}

#[test]
fn a_column_that_others_move_is_followed() {
    let mut world = World::new(&PODS);
    let on = |name, node| Thing {
        node,
        ..thing(name)
    };
    world.happen(&Happens::Sort(Some(("crowd", Direction::Down))));
    let first = (0..4).map(|name| on(name, 1));
    let second = (4..7).map(|name| on(name, 2));
    let all = first.chain(second).collect();
    world.happen(&Happens::Listed(ObjectKind::Pod, all));
    world.follow();
    let names = |world: &World| {
        let rows = world.order.rows(0);
        let names = rows.map(|row| row.key.subject().unwrap().leaf().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&world), "n0 n1 n2 n3 n4 n5 n6");
    world.happen(&Happens::Put(ObjectKind::Pod, on(3, 2)));
    assert!(world.follow());
    assert_eq!(
        names(&world),
        "n3 n4 n5 n6 n0 n1 n2",
        "those that did not move"
    );
}

/// Only the first rows of many are measured; a mark that is cut could be read as none.
#[test]
fn ages_of_rows_that_were_not_measured_have_room_for_their_mark() {
    let mut world = World::new(&PODS);
    let numbered = |at: usize| {
        let mut object = Object::clone(&object(ObjectKind::Pod, &thing(0)));
        object.name = format!("p{at:05}").into();
        Delta::Put(Arc::new(object))
    };
    world.deltas((0..400).map(numbered).collect());
    world.follow();
    let width = |world: &World| world.order.widths[1];
    assert_eq!(width(&world), 6, "the widest age without a mark");
    world.now = world.now.plus(Duration::from_secs(12 * 3600));
    world.model.age(world.now);
    assert!(world.follow(), "nothing moved");
    let room = u16::try_from("UNKNOWN 59m59s".len()).unwrap();
    assert_eq!(width(&world), room);
    assert_eq!(world.anew().widths[1], room);
}

#[test]
fn events_of_one_reason_about_one_object_are_one_row_with_their_counts_added() {
    let mut world = World::new(&EVENTS);
    for (name, node) in [(1, 0), (2, 2), (3, 1)] {
        let event = Thing {
            count: 2,
            node,
            ..thing(name)
        };
        world.happen(&Happens::Put(ObjectKind::Event, event));
        world.follow();
    }
    let rows: Vec<Row> = world.order.rows(0).collect();
    let [row] = rows.as_slice() else {
        panic!("{rows:?}");
    };
    let object = row.object.as_ref().unwrap();
    let Body::Event(event) = &object.body else {
        panic!("{object:?}");
    };
    assert_eq!(
        (event.count, &*object.name, &*event.message),
        (6, "n1", "2 2")
    );
    world.happen(&Happens::Gone(ObjectKind::Event, thing(1)));
    world.follow();
    let row = world.order.row(0).unwrap();
    assert_eq!(row.key.subject().unwrap().leaf(), "n3", "by what is left");
}

#[test]
fn thousands_of_rows_stay_in_order_through_many_chunks() {
    let mut world = World::new(&PODS);
    world.view.sort = Some(("restarts", Direction::Down));
    let numbered = |at: usize, restarts: u32| {
        let mut object = Object::clone(&object(ObjectKind::Pod, &thing(0)));
        object.name = format!("p{at:05}").into();
        if let Body::Pod(pod) = &mut object.body {
            pod.containers[0].restarts = restarts;
        }
        Delta::Put(Arc::new(object))
    };
    world.deltas((0..3000).map(|at| numbered(at, 0)).collect());
    world.follow();
    for round in 0..40_u32 {
        let moved = (0..50).map(|at| numbered((at * 61 + round as usize * 7) % 3000, round % 9));
        world.deltas(moved.collect());
        assert!(world.follow());
    }
    let shown: Vec<Row> = world.order.rows(0).collect();
    assert_eq!(shown.len(), 3000);
    assert_eq!(shown, world.anew().rows(0).collect::<Vec<_>>());
    assert_eq!(world.order.rows(2999).next().as_ref(), shown.last());
}
