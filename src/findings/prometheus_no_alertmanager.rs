//! A Prometheus that has rules and nobody to send alerts to.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, PrometheusStatus, RuleGroups};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-no-alertmanager",
    doc: "Prometheus has no Alertmanager
Threshold: rules are loaded and the list of Alertmanagers is empty (Prometheus mixin:
PrometheusNotConnectedToAlertmanagers).
It matters because alerts fire and nobody is told.
Look at the `alerting` section of the configuration and at its discovery.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::PrometheusStatus, FactKind::RuleGroups],
    causes: &[],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<PrometheusStatus>(server)?;
    let Some(known) = &status.value.alertmanagers else {
        return Ok(Verdict::NotApplicable);
    };
    let groups = snap.told::<RuleGroups>(server)?;
    let rules: u32 = groups.map_or(0, |groups| groups.value.0.iter().map(|g| g.rules).sum());
    if !known.is_empty() || rules == 0 {
        return Ok(Verdict::Clear);
    }
    let summary = format!("{rules} rules and no Alertmanager to send to");
    let finding = Finding::new(&RULE, server, Severity::Warning, summary)
        .so_what("Alerts fire and nobody is told.")
        .evidence(Evidence::of(&status, "alertmanagers", "0", ">= 1"));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::RuleGroup;
    use crate::findings::scenario::Scenario;

    fn says(alertmanagers: Option<usize>, rules: u32) -> String {
        let status = PrometheusStatus {
            alertmanagers: alertmanagers.map(|n| vec!["http://am:9093".into(); n]),
            ..PrometheusStatus::default()
        };
        let group = RuleGroup {
            rules,
            ..RuleGroup::default()
        };
        let groups = RuleGroups(vec![group]);
        Scenario::prometheus([status.into(), groups.into()]).says(&RULE, "prometheus/a")
    }

    #[test]
    fn rules_without_a_receiver_are_told() {
        assert_eq!(
            says(Some(0), 12),
            "WARN prometheus/a 12 rules and no Alertmanager to send to"
        );
        assert_eq!(says(Some(1), 12), "clear");
        assert_eq!(says(Some(0), 0), "clear");
        assert_eq!(says(None, 12), "n/a");
    }
}
