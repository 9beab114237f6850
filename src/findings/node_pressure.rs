//! A node that runs short of memory, disk or process numbers, by its kubelet's word.

use super::{Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Status};
use crate::subject::{Subject, SubjectKind};

/// The conditions that are a lack while they hold, with what is lacking.
const LACKS: [(&str, &str); 3] = [
    ("MemoryPressure", "memory"),
    ("DiskPressure", "disk"),
    ("PIDPressure", "process numbers"),
];

/// See the doc.
pub static RULE: Rule = Rule {
    id: "node-pressure",
    doc: "a node runs short
Threshold: MemoryPressure, DiskPressure or PIDPressure is True (kubelet defaults: less than 100 MiB
of memory, 10 % of its disk or 15 % of that of images; it lasts five minutes at least).
It matters because the kubelet evicts pods until it has room again, and takes no new ones.
Look for what uses most there; evicted pods are listed below.",
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
    if node.ready() == Status::Unknown {
        // What a silent kubelet said last is no news; that it is silent is told elsewhere.
        return Ok(Verdict::NotApplicable);
    }
    let lacks = LACKS.iter().filter_map(|(kind, what)| {
        let condition = node.condition(kind)?;
        (condition.status == Status::True).then(|| {
            let why = object::because(&condition.reason, &condition.message);
            let summary = format!("short of {what}: {why}");
            Finding::new(&RULE, subject, Severity::Warning, summary)
                .key(*what)
                .since(condition.since)
                .so_what("Pods are evicted until it has room again.")
                .evidence(object::evidence(snap, object, kind, "True", "False"))
        })
    });
    Ok(lacks.collect::<Vec<Finding>>().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, condition, lost, node, pod};
    use crate::objects::{Object, Phase};

    fn short_of_memory() -> Object {
        node("w-1", |node| {
            let short = condition("MemoryPressure", Status::True, ago(30));
            node.conditions = [&*node.conditions, &[short]].concat().into();
        })
    }

    #[test]
    fn a_lack_is_named() {
        let w = Scenario::kube([short_of_memory()]);
        assert_eq!(
            w.says(&RULE, "node/prod/w-1"),
            "WARN node/prod/w-1 short of memory: MemoryPressureReason: MemoryPressureMessage"
        );
        let w = Scenario::kube([node("w-1", |_| {})]);
        assert_eq!(w.says(&RULE, "node/prod/w-1"), "clear");
    }

    #[test]
    fn a_silent_kubelets_last_word_is_not_repeated() {
        let mut object = short_of_memory();
        if let Body::Node(node) = &mut object.body {
            lost(node, ago(60));
            node.conditions[1].status = Status::True;
        }
        let w = Scenario::kube([object]);
        assert_eq!(w.says(&RULE, "node/prod/w-1"), "n/a");
    }

    #[test]
    fn what_it_evicts_is_told_under_it() {
        let evicted = pod("web-1", |pod| {
            pod.phase = Phase::Failed;
            pod.reason = Some("Evicted".into());
            pod.node = Some("w-1".into());
            pod.ready_since = Some(ago(10));
        });
        let mut w = Scenario::kube([short_of_memory(), evicted]);
        w.run();
        assert_eq!(
            w.rows(),
            "WARN node-pressure node/prod/w-1\n  pod-evicted pod/prod/shop/web-1\n"
        );
    }
}
