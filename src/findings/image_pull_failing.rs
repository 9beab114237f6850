//! Containers whose images cannot be had.

use super::object::containers::{named, what};
use super::{Cause, Finding, Rule, Severity, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Container, ContainerState};
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

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Option<Finding>, Doubt> {
    let Some((object, pod)) = object::pod(snap, subject)? else {
        return Ok(None);
    };
    let containers = pod.all_containers();
    let waiting: Vec<&Container> = containers.filter(|c| lacks_image(c)).collect();
    let Some(first) = waiting.first() else {
        return Ok(None);
    };
    let (who, image) = (named(&waiting), &first.spec.image);
    let alike = waiting.iter().all(|c| c.spec.image == *image);
    let summary = if alike {
        format!("image {image} of {who} cannot be pulled")
    } else {
        format!("images of {who} cannot be pulled")
    };
    let mut finding = Finding::new(&RULE, subject, Severity::Warning, summary);
    for container in &waiting {
        let ContainerState::Waiting(reason, message) = &container.state else {
            continue;
        };
        let mut told = object::because(reason, message.as_deref().unwrap_or_default());
        if !alike {
            told = format!("{}: {told}", container.spec.image);
        }
        let what = what(&waiting, "waiting", container);
        finding = finding.evidence(object::evidence(snap, object, &what, told, ""));
    }
    Ok(Some(finding))
}

fn lacks_image(container: &Container) -> bool {
    matches!(&container.state, ContainerState::Waiting(reason, _) if is_pulling(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Verdict;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{container, pod, waiting};
    use crate::objects::ContainerSpec;

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

    #[test]
    fn two_that_lack_their_images_are_one_finding() {
        let says = |images: [&str; 2]| {
            let mut both = ["web", "proxy"].map(|name| waiting(container(name), "ErrImagePull"));
            for (container, image) in both.iter_mut().zip(images) {
                let mut spec = ContainerSpec::clone(&container.spec);
                spec.image = image.into();
                container.spec = spec.into();
            }
            let w = Scenario::kube([pod("web-1", |pod| pod.containers = both.into())]);
            let Verdict::Firing(found) = w.verdict(&RULE, "pod/prod/shop/web-1") else {
                panic!("it does not fire")
            };
            let [one] = found.as_slice() else {
                panic!("{found:?}")
            };
            (one.summary.clone(), one.evidence[1].clone())
        };
        let (summary, _) = says(["a:1", "a:1"]);
        assert_eq!(
            summary,
            "image a:1 of containers web and proxy cannot be pulled"
        );
        let (summary, told) = says(["a:1", "b:2"]);
        assert_eq!(
            summary,
            "images of containers web and proxy cannot be pulled"
        );
        assert_eq!(
            (&*told.what, &*told.value),
            ("waiting of proxy", "b:2: ErrImagePull")
        );
    }
}
