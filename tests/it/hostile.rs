//! Servers that send what no server should, through `midwatch check`: each is told by its layer,
//! none disturbs the others, no raw control character comes out, and the deadline holds.

use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use midwatch::clock;
use serde_json::Value;
use std::io::Write;
use tokio::runtime::Runtime;

use crate::bad_input::{Home, Ran};
use crate::loopback::{Authority, Server, Step, answer, closed_port, once, say};

/// Deadline of each poll below, as written in the configuration.
const DEADLINE: Duration = Duration::from_secs(5);

/// What a terminal would obey, or be fooled by.
const EVIL: &str = "\u{1b}]0;pwn\u{7}\u{1b}[2J\u{9b}31m\u{202e}txet\u{2066}\u{200b}";

struct Fault {
    name: &'static str,
    /// Any of these layers; empty where the answer is odd and still an answer.
    layers: &'static [&'static str],
    url: String,
    /// Keeps it up.
    _server: Option<Server>,
}

fn host(label: &str) -> String {
    format!(
        "node_time_seconds 1.7e9\nnode_boot_time_seconds 1.6e9\nnode_load1 0.5\n\
         node_uname_info{{nodename=\"{label}\",release=\"{label}\",sysname=\"Linux\"}} 1\n\
         node_filesystem_size_bytes{{device=\"{label}\",fstype=\"ext4\",mountpoint=\"/{label}\"}} 100\n\
         node_filesystem_avail_bytes{{device=\"{label}\",fstype=\"ext4\",mountpoint=\"/{label}\"}} 1\n"
    )
}

/// A good answer with one label of a mebibyte, in a family that is read.
fn long_label() -> String {
    let label = "x".repeat(1 << 20);
    host("fine") + &format!("node_network_up{{device=\"{label}\"}} 1\n")
}

fn bomb() -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![b'0'; 1 << 20];
    (0..64).for_each(|_| gzip.write_all(&zeros).unwrap());
    gzip.finish().unwrap()
}

async fn faults() -> Vec<Fault> {
    let mut all = Vec::new();
    for (name, layers, script) in [
        ("evil-label", &[][..], once("200 OK", "", host(EVIL))),
        ("long-label", &[], once("200 OK", "", long_label())),
        (
            "bomb",
            &["too-large"],
            once("200 OK", "Content-Encoding: gzip\r\n", bomb()),
        ),
        (
            "endless",
            &["too-large"],
            vec![
                Step::Read,
                say("HTTP/1.1 200 OK\r\n\r\n"),
                Step::Endless(b"node_load1 0.5\n".repeat(4096)),
            ],
        ),
        (
            "slow",
            &["timeout"],
            vec![
                Step::Read,
                say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnode_load1 0.5\n"),
                Step::Hang,
            ],
        ),
        (
            "truncated",
            &["protocol", "tcp"],
            vec![
                Step::Read,
                say("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnode_load1 0.5\n"),
            ],
        ),
        (
            "html",
            &["parse", "protocol"],
            once(
                "200 OK",
                "Content-Type: text/html\r\n",
                format!("<!DOCTYPE html><title>{EVIL}</title>Log in"),
            ),
        ),
        (
            "evil-status",
            &["protocol"],
            vec![
                Step::Read,
                say(format!(
                    "HTTP/1.1 500 {EVIL}\r\nContent-Length: 3\r\n\r\n{EVIL}"
                )),
            ],
        ),
        (
            "evil-body",
            &["parse", "protocol"],
            once("200 OK", "", format!("{EVIL}\nnode_load1 {EVIL}\n")),
        ),
        ("login", &["auth"], once("401 Unauthorized", "", EVIL)),
        (
            "garbage",
            &["protocol"],
            vec![Step::Read, say(b"\x00\xff\x1b]0;pwn\x07\r\n\r\n")],
        ),
        ("mute", &["timeout"], vec![Step::Hang]),
        ("hangs-up", &["protocol", "tcp"], vec![Step::Read]),
        ("empty", &["parse", "protocol"], once("200 OK", "", "")),
    ] {
        let server = Server::start(vec![script]).await;
        all.push(Fault {
            name,
            layers,
            url: server.url("http"),
            _server: Some(server),
        });
    }
    let authority = Authority::new("nobody knows it");
    let identity = authority.issue("127.0.0.1", &["127.0.0.1"], (2020, 2040));
    let script = vec![Step::Read, answer("200 OK", "", host("tls"))];
    let server = Server::start_tls(vec![script], identity.server(None)).await;
    all.push(Fault {
        name: "wrong-certificate",
        layers: &["tls"],
        url: server.url("https"),
        _server: Some(server),
    });
    all.push(Fault {
        name: "refused",
        layers: &["tcp"],
        url: format!("http://127.0.0.1:{}", closed_port().await),
        _server: None,
    });
    // A resolver that cannot be reached may take the whole deadline.
    all.push(Fault {
        name: "dead-name",
        layers: &["dns", "timeout"],
        url: "http://no-such-host.invalid:9100".into(),
        _server: None,
    });
    all
}

fn home(faults: &[Fault], well: &Server) -> Home {
    let mut config = format!(
        "[kind.node-exporter]\nperiod = \"10s\"\ntimeout = \"{}s\"\nmax_body = \"2MiB\"\n\
         [[target]]\nkind = \"local\"\nname = \"here\"\n\
         [[target]]\nkind = \"node-exporter\"\nname = \"well\"\nurl = \"{}\"\n",
        DEADLINE.as_secs(),
        well.url("http"),
    );
    for fault in faults {
        config.push_str(&format!(
            "[[target]]\nkind = \"node-exporter\"\nname = \"{}\"\nurl = \"{}\"\n",
            fault.name, fault.url
        ));
    }
    Home::with(&config)
}

/// Nothing that a terminal would obey, and none of the marks that turn text around.
fn is_harmless(ran: &Ran, format: &str) {
    for text in [&ran.out, &ran.errors] {
        let bad = text.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(bad, None, "{format} lets it through");
    }
}

#[test]
fn hostile_servers_are_told_by_layer_and_disturb_nobody() {
    let runtime = Runtime::new().unwrap();
    let (faults, well) = runtime.block_on(async {
        let well = Server::start(vec![once("200 OK", "", host("well"))]).await;
        (faults().await, well)
    });
    let home = home(&faults, &well);
    let began = clock::stamp();
    let ran = home.run(&["check", "-o", "json"]);
    let took = clock::stamp().since(began);
    // The rest is for a machine that is busy; a poll that escapes its deadline never ends.
    assert!(took < DEADLINE * 10, "took {took:?}");
    assert_eq!(ran.code, 2, "{}", ran.errors);
    is_harmless(&ran, "json");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let find = |name: &str| {
        let targets = report["targets"].as_array().unwrap();
        let found = targets.iter().find(|target| target["id"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing")).clone()
    };
    assert_eq!(find("local/here")["state"], "ok");
    assert_eq!(find("node-exporter/well")["state"], "ok");
    let mut wrong = Vec::new();
    for fault in &faults {
        let target = find(&format!("node-exporter/{}", fault.name));
        let layer = target["error"]["layer"].as_str();
        let as_expected = match layer {
            None => fault.layers.is_empty() && target["state"] == "ok",
            Some(layer) => fault.layers.contains(&layer) && target["state"] == "bad",
        };
        if !as_expected {
            wrong.push(format!("{}: {target}", fault.name));
        }
        if let Some(error) = target["error"].as_object() {
            let detail = error["detail"].as_str().unwrap();
            assert!(
                detail.len() < 1000,
                "{}: {} bytes",
                fault.name,
                detail.len()
            );
        }
    }
    // A label without end costs its line alone, and that is said.
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| {
        finding["subject"] == "host/long-label" && finding["rule"] == "target-partial"
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_format_lets_a_control_character_through() {
    let runtime = Runtime::new().unwrap();
    let (mut faults, well) = runtime.block_on(async {
        let well = Server::start(vec![once("200 OK", "", host("well"))]).await;
        (faults().await, well)
    });
    // Those that wait for a deadline say nothing hostile.
    faults.retain(|fault| !fault.layers.contains(&"timeout"));
    let home = home(&faults, &well);
    for format in ["text", "json", "markdown", "junit", "prometheus"] {
        let ran = home.run(&["check", "-o", format]);
        assert_eq!(ran.code, 2, "{format}: {}", ran.errors);
        is_harmless(&ran, format);
        assert!(ran.out.contains("evil-body"), "{format}");
    }
}
