//! Members that hold different data at the same revision.

use std::collections::BTreeMap;

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdHash, FactKind};
use crate::model::{Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-hash-mismatch",
    doc: "etcd members hold different data
Threshold: different hashes at one revision and one compaction (etcd documentation, data corruption:
they must be equal).
It matters because one member answers with wrong data, and nothing repairs that by itself.
Find the one that differs from the majority, remove it, and add it again empty. Take a snapshot of
another member first.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdHash],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let members = snap.of_members::<EtcdHash>(cluster);
    let mut at: BTreeMap<(i64, i64), Vec<&(&Subject, Reading<EtcdHash>)>> = BTreeMap::new();
    for member in &members {
        let hash = member.1.value;
        at.entry((hash.revision, hash.compact_revision))
            .or_default()
            .push(member);
    }
    if at.values().all(|group| group.len() < 2) {
        return Verdict::NotApplicable;
    }
    let mut found = Vec::new();
    for ((revision, _), group) in at {
        let first = group.first().map(|(_, hash)| hash.value.hash);
        if group.iter().all(|(_, hash)| Some(hash.value.hash) == first) {
            continue;
        }
        let names: Vec<&str> = group.iter().map(|(member, _)| member.leaf()).collect();
        let names = names.join(", ");
        let summary = format!("{names} hold different data at revision {revision}");
        let mut finding = Finding::new(&RULE, cluster, Severity::Critical, summary)
            .so_what("One of them answers with wrong data.");
        for (member, hash) in group {
            let value = format!("{:08x}", hash.value.hash);
            finding = finding.evidence(Evidence::of(hash, member.leaf(), value, "all equal"));
        }
        found.push(finding);
    }
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    fn says(hashes: [(u32, i64); 3]) -> String {
        let mut w = Scenario::etcd(3);
        for (n, (hash, revision)) in (1..).zip(hashes) {
            let hash = EtcdHash {
                hash,
                revision,
                compact_revision: 1,
            };
            w.tell(
                &Etcd::feed(n),
                [(
                    ["etcd/prod/m1", "etcd/prod/m2", "etcd/prod/m3"][n - 1],
                    hash.into(),
                )],
            );
        }
        w.says(&RULE, "etcd/prod")
    }

    #[test]
    fn only_equal_revisions_are_compared() {
        assert_eq!(says([(1, 9), (1, 9), (1, 9)]), "clear");
        assert_eq!(says([(1, 9), (2, 10), (1, 9)]), "clear");
        assert_eq!(says([(1, 9), (2, 10), (3, 11)]), "n/a");
        assert_eq!(
            says([(1, 9), (2, 9), (1, 9)]),
            "CRIT etcd/prod m1, m2, m3 hold different data at revision 9"
        );
    }
}
