//! A deployment whose newest revision does not come up.

use super::{Cause, Finding, Rule, Severity, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Condition, Object, Status};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "rollout-stuck",
    doc: "a rollout does not get on
Threshold: the deployment exceeded its progress deadline (10 min by default), or its pods cannot be
made at all (`ReplicaFailure`: a quota, an admission webhook).
It matters because the old revision goes on serving, if at all, and nothing is rolled back by itself.
Look at the newest pods below it, then undo the rollout or mend it.",
    on: &[SubjectKind::Deployment],
    needs: &[],
    causes: &[
        Cause::node("node-not-ready"),
        Cause::same("workload-unavailable"),
    ],
    check: |snap, deployment| judge(snap, deployment).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let object = snap.object(subject)?;
    let (Some(workload), None) = (object.workload(), object.deleting) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    if let Some(progressing) = workload.condition("Progressing")
        && progressing.status == Status::False
        && &*progressing.reason == "ProgressDeadlineExceeded"
        && !workload.paused
    {
        let (updated, wanted) = (workload.updated, workload.desired);
        let summary = format!("rollout stuck: {updated} of {wanted} pods of the newest revision");
        found.push(finding(snap, object, progressing, "progress", summary));
    }
    if let Some(failure) = workload.condition("ReplicaFailure")
        && failure.status == Status::True
    {
        let why = object::because(&failure.reason, &failure.message);
        let summary = format!("pods cannot be made: {why}");
        found.push(finding(snap, object, failure, "replicas", summary));
    }
    Ok(found)
}

fn finding(
    snap: &Snapshot,
    object: &Object,
    condition: &Condition,
    key: &'static str,
    summary: String,
) -> Finding {
    let told = object::because(&condition.reason, &condition.message);
    Finding::new(&RULE, &object.subject(), Severity::Warning, summary)
        .key(key)
        .since(condition.since)
        .evidence(object::evidence(snap, object, &condition.kind, told, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, condition, deployment};
    use crate::objects::Workload;

    fn says(bend: impl FnOnce(&mut Workload)) -> String {
        let w = Scenario::kube([deployment("web", 3, bend)]);
        w.says(&RULE, "deployment/prod/shop/web")
    }

    fn overdue(workload: &mut Workload) {
        workload.updated = 1;
        let progressing = condition("Progressing", Status::False, ago(700));
        workload.conditions = [Condition {
            reason: "ProgressDeadlineExceeded".into(),
            ..progressing
        }]
        .into();
    }

    #[test]
    fn a_deadline_that_passed_is_told_unless_it_is_paused() {
        assert_eq!(
            says(overdue),
            "WARN deployment/prod/shop/web rollout stuck: 1 of 3 pods of the newest revision"
        );
        let paused = says(|workload| {
            overdue(workload);
            workload.paused = true;
        });
        assert_eq!(paused, "clear");
        assert_eq!(says(|_| {}), "clear");
    }

    #[test]
    fn a_quota_that_forbids_its_pods_is_told_in_the_servers_words() {
        let told = says(|workload| {
            let failure = condition("ReplicaFailure", Status::True, ago(60));
            workload.conditions = [Condition {
                reason: "FailedCreate".into(),
                message: "pods \"web-1\" is forbidden: exceeded quota: small".into(),
                ..failure
            }]
            .into();
        });
        assert_eq!(
            told,
            "WARN deployment/prod/shop/web pods cannot be made: FailedCreate: pods \"web-1\" is \
             forbidden: exceeded quota: small"
        );
    }
}
