//! The probe of one kind of object: a stream of deltas, and how old what they say is.
//!
//! What follows the API server is [`Follow`], what the bytes mean [`Objects`]; here they are only
//! put together as a probe.

mod objects;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use super::follow::{Follow, PATIENCE, Then};
use super::transport::Transport;
use crate::clients::kube::Api;
use crate::objects::ObjectKind;
use crate::observation::Harvest;
use crate::sources::{Answer, Pace, PollFuture, Probe};
use crate::subject::Subject;
use objects::Objects;

/// Watches the objects of one kind.
pub struct WatchProbe<T: Transport = Api> {
    follow: Follow<T, Objects>,
    kind: ObjectKind,
    namespace: Option<Arc<str>>,
    subject: Subject,
}

impl WatchProbe<Api> {
    /// All objects of a kind, or those of one namespace.
    #[must_use]
    pub fn new(api: Api, kind: ObjectKind, namespace: Option<Arc<str>>) -> Self {
        let cluster = api.cluster().clone();
        Self::over(api, cluster, kind, namespace)
    }
}

impl<T: Transport> WatchProbe<T> {
    /// As [`WatchProbe::new`], over any transport.
    pub fn over(
        transport: T,
        cluster: Arc<str>,
        kind: ObjectKind,
        namespace: Option<Arc<str>>,
    ) -> Self {
        let subject = Subject::cluster(&cluster);
        let path = kind.path(namespace.as_deref());
        let objects = Objects::new(cluster, kind);
        Self {
            follow: Follow::new(transport, objects, path, Then::Watch),
            kind,
            namespace,
            subject,
        }
    }

    async fn next(&mut self) -> Answer {
        let gathered = self.follow.gather().await;
        let bytes = self.follow.take_bytes();
        let outcome = gathered.map(|()| Harvest {
            behind: self.follow.behind(),
            listed: self.follow.listed(),
            ..self.follow.codec.take()
        });
        Answer { bytes, outcome }
    }
}

impl<T: Transport> Probe for WatchProbe<T> {
    fn endpoint(&self) -> String {
        let plural = self.kind.plural();
        match &self.namespace {
            Some(namespace) => format!("{plural} in {namespace}"),
            None => plural.to_owned(),
        }
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn tells(&self) -> Option<ObjectKind> {
        Some(self.kind)
    }

    /// How often it says at least that all is quiet.
    fn period(&self, _target: Duration) -> Duration {
        PATIENCE
    }

    fn pace(&self) -> Pace {
        Pace::Stream
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.next())
    }

    fn disconnect(&mut self) {
        self.follow.disconnect();
    }

    fn waiting_for(&self) -> String {
        self.follow.waiting_for()
    }
}
