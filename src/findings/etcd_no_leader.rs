//! Members that see no leader.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::facts::{EtcdStatus, FactKind};
use crate::model::Snapshot;
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-no-leader",
    doc: "etcd has no leader
Threshold: a member says that it knows no leader (etcd mixin: critical). Critical when no member
knows one, a warning when some do.
It matters because without a leader nothing is written, and a member without one serves old data.
Look at the quorum, then at the network between the members and at the disk of each.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdStatus],
    causes: &[Cause::same("etcd-quorum-lost")],
    check: |snap, cluster| judge(snap, cluster),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let members = snap.of_members::<EtcdStatus>(cluster);
    let lost: Vec<_> = members
        .iter()
        .filter(|(_, status)| status.value.leader.is_none())
        .collect();
    if members.is_empty() {
        return Verdict::NotApplicable;
    }
    if lost.is_empty() {
        return Verdict::Clear;
    }
    let names: Vec<&str> = lost.iter().map(|(member, _)| member.leaf()).collect();
    let (severity, summary) = if lost.len() == members.len() {
        (Severity::Critical, "no member knows a leader".to_owned())
    } else {
        let some = format!("{} sees no leader, others do", some_of(&names, 3));
        (Severity::Warning, some)
    };
    let mut finding = Finding::new(&RULE, cluster, severity, summary)
        .so_what("Nothing is written without a leader.");
    for (member, status) in lost {
        let what = format!("leader of {}", member.leaf());
        finding = finding.evidence(Evidence::of(status, &what, "none", "one"));
    }
    finding.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    #[test]
    fn some_without_a_leader_is_less_than_all() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        etcd.statuses[1].leader = None;
        w.tell(&Etcd::feed(2), etcd.facts(2));
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "WARN etcd/prod m2 sees no leader, others do"
        );
        for n in [1, 3] {
            etcd.statuses[n - 1].leader = None;
            w.tell(&Etcd::feed(n), etcd.facts(n));
        }
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "CRIT etcd/prod no member knows a leader"
        );
    }
}
