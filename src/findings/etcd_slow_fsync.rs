//! A write-ahead log on a slow disk. Also how the slow checks read a histogram.

use std::time::Duration;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdMetrics, FactKind, Histogram};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, seconds, span};

/// A p99 of fewer requests than this is the maximum of a handful (own choice).
const FEWEST: f64 = 20.0;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-slow-fsync",
    doc: "the disk of an etcd member is slow
Threshold: p99 of the WAL fsync over five minutes beyond `etcd_fsync_warning` or
`etcd_fsync_critical` (etcd mixin: 0.5 s and 1 s; the hardware guide calls 10 ms healthy).
It matters because every write waits for it, and a leader that waits loses its leadership.
Look at the queue of that disk, at its neighbours on the same device, at a backup or defragment.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdMetrics],
    causes: &[Cause::host("disk-queue"), Cause::host("io-stalled")],
    check: |snap, member| judge(snap, member).into(),
};

fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let metrics = snap.fresh::<EtcdMetrics>(member)?;
    let Some((p99, time)) = p99(&metrics, |m| m.wal_fsync.as_ref())? else {
        return Ok(Verdict::Clear);
    };
    let limits = snap.thresholds(member);
    let (warning, critical) = (limits.etcd_fsync_warning, limits.etcd_fsync_critical);
    let Some((severity, limit)) = Severity::above(p99, warning, critical) else {
        return Ok(Verdict::Clear);
    };
    let finding = slow(
        &RULE,
        member,
        severity,
        "wal fsync p99",
        (p99, time),
        limit,
        &metrics,
    );
    let so_what = "Every write waits for this disk; a leader may lose its leadership.";
    Ok(finding.so_what(so_what).into())
}

/// The p99 in seconds of what happened in the last five minutes and how long that is; `None` where
/// too little happened or the member does not tell it.
pub(super) fn p99(
    metrics: &Reading<EtcdMetrics>,
    of: fn(&EtcdMetrics) -> Option<&Histogram>,
) -> Result<Option<(f64, Duration)>, Doubt> {
    let Some(now) = of(metrics.value) else {
        return Ok(None);
    };
    let window = Duration::from_secs(300);
    let (recent, time) = metrics.over(window, |then| now.since(of(then)?))?;
    if recent.count < FEWEST {
        return Ok(None);
    }
    Ok(recent.quantile(0.99).map(|p99| (p99, time)))
}

/// A finding about one latency.
pub(super) fn slow(
    rule: &Rule,
    member: &Subject,
    severity: Severity,
    what: &str,
    (p99, time): (f64, Duration),
    limit: f64,
    metrics: &Reading<EtcdMetrics>,
) -> Finding {
    let (value, limit) = (latency(seconds(p99)), latency(seconds(limit)));
    let summary = format!("{what} {value} over {}, limit {limit}", span(time));
    let evidence = Evidence::of(metrics, what, value, format!("> {limit}"));
    Finding::new(rule, member, severity, summary).evidence(evidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    fn after(slow: [f64; 2]) -> String {
        let mut etcd = Etcd::of(1);
        let mut w = Scenario::etcd(1);
        for slow in slow {
            let mut fsync = Histogram {
                count: 100.0 + slow,
                ..Histogram::default()
            };
            for (bound, count) in [
                (0.01, 100.0),
                (1.0, 100.0 + slow),
                (f64::INFINITY, 100.0 + slow),
            ] {
                fsync.add(bound, count);
            }
            etcd.metrics[0].wal_fsync = Some(fsync);
            w.wait(10).tell(&Etcd::feed(1), etcd.facts(1));
        }
        w.says(&RULE, "etcd/prod/m1")
    }

    #[test]
    fn only_what_happened_lately_counts() {
        assert_eq!(after([500.0, 500.0]), "clear");
        assert_eq!(
            after([0.0, 50.0]),
            "WARN etcd/prod/m1 wal fsync p99 990ms over 10s, limit 500ms"
        );
        assert_eq!(after([0.0, 19.0]), "clear");
    }

    #[test]
    fn a_restart_needs_a_second_sample() {
        assert_eq!(after([50.0, 0.0]), "unknown: needs a second sample");
    }
}
