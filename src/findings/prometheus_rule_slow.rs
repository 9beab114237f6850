//! Rule groups that take longer than their interval.

use super::{Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::facts::{FactKind, RuleGroups};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{latency, span};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-rule-slow",
    doc: "rules of Prometheus are too slow
Threshold: a group took longer than its interval (Prometheus mixin: missed evaluations).
It matters because cycles are skipped and alerts come late.
Look at the heaviest expression of the group; split the group or record in between.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::RuleGroups],
    causes: &[],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let Some(groups) = snap.told::<RuleGroups>(server)? else {
        return Ok(Verdict::NotApplicable);
    };
    let all = groups.value.0.iter();
    let slow: Vec<_> = all
        .filter(|group| !group.interval.is_zero() && group.took > group.interval)
        .collect();
    if slow.is_empty() {
        return Ok(Verdict::Clear);
    }
    let names: Vec<String> = slow
        .iter()
        .map(|g| format!("{} {} of {}", g.name, latency(g.took), span(g.interval)))
        .collect();
    let summary = format!(
        "rule groups take longer than their interval: {}",
        some_of(&names, 2)
    );
    let mut finding = Finding::new(&RULE, server, Severity::Warning, summary)
        .so_what("Cycles are skipped and alerts come late.");
    for group in slow.iter().take(5) {
        let limit = format!("> {}", span(group.interval));
        finding = finding.evidence(Evidence::of(
            &groups,
            &group.name,
            latency(group.took),
            limit,
        ));
    }
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::RuleGroup;
    use crate::findings::scenario::Scenario;
    use std::time::Duration;

    #[test]
    fn longer_than_its_interval_is_too_long() {
        for (took, expected) in [
            (30, "clear"),
            (
                41,
                "WARN prometheus/a rule groups take longer than their interval: kube 41s of 30s",
            ),
        ] {
            let group = RuleGroup {
                name: "kube".into(),
                interval: Duration::from_secs(30),
                took: Duration::from_secs(took),
                ..RuleGroup::default()
            };
            let w = Scenario::prometheus([RuleGroups(vec![group]).into()]);
            assert_eq!(w.says(&RULE, "prometheus/a"), expected);
        }
    }
}
