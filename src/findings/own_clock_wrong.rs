//! This machine's clock, judged by all others together: when they agree and we do not, it is us.

use std::collections::BTreeMap;

use super::clocks_apart::{clocks, tightest};
use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{ClockOffset, FactKind, Interval};
use crate::model::{Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, offset, seconds};

/// Fewer agreeing machines are no verdict: two clocks cannot tell which of them is wrong, and
/// three let one be wrong (own choice, after the rule that NTP needs three to find a falseticker).
const WITNESSES: usize = 3;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "own-clock-wrong",
    doc: "the clock of this machine is wrong
Threshold: three machines or more agree on an offset beyond `clock_skew_warning`, and they are more
than half of all that tell one (node mixin and Ceph: 50 ms).
It matters because every skew shown here is then measured from a wrong zero.
Look at the time daemon of this machine. Skew of the others folds under this until it is right.",
    on: &[SubjectKind::Fleet],
    needs: &[FactKind::ClockOffset],
    causes: &[],
    check,
};

fn check(snap: &Snapshot, fleet: &Subject) -> Verdict {
    let witnesses = witnesses(snap);
    if witnesses.len() < WITNESSES {
        return Verdict::NotApplicable;
    }
    let here = snap.model.topology().here().unwrap_or(fleet);
    let limits = snap.thresholds(here);
    let Some((agreed, count)) = agreement(witnesses.values().map(|r| r.value.offset)) else {
        return Verdict::Clear;
    };
    let proven = agreed.at_least();
    let judged = Severity::above(
        proven,
        limits.clock_skew_warning,
        limits.clock_skew_critical,
    );
    let Some((severity, limit)) = judged else {
        return Verdict::Clear;
    };
    if count < WITNESSES || count * 2 <= witnesses.len() {
        return Verdict::Clear;
    }
    let way = if agreed.lo > 0.0 { "behind" } else { "ahead" };
    let all = witnesses.len();
    let summary = format!(
        "the clock of this machine is {} {way}: {count} of {all} others agree",
        latency(seconds(agreed.mid().abs()))
    );
    let mut finding = Finding::new(&RULE, here, severity, summary)
        .so_what("Every skew shown is measured from this clock.");
    for (subject, reading) in &witnesses {
        let told = reading.value.offset;
        let value = format!("{} to {}", offset(told.lo), offset(told.hi));
        let limit = format!("> {}", latency(seconds(limit)));
        let evidence = Evidence::of(reading, &format!("clock of {subject}"), value, limit);
        finding = if told.meet(agreed).is_some() {
            finding.evidence(evidence)
        } else {
            finding.against(evidence)
        };
    }
    finding.into()
}

/// The tightest offset for each machine but this one. Several services of one host share its
/// clock and count once; what cannot be placed on a host counts for itself.
fn witnesses<'a>(snap: &Snapshot<'a>) -> BTreeMap<&'a Subject, Reading<'a, ClockOffset>> {
    let topology = snap.model.topology();
    let servers = snap.model.subjects(SubjectKind::Sntp);
    let servers = servers.filter_map(|server| Some((server, tightest(snap, server)?)));
    let mut found: BTreeMap<&Subject, Reading<ClockOffset>> = BTreeMap::new();
    for (subject, reading) in clocks(snap).into_iter().chain(servers) {
        let machine = topology.host_of(subject).unwrap_or(subject);
        if Some(machine) == topology.here() || topology.is_here(subject) {
            continue;
        }
        let error = reading.value.offset.error();
        let tighter = found
            .get(machine)
            .is_none_or(|known| error < known.value.offset.error());
        if tighter {
            found.insert(machine, reading);
        }
    }
    found
}

/// Where the most intervals overlap, and how many do: the sweep over sorted ends that NTP's
/// intersection algorithms share.
fn agreement(intervals: impl Iterator<Item = Interval>) -> Option<(Interval, usize)> {
    let mut ends: Vec<(f64, bool)> = Vec::new();
    for interval in intervals {
        ends.push((interval.lo, true));
        ends.push((interval.hi, false));
    }
    // At equal ends the opening one goes first: touching intervals meet.
    ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let (mut open, mut best) = (0usize, None);
    for (at, (end, opens)) in ends.iter().enumerate() {
        open = if *opens {
            open + 1
        } else {
            open.saturating_sub(1)
        };
        if *opens && best.is_none_or(|(_, most)| open > most) {
            let until = ends.get(at + 1).map_or(*end, |(next, _)| *next);
            best = Some((Interval::new(*end, until), open));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Witness;
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
            "CRIT host/here the clock of this machine is 2.00s behind: 3 of 3 others agree"
        );
    }

    #[test]
    fn two_of_four_are_no_majority() {
        let w = world(&[(1.99, 2.01), (1.98, 2.0), (-0.01, 0.01), (-0.02, 0.02)]);
        assert_eq!(w.says(&RULE, "fleet"), "clear");
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
