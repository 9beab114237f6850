//! Two clocks of the fleet that are provably apart, whatever this machine's own says.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::FactKind;
use crate::model::Snapshot;
use crate::model::clocks::{ClockRow, ClockSurvey, survey};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, offset, seconds};

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

fn farthest(snap: &Snapshot) -> Verdict {
    let survey = survey(snap);
    let Some(pair) = &survey.spread else {
        return Verdict::NotApplicable;
    };
    let apart = pair.interval.at_least();
    let limit = snap.thresholds(&pair.a).clock_pair_warning;
    if apart <= limit {
        return Verdict::Clear;
    }
    let middle = middle(&survey);
    let far = |subject: &Subject| {
        let row = survey.clocks.iter().find(|row| row.subject == *subject);
        row.map_or(0.0, |row| (row.now().mid() - middle).abs())
    };
    let (suspect, other) = if far(&pair.a) >= far(&pair.b) {
        (&pair.a, &pair.b)
    } else {
        (&pair.b, &pair.a)
    };
    let gap = latency(seconds(apart));
    let summary = format!("clocks of {suspect} and {other} are at least {gap} apart");
    let limit = format!("> {} apart", latency(seconds(limit)));
    let mut finding = Finding::new(&RULE, suspect, Severity::Warning, summary)
        .so_what(super::clock_skewed::breaks(apart));
    for row in &survey.clocks {
        if row.subject == *suspect || row.subject == *other {
            finding = finding.evidence(evidence(snap, row, &limit));
        }
    }
    finding.into()
}

/// What one clock was measured to be.
pub(super) fn evidence(snap: &Snapshot, row: &ClockRow, limit: &str) -> Evidence {
    let source = match &*row.machine {
        "" => row.subject.to_string(),
        machine => machine.to_owned(),
    };
    Evidence {
        what: format!("clock of {}", row.subject),
        value: format!("{} to {}", offset(row.offset.lo), offset(row.offset.hi)),
        limit: limit.to_owned(),
        source,
        at: snap.now.stamp - row.age,
    }
}

/// The median of the middles: where most clocks are.
fn middle(survey: &ClockSurvey) -> f64 {
    let fleet = survey
        .clocks
        .iter()
        .filter(|row| row.is_fleet() && row.is_usable());
    let mut middles: Vec<f64> = fleet.map(|row| row.now().mid()).collect();
    middles.sort_by(f64::total_cmp);
    middles.get(middles.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClockOffset, Interval, Witness};
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
