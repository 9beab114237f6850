//! Kubernetes objects by cluster and kind, with the few indexes that verdicts and rows need.
//!
//! A change costs the same however many objects there are: it moves one entry in each index and
//! marks what must be judged again. Nothing here judges, and nothing here is ordered for a screen.

mod cluster;
mod events;
mod kin;
mod moved;
mod round;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use cluster::Cluster;
pub use moved::{Move, Moved};
pub use tally::{Load, Tally};

use super::FeedIndex;
use crate::clock::Stamp;
use crate::objects::{Body, Delta, Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};

/// Where the kubelets renew their leases.
pub const NODE_LEASES: &str = "kube-node-lease";

/// All objects of all clusters.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    clusters: BTreeMap<Arc<str>, Cluster>,
    moved: Moved,
    /// Those of the changes that move what stands around an object.
    moved_kin: Moved,
    rounds: round::Rounds,
}

impl Objects {
    /// Announces that a feed will tell objects of this kind.
    pub(super) fn expect(&mut self, cluster: &Arc<str>, kind: ObjectKind, feed: FeedIndex) {
        self.entry(cluster).store_mut(kind).expect(feed);
    }

    /// Every cluster of which objects are known or expected, in the order of their names.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters.values()
    }

    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.clusters.get(name)
    }

    /// The object that a subject names.
    #[must_use]
    pub fn get(&self, subject: &Subject) -> Option<&Arc<Object>> {
        let (kind, cluster, namespace, name) = subject.as_object()?;
        self.cluster(cluster)?.get(kind, namespace, name)
    }

    /// All objects of a kind in all clusters, in their natural order.
    pub fn all(&self, kind: ObjectKind) -> impl Iterator<Item = &Arc<Object>> {
        self.clusters
            .values()
            .flat_map(move |cluster| cluster.of_kind(kind))
    }

    /// How many objects of a kind there are in all clusters.
    #[must_use]
    pub fn count(&self, kind: ObjectKind) -> usize {
        self.clusters
            .values()
            .map(|cluster| cluster.count(kind))
            .sum()
    }

    /// The object that controls this one, where it is of a kept kind and known.
    #[must_use]
    pub fn owner_of(&self, object: &Object) -> Option<&Arc<Object>> {
        let owner = object.owner.as_ref()?;
        let kind = ObjectKind::ALL
            .iter()
            .find(|kind| kind.api_kind() == &*owner.kind)?;
        let found = self
            .cluster(&object.cluster)?
            .get(*kind, &object.namespace, &owner.name)?;
        (found.uid == owner.uid).then_some(found)
    }

    /// The last owner upwards: the deployment of a pod. `None` for what nobody owns.
    #[must_use]
    pub fn root_owner_of(&self, object: &Object) -> Option<&Arc<Object>> {
        let mut root = self.owner_of(object)?;
        // Ownership has few levels; a circle must not hang.
        for _ in 0..8 {
            match self.owner_of(root) {
                Some(above) => root = above,
                None => break,
            }
        }
        Some(root)
    }

    /// What this object controls: the replica sets of a deployment, the pods of a job.
    #[must_use]
    pub fn owned_by(&self, object: &Object) -> &[Arc<Object>] {
        self.cluster(&object.cluster)
            .map_or(&[], |cluster| cluster.owned_by(&object.uid))
    }

    /// Changes since the last call, for views that keep an order.
    pub fn take_moved(&mut self) -> Moved {
        std::mem::take(&mut self.moved)
    }

    /// Takes in changes that one feed told at a moment. Subjects that must be judged go to `dirty`.
    pub(super) fn apply(
        &mut self,
        cluster: &Arc<str>,
        (feed, at): (FeedIndex, Stamp),
        deltas: Vec<Delta>,
        dirty: &mut BTreeSet<Subject>,
    ) {
        for delta in deltas {
            match delta {
                Delta::Begin(kind) => self.entry(cluster).store_mut(kind).begin(feed),
                Delta::Put(object) => self.put((feed, at), object, dirty),
                Delta::Gone {
                    kind,
                    namespace,
                    name,
                } => {
                    let old = self.entry(cluster).remove(kind, &namespace, &name);
                    self.note(old, None, dirty);
                }
                Delta::Synced(kind) => {
                    for old in self.entry(cluster).sweep(kind, feed) {
                        self.note(Some(old), None, dirty);
                    }
                    dirty.insert(Subject::cluster(cluster));
                }
                Delta::Uses(kind, uses) => {
                    self.entry(cluster).store_mut(kind).set_uses(uses);
                    self.moved.uses = true;
                }
            }
        }
    }

    fn put(
        &mut self,
        (feed, at): (FeedIndex, Stamp),
        object: Arc<Object>,
        dirty: &mut BTreeSet<Subject>,
    ) {
        let cluster = self.entry(&object.cluster.clone());
        if let Body::Lease(lease) = &object.body
            && cluster.renew(&object, at) > Duration::from_secs(lease.duration.into())
        {
            // It was late: whoever said so must look again. A timely renewal concerns nobody.
            dirty.insert(match &*object.namespace {
                NODE_LEASES => Subject::object(ObjectKind::Node, &object.cluster, "", &object.name),
                _ => Subject::cluster(&object.cluster),
            });
        }
        let old = cluster.put(feed, &object);
        self.note(old, Some(object), dirty);
    }

    /// Remembers one change for views, and marks what rules must look at again.
    fn note(
        &mut self,
        old: Option<Arc<Object>>,
        new: Option<Arc<Object>>,
        dirty: &mut BTreeSet<Subject>,
    ) {
        let Some(any) = new.as_ref().or(old.as_ref()) else {
            return;
        };
        let calm = |object: &Option<Arc<Object>>| object.as_ref().is_none_or(|o| o.is_settled());
        if !(calm(&old) && calm(&new)) {
            dirty.insert(any.subject());
        }
        match &any.body {
            // What hangs on a slice is whether its service has anybody to send to.
            Body::Endpoints(slice) => {
                if let Some(service) = &slice.service {
                    let (cluster, namespace) = (&any.cluster, &any.namespace);
                    let kind = ObjectKind::Service;
                    dirty.insert(Subject::object(kind, cluster, namespace, service));
                }
            }
            // How many of them are well is told of the cluster.
            Body::Node(_) => {
                dirty.insert(Subject::cluster(&any.cluster));
            }
            _ => {}
        }
        if matches!(any.body, Body::Event(_)) {
            let cluster = any.cluster.clone();
            for one in self.entry(&cluster).regroup(old.as_ref(), new.as_ref()) {
                self.moved.push(one);
            }
        } else {
            let one = Move { old, new };
            if kin::moves(&one) {
                self.moved_kin.push(one.clone());
            }
            self.moved.push(one);
        }
    }

    /// Objects that time alone may turn into a problem, a slice of them at each call, so that all
    /// were judged again within ten seconds and no call costs much.
    pub(super) fn due(&mut self, now: Stamp, dirty: &mut BTreeSet<Subject>) {
        let slice = self.rounds.slice(now);
        if slice == 0.0 {
            return;
        }
        for cluster in self.clusters.values_mut() {
            cluster.due(slice, dirty);
        }
    }

    /// Everything of this feed that somebody may have a verdict on: its freshness changed.
    pub(super) fn doubtful(&self, feed: FeedIndex, dirty: &mut BTreeSet<Subject>) {
        for cluster in self.clusters.values() {
            cluster.doubtful(feed, dirty);
        }
    }

    fn entry(&mut self, name: &Arc<str>) -> &mut Cluster {
        self.clusters
            .entry(name.clone())
            .or_insert_with(|| Cluster::new(name.clone()))
    }
}

impl super::Model {
    /// Kubernetes objects.
    #[must_use]
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Changes of objects since the last call, for views that keep an order.
    pub fn take_moved_objects(&mut self) -> Moved {
        self.objects.take_moved()
    }

    /// Changes since the last call of what stands around objects: their nodes, owners and claims,
    /// which of them are well, and what selects them.
    pub fn take_moved_kin(&mut self) -> Moved {
        std::mem::take(&mut self.objects.moved_kin)
    }

    /// Is there a subject of this kind among the objects?
    pub(super) fn has_object(&self, subject: &Subject) -> bool {
        subject.kind != SubjectKind::Cluster && self.objects.get(subject).is_some()
    }
}
