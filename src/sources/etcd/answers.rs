//! From etcd's answers to facts. Pure: no clock, no connection, and a zero that means "not told"
//! never becomes a value.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::proto::{AlarmResponse, HashKvResponse, MemberListResponse, StatusResponse};
use crate::facts::{
    EtcdAlarm, EtcdAlarms, EtcdHash, EtcdHealth, EtcdMember, EtcdMembers, EtcdStatus,
};
use crate::observation::{Layer, Outage};
use crate::units::Bytes;

/// What every gRPC part gets a name in errors by.
pub(super) const HTTP_HINT: &str = "set `metrics_endpoints` when etcd serves HTTP elsewhere \
     (--listen-metrics-urls, --listen-client-http-urls)";

#[must_use]
pub fn members(answer: &MemberListResponse) -> EtcdMembers {
    let texts = |urls: &[String]| urls.iter().map(|url| Arc::from(url.as_str())).collect();
    EtcdMembers {
        cluster_id: answer.header.as_ref().map_or(0, |header| header.cluster_id),
        members: answer
            .members
            .iter()
            .map(|member| EtcdMember {
                id: member.id,
                name: member.name.as_str().into(),
                peer_urls: texts(&member.peer_urls),
                client_urls: texts(&member.client_urls),
                learner: member.is_learner,
            })
            .collect(),
    }
}

/// The name of a member as its cluster calls it; the id in hex where the list does not know it.
#[must_use]
pub fn name(list: &EtcdMembers, id: u64) -> String {
    list.members
        .iter()
        .find(|member| member.id == id)
        .map_or_else(|| format!("{id:x}"), EtcdMember::label)
}

#[must_use]
pub fn status(answer: &StatusResponse) -> EtcdStatus {
    let header = answer.header.unwrap_or_default();
    let told = |size: i64| u64::try_from(size).ok().filter(|size| *size > 0);
    let storage = answer.storage_version.as_str();
    EtcdStatus {
        member_id: header.member_id,
        cluster_id: header.cluster_id,
        version: answer.version.as_str().into(),
        storage_version: (!storage.is_empty()).then(|| storage.into()),
        db_size: Bytes(told(answer.db_size).unwrap_or(0)),
        db_in_use: told(answer.db_size_in_use).map(Bytes),
        db_quota: told(answer.db_size_quota).map(Bytes),
        leader: (answer.leader != 0).then_some(answer.leader),
        raft_index: answer.raft_index,
        raft_applied: answer.raft_applied_index,
        raft_term: answer.raft_term,
        learner: answer.is_learner,
        errors: answer
            .errors
            .iter()
            .map(|e| e.trim().to_owned())
            .filter(|e| !is_alarm(e))
            .collect(),
        revision: header.revision,
    }
}

/// Alarms from the lines that `Status` carries. `None` when a line is neither an alarm nor the
/// known word about the leader: then the list must be asked for.
///
/// Every member repeats its alarm store there from memory. `Alarm(GET)` would tell the same, but
/// etcd runs it through raft even to read: it needs a quorum, and each call is a log entry that
/// every member syncs to disk. Watching must not cost that.
#[must_use]
pub fn alarms_in_status(answer: &StatusResponse) -> Option<EtcdAlarms> {
    let lines = answer.errors.iter().map(|line| line.trim());
    lines
        .filter(|line| !line.ends_with("no leader"))
        .map(alarm_line)
        .collect::<Option<Vec<_>>>()
        .map(EtcdAlarms)
}

fn is_alarm(line: &str) -> bool {
    alarm_line(line).is_some()
}

/// `memberID:1366 alarm:NOSPACE`, with any spacing: the text form of protobuf promises none.
fn alarm_line(line: &str) -> Option<(u64, EtcdAlarm)> {
    let (mut member, mut alarm) = (0, None);
    for word in line.split_whitespace() {
        match word.split_once(':')? {
            ("memberID", id) => member = id.parse().ok()?,
            ("alarm", "NOSPACE") => alarm = Some(EtcdAlarm::NoSpace),
            ("alarm", "CORRUPT") => alarm = Some(EtcdAlarm::Corrupt),
            ("alarm", number) => alarm = Some(EtcdAlarm::Other(number.parse().ok()?)),
            _ => return None,
        }
    }
    Some((member, alarm?))
}

#[must_use]
pub fn alarms(answer: &AlarmResponse) -> EtcdAlarms {
    let kind = |raw: i32| match raw {
        1 => EtcdAlarm::NoSpace,
        2 => EtcdAlarm::Corrupt,
        other => EtcdAlarm::Other(other),
    };
    EtcdAlarms(
        answer
            .alarms
            .iter()
            .filter(|alarm| alarm.alarm != 0)
            .map(|alarm| (alarm.member_id, kind(alarm.alarm)))
            .collect(),
    )
}

/// A hash with the revision that it is of. `asked` is what the request said: before 3.6 the answer
/// does not repeat it, and for zero the header tells the revision that the member chose.
#[must_use]
pub fn hash(answer: &HashKvResponse, asked: i64) -> EtcdHash {
    let current = answer.header.as_ref().map_or(0, |header| header.revision);
    let revision = [answer.hash_revision, asked, current]
        .into_iter()
        .find(|revision| *revision > 0)
        .unwrap_or(0);
    EtcdHash {
        hash: answer.hash,
        revision,
        compact_revision: answer.compact_revision,
    }
}

#[derive(Deserialize)]
struct HealthBody {
    health: Flag,
    #[serde(default)]
    reason: String,
}

/// 3.3 and later write the text `"true"`; a plain boolean is taken as well.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Bool(bool),
    Text(String),
}

/// `/health`, whatever its status: 503 carries the same body with the reason.
///
/// # Errors
/// `protocol` or `auth` when the body is not etcd's and the status says why, `parse` when the
/// body alone is wrong.
pub fn health(http_status: u16, body: &[u8], took: Duration) -> Result<EtcdHealth, Outage> {
    let Ok(told) = serde_json::from_slice::<HealthBody>(body) else {
        return Err(match http_status {
            401 | 403 => Outage::new(Layer::Auth, format!("/health answered {http_status}")),
            200 => Outage::new(Layer::Parse, "/health is not etcd's JSON").hint(HTTP_HINT),
            _ => Outage::new(Layer::Protocol, format!("/health answered {http_status}"))
                .hint(HTTP_HINT),
        });
    };
    let healthy = match told.health {
        Flag::Bool(flag) => flag,
        Flag::Text(text) => text == "true",
    };
    Ok(EtcdHealth {
        healthy,
        reason: told.reason,
        took,
    })
}

#[cfg(test)]
mod tests {
    use super::super::proto::{AlarmMember, Member, ResponseHeader};
    use super::*;

    const HEALTH_34: &[u8] =
        include_bytes!("../../../tests/fixtures/payloads/etcd/health-3.4-nospace.json");
    const HEALTH_37: &[u8] =
        include_bytes!("../../../tests/fixtures/payloads/etcd/health-3.7-nospace.json");
    const WELL_34: &[u8] = include_bytes!("../../../tests/fixtures/payloads/etcd/health-3.4.json");

    fn header() -> ResponseHeader {
        ResponseHeader {
            cluster_id: 7,
            member_id: 11,
            revision: 42,
            raft_term: 3,
        }
    }

    fn with_errors(errors: &[&str]) -> StatusResponse {
        StatusResponse {
            header: Some(header()),
            errors: errors.iter().map(|e| (*e).to_owned()).collect(),
            ..StatusResponse::default()
        }
    }

    #[test]
    fn a_member_that_never_started_is_called_by_its_id() {
        let list = members(&MemberListResponse {
            header: Some(header()),
            members: vec![
                Member {
                    id: 11,
                    name: "m1".into(),
                    ..Member::default()
                },
                Member {
                    id: 0xfe,
                    is_learner: true,
                    ..Member::default()
                },
            ],
        });
        assert_eq!(list.cluster_id, 7);
        assert_eq!(name(&list, 11), "m1");
        assert_eq!(name(&list, 0xfe), "fe");
        assert_eq!(name(&list, 0xabc), "abc");
        assert!(list.members[1].learner);
    }

    #[test]
    fn what_3_4_does_not_tell_is_no_zero() {
        let old = StatusResponse {
            header: Some(header()),
            version: "3.4.23".into(),
            db_size: 188_416,
            ..StatusResponse::default()
        };
        let told = status(&old);
        assert_eq!(told.db_quota, None);
        assert_eq!(told.db_in_use, None);
        assert_eq!(told.storage_version, None);
        assert_eq!(told.leader, None);
        assert_eq!(told.revision, 42);
        let new = StatusResponse {
            leader: 11,
            db_size_quota: 200_000,
            storage_version: "3.7.0".into(),
            ..old
        };
        let told = status(&new);
        assert_eq!(told.db_quota, Some(Bytes(200_000)));
        assert_eq!(told.storage_version.as_deref(), Some("3.7.0"));
        assert_eq!(told.leader, Some(11));
    }

    /// Lines as etcd 3.4.23 and 3.7.3 wrote them, spaces included.
    #[test]
    fn alarms_are_read_from_the_status_of_both_ends_of_the_range() {
        let old = with_errors(&["memberID:13668033151171901709 alarm:NOSPACE "]);
        let new = with_errors(&[
            "etcdserver: no leader",
            "memberID:185828541645115251  alarm:CORRUPT",
        ]);
        assert_eq!(
            alarms_in_status(&old).unwrap().0,
            [(13_668_033_151_171_901_709, EtcdAlarm::NoSpace)]
        );
        assert_eq!(
            alarms_in_status(&new).unwrap().0,
            [(185_828_541_645_115_251, EtcdAlarm::Corrupt)]
        );
        assert_eq!(status(&new).errors, ["etcdserver: no leader"]);
    }

    #[test]
    fn no_errors_is_no_alarm_and_an_unknown_error_is_no_answer() {
        assert_eq!(
            alarms_in_status(&with_errors(&[])),
            Some(EtcdAlarms::default())
        );
        let odd = with_errors(&["etcdserver: something new"]);
        assert_eq!(alarms_in_status(&odd), None);
        assert_eq!(status(&odd).errors, ["etcdserver: something new"]);
    }

    #[test]
    fn an_alarm_newer_than_this_program_is_kept_by_number() {
        let list = alarms(&AlarmResponse {
            header: None,
            alarms: [0, 1, 9]
                .map(|alarm| AlarmMember {
                    member_id: 5,
                    alarm,
                })
                .to_vec(),
        });
        assert_eq!(list.0, [(5, EtcdAlarm::NoSpace), (5, EtcdAlarm::Other(9))]);
    }

    #[test]
    fn a_hash_names_its_revision_on_every_version() {
        let old = HashKvResponse {
            header: Some(header()),
            hash: 1,
            compact_revision: -1,
            hash_revision: 0,
        };
        assert_eq!(hash(&old, 40).revision, 40);
        assert_eq!(hash(&old, 0).revision, 42);
        let new = HashKvResponse {
            hash_revision: 39,
            ..old
        };
        assert_eq!(hash(&new, 0).revision, 39);
    }

    #[test]
    fn health_is_read_from_200_and_503_alike() {
        let took = Duration::from_millis(3);
        let old = health(503, HEALTH_34, took).unwrap();
        assert!(!old.healthy && old.reason.is_empty() && old.took == took);
        assert_eq!(
            health(503, HEALTH_37, took).unwrap().reason,
            "ALARM NOSPACE"
        );
        assert!(health(200, WELL_34, took).unwrap().healthy);
    }

    #[test]
    fn another_answer_at_health_is_an_outage_with_a_hint() {
        let missing = health(404, b"404 page not found", Duration::ZERO).unwrap_err();
        assert_eq!(missing.layer, Layer::Protocol);
        assert!(missing.hint.unwrap().contains("metrics_endpoints"));
        let page = health(200, b"<html>", Duration::ZERO).unwrap_err();
        assert_eq!(page.layer, Layer::Parse);
        let refused = health(403, b"", Duration::ZERO).unwrap_err();
        assert_eq!(refused.layer, Layer::Auth);
    }
}
