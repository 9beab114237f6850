//! The objects that were recorded, from JSON: what the protobuf must read as.

use std::sync::Arc;

use serde_json::Value;

use super::Kind;
use super::values::{
    amount, arc, conditions, count, each, flag, labels, list, number, quantity, resources,
    selector, some, text, time,
};
use crate::objects::pod::PodTraits;
use crate::objects::{
    Body, Container, ContainerSpec, ContainerState, CronJob, DisruptionBudget, Endpoints, Event,
    EventType, Job, Lease, Namespace, Node, Object, Owner, Phase, Pod, Quota, QuotaLine, Resources,
    Selector, Service, Taint, Termination, Volume, VolumeClaim, Workload,
};

pub fn object_of(kind: Kind, of: &Value) -> Object {
    let owners = list(of, "/metadata/ownerReferences");
    let owner = owners.iter().find(|owner| flag(owner, "/controller"));
    Object {
        cluster: "prod".into(),
        namespace: arc(of, "/metadata/namespace"),
        name: arc(of, "/metadata/name"),
        uid: arc(of, "/metadata/uid"),
        created: time(of, "/metadata/creationTimestamp"),
        deleting: time(of, "/metadata/deletionTimestamp"),
        owner: owner.map(|owner| {
            Arc::new(Owner {
                kind: arc(owner, "/kind"),
                name: arc(owner, "/name"),
                uid: arc(owner, "/uid"),
            })
        }),
        labels: labels(of, "/metadata/labels"),
        body: body_of(kind, of),
    }
}

fn body_of(kind: Kind, of: &Value) -> Body {
    match kind {
        Kind::Pod => Body::Pod(pod(of)),
        Kind::Node => Body::Node(node(of).into()),
        Kind::Namespace => Body::Namespace(Namespace {
            terminating: text(of, "/status/phase") == "Terminating",
            conditions: conditions(of),
        }),
        Kind::Deployment => Body::Deployment(workload(of, "updatedReplicas").into()),
        Kind::StatefulSet => Body::StatefulSet(workload(of, "updatedReplicas").into()),
        Kind::ReplicaSet => Body::ReplicaSet(workload(of, "replicas").into()),
        Kind::DaemonSet => Body::DaemonSet(
            Workload {
                desired: count(of, "/status/desiredNumberScheduled"),
                current: count(of, "/status/currentNumberScheduled"),
                ready: count(of, "/status/numberReady"),
                available: count(of, "/status/numberAvailable"),
                ..workload(of, "updatedNumberScheduled")
            }
            .into(),
        ),
        Kind::Job => Body::Job(
            Job {
                completions: number(of, "/spec/completions"),
                parallelism: number(of, "/spec/parallelism").unwrap_or(1),
                active: count(of, "/status/active"),
                succeeded: count(of, "/status/succeeded"),
                failed: count(of, "/status/failed"),
                suspended: flag(of, "/spec/suspend"),
                started: time(of, "/status/startTime"),
                completed: time(of, "/status/completionTime"),
                conditions: conditions(of),
            }
            .into(),
        ),
        Kind::CronJob => Body::CronJob(
            CronJob {
                schedule: arc(of, "/spec/schedule"),
                time_zone: some(of, "/spec/timeZone"),
                suspended: flag(of, "/spec/suspend"),
                active: u32::try_from(list(of, "/status/active").len()).unwrap(),
                last_scheduled: time(of, "/status/lastScheduleTime"),
                last_successful: time(of, "/status/lastSuccessfulTime"),
                starting_deadline: number(of, "/spec/startingDeadlineSeconds").map(u64::from),
            }
            .into(),
        ),
        Kind::Event => Body::Event(event(of).into()),
        Kind::DisruptionBudget => Body::DisruptionBudget(budget(of).into()),
        Kind::VolumeClaim => Body::VolumeClaim(
            VolumeClaim {
                phase: arc(of, "/status/phase"),
                class: some(of, "/spec/storageClassName"),
                volume: some(of, "/spec/volumeName"),
                wanted: amount(of, "/spec/resources/requests/storage", 1.0),
                granted: amount(of, "/status/capacity/storage", 1.0),
            }
            .into(),
        ),
        Kind::Volume => Body::Volume(
            Volume {
                phase: arc(of, "/status/phase"),
                class: some(of, "/spec/storageClassName"),
                claim: some(of, "/spec/claimRef/namespace").zip(some(of, "/spec/claimRef/name")),
                capacity: amount(of, "/spec/capacity/storage", 1.0),
                reclaim: arc(of, "/spec/persistentVolumeReclaimPolicy"),
                reason: some(of, "/status/reason"),
                message: some(of, "/status/message"),
            }
            .into(),
        ),
        Kind::Service => Body::Service(service(of).into()),
        Kind::Endpoints => Body::Endpoints(endpoints(of).into()),
        Kind::Quota => {
            let hard = of.pointer("/status/hard").unwrap().as_object().unwrap();
            let used = of.pointer("/status/used").unwrap();
            let lines = hard.iter().filter_map(|(resource, hard)| {
                let used = used.get(resource)?.as_str()?;
                let hard = hard.as_str()?;
                Some(QuotaLine {
                    resource: resource.as_str().into(),
                    used: quantity(used),
                    hard: quantity(hard),
                    used_text: used.into(),
                    hard_text: hard.into(),
                })
            });
            let lines = lines.collect();
            Body::Quota(Quota { lines }.into())
        }
        Kind::Lease => Body::Lease(
            Lease {
                holder: some(of, "/spec/holderIdentity"),
                duration: count(of, "/spec/leaseDurationSeconds"),
                renewed: time(of, "/spec/renewTime"),
                acquired: time(of, "/spec/acquireTime"),
                transitions: count(of, "/spec/leaseTransitions"),
            }
            .into(),
        ),
    }
}

fn pod(of: &Value) -> Pod {
    let find = |kind: &str| {
        let all = list(of, "/status/conditions");
        all.iter().find(|c| text(c, "/type") == kind)
    };
    let ready = find("Ready");
    let unscheduled = find("PodScheduled").filter(|c| text(c, "/status") == "False");
    let claims = list(of, "/spec/volumes").iter().filter_map(|volume| {
        if volume.get("ephemeral").is_some() {
            let (pod, volume) = (text(of, "/metadata/name"), text(volume, "/name"));
            return Some(format!("{pod}-{volume}").into());
        }
        some(volume, "/persistentVolumeClaim/claimName")
    });
    let volumes = list(of, "/spec/volumes");
    Pod {
        phase: match text(of, "/status/phase") {
            "Pending" => Phase::Pending,
            "Running" => Phase::Running,
            "Failed" => Phase::Failed,
            other => panic!("{other}"),
        },
        reason: some(of, "/status/reason"),
        message: some(of, "/status/message"),
        node: some(of, "/spec/nodeName"),
        ip: some(of, "/status/podIP").map(|ip| (*ip).into()),
        containers: containers(of, "/spec/containers", "/status/containerStatuses"),
        init: containers(of, "/spec/initContainers", "/status/initContainerStatuses"),
        unscheduled: unscheduled.map(|c| Box::new((arc(c, "/reason"), arc(c, "/message")))),
        ready: ready.is_some_and(|c| text(c, "/status") == "True"),
        ready_since: ready.and_then(|c| time(c, "/lastTransitionTime")),
        started: time(of, "/status/startTime"),
        claims: claims.collect(),
        traits: PodTraits {
            mirror: of
                .pointer("/metadata/annotations")
                .is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some()),
            local_storage: volumes
                .iter()
                .any(|volume| volume.get("emptyDir").is_some()),
            host_network: flag(of, "/spec/hostNetwork"),
            ends: text(of, "/spec/restartPolicy") != "Always",
        },
    }
}

fn container_spec(of: &Value) -> ContainerSpec {
    ContainerSpec {
        name: arc(of, "/name"),
        image: arc(of, "/image"),
        requests: resources(of, "/resources/requests"),
        limits: resources(of, "/resources/limits"),
        sidecar: text(of, "/restartPolicy") == "Always",
    }
}

fn containers(of: &Value, specs: &str, statuses: &str) -> Box<[Container]> {
    let end = |end: &Value| {
        Arc::new(Termination {
            reason: arc(end, "/reason"),
            message: some(end, "/message"),
            exit_code: i32::try_from(end["exitCode"].as_i64().unwrap()).unwrap(),
            signal: i32::try_from(end["signal"].as_i64().unwrap_or(0)).unwrap(),
            started: time(end, "/startedAt"),
            finished: time(end, "/finishedAt"),
        })
    };
    each(of, specs, |spec| {
        let all = list(of, statuses);
        let status = all.iter().find(|status| status["name"] == spec["name"]);
        let status = status.unwrap_or(&Value::Null);
        let state = if let Some(running) = status.pointer("/state/running") {
            ContainerState::Running(time(running, "/startedAt"))
        } else if let Some(ended) = status.pointer("/state/terminated") {
            ContainerState::Terminated(end(ended))
        } else {
            let waiting = "/state/waiting";
            let reason = arc(status, &format!("{waiting}/reason"));
            ContainerState::Waiting(reason, some(status, &format!("{waiting}/message")))
        };
        Container {
            spec: container_spec(spec).into(),
            ready: flag(status, "/ready"),
            restarts: count(status, "/restartCount"),
            state,
            last: status.pointer("/lastState/terminated").map(end),
        }
    })
}

fn node(of: &Value) -> Node {
    let labels = labels(of, "/metadata/labels");
    let roles = labels
        .iter()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"));
    Node {
        unschedulable: flag(of, "/spec/unschedulable"),
        taints: each(of, "/spec/taints", |taint| Taint {
            key: arc(taint, "/key"),
            value: arc(taint, "/value"),
            effect: arc(taint, "/effect"),
        }),
        conditions: conditions(of),
        capacity: resources(of, "/status/capacity"),
        allocatable: resources(of, "/status/allocatable"),
        pods: amount(of, "/status/allocatable/pods", 1.0),
        roles: roles.map(Into::into).collect(),
        addresses: each(of, "/status/addresses", |a| {
            (arc(a, "/type"), arc(a, "/address"))
        }),
        kubelet: arc(of, "/status/nodeInfo/kubeletVersion"),
        runtime: arc(of, "/status/nodeInfo/containerRuntimeVersion"),
        kernel: arc(of, "/status/nodeInfo/kernelVersion"),
        os_image: arc(of, "/status/nodeInfo/osImage"),
        architecture: arc(of, "/status/nodeInfo/architecture"),
        boot_id: arc(of, "/status/nodeInfo/bootID"),
        provider_id: some(of, "/spec/providerID"),
    }
}

fn workload(of: &Value, updated: &str) -> Workload {
    let template = "/spec/template/spec";
    let mut sums = [Resources::default(); 2];
    let sidecars = list(of, &format!("{template}/initContainers")).iter();
    let sidecars = sidecars.map(container_spec).filter(|spec| spec.sidecar);
    let containers = list(of, &format!("{template}/containers"))
        .iter()
        .map(container_spec);
    for spec in sidecars.chain(containers) {
        for (sum, one) in sums.iter_mut().zip([spec.requests, spec.limits]) {
            let add = |a: Option<u64>, b: Option<u64>| a.map_or(b, |a| Some(a + b.unwrap_or(0)));
            sum.cpu_milli = add(sum.cpu_milli, one.cpu_milli);
            sum.memory = add(sum.memory, one.memory);
        }
    }
    Workload {
        desired: number(of, "/spec/replicas").unwrap_or(1),
        current: count(of, "/status/replicas"),
        ready: count(of, "/status/readyReplicas"),
        available: count(of, "/status/availableReplicas"),
        updated: count(of, &format!("/status/{updated}")),
        observed: count(of, "/status/observedGeneration") >= count(of, "/metadata/generation"),
        paused: flag(of, "/spec/paused"),
        conditions: conditions(of),
        selector: selector(of),
        images: each(of, &format!("{template}/containers"), |c| {
            (arc(c, "/name"), arc(c, "/image"))
        }),
        requests: sums[0],
        limits: sums[1],
    }
}

fn event(of: &Value) -> Event {
    let about = "/involvedObject";
    let series = number(of, "/series/count").or(number(of, "/count"));
    let last = time(of, "/series/lastObservedTime").or(time(of, "/lastTimestamp"));
    Event {
        kind: match text(of, "/type") {
            "Warning" => EventType::Warning,
            _ => EventType::Normal,
        },
        reason: arc(of, "/reason"),
        message: arc(of, "/message"),
        about: (
            arc(of, &format!("{about}/kind")),
            arc(of, &format!("{about}/namespace")),
            arc(of, &format!("{about}/name")),
        ),
        about_uid: arc(of, &format!("{about}/uid")),
        source: some(of, "/source/component").unwrap_or_else(|| arc(of, "/reportingComponent")),
        count: series.unwrap_or(1).max(1),
        first: time(of, "/firstTimestamp").or(time(of, "/eventTime")),
        last: last
            .or(time(of, "/eventTime"))
            .or(time(of, "/metadata/creationTimestamp")),
    }
}

fn budget(of: &Value) -> DisruptionBudget {
    let bound = |at: &str| {
        let bound = of.pointer(at)?;
        Some(
            bound
                .as_str()
                .map_or_else(|| bound.to_string().into(), Into::into),
        )
    };
    DisruptionBudget {
        min_available: bound("/spec/minAvailable"),
        max_unavailable: bound("/spec/maxUnavailable"),
        selector: selector(of),
        allowed: count(of, "/status/disruptionsAllowed"),
        healthy: count(of, "/status/currentHealthy"),
        desired: count(of, "/status/desiredHealthy"),
        expected: count(of, "/status/expectedPods"),
        observed: count(of, "/status/observedGeneration") >= count(of, "/metadata/generation"),
    }
}

fn service(of: &Value) -> Service {
    let pairs = labels(of, "/spec/selector");
    Service {
        kind: arc(of, "/spec/type"),
        cluster_ip: some(of, "/spec/clusterIP"),
        selector: (!pairs.is_empty()).then_some(Selector {
            pairs,
            ..Selector::default()
        }),
        ports: each(of, "/spec/ports", |port| {
            format!("{}/{}", port["port"], text(port, "/protocol")).into()
        }),
        ingress: each(of, "/status/loadBalancer/ingress", |given| {
            some(given, "/ip").unwrap_or_else(|| arc(given, "/hostname"))
        }),
    }
}

fn endpoints(of: &Value) -> Endpoints {
    let all = list(of, "/endpoints");
    let says = |endpoint: &Value, what: &str| endpoint["conditions"][what].as_bool();
    let ready = |endpoint: &&Value| says(endpoint, "ready").unwrap_or(true);
    let serving = |endpoint: &&Value| says(endpoint, "serving").unwrap_or(ready(endpoint));
    let length = |count: usize| u32::try_from(count).unwrap();
    Endpoints {
        service: of["metadata"]["labels"]["kubernetes.io/service-name"]
            .as_str()
            .map(Into::into),
        ready: length(all.iter().filter(ready).count()),
        serving: length(all.iter().filter(serving).count()),
        all: length(all.len()),
    }
}
