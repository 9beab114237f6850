//! A member that the others list and that does not answer.

use super::{Cause, Evidence, Finding, Rule, target_down};
use crate::facts::{EtcdMembers, FactKind};
use crate::model::{Doubt, Feed, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-member-down",
    doc: "an etcd member does not answer
Threshold: the other members list it as a voter, and its endpoint refuses, or gave no answer to two
polls in a row (timeout, TCP), which is critical; after the first missed answer it is a warning.
It matters because each silent voter takes one from what the cluster can still lose.
Look at its host first, then at the process and its disk. Do not remove it before that.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdMembers],
    causes: &[
        Cause::host("host-down"),
        Cause::whole("etcd-unreachable"),
        Cause::whole("etcd-quorum-lost"),
    ],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Result<Vec<Finding>, Doubt> {
    let quorum = snap.quorum(cluster)?;
    let silent = quorum.silent.iter();
    Ok(silent
        .map(|(member, feed)| finding(snap, member, feed, &quorum.list))
        .collect())
}

fn finding(snap: &Snapshot, member: &Subject, feed: &Feed, list: &Reading<EtcdMembers>) -> Finding {
    let outage = feed.outage.as_ref().map(ToString::to_string);
    let outage = outage.unwrap_or_default();
    let last = feed.last_ok.map(|ok| span(snap.now.stamp.since(ok.stamp)));
    let summary = match last {
        Some(age) => format!("member {} silent, last heard {age} ago", member.leaf()),
        None => format!("member {} has never answered", member.leaf()),
    };
    let voters = list.value.members.iter().filter(|m| !m.learner).count();
    let listed = format!("one of {voters} voters");
    Finding::new(&RULE, member, target_down::grade(feed), summary)
        .evidence(Evidence {
            what: "last poll".into(),
            value: outage,
            limit: String::new(),
            source: feed.spec.id.to_string(),
            at: feed.last_poll.map_or(snap.now.stamp, |poll| poll.stamp),
        })
        .evidence(Evidence::of(list, "listed by the others", listed, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};
    use crate::observation::Layer;

    #[test]
    fn a_listed_voter_that_is_silent_is_down() {
        let mut w = Scenario::etcd(3);
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        w.wait(10).beat(&[1, 3]);
        w.fail(&Etcd::feed(2), Layer::Timeout, "connecting for 5s");
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "WARN etcd/prod/m2 member m2 silent, last heard 10s ago"
        );
    }

    #[test]
    fn a_member_that_cannot_be_read_is_not_called_down() {
        let mut w = Scenario::etcd(3);
        w.fail(&Etcd::feed(2), Layer::Tls, "unknown issuer");
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
    }

    #[test]
    fn a_dead_member_is_one_row_with_the_worst_severity() {
        let mut w = Scenario::etcd(3);
        w.run();
        assert_eq!(w.rows(), "");
        w.wait(10).beat(&[1, 3]);
        for _ in 0..2 {
            w.fail(&Etcd::feed(2), Layer::Timeout, "connecting for 5s");
        }
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT etcd-member-down etcd/prod/m2
  etcd-quorum-thin etcd/prod
  target-down etcd/prod/m2
    not-known etcd/prod/m2
"
        );
        assert_eq!(w.ledger.roots()[0].spare, Some(0));
    }

    #[test]
    fn two_dead_members_fold_under_the_lost_quorum() {
        let mut w = Scenario::etcd(3);
        w.run();
        w.wait(10).beat(&[1]);
        for n in [2, 3] {
            w.fail(&Etcd::feed(n), Layer::Timeout, "connecting for 5s");
        }
        w.run();
        let rows = w.rows();
        assert!(
            rows.starts_with("CRIT etcd-quorum-lost etcd/prod\n"),
            "{rows}"
        );
        assert_eq!(w.ledger.roots().len(), 1, "{rows}");
    }

    #[test]
    fn it_is_as_grave_as_the_silence_that_it_explains() {
        let mut w = Scenario::etcd(3);
        w.fail(&Etcd::feed(2), Layer::Timeout, "connecting for 5s");
        assert!(w.says(&RULE, "etcd/prod").starts_with("WARN"));
        w.fail(&Etcd::feed(2), Layer::Timeout, "connecting for 5s");
        assert!(w.says(&RULE, "etcd/prod").starts_with("CRIT"));
        let mut w = Scenario::etcd(3);
        w.fail(
            &Etcd::feed(2),
            Layer::Tcp,
            "10.0.0.2 refused the connection",
        );
        assert!(w.says(&RULE, "etcd/prod").starts_with("CRIT"));
    }
}
