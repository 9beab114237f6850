//! This machine's clock, judged by all others together: when they agree and we do not, it is us.

use super::clocks_apart::evidence;
use super::{Finding, Rule, Severity, Verdict};
use crate::facts::FactKind;
use crate::model::Snapshot;
use crate::model::clocks::survey;
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, seconds};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "own-clock-wrong",
    doc: "the clock of this machine is wrong
Threshold: most other machines, and two at least, agree on an offset that is proven beyond
`clock_skew_warning` or `clock_skew_critical` (node mixin and Ceph: 50 ms; CockroachDB: 500 ms).
It matters because every skew shown here is then measured from a wrong zero.
Look at the time daemon of this machine. Skew of the others folds under this until it is right.",
    on: &[SubjectKind::Fleet],
    needs: &[FactKind::ClockOffset],
    causes: &[],
    check,
};

fn check(snap: &Snapshot, fleet: &Subject) -> Verdict {
    let survey = survey(snap);
    let own = &survey.own;
    let Some(agreed) = own.interval else {
        return Verdict::NotApplicable;
    };
    let here = snap.model.topology().here().unwrap_or(fleet);
    let limits = snap.thresholds(here);
    let (warning, critical) = (limits.clock_skew_warning, limits.clock_skew_critical);
    let judged = Severity::above(agreed.at_least(), warning, critical);
    // An agreed interval without zero in it is the survey's verdict `Off`.
    let Some((severity, limit)) = judged else {
        return Verdict::Clear;
    };
    let summary = format!("the clock of this machine is {}", own.sentence());
    let limit = format!("> {}", latency(seconds(limit)));
    let mut finding = Finding::new(&RULE, here, severity, summary)
        .so_what("Every skew shown is measured from this clock.");
    let others = survey.clocks.iter().filter(|row| !row.is_here);
    for row in others.filter(|row| row.is_usable()) {
        let told = evidence(snap, row, &limit);
        finding = if own.outliers.contains(&row.subject) {
            finding.against(told)
        } else {
            finding.evidence(told)
        };
    }
    finding.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ClockOffset, Interval, Witness};
    use crate::findings::scenario::Scenario;

    fn world(clocks: &[(f64, f64)]) -> Scenario {
        let mut w = Scenario::new();
        w.feed("local/here", "host/here");
        for (n, (lo, hi)) in clocks.iter().enumerate() {
            let feed = format!("node-exporter/h{n} http://10.0.0.{n}:9100");
            let host = format!("host/h{n}");
            let clock = ClockOffset {
                witness: Witness::NodeTime,
                offset: Interval::new(*lo, *hi),
                round_trip: hi - lo,
                root_distance: None,
                stratum: None,
                reference: None,
            };
            w.feed(&feed, &host).tell(&feed, [(&host, clock.into())]);
        }
        w
    }

    #[test]
    fn three_that_agree_against_us_are_right() {
        let w = world(&[(1.99, 2.01), (1.98, 2.0), (1.9, 2.1)]);
        assert_eq!(
            w.says(&RULE, "fleet"),
            "CRIT host/here the clock of this machine is at least 1.99s behind 3 of 3 other clocks"
        );
    }

    #[test]
    fn two_of_four_are_no_majority() {
        let w = world(&[(1.99, 2.01), (1.98, 2.0), (-0.01, 0.01), (-0.02, 0.02)]);
        assert_eq!(w.says(&RULE, "fleet"), "n/a");
    }

    #[test]
    fn wide_witnesses_prove_nothing() {
        let w = world(&[(-1.0, 1.0), (-0.9, 1.0), (-1.0, 0.8)]);
        assert_eq!(w.says(&RULE, "fleet"), "clear");
    }

    #[test]
    fn skew_of_the_others_folds_under_ours() {
        let mut w = world(&[(1.99, 2.01), (1.98, 2.0), (1.9, 2.1)]);
        w.run();
        let roots = w.ledger.roots();
        let row = roots.iter().find(|e| &*e.id.rule == "own-clock-wrong");
        assert_eq!(row.map(|e| e.weight), Some(3), "{}", w.rows());
    }
}
