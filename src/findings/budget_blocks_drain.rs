//! A disruption budget that lets no pod go although all are well, or that covers nothing.

use super::{Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, DisruptionBudget, Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};
use crate::units::counted;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "budget-blocks-drain",
    doc: "a disruption budget can never be met
Threshold: it allows no disruption while all of its pods are healthy; or it selects no pod at all,
and no workload whose pods it would select is merely scaled to nothing.
It matters because in the first case every drain of their nodes hangs until it is given up or forced,
and in the second what it should protect is not protected.
Give the workload one more replica or the budget one disruption; mend the selector.",
    on: &[SubjectKind::Pdb],
    needs: &[],
    causes: &[],
    check: |snap, budget| judge(snap, budget).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::DisruptionBudget(budget) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    // Counts of an older spec say nothing about this one.
    if !budget.observed || object.deleting.is_some() {
        return Ok(Verdict::Clear);
    }
    let summary = if budget.expected > 0 {
        let all_well = budget.healthy >= budget.expected && budget.allowed == 0;
        all_well.then(|| {
            let pods = counted(budget.expected as usize, "pod");
            format!(
                "allows no disruption although all is well: {} of {pods}",
                rule_of(budget)
            )
        })
    } else {
        selects_nothing(snap, object, budget)?.then(|| "selects no pod".to_owned())
    };
    let value = format!("{} of {} healthy", budget.healthy, budget.expected);
    let limit = format!("{} wanted", budget.desired);
    let evidence = object::evidence(snap, object, "pods", value, limit);
    let finding = summary
        .map(|summary| Finding::new(&RULE, subject, Severity::Info, summary).evidence(evidence));
    Ok(finding.into())
}

fn rule_of(budget: &DisruptionBudget) -> String {
    match (&budget.min_available, &budget.max_unavailable) {
        (Some(min), _) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max} unavailable"),
        (None, None) => "no limit".into(),
    }
}

fn selects_nothing(
    snap: &Snapshot,
    object: &Object,
    budget: &DisruptionBudget,
) -> Result<bool, Doubt> {
    const MAKERS: [ObjectKind; 2] = [ObjectKind::Deployment, ObjectKind::StatefulSet];
    let cluster = snap.cluster(&object.cluster, &MAKERS)?;
    let makers = MAKERS.iter();
    let mut makers = makers.flat_map(|kind| cluster.in_namespace(*kind, &object.namespace));
    Ok(!makers.any(|maker| {
        let workload = maker.workload();
        workload.is_some_and(|w| budget.selector.selects(&w.selector.pairs))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{budget, deployment};

    fn says(with: Option<Object>, bend: impl FnOnce(&mut DisruptionBudget)) -> String {
        let budget = budget("web", &[("app", "web")], bend);
        Scenario::kube(with.into_iter().chain([budget])).says(&RULE, "pdb/prod/shop/web")
    }

    #[test]
    fn one_that_allows_nothing_while_all_is_well_blocks_every_drain() {
        let one = |allowed, healthy| {
            says(None, |budget| {
                (budget.expected, budget.desired) = (2, 2);
                (budget.allowed, budget.healthy) = (allowed, healthy);
            })
        };
        assert_eq!(
            one(0, 2),
            "INFO pdb/prod/shop/web allows no disruption although all is well: at least 2 of 2 pods"
        );
        // One is ill: that the other must stay is what the budget is for.
        assert_eq!(one(0, 1), "clear");
        assert_eq!(one(1, 2), "clear");
    }

    #[test]
    fn one_that_selects_nothing_is_told_unless_the_workload_is_scaled_to_nothing() {
        let none = |budget: &mut DisruptionBudget| budget.expected = 0;
        assert_eq!(says(None, none), "INFO pdb/prod/shop/web selects no pod");
        let asleep = deployment("web", 0, |_| {});
        assert_eq!(says(Some(asleep), none), "clear");
    }

    #[test]
    fn counts_of_an_older_spec_are_not_judged() {
        let stale = |budget: &mut DisruptionBudget| {
            (budget.expected, budget.observed) = (0, false);
        };
        assert_eq!(says(None, stale), "clear");
    }
}
