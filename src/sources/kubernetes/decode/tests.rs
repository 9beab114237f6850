//! What a real API server (1.36) said in protobuf, against what it said in JSON about the same
//! objects; and what no server says.

mod expected;
mod values;

use serde_json::Value;

use super::super::frame::{Cutter, Piece, Shape};
use super::*;
use crate::objects::ObjectKind as Kind;
use expected::object_of;
use values::text;

/// The recorded list of a kind, in both encodings.
fn recorded(kind: Kind) -> (&'static [u8], &'static str) {
    macro_rules! file {
        ($name:literal) => {
            (
                include_bytes!(concat!(
                    "../../../../tests/fixtures/payloads/kubernetes/",
                    $name,
                    ".pb"
                ))
                .as_slice(),
                include_str!(concat!(
                    "../../../../tests/fixtures/payloads/kubernetes/",
                    $name,
                    ".json"
                )),
            )
        };
    }
    match kind {
        Kind::Node => file!("nodes"),
        Kind::Pod => file!("pods"),
        Kind::Namespace => file!("namespaces"),
        Kind::Deployment => file!("deployments"),
        Kind::StatefulSet => file!("statefulsets"),
        Kind::DaemonSet => file!("daemonsets"),
        Kind::ReplicaSet => file!("replicasets"),
        Kind::Job => file!("jobs"),
        Kind::CronJob => file!("cronjobs"),
        Kind::Event => file!("events"),
        Kind::DisruptionBudget => file!("poddisruptionbudgets"),
        Kind::VolumeClaim => file!("persistentvolumeclaims"),
        Kind::Volume => file!("persistentvolumes"),
        Kind::Service => file!("services"),
        Kind::Endpoints => file!("endpointslices"),
        Kind::Quota => file!("resourcequotas"),
        Kind::Lease => file!("leases"),
    }
}

/// The raw items of a list.
fn items(list: &[u8]) -> Vec<Vec<u8>> {
    let mut cutter = Cutter::new(Shape::List);
    cutter.feed(list);
    let mut items = Vec::new();
    while let Some(piece) = cutter.cut().unwrap() {
        if let Piece::Item(item) = piece {
            items.push(item.to_vec());
        }
    }
    assert!(cutter.is_whole());
    items
}

#[test]
fn every_kind_reads_in_protobuf_as_in_json() {
    for kind in Kind::ALL {
        let (list, json) = recorded(*kind);
        let json: Value = serde_json::from_str(json).unwrap();
        let expected = json["items"].as_array().unwrap();
        let items = items(list);
        assert_eq!(items.len(), expected.len(), "{kind:?}");
        let mut decoder = Decoder::new("prod".into());
        for (item, expected) in items.iter().zip(expected) {
            let (object, version) = decoder.object(*kind, item).unwrap();
            assert_eq!(object, object_of(*kind, expected));
            assert_eq!(version, text(expected, "/metadata/resourceVersion"));
            let place = decoder.place(*kind, item).unwrap();
            assert_eq!(
                (&place.namespace, &*place.name),
                (&object.namespace, &*object.name)
            );
        }
        assert_eq!(decoder.take_refused(), 0, "{kind:?}");
    }
}

#[test]
fn any_damage_to_an_object_is_an_error_or_an_object_and_never_a_panic() {
    for kind in Kind::ALL {
        let mut decoder = Decoder::new("prod".into());
        for item in items(recorded(*kind).0) {
            for at in 0..item.len() {
                // Cut off, and a bit turned, another at each place.
                let _ = decoder.object(*kind, &item[..at]);
                let mut damaged = item.clone();
                damaged[at] ^= 1 << (at % 8);
                let _ = decoder.object(*kind, &damaged);
            }
        }
    }
}

/// A message's field, as a peer writes it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128 && number < 16);
    let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    out.extend_from_slice(bytes);
    out
}

fn meta(namespace: &str, name: &str) -> Vec<u8> {
    let inner = [field(1, name.as_bytes()), field(3, namespace.as_bytes())].concat();
    field(1, &inner)
}

#[test]
fn an_object_that_cannot_be_placed_is_refused() {
    let mut decoder = Decoder::new("prod".into());
    for (kind, namespace, name) in [
        (Kind::Pod, "shop", ""),
        (Kind::Pod, "", "web"),
        (Kind::Pod, "shop", "../../nodes"),
        (Kind::Pod, "sh/op", "web"),
        (Kind::Node, "shop", "w-03"),
    ] {
        let object = meta(namespace, name);
        assert!(
            decoder.object(kind, &object).is_err(),
            "{kind:?} {namespace:?} {name:?}"
        );
    }
    assert!(decoder.object(Kind::Node, &meta("", "w-03")).is_ok());
}

#[test]
fn impossible_values_are_left_out_and_counted() {
    let mut decoder = Decoder::new("prod".into());
    // Replicas -1; a condition a hundred thousand years ahead.
    let minus_one = b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    let time = field(7, b"\x08\x80\xa0\xb6\xd0\xcf\x1d");
    let condition = field(6, &[field(1, b"Available"), time].concat());
    let deployment = [
        meta("shop", "web"),
        field(2, minus_one),
        field(3, &condition),
    ]
    .concat();
    let (object, _) = decoder.object(Kind::Deployment, &deployment).unwrap();
    let Body::Deployment(workload) = object.body else {
        panic!("a deployment");
    };
    assert_eq!(workload.desired, 0);
    assert_eq!(workload.conditions[0].since, None);
    assert_eq!(decoder.take_refused(), 2);
    assert_eq!(decoder.take_refused(), 0, "told once");

    let amount = [field(1, b"cpu"), field(2, &field(1, b"much"))].concat();
    let node = [meta("", "w-03"), field(3, &field(1, &amount))].concat();
    let (object, _) = decoder.object(Kind::Node, &node).unwrap();
    let Body::Node(node) = object.body else {
        panic!("a node");
    };
    assert_eq!(node.capacity.cpu_milli, None);
    assert_eq!(decoder.take_refused(), 1);
}

#[test]
fn equal_parts_of_objects_are_shared() {
    let item = &items(recorded(Kind::Pod).0)[2];
    let mut decoder = Decoder::new("prod".into());
    let (one, _) = decoder.object(Kind::Pod, item).unwrap();
    let (two, _) = decoder.object(Kind::Pod, item).unwrap();
    let (Body::Pod(a), Body::Pod(b)) = (&one.body, &two.body) else {
        panic!("pods");
    };
    assert!(Arc::ptr_eq(&one.labels, &two.labels));
    assert!(Arc::ptr_eq(
        one.owner.as_ref().unwrap(),
        two.owner.as_ref().unwrap()
    ));
    assert!(Arc::ptr_eq(&a.containers[0].spec, &b.containers[0].spec));
    assert!(Arc::ptr_eq(
        a.node.as_ref().unwrap(),
        b.node.as_ref().unwrap()
    ));
}

#[test]
fn a_message_is_cut_between_characters() {
    assert_eq!(cut("short"), "short");
    let long = "ü".repeat(MESSAGE_MAX);
    assert_eq!(cut(&long).len(), MESSAGE_MAX);
    assert_eq!(cut(&format!("a{long}")).len(), MESSAGE_MAX - 1);
}
