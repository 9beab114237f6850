//! What answers the asks of a reader, against servers on loopback that say what a script says.

use std::collections::BTreeMap;
use std::time::Duration;

use midwatch::ask::{
    Answered, Ask, AskId, KindName, LogAsk, LogNews, LogRun, ObjectName, SaveAsk, Since, TableAsk,
    TableNews,
};
use midwatch::asks::{Answers, Asks};
use midwatch::clients::kube::Api;
use midwatch::config::Environment;
use midwatch::config::settings::{Settings, Value};
use midwatch::objects::ObjectKind;
use midwatch::observation::{Layer, Outage};
use tempfile::TempDir;

use crate::loopback::{Server, Step, once, put, say};

/// Asks against one server that plays a script per connection.
struct Seat {
    server: Server,
    asks: Asks,
    answers: Answers,
    home: TempDir,
}

impl Seat {
    async fn with(scripts: Vec<Vec<Step>>) -> Self {
        let server = Server::start(scripts).await;
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"{}\"}}}}]\nusers: [{{name: u, user: {{}}}}]\n",
            server.url("http")
        );
        let path = put(home.path(), "kubeconfig", &text);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        let mut settings = Settings::default();
        let path = Value::Text(path.to_str().unwrap().to_owned());
        settings.set("kubeconfig", path, "test");
        let api = Api::within("prod", &settings, Environment(BTreeMap::new())).unwrap();
        let (asks, answers) = Asks::new(vec![api], Some(home.path().to_path_buf()));
        Self {
            server,
            asks,
            answers,
            home,
        }
    }

    async fn next(&mut self) -> Answered {
        self.answers.recv().await.unwrap().1
    }

    async fn log(&mut self) -> LogNews {
        match self.next().await {
            Answered::Log(news) => news,
            other => panic!("{other:?}"),
        }
    }

    /// The lines that come until something else is told.
    async fn lines(&mut self) -> (Vec<String>, LogNews) {
        let mut all = Vec::new();
        loop {
            match self.log().await {
                LogNews::Lines { lines, .. } => all.extend(
                    lines
                        .iter()
                        .map(|line| String::from_utf8_lossy(&line.bytes).into_owned()),
                ),
                other => return (all, other),
            }
        }
    }

    /// The path of a request with its query.
    fn asked(&self, nth: usize) -> String {
        let requests = self.server.requests();
        let line = requests[nth].lines().next().unwrap();
        line.split(' ').nth(1).unwrap().to_owned()
    }
}

fn log(run: LogRun) -> Ask {
    Ask::Log(LogAsk {
        cluster: "prod".into(),
        namespace: "shop".into(),
        pod: "web-1".into(),
        container: "app".into(),
        since: Since::Tail(500),
        run,
    })
}

/// A log that breaks off when the connection closes: no length, no chunks.
fn stream(lines: &str) -> Vec<Step> {
    vec![
        Step::Read,
        say("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"),
        say(lines),
    ]
}

fn refusal(status: &str, code: u16, reason: &str, message: &str) -> Vec<Step> {
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","code":{code},"reason":"{reason}","message":"{message}"}}"#
    );
    once(status, "Content-Type: application/json\r\n", body)
}

#[track_caller]
fn outage(news: &LogNews) -> &Outage {
    match news {
        LogNews::Ended(Err(outage))
        | LogNews::Broken {
            outage: Some(outage),
            ..
        } => outage,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_log_that_breaks_off_is_taken_up_without_a_line_twice() {
    let first = "2026-11-21T02:14:06.9Z one\n2026-11-21T02:14:07.1Z two\n\
                 2026-11-21T02:14:07.1Z two\n2026-11-21T02:14:07.2Z thr";
    let second = "2026-11-21T02:14:07.1Z two\n2026-11-21T02:14:07.1Z two\n\
                  2026-11-21T02:14:07.2Z three\n2026-11-21T02:14:07.2Z four\n";
    // The first is cut off within a line, by a length that was not kept.
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{first}");
    let mut hang = stream(second);
    hang.push(Step::Hang);
    let mut seat = Seat::with(vec![vec![Step::Read, say(cut)], hang]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    assert_eq!(seat.log().await, LogNews::Opened);
    let (lines, then) = seat.lines().await;
    assert_eq!(lines, ["one", "two", "two"]);
    assert!(
        matches!(outage(&then).layer, Layer::Protocol | Layer::Tcp),
        "{then:?}"
    );
    assert_eq!(seat.log().await, LogNews::Opened);
    let LogNews::Lines { lines, .. } = seat.log().await else {
        panic!("no lines");
    };
    let texts: Vec<&[u8]> = lines.iter().map(|line| &*line.bytes).collect();
    assert_eq!(texts, [b"three".as_slice(), b"four"]);
    let path = "/api/v1/namespaces/shop/pods/web-1/log?timestamps=true&container=app&follow=true";
    assert_eq!(seat.asked(0), format!("{path}&tailLines=500"));
    assert_eq!(
        seat.asked(1),
        format!("{path}&sinceTime=2026-11-21T02:14:07Z")
    );
}

#[tokio::test]
async fn a_stream_that_the_server_ends_is_asked_for_again() {
    let mut hang = stream("");
    hang.push(Step::Hang);
    let mut seat = Seat::with(vec![stream("2026-11-21T02:14:07Z one\n"), hang]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    assert_eq!(seat.log().await, LogNews::Opened);
    let (lines, then) = seat.lines().await;
    assert_eq!(lines, ["one"]);
    let again = Duration::from_secs(1);
    assert_eq!(
        then,
        LogNews::Broken {
            outage: None,
            again
        }
    );
    assert_eq!(seat.log().await, LogNews::Opened);
}

#[tokio::test]
async fn the_run_before_is_told_once() {
    let mut seat = Seat::with(vec![stream("2026-11-21T02:14:07Z panic: out\nno break")]).await;
    seat.asks.open(AskId(1), log(LogRun::Previous));
    assert_eq!(seat.log().await, LogNews::Opened);
    let (lines, then) = seat.lines().await;
    assert_eq!(lines, ["panic: out", "no break"]);
    assert_eq!(then, LogNews::Ended(Ok(())));
    assert!(seat.asked(0).contains("&previous=true&tailLines=500"));
    assert!(!seat.asked(0).contains("follow"));
}

#[tokio::test]
async fn a_pod_that_is_not_there_ends_it_and_a_missing_right_is_named() {
    let gone = refusal("404 Not Found", 404, "NotFound", "pods web-1 not found");
    let mut seat = Seat::with(vec![gone]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    let news = seat.log().await;
    assert!(matches!(news, LogNews::Ended(Err(_))), "{news:?}");
    assert!(outage(&news).detail.contains("web-1 not found"), "{news:?}");

    let forbidden = refusal(
        "403 Forbidden",
        403,
        "Forbidden",
        "pods web-1 is forbidden: User joe cannot get resource pods/log",
    );
    let mut seat = Seat::with(vec![forbidden]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    let news = seat.log().await;
    assert!(matches!(news, LogNews::Ended(Err(_))), "{news:?}");
    assert_eq!(outage(&news).layer, Layer::Auth);
    let said = format!("{} {:?}", outage(&news).detail, outage(&news).hint);
    assert!(said.contains("pods/log"), "{said}");
}

#[tokio::test]
async fn a_kubelet_that_cannot_be_reached_is_named_and_tried_again() {
    let url = "https://10.0.0.9:10250/containerLogs/shop/web-1/app?follow=true";
    let message = format!(r#"Get \"{url}\": dial tcp 10.0.0.9:10250: connect: connection refused"#);
    let broken = refusal("500 Internal Server Error", 500, "InternalError", &message);
    let mut seat = Seat::with(vec![broken, stream("2026-11-21T02:14:07Z one\n")]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    let news = seat.log().await;
    assert!(matches!(news, LogNews::Broken { .. }), "{news:?}");
    assert_eq!(
        outage(&news).detail,
        "the API server does not reach the kubelet at 10.0.0.9:10250: \
         dial tcp 10.0.0.9:10250: connect: connection refused"
    );
    assert_eq!(seat.log().await, LogNews::Opened, "it is tried again");
}

#[tokio::test]
async fn a_container_about_to_start_is_waited_for() {
    let message = "container app in pod web-1 is waiting to start: ContainerCreating";
    let waits = refusal("400 Bad Request", 400, "BadRequest", message);
    let mut seat = Seat::with(vec![waits, stream("2026-11-21T02:14:07Z one\n")]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    let news = seat.log().await;
    assert!(
        outage(&news).detail.contains("ContainerCreating"),
        "{news:?}"
    );
    assert_eq!(seat.log().await, LogNews::Opened);

    let message = "previous terminated container app in pod web-1 not found";
    let none = refusal("400 Bad Request", 400, "BadRequest", message);
    let mut seat = Seat::with(vec![none]).await;
    seat.asks.open(AskId(1), log(LogRun::Previous));
    let news = seat.log().await;
    assert!(matches!(news, LogNews::Ended(Err(_))), "{news:?}");
}

#[tokio::test]
async fn a_flood_comes_in_batches_and_holds_the_server_back() {
    let line = "2026-11-21T02:14:07Z a line of some length that says nothing\n";
    let script = vec![
        Step::Read,
        say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
        Step::Endless(line.repeat(1000).into_bytes()),
    ];
    let mut seat = Seat::with(vec![script]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    assert_eq!(seat.log().await, LogNews::Opened);
    let mut lines = 0;
    while lines < 20_000 {
        let LogNews::Lines { lines: batch, .. } = seat.log().await else {
            panic!("no lines");
        };
        assert!(batch.len() <= 512, "{}", batch.len());
        lines += batch.len();
    }
    seat.asks.close(AskId(1));
}

#[tokio::test]
async fn a_closed_ask_tells_no_more_and_frees_its_connection() {
    let mut script = stream("2026-11-21T02:14:07Z one\n");
    script.push(Step::Endless(b"2026-11-21T02:14:08Z more\n".repeat(1000)));
    let object = once(
        "200 OK",
        "",
        r#"{"kind":"Pod","metadata":{"name":"web-1"}}"#,
    );
    let mut seat = Seat::with(vec![script, object]).await;
    seat.asks.open(AskId(1), log(LogRun::Follow));
    assert_eq!(seat.log().await, LogNews::Opened);
    seat.asks.close(AskId(1));
    seat.asks.open(AskId(2), Ask::Manifest(pod("prod")));
    // Batches that lay there already may come before it, nothing else.
    loop {
        match seat.answers.recv().await.unwrap() {
            (AskId(1), Answered::Log(LogNews::Lines { .. })) => {}
            (AskId(2), Answered::Manifest(Ok(manifest))) => {
                assert_eq!(manifest.object["kind"], "Pod");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

fn pod(cluster: &str) -> ObjectName {
    ObjectName {
        cluster: cluster.into(),
        kind: std::sync::Arc::new(KindName::kept(ObjectKind::Pod)),
        namespace: "shop".into(),
        name: "web-1".into(),
    }
}

async fn manifest(script: Vec<Step>) -> Result<midwatch::ask::Manifest, Outage> {
    let mut seat = Seat::with(vec![script]).await;
    seat.asks.open(AskId(1), Ask::Manifest(pod("prod")));
    match seat.next().await {
        Answered::Manifest(answer) => {
            assert_eq!(seat.asked(0), "/api/v1/namespaces/shop/pods/web-1");
            answer
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_object_is_read_whole_or_the_layer_is_named() {
    let found = manifest(once("200 OK", "", r#"{"kind":"Pod","spec":{"a":[1]}}"#)).await;
    assert_eq!(found.unwrap().object["spec"]["a"][0], 1);
    let gone = refusal("404 Not Found", 404, "NotFound", "pods web-1 not found");
    let gone = manifest(gone).await.unwrap_err();
    assert!(gone.detail.contains("not found"), "{gone}");
    let html = manifest(once("200 OK", "", "<html>")).await.unwrap_err();
    assert_eq!(html.layer, Layer::Parse);
}

#[tokio::test]
async fn kinds_are_told_with_all_their_names() {
    let gathered =
        "Content-Type: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList\r\n";
    let group = |name: &str, plural: &str, kind: &str, short: &str| {
        format!(
            r#"{{"kind":"APIGroupDiscoveryList","items":[{{"metadata":{{"name":"{name}"}},"versions":[{{"version":"v1",
            "resources":[{{"resource":"{plural}","responseKind":{{"kind":"{kind}"}},"scope":"Namespaced",
            "singularResource":"","verbs":["get","list","watch"],"shortNames":["{short}"]}}]}}]}}]}}"#
        )
    };
    let core = once(
        "200 OK",
        gathered,
        group("", "configmaps", "ConfigMap", "cm"),
    );
    let custom = group("cert-manager.io", "certificates", "Certificate", "certs");
    let mut seat = Seat::with(vec![core, once("200 OK", gathered, custom)]).await;
    seat.asks.open(AskId(1), Ask::Kinds("prod".into()));
    let Answered::Kinds(Ok(kinds)) = seat.next().await else {
        panic!("no kinds");
    };
    let names: Vec<String> = kinds.iter().map(KindName::full).collect();
    assert_eq!(names, ["configmaps", "certificates.cert-manager.io"]);
    assert_eq!(kinds[1].short_names[..], ["certs".into()]);
    assert!(kinds.iter().all(|kind| kind.watchable && kind.namespaced));
}

#[tokio::test]
async fn a_table_is_listed_and_what_breaks_is_told() {
    let forbidden = refusal("403 Forbidden", 403, "Forbidden", "secrets is forbidden");
    let mut seat = Seat::with(vec![forbidden]).await;
    let table = TableAsk {
        cluster: "prod".into(),
        kind: std::sync::Arc::new(KindName::kept(ObjectKind::Pod)),
        namespace: "shop".into(),
    };
    seat.asks.open(AskId(1), Ask::Table(table));
    let Answered::Table(TableNews::Broken { outage, again }) = seat.next().await else {
        panic!("not broken");
    };
    assert_eq!(outage.layer, Layer::Auth);
    assert!(again.is_some());
    assert!(
        seat.asked(0).starts_with("/api/v1/namespaces/shop/pods?"),
        "{}",
        seat.asked(0)
    );
}

#[tokio::test]
async fn a_cluster_that_nobody_watches_is_answered_at_once() {
    let mut seat = Seat::with(vec![vec![]]).await;
    seat.asks.open(AskId(1), Ask::Manifest(pod("other")));
    let Answered::Manifest(Err(outage)) = seat.next().await else {
        panic!("no outage");
    };
    assert_eq!(outage.layer, Layer::Local);
    assert!(outage.detail.contains("`other`"), "{outage}");
    seat.asks.open(AskId(2), Ask::Kinds("other".into()));
    assert!(matches!(seat.next().await, Answered::Kinds(Err(_))));
}

#[tokio::test]
async fn what_is_saved_is_in_the_state_folder_byte_for_byte() {
    let mut seat = Seat::with(vec![vec![]]).await;
    let ask = SaveAsk {
        folder: "logs",
        name: "pod shop/web-1".into(),
        ending: "log",
        text: b"\x1b[31mred\x1b[0m\xff\n".to_vec(),
    };
    let text = ask.text.clone();
    seat.asks.open(AskId(1), Ask::Save(ask));
    let Answered::Saved(Ok((path, bytes))) = seat.next().await else {
        panic!("not saved");
    };
    assert!(
        path.starts_with(seat.home.path().to_str().unwrap()),
        "{path}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), text);
    assert_eq!(bytes, text.len() as u64);
}
