//! Somebody asks for an API that a coming release will be without.

use std::collections::BTreeMap;

use super::kubelet_versions_apart::{minor_of, server_minor};
use super::{Evidence, Finding, Rule, Severity, some_of};
use crate::facts::{DeprecatedApi, FactKind, KubeMetrics};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::counted;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "deprecated-api-used",
    doc: "a deprecated API is in use
Threshold: somebody asked for it since the API server started, and a release is named that will be
without it; a warning where that is the next one, information before.
It matters because after the upgrade whoever uses it fails.
Look in the audit log for `k8s.io/deprecated`: it names the client.",
    on: &[SubjectKind::Cluster],
    needs: &[FactKind::KubeMetrics],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let metrics = snap.fresh::<KubeMetrics>(subject)?;
    let mut by_release: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
    for api in &metrics.value.deprecated {
        if let Some(release) = minor_of(&api.removed_release) {
            by_release.entry(release).or_default().push(name(api));
        }
    }
    let server = server_minor(snap, subject);
    let found = by_release.into_iter().map(|((major, minor), mut names)| {
        names.sort();
        names.dedup();
        let next = server.is_some_and(|(on, at)| (major, minor) <= (on, at + 1));
        let severity = if next {
            Severity::Warning
        } else {
            Severity::Info
        };
        let release = format!("{major}.{minor}");
        let apis = counted(names.len(), "API");
        let summary = format!(
            "{apis} in use that {release} is without: {}",
            some_of(&names, 3)
        );
        let value = some_of(&names, 8);
        Finding::new(&RULE, subject, severity, summary)
            .key(&*release)
            .so_what(format!(
                "After the upgrade to {release} whoever uses them fails."
            ))
            .evidence(Evidence::of(
                &metrics,
                "asked for since the start",
                value,
                "",
            ))
    });
    Ok(found.collect())
}

/// `flowschemas.v1beta3.flowcontrol.apiserver.k8s.io`, as kubectl takes it.
fn name(api: &DeprecatedApi) -> String {
    let DeprecatedApi {
        group,
        version,
        resource,
        ..
    } = api;
    match &**group {
        "" => format!("{resource}.{version}"),
        group => format!("{resource}.{version}.{group}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::kube::metrics;

    fn says(removed: &[&str]) -> String {
        let api = |(at, removed): (usize, &&str)| DeprecatedApi {
            group: "policy".into(),
            version: "v1beta1".into(),
            resource: format!("kind{at}").into(),
            subresource: "".into(),
            removed_release: (*removed).into(),
        };
        let mut w = Scenario::kube([]);
        w.metrics(KubeMetrics {
            deprecated: removed.iter().enumerate().map(api).collect(),
            ..metrics()
        });
        w.says(&RULE, "cluster/prod")
    }

    #[test]
    fn it_is_a_warning_once_the_next_release_is_without_it() {
        // The server is a 1.33.
        assert_eq!(
            says(&["1.34", "1.36", "1.34"]),
            "WARN cluster/prod 2 APIs in use that 1.34 is without: kind0.v1beta1.policy, kind2.v1beta1.policy
INFO cluster/prod 1 API in use that 1.36 is without: kind1.v1beta1.policy"
        );
        assert_eq!(says(&[""]), "clear");
    }
}
