//! What the API server says about a plan when it is asked: the object as it is now, who asks, may
//! he, and would it be accepted. The shell asks; here the answers are read.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Now;
use crate::observation::Outage;
use crate::units;

/// Everything that was asked about one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Live {
    /// When the last answer came.
    pub at: Now,
    /// The object as JSON.
    pub object: Result<Value, Outage>,
    pub who: Result<Identity, Outage>,
    pub may: Result<May, Outage>,
    pub dry_run: DryRun,
    /// Can what is done be recorded?
    pub audit: Result<(), String>,
    /// Is the server's certificate verified?
    pub verified: bool,
}

/// Who we are to the API server, by its own word (`SelfSubjectReview`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub user: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// What `SelfSubjectAccessReview` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct May {
    pub allowed: bool,
    pub reason: String,
}

/// How the API server took the very call, asked not to do it (`dryRun=All`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DryRun {
    /// Why it was not asked.
    NotAsked(&'static str),
    /// With the server's warnings.
    Passed(Vec<String>),
    Refused {
        code: u16,
        message: String,
    },
    Failed(Outage),
}

/// An object's identity and version, from its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    pub uid: &'a str,
    pub resource_version: &'a str,
    pub deleting: bool,
}

impl<'a> Seen<'a> {
    #[must_use]
    pub fn of(object: &'a Value) -> Option<Self> {
        let metadata = object.get("metadata")?;
        Some(Self {
            uid: metadata.get("uid")?.as_str()?,
            resource_version: metadata.get("resourceVersion")?.as_str()?,
            deleting: metadata.get("deletionTimestamp").is_some(),
        })
    }
}

/// Who last wrote a field, by `managedFields`: a program's name, not a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manager {
    pub name: String,
    /// It applies the field again and again, rather than having set it once.
    pub applies: bool,
    pub at: Option<Timestamp>,
}

/// The managers of a field; `field` is its path from the root: `["spec", "unschedulable"]`.
#[must_use]
pub fn managers(object: &Value, field: &[&str]) -> Vec<Manager> {
    let entries = object.pointer("/metadata/managedFields");
    let entries = entries.and_then(Value::as_array).into_iter().flatten();
    let owns = |entry: &&Value| {
        let mut fields = entry.get("fieldsV1");
        for name in field {
            fields = fields.and_then(|fields| fields.get(format!("f:{name}")));
        }
        fields.is_some()
    };
    let text = |entry: &Value, key: &str| Some(entry.get(key)?.as_str()?.to_owned());
    entries
        .filter(owns)
        .map(|entry| Manager {
            name: text(entry, "manager").unwrap_or_else(|| "?".into()),
            applies: text(entry, "operation").as_deref() == Some("Apply"),
            at: text(entry, "time").and_then(|time| time.parse().ok()),
        })
        .collect()
}

/// Who set a field last, and when: `since 3h02m by kubectl-cordon`.
#[must_use]
pub fn since(object: &Value, field: &[&str], now: Timestamp) -> Option<String> {
    let last = managers(object, field)
        .into_iter()
        .max_by_key(|manager| manager.at)?;
    let ago = Duration::try_from(now.duration_since(last.at?)).unwrap_or_default();
    Some(format!("since {} by {}", units::age(ago), last.name))
}

/// Marks of programs that keep an object as they were told: where the mark is, what it begins
/// with, and whose it is.
const MARKS: &[(&str, &str, &str)] = &[
    (
        "labels",
        "kustomize.toolkit.fluxcd.io/name",
        "Flux (Kustomization",
    ),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux (HelmRelease"),
    (
        "annotations",
        "argocd.argoproj.io/tracking-id",
        "Argo CD (application",
    ),
    (
        "labels",
        "argocd.argoproj.io/instance",
        "Argo CD (application",
    ),
    ("annotations", "meta.helm.sh/release-name", "Helm (release"),
    (
        "annotations",
        "cluster.x-k8s.io/machine",
        "Cluster API (machine",
    ),
    ("labels", "karpenter.sh/nodepool", "Karpenter (node pool"),
    (
        "annotations",
        "machine.openshift.io/machine",
        "Machine API (machine",
    ),
];

/// Programs that keep the whole object as they were told, as the object's own marks say.
#[must_use]
pub fn keepers(object: &Value) -> Vec<String> {
    let found = MARKS.iter().filter_map(|(place, key, whose)| {
        let marks = object.get("metadata")?.get(place)?;
        let name = marks.get(key)?.as_str()?;
        // Argo CD's mark goes on after the application's name.
        let name = name.split(':').next().unwrap_or(name);
        Some(format!("{whose} {name})"))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(labels: &Value, annotations: &Value, managed: &Value) -> Value {
        json!({"metadata": {
            "name": "w-03", "uid": "u-1", "resourceVersion": "41",
            "labels": labels, "annotations": annotations, "managedFields": managed,
        }})
    }

    #[test]
    fn each_keeper_is_known_by_its_mark() {
        let marks = [
            (
                json!({"kustomize.toolkit.fluxcd.io/name": "infra"}),
                json!({}),
                "Flux (Kustomization infra)",
            ),
            (
                json!({"helm.toolkit.fluxcd.io/name": "nodes"}),
                json!({}),
                "Flux (HelmRelease nodes)",
            ),
            (
                json!({}),
                json!({"argocd.argoproj.io/tracking-id": "base:v1/Node:w-03"}),
                "Argo CD (application base)",
            ),
            (
                json!({"argocd.argoproj.io/instance": "base"}),
                json!({}),
                "Argo CD (application base)",
            ),
            (
                json!({}),
                json!({"meta.helm.sh/release-name": "r"}),
                "Helm (release r)",
            ),
            (
                json!({}),
                json!({"cluster.x-k8s.io/machine": "m-1"}),
                "Cluster API (machine m-1)",
            ),
            (
                json!({"karpenter.sh/nodepool": "spot"}),
                json!({}),
                "Karpenter (node pool spot)",
            ),
            (
                json!({}),
                json!({"machine.openshift.io/machine": "ns/m"}),
                "Machine API (machine ns/m)",
            ),
        ];
        for (labels, annotations, told) in marks {
            assert_eq!(keepers(&node(&labels, &annotations, &json!([]))), [told]);
        }
        let plain = node(
            &json!({"app.kubernetes.io/name": "x"}),
            &json!({}),
            &json!([]),
        );
        assert!(keepers(&plain).is_empty());
        assert!(keepers(&json!("no object")).is_empty());
    }

    #[test]
    fn the_manager_of_a_field_is_found_among_others() {
        let managed = json!([
            {"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:status": {}}},
            {"manager": "kubectl-cordon", "operation": "Update", "time": "2026-11-21T01:00:00Z",
             "fieldsV1": {"f:spec": {"f:unschedulable": {}}}},
            {"manager": "kustomize-controller", "operation": "Apply",
             "fieldsV1": {"f:spec": {"f:unschedulable": {}, "f:taints": {}}}},
        ]);
        let found = managers(
            &node(&json!({}), &json!({}), &managed),
            &["spec", "unschedulable"],
        );
        let names: Vec<_> = found.iter().map(|m| (m.name.as_str(), m.applies)).collect();
        assert_eq!(
            names,
            [("kubectl-cordon", false), ("kustomize-controller", true)]
        );
        assert_eq!(found[0].at.unwrap().to_string(), "2026-11-21T01:00:00Z");
        assert!(managers(&json!({}), &["spec"]).is_empty());
    }

    #[test]
    fn an_object_without_uid_or_version_is_none() {
        let whole = node(&json!({}), &json!({}), &json!([]));
        assert_eq!(Seen::of(&whole).unwrap().resource_version, "41");
        for part in ["uid", "resourceVersion"] {
            let mut broken = whole.clone();
            broken["metadata"].as_object_mut().unwrap().remove(part);
            assert_eq!(Seen::of(&broken), None, "{part}");
        }
    }
}
