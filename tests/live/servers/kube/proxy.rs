//! Between the program and the API server: writes down every request, and can hold back, cut or
//! refuse. It ends TLS with the plane's own certificate, so that nobody notices.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http1 as client;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use midwatch::clock::{self, Stamp};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Plane;
use super::raw::connector;

/// As much of an answer as is kept.
const KEPT: usize = 64 << 10;

/// What it does with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Through,
    /// Connections stay, and nothing passes: a network that forgot them.
    Silent,
    /// Every connection is cut, new ones too.
    Cut,
    /// Answers 429 by itself, with this as `Retry-After`; streams go on.
    TooMany(Duration),
}

/// What it does with requests that would change something, dry runs not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// They wait, also after whoever sent them is gone.
    Held,
    /// They are never sent on, those that waited neither.
    Shut,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Stamp,
    pub method: String,
    /// With the query.
    pub path: String,
    /// `None` while nothing is answered.
    pub status: Option<u16>,
    /// Whether the proxy answered it, and not the API server.
    pub refused: bool,
    /// The beginning of the answer.
    pub said: Vec<u8>,
}

type Log = Arc<Mutex<Vec<Seen>>>;
type Answer = Response<BoxBody<Bytes, hyper::Error>>;

pub struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
    gate: watch::Sender<Gate>,
    log: Log,
    // Ends every task with it.
    runtime: Option<Runtime>,
}

impl Proxy {
    /// Before this plane's API server, on a port of its own.
    pub fn start(plane: &Plane) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let port = listener.local_addr()?.port();
        let (mode, heard) = watch::channel(Mode::Through);
        let (gate, passage) = watch::channel(Gate::Open);
        let log = Log::default();
        let link = Link {
            upstream: (Ipv4Addr::LOCALHOST, plane.api_port()).into(),
            tls: connector(plane.pki())?,
            mode: heard,
            gate: passage,
            log: log.clone(),
        };
        let acceptor = acceptor(plane)?;
        runtime.spawn(accept(listener, acceptor, link));
        Ok(Self {
            port,
            mode,
            gate,
            log,
            runtime: Some(runtime),
        })
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    pub fn set_gate(&self, gate: Gate) {
        self.gate.send_replace(gate);
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.log).clone()
    }

    /// Requests that could change something: all but reads and questions about one's own rights.
    pub fn mutating(&self) -> Vec<Seen> {
        let mut seen = self.seen();
        seen.retain(Seen::could_change);
        seen
    }

    /// Those of them that are no dry runs.
    pub fn changing(&self) -> Vec<Seen> {
        let mut seen = self.mutating();
        seen.retain(|seen| !seen.is_dry());
        seen
    }
}

impl Seen {
    fn could_change(&self) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        let asks = path.starts_with("/apis/authorization.k8s.io/v1/selfsubject")
            || path.starts_with("/apis/authentication.k8s.io/v1/selfsubject");
        match &*self.method {
            "GET" | "HEAD" => false,
            "POST" => !asks,
            _ => true,
        }
    }

    fn is_dry(&self) -> bool {
        self.path.contains("dryRun=All")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

#[derive(Clone)]
struct Link {
    upstream: SocketAddr,
    tls: TlsConnector,
    mode: watch::Receiver<Mode>,
    gate: watch::Receiver<Gate>,
    log: Log,
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, link: Link) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, link) = (acceptor.clone(), link.clone());
        tokio::spawn(async move {
            let mut mode = link.mode.clone();
            tokio::select! {
                () = serve(stream, acceptor, link) => {}
                _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
            }
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, link: Link) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = service_fn(move |request| answer(link.clone(), request));
    // Both sides may end it whenever they like.
    let _ = server::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An error ends the connection without an answer, as the API server's own end would.
async fn answer(mut link: Link, request: Request<Incoming>) -> io::Result<Answer> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let number = link.note(&parts);
    let mode = *link.open().await?;
    if let Mode::TooMany(pause) = mode {
        lock(&link.log)[number].refused = true;
        link.tell(number, 429);
        return too_many(pause.as_secs());
    }
    // Goes on when nobody waits for it any more: what is held may be let through after the death
    // of whoever sent it.
    let sent = tokio::spawn(
        link.clone()
            .send(number, Request::from_parts(parts, Full::new(body))),
    );
    let response = sent.await.map_err(io::Error::other)??;
    link.open().await?;
    link.tell(number, response.status().as_u16());
    Ok(response.map(|body| link.relay(number, body)))
}

impl Link {
    fn note(&self, parts: &hyper::http::request::Parts) -> usize {
        let seen = Seen {
            at: clock::stamp(),
            method: parts.method.to_string(),
            path: parts.uri.to_string(),
            status: None,
            refused: false,
            said: Vec::new(),
        };
        let mut log = lock(&self.log);
        log.push(seen);
        log.len() - 1
    }

    fn tell(&self, number: usize, status: u16) {
        lock(&self.log)[number].status = Some(status);
    }

    async fn send(
        mut self,
        number: usize,
        request: Request<Full<Bytes>>,
    ) -> io::Result<Response<Incoming>> {
        let held = {
            let seen = &lock(&self.log)[number];
            seen.could_change() && !seen.is_dry()
        };
        if held {
            let passed = self.gate.wait_for(|gate| *gate != Gate::Held).await;
            if *passed.map_err(io::Error::other)? == Gate::Shut {
                return Err(io::Error::other("never sent on"));
            }
        }
        let stream = TcpStream::connect(self.upstream).await?;
        let name = ServerName::IpAddress(self.upstream.ip().into());
        let stream = self.tls.connect(name, stream).await?;
        let (mut sender, connection) = client::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(io::Error::other)
    }

    /// Waits while nothing may pass.
    async fn open(&mut self) -> io::Result<watch::Ref<'_, Mode>> {
        let passes = self.mode.wait_for(|mode| *mode != Mode::Silent).await;
        passes.map_err(io::Error::other)
    }

    /// The answer's body, piece by piece as it comes.
    fn relay(self, number: usize, body: Incoming) -> BoxBody<Bytes, hyper::Error> {
        let pieces = stream::unfold((self, body), move |(mut link, mut body)| async move {
            link.open().await.ok()?;
            let piece = body.frame().await?;
            link.open().await.ok()?;
            if let Ok(Some(bytes)) = piece.as_ref().map(Frame::data_ref) {
                let mut log = lock(&link.log);
                let said = &mut log[number].said;
                let room = KEPT.saturating_sub(said.len()).min(bytes.len());
                said.extend_from_slice(&bytes[..room]);
            }
            Some((piece, (link, body)))
        });
        StreamBody::new(pieces).boxed()
    }
}

/// As an API server says it that has too much to do.
fn too_many(seconds: u64) -> io::Result<Answer> {
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"Too many requests, please try again later.","reason":"TooManyRequests","details":{{"retryAfterSeconds":{seconds}}},"code":429}}"#
    );
    let never = |never: Infallible| match never {};
    Response::builder()
        .status(StatusCode::TOO_MANY_REQUESTS)
        .header("Retry-After", seconds)
        .header("Content-Type", "application/json")
        .body(Full::new(Bytes::from(body)).map_err(never).boxed())
        .map_err(io::Error::other)
}

fn acceptor(plane: &Plane) -> Result<TlsAcceptor, Failed> {
    let own = &plane.pki().server;
    let certificate = CertificateDer::from_pem_file(&own.cert)?;
    let key = PrivateKeyDer::from_pem_file(&own.key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A task that failed leaves a whole log.
fn lock(log: &Mutex<Vec<Seen>>) -> std::sync::MutexGuard<'_, Vec<Seen>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}
