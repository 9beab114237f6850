//! A cron job whose time came and went.

mod schedule;

use jiff::Timestamp;

use super::{Cause, Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, CronJob, Object};
use crate::subject::{Subject, SubjectKind};
use schedule::Schedule;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "cronjob-missed",
    doc: "a cron job did not run at its time
Threshold: `cronjob_late_warning` (own choice: 5 min; jobs are made within seconds) or its starting
deadline after the time that follows its last run, by the server's clock and the job's time zone.
Without a time zone it is the controller manager's, taken for UTC where the last run bears that out.
It matters because what it should have done was not done, and nobody is told by itself.
Look at its events: too many missed times, a run that still goes on, a quota.",
    on: &[SubjectKind::CronJob],
    needs: &[],
    causes: &[Cause::whole("controller-silent")],
    check: |snap, cron_job| judge(snap, cron_job).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::CronJob(cron_job) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    if cron_job.suspended || object.deleting.is_some() {
        return Ok(Verdict::Clear);
    }
    let Some(schedule) = Schedule::read(&cron_job.schedule, cron_job.time_zone.as_deref()) else {
        // The API server takes no schedule that it cannot read; what only we cannot read is ours.
        return Ok(Verdict::NotApplicable);
    };
    let Some(due) = due(&schedule, object, cron_job) else {
        return Ok(Verdict::NotApplicable);
    };
    let late = snap.thresholds(subject).cronjob_late_warning;
    #[expect(clippy::cast_precision_loss, reason = "seconds of a deadline")]
    let deadline = cron_job.starting_deadline.unwrap_or(0) as f64;
    // What lies ahead has an age of zero.
    if !object::is_older(snap, object, Some(due), late.max(deadline)) {
        return Ok(Verdict::Clear);
    }
    let went_on = cron_job.active > 0;
    let summary = if went_on {
        format!("did not run at {due}: an earlier run still goes on")
    } else {
        format!("did not run at {due}")
    };
    let last = cron_job.last_scheduled.map(|at| at.to_string());
    let last = last.unwrap_or_else(|| "never".into());
    Ok(Finding::new(&RULE, subject, Severity::Warning, summary)
        .since(Some(due))
        .evidence(object::evidence(
            snap,
            object,
            "schedule",
            &*cron_job.schedule,
            "",
        ))
        .evidence(object::evidence(snap, object, "last run", last, ""))
        .into())
}

/// When it should have run next after its last run.
fn due(schedule: &Schedule, object: &Object, cron_job: &CronJob) -> Option<Timestamp> {
    let last = cron_job.last_scheduled;
    let is_sure = cron_job.time_zone.is_some()
        || schedule.names_its_zone()
        || last.is_some_and(|last| schedule.matches(last));
    if is_sure {
        return schedule.next(last.or(object.created)?);
    }
    // In another time zone the next run is up to a day later than in UTC.
    let day = jiff::SignedDuration::from_hours(26);
    schedule.next(last.or(object.created)?.checked_add(day).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, cron_job};

    /// It is 02:14:07 UTC.
    fn says(schedule: &str, last: &str, bend: impl FnOnce(&mut CronJob)) -> String {
        let object = cron_job("backup", schedule, |cron_job| {
            cron_job.last_scheduled = Some(last.parse().unwrap());
            bend(cron_job);
        });
        Scenario::kube([object]).says(&RULE, "cronjob/prod/shop/backup")
    }

    #[test]
    fn a_time_that_passed_without_a_run_is_told() {
        assert_eq!(Now::fixed().wall.to_string(), "2026-11-21T02:14:07Z");
        let says = |schedule| says(schedule, "2026-11-21T01:00:00Z", |_| {});
        assert_eq!(
            says("0 * * * *"),
            "WARN cronjob/prod/shop/backup did not run at 2026-11-21T02:00:00Z"
        );
        assert_eq!(says("0 */3 * * *"), "clear");
        assert_eq!(
            says("*/12 * * * *"),
            "WARN cronjob/prod/shop/backup did not run at 2026-11-21T01:12:00Z"
        );
    }

    #[test]
    fn five_minutes_are_no_delay_and_a_deadline_gives_it_longer() {
        let last = "2026-11-20T02:10:00Z";
        assert_eq!(says("10 2 * * *", last, |_| {}), "clear");
        let last = "2026-11-20T02:00:00Z";
        assert!(says("0 2 * * *", last, |_| {}).starts_with("WARN"));
        let patient = |cron_job: &mut CronJob| cron_job.starting_deadline = Some(3600);
        assert_eq!(says("0 2 * * *", last, patient), "clear");
    }

    #[test]
    fn its_own_time_zone_counts() {
        // Five in the morning in Kyiv is three in UTC, and not yet.
        let kyiv = |cron_job: &mut CronJob| cron_job.time_zone = Some("Europe/Kyiv".into());
        assert_eq!(says("0 5 * * *", "2026-11-20T03:00:00Z", kyiv), "clear");
        assert!(says("0 4 * * *", "2026-11-20T02:00:00Z", kyiv).starts_with("WARN"));
    }

    #[test]
    fn a_zone_that_is_not_known_gives_the_benefit_of_a_day() {
        // It ran at three UTC for a schedule of five: its zone is another.
        let elsewhere = |last| says("0 5 * * *", last, |_| {});
        assert_eq!(elsewhere("2026-11-20T03:00:00Z"), "clear");
        assert!(elsewhere("2026-11-18T03:00:00Z").starts_with("WARN"));
    }

    #[test]
    fn one_that_is_suspended_or_still_running_is_told_as_such() {
        let last = "2026-11-21T01:00:00Z";
        let suspended = says("0 * * * *", last, |cron_job| cron_job.suspended = true);
        assert_eq!(suspended, "clear");
        let busy = says("0 * * * *", last, |cron_job| cron_job.active = 1);
        assert!(busy.ends_with("an earlier run still goes on"), "{busy}");
    }

    #[test]
    fn one_that_never_ran_counts_from_when_it_was_made() {
        let mut object = cron_job("backup", "0 * * * *", |cron_job| {
            cron_job.time_zone = Some("UTC".into());
        });
        object.created = Some(ago(60));
        let w = Scenario::kube([object.clone()]);
        assert_eq!(w.says(&RULE, "cronjob/prod/shop/backup"), "clear");
        object.created = Some(ago(3600));
        let w = Scenario::kube([object]);
        assert!(
            w.says(&RULE, "cronjob/prod/shop/backup")
                .starts_with("WARN")
        );
    }
}
