//! Names cannot be resolved from here: a fault of this machine and of none that it watches.

use super::{Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::model::{Feed, Snapshot};
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};

/// Fewer names may be misspelt or gone, each by itself (own choice).
const ENOUGH: usize = 3;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "resolver-down",
    doc: "this machine cannot resolve names
Threshold: three feeds fail at DNS, and no feed that is reached by name answers (own choice).
It matters because nothing is known of what is reached by name, however well it may be.
Look at the resolver of this machine: /etc/resolv.conf, the VPN, the way to the name server.",
    on: &[SubjectKind::Fleet],
    needs: &[],
    causes: &[],
    check,
};

fn check(snap: &Snapshot, fleet: &Subject) -> Verdict {
    let topology = snap.model.topology();
    let feeds = snap.model.feeds().iter().enumerate();
    let (failing, others): (Vec<&Feed>, Vec<&Feed>) = feeds
        .filter(|(at, _)| topology.needs_a_name(*at))
        .map(|(_, feed)| feed)
        .partition(|feed| unresolved(feed));
    // Any answer, be it a refusal, came from a name that was resolved.
    let resolved = |feed: &&Feed| match &feed.outage {
        Some(outage) => outage.layer != Layer::Local,
        None => feed.freshness(snap.now.stamp).is_usable(),
    };
    if failing.len() < ENOUGH || others.iter().any(resolved) {
        return Verdict::Clear;
    }
    let names: Vec<&str> = failing.iter().map(|feed| &*feed.spec.id.endpoint).collect();
    let summary = format!(
        "this machine's resolver does not answer: {} feeds fail at DNS and none reached by name answers",
        failing.len()
    );
    let so_what = format!("Nothing is known of {}.", some_of(&names, 3));
    let mut finding = Finding::new(&RULE, fleet, Severity::Unknown, summary).so_what(so_what);
    for feed in failing.iter().take(5) {
        let (Some(outage), Some(poll)) = (&feed.outage, feed.last_poll) else {
            continue;
        };
        finding = finding.evidence(Evidence {
            what: "last poll".into(),
            value: outage.to_string(),
            limit: String::new(),
            source: feed.spec.id.to_string(),
            at: poll.stamp,
        });
    }
    finding.into()
}

fn unresolved(feed: &Feed) -> bool {
    let outage = feed.outage.as_ref();
    outage.is_some_and(|outage| outage.layer == Layer::Dns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    const NAMED: [&str; 4] = [
        "node-exporter/a http://a:9100",
        "node-exporter/b http://b:9100",
        "node-exporter/c http://c:9100",
        "node-exporter/d http://d:9100",
    ];
    const BY_ADDRESS: &str = "node-exporter/e http://10.0.0.5:9100";

    fn world() -> Scenario {
        let mut w = Scenario::new();
        for (feed, host) in NAMED.iter().zip(["host/a", "host/b", "host/c", "host/d"]) {
            w.feed(feed, host);
        }
        w.feed(BY_ADDRESS, "host/e");
        w.tell(BY_ADDRESS, []);
        w
    }

    #[test]
    fn three_names_that_fail_while_no_name_answers_are_our_own_fault() {
        let mut w = world();
        for feed in &NAMED[..2] {
            w.fail(feed, Layer::Dns, "no answer");
        }
        assert_eq!(w.says(&RULE, "fleet"), "clear");
        w.fail(NAMED[2], Layer::Dns, "no answer");
        assert_eq!(
            w.says(&RULE, "fleet"),
            "UNKN fleet this machine's resolver does not answer: 3 feeds fail at DNS and none \
             reached by name answers"
        );
        w.tell(NAMED[3], []);
        assert_eq!(w.says(&RULE, "fleet"), "clear");
        w.fail(NAMED[3], Layer::Tcp, "d refused the connection");
        assert_eq!(w.says(&RULE, "fleet"), "clear");
    }

    #[test]
    fn only_what_could_not_be_resolved_folds_under_it() {
        let mut w = world();
        for feed in NAMED {
            w.fail(feed, Layer::Dns, "no answer");
        }
        w.fail(BY_ADDRESS, Layer::Tcp, "10.0.0.5 refused the connection");
        w.run();
        let rows = w.rows();
        let roots: Vec<&str> = rows.lines().filter(|row| !row.starts_with(' ')).collect();
        assert_eq!(
            roots,
            ["UNKN resolver-down fleet", "WARN target-down host/e"],
            "{rows}"
        );
    }
}
