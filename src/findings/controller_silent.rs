//! A part of the control plane that leads by a lease and does not renew it.

use super::{Finding, Rule, Severity, node_lease_late, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Lease, Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// The leases of the leaders, and what does not happen without them.
const LEADERS: [(&str, &str); 2] = [
    (
        "kube-controller-manager",
        "Nothing is repaired, replaced or scaled, and lost nodes are not noticed.",
    ),
    ("kube-scheduler", "New pods are not placed on any node."),
];

/// A lost leader is followed by another within its lease and one retry (15 s and 2 s by default):
/// twice the lease is no hand-over any more.
const LEASES: u32 = 2;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "controller-silent",
    doc: "a controller of the control plane has no leader
Threshold: its lease was not renewed for twice its duration (15 s by default, renewed every 2 s),
counted by this machine's own clock since its watch runs.
It matters because the API answers as ever while nothing acts on what it is told.
Look at its pods or processes on the control plane nodes, and whether writes to etcd take longer
than the 10 s in which a leader must renew.",
    on: &[SubjectKind::Cluster],
    needs: &[],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let cluster = snap.cluster(&subject.path, &[ObjectKind::Lease])?;
    let mut found = Vec::new();
    for (name, so_what) in LEADERS {
        // Others run the control plane of many clusters, and their leases are not to be seen.
        let Some(lease) = cluster.get(ObjectKind::Lease, "kube-system", name) else {
            continue;
        };
        let Some(silent) = node_lease_late::silence(snap, lease, LEASES)? else {
            continue;
        };
        let Body::Lease(body) = &lease.body else {
            continue;
        };
        let summary = format!(
            "{name} has no leader: lease not renewed for {}",
            span(silent)
        );
        let holder = holder(snap, lease, body);
        found.push(
            Finding::new(&RULE, subject, Severity::Critical, summary)
                .key(name)
                .so_what(so_what)
                .evidence(holder),
        );
    }
    Ok(found)
}

fn holder(snap: &Snapshot, lease: &Object, body: &Lease) -> super::Evidence {
    let holder = body.holder.as_deref().unwrap_or("nobody");
    let value = format!("{holder}, after {} hand-overs", body.transitions);
    object::evidence(snap, lease, "held last by", value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, lease};

    #[test]
    fn a_scheduler_that_renews_nothing_is_silent() {
        let held = |secs| lease("kube-system/kube-scheduler", 15, ago(secs));
        let mut w = Scenario::kube([held(1)]);
        w.wait(30).hear();
        assert_eq!(w.says(&RULE, "cluster/prod"), "clear");
        w.wait(1).hear();
        assert_eq!(
            w.says(&RULE, "cluster/prod"),
            "CRIT cluster/prod kube-scheduler has no leader: lease not renewed for 31s"
        );
        w.run();
        // Its return is seen at once, without waiting for the next poll.
        w.put(held(-31)).run();
        assert_eq!(w.rows(), "");
    }

    #[test]
    fn a_control_plane_that_others_run_is_not_judged() {
        let w = Scenario::kube([lease("kube-system/cloud-lock", 15, ago(9000))]);
        assert_eq!(w.says(&RULE, "cluster/prod"), "clear");
    }
}
