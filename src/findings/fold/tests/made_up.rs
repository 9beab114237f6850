//! Rules that explain each other in every way and in circles, over a few hosts and an etcd.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::clock::{Now, Stamp};
use crate::findings::fold::{Entries, Fold, plain};
use crate::findings::ledger::Entry;
use crate::findings::scenario::Scenario;
use crate::findings::{Cause, Finding, FindingId, Relation, Rule, Severity, Verdict};
use crate::model::objects::Moved;
use crate::subject::Subject;

const RULES: [&str; 5] = ["r0", "r1", "r2", "r3", "r4"];
const SUBJECTS: [&str; 8] = [
    "host/a",
    "host/b",
    "mount/a/x",
    "mount/a/y",
    "disk/b/sda",
    "etcd/e",
    "etcd/e/m1",
    "etcd/e/m2",
];

#[derive(Clone, Debug)]
struct Told {
    rule: usize,
    subject: usize,
    key: usize,
    /// `None`: it ends.
    is: Option<Is>,
}

#[derive(Clone, Debug)]
struct Is {
    severity: Severity,
    spare: Option<i32>,
    because: Option<Cause>,
    since: u64,
}

fn cause() -> impl Strategy<Value = Cause> {
    let at = prop::sample::select(vec![
        Relation::Same,
        Relation::Part,
        Relation::Whole,
        Relation::Host,
        Relation::Anywhere,
    ]);
    (prop::sample::select(RULES.to_vec()), at).prop_map(|(rule, at)| Cause { rule, at })
}

fn told() -> impl Strategy<Value = Told> {
    let severity = prop::sample::select(vec![
        Severity::Info,
        Severity::Warning,
        Severity::Unknown,
        Severity::Critical,
    ]);
    let spare = prop::option::weighted(0.3, -1..2_i32);
    let because = prop::option::weighted(0.1, cause());
    let is = (severity, spare, because, 0..3_u64);
    let is = is.prop_map(|(severity, spare, because, since)| Is {
        severity,
        spare,
        because,
        since,
    });
    let is = prop::option::weighted(0.7, is);
    let which = (0..RULES.len(), 0..SUBJECTS.len(), 0..2_usize);
    (which, is).prop_map(|((rule, subject, key), is)| Told {
        rule,
        subject,
        key,
        is,
    })
}

/// Each rule with its causes; leaked, as rules live for ever.
fn rules(causes: &[Vec<Cause>]) -> Vec<Rule> {
    let rules = RULES.iter().zip(causes);
    let rules = rules.map(|(id, causes)| Rule {
        id,
        doc: "",
        on: &[],
        needs: &[],
        causes: Box::leak(causes.clone().into_boxed_slice()),
        check: |_, _| Verdict::Clear,
    });
    rules.collect()
}

fn tell(entries: &mut Entries, rules: &[Rule], told: &Told) -> FindingId {
    let subject: Subject = SUBJECTS[told.subject].parse().unwrap();
    let rule = &rules[told.rule];
    let mut finding = Finding::new(rule, &subject, Severity::Info, "").key(["", "k"][told.key]);
    let id = finding.id();
    match &told.is {
        None => {
            entries.remove(&id);
        }
        Some(is) => {
            finding.severity = is.severity;
            (finding.spare, finding.because) = (is.spare, is.because);
            let mut since = Now::fixed();
            since.stamp = Stamp(is.since * 1_000_000_000);
            let mut entry = match entries.remove(&id) {
                Some(known) => known,
                None => Entry::new(finding.clone(), since),
            };
            (entry.finding, entry.since) = (finding, since);
            entries.insert(id.clone(), entry);
        }
    }
    id
}

fn same(fold: &Fold, entries: &Entries, world: &Scenario, rules: &[Rule]) -> TestCaseResult {
    let causes: BTreeMap<&str, &'static [Cause]> =
        rules.iter().map(|rule| (rule.id, rule.causes)).collect();
    let (folded, places) = plain::fold(entries, &world.model, |id| causes[id]);
    for (entry, place) in entries.values().zip(places) {
        let here = (&entry.cause, &entry.folded, entry.weight);
        prop_assert_eq!(
            here,
            (&place.cause, &place.folded, place.weight),
            "{}",
            &entry.id
        );
        let here = (entry.effective, entry.spare);
        prop_assert_eq!(here, (place.effective, place.spare), "{}", &entry.id);
    }
    prop_assert_eq!(fold.roots().cloned().collect::<Vec<_>>(), folded.roots);
    prop_assert_eq!(fold.counts(), folded.counts);
    for subject in SUBJECTS.map(|subject| subject.parse::<Subject>().unwrap()) {
        prop_assert_eq!(fold.worst(&subject), folded.worst.get(&subject).copied());
        let within = folded.worst_within.get(&subject).copied();
        prop_assert_eq!(fold.worst_within(&subject), within);
        let count = folded.within.get(&subject).copied().unwrap_or_default();
        prop_assert_eq!(fold.within(&subject), count);
        let troubled = folded.troubled.get(&subject.kind).copied();
        prop_assert_eq!(fold.troubled(subject.kind), troubled);
    }
    Ok(())
}

fn world() -> Scenario {
    let mut world = Scenario::new();
    for (host, octet) in [("a", 1), ("b", 2)] {
        let feed = format!("node-exporter/{host} http://10.0.0.{octet}:9100");
        world.feed(&feed, &format!("host/{host}"));
        let feed = format!("etcd/e https://10.0.0.{octet}:2379");
        world.feed(&feed, &format!("etcd/e/m{octet}"));
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn following_findings_is_folding_all_of_them_anew(
        causes in prop::collection::vec(prop::collection::vec(cause(), 0..3), RULES.len()),
        all in prop::collection::vec(prop::collection::vec(told(), 1..4), 1..25),
    ) {
        let world = world();
        let rules = rules(&causes);
        let mut fold = Fold::new(rules.iter());
        let mut entries = Entries::new();
        for batch in all {
            let changed = batch.iter().map(|told| tell(&mut entries, &rules, told));
            let changed: BTreeSet<FindingId> = changed.collect();
            fold.follow(&mut entries, &world.model, &changed, &Moved::default());
            same(&fold, &entries, &world, &rules)?;
        }
    }
}
