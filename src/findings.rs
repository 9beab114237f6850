//! Verdicts: what is wrong, with its evidence, and what cannot be known.
//!
//! A rule is one file below, registered in [`RULES`]. It is a pure function of a [`Snapshot`] and
//! one subject, so that the cost of a change does not grow with the number of subjects. A rule
//! never reads a clock and never knows a source.

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
mod webhook_failing;
mod workload_unavailable;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Stamp;
use crate::facts::{FactKind, Factual};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

pub use ledger::{Counts, Ended, Entry, Ledger, NOT_KNOWN, Past, RULE_CRASHED};

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

/// One check. Named by the problem that it finds.
pub struct Rule {
    /// Kebab-case, the same as the file's stem: what a user silences and cites.
    pub id: &'static str,
    /// First line: what is wrong, in a few words. Then: threshold and its source, why it matters,
    /// what to look at.
    pub doc: &'static str,
    /// The kinds of subject that it judges.
    pub on: &'static [SubjectKind],
    /// Facts that it reads. A rule on the fleet runs again when a subject moved that carries one of
    /// them, or at any move where this is empty; a rule on one subject runs at any move of it.
    pub needs: &'static [FactKind],
    /// Findings of other rules that explain this one: it folds under them when they fire.
    pub causes: &'static [Cause],
    pub check: fn(&Snapshot, &Subject) -> Verdict,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// The first line of the doc.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.doc.lines().next().unwrap_or(self.id)
    }
}

/// A rule whose finding explains another, and where it must be seen relative to the symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub rule: &'static str,
    pub at: Relation,
}

impl Cause {
    #[must_use]
    pub const fn same(rule: &'static str) -> Self {
        let at = Relation::Same;
        Self { rule, at }
    }

    #[must_use]
    pub const fn part(rule: &'static str) -> Self {
        let at = Relation::Part;
        Self { rule, at }
    }

    #[must_use]
    pub const fn whole(rule: &'static str) -> Self {
        let at = Relation::Whole;
        Self { rule, at }
    }

    #[must_use]
    pub const fn host(rule: &'static str) -> Self {
        let at = Relation::Host;
        Self { rule, at }
    }

    #[must_use]
    pub const fn node(rule: &'static str) -> Self {
        let at = Relation::Node;
        Self { rule, at }
    }

    #[must_use]
    pub const fn owner(rule: &'static str) -> Self {
        let at = Relation::Owner;
        Self { rule, at }
    }

    #[must_use]
    pub const fn claim(rule: &'static str) -> Self {
        let at = Relation::Claim;
        Self { rule, at }
    }

    #[must_use]
    pub const fn anywhere(rule: &'static str) -> Self {
        let at = Relation::Anywhere;
        Self { rule, at }
    }
}

/// Where a cause stands, seen from the symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// On the same subject.
    Same,
    /// On a part of the symptom's subject: a member of the cluster.
    Part,
    /// On the whole that the symptom's subject is a part of, or on a sibling part; of what is in a
    /// Kubernetes cluster, on the cluster or one of its nodes.
    Whole,
    /// On the host that the symptom's subject runs on, or anything that it depends on.
    Host,
    /// On the node that a pod is bound to; on the nodes of all pods that a workload lacks.
    Node,
    /// On what made an object, at any height: the deployment of a pod; the workloads behind a
    /// service.
    Owner,
    /// On a claim that a pod mounts.
    Claim,
    /// On any subject: a fault of the watching machine itself.
    Anywhere,
}

/// What a rule says about one subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The rule has nothing to say about this subject.
    NotApplicable,
    Clear,
    Firing(Vec<Finding>),
    /// It cannot be known, and why. Never counts as clear.
    Undecided(Doubt),
}

impl From<Finding> for Verdict {
    fn from(finding: Finding) -> Self {
        Self::Firing(vec![finding])
    }
}

impl From<Doubt> for Verdict {
    fn from(doubt: Doubt) -> Self {
        Self::Undecided(doubt)
    }
}

impl From<Option<Finding>> for Verdict {
    fn from(finding: Option<Finding>) -> Self {
        finding.map_or(Self::Clear, Self::from)
    }
}

/// Lets a rule leave with `?` where a reading cannot be had.
impl<V: Into<Verdict>> From<Result<V, Doubt>> for Verdict {
    fn from(result: Result<V, Doubt>) -> Self {
        result.map_or_else(Self::Undecided, Into::into)
    }
}

impl From<Vec<Finding>> for Verdict {
    fn from(findings: Vec<Finding>) -> Self {
        if findings.is_empty() {
            Self::Clear
        } else {
            Self::Firing(findings)
        }
    }
}

/// How bad, worst last, so that `max` takes the worst.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Info,
    Warning,
    /// No answer, or none that can be believed: ranked right under critical.
    Unknown,
    Critical,
}

impl Severity {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "CRIT",
            Self::Unknown => "UNKN",
            Self::Warning => "WARN",
            Self::Info => "INFO",
        }
    }

    /// How bad a value is that must stay below its limits, with the limit that it broke.
    #[must_use]
    pub fn above(value: f64, warning: f64, critical: f64) -> Option<(Self, f64)> {
        if value > critical {
            Some((Self::Critical, critical))
        } else {
            (value > warning).then_some((Self::Warning, warning))
        }
    }

    /// How bad a value is that must stay above its limits, with the limit that it broke.
    #[must_use]
    pub fn below(value: f64, warning: f64, critical: f64) -> Option<(Self, f64)> {
        if value < critical {
            Some((Self::Critical, critical))
        } else {
            (value < warning).then_some((Self::Warning, warning))
        }
    }
}

/// One problem on one subject, as a sentence with the number in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: Arc<str>,
    pub subject: Subject,
    /// Tells apart several findings of one rule on one subject; empty for most.
    pub key: Arc<str>,
    pub severity: Severity,
    pub summary: String,
    /// What breaks because of it; empty where the summary says it.
    pub so_what: String,
    pub evidence: Vec<Evidence>,
    /// What speaks against it.
    pub against: Vec<Evidence>,
    /// Failures that can still be borne, for problems of redundancy: zero means that the next one
    /// is an outage, less that it has happened.
    #[serde(default)]
    pub spare: Option<i32>,
    /// Since when it holds by the word of whoever told it, where that is earlier than anyone here
    /// looked: an alert that was carried over.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// What explains this finding beside the causes of its rule, where only some of the rule's
    /// findings have that cause.
    #[serde(skip)]
    pub because: Option<Cause>,
}

/// What makes a finding the same one over time: its evidence and severity may change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FindingId {
    pub rule: Arc<str>,
    pub subject: Subject,
    pub key: Arc<str>,
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule, self.subject)?;
        if self.key.is_empty() {
            Ok(())
        } else {
            write!(f, " {}", self.key)
        }
    }
}

impl Finding {
    #[must_use]
    pub fn new(
        rule: &Rule,
        subject: &Subject,
        severity: Severity,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.id.into(),
            subject: subject.clone(),
            key: "".into(),
            severity,
            summary: summary.into(),
            so_what: String::new(),
            evidence: Vec::new(),
            against: Vec::new(),
            spare: None,
            since: None,
            because: None,
        }
    }

    #[must_use]
    pub fn id(&self) -> FindingId {
        FindingId {
            rule: self.rule.clone(),
            subject: self.subject.clone(),
            key: self.key.clone(),
        }
    }

    /// How many more failures can be borne.
    #[must_use]
    pub fn spare(mut self, spare: i32) -> Self {
        self.spare = Some(spare);
        self
    }

    /// It began before anyone here looked.
    #[must_use]
    pub fn since(mut self, began: Option<Timestamp>) -> Self {
        self.since = began;
        self
    }

    /// Another finding explains this one, whatever the causes of its rule are.
    #[must_use]
    pub fn because(mut self, cause: Cause) -> Self {
        self.because = Some(cause);
        self
    }

    #[must_use]
    pub fn so_what(mut self, text: impl Into<String>) -> Self {
        self.so_what = text.into();
        self
    }

    #[must_use]
    pub fn key(mut self, key: impl Into<Arc<str>>) -> Self {
        self.key = key.into();
        self
    }

    /// Does it tell the same, whenever each part of it was last told?
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        let same = |a: &[Evidence], b: &[Evidence]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_as(b))
        };
        (&self.summary, &self.so_what, self.since) == (&other.summary, &other.so_what, other.since)
            && (self.severity, self.spare, self.because)
                == (other.severity, other.spare, other.because)
            && self.id() == other.id()
            && same(&self.evidence, &other.evidence)
            && same(&self.against, &other.against)
    }

    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence.push(evidence);
        self
    }

    #[must_use]
    pub fn against(mut self, evidence: Evidence) -> Self {
        self.against.push(evidence);
        self
    }
}

/// One observed value beside the limit it broke, and who said so when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What was measured, in the field's words: `wal fsync p99`.
    pub what: String,
    pub value: String,
    /// The limit with its comparison (`> 500ms`); empty where there is none.
    pub limit: String,
    /// The feed that told it.
    pub source: String,
    pub at: Stamp,
}

impl Evidence {
    fn says_as(&self, other: &Self) -> bool {
        (&self.what, &self.value) == (&other.what, &other.value)
            && (&self.limit, &self.source) == (&other.limit, &other.source)
    }

    /// Evidence from one reading.
    #[must_use]
    pub fn of<T: Factual>(
        reading: &Reading<T>,
        what: &str,
        value: impl Into<String>,
        limit: impl Into<String>,
    ) -> Self {
        Self {
            what: what.to_owned(),
            value: value.into(),
            limit: limit.into(),
            source: reading.feed.spec.id.to_string(),
            at: reading.at,
        }
    }
}

/// The first few names and how many more there are: `a, b, c and 4 more`.
#[must_use]
pub fn some_of<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

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
            let is_rule = !matches!(stem.as_str(), "fold" | "ledger" | "object" | "scenario");
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
