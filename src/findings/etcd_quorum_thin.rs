//! The next loss of a voter stops the cluster.

use super::etcd_quorum_lost::{evidence, summary};
use super::{Cause, Finding, Rule, Severity, Verdict, some_of};
use crate::facts::FactKind;
use crate::model::{Doubt, Quorum, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-quorum-thin",
    doc: "etcd has no member to spare
Threshold: healthy voters minus floor(n/2) + 1 is zero (etcd documentation, faq); with less it is
lost, which etcd-quorum-lost tells. A cluster of one
has no redundancy by design, which is told as information; so are voters that no target watches.
It matters because one more failure, or one reboot, stops everything that stores state in it.
Bring the missing member back before any maintenance.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdMembers],
    causes: &[
        Cause::same("etcd-quorum-lost"),
        Cause::part("etcd-member-down"),
        Cause::part("target-down"),
        Cause::same("etcd-no-leader"),
    ],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Result<Verdict, Doubt> {
    let quorum = snap.quorum(cluster)?;
    if !quorum.unwatched.is_empty() {
        return Ok(unwatched(cluster, &quorum).into());
    }
    if quorum.voters() == 1 && quorum.healthy.len() == 1 {
        let single = "one member: no redundancy by design";
        return Ok(Finding::new(&RULE, cluster, Severity::Info, single)
            .key("single")
            .so_what("Any failure of this member stops the cluster.")
            .into());
    }
    if quorum.spare_at_least() > 0 {
        return Ok(Verdict::Clear);
    }
    if quorum.spare_at_most() > 0 {
        // Members that answer but cannot be read may be well: nobody can say.
        return Err(Doubt::Never(FactKind::EtcdStatus));
    }
    let spare = quorum.spare_at_most();
    if spare < 0 {
        return Ok(Verdict::Clear);
    }
    let finding = Finding::new(&RULE, cluster, Severity::Warning, summary(&quorum))
        .so_what("The next loss of a member stops all writes.")
        .evidence(evidence(&quorum))
        .spare(spare);
    Ok(finding.into())
}

fn unwatched(cluster: &Subject, quorum: &Quorum) -> Finding {
    let names: Vec<&str> = quorum.unwatched.iter().map(Subject::leaf).collect();
    let (count, voters) = (names.len(), quorum.voters());
    let summary = format!(
        "{count} of {voters} voters not watched: {}",
        some_of(&names, 3)
    );
    Finding::new(&RULE, cluster, Severity::Info, summary)
        .key("unwatched")
        .so_what("Add their endpoints to the target: how many can be spared is not known.")
        .evidence(evidence(quorum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};
    use crate::observation::Layer;

    #[test]
    fn two_of_three_members_is_thin() {
        let mut w = Scenario::etcd(3);
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        w.fail(&Etcd::feed(2), Layer::Timeout, "connecting for 5s");
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "WARN etcd/prod 2 of 3 healthy, quorum 2, spare 0"
        );
    }

    #[test]
    fn an_even_number_has_no_more_to_spare() {
        let mut w = Scenario::etcd(4);
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        w.fail(&Etcd::feed(2), Layer::Timeout, "connecting for 5s");
        assert!(
            w.says(&RULE, "etcd/prod")
                .contains("3 of 4 healthy, quorum 3, spare 0")
        );
    }

    #[test]
    fn a_single_member_is_so_by_design() {
        let w = Scenario::etcd(1);
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "INFO etcd/prod one member: no redundancy by design"
        );
    }

    #[test]
    fn members_that_nobody_watches_are_not_dead() {
        let mut w = Scenario::new();
        let etcd = Etcd::of(3);
        w.feed(&Etcd::feed(1), "etcd/prod/m1");
        w.tell(&Etcd::feed(1), etcd.facts(1));
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "INFO etcd/prod 2 of 3 voters not watched: m2, m3"
        );
    }

    #[test]
    fn an_unreadable_member_leaves_the_spare_unknown() {
        let mut w = Scenario::etcd(3);
        w.fail(&Etcd::feed(2), Layer::Auth, "401");
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "unknown: etcd status never seen"
        );
    }

    #[test]
    fn a_lost_quorum_is_no_longer_thin() {
        let mut w = Scenario::etcd(3);
        for n in [2, 3] {
            w.fail(&Etcd::feed(n), Layer::Tcp, "refused");
        }
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
    }
}
