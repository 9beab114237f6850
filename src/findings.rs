//! Verdicts: what is wrong, with its evidence, and what cannot be known.
//!
//! The registry: a rule is one file below, listed in [`RULES`]. It is a pure function of a
//! [`Snapshot`](crate::model::Snapshot) and one subject, so that the cost of a change does not grow
//! with the number of subjects. A rule never reads a clock and never knows a source.

mod alert_firing;
mod alertmanager_alone;
mod alertmanager_not_ready;
mod api_not_ready;
mod api_slow;
mod api_unreachable;
mod budget_blocks_drain;
mod certificate_expiring;
mod claim_nearly_full;
mod claim_pending;
mod clock_skewed;
mod clock_unsynchronised;
mod clocks_apart;
mod conntrack_full;
mod controller_silent;
mod cpu_pressure;
mod cronjob_missed;
mod deprecated_api_used;
mod disk_filling;
mod disk_full;
mod disk_queue;
mod disk_read_only;
mod etcd_alarm;
mod etcd_apply_lag;
mod etcd_db_near_quota;
mod etcd_db_sizes_apart;
mod etcd_fragmented;
mod etcd_hash_mismatch;
mod etcd_leader_flapping;
mod etcd_member_down;
mod etcd_no_leader;
mod etcd_quorum_lost;
mod etcd_quorum_thin;
mod etcd_slow_commit;
mod etcd_slow_fsync;
mod etcd_slow_peer;
mod etcd_split;
mod etcd_unhealthy;
mod etcd_unreachable;
mod etcd_versions_mixed;
mod file_handles;
mod finding;
pub mod fold;
mod host_down;
mod image_pull_failing;
mod io_stalled;
mod job_failed;
mod kinds_not_permitted;
mod kubelet_versions_apart;
pub mod ledger;
mod load_high;
mod memory_low;
mod memory_pressure;
mod namespace_stuck;
mod nic_errors;
mod node_cordoned;
mod node_lease_late;
mod node_not_ready;
mod node_pressure;
mod nodes_unready_together;
mod object;
mod oom_kill;
mod own_clock_wrong;
mod pod_crash_looping;
mod pod_evicted;
mod pod_failed;
mod pod_oom_killed;
mod pod_stuck;
mod pod_unschedulable;
mod prometheus_config_stale;
mod prometheus_head_stale;
mod prometheus_no_alertmanager;
mod prometheus_not_ready;
mod prometheus_query_failing;
mod prometheus_rule_failing;
mod prometheus_rule_slow;
mod prometheus_target_down;
mod prometheus_watchdog_absent;
mod quota_nearly_used;
mod resolver_down;
mod rollout_stuck;
#[cfg(test)]
pub(crate) mod scenario;
mod service_without_endpoints;
mod sources_disagree;
mod target_down;
mod target_partial;
mod target_slow;
mod temperature_high;
mod verdict;
mod webhook_failing;
mod workload_unavailable;

pub use finding::{Evidence, Finding, FindingId, Severity, some_of};
pub use ledger::{Counts, Ended, Entry, Ledger, NOT_KNOWN, Past, RULE_CRASHED};
pub use verdict::{Cause, Relation, Rule, Verdict};

/// Every rule. The order does not matter; ids are unique, which a test checks.
pub static RULES: &[&Rule] = &[
    &alert_firing::RULE,
    &alertmanager_alone::RULE,
    &alertmanager_not_ready::RULE,
    &api_not_ready::RULE,
    &api_slow::RULE,
    &api_unreachable::RULE,
    &budget_blocks_drain::RULE,
    &certificate_expiring::RULE,
    &claim_nearly_full::RULE,
    &claim_pending::RULE,
    &clock_skewed::RULE,
    &clock_unsynchronised::RULE,
    &clocks_apart::RULE,
    &conntrack_full::RULE,
    &controller_silent::RULE,
    &cpu_pressure::RULE,
    &cronjob_missed::RULE,
    &deprecated_api_used::RULE,
    &disk_filling::RULE,
    &disk_full::RULE,
    &disk_queue::RULE,
    &disk_read_only::RULE,
    &etcd_alarm::RULE,
    &etcd_apply_lag::RULE,
    &etcd_db_near_quota::RULE,
    &etcd_db_sizes_apart::RULE,
    &etcd_fragmented::RULE,
    &etcd_hash_mismatch::RULE,
    &etcd_leader_flapping::RULE,
    &etcd_member_down::RULE,
    &etcd_no_leader::RULE,
    &etcd_quorum_lost::RULE,
    &etcd_quorum_thin::RULE,
    &etcd_slow_commit::RULE,
    &etcd_slow_fsync::RULE,
    &etcd_slow_peer::RULE,
    &etcd_split::RULE,
    &etcd_unhealthy::RULE,
    &etcd_unreachable::RULE,
    &etcd_versions_mixed::RULE,
    &file_handles::RULE,
    &host_down::RULE,
    &image_pull_failing::RULE,
    &io_stalled::RULE,
    &job_failed::RULE,
    &kinds_not_permitted::RULE,
    &kubelet_versions_apart::RULE,
    &load_high::RULE,
    &memory_low::RULE,
    &memory_pressure::RULE,
    &namespace_stuck::RULE,
    &nic_errors::RULE,
    &node_cordoned::RULE,
    &node_lease_late::RULE,
    &node_not_ready::RULE,
    &node_pressure::RULE,
    &nodes_unready_together::RULE,
    &oom_kill::RULE,
    &own_clock_wrong::RULE,
    &pod_crash_looping::RULE,
    &pod_evicted::RULE,
    &pod_failed::RULE,
    &pod_oom_killed::RULE,
    &pod_stuck::RULE,
    &pod_unschedulable::RULE,
    &prometheus_config_stale::RULE,
    &prometheus_head_stale::RULE,
    &prometheus_no_alertmanager::RULE,
    &prometheus_not_ready::RULE,
    &prometheus_query_failing::RULE,
    &prometheus_rule_failing::RULE,
    &prometheus_rule_slow::RULE,
    &prometheus_target_down::RULE,
    &prometheus_watchdog_absent::RULE,
    &quota_nearly_used::RULE,
    &resolver_down::RULE,
    &rollout_stuck::RULE,
    &service_without_endpoints::RULE,
    &sources_disagree::RULE,
    &target_down::RULE,
    &target_partial::RULE,
    &target_slow::RULE,
    &temperature_high::RULE,
    &webhook_failing::RULE,
    &workload_unavailable::RULE,
];

/// The rule of this id, those that the ledger itself speaks for included.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    let own: [&'static Rule; 2] = [&NOT_KNOWN, &RULE_CRASHED];
    RULES.iter().copied().chain(own).find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::objects::ObjectKind;
    use crate::subject::SubjectKind;

    fn all() -> impl Iterator<Item = &'static Rule> {
        let own: [&'static Rule; 2] = [&NOT_KNOWN, &RULE_CRASHED];
        RULES.iter().copied().chain(own)
    }

    #[test]
    fn ids_are_unique_and_in_kebab_case() {
        let ids: BTreeSet<&str> = all().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len() + 2);
        let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
        for id in ids {
            assert!(id.chars().all(kebab), "{id}");
            assert!(rule(id).is_some_and(|rule| rule.id == id));
        }
    }

    #[test]
    fn every_file_of_the_folder_is_a_registered_rule_of_its_name() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/findings");
        let mut stems = BTreeSet::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            // What rules are made of and what runs them.
            let others = ["finding", "fold", "ledger", "object", "scenario", "verdict"];
            let is_rule = !others.contains(&stem.as_str());
            if path.is_file() && is_rule {
                stems.insert(stem.replace('_', "-"));
            }
        }
        let ids: BTreeSet<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
        assert_eq!(stems, ids);
    }

    #[test]
    fn every_doc_has_a_title_a_threshold_and_a_reason() {
        for rule in all() {
            let title = rule.title();
            assert!(!title.is_empty() && !title.ends_with('.'), "{}", rule.id);
            assert!(rule.doc.lines().count() >= 4, "{} says too little", rule.id);
            let names_limit = rule.doc.contains("Threshold: ") || rule.doc.contains("No threshold");
            assert!(names_limit, "{} names no threshold", rule.id);
            assert!(
                rule.doc.contains("It matters because"),
                "{} gives no reason",
                rule.id
            );
        }
    }

    #[test]
    fn a_threshold_that_a_doc_names_is_in_the_table() {
        let known = |key: &str| crate::thresholds::TABLE.iter().any(|row| row.key == key);
        let prefixes = [
            "disk_",
            "memory_",
            "cpu_",
            "io_",
            "load_",
            "nic_",
            "clock_",
            "etcd_",
            "pod_",
            "workload_",
            "job_",
            "cronjob_",
            "claim_",
            "quota_",
            "namespace_",
            "api_",
        ];
        for rule in all() {
            for word in rule.doc.split('`').skip(1).step_by(2) {
                let looks_like_one = prefixes.iter().any(|prefix| word.starts_with(prefix));
                assert!(!looks_like_one || known(word), "{}: {word}", rule.id);
            }
        }
    }

    #[test]
    fn every_cause_is_a_rule_and_every_rule_says_what_it_needs() {
        for found in all() {
            for cause in found.causes {
                assert!(
                    rule(cause.rule).is_some(),
                    "{} under {}",
                    found.id,
                    cause.rule
                );
            }
        }
        for rule in RULES {
            let on_targets = rule.on == [SubjectKind::Target];
            // Those of a cluster read its objects, which are no facts.
            let on_objects = rule.on.iter().all(|kind| {
                *kind == SubjectKind::Cluster || ObjectKind::of_subject(*kind).is_some()
            });
            // It judges how feeds fail, which no fact tells.
            let judges_feeds = rule.id == resolver_down::RULE.id;
            assert!(!rule.on.is_empty(), "{} judges nothing", rule.id);
            assert!(
                on_targets || on_objects || judges_feeds || !rule.needs.is_empty(),
                "{} needs nothing",
                rule.id
            );
        }
    }
}
