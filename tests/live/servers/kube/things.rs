//! Objects that trials put onto a plane, as JSON, and what they read from those that are there.

use serde_json::{Value, json};

/// `w-01` and on.
pub fn node_name(at: usize) -> String {
    format!("w-{at:02}")
}

/// A node as a kubelet would register it; kwok makes it Ready.
pub fn node(at: usize) -> Value {
    let name = node_name(at);
    let size = json!({"cpu": "8", "memory": "32Gi", "pods": "110"});
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "live/rack": format!("r{}", at % 2)}},
        "status": {
            "capacity": size,
            "allocatable": size,
            "nodeInfo": {"kubeletVersion": "v1.36.3", "osImage": "Talos (v1.11.0)",
                "kernelVersion": "6.12.48", "containerRuntimeVersion": "containerd://2.1.4",
                "architecture": "amd64", "operatingSystem": "linux", "bootID": "b",
                "machineID": "m", "systemUUID": "s", "kubeProxyVersion": ""},
        },
    })
}

pub fn namespace(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

/// A Deployment whose pods ask for a little and carry `app: NAME`.
pub fn deployment(name: &str, replicas: usize) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(name)},
        },
    })
}

fn pod_spec(name: &str) -> Value {
    json!({
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": format!("registry.example/{name}:v1.4"),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"},
                "limits": {"memory": "256Mi"}}}],
    })
}

/// A pod of its own, that nobody replaces.
pub fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": name}}, "spec": pod_spec(name)})
}

/// A budget for the pods of a Deployment of the same name.
pub fn budget(name: &str, min_available: usize) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {"minAvailable": min_available, "selector": {"matchLabels": {"app": name}}},
    })
}

pub fn name(thing: &Value) -> &str {
    thing["metadata"]["name"].as_str().unwrap_or_default()
}

pub fn namespace_of(thing: &Value) -> &str {
    thing["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// The status of a condition, empty where there is no such condition.
pub fn condition<'a>(thing: &'a Value, kind: &str) -> &'a str {
    let all = thing["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    let found = all.find(|condition| condition["type"] == kind);
    found
        .and_then(|condition| condition["status"].as_str())
        .unwrap_or_default()
}

pub fn is_ready(thing: &Value) -> bool {
    condition(thing, "Ready") == "True"
}

pub fn is_cordoned(node: &Value) -> bool {
    node["spec"]["unschedulable"] == true
}

/// What ordinary namespaces hold, each with the path that it is posted to: workloads of every kind
/// that become well, and the things around them.
pub fn furniture(namespace: &str) -> Vec<(String, Value)> {
    let core = format!("/api/v1/namespaces/{namespace}");
    let at =
        |group: &str, plural: &str| format!("/apis/{group}/v1/namespaces/{namespace}/{plural}");
    let template =
        |name: &str| json!({"metadata": {"labels": {"app": name}}, "spec": pod_spec(name)});
    let selector = |name: &str| json!({"matchLabels": {"app": name}});
    let mut once = template("import");
    once["spec"]["restartPolicy"] = "Never".into();
    vec![
        (at("apps", "deployments"), deployment("web", 12)),
        (at("policy", "poddisruptionbudgets"), budget("web", 10)),
        (
            format!("{core}/services"),
            json!({"metadata": {"name": "web"},
                "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        ),
        (
            at("apps", "statefulsets"),
            json!({"metadata": {"name": "db"}, "spec": {"replicas": 3, "serviceName": "db",
                "selector": selector("db"), "template": template("db")}}),
        ),
        (
            at("apps", "daemonsets"),
            json!({"metadata": {"name": "agent"},
                "spec": {"selector": selector("agent"), "template": template("agent")}}),
        ),
        (
            at("batch", "jobs"),
            json!({"metadata": {"name": "import"}, "spec": {"template": once}}),
        ),
        (
            at("batch", "cronjobs"),
            json!({"metadata": {"name": "nightly"}, "spec": {"schedule": "0 3 * * *",
                "jobTemplate": {"spec": {"template": once}}}}),
        ),
        (
            format!("{core}/resourcequotas"),
            json!({"metadata": {"name": "most"}, "spec": {"hard": {"pods": "200"}}}),
        ),
        (
            format!("{core}/secrets"),
            json!({"metadata": {"name": "keys"}, "stringData": {"password": "opensesame"}}),
        ),
    ]
}

/// A container's status in a crash loop, as a patch of `/status`.
pub fn crashing(restarts: u32) -> Value {
    let now = format!("{:.0}", midwatch::clock::now().wall);
    json!({"status": {
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
            {"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady"}],
        "containerStatuses": [{"name": "main", "ready": false, "restartCount": restarts,
            "image": "registry.example/x:v1.4", "imageID": "",
            "state": {"waiting": {"reason": "CrashLoopBackOff",
                "message": "back-off 5m0s restarting failed container"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled",
                "startedAt": now, "finishedAt": now}}}],
    }})
}

/// A Deployment that no node can take.
pub fn unplaceable(name: &str) -> Value {
    let mut thing = deployment(name, 1);
    thing["spec"]["template"]["spec"]["nodeSelector"] = json!({"live/rack": "none"});
    thing
}

/// A namespace's worth of trouble, each with the path that it is posted to.
pub fn trouble(namespace: &str) -> Vec<(String, Value)> {
    let core = format!("/api/v1/namespaces/{namespace}");
    let at =
        |group: &str, plural: &str| format!("/apis/{group}/v1/namespaces/{namespace}/{plural}");
    let mut stuck = unplaceable("stuck");
    stuck["spec"]["progressDeadlineSeconds"] = 1.into();
    stuck["spec"]["template"]["metadata"]["labels"] = json!({"app": "stuck"});
    let job = json!({"metadata": {"name": "late"}, "spec": {"activeDeadlineSeconds": 1,
        "template": {"spec": {"restartPolicy": "Never", "nodeSelector": {"live/rack": "none"},
            "containers": pod_spec("late")["containers"]}}}});
    let mut mounting = pod("mounting");
    mounting["spec"]["volumes"] = json!([{"name": "data",
        "persistentVolumeClaim": {"claimName": "data"}}]);
    vec![
        (at("apps", "deployments"), stuck),
        (at("apps", "deployments"), deployment("tight", 2)),
        (at("policy", "poddisruptionbudgets"), budget("tight", 2)),
        (
            format!("{core}/services"),
            json!({"metadata": {"name": "stuck"},
                "spec": {"selector": {"app": "stuck"}, "ports": [{"port": 80}]}}),
        ),
        (at("batch", "jobs"), job),
        (
            format!("{core}/persistentvolumeclaims"),
            json!({"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"],
                "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}}}),
        ),
        (format!("{core}/pods"), mounting),
        (format!("{core}/pods"), pod("crashing")),
        (format!("{core}/pods"), pod("pulling")),
        (format!("{core}/pods"), pod("evicted")),
        (
            format!("{core}/resourcequotas"),
            json!({"metadata": {"name": "full"}, "spec": {"hard": {"services": "1"}}}),
        ),
    ]
}

/// A container whose image cannot be had, as a patch of `/status`.
pub fn pulling() -> Value {
    json!({"status": {
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
            {"type": "ContainersReady", "status": "False", "reason": "ContainersNotReady"}],
        "containerStatuses": [{"name": "main", "ready": false, "restartCount": 0,
            "image": "registry.example/x:v1.4", "imageID": "", "state": {"waiting": {
                "reason": "ImagePullBackOff",
                "message": "Back-off pulling image \"registry.example/x:v1.4\""}}}],
    }})
}

/// A pod that its node ended, as a patch of `/status`.
pub fn evicted() -> Value {
    json!({"status": {"phase": "Failed", "reason": "Evicted",
        "message": "The node was low on resource: memory."}})
}
