//! Tasks that wait for memory, by the kernel's pressure stall information. Also the way in which
//! the other pressure checks read that information.

use std::time::Duration;

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Pressure, PressureLine};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::Ratio;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "memory-pressure",
    doc: "tasks wait for memory
Threshold: over a minute, `memory_pressure_warning` of the time for some task, and
`memory_stall_critical` of the time for all tasks at once (own choice; no upstream number).
It matters because a thrashing host answers late or not at all long before anything is killed.
Look at the heaviest control groups and at major page faults.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Pressure],
    causes: &[],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let Some(pressure) = snap.told::<Pressure>(host)? else {
        return Ok(Verdict::NotApplicable);
    };
    let limits = snap.thresholds(host);
    let full = share(&pressure, |p| p.memory_full)?;
    let some = share(&pressure, |p| p.memory_some)?;
    let stalled = full.filter(|full| full.0 > limits.memory_stall_critical);
    let waiting = some.filter(|some| some.0 > limits.memory_pressure_warning);
    let (severity, who, share, limit) = match (stalled, waiting) {
        (Some(share), _) => (
            Severity::Critical,
            "all",
            share,
            limits.memory_stall_critical,
        ),
        (_, Some(share)) => (
            Severity::Warning,
            "some",
            share,
            limits.memory_pressure_warning,
        ),
        _ => return Ok(Verdict::Clear),
    };
    let summary = format!("{who} tasks waited for memory {share} of the last minute");
    let what = format!("memory pressure, {who}");
    let finding = Finding::new(&RULE, host, severity, summary)
        .so_what("The host answers late, and kills processes next.")
        .evidence(evidence(&pressure, &what, share, limit));
    Ok(finding.into())
}

/// Share of the last minute in which tasks were stalled: as the kernel averages it, else from the
/// counter. `None` where this line is not told.
pub(super) fn share(
    pressure: &Reading<Pressure>,
    line: fn(&Pressure) -> Option<PressureLine>,
) -> Result<Option<Ratio>, Doubt> {
    let Some(now) = line(pressure.value) else {
        return Ok(None);
    };
    if now.avg60.is_some() {
        return Ok(now.avg60);
    }
    let (stalled, time) = pressure.over(Duration::from_secs(60), |then| {
        let stalled = now.total - line(then)?.total;
        (stalled >= 0.0).then_some(stalled)
    })?;
    Ok(Ratio::of(stalled, time.as_secs_f64()))
}

pub(super) fn evidence(
    pressure: &Reading<Pressure>,
    what: &str,
    share: Ratio,
    limit: f64,
) -> Evidence {
    let limit = format!("> {}", Ratio(limit));
    Evidence::of(pressure, what, share.to_string(), limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn line(total: f64, avg60: Option<f64>) -> PressureLine {
        PressureLine {
            total,
            avg60: avg60.map(Ratio),
            ..PressureLine::default()
        }
    }

    fn world(lines: &[(PressureLine, PressureLine)]) -> Scenario {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for (some, full) in lines {
            let pressure = Pressure {
                memory_some: Some(*some),
                memory_full: Some(*full),
                ..Pressure::default()
            };
            w.wait(10).tell("local/a", [("host/a", pressure.into())]);
        }
        w
    }

    #[test]
    fn the_kernels_own_minute_is_taken_where_it_is_told() {
        let w = world(&[(line(0.0, Some(0.2)), line(0.0, Some(0.05)))]);
        assert_eq!(
            w.says(&RULE, "host/a"),
            "WARN host/a some tasks waited for memory 20% of the last minute"
        );
        let w = world(&[(line(0.0, Some(0.4)), line(0.0, Some(0.15)))]);
        assert!(w.says(&RULE, "host/a").starts_with("CRIT host/a all tasks"));
    }

    #[test]
    fn a_counter_needs_two_samples() {
        let first = (line(100.0, None), line(10.0, None));
        let w = world(&[first]);
        assert_eq!(w.says(&RULE, "host/a"), "unknown: needs a second sample");
        let w = world(&[first, (line(103.0, None), line(10.0, None))]);
        assert!(
            w.says(&RULE, "host/a")
                .starts_with("WARN host/a some tasks")
        );
    }

    #[test]
    fn a_kernel_without_pressure_is_not_judged() {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", crate::facts::Os::default().into())]);
        assert_eq!(w.says(&RULE, "host/a"), "n/a");
    }
}
