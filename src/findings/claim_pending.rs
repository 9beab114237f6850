//! A volume claim that gets no volume, lost it, or waits for more room.

use super::{Finding, Rule, Severity, Verdict, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, ObjectKind, VolumeClaim};
use crate::subject::{Subject, SubjectKind};
use crate::units::Bytes;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "claim-pending",
    doc: "a volume claim is not served
Threshold: Pending for `claim_pending_warning` (own choice: 5 min), a warning where a pod mounts it and
information where none does, since many classes wait for one; Lost is critical; less granted than
wanted is information, because many volumes grow only when they are mounted anew.
It matters because pods that mount it cannot start.
Look at its events, its storage class and the driver that should make the volume.",
    on: &[SubjectKind::Pvc],
    needs: &[],
    causes: &[],
    check: |snap, claim| judge(snap, claim).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::VolumeClaim(claim) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    if object.deleting.is_some() {
        return Ok(Verdict::Clear);
    }
    let class = claim.class.as_deref().unwrap_or("the default");
    let finding = match &*claim.phase {
        "Lost" => Some(
            Finding::new(&RULE, subject, Severity::Critical, "its volume is gone")
                .so_what("What was on it cannot be reached."),
        ),
        "Bound" => growing(subject, claim),
        _ => pending(snap, subject, object)?,
    };
    let phase = object::evidence(snap, object, "phase", &*claim.phase, "Bound");
    let class = object::evidence(snap, object, "storage class", class, "");
    Ok(finding.map(|f| f.evidence(phase).evidence(class)).into())
}

fn growing(subject: &Subject, claim: &VolumeClaim) -> Option<Finding> {
    let (wanted, granted) = (claim.wanted?, claim.granted?);
    let summary = format!("{} of {} granted", Bytes(granted), Bytes(wanted));
    (granted < wanted).then(|| Finding::new(&RULE, subject, Severity::Info, summary).key("room"))
}

fn pending(snap: &Snapshot, subject: &Subject, object: &Object) -> Result<Option<Finding>, Doubt> {
    let limit = snap.thresholds(subject).claim_pending_warning;
    if !object::is_older(snap, object, object.created, limit) {
        return Ok(None);
    }
    let cluster = snap.cluster(&object.cluster, &[ObjectKind::Pod])?;
    let mut pods = cluster.in_namespace(ObjectKind::Pod, &object.namespace);
    let user = pods.find(|pod| match &pod.body {
        Body::Pod(body) => body.claims.contains(&object.name),
        _ => false,
    });
    let finding = match user {
        Some(pod) => {
            let summary = format!("no volume for it; {} waits", pod.name);
            Finding::new(&RULE, subject, Severity::Warning, summary)
                .so_what("Pods that mount it cannot start.")
        }
        None => Finding::new(
            &RULE,
            subject,
            Severity::Info,
            "no volume for it, and no pod that mounts it",
        ),
    };
    Ok(Some(finding.since(object.created)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, claim, pod};

    const DATA: &str = "pvc/prod/shop/data";

    fn says(phase: &str, secs: i64) -> String {
        let user = pod("db-0", |pod| pod.claims = ["data".into()].into());
        Scenario::kube([user, claim("data", phase, ago(secs))]).says(&RULE, DATA)
    }

    #[test]
    fn one_that_a_pod_waits_for_is_a_warning() {
        assert_eq!(says("Pending", 299), "clear");
        assert_eq!(
            says("Pending", 300),
            "WARN pvc/prod/shop/data no volume for it; db-0 waits"
        );
        let alone = Scenario::kube([claim("data", "Pending", ago(900))]);
        assert!(alone.says(&RULE, DATA).starts_with("INFO"));
    }

    #[test]
    fn a_lost_volume_is_critical() {
        assert_eq!(
            says("Lost", 5),
            "CRIT pvc/prod/shop/data its volume is gone"
        );
    }

    #[test]
    fn one_that_waits_for_more_room_is_told() {
        let sized = |wanted: u64, granted: u64| {
            let mut object = claim("data", "Bound", ago(900));
            if let Body::VolumeClaim(claim) = &mut object.body {
                (claim.wanted, claim.granted) = (Some(wanted << 30), Some(granted << 30));
            }
            Scenario::kube([object]).says(&RULE, DATA)
        };
        assert_eq!(sized(10, 10), "clear");
        assert_eq!(sized(10, 12), "clear");
        assert_eq!(
            sized(20, 10),
            "INFO pvc/prod/shop/data 10.0 GiB of 20.0 GiB granted"
        );
    }
}
