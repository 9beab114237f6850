//! Sources: code that polls. One file each, registered in [`SOURCES`].
//!
//! A source turns one configured target into *probes*, one per endpoint. A probe does one poll at
//! a time and answers with a harvest or an outage; period, deadline, backoff and counting are the
//! supervisor's (`poll.rs`). A source knows no model and no screen.

pub mod alertmanager;
pub mod asker;
pub mod deadline;
pub mod etcd;
pub mod exposition;
pub mod http_date;
pub mod json_answer;
pub mod kubernetes;
pub mod local;
pub mod node_exporter;
pub mod prometheus;
pub mod sntp;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::clients::kube::Api;
use crate::config::settings::{ConfigError, Settings};
use crate::ids::TargetId;
use crate::objects::ObjectKind;
use crate::observation::{Harvest, Outage};
use crate::subject::Subject;

/// Every source, by the `kind` that configures it.
pub static SOURCES: &[&Source] = &[
    &local::SOURCE,
    &node_exporter::SOURCE,
    &etcd::SOURCE,
    &prometheus::SOURCE,
    &alertmanager::SOURCE,
    &sntp::SOURCE,
    &kubernetes::SOURCE,
];

/// One kind of target.
pub struct Source {
    /// The word in `kind = "..."`; the file's stem in kebab case.
    pub kind: &'static str,
    /// One sentence: what it polls and how.
    pub doc: &'static str,
    /// Default period between polls; each target can set its own.
    pub period: Duration,
    /// Default deadline of one poll; shorter than the period.
    pub timeout: Duration,
    /// Settings that it understands beyond those common to all (`config::keys`).
    pub keys: &'static [&'static str],
    pub probes: fn(&TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError>,
}

/// One target as configured, all layers merged.
#[derive(Clone, Debug)]
pub struct TargetConfig {
    pub id: TargetId,
    pub settings: Settings,
}

/// What one poll brought, with the bytes received on the wire (headers not counted).
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub bytes: u64,
    pub outcome: Result<Harvest, Outage>,
}

impl Answer {
    #[must_use]
    pub fn ok(bytes: u64, harvest: Harvest) -> Self {
        Self {
            bytes,
            outcome: Ok(harvest),
        }
    }

    #[must_use]
    pub fn failed(bytes: u64, outage: Outage) -> Self {
        Self {
            bytes,
            outcome: Err(outage),
        }
    }
}

/// How polls of one probe follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// One per period.
    Periodic,
    /// A stream: a poll waits for what comes next, at most for a period, and the next poll follows
    /// as soon as the result was taken. Nothing is overwritten; what nobody takes holds the stream
    /// back at the peer.
    Stream,
}

pub type PollFuture<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// One endpoint of a target. Owned by its task; may keep a connection and small caches between
/// polls. Dropping a poll at its deadline must leave the probe usable.
pub trait Probe: Send {
    /// The endpoint as it prints in the feed's id; empty for in-process sources. A second feed of
    /// the same endpoint adds a word: `https://a:2379 (hash)`.
    fn endpoint(&self) -> String;

    /// What it speaks for until a harvest says better.
    fn subject(&self) -> Subject;

    /// Its own period, where it is slower than the target's.
    fn period(&self, target: Duration) -> Duration {
        target
    }

    /// Its own deadline, where it needs longer than the target's: at most its period.
    fn timeout(&self, target: Duration) -> Duration {
        target
    }

    /// The kind of Kubernetes object that it streams, if any. Its endpoint is then the kind's
    /// plural, with the namespace that it is limited to: `pods in shop`.
    fn tells(&self) -> Option<ObjectKind> {
        None
    }

    /// The client of the Kubernetes cluster that it asks, for whoever has other questions to it.
    fn api(&self) -> Option<&Api> {
        None
    }

    /// How its polls follow each other.
    fn pace(&self) -> Pace {
        Pace::Periodic
    }

    fn poll(&mut self) -> PollFuture<'_>;

    /// Drops kept connections: after a suspend they are dead, whatever they say.
    fn disconnect(&mut self) {}

    /// What it waits for right now, in words (`connecting to 10.0.0.1:2379`), for the outage that
    /// the supervisor writes when the deadline passes.
    fn waiting_for(&self) -> String {
        "an answer".into()
    }
}
