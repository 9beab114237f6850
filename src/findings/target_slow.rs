//! A feed whose answers nearly miss their deadline. Knows no protocol.

use super::{Cause, Evidence, Finding, Rule, Severity};
use crate::model::Snapshot;
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, span};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "target-slow",
    doc: "a target answers slowly
Threshold: `slow_answer`, a share of the target's timeout (own choice).
It matters because the next slowing turns into silence, and everything it tells with it.
Look at the load of the target's host, at its disk, and at the path to it.",
    on: &[SubjectKind::Target],
    needs: &[],
    causes: &[
        Cause::host("io-stalled"),
        Cause::host("cpu-pressure"),
        Cause::host("memory-pressure"),
        Cause::same("etcd-slow-fsync"),
    ],
    check: |snap, target| slow(snap, target).into(),
};

fn slow(snap: &Snapshot, target: &Subject) -> Option<Finding> {
    let feed = snap.model.feed_of(target)?;
    let took = feed.latency.filter(|_| feed.outage.is_none())?;
    let share = snap.thresholds(feed.subject()).slow_answer;
    let limit = feed.spec.timeout.mul_f64(share.clamp(0.0, 1.0));
    let summary = format!(
        "answered after {}, deadline {}",
        latency(took),
        span(feed.spec.timeout)
    );
    let finding = Finding::new(&RULE, feed.subject(), Severity::Warning, summary)
        .key(feed.spec.id.to_string())
        .so_what("A little slower, and nothing more is known from it.")
        .evidence(Evidence {
            what: "time of the last poll".into(),
            value: latency(took),
            limit: format!("> {}", latency(limit)),
            source: feed.spec.id.to_string(),
            at: feed.last_poll.map_or(snap.now.stamp, |poll| poll.stamp),
        });
    (took > limit).then_some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::observation::{Harvest, Observation};
    use std::time::Duration;

    #[test]
    fn four_fifths_of_the_deadline_is_the_limit() {
        let mut w = Scenario::new();
        w.feed("node-exporter/a http://a:9100", "host/a");
        for (millis, expected) in [
            (3900, "clear"),
            (4100, "WARN host/a answered after 4.10s, deadline 5s"),
        ] {
            w.model.absorb(Observation {
                feed: w.model.feeds()[0].spec.id.clone(),
                at: w.now,
                took: Duration::from_millis(millis),
                bytes: 0,
                outcome: Ok(Harvest::default()),
            });
            let target = "target/node-exporter/a http://a:9100";
            assert_eq!(w.says(&RULE, target), expected);
        }
    }
}
