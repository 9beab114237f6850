//! The kinds of object that are watched and judged, with their names on the API. Any other kind is
//! only shown, as the table that the server makes of it.

use serde::{Deserialize, Serialize};

use crate::subject::SubjectKind;

/// Does a kind live in namespaces?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Cluster,
    Namespaced,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $subject:ident $kind:literal $group:literal $version:literal $plural:literal $scope:ident [$($short:literal),*];)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum ObjectKind { $($(#[$doc])* $name,)* }

        impl ObjectKind {
            /// Every kind; a kind's place here is [`ObjectKind::index`].
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As the API says it in `kind`: `Pod`.
            #[must_use]
            pub const fn api_kind(self) -> &'static str {
                match self { $(Self::$name => $kind,)* }
            }

            /// Empty for the core group.
            #[must_use]
            pub const fn group(self) -> &'static str {
                match self { $(Self::$name => $group,)* }
            }

            #[must_use]
            pub const fn version(self) -> &'static str {
                match self { $(Self::$name => $version,)* }
            }

            /// As in URLs and role rules: `pods`.
            #[must_use]
            pub const fn plural(self) -> &'static str {
                match self { $(Self::$name => $plural,)* }
            }

            #[must_use]
            pub const fn scope(self) -> Scope {
                match self { $(Self::$name => Scope::$scope,)* }
            }

            #[must_use]
            pub const fn subject_kind(self) -> SubjectKind {
                match self { $(Self::$name => SubjectKind::$subject,)* }
            }

            #[must_use]
            pub fn of_subject(kind: SubjectKind) -> Option<Self> {
                match kind { $(SubjectKind::$subject => Some(Self::$name),)* _ => None }
            }

            /// The short names that kubectl takes for it.
            #[must_use]
            pub const fn short_names(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($short),*],)* }
            }
        }
    };
}

kinds! {
    Node Node "Node" "" "v1" "nodes" Cluster ["no"];
    Pod Pod "Pod" "" "v1" "pods" Namespaced ["po"];
    Namespace Namespace "Namespace" "" "v1" "namespaces" Cluster ["ns"];
    Deployment Deployment "Deployment" "apps" "v1" "deployments" Namespaced ["deploy"];
    StatefulSet StatefulSet "StatefulSet" "apps" "v1" "statefulsets" Namespaced ["sts"];
    DaemonSet DaemonSet "DaemonSet" "apps" "v1" "daemonsets" Namespaced ["ds"];
    /// For ownership: between a deployment and its pods.
    ReplicaSet ReplicaSet "ReplicaSet" "apps" "v1" "replicasets" Namespaced ["rs"];
    Job Job "Job" "batch" "v1" "jobs" Namespaced [];
    CronJob CronJob "CronJob" "batch" "v1" "cronjobs" Namespaced ["cj"];
    Event Event "Event" "" "v1" "events" Namespaced ["ev"];
    DisruptionBudget Pdb "PodDisruptionBudget" "policy" "v1" "poddisruptionbudgets" Namespaced ["pdb"];
    VolumeClaim Pvc "PersistentVolumeClaim" "" "v1" "persistentvolumeclaims" Namespaced ["pvc"];
    Volume Pv "PersistentVolume" "" "v1" "persistentvolumes" Cluster ["pv"];
    Service Service "Service" "" "v1" "services" Namespaced ["svc"];
    Endpoints EndpointSlice "EndpointSlice" "discovery.k8s.io" "v1" "endpointslices" Namespaced [];
    Quota Quota "ResourceQuota" "" "v1" "resourcequotas" Namespaced ["quota"];
    Lease Lease "Lease" "coordination.k8s.io" "v1" "leases" Namespaced [];
}

impl ObjectKind {
    /// Place in [`ObjectKind::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    #[must_use]
    pub const fn is_namespaced(self) -> bool {
        matches!(self.scope(), Scope::Namespaced)
    }

    /// The kind that kubectl's users mean by a word: its plural, its singular or a short name.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let means = |kind: &&Self| {
            kind.plural() == word
                || kind.api_kind().eq_ignore_ascii_case(word)
                || kind.short_names().contains(&word)
        };
        Self::ALL.iter().find(means).copied()
    }

    /// The path under which its objects are: `/api/v1/pods`, `/apis/apps/v1/namespaces/shop/deployments`.
    #[must_use]
    pub fn path(self, namespace: Option<&str>) -> String {
        let root = if self.group().is_empty() {
            format!("/api/{}", self.version())
        } else {
            format!("/apis/{}/{}", self.group(), self.version())
        };
        match namespace {
            Some(namespace) if self.scope() == Scope::Namespaced => {
                format!("{root}/namespaces/{namespace}/{}", self.plural())
            }
            _ => format!("{root}/{}", self.plural()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_stands_at_its_index_and_is_found_by_its_subject() {
        for (at, kind) in ObjectKind::ALL.iter().enumerate() {
            assert_eq!(kind.index(), at);
            assert_eq!(ObjectKind::of_subject(kind.subject_kind()), Some(*kind));
        }
    }

    #[test]
    fn a_kind_has_the_names_that_kubectl_takes() {
        for word in ["po", "pod", "pods", "Pod"] {
            assert_eq!(ObjectKind::named(word), Some(ObjectKind::Pod), "{word}");
        }
        assert_eq!(ObjectKind::named("cj"), Some(ObjectKind::CronJob));
        assert_eq!(ObjectKind::named("p"), None);
    }

    #[test]
    fn paths_are_those_of_the_api() {
        assert_eq!(
            ObjectKind::Pod.path(Some("shop")),
            "/api/v1/namespaces/shop/pods"
        );
        assert_eq!(ObjectKind::Node.path(Some("shop")), "/api/v1/nodes");
        assert_eq!(
            ObjectKind::Deployment.path(None),
            "/apis/apps/v1/deployments"
        );
    }
}
