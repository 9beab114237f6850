//! A fold that follows changes is the fold of all findings at once: whatever fires, whoever
//! explains whom, and wherever objects go meanwhile.

mod made_up;

use proptest::prelude::*;

use super::*;
use crate::findings::Ledger;
use crate::findings::scenario::Scenario;
use crate::findings::scenario::kube::api;
use crate::findings::scenario::objects::{
    ago, claim, condition, container, deployment, endpoints, lost, node, owned, pending, pod,
    replica_set, service, unscheduled, waiting,
};
use crate::objects::{Delta, Object, ObjectKind, Status};
use crate::observation::Layer;

/// What may happen in a small cluster, by small numbers so that the same things meet again.
#[derive(Clone, Debug)]
enum Happens {
    Pod(PodIs),
    Node(usize, bool),
    /// So many of its three pods are there.
    Deployment(usize, u32),
    ReplicaSet(usize, usize),
    Claim(usize, bool),
    Service(usize, u32),
    Gone(ObjectKind, usize),
    Host(usize, bool),
    Watch(ObjectKind, bool),
    Api(bool),
    Wait(u64),
}

#[derive(Clone, Debug)]
struct PodIs {
    number: usize,
    how: usize,
    node: usize,
    owner: usize,
}

const KINDS: [ObjectKind; 6] = [
    ObjectKind::Pod,
    ObjectKind::Node,
    ObjectKind::Deployment,
    ObjectKind::ReplicaSet,
    ObjectKind::VolumeClaim,
    ObjectKind::Service,
];

const LOST: &str = "0/2 nodes are available: 2 node(s) had untolerated taint \
                    {node.kubernetes.io/unreachable: }.";

fn happenings() -> impl Strategy<Value = Vec<Happens>> {
    let pod = (0..5_usize, 0..6_usize, 0..3_usize, 0..4_usize);
    let pod = pod.prop_map(|(number, how, node, owner)| {
        Happens::Pod(PodIs {
            number,
            how,
            node,
            owner,
        })
    });
    let kind = || prop::sample::select(KINDS.to_vec());
    let one = prop_oneof![
        8 => pod,
        3 => (0..2_usize, any::<bool>()).prop_map(|(n, well)| Happens::Node(n, well)),
        3 => (0..2_usize, 0..4_u32).prop_map(|(n, ready)| Happens::Deployment(n, ready)),
        3 => (0..3_usize, 0..2_usize).prop_map(|(n, of)| Happens::ReplicaSet(n, of)),
        2 => (0..2_usize, any::<bool>()).prop_map(|(n, bound)| Happens::Claim(n, bound)),
        2 => (0..2_usize, 0..2_u32).prop_map(|(n, ready)| Happens::Service(n, ready)),
        3 => (kind(), 0..5_usize).prop_map(|(kind, n)| Happens::Gone(kind, n)),
        2 => (0..2_usize, any::<bool>()).prop_map(|(n, well)| Happens::Host(n, well)),
        1 => (kind(), any::<bool>()).prop_map(|(kind, well)| Happens::Watch(kind, well)),
        1 => any::<bool>().prop_map(Happens::Api),
        3 => (1..400_u64).prop_map(Happens::Wait),
    ];
    prop::collection::vec(one, 1..50)
}

fn a_pod(is: &PodIs) -> Object {
    let name = format!("p{}", is.number);
    let mut object = match is.how {
        0 => pod(&name, |_| {}),
        1 => pod(&name, |pod| {
            pod.ready = false;
            pod.containers = [waiting(container("web"), "CrashLoopBackOff")].into();
        }),
        2 => pod(&name, |pod| {
            pod.ready = false;
            pod.containers = [waiting(container("web"), "ImagePullBackOff")].into();
        }),
        3 => unscheduled(pending(&name, ago(900)), "Unschedulable", LOST),
        4 => pending(&name, ago(900)),
        _ => pod(&name, |pod| {
            pod.ready = false;
            pod.ready_since = Some(ago(900));
            pod.claims = ["c0".into(), "c1".into()].into();
        }),
    };
    if let crate::objects::Body::Pod(pod) = &mut object.body {
        pod.node = (is.node > 0 && is.how != 3).then(|| format!("w{}", is.node - 1).into());
        pod.claims = ["c0".into()].into();
    }
    object.labels = [("app".into(), format!("d{}", is.owner % 2).into())].into();
    if is.owner < 3 {
        object = owned(object, "ReplicaSet", &format!("r{}", is.owner));
    }
    object
}

fn name(kind: ObjectKind, number: usize) -> String {
    let letter = match kind {
        ObjectKind::Pod => 'p',
        ObjectKind::Node => 'w',
        ObjectKind::Deployment => 'd',
        ObjectKind::ReplicaSet => 'r',
        ObjectKind::VolumeClaim => 'c',
        _ => 's',
    };
    format!("{letter}{number}")
}

fn host_feed(number: usize) -> String {
    format!("node-exporter/w{number} http://10.0.1.{number}:9100")
}

fn happen(world: &mut Scenario, happens: &Happens) {
    match happens {
        Happens::Pod(is) => world.put(a_pod(is)),
        Happens::Node(number, true) => world.put(node(&format!("w{number}"), |_| {})),
        Happens::Node(number, false) => {
            let since = world.now.wall;
            world.put(node(&format!("w{number}"), |node| lost(node, since)))
        }
        Happens::Deployment(number, ready) => {
            let at = ago(900);
            world.put(deployment(&format!("d{number}"), 3, |w| {
                (w.ready, w.available) = (*ready, *ready);
                if *ready < 3 {
                    w.conditions = [condition("Available", Status::False, at)].into();
                }
            }))
        }
        Happens::ReplicaSet(number, of) => {
            world.put(replica_set(&format!("r{number}"), &format!("d{of}")))
        }
        Happens::Claim(number, bound) => {
            let phase = if *bound { "Bound" } else { "Pending" };
            world.put(claim(&format!("c{number}"), phase, ago(900)))
        }
        Happens::Service(number, ready) => {
            let (name, app) = (format!("s{number}"), format!("d{number}"));
            world.put(service(&name, &[("app", &app)]));
            world.put(endpoints(&name, *ready, 1))
        }
        Happens::Gone(kind, number) => {
            let namespace = match kind {
                ObjectKind::Node => "",
                _ => "shop",
            };
            let gone = Delta::Gone {
                kind: *kind,
                namespace: namespace.into(),
                name: name(*kind, *number).into(),
            };
            world.deltas(*kind, vec![gone])
        }
        Happens::Host(number, true) => world.tell(&host_feed(*number), []),
        Happens::Host(number, false) => {
            world.fail(&host_feed(*number), Layer::Timeout, "no answer in 5s")
        }
        Happens::Watch(kind, true) => world.deltas(*kind, Vec::new()),
        Happens::Watch(kind, false) => world.lose_watch(*kind),
        Happens::Api(true) => world.api([api().into()]),
        Happens::Api(false) => world.fail_all(Layer::Timeout, "no answer in 5s"),
        Happens::Wait(secs) => world.wait(*secs),
    };
}

/// The ledger's places are those of a fold of all its findings by the present model.
pub(super) fn is_plain(ledger: &Ledger, model: &Model) -> Result<(), TestCaseError> {
    let causes_of = |id: &str| crate::findings::rule(id).map_or(&[][..], |rule| rule.causes);
    let entries = ledger.entries();
    let entries: Entries = entries.map(|e| (e.id.clone(), e.clone())).collect();
    let (folded, places) = plain::fold(&entries, model, causes_of);
    let roots = ledger.roots();
    let roots: Vec<&FindingId> = roots.iter().map(|entry| &entry.id).collect();
    prop_assert_eq!(roots, folded.roots.iter().collect::<Vec<_>>());
    for (entry, place) in entries.values().zip(places) {
        let here = (&entry.cause, &entry.folded, entry.weight);
        prop_assert_eq!(here, (&place.cause, &place.folded, place.weight));
        let here = (entry.effective, entry.spare);
        prop_assert_eq!(here, (place.effective, place.spare), "{}", entry.id);
    }
    prop_assert_eq!(ledger.subjects().count(), folded.worst.len());
    for (subject, worst) in &folded.worst {
        prop_assert_eq!(ledger.on(subject), Some(*worst));
        let on: Vec<&FindingId> = ledger.found_on(subject).map(|entry| &entry.id).collect();
        prop_assert_eq!(on, folded.on[subject].iter().collect::<Vec<_>>());
    }
    for (subject, worst) in &folded.worst_within {
        prop_assert_eq!(ledger.within(subject), Some(*worst));
        prop_assert_eq!(ledger.count_within(subject), folded.within[subject]);
    }
    let kinds: BTreeSet<SubjectKind> = folded.worst.keys().map(|subject| subject.kind).collect();
    for kind in kinds {
        let troubled = folded.troubled.get(&kind).copied();
        prop_assert_eq!(ledger.troubled(kind), troubled);
    }
    prop_assert_eq!(ledger.counts(), folded.counts);
    Ok(())
}

fn world() -> Scenario {
    let mut world = Scenario::kube([]);
    for number in 0..2 {
        world.feed(&host_feed(number), &format!("host/w{number}"));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn following_a_cluster_is_folding_all_of_it_anew(all in happenings(), quiet in 1..4_usize) {
        let mut world = world();
        world.run();
        for (at, happens) in all.iter().enumerate() {
            happen(&mut world, happens);
            // Several changes may come between two runs.
            if at % quiet == 0 {
                world.run();
                is_plain(&world.ledger, &world.model)?;
            }
        }
    }
}

/// Findings that one change seeks a cause for are those that it may concern.
#[test]
fn a_crash_beside_a_thousand_others_seeks_no_cause_but_its_own() {
    let crashing = |name: &str| {
        pod(name, |pod| {
            pod.ready = false;
            pod.containers = [waiting(container("web"), "CrashLoopBackOff")].into();
        })
    };
    let pods = (0..1000).map(|n| {
        let pod = crashing(&format!("p{n:04}"));
        owned(pod, "ReplicaSet", &format!("r{}", n / 10))
    });
    let sets = (0..100).map(|n| replica_set(&format!("r{n}"), &format!("d{n}")));
    let mut world = Scenario::kube(pods.chain(sets));
    world.put(deployment("d7", 10, |w| (w.ready, w.available) = (0, 0)));
    world.run();
    let fold = Fold::clone(world.ledger.fold());
    let near = |id: FindingId| {
        let mut again = BTreeSet::new();
        near::explained_by(&fold, &world.model, &id, &mut again);
        again.len()
    };
    let id = |rule: &str, subject: &str| FindingId {
        rule: rule.into(),
        subject: subject.parse().unwrap(),
        key: "".into(),
    };
    assert_eq!(near(id("pod-crash-looping", "pod/prod/shop/p0001")), 0);
    assert_eq!(
        near(id("workload-unavailable", "deployment/prod/shop/d7")),
        10
    );
}
