//! Nodes: conditions, room, taints, versions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Condition, Resources, Status};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Cordoned: `spec.unschedulable`.
    pub unschedulable: bool,
    pub taints: Box<[Taint]>,
    pub conditions: Box<[Condition]>,
    pub capacity: Resources,
    pub allocatable: Resources,
    /// How many pods it may carry.
    pub pods: Option<u64>,
    /// From the labels `node-role.kubernetes.io/ROLE`, in order.
    pub roles: Box<[Arc<str>]>,
    pub addresses: Box<[(Arc<str>, Arc<str>)]>,
    pub kubelet: Arc<str>,
    pub runtime: Arc<str>,
    pub kernel: Arc<str>,
    pub os_image: Arc<str>,
    pub architecture: Arc<str>,
    pub boot_id: Arc<str>,
    pub provider_id: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Taint {
    pub key: Arc<str>,
    pub value: Arc<str>,
    pub effect: Arc<str>,
}

impl Node {
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| &*c.kind == kind)
    }

    /// What the `Ready` condition says; unknown where there is none.
    #[must_use]
    pub fn ready(&self) -> Status {
        self.condition("Ready")
            .map_or(Status::Unknown, |c| c.status)
    }

    #[must_use]
    pub fn is_control_plane(&self) -> bool {
        self.roles
            .iter()
            .any(|role| matches!(&**role, "control-plane" | "master" | "etcd"))
    }
}
