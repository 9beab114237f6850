//! A kind that is followed through all that a server, a network and a reader can do to it.

mod changes;
mod lists;
mod refusals;
mod rights;
mod silence;

use std::time::Duration;

use super::*;
use crate::objects::Delta;
use crate::observation::{Layer, Outage};
use crate::sources::kubernetes::proto::MAGIC;
use crate::sources::kubernetes::scripted::{Part, Said, Server};

const LIST: &str = "application/vnd.kubernetes.protobuf";
const STREAM: &str = "application/vnd.kubernetes.protobuf;stream=watch";
const WATCHED: &[u8] =
    include_bytes!("../../../../tests/fixtures/payloads/kubernetes/pods.watch.pb");
const NOT_STREAMED: &[u8] =
    include_bytes!("../../../../tests/fixtures/payloads/kubernetes/pods.watch-not-streamed.pb");
/// The `Status` of a page whose token is too old: 410.
const EXPIRED: &[u8] =
    include_bytes!("../../../../tests/fixtures/payloads/kubernetes/page-expired.pb");

const ASK_STREAM: &str = "/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=T&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

fn ask_changes(version: u32) -> String {
    format!(
        "/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=T&resourceVersion={version}"
    )
}

// Bytes as a server writes them.

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(bytes);
    out
}

fn pod_of(name: &str, version: u32, more: &[u8]) -> Vec<u8> {
    let version = version.to_string();
    let meta = [
        field(1, name.as_bytes()),
        field(3, b"shop"),
        field(5, name.as_bytes()),
        field(6, version.as_bytes()),
        more.to_vec(),
    ];
    field(1, &meta.concat())
}

fn pod(name: &str, version: u32) -> Vec<u8> {
    pod_of(name, version, b"")
}

fn envelope(raw: &[u8]) -> Vec<u8> {
    [
        MAGIC.to_vec(),
        field(1, b""),
        field(2, raw),
        field(3, b""),
        field(4, b""),
    ]
    .concat()
}

fn event(kind: &str, envelope: &[u8]) -> Vec<u8> {
    let event = [field(1, kind.as_bytes()), field(2, &field(1, envelope))].concat();
    let length = u32::try_from(event.len()).unwrap().to_be_bytes();
    [length.to_vec(), event].concat()
}

fn added(name: &str, version: u32) -> Vec<u8> {
    event("ADDED", &envelope(&pod(name, version)))
}

fn modified(name: &str, version: u32) -> Vec<u8> {
    event("MODIFIED", &envelope(&pod(name, version)))
}

fn deleted(name: &str, version: u32) -> Vec<u8> {
    event("DELETED", &envelope(&pod(name, version)))
}

fn bookmark(version: u32) -> Vec<u8> {
    let meta = field(1, &field(6, version.to_string().as_bytes()));
    event("BOOKMARK", &envelope(&meta))
}

fn initial_end(version: u32) -> Vec<u8> {
    let entry = [field(1, b"k8s.io/initial-events-end"), field(2, b"true")].concat();
    let meta = [field(6, version.to_string().as_bytes()), field(12, &entry)].concat();
    event("BOOKMARK", &envelope(&field(1, &meta)))
}

fn page(version: u32, next: &str, names: &[&str]) -> Vec<u8> {
    let meta = [
        field(2, version.to_string().as_bytes()),
        field(3, next.as_bytes()),
    ]
    .concat();
    let items = names.iter().flat_map(|name| field(2, &pod(name, 1)));
    envelope(&[field(1, &meta), items.collect()].concat())
}

// What a server says.

fn bytes(parts: &[Vec<u8>]) -> Part {
    Part::Bytes(parts.concat())
}

/// A watch that stays open.
fn open(frames: &[Vec<u8>]) -> Said {
    Said::Body(STREAM, vec![bytes(frames), Part::Hang])
}

/// A watch that ends after a minute.
fn ends(frames: &[Vec<u8>]) -> Said {
    let minute = Part::Pause(Duration::from_secs(60));
    Said::Body(STREAM, vec![bytes(frames), minute])
}

fn list(page: Vec<u8>) -> Said {
    Said::Body(LIST, vec![Part::Bytes(page)])
}

fn watch(answers: impl IntoIterator<Item = Said>) -> (WatchProbe<Server>, Server) {
    let server = Server::saying(answers);
    let probe = WatchProbe::over(server.clone(), "prod".into(), ObjectKind::Pod, None);
    (probe, server)
}

fn words(answer: &Answer) -> Vec<String> {
    let harvest = answer.outcome.as_ref().unwrap();
    harvest.deltas.iter().map(word).collect()
}

fn word(delta: &Delta) -> String {
    match delta {
        Delta::Begin(kind) => format!("begin {}", kind.plural()),
        Delta::Put(object) => format!("{}/{}", object.namespace, object.name),
        Delta::Gone { name, .. } => format!("-{name}"),
        Delta::Synced(_) => "synced".into(),
        Delta::Uses(..) => "uses".into(),
    }
}

fn outage(answer: Answer) -> Outage {
    answer.outcome.unwrap_err()
}

/// Everything until `enough` deltas came, over any number of polls.
async fn gather(probe: &mut WatchProbe<Server>, enough: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..1000 {
        all.extend(words(&probe.poll().await));
        if all.len() >= enough {
            break;
        }
    }
    all
}
