//! A database file that is mostly holes.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdStatus, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{Bytes, Ratio};

/// Below this much in use nobody needs to care (etcd mixin: 100 MiB).
const SMALLEST: Bytes = Bytes(100 << 20);

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-fragmented",
    doc: "an etcd database is fragmented
Threshold: less than `etcd_fragmented` of the file in use, and more than 100 MiB in use (etcd mixin).
It matters because the quota counts the file, not what is in use.
Defragment the members one after the other, leader last: each blocks while it runs.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdStatus],
    causes: &[Cause::same("etcd-db-near-quota"), Cause::whole("etcd-alarm")],
    check: |snap, member| judge(snap, member).into(),
};

fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<EtcdStatus>(member)?;
    let size = status.value.db_size;
    let Some(in_use) = status.value.db_in_use else {
        return Ok(Verdict::NotApplicable);
    };
    let limit = snap.thresholds(member).etcd_fragmented;
    let share = Ratio::of(in_use.as_f64(), size.as_f64());
    let Some(share) = share.filter(|share| share.0 < limit && in_use > SMALLEST) else {
        return Ok(Verdict::Clear);
    };
    let summary = format!("{in_use} of {size} in use, {share}");
    let limit = format!("< {}", Ratio(limit));
    let finding = Finding::new(&RULE, member, Severity::Warning, summary).evidence(Evidence::of(
        &status,
        "share in use",
        share.to_string(),
        limit,
    ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    fn says(in_use: u64, size: u64) -> String {
        let mut etcd = Etcd::of(1);
        etcd.statuses[0].db_size = Bytes(size << 20);
        etcd.statuses[0].db_in_use = Some(Bytes(in_use << 20));
        let mut w = Scenario::etcd(1);
        w.tell(&Etcd::feed(1), etcd.facts(1));
        w.says(&RULE, "etcd/prod/m1")
    }

    #[test]
    fn holes_matter_only_in_a_large_database() {
        assert_eq!(says(200, 300), "clear");
        assert_eq!(says(90, 300), "clear");
        assert_eq!(
            says(110, 300),
            "WARN etcd/prod/m1 110 MiB of 300 MiB in use, 37%"
        );
    }
}
