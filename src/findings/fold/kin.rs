//! What stands around a finding's subject: its host, its nodes, what made it, what it mounts. Looked
//! up only for findings, and only when a cause is sought there.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::findings::pod_unschedulable::waits_for_lost_nodes;
use crate::model::Model;
use crate::model::objects::Cluster;
use crate::objects::{Body, Object, ObjectKind, Pod, Selector};
use crate::subject::{Subject, SubjectKind};

/// Kinds whose pods a service can select.
const MAKERS: [ObjectKind; 3] = [
    ObjectKind::Deployment,
    ObjectKind::StatefulSet,
    ObjectKind::DaemonSet,
];

pub(super) struct Kin<'a> {
    model: &'a Model,
    subject: &'a Subject,
    object: Option<&'a Object>,
    owners: OnceCell<Vec<Subject>>,
}

impl<'a> Kin<'a> {
    pub fn of(model: &'a Model, subject: &'a Subject) -> Self {
        Self {
            model,
            subject,
            object: model.objects().get(subject).map(AsRef::as_ref),
            owners: OnceCell::new(),
        }
    }

    /// The host that it runs on; of a node, the host at one of its addresses or of its name.
    pub fn host(&self) -> Option<&'a Subject> {
        let topology = self.model.topology();
        let Some(Body::Node(node)) = self.object.map(|object| &object.body) else {
            return topology.host_of(self.subject);
        };
        let at = |address: &str| topology.at(address, self.subject);
        let mut addresses = node.addresses.iter().map(|(_, address)| &**address);
        let polled = addresses
            .find_map(|address| at(address).filter(|found| found.kind == SubjectKind::Host));
        polled.or_else(|| topology.host_of(&Subject::host(self.subject.leaf())))
    }

    /// The node of a pod. Of a workload the nodes that `is_hit` takes, if they account for every pod
    /// that it lacks: one that is not ready there, or one that waits because of them.
    pub fn nodes(&self, is_hit: impl Fn(&Subject) -> bool) -> Vec<Subject> {
        let Some((object, cluster)) = self.object.zip(self.cluster()) else {
            return Vec::new();
        };
        let node_of = |pod: &Pod| {
            let name = pod.node.as_ref()?;
            Some(Subject::object(ObjectKind::Node, cluster.name(), "", name))
        };
        let (workload, has_successors) = match &object.body {
            Body::Pod(pod) => return node_of(pod).into_iter().collect(),
            Body::Deployment(workload) => (workload, true),
            Body::StatefulSet(workload) | Body::DaemonSet(workload) => (workload, false),
            _ => return Vec::new(),
        };
        let mut hit: Vec<Subject> = Vec::new();
        let mut explained = 0;
        for pod in cluster.pods_of(object) {
            let Body::Pod(body) = &pod.body else { continue };
            match node_of(body) {
                Some(node) if !is_well(pod) && is_hit(&node) => {
                    // Of a pod on its way out it is the successor that is lacking.
                    explained += u32::from(pod.deleting.is_none() || !has_successors);
                    hit.push(node);
                }
                None if waits_for_lost_nodes(body) => explained += 1,
                _ => {}
            }
        }
        if explained < workload.desired.saturating_sub(workload.available) {
            return Vec::new();
        }
        hit.sort();
        hit.dedup();
        hit
    }

    /// What made it, the nearest first; the workloads whose pods a service selects.
    pub fn owners(&self) -> &[Subject] {
        self.owners.get_or_init(|| {
            let Some((object, cluster)) = self.object.zip(self.cluster()) else {
                return Vec::new();
            };
            match &object.body {
                Body::Service(service) => match &service.selector {
                    Some(selector) => self.behind(cluster, &object.namespace, selector),
                    None => Vec::new(),
                },
                _ => self.above(object),
            }
        })
    }

    /// Claims that a pod mounts.
    pub fn claims(&self) -> Vec<Subject> {
        let Some(object) = self.object else {
            return Vec::new();
        };
        let Body::Pod(pod) = &object.body else {
            return Vec::new();
        };
        let (cluster, namespace) = (&object.cluster, &object.namespace);
        let kind = ObjectKind::VolumeClaim;
        let claims = pod.claims.iter();
        claims
            .map(|claim| Subject::object(kind, cluster, namespace, claim))
            .collect()
    }

    /// The workloads whose pods are selected: by the labels that they select by themselves, else by
    /// those of a pod.
    fn behind(&self, cluster: &Cluster, namespace: &str, selector: &Selector) -> Vec<Subject> {
        let makers = MAKERS.iter();
        let makers = makers.flat_map(|kind| cluster.in_namespace(*kind, namespace));
        let made = makers.filter(|maker| {
            maker
                .workload()
                .is_some_and(|w| selector.selects(&w.selector.pairs))
        });
        let made: Vec<Subject> = made.map(|maker| maker.subject()).collect();
        if !made.is_empty() {
            return made;
        }
        let mut pods = cluster.in_namespace(ObjectKind::Pod, namespace);
        let pod = pods.find(|pod| selector.selects(&pod.labels));
        pod.map_or_else(Vec::new, |pod| self.above(pod))
    }

    fn above(&self, object: &Object) -> Vec<Subject> {
        let objects = self.model.objects();
        let up = |object: &&'a Arc<Object>| objects.owner_of(object);
        // Ownership has few levels; a circle must not hang.
        let chain = std::iter::successors(objects.owner_of(object), up).take(8);
        chain.map(|owner| owner.subject()).collect()
    }

    fn cluster(&self) -> Option<&'a Cluster> {
        self.model.objects().cluster(&self.object?.cluster)
    }
}

fn is_well(pod: &Object) -> bool {
    matches!(&pod.body, Body::Pod(body) if body.ready && pod.deleting.is_none())
}
