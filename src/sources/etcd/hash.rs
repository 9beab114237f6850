//! The probe that compares what the members store: one hash of each, all of one revision.
//!
//! Hashes can be compared only when they are of the same revision, above the same compaction, by
//! the same version of etcd. Members polled one by one at their own times would never meet those
//! terms, so one probe asks all of them: first every `Status`, then `HashKV` at the lowest revision
//! that any of them has. A member holds its read lock while it hashes, which keeps its writes
//! waiting; so the members are asked one after the other, seldom, and not at all when the database
//! is large. While some are away the poller asks again soon, but the others are hashed anew only
//! when who answers has changed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tonic::Code;

use super::answers;
use super::call::{Caller, Refused};
use super::proto::{MemberListResponse, StatusResponse};
use crate::clients::endpoint::Endpoint;
use crate::clock::{self, Stamp};
use crate::config::settings::ConfigError;
use crate::facts::{EtcdHash, EtcdMembers, FactKind};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::sources::{Answer, PollFuture, Probe};
use crate::subject::Subject;
use crate::units::Bytes;

/// Often enough to learn of corruption the same night, seldom enough to cost nothing.
const PERIOD: Duration = Duration::from_secs(600);

/// Largest database that is hashed: under a second of work on a slow disk (own choice).
const LARGEST: Bytes = Bytes(256 << 20);

/// Connections to all members of one cluster.
pub(super) struct HashProbe {
    cluster: Arc<str>,
    callers: Vec<Caller>,
    limit: Duration,
    /// When hashes were last had of all who answered, and which callers those were.
    hashed: Option<(Stamp, Vec<usize>)>,
}

/// A member that answered: where in the list of callers, and its status.
struct Alive {
    caller: usize,
    status: StatusResponse,
}

impl HashProbe {
    pub fn new(
        cluster: Arc<str>,
        endpoints: impl IntoIterator<Item = Arc<Endpoint>>,
        limit: Duration,
    ) -> Result<Self, ConfigError> {
        let callers = endpoints.into_iter().map(Caller::new);
        Ok(Self {
            cluster,
            callers: callers.collect::<Result<_, _>>()?,
            limit,
            hashed: None,
        })
    }

    async fn ask(&mut self) -> Answer {
        // A third to learn who is there, the rest for the hashes.
        let limit = self.limit / 3;
        let asked = self
            .callers
            .iter()
            .map(|caller| async move { tokio::join!(caller.status(limit), caller.members(limit)) });
        let mut bytes = 0;
        let (mut alive, mut list, mut lost) = (Vec::new(), EtcdMembers::default(), Vec::new());
        for (caller, (status, members)) in join_all(asked).await.into_iter().enumerate() {
            match status {
                Ok((status, size)) => {
                    bytes += size;
                    alive.push(Alive { caller, status });
                }
                Err(refused) => lost.push(self.outage(caller, refused)),
            }
            if let Ok((answer, size)) = members {
                bytes += size;
                list = longer(list, &answer);
            }
        }
        if alive.is_empty() && !lost.is_empty() {
            return Answer::failed(bytes, lost.swap_remove(0));
        }
        let mut harvest = Harvest {
            subject: Some(self.subject()),
            ..Harvest::default()
        };
        match comparable(&alive) {
            Err(outage) => lost.push(outage),
            // What is known stays: a lost kind is not forgotten.
            Ok(_) if !lost.is_empty() && !self.is_due(&alive, clock::stamp()) => {}
            Ok(revision) => {
                let mut hashed = true;
                let limit = self.limit * 2 / 3 / u32::try_from(alive.len()).unwrap_or(u32::MAX);
                for member in &alive {
                    match self.hash(member, limit, revision).await {
                        Ok((hash, size)) => {
                            bytes += size;
                            let id = member.status.header.map_or(0, |header| header.member_id);
                            let name = answers::name(&list, id);
                            let subject = Subject::etcd_member(&self.cluster, &name);
                            harvest.facts.push((subject, hash.into()));
                        }
                        Err(refused) => {
                            hashed = false;
                            lost.push(self.outage(member.caller, refused));
                        }
                    }
                }
                let callers = alive.iter().map(|member| member.caller).collect();
                self.hashed = hashed.then(|| (clock::stamp(), callers));
            }
        }
        let lost = lost.into_iter().map(|outage| Lost {
            kind: FactKind::EtcdHash,
            outage,
        });
        harvest.lost = lost.collect();
        Answer::ok(bytes, harvest)
    }

    /// While a member is away: is there something new to learn of the others?
    fn is_due(&self, alive: &[Alive], now: Stamp) -> bool {
        self.hashed.as_ref().is_none_or(|(at, callers)| {
            let same = alive.iter().map(|member| &member.caller).eq(callers);
            !same || now.since(*at) >= PERIOD
        })
    }

    async fn hash(
        &self,
        member: &Alive,
        limit: Duration,
        revision: i64,
    ) -> Result<(EtcdHash, u64), Refused> {
        let caller = &self.callers[member.caller];
        let (answer, size, asked) = match caller.hash(limit, revision).await {
            Ok((answer, size)) => (answer, size, revision),
            // A quiet cluster that was compacted to its very last revision: releases before 3.6
            // refuse that revision by number and still hash it as the current one.
            Err(refused) if refused.code == Some(Code::OutOfRange) => {
                let (answer, size) = caller.hash(limit, 0).await?;
                (answer, size, 0)
            }
            Err(refused) => return Err(refused),
        };
        Ok((answers::hash(&answer, asked), size))
    }

    fn outage(&self, caller: usize, refused: Refused) -> Outage {
        let place = &self.callers[caller].endpoint.name;
        Outage {
            detail: format!("{place}: {}", refused.outage.detail),
            ..refused.outage
        }
    }
}

/// The revision that all can be asked for, or why their hashes would mean nothing.
fn comparable(alive: &[Alive]) -> Result<i64, Outage> {
    let no = |why: String| Err(Outage::new(Layer::Protocol, why));
    if alive.len() < 2 {
        return no("fewer than two members answer, so there is nothing to compare".into());
    }
    let mut versions: Vec<&str> = alive.iter().map(|m| m.status.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    if versions.len() > 1 {
        let versions = versions.join(" and ");
        return no(format!(
            "members run {versions}, and hashes of different versions may differ by themselves"
        ));
    }
    let largest = alive.iter().map(|m| m.status.db_size).max().unwrap_or(0);
    let largest = Bytes(u64::try_from(largest).unwrap_or(0));
    if largest > LARGEST {
        return no(format!(
            "the database has {largest}: hashing it would keep writes waiting"
        ))
        .map_err(|o| o.hint("run `etcdctl endpoint hashkv --cluster` at a quiet hour"));
    }
    let revisions = alive.iter().filter_map(|m| m.status.header.as_ref());
    Ok(revisions.map(|header| header.revision).min().unwrap_or(0))
}

/// The member list that knows more: one that is behind names fewer.
fn longer(known: EtcdMembers, answer: &MemberListResponse) -> EtcdMembers {
    if answer.members.len() > known.members.len() {
        answers::members(answer)
    } else {
        known
    }
}

impl Probe for HashProbe {
    fn endpoint(&self) -> String {
        "all members (hash)".into()
    }

    fn subject(&self) -> Subject {
        Subject::etcd(&self.cluster)
    }

    fn period(&self, target: Duration) -> Duration {
        target.max(PERIOD)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.ask())
    }

    fn waiting_for(&self) -> String {
        format!("hashes of {} members", self.callers.len())
    }
}

impl fmt::Debug for HashProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashProbe({})", self.cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::super::proto::ResponseHeader;
    use super::*;

    fn member(caller: usize, version: &str, revision: i64, size: i64) -> Alive {
        Alive {
            caller,
            status: StatusResponse {
                header: Some(ResponseHeader {
                    revision,
                    ..ResponseHeader::default()
                }),
                version: version.into(),
                db_size: size,
                ..StatusResponse::default()
            },
        }
    }

    #[test]
    fn all_are_asked_for_the_revision_of_the_one_behind() {
        let members = [
            member(0, "3.7.3", 90, 1),
            member(1, "3.7.3", 87, 1),
            member(2, "3.7.3", 91, 1),
        ];
        assert_eq!(comparable(&members).unwrap(), 87);
    }

    #[test]
    fn a_rolling_upgrade_is_not_taken_for_corruption() {
        let members = [member(0, "3.4.23", 9, 1), member(1, "3.7.3", 9, 1)];
        let why = comparable(&members).unwrap_err().detail;
        assert!(why.contains("3.4.23 and 3.7.3"), "{why}");
    }

    #[test]
    fn one_member_alone_proves_nothing() {
        assert!(comparable(&[member(0, "3.7.3", 9, 1)]).is_err());
    }

    #[test]
    fn while_one_is_away_the_others_are_not_hashed_every_minute() {
        let mut probe = HashProbe::new("prod".into(), [], Duration::ZERO).unwrap();
        let two = [member(0, "3.7.3", 9, 1), member(2, "3.7.3", 9, 1)];
        let later = |secs| Stamp::default() + Duration::from_secs(secs);
        assert!(probe.is_due(&two, later(0)), "nothing was hashed yet");
        probe.hashed = Some((later(0), vec![0, 2]));
        assert!(!probe.is_due(&two, later(60)));
        assert!(probe.is_due(&two, later(600)), "the period is over");
        probe.hashed = Some((later(0), vec![1, 2]));
        assert!(probe.is_due(&two, later(60)), "others answer now");
    }

    #[test]
    fn a_large_database_is_left_alone_and_says_how_to_do_it() {
        let size = 300 << 20;
        let members = [member(0, "3.7.3", 9, 1), member(1, "3.7.3", 9, size)];
        let outage = comparable(&members).unwrap_err();
        assert!(outage.detail.contains("300 MiB"), "{}", outage.detail);
        assert!(outage.hint.is_some());
    }
}
