//! Processes that the kernel killed for want of memory.

use std::time::Duration;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Memory};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "oom-kill",
    doc: "the kernel killed processes for want of memory
Threshold: one kill within the kept samples, about six minutes (own choice: any kill is news).
It matters because something was stopped in the middle of its work and may come back damaged.
Look at the kernel log for the victim and its control group: a limit of the group or the host.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Memory],
    causes: &[Cause::same("memory-low"), Cause::same("memory-pressure")],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let memory = snap.fresh::<Memory>(host)?;
    let Some(now) = memory.value.oom_kills else {
        return Ok(Verdict::NotApplicable);
    };
    let (kills, time) = memory.over(Duration::from_secs(900), |then| {
        now.checked_sub(then.oom_kills?)
    })?;
    if kills == 0 {
        return Ok(Verdict::Clear);
    }
    let noun = if kills == 1 { "process" } else { "processes" };
    let time = span(time);
    let summary = format!("{kills} {noun} killed for want of memory in the last {time}");
    let evidence = Evidence::of(&memory, "kills", kills.to_string(), "> 0");
    let finding = Finding::new(&RULE, host, Severity::Warning, summary).evidence(evidence);
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn after(kills: &[Option<u64>]) -> String {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for &oom_kills in kills {
            let memory = Memory {
                oom_kills,
                ..Memory::default()
            };
            w.wait(10).tell("local/a", [("host/a", memory.into())]);
        }
        w.says(&RULE, "host/a")
    }

    #[test]
    fn a_rise_is_told_and_an_old_count_is_not() {
        assert_eq!(after(&[Some(7), Some(7)]), "clear");
        assert_eq!(
            after(&[Some(7), Some(8), Some(9)]),
            "WARN host/a 2 processes killed for want of memory in the last 20s"
        );
    }

    #[test]
    fn a_reboot_and_a_silent_kernel_kill_nobody() {
        assert_eq!(after(&[Some(7), Some(0), Some(0)]), "clear");
        assert_eq!(after(&[None, None]), "n/a");
        assert_eq!(after(&[Some(7)]), "unknown: needs a second sample");
    }
}
