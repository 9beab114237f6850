//! A node whose kubelet says that it is not ready, or says nothing any more.

use super::{Cause, Finding, Rule, Severity, Verdict, nodes_unready_together, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Condition, Node, Object, Status};
use crate::subject::{Subject, SubjectKind};

/// A node that was made less than this many seconds ago is joining (own choice; a kubelet is ready
/// once its container network is).
const JOINING: f64 = 300.0;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "node-not-ready",
    doc: "a node is not ready
Threshold: the condition Ready is not True; Unknown means that its kubelet has renewed nothing for
the node monitor's grace (50 s, 40 s in older releases). Critical, but a warning while it is
cordoned or was made less than five minutes ago.
It matters because its pods serve no more, and after five minutes they are replaced elsewhere.
Look at the machine first, then at its kubelet, container runtime and network.",
    on: &[SubjectKind::Node],
    needs: &[],
    causes: &[Cause::host("host-down")],
    check: |snap, node| judge(snap, node).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::Node(node) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    if node.ready() == Status::True || object.deleting.is_some() {
        return Ok(Verdict::Clear);
    }
    let condition = node.condition("Ready");
    let (severity, state) = grade(snap, object, node);
    let why = condition.map_or_else(|| "it never told".into(), told);
    let since = condition.and_then(|condition| condition.since);
    let mut finding = Finding::new(&RULE, subject, severity, format!("{state}: {why}"))
        .since(since)
        .so_what("Its pods serve no more; after five minutes they are replaced elsewhere.");
    if let Some(condition) = condition {
        let value = format!("{:?} ({})", condition.status, condition.reason);
        finding = finding.evidence(object::evidence(snap, object, "Ready", value, "True"));
    }
    let cluster = snap.model.objects().cluster(&object.cluster);
    let together = cluster.and_then(nodes_unready_together::find);
    if together.is_some_and(|lost| lost.includes(since)) {
        finding = finding.because(Cause::whole(nodes_unready_together::RULE.id));
    }
    Ok(finding.into())
}

fn grade(snap: &Snapshot, object: &Object, node: &Node) -> (Severity, &'static str) {
    if node.unschedulable {
        (Severity::Warning, "not ready while cordoned")
    } else if !object::is_older(snap, object, object.created, JOINING) {
        (Severity::Warning, "not ready yet")
    } else {
        (Severity::Critical, "not ready")
    }
}

fn told(condition: &Condition) -> String {
    match condition.status {
        Status::Unknown if &*condition.reason == "NodeStatusUnknown" => {
            "its kubelet is silent".into()
        }
        _ => object::because(&condition.reason, &condition.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, lost, node};

    fn says(bend: impl FnOnce(&mut Object)) -> String {
        let mut object = node("w-1", |_| {});
        bend(&mut object);
        Scenario::kube([object]).says(&RULE, "node/prod/w-1")
    }

    fn lose(object: &mut Object) {
        *object = node("w-1", |node| lost(node, ago(60)));
    }

    #[test]
    fn silence_and_the_kubelets_own_word_are_told_apart() {
        assert_eq!(says(|_| {}), "clear");
        assert_eq!(
            says(lose),
            "CRIT node/prod/w-1 not ready: its kubelet is silent"
        );
        let own = says(|object| {
            *object = node("w-1", |node| {
                lost(node, ago(60));
                let ready = &mut node.conditions[0];
                ready.status = Status::False;
                ready.reason = "KubeletNotReady".into();
                ready.message = "container runtime network not ready".into();
            });
        });
        assert_eq!(
            own,
            "CRIT node/prod/w-1 not ready: KubeletNotReady: container runtime network not ready"
        );
    }

    #[test]
    fn one_that_joins_or_is_being_worked_on_is_a_warning() {
        let cordoned = says(|object| {
            *object = node("w-1", |node| {
                lost(node, ago(60));
                node.unschedulable = true;
            });
        });
        assert!(cordoned.starts_with("WARN node/prod/w-1 not ready while cordoned"));
        let new = says(|object| {
            lose(object);
            object.created = Some(ago(100));
        });
        assert!(new.starts_with("WARN node/prod/w-1 not ready yet"), "{new}");
    }

    #[test]
    fn it_lasts_since_the_condition_changed() {
        let mut w = Scenario::kube([node("w-1", |node| lost(node, ago(600)))]);
        w.run();
        let root = w.ledger.roots()[0];
        assert_eq!(root.since.wall, ago(600));
    }

    #[test]
    fn a_host_that_is_down_is_what_happened_to_its_node() {
        let object = node("w-1", |node| {
            lost(node, ago(60));
            node.addresses = [("InternalIP".into(), "10.0.0.7".into())].into();
        });
        let mut w = Scenario::kube([object]);
        let feed = "node-exporter/rack-7 http://10.0.0.7:9100";
        w.feed(feed, "host/rack-7");
        for _ in 0..2 {
            w.fail(
                feed,
                crate::observation::Layer::Timeout,
                "connecting for 5s",
            );
        }
        w.run();
        let rows = w.rows();
        assert_eq!(w.ledger.roots().len(), 1, "{rows}");
        assert!(rows.starts_with("CRIT host-down host/rack-7\n"), "{rows}");
        assert!(rows.contains("  node-not-ready node/prod/w-1\n"), "{rows}");
    }

    #[test]
    fn a_silent_watch_makes_it_unknown() {
        let mut w = Scenario::kube([node("w-1", |_| {})]);
        w.wait(60);
        assert_eq!(
            w.says(&RULE, "node/prod/w-1"),
            "unknown: nodes were last told 1m00s ago"
        );
    }
}
