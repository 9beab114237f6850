//! The cluster that is measured: nodes, and pods of two containers with status, spread over forty
//! namespaces. The same size gives the same cluster.

use std::io::{Error, Result};

use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::link::{Door, JSON, STRATEGIC};

const NODES: u32 = 100;
const NAMESPACES: u32 = 40;
/// Applications of a namespace, `svc-00` and on.
const APPS: u32 = 25;
/// Every so many pods one is in a crash loop.
const BAD: u32 = 97;
/// Requests under way at a time.
const HANDS: u32 = 16;

/// Where pod `at` lives: namespace and name.
pub fn place(at: u32) -> (String, String) {
    let app = app(at);
    (
        format!("tenant-{:02}", at % NAMESPACES),
        format!("svc-{app:02}-5d4f8c7b9-{at:05x}"),
    )
}

fn app(at: u32) -> u32 {
    at / NAMESPACES % APPS
}

/// How many of `pods` belong to an application.
pub fn pods_of_app(pods: u32, wanted: u32) -> usize {
    (0..pods).filter(|at| app(*at) == wanted).count()
}

/// Puts everything there.
pub async fn load(door: &Door, pods: u32) -> Result<()> {
    let hands = (0..HANDS).map(|hand| async move {
        let mut link = door.open().await?;
        let mut put = async |method: &str, path: &str, kind: &str, thing: Value| {
            let status = link.send(method, path, kind, &thing).await?;
            match status {
                200..300 | 409 => Ok(()),
                _ => Err(Error::other(format!("{method} {path}: {status}"))),
            }
        };
        for at in (hand..NAMESPACES).step_by(HANDS as usize) {
            let name = json!({"metadata": {"name": format!("tenant-{at:02}")}});
            put("POST", "/api/v1/namespaces", JSON, name).await?;
        }
        for at in (hand..NODES).step_by(HANDS as usize) {
            put("POST", "/api/v1/nodes", JSON, node(at)).await?;
        }
        Ok::<(), Error>(())
    });
    try_join_all(hands.collect::<Vec<_>>()).await?;
    let hands = (0..HANDS).map(|hand| async move {
        let mut link = door.open().await?;
        for at in (hand..pods).step_by(HANDS as usize) {
            let (namespace, name) = place(at);
            let path = format!("/api/v1/namespaces/{namespace}/pods");
            let made = link.send("POST", &path, JSON, &pod(at, &name)).await?;
            let path = format!("{path}/{name}/status");
            let told = link.send("PATCH", &path, STRATEGIC, &status(at)).await?;
            if made >= 300 || told >= 300 {
                return Err(Error::other(format!("{name}: {made}, its status {told}")));
            }
            if at % 5000 == 0 {
                println!("loaded {at} of {pods}");
            }
        }
        Ok::<(), Error>(())
    });
    try_join_all(hands.collect::<Vec<_>>()).await?;
    Ok(())
}

fn node(at: u32) -> Value {
    let name = format!("w-{at:03}");
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "capacity": {"cpu": "32", "memory": "128Gi", "pods": "600"},
            "allocatable": {"cpu": "31", "memory": "120Gi", "pods": "600"},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                "lastHeartbeatTime": "2026-11-21T00:00:00Z",
                "lastTransitionTime": "2026-11-01T00:00:00Z"}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Talos (v1.11.0)",
                "kernelVersion": "6.12.48", "containerRuntimeVersion": "containerd://2.1.4",
                "architecture": "amd64", "operatingSystem": "linux", "bootID": "b",
                "machineID": "m", "systemUUID": "s", "kubeProxyVersion": ""},
        },
    })
}

/// Hexadecimal digits that look drawn by lot, and are not.
fn digits(seed: u32, count: usize) -> String {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text.truncate(count);
    text
}

fn pod(at: u32, name: &str) -> Value {
    let app = format!("svc-{:02}", app(at));
    let variables: Vec<Value> = (0..8)
        .map(|number| json!({"name": format!("VAR_{number}"), "value": "x".repeat(24)}))
        .collect();
    let container = |container: &str| {
        json!({
            "name": container,
            "image": format!("registry.example/{app}/{container}:v1.{}", at % 40),
            "env": variables,
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
            "ports": [{"containerPort": 8080}],
        })
    };
    let owner = digits(at / NAMESPACES, 32);
    let uid = format!("{}-0000-4000-8000-{}", &owner[..8], &owner[8..20]);
    json!({
        "metadata": {
            "name": name,
            "labels": {"app": app, "pod-template-hash": "5d4f8c7b9", "app.kubernetes.io/name": app},
            "annotations": {"checksum/config": digits(at, 64),
                "kubectl.kubernetes.io/restartedAt": "2026-11-01T00:00:00Z"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": format!("{app}-5d4f8c7b9"), "uid": uid, "controller": true}],
        },
        "spec": {
            "nodeName": format!("w-{:03}", at % NODES),
            "containers": [container("main"), container("proxy")],
            "terminationGracePeriodSeconds": 0,
        },
    })
}

fn status(at: u32) -> Value {
    let bad = at.is_multiple_of(BAD);
    let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(|kind| {
        let status = if bad && kind.ends_with("Ready") {
            "False"
        } else {
            "True"
        };
        json!({"type": kind, "status": status, "lastTransitionTime": "2026-11-01T00:00:00Z"})
    });
    let containers = ["main", "proxy"].map(|name| {
        let state = if bad {
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}})
        } else {
            json!({"running": {"startedAt": "2026-11-01T00:00:00Z"}})
        };
        json!({
            "name": name, "image": "x", "ready": !bad, "started": true, "state": state,
            "imageID": format!("sha256:{}", digits(at % 40, 64)),
            "containerID": format!("containerd://{}", digits(at + 1, 64)),
            "restartCount": if bad { 40 } else { at % 5 },
        })
    });
    json!({"status": {
        "phase": "Running",
        "podIP": format!("10.{}.{}.{}", at % 200, at / 200 % 250, at / 50_000 + 1),
        "startTime": "2026-11-01T00:00:00Z",
        "conditions": conditions,
        "containerStatuses": containers,
    }})
}

/// What one of the changes says, that come while the console is watched.
pub fn change(series: u64, number: u32) -> Value {
    let (third, fourth) = (number / 250 % 250, number % 250);
    let message = format!("{number} of {series}");
    json!({"status": {"podIP": format!("10.1.{third}.{fourth}"), "message": message}})
}
