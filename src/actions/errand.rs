//! What the core asks of the shell about actions, and what comes back.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::arm::Armed;
use super::guard::Permit;
use super::live::{Identity, Live, May};
use super::plan::{Change, Plan};
use super::record::{ActionId, Entry, Record};
use crate::observation::Outage;

/// Number of an opened plan: a late answer finds nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Something to be done outside.
#[derive(Debug, PartialEq)]
pub enum Errand {
    /// Ask the API server about a plan. Only with power is the call itself tried, as a dry run.
    Prepare {
        ticket: Ticket,
        plan: Box<Plan>,
        armed: Option<Armed>,
    },
    /// Do it.
    Run { ticket: Ticket, permit: Box<Permit> },
    /// Write this down.
    Record(Box<Entry>),
    /// Who are we on this cluster, and what may we do there?
    Identify(Arc<str>),
    /// Read the audit.
    ReadTrail,
}

/// What became of an errand.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Prepared {
        ticket: Ticket,
        live: Box<Live>,
    },
    /// A record is on disk; with the ticket of the run that it belongs to.
    Recorded {
        ticket: Option<Ticket>,
        record: Box<Record>,
    },
    /// A record could not be written, and why.
    NotRecorded(String),
    /// The run made its last request, or none.
    Ended {
        ticket: Ticket,
        end: End,
    },
    /// The whole audit, with the runs of other processes that are alive; or why it cannot be read.
    Trail(Result<(Vec<Record>, BTreeSet<ActionId>), String>),
    /// The chain of the audit is broken: what, and the way out. Nothing is done meanwhile.
    Damaged(String),
    Identified {
        cluster: Arc<str>,
        who: Result<Identity, Outage>,
        /// By the action's id.
        may: Vec<(&'static str, Result<May, Outage>)>,
    },
}

/// How a run ended, before anybody has seen an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The API server says that it is done.
    Accepted,
    /// The API server says that it is done, and the record of that could not be written, and why.
    AcceptedUnrecorded(String),
    /// The API server said no.
    Refused(String),
    /// It may have been done.
    Unknown(String),
    /// Nothing was sent, and why.
    NotSent(String),
    /// Nothing was sent, because the object is not as the plan had it.
    Changed(Vec<Change>),
    /// Nothing was sent, because nothing could be recorded.
    NotRecorded(String),
}
