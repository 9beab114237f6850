//! Facts about an etcd cluster and its members.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use crate::units::Bytes;

/// The member list as one member tells it, on the cluster subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EtcdMembers {
    pub cluster_id: u64,
    pub members: Vec<EtcdMember>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EtcdMember {
    pub id: u64,
    /// Empty while the member was added but never started.
    pub name: Arc<str>,
    pub peer_urls: Vec<Arc<str>>,
    pub client_urls: Vec<Arc<str>>,
    pub learner: bool,
}

impl EtcdMember {
    /// The name that midwatch calls it by: its own, or its id in hex while it has none.
    #[must_use]
    pub fn label(&self) -> String {
        if self.name.is_empty() {
            format!("{:x}", self.id)
        } else {
            self.name.to_string()
        }
    }
}

/// `Maintenance/Status` of one member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EtcdStatus {
    pub member_id: u64,
    pub cluster_id: u64,
    pub version: Arc<str>,
    /// 3.6 and later.
    pub storage_version: Option<Arc<str>>,
    pub db_size: Bytes,
    /// 3.4 and later.
    pub db_in_use: Option<Bytes>,
    /// 3.6 and later; from `/metrics` otherwise.
    pub db_quota: Option<Bytes>,
    /// Member id of the leader; `None` when there is none.
    pub leader: Option<u64>,
    pub raft_index: u64,
    pub raft_applied: u64,
    pub raft_term: u64,
    pub learner: bool,
    pub errors: Vec<String>,
    pub revision: i64,
}

/// Alarms as one member tells them, on the cluster subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EtcdAlarms(pub Vec<(u64, EtcdAlarm)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EtcdAlarm {
    NoSpace,
    Corrupt,
    /// A kind newer than this program.
    Other(i32),
}

/// `HashKV` at a revision; equal revisions must have equal hashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EtcdHash {
    pub hash: u32,
    pub revision: i64,
    pub compact_revision: i64,
}

/// `/health`, which does a linearizable read: only a member with quorum answers it well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EtcdHealth {
    pub healthy: bool,
    pub reason: String,
    pub took: Duration,
}

/// The part of `/metrics` that verdicts need. Counters since the member's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EtcdMetrics {
    pub has_leader: Option<bool>,
    pub is_leader: Option<bool>,
    pub leader_changes: Option<f64>,
    pub proposals_committed: Option<f64>,
    pub proposals_applied: Option<f64>,
    pub proposals_pending: Option<f64>,
    pub proposals_failed: Option<f64>,
    pub slow_applies: Option<f64>,
    pub slow_reads: Option<f64>,
    pub heartbeat_failures: Option<f64>,
    pub quota: Option<Bytes>,
    /// Start of the process by its own wall clock, in Unix seconds.
    pub started: Option<f64>,
    pub resident: Option<Bytes>,
    /// Seconds.
    pub wal_fsync: Option<Histogram>,
    /// Seconds.
    pub backend_commit: Option<Histogram>,
    /// Seconds, all peers together.
    pub peer_round_trip: Option<Histogram>,
}
