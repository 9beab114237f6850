//! From an object's protobuf to [`Object`], with what many share taken from a [`Pool`].
//!
//! What cannot be (a negative count, a quantity that is none, a time out of range) is left out and
//! counted; an object without a usable name is refused whole. Nothing here panics or does I/O.

mod cluster_wide;
mod node;
mod pod;
#[cfg(test)]
mod tests;
mod workload;

use std::sync::Arc;

use jiff::Timestamp;

use super::pool::Pool;
use super::proto;
use super::quantity::Quantity;
use super::wire::{Malformed, Message, Repeated, Text};
use crate::objects::kind::Scope;
use crate::objects::{
    Body, Condition, Labels, Object, ObjectKind, Owner, Resources, Selector, Status,
};

/// Longest text of a kubelet or controller that is kept, in bytes; a termination message may be
/// 4,096 and is a few lines mostly.
const MESSAGE_MAX: usize = 2048;

/// Makes objects of one cluster.
#[derive(Debug)]
pub struct Decoder {
    cluster: Arc<str>,
    pool: Pool,
    refused: u64,
}

/// An object's place and version, without the object.
#[derive(Debug)]
pub struct Place<'a> {
    pub namespace: Arc<str>,
    pub name: Text<'a>,
    pub version: Text<'a>,
}

impl Decoder {
    #[must_use]
    pub fn new(cluster: Arc<str>) -> Self {
        Self {
            cluster,
            pool: Pool::default(),
            refused: 0,
        }
    }

    #[must_use]
    pub fn cluster(&self) -> &Arc<str> {
        &self.cluster
    }

    /// Values and objects that were left out since the last call.
    pub fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused)
    }

    /// Counts one object that was left out.
    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    /// To be called once per batch.
    pub fn sweep(&mut self) {
        self.pool.sweep();
    }

    /// Reads an object, and its resource version.
    ///
    /// # Errors
    /// [`Malformed`] for bytes that are no object of this kind, or one without a usable name.
    pub fn object<'a>(
        &mut self,
        kind: ObjectKind,
        bytes: &'a [u8],
    ) -> Result<(Object, Text<'a>), Malformed> {
        let meta = proto::Head::read(bytes)?.metadata;
        check_place(kind, &meta)?;
        let body = self.body(kind, &meta, bytes)?;
        let object = Object {
            cluster: self.cluster.clone(),
            namespace: self.pool.text(&meta.namespace),
            name: (*meta.name).into(),
            uid: (*meta.uid).into(),
            created: self.time(&meta.created),
            deleting: meta.deleted.as_ref().and_then(|time| self.time(time)),
            owner: self.owner(&meta)?,
            labels: self.pairs(&meta.labels)?,
            body,
        };
        Ok((object, meta.resource_version))
    }

    /// Reads only where an object is, for one that is gone.
    ///
    /// # Errors
    /// As [`Decoder::object`].
    pub fn place<'a>(&mut self, kind: ObjectKind, bytes: &'a [u8]) -> Result<Place<'a>, Malformed> {
        let meta = proto::Head::read(bytes)?.metadata;
        check_place(kind, &meta)?;
        Ok(Place {
            namespace: self.pool.text(&meta.namespace),
            name: meta.name,
            version: meta.resource_version,
        })
    }

    fn body(
        &mut self,
        kind: ObjectKind,
        meta: &proto::Meta<'_>,
        bytes: &[u8],
    ) -> Result<Body, Malformed> {
        Ok(match kind {
            ObjectKind::Pod => Body::Pod(self.pod(meta, &Message::read(bytes)?)?),
            ObjectKind::Node => Body::Node(self.node(meta, &Message::read(bytes)?)?.into()),
            ObjectKind::Namespace => Body::Namespace(self.namespace(&Message::read(bytes)?)?),
            ObjectKind::Deployment => {
                Body::Deployment(self.deployment(meta, &Message::read(bytes)?)?.into())
            }
            ObjectKind::StatefulSet => {
                Body::StatefulSet(self.stateful_set(meta, &Message::read(bytes)?)?.into())
            }
            ObjectKind::DaemonSet => {
                Body::DaemonSet(self.daemon_set(meta, &Message::read(bytes)?)?.into())
            }
            ObjectKind::ReplicaSet => {
                Body::ReplicaSet(self.replica_set(meta, &Message::read(bytes)?)?.into())
            }
            ObjectKind::Job => Body::Job(self.job(&Message::read(bytes)?)?.into()),
            ObjectKind::CronJob => Body::CronJob(self.cron_job(&Message::read(bytes)?)?.into()),
            ObjectKind::Event => Body::Event(self.event(meta, &Message::read(bytes)?).into()),
            ObjectKind::DisruptionBudget => {
                Body::DisruptionBudget(self.budget(meta, &Message::read(bytes)?)?.into())
            }
            ObjectKind::VolumeClaim => {
                Body::VolumeClaim(self.claim(&Message::read(bytes)?)?.into())
            }
            ObjectKind::Volume => Body::Volume(self.volume(&Message::read(bytes)?)?.into()),
            ObjectKind::Service => Body::Service(self.service(&Message::read(bytes)?)?.into()),
            ObjectKind::Endpoints => {
                Body::Endpoints(self.endpoints(meta, &Message::read(bytes)?)?.into())
            }
            ObjectKind::Quota => Body::Quota(self.quota(&Message::read(bytes)?)?.into()),
            ObjectKind::Lease => Body::Lease(self.lease(&Message::read(bytes)?).into()),
        })
    }

    fn owner(&mut self, meta: &proto::Meta<'_>) -> Result<Option<Arc<Owner>>, Malformed> {
        for owner in meta.owners.iter() {
            let owner = owner?;
            if owner.controller {
                let owner = Owner {
                    kind: self.pool.text(&owner.kind),
                    name: self.pool.text(&owner.name),
                    uid: self.pool.text(&owner.uid),
                };
                return Ok(Some(self.pool.owner(owner)));
            }
        }
        Ok(None)
    }

    fn pairs(&mut self, pairs: &Repeated<'_, proto::Pair<'_>>) -> Result<Labels, Malformed> {
        let pairs = pairs.iter();
        self.pool
            .labels(pairs.map(|pair| pair.map(|pair| (pair.key, pair.value))))
    }

    fn selector(
        &mut self,
        selector: Option<&proto::LabelSelector<'_>>,
    ) -> Result<Selector, Malformed> {
        let Some(selector) = selector else {
            return Ok(Selector {
                absent: true,
                ..Selector::default()
            });
        };
        let mut expressions = Vec::new();
        for wanted in selector.expressions.iter() {
            let wanted = wanted?;
            let values = wanted.values.iter();
            let values: Result<_, _> = values.map(|v| v.map(|v| self.pool.text(&v))).collect();
            let (key, operator) = (
                self.pool.text(&wanted.key),
                self.pool.text(&wanted.operator),
            );
            expressions.push((key, operator, values?));
        }
        Ok(Selector {
            pairs: self.pairs(&selector.pairs)?,
            expressions: expressions.into(),
            absent: false,
        })
    }

    fn condition(
        &mut self,
        kind: &str,
        status: &str,
        since: &proto::Time,
        (reason, message): (&str, &str),
    ) -> Condition {
        Condition {
            kind: self.pool.text(kind),
            status: status_of(status),
            since: self.time(since),
            reason: self.pool.text(reason),
            message: self.message(message),
        }
    }

    /// A time; `None` for Go's zero time, and for one that no calendar has, which is counted.
    fn time(&mut self, time: &proto::Time) -> Option<Timestamp> {
        if time.seconds == 0 && time.nanos == 0 {
            return None;
        }
        let nanos = i32::try_from(time.nanos).unwrap_or(i32::MAX);
        let read = (0..1_000_000_000).contains(&nanos);
        let read = read
            .then(|| Timestamp::new(time.seconds, nanos).ok())
            .flatten();
        self.refused += u64::from(read.is_none());
        read
    }

    /// A count; one below nought is nought, and counted as refused.
    fn count(&mut self, value: i64) -> u32 {
        u32::try_from(value).unwrap_or_else(|_| {
            self.refused += 1;
            0
        })
    }

    /// A text that belongs to one object, cut at a sane length.
    fn message(&mut self, text: &str) -> Arc<str> {
        self.pool.text(cut(text))
    }

    fn resources(
        &mut self,
        amounts: &Repeated<'_, proto::Amount<'_>>,
    ) -> Result<Resources, Malformed> {
        let mut resources = Resources::default();
        for amount in amounts.iter() {
            let proto::Amount { key, value } = amount?;
            match &*key {
                "cpu" => resources.cpu_milli = self.amount(&value, Quantity::milli),
                "memory" => resources.memory = self.amount(&value, Quantity::whole),
                _ => {}
            }
        }
        Ok(resources)
    }

    /// One amount of a map, in whole units.
    fn amount_of(
        &mut self,
        amounts: &Repeated<'_, proto::Amount<'_>>,
        wanted: &str,
    ) -> Result<Option<u64>, Malformed> {
        for amount in amounts.iter() {
            let proto::Amount { key, value } = amount?;
            if key == wanted {
                return Ok(self.amount(&value, Quantity::whole));
            }
        }
        Ok(None)
    }

    fn amount(
        &mut self,
        value: &proto::Quantity<'_>,
        unit: fn(Quantity) -> Option<u64>,
    ) -> Option<u64> {
        let read = Quantity::parse(&value.text).and_then(unit);
        self.refused += u64::from(read.is_none());
        read
    }
}

/// A name makes a path and a subject: an empty one, or one with a slash, would name something else.
fn check_place(kind: ObjectKind, meta: &proto::Meta<'_>) -> Result<(), Malformed> {
    let usable = |text: &str| !text.is_empty() && !text.contains('/');
    let placed = match kind.scope() {
        Scope::Cluster => meta.namespace.is_empty(),
        Scope::Namespaced => usable(&meta.namespace),
    };
    (usable(&meta.name) && placed)
        .then_some(())
        .ok_or(Malformed)
}

fn status_of(word: &str) -> Status {
    match word {
        "True" => Status::True,
        "False" => Status::False,
        _ => Status::Unknown,
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MESSAGE_MAX)]
}
