//! One cluster's objects: a store per kind, pods by node, objects by owner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::Move;
use super::events::Events;
use super::tally::{Load, Tallies, Tally};
use crate::clock::Stamp;
use crate::model::FeedIndex;
use crate::objects::{About, Body, Object, ObjectKind, Resources, Use};
use crate::subject::Subject;

#[derive(Clone, Debug)]
pub struct Cluster {
    name: Arc<str>,
    /// By [`ObjectKind::index`].
    stores: Vec<Store>,
    /// Pods by the node that they are bound to, in their natural order.
    by_node: FxHashMap<Arc<str>, Vec<Arc<Object>>>,
    /// Objects by the uid of their controller, in their natural order.
    owned: FxHashMap<Arc<str>, Vec<Arc<Object>>>,
    events: Events,
    tallies: Tallies,
}

/// All objects of one kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    /// By namespace, then by name.
    objects: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Kept>>,
    count: usize,
    told: Vec<Told>,
    /// Namespace and name of those that time alone may turn into a problem.
    unsettled: BTreeSet<(Arc<str>, Arc<str>)>,
    /// Where the next slice of `unsettled` begins.
    cursor: Option<(Arc<str>, Arc<str>)>,
    uses: FxHashMap<(Arc<str>, Arc<str>), Resources>,
    /// When each lease was last seen renewed, by our own clock.
    renewed: FxHashMap<(Arc<str>, Arc<str>), Stamp>,
}

#[derive(Clone, Debug)]
struct Kept {
    object: Arc<Object>,
    feed: u32,
    /// Number of the listing that told it last.
    epoch: u32,
}

/// How far one feed has come in telling this kind.
#[derive(Clone, Copy, Debug)]
struct Told {
    feed: FeedIndex,
    epoch: u32,
    synced: bool,
}

impl Store {
    pub(super) fn expect(&mut self, feed: FeedIndex) {
        if self.told(feed).is_none() {
            self.told.push(Told {
                feed,
                epoch: 0,
                synced: false,
            });
        }
    }

    pub(super) fn begin(&mut self, feed: FeedIndex) {
        self.expect(feed);
        if let Some(told) = self.told.iter_mut().find(|told| told.feed == feed) {
            told.epoch = told.epoch.wrapping_add(1);
        }
    }

    fn told(&self, feed: FeedIndex) -> Option<&Told> {
        self.told.iter().find(|told| told.feed == feed)
    }

    fn get(&self, namespace: &str, name: &str) -> Option<&Kept> {
        self.objects.get(namespace)?.get(name)
    }

    fn values(&self) -> impl Iterator<Item = &Kept> {
        self.objects.values().flat_map(BTreeMap::values)
    }

    pub(super) fn set_uses(&mut self, uses: Vec<Use>) {
        self.uses = uses
            .into_iter()
            .map(|u| ((u.namespace, u.name), u.used))
            .collect();
    }

    fn put(&mut self, feed: FeedIndex, object: &Arc<Object>) -> Option<Arc<Object>> {
        let epoch = self.told(feed).map_or(0, |told| told.epoch);
        let kept = Kept {
            object: object.clone(),
            feed: u32::try_from(feed).unwrap_or(u32::MAX),
            epoch,
        };
        let place = (object.namespace.clone(), object.name.clone());
        let names = self.objects.entry(place.0.clone()).or_default();
        let old = names.insert(place.1.clone(), kept);
        self.count += usize::from(old.is_none());
        if object.is_settled() {
            self.unsettled.remove(&place);
        } else {
            self.unsettled.insert(place);
        }
        old.map(|kept| kept.object)
    }

    fn remove(&mut self, namespace: &str, name: &str) -> Option<Arc<Object>> {
        let names = self.objects.get_mut(namespace)?;
        let old = names.remove(name)?.object;
        if names.is_empty() {
            self.objects.remove(namespace);
        }
        self.count -= 1;
        let place = (old.namespace.clone(), old.name.clone());
        self.unsettled.remove(&place);
        self.uses.remove(&place);
        self.renewed.remove(&place);
        Some(old)
    }
}

impl Cluster {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            stores: ObjectKind::ALL.iter().map(|_| Store::default()).collect(),
            by_node: FxHashMap::default(),
            owned: FxHashMap::default(),
            events: Events::default(),
            tallies: Tallies::default(),
        }
    }

    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn store(&self, kind: ObjectKind) -> &Store {
        &self.stores[kind.index()]
    }

    pub(super) fn store_mut(&mut self, kind: ObjectKind) -> &mut Store {
        &mut self.stores[kind.index()]
    }

    /// The namespace is empty for kinds without.
    #[must_use]
    pub fn get(&self, kind: ObjectKind, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.store(kind)
            .get(namespace, name)
            .map(|kept| &kept.object)
    }

    /// The feed that told this object.
    #[must_use]
    pub fn feed_of(&self, object: &Object) -> Option<FeedIndex> {
        let store = self.store(object.kind());
        if let [only] = store.told.as_slice() {
            return Some(only.feed);
        }
        let kept = store.get(&object.namespace, &object.name)?;
        Some(kept.feed as FeedIndex)
    }

    /// The feeds that tell this kind, or will.
    pub fn feeds(&self, kind: ObjectKind) -> impl Iterator<Item = FeedIndex> {
        self.store(kind).told.iter().map(|told| told.feed)
    }

    /// Has every feed of this kind told all there is at least once?
    #[must_use]
    pub fn is_synced(&self, kind: ObjectKind) -> bool {
        let told = &self.store(kind).told;
        !told.is_empty() && told.iter().all(|told| told.synced)
    }

    /// Has this feed told all there is of a kind at least once?
    #[must_use]
    pub fn has_told(&self, kind: ObjectKind, feed: FeedIndex) -> bool {
        self.store(kind).told(feed).is_some_and(|told| told.synced)
    }

    #[must_use]
    pub fn count(&self, kind: ObjectKind) -> usize {
        self.store(kind).count
    }

    /// How many of a kind are in one namespace.
    #[must_use]
    pub fn count_in(&self, kind: ObjectKind, namespace: &str) -> usize {
        let names = self.store(kind).objects.get(namespace);
        names.map_or(0, BTreeMap::len)
    }

    /// In their natural order: by namespace and name.
    pub fn of_kind(&self, kind: ObjectKind) -> impl Iterator<Item = &Arc<Object>> {
        self.store(kind).values().map(|kept| &kept.object)
    }

    pub fn in_namespace(
        &self,
        kind: ObjectKind,
        namespace: &str,
    ) -> impl Iterator<Item = &Arc<Object>> {
        let names = self.store(kind).objects.get(namespace);
        names
            .into_iter()
            .flat_map(BTreeMap::values)
            .map(|kept| &kept.object)
    }

    /// Pods that are bound to a node, in their natural order.
    #[must_use]
    pub fn on_node(&self, node: &str) -> &[Arc<Object>] {
        self.by_node.get(node).map_or(&[], Vec::as_slice)
    }

    /// What the object with this uid controls, in its natural order.
    #[must_use]
    pub fn owned_by(&self, uid: &str) -> &[Arc<Object>] {
        self.owned.get(uid).map_or(&[], Vec::as_slice)
    }

    /// Events in groups, in no order: those of one type and reason about one object as one.
    pub fn event_groups(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.events.all()
    }

    /// What happened to one object, in groups, in no order.
    pub fn events_about(&self, about: &About) -> impl Iterator<Item = &Arc<Object>> {
        self.events.about(about)
    }

    /// The group that an event belongs to, as one event.
    #[must_use]
    pub fn event_group_of(&self, event: &Object) -> Option<&Arc<Object>> {
        self.events.group_of(event)
    }

    /// Puts one event in place of another into its group.
    pub(super) fn regroup(
        &mut self,
        old: Option<&Arc<Object>>,
        new: Option<&Arc<Object>>,
    ) -> Vec<Move> {
        self.events.replace(old, new)
    }

    /// What its pods and nodes amount to; in one namespace, its pods.
    #[must_use]
    pub fn tally(&self, namespace: Option<&str>) -> Tally {
        self.tallies.of(namespace)
    }

    /// What the pods of a node ask for.
    #[must_use]
    pub fn load(&self, node: &str) -> Load {
        self.tallies.on_node(node)
    }

    /// Restarts of all pods that an object controls, be it through another: those of a
    /// deployment's replica sets.
    #[must_use]
    pub fn restarts(&self, controller: &Object) -> u64 {
        let between = self.owned_by(&controller.uid).iter();
        let between = between.filter(|object| !matches!(object.body, Body::Pod(_)));
        let through: u64 = between
            .map(|object| self.tallies.restarts(&object.uid))
            .sum();
        self.tallies.restarts(&controller.uid) + through
    }

    /// Namespaces that are known, be it only by the pods in them; in no order.
    pub fn namespaces(&self) -> impl Iterator<Item = &Arc<str>> {
        let told = self
            .of_kind(ObjectKind::Namespace)
            .map(|namespace| &namespace.name);
        let told_of = self.tallies.namespaces();
        let known = |name: &&Arc<str>| self.get(ObjectKind::Namespace, "", name).is_none();
        told.chain(told_of.filter(known))
    }

    /// Does the metrics API tell what these use?
    #[must_use]
    pub fn is_measured(&self, kind: ObjectKind) -> bool {
        !self.store(kind).uses.is_empty()
    }

    /// Pods that an object controls, be it through others: those of a deployment's replica sets.
    #[must_use]
    pub fn pods_of(&self, object: &Object) -> Vec<&Arc<Object>> {
        let mut pods = Vec::new();
        let mut makers = vec![(&object.uid, 0)];
        while let Some((uid, depth)) = makers.pop() {
            for owned in self.owned_by(uid) {
                if matches!(owned.body, Body::Pod(_)) {
                    pods.push(owned);
                } else if depth < 8 {
                    // Ownership has few levels; a circle must not hang.
                    makers.push((&owned.uid, depth + 1));
                }
            }
        }
        pods
    }

    /// What a pod or node uses at present, where the metrics API tells.
    #[must_use]
    pub fn used(&self, object: &Object) -> Option<Resources> {
        let uses = &self.store(object.kind()).uses;
        uses.get(&(object.namespace.clone(), object.name.clone()))
            .copied()
    }

    /// When a lease was last seen renewed, by our own clock: its holder's may be wrong. What was
    /// never seen renewed counts from when it was first told.
    #[must_use]
    pub fn renewed_at(&self, lease: &Object) -> Option<Stamp> {
        let place = (lease.namespace.clone(), lease.name.clone());
        self.store(lease.kind()).renewed.get(&place).copied()
    }

    /// Notes the renewal of a lease that is about to be put, and how long the one before lasted.
    pub(super) fn renew(&mut self, lease: &Object, at: Stamp) -> Duration {
        let store = self.store_mut(lease.kind());
        let renewed = |object: &Object| match &object.body {
            Body::Lease(lease) => lease.renewed,
            _ => None,
        };
        let known = store.get(&lease.namespace, &lease.name);
        if known.is_some_and(|kept| renewed(&kept.object) == renewed(lease)) {
            return Duration::ZERO;
        }
        let place = (lease.namespace.clone(), lease.name.clone());
        let before = store.renewed.insert(place, at);
        before.map_or(Duration::ZERO, |before| at.since(before))
    }

    pub(super) fn put(&mut self, feed: FeedIndex, object: &Arc<Object>) -> Option<Arc<Object>> {
        let old = self.store_mut(object.kind()).put(feed, object);
        if let Some(old) = &old {
            self.unlink(old, Some(object));
        }
        self.link(object);
        old
    }

    pub(super) fn remove(
        &mut self,
        kind: ObjectKind,
        namespace: &str,
        name: &str,
    ) -> Option<Arc<Object>> {
        let old = self.store_mut(kind).remove(namespace, name)?;
        self.unlink(&old, None);
        Some(old)
    }

    /// Ends a listing of a feed: what it did not tell is gone.
    pub(super) fn sweep(&mut self, kind: ObjectKind, feed: FeedIndex) -> Vec<Arc<Object>> {
        let store = self.store_mut(kind);
        let Some(told) = store.told.iter_mut().find(|told| told.feed == feed) else {
            return Vec::new();
        };
        told.synced = true;
        let epoch = told.epoch;
        let gone = |kept: &&Kept| kept.feed as FeedIndex == feed && kept.epoch != epoch;
        let gone: Vec<_> = store
            .values()
            .filter(gone)
            .map(|kept| kept.object.clone())
            .collect();
        for object in &gone {
            self.remove(kind, &object.namespace, &object.name);
        }
        gone
    }

    fn link(&mut self, object: &Arc<Object>) {
        self.tallies.add(object);
        if let Some(owner) = &object.owner {
            file(self.owned.entry(owner.uid.clone()).or_default(), object);
        }
        if let Body::Pod(pod) = &object.body
            && let Some(node) = &pod.node
        {
            file(self.by_node.entry(node.clone()).or_default(), object);
        }
    }

    /// Takes an object out of the indexes in which its successor will not take its place.
    fn unlink(&mut self, old: &Arc<Object>, new: Option<&Object>) {
        self.tallies.take(old);
        let owner = |object: &Object| object.owner.as_ref().map(|owner| owner.uid.clone());
        if let Some(uid) = owner(old)
            && new.and_then(owner).as_ref() != Some(&uid)
        {
            unfile(&mut self.owned, &uid, old);
        }
        let node = |object: &Object| match &object.body {
            Body::Pod(pod) => pod.node.clone(),
            _ => None,
        };
        if let Some(name) = node(old)
            && new.and_then(node).as_ref() != Some(&name)
        {
            unfile(&mut self.by_node, &name, old);
        }
    }

    /// Marks the share of the unsettled objects that is due, where the last call stopped.
    pub(super) fn due(&mut self, share: f64, dirty: &mut BTreeSet<Subject>) {
        let cluster = &self.name;
        for (kind, store) in ObjectKind::ALL.iter().zip(&mut self.stores) {
            let all = store.unsettled.len();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a share of a count"
            )]
            let some = ((all as f64 * share).ceil() as usize).min(all);
            let from = store.cursor.take().unwrap_or_default();
            let behind = store.unsettled.range(from.clone()..);
            let before = store.unsettled.range(..from);
            let mut places = behind.chain(before);
            for (namespace, name) in places.by_ref().take(some) {
                dirty.insert(Subject::object(*kind, cluster, namespace, name));
            }
            store.cursor = places.next().cloned();
        }
    }

    pub(super) fn doubtful(&self, feed: FeedIndex, dirty: &mut BTreeSet<Subject>) {
        for (kind, store) in ObjectKind::ALL.iter().zip(&self.stores) {
            if store.told(feed).is_none() {
                continue;
            }
            dirty.insert(Subject::cluster(&self.name));
            for (namespace, name) in &store.unsettled {
                dirty.insert(Subject::object(*kind, &self.name, namespace, name));
            }
        }
    }
}

/// Puts an object into a list in natural order, in place of its predecessor of the same name.
fn file(list: &mut Vec<Arc<Object>>, object: &Arc<Object>) {
    match list.binary_search_by(|o| (o.place(), o.kind()).cmp(&(object.place(), object.kind()))) {
        Ok(at) => list[at] = object.clone(),
        Err(at) => list.insert(at, object.clone()),
    }
}

fn unfile(lists: &mut FxHashMap<Arc<str>, Vec<Arc<Object>>>, key: &Arc<str>, object: &Object) {
    let Some(list) = lists.get_mut(key) else {
        return;
    };
    if let Ok(at) =
        list.binary_search_by(|o| (o.place(), o.kind()).cmp(&(object.place(), object.kind())))
    {
        list.remove(at);
    }
    if list.is_empty() {
        lists.remove(key);
    }
}
