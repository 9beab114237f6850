//! Alarms that an etcd cluster raises against itself.

use super::{Evidence, Finding, Rule, Severity, some_of};
use crate::facts::{EtcdAlarm, EtcdAlarms, EtcdMember, EtcdMembers, FactKind};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-alarm",
    doc: "etcd has raised an alarm
Threshold: any alarm (etcd documentation, maintenance). NOSPACE: the quota is reached and writes are
refused until the alarm is disarmed. CORRUPT: a member's data differs and requests fail.
It matters because the cluster protects itself by refusing work.
Look at the order of recovery that the finding names; skipping a step brings the alarm back.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdAlarms],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Result<Vec<Finding>, Doubt> {
    let alarms = snap.fresh::<EtcdAlarms>(cluster)?;
    let list = snap.latest::<EtcdMembers>(cluster);
    let mut kinds: Vec<EtcdAlarm> = Vec::new();
    for (_, kind) in &alarms.value.0 {
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    let one = |kind| finding(cluster, &alarms, kind, list.as_ref());
    Ok(kinds.into_iter().map(one).collect())
}

fn finding(
    cluster: &Subject,
    alarms: &Reading<EtcdAlarms>,
    kind: EtcdAlarm,
    list: Option<&Reading<EtcdMembers>>,
) -> Finding {
    let raised = alarms.value.0.iter().filter(|(_, own)| *own == kind);
    let names: Vec<String> = raised.map(|(id, _)| name(*id, list)).collect();
    let (word, so_what) = words(kind);
    let summary = format!("alarm {word} on {}", some_of(&names, 3));
    Finding::new(&RULE, cluster, Severity::Critical, summary)
        .key(word.clone())
        .so_what(so_what)
        .evidence(Evidence::of(alarms, "alarm", word, "none"))
}

fn words(kind: EtcdAlarm) -> (String, &'static str) {
    match kind {
        EtcdAlarm::NoSpace => (
            "NOSPACE".into(),
            "Writes are refused. Compact to the current revision, defragment the members one \
             after the other, leader last, then disarm the alarm.",
        ),
        EtcdAlarm::Corrupt => (
            "CORRUPT".into(),
            "Requests fail. Stop the member that differs, remove it, and add it again with an \
             empty data directory.",
        ),
        EtcdAlarm::Other(number) => (
            format!("number {number}"),
            "Read the etcd release notes: this alarm is newer than this program.",
        ),
    }
}

fn name(id: u64, list: Option<&Reading<EtcdMembers>>) -> String {
    let member = list.and_then(|list| list.value.members.iter().find(|m| m.id == id));
    member.map_or_else(|| format!("{id:x}"), EtcdMember::label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::EtcdHealth;
    use crate::findings::scenario::{Etcd, Scenario};
    use crate::units::Bytes;

    #[test]
    fn an_alarm_names_the_member_and_the_way_out() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        etcd.alarms = EtcdAlarms(vec![(2, EtcdAlarm::NoSpace), (9, EtcdAlarm::Corrupt)]);
        w.tell(&Etcd::feed(1), etcd.facts(1));
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "CRIT etcd/prod alarm NOSPACE on m2\nCRIT etcd/prod alarm CORRUPT on 9"
        );
    }

    #[test]
    fn a_full_quota_and_a_failing_health_check_fold_under_the_alarm() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        etcd.alarms = EtcdAlarms(vec![(2, EtcdAlarm::NoSpace)]);
        etcd.statuses[1].db_size = Bytes(2 << 30);
        etcd.statuses[1].db_in_use = Some(Bytes(2 << 30));
        let mut facts = etcd.facts(2);
        facts[4].1 = EtcdHealth {
            healthy: false,
            reason: "ALARM NOSPACE".into(),
            ..EtcdHealth::default()
        }
        .into();
        w.tell(&Etcd::feed(2), facts);
        for n in [1, 3] {
            w.tell(&Etcd::feed(n), etcd.facts(n));
        }
        w.run();
        let roots = w.ledger.roots();
        assert_eq!(&*roots[0].id.rule, "etcd-alarm");
        let rows = w.rows();
        for folded in [
            "  etcd-db-near-quota etcd/prod/m2",
            "  etcd-unhealthy etcd/prod/m2",
        ] {
            assert!(rows.contains(folded), "{rows}");
        }
    }
}
