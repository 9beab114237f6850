//! Servers on loopback that misbehave on purpose, and certificates for them.
//!
//! A server is a list of scripts: the first connection runs the first, the last one is repeated for
//! all further connections. Nothing here sleeps; a script that hangs says so ([`Server::hung`]), so
//! that a test waits for the state and not for a time.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// One thing that a server does on a connection. After the last step it closes.
#[derive(Clone, Debug)]
pub enum Step {
    /// Reads one request head and keeps it.
    Read,
    Write(Vec<u8>),
    /// Writes this again and again until the peer is gone.
    Endless(Vec<u8>),
    /// Says that it hangs, and does nothing more; the connection stays open.
    Hang,
}

pub fn say(text: impl AsRef<[u8]>) -> Step {
    Step::Write(text.as_ref().to_vec())
}

/// A whole response with a length.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Step {
    let body = body.as_ref();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    Step::Write(bytes)
}

/// Request, then a whole response, then close.
pub fn once(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<Step> {
    vec![Step::Read, answer(status, headers, body)]
}

/// What passed, for asserts.
#[derive(Debug, Default)]
pub struct Log {
    pub connections: usize,
    pub requests: Vec<String>,
}

pub struct Server {
    pub address: SocketAddr,
    log: Arc<Mutex<Log>>,
    hung: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Plain TCP.
    pub async fn start(scripts: Vec<Vec<Step>>) -> Self {
        Self::run(scripts, None).await
    }

    /// TLS first, then the script; a failed handshake ends the connection.
    pub async fn start_tls(scripts: Vec<Vec<Step>>, config: ServerConfig) -> Self {
        Self::run(scripts, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn run(scripts: Vec<Vec<Step>>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Log::default()));
        let hung = Arc::new(Notify::new());
        let (log_in, hung_in) = (log.clone(), hung.clone());
        let task = tokio::spawn(async move {
            let mut at = 0;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                log_in.lock().unwrap().connections += 1;
                let script = scripts[at.min(scripts.len() - 1)].clone();
                at += 1;
                let (log, hung, tls) = (log_in.clone(), hung_in.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => play(stream, script, &log, &hung).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                play(stream, script, &log, &hung).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            log,
            hung,
            task,
        }
    }

    /// Waits until a script has reached its [`Step::Hang`].
    pub async fn hung(&self) {
        self.hung.notified().await;
    }

    pub fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    pub fn requests(&self) -> Vec<String> {
        self.log.lock().unwrap().requests.clone()
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }
}

async fn play(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: Vec<Step>,
    log: &Mutex<Log>,
    hung: &Notify,
) {
    for step in script {
        let done = match step {
            Step::Read => read_head(&mut stream, log).await,
            Step::Write(bytes) => stream.write_all(&bytes).await.is_ok(),
            Step::Endless(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {}
                false
            }
            Step::Hang => {
                hung.notify_one();
                std::future::pending().await
            }
        };
        if !done {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin), log: &Mutex<Log>) -> bool {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return false,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    log.lock().unwrap().requests.push(text);
    true
}

/// A gRPC server over TLS that knows no service: it answers each call with `Unimplemented`.
pub async fn start_grpc_tls(config: ServerConfig) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let incoming = futures::stream::unfold((listener, tls), |(listener, tls)| async move {
        let (stream, _) = listener.accept().await.unwrap();
        let shaken = tls.accept(stream).await.map(Shaken);
        Some((shaken, (listener, tls)))
    });
    let task = tokio::spawn(async move {
        let routes = tonic::service::Routes::default();
        let server = tonic::transport::Server::builder().add_routes(routes);
        server.serve_with_incoming(incoming).await.unwrap();
    });
    (address, task)
}

/// A TLS stream as tonic's server takes it.
struct Shaken(TlsStream<TcpStream>);

impl Connected for Shaken {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Shaken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Shaken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A port on which nothing listens.
pub async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A certificate authority that lives as long as its test.
pub struct Authority {
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub struct Identity {
    pub cert_pem: String,
    pub key_pem: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for these names, valid from the start of one year to that of another.
    pub fn issue(&self, common: &str, names: &[&str], years: (i32, i32)) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common);
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        Identity {
            cert_pem: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

/// What `openssl req -x509` makes: signed by itself, an authority, and shown by a server.
pub fn self_signed(common: &str, names: &[&str], years: (i32, i32)) -> Identity {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    let key = KeyPair::generate().unwrap();
    Identity {
        cert_pem: params.self_signed(&key).unwrap().pem(),
        key_pem: key.serialize_pem(),
    }
}

impl Identity {
    /// A server that shows this certificate and, with `clients`, wants one signed by them.
    pub fn server(&self, clients: Option<&Authority>) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(authority.certificate.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .unwrap();
                builder.with_client_cert_verifier(verifier)
            }
        };
        let chain = vec![CertificateDer::from_pem_slice(self.cert_pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

/// Puts a file into place by a rename, as tools that rotate certificates do.
pub fn put(dir: &Path, name: &str, text: &str) -> PathBuf {
    let (path, next) = (dir.join(name), dir.join(format!("{name}.next")));
    std::fs::write(&next, text).unwrap();
    std::fs::rename(&next, &path).unwrap();
    path
}
