//! One container's log within a page: how far it has come, and whether it may be read at all.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::ask::{AskId, LogRun};
use crate::clock::{Now, Stamp};
use crate::objects::{Container, ContainerState, Object, Phase, Pod, Termination};
use crate::observation::Outage;

#[derive(Clone, Debug)]
pub struct Stream {
    /// Place of its pod among the members.
    pub member: usize,
    /// Empty where the pod is not known: then the server chooses.
    pub container: Arc<str>,
    /// How the lines of this stream are marked.
    pub label: String,
    pub(super) id: Option<AskId>,
    pub state: StreamState,
    /// Time of its newest line, by the node's clock.
    newest: Option<Timestamp>,
    /// When its newest lines came.
    pub received: Option<Now>,
    /// Batches of lines since it was opened last; the first one is history.
    batches: u32,
    pub(super) restarts: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// The container has written nothing that could be read: its state in a word.
    Waiting(Arc<str>),
    Opening,
    Reading,
    /// Broken off; asked again at this time.
    Broken(Option<Outage>, Stamp),
    Ended(Result<(), Outage>),
    /// More containers than are read at once.
    TooMany,
}

impl Stream {
    pub(super) fn new(member: usize, container: &Arc<str>) -> Self {
        Self {
            member,
            container: container.clone(),
            label: String::new(),
            id: None,
            state: StreamState::Waiting("".into()),
            newest: None,
            received: None,
            batches: 0,
            restarts: 0,
        }
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        self.id.is_some()
    }

    /// What hinders it, if anything does.
    #[must_use]
    pub fn outage(&self) -> Option<&Outage> {
        match &self.state {
            StreamState::Broken(outage, _) => outage.as_ref(),
            StreamState::Ended(ended) => ended.as_ref().err(),
            _ => None,
        }
    }

    pub(super) fn opened(&mut self) {
        self.state = StreamState::Reading;
        self.batches = 0;
    }

    pub(super) fn took(&mut self, newest: Option<Timestamp>, received: Now) {
        self.state = StreamState::Reading;
        self.newest = newest.or(self.newest);
        self.received = Some(received);
        self.batches = self.batches.saturating_add(1);
    }

    /// How far the newest line was behind when it came, by our clock against the node's. `None` for
    /// what the server merely had in store, and when nothing came in the last two seconds.
    #[must_use]
    pub fn lag(&self, now: Now) -> Option<Duration> {
        let received = self.received?;
        if self.batches < 2 || now.stamp.since(received.stamp) > Duration::from_secs(2) {
            return None;
        }
        let behind = received.wall.duration_since(self.newest?);
        Some(Duration::try_from(behind).unwrap_or_default())
    }
}

/// The containers of a pod with where each stands, init containers first.
pub(super) fn containers(object: &Object) -> impl Iterator<Item = (&Container, Role)> {
    let pod = pod_of(object);
    let init = pod.into_iter().flat_map(|pod| pod.init.iter()).map(|c| {
        let role = if c.spec.sidecar {
            Role::Stays
        } else {
            Role::Init
        };
        (c, role)
    });
    let main = pod.into_iter().flat_map(|pod| pod.containers.iter());
    init.chain(main.map(|c| (c, Role::Stays)))
}

/// Does a container run once before the others?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Init,
    Stays,
}

pub(super) fn pod_of(object: &Object) -> Option<&Pod> {
    match &object.body {
        crate::objects::Body::Pod(pod) => Some(pod),
        _ => None,
    }
}

/// Has this container written anything that the node may still have?
pub(super) fn has_log(container: &Container, run: LogRun) -> bool {
    let ran_before = container.restarts > 0 || container.last.is_some();
    match run {
        LogRun::Previous => ran_before,
        LogRun::Follow => ran_before || !matches!(container.state, ContainerState::Waiting(..)),
    }
}

/// Why it has written nothing yet.
pub(super) fn waits_for(container: &Container) -> Arc<str> {
    match &container.state {
        ContainerState::Waiting(reason, _) if !reason.is_empty() => reason.clone(),
        _ => "not started".into(),
    }
}

/// Will this container never write again? Then how it ended.
pub(super) fn finished(pod: &Pod, container: &Container, role: Role) -> Option<Arc<Termination>> {
    let ContainerState::Terminated(end) = &container.state else {
        return None;
    };
    let pod_is_over = matches!(pod.phase, Phase::Succeeded | Phase::Failed);
    let done = end.exit_code == 0 && (role == Role::Init || pod.traits.ends);
    (pod_is_over || done).then(|| end.clone())
}

/// `OOMKilled, exit 137`, `Completed`.
pub(super) fn ending(end: &Termination) -> String {
    let reason = if end.reason.is_empty() {
        "ended"
    } else {
        &end.reason
    };
    match (end.exit_code, end.signal) {
        (0, 0) => reason.to_owned(),
        (code, 0) => format!("{reason}, exit {code}"),
        (_, signal) => format!("{reason}, signal {signal}"),
    }
}
