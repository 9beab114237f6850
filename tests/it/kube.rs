//! The client of a Kubernetes API server against servers on loopback that misbehave on purpose, over
//! HTTP/1.1 and over HTTP/2 with TLS.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use midwatch::clients::kube::{Api, JSON, Reply};
use midwatch::clock;
use midwatch::config::Environment;
use midwatch::config::settings::{Settings, Value};
use midwatch::observation::{Layer, Outage};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::loopback::{Authority, Server, answer, closed_port, put, say};

const VALID: (i32, i32) = (2020, 2090);

type Page = Response<BoxBody<Bytes, Infallible>>;
type Answer = Arc<dyn Fn(&Request<Incoming>) -> Page + Send + Sync>;

fn page(status: u16, body: impl Into<Bytes>) -> Page {
    let mut page = Response::new(Full::new(body.into()).boxed());
    *page.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    page
}

fn with(mut page: Page, name: &'static str, value: &str) -> Page {
    page.headers_mut().insert(name, value.parse().unwrap());
    page
}

/// A server that speaks HTTP/2 over TLS, or HTTP/1.1 where nothing better is offered.
struct Spoken {
    address: SocketAddr,
    dir: tempfile::TempDir,
    ca: PathBuf,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Spoken {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Protocol {
    Http1,
    Http2,
}

impl Spoken {
    async fn start(
        protocol: Protocol,
        answer: impl Fn(&Request<Incoming>) -> Page + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new("midwatch test CA");
        let ca = put(dir.path(), "ca.pem", &authority.certificate.pem());
        let identity = authority.issue("kube-apiserver", &["127.0.0.1"], VALID);
        let mut config = identity.server(None);
        if protocol == Protocol::Http1 {
            config.alpn_protocols.clear();
        }
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answer: Answer = Arc::new(answer);
        let (count, log) = (connections.clone(), requests.clone());
        let task = tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, answer, log) = (acceptor.clone(), answer.clone(), log.clone());
                tokio::spawn(async move {
                    let Ok(tls) = acceptor.accept(tcp).await else {
                        return;
                    };
                    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                        let line = format!(
                            "{} {} {:?} {:?}",
                            request.method(),
                            request.uri().path_and_query().unwrap(),
                            request.version(),
                            request.headers()
                        );
                        log.lock().unwrap().push(line);
                        let page = answer(&request);
                        async move { Ok::<_, Infallible>(page) }
                    });
                    let io = TokioIo::new(tls);
                    let serve = async {
                        if protocol == Protocol::Http2 {
                            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                                .serve_connection(io, service)
                                .await;
                        } else {
                            let _ = hyper::server::conn::http1::Builder::new()
                                .serve_connection(io, service)
                                .await;
                        }
                    };
                    serve.await;
                });
            }
        });
        Self {
            address,
            dir,
            ca,
            connections,
            requests,
            task,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// A client whose kubeconfig has this user.
    fn api(&self, user: &str) -> Api {
        let ca = self.ca.display();
        let cluster = format!(
            "{{server: \"https://{}\", certificate-authority: {ca}}}",
            self.address
        );
        api(&self.dir, &cluster, user, &[])
    }
}

fn kubeconfig(dir: &tempfile::TempDir, cluster: &str, user: &str) -> PathBuf {
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {cluster}}}]\nusers: [{{name: u, user: {user}}}]\n"
    );
    let path = put(dir.path(), "kubeconfig", &text);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    path
}

fn api(dir: &tempfile::TempDir, cluster: &str, user: &str, allowed: &[String]) -> Api {
    let path = kubeconfig(dir, cluster, user);
    let mut settings = Settings::default();
    let text = Value::Text(path.to_str().unwrap().to_owned());
    settings.set("kubeconfig", text, "test");
    settings.set("exec_allowed", Value::List(allowed.to_vec()), "test");
    let environment = Environment(BTreeMap::from([(
        "PATH".to_owned(),
        "/usr/bin:/bin".to_owned(),
    )]));
    Api::within("prod", &settings, environment).unwrap()
}

async fn text(reply: Reply) -> String {
    String::from_utf8(reply.body(1 << 20).await.unwrap()).unwrap()
}

async fn got(api: &Api, path: &str) -> String {
    text(api.get(path, JSON).await.unwrap()).await
}

#[track_caller]
fn expect(outage: &Outage, layer: Layer, detail: &str) {
    assert_eq!(outage.layer, layer, "{outage}");
    assert!(outage.detail.contains(detail), "{outage}");
}

#[tokio::test]
async fn everything_to_one_server_shares_one_http2_connection() {
    let server = Spoken::start(Protocol::Http2, |request| {
        page(200, request.uri().path().to_owned())
    })
    .await;
    let api = server.api("{token: hunter2-token}");
    assert_eq!(api.heard(), clock::Stamp::default());
    let asked = (0..10).map(|number| {
        let api = api.clone();
        tokio::spawn(async move { got(&api, &format!("/{number}")).await })
    });
    for (number, task) in asked.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), format!("/{number}"));
    }
    assert_eq!(server.connections(), 1);
    assert!(api.heard() > clock::Stamp::default());
    assert_eq!(&*api.certificate().unwrap().subject, "CN=kube-apiserver");
    let line = server.requests().remove(0);
    assert!(line.contains("HTTP/2.0"), "{line}");
    assert!(
        line.contains(&format!("midwatch/{}", env!("CARGO_PKG_VERSION"))),
        "{line}"
    );
    // Marked as sensitive on our side it still arrives.
    assert!(line.contains("hunter2-token"), "{line}");
    assert!(!line.contains("gzip"), "not on this machine: {line}");
    assert!(!format!("{api:?}").contains("hunter2"));
}

#[tokio::test]
async fn over_http1_a_connection_is_kept_and_a_second_is_made_while_it_is_busy() {
    let server = Spoken::start(Protocol::Http1, |_| page(200, "ok")).await;
    let api = server.api("{}");
    assert_eq!(got(&api, "/a").await, "ok");
    assert_eq!(got(&api, "/b").await, "ok");
    assert_eq!(server.connections(), 1);
    let busy = api.get("/c", JSON).await.unwrap();
    assert_eq!(got(&api, "/d").await, "ok");
    assert_eq!(server.connections(), 2);
    drop(busy);
    assert!(server.requests()[0].contains("HTTP/1.1"));
}

#[tokio::test]
async fn a_token_that_was_rotated_is_read_again_after_a_401() {
    let dir = tempfile::tempdir().unwrap();
    let token = put(dir.path(), "token", "hunter2-old\n");
    let path = token.clone();
    let server = Spoken::start(Protocol::Http2, move |request| {
        if request.headers()["authorization"] == "Bearer hunter2-new" {
            return page(200, "welcome");
        }
        put(path.parent().unwrap(), "token", "hunter2-new\n");
        page(401, "{}")
    })
    .await;
    let api = server.api(&format!("{{tokenFile: {}}}", token.display()));
    assert_eq!(got(&api, "/a").await, "welcome");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_401_that_stays_is_told_and_not_asked_forever() {
    let server = Spoken::start(Protocol::Http2, |_| page(401, "{}")).await;
    let api = server.api("{token: hunter2-token}");
    let reply = api.get("/api/v1/pods", JSON).await.unwrap();
    assert_eq!(reply.status, 401);
    let outage = api.outage_of(&reply.refusal().await);
    expect(&outage, Layer::Auth, "does not know us");
    assert!(
        outage
            .hint
            .unwrap()
            .starts_with("renew the token or password of user `u`")
    );
    assert_eq!(server.requests().len(), 1, "there is no other token to try");
}

/// A plugin that counts how often it ran and gives a token with that number.
fn counting(dir: &tempfile::TempDir, until: &str) -> PathBuf {
    let path = dir.path().join("plugin");
    let script = format!(
        "#!/bin/sh\nd=$(dirname \"$0\"); echo x >> \"$d/runs\"; n=$(wc -l < \"$d/runs\")\n\
         echo '{{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\
         \"status\":{{\"token\":\"hunter2-'$n'\"{until}}}}}'\n"
    );
    // Through another process, so that no fork of this one keeps it open for writing.
    let mut child = std::process::Command::new("/bin/sh")
        .args(["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh"])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    path
}

fn runs(dir: &tempfile::TempDir) -> usize {
    let text = std::fs::read_to_string(dir.path().join("runs")).unwrap_or_default();
    text.lines().count()
}

fn with_plugin(server: &Spoken, dir: &tempfile::TempDir, until: &str) -> Api {
    let plugin = counting(dir, until);
    let plugin = plugin.to_str().unwrap();
    let cluster = format!(
        "{{server: \"https://{}\", certificate-authority: {}}}",
        server.address,
        server.ca.display()
    );
    let user =
        format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {plugin}}}}}");
    api(dir, &cluster, &user, &[plugin.to_owned()])
}

#[tokio::test]
async fn a_plugin_runs_once_for_all_and_again_when_its_token_is_refused() {
    let server = Spoken::start(Protocol::Http2, |request| {
        let good = request.headers()["authorization"] == "Bearer hunter2-2";
        page(if good { 200 } else { 401 }, "{}")
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let api = with_plugin(&server, &dir, "");
    let asked = (0..5).map(|_| {
        let api = api.clone();
        tokio::spawn(async move { api.get("/a", JSON).await.unwrap().status })
    });
    for task in asked.collect::<Vec<_>>() {
        assert_eq!(task.await.unwrap(), 200);
    }
    assert_eq!(runs(&dir), 2);
}

#[tokio::test]
async fn a_plugin_whose_tokens_are_all_refused_does_not_run_in_a_loop() {
    let server = Spoken::start(Protocol::Http2, |_| page(401, "{}")).await;
    let dir = tempfile::tempdir().unwrap();
    let api = with_plugin(&server, &dir, "");
    for _ in 0..5 {
        assert_eq!(api.get("/a", JSON).await.unwrap().status, 401);
    }
    assert_eq!(runs(&dir), 2);
}

#[tokio::test]
async fn a_token_that_is_over_when_it_comes_does_not_run_the_plugin_each_time() {
    let server = Spoken::start(Protocol::Http2, |_| page(200, "{}")).await;
    let dir = tempfile::tempdir().unwrap();
    let api = with_plugin(
        &server,
        &dir,
        ",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"",
    );
    for _ in 0..5 {
        assert_eq!(api.get("/a", JSON).await.unwrap().status, 200);
    }
    assert_eq!(runs(&dir), 1);
}

#[tokio::test]
async fn a_plugin_that_is_not_allowed_is_an_outage_with_the_setting_to_add() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = counting(&dir, "");
    let user = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}}}}}",
        plugin.display()
    );
    let api = api(&dir, "{server: \"https://127.0.0.1:1\"}", &user, &[]);
    let outage = api.get("/a", JSON).await.unwrap_err();
    expect(&outage, Layer::Auth, plugin.to_str().unwrap());
    assert!(outage.hint.unwrap().contains("exec_allowed = ["));
    assert_eq!(runs(&dir), 0);
}

#[tokio::test]
async fn a_kubeconfig_that_was_replaced_is_used_from_the_next_request_on() {
    let server = Spoken::start(Protocol::Http2, |request| {
        let token = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        page(if token.ends_with("new") { 200 } else { 401 }, "{}")
    })
    .await;
    let api = server.api("{token: hunter2-old}");
    assert_eq!(api.get("/a", JSON).await.unwrap().status, 401);
    let cluster = format!(
        "{{server: \"https://{}\", certificate-authority: {}}}",
        server.address,
        server.ca.display()
    );
    kubeconfig(&server.dir, &cluster, "{token: hunter2-new}");
    assert_eq!(api.get("/a", JSON).await.unwrap().status, 200);
    // A broken one leaves what was known.
    put(server.dir.path(), "kubeconfig", "users: [");
    assert_eq!(api.get("/a", JSON).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_pause_that_the_server_asks_for_holds_the_background_and_not_a_person() {
    let server = Spoken::start(Protocol::Http2, |request| {
        if request.uri().path() == "/busy" {
            return with(page(429, "too many"), "retry-after", "600");
        }
        page(200, "ok")
    })
    .await;
    let api = server.api("{}");
    let reply = api.get("/busy", JSON).await.unwrap();
    assert_eq!(
        (reply.status, reply.retry_after),
        (429, Some(Duration::from_secs(600)))
    );
    let outage = api.outage_of(&reply.refusal().await);
    expect(&outage, Layer::Protocol, "asks for a pause of 10m");
    let held = api.get("/a", JSON).await.unwrap_err();
    expect(&held, Layer::Protocol, "asked for a pause");
    assert_eq!(got(&api.urgent(), "/a").await, "ok");
    assert_eq!(server.requests().len(), 2);
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_watch_is_told_event_by_event() {
    let (to, from) = mpsc::unbounded_channel::<Bytes>();
    let from = Arc::new(Mutex::new(Some(from)));
    let server = Spoken::start(Protocol::Http2, move |_| {
        let mut from = from.lock().unwrap().take().unwrap();
        let frames = futures::stream::poll_fn(move |cx| {
            from.poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        });
        let mut watch = Response::new(StreamBody::new(frames).boxed());
        watch
            .headers_mut()
            .insert("content-encoding", "gzip".parse().unwrap());
        watch
    })
    .await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let mut event = |text: &str| {
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.flush().unwrap();
        to.send(std::mem::take(encoder.get_mut()).into()).unwrap();
    };
    let api = server.api("{}");
    event("first");
    let mut reply = api.get("/watch", JSON).await.unwrap();
    assert_eq!(reply.chunk().await.unwrap().unwrap(), "first");
    event("second");
    assert_eq!(reply.chunk().await.unwrap().unwrap(), "second");
    assert!(reply.wire_bytes() > 10);
}

#[tokio::test]
async fn a_compressed_list_is_inflated_in_pieces_and_capped() {
    let plain = vec![b'x'; 5 << 20];
    let body = gzip(&plain);
    let server = Spoken::start(Protocol::Http2, move |_| {
        with(page(200, body.clone()), "content-encoding", "gzip")
    })
    .await;
    let api = server.api("{}");
    let whole = api
        .get("/list", JSON)
        .await
        .unwrap()
        .body(6 << 20)
        .await
        .unwrap();
    assert_eq!(whole.len(), plain.len());
    let outage = api
        .get("/list", JSON)
        .await
        .unwrap()
        .body(1 << 20)
        .await
        .unwrap_err();
    expect(
        &outage,
        Layer::TooLarge,
        "the body of /list is larger than the limit of 1.00 MiB",
    );
}

#[tokio::test]
async fn a_redirect_is_told_without_its_query_and_not_followed() {
    let server = Spoken::start(Protocol::Http2, |_| {
        with(
            page(302, ""),
            "location",
            "https://ann:hunter2@sso.example/login?token=hunter2",
        )
    })
    .await;
    let api = server.api("{token: hunter2-token}");
    let reply = api.get("/api/v1/pods", JSON).await.unwrap();
    let outage = api.outage_of(&reply.refusal().await);
    expect(
        &outage,
        Layer::Protocol,
        "redirected to https://sso.example/login, which is not followed",
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_review_is_posted_and_nothing_else_is() {
    let server = Spoken::start(Protocol::Http2, |request| {
        page(201, format!("{:?}", request.headers()["content-type"]))
    })
    .await;
    let api = server.api("{}");
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let reply = api.review(path, b"{}".to_vec()).await.unwrap();
    assert_eq!(text(reply).await, "\"application/json\"");
    for path in [
        "/api/v1/namespaces/shop/pods/web/eviction",
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews/../x",
    ] {
        let outage = api.review(path, b"{}".to_vec()).await.unwrap_err();
        expect(&outage, Layer::Local, "is no review");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_without_a_word() {
    let whole = answer("200 OK", "", "ok");
    let scripts = vec![vec![crate::loopback::Step::Read, whole]];
    let server = Server::start(scripts).await;
    let dir = tempfile::tempdir().unwrap();
    let api = api(
        &dir,
        &format!("{{server: \"{}\"}}", server.url("http")),
        "{}",
        &[],
    );
    for _ in 0..3 {
        assert_eq!(got(&api, "/a").await, "ok");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn each_failing_layer_has_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let port = closed_port().await;
    let refused = api(
        &dir,
        &format!("{{server: \"https://127.0.0.1:{port}\"}}"),
        "{}",
        &[],
    );
    let outage = refused.get("/a", JSON).await.unwrap_err();
    expect(&outage, Layer::Tcp, "refused the connection");
    let again = refused.get("/a", JSON).await.unwrap_err();
    assert_eq!(again, outage);

    let nowhere = api(
        &dir,
        "{server: \"https://no-such-host.invalid\"}",
        "{}",
        &[],
    );
    expect(
        &nowhere.get("/a", JSON).await.unwrap_err(),
        Layer::Dns,
        "no-such-host.invalid",
    );

    let server = Spoken::start(Protocol::Http2, |_| page(200, "ok")).await;
    let stranger = Authority::new("another");
    put(server.dir.path(), "ca.pem", &stranger.certificate.pem());
    let outage = server.api("{}").get("/a", JSON).await.unwrap_err();
    expect(&outage, Layer::Tls, "was not signed by an authority in");
    assert!(
        outage
            .hint
            .unwrap()
            .starts_with("set certificate-authority in the kubeconfig")
    );

    let ssh = Server::start(vec![vec![say("SSH-2.0-OpenSSH_9.6\r\n")]]).await;
    let api = api(
        &dir,
        &format!("{{server: \"{}\"}}", ssh.url("http")),
        "{}",
        &[],
    );
    expect(
        &api.get("/a", JSON).await.unwrap_err(),
        Layer::Protocol,
        "does not speak HTTP",
    );
}

#[tokio::test]
async fn after_a_disconnect_there_is_a_new_connection_and_feeds_that_come_late_keep_it() {
    let server = Spoken::start(Protocol::Http2, |_| page(200, "ok")).await;
    let api = server.api("{}");
    assert_eq!(got(&api, "/a").await, "ok");
    api.disconnect();
    assert_eq!(got(&api, "/a").await, "ok");
    assert_eq!(server.connections(), 2);
    api.clone().disconnect();
    assert_eq!(got(&api, "/a").await, "ok");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_watch_under_way_ends_with_its_connection() {
    let (to, from) = mpsc::unbounded_channel::<Bytes>();
    let from = Arc::new(Mutex::new(Some(from)));
    let server = Spoken::start(Protocol::Http2, move |_| {
        let mut from = from.lock().unwrap().take().unwrap();
        let frames = futures::stream::poll_fn(move |cx| {
            from.poll_recv(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
        });
        Response::new(StreamBody::new(frames).boxed())
    })
    .await;
    to.send("event".into()).unwrap();
    let api = server.api("{}");
    let mut reply = api.get("/api/v1/pods?watch=1", JSON).await.unwrap();
    assert_eq!(reply.chunk().await.unwrap().unwrap(), "event");
    api.disconnect();
    let outage = reply.chunk().await.unwrap_err();
    expect(&outage, Layer::Protocol, "/api/v1/pods cut off after 5 B");
}

#[tokio::test]
async fn through_a_proxy_the_name_of_the_server_is_told_to_it() {
    let server = Spoken::start(Protocol::Http2, |_| page(200, "ok")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let to = server.address;
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = heads.clone();
    let proxy = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(from.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let known = head.contains("Proxy-Authorization: Basic YW5uOnB3\r\n");
            log.lock().unwrap().push(head);
            if !known {
                from.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                    .await
                    .unwrap();
                continue;
            }
            from.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await
                .unwrap();
            let mut there = tokio::net::TcpStream::connect(to).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut from, &mut there).await;
            });
        }
    });
    let ca = server.ca.display();
    let cluster = |user: &str| {
        format!(
            "{{server: \"https://kubernetes.invalid\", tls-server-name: 127.0.0.1, certificate-authority: {ca}, proxy-url: \"http://{user}{place}\"}}"
        )
    };
    let known = api(&server.dir, &cluster("ann:pw@"), "{}", &[]);
    assert_eq!(got(&known, "/a").await, "ok");
    let head = heads.lock().unwrap()[0].clone();
    assert!(
        head.starts_with("CONNECT kubernetes.invalid:443 HTTP/1.1\r\n"),
        "{head}"
    );
    let unknown = api(&server.dir, &cluster(""), "{}", &[]);
    let outage = unknown.get("/a", JSON).await.unwrap_err();
    expect(
        &outage,
        Layer::Auth,
        "refused kubernetes.invalid:443: HTTP/1.1 407",
    );
    proxy.abort();
}
