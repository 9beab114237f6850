//! The smaller kinds: namespaces, events, budgets, volumes, services, quotas, leases.

use super::super::wire::{Repeated, Text, messages};
use super::{Amount, LabelSelector, ObjectReference, Pair, Requirements, Time};

messages! {
    Namespace<'a> { 3 status: NamespaceStatus<'a> }
    NamespaceStatus<'a> { 1 phase: Text<'a>, 2 conditions: Repeated<'a, NamespaceCondition<'a>> }
    NamespaceCondition<'a> { 1 kind: Text<'a>, 2 status: Text<'a>, 4 since: Time, 5 reason: Text<'a>, 6 message: Text<'a> }

    Event<'a> {
        2 about: ObjectReference<'a>,
        3 reason: Text<'a>,
        4 message: Text<'a>,
        5 source: EventSource<'a>,
        6 first: Time,
        7 last: Time,
        8 count: i64,
        9 kind: Text<'a>,
        10 at: Time,
        11 series: Option<EventSeries>,
        14 reporter: Text<'a>,
    }
    EventSource<'a> { 1 component: Text<'a> }
    EventSeries { 1 count: i64, 2 last: Time }

    DisruptionBudget<'a> { 2 spec: BudgetSpec<'a>, 3 status: BudgetStatus }
    BudgetSpec<'a> { 1 min_available: Option<IntOrString<'a>>, 2 selector: Option<LabelSelector<'a>>, 3 max_unavailable: Option<IntOrString<'a>> }
    /// Type 0 is the number, 1 the text.
    IntOrString<'a> { 1 kind: i64, 2 number: i64, 3 text: Text<'a> }
    BudgetStatus { 1 observed_generation: i64, 3 allowed: i64, 4 healthy: i64, 5 desired: i64, 6 expected: i64 }

    VolumeClaim<'a> { 2 spec: ClaimSpec<'a>, 3 status: ClaimStatus<'a> }
    ClaimSpec<'a> { 2 resources: Requirements<'a>, 3 volume: Text<'a>, 5 class: Text<'a> }
    ClaimStatus<'a> { 1 phase: Text<'a>, 3 capacity: Repeated<'a, Amount<'a>> }

    PersistentVolume<'a> { 2 spec: VolumeSpec<'a>, 3 status: VolumeStatus<'a> }
    VolumeSpec<'a> { 1 capacity: Repeated<'a, Amount<'a>>, 4 claim: Option<ObjectReference<'a>>, 5 reclaim: Text<'a>, 6 class: Text<'a> }
    VolumeStatus<'a> { 1 phase: Text<'a>, 2 message: Text<'a>, 3 reason: Text<'a> }

    Service<'a> { 2 spec: ServiceSpec<'a>, 3 status: ServiceStatus<'a> }
    ServiceSpec<'a> { 1 ports: Repeated<'a, ServicePort<'a>>, 2 selector: Repeated<'a, Pair<'a>>, 3 cluster_ip: Text<'a>, 4 kind: Text<'a> }
    ServicePort<'a> { 2 protocol: Text<'a>, 3 port: i64 }
    ServiceStatus<'a> { 1 balancer: Balancer<'a> }
    Balancer<'a> { 1 ingress: Repeated<'a, Ingress<'a>> }
    Ingress<'a> { 1 ip: Text<'a>, 2 hostname: Text<'a> }

    EndpointSlice<'a> { 2 endpoints: Repeated<'a, Endpoint> }
    Endpoint { 2 conditions: EndpointConditions }
    EndpointConditions { 1 ready: Option<bool>, 2 serving: Option<bool> }

    ResourceQuota<'a> { 3 status: QuotaStatus<'a> }
    QuotaStatus<'a> { 1 hard: Repeated<'a, Amount<'a>>, 2 used: Repeated<'a, Amount<'a>> }

    Lease<'a> { 2 spec: LeaseSpec<'a> }
    LeaseSpec<'a> { 1 holder: Text<'a>, 2 duration: i64, 3 acquired: Option<Time>, 4 renewed: Option<Time>, 5 transitions: i64 }
}
