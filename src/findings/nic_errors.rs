//! An interface that loses packets to errors.

use std::time::Duration;

use super::{Evidence, Finding, Rule, Severity};
use crate::facts::{FactKind, Nic};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{Ratio, span};

/// One broken frame in a quiet minute is no trend (own choice).
const FEWEST: f64 = 10.0;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "nic-errors",
    doc: "an interface has errors
Threshold: `nic_error_warning` of the packets of one direction over five minutes (node mixin: 1 %),
and ten errors at least.
It matters because every lost packet is a retransmission: slow for streams, fatal for heartbeats.
Look at cable, optics, duplex and driver; compare with the port of the switch.",
    on: &[SubjectKind::Nic],
    needs: &[FactKind::Nic],
    causes: &[],
    check: |snap, nic| judge(snap, nic).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let nic = snap.fresh::<Nic>(subject)?;
    let (ways, time) = nic.over(Duration::from_secs(300), |then| between(then, nic.value))?;
    let limit = snap.thresholds(subject).nic_error_warning;
    let mut found = Vec::new();
    for (way, errors, packets) in ways {
        let share = Ratio::of(errors, packets.max(errors));
        let Some(share) = share.filter(|share| share.0 > limit && errors >= FEWEST) else {
            continue;
        };
        let summary = format!(
            "{share} of packets {way} broken: {errors:.0} in {}",
            span(time)
        );
        let limit = format!("> {}", Ratio(limit));
        let evidence = Evidence::of(&nic, &format!("errors, {way}"), share.to_string(), limit);
        let finding = Finding::new(&RULE, subject, Severity::Warning, summary).key(way);
        found.push(finding.evidence(evidence));
    }
    Ok(found)
}

/// Errors and packets of both directions between two readings; `None` across a reboot.
fn between(then: &Nic, now: &Nic) -> Option<[(&'static str, f64, f64); 2]> {
    let ways = [
        (
            "received",
            now.errors_in - then.errors_in,
            now.packets_in - then.packets_in,
        ),
        (
            "sent",
            now.errors_out - then.errors_out,
            now.packets_out - then.packets_out,
        ),
    ];
    let risen = |(_, errors, packets): &(_, f64, f64)| *errors >= 0.0 && *packets >= 0.0;
    ways.iter().all(risen).then_some(ways)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn after(errors: f64) -> String {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for round in [1.0, 2.0] {
            let nic = Nic {
                packets_in: 1000.0 * round,
                errors_in: errors * round,
                ..Nic::default()
            };
            w.wait(10).tell("local/a", [("nic/a/eth0", nic.into())]);
        }
        w.says(&RULE, "nic/a/eth0")
    }

    #[test]
    fn one_in_a_hundred_is_the_limit() {
        assert_eq!(after(10.0), "clear");
        assert_eq!(
            after(30.0),
            "WARN nic/a/eth0 3.0% of packets received broken: 30 in 10s"
        );
    }
}
