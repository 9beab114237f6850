//! The recorded cluster: ten nodes and four namespaces, of which most is well. A cart crashes, reports
//! find no node, a checkout ran out of memory, a worker is cordoned.

use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::recorder::{Disguise, Recorder};
use crate::servers::kube::access::Account;
use crate::servers::kube::raw::Raw;
use crate::servers::kube::{Options, Part, Plane, things};
use crate::target::Target;

/// Pods once everything stands: those that the deployments and sets want, two that find no node.
const PODS: usize = 6 + 3 + 4 + 3 + 2 + 3 + 1 + 2 + 10;

pub fn record() -> Result<Vec<String>, Failed> {
    let plane = Plane::start(Options::whole("scenario"))?;
    let admin = plane.raw(Account::Admin)?;
    nodes(&admin)?;
    workloads(&admin)?;
    let pods = || admin.list("/api/v1/pods").unwrap_or_default();
    plane.until("every pod is there", Part::Kwok, || {
        let all = pods();
        let well = all.iter().filter(|pod| things::is_ready(pod)).count();
        all.len() >= PODS && well >= PODS - 2
    })?;
    trouble(&admin, &pods())?;
    let config = plane.kubeconfig(Account::Admin)?;
    let target = Target::new("kubernetes", "prod")
        .text("kubeconfig", config.display().to_string())
        .text("context", "live");
    let mut recorder = Recorder::start(&[target])?;
    recorder.watch_for(Duration::from_secs(20));
    admin.patch(
        "/apis/apps/v1/namespaces/shop/deployments/web",
        &json!({"spec": {"replicas": 7}}),
    )?;
    recorder.watch_for(Duration::from_secs(15));
    recorder.lines(&disguise(&plane))
}

fn disguise(plane: &Plane) -> Disguise {
    let real = plane.url();
    let real = real.trim_start_matches("https://").to_owned();
    Disguise {
        addresses: vec![(real, "10.0.0.10:6443".to_owned())],
        // All nodes of kwok have its address.
        texts: vec![("127.0.0.1".to_owned(), "10.0.0.10".to_owned())],
        own: vec![plane.folder().display().to_string()],
    }
}

/// Beside the six workers of every plane: a control plane, and a node for whom it is dedicated to.
fn nodes(admin: &Raw) -> Result<(), Failed> {
    let worker = json!({"metadata": {"labels": {"node-role.kubernetes.io/worker": ""}}});
    for at in 1..=6 {
        admin.patch(&format!("/api/v1/nodes/{}", things::node_name(at)), &worker)?;
    }
    for at in 1..=3 {
        let mut node = named(&format!("cp-{at}"), "control-plane", ("4", "16Gi"));
        node["spec"] = json!({"taints": [
            {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]});
        admin.ensure("/api/v1/nodes", &node)?;
    }
    let mut node = named("gpu-1", "worker", ("32", "128Gi"));
    node["spec"] =
        json!({"taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]});
    admin.ensure("/api/v1/nodes", &node)
}

fn named(name: &str, role: &str, (cpu, memory): (&str, &str)) -> Value {
    let mut node = things::node(1);
    node["metadata"] = json!({"name": name, "labels": {
        "kubernetes.io/hostname": name, format!("node-role.kubernetes.io/{role}"): ""}});
    let size = json!({"cpu": cpu, "memory": memory, "pods": "110"});
    node["status"]["capacity"] = size.clone();
    node["status"]["allocatable"] = size;
    node
}

/// What one pod of a workload asks for.
struct Asks {
    cpu: &'static str,
    memory: &'static str,
    limit: &'static str,
}

fn template(name: &str, containers: &[&str], asks: &Asks) -> Value {
    let container = |part: &&str| {
        json!({"name": part, "image": format!("registry.example/{name}/{part}:v1.4.2"),
            "resources": {"requests": {"cpu": asks.cpu, "memory": asks.memory},
                "limits": {"memory": asks.limit}}})
    };
    let containers: Vec<Value> = containers.iter().map(container).collect();
    json!({"metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": containers}})
}

fn selector(name: &str) -> Value {
    json!({"matchLabels": {"app": name}})
}

fn workloads(admin: &Raw) -> Result<(), Failed> {
    for name in ["shop", "bank", "data", "monitoring"] {
        admin.ensure("/api/v1/namespaces", &things::namespace(name))?;
    }
    let small = Asks {
        cpu: "100m",
        memory: "128Mi",
        limit: "256Mi",
    };
    let middle = Asks {
        cpu: "500m",
        memory: "1Gi",
        limit: "2Gi",
    };
    let large = Asks {
        cpu: "40",
        memory: "4Gi",
        limit: "8Gi",
    };
    let deployments: [(&str, &str, usize, &[&str], &Asks); 7] = [
        ("shop", "web", 6, &["main", "proxy"], &middle),
        ("shop", "cart", 3, &["main"], &small),
        ("shop", "checkout", 4, &["main"], &middle),
        ("bank", "ledger", 3, &["main"], &middle),
        ("bank", "reports", 2, &["main"], &large),
        ("monitoring", "grafana", 1, &["main"], &small),
        ("kube-system", "coredns", 2, &["main"], &small),
    ];
    for (namespace, name, replicas, containers, asks) in deployments {
        let thing = json!({"metadata": {"name": name, "labels": {"app": name}},
            "spec": {"replicas": replicas, "selector": selector(name),
                "template": template(name, containers, asks)}});
        admin.ensure(&at("apps", namespace, "deployments"), &thing)?;
    }
    admin.ensure(
        &at("apps", "data", "statefulsets"),
        &json!({"metadata": {"name": "postgres"}, "spec": {"replicas": 3,
            "serviceName": "postgres", "podManagementPolicy": "Parallel",
            "selector": selector("postgres"), "template": template("postgres", &["main"], &middle)}}),
    )?;
    let mut everywhere = template("node-exporter", &["main"], &small);
    everywhere["spec"]["tolerations"] = json!([{"operator": "Exists"}]);
    admin.ensure(
        &at("apps", "monitoring", "daemonsets"),
        &json!({"metadata": {"name": "node-exporter"},
            "spec": {"selector": selector("node-exporter"), "template": everywhere}}),
    )?;
    let mut once = template("backup", &["main"], &small);
    once["spec"]["restartPolicy"] = "Never".into();
    admin.ensure(
        &at("batch", "data", "cronjobs"),
        &json!({"metadata": {"name": "backup"}, "spec": {"schedule": "0 3 * * *",
            "jobTemplate": {"spec": {"template": once}}}}),
    )?;
    for (namespace, name, rule) in [
        ("shop", "web", json!({"minAvailable": 5})),
        ("data", "postgres", json!({"maxUnavailable": 0})),
    ] {
        let mut spec = rule;
        spec["selector"] = selector(name);
        let thing = json!({"metadata": {"name": name}, "spec": spec});
        admin.ensure(&at("policy", namespace, "poddisruptionbudgets"), &thing)?;
    }
    for (namespace, name) in [("shop", "web"), ("shop", "cart"), ("data", "postgres")] {
        let thing = json!({"metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}});
        admin.ensure(&format!("/api/v1/namespaces/{namespace}/services"), &thing)?;
    }
    let claim = json!({"metadata": {"name": "archive"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "20Gi"}}}});
    admin.ensure("/api/v1/namespaces/data/persistentvolumeclaims", &claim)
}

fn at(group: &str, namespace: &str, plural: &str) -> String {
    format!("/apis/{group}/v1/namespaces/{namespace}/{plural}")
}

fn trouble(admin: &Raw, pods: &[Value]) -> Result<(), Failed> {
    admin.patch(
        "/api/v1/nodes/w-05",
        &json!({"spec": {"unschedulable": true}}),
    )?;
    let of = |name: &str| -> Vec<&Value> {
        let named = pods
            .iter()
            .filter(|pod| things::name(pod).starts_with(name));
        named.collect()
    };
    let now = midwatch::clock::now().wall;
    for pod in &of("cart-")[..2] {
        let ended = now - jiff::SignedDuration::from_secs(130);
        let mut status = things::crashing(7);
        let last = &mut status["status"]["containerStatuses"][0]["lastState"]["terminated"];
        *last = json!({"exitCode": 1, "reason": "Error", "startedAt": ended.to_string(),
            "finishedAt": ended.to_string()});
        admin.patch_lists(&format!("{}/status", path(pod)), &status)?;
        admin.post(
            "/api/v1/namespaces/shop/events",
            &json!({"metadata": {"generateName": "cart."}, "type": "Warning", "reason": "BackOff",
                "message": format!("Back-off restarting failed container main in pod {}", things::name(pod)),
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": things::name(pod),
                    "uid": pod["metadata"]["uid"]},
                "count": 34, "firstTimestamp": whole(ended), "lastTimestamp": whole(now),
                "source": {"component": "kubelet"}}),
        )?;
    }
    let pod = of("checkout-")[0];
    let ended = now - jiff::SignedDuration::from_secs(45);
    let status = json!({"status": {"containerStatuses": [{"name": "main", "ready": true,
        "restartCount": 2, "image": "x", "imageID": "", "started": true,
        "state": {"running": {"startedAt": whole(ended)}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
            "startedAt": whole(ended), "finishedAt": whole(ended)}}}]}});
    admin.patch_lists(&format!("{}/status", path(pod)), &status)?;
    Ok(())
}

fn path(pod: &Value) -> String {
    let (namespace, name) = (things::namespace_of(pod), things::name(pod));
    format!("/api/v1/namespaces/{namespace}/pods/{name}")
}

/// Without a fraction, as the API writes its times.
fn whole(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
