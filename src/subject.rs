//! What a fact is about.
//!
//! A subject prints exactly as a user would type it: `host/cp-2`, `etcd/prod/m1`, `mount/cp-2/var`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::objects::{ObjectKind, kind};

/// The kinds of thing that midwatch knows. A new one is a variant here and a word in [`KINDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    Fleet,
    Host,
    Mount,
    Disk,
    Nic,
    Etcd,
    EtcdMember,
    Prometheus,
    Alertmanager,
    Sntp,
    /// A Kubernetes cluster; its objects follow.
    Cluster,
    Node,
    Pod,
    Namespace,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    Job,
    CronJob,
    Event,
    Pdb,
    Pvc,
    Pv,
    Service,
    EndpointSlice,
    Quota,
    Lease,
    /// A configured target, for findings about the watching itself.
    Target,
}

/// Every kind with the word it prints as. Two kinds may share a word where the depth tells them
/// apart: `etcd/prod` is a cluster, `etcd/prod/m1` a member of it.
const KINDS: &[(SubjectKind, &str)] = &[
    (SubjectKind::Fleet, "fleet"),
    (SubjectKind::Host, "host"),
    (SubjectKind::Mount, "mount"),
    (SubjectKind::Disk, "disk"),
    (SubjectKind::Nic, "nic"),
    (SubjectKind::Etcd, "etcd"),
    (SubjectKind::EtcdMember, "etcd"),
    (SubjectKind::Prometheus, "prometheus"),
    (SubjectKind::Alertmanager, "alertmanager"),
    (SubjectKind::Sntp, "sntp"),
    (SubjectKind::Cluster, "cluster"),
    (SubjectKind::Node, "node"),
    (SubjectKind::Pod, "pod"),
    (SubjectKind::Namespace, "namespace"),
    (SubjectKind::Deployment, "deployment"),
    (SubjectKind::StatefulSet, "statefulset"),
    (SubjectKind::DaemonSet, "daemonset"),
    (SubjectKind::ReplicaSet, "replicaset"),
    (SubjectKind::Job, "job"),
    (SubjectKind::CronJob, "cronjob"),
    (SubjectKind::Event, "event"),
    (SubjectKind::Pdb, "pdb"),
    (SubjectKind::Pvc, "pvc"),
    (SubjectKind::Pv, "pv"),
    (SubjectKind::Service, "service"),
    (SubjectKind::EndpointSlice, "endpointslice"),
    (SubjectKind::Quota, "quota"),
    (SubjectKind::Lease, "lease"),
    (SubjectKind::Target, "target"),
];

impl SubjectKind {
    #[must_use]
    pub fn word(self) -> &'static str {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or("?", |(_, word)| word)
    }
}

/// A typed name. Cheap to clone; ordered by kind, then by path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub kind: SubjectKind,
    /// The path after the kind's word: `cp-2`, `prod/m1`, `cp-2/var`.
    pub path: Arc<str>,
}

impl Subject {
    #[must_use]
    pub fn fleet() -> Self {
        Self {
            kind: SubjectKind::Fleet,
            path: "".into(),
        }
    }

    #[must_use]
    pub fn new(kind: SubjectKind, path: impl Into<Arc<str>>) -> Self {
        Self {
            kind,
            path: path.into(),
        }
    }

    #[must_use]
    pub fn host(name: &str) -> Self {
        Self::new(SubjectKind::Host, name)
    }

    /// A mounted file system; `point` keeps its leading slash: `mount/cp-2/var`, `mount/cp-2/`.
    #[must_use]
    pub fn mount(host: &str, point: &str) -> Self {
        let slash = if point.starts_with('/') { "" } else { "/" };
        Self::new(SubjectKind::Mount, format!("{host}{slash}{point}"))
    }

    #[must_use]
    pub fn disk(host: &str, device: &str) -> Self {
        Self::new(SubjectKind::Disk, format!("{host}/{device}"))
    }

    #[must_use]
    pub fn nic(host: &str, device: &str) -> Self {
        Self::new(SubjectKind::Nic, format!("{host}/{device}"))
    }

    #[must_use]
    pub fn etcd(cluster: &str) -> Self {
        Self::new(SubjectKind::Etcd, cluster)
    }

    #[must_use]
    pub fn etcd_member(cluster: &str, member: &str) -> Self {
        Self::new(SubjectKind::EtcdMember, format!("{cluster}/{member}"))
    }

    #[must_use]
    pub fn prometheus(name: &str) -> Self {
        Self::new(SubjectKind::Prometheus, name)
    }

    #[must_use]
    pub fn alertmanager(name: &str) -> Self {
        Self::new(SubjectKind::Alertmanager, name)
    }

    #[must_use]
    pub fn sntp(name: &str) -> Self {
        Self::new(SubjectKind::Sntp, name)
    }

    #[must_use]
    pub fn cluster(name: &str) -> Self {
        Self::new(SubjectKind::Cluster, name)
    }

    /// A Kubernetes object; `namespace` is empty for kinds without.
    #[must_use]
    pub fn object(kind: ObjectKind, cluster: &str, namespace: &str, name: &str) -> Self {
        let path = if namespace.is_empty() {
            format!("{cluster}/{name}")
        } else {
            format!("{cluster}/{namespace}/{name}")
        };
        Self::new(kind.subject_kind(), path)
    }

    /// Kind, cluster, namespace (empty where the kind has none) and name, of a Kubernetes object.
    #[must_use]
    pub fn as_object(&self) -> Option<(ObjectKind, &str, &str, &str)> {
        let kind = ObjectKind::of_subject(self.kind)?;
        let (cluster, rest) = self.path.split_once('/')?;
        match kind.scope() {
            kind::Scope::Cluster => Some((kind, cluster, "", rest)),
            kind::Scope::Namespaced => {
                let (namespace, name) = rest.split_once('/')?;
                Some((kind, cluster, namespace, name))
            }
        }
    }

    /// The thing this one is a part of: the host of a mount, the cluster of a member.
    #[must_use]
    pub fn whole(&self) -> Option<Self> {
        let whole = match self.kind {
            SubjectKind::Mount | SubjectKind::Disk | SubjectKind::Nic => SubjectKind::Host,
            SubjectKind::EtcdMember => SubjectKind::Etcd,
            kind if ObjectKind::of_subject(kind).is_some() => SubjectKind::Cluster,
            _ => return None,
        };
        let (first, _) = self.path.split_once('/')?;
        Some(Self::new(whole, first))
    }

    /// The last part of the name, as a table shows it below a heading that names the whole:
    /// `m1` of `etcd/prod/m1`, `/var` of `mount/cp-2/var`.
    #[must_use]
    pub fn leaf(&self) -> &str {
        match self.kind {
            SubjectKind::Mount => self
                .path
                .find('/')
                .map_or(&self.path, |at| &self.path[at..]),
            SubjectKind::Disk | SubjectKind::Nic | SubjectKind::EtcdMember => self
                .path
                .split_once('/')
                .map_or(&self.path, |(_, rest)| rest),
            _ => self.as_object().map_or(&*self.path, |(_, _, _, name)| name),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(self.kind.word())
        } else {
            write!(f, "{}/{}", self.kind.word(), self.path)
        }
    }
}

/// Why a text is no subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a subject; write KIND/NAME, such as host/cp-2 or etcd/prod/m1")]
pub struct NotASubject(pub String);

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "fleet" {
            return Ok(Self::fleet());
        }
        let no = || NotASubject(text.to_owned());
        let (word, path) = text.split_once('/').ok_or_else(no)?;
        if path.is_empty() {
            return Err(no());
        }
        let kind = match (word, path.contains('/')) {
            ("etcd", true) => SubjectKind::EtcdMember,
            ("etcd", false) => SubjectKind::Etcd,
            _ => {
                KINDS
                    .iter()
                    .find(|(_, known)| *known == word)
                    .ok_or_else(no)?
                    .0
            }
        };
        Ok(Self::new(kind, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_typed_and_reads_back() {
        for text in [
            "host/cp-2",
            "etcd/prod",
            "etcd/prod/m1",
            "prometheus/a",
            "mount/cp-2/var/lib",
            "fleet",
            "node/prod/w-03",
            "pod/prod/shop/web-1",
        ] {
            let subject: Subject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
        }
    }

    #[test]
    fn a_mount_belongs_to_its_host_and_keeps_its_slash() {
        let root = Subject::mount("cp-2", "/");
        assert_eq!(root.whole(), Some(Subject::host("cp-2")));
        assert_eq!(root.leaf(), "/");
        assert_eq!(Subject::mount("cp-2", "/var").to_string(), "mount/cp-2/var");
    }

    #[test]
    fn nonsense_is_refused_with_the_form_that_is_wanted() {
        let error = "planet/earth".parse::<Subject>().unwrap_err().to_string();
        assert!(error.contains("KIND/NAME"), "{error}");
        assert!("host/".parse::<Subject>().is_err());
    }
}
