//! Elections that follow each other.

use std::time::Duration;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdMetrics, FactKind};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-leader-flapping",
    doc: "the etcd leader changes often
Threshold: `etcd_leader_changes_warning` changes within 15 minutes, as the member that saw most of
them counted (etcd mixin: 4).
It matters because every election stops writes for a second or more.
Look at the disks first (fsync), then at the network and the CPU of the members.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdMetrics],
    causes: &[
        Cause::part("etcd-slow-fsync"),
        Cause::part("etcd-slow-peer"),
        Cause::part("etcd-member-down"),
    ],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Result<Verdict, Doubt> {
    let members = snap.of_members::<EtcdMetrics>(cluster);
    if members.is_empty() {
        return Ok(Verdict::NotApplicable);
    }
    let most = members
        .iter()
        .filter_map(|(_, metrics)| Some((changes(metrics)?, metrics)))
        .max_by(|(a, _), (b, _)| a.0.total_cmp(&b.0));
    let ((count, time), metrics) = most.ok_or(Doubt::SecondSample)?;
    let limit = snap.thresholds(cluster).etcd_leader_changes_warning;
    if count < limit {
        return Ok(Verdict::Clear);
    }
    let summary = format!("{count:.0} leader changes in {}", span(time));
    let limit = format!(">= {limit} in 15m");
    let finding = Finding::new(&RULE, cluster, Severity::Warning, summary)
        .so_what("Every election stops writes for a second or more.")
        .evidence(Evidence::of(
            metrics,
            "leader changes",
            format!("{count:.0}"),
            limit,
        ));
    Ok(finding.into())
}

/// A restarted member counts from zero again: no difference rather than a negative one.
fn changes(metrics: &Reading<EtcdMetrics>) -> Option<(f64, Duration)> {
    let now = metrics.value.leader_changes?;
    let changes = metrics.over(Duration::from_secs(900), |then| {
        let count = now - then.leader_changes?;
        (count >= 0.0).then_some(count)
    });
    changes.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    fn after(changes: &[f64]) -> String {
        let mut etcd = Etcd::of(1);
        let mut w = Scenario::etcd(1);
        for &count in changes {
            etcd.metrics[0].leader_changes = Some(count);
            w.wait(60).tell(&Etcd::feed(1), etcd.facts(1));
        }
        w.says(&RULE, "etcd/prod")
    }

    #[test]
    fn four_changes_in_a_quarter_of_an_hour_are_too_many() {
        assert_eq!(after(&[2.0, 3.0, 4.0]), "clear");
        assert_eq!(
            after(&[2.0, 3.0, 5.0]),
            "WARN etcd/prod 4 leader changes in 3m10s"
        );
    }

    #[test]
    fn changes_of_an_hour_ago_do_not_count() {
        let mut counts = vec![2.0, 9.0];
        counts.extend([9.0; 17]);
        assert_eq!(after(&counts), "clear");
    }
}
