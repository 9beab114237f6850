//! A slow way between two members.

use super::etcd_slow_fsync::{p99, slow};
use super::{Cause, Rule, Severity, Verdict};
use crate::facts::{EtcdMetrics, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-slow-peer",
    doc: "etcd members reach each other slowly
Threshold: p99 of the round trip to the peers over five minutes beyond `etcd_peer_warning` (etcd mixin: 0.15 s).
It matters because heartbeats that come late start elections; the election timeout should be ten round trips.
Look at the network between the hosts, and the load of the peers.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdMetrics],
    causes: &[Cause::part("etcd-member-down"), Cause::whole("etcd-member-down"), Cause::host("cpu-pressure")],
    check: |snap, member| judge(snap, member).into(),
};

fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let metrics = snap.fresh::<EtcdMetrics>(member)?;
    let limit = snap.thresholds(member).etcd_peer_warning;
    let p99 = p99(&metrics, |m| m.peer_round_trip.as_ref())?;
    let Some(p99) = p99.filter(|(p99, _)| *p99 > limit) else {
        return Ok(Verdict::Clear);
    };
    let finding = slow(
        &RULE,
        member,
        Severity::Warning,
        "peer round trip p99",
        p99,
        limit,
        &metrics,
    );
    Ok(finding.so_what("Late heartbeats start elections.").into())
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
            etcd.metrics[0].peer_round_trip = Some(histogram);
            w.wait(10).tell(&Etcd::feed(1), etcd.facts(1));
        }
        w.says(&RULE, "etcd/prod/m1")
    }

    #[test]
    fn one_slow_request_in_ten_is_a_warning_and_none_is_clear() {
        assert_eq!(with(0.0), "clear");
        assert!(
            with(10.0).starts_with("WARN etcd/prod/m1 peer round trip p99 901ms over 10s"),
            "{}",
            with(10.0)
        );
    }
}
