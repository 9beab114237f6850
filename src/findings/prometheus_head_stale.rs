//! A Prometheus whose newest sample is old.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{ClockOffset, FactKind, PrometheusStatus};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{seconds, span};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-head-stale",
    doc: "Prometheus takes in no samples
Threshold: its newest sample is older than `prometheus_head_lag` (the default look-back of a query,
5 min, after which a series counts as gone), the offset of its clock taken off.
It matters because alerts on values stop silently: no data is no alert.
Look at its targets, at its disk, and at the clock of its host.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::PrometheusStatus],
    causes: &[
        Cause::same("prometheus-not-ready"),
        Cause::same("prometheus-target-down"),
    ],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<PrometheusStatus>(server)?;
    let Some(newest) = status.value.head_max_at else {
        return Ok(Verdict::NotApplicable);
    };
    let told_at = snap.now.wall_at(status.at);
    // A server that just started shows what it found on disk: its first scrapes come in their turn.
    let started = status
        .value
        .started_at
        .map(|at| told_at.duration_since(at).as_secs_f64());
    if started.is_some_and(|up| up < snap.thresholds(server).prometheus_head_lag) {
        return Ok(Verdict::NotApplicable);
    }
    // The bound of its clock that makes the lag smallest: only a proven lag counts.
    let clocks = snap.readings::<ClockOffset>(server);
    let ahead = clocks.iter().map(|clock| clock.value.offset.lo);
    let ahead = ahead.min_by(f64::total_cmp).unwrap_or_default();
    let lag = told_at.duration_since(newest).as_secs_f64() + ahead;
    let limit = snap.thresholds(server).prometheus_head_lag;
    if lag <= limit {
        return Ok(Verdict::Clear);
    }
    let (lag, limit) = (span(seconds(lag)), span(seconds(limit)));
    let summary = format!("newest sample is {lag} old");
    let finding = Finding::new(&RULE, server, Severity::Critical, summary)
        .so_what("Alerts on values stay silent: no data is no alert.")
        .evidence(Evidence::of(
            &status,
            "age of the newest sample",
            lag,
            format!("> {limit}"),
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Now;
    use crate::facts::{Fact, Interval, Witness};
    use crate::findings::scenario::Scenario;
    use jiff::SignedDuration;

    fn status(lag: i64) -> Fact {
        let now = Now::fixed().wall;
        PrometheusStatus {
            head_max_at: now.checked_sub(SignedDuration::from_secs(lag)).ok(),
            ..PrometheusStatus::default()
        }
        .into()
    }

    #[test]
    fn five_minutes_without_a_sample_are_too_long() {
        let w = Scenario::prometheus([status(290)]);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
        let w = Scenario::prometheus([status(310)]);
        assert_eq!(
            w.says(&RULE, "prometheus/a"),
            "CRIT prometheus/a newest sample is 5m10s old"
        );
    }

    #[test]
    fn a_server_whose_clock_is_behind_takes_in_samples() {
        let clock = ClockOffset {
            witness: Witness::HttpDate,
            offset: Interval::new(-601.0, -599.0),
            round_trip: 0.01,
            root_distance: None,
            stratum: None,
            reference: None,
        };
        let w = Scenario::prometheus([status(605), clock.into()]);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
    }
}
