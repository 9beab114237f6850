//! A member that has agreed to more than it has done.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdStatus, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-apply-lag",
    doc: "an etcd member applies slowly
Threshold: committed minus applied index above `etcd_apply_lag_warning` (etcd documentation: within a
few thousand even under load; from 5,000 on etcd refuses new proposals).
It matters because clients that ask this member wait, and then get an error.
Look at slow applies, expensive ranges, and the disk.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdStatus],
    causes: &[Cause::same("etcd-slow-fsync"), Cause::same("etcd-slow-commit")],
    check: |snap, member| judge(snap, member).into(),
};

#[expect(clippy::cast_precision_loss, reason = "a lag is small")]
fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<EtcdStatus>(member)?;
    let lag = status
        .value
        .raft_index
        .saturating_sub(status.value.raft_applied);
    let limit = snap.thresholds(member).etcd_apply_lag_warning;
    if lag as f64 <= limit {
        return Ok(Verdict::Clear);
    }
    let summary = format!("{lag} committed entries not applied yet");
    let finding = Finding::new(&RULE, member, Severity::Warning, summary)
        .so_what("Requests to this member wait or fail.")
        .evidence(Evidence::of(
            &status,
            "apply lag",
            lag.to_string(),
            format!("> {limit}"),
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    #[test]
    fn five_thousand_entries_are_the_limit() {
        let mut etcd = Etcd::of(1);
        let mut w = Scenario::etcd(1);
        for (index, expected) in [
            (6000, "clear"),
            (
                6001,
                "WARN etcd/prod/m1 5001 committed entries not applied yet",
            ),
        ] {
            etcd.statuses[0].raft_index = index;
            w.tell(&Etcd::feed(1), etcd.facts(1));
            assert_eq!(w.says(&RULE, "etcd/prod/m1"), expected);
        }
    }
}
