//! The families of etcd's `/metrics` that verdicts need. Takes samples one by one; knows nothing of
//! the text that they came in. Counters stay counters. A number that cannot be is counted and left
//! out, with the whole histogram that it is a part of.

use crate::facts::{EtcdMetrics, Histogram};
use crate::units::Bytes;

/// Every sample name that [`Collector::take`] understands; the reader drops all others.
pub const WANTED: &[&str] = &[
    "etcd_server_has_leader",
    "etcd_server_is_leader",
    "etcd_server_leader_changes_seen_total",
    "etcd_server_proposals_committed_total",
    "etcd_server_proposals_applied_total",
    "etcd_server_proposals_pending",
    "etcd_server_proposals_failed_total",
    "etcd_server_slow_apply_total",
    "etcd_server_slow_read_indexes_total",
    "etcd_server_heartbeat_send_failures_total",
    "etcd_server_quota_backend_bytes",
    "process_start_time_seconds",
    "process_resident_memory_bytes",
    "etcd_disk_wal_fsync_duration_seconds_bucket",
    "etcd_disk_wal_fsync_duration_seconds_sum",
    "etcd_disk_wal_fsync_duration_seconds_count",
    "etcd_disk_backend_commit_duration_seconds_bucket",
    "etcd_disk_backend_commit_duration_seconds_sum",
    "etcd_disk_backend_commit_duration_seconds_count",
    "etcd_network_peer_round_trip_time_seconds_bucket",
    "etcd_network_peer_round_trip_time_seconds_sum",
    "etcd_network_peer_round_trip_time_seconds_count",
];

/// Families that are histograms, in the order of [`Collector::slot`].
const HISTOGRAMS: [&str; 3] = [
    "etcd_disk_wal_fsync_duration_seconds",
    "etcd_disk_backend_commit_duration_seconds",
    "etcd_network_peer_round_trip_time_seconds",
];

/// Gathers one scrape.
#[derive(Debug, Default)]
pub struct Collector {
    metrics: EtcdMetrics,
    taken: u64,
    refused: u64,
    /// Histograms with a number that cannot be.
    wrong: Vec<&'static str>,
}

impl Collector {
    /// Takes one sample; `le` is the text of its `le` label where it has one.
    pub fn take(&mut self, name: &str, le: Option<&str>, value: f64) {
        if Bytes::from_f64(value).is_none() {
            self.refused += 1;
            self.wrong
                .extend(HISTOGRAMS.iter().find(|family| name.starts_with(**family)));
            return;
        }
        if self.gauge(name, value) || self.histogram(name, le, value) {
            self.taken += 1;
        }
    }

    /// What was gathered; `None` when not one sample was etcd's, so that some other program's
    /// exposition does not pass for a member without metrics.
    #[must_use]
    pub fn finish(mut self) -> Option<EtcdMetrics> {
        for family in std::mem::take(&mut self.wrong) {
            if let Some(slot) = self.slot(family) {
                *slot = None;
            }
        }
        let etcd = self.metrics.has_leader.is_some() || self.metrics.proposals_committed.is_some();
        (self.taken > 0 && etcd).then_some(self.metrics)
    }

    /// Samples refused, because no counter, size or time can have such a value.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn gauge(&mut self, name: &str, value: f64) -> bool {
        let m = &mut self.metrics;
        match name {
            "etcd_server_has_leader" => m.has_leader = Some(value != 0.0),
            "etcd_server_is_leader" => m.is_leader = Some(value != 0.0),
            "etcd_server_leader_changes_seen_total" => m.leader_changes = Some(value),
            "etcd_server_proposals_committed_total" => m.proposals_committed = Some(value),
            "etcd_server_proposals_applied_total" => m.proposals_applied = Some(value),
            "etcd_server_proposals_pending" => m.proposals_pending = Some(value),
            "etcd_server_proposals_failed_total" => m.proposals_failed = Some(value),
            "etcd_server_slow_apply_total" => m.slow_applies = Some(value),
            "etcd_server_slow_read_indexes_total" => m.slow_reads = Some(value),
            "etcd_server_heartbeat_send_failures_total" => m.heartbeat_failures = Some(value),
            // Zero is what a member without the flag says in old releases: not a quota of nothing.
            "etcd_server_quota_backend_bytes" => {
                m.quota = Bytes::from_f64(value).filter(|quota| quota.0 > 0);
            }
            "process_start_time_seconds" => m.started = Some(value),
            "process_resident_memory_bytes" => m.resident = Bytes::from_f64(value),
            _ => return false,
        }
        true
    }

    fn histogram(&mut self, name: &str, le: Option<&str>, value: f64) -> bool {
        let Some((family, part)) = name.rsplit_once('_') else {
            return false;
        };
        let Some(slot) = self.slot(family) else {
            return false;
        };
        let histogram = slot.get_or_insert_with(Histogram::default);
        match (part, le.and_then(|bound| bound.parse().ok())) {
            ("bucket", Some(bound)) => histogram.add(bound, value),
            ("sum", _) => histogram.sum += value,
            ("count", _) => histogram.count += value,
            _ => return false,
        }
        true
    }

    fn slot(&mut self, family: &str) -> Option<&mut Option<Histogram>> {
        let m = &mut self.metrics;
        let at = HISTOGRAMS.iter().position(|known| *known == family)?;
        [
            &mut m.wal_fsync,
            &mut m.backend_commit,
            &mut m.peer_round_trip,
        ]
        .into_iter()
        .nth(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::exposition::{Reader, Sample, Wanted};

    fn read(body: &[u8]) -> Option<EtcdMetrics> {
        let wanted = Wanted::new(WANTED.iter().copied());
        let mut reader = Reader::new(&wanted);
        let mut collector = Collector::default();
        let mut take = |sample: &Sample<'_, '_>| {
            let bound = sample.labels.get("le");
            collector.take(sample.name, bound.as_deref(), sample.value);
        };
        reader.push(body, &mut take);
        reader.finish(&mut take);
        collector.finish()
    }

    #[test]
    fn both_ends_of_the_range_tell_what_verdicts_need() {
        let old = include_bytes!("../../../tests/fixtures/payloads/etcd/metrics-3.4.txt");
        let new = include_bytes!("../../../tests/fixtures/payloads/etcd/metrics-3.7.txt");
        for body in [&old[..], &new[..]] {
            let told = read(body).unwrap();
            assert_eq!(told.has_leader, Some(true));
            assert_eq!(told.is_leader, Some(true));
            assert_eq!(told.quota, Some(Bytes(200_000)));
            assert!(told.proposals_committed.is_some() && told.slow_reads.is_some());
            assert!(told.started.is_some_and(|at| at > 1.7e9));
            let fsync = told.wal_fsync.unwrap();
            // 14 bounds from 1 ms doubling, and infinity.
            assert_eq!(fsync.buckets.len(), 15);
            assert!(fsync.count > 0.0 && fsync.sum > 0.0);
            assert!(told.backend_commit.is_some());
            // A single member has no peers to measure.
            assert_eq!(told.peer_round_trip, None);
        }
    }

    #[test]
    fn round_trips_of_all_peers_are_one_histogram() {
        let name = "etcd_network_peer_round_trip_time_seconds";
        let mut body = String::from("etcd_server_has_leader 1\n");
        for peer in ["a", "b"] {
            body += &format!("{name}_bucket{{To=\"{peer}\",le=\"0.1\"}} 3\n");
            body += &format!("{name}_bucket{{To=\"{peer}\",le=\"+Inf\"}} 4\n");
            body += &format!("{name}_sum{{To=\"{peer}\"}} 0.5\n{name}_count{{To=\"{peer}\"}} 4\n");
        }
        let told = read(body.as_bytes()).unwrap().peer_round_trip.unwrap();
        assert_eq!(told.buckets, [(0.1, 6.0), (f64::INFINITY, 8.0)]);
        assert_eq!((told.sum, told.count), (1.0, 8.0));
    }

    #[test]
    fn a_number_that_cannot_be_is_no_fact_nor_a_zero() {
        for value in [-5.0, f64::NAN, f64::INFINITY, 1e300] {
            let mut collector = Collector::default();
            collector.take("etcd_server_has_leader", None, 1.0);
            collector.take("process_resident_memory_bytes", None, value);
            collector.take("etcd_server_proposals_pending", None, value);
            let fsync = "etcd_disk_wal_fsync_duration_seconds";
            collector.take(&format!("{fsync}_bucket"), Some("0.1"), 3.0);
            collector.take(&format!("{fsync}_bucket"), Some("+Inf"), value);
            collector.take(&format!("{fsync}_count"), None, 3.0);
            assert_eq!(collector.refused(), 3);
            let only = EtcdMetrics {
                has_leader: Some(true),
                ..EtcdMetrics::default()
            };
            assert_eq!(collector.finish(), Some(only), "{value}");
        }
    }

    #[test]
    fn another_program_at_the_port_is_no_member_without_metrics() {
        let other = b"process_start_time_seconds 1.7e9\nup 1\n";
        assert_eq!(read(other), None);
    }
}
