//! `core/v1` `Pod` and what it holds; a template of pods is read with the same messages.

use super::super::wire::{Repeated, Text, messages};
use super::{Amount, Time};

messages! {
    Pod<'a> { 2 spec: PodSpec<'a>, 3 status: PodStatus<'a> }
    PodSpec<'a> {
        1 volumes: Repeated<'a, Volume<'a>>,
        2 containers: Repeated<'a, Container<'a>>,
        3 restart_policy: Text<'a>,
        10 node_name: Text<'a>,
        11 host_network: bool,
        20 init_containers: Repeated<'a, Container<'a>>,
    }
    Volume<'a> { 1 name: Text<'a>, 2 source: VolumeSource<'a> }
    VolumeSource<'a> { 2 empty_dir: Option<Nothing>, 10 claim: Option<ClaimSource<'a>>, 29 ephemeral: Option<Nothing> }
    ClaimSource<'a> { 1 claim_name: Text<'a> }
    /// A message of which only the presence matters.
    Nothing {}
    Container<'a> { 1 name: Text<'a>, 2 image: Text<'a>, 8 resources: Requirements<'a>, 24 restart_policy: Text<'a> }
    /// `ResourceRequirements`, also those of a claim.
    Requirements<'a> { 1 limits: Repeated<'a, Amount<'a>>, 2 requests: Repeated<'a, Amount<'a>> }
    PodTemplateSpec<'a> { 2 spec: PodSpec<'a> }

    PodStatus<'a> {
        1 phase: Text<'a>,
        2 conditions: Repeated<'a, PodCondition<'a>>,
        3 message: Text<'a>,
        4 reason: Text<'a>,
        6 ip: Text<'a>,
        7 started: Option<Time>,
        8 containers: Repeated<'a, ContainerStatus<'a>>,
        10 init_containers: Repeated<'a, ContainerStatus<'a>>,
    }
    PodCondition<'a> { 1 kind: Text<'a>, 2 status: Text<'a>, 4 since: Time, 5 reason: Text<'a>, 6 message: Text<'a> }
    ContainerStatus<'a> { 1 name: Text<'a>, 2 state: ContainerState<'a>, 3 last: ContainerState<'a>, 4 ready: bool, 5 restarts: i64 }
    ContainerState<'a> { 1 waiting: Option<Waiting<'a>>, 2 running: Option<Running>, 3 terminated: Option<Terminated<'a>> }
    Waiting<'a> { 1 reason: Text<'a>, 2 message: Text<'a> }
    Running { 1 started: Time }
    Terminated<'a> { 1 exit_code: i64, 2 signal: i64, 3 reason: Text<'a>, 4 message: Text<'a>, 5 started: Time, 6 finished: Time }
}
