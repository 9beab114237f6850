//! Members that tell different things about their cluster.

use std::collections::BTreeMap;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdStatus, FactKind};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-split",
    doc: "etcd members disagree
Threshold: different cluster ids at once, or different leaders or raft terms in two polls in a row
(etcd documentation: all members of a cluster name one leader in one term).
It matters because two clusters under one name, or a member cut off from the rest, answer with
different truths.
Look at the network between the members, and whether one was started with data of another cluster.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdStatus],
    causes: &[
        Cause::same("etcd-no-leader"),
        Cause::same("etcd-leader-flapping"),
    ],
    check: |snap, cluster| judge(snap, cluster).into(),
};

type Statuses<'a> = [(&'a Subject, Reading<'a, EtcdStatus>)];

fn judge(snap: &Snapshot, cluster: &Subject) -> Result<Verdict, Doubt> {
    let members = snap.of_members::<EtcdStatus>(cluster);
    if members.len() < 2 {
        return Ok(Verdict::NotApplicable);
    }
    if let Some(found) = differ(&members, |status| Some(status.cluster_id)) {
        let summary = format!("two clusters under one name: {}", tell(&found));
        return Ok(finding(cluster, &members, Severity::Critical, "cluster", summary).into());
    }
    let mut found = Vec::new();
    let leader = |status: &EtcdStatus| status.leader;
    let term = |status: &EtcdStatus| Some(status.raft_term);
    if let Some(now) = lasting(&members, leader)? {
        let summary = format!("members name different leaders: {}", tell(&now));
        found.push(finding(
            cluster,
            &members,
            Severity::Critical,
            "leader",
            summary,
        ));
    } else if let Some(now) = lasting(&members, term)? {
        let summary = format!("members are in different terms: {}", tell(&now));
        found.push(finding(
            cluster,
            &members,
            Severity::Warning,
            "term",
            summary,
        ));
    }
    Ok(found.into())
}

type Groups<'a> = BTreeMap<u64, Vec<&'a str>>;

/// Who says what, where not all say the same.
fn differ<'a>(members: &Statuses<'a>, of: fn(&EtcdStatus) -> Option<u64>) -> Option<Groups<'a>> {
    let mut groups = Groups::new();
    for (member, status) in members {
        if let Some(value) = of(status.value) {
            groups.entry(value).or_default().push(member.leaf());
        }
    }
    (groups.len() > 1).then_some(groups)
}

/// Members are polled one after the other, so an election between two polls looks like a
/// disagreement: only one that was there in the polls before counts.
fn lasting<'a>(
    members: &Statuses<'a>,
    of: fn(&EtcdStatus) -> Option<u64>,
) -> Result<Option<Groups<'a>>, Doubt> {
    let Some(now) = differ(members, of) else {
        return Ok(None);
    };
    let mut before = Vec::new();
    for (_, status) in members {
        let (then, _) = status.previous().ok_or(Doubt::SecondSample)?;
        before.extend(of(then));
    }
    before.sort_unstable();
    before.dedup();
    Ok((before.len() > 1).then_some(now))
}

fn tell(groups: &Groups) -> String {
    let parts: Vec<String> = groups
        .iter()
        .map(|(value, who)| format!("{} say {value:x}", who.join(", ")))
        .collect();
    parts.join("; ")
}

fn finding(
    cluster: &Subject,
    members: &Statuses,
    severity: Severity,
    key: &str,
    summary: String,
) -> Finding {
    let mut finding = Finding::new(&RULE, cluster, severity, summary)
        .key(key)
        .so_what("Which member is asked decides which truth is told.");
    for (member, status) in members {
        let s = status.value;
        let leader = s.leader.map_or("none".into(), |id| format!("{id:x}"));
        let value = format!(
            "cluster {:x}, leader {leader}, term {}",
            s.cluster_id, s.raft_term
        );
        finding = finding.evidence(Evidence::of(status, member.leaf(), value, "all equal"));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    #[test]
    fn another_cluster_id_is_told_at_once() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        etcd.statuses[2].cluster_id = 0xbad;
        w.tell(&Etcd::feed(3), etcd.facts(3));
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "CRIT etcd/prod two clusters under one name: m1, m2 say c1; m3 say bad"
        );
    }

    #[test]
    fn an_election_between_two_polls_is_no_split() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        w.wait(10).beat(&[1, 2, 3]);
        etcd.statuses[0].leader = Some(2);
        w.wait(10).tell(&Etcd::feed(1), etcd.facts(1));
        assert_eq!(w.says(&RULE, "etcd/prod"), "clear");
        w.beat(&[2, 3]);
        w.wait(10).tell(&Etcd::feed(1), etcd.facts(1)).beat(&[2, 3]);
        assert_eq!(
            w.says(&RULE, "etcd/prod"),
            "CRIT etcd/prod members name different leaders: m2, m3 say 1; m1 say 2"
        );
    }
}
