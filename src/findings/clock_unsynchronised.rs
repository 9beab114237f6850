//! A kernel clock that nobody disciplines.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, KernelClock};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, seconds};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "clock-unsynchronised",
    doc: "a clock is not disciplined
Threshold: the kernel says that it is not synchronised, or its error bound reaches
`clock_max_error_warning` (node mixin: 16 s, where the bound saturates).
It matters because the clock runs free and drifts, by a second or more a day; it is not wrong yet.
Look whether a time daemon runs and which of its servers it can reach.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::KernelClock],
    causes: &[],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let Some(clock) = snap.told::<KernelClock>(host)? else {
        return Ok(Verdict::NotApplicable);
    };
    let limit = snap.thresholds(host).clock_max_error_warning;
    let bound = latency(seconds(clock.value.max_error));
    let summary = if !clock.value.synced {
        format!("nobody disciplines the clock; error bound {bound}")
    } else if clock.value.max_error >= limit {
        format!("the clock was not corrected for long; error bound {bound}")
    } else {
        return Ok(Verdict::Clear);
    };
    let limit = format!(">= {}", latency(seconds(limit)));
    let synced = if clock.value.synced { "yes" } else { "no" };
    let finding = Finding::new(&RULE, host, Severity::Warning, summary)
        .so_what(
            "It drifts: Ceph and Prometheus complain from 50 ms, CockroachDB stops from 500 ms.",
        )
        .evidence(Evidence::of(&clock, "synchronised", synced, "yes"))
        .evidence(Evidence::of(&clock, "error bound", bound, limit));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn says(synced: bool, max_error: f64) -> String {
        let clock = KernelClock {
            synced,
            max_error,
            ..KernelClock::default()
        };
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", clock.into())]);
        w.says(&RULE, "host/a")
    }

    #[test]
    fn the_kernels_word_and_its_bound_both_count() {
        assert_eq!(says(true, 0.02), "clear");
        assert_eq!(
            says(false, 0.02),
            "WARN host/a nobody disciplines the clock; error bound 20ms"
        );
        assert_eq!(
            says(true, 16.0),
            "WARN host/a the clock was not corrected for long; error bound 16s"
        );
    }
}
