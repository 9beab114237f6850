//! An API server that answers and says itself that it is not well.

use super::{Evidence, Finding, Rule, Severity, some_of};
use crate::facts::{FactKind, KubeApi, KubeChecks};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// Polls in a row from which it is no start or hand-over any more (own choice; hooks after a start
/// take seconds).
const POLLS: usize = 3;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "api-not-ready",
    doc: "an API server calls itself not ready
Threshold: `/readyz` or `/livez` fails; a warning at first, since a server that starts or stops says so
too, critical from the third poll in a row (own choice).
It matters because a load balancer sends it nothing more, and with `livez` it is about to be restarted.
Look at the checks that are named: `etcd` is its database, `poststarthook` a start that hangs.",
    on: &[SubjectKind::Cluster],
    needs: &[FactKind::KubeApi],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let api = snap.fresh::<KubeApi>(subject)?;
    let ready = finding(subject, &api, "readyz", |api| Some(&api.readyz));
    let live = finding(subject, &api, "livez", |api| api.livez.as_ref());
    Ok(ready.into_iter().chain(live).collect())
}

fn finding(
    subject: &Subject,
    api: &Reading<KubeApi>,
    endpoint: &'static str,
    checks: fn(&KubeApi) -> Option<&KubeChecks>,
) -> Option<Finding> {
    let now = checks(api.value).filter(|checks| !checks.passed)?;
    let told: Vec<&KubeApi> = api.all().map(|(_, value)| value).collect();
    let failed = told.iter().rev();
    let failed = failed.take_while(|value| checks(value).is_some_and(|checks| !checks.passed));
    let severity = if failed.count() >= POLLS {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let (what, so_what) = match endpoint {
        "livez" => ("asks to be restarted", "It is restarted if this goes on."),
        _ => ("is not ready", "It is sent no requests while this goes on."),
    };
    let names = match now.failing.as_slice() {
        [] => "no check is named".to_owned(),
        failing => format!("failing {}", some_of(failing, 4)),
    };
    let value = format!("{} of {} checks fail", now.failing.len(), now.total);
    Some(
        Finding::new(
            &RULE,
            subject,
            severity,
            format!("API server {what}: {names}"),
        )
        .key(endpoint)
        .so_what(so_what)
        .evidence(Evidence::of(api, endpoint, value, "all pass")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::kube::api;

    fn failing(names: &[&str]) -> KubeApi {
        KubeApi {
            readyz: KubeChecks {
                passed: false,
                total: 40,
                failing: names.iter().map(|name| (*name).into()).collect(),
            },
            ..api()
        }
    }

    fn says(w: &Scenario) -> String {
        w.says(&RULE, "cluster/prod")
    }

    #[test]
    fn failing_checks_are_named_and_grave_once_they_stay() {
        let mut w = Scenario::kube([]);
        assert_eq!(says(&w), "clear");
        for _ in 0..2 {
            w.wait(5).api([failing(&["etcd", "etcd-readiness"]).into()]);
            assert_eq!(
                says(&w),
                "WARN cluster/prod API server is not ready: failing etcd, etcd-readiness"
            );
        }
        w.wait(5).api([failing(&["etcd"]).into()]);
        assert!(says(&w).starts_with("CRIT"), "{}", says(&w));
        // One good answer in between begins the count anew.
        w.wait(5).api([api().into()]);
        w.wait(5).api([failing(&["etcd"]).into()]);
        assert!(says(&w).starts_with("WARN"));
    }

    #[test]
    fn a_server_that_should_be_restarted_says_so_apart() {
        let sick = KubeApi {
            livez: Some(failing(&["etcd"]).readyz),
            ..api()
        };
        let mut w = Scenario::kube([]);
        w.api([sick.into()]);
        assert_eq!(
            says(&w),
            "WARN cluster/prod API server asks to be restarted: failing etcd"
        );
    }

    #[test]
    fn what_was_not_told_is_not_ready_nor_well() {
        let mut w = Scenario::kube([]);
        w.wait(5).api([]);
        assert_eq!(says(&w), "unknown: kube api never seen");
    }
}
