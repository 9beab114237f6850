//! `apps/v1` and `batch/v1`: what makes pods.

use super::super::wire::{Repeated, Text, messages};
use super::{LabelSelector, PodTemplateSpec, Time};

messages! {
    Deployment<'a> { 2 spec: DeploymentSpec<'a>, 3 status: DeploymentStatus<'a> }
    DeploymentSpec<'a> {
        1 replicas: Option<i64>,
        2 selector: Option<LabelSelector<'a>>,
        3 template: PodTemplateSpec<'a>,
        7 paused: bool,
    }
    DeploymentStatus<'a> {
        1 observed_generation: i64,
        2 replicas: i64,
        3 updated: i64,
        4 available: i64,
        6 conditions: Repeated<'a, DeploymentCondition<'a>>,
        7 ready: i64,
    }
    DeploymentCondition<'a> { 1 kind: Text<'a>, 2 status: Text<'a>, 4 reason: Text<'a>, 5 message: Text<'a>, 7 since: Time }

    StatefulSet<'a> { 2 spec: StatefulSetSpec<'a>, 3 status: StatefulSetStatus<'a> }
    StatefulSetSpec<'a> { 1 replicas: Option<i64>, 2 selector: Option<LabelSelector<'a>>, 3 template: PodTemplateSpec<'a> }
    StatefulSetStatus<'a> {
        1 observed_generation: i64,
        2 replicas: i64,
        3 ready: i64,
        5 updated: i64,
        10 conditions: Repeated<'a, SetCondition<'a>>,
        11 available: i64,
    }

    DaemonSet<'a> { 2 spec: DaemonSetSpec<'a>, 3 status: DaemonSetStatus<'a> }
    DaemonSetSpec<'a> { 1 selector: Option<LabelSelector<'a>>, 2 template: PodTemplateSpec<'a> }
    DaemonSetStatus<'a> {
        1 current: i64,
        3 desired: i64,
        4 ready: i64,
        5 observed_generation: i64,
        6 updated: i64,
        7 available: i64,
        10 conditions: Repeated<'a, SetCondition<'a>>,
    }

    ReplicaSet<'a> { 2 spec: ReplicaSetSpec<'a>, 3 status: ReplicaSetStatus<'a> }
    ReplicaSetSpec<'a> { 1 replicas: Option<i64>, 2 selector: Option<LabelSelector<'a>>, 3 template: PodTemplateSpec<'a> }
    ReplicaSetStatus<'a> {
        1 replicas: i64,
        3 observed_generation: i64,
        4 ready: i64,
        5 available: i64,
        6 conditions: Repeated<'a, SetCondition<'a>>,
    }
    /// `StatefulSetCondition`, `DaemonSetCondition` and `ReplicaSetCondition` are alike.
    SetCondition<'a> { 1 kind: Text<'a>, 2 status: Text<'a>, 3 since: Time, 4 reason: Text<'a>, 5 message: Text<'a> }

    Job<'a> { 2 spec: JobSpec, 3 status: JobStatus<'a> }
    JobSpec { 1 parallelism: Option<i64>, 2 completions: Option<i64>, 10 suspend: bool }
    JobStatus<'a> {
        1 conditions: Repeated<'a, JobCondition<'a>>,
        2 started: Option<Time>,
        3 completed: Option<Time>,
        4 active: i64,
        5 succeeded: i64,
        6 failed: i64,
    }
    JobCondition<'a> { 1 kind: Text<'a>, 2 status: Text<'a>, 4 since: Time, 5 reason: Text<'a>, 6 message: Text<'a> }

    CronJob<'a> { 2 spec: CronJobSpec<'a>, 3 status: CronJobStatus<'a> }
    CronJobSpec<'a> { 1 schedule: Text<'a>, 2 starting_deadline: Option<i64>, 4 suspend: bool, 8 time_zone: Text<'a> }
    CronJobStatus<'a> { 1 active: Repeated<'a, Reference>, 4 last_scheduled: Option<Time>, 5 last_successful: Option<Time> }
    /// One that is only counted.
    Reference {}
}
