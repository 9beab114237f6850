//! Nodes.

use std::sync::Arc;

use super::super::proto;
use super::super::wire::Malformed;
use super::Decoder;
use crate::objects::{Node, Taint};

/// A label whose key ends in a role.
const ROLE: &str = "node-role.kubernetes.io/";

impl Decoder {
    pub(super) fn node(
        &mut self,
        meta: &proto::Meta<'_>,
        node: &proto::Node<'_>,
    ) -> Result<Node, Malformed> {
        let (spec, status) = (&node.spec, &node.status);
        let mut taints = Vec::new();
        for taint in spec.taints.iter() {
            let taint = taint?;
            taints.push(Taint {
                key: self.pool.text(&taint.key),
                value: self.pool.text(&taint.value),
                effect: self.pool.text(&taint.effect),
            });
        }
        let mut conditions = Vec::new();
        for c in status.conditions.iter() {
            let c = c?;
            conditions.push(self.condition(&c.kind, &c.status, &c.since, (&c.reason, &c.message)));
        }
        let mut addresses = Vec::new();
        for address in status.addresses.iter() {
            let address = address?;
            addresses.push((self.pool.text(&address.kind), (*address.address).into()));
        }
        let system = &status.system;
        Ok(Node {
            unschedulable: spec.unschedulable,
            taints: taints.into(),
            conditions: conditions.into(),
            capacity: self.resources(&status.capacity)?,
            allocatable: self.resources(&status.allocatable)?,
            pods: self.amount_of(&status.allocatable, "pods")?,
            roles: self.roles(meta)?,
            addresses: addresses.into(),
            kubelet: self.pool.text(&system.kubelet),
            runtime: self.pool.text(&system.runtime),
            kernel: self.pool.text(&system.kernel),
            os_image: self.pool.text(&system.os_image),
            architecture: self.pool.text(&system.architecture),
            boot_id: (*system.boot_id).into(),
            provider_id: self.pool.some(&spec.provider_id),
        })
    }

    fn roles(&mut self, meta: &proto::Meta<'_>) -> Result<Box<[Arc<str>]>, Malformed> {
        let mut roles = Vec::new();
        for label in meta.labels.iter() {
            let label = label?;
            if let Some(role) = label.key.strip_prefix(ROLE)
                && !role.is_empty()
            {
                roles.push(self.pool.text(role));
            }
        }
        roles.sort_unstable();
        Ok(roles.into())
    }
}
