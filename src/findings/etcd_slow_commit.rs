//! A database file on a slow disk.

use super::etcd_slow_fsync::{p99, slow};
use super::{Cause, Rule, Severity, Verdict};
use crate::facts::{EtcdMetrics, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-slow-commit",
    doc: "commits of an etcd member are slow
Threshold: p99 of the backend commit over five minutes beyond `etcd_commit_warning` (etcd mixin: 0.25 s).
It matters because snapshots and compactions block requests for that long.
Look at the disk as for slow fsync; a fragmented or large database makes it worse.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdMetrics],
    causes: &[Cause::same("etcd-slow-fsync"), Cause::host("disk-queue"), Cause::host("io-stalled")],
    check: |snap, member| judge(snap, member).into(),
};

fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let metrics = snap.fresh::<EtcdMetrics>(member)?;
    let limit = snap.thresholds(member).etcd_commit_warning;
    let p99 = p99(&metrics, |m| m.backend_commit.as_ref())?;
    let Some(p99) = p99.filter(|(p99, _)| *p99 > limit) else {
        return Ok(Verdict::Clear);
    };
    let finding = slow(
        &RULE,
        member,
        Severity::Warning,
        "backend commit p99",
        p99,
        limit,
        &metrics,
    );
    Ok(finding
        .so_what("Requests wait while the database is written.")
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Histogram;
    use crate::findings::scenario::{Etcd, Scenario};

    fn with(slow: f64) -> String {
        let mut etcd = Etcd::of(1);
        let mut w = Scenario::etcd(1);
        for round in [0.0, 1.0] {
            let mut histogram = Histogram {
                count: 100.0 * round,
                ..Histogram::default()
            };
            histogram.add(0.01, (100.0 - slow) * round);
            histogram.add(1.0, 100.0 * round);
            histogram.add(f64::INFINITY, 100.0 * round);
            etcd.metrics[0].backend_commit = Some(histogram);
            w.wait(10).tell(&Etcd::feed(1), etcd.facts(1));
        }
        w.says(&RULE, "etcd/prod/m1")
    }

    #[test]
    fn one_slow_request_in_ten_is_a_warning_and_none_is_clear() {
        assert_eq!(with(0.0), "clear");
        assert!(
            with(10.0).starts_with("WARN etcd/prod/m1 backend commit p99 901ms over 10s"),
            "{}",
            with(10.0)
        );
    }
}
