//! The clients against servers that fail in every way the field knows: each failure must name its
//! layer and the thing that is wrong.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use midwatch::clients::endpoint::Endpoint;
use midwatch::clients::grpc;
use midwatch::clients::http::HttpClient;
use midwatch::config::settings::{Settings, Value};
use midwatch::observation::{Layer, Outage};
use tonic::Code;
use tonic::transport::Channel;

use crate::loopback::{
    Authority, Identity, Server, Step, answer, closed_port, once, put, say, self_signed,
    start_grpc_tls,
};

const VALID: (i32, i32) = (2020, 2090);

fn endpoint(url: &str, pairs: &[(&str, &str)]) -> Arc<Endpoint> {
    let mut settings = Settings::default();
    for (key, text) in pairs {
        let value = match *text {
            "true" => Value::Bool(true),
            text => text
                .parse()
                .map_or_else(|_| Value::Text(text.into()), Value::Number),
        };
        settings.set(key, value, "test");
    }
    Arc::new(Endpoint::from_settings(url, 1, &settings).unwrap())
}

fn client(url: &str, pairs: &[(&str, &str)]) -> HttpClient {
    HttpClient::new(endpoint(url, pairs))
}

async fn failure(url: &str, pairs: &[(&str, &str)]) -> Outage {
    client(url, pairs)
        .get_ok("/metrics", "*/*")
        .await
        .unwrap_err()
}

#[track_caller]
fn expect(outage: &Outage, layer: Layer, detail: &str, hint: &str) {
    assert_eq!(outage.layer, layer, "{outage}");
    assert!(outage.detail.contains(detail), "{outage}");
    let said = outage.hint.clone().unwrap_or_default();
    assert!(said.contains(hint), "{outage}: {said}");
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

// ---- the network below

#[tokio::test]
async fn a_dead_name_is_dns() {
    let outage = failure("http://midwatch.invalid:9100", &[]).await;
    expect(&outage, Layer::Dns, "midwatch.invalid", "spelling");
}

#[tokio::test]
async fn a_refused_port_is_tcp_and_named() {
    let port = closed_port().await;
    let outage = failure(&format!("127.0.0.1:{port}"), &[]).await;
    expect(
        &outage,
        Layer::Tcp,
        &format!("127.0.0.1:{port} refused the connection"),
        "listens on this port",
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_named_by_the_phase() {
    let server = Server::start(vec![vec![Step::Read, Step::Hang]]).await;
    let mut client = client(&server.url("http"), &[]);
    let phase = client.phase();
    tokio::select! {
        page = client.get("/metrics?x=secret", "*/*") => panic!("{page:?}"),
        () = server.hung() => {}
    }
    assert_eq!(phase.describe(), "the first byte of /metrics");
}

#[tokio::test]
async fn a_server_that_never_shakes_hands_is_named_by_the_phase() {
    let server = Server::start(vec![vec![Step::Hang]]).await;
    let mut client = client(&server.url("https"), &[("insecure", "true")]);
    let phase = client.phase();
    tokio::select! {
        page = client.get("/", "*/*") => panic!("{page:?}"),
        // The server may accept before the client has moved on to the handshake.
        () = async {
            server.hung().await;
            while !phase.describe().contains("handshake") { tokio::task::yield_now().await; }
        } => {}
    }
    assert_eq!(
        phase.describe(),
        format!("the TLS handshake with {}", server.address)
    );
}

#[tokio::test]
async fn a_slow_body_says_how_far_it_came() {
    let start = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
    let server = Server::start(vec![vec![Step::Read, say(start), Step::Hang]]).await;
    let mut client = client(&server.url("http"), &[]);
    let phase = client.phase();
    tokio::select! {
        page = client.get("/metrics", "*/*") => panic!("{page:?}"),
        () = async {
            while !phase.describe().contains("so far") { tokio::task::yield_now().await; }
        } => {}
    }
    assert_eq!(phase.describe(), "the rest of /metrics (5 B so far)");
}

#[tokio::test]
async fn a_call_given_up_leaves_the_client_usable() {
    let hang = vec![
        Step::Read,
        answer("200 OK", "", "a"),
        Step::Read,
        Step::Hang,
    ];
    let server = Server::start(vec![hang, once("200 OK", "", "b")]).await;
    let mut client = client(&server.url("http"), &[]);
    assert_eq!(client.get("/", "*/*").await.unwrap().body, b"a");
    // The kept connection is half-open now: it takes the request and says nothing.
    tokio::select! {
        page = client.get("/", "*/*") => panic!("{page:?}"),
        () = server.hung() => {}
    }
    assert_eq!(client.get("/", "*/*").await.unwrap().body, b"b");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_connection_is_kept_and_replaced_once_when_it_was_closed() {
    let two = vec![
        Step::Read,
        answer("200 OK", "", "a"),
        Step::Read,
        answer("200 OK", "", "b"),
    ];
    let server = Server::start(vec![two, once("200 OK", "", "c")]).await;
    let mut client = client(&server.url("http"), &[]);
    for body in [b"a", b"b", b"c"] {
        assert_eq!(client.get("/", "*/*").await.unwrap().body, body);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_kept_connection_that_closes_on_the_request_is_replaced_once() {
    let closes = vec![Step::Read, answer("200 OK", "", "a"), Step::Read];
    let server = Server::start(vec![closes, once("200 OK", "", "b")]).await;
    let mut client = client(&server.url("http"), &[]);
    client.get("/", "*/*").await.unwrap();
    assert_eq!(client.get("/", "*/*").await.unwrap().body, b"b");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let begins = vec![
        Step::Read,
        answer("200 OK", "", "a"),
        Step::Read,
        say("HTTP/1.1 2"),
    ];
    let server = Server::start(vec![begins, once("200 OK", "", "b")]).await;
    let mut client = client(&server.url("http"), &[]);
    client.get("/", "*/*").await.unwrap();
    let outage = client.get("/metrics", "*/*").await.unwrap_err();
    expect(
        &outage,
        Layer::Protocol,
        "before the headers of /metrics were complete",
        "",
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_up_on_each_request_is_not_asked_forever() {
    let server = Server::start(vec![once("200 OK", "", "a"), vec![Step::Read]]).await;
    let mut client = client(&server.url("http"), &[]);
    client.get("/", "*/*").await.unwrap();
    let outage = client.get("/", "*/*").await.unwrap_err();
    expect(&outage, Layer::Protocol, "without an answer", "https://");
    assert!(server.connections() <= 3);
}

// ---- HTTP

#[tokio::test]
async fn a_good_answer_comes_with_its_moments_and_sizes() {
    let plain = "node_load1 0.5\n".repeat(50);
    let wire = gzip(plain.as_bytes());
    let headers = "Content-Encoding: gzip\r\nContent-Type: text/plain\r\n\
                   Date: Sat, 21 Nov 2026 02:14:07 GMT\r\n";
    let server = Server::start(vec![once("200 OK", headers, &wire)]).await;
    let mut client = client(&server.url("http"), &[]);
    let page = client.get_ok("/metrics?a=b", "text/plain").await.unwrap();
    assert_eq!(page.body, plain.as_bytes());
    let r = page.response;
    assert_eq!(r.wire_bytes, wire.len() as u64);
    assert_eq!(r.body_bytes, plain.len() as u64);
    assert_eq!(r.date.unwrap().to_string(), "2026-11-21T02:14:07Z");
    assert_eq!(r.content_type, "text/plain");
    assert!(r.answered.stamp >= r.sent.stamp);
    let request = server.requests().remove(0).to_lowercase();
    assert!(
        request.starts_with("get /metrics?a=b http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("accept-encoding: gzip\r\n"), "{request}");
    assert!(
        request.contains(&format!("host: {}\r\n", server.address)),
        "{request}"
    );
}

#[tokio::test]
async fn the_path_prefix_of_the_url_is_joined() {
    let server = Server::start(vec![once("200 OK", "", "")]).await;
    let mut client = client(&format!("{}/prom/", server.url("http")), &[]);
    client.get_ok("/api/v1/query", "*/*").await.unwrap();
    assert!(server.requests()[0].starts_with("GET /prom/api/v1/query "));
}

#[tokio::test]
async fn garbage_instead_of_http_is_shown() {
    let server = Server::start(vec![vec![say("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Step::Hang]]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(
        &outage,
        Layer::Protocol,
        "\"SSH-2.0-OpenSSH_9.2\"",
        "check the port",
    );
}

#[tokio::test]
async fn http_on_a_tls_port_says_to_use_https() {
    let authority = Authority::new("CA");
    let config = authority.issue("a", &["127.0.0.1"], VALID).server(None);
    let server = Server::start_tls(vec![once("200 OK", "", "")], config).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::Protocol, "answered in TLS", "use https://");
}

#[tokio::test]
async fn a_truncated_body_says_how_much_is_missing() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
    let server = Server::start(vec![vec![Step::Read, say(cut)]]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(
        &outage,
        Layer::Protocol,
        "cut off after 5 of 100 bytes of /metrics",
        "",
    );
}

#[tokio::test]
async fn a_truncated_gzip_body_is_no_body() {
    let wire = gzip(b"node_load1 0.5\n");
    let short = &wire[..wire.len() - 4];
    let server = Server::start(vec![once("200 OK", "Content-Encoding: gzip\r\n", short)]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::Protocol, "broken or cut off", "");
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_it_is_read() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
    let server = Server::start(vec![vec![Step::Read, say(head), Step::Hang]]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::TooLarge, "16.0 MiB", "max_body");
}

#[tokio::test]
async fn an_endless_body_ends_at_the_cap() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let script = vec![Step::Read, say(head), Step::Endless(chunk.into())];
    let server = Server::start(vec![script]).await;
    let mut client = client(&server.url("http"), &[("max_body", "100000")]);
    let mut seen = 0;
    let outage = client
        .stream("/metrics", "*/*", &mut |piece| seen += piece.len())
        .await
        .unwrap_err();
    expect(&outage, Layer::TooLarge, "97.7 KiB", "max_body");
    assert!(seen <= 100_000);
}

#[tokio::test]
async fn endless_headers_end_as_well() {
    let line = format!("X-{}: y\r\n", "x".repeat(500));
    let script = vec![
        Step::Read,
        say("HTTP/1.1 200 OK\r\n"),
        Step::Endless(line.into()),
    ];
    let server = Server::start(vec![script]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::TooLarge, "headers of /metrics", "");
}

#[tokio::test]
async fn a_gzip_bomb_is_called_one() {
    let wire = gzip(&vec![0; 12 << 20]);
    let server = Server::start(vec![once("200 OK", "Content-Encoding: gzip\r\n", &wire)]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::TooLarge, "decompression bomb", "honest");
}

#[tokio::test]
async fn another_encoding_is_refused() {
    let server = Server::start(vec![once("200 OK", "Content-Encoding: br\r\n", "x")]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::Protocol, "`br`", "");
}

#[tokio::test]
async fn refused_credentials_are_auth_with_what_the_server_said() {
    for (status, hint) in [
        ("401 Unauthorized", "headers_file"),
        ("403 Forbidden", "grant"),
    ] {
        let server = Server::start(vec![once(status, "", "token expired\nmore")]).await;
        let outage = failure(&server.url("http"), &[]).await;
        let detail = format!("{status} for /metrics: token expired");
        expect(&outage, Layer::Auth, &detail, hint);
        assert!(!outage.detail.contains("more"));
    }
}

#[tokio::test]
async fn an_error_page_is_cut_to_its_first_200_characters() {
    let server = Server::start(vec![once("503 Service Unavailable", "", "x".repeat(900))]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(&outage, Layer::Protocol, "503 Service Unavailable", "");
    assert_eq!(outage.detail.matches('x').count(), 200);
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let headers = "Location: https://sso.example/login?token=hunter2\r\n";
    let server = Server::start(vec![once("302 Found", headers, "")]).await;
    let outage = failure(&server.url("http"), &[]).await;
    expect(
        &outage,
        Layer::Protocol,
        "redirected to https://sso.example/login,",
        "set the URL",
    );
    assert_eq!(server.connections(), 1);
    let page = client(&server.url("http"), &[])
        .get("/", "*/*")
        .await
        .unwrap();
    assert_eq!(page.response.status, 302);
}

#[tokio::test]
async fn a_changed_headers_file_is_used_at_the_next_call() {
    let dir = tempfile::tempdir().unwrap();
    let file = put(dir.path(), "headers", "Authorization: Bearer one\n");
    let server = Server::start(vec![once("200 OK", "", "")]).await;
    let mut client = client(&server.url("http"), &[("headers_file", text(&file))]);
    client.get_ok("/", "*/*").await.unwrap();
    put(dir.path(), "headers", "Authorization: Bearer two\n");
    client.get_ok("/", "*/*").await.unwrap();
    let requests = server.requests();
    assert!(requests[0].contains("Bearer one"), "{}", requests[0]);
    assert!(requests[1].contains("Bearer two"), "{}", requests[1]);
    put(dir.path(), "headers", "oops hunter2\n");
    let outage = client.get_ok("/", "*/*").await.unwrap_err();
    expect(&outage, Layer::Local, "headers line 1", "Name: value");
    assert!(!format!("{outage:?}{client:?}").contains("hunter2"));
}

// ---- TLS

/// An authority written to `ca.pem`, and the settings that name it.
struct Place {
    dir: tempfile::TempDir,
    authority: Authority,
    ca: String,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("midwatch test CA");
        let ca = put(dir.path(), "ca.pem", &authority.certificate.pem());
        let ca = text(&ca).to_owned();
        Self { dir, authority, ca }
    }

    async fn server(&self, identity: &Identity, clients: Option<&Authority>) -> Server {
        Server::start_tls(vec![once("200 OK", "", "hello")], identity.server(clients)).await
    }

    fn keep(&self, name: &str, identity: &Identity) -> (String, String) {
        let cert = put(self.dir.path(), &format!("{name}.pem"), &identity.cert_pem);
        let key = put(self.dir.path(), &format!("{name}.key"), &identity.key_pem);
        (text(&cert).to_owned(), text(&key).to_owned())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_trusted_server_shows_its_certificate() {
    let place = Place::new();
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, None).await;
    let mut client = client(&server.url("https"), &[("ca", &place.ca)]);
    let page = client.get_ok("/", "*/*").await.unwrap();
    let seen = page.response.certificate.unwrap();
    assert_eq!(&*seen.subject, "CN=etcd-1");
    assert_eq!(&*seen.issuer, "CN=midwatch test CA");
    assert_eq!(&*seen.place, server.url("https"));
    assert_eq!(seen.not_after.to_string(), "2090-01-01T00:00:00Z");
}

#[tokio::test]
async fn the_wrong_authority_is_an_unknown_issuer_and_the_certificate_is_kept() {
    let (place, other) = (Place::new(), Authority::new("another CA"));
    let identity = other.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, None).await;
    let mut client = client(&server.url("https"), &[("ca", &place.ca)]);
    let outage = client.get_ok("/", "*/*").await.unwrap_err();
    expect(&outage, Layer::Tls, "CN=another CA", "set ca =");
    assert!(outage.detail.contains("CN=etcd-1"), "{outage}");
    assert_eq!(&*client.last_certificate().unwrap().subject, "CN=etcd-1");
}

#[tokio::test]
async fn an_authority_of_the_same_name_and_another_key_is_unknown_too() {
    let (place, other) = (Place::new(), Authority::new("midwatch test CA"));
    let identity = other.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, None).await;
    let outage = failure(&server.url("https"), &[("ca", &place.ca)]).await;
    expect(
        &outage,
        Layer::Tls,
        "was not signed by an authority in",
        "set ca =",
    );
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_where_ca_is_that_very_certificate() {
    let place = Place::new();
    let own = self_signed("etcd-1", &["127.0.0.1"], VALID);
    let (ca, _) = place.keep("own", &own);
    let server = place.server(&own, None).await;
    let page = client(&server.url("https"), &[("ca", &ca)])
        .get_ok("/", "*/*")
        .await
        .unwrap();
    assert_eq!(&*page.response.certificate.unwrap().subject, "CN=etcd-1");
    // Another one of the same name is as little trusted as any.
    let other = self_signed("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&other, None).await;
    for ca in [&ca, &place.ca] {
        let outage = failure(&server.url("https"), &[("ca", ca)]).await;
        expect(&outage, Layer::Tls, "CA:TRUE", "to this very certificate");
        assert!(!outage.detail.contains("CaUsed"), "{outage}");
    }
}

#[tokio::test]
async fn a_known_certificate_must_be_in_time_and_for_the_name_all_the_same() {
    let place = Place::new();
    for (names, years, said) in [
        (&["127.0.0.1"][..], (2020, 2021), "expired"),
        (&["127.0.0.1"], (2080, 2090), "not yet valid"),
        (&["elsewhere"], VALID, "elsewhere"),
        (&[], VALID, "no name at all"),
    ] {
        let own = self_signed("etcd-1", names, years);
        let (ca, _) = place.keep("own", &own);
        let server = place.server(&own, None).await;
        let outage = failure(&server.url("https"), &[("ca", &ca)]).await;
        expect(&outage, Layer::Tls, said, "");
    }
}

#[tokio::test]
async fn insecure_accepts_anyone_and_still_shows_the_certificate() {
    let (place, other) = (Place::new(), Authority::new("another CA"));
    let identity = other.issue("etcd-1", &["elsewhere"], (2020, 2021));
    let server = place.server(&identity, None).await;
    let mut client = client(&server.url("https"), &[("insecure", "true")]);
    let page = client.get_ok("/", "*/*").await.unwrap();
    assert_eq!(&*page.response.certificate.unwrap().subject, "CN=etcd-1");
}

#[tokio::test]
async fn dates_that_are_over_or_to_come_are_told() {
    let place = Place::new();
    for (years, detail, hint) in [
        ((2020, 2021), "expired at 2021-01-01", "renew"),
        (
            (2089, 2090),
            "not yet valid; it will be at 2089-01-01",
            "clocks",
        ),
    ] {
        let identity = place.authority.issue("etcd-1", &["127.0.0.1"], years);
        let server = place.server(&identity, None).await;
        let mut client = client(&server.url("https"), &[("ca", &place.ca)]);
        let outage = client.get_ok("/", "*/*").await.unwrap_err();
        expect(&outage, Layer::Tls, detail, hint);
        assert!(client.last_certificate().is_some());
    }
}

#[tokio::test]
async fn a_wrong_name_is_told_with_the_names_that_are_there() {
    let place = Place::new();
    let names = ["etcd-1.example", "etcd-1"];
    let identity = place.authority.issue("etcd-1", &names, VALID);
    let server = place.server(&identity, None).await;
    let outage = failure(&server.url("https"), &[("ca", &place.ca)]).await;
    expect(&outage, Layer::Tls, "is not for 127.0.0.1", "server_name");
    assert!(outage.detail.contains("etcd-1.example"), "{outage}");
    let named = [("ca", place.ca.as_str()), ("server_name", "etcd-1")];
    client(&server.url("https"), &named)
        .get_ok("/", "*/*")
        .await
        .unwrap();
}

#[tokio::test]
async fn plain_http_on_the_tls_port_says_to_use_http() {
    let bad = "HTTP/1.1 400 Bad Request\r\n\r\n";
    let server = Server::start(vec![vec![say(bad), Step::Hang]]).await;
    let outage = failure(&server.url("https"), &[("insecure", "true")]).await;
    expect(&outage, Layer::Tls, "with something else", "use http://");
}

#[tokio::test]
async fn a_missing_client_certificate_is_asked_for() {
    let place = Place::new();
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, Some(&place.authority)).await;
    let outage = failure(&server.url("https"), &[("ca", &place.ca)]).await;
    expect(
        &outage,
        Layer::Tls,
        "requires a client certificate",
        "set cert",
    );
}

#[tokio::test]
async fn a_client_certificate_of_a_stranger_is_rejected_by_name() {
    let (place, other) = (Place::new(), Authority::new("another CA"));
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, Some(&place.authority)).await;
    let (cert, key) = place.keep("me", &other.issue("me", &[], VALID));
    let pairs = [("ca", place.ca.as_str()), ("cert", &cert), ("key", &key)];
    let outage = failure(&server.url("https"), &pairs).await;
    expect(
        &outage,
        Layer::Tls,
        "rejected our client certificate",
        "issuer",
    );
    assert!(outage.detail.contains("me.pem"), "{outage}");
}

#[tokio::test]
async fn a_rotated_client_certificate_is_picked_up() {
    let (place, old) = (Place::new(), Authority::new("old CA"));
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, Some(&place.authority)).await;
    let (cert, key) = place.keep("me", &old.issue("me", &[], VALID));
    let pairs = [("ca", place.ca.as_str()), ("cert", &cert), ("key", &key)];
    let mut client = client(&server.url("https"), &pairs);
    client.get_ok("/", "*/*").await.unwrap_err();
    place.keep("me", &place.authority.issue("me", &[], VALID));
    assert_eq!(client.get_ok("/", "*/*").await.unwrap().body, b"hello");
}

#[tokio::test]
async fn a_kept_connection_ends_when_its_certificate_is_rotated() {
    let place = Place::new();
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let two = vec![
        Step::Read,
        answer("200 OK", "", "a"),
        Step::Read,
        answer("200 OK", "", "b"),
    ];
    let config = identity.server(Some(&place.authority));
    let server = Server::start_tls(vec![two], config).await;
    let (cert, key) = place.keep("me", &place.authority.issue("me", &[], VALID));
    let pairs = [("ca", place.ca.as_str()), ("cert", &cert), ("key", &key)];
    let mut client = client(&server.url("https"), &pairs);
    client.get_ok("/", "*/*").await.unwrap();
    place.keep("me", &place.authority.issue("me", &[], VALID));
    assert_eq!(client.get_ok("/", "*/*").await.unwrap().body, b"a");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn files_that_are_missing_or_wrong_are_local_and_named() {
    let place = Place::new();
    let identity = place.authority.issue("me", &[], VALID);
    let (cert, key) = place.keep("me", &identity);
    let other = place.keep("you", &place.authority.issue("you", &[], VALID));
    let empty = put(place.dir.path(), "empty.pem", "");
    let empty = text(&empty);
    let url = format!("https://127.0.0.1:{}", closed_port().await);
    for (pairs, detail) in [
        (
            [("ca", "/no/ca.pem"), ("cert", &cert), ("key", &key)],
            "ca: /no/ca.pem does not exist",
        ),
        (
            [("ca", empty), ("cert", &cert), ("key", &key)],
            "empty.pem holds no certificate",
        ),
        (
            [("ca", &place.ca), ("cert", empty), ("key", &key)],
            "cert: ",
        ),
        (
            [("ca", &place.ca), ("cert", &cert), ("key", empty)],
            "empty.pem holds no private key",
        ),
        (
            [("ca", &place.ca), ("cert", &cert), ("key", &other.1)],
            "does not belong to",
        ),
        (
            [("ca", &place.ca), ("cert", &cert), ("key", "/no/key")],
            "key: /no/key does not exist",
        ),
    ] {
        let outage = failure(&url, &pairs).await;
        expect(&outage, Layer::Local, detail, "");
        assert!(outage.hint.is_some(), "{outage}");
    }
}

// ---- gRPC

async fn call(channel: Channel) -> tonic::Status {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let path = "/etcdserverpb.Nothing/None".parse().unwrap();
    let answer: Result<tonic::Response<()>, _> =
        grpc.unary(tonic::Request::new(()), path, codec).await;
    answer.unwrap_err()
}

#[tokio::test]
async fn grpc_names_the_layer_below_it() {
    let place = Place::new();
    let port = closed_port().await;
    let other = Authority::new("another CA").issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&other, None).await;
    let refused = endpoint(&format!("http://127.0.0.1:{port}"), &[]);
    let untrusted = endpoint(&server.url("https"), &[("ca", &place.ca)]);
    for (endpoint, layer, detail) in [
        (refused, Layer::Tcp, "refused the connection"),
        (untrusted, Layer::Tls, "CN=another CA"),
    ] {
        let (channel, connector) = grpc::channel(endpoint).unwrap();
        let status = call(channel).await;
        let outage = grpc::outage(&status, connector.last_outage());
        expect(&outage, layer, detail, "");
        let buried = grpc::outage(&status, None);
        expect(&buried, layer, detail, "");
    }
}

#[tokio::test]
async fn grpc_without_the_client_certificate_is_told_so() {
    let place = Place::new();
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let server = place.server(&identity, Some(&place.authority)).await;
    let wants = endpoint(&server.url("https"), &[("ca", &place.ca)]);
    let (channel, connector) = grpc::channel(wants).unwrap();
    let status = call(channel).await;
    let outage = grpc::outage(&status, connector.last_outage());
    expect(
        &outage,
        Layer::Tls,
        "requires a client certificate",
        "set cert",
    );
    assert_eq!(&*connector.last_certificate().unwrap().subject, "CN=etcd-1");
}

#[tokio::test]
async fn grpc_speaks_over_tls_with_our_certificate() {
    let place = Place::new();
    let identity = place.authority.issue("etcd-1", &["127.0.0.1"], VALID);
    let (address, task) = start_grpc_tls(identity.server(Some(&place.authority))).await;
    let (cert, key) = place.keep("me", &place.authority.issue("me", &[], VALID));
    let pairs = [("ca", place.ca.as_str()), ("cert", &cert), ("key", &key)];
    let (channel, connector) =
        grpc::channel(endpoint(&format!("https://{address}"), &pairs)).unwrap();
    assert_eq!(call(channel).await.code(), Code::Unimplemented);
    assert_eq!(connector.last_outage(), None);
    assert_eq!(&*connector.last_certificate().unwrap().subject, "CN=etcd-1");
    assert_eq!(connector.phase().describe(), "an answer over gRPC");
    task.abort();
}

#[tokio::test]
async fn grpc_recovers_and_forgets_the_old_outage() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (channel, connector) = grpc::channel(endpoint(&format!("http://{address}"), &[])).unwrap();
    call(channel.clone()).await;
    assert!(connector.last_outage().is_some());
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let routes = tonic::service::Routes::default();
    let server = tonic::transport::Server::builder().add_routes(routes);
    let task = tokio::spawn(server.serve_with_incoming(incoming));
    let status = call(channel).await;
    assert_eq!(status.code(), Code::Unimplemented, "{status:?}");
    assert_eq!(connector.last_outage(), None);
    let outage = grpc::outage(&status, connector.last_outage());
    expect(&outage, Layer::Protocol, "Unimplemented", "");
    task.abort();
}

#[tokio::test]
async fn what_does_not_speak_grpc_is_told_in_words() {
    for (said, layer, detail, hint) in [
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            Layer::Protocol,
            "HTTP/1.1 400",
            "check the endpoint and its port",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n<html>",
            Layer::Protocol,
            "does not speak gRPC (HTTP/2)",
            "check the endpoint and its port",
        ),
        (
            "<!DOCTYPE html><html><body>hello</body></html>",
            Layer::Protocol,
            "does not speak gRPC (HTTP/2)",
            "check the endpoint and its port",
        ),
        (
            "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
            Layer::Protocol,
            "SSH-2.0-OpenSSH",
            "check the endpoint and its port",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\n\r\n",
            Layer::Auth,
            "401",
            "credentials",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            Layer::Auth,
            "403",
            "credentials",
        ),
    ] {
        let server = Server::start(vec![vec![Step::Read, say(said), Step::Hang]]).await;
        let (channel, connector) = grpc::channel(endpoint(&server.url("http"), &[])).unwrap();
        let status = call(channel).await;
        let outage = grpc::outage(&status, connector.last_outage());
        expect(&outage, layer, detail, hint);
        expect(&outage, layer, "does not speak gRPC (HTTP/2)", "");
    }
}

#[tokio::test]
async fn a_port_that_closes_without_a_word_is_told_so() {
    let server = Server::start(vec![vec![Step::Read]]).await;
    let (channel, connector) = grpc::channel(endpoint(&server.url("http"), &[])).unwrap();
    let status = call(channel).await;
    let outage = grpc::outage(&status, connector.last_outage());
    assert!(outage.hint.is_some(), "{outage}");
    assert!(!outage.detail.contains("transport error"), "{outage}");
}
