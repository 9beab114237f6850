//! The client of one Kubernetes API server: reads and reviews, never a change.
//!
//! One [`Api`] per cluster, cheaply cloned; everything that talks to the cluster shares its
//! connection, its credentials and its budget. It follows no redirect, sets no deadline of its own
//! (the caller drops the future) and cannot change anything: what can is in `writer.rs`, for the
//! runner of actions alone.

mod access;
mod budget;
mod exec;
mod keyring;
pub mod kubeconfig;
mod link;
mod reply;
mod request;
mod status;
mod surroundings;
pub mod survey;
pub mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request};

use access::Proof;
use budget::Budget;
use keyring::{Keyring, Pass, Source};
use kubeconfig::Origin;
use link::Again;
use reply::Asked;

pub use reply::Reply;
pub use status::{Refusal, Status};

use super::phase::Phase;
use crate::clock::Stamp;
use crate::config::Environment;
use crate::config::settings::{ConfigError, Settings};
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// What is asked for where nothing better is known.
pub const JSON: &str = "application/json";

/// The reviews: questions in the form of a POST, which keep nothing and change nothing.
const REVIEWS: [&str; 3] = [
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
];

/// One cluster's API server.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
    rank: Rank,
}

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rank {
    Background,
    Person,
}

struct Shared {
    cluster: Arc<str>,
    keyring: Keyring,
    budget: Budget,
    phase: Arc<Phase>,
    heard: Arc<AtomicU64>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("cluster", &self.shared.cluster)
            .field("server", &self.server())
            .finish_non_exhaustive()
    }
}

impl Api {
    /// The client of the cluster that `settings` name by `context` and `kubeconfig`; `cluster` is
    /// what it is called here. Reads the kubeconfig, connects to nothing.
    ///
    /// # Errors
    /// A [`ConfigError`] when the kubeconfig cannot be read or has no such context.
    pub fn new(cluster: &str, settings: &Settings) -> Result<Self, ConfigError> {
        Self::within(cluster, settings, Environment::of_process())
    }

    /// As [`Api::new`], with an environment of one's own.
    ///
    /// # Errors
    /// As [`Api::new`].
    pub fn within(
        cluster: &str,
        settings: &Settings,
        environment: Environment,
    ) -> Result<Self, ConfigError> {
        let allowed = settings.list("exec_allowed").to_vec();
        if let Some(relative) = allowed.iter().find(|path| !Path::new(path).is_absolute()) {
            let problem = format!("`{relative}` is no absolute path");
            return Err(ConfigError::new("exec_allowed", problem)
                .hint("write the whole path of the program, such as /usr/local/bin/kubelogin"));
        }
        let origin = Origin::find(settings, &environment).ok_or_else(|| {
            ConfigError::new("kubeconfig", "there is no kubeconfig").hint(
                "set kubeconfig = \"FILE\" or KUBECONFIG, write ~/.kube/config, or run as a pod \
                     with a service account",
            )
        })?;
        let source = Source {
            origin,
            context: settings.text("context").map(str::to_owned),
            allowed,
            environment,
        };
        let access = source.load()?;
        let (phase, heard) = (Arc::<Phase>::default(), Arc::<AtomicU64>::default());
        Ok(Self {
            shared: Arc::new(Shared {
                cluster: cluster.into(),
                keyring: Keyring::new(source, access, phase.clone(), heard.clone()),
                budget: Budget::default(),
                phase,
                heard,
            }),
            rank: Rank::Background,
        })
    }

    /// For what a person waits for: requests of this clone do not queue behind the background's
    /// budget, and are tried although the server asked for a pause.
    #[must_use]
    pub fn urgent(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            rank: Rank::Person,
        }
    }

    /// The cluster's name as configured.
    #[must_use]
    pub fn cluster(&self) -> &Arc<str> {
        &self.shared.cluster
    }

    /// The server's URL, without credentials.
    #[must_use]
    pub fn server(&self) -> String {
        self.shared.keyring.access().endpoint.name.clone()
    }

    /// The namespace that the context names.
    #[must_use]
    pub fn namespace(&self) -> Option<String> {
        self.shared.keyring.access().namespace.clone()
    }

    /// Is it certain who answers: by a verified certificate, or without TLS on this very machine?
    /// To anyone else no change is sent.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        let access = self.shared.keyring.access();
        let endpoint = &access.endpoint;
        if endpoint.secure {
            !endpoint.insecure
        } else {
            surroundings::is_here(&endpoint.host)
        }
    }

    /// GETs a path with its query. Any HTTP status is an `Ok`.
    ///
    /// # Errors
    /// An [`Outage`] where there is no HTTP answer: DNS, TCP, TLS, protocol; `auth` where the
    /// credentials cannot be had; `local` for an unreadable file.
    pub async fn get(&self, path_and_query: &str, accept: &str) -> Result<Reply, Outage> {
        if self.rank == Rank::Background && !request::goes_on(path_and_query) {
            self.shared.budget.admit().await?;
        }
        self.ask(&Method::GET, path_and_query, accept, None).await
    }

    /// POSTs JSON to one of the self-subject reviews, which change nothing.
    ///
    /// # Errors
    /// As [`Api::get`]; `local` for any other path.
    pub async fn review(&self, path: &str, body: Vec<u8>) -> Result<Reply, Outage> {
        if !REVIEWS.contains(&path) {
            let text = format!("{path} is no review: midwatch does not post to it");
            return Err(Outage::new(Layer::Local, text));
        }
        let body = Some((JSON, Bytes::from(body)));
        self.ask(&Method::POST, path, JSON, body).await
    }

    /// When a byte last came from this API server, on any connection; zero before the first.
    #[must_use]
    pub fn heard(&self) -> Stamp {
        Stamp(self.shared.heard.load(Relaxed))
    }

    /// Gives up every connection: after a suspend they are dead, whatever they say.
    pub fn disconnect(&self) {
        self.shared.keyring.cut();
    }

    /// What is being waited for, to be read while and after a call was dropped.
    #[must_use]
    pub fn phase(&self) -> Arc<Phase> {
        self.shared.phase.clone()
    }

    /// What it waits for right now.
    #[must_use]
    pub fn phase_words(&self) -> String {
        self.shared.phase.describe()
    }

    /// The certificate that the server presented last, also when it was refused.
    #[must_use]
    pub fn certificate(&self) -> Option<Certificate> {
        self.shared.keyring.certificate()
    }

    /// A refusal in words: 401 and 403 as `auth` with the permission that is missing, others as
    /// `protocol`.
    #[must_use]
    pub fn outage_of(&self, refusal: &Refusal) -> Outage {
        let access = self.shared.keyring.access();
        let whose = &access.whose;
        let hint = match &access.proof {
            Proof::Plugin(plugin) => {
                format!("log in again: {} gives what is refused", plugin.words())
            }
            Proof::File(path, _) => format!("renew the token in {}", path.display()),
            Proof::Fixed(_) => format!("renew the token or password of {whose}"),
            Proof::Nothing | Proof::Refused(_) if access.endpoint.cert.is_some() => {
                format!("renew the client certificate of {whose}")
            }
            Proof::Nothing | Proof::Refused(_) => format!("give credentials to {whose}"),
        };
        refusal.outage(&hint)
    }

    /// Sends what changes nothing: again on a new connection where a kept one broke, and once more
    /// with other credentials where those sent were refused.
    async fn ask(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Reply, Outage> {
        let pass = self.pass().await?;
        let reply = self
            .exchange(&pass, method, path, accept, body.clone(), Again::Once)
            .await?;
        if reply.status != 401 || !self.shared.keyring.renew(pass.serial).await {
            return Ok(reply);
        }
        drop(reply);
        let pass = self.pass().await?;
        self.exchange(&pass, method, path, accept, body, Again::Once)
            .await
    }

    async fn pass(&self) -> Result<Pass, Outage> {
        self.shared.keyring.pass().await
    }

    async fn exchange(
        &self,
        pass: &Pass,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<(&'static str, Bytes)>,
        again: Again<'_>,
    ) -> Result<Reply, Outage> {
        let endpoint = pass.link.endpoint();
        let mut builder = Request::builder()
            .method(method)
            .uri(format!("{}{path}", endpoint.prefix))
            .header(header::HOST, endpoint.authority())
            .header(header::USER_AGENT, super::USER_AGENT)
            .header(header::ACCEPT, accept);
        // On this machine the bytes are cheaper than the work.
        if !pass.plain && !surroundings::is_here(&endpoint.host) {
            builder = builder.header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        for (name, value) in &pass.headers {
            builder = builder.header(name, value);
        }
        let bytes =
            body.map(|(content_type, bytes)| (HeaderValue::from_static(content_type), bytes));
        if let Some((content_type, _)) = &bytes {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        let request = builder.body(link::Body::new(
            bytes.map_or_else(Bytes::new, |(_, bytes)| bytes),
        ));
        let request = request
            .map_err(|e| Outage::new(Layer::Local, format!("no request can be made: {e}")))?;
        let head = pass.link.exchange(request, again).await?;
        let asked = Asked {
            peer: endpoint.authority(),
            method: method.to_string(),
            path: path.to_owned(),
        };
        let reply = Reply::of(head, asked)?;
        // What refuses a change is mostly not load: a disruption budget answers 429 as well.
        if matches!(again, Again::Once)
            && matches!(reply.status, 429 | 503)
            && let Some(pause) = reply.retry_after
        {
            self.shared.budget.pause(pause);
        }
        Ok(reply)
    }
}
