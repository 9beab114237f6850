//! Tasks that wait for a CPU, by the kernel's pressure stall information.

use super::memory_pressure::{evidence, share};
use super::{Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Pressure};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "cpu-pressure",
    doc: "tasks wait for a CPU
Threshold: `cpu_pressure_warning` of a minute (own choice; no upstream number).
It matters because every answer of this host is late by that much: heartbeats, health checks, scrapes.
Look at the heaviest control groups, at throttling by quotas, and at steal time on a guest.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Pressure],
    causes: &[],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let Some(pressure) = snap.told::<Pressure>(host)? else {
        return Ok(Verdict::NotApplicable);
    };
    let Some(share) = share(&pressure, |p| p.cpu_some)? else {
        return Ok(Verdict::NotApplicable);
    };
    let limit = snap.thresholds(host).cpu_pressure_warning;
    if share.0 <= limit {
        return Ok(Verdict::Clear);
    }
    let summary = format!("some tasks waited for a CPU {share} of the last minute");
    let finding = Finding::new(&RULE, host, Severity::Warning, summary)
        .so_what("Everything on this host answers late.")
        .evidence(evidence(&pressure, "pressure, some", share, limit));
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
            cpu_some: Some(line),
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
            "WARN host/a some tasks waited for a CPU 80% of the last minute"
        );
    }
}
