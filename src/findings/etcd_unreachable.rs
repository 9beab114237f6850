//! No endpoint of a cluster answers: whether it has quorum cannot be known from here.

use super::{Cause, Evidence, Finding, Relation, Rule, Severity, Verdict};
use crate::facts::FactKind;
use crate::model::{Feed, Snapshot};
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-unreachable",
    doc: "no member of an etcd cluster answers
Threshold: every polled endpoint of the cluster is silent or refuses (own choice). A name that cannot
be resolved says nothing about the cluster.
It matters because the cluster may have lost quorum, or the way to it may be cut: from here nobody
can tell which, so nothing about it may be believed.
Look at the layer of the failures: refused means that etcd is down, silence that hosts or network are.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdStatus],
    causes: &[Cause {
        rule: "host-down",
        at: Relation::Part,
    }],
    check,
};

fn check(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let of_members = |feed: &&Feed| feed.subject().whole().as_ref() == Some(cluster);
    let members: Vec<&Feed> = snap.model.feeds().iter().filter(of_members).collect();
    // An answer that cannot be read is an answer: that is for `target-down` to say.
    let silent = |feed: &&Feed| {
        let layer = feed.outage.as_ref().map(|outage| outage.layer);
        matches!(layer, Some(Layer::Tcp | Layer::Timeout))
    };
    if members.is_empty() || !members.iter().all(silent) {
        return Verdict::Clear;
    }
    let count = members.len();
    let summary = match count {
        1 => "its only endpoint does not answer".to_owned(),
        _ => format!("none of {count} endpoints answers"),
    };
    let mut finding = Finding::new(&RULE, cluster, Severity::Critical, summary)
        .so_what("Whether it has quorum cannot be known from here.");
    for feed in members.iter().take(5) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    const FEEDS: [&str; 2] = [
        "etcd/prod https://10.0.0.1:2379",
        "etcd/prod https://10.0.0.2:2379",
    ];

    fn world() -> Scenario {
        let mut world = Scenario::new();
        for feed in FEEDS {
            let place = feed.trim_start_matches("etcd/prod https://");
            world.feed(feed, &format!("etcd/prod/{place}"));
        }
        world
    }

    #[test]
    fn all_endpoints_silent_is_one_finding_that_explains_the_others() {
        let mut world = world();
        for feed in FEEDS {
            world.fail(feed, Layer::Tcp, "refused the connection");
        }
        assert!(
            world
                .says(&RULE, "etcd/prod")
                .starts_with("CRIT etcd/prod none of 2 endpoints answers")
        );
        let rows = world.run().rows();
        assert_eq!(
            rows.lines().filter(|row| !row.starts_with(' ')).count(),
            1,
            "{rows}"
        );
    }

    #[test]
    fn what_answers_and_cannot_be_read_is_not_unreachable() {
        let mut world = world();
        world.fail(FEEDS[0], Layer::Tcp, "refused the connection");
        world.fail(FEEDS[1], Layer::Tls, "unknown issuer");
        assert_eq!(world.says(&RULE, "etcd/prod"), "clear");
    }

    #[test]
    fn one_answering_endpoint_is_enough_to_say_nothing() {
        let mut world = world();
        world.fail(FEEDS[0], Layer::Tcp, "refused the connection");
        assert_eq!(world.says(&RULE, "etcd/prod"), "clear");
    }
}
