//! Which changes of an object move what stands around it, or around others. Looks at nothing else.

use super::Move;
use crate::objects::{Body, Object};

/// Is somebody else the node, the owner, the claim or the pod of anything after this change?
pub(super) fn moves(one: &Move) -> bool {
    match (&one.old, &one.new) {
        (Some(old), Some(new)) => !stands_as(old, new),
        (Some(only), None) | (None, Some(only)) => concerns_others(only),
        (None, None) => false,
    }
}

fn concerns_others(object: &Object) -> bool {
    matches!(
        object.body,
        Body::Pod(_)
            | Body::Node(_)
            | Body::Deployment(_)
            | Body::StatefulSet(_)
            | Body::DaemonSet(_)
            | Body::ReplicaSet(_)
            | Body::Job(_)
            | Body::CronJob(_)
            | Body::Service(_)
    )
}

fn stands_as(old: &Object, new: &Object) -> bool {
    if !concerns_others(new) {
        return true;
    }
    let around = |object: &Object| (object.uid.clone(), object.owner.clone());
    if around(old) != around(new) {
        return false;
    }
    match (&old.body, &new.body) {
        (Body::Pod(a), Body::Pod(b)) => {
            (&a.node, &a.claims, a.ready, &a.unscheduled)
                == (&b.node, &b.claims, b.ready, &b.unscheduled)
                && old.deleting.is_some() == new.deleting.is_some()
                && old.labels == new.labels
        }
        (Body::Node(a), Body::Node(b)) => a.addresses == b.addresses,
        (Body::Service(a), Body::Service(b)) => a.selector == b.selector,
        _ => match (old.workload(), new.workload()) {
            (Some(a), Some(b)) => {
                (a.desired, a.available, &a.selector) == (b.desired, b.available, &b.selector)
            }
            (None, None) => true,
            _ => false,
        },
    }
}
