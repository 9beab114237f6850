//! A namespace that was deleted and does not go.

use super::{Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Condition, Namespace, Status};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "namespace-stuck",
    doc: "a namespace does not go
Threshold: it terminates for `namespace_terminating_warning` (own choice: 10 min; its pods have half a
minute by default).
It matters because its name stays taken and nothing new can be made in it.
Look at what is left in it and who should take off the finalizers; an API service that does not answer
holds up every namespace.",
    on: &[SubjectKind::Namespace],
    needs: &[],
    causes: &[],
    check: |snap, namespace| judge(snap, namespace).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::Namespace(namespace) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    let limit = snap.thresholds(subject).namespace_terminating_warning;
    let since = object.deleting;
    if !namespace.terminating || !object::is_older(snap, object, since, limit) {
        return Ok(Verdict::Clear);
    }
    let holds: Vec<&Condition> = holds(namespace).collect();
    let why = holds.first().map(|first| object::short(&first.message));
    let summary = match why.filter(|why| !why.is_empty()) {
        Some(why) => format!("does not go: {why}"),
        None => "does not go, and nothing says why".into(),
    };
    let mut finding = Finding::new(&RULE, subject, Severity::Warning, summary).since(since);
    for condition in holds {
        let told = object::because(&condition.reason, &condition.message);
        finding = finding.evidence(object::evidence(snap, object, &condition.kind, told, ""));
    }
    Ok(finding.into())
}

/// What holds it up, in the namespace controller's words: failures before what is merely left.
fn holds(namespace: &Namespace) -> impl Iterator<Item = &Condition> {
    let holding = || {
        let conditions = namespace.conditions.iter();
        conditions.filter(|condition| condition.status == Status::True)
    };
    let is_failure = |condition: &&Condition| condition.kind.ends_with("Failure");
    holding()
        .filter(is_failure)
        .chain(holding().filter(move |condition| !is_failure(condition)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, condition, namespace};

    fn says(secs: i64, conditions: &[(&str, &str)]) -> String {
        let conditions = conditions.iter().map(|(kind, message)| Condition {
            message: (*message).into(),
            ..condition(kind, Status::True, ago(secs))
        });
        let mut object = namespace("old", conditions.collect());
        object.deleting = Some(ago(secs));
        Scenario::kube([object]).says(&RULE, "namespace/prod/old")
    }

    #[test]
    fn what_holds_it_is_told_after_ten_minutes() {
        let left = (
            "NamespaceContentRemaining",
            "Some resources are remaining: widgets.example.com has 1 resource instances",
        );
        assert_eq!(says(599, &[left]), "clear");
        assert_eq!(
            says(600, &[left]),
            "WARN namespace/prod/old does not go: Some resources are remaining: \
             widgets.example.com has 1 resource instances"
        );
        let failure = (
            "NamespaceDeletionDiscoveryFailure",
            "Discovery failed for some groups",
        );
        assert_eq!(
            says(600, &[left, failure]),
            "WARN namespace/prod/old does not go: Discovery failed for some groups"
        );
    }

    #[test]
    fn one_that_lives_is_well() {
        let w = Scenario::kube([namespace("shop", Vec::new())]);
        assert_eq!(w.says(&RULE, "namespace/prod/shop"), "clear");
    }
}
