//! Whole polls against a loopback server that answers with recorded bodies.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::config::settings::{Settings, Value};
use crate::facts::{Alerts, Factual, RuleGroups, ScrapeTargets};
use crate::ids::TargetId;

type Answers = fn(&str) -> (u16, &'static str);

macro_rules! recorded {
    ($name:literal) => {
        (
            200,
            include_str!(concat!(
                "../../../tests/fixtures/payloads/prometheus/",
                $name,
                ".json"
            )),
        )
    };
}

fn prometheus(path: &str) -> (u16, &'static str) {
    match path {
        "/-/ready" => (200, "Prometheus Server is Ready.\n"),
        "/api/v1/status/buildinfo" => recorded!("buildinfo"),
        "/api/v1/status/runtimeinfo" => recorded!("runtimeinfo"),
        "/api/v1/status/tsdb" => recorded!("tsdb"),
        "/api/v1/alertmanagers" => recorded!("alertmanagers"),
        "/api/v1/query" => recorded!("query-vector"),
        "/api/v1/alerts" => recorded!("alerts"),
        "/api/v1/rules" => recorded!("rules"),
        "/api/v1/targets" => recorded!("targets"),
        _ => (404, "404 page not found\n"),
    }
}

/// Speaks queries, build and alerts alone, as some compatible servers do.
fn compatible(path: &str) -> (u16, &'static str) {
    match path {
        "/api/v1/status/buildinfo" | "/api/v1/query" | "/api/v1/alerts" => prometheus(path),
        _ => (404, "unsupported path requested\n"),
    }
}

fn replaying(path: &str) -> (u16, &'static str) {
    let _ = path;
    (503, "Service Unavailable\n")
}

fn login(path: &str) -> (u16, &'static str) {
    let _ = path;
    (200, "<!doctype html><title>Sign in</title>")
}

fn locked(path: &str) -> (u16, &'static str) {
    let _ = path;
    (401, "Unauthorized\n")
}

async fn serve(mut stream: TcpStream, answers: Answers) {
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if !head.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        head.clear();
        let target = text.split(' ').nth(1).unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let (status, body) = answers(path);
        let answer = format!(
            "HTTP/1.1 {status} Word\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn poll(answers: Answers) -> Result<Harvest, Outage> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answers));
        }
    });
    let mut settings = Settings::default();
    settings.set("url", Value::Text(url), "test");
    settings.set("queries", Value::List(vec!["up".into()]), "test");
    let target = TargetConfig {
        id: TargetId::new("prometheus", "a"),
        settings,
    };
    let mut probes = (SOURCE.probes)(&target).unwrap();
    let answer = probes[0].poll().await;
    server.abort();
    answer.outcome
}

fn told<T: Factual + Clone>(harvest: &Harvest) -> Option<T> {
    let mut facts = harvest.facts.iter().filter_map(|(_, fact)| T::of(fact));
    facts.next().cloned()
}

#[tokio::test]
async fn a_whole_server_is_told_whole() {
    let harvest = poll(prometheus).await.unwrap();
    assert!(harvest.lost.is_empty(), "{:?}", harvest.lost);
    let status: PrometheusStatus = told(&harvest).unwrap();
    assert!(status.ready && status.config_ok == Some(true));
    assert_eq!(&*status.version, "2.42.0+ds");
    assert_eq!(status.alertmanagers.unwrap().len(), 1);
    assert_eq!(told::<Queries>(&harvest).unwrap().0.len(), 1);
    assert_eq!(told::<Alerts>(&harvest).unwrap().0.len(), 3);
    assert_eq!(told::<RuleGroups>(&harvest).unwrap().0.len(), 2);
    assert_eq!(told::<ScrapeTargets>(&harvest).unwrap().total(), 2);
}

#[tokio::test]
async fn a_compatible_server_loses_what_it_does_not_offer_and_nothing_else() {
    let harvest = poll(compatible).await.unwrap();
    let status: PrometheusStatus = told(&harvest).unwrap();
    assert!(status.ready);
    assert_eq!((status.config_ok, status.head_series), (None, None));
    assert!(told::<Queries>(&harvest).unwrap().0[0].result.is_ok());
    assert!(told::<ScrapeTargets>(&harvest).is_none());
    let lost: Vec<FactKind> = harvest.lost.iter().map(|lost| lost.kind).collect();
    assert!(lost.contains(&FactKind::ScrapeTargets) && lost.contains(&FactKind::RuleGroups));
    assert!(!lost.contains(&FactKind::Alerts));
}

#[tokio::test]
async fn a_server_that_replays_its_log_is_known_as_not_ready() {
    let harvest = poll(replaying).await.unwrap();
    assert!(!told::<PrometheusStatus>(&harvest).unwrap().ready);
    assert!(told::<Alerts>(&harvest).is_none());
    assert!(harvest.lost.iter().any(|l| l.kind == FactKind::Alerts));
}

#[tokio::test]
async fn a_login_page_is_an_outage_and_not_an_empty_server() {
    let outage = poll(login).await.unwrap_err();
    assert_eq!(outage.layer, Layer::Parse);
    assert!(outage.hint.unwrap().contains("login"));
}

#[tokio::test]
async fn a_closed_door_is_an_auth_outage() {
    let outage = poll(locked).await.unwrap_err();
    assert_eq!(outage.layer, Layer::Auth);
    assert!(outage.hint.unwrap().starts_with("set `headers_file`"));
}
