//! Pods: the containers of the spec, each with the status that the kubelet told of it.

use std::sync::Arc;

use super::super::proto;
use super::super::wire::{Malformed, Repeated};
use super::{Decoder, cut};
use crate::objects::pod::PodTraits;
use crate::objects::{
    Container, ContainerSpec, ContainerState, Phase, Pod, Resources, Termination,
};

impl Decoder {
    pub(super) fn pod(
        &mut self,
        meta: &proto::Meta<'_>,
        pod: &proto::Pod<'_>,
    ) -> Result<Pod, Malformed> {
        let (spec, status) = (&pod.spec, &pod.status);
        let mut out = Pod {
            phase: phase_of(&status.phase),
            reason: self.pool.some(&status.reason),
            message: self.pool.some(cut(&status.message)),
            node: self.pool.some(&spec.node_name),
            ip: (!status.ip.is_empty()).then(|| (*status.ip).into()),
            containers: self.containers(&spec.containers, &status.containers)?,
            init: self.containers(&spec.init_containers, &status.init_containers)?,
            unscheduled: None,
            ready: false,
            ready_since: None,
            started: status.started.as_ref().and_then(|time| self.time(time)),
            claims: self.pool.list(Vec::new()),
            traits: PodTraits {
                mirror: meta.annotations.mirror,
                local_storage: false,
                host_network: spec.host_network,
                ends: matches!(&*spec.restart_policy, "Never" | "OnFailure"),
            },
        };
        self.volumes(meta, spec, &mut out)?;
        for condition in status.conditions.iter() {
            let condition = condition?;
            match (&*condition.kind, &*condition.status) {
                ("Ready", status) => {
                    out.ready = status == "True";
                    out.ready_since = self.time(&condition.since);
                }
                ("PodScheduled", "False") => {
                    let reason = self.pool.text(&condition.reason);
                    out.unscheduled = Some(Box::new((reason, self.message(&condition.message))));
                }
                _ => {}
            }
        }
        Ok(out)
    }

    fn volumes(
        &mut self,
        meta: &proto::Meta<'_>,
        spec: &proto::PodSpec<'_>,
        out: &mut Pod,
    ) -> Result<(), Malformed> {
        let mut claims = Vec::new();
        for volume in spec.volumes.iter() {
            let volume = volume?;
            out.traits.local_storage |= volume.source.empty_dir.is_some();
            if let Some(claim) = &volume.source.claim {
                claims.push((*claim.claim_name).into());
            } else if volume.source.ephemeral.is_some() {
                // The name that the API gives to the claim of an ephemeral volume.
                claims.push(format!("{}-{}", meta.name, volume.name).into());
            }
        }
        out.claims = self.pool.list(claims);
        Ok(())
    }

    fn containers<'a>(
        &mut self,
        specs: &Repeated<'a, proto::Container<'a>>,
        statuses: &Repeated<'a, proto::ContainerStatus<'a>>,
    ) -> Result<Box<[Container]>, Malformed> {
        if specs.is_empty() {
            return Ok([].into());
        }
        let statuses: Vec<_> = statuses.iter().collect::<Result<_, _>>()?;
        let mut out = Vec::with_capacity(statuses.len());
        for spec in specs.iter() {
            let spec = spec?;
            let status = statuses.iter().find(|status| status.name == spec.name);
            let spec = self.container_spec(&spec)?;
            out.push(match status {
                Some(status) => self.container(spec, status),
                None => Container {
                    spec,
                    ready: false,
                    restarts: 0,
                    state: ContainerState::Waiting(self.pool.text(""), None),
                    last: None,
                },
            });
        }
        Ok(out.into())
    }

    pub(super) fn container_spec(
        &mut self,
        spec: &proto::Container<'_>,
    ) -> Result<Arc<ContainerSpec>, Malformed> {
        let spec = ContainerSpec {
            name: self.pool.text(&spec.name),
            image: self.pool.text(&spec.image),
            requests: self.resources(&spec.resources.requests)?,
            limits: self.resources(&spec.resources.limits)?,
            sidecar: spec.restart_policy == "Always",
        };
        Ok(self.pool.spec(spec))
    }

    fn container(
        &mut self,
        spec: Arc<ContainerSpec>,
        status: &proto::ContainerStatus<'_>,
    ) -> Container {
        let state = &status.state;
        let state = if let Some(running) = &state.running {
            ContainerState::Running(self.time(&running.started))
        } else if let Some(end) = &state.terminated {
            ContainerState::Terminated(self.termination(end))
        } else {
            let waiting = state.waiting.as_ref();
            let reason = self
                .pool
                .text(waiting.map_or("", |waiting| &waiting.reason));
            let message = waiting.and_then(|waiting| self.pool.some(cut(&waiting.message)));
            ContainerState::Waiting(reason, message)
        };
        Container {
            spec,
            ready: status.ready,
            restarts: self.count(status.restarts),
            state,
            last: status
                .last
                .terminated
                .as_ref()
                .map(|end| self.termination(end)),
        }
    }

    fn termination(&mut self, end: &proto::Terminated<'_>) -> Arc<Termination> {
        Arc::new(Termination {
            reason: self.pool.text(&end.reason),
            message: self.pool.some(cut(&end.message)),
            exit_code: self.code(end.exit_code),
            signal: self.code(end.signal),
            started: self.time(&end.started),
            finished: self.time(&end.finished),
        })
    }

    fn code(&mut self, value: i64) -> i32 {
        i32::try_from(value).unwrap_or_else(|_| {
            self.refuse();
            0
        })
    }

    /// Name and image of a template's containers, with the sums of what one pod asks for and may
    /// use: its containers and its sidecars, as [`Pod::requests`] sums them.
    pub(super) fn template(
        &mut self,
        template: &proto::PodTemplateSpec<'_>,
    ) -> Result<Template, Malformed> {
        let spec = &template.spec;
        let mut out = Template::default();
        for container in spec.init_containers.iter() {
            let container = self.container_spec(&container?)?;
            if container.sidecar {
                out.add(&container);
            }
        }
        for container in spec.containers.iter() {
            let container = self.container_spec(&container?)?;
            out.add(&container);
            out.images
                .push((container.name.clone(), container.image.clone()));
        }
        Ok(out)
    }
}

/// What a workload keeps of its template.
#[derive(Debug, Default)]
pub(super) struct Template {
    pub images: Vec<(Arc<str>, Arc<str>)>,
    pub requests: Resources,
    pub limits: Resources,
}

impl Template {
    fn add(&mut self, spec: &ContainerSpec) {
        let add = |sum: &mut Option<u64>, one: Option<u64>| {
            if let Some(one) = one {
                *sum = Some(sum.unwrap_or(0).saturating_add(one));
            }
        };
        add(&mut self.requests.cpu_milli, spec.requests.cpu_milli);
        add(&mut self.requests.memory, spec.requests.memory);
        add(&mut self.limits.cpu_milli, spec.limits.cpu_milli);
        add(&mut self.limits.memory, spec.limits.memory);
    }
}

fn phase_of(word: &str) -> Phase {
    match word {
        "" | "Pending" => Phase::Pending,
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        _ => Phase::Unknown,
    }
}
