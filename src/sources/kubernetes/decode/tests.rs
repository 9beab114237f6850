//! What a real API server (1.36) said in protobuf, against what it said in JSON about the same
//! objects; and what no server says.

use jiff::Timestamp;
use serde_json::Value;

use super::super::frame::{Cutter, Piece, Shape};
use super::*;
use crate::objects::ObjectKind as Kind;
use crate::objects::pod::PodTraits;
use crate::objects::{
    Container, ContainerSpec, ContainerState, CronJob, DisruptionBudget, Endpoints, Event,
    EventType, Job, Lease, Namespace, Node, Phase, Pod, Quota, QuotaLine, Service, Taint,
    Termination, Volume, VolumeClaim, Workload,
};

/// The recorded list of a kind, in both encodings.
fn recorded(kind: Kind) -> (&'static [u8], &'static str) {
    macro_rules! file {
        ($name:literal) => {
            (
                include_bytes!(concat!(
                    "../../../../tests/fixtures/payloads/kubernetes/",
                    $name,
                    ".pb"
                ))
                .as_slice(),
                include_str!(concat!(
                    "../../../../tests/fixtures/payloads/kubernetes/",
                    $name,
                    ".json"
                )),
            )
        };
    }
    match kind {
        Kind::Node => file!("nodes"),
        Kind::Pod => file!("pods"),
        Kind::Namespace => file!("namespaces"),
        Kind::Deployment => file!("deployments"),
        Kind::StatefulSet => file!("statefulsets"),
        Kind::DaemonSet => file!("daemonsets"),
        Kind::ReplicaSet => file!("replicasets"),
        Kind::Job => file!("jobs"),
        Kind::CronJob => file!("cronjobs"),
        Kind::Event => file!("events"),
        Kind::DisruptionBudget => file!("poddisruptionbudgets"),
        Kind::VolumeClaim => file!("persistentvolumeclaims"),
        Kind::Volume => file!("persistentvolumes"),
        Kind::Service => file!("services"),
        Kind::Endpoints => file!("endpointslices"),
        Kind::Quota => file!("resourcequotas"),
        Kind::Lease => file!("leases"),
    }
}

/// The raw items of a list.
fn items(list: &[u8]) -> Vec<Vec<u8>> {
    let mut cutter = Cutter::new(Shape::List);
    cutter.feed(list);
    let mut items = Vec::new();
    while let Some(piece) = cutter.cut().unwrap() {
        if let Piece::Item(item) = piece {
            items.push(item.to_vec());
        }
    }
    assert!(cutter.is_whole());
    items
}

#[test]
fn every_kind_reads_in_protobuf_as_in_json() {
    for kind in Kind::ALL {
        let (list, json) = recorded(*kind);
        let json: Value = serde_json::from_str(json).unwrap();
        let expected = json["items"].as_array().unwrap();
        let items = items(list);
        assert_eq!(items.len(), expected.len(), "{kind:?}");
        let mut decoder = Decoder::new("prod".into());
        for (item, expected) in items.iter().zip(expected) {
            let (object, version) = decoder.object(*kind, item).unwrap();
            assert_eq!(object, object_of(*kind, expected));
            assert_eq!(version, text(expected, "/metadata/resourceVersion"));
            let place = decoder.place(*kind, item).unwrap();
            assert_eq!(
                (&place.namespace, &*place.name),
                (&object.namespace, &*object.name)
            );
        }
        assert_eq!(decoder.take_refused(), 0, "{kind:?}");
    }
}

#[test]
fn any_damage_to_an_object_is_an_error_or_an_object_and_never_a_panic() {
    for kind in Kind::ALL {
        let mut decoder = Decoder::new("prod".into());
        for item in items(recorded(*kind).0) {
            for at in 0..item.len() {
                // Cut off, and a bit turned, another at each place.
                let _ = decoder.object(*kind, &item[..at]);
                let mut damaged = item.clone();
                damaged[at] ^= 1 << (at % 8);
                let _ = decoder.object(*kind, &damaged);
            }
        }
    }
}

/// A message's field, as a peer writes it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128 && number < 16);
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

fn meta(namespace: &str, name: &str) -> Vec<u8> {
    let inner = [field(1, name.as_bytes()), field(3, namespace.as_bytes())].concat();
    field(1, &inner)
}

#[test]
fn an_object_that_cannot_be_placed_is_refused() {
    let mut decoder = Decoder::new("prod".into());
    for (kind, namespace, name) in [
        (Kind::Pod, "shop", ""),
        (Kind::Pod, "", "web"),
        (Kind::Pod, "shop", "../../nodes"),
        (Kind::Pod, "sh/op", "web"),
        (Kind::Node, "shop", "w-03"),
    ] {
        let object = meta(namespace, name);
        assert!(
            decoder.object(kind, &object).is_err(),
            "{kind:?} {namespace:?} {name:?}"
        );
    }
    assert!(decoder.object(Kind::Node, &meta("", "w-03")).is_ok());
}

#[test]
fn impossible_values_are_left_out_and_counted() {
    let mut decoder = Decoder::new("prod".into());
    // Replicas -1; a condition a hundred thousand years ahead.
    let minus_one = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let time = field(7, b"\x08\x80\xa0\xb6\xd0\xcf\x1d");
    let condition = field(6, &[field(1, b"Available"), time].concat());
    let deployment = [
        meta("shop", "web"),
        field(2, minus_one),
        field(3, &condition),
    ]
    .concat();
    let (object, _) = decoder.object(Kind::Deployment, &deployment).unwrap();
    let Body::Deployment(workload) = object.body else {
        panic!("a deployment");
    };
    assert_eq!(workload.desired, 0);
    assert_eq!(workload.conditions[0].since, None);
    assert_eq!(decoder.take_refused(), 2);
    assert_eq!(decoder.take_refused(), 0, "told once");

    let amount = [field(1, b"cpu"), field(2, &field(1, b"much"))].concat();
    let node = [meta("", "w-03"), field(3, &field(1, &amount))].concat();
    let (object, _) = decoder.object(Kind::Node, &node).unwrap();
    let Body::Node(node) = object.body else {
        panic!("a node");
    };
    assert_eq!(node.capacity.cpu_milli, None);
    assert_eq!(decoder.take_refused(), 1);
}

#[test]
fn equal_parts_of_objects_are_shared() {
    let item = &items(recorded(Kind::Pod).0)[2];
    let mut decoder = Decoder::new("prod".into());
    let (one, _) = decoder.object(Kind::Pod, item).unwrap();
    let (two, _) = decoder.object(Kind::Pod, item).unwrap();
    let (Body::Pod(a), Body::Pod(b)) = (&one.body, &two.body) else {
        panic!("pods");
    };
    assert!(Arc::ptr_eq(&one.labels, &two.labels));
    assert!(Arc::ptr_eq(
        one.owner.as_ref().unwrap(),
        two.owner.as_ref().unwrap()
    ));
    assert!(Arc::ptr_eq(&a.containers[0].spec, &b.containers[0].spec));
    assert!(Arc::ptr_eq(
        a.node.as_ref().unwrap(),
        b.node.as_ref().unwrap()
    ));
}

#[test]
fn a_message_is_cut_between_characters() {
    assert_eq!(cut("short"), "short");
    let long = "ü".repeat(MESSAGE_MAX);
    assert_eq!(cut(&long).len(), MESSAGE_MAX);
    assert_eq!(cut(&format!("a{long}")).len(), MESSAGE_MAX - 1);
}

// The same objects from JSON, by the API's documentation and as plainly as can be.

fn text<'a>(of: &'a Value, at: &str) -> &'a str {
    of.pointer(at).and_then(Value::as_str).unwrap_or_default()
}

fn arc(of: &Value, at: &str) -> Arc<str> {
    text(of, at).into()
}

fn some(of: &Value, at: &str) -> Option<Arc<str>> {
    of.pointer(at).and_then(Value::as_str).map(Into::into)
}

fn time(of: &Value, at: &str) -> Option<Timestamp> {
    of.pointer(at)?.as_str().map(|time| time.parse().unwrap())
}

fn number(of: &Value, at: &str) -> Option<u32> {
    let number = of.pointer(at)?.as_u64()?;
    Some(u32::try_from(number).unwrap())
}

fn count(of: &Value, at: &str) -> u32 {
    number(of, at).unwrap_or(0)
}

fn flag(of: &Value, at: &str) -> bool {
    of.pointer(at).and_then(Value::as_bool).unwrap_or(false)
}

fn list<'a>(of: &'a Value, at: &str) -> &'a [Value] {
    of.pointer(at)
        .and_then(Value::as_array)
        .map_or(&[], |all| all)
}

fn each<T>(of: &Value, at: &str, one: impl Fn(&Value) -> T) -> Box<[T]> {
    list(of, at).iter().map(one).collect()
}

fn labels(of: &Value, at: &str) -> Labels {
    let pairs = of.pointer(at).and_then(Value::as_object);
    let pairs = pairs.into_iter().flatten();
    pairs
        .map(|(key, value)| (key.as_str().into(), value.as_str().unwrap().into()))
        .collect()
}

/// Exact for the few forms that are recorded.
fn quantity(text: &str) -> f64 {
    let end = text
        .find(|c: char| c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let number: f64 = text[..end].parse().unwrap();
    let factor = match &text[end..] {
        "" => 1.0,
        "m" => 0.001,
        "M" => 1e6,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        other => panic!("{other}"),
    };
    number * factor
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "recorded values are small and whole"
)]
fn amount(of: &Value, at: &str, times: f64) -> Option<u64> {
    let text = of.pointer(at)?.as_str()?;
    Some((quantity(text) * times).round() as u64)
}

fn resources(of: &Value, at: &str) -> Resources {
    Resources {
        cpu_milli: amount(of, &format!("{at}/cpu"), 1000.0),
        memory: amount(of, &format!("{at}/memory"), 1.0),
    }
}

fn conditions(of: &Value) -> Box<[Condition]> {
    each(of, "/status/conditions", |c| Condition {
        kind: arc(c, "/type"),
        status: match text(c, "/status") {
            "True" => Status::True,
            "False" => Status::False,
            _ => Status::Unknown,
        },
        since: time(c, "/lastTransitionTime"),
        reason: arc(c, "/reason"),
        message: arc(c, "/message"),
    })
}

fn selector(of: &Value) -> Selector {
    let at = "/spec/selector";
    Selector {
        pairs: labels(of, &format!("{at}/matchLabels")),
        expressions: each(of, &format!("{at}/matchExpressions"), |e| {
            let values = each(e, "/values", |v| v.as_str().unwrap().into());
            (arc(e, "/key"), arc(e, "/operator"), values)
        }),
        absent: of.pointer(at).is_none(),
    }
}

fn object_of(kind: Kind, of: &Value) -> Object {
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
