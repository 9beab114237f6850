//! A container whose image cannot be had.

use super::{Cause, Finding, Rule, Severity, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::ContainerState;
use crate::subject::{Subject, SubjectKind};

/// What the kubelet calls it, by turns.
const REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// See the doc.
pub static RULE: Rule = Rule {
    id: "image-pull-failing",
    doc: "an image cannot be pulled
Threshold: the kubelet says so (`ErrImagePull`, `ImagePullBackOff` and their like).
It matters because the container never starts; where the pod was moved, it does not come back.
Look at the name and tag, the pull secret, and whether the registry answers from the node.",
    on: &[SubjectKind::Pod],
    needs: &[],
    causes: &[
        Cause::node("node-not-ready"),
        Cause::owner("workload-unavailable"),
        Cause::owner("rollout-stuck"),
        Cause::owner("job-failed"),
    ],
    check: |snap, pod| judge(snap, pod).into(),
};

pub(super) fn is_pulling(reason: &str) -> bool {
    REASONS.contains(&reason)
}

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for container in pod.all_containers() {
        let ContainerState::Waiting(reason, message) = &container.state else {
            continue;
        };
        if !is_pulling(reason) {
            continue;
        }
        let (name, image) = (&container.spec.name, &container.spec.image);
        let summary = format!("image {image} of container {name} cannot be pulled");
        let told = object::because(reason, message.as_deref().unwrap_or_default());
        found.push(
            Finding::new(&RULE, subject, Severity::Warning, summary)
                .key(name.clone())
                .evidence(object::evidence(snap, object, "waiting", told, "")),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{container, pod, waiting};

    #[test]
    fn the_image_and_its_container_are_named() {
        let says = |reason| {
            let w = Scenario::kube([pod("web-1", |pod| {
                pod.containers = [waiting(container("web"), reason)].into();
            })]);
            w.says(&RULE, "pod/prod/shop/web-1")
        };
        for reason in ["ErrImagePull", "ImagePullBackOff"] {
            assert_eq!(
                says(reason),
                "WARN pod/prod/shop/web-1 image registry/web:1 of container web cannot be pulled"
            );
        }
        assert_eq!(says("ContainerCreating"), "clear");
    }
}
