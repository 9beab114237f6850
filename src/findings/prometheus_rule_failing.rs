//! Rules of Prometheus that cannot be evaluated.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::facts::{FactKind, RuleGroups};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-rule-failing",
    doc: "rules of Prometheus fail
Threshold: one rule whose last evaluation failed (Prometheus mixin: PrometheusRuleFailures, critical).
It matters because an alert that cannot be evaluated never fires.
Look at the error: often a join that meets duplicate series.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::RuleGroups],
    causes: &[Cause::same("prometheus-not-ready")],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let Some(groups) = snap.told::<RuleGroups>(server)? else {
        return Ok(Verdict::NotApplicable);
    };
    let failing: Vec<(String, &str)> = groups
        .value
        .0
        .iter()
        .flat_map(|group| group.failing.iter().map(move |f| (group, f)))
        .map(|(group, (rule, error))| (format!("{}/{rule}", group.name), &**error))
        .collect();
    if failing.is_empty() {
        return Ok(Verdict::Clear);
    }
    let names: Vec<&str> = failing.iter().map(|(name, _)| name.as_str()).collect();
    let total: u32 = groups.value.0.iter().map(|group| group.rules).sum();
    let summary = format!(
        "{} of {total} rules fail: {}",
        failing.len(),
        some_of(&names, 3)
    );
    let mut finding = Finding::new(&RULE, server, Severity::Critical, summary)
        .so_what("An alert that cannot be evaluated never fires.");
    for (name, error) in failing.iter().take(5) {
        finding = finding.evidence(Evidence::of(&groups, name, *error, "ok"));
    }
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::RuleGroup;
    use crate::findings::scenario::Scenario;

    #[test]
    fn a_failing_rule_is_named_with_its_group() {
        let group = RuleGroup {
            name: "disks".into(),
            rules: 9,
            failing: vec![("DiskFull".into(), "many-to-many matching".into())],
            ..RuleGroup::default()
        };
        let w = Scenario::prometheus([RuleGroups(vec![group]).into()]);
        assert_eq!(
            w.says(&RULE, "prometheus/a"),
            "CRIT prometheus/a 1 of 9 rules fail: disks/DiskFull"
        );
        let w = Scenario::prometheus([RuleGroups(vec![RuleGroup::default()]).into()]);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
    }
}
