//! Pods: phase, place, containers with their states. What a template gives is shared by its pods.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Resources;

/// Restarts from which one more makes a loop also while the container happens to run (own choice).
pub const LOOP: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    pub phase: Phase,
    /// Why it is in its phase, where the kubelet says: `Evicted`.
    pub reason: Option<Arc<str>>,
    pub message: Option<Arc<str>>,
    pub node: Option<Arc<str>>,
    pub ip: Option<Box<str>>,
    /// In the order of the spec; a container without a status yet is waiting with an empty reason.
    pub containers: Box<[Container]>,
    pub init: Box<[Container]>,
    /// The `PodScheduled` condition's reason and message while it is false.
    pub unscheduled: Option<Box<(Arc<str>, Arc<str>)>>,
    pub ready: bool,
    /// When the `Ready` condition last changed.
    pub ready_since: Option<Timestamp>,
    pub started: Option<Timestamp>,
    /// Claims that it mounts.
    pub claims: Arc<[Arc<str>]>,
    pub traits: PodTraits,
}

/// What a drain has to know about a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of a pod's spec"
)]
pub struct PodTraits {
    /// A static pod's image on the API (annotation `kubernetes.io/config.mirror`).
    pub mirror: bool,
    /// Uses `emptyDir`: what is in it is lost with the pod.
    pub local_storage: bool,
    pub host_network: bool,
    /// `restartPolicy: Never` or `OnFailure`: it is meant to end.
    pub ends: bool,
}

/// The part of a container that its template gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContainerSpec {
    pub name: Arc<str>,
    pub image: Arc<str>,
    pub requests: Resources,
    pub limits: Resources,
    /// An init container that stays (`restartPolicy: Always`).
    pub sidecar: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Container {
    pub spec: Arc<ContainerSpec>,
    pub ready: bool,
    pub restarts: u32,
    pub state: ContainerState,
    pub last: Option<Arc<Termination>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerState {
    /// Reason and message: `CrashLoopBackOff`, `ImagePullBackOff`; empty before the kubelet spoke.
    Waiting(Arc<str>, Option<Arc<str>>),
    Running(Option<Timestamp>),
    Terminated(Arc<Termination>),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Termination {
    /// `OOMKilled`, `Error`, `Completed`.
    pub reason: Arc<str>,
    pub message: Option<Arc<str>>,
    pub exit_code: i32,
    pub signal: i32,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
}

impl Pod {
    #[must_use]
    pub fn restarts(&self) -> u32 {
        self.containers.iter().map(|c| c.restarts).sum()
    }

    /// Ready containers and all of them, sidecars included.
    #[must_use]
    pub fn ready_count(&self) -> (usize, usize) {
        let all = self
            .containers
            .iter()
            .chain(self.init.iter().filter(|c| c.spec.sidecar));
        all.fold((0, 0), |(ready, count), c| {
            (ready + usize::from(c.ready), count + 1)
        })
    }

    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init.iter().chain(&self.containers)
    }

    /// Sum over its containers.
    #[must_use]
    pub fn requests(&self) -> Resources {
        self.sum(|spec| spec.requests)
    }

    #[must_use]
    pub fn limits(&self) -> Resources {
        self.sum(|spec| spec.limits)
    }

    fn sum(&self, of: impl Fn(&ContainerSpec) -> Resources) -> Resources {
        let staying = self.init.iter().filter(|c| c.spec.sidecar);
        staying
            .chain(&self.containers)
            .fold(Resources::default(), |sum, c| {
                let one = of(&c.spec);
                let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
                    (None, None) => None,
                    (a, b) => Some(a.unwrap_or(0) + b.unwrap_or(0)),
                };
                Resources {
                    cpu_milli: add(sum.cpu_milli, one.cpu_milli),
                    memory: add(sum.memory, one.memory),
                }
            })
    }

    /// One word for its state, as kubectl's table says it: `Running`, `CrashLoopBackOff`,
    /// `Init:1/2`, `Completed`.
    #[must_use]
    pub fn status_word(&self) -> std::borrow::Cow<'_, str> {
        if let Some(reason) = &self.reason {
            return (&**reason).into();
        }
        let mut done = 0;
        for init in self.init.iter().filter(|c| !c.spec.sidecar) {
            match &init.state {
                ContainerState::Terminated(end) if end.exit_code == 0 => done += 1,
                ContainerState::Terminated(end) => {
                    return format!("Init:{}", word_of(end)).into();
                }
                ContainerState::Waiting(reason, _)
                    if !reason.is_empty() && &**reason != "PodInitializing" =>
                {
                    return format!("Init:{reason}").into();
                }
                _ if self.node.is_none() => break,
                _ => {
                    let all = self.init.iter().filter(|c| !c.spec.sidecar).count();
                    return format!("Init:{done}/{all}").into();
                }
            }
        }
        let mut ended = None;
        let mut running = false;
        for container in self.containers.iter().rev() {
            match &container.state {
                ContainerState::Waiting(reason, _) if !reason.is_empty() => {
                    return (&**reason).into();
                }
                ContainerState::Terminated(end) => ended = Some(word_of(end)),
                ContainerState::Running(_) => running |= container.ready,
                ContainerState::Waiting(..) => {}
            }
        }
        match ended {
            Some(word) if !(running && word == "Completed") => word,
            _ => self.phase.word().into(),
        }
    }

    /// Runs as it should, or has ended well: see [`super::Object::is_settled`].
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self.phase {
            Phase::Succeeded => true,
            Phase::Running => {
                self.ready
                    && self.reason.is_none()
                    && self.containers.iter().all(|c| c.ready && c.is_settled())
                    && self.init.iter().all(Container::is_settled)
            }
            _ => false,
        }
    }
}

impl Container {
    /// Runs, or has ended well, and how it ended before concerns nobody now.
    fn is_settled(&self) -> bool {
        let was_killed = |end: &Arc<Termination>| &*end.reason == "OOMKilled";
        !self.last.as_ref().is_some_and(was_killed)
            && match &self.state {
                ContainerState::Running(_) => self.last.is_none() || self.restarts < LOOP,
                ContainerState::Terminated(end) => end.exit_code == 0,
                ContainerState::Waiting(..) => false,
            }
    }
}

fn word_of(end: &Termination) -> std::borrow::Cow<'_, str> {
    if !end.reason.is_empty() {
        (&*end.reason).into()
    } else if end.signal != 0 {
        format!("Signal:{}", end.signal).into()
    } else {
        format!("ExitCode:{}", end.exit_code).into()
    }
}

impl Phase {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Completed",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }
}
