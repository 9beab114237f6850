//! Limits that verdicts compare with: one table, from which configuration, documentation and the
//! struct are made. Every number names where it comes from.

use std::fmt::Write as _;

/// What a threshold counts in; decides how a user writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share of a whole; written `0.05` or `"5%"`.
    Share,
    /// Seconds; written `0.05`, `"50ms"` or `"14d"`.
    Seconds,
    Count,
    Celsius,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// The configuration key.
    pub key: &'static str,
    pub unit: Unit,
    pub default: f64,
    pub doc: &'static str,
}

macro_rules! thresholds {
    ($($(#[doc = $doc:literal])* $name:ident: $unit:ident = $default:expr;)*) => {
        /// The limits that hold for one target. Fields are in the unit that [`TABLE`] tells.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Thresholds { $($(#[doc = $doc])* pub $name: f64,)* }

        impl Default for Thresholds {
            fn default() -> Self { Self { $($name: $default,)* } }
        }

        /// Every threshold with its key, unit, default and doc.
        pub const TABLE: &[Threshold] = &[$(Threshold {
            key: stringify!($name),
            unit: Unit::$unit,
            default: $default,
            doc: concat!($($doc, "\n",)*),
        },)*];

        impl Thresholds {
            /// Sets one by its key; false when there is none of that name.
            pub fn set(&mut self, key: &str, value: f64) -> bool {
                match key { $(stringify!($name) => self.$name = value,)* _ => return false }
                true
            }

            #[must_use]
            pub fn get(&self, key: &str) -> Option<f64> {
                match key { $(stringify!($name) => Some(self.$name),)* _ => None }
            }
        }
    };
}

thresholds! {
    /// Available share of a file system below which it is a warning (node mixin: 5 %).
    disk_room_warning: Share = 0.05;
    /// Available share of a file system below which it is critical (node mixin: 3 %).
    disk_room_critical: Share = 0.03;
    /// A file system that will be full within this time is a warning, if its room is below `disk_filling_room` (node mixin: 24 h).
    disk_full_within_warning: Seconds = 86_400.0;
    /// A file system that will be full within this time is critical (node mixin: 4 h).
    disk_full_within_critical: Seconds = 14_400.0;
    /// Room above which a falling trend is not judged (node mixin: 40 %).
    disk_filling_room: Share = 0.40;
    /// Used share of memory above which it is a warning (node mixin: 90 %).
    memory_used_warning: Share = 0.90;
    /// Share of time in which some task waited for memory, over a minute (no upstream number; own choice).
    memory_pressure_warning: Share = 0.10;
    /// Share of time in which all tasks waited for memory, over a minute (no upstream number; own choice).
    memory_stall_critical: Share = 0.10;
    /// Share of time in which some task waited for a CPU, over a minute (no upstream number; own choice).
    cpu_pressure_warning: Share = 0.50;
    /// Share of time in which all tasks waited for I/O, over a minute (no upstream number; own choice).
    io_stall_warning: Share = 0.30;
    /// Load average of a minute per core (node mixin: 2).
    load_per_core_warning: Count = 2.0;
    /// Mean requests waiting at a disk (node mixin: 10).
    disk_queue_warning: Count = 10.0;
    /// Share of packets with errors on an interface (node mixin: 1 %).
    nic_error_warning: Share = 0.01;
    /// Used share of file handles (node mixin: 70 %).
    file_handles_warning: Share = 0.70;
    /// Used share of file handles (node mixin: 90 %).
    file_handles_critical: Share = 0.90;
    /// Used share of the connection tracking table (node mixin: 75 %).
    conntrack_warning: Share = 0.75;
    /// Proven clock offset (node mixin and Ceph `mon_clock_drift_allowed`: 50 ms).
    clock_skew_warning: Seconds = 0.05;
    /// Proven clock offset that breaks more than logs (`CockroachDB` `max-offset` is 500 ms).
    clock_skew_critical: Seconds = 0.5;
    /// `maxerror` of the kernel clock from which it is certainly not disciplined (node mixin: 16 s).
    clock_max_error_warning: Seconds = 16.0;
    /// Proven skew between two clocks of the fleet (Ceph monitors: 50 ms).
    clock_pair_warning: Seconds = 0.05;
    /// p99 of etcd's WAL fsync (etcd mixin: 0.5 s; hardware guide: 10 ms is healthy).
    etcd_fsync_warning: Seconds = 0.5;
    /// p99 of etcd's WAL fsync (etcd mixin: 1 s).
    etcd_fsync_critical: Seconds = 1.0;
    /// p99 of etcd's backend commit (etcd mixin: 0.25 s).
    etcd_commit_warning: Seconds = 0.25;
    /// p99 of the round trip between members (etcd mixin: 0.15 s).
    etcd_peer_warning: Seconds = 0.15;
    /// Used share of the backend quota (own choice; the mixin has only the critical one).
    etcd_quota_warning: Share = 0.80;
    /// Used share of the backend quota (etcd mixin: 95 %).
    etcd_quota_critical: Share = 0.95;
    /// Leader changes within 15 minutes (etcd mixin: 4).
    etcd_leader_changes_warning: Count = 4.0;
    /// In-use share of the database below which it is fragmented, above 100 MiB in use (etcd mixin: 0.5).
    etcd_fragmented: Share = 0.5;
    /// Smallest member database as a share of the largest (own choice).
    etcd_size_apart: Share = 0.5;
    /// Committed minus applied index (etcd documentation: within a few thousand even under load).
    etcd_apply_lag_warning: Count = 5000.0;
    /// Time left on a certificate (kubernetes mixin: 7 d; safety promise F7: 14 d).
    certificate_warning: Seconds = 1_209_600.0;
    /// Time left on a certificate (kubernetes mixin: 1 d).
    certificate_critical: Seconds = 86_400.0;
    /// Age of a Prometheus server's newest sample (its default look-back of a query: 5 min).
    prometheus_head_lag: Seconds = 300.0;
    /// Temperature where a sensor names no critical value of its own (no upstream number; own choice).
    temperature_warning: Celsius = 90.0;
    /// A pod that its scheduler refused, or that no scheduler looked at, is told after this time (own choice).
    pod_unscheduled_warning: Seconds = 60.0;
    /// A pod that is not started, not ready or not gone is told after this time (own choice; kubernetes mixin: 15 min).
    pod_stuck_warning: Seconds = 300.0;
    /// How long an OOM kill, an eviction or a failed pod that was replaced is news (own choice; the API keeps events for 1 h).
    pod_recent: Seconds = 3_600.0;
    /// A workload that lacks some of its pods is told after this time (own choice; kubernetes mixin: 15 min).
    workload_short_warning: Seconds = 300.0;
    /// A workload without any available pod is critical after this time (own choice: a single pod is back within seconds).
    workload_down_critical: Seconds = 60.0;
    /// A failed job is a warning for this time, then information (own choice).
    job_failed_recent: Seconds = 86_400.0;
    /// A cron job that did not run is told this long after its time (own choice; jobs are made within seconds).
    cronjob_late_warning: Seconds = 300.0;
    /// A volume claim that is pending is told after this time (own choice).
    claim_pending_warning: Seconds = 300.0;
    /// Used share of a volume claim's bytes or inodes (kubernetes mixin: less than 15 % left).
    claim_used_warning: Share = 0.85;
    /// Used share of a volume claim's bytes or inodes (kubernetes mixin: less than 3 % left).
    claim_used_critical: Share = 0.97;
    /// Used share of a resource quota from which it is told (kubernetes mixin: 90 %).
    quota_used_info: Share = 0.90;
    /// A namespace that terminates for longer is stuck (own choice).
    namespace_terminating_warning: Seconds = 600.0;
    /// Time to an answer of an API server, our polls' and p99 of changing requests (Kubernetes SLO: 1 s).
    api_latency_warning: Seconds = 1.0;
    /// Poll latency as a share of the target's timeout (own choice).
    slow_answer: Share = 0.8;
}

/// The table as commented TOML, for `midwatch config default`.
#[must_use]
pub fn as_toml() -> String {
    let mut out = String::new();
    for row in TABLE {
        for line in row.doc.lines() {
            let _ = writeln!(out, "# {}", line.trim());
        }
        let value = match row.unit {
            Unit::Share => format!("\"{}%\"", row.default * 100.0),
            Unit::Seconds if row.default >= 60.0 => {
                format!(
                    "\"{}\"",
                    crate::units::span(crate::units::seconds(row.default))
                )
            }
            Unit::Seconds => format!("\"{}ms\"", row.default * 1000.0),
            Unit::Count | Unit::Celsius => format!("{}", row.default),
        };
        let _ = writeln!(out, "# {} = {value}", row.key);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_can_be_set_by_its_key() {
        let mut thresholds = Thresholds::default();
        for row in TABLE {
            assert_eq!(thresholds.get(row.key), Some(row.default));
            assert!(thresholds.set(row.key, 0.123));
            assert_eq!(thresholds.get(row.key), Some(0.123));
        }
        assert!(!thresholds.set("no_such_key", 1.0));
    }

    #[test]
    fn every_number_names_its_source() {
        for row in TABLE {
            assert!(
                row.doc.contains('('),
                "{} does not say where {} comes from",
                row.key,
                row.default
            );
        }
    }
}
