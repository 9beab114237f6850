//! A job that gave up.

use super::{Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "job-failed",
    doc: "a job failed
Threshold: its condition Failed holds (kubernetes mixin: KubeJobFailed); after `job_failed_recent`
(own choice: 1 d) it is information. A run of a cron job is forgiven once a later one succeeded.
It matters because a job that gave up is not tried again: a backup, a migration, a clean-up is missing.
Look at the log of its last pod, then start it anew.",
    on: &[SubjectKind::Job],
    needs: &[],
    causes: &[],
    check: |snap, job| judge(snap, job).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::Job(job) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    let Some(failed) = job.holds("Failed") else {
        return Ok(Verdict::Clear);
    };
    if object.deleting.is_some() || is_forgiven(snap, object) {
        return Ok(Verdict::Clear);
    }
    let recent = snap.thresholds(subject).job_failed_recent;
    let severity = if failed.since.is_some() && object::is_older(snap, object, failed.since, recent)
    {
        Severity::Info
    } else {
        Severity::Warning
    };
    let why = object::because(&failed.reason, &failed.message);
    let pods = format!("{} failed, {} succeeded", job.failed, job.succeeded);
    Ok(
        Finding::new(&RULE, subject, severity, format!("failed: {why}"))
            .since(failed.since)
            .so_what("It is not tried again.")
            .evidence(object::evidence(snap, object, "pods", pods, ""))
            .into(),
    )
}

/// Has a later run of the same cron job succeeded?
fn is_forgiven(snap: &Snapshot, object: &Object) -> bool {
    let objects = snap.model.objects();
    let Some(maker) = objects.owner_of(object) else {
        return false;
    };
    objects.owned_by(maker).iter().any(|other| {
        matches!(&other.body, Body::Job(job) if job.holds("Complete").is_some())
            && other.created > object.created
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{
        ago, condition, container, cron_job, job, owned, pod, waiting,
    };
    use crate::objects::{Condition, Status};

    fn failed(name: &str, secs: i64) -> Object {
        let mut object = job(name, |job| {
            job.failed = 7;
            job.conditions = [Condition {
                reason: "BackoffLimitExceeded".into(),
                message: "Job has reached the specified backoff limit".into(),
                ..condition("Failed", Status::True, ago(secs))
            }]
            .into();
        });
        object.created = Some(ago(secs + 60));
        object
    }

    fn done(name: &str, secs: i64) -> Object {
        let mut object = job(name, |job| {
            job.conditions = [condition("Complete", Status::True, ago(secs))].into();
        });
        object.created = Some(ago(secs + 60));
        object
    }

    const BACKUP: &str = "job/prod/shop/backup-1";

    #[test]
    fn it_is_a_warning_for_a_day() {
        let says = |secs| Scenario::kube([failed("backup-1", secs)]).says(&RULE, BACKUP);
        let why = "failed: BackoffLimitExceeded: Job has reached the specified backoff limit";
        assert_eq!(says(60), format!("WARN {BACKUP} {why}"));
        assert_eq!(says(86_400), format!("INFO {BACKUP} {why}"));
    }

    #[test]
    fn a_later_run_that_succeeds_forgives_it() {
        let nightly = || cron_job("backup", "0 2 * * *", |_| {});
        let of = |job| owned(job, "CronJob", "backup");
        let first = || of(failed("backup-1", 7200));
        let w = Scenario::kube([nightly(), first(), of(done("backup-0", 90_000))]);
        assert!(w.says(&RULE, BACKUP).starts_with("WARN"));
        let w = Scenario::kube([nightly(), first(), of(done("backup-2", 60))]);
        assert_eq!(w.says(&RULE, BACKUP), "clear");
    }

    #[test]
    fn its_pods_are_told_under_it() {
        let crashing = pod("backup-1-x", |pod| {
            pod.ready = false;
            pod.containers = [waiting(container("tool"), "CrashLoopBackOff")].into();
        });
        let mut w = Scenario::kube([failed("backup-1", 60), owned(crashing, "Job", "backup-1")]);
        w.run();
        assert_eq!(
            w.rows(),
            "WARN job-failed job/prod/shop/backup-1\n  pod-crash-looping pod/prod/shop/backup-1-x\n"
        );
    }
}
