//! A database that nearly fills its quota.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{EtcdMetrics, EtcdStatus, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{Bytes, Ratio};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "etcd-db-near-quota",
    doc: "an etcd database is near its quota
Threshold: `etcd_quota_warning` (own choice: 80 %) and `etcd_quota_critical` (etcd mixin: 95 %) of
the quota that the member tells.
It matters because at the quota the cluster raises NOSPACE and refuses all writes.
Look at the share in use: if it is small, compact and defragment; if not, find who writes so much.",
    on: &[SubjectKind::EtcdMember],
    needs: &[FactKind::EtcdStatus, FactKind::EtcdMetrics],
    causes: &[Cause::whole("etcd-alarm")],
    check: |snap, member| judge(snap, member).into(),
};

fn judge(snap: &Snapshot, member: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<EtcdStatus>(member)?;
    let quota = match status.value.db_quota {
        Some(quota) => Some(quota),
        None => snap
            .told::<EtcdMetrics>(member)?
            .and_then(|m| m.value.quota),
    };
    let Some(quota) = quota.filter(|quota| *quota > Bytes(0)) else {
        return Ok(Verdict::NotApplicable);
    };
    let size = status.value.db_size;
    let limits = snap.thresholds(member);
    let (warning, critical) = (limits.etcd_quota_warning, limits.etcd_quota_critical);
    let judged = Ratio::of(size.as_f64(), quota.as_f64())
        .and_then(|share| Some((share, Severity::above(share.0, warning, critical)?)));
    let Some((share, (severity, limit))) = judged else {
        return Ok(Verdict::Clear);
    };
    let in_use = status.value.db_in_use;
    let used = in_use.map_or(String::new(), |used| format!(", {used} in use"));
    let summary = format!("database {size} of {quota} quota, {share}{used}");
    let limit = format!("> {}", Ratio(limit));
    let finding = Finding::new(&RULE, member, severity, summary)
        .so_what("At the quota all writes are refused.")
        .evidence(Evidence::of(
            &status,
            "share of the quota",
            share.to_string(),
            limit,
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::{Etcd, Scenario};

    fn says(mebibytes: u64, quota: Option<Bytes>) -> String {
        let mut etcd = Etcd::of(1);
        etcd.statuses[0].db_size = Bytes(mebibytes << 20);
        etcd.metrics[0].quota = quota;
        let mut w = Scenario::etcd(1);
        w.tell(&Etcd::feed(1), etcd.facts(1));
        w.says(&RULE, "etcd/prod/m1")
    }

    #[test]
    fn the_quota_comes_from_the_member() {
        let quota = Some(Bytes(2 << 30));
        assert_eq!(says(1600, quota), "clear");
        assert_eq!(
            says(1700, quota),
            "WARN etcd/prod/m1 database 1.66 GiB of 2.00 GiB quota, 83%, 190 MiB in use"
        );
        assert!(says(2000, quota).starts_with("CRIT"));
        assert_eq!(says(2000, None), "n/a");
    }
}
