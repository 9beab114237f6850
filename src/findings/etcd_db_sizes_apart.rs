//! Members whose databases differ in size although they hold the same keys.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdStatus, FactKind};
use crate::model::Snapshot;
use crate::subject::{Subject, SubjectKind};
use crate::units::{Bytes, Ratio};

/// Small files differ for small reasons (the size from which the mixin looks at fragmentation).
const SMALLEST: Bytes = Bytes(100 << 20);

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-db-sizes-apart",
    doc: "etcd databases differ in size
Threshold: the smallest file is less than `etcd_size_apart` of the largest, and that is above
100 MiB (own choice).
It matters because the largest member reaches the quota first and stops all writes.
Look whether one member was left out of the last defragmentation.",
    on: &[SubjectKind::Etcd],
    needs: &[FactKind::EtcdStatus],
    causes: &[
        Cause::part("etcd-fragmented"),
        Cause::part("etcd-db-near-quota"),
    ],
    check: |snap, cluster| judge(snap, cluster),
};

fn judge(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let mut members = snap.of_members::<EtcdStatus>(cluster);
    members.sort_by_key(|(_, status)| status.value.db_size);
    let [(small, least), .., (large, most)] = members.as_slice() else {
        return Verdict::NotApplicable;
    };
    let (low, high) = (least.value.db_size, most.value.db_size);
    let limit = snap.thresholds(cluster).etcd_size_apart;
    let share = Ratio::of(low.as_f64(), high.as_f64());
    let Some(share) = share.filter(|share| share.0 < limit && high > SMALLEST) else {
        return Verdict::Clear;
    };
    let summary = format!("{} has {low}, {} has {high}", small.leaf(), large.leaf());
    let limit = format!("< {}", Ratio(limit));
    let value = share.to_string();
    Finding::new(&RULE, cluster, Severity::Info, summary)
        .so_what("The largest member reaches the quota first.")
        .evidence(Evidence::of(least, "smallest of largest", value, limit))
        .evidence(Evidence::of(most, "largest", high.to_string(), ""))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    #[test]
    fn half_the_size_is_too_far_apart() {
        let mut etcd = Etcd::of(3);
        let mut w = Scenario::etcd(3);
        for (size, expected) in [
            (390, "clear"),
            (410, "INFO etcd/prod m1 has 200 MiB, m3 has 410 MiB"),
        ] {
            etcd.statuses[2].db_size = Bytes(size << 20);
            w.tell(&Etcd::feed(3), etcd.facts(3));
            assert_eq!(w.says(&RULE, "etcd/prod"), expected);
        }
    }
}
