//! Kubernetes objects for tests of rules: well as they come, bent where a test needs it.
//!
//! The cluster is `prod`, the namespace `shop` unless a name says otherwise (`kube-system/x`).

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Now;
use crate::objects::pod::PodTraits;
use crate::objects::{
    Body, Condition, Container, ContainerSpec, ContainerState, CronJob, DisruptionBudget,
    Endpoints, Job, Labels, Lease, Namespace, Node, Object, Owner, Phase, Pod, Quota, QuotaLine,
    Resources, Selector, Service, Status, Termination, VolumeClaim, Workload,
};

/// So many seconds before the scenario begins.
pub fn ago(secs: i64) -> Timestamp {
    Now::fixed().wall - SignedDuration::from_secs(secs)
}

fn object(name: &str, body: Body) -> Object {
    let (namespace, name) = name.split_once('/').unwrap_or(("shop", name));
    let mut object = Object {
        cluster: "prod".into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: "".into(),
        created: Some(ago(90_000)),
        deleting: None,
        owner: None,
        labels: Labels::default(),
        body,
    };
    if object.kind().scope() == crate::objects::kind::Scope::Cluster {
        object.namespace = "".into();
    }
    object.uid = uid(object.kind().api_kind(), name);
    object
}

fn uid(kind: &str, name: &str) -> Arc<str> {
    format!("{kind}-{name}").into()
}

/// The same object, controlled by another of its namespace.
pub fn owned(object: Object, kind: &str, name: &str) -> Object {
    let owner = Owner {
        kind: kind.into(),
        name: name.into(),
        uid: uid(kind, name),
    };
    Object {
        owner: Some(owner.into()),
        ..object
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pairs = pairs.iter();
    pairs.map(|(k, v)| ((*k).into(), (*v).into())).collect()
}

pub fn labelled(object: Object, pairs: &[(&str, &str)]) -> Object {
    Object {
        labels: labels(pairs),
        ..object
    }
}

fn selector(pairs: &[(&str, &str)]) -> Selector {
    Selector {
        pairs: labels(pairs),
        ..Selector::default()
    }
}

pub fn container(name: &str) -> Container {
    let spec = ContainerSpec {
        name: name.into(),
        image: format!("registry/{name}:1").into(),
        requests: Resources::default(),
        limits: Resources::default(),
        sidecar: false,
    };
    Container {
        spec: spec.into(),
        ready: true,
        restarts: 0,
        state: ContainerState::Running(Some(ago(80_000))),
        last: None,
    }
}

pub fn limited(container: Container, memory: u64) -> Container {
    let mut spec = (*container.spec).clone();
    spec.limits.memory = Some(memory);
    Container {
        spec: spec.into(),
        ..container
    }
}

pub fn waiting(container: Container, reason: &str) -> Container {
    Container {
        ready: false,
        state: ContainerState::Waiting(reason.into(), None),
        ..container
    }
}

pub fn ended(reason: &str, exit_code: i32, at: Timestamp) -> Termination {
    Termination {
        reason: reason.into(),
        message: None,
        exit_code,
        signal: 0,
        started: None,
        finished: Some(at),
    }
}

/// Running and ready, with one container `web`.
pub fn pod(name: &str, bend: impl FnOnce(&mut Pod)) -> Object {
    let mut body = Pod {
        phase: Phase::Running,
        reason: None,
        message: None,
        node: None,
        ip: None,
        containers: [container("web")].into(),
        init: Box::default(),
        unscheduled: None,
        ready: true,
        ready_since: Some(ago(80_000)),
        started: Some(ago(80_000)),
        claims: Arc::default(),
        traits: PodTraits::default(),
    };
    bend(&mut body);
    object(name, Body::Pod(body))
}

/// Made at this time and not placed yet.
pub fn pending(name: &str, created: Timestamp) -> Object {
    let object = pod(name, |pod| {
        pod.phase = Phase::Pending;
        pod.ready = false;
        pod.ready_since = None;
        pod.started = None;
        pod.containers = [waiting(container("web"), "")].into();
    });
    Object {
        created: Some(created),
        ..object
    }
}

pub fn unscheduled(mut object: Object, reason: &str, message: &str) -> Object {
    if let Body::Pod(pod) = &mut object.body {
        pod.unscheduled = Some(Box::new((reason.into(), message.into())));
    }
    object
}

/// With the kind's name in reason and message.
pub fn condition(kind: &str, status: Status, since: Timestamp) -> Condition {
    Condition {
        kind: kind.into(),
        status,
        since: Some(since),
        reason: format!("{kind}Reason").into(),
        message: format!("{kind}Message").into(),
    }
}

/// Ready.
pub fn node(name: &str, bend: impl FnOnce(&mut Node)) -> Object {
    let mut body = Node {
        unschedulable: false,
        taints: Box::default(),
        conditions: [condition("Ready", Status::True, ago(80_000))].into(),
        capacity: Resources::default(),
        allocatable: Resources::default(),
        pods: Some(110),
        roles: Box::default(),
        addresses: Box::default(),
        kubelet: "v1.33.1".into(),
        runtime: "".into(),
        kernel: "".into(),
        os_image: "".into(),
        architecture: "".into(),
        boot_id: "".into(),
        provider_id: None,
    };
    bend(&mut body);
    object(name, Body::Node(Box::new(body)))
}

/// Its kubelet fell silent.
pub fn lost(node: &mut Node, since: Timestamp) {
    node.conditions[0] = Condition {
        reason: "NodeStatusUnknown".into(),
        message: "Kubelet stopped posting node status.".into(),
        ..condition("Ready", Status::Unknown, since)
    };
}

fn workload(name: &str, desired: u32) -> Workload {
    Workload {
        desired,
        current: desired,
        ready: desired,
        available: desired,
        updated: desired,
        observed: true,
        paused: false,
        conditions: Box::default(),
        selector: selector(&[("app", name)]),
        images: Box::default(),
        requests: Resources::default(),
        limits: Resources::default(),
    }
}

/// With all of its pods; it selects `app=NAME`.
pub fn deployment(name: &str, desired: u32, bend: impl FnOnce(&mut Workload)) -> Object {
    let mut body = workload(name, desired);
    bend(&mut body);
    object(name, Body::Deployment(Box::new(body)))
}

pub fn stateful_set(name: &str, desired: u32, bend: impl FnOnce(&mut Workload)) -> Object {
    let mut body = workload(name, desired);
    bend(&mut body);
    object(name, Body::StatefulSet(Box::new(body)))
}

/// Between a deployment and its pods.
pub fn replica_set(name: &str, deployment: &str) -> Object {
    let set = object(name, Body::ReplicaSet(Box::new(workload(deployment, 3))));
    owned(set, "Deployment", deployment)
}

pub fn job(name: &str, bend: impl FnOnce(&mut Job)) -> Object {
    let mut body = Job {
        completions: Some(1),
        parallelism: 1,
        active: 0,
        succeeded: 0,
        failed: 0,
        suspended: false,
        started: None,
        completed: None,
        conditions: Box::default(),
    };
    bend(&mut body);
    object(name, Body::Job(Box::new(body)))
}

pub fn cron_job(name: &str, schedule: &str, bend: impl FnOnce(&mut CronJob)) -> Object {
    let mut body = CronJob {
        schedule: schedule.into(),
        time_zone: None,
        suspended: false,
        active: 0,
        last_scheduled: None,
        last_successful: None,
        starting_deadline: None,
    };
    bend(&mut body);
    object(name, Body::CronJob(Box::new(body)))
}

pub fn claim(name: &str, phase: &str, created: Timestamp) -> Object {
    let body = VolumeClaim {
        phase: phase.into(),
        class: Some("fast".into()),
        volume: None,
        wanted: None,
        granted: None,
    };
    let object = object(name, Body::VolumeClaim(Box::new(body)));
    Object {
        created: Some(created),
        ..object
    }
}

/// At least two of two pods, one of which may go.
pub fn budget(
    name: &str,
    pairs: &[(&str, &str)],
    bend: impl FnOnce(&mut DisruptionBudget),
) -> Object {
    let mut body = DisruptionBudget {
        min_available: Some("2".into()),
        max_unavailable: None,
        selector: selector(pairs),
        allowed: 1,
        healthy: 2,
        desired: 2,
        expected: 2,
        observed: true,
    };
    bend(&mut body);
    object(name, Body::DisruptionBudget(Box::new(body)))
}

pub fn quota(name: &str, lines: &[(&str, f64, f64)]) -> Object {
    let lines = lines.iter().map(|(resource, used, hard)| QuotaLine {
        resource: (*resource).into(),
        used: *used,
        hard: *hard,
        used_text: used.to_string().into(),
        hard_text: hard.to_string().into(),
    });
    let body = Quota {
        lines: lines.collect(),
    };
    object(name, Body::Quota(Box::new(body)))
}

pub fn namespace(name: &str, conditions: Vec<Condition>) -> Object {
    let body = Namespace {
        terminating: !conditions.is_empty(),
        conditions: conditions.into(),
    };
    object(name, Body::Namespace(body))
}

pub fn service(name: &str, pairs: &[(&str, &str)]) -> Object {
    let body = Service {
        kind: "ClusterIP".into(),
        cluster_ip: Some("10.96.0.9".into()),
        selector: Some(selector(pairs)),
        ports: ["80/TCP".into()].into(),
        ingress: Box::default(),
    };
    object(name, Body::Service(Box::new(body)))
}

/// The one slice of a service.
pub fn endpoints(service: &str, ready: u32, all: u32) -> Object {
    let body = Endpoints {
        service: Some(service.into()),
        ready,
        serving: ready,
        all,
    };
    let slice = object(&format!("{service}-x"), Body::Endpoints(Box::new(body)));
    owned(slice, "Service", service)
}

pub fn lease(name: &str, duration: u32, renewed: Timestamp) -> Object {
    let body = Lease {
        holder: Some("somebody".into()),
        duration,
        renewed: Some(renewed),
        acquired: None,
        transitions: 3,
    };
    object(name, Body::Lease(Box::new(body)))
}
