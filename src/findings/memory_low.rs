//! A host with little memory left.

use super::{Cause, Evidence, Finding, Rule, Severity};
use crate::facts::{FactKind, Memory};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::Ratio;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "memory-low",
    doc: "memory is nearly used up
Threshold: `memory_used_warning` of memory not available (node mixin: 90 %).
It matters because the kernel kills processes when nothing can be reclaimed.
Look at the heaviest control groups. Cache counts as available; swap does not.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Memory],
    causes: &[Cause::same("memory-pressure")],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Option<Finding>, Doubt> {
    let memory = snap.fresh::<Memory>(host)?;
    let limit = snap.thresholds(host).memory_used_warning;
    let Some(used) = memory.value.used().filter(|used| used.0 > limit) else {
        return Ok(None);
    };
    let (available, total) = (memory.value.available, memory.value.total);
    let summary = format!("{used} of memory used, {available} of {total} available");
    let limit = format!("> {}", Ratio(limit));
    Ok(Some(
        Finding::new(&RULE, host, Severity::Warning, summary)
            .so_what("Processes are killed when none is left.")
            .evidence(Evidence::of(
                &memory,
                "memory used",
                used.to_string(),
                limit,
            )),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::units::Bytes;

    #[test]
    fn nine_tenths_is_the_limit() {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for (available, expected) in [
            (11, "clear"),
            (
                8,
                "WARN host/a 92% of memory used, 8.00 GiB of 100 GiB available",
            ),
        ] {
            let memory = Memory {
                total: Bytes(100 << 30),
                available: Bytes(available << 30),
                ..Memory::default()
            };
            w.tell("local/a", [("host/a", memory.into())]);
            assert_eq!(w.says(&RULE, "host/a"), expected);
        }
    }
}
