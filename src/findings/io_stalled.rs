//! Tasks that wait for I/O, by the kernel's pressure stall information.

use super::memory_pressure::{evidence, share};
use super::{Cause, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Pressure};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "io-stalled",
    doc: "all tasks wait for a disk
Threshold: `io_stall_warning` of a minute (own choice; no upstream number).
It matters because nothing on this host makes progress while its disks are busy or broken.
Look at the queues of its disks, at who writes most, and at the kernel log.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Pressure],
    causes: &[Cause::part("disk-queue")],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let Some(pressure) = snap.told::<Pressure>(host)? else {
        return Ok(Verdict::NotApplicable);
    };
    let Some(share) = share(&pressure, |p| p.io_full)? else {
        return Ok(Verdict::NotApplicable);
    };
    let limit = snap.thresholds(host).io_stall_warning;
    if share.0 <= limit {
        return Ok(Verdict::Clear);
    }
    let summary = format!("all tasks waited for I/O {share} of the last minute");
    let finding = Finding::new(&RULE, host, Severity::Warning, summary)
        .so_what("Nothing makes progress while the disks are waited for.")
        .evidence(evidence(&pressure, "pressure, all", share, limit));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::PressureLine;
    use crate::findings::scenario::Scenario;
    use crate::units::Ratio;

    fn says(avg60: f64) -> String {
        let line = PressureLine {
            avg60: Some(Ratio(avg60)),
            ..PressureLine::default()
        };
        let pressure = Pressure {
            io_full: Some(line),
            ..Pressure::default()
        };
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", pressure.into())]);
        w.says(&RULE, "host/a")
    }

    #[test]
    fn a_minute_above_the_limit_is_a_warning() {
        assert_eq!(says(0.1), "clear");
        assert_eq!(
            says(0.8),
            "WARN host/a all tasks waited for I/O 80% of the last minute"
        );
    }
}
