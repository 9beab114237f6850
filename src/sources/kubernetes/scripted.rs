//! A server that answers by a script, for tests: bodies in parts, with pauses, breaks and silence.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::time::{Instant, sleep_until};

use super::transport::{Asked, Body, Transport};
use crate::clients::kube::{Refusal, Status};
use crate::observation::{Layer, Outage};

/// One answer of the script.
pub enum Said {
    /// A 2xx with its content type and body.
    Body(&'static str, Vec<Part>),
    Refused(u16, Option<Duration>),
    Down,
    Silence,
}

/// A part of a body. After the last the body ends.
#[derive(Clone)]
pub enum Part {
    Bytes(Vec<u8>),
    Pause(Duration),
    /// The connection breaks.
    Break,
    /// Open for ever, and nothing comes.
    Hang,
}

#[derive(Clone, Default)]
pub struct Server {
    script: Arc<Mutex<Script>>,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Said>,
    /// What is answered to a path and query where the script has ended.
    rule: Option<Box<dyn Fn(&str) -> Said + Send>>,
    asked: Vec<String>,
    heard: Option<Instant>,
    /// Pings are answered, whatever else happens.
    alive: bool,
    disconnects: u32,
}

impl Server {
    pub fn saying(answers: impl IntoIterator<Item = Said>) -> Self {
        let new = Self::default();
        new.lock().answers.extend(answers);
        new.lock().alive = true;
        new
    }

    /// A server that goes by what it is asked.
    pub fn by(rule: impl Fn(&str) -> Said + Send + 'static) -> Self {
        let new = Self::saying([]);
        new.lock().rule = Some(Box::new(rule));
        new
    }

    pub fn say(&self, answer: Said) {
        self.lock().answers.push_back(answer);
    }

    /// From now on not even pings are answered.
    pub fn freeze(&self) {
        let mut script = self.lock();
        script.alive = false;
        script.heard = Some(Instant::now());
    }

    /// Nothing was ever heard of it.
    pub fn mute(&self) {
        let mut script = self.lock();
        script.alive = false;
        script.heard = None;
    }

    /// Paths and queries asked for since the last call, without what is random.
    pub fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut self.lock().asked);
        let plain = |path: String| match path.split_once("timeoutSeconds=") {
            Some((before, after)) => {
                let digits = after
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(after.len());
                let seconds: u64 = after[..digits].parse().unwrap();
                assert!((300..=600).contains(&seconds));
                format!("{before}timeoutSeconds=T{}", &after[digits..])
            }
            None => path,
        };
        asked.into_iter().map(plain).collect()
    }

    pub fn disconnects(&self) -> u32 {
        self.lock().disconnects
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }
}

impl Transport for Server {
    type Body = Playing;

    fn ask(&self, path: String, _accept: &'static str) -> Asked<Playing> {
        let answer = {
            let mut script = self.lock();
            script.asked.push(path.clone());
            let next = script.answers.pop_front();
            next.or_else(|| Some(script.rule.as_ref()?(&path)))
        };
        Box::pin(async move {
            match answer {
                Some(Said::Body(content_type, parts)) => Ok(Ok(Playing {
                    content_type,
                    parts: parts.into(),
                    until: None,
                    received: 0,
                })),
                Some(Said::Refused(code, retry_after)) => Ok(Err(Refusal {
                    method: "GET".into(),
                    path,
                    code,
                    status: None,
                    retry_after,
                    line: String::new(),
                })),
                Some(Said::Down) => Err(Outage::new(Layer::Tcp, "refused")),
                Some(Said::Silence) | None => std::future::pending().await,
            }
        })
    }

    fn silent_for(&self) -> Option<Duration> {
        let script = self.lock();
        if script.alive {
            return Some(Duration::ZERO);
        }
        script.heard.map(|heard| heard.elapsed())
    }

    fn outage_of(&self, refusal: &Refusal) -> Outage {
        let layer = if refusal.code == 403 {
            Layer::Auth
        } else {
            Layer::Protocol
        };
        let said = refusal
            .status
            .as_ref()
            .map_or("", |Status { message, .. }| message);
        Outage::new(layer, format!("{} {} {said}", refusal.code, refusal.path))
    }

    fn disconnect(&self) {
        self.lock().disconnects += 1;
    }

    fn waiting_for(&self) -> String {
        "an answer".into()
    }
}

/// A body being played.
pub struct Playing {
    content_type: &'static str,
    parts: VecDeque<Part>,
    until: Option<Instant>,
    received: u64,
}

impl Body for Playing {
    fn content_type(&self) -> &str {
        self.content_type
    }

    fn wire_bytes(&self) -> u64 {
        self.received
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Outage> {
        loop {
            match self.parts.front() {
                None => return Ok(None),
                Some(Part::Hang) => std::future::pending().await,
                Some(Part::Break) => return Err(Outage::new(Layer::Tcp, "reset")),
                Some(Part::Pause(span)) => {
                    let until = *self.until.get_or_insert_with(|| Instant::now() + *span);
                    sleep_until(until).await;
                    self.until = None;
                    self.parts.pop_front();
                }
                Some(Part::Bytes(bytes)) => {
                    let bytes = Bytes::copy_from_slice(bytes);
                    self.parts.pop_front();
                    self.received += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
            }
        }
    }
}
