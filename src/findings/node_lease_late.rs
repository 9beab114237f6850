//! A kubelet that does not renew its lease, as seen by this machine's own watch.

use std::time::Duration;

use super::{Cause, Finding, Rule, Severity, Verdict, object};
use crate::model::objects::NODE_LEASES;
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, ObjectKind, Status};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "node-lease-late",
    doc: "a kubelet does not renew its lease
Threshold: no renewal was seen for longer than the lease lasts (40 s; kubelets renew every 10 s),
counted by this machine's own clock since its watch runs, so that no wrong clock can raise it.
It matters because the control plane is about to call the node lost; where it does not, nobody is
there to do so.
Look at the node's kubelet and its way to the API server.",
    on: &[SubjectKind::Node],
    needs: &[],
    causes: &[
        Cause::same("node-not-ready"),
        Cause::whole("nodes-unready-together"),
        Cause::host("host-down"),
    ],
    check: |snap, node| judge(snap, node).into(),
};

/// How long a lease was not renewed while its watch would have told, where that is longer than it
/// lasts `times` over.
pub(super) fn silence(
    snap: &Snapshot,
    lease: &Object,
    times: u32,
) -> Result<Option<Duration>, Doubt> {
    let lease = snap.object(&lease.subject())?;
    let Body::Lease(body) = &lease.body else {
        return Ok(None);
    };
    let cluster = snap.model.objects().cluster(&lease.cluster);
    let heard = cluster.and_then(|cluster| {
        let feed = &snap.model.feeds()[cluster.feed_of(lease)?];
        Some(cluster.renewed_at(lease)?.max(feed.ok_since?.stamp))
    });
    let silent = heard.map(|heard| snap.now.stamp.since(heard));
    let lasts = Duration::from_secs(body.duration.into());
    Ok(silent.filter(|silent| *silent > lasts * times))
}

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let cluster = snap.cluster(&object.cluster, &[ObjectKind::Lease])?;
    // A virtual node may keep none.
    let Some(lease) = cluster.get(ObjectKind::Lease, NODE_LEASES, &object.name) else {
        return Ok(Verdict::NotApplicable);
    };
    let (Some(silent), None) = (silence(snap, lease, 1)?, object.deleting) else {
        return Ok(Verdict::Clear);
    };
    let told = match &object.body {
        Body::Node(node) if node.ready() == Status::True => ", yet the cluster calls it ready",
        _ => "",
    };
    let renewed = match &lease.body {
        Body::Lease(lease) => lease.renewed.map(|at| at.to_string()),
        _ => None,
    };
    let summary = format!("lease not renewed for {}{told}", span(silent));
    let by_holder = renewed.unwrap_or_else(|| "never".into());
    let finding = Finding::new(&RULE, subject, Severity::Warning, summary)
        .so_what("Its kubelet does not reach the API server.")
        .evidence(object::evidence(
            snap,
            lease,
            "renewed, by the holder's clock",
            by_holder,
            "",
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::kube::seen;
    use crate::findings::scenario::objects::{ago, lease, node};

    const NODE: &str = "node/prod/w-1";

    fn world(renewed: i64) -> Scenario {
        Scenario::kube([
            node("w-1", |_| {}),
            lease("kube-node-lease/w-1", 40, ago(renewed)),
        ])
    }

    #[test]
    fn silence_is_counted_by_our_own_clock() {
        // The holder's clock is an hour behind: no reason for an alarm.
        let mut w = world(3600);
        assert_eq!(w.says(&RULE, NODE), "clear");
        w.wait(40).hear();
        assert_eq!(w.says(&RULE, NODE), "clear");
        w.wait(1).hear();
        assert_eq!(
            w.says(&RULE, NODE),
            "WARN node/prod/w-1 lease not renewed for 41s, yet the cluster calls it ready"
        );
        w.put(lease("kube-node-lease/w-1", 40, ago(3559)));
        assert_eq!(w.says(&RULE, NODE), "clear");
    }

    #[test]
    fn telling_the_same_again_is_no_renewal() {
        let mut w = world(5);
        w.wait(41)
            .put(lease("kube-node-lease/w-1", 40, ago(5)))
            .hear();
        assert!(w.says(&RULE, NODE).starts_with("WARN"));
    }

    #[test]
    fn while_the_watch_was_broken_nothing_could_be_seen() {
        let mut w = world(5);
        w.wait(20).hear().lose_watch(ObjectKind::Lease);
        assert!(w.says(&RULE, NODE).starts_with("unknown: leases"));
        w.wait(40).hear();
        assert_eq!(w.says(&RULE, NODE), "clear");
        w.wait(41).hear();
        assert!(w.says(&RULE, NODE).starts_with("WARN"));
    }

    #[test]
    fn a_late_renewal_is_looked_at_once() {
        let mut w = world(5);
        w.run();
        w.wait(60).hear().run();
        assert_eq!(w.rows(), "WARN node-lease-late node/prod/w-1\n");
        w.put(lease("kube-node-lease/w-1", 40, ago(-60)));
        assert_eq!(seen(&mut w), ["node/prod/w-1"]);
    }

    #[test]
    fn a_node_without_a_lease_is_not_judged() {
        let w = Scenario::kube([node("virtual", |_| {})]);
        assert_eq!(w.says(&RULE, "node/prod/virtual"), "n/a");
    }
}
