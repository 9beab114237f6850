//! Nodes that were lost at the same moment: what they share has failed, not each of them.

use std::time::Duration;

use jiff::Timestamp;

use super::{Finding, Rule, Severity, Verdict, node_lease_late, object, some_of};
use crate::clock::Stamp;
use crate::model::objects::{Cluster, NODE_LEASES};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, ObjectKind, Status};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// Kubelets renew every 10 s and are looked at every 5 s: what fails at once is seen to fail within
/// these seconds.
const MOMENT: f64 = 20.0;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "nodes-unready-together",
    doc: "many nodes were lost at the same moment
Threshold: three nodes, or all of two, stopped being ready, or renewed their leases no more, within
20 s: kubelets renew every 10 s and are looked at every 5 s (own choice; the node controller's zones
count three and 55 %).
It matters because nodes do not fail together by chance: what they share has failed, and what is
done to each of them helps nothing.
Look at network, power and storage that they share; at the control plane's load balancer and etcd,
since a stall of 40 to 50 s makes every node look silent; at what was rolled out to all of them.",
    on: &[SubjectKind::Cluster],
    needs: &[],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

/// Nodes lost at one moment, in the order of their loss.
pub(super) struct Lost<'a, T> {
    nodes: Vec<(T, &'a Object)>,
    all: usize,
}

impl Lost<'_, Timestamp> {
    /// Is a node that changed at this time one of them?
    pub fn includes(&self, since: Option<Timestamp>) -> bool {
        let (first, last) = (self.nodes.first(), self.nodes.last());
        let within = |at| first.is_some_and(|f| f.0 <= at) && last.is_some_and(|l| at <= l.0);
        since.is_some_and(within)
    }
}

/// The largest group of nodes that stopped being ready at one moment and still are not.
pub(super) fn find(cluster: &Cluster) -> Option<Lost<'_, Timestamp>> {
    let lost = |object: &Object| match &object.body {
        Body::Node(node) => {
            let ready = node.condition("Ready")?;
            (ready.status != Status::True).then_some(ready.since?)
        }
        _ => None,
    };
    together(cluster, lost, |a, b| b.duration_since(a).as_secs_f64())
}

/// The same by their leases, before the control plane says so, or where it cannot.
fn silent<'a>(snap: &Snapshot, cluster: &'a Cluster) -> Option<Lost<'a, Stamp>> {
    let lost = |object: &Object| {
        let lease = cluster.get(ObjectKind::Lease, NODE_LEASES, &object.name)?;
        let late = node_lease_late::silence(snap, lease, 1).ok()?;
        late.map(|silence| snap.now.stamp - silence)
    };
    together(cluster, lost, |a, b| b.since(a).as_secs_f64())
}

fn together<T: Copy + Ord>(
    cluster: &Cluster,
    lost: impl Fn(&Object) -> Option<T>,
    apart: impl Fn(T, T) -> f64,
) -> Option<Lost<'_, T>> {
    let all = cluster.count(ObjectKind::Node);
    let nodes = cluster.of_kind(ObjectKind::Node);
    let mut nodes: Vec<(T, &Object)> = nodes
        .filter_map(|object| Some((lost(object)?, &**object)))
        .collect();
    nodes.sort_by_key(|(since, _)| *since);
    let mut best = 0..0;
    let mut first = 0;
    for last in 0..nodes.len() {
        while apart(nodes[first].0, nodes[last].0) > MOMENT {
            first += 1;
        }
        if last + 1 - first > best.len() {
            best = first..last + 1;
        }
    }
    let enough = best.len() >= 3 || (best.len() == 2 && all == 2);
    enough.then(|| Lost {
        nodes: nodes[best].to_vec(),
        all,
    })
}

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let cluster = snap.cluster(&subject.path, &[ObjectKind::Node])?;
    if let Some(lost) = find(cluster) {
        let since = lost.nodes.first().map(|(since, _)| *since);
        let last = lost.nodes.last().zip(since);
        let apart = last.map(|(last, since)| Duration::try_from(last.0.duration_since(since)));
        let apart = apart.and_then(Result::ok).unwrap_or_default();
        let finding = finding(snap, subject, &lost, "nodes lost", apart);
        return Ok(finding.map(|finding| finding.since(since)).into());
    }
    let Some(lost) = silent(snap, cluster) else {
        return Ok(Verdict::Clear);
    };
    let ends = lost.nodes.first().zip(lost.nodes.last());
    let apart = ends.map_or(Duration::ZERO, |(first, last)| last.0.since(first.0));
    Ok(finding(snap, subject, &lost, "kubelets fell silent", apart).into())
}

fn finding<T>(
    snap: &Snapshot,
    subject: &Subject,
    lost: &Lost<T>,
    what: &str,
    apart: Duration,
) -> Option<Finding> {
    let (_, first) = lost.nodes.first()?;
    let within = span(Duration::from_secs(apart.as_secs().max(1)));
    let (count, all) = (lost.nodes.len(), lost.all);
    let names: Vec<&str> = lost.nodes.iter().map(|(_, node)| &*node.name).collect();
    let names = object::evidence(snap, first, "at one moment", some_of(&names, 8), "");
    let summary = format!("{count} of {all} {what} within {within}");
    Some(
        Finding::new(&RULE, subject, Severity::Critical, summary)
            .so_what("What they share has failed: network, power, or the way to the control plane.")
            .evidence(names),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, lost, node};

    fn says(since: &[Option<i64>]) -> String {
        let nodes = since.iter().enumerate().map(|(at, since)| {
            node(&format!("w-{at}"), |node| {
                if let Some(secs) = since {
                    lost(node, ago(*secs));
                }
            })
        });
        Scenario::kube(nodes).says(&RULE, "cluster/prod")
    }

    #[test]
    fn three_at_one_moment_are_no_chance() {
        let well = None;
        assert_eq!(
            says(&[Some(100), Some(90), Some(85), well, well, well]),
            "CRIT cluster/prod 3 of 6 nodes lost within 15s"
        );
        assert_eq!(says(&[Some(100), Some(70), Some(40), well, well]), "clear");
        assert_eq!(says(&[Some(100), Some(100), well, well]), "clear");
        assert_eq!(
            says(&[Some(100), Some(100)]),
            "CRIT cluster/prod 2 of 2 nodes lost within 1s"
        );
    }

    /// The cluster stalls: each node is lost, and all that was on them with it.
    #[test]
    fn six_nodes_and_twelve_pods_are_one_row() {
        let mut w = Scenario::fleet_of_six();
        w.run();
        assert_eq!(w.rows(), "");
        w.lose_all_nodes().run();
        assert_eq!(w.ledger.roots().len(), 1, "{}", w.rows());
        let rows = w.rows();
        assert!(
            rows.starts_with("CRIT nodes-unready-together cluster/prod\n  node-not-ready"),
            "{rows}"
        );
        assert!(
            rows.contains("    workload-unavailable deployment/prod/shop/web"),
            "{rows}"
        );
        // Five minutes later the pods are told to go, and what replaces them finds no place.
        w.evict_all_pods().run();
        assert_eq!(w.ledger.roots().len(), 1, "{}", w.rows());
        let rows = w.rows();
        assert!(rows.contains("pod-stuck"), "{rows}");
        assert!(rows.contains("pod-unschedulable"), "{rows}");
    }

    /// Nobody is there to say that the nodes are lost.
    #[test]
    fn leases_tell_it_before_the_control_plane_does() {
        let mut w = Scenario::fleet_of_six();
        w.wait(41).hear().run();
        assert_eq!(
            w.says(&RULE, "cluster/prod"),
            "CRIT cluster/prod 6 of 6 kubelets fell silent within 1s"
        );
        assert_eq!(w.ledger.roots().len(), 1, "{}", w.rows());
        assert_eq!(w.ledger.counts().all, 7);
    }

    #[test]
    fn a_node_that_was_lost_long_before_is_not_one_of_them() {
        let old = node("old", |node| lost(node, ago(90_000)));
        let new = (0..3).map(|n| node(&format!("w-{n}"), |node| lost(node, ago(60))));
        let mut w = Scenario::kube(new.chain([old]));
        w.run();
        let roots: Vec<String> = w.ledger.roots().iter().map(|r| r.id.to_string()).collect();
        assert_eq!(
            roots,
            [
                "nodes-unready-together cluster/prod",
                "node-not-ready node/prod/old"
            ]
        );
    }
}
