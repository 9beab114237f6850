//! A node that takes no new pods because somebody said so.

use super::{Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, ObjectKind};
use crate::subject::{Subject, SubjectKind};
use crate::units::counted;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "node-cordoned",
    doc: "a node is cordoned
No threshold: `spec.unschedulable` is set.
It matters because it carries on with its pods but takes none that must move there; one that was
forgotten is missed when another fails.
Look in the audit and at the node's events who did it and why.",
    on: &[SubjectKind::Node],
    needs: &[],
    causes: &[],
    check: |snap, node| judge(snap, node).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::Node(node) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    if !node.unschedulable {
        return Ok(Verdict::Clear);
    }
    let cluster = snap.whole(&object.cluster, &[ObjectKind::Pod]).ok();
    let carried = cluster.map(|cluster| cluster.on_node(&object.name).len());
    let carries = carried.map_or(String::new(), |pods| {
        format!(", still carries {}", counted(pods, "pod"))
    });
    let summary = format!("cordoned{carries}");
    let finding = Finding::new(&RULE, subject, Severity::Info, summary)
        .so_what("No new pod is placed there.")
        .evidence(object::evidence(snap, object, "unschedulable", "true", ""));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{node, pod};

    #[test]
    fn it_is_told_with_what_it_carries() {
        let carried = |name| pod(name, |pod| pod.node = Some("w-1".into()));
        let w = Scenario::kube([
            node("w-1", |node| node.unschedulable = true),
            node("w-2", |_| {}),
            carried("a"),
            carried("b"),
        ]);
        assert_eq!(
            w.says(&RULE, "node/prod/w-1"),
            "INFO node/prod/w-1 cordoned, still carries 2 pods"
        );
        assert_eq!(w.says(&RULE, "node/prod/w-2"), "clear");
    }
}
