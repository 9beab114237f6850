//! Kubelets of several versions, or newer than their API server.

use std::collections::BTreeMap;

use super::{Finding, Rule, Severity, object, some_of};
use crate::facts::KubeApi;
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};

/// Minor versions that a kubelet may be behind its API server (Kubernetes version skew policy).
const BEHIND: u32 = 3;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "kubelet-versions-apart",
    doc: "kubelets of versions that do not fit together
Threshold: more than one minor version between two kubelets (own choice; Info), a kubelet newer than
the API server, or more than three minor versions older (Kubernetes version skew policy).
It matters because an upgrade that stopped half way is easily forgotten, and beyond the policy pods
may not start.
Upgrade the nodes that are behind; a kubelet never before its API server.",
    on: &[SubjectKind::Cluster],
    needs: &[],
    causes: &[],
    check: |snap, cluster| judge(snap, cluster).into(),
};

/// Major and minor of `v1.33.2-gke.100`.
pub(super) fn minor_of(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    let digits = minor.find(|c: char| !c.is_ascii_digit());
    let minor = minor[..digits.unwrap_or(minor.len())].parse().ok()?;
    Some((major, minor))
}

/// Nodes by the minor version of their kubelets.
type Minors<'a> = BTreeMap<(u32, u32), Vec<&'a Object>>;

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let cluster = snap.cluster(&subject.path, &[ObjectKind::Node])?;
    let mut minors = Minors::new();
    for object in cluster.of_kind(ObjectKind::Node) {
        let Body::Node(node) = &object.body else {
            continue;
        };
        if let Some(minor) = minor_of(&node.kubelet) {
            minors.entry(minor).or_default().push(object);
        }
    }
    let server = server_minor(snap, subject);
    let ahead = minors
        .iter()
        .filter(|(minor, _)| server.is_some_and(|s| **minor > s));
    let behind = minors.iter().filter(|(minor, _)| {
        server.is_some_and(|s| s.0 == minor.0 && s.1.saturating_sub(minor.1) > BEHIND)
    });
    let ahead: Vec<&Object> = ahead.flat_map(|(_, nodes)| nodes.iter().copied()).collect();
    let behind: Vec<&Object> = behind
        .flat_map(|(_, nodes)| nodes.iter().copied())
        .collect();
    let mut found = Vec::new();
    found.extend(unfit(snap, subject, "ahead", &ahead, server));
    found.extend(unfit(snap, subject, "behind", &behind, server));
    if found.is_empty() {
        found.extend(apart(snap, subject, &minors));
    }
    Ok(found)
}

fn unfit(
    snap: &Snapshot,
    subject: &Subject,
    way: &'static str,
    nodes: &[&Object],
    server: Option<(u32, u32)>,
) -> Option<Finding> {
    let (first, (major, minor)) = (nodes.first()?, server?);
    let names: Vec<&str> = nodes.iter().map(|node| &*node.name).collect();
    let which = match way {
        "ahead" => "newer than the API server",
        _ => "more than three minor versions older than the API server",
    };
    let summary = format!("kubelets {which} ({major}.{minor}): {}", some_of(&names, 4));
    let version = match &first.body {
        Body::Node(node) => node.kubelet.to_string(),
        _ => String::new(),
    };
    let finding = Finding::new(&RULE, subject, Severity::Warning, summary)
        .key(way)
        .so_what("Nobody tests these together.")
        .evidence(object::evidence(
            snap,
            first,
            "kubelet",
            version,
            format!("{major}.{minor}"),
        ));
    Some(finding)
}

fn apart(snap: &Snapshot, subject: &Subject, minors: &Minors) -> Option<Finding> {
    let (oldest, newest) = (minors.first_key_value()?, minors.last_key_value()?);
    let is_apart = oldest.0.0 != newest.0.0 || newest.0.1 - oldest.0.1 > 1;
    if !is_apart {
        return None;
    }
    let counts = minors.iter();
    let counts: Vec<String> = counts
        .map(|((major, minor), nodes)| format!("{} on {major}.{minor}", nodes.len()))
        .collect();
    let summary = format!(
        "kubelets of {} minor versions: {}",
        minors.len(),
        some_of(&counts, 4)
    );
    let names: Vec<&str> = oldest.1.iter().map(|node| &*node.name).collect();
    let finding = Finding::new(&RULE, subject, Severity::Info, summary)
        .so_what("An upgrade stopped half way.")
        .evidence(object::evidence(
            snap,
            oldest.1[0],
            "oldest on",
            some_of(&names, 8),
            "",
        ));
    Some(finding)
}

/// The API server's own version, once it told.
pub(super) fn server_minor(snap: &Snapshot, cluster: &Subject) -> Option<(u32, u32)> {
    minor_of(&snap.latest::<KubeApi>(cluster)?.value.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::node;

    fn world(versions: &[&str]) -> Scenario {
        let nodes = versions.iter().enumerate();
        Scenario::kube(
            nodes.map(|(at, version)| {
                node(&format!("w-{at}"), |node| node.kubelet = (*version).into())
            }),
        )
    }

    #[test]
    fn a_minor_version_is_read_off_whatever_the_vendor_appends() {
        assert_eq!(minor_of("v1.33.2-gke.100"), Some((1, 33)));
        assert_eq!(minor_of("1.30+"), Some((1, 30)));
        assert_eq!(minor_of("kwok-v0.7"), None);
    }

    #[test]
    fn one_minor_version_is_an_upgrade_under_way_and_two_are_told() {
        let says = |versions| world(versions).says(&RULE, "cluster/prod");
        assert_eq!(says(&["v1.33.1", "v1.32.9", "v1.33.0"]), "clear");
        assert_eq!(
            says(&["v1.33.1", "v1.31.9", "v1.33.0"]),
            "INFO cluster/prod kubelets of 2 minor versions: 1 on 1.31, 2 on 1.33"
        );
    }

    #[test]
    fn one_that_does_not_fit_its_api_server_is_a_warning() {
        let says = |versions| world(versions).says(&RULE, "cluster/prod");
        // The server is a 1.33.
        assert_eq!(
            says(&["v1.33.1", "v1.34.0"]),
            "WARN cluster/prod kubelets newer than the API server (1.33): w-1"
        );
        assert_eq!(
            says(&["v1.29.1", "v1.33.0"]),
            "WARN cluster/prod kubelets more than three minor versions older than the API server \
             (1.33): w-0"
        );
    }
}
