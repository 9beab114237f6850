//! A clock that is provably apart from this machine's. Also names what breaks at which skew.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{ClockOffset, FactKind, Witness};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{offset, seconds, span};

/// Who complains from which skew on, in seconds: node mixin, Ceph `mon_clock_drift_allowed`,
/// `CockroachDB` `max-offset`, etcd's peer prober, Kerberos `clockskew`, AWS signatures.
const CONSUMERS: &[(f64, &str)] = &[
    (0.05, "Prometheus and Ceph"),
    (0.5, "CockroachDB"),
    (1.0, "etcd (log)"),
    (300.0, "Kerberos"),
    (900.0, "S3 signatures"),
];

/// See the doc.
pub static RULE: Rule = Rule {
    id: "clock-skewed",
    doc: "a clock is wrong against this machine's
Threshold: the offset is proven (the whole interval of the measurement lies beyond it) to exceed
`clock_skew_warning` or `clock_skew_critical` (node mixin and Ceph: 50 ms; CockroachDB: 500 ms).
It matters because leases, tokens, certificates and the order of logs rest on clocks.
Look at the time daemon there. A wide measurement proves nothing and is never taken for skew.",
    on: &[
        SubjectKind::Host,
        SubjectKind::EtcdMember,
        SubjectKind::Prometheus,
        SubjectKind::Alertmanager,
        SubjectKind::Cluster,
        SubjectKind::Sntp,
    ],
    needs: &[FactKind::ClockOffset],
    causes: &[
        Cause::anywhere("own-clock-wrong"),
        Cause::host("clock-skewed"),
    ],
    check: |snap, subject| judge(snap, subject).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    if snap.told::<ClockOffset>(subject)?.is_none() {
        return Ok(Verdict::NotApplicable);
    }
    let readings = snap.readings::<ClockOffset>(subject);
    let worst = readings
        .iter()
        .filter(|r| r.freshness.is_usable() && r.value.witness != Witness::Own)
        .max_by(|a, b| proven(a.value).total_cmp(&proven(b.value)));
    let Some(worst) = worst else {
        return Ok(Verdict::NotApplicable);
    };
    let limits = snap.thresholds(subject);
    let (warning, critical) = (limits.clock_skew_warning, limits.clock_skew_critical);
    let skew = proven(worst.value);
    let Some((severity, limit)) = Severity::above(skew, warning, critical) else {
        return Ok(Verdict::Clear);
    };
    let middle = offset(worst.value.offset.mid());
    let error = latency_of(worst.value.offset.error());
    let summary = format!("clock is {middle} off, +/- {error}");
    let limit = format!("> {}", latency_of(limit));
    let finding = Finding::new(&RULE, subject, severity, summary)
        .so_what(breaks(skew))
        .evidence(Evidence::of(worst, "proven skew", latency_of(skew), limit));
    Ok(finding.into())
}

fn proven(clock: &ClockOffset) -> f64 {
    clock.offset.at_least()
}

fn latency_of(secs: f64) -> String {
    if secs >= 10.0 {
        span(seconds(secs))
    } else {
        crate::units::latency(seconds(secs))
    }
}

/// What a skew of this size breaks; empty while it breaks nothing known.
pub(super) fn breaks(skew: f64) -> String {
    let hit: Vec<&str> = CONSUMERS
        .iter()
        .filter(|(limit, _)| skew > *limit)
        .map(|(_, who)| *who)
        .collect();
    if hit.is_empty() {
        String::new()
    } else {
        format!(
            "Too much for {}; fresh certificates may not be valid yet.",
            hit.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Interval;
    use crate::findings::scenario::Scenario;

    fn world(lo: f64, hi: f64) -> Scenario {
        let clock = ClockOffset {
            witness: Witness::NodeTime,
            offset: Interval::new(lo, hi),
            round_trip: hi - lo,
            root_distance: None,
            stratum: None,
            reference: None,
        };
        let mut w = Scenario::new();
        w.feed("node-exporter/a http://a:9100", "host/a");
        w.tell("node-exporter/a http://a:9100", [("host/a", clock.into())]);
        w
    }

    #[test]
    fn only_proven_skew_counts() {
        assert_eq!(world(-0.9, 1.1).says(&RULE, "host/a"), "clear");
        assert_eq!(world(0.04, 0.5).says(&RULE, "host/a"), "clear");
        assert_eq!(
            world(0.08, 0.1).says(&RULE, "host/a"),
            "WARN host/a clock is +90 ms off, +/- 10ms"
        );
        assert_eq!(
            world(-7201.0, -7199.0).says(&RULE, "host/a"),
            "CRIT host/a clock is -2h00m off, +/- 1.00s"
        );
    }

    #[test]
    fn the_larger_the_skew_the_more_it_breaks() {
        assert_eq!(breaks(0.01), "");
        assert!(breaks(0.6).contains("CockroachDB") && !breaks(0.6).contains("Kerberos"));
        assert!(breaks(301.0).contains("Kerberos"));
    }
}
