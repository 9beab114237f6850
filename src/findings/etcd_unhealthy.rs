//! A member that says of itself that it cannot serve.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdHealth, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-unhealthy",
    doc: "an etcd member calls itself unhealthy
Threshold: `/health` answers false: a read through the quorum failed, or an alarm is raised (etcd
documentation, monitoring).
It matters because load balancers and kubelets take such a member out of service.
Look at the reason that it gives.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdHealth],
    causes: &[
        Cause::whole("etcd-alarm"),
        Cause::whole("etcd-quorum-lost"),
        Cause::whole("etcd-no-leader"),
        Cause::same("etcd-slow-fsync"),
    ],
    check: |snap, member| judge(snap, member).into(),
};

fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let Some(health) = snap.told::<EtcdHealth>(member)? else {
        return Ok(Verdict::NotApplicable);
    };
    if health.value.healthy {
        return Ok(Verdict::Clear);
    }
    let reason = match health.value.reason.as_str() {
        "" => "no reason given",
        reason => reason,
    };
    let summary = format!("unhealthy by its own word: {reason}");
    let evidence = Evidence::of(&health, "/health", "false", "true");
    let finding = Finding::new(&RULE, member, Severity::Critical, summary).evidence(evidence);
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    #[test]
    fn its_own_reason_is_told() {
        let etcd = Etcd::of(1);
        let mut w = Scenario::etcd(1);
        assert_eq!(w.says(&RULE, "etcd/prod/m1"), "clear");
        let mut facts = etcd.facts(1);
        facts[4].1 = EtcdHealth {
            reason: "RAFT NO LEADER".into(),
            ..EtcdHealth::default()
        }
        .into();
        w.tell(&Etcd::feed(1), facts);
        assert_eq!(
            w.says(&RULE, "etcd/prod/m1"),
            "CRIT etcd/prod/m1 unhealthy by its own word: RAFT NO LEADER"
        );
    }
}
