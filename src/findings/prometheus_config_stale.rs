//! A Prometheus that could not load its newest configuration.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, PrometheusStatus};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-config-stale",
    doc: "Prometheus runs on an old configuration
Threshold: the last reload failed, by the server's own word (Prometheus mixin: PrometheusBadConfig).
It matters because new targets and new alerts are not there, and a restart will not come up.
Look at the server's log, and check the file with `promtool check config`.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::PrometheusStatus],
    causes: &[],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<PrometheusStatus>(server)?;
    match status.value.config_ok {
        None => return Ok(Verdict::NotApplicable),
        Some(true) => return Ok(Verdict::Clear),
        Some(false) => {}
    }
    let summary = "the last reload of the configuration failed";
    let finding = Finding::new(&RULE, server, Severity::Warning, summary)
        .so_what("New targets and alerts are missing; a restart will not come up.")
        .evidence(Evidence::of(&status, "last reload", "failed", "successful"));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    #[test]
    fn a_server_that_does_not_tell_is_not_judged() {
        for (config_ok, start) in [
            (None, "n/a"),
            (Some(true), "clear"),
            (Some(false), "WARN prometheus/a the last reload"),
        ] {
            let status = PrometheusStatus {
                config_ok,
                ..PrometheusStatus::default()
            };
            let w = Scenario::prometheus([status.into()]);
            assert!(w.says(&RULE, "prometheus/a").starts_with(start));
        }
    }
}
