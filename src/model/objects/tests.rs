//! The store by hand-made pods: listings, moves between nodes, what is judged again.

use super::*;
use crate::objects::{Phase, Pod};

fn pod(namespace: &str, name: &str, node: Option<&str>, phase: Phase) -> Arc<Object> {
    let body = Pod {
        phase,
        reason: None,
        message: None,
        node: node.map(Into::into),
        ip: None,
        containers: Box::default(),
        init: Box::default(),
        unscheduled: None,
        ready: phase == Phase::Running,
        ready_since: None,
        started: None,
        claims: Arc::default(),
        traits: crate::objects::pod::PodTraits::default(),
    };
    Arc::new(Object {
        cluster: "prod".into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: format!("{namespace}-{name}").into(),
        created: None,
        deleting: None,
        owner: None,
        labels: Arc::default(),
        body: Body::Pod(body),
    })
}

fn names<'a>(objects: impl IntoIterator<Item = &'a Arc<Object>>) -> Vec<String> {
    objects
        .into_iter()
        .map(|o| format!("{}/{}", o.namespace, o.name))
        .collect()
}

fn apply(objects: &mut Objects, deltas: Vec<Delta>) -> Vec<String> {
    let mut dirty = BTreeSet::new();
    objects.apply(&"prod".into(), (0, Stamp(0)), deltas, &mut dirty);
    dirty.iter().map(ToString::to_string).collect()
}

fn listed(pods: Vec<Arc<Object>>) -> Vec<Delta> {
    let mut deltas = vec![Delta::Begin(ObjectKind::Pod)];
    deltas.extend(pods.into_iter().map(Delta::Put));
    deltas.push(Delta::Synced(ObjectKind::Pod));
    deltas
}

#[test]
fn a_new_listing_takes_away_only_what_it_did_not_tell() {
    let mut objects = Objects::default();
    let running = |name| pod("shop", name, Some("w-1"), Phase::Running);
    apply(
        &mut objects,
        listed(vec![running("a"), running("b"), running("c")]),
    );
    apply(
        &mut objects,
        vec![Delta::Begin(ObjectKind::Pod), Delta::Put(running("b"))],
    );
    // Half way through nothing is missing yet.
    assert_eq!(
        names(objects.all(ObjectKind::Pod)),
        ["shop/a", "shop/b", "shop/c"]
    );
    apply(&mut objects, vec![Delta::Synced(ObjectKind::Pod)]);
    assert_eq!(names(objects.all(ObjectKind::Pod)), ["shop/b"]);
    assert_eq!(objects.count(ObjectKind::Pod), 1);
    assert_eq!(
        names(objects.cluster("prod").unwrap().on_node("w-1")),
        ["shop/b"]
    );
}

#[test]
fn a_pod_that_is_bound_moves_between_nodes() {
    let mut objects = Objects::default();
    apply(
        &mut objects,
        vec![Delta::Put(pod("shop", "a", None, Phase::Pending))],
    );
    apply(
        &mut objects,
        vec![Delta::Put(pod("shop", "a", Some("w-1"), Phase::Running))],
    );
    apply(
        &mut objects,
        vec![Delta::Put(pod("shop", "a", Some("w-2"), Phase::Running))],
    );
    let cluster = objects.cluster("prod").unwrap();
    assert!(cluster.on_node("w-1").is_empty());
    assert_eq!(names(cluster.on_node("w-2")), ["shop/a"]);
}

#[test]
fn what_is_well_and_was_well_is_not_judged() {
    let mut objects = Objects::default();
    let well = pod("shop", "a", Some("w-1"), Phase::Running);
    assert!(apply(&mut objects, vec![Delta::Put(well.clone())]).is_empty());
    let bad = apply(
        &mut objects,
        vec![Delta::Put(pod("shop", "a", None, Phase::Failed))],
    );
    assert_eq!(bad, ["pod/prod/shop/a"]);
    // It was bad: that it is well now must be seen.
    assert_eq!(
        apply(&mut objects, vec![Delta::Put(well)]),
        ["pod/prod/shop/a"]
    );
}

#[test]
fn all_that_is_unsettled_is_judged_within_a_round() {
    let mut objects = Objects::default();
    let pending = (0..25).map(|n| pod("shop", &format!("p-{n:02}"), None, Phase::Pending));
    apply(&mut objects, listed(pending.collect()));
    let mut seen = BTreeSet::new();
    for half in 0..=20 {
        let mut dirty = BTreeSet::new();
        objects.due(
            Stamp::from_secs(100) + Duration::from_millis(500) * half,
            &mut dirty,
        );
        assert!(dirty.len() <= 2, "a slice stays small: {}", dirty.len());
        seen.extend(dirty);
    }
    assert_eq!(seen.len(), 25);
}

#[test]
fn two_feeds_of_one_kind_do_not_take_away_from_each_other() {
    let mut objects = Objects::default();
    let mut dirty = BTreeSet::new();
    let one = |namespace| listed(vec![pod(namespace, "a", None, Phase::Running)]);
    objects.apply(&"prod".into(), (0, Stamp(0)), one("shop"), &mut dirty);
    objects.apply(&"prod".into(), (1, Stamp(0)), one("bank"), &mut dirty);
    assert_eq!(names(objects.all(ObjectKind::Pod)), ["bank/a", "shop/a"]);
    objects.apply(
        &"prod".into(),
        (1, Stamp(0)),
        listed(Vec::new()),
        &mut dirty,
    );
    assert_eq!(names(objects.all(ObjectKind::Pod)), ["shop/a"]);
}

#[test]
fn too_many_changes_are_told_as_much() {
    let mut objects = Objects::default();
    apply(
        &mut objects,
        vec![Delta::Put(pod("shop", "a", None, Phase::Running))],
    );
    assert_eq!(objects.take_moved().moves().map(<[Move]>::len), Some(1));
    let many = (0..5000).map(|n| Delta::Put(pod("shop", &format!("{n}"), None, Phase::Running)));
    apply(&mut objects, many.collect());
    assert!(objects.take_moved().moves().is_none());
    assert_eq!(objects.take_moved().moves().map(<[Move]>::len), Some(0));
}
