//! Whose logs are read: the pods that were chosen or that a workload has, and those that take their
//! place. Goes by the kept objects alone; asks nobody.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::model::objects::Objects;
use crate::objects::{Body, Object, ObjectKind};
use crate::subject::Subject;

/// Levels of ownership between a workload and its pods; a circle must not hang.
const DEPTH: usize = 4;

/// One pod that was or is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub cluster: Arc<str>,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    /// Empty for a pod that is not among the kept objects.
    pub uid: Arc<str>,
    /// Deleted, or another one has its name now.
    pub gone: bool,
    replaced: bool,
    root: Option<Root>,
}

/// Who makes a new pod when this one is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    Kept(Subject),
    /// An owner of a kind that is not kept, by its uid.
    Other(Arc<str>),
}

/// All pods of one page of logs.
#[derive(Clone, Debug, Default)]
pub struct Members {
    list: Vec<Member>,
    /// Workloads of which every new pod is read.
    workloads: Vec<Subject>,
    /// Uids of pods that were there already: none of them takes another's place.
    seen: BTreeSet<Arc<str>>,
}

/// What happened among them; numbers are places in [`Members::list`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Joined(usize),
    /// The second takes the place of the first.
    Replaced(usize, usize),
    Left(usize),
}

impl Members {
    /// Of pods and of workloads. A pod that is not among the objects is taken at its name.
    #[must_use]
    pub fn new(subjects: &[Subject], objects: &Objects) -> Self {
        let mut members = Self::default();
        for subject in subjects {
            let found = objects.get(subject);
            match (subject.as_object(), found) {
                (Some((ObjectKind::Pod, ..)), Some(pod)) => members.choose(pod, objects),
                (Some((ObjectKind::Pod, cluster, namespace, name)), None) => {
                    members.list.push(Member {
                        cluster: cluster.into(),
                        namespace: namespace.into(),
                        name: name.into(),
                        uid: "".into(),
                        gone: false,
                        replaced: false,
                        root: None,
                    });
                }
                _ => members.workloads.push(subject.clone()),
            }
        }
        members.update(objects);
        members
    }

    #[must_use]
    pub fn list(&self) -> &[Member] {
        &self.list
    }

    /// Can new pods still come?
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.workloads.is_empty() || self.list.iter().any(|member| member.root.is_some())
    }

    fn choose(&mut self, pod: &Arc<Object>, objects: &Objects) {
        let root = root_of(pod, objects);
        if let Some(root) = &root {
            for sibling in under(root, pod, objects) {
                self.seen.insert(sibling.uid.clone());
            }
        }
        self.add(pod, root);
    }

    fn add(&mut self, pod: &Object, root: Option<Root>) -> usize {
        self.seen.insert(pod.uid.clone());
        self.list.push(Member {
            cluster: pod.cluster.clone(),
            namespace: pod.namespace.clone(),
            name: pod.name.clone(),
            uid: pod.uid.clone(),
            gone: false,
            replaced: false,
            root,
        });
        self.list.len() - 1
    }

    /// The pod as it is now, while it is the same one.
    #[must_use]
    pub fn pod<'a>(&self, member: usize, objects: &'a Objects) -> Option<&'a Arc<Object>> {
        let member = self.list.get(member)?;
        let cluster = objects.cluster(&member.cluster)?;
        cluster
            .get(ObjectKind::Pod, &member.namespace, &member.name)
            .filter(|pod| pod.uid == member.uid)
    }

    /// Compares with the objects as they are now.
    pub fn update(&mut self, objects: &Objects) -> Vec<Change> {
        let mut changes = Vec::new();
        for at in 0..self.list.len() {
            let member = &self.list[at];
            let known = !member.uid.is_empty() && !member.gone;
            if known && self.pod(at, objects).is_none() {
                self.list[at].gone = true;
                changes.push(Change::Left(at));
            }
        }
        for at in 0..self.list.len() {
            if let Some(heir) = self.heir(at, objects) {
                let root = self.list[at].root.clone();
                self.list[at].replaced = true;
                changes.push(Change::Replaced(at, self.add(&heir, root)));
            }
        }
        for workload in self.workloads.clone() {
            let Some(owner) = objects.get(&workload) else {
                continue;
            };
            for pod in pods_of(owner, objects) {
                if !self.seen.contains(&pod.uid) {
                    changes.push(Change::Joined(self.add(&pod, None)));
                }
            }
        }
        changes
    }

    /// The pod that takes the place of one that is gone: of the same name, else the oldest that its
    /// owner made since.
    fn heir(&self, at: usize, objects: &Objects) -> Option<Arc<Object>> {
        let member = &self.list[at];
        if !member.gone || member.replaced {
            return None;
        }
        let of_name =
            objects
                .cluster(&member.cluster)?
                .get(ObjectKind::Pod, &member.namespace, &member.name);
        let new = |pod: &Arc<Object>| !self.seen.contains(&pod.uid);
        if let Some(pod) = of_name.filter(|pod| new(pod)) {
            return Some(pod.clone());
        }
        let siblings = match member.root.as_ref()? {
            Root::Kept(subject) => pods_of(objects.get(subject)?, objects),
            Root::Other(uid) => objects.cluster(&member.cluster)?.owned_by(uid).to_vec(),
        };
        siblings
            .into_iter()
            .filter(new)
            .min_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)))
    }
}

fn root_of(pod: &Object, objects: &Objects) -> Option<Root> {
    match objects.root_owner_of(pod) {
        Some(root) => Some(Root::Kept(root.subject())),
        None => Some(Root::Other(pod.owner.as_ref()?.uid.clone())),
    }
}

fn under(root: &Root, pod: &Object, objects: &Objects) -> Vec<Arc<Object>> {
    match root {
        Root::Kept(subject) => objects
            .get(subject)
            .map(|owner| pods_of(owner, objects))
            .unwrap_or_default(),
        Root::Other(uid) => objects
            .cluster(&pod.cluster)
            .map(|cluster| cluster.owned_by(uid).to_vec())
            .unwrap_or_default(),
    }
}

/// The pods that an object controls, directly or by what it controls.
#[must_use]
pub fn pods_of(owner: &Object, objects: &Objects) -> Vec<Arc<Object>> {
    let mut pods = Vec::new();
    let mut level = objects.owned_by(owner).to_vec();
    for _ in 0..DEPTH {
        let mut below = Vec::new();
        for object in level {
            if matches!(object.body, Body::Pod(_)) {
                pods.push(object);
            } else {
                below.extend_from_slice(objects.owned_by(&object));
            }
        }
        level = below;
    }
    pods
}
