//! What becomes of a poll whose parts were had or lost.

use super::super::proto::{Member, ResponseHeader};
use super::*;
use crate::clients::endpoint::Endpoint;
use crate::clock::Now;
use crate::config::settings::Settings;
use crate::facts::FactKind;
use crate::units::Bytes;

fn probe() -> MemberProbe {
    let endpoint = Endpoint::from_settings("http://10.0.0.11:2379", 2379, &Settings::default());
    let endpoint = Arc::new(endpoint.unwrap());
    let place = Place {
        grpc: endpoint.clone(),
        http: endpoint,
    };
    MemberProbe::new("prod".into(), place, Duration::from_secs(1)).unwrap()
}

fn header() -> ResponseHeader {
    ResponseHeader {
        member_id: 0xab,
        ..ResponseHeader::default()
    }
}

fn response() -> Response {
    Response {
        status: 200,
        content_type: String::new(),
        date: Some(Now::fixed().wall),
        sent: Now::fixed(),
        answered: Now::fixed(),
        wire_bytes: 0,
        body_bytes: 0,
        certificate: None,
    }
}

fn all_had() -> Parts {
    Parts {
        members: Ok(MemberListResponse {
            header: Some(header()),
            members: vec![Member {
                id: 0xab,
                name: "m1".into(),
                ..Member::default()
            }],
        }),
        status: Ok(StatusResponse {
            header: Some(header()),
            ..StatusResponse::default()
        }),
        alarms: Ok(EtcdAlarms::default()),
        health: Ok((EtcdHealth::default(), response())),
        metrics: Ok((
            EtcdMetrics {
                quota: Some(Bytes(7)),
                ..EtcdMetrics::default()
            },
            response(),
        )),
        certificate: None,
        refused: 0,
    }
}

fn refused() -> Outage {
    Outage::new(Layer::Tcp, "refused")
}

fn on(harvest: &Harvest, subject: &Subject) -> Vec<FactKind> {
    let facts = harvest.facts.iter().filter(|(about, _)| about == subject);
    facts.map(|(_, fact)| fact.kind()).collect()
}

#[tokio::test]
async fn a_whole_poll_speaks_for_the_member_by_name_and_for_the_cluster() {
    let harvest = probe().compose(all_had()).unwrap();
    let member = Subject::etcd_member("prod", "m1");
    assert_eq!(harvest.subject.as_ref(), Some(&member));
    assert_eq!(
        on(&harvest, &Subject::etcd("prod")),
        [FactKind::EtcdMembers, FactKind::EtcdAlarms]
    );
    assert_eq!(
        on(&harvest, &member),
        [
            FactKind::EtcdStatus,
            FactKind::EtcdHealth,
            FactKind::EtcdMetrics,
            FactKind::ClockOffset
        ]
    );
    assert!(harvest.lost.is_empty());
}

#[tokio::test]
async fn the_quota_comes_from_metrics_where_status_lacks_it() {
    let harvest = probe().compose(all_had()).unwrap();
    let mut statuses = harvest.facts.iter().filter_map(|(_, f)| EtcdStatus::of(f));
    assert_eq!(statuses.next().unwrap().db_quota, Some(Bytes(7)));
}

#[tokio::test]
async fn http_that_moved_is_lost_with_a_hint_and_the_rest_is_told() {
    let parts = Parts {
        health: Err(refused()),
        metrics: Err(refused()),
        ..all_had()
    };
    let harvest = probe().compose(parts).unwrap();
    let lost: Vec<FactKind> = harvest.lost.iter().map(|lost| lost.kind).collect();
    assert_eq!(lost, [FactKind::EtcdHealth, FactKind::EtcdMetrics]);
    for lost in &harvest.lost {
        let hint = lost.outage.hint.as_deref().unwrap();
        assert!(hint.starts_with("set `metrics_endpoints`"), "{hint}");
    }
}

#[tokio::test]
async fn a_member_of_which_no_part_answers_is_an_outage() {
    let parts = Parts {
        members: Err(refused()),
        status: Err(Outage::new(Layer::Timeout, "Status")),
        alarms: Err(refused()),
        health: Err(refused()),
        metrics: Err(refused()),
        ..all_had()
    };
    // Status is the part that names the layer: the others may have failed as its consequence.
    assert_eq!(probe().compose(parts).unwrap_err().layer, Layer::Timeout);
}

#[tokio::test]
async fn without_grpc_the_subject_stays_as_last_known() {
    let mut probe = probe();
    let dumb = || Parts {
        members: Err(refused()),
        status: Err(refused()),
        alarms: Err(refused()),
        ..all_had()
    };
    let place = probe.compose(dumb()).unwrap().subject.unwrap();
    assert_eq!(place.to_string(), "etcd/prod/10.0.0.11:2379");
    probe.compose(all_had()).unwrap();
    let named = probe.compose(dumb()).unwrap().subject.unwrap();
    assert_eq!(named.to_string(), "etcd/prod/m1");
}

#[tokio::test]
async fn another_member_behind_the_endpoint_does_not_inherit_the_name() {
    let mut probe = probe();
    probe.compose(all_had()).unwrap();
    let parts = Parts {
        members: Err(refused()),
        status: Ok(StatusResponse {
            header: Some(ResponseHeader {
                member_id: 0xcd,
                ..ResponseHeader::default()
            }),
            ..StatusResponse::default()
        }),
        ..all_had()
    };
    let subject = probe.compose(parts).unwrap().subject.unwrap();
    assert_eq!(subject.to_string(), "etcd/prod/cd");
}
