//! Members that run different releases.

use std::collections::BTreeMap;

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdStatus, FactKind};
use crate::model::Snapshot;
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-versions-mixed",
    doc: "etcd members run different versions
Threshold: more than one version. Different minor versions are a warning, patches information (etcd
documentation: a cluster acts as its lowest minor version until the upgrade is finished).
It matters because an upgrade that stopped halfway is a state that few have tested.
Finish the upgrade, one member at a time.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdStatus],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let members = snap.of_members::<EtcdStatus>(cluster);
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (member, status) in &members {
        let version: &str = &status.value.version;
        if !version.is_empty() {
            versions.entry(version).or_default().push(member.leaf());
        }
    }
    if versions.len() < 2 {
        return Verdict::Clear;
    }
    let minor = |version: &str| {
        version
            .split('.')
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut minors: Vec<_> = versions.keys().map(|version| minor(version)).collect();
    minors.dedup();
    let severity = if minors.len() > 1 {
        Severity::Warning
    } else {
        Severity::Info
    };
    let parts: Vec<String> = versions
        .iter()
        .map(|(version, who)| format!("{version} on {}", who.join(", ")))
        .collect();
    let mut finding = Finding::new(&RULE, cluster, severity, parts.join("; "));
    for (member, status) in &members {
        let version = status.value.version.to_string();
        finding = finding.evidence(Evidence::of(status, member.leaf(), version, "all equal"));
    }
    finding.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    #[test]
    fn a_minor_apart_is_graver_than_a_patch() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        for (version, expected) in [
            ("3.5.17", "clear"),
            ("3.5.9", "INFO etcd/prod 3.5.17 on m1, m3; 3.5.9 on m2"),
            ("3.6.1", "WARN etcd/prod 3.5.17 on m1, m3; 3.6.1 on m2"),
        ] {
            etcd.statuses[1].version = version.into();
            w.tell(&Etcd::feed(2), etcd.facts(2));
            assert_eq!(w.says(&RULE, "etcd/prod"), expected);
        }
    }
}
