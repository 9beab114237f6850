//! A block device with more requests waiting than it can serve.

use std::time::Duration;

use super::{Evidence, Finding, Rule, Severity};
use crate::facts::{Disk, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "disk-queue",
    doc: "requests queue at a disk
Threshold: `disk_queue_warning` requests waiting on average over five minutes (node mixin: 10).
It matters because everything that syncs to this disk waits in that queue: etcd first.
Look at which control group reads or writes most, and at the device's own health.",
    on: &[SubjectKind::Disk],
    needs: &[FactKind::Disk],
    causes: &[],
    check: |snap, disk| judge(snap, disk).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Option<Finding>, Doubt> {
    let disk = snap.fresh::<Disk>(subject)?;
    let (waited, time) = disk.over(Duration::from_secs(300), |then| {
        let waited = disk.value.weighted_secs - then.weighted_secs;
        (waited >= 0.0).then_some(waited)
    })?;
    let queue = waited / time.as_secs_f64();
    let limit = snap.thresholds(subject).disk_queue_warning;
    if queue <= limit {
        return Ok(None);
    }
    let summary = format!("{queue:.1} requests waiting on average over {}", span(time));
    let evidence = Evidence::of(
        &disk,
        "mean queue",
        format!("{queue:.1}"),
        format!("> {limit}"),
    );
    Ok(Some(
        Finding::new(&RULE, subject, Severity::Warning, summary)
            .so_what("Whatever syncs to this disk waits.")
            .evidence(evidence),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn after(weighted: [f64; 2]) -> String {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for weighted_secs in weighted {
            let disk = Disk {
                weighted_secs,
                ..Disk::default()
            };
            w.wait(10).tell("local/a", [("disk/a/sda", disk.into())]);
        }
        w.says(&RULE, "disk/a/sda")
    }

    #[test]
    fn the_queue_is_weighted_time_over_time() {
        assert_eq!(after([0.0, 100.0]), "clear");
        assert_eq!(
            after([0.0, 120.0]),
            "WARN disk/a/sda 12.0 requests waiting on average over 10s"
        );
    }

    #[test]
    fn a_reboot_is_no_negative_queue() {
        assert_eq!(after([500.0, 0.0]), "unknown: needs a second sample");
    }
}
