//! Too few voters are left to agree on anything.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::FactKind;
use crate::model::{Doubt, Quorum, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-quorum-lost",
    doc: "etcd has lost its quorum
Threshold: fewer voters than floor(n/2) + 1 can be well, those that cannot be read counted as well
(etcd documentation, faq).
It matters because nothing can be written: Kubernetes stands still and heals nothing.
Bring one member back with its data. Only when that is impossible restore from a snapshot, and
never start a second cluster beside a first that may come back.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdMembers],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Result<Verdict, Doubt> {
    let quorum = snap.quorum(cluster)?;
    let spare = quorum.spare_at_most();
    if spare >= 0 {
        return Ok(Verdict::Clear);
    }
    let finding = Finding::new(&RULE, cluster, Severity::Critical, summary(&quorum))
        .so_what("Nothing can be written until a member comes back.")
        .evidence(evidence(&quorum))
        .spare(spare);
    Ok(finding.into())
}

/// `2 of 3 healthy, quorum 2, spare 0`.
pub(super) fn summary(quorum: &Quorum) -> String {
    let (healthy, voters, needed) = (quorum.healthy.len(), quorum.voters(), quorum.needed());
    let spare = quorum.spare_at_least();
    format!("{healthy} of {voters} healthy, quorum {needed}, spare {spare}")
}

pub(super) fn evidence(quorum: &Quorum) -> Evidence {
    let (healthy, needed) = (quorum.healthy.len(), quorum.needed());
    let limit = format!(">= {needed}");
    Evidence::of(&quorum.list, "healthy voters", healthy.to_string(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};
    use crate::observation::Layer;

    #[test]
    fn one_of_three_is_lost() {
        let mut w = Scenario::etcd(3);
        for n in [2, 3] {
            assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
            w.fail(&Etcd::feed(n), Layer::Tcp, "refused");
        }
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "CRIT etcd/prod 1 of 3 healthy, quorum 2, spare -1"
        );
    }

    #[test]
    fn what_cannot_be_read_may_be_well() {
        let mut w = Scenario::etcd(3);
        for n in [2, 3] {
            w.fail(&Etcd::feed(n), Layer::Auth, "401");
        }
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
    }

    #[test]
    fn without_a_fresh_list_nothing_is_known() {
        let mut w = Scenario::etcd(3);
        w.wait(40);
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "unknown: etcd members is 40s old"
        );
    }
}
