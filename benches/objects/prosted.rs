//! The pod's kept fields as prost would have them: owned strings, owned lists.

use std::collections::HashMap;

use prost::Message;

#[derive(Message)]
pub struct Pod {
    #[prost(message, optional, tag = "1")]
    metadata: Option<Meta>,
    #[prost(message, optional, tag = "2")]
    spec: Option<Spec>,
    #[prost(message, optional, tag = "3")]
    status: Option<Status>,
}

#[derive(Message)]
struct Meta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(string, tag = "5")]
    uid: String,
    #[prost(string, tag = "6")]
    resource_version: String,
    #[prost(int64, tag = "7")]
    generation: i64,
    #[prost(message, optional, tag = "8")]
    created: Option<Time>,
    #[prost(message, optional, tag = "9")]
    deleted: Option<Time>,
    #[prost(map = "string, string", tag = "11")]
    labels: HashMap<String, String>,
    #[prost(map = "string, string", tag = "12")]
    annotations: HashMap<String, String>,
    #[prost(message, repeated, tag = "13")]
    owners: Vec<Owner>,
}

#[derive(Message)]
struct Owner {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    uid: String,
    #[prost(bool, tag = "6")]
    controller: bool,
}

#[derive(Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Message)]
struct Spec {
    #[prost(message, repeated, tag = "2")]
    containers: Vec<Container>,
    #[prost(string, tag = "3")]
    restart_policy: String,
    #[prost(string, tag = "10")]
    node_name: String,
    #[prost(bool, tag = "11")]
    host_network: bool,
    #[prost(message, repeated, tag = "20")]
    init_containers: Vec<Container>,
}

#[derive(Message)]
struct Container {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    image: String,
    #[prost(message, optional, tag = "8")]
    resources: Option<Resources>,
    #[prost(string, tag = "24")]
    restart_policy: String,
}

#[derive(Message)]
struct Resources {
    #[prost(map = "string, message", tag = "1")]
    limits: HashMap<String, Quantity>,
    #[prost(map = "string, message", tag = "2")]
    requests: HashMap<String, Quantity>,
}

#[derive(PartialEq, Message)]
struct Quantity {
    #[prost(string, tag = "1")]
    text: String,
}

#[derive(Message)]
struct Status {
    #[prost(string, tag = "1")]
    phase: String,
    #[prost(message, repeated, tag = "2")]
    conditions: Vec<Condition>,
    #[prost(string, tag = "3")]
    message: String,
    #[prost(string, tag = "4")]
    reason: String,
    #[prost(string, tag = "6")]
    ip: String,
    #[prost(message, optional, tag = "7")]
    started: Option<Time>,
    #[prost(message, repeated, tag = "8")]
    containers: Vec<ContainerStatus>,
    #[prost(message, repeated, tag = "10")]
    init_containers: Vec<ContainerStatus>,
}

#[derive(Message)]
struct Condition {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    status: String,
    #[prost(message, optional, tag = "4")]
    since: Option<Time>,
    #[prost(string, tag = "5")]
    reason: String,
    #[prost(string, tag = "6")]
    message: String,
}

#[derive(Message)]
struct ContainerStatus {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    state: Option<State>,
    #[prost(message, optional, tag = "3")]
    last: Option<State>,
    #[prost(bool, tag = "4")]
    ready: bool,
    #[prost(int32, tag = "5")]
    restarts: i32,
}

#[derive(Message)]
struct State {
    #[prost(message, optional, tag = "1")]
    waiting: Option<Waiting>,
    #[prost(message, optional, tag = "2")]
    running: Option<Running>,
    #[prost(message, optional, tag = "3")]
    terminated: Option<Terminated>,
}

#[derive(Message)]
struct Waiting {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Message)]
struct Running {
    #[prost(message, optional, tag = "1")]
    started: Option<Time>,
}

#[derive(Message)]
struct Terminated {
    #[prost(int32, tag = "1")]
    exit_code: i32,
    #[prost(string, tag = "3")]
    reason: String,
    #[prost(string, tag = "4")]
    message: String,
}
