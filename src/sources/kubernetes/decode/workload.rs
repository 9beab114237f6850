//! Deployments and their like, jobs and cron jobs.

use super::super::proto;
use super::super::wire::Malformed;
use super::Decoder;
use crate::objects::{Condition, CronJob, Job, Workload};

/// What a controller counts, as it stands on the wire.
struct Counts {
    desired: i64,
    current: i64,
    ready: i64,
    available: i64,
    updated: i64,
    /// Generation of the spec that the counts are about.
    observed: i64,
}

/// The counts of what wants replicas: the messages name them alike and number them differently.
macro_rules! replicas {
    ($of:expr, updated: $updated:ident) => {
        Counts {
            desired: $of.spec.replicas.unwrap_or(1),
            current: $of.status.replicas,
            ready: $of.status.ready,
            available: $of.status.available,
            updated: $of.status.$updated,
            observed: $of.status.observed_generation,
        }
    };
}

/// Conditions, which are as much alike.
macro_rules! conditions {
    ($decoder:ident, $of:expr) => {{
        let mut conditions = Vec::new();
        for c in $of.status.conditions.iter() {
            let c = c?;
            let why = (&*c.reason, &*c.message);
            conditions.push($decoder.condition(&c.kind, &c.status, &c.since, why));
        }
        conditions
    }};
}

impl Decoder {
    pub(super) fn deployment(
        &mut self,
        meta: &proto::Meta<'_>,
        it: &proto::Deployment<'_>,
    ) -> Result<Workload, Malformed> {
        let counts = replicas!(it, updated: updated);
        let conditions = conditions!(self, it);
        let of = (it.spec.selector.as_ref(), &it.spec.template);
        let workload = self.workload(meta, &counts, of, conditions)?;
        Ok(Workload {
            paused: it.spec.paused,
            ..workload
        })
    }

    pub(super) fn stateful_set(
        &mut self,
        meta: &proto::Meta<'_>,
        it: &proto::StatefulSet<'_>,
    ) -> Result<Workload, Malformed> {
        let counts = replicas!(it, updated: updated);
        let conditions = conditions!(self, it);
        let of = (it.spec.selector.as_ref(), &it.spec.template);
        self.workload(meta, &counts, of, conditions)
    }

    pub(super) fn daemon_set(
        &mut self,
        meta: &proto::Meta<'_>,
        it: &proto::DaemonSet<'_>,
    ) -> Result<Workload, Malformed> {
        let status = &it.status;
        let counts = Counts {
            desired: status.desired,
            current: status.current,
            ready: status.ready,
            available: status.available,
            updated: status.updated,
            observed: status.observed_generation,
        };
        let conditions = conditions!(self, it);
        let of = (it.spec.selector.as_ref(), &it.spec.template);
        self.workload(meta, &counts, of, conditions)
    }

    pub(super) fn replica_set(
        &mut self,
        meta: &proto::Meta<'_>,
        it: &proto::ReplicaSet<'_>,
    ) -> Result<Workload, Malformed> {
        // It has one revision only: all its pods are of it.
        let counts = replicas!(it, updated: replicas);
        let conditions = conditions!(self, it);
        let of = (it.spec.selector.as_ref(), &it.spec.template);
        self.workload(meta, &counts, of, conditions)
    }

    fn workload(
        &mut self,
        meta: &proto::Meta<'_>,
        counts: &Counts,
        (selector, template): (
            Option<&proto::LabelSelector<'_>>,
            &proto::PodTemplateSpec<'_>,
        ),
        conditions: Vec<Condition>,
    ) -> Result<Workload, Malformed> {
        let template = self.template(template)?;
        Ok(Workload {
            desired: self.count(counts.desired),
            current: self.count(counts.current),
            ready: self.count(counts.ready),
            available: self.count(counts.available),
            updated: self.count(counts.updated),
            observed: counts.observed >= meta.generation,
            paused: false,
            conditions: conditions.into(),
            selector: self.selector(selector)?,
            images: template.images.into(),
            requests: template.requests,
            limits: template.limits,
        })
    }

    pub(super) fn job(&mut self, it: &proto::Job<'_>) -> Result<Job, Malformed> {
        let (spec, status) = (&it.spec, &it.status);
        let conditions = conditions!(self, it);
        Ok(Job {
            completions: spec.completions.map(|count| self.count(count)),
            parallelism: self.count(spec.parallelism.unwrap_or(1)),
            active: self.count(status.active),
            succeeded: self.count(status.succeeded),
            failed: self.count(status.failed),
            suspended: spec.suspend,
            started: status.started.as_ref().and_then(|time| self.time(time)),
            completed: status.completed.as_ref().and_then(|time| self.time(time)),
            conditions: conditions.into(),
        })
    }

    pub(super) fn cron_job(&mut self, it: &proto::CronJob<'_>) -> Result<CronJob, Malformed> {
        let (spec, status) = (&it.spec, &it.status);
        let mut active = 0;
        for job in status.active.iter() {
            job?;
            active += 1;
        }
        let mut time = |time: Option<&proto::Time>| time.and_then(|time| self.time(time));
        let last_scheduled = time(status.last_scheduled.as_ref());
        let last_successful = time(status.last_successful.as_ref());
        let deadline = spec.starting_deadline.map(|deadline| self.count(deadline));
        Ok(CronJob {
            schedule: self.pool.text(&spec.schedule),
            time_zone: self.pool.some(&spec.time_zone),
            suspended: spec.suspend,
            active,
            last_scheduled,
            last_successful,
            starting_deadline: deadline.map(u64::from),
        })
    }
}
