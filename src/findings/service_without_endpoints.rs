//! A service that has nobody to send to, although somebody should be there.

use jiff::Timestamp;

use super::{Cause, Finding, Rule, Severity, Verdict, object};
use crate::model::objects::Cluster;
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Endpoints, Object, ObjectKind, Selector};
use crate::subject::{Subject, SubjectKind};

/// Kinds whose pods a service sends to.
const MAKERS: [ObjectKind; 3] = [
    ObjectKind::Deployment,
    ObjectKind::StatefulSet,
    ObjectKind::DaemonSet,
];

/// See the doc.
pub static RULE: Rule = Rule {
    id: "service-without-endpoints",
    doc: "a service has no ready endpoint
Threshold: it selects pods, some workload or pod is there for it, none of its endpoint slices has a
ready endpoint, and that for `workload_down_critical` (own choice: 1 min) as far as its pods tell.
Services without a selector, external names and those of workloads scaled to nothing are meant so.
It matters because every request to it is refused.
Look at the pods that it selects: their readiness, and whether the labels still fit.",
    on: &[SubjectKind::Service],
    needs: &[],
    causes: &[
        Cause::owner("workload-unavailable"),
        Cause::owner("rollout-stuck"),
    ],
    check: |snap, service| judge(snap, service).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let object = snap.object(subject)?;
    let Body::Service(service) = &object.body else {
        return Ok(Verdict::NotApplicable);
    };
    let selector = match &service.selector {
        Some(selector) if &*service.kind != "ExternalName" && !selector.pairs.is_empty() => {
            selector
        }
        _ => return Ok(Verdict::NotApplicable),
    };
    if object.deleting.is_some() {
        return Ok(Verdict::Clear);
    }
    let cluster = snap.cluster(&object.cluster, &[ObjectKind::Endpoints])?;
    let slices = slices(cluster, object);
    if slices.iter().any(|slice| slice.ready > 0) {
        return Ok(Verdict::Clear);
    }
    let cluster = snap.cluster(&object.cluster, &[ObjectKind::Pod])?;
    let Some((should, last)) = expected(cluster, object, selector) else {
        return Ok(Verdict::Clear);
    };
    let patience = snap.thresholds(subject).workload_down_critical;
    if !object::is_older(snap, object, last.or(object.created), patience) {
        return Ok(Verdict::Clear);
    }
    let all: u32 = slices.iter().map(|slice| slice.all).sum();
    let summary = match all {
        0 => format!("no endpoint at all, although {should} is there for it"),
        all => format!("none of {all} endpoints is ready"),
    };
    let count = object::evidence(snap, object, "ready endpoints", "0", ">= 1");
    Ok(Finding::new(&RULE, subject, Severity::Warning, summary)
        .so_what("Every request to it is refused.")
        .evidence(count)
        .into())
}

/// The slices of a service: it owns those that the control plane makes, others only name it.
fn slices<'a>(cluster: &'a Cluster, service: &Object) -> Vec<&'a Endpoints> {
    let slice = |object: &'a std::sync::Arc<Object>| match &object.body {
        Body::Endpoints(slice) => Some(&**slice),
        _ => None,
    };
    let owned: Vec<&Endpoints> = cluster
        .owned_by(&service.uid)
        .iter()
        .filter_map(slice)
        .collect();
    if !owned.is_empty() {
        return owned;
    }
    let all = cluster.in_namespace(ObjectKind::Endpoints, &service.namespace);
    all.filter_map(slice)
        .filter(|slice| slice.service.as_ref() == Some(&service.name))
        .collect()
}

/// Who should be behind the service, and when one of its pods last changed; `None` where nobody
/// should.
fn expected(
    cluster: &Cluster,
    service: &Object,
    selector: &Selector,
) -> Option<(String, Option<Timestamp>)> {
    let pods = cluster.in_namespace(ObjectKind::Pod, &service.namespace);
    let pods: Vec<&Object> = pods
        .map(AsRef::as_ref)
        .filter(|pod| pod.deleting.is_none() && selector.selects(&pod.labels))
        .collect();
    let changes = pods.iter().filter_map(|pod| match &pod.body {
        Body::Pod(body) => body.ready_since.or(pod.created),
        _ => None,
    });
    let last = changes.max();
    // Pods that have ended well do not serve and need not.
    let at_work = |pod: &&&Object| matches!(&pod.body, Body::Pod(body) if body.phase != crate::objects::Phase::Succeeded);
    if let Some(pod) = pods.iter().find(at_work) {
        return Some((format!("pod {}", pod.name), last));
    }
    let makers = MAKERS.iter();
    let mut makers = makers.flat_map(|kind| cluster.in_namespace(*kind, &service.namespace));
    let maker = makers.find(|maker| {
        let workload = maker.workload();
        workload.is_some_and(|w| w.desired > 0 && selector.selects(&w.selector.pairs))
    })?;
    Some((maker.subject().to_string(), last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{
        ago, condition, deployment, endpoints, labelled, pod, service,
    };
    use crate::objects::Status;

    const APP: &[(&str, &str)] = &[("app", "web")];

    fn unready(secs: i64) -> Object {
        let unready = pod("web-1", |pod| {
            pod.ready = false;
            pod.ready_since = Some(ago(secs));
        });
        labelled(unready, APP)
    }

    fn says(objects: Vec<Object>) -> String {
        let w = Scenario::kube(objects.into_iter().chain([service("web", APP)]));
        w.says(&RULE, "service/prod/shop/web")
    }

    #[test]
    fn one_whose_pods_are_not_ready_is_told_after_a_minute() {
        assert_eq!(says(vec![endpoints("web", 0, 1), unready(59)]), "clear");
        assert_eq!(
            says(vec![endpoints("web", 0, 1), unready(60)]),
            "WARN service/prod/shop/web none of 1 endpoints is ready"
        );
        assert_eq!(says(vec![endpoints("web", 1, 2), unready(60)]), "clear");
    }

    #[test]
    fn one_that_nobody_should_serve_is_meant_so() {
        assert_eq!(says(vec![endpoints("web", 0, 0)]), "clear");
        let asleep = deployment("web", 0, |_| {});
        assert_eq!(says(vec![endpoints("web", 0, 0), asleep]), "clear");
        let awake = deployment("web", 2, |_| {});
        assert_eq!(
            says(vec![endpoints("web", 0, 0), awake]),
            "WARN service/prod/shop/web no endpoint at all, although deployment/prod/shop/web is \
             there for it"
        );
        let mut own = service("web", APP);
        if let Body::Service(service) = &mut own.body {
            service.selector = None;
        }
        let w = Scenario::kube([own]);
        assert_eq!(w.says(&RULE, "service/prod/shop/web"), "n/a");
    }

    #[test]
    fn it_is_told_under_the_workload_that_lacks_its_pods() {
        let web = deployment("web", 1, |w| {
            (w.ready, w.available) = (0, 0);
            w.conditions = [condition("Available", Status::False, ago(600))].into();
        });
        let mut w = Scenario::kube([web, endpoints("web", 0, 0), service("web", APP)]);
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT workload-unavailable deployment/prod/shop/web
  service-without-endpoints service/prod/shop/web
"
        );
    }
}
