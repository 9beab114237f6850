//! More tasks that want to run than cores to run them.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{Cpu, FactKind, Load};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "load-high",
    doc: "the load is high
Threshold: `load_per_core_warning`, the load average of a minute per core (node mixin: 2).
It matters because work waits in line. Load counts tasks that wait for a disk too, so pressure
tells more, where it is offered.
Look whether the tasks are running or blocked.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Load, FactKind::Cpu],
    causes: &[
        Cause::same("cpu-pressure"),
        Cause::same("io-stalled"),
        Cause::same("memory-pressure"),
    ],
    check: |snap, host| judge(snap, host).into(),
};

fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let load = snap.fresh::<Load>(host)?;
    let cores = snap.fresh::<Cpu>(host)?.value.cores;
    if cores == 0 {
        return Ok(Verdict::NotApplicable);
    }
    let per_core = load.value.one / f64::from(cores);
    let limit = snap.thresholds(host).load_per_core_warning;
    if per_core <= limit {
        return Ok(Verdict::Clear);
    }
    let mut summary = format!("load {:.1} on {cores} cores", load.value.one);
    if let Some(blocked) = load.value.blocked.filter(|blocked| *blocked > 0) {
        summary.push_str(&format!(", {blocked} tasks blocked"));
    }
    let value = format!("{per_core:.1}");
    let evidence = Evidence::of(&load, "load per core", value, format!("> {limit}"));
    let finding = Finding::new(&RULE, host, Severity::Warning, summary).evidence(evidence);
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn says(one: f64) -> String {
        let load = Load {
            one,
            blocked: Some(3),
            ..Load::default()
        };
        let cpu = Cpu {
            cores: 4,
            ..Cpu::default()
        };
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", load.into()), ("host/a", cpu.into())]);
        w.says(&RULE, "host/a")
    }

    #[test]
    fn twice_the_cores_is_the_limit() {
        assert_eq!(says(8.0), "clear");
        assert_eq!(
            says(9.0),
            "WARN host/a load 9.0 on 4 cores, 3 tasks blocked"
        );
    }
}
