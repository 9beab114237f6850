//! A sensor above its limit.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Temperature, Temperatures};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "temperature-high",
    doc: "a sensor is hot
Threshold: the critical value that the sensor names itself is critical; where it names none,
`temperature_warning` (own choice; no upstream number) is a warning.
It matters because hardware slows down to save itself, and then switches off.
Look at fans, filters and the room; compare with the neighbours in the rack.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Temperatures],
    causes: &[],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let Some(sensors) = snap.told::<Temperatures>(host)? else {
        return Ok(Verdict::NotApplicable);
    };
    let fallback = snap.thresholds(host).temperature_warning;
    let mut found = Vec::new();
    for sensor in &sensors.value.0 {
        let Some((severity, limit)) = hot(sensor, fallback) else {
            continue;
        };
        let value = format!("{:.0} C", sensor.celsius);
        let summary = format!("{} is at {value}, limit {limit:.0} C", sensor.sensor);
        let evidence = Evidence::of(&sensors, &sensor.sensor, value, format!(">= {limit:.0} C"));
        let finding = Finding::new(&RULE, host, severity, summary).key(sensor.sensor.clone());
        found.push(finding.evidence(evidence));
    }
    Ok(found.into())
}

/// Some drivers name a critical value of zero or below when they know none.
fn hot(sensor: &Temperature, fallback: f64) -> Option<(Severity, f64)> {
    let (severity, limit) = match sensor.critical {
        Some(critical) if critical > 0.0 => (Severity::Critical, critical),
        _ => (Severity::Warning, fallback),
    };
    (sensor.celsius >= limit).then_some((severity, limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn says(celsius: f64, critical: Option<f64>) -> String {
        let sensor = Temperature {
            sensor: "cpu0".into(),
            celsius,
            critical,
        };
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", Temperatures(vec![sensor]).into())]);
        w.says(&RULE, "host/a")
    }

    #[test]
    fn the_sensors_own_limit_goes_before_ours() {
        assert_eq!(says(95.0, Some(100.0)), "clear");
        assert_eq!(says(95.0, None), "WARN host/a cpu0 is at 95 C, limit 90 C");
        assert_eq!(
            says(95.0, Some(0.0)),
            "WARN host/a cpu0 is at 95 C, limit 90 C"
        );
        assert_eq!(
            says(70.0, Some(70.0)),
            "CRIT host/a cpu0 is at 70 C, limit 70 C"
        );
    }
}
