//! Two clocks of the fleet that are provably apart, whatever this machine's own says.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{ClockOffset, FactKind, Interval};
use crate::model::{Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, seconds};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "clocks-apart",
    doc: "two clocks of the fleet are apart
Threshold: `clock_pair_warning`, proven: the intervals of the two do not meet by more than that (Ceph
monitors: 50 ms).
It matters because the members of a cluster compare their clocks with each other, not with ours.
Look at the one that is farther from the rest. Told once, for the pair that is farthest apart.",
    on: &[SubjectKind::Fleet],
    needs: &[FactKind::ClockOffset],
    causes: &[Cause::same("clock-skewed")],
    check: |snap, _| farthest(snap),
};

/// The fleet's clocks: one interval against this machine for each subject that has one, the
/// tightest that is fresh. Time servers are no part of the fleet.
pub(super) fn clocks<'a>(snap: &Snapshot<'a>) -> Vec<(&'a Subject, Reading<'a, ClockOffset>)> {
    let kinds = [
        SubjectKind::Host,
        SubjectKind::EtcdMember,
        SubjectKind::Prometheus,
        SubjectKind::Alertmanager,
    ];
    let subjects = kinds.into_iter().flat_map(|kind| snap.model.subjects(kind));
    subjects
        .filter_map(|subject| Some((subject, tightest(snap, subject)?)))
        .collect()
}

pub(super) fn tightest<'a>(
    snap: &Snapshot<'a>,
    subject: &Subject,
) -> Option<Reading<'a, ClockOffset>> {
    let usable = snap.readings::<ClockOffset>(subject).into_iter();
    usable
        .filter(|reading| reading.freshness.is_usable())
        .min_by(|a, b| a.value.offset.error().total_cmp(&b.value.offset.error()))
}

fn farthest(snap: &Snapshot) -> Verdict {
    let clocks = clocks(snap);
    let of = |(_, reading): &(&Subject, Reading<ClockOffset>)| reading.value.offset;
    let latest = clocks.iter().max_by(|a, b| of(a).lo.total_cmp(&of(b).lo));
    let earliest = clocks.iter().min_by(|a, b| of(a).hi.total_cmp(&of(b).hi));
    let (Some(ahead), Some(behind)) = (latest, earliest) else {
        return Verdict::NotApplicable;
    };
    let apart = of(ahead).minus(of(behind)).at_least();
    let limit = snap.thresholds(ahead.0).clock_pair_warning;
    if ahead.0 == behind.0 || of(ahead).lo < of(behind).hi || apart <= limit {
        return Verdict::Clear;
    }
    let middle = middle(clocks.iter().map(|(_, r)| r.value.offset));
    let (suspect, other) = if distance(of(ahead), middle) >= distance(of(behind), middle) {
        (ahead, behind)
    } else {
        (behind, ahead)
    };
    let gap = latency(seconds(apart));
    let summary = format!(
        "clocks of {} and {} are at least {gap} apart",
        suspect.0, other.0
    );
    let text = |i: Interval| {
        let (lo, hi) = (crate::units::offset(i.lo), crate::units::offset(i.hi));
        format!("{lo} to {hi}")
    };
    let limit = format!("> {} apart", latency(seconds(limit)));
    let evidence = |(subject, reading): &(&Subject, Reading<ClockOffset>)| {
        let what = format!("clock of {subject}");
        Evidence::of(reading, &what, text(reading.value.offset), limit.as_str())
    };
    Finding::new(&RULE, suspect.0, Severity::Warning, summary)
        .so_what(super::clock_skewed::breaks(apart))
        .evidence(evidence(suspect))
        .evidence(evidence(other))
        .into()
}

fn distance(interval: Interval, from: f64) -> f64 {
    (interval.mid() - from).abs()
}

/// The median of the middles: where most clocks are.
fn middle(offsets: impl Iterator<Item = Interval>) -> f64 {
    let mut middles: Vec<f64> = offsets.map(Interval::mid).collect();
    middles.sort_by(f64::total_cmp);
    middles.get(middles.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Witness;
    use crate::findings::scenario::Scenario;

    fn says(clocks: [(f64, f64); 3]) -> String {
        let mut w = Scenario::new();
        for (name, (lo, hi)) in ["a", "b", "c"].into_iter().zip(clocks) {
            let feed = format!("node-exporter/{name} http://{name}:9100");
            let host = format!("host/{name}");
            let clock = ClockOffset {
                witness: Witness::NodeTime,
                offset: Interval::new(lo, hi),
                round_trip: hi - lo,
                root_distance: None,
                stratum: None,
                reference: None,
            };
            w.feed(&feed, &host).tell(&feed, [(&host, clock.into())]);
        }
        w.says(&RULE, "fleet")
    }

    #[test]
    fn the_one_far_from_the_rest_is_named_first() {
        assert_eq!(
            says([(-0.001, 0.001), (-0.002, 0.002), (0.09, 0.1)]),
            "WARN host/c clocks of host/c and host/a are at least 89ms apart"
        );
    }

    #[test]
    fn our_own_wrong_clock_makes_nobody_differ() {
        assert_eq!(says([(5.0, 5.01), (5.0, 5.02), (4.99, 5.01)]), "clear");
    }

    #[test]
    fn wide_intervals_prove_nothing() {
        assert_eq!(
            says([(-0.001, 0.001), (-0.002, 0.002), (-0.8, 0.9)]),
            "clear"
        );
    }
}
