//! `core/v1` `Node`.

use super::super::wire::{Repeated, Text, messages};
use super::{Amount, Time};

messages! {
    Node<'a> { 2 spec: NodeSpec<'a>, 3 status: NodeStatus<'a> }
    NodeSpec<'a> { 3 provider_id: Text<'a>, 4 unschedulable: bool, 5 taints: Repeated<'a, Taint<'a>> }
    Taint<'a> { 1 key: Text<'a>, 2 value: Text<'a>, 3 effect: Text<'a> }
    NodeStatus<'a> {
        1 capacity: Repeated<'a, Amount<'a>>,
        2 allocatable: Repeated<'a, Amount<'a>>,
        4 conditions: Repeated<'a, NodeCondition<'a>>,
        5 addresses: Repeated<'a, NodeAddress<'a>>,
        7 system: NodeSystemInfo<'a>,
    }
    NodeCondition<'a> { 1 kind: Text<'a>, 2 status: Text<'a>, 4 since: Time, 5 reason: Text<'a>, 6 message: Text<'a> }
    NodeAddress<'a> { 1 kind: Text<'a>, 2 address: Text<'a> }
    NodeSystemInfo<'a> {
        3 boot_id: Text<'a>,
        4 kernel: Text<'a>,
        5 os_image: Text<'a>,
        6 runtime: Text<'a>,
        7 kubelet: Text<'a>,
        10 architecture: Text<'a>,
    }
}
