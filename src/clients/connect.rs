//! From an endpoint to a byte stream: resolve, connect, shake hands; each step named while it lasts.
//!
//! Knows no protocol above TLS and sets no overall deadline: the caller drops the future.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use super::phase::Phase;
use super::tls::{self, Loaded};
use super::wire::{Duplex, Heard, Shared, Wire, look};
use super::{certificate, tls_error};
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// Idle time before the kernel probes a silent peer (safety promise G3).
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How long sent bytes may stay unacknowledged, in milliseconds (safety promise G3: 15 s).
#[cfg(target_os = "linux")]
const USER_TIMEOUT_MS: u32 = 15_000;

/// Patience with one address while another is left to try, so that a dead IPv6 route does not eat
/// the whole deadline. Own choice.
const PER_ADDRESS: Duration = Duration::from_secs(2);

/// Patience with the resolver. The C library's own is 5 s for each server that it asks, twice over.
const RESOLVE: Duration = Duration::from_secs(5);

/// What the two ends speak above TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    Http1,
    Http2,
    /// HTTP/2 where TLS and the peer offer it, else HTTP/1.1.
    Either,
}

impl Speech {
    fn alpn(self) -> &'static [&'static [u8]] {
        match self {
            Self::Http1 => &[b"http/1.1"],
            Self::Http2 => &[b"h2"],
            Self::Either => &[b"h2", b"http/1.1"],
        }
    }
}

/// Connects to one endpoint, any number of times. Clones share what was seen.
#[derive(Clone)]
pub struct Connector {
    endpoint: Arc<Endpoint>,
    speech: Speech,
    phase: Arc<Phase>,
    heard: Heard,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tls: Option<Arc<Loaded>>,
    certificate: Option<Certificate>,
    outage: Option<Outage>,
    /// What passed over the last connection.
    traffic: Option<Shared>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("endpoint", &self.endpoint.name)
            .field("phase", &self.phase.describe())
            .finish_non_exhaustive()
    }
}

/// A fresh connection and the leaf certificate that came with it.
pub struct Connected {
    pub wire: Wire,
    pub certificate: Option<Certificate>,
    /// What the two ends agreed on; never [`Speech::Either`].
    pub speech: Speech,
}

impl Connector {
    #[must_use]
    pub fn new(endpoint: Arc<Endpoint>, speech: Speech) -> Self {
        Self {
            endpoint,
            speech,
            phase: Arc::default(),
            heard: Heard::default(),
            state: Arc::default(),
        }
    }

    /// The same, telling its phases through `phase`.
    #[must_use]
    pub fn telling(mut self, phase: Arc<Phase>) -> Self {
        self.phase = phase;
        self
    }

    /// The same, noting through `heard` when a byte came.
    #[must_use]
    pub fn hearing(mut self, heard: Heard) -> Self {
        self.heard = heard;
        self
    }

    /// What is being waited for, also after the future was dropped.
    #[must_use]
    pub fn phase(&self) -> Arc<Phase> {
        self.phase.clone()
    }

    /// The leaf certificate that the peer presented last, also when it was refused.
    #[must_use]
    pub fn last_certificate(&self) -> Option<Certificate> {
        self.state().certificate.clone()
    }

    /// How the last connection failed; `None` once one was made again.
    #[must_use]
    pub fn last_outage(&self) -> Option<Outage> {
        let known = self.state().outage.clone();
        let another = match self.speech {
            Speech::Http1 | Speech::Either => None,
            // What answers something else often closes at once; the reset is not the news then.
            Speech::Http2 => self
                .first_bytes()
                .and_then(|head| super::grpc::not_spoken(&self.endpoint.authority(), &head)),
        };
        another.or(known)
    }

    /// The first bytes that the peer sent over the last connection; `None` before there was one.
    fn first_bytes(&self) -> Option<Vec<u8>> {
        let traffic = self.state().traffic.clone()?;
        let head = look(&traffic).head.clone();
        Some(head)
    }

    /// Connects.
    ///
    /// # Errors
    /// `DNS`, `TCP`, `TLS`, or `local` for a bad certificate or key file.
    pub async fn connect(&self) -> Result<Connected, Outage> {
        let result = self.steps().await;
        {
            let mut state = self.state();
            state.outage = result.as_ref().err().cloned();
            state.traffic = result.as_ref().ok().map(|made| made.wire.traffic());
        }
        result
    }

    /// Connects, or fails as a timeout that names the phase.
    ///
    /// # Errors
    /// As [`Connector::connect`], and `timeout`.
    pub async fn connect_within(&self, limit: Duration) -> Result<Connected, Outage> {
        if let Ok(result) = tokio::time::timeout(limit, self.connect()).await {
            return result;
        }
        let waited = crate::units::span(limit);
        let text = format!("waited {waited} for {}", self.phase.describe());
        let outage = Outage::new(Layer::Timeout, text);
        self.state().outage = Some(outage.clone());
        Err(outage)
    }

    /// Are `ca`, `cert` and `key` the files that the last connection was made with? A kept
    /// connection over older ones is to be given up.
    pub(super) async fn is_current(&self) -> bool {
        let Some(loaded) = self.state().tls.clone() else {
            return true;
        };
        if loaded.versions.is_empty() {
            return true;
        }
        let endpoint = self.endpoint.clone();
        let present = blocking(move || tls::versions(&endpoint)).await;
        present.is_ok_and(|present| present == loaded.versions)
    }

    async fn steps(&self) -> Result<Connected, Outage> {
        // Before the network: a wrong file is told even when the host is down as well.
        let tls = if self.endpoint.secure {
            Some(self.tls().await?)
        } else {
            None
        };
        let stream: Box<dyn Duplex> = match &self.endpoint.proxy {
            None => Box::new(self.tcp().await?),
            Some(proxy) => Box::new(proxy.open(&self.endpoint, &self.phase).await?),
        };
        let name_error = {
            let endpoint = self.endpoint.clone();
            let state = self.state.clone();
            let asked = tls.as_ref().map(|loaded| loaded.asked.clone());
            move |error: &io::Error, read: u64| {
                let asked = asked.as_ref().is_some_and(|asked| asked.load(Relaxed));
                let outage = if read == 0 && asked {
                    tls_error::of_silent_peer(&endpoint, error)
                } else {
                    tls_error::of_stream(&endpoint, error)
                };
                let mut state = lock(&state);
                // The alert that says why outranks the reset that comes with it, in either order.
                let told = |known: &Outage| known.layer == Layer::Tls;
                if !state.outage.as_ref().is_some_and(told) {
                    state.outage = Some(outage.clone());
                }
                outage
            }
        };
        let Some(loaded) = tls else {
            return Ok(Connected {
                wire: Wire::new(stream, Box::new(name_error), self.heard.clone()),
                certificate: None,
                speech: match self.speech {
                    // Without TLS there is nothing to agree by.
                    Speech::Either => Speech::Http1,
                    speech => speech,
                },
            });
        };
        let name = self.server_name()?;
        self.phase.enter(format!(
            "the TLS handshake with {}",
            self.endpoint.authority()
        ));
        let shaken = TlsConnector::from(loaded.config.clone())
            .connect(name, stream)
            .await;
        let der = lock(&loaded.seen).clone();
        let seen = der.and_then(|der| certificate::from_der(&self.endpoint.name, &der).ok());
        if seen.is_some() {
            self.state().certificate.clone_from(&seen);
        }
        let stream =
            shaken.map_err(|e| tls_error::of_handshake(&self.endpoint, &e, seen.as_ref()))?;
        let speech = match (self.speech, stream.get_ref().1.alpn_protocol()) {
            (Speech::Either, Some(b"h2")) => Speech::Http2,
            (Speech::Either, _) => Speech::Http1,
            (speech, _) => speech,
        };
        Ok(Connected {
            wire: Wire::new(Box::new(stream), Box::new(name_error), self.heard.clone()),
            certificate: seen,
            speech,
        })
    }

    /// The TLS configuration, made anew when a file changed.
    async fn tls(&self) -> Result<Arc<Loaded>, Outage> {
        self.phase.enter("reading certificate files");
        let known = self.state().tls.clone();
        if let Some(loaded) = known
            && self.is_current().await
        {
            return Ok(loaded);
        }
        let (endpoint, alpn) = (self.endpoint.clone(), self.speech.alpn());
        let loaded = Arc::new(blocking(move || tls::load(&endpoint, alpn)).await?);
        self.state().tls = Some(loaded.clone());
        Ok(loaded)
    }

    fn server_name(&self) -> Result<ServerName<'static>, Outage> {
        let name = self.endpoint.server_name.as_ref();
        let name = name.unwrap_or(&self.endpoint.host);
        // An address may carry a zone (`fe80::1%eth0`), a certificate never does.
        let bare = name.split_once('%').map_or(name.as_str(), |(bare, _)| bare);
        ServerName::try_from(bare.to_owned()).map_err(|_| {
            Outage::new(
                Layer::Local,
                format!("`{bare}` can be no name in a certificate"),
            )
            .hint(format!(
                "set {} to the name in the server's certificate",
                self.endpoint.terms.server_name()
            ))
        })
    }

    async fn tcp(&self) -> Result<TcpStream, Outage> {
        let addresses = self.resolve().await?;
        let mut failed: Option<Outage> = None;
        for (at, address) in addresses.iter().enumerate() {
            self.phase.enter(format!("connecting to {address}"));
            let attempt = TcpStream::connect(address);
            let result = if at + 1 < addresses.len() {
                match tokio::time::timeout(PER_ADDRESS, attempt).await {
                    Ok(result) => result,
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                }
            } else {
                attempt.await
            };
            match result {
                Ok(stream) => {
                    tune(&stream);
                    return Ok(stream);
                }
                // The first failure is told: it is the address that the name prefers.
                Err(error) => {
                    failed.get_or_insert(tls_error::of_socket(&self.peer(*address), &error));
                }
            }
        }
        Err(failed.unwrap_or_else(|| self.unresolved("the name has no address")))
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, Outage> {
        let (host, port) = (self.endpoint.host.as_str(), self.endpoint.port);
        self.phase.enter(format!("resolving {host}"));
        let asked = tokio::time::timeout(RESOLVE, tokio::net::lookup_host((host, port))).await;
        let found = asked.map_err(|_| {
            let limit = crate::units::span(RESOLVE);
            self.unresolved(&format!("no answer of the resolver in {limit}"))
        })?;
        let mut addresses = Vec::new();
        for address in found.map_err(|e| self.unresolved(&resolver_words(&e)))? {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn unresolved(&self, why: &str) -> Outage {
        Outage::new(
            Layer::Dns,
            format!("cannot resolve {}: {why}", self.endpoint.host),
        )
        .hint("check the spelling of the host and the resolver of this machine")
    }

    /// `cp-1:2379`, with the address tried where the name is not one.
    fn peer(&self, address: SocketAddr) -> String {
        let authority = self.endpoint.authority();
        if authority == address.to_string() {
            authority
        } else {
            format!("{authority} ({})", address.ip())
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Options that make a dead peer noticed. A kernel without one of them is no reason to fail.
fn tune(stream: &TcpStream) {
    use rustix::net::sockopt;
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    #[cfg(not(target_os = "openbsd"))]
    {
        let _ = sockopt::set_tcp_keepidle(stream, KEEPALIVE);
        let _ = sockopt::set_tcp_keepintvl(stream, KEEPALIVE);
    }
    #[cfg(target_os = "linux")]
    let _ = sockopt::set_tcp_user_timeout(stream, USER_TIMEOUT_MS);
}

/// The resolver's own words without the prefix that std puts before them.
fn resolver_words(error: &io::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("failed to lookup address information: ")
        .map_or(text.clone(), str::to_owned)
}

/// File work away from the threads that serve the network: a file may be on a dead NFS mount.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Outage> + Send + 'static,
) -> Result<T, Outage> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Outage::new(
            Layer::Local,
            format!("reading a file failed: {error}"),
        )),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
