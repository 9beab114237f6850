//! The connection to one API server, shared by everything that talks to it: one over HTTP/2, a few
//! over HTTP/1.1. Knows no credentials and retries nothing but a kept connection that turned out
//! dead, and that only for requests which change nothing.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared as SharedFuture};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::AbortHandle;

use super::super::answer::not_http;
use super::super::connect::{Connected, Connector, Speech};
use super::super::endpoint::Endpoint;
use super::super::tls_error;
use super::super::wire::{Shared as Traffic, look};
use crate::clock::{self, Now, Stamp, now};
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// How a half-open HTTP/2 connection is found.
#[derive(Clone, Copy, Debug)]
pub struct Pings {
    /// A ping goes out after this much silence, idle or not.
    pub every: Duration,
    /// A ping unanswered for so long ends the connection.
    pub patience: Duration,
}

/// A ping's answer counts as a sign of life: with these a half-open connection is known within 15 s
/// (safety promise G3). Who hears nothing for 10 s takes the server for gone: that leaves a slow
/// line half of it for the answer.
pub const PINGS: Pings = Pings {
    every: Duration::from_secs(5),
    patience: Duration::from_secs(5),
};
/// A connection attempt goes on without its caller, so it needs a limit of its own.
const CONNECT: Duration = Duration::from_secs(10);
/// After a failed attempt nobody tries again for so long: a cluster has a score of feeds.
const AGAIN: Duration = Duration::from_secs(1);
/// Bytes on their way for one stream and for all: a list of hundreds of megabytes must not wait
/// for our window at 30 ms and a gigabit (4 MB).
const STREAM_WINDOW: u32 = 4 << 20;
const WINDOW: u32 = 16 << 20;
/// Largest frame taken, in bytes.
const FRAME: u32 = 1 << 20;
/// Caps on a response's head.
const MAX_HEAD: u32 = 64 << 10;
const MAX_HEADERS: usize = 100;
/// HTTP/1.1 connections kept between requests.
const IDLE: usize = 8;

pub type Body = Full<Bytes>;

/// May a request be sent once more when a kept connection breaks before any answer?
#[derive(Clone, Copy)]
pub enum Again<'a> {
    Once,
    /// Never: whether it arrived is not known. The gate is asked on the channel that stands, directly
    /// before the first byte leaves.
    Never(&'a Gate<'a>),
}

/// The last question before a request leaves, and the memory of whether it did: while it was not
/// passed, not a byte can have left; once it was, nobody can say that nothing has.
pub struct Gate<'a> {
    may: &'a (dyn Fn() -> Result<(), String> + Send + Sync),
    passed: AtomicBool,
}

impl<'a> Gate<'a> {
    pub fn new(may: &'a (dyn Fn() -> Result<(), String> + Send + Sync)) -> Self {
        Self {
            may,
            passed: AtomicBool::new(false),
        }
    }

    /// Can anything of the request have left?
    pub fn was_passed(&self) -> bool {
        self.passed.load(Relaxed)
    }

    fn pass(&self) -> Result<(), Outage> {
        (self.may)().map_err(|why| Outage::new(Layer::Local, why))?;
        self.passed.store(true, Relaxed);
        Ok(())
    }
}

impl Again<'_> {
    fn pass(self) -> Result<(), Outage> {
        match self {
            Self::Once => Ok(()),
            Self::Never(gate) => gate.pass(),
        }
    }
}

/// How to connect to one server as one identity.
pub struct Link {
    endpoint: Arc<Endpoint>,
    connector: Connector,
    inner: Mutex<Inner>,
    tasks: Tasks,
    pings: Pings,
}

#[derive(Default)]
struct Inner {
    trunk: Option<Trunk>,
    idle: VecDeque<Branch>,
    dialing: Option<SharedFuture<BoxFuture<'static, Result<(), Outage>>>>,
    failed: Option<(Stamp, Outage)>,
}

/// An HTTP/2 connection.
#[derive(Clone)]
struct Trunk {
    send: http2::SendRequest<Body>,
    traffic: Traffic,
    used: Arc<AtomicU64>,
}

/// An HTTP/1.1 connection.
pub struct Branch {
    send: http1::SendRequest<Body>,
    traffic: Traffic,
    used: u64,
}

enum Channel {
    Trunk(Trunk),
    Branch(Branch),
}

/// A response's head with the moments around it, and what its body needs.
pub struct Head {
    pub response: Response<Incoming>,
    pub sent: Now,
    pub answered: Now,
    pub traffic: Traffic,
    /// To be given back when the body has been read to its end.
    pub branch: Option<(Weak<Link>, Branch)>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.endpoint.name)
    }
}

impl Link {
    /// `prepare` makes the connector tell and hear what it should; `tasks` gets what runs.
    pub fn new(
        endpoint: Arc<Endpoint>,
        prepare: impl FnOnce(Connector) -> Connector,
        tasks: Tasks,
        pings: Pings,
    ) -> Self {
        Self {
            connector: prepare(Connector::new(endpoint.clone(), Speech::Either)),
            endpoint,
            inner: Mutex::default(),
            tasks,
            pings,
        }
    }

    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    pub fn certificate(&self) -> Option<Certificate> {
        self.connector.last_certificate()
    }

    /// Ends every connection, whatever is under way on it.
    pub fn cut(&self) {
        {
            let mut inner = self.inner();
            inner.trunk = None;
            inner.idle.clear();
            inner.failed = None;
        }
        self.tasks.abort();
    }

    /// Sends a request and waits for the head of its response.
    pub async fn exchange(
        self: &Arc<Self>,
        request: Request<Body>,
        again: Again<'_>,
    ) -> Result<Head, Outage> {
        if !self.connector.is_current().await {
            // Certificates were renewed: what runs may end in peace, what is new is sent anew.
            let mut inner = self.inner();
            inner.trunk = None;
            inner.idle.clear();
        }
        let first = self.channel().await?;
        let kept = first.was_used();
        match self.send(first, request.clone(), again).await {
            Ok(head) => Ok(head),
            Err(_) if kept && matches!(again, Again::Once) => {
                let fresh = self.channel().await?;
                self.send(fresh, request, again).await
            }
            Err(outage) => Err(outage),
        }
    }

    /// A channel to send on: the trunk, a branch at rest, or a new connection.
    async fn channel(self: &Arc<Self>) -> Result<Channel, Outage> {
        loop {
            let dialing = {
                let mut inner = self.inner();
                if let Some(channel) = inner.ready() {
                    return Ok(channel);
                }
                if let Some((at, outage)) = &inner.failed
                    && clock::stamp().since(*at) < AGAIN
                {
                    return Err(outage.clone());
                }
                match &inner.dialing {
                    Some(dialing) => dialing.clone(),
                    None => inner.dialing.insert(self.dial()).clone(),
                }
            };
            dialing.await?;
        }
    }

    /// Connects in a task of its own: the attempt serves all who wait, and outlives any of them.
    fn dial(self: &Arc<Self>) -> SharedFuture<BoxFuture<'static, Result<(), Outage>>> {
        let link = self.clone();
        let task = tokio::spawn(async move {
            let made = link.open().await;
            let mut inner = link.inner();
            inner.dialing = None;
            match made {
                Ok(Channel::Trunk(trunk)) => inner.trunk = Some(trunk),
                Ok(Channel::Branch(branch)) => inner.idle.push_back(branch),
                Err(outage) => {
                    inner.failed = Some((clock::stamp(), outage.clone()));
                    return Err(outage);
                }
            }
            inner.failed = None;
            Ok(())
        });
        let done = async move {
            task.await.unwrap_or_else(|error| {
                Err(Outage::new(
                    Layer::Local,
                    format!("connecting was given up: {error}"),
                ))
            })
        };
        done.boxed().shared()
    }

    async fn open(&self) -> Result<Channel, Outage> {
        let Connected { wire, speech, .. } = self.connector.connect_within(CONNECT).await?;
        let traffic = wire.traffic();
        let channel = if speech == Speech::Http2 {
            let made = http2::Builder::new(self.tasks.clone())
                .timer(TokioTimer::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(WINDOW)
                .max_frame_size(FRAME)
                .max_header_list_size(MAX_HEAD)
                .keep_alive_interval(self.pings.every)
                .keep_alive_timeout(self.pings.patience)
                .keep_alive_while_idle(true)
                .handshake(TokioIo::new(wire))
                .await;
            let (send, connection) = made.map_err(|error| self.broken(&error, &traffic))?;
            self.tasks.run(async move {
                // Its errors reach whoever waits for a response.
                let _ = connection.await;
            });
            Channel::Trunk(Trunk {
                send,
                traffic,
                used: Arc::default(),
            })
        } else {
            let made = http1::Builder::new()
                .max_headers(MAX_HEADERS)
                .max_buf_size(MAX_HEAD as usize)
                .handshake(TokioIo::new(wire))
                .await;
            let (send, connection) = made.map_err(|error| self.broken(&error, &traffic))?;
            self.tasks.run(async move {
                let _ = connection.await;
            });
            Channel::Branch(Branch {
                send,
                traffic,
                used: 0,
            })
        };
        self.connector.phase().enter("an answer of the API server");
        Ok(channel)
    }

    async fn send(
        self: &Arc<Self>,
        channel: Channel,
        request: Request<Body>,
        again: Again<'_>,
    ) -> Result<Head, Outage> {
        match channel {
            Channel::Trunk(mut trunk) => {
                trunk.used.fetch_add(1, Relaxed);
                let request = self.absolute(request);
                let ready = trunk.send.ready().await;
                ready.map_err(|error| {
                    self.give_up(&trunk, &error);
                    self.broken(&error, &trunk.traffic)
                })?;
                again.pass()?;
                let sent = now();
                let response = trunk.send.send_request(request).await;
                let answered = now();
                let response = response.map_err(|error| {
                    self.give_up(&trunk, &error);
                    self.broken(&error, &trunk.traffic)
                })?;
                Ok(Head {
                    response,
                    sent,
                    answered,
                    traffic: trunk.traffic,
                    branch: None,
                })
            }
            Channel::Branch(mut branch) => {
                branch.used += 1;
                let broken = |error: hyper::Error| self.broken(&error, &branch.traffic);
                branch.send.ready().await.map_err(broken)?;
                again.pass()?;
                let sent = now();
                let response = branch.send.send_request(request).await.map_err(broken)?;
                Ok(Head {
                    response,
                    sent,
                    answered: now(),
                    traffic: branch.traffic.clone(),
                    branch: Some((Arc::downgrade(self), branch)),
                })
            }
        }
    }

    /// HTTP/2 has the scheme and the authority in its request line, HTTP/1.1 a `Host`.
    fn absolute(&self, mut request: Request<Body>) -> Request<Body> {
        let scheme = if self.endpoint.secure {
            "https"
        } else {
            "http"
        };
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let uri = format!("{scheme}://{}{path}", self.endpoint.authority()).parse();
        if let Ok(uri) = uri {
            *request.uri_mut() = uri;
            request.headers_mut().remove(hyper::header::HOST);
        }
        request
    }

    /// Sends no more on a trunk that failed. One refused stream is no reason.
    fn give_up(&self, trunk: &Trunk, error: &hyper::Error) {
        if !trunk.send.is_closed() && tls_error::chain(error).contains("stream error") {
            return;
        }
        let mut inner = self.inner();
        let same = |known: &Trunk| Arc::ptr_eq(&known.used, &trunk.used);
        if inner.trunk.as_ref().is_some_and(same) {
            inner.trunk = None;
        }
    }

    /// Takes a branch back whose response was read to its end.
    pub fn take_back(&self, branch: Branch) {
        let mut inner = self.inner();
        if !branch.send.is_closed() && inner.idle.len() < IDLE {
            inner.idle.push_back(branch);
        }
    }

    /// Names a failure before the head of a response was there.
    fn broken(&self, error: &hyper::Error, traffic: &Traffic) -> Outage {
        broken(&self.endpoint.authority(), error, traffic)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn ready(&mut self) -> Option<Channel> {
        if self
            .trunk
            .as_ref()
            .is_some_and(|trunk| trunk.send.is_closed())
        {
            self.trunk = None;
        }
        if let Some(trunk) = &self.trunk {
            return Some(Channel::Trunk(trunk.clone()));
        }
        self.idle.retain(|branch| !branch.send.is_closed());
        // The one used last is the least likely to be closed by the server.
        self.idle.pop_back().map(Channel::Branch)
    }
}

impl Channel {
    fn was_used(&self) -> bool {
        match self {
            Self::Trunk(trunk) => trunk.used.load(Relaxed) > 0,
            Self::Branch(branch) => branch.used > 0,
        }
    }
}

/// Names a failure of a connection, before the head of a response or within its body.
pub fn broken(peer: &str, error: &hyper::Error, traffic: &Traffic) -> Outage {
    let traffic = look(traffic);
    if let Some(outage) = &traffic.broke {
        return outage.clone();
    }
    if error.is_timeout() {
        let text = format!("{peer} stopped answering: not even pings are answered any more");
        return Outage::new(Layer::Timeout, text)
            .hint("check that the API server is up and the way to it is open");
    }
    // hyper has a predicate for this in later versions only.
    if error.is_parse() && tls_error::chain(error).contains("too large") {
        let text =
            format!("the head of an answer of {peer} is beyond {MAX_HEADERS} lines or 64 KiB");
        return Outage::new(Layer::TooLarge, text);
    }
    // HTTP/2 begins with the length of a small frame, so with a zero. Some servers speak first, which
    // is not reported as bad HTTP.
    let begun =
        traffic.head.starts_with(b"HTTP/") || matches!(traffic.head.first(), None | Some(0));
    if error.is_parse() || !begun {
        return not_http(peer, &traffic.head);
    }
    let why = if traffic.read == 0 {
        "closed the connection without an answer".to_owned()
    } else if error.is_canceled() || error.is_closed() || error.is_incomplete_message() {
        "closed the connection".to_owned()
    } else {
        format!("broke off: {}", tls_error::chain(error))
    };
    Outage::new(Layer::Protocol, format!("{peer} {why}"))
        .hint("look for a restart of the API server or a proxy in between")
}

/// The tasks of all connections, so that they can be ended at once.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<Vec<AbortHandle>>>);

impl Tasks {
    fn run<F>(&self, work: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let handle = tokio::spawn(work).abort_handle();
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Over HTTP/2 each request with a body has one.
        if tasks.len() >= 64 {
            tasks.retain(|task| !task.is_finished());
        }
        tasks.push(handle);
    }

    fn abort(&self) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks.drain(..) {
            task.abort();
        }
    }
}

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, work: F) {
        self.run(work);
    }
}

#[cfg(test)]
mod tests;
