//! Follows one collection of an API server: lists it, watches it, and goes on after whatever ends
//! a watch, without a gap and without asking more than it must.
//!
//! First a streamed list where the server has it, else pages; then changes from the version that
//! was read. A watch that ends is resumed from there; only a version that the server forgot (410)
//! leads to a new list, and what is shown stays until that one is told. Who may list and not watch
//! gets lists, each as old as it is. What the bytes mean is a [`Codec`]'s; this knows what to ask
//! for, and `follow/ends.rs` what to do when it ends.

mod ends;
mod instead;
mod pace;

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::frame::Shape;
use super::transport::{Asked, Body, Transport};
use crate::clients::kube::Status;
use crate::observation::{Layer, Outage};
use crate::units;
use instead::Instead;
use pace::{Pace, jitter};

/// Longest that one call gathers; what is quiet is told as such after it.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How long changes are gathered from the first on, so that a burst is one batch.
const GATHER: Duration = Duration::from_millis(40);
/// Changes after which a batch is told at once.
pub const BATCH: usize = 1000;
/// Silence of the whole server after which it counts as gone, although no connection broke.
const SILENCE: Duration = Duration::from_secs(10);
/// Objects per page.
const PAGE: usize = 500;
/// How long a streamed list may be silent before its end until it counts as not offered.
const DUMB: Duration = Duration::from_secs(10);
/// How long after its own time a watch that the server did not end is given up.
const OVERDUE: Duration = Duration::from_secs(30);
/// How long an answer, or the next bytes of a page, may take. API servers give up on a request
/// after 60 s themselves.
const UNANSWERED: Duration = Duration::from_secs(65);
/// Age at which a watch has proved itself, whether or not anything changed.
const PROVEN: Duration = Duration::from_secs(10);

/// What a body's bytes mean.
pub trait Codec: Send {
    /// Can an initial list come through the watch?
    const STREAMS: bool;

    /// What to ask for.
    fn accept(&self, shape: Shape) -> &'static str;
    /// Is this the type that was asked for?
    fn reads(&self, content_type: &str) -> bool;
    /// Another body begins.
    fn restart(&mut self, shape: Shape);
    fn feed(&mut self, bytes: &[u8]);
    /// Takes in the next whole piece of what was fed; `None` when there is none. `version` is
    /// where a watch goes on: a list's own, or that of a watch's last change.
    ///
    /// # Errors
    /// Where the body cannot be read further.
    fn next(&mut self, version: &mut String) -> Result<Option<Told>, Outage>;
    /// The body ended; what is left of it may be a piece.
    fn end(&mut self) {}
    /// Is the body complete where it ended?
    fn is_whole(&self) -> bool;
    /// A list begins, or begins anew.
    fn begin(&mut self);
    /// All of the list was told.
    fn synced(&mut self);
    /// Changes gathered and not taken.
    fn waiting(&self) -> usize;
}

/// What comes after a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Watch,
    /// The list again, after such a pause: for what cannot be watched.
    List(Duration),
}

/// What a piece said to the follower; changes stay with the codec.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// A change, or one item of a list.
    Change,
    /// A list's head: the token of the next page, empty on the last.
    Page { next: String },
    /// A bookmark; the one that ends a streamed list says so.
    Bookmark { initial_end: bool },
    /// The server ends a watch with a refusal, if it can be read.
    Failed(Option<Status>),
}

/// What is asked for next, or being read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    /// The list through the watch.
    Stream,
    /// One page; the first has no token.
    Page(String),
    /// All at once: for a server that forgets its tokens faster than we read pages.
    Whole,
    Changes,
}

enum State<B> {
    Idle,
    Asking(Asked<B>),
    Reading(B),
}

/// A follower of one collection.
pub struct Follow<T: Transport, C> {
    pub codec: C,
    transport: T,
    /// Path of the collection.
    path: String,
    then: Then,
    purpose: Purpose,
    /// What follows the page that is read, as its head says.
    after: Option<Purpose>,
    state: State<T::Body>,
    version: String,
    /// The streamed list is offered, as far as we know.
    streams: bool,
    /// Tokens outlived the server's memory: no more pages.
    pages: bool,
    pace: Pace,
    /// Lists in place of a watch that is not permitted.
    instead: Instead,
    /// When the list that is read was first asked for.
    began: Instant,
    /// Up to when all is told, as far as no watch is being read; none before the first list.
    told: Option<Instant>,
    /// When the request was sent that is being answered.
    asked: Instant,
    /// When the watch that is read must have been ended by the server.
    overdue: Instant,
    /// When bytes of this collection last came.
    heard: Instant,
    /// Told when what was gathered before it is taken.
    held: Option<Outage>,
    /// Bytes of bodies not yet taken, and those of the present body that are among them.
    bytes: u64,
    counted: u64,
}

impl<T: Transport, C: Codec> Follow<T, C> {
    pub fn new(transport: T, codec: C, path: String, then: Then) -> Self {
        let now = Instant::now();
        let streams = C::STREAMS && then == Then::Watch;
        Self {
            codec,
            transport,
            path,
            then,
            purpose: if streams {
                Purpose::Stream
            } else {
                Purpose::Page(String::new())
            },
            after: None,
            state: State::Idle,
            version: String::new(),
            streams,
            pages: true,
            pace: Pace::default(),
            instead: Instead::default(),
            began: now,
            told: None,
            asked: now,
            overdue: now,
            heard: now,
            held: None,
            bytes: 0,
            counted: 0,
        }
    }

    /// Bytes received since the last call.
    pub fn take_bytes(&mut self) -> u64 {
        self.count_bytes();
        std::mem::take(&mut self.bytes)
    }

    /// How old is at most what was told? Nothing while a watch is read, or before the first list.
    pub fn behind(&self) -> Duration {
        match self.told {
            Some(told) if !self.is_live() => told.elapsed(),
            _ => Duration::ZERO,
        }
    }

    /// How often it is listed, where this user may not watch it.
    pub fn listed(&self) -> Option<Duration> {
        self.instead.every()
    }

    /// Would a change be told as it happens?
    fn is_live(&self) -> bool {
        matches!(
            (&self.state, &self.purpose),
            (State::Reading(_), Purpose::Changes)
        )
    }

    pub fn waiting_for(&self) -> String {
        match self.state {
            State::Reading(_) => format!("the rest of {}", self.path),
            _ => self.transport.waiting_for(),
        }
    }

    /// After a suspend: what was open is dead. The connection itself is given up only where nobody
    /// else has a new one already.
    pub fn disconnect(&mut self) {
        self.close();
        self.pace = Pace::default();
        let silent = self.transport.silent_for();
        if silent.is_none_or(|silent| silent >= SILENCE) {
            self.transport.disconnect();
        }
    }

    /// Waits for the next changes and gathers them in the codec; at most [`PATIENCE`]. Nothing
    /// gathered means that all is quiet and the server was heard from. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// The outage that keeps changes from coming.
    pub async fn gather(&mut self) -> Result<(), Outage> {
        if let Some(outage) = self.held.take().or_else(|| self.pace.forbidden()) {
            return Err(outage);
        }
        let mut limit = Instant::now() + self.patience();
        let mut gathering = false;
        loop {
            if let Err(outage) = self.work_off() {
                return self.fail(outage);
            }
            let waiting = self.codec.waiting();
            if waiting >= BATCH || Instant::now() >= limit {
                break;
            }
            if waiting > 0 && !gathering {
                gathering = true;
                limit = limit.min(Instant::now() + GATHER);
            }
            match timeout_at(limit, self.step()).await {
                Ok(Ok(())) => {}
                Ok(Err(outage)) => return self.fail(outage),
                Err(_) => break,
            }
        }
        if self.codec.waiting() > 0 {
            return Ok(());
        }
        self.quiet()
    }

    /// What was gathered goes first.
    fn fail(&mut self, outage: Outage) -> Result<(), Outage> {
        if self.codec.waiting() == 0 {
            return Err(outage);
        }
        self.held = Some(outage);
        Ok(())
    }

    /// No longer than until the silence would be too long.
    fn patience(&self) -> Duration {
        match self.transport.silent_for() {
            Some(silent) if silent < SILENCE => PATIENCE.min(SILENCE.saturating_sub(silent)),
            _ => PATIENCE,
        }
    }

    /// Nothing came: is that calm, or is nobody there?
    fn quiet(&mut self) -> Result<(), Outage> {
        let silent = self.transport.silent_for();
        if silent.is_none_or(|silent| silent >= SILENCE) {
            let asked = self.asked.elapsed();
            let since = units::span(silent.unwrap_or(asked));
            let detail = format!(
                "nothing heard for {since}, waiting for {}",
                self.waiting_for()
            );
            // Whatever was asked for does not come any more.
            if asked >= SILENCE {
                self.close();
            }
            return Err(Outage::new(Layer::Timeout, detail)
                .hint("check that the API server is up and no firewall drops packets"));
        }
        let (asked, heard) = (self.asked.elapsed(), self.heard.elapsed());
        match (&self.state, &self.purpose) {
            (State::Idle, _) => return self.pace.unbearable().map_or(Ok(()), Err),
            (State::Asking(_), _) if asked >= UNANSWERED => return Err(self.unanswered()),
            (State::Reading(_), Purpose::Stream) if heard >= DUMB => self.without_stream(),
            (State::Reading(_), Purpose::Changes) if Instant::now() >= self.overdue => self.close(),
            (State::Reading(_), Purpose::Changes) if asked >= PROVEN => self.pace.fruitful(),
            (State::Reading(_), Purpose::Page(_) | Purpose::Whole) if heard >= UNANSWERED => {
                return Err(self.unanswered());
            }
            _ => {}
        }
        Ok(())
    }

    /// The server lives, and does not answer this.
    fn unanswered(&mut self) -> Outage {
        let (path, limit) = (&self.path, units::span(UNANSWERED));
        let detail = format!("{path} is not answered in {limit}, although the server lives");
        self.close();
        Outage::new(Layer::Timeout, detail)
            .hint("look at the API server's load and at its priority levels")
    }

    /// One thing that has to be waited for. Dropping it loses nothing.
    async fn step(&mut self) -> Result<(), Outage> {
        match &mut self.state {
            State::Idle => {
                sleep_until(self.pace.next()).await;
                self.ask();
                Ok(())
            }
            State::Asking(asked) => {
                let answer = asked.await;
                self.state = State::Idle;
                match answer? {
                    Ok(body) => self.answered(body),
                    Err(refusal) => self.refused(&refusal),
                }
            }
            State::Reading(body) => match body.chunk().await {
                Ok(Some(bytes)) => {
                    self.heard = Instant::now();
                    self.codec.feed(&bytes);
                    Ok(())
                }
                Ok(None) => self.ended(),
                Err(outage) => {
                    // Tried once more in silence: if the server is gone, that says so.
                    self.close();
                    self.pace.stumbled(outage);
                    Ok(())
                }
            },
        }
    }

    fn ask(&mut self) {
        self.asked = Instant::now();
        match &self.purpose {
            Purpose::Page(next) if !next.is_empty() => {}
            Purpose::Changes => {}
            _ => self.began = self.asked,
        }
        let query = match &self.purpose {
            Purpose::Page(next) if next.is_empty() => format!("limit={PAGE}"),
            Purpose::Page(next) => format!("limit={PAGE}&continue={}", encoded(next)),
            Purpose::Whole => String::new(),
            Purpose::Stream => {
                let watch = self.watch_query();
                format!("{watch}&sendInitialEvents=true&resourceVersionMatch=NotOlderThan")
            }
            Purpose::Changes => {
                let version = encoded(&self.version);
                format!("{}&resourceVersion={version}", self.watch_query())
            }
        };
        let mark = if query.is_empty() { "" } else { "?" };
        let path = format!("{}{mark}{query}", self.path);
        let accept = self.codec.accept(self.shape());
        self.state = State::Asking(self.transport.ask(path, accept));
    }

    /// Watches end after five to ten minutes, each at another time, so that they do not all come
    /// back at once.
    fn watch_query(&mut self) -> String {
        let lasts = Duration::from_secs_f64(300.0 + 300.0 * jitter());
        self.overdue = self.asked + lasts + OVERDUE;
        let seconds = lasts.as_secs();
        format!("watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}")
    }

    fn shape(&self) -> Shape {
        match self.purpose {
            Purpose::Page(_) | Purpose::Whole => Shape::List,
            Purpose::Stream | Purpose::Changes => Shape::Watch,
        }
    }

    fn answered(&mut self, body: T::Body) -> Result<(), Outage> {
        if !self.codec.reads(body.content_type()) {
            let detail = format!("{} answered as `{}`", self.path, body.content_type());
            return Err(Outage::new(Layer::Protocol, detail)
                .hint("check that the URL is that of a Kubernetes API server"));
        }
        match &self.purpose {
            Purpose::Changes => {}
            Purpose::Page(next) if !next.is_empty() => {}
            _ => self.codec.begin(),
        }
        if self.shape() == Shape::Watch {
            self.instead.granted();
        }
        self.heard = Instant::now();
        self.after = None;
        self.counted = 0;
        self.codec.restart(self.shape());
        self.state = State::Reading(body);
        Ok(())
    }

    /// Takes in what was fed, up to a batch.
    fn work_off(&mut self) -> Result<(), Outage> {
        while self.codec.waiting() < BATCH {
            let told = match self.codec.next(&mut self.version) {
                Ok(Some(told)) => told,
                Ok(None) => break,
                Err(outage) => {
                    self.close();
                    self.pace.stumbled(outage.clone());
                    return Err(outage);
                }
            };
            match told {
                Told::Change | Told::Bookmark { .. } if self.purpose == Purpose::Changes => {
                    self.pace.fruitful();
                }
                Told::Change => {}
                Told::Page { next } if next.is_empty() => self.after = Some(Purpose::Changes),
                Told::Page { next } => self.after = Some(Purpose::Page(next)),
                Told::Bookmark { initial_end: true } => {
                    self.codec.synced();
                    self.purpose = Purpose::Changes;
                }
                // It bookmarks before the list has ended: it does not know of an end.
                Told::Bookmark { initial_end: false } => self.without_stream(),
                Told::Failed(status) => self.watch_failed(status)?,
            }
        }
        Ok(())
    }
}

/// A value as it may stand in a query.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
