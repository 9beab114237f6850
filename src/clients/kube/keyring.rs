//! Who we are to one API server, kept current: files that were replaced are read again, plugins run
//! again when what they gave ends or is refused. What changes who we are changes the connection.
//!
//! Sends nothing itself. Everything here is done once for all who wait for it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared as SharedFuture};
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use tokio::sync::Mutex as Turn;

use super::super::endpoint::Endpoint;
use super::super::file::{Named, Version};
use super::super::phase::Phase;
use super::super::wire::Heard;
use super::access::{Access, Proof, bearer};
use super::exec::{Credential, Plugin};
use super::kubeconfig::{Origin, Trouble};
use super::link::{Link, PINGS, Tasks};
use crate::clock::{self, Stamp};
use crate::config::Environment;
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// Files are looked at this often at most.
const LOOK: Duration = Duration::from_secs(1);
/// A plugin that failed is not run again before.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// A plugin whose credential was refused is not run again before: a user without any right would
/// run it with each request.
const AFTER_REFUSAL: Duration = Duration::from_secs(60);
/// Connections are given up once in this time; pings find one that dies again sooner.
const CUT: Duration = Duration::from_secs(30);
/// A plugin whose credential has ended already when it comes (a clock is wrong) is not run with each
/// request.
const AFTER_RUN: Duration = Duration::from_secs(10);
/// What ends so soon is renewed before it is used.
const SPARE: Duration = Duration::from_secs(10);

/// Where the description comes from, and what may be done for it.
#[derive(Clone, Debug)]
pub struct Source {
    pub origin: Origin,
    /// `None`: the current one.
    pub context: Option<String>,
    /// Absolute paths of the plugins that may run.
    pub allowed: Vec<String>,
    pub environment: Environment,
}

impl Source {
    pub fn load(&self) -> Result<Access, Trouble> {
        Access::load(&self.origin, self.context.as_deref(), &self.environment)
    }
}

/// What a request is sent with.
#[derive(Clone)]
pub struct Pass {
    pub link: Arc<Link>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Changes whenever anything of it does.
    pub serial: u64,
    /// No compression is wanted.
    pub plain: bool,
}

type Running = SharedFuture<BoxFuture<'static, Result<Credential, Outage>>>;

pub struct Keyring {
    source: Source,
    phase: Arc<Phase>,
    heard: Heard,
    tasks: Tasks,
    /// One at a time looks after files and plugins.
    turn: Turn<()>,
    state: Mutex<State>,
}

struct State {
    access: Arc<Access>,
    link: Arc<Link>,
    serial: u64,
    versions: Vec<Option<Version>>,
    looked_at: Stamp,
    /// The token that was read, and the version of its file.
    token: Option<(Option<Version>, HeaderValue)>,
    credential: Option<Credential>,
    running: Option<Running>,
    ran_at: Option<Stamp>,
    failed: Option<(Stamp, Outage)>,
    renewed_at: Option<Stamp>,
    cut_at: Option<Stamp>,
}

impl Keyring {
    pub fn new(source: Source, access: Access, phase: Arc<Phase>, heard: Heard) -> Self {
        let tasks = Tasks::default();
        let versions = source.origin.versions();
        let link = link(&access.endpoint, &phase, &heard, &tasks);
        let state = State {
            link,
            access: Arc::new(access),
            serial: 0,
            versions,
            looked_at: Stamp::default(),
            token: None,
            credential: None,
            running: None,
            ran_at: None,
            failed: None,
            renewed_at: None,
            cut_at: None,
        };
        Self {
            source,
            phase,
            heard,
            tasks,
            turn: Turn::default(),
            state: Mutex::new(state),
        }
    }

    pub fn access(&self) -> Arc<Access> {
        self.state().access.clone()
    }

    pub fn certificate(&self) -> Option<Certificate> {
        self.state().link.certificate()
    }

    /// Ends every connection, older ones included. Each feed of a cluster asks for it after a
    /// suspend, the later ones when there is a new connection already: one cut is enough for all.
    pub fn cut(&self) {
        let link = {
            let mut state = self.state();
            let now = clock::stamp();
            if state.cut_at.is_some_and(|at| now.since(at) < CUT) {
                return;
            }
            state.cut_at = Some(now);
            state.failed = None;
            state.link.clone()
        };
        link.cut();
    }

    /// What to send the next request with.
    ///
    /// # Errors
    /// `auth` where a plugin may not run or fails, `local` where a file cannot be read.
    pub async fn pass(&self) -> Result<Pass, Outage> {
        let _turn = self.turn.lock().await;
        self.look(false).await;
        let access = self.access();
        match &access.proof {
            Proof::Nothing | Proof::Fixed(_) => {}
            Proof::Refused(outage) => return Err(outage.clone()),
            Proof::File(..) => self.read_token(&access, false).await?,
            Proof::Plugin(plugin) => self.keep(plugin, &access).await?,
        }
        Ok(self.state().pass())
    }

    /// The server refused what was sent with this serial. Is there something else to try?
    pub async fn renew(&self, refused: u64) -> bool {
        let _turn = self.turn.lock().await;
        if self.state().serial != refused {
            return true;
        }
        self.look(true).await;
        if self.state().serial != refused {
            return true;
        }
        let access = self.access();
        let renewed = match &access.proof {
            Proof::File(..) => self.read_token(&access, true).await,
            Proof::Plugin(plugin) => {
                {
                    let mut state = self.state();
                    let now = clock::stamp();
                    let lately = |at: Stamp| now.since(at) < AFTER_REFUSAL;
                    if state.renewed_at.is_some_and(lately) {
                        return false;
                    }
                    state.renewed_at = Some(now);
                    state.credential = None;
                }
                self.keep(plugin, &access).await
            }
            _ => return false,
        };
        renewed.is_ok() && self.state().serial != refused
    }

    /// Looks whether the kubeconfig changed, and takes what it says now. A file that cannot be read
    /// leaves what was known: editors write in steps.
    async fn look(&self, at_once: bool) {
        {
            let mut state = self.state();
            let now = clock::stamp();
            if !at_once && now.since(state.looked_at) < LOOK {
                return;
            }
            state.looked_at = now;
        }
        let origin = self.source.origin.clone();
        let Ok(versions) = blocking(move || Ok(origin.versions())).await else {
            return;
        };
        if self.state().versions == versions {
            return;
        }
        let source = self.source.clone();
        let loaded = blocking(move || source.load().map_err(Outage::from)).await;
        let mut state = self.state();
        state.versions = versions;
        match loaded {
            Ok(access) => {
                tracing::info!(context = %access.context, "the kubeconfig changed and was read again");
                state.link = self.link(&state.link, &access.endpoint);
                state.access = Arc::new(access);
                state.token = None;
                state.credential = None;
                state.failed = None;
                state.serial += 1;
            }
            Err(outage) => {
                tracing::warn!(
                    "the kubeconfig changed and cannot be read: {}",
                    outage.detail
                );
            }
        }
    }

    /// Reads the token's file where it changed. One that cannot be read leaves the last token: some
    /// mounts are taken away once read.
    async fn read_token(&self, access: &Access, at_once: bool) -> Result<(), Outage> {
        let Proof::File(path, spare) = &access.proof else {
            return Ok(());
        };
        let known = self.state().token.clone();
        let known_version = known.as_ref().map(|(version, _)| *version);
        self.phase.enter("reading the token's file");
        let named = Named::new("tokenFile", path.clone());
        let read = blocking(move || {
            let version = named.version()?;
            if !at_once && known_version == Some(Some(version)) {
                return Ok(None);
            }
            let text = named.read()?;
            let text = String::from_utf8(text).ok();
            let token = text.and_then(|text| bearer(&text).filter(|_| !text.trim().is_empty()));
            let token = token.ok_or_else(|| named.bad("holds no token"))?;
            Ok(Some((Some(version), token)))
        });
        let fresh = match (read.await, known, spare) {
            (Ok(None), ..) | (Err(_), Some(_), _) => return Ok(()),
            (Ok(Some(fresh)), ..) => fresh,
            (Err(_), None, Some(spare)) => (None, spare.clone()),
            (Err(outage), None, None) => return Err(outage),
        };
        let mut state = self.state();
        if state
            .token
            .as_ref()
            .is_none_or(|(_, token)| *token != fresh.1)
        {
            state.serial += 1;
        }
        state.token = Some(fresh);
        Ok(())
    }

    /// Makes sure that there is a credential of the plugin that has not ended.
    async fn keep(&self, plugin: &Arc<Plugin>, access: &Access) -> Result<(), Outage> {
        let running = {
            let mut state = self.state();
            let wall = clock::now().wall;
            let good = |credential: &Credential| {
                let left = |until: jiff::Timestamp| until.duration_since(wall).unsigned_abs();
                let ahead = |until: jiff::Timestamp| until > wall && left(until) > SPARE;
                credential.until.is_none_or(ahead)
            };
            let lately = |at: Stamp| clock::stamp().since(at) < AFTER_RUN;
            let known = state.credential.as_ref();
            if known.is_some_and(|known| good(known) || state.ran_at.is_some_and(lately)) {
                return Ok(());
            }
            if let Some((at, outage)) = &state.failed
                && clock::stamp().since(*at) < AFTER_FAILURE
            {
                return Err(outage.clone());
            }
            let start = || run(plugin.clone(), self.source.allowed.clone());
            state.running.get_or_insert_with(start).clone()
        };
        self.phase
            .enter(format!("the credential plugin {}", plugin.words()));
        let got = running.await;
        let mut state = self.state();
        state.running = None;
        state.ran_at = Some(clock::stamp());
        match got {
            Ok(credential) => {
                state.failed = None;
                state.take(credential, |known, pair| {
                    let mut endpoint = access.endpoint.clone();
                    if let Some((cert, key)) = pair {
                        (endpoint.cert, endpoint.key) = (Some(cert), Some(key));
                    }
                    self.link(known, &endpoint)
                });
                Ok(())
            }
            Err(outage) => {
                // What is not allowed costs nothing to ask again.
                if plugin.permit(&self.source.allowed).is_ok() {
                    state.failed = Some((clock::stamp(), outage.clone()));
                }
                Err(outage)
            }
        }
    }

    /// The same link where nothing about it changed.
    fn link(&self, known: &Arc<Link>, endpoint: &Endpoint) -> Arc<Link> {
        if **known.endpoint() == *endpoint {
            known.clone()
        } else {
            link(endpoint, &self.phase, &self.heard, &self.tasks)
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pass(&self) -> Pass {
        let mut headers = self.access.impersonate.clone();
        let proof = match &self.access.proof {
            Proof::Fixed(header) => Some(header),
            Proof::File(..) => self.token.as_ref().map(|(_, header)| header),
            Proof::Plugin(_) => self
                .credential
                .as_ref()
                .and_then(|known| known.header.as_ref()),
            Proof::Nothing | Proof::Refused(_) => None,
        };
        headers.extend(proof.map(|header| (AUTHORIZATION, header.clone())));
        Pass {
            link: self.link.clone(),
            headers,
            serial: self.serial,
            plain: self.access.plain,
        }
    }

    fn take(
        &mut self,
        credential: Credential,
        link: impl FnOnce(&Arc<Link>, Option<super::exec::Pair>) -> Arc<Link>,
    ) {
        let link = link(&self.link, credential.pair.clone());
        let same_header = self
            .credential
            .as_ref()
            .is_some_and(|known| known.header == credential.header);
        if !same_header || !Arc::ptr_eq(&link, &self.link) {
            self.serial += 1;
        }
        self.link = link;
        self.credential = Some(credential);
    }
}

/// Runs a plugin in a task of its own, which outlives whoever asked first.
fn run(plugin: Arc<Plugin>, allowed: Vec<String>) -> Running {
    let task = tokio::spawn(async move { plugin.run(&allowed).await });
    let done = async move {
        task.await.unwrap_or_else(|error| {
            Err(Outage::new(
                Layer::Local,
                format!("the credential plugin was given up: {error}"),
            ))
        })
    };
    done.boxed().shared()
}

fn link(endpoint: &Endpoint, phase: &Arc<Phase>, heard: &Heard, tasks: &Tasks) -> Arc<Link> {
    let tell = |connector: super::super::connect::Connector| {
        connector.telling(phase.clone()).hearing(heard.clone())
    };
    Arc::new(Link::new(
        Arc::new(endpoint.clone()),
        tell,
        tasks.clone(),
        PINGS,
    ))
}

/// File work away from the threads that serve the network.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Outage> + Send + 'static,
) -> Result<T, Outage> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Outage::new(
                Layer::Local,
                format!("reading a file failed: {error}"),
            ))
        })
}
