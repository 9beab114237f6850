//! The ledger over rules made for the purpose.

use crate::facts::{Fact, FactKind, Load, Memory, Os};
use crate::findings::scenario::{Scenario, objects};
use crate::findings::{
    Cause, Ended, Finding, FindingId, Rule, Severity, Verdict, service_without_endpoints,
};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Delta, ObjectKind};
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};

/// Fires while the load is above one, critical above ten; the load's name for a crash is 13.
static HOT: Rule = Rule {
    id: "hot",
    doc: "",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Load],
    causes: &[],
    check: |snap, host| {
        let load = match snap.fresh::<Load>(host) {
            Ok(load) => load.value.one,
            Err(doubt) => return doubt.into(),
        };
        assert!(load != 13.0, "unlucky");
        let severity = if load > 10.0 {
            Severity::Critical
        } else {
            Severity::Warning
        };
        (load > 1.0)
            .then(|| Finding::new(&HOT, host, severity, format!("load {load}")))
            .into()
    },
};

/// A circle: each of the two explains the other.
static HEN: Rule = Rule {
    id: "hen",
    causes: &[Cause::same("egg")],
    check: |snap, host| hot_as(&HEN, snap, host),
    ..HOT
};

static EGG: Rule = Rule {
    id: "egg",
    causes: &[Cause::same("hen")],
    check: |snap, host| hot_as(&EGG, snap, host),
    ..HOT
};

/// Needs a second reading that never comes.
static RATE: Rule = Rule {
    id: "rate",
    check: |snap, host| {
        snap.fresh::<Load>(host)
            .and(Err::<Verdict, _>(Doubt::SecondSample))
            .into()
    },
    ..HOT
};

/// Counts the hosts that it sees.
static CROWD: Rule = Rule {
    id: "crowd",
    on: &[SubjectKind::Fleet],
    needs: &[FactKind::Memory],
    check: |snap, fleet| {
        let hosts = snap.model.subjects(SubjectKind::Host).count();
        Finding::new(&CROWD, fleet, Severity::Info, format!("{hosts} hosts")).into()
    },
    ..HOT
};

fn hot_as(rule: &'static Rule, snap: &Snapshot, host: &Subject) -> Verdict {
    let load = snap.fresh::<Load>(host).map(|load| load.value.one);
    load.map(|load| (load > 1.0).then(|| Finding::new(rule, host, Severity::Warning, "")))
        .into()
}

fn load(one: f64) -> Fact {
    Load {
        one,
        ..Load::default()
    }
    .into()
}

fn world<const N: usize>(rules: [&'static Rule; N]) -> Scenario {
    let mut world = Scenario::with_rules(rules);
    world.feed("node-exporter/a http://10.0.0.1:9100", "host/a");
    world
}

fn hot() -> FindingId {
    FindingId {
        rule: "hot".into(),
        subject: Subject::host("a"),
        key: "".into(),
    }
}

const A: &str = "node-exporter/a http://10.0.0.1:9100";

#[test]
fn a_finding_keeps_its_onset_while_severity_and_evidence_change() {
    let mut w = world([&HOT]);
    w.tell(A, [("host/a", load(2.0))]).run();
    let onset = w.ledger.entry(&hot()).unwrap().since;
    w.wait(10).tell(A, [("host/a", load(20.0))]).run();
    let entry = w.ledger.entry(&hot()).unwrap();
    assert_eq!((entry.since, entry.effective), (onset, Severity::Critical));
    assert_eq!(entry.finding.summary, "load 20");
    assert_eq!(w.ledger.on(&Subject::host("a")), Some(Severity::Critical));
}

#[test]
fn a_cleared_finding_is_remembered_with_its_end() {
    let mut w = world([&HOT]);
    w.tell(A, [("host/a", load(2.0))]).run();
    w.wait(10).tell(A, [("host/a", load(0.5))]).run();
    assert!(w.ledger.entry(&hot()).is_none());
    assert_eq!(w.ledger.on(&Subject::host("a")), None);
    let past: Vec<_> = w.ledger.recent().collect();
    assert_eq!(past.len(), 1);
    assert_eq!((past[0].until, past[0].ended), (w.now, Ended::Cleared));
}

#[test]
fn four_changes_in_a_quarter_of_an_hour_are_flapping_until_they_age() {
    let mut w = world([&HOT]);
    for (round, one) in [2.0, 0.5, 2.0, 0.5, 2.0].into_iter().enumerate() {
        w.wait(10).tell(A, [("host/a", load(one))]).run();
        if round == 2 {
            assert!(!w.ledger.entry(&hot()).unwrap().is_flapping());
        }
    }
    assert_eq!(w.ledger.entry(&hot()).unwrap().flips, 5);
    assert!(w.ledger.entry(&hot()).unwrap().is_flapping());
    w.wait(875).tell(A, [("host/a", load(2.0))]).run();
    assert_eq!(w.ledger.entry(&hot()).unwrap().flips, 3);
}

#[test]
fn a_stale_fact_is_unknown_and_not_cleared() {
    let mut w = world([&HOT]);
    w.tell(A, [("host/a", load(2.0))]).run();
    let onset = w.ledger.entry(&hot()).unwrap().since;
    w.wait(60).fail(A, Layer::Timeout, "no answer in 5s").run();
    let roots = w.ledger.roots();
    assert_eq!(roots.len(), 1);
    assert_eq!(roots[0].finding.severity, Severity::Unknown);
    assert_eq!(
        roots[0].finding.summary,
        "1 check cannot be decided: load is 1m00s old"
    );
    assert!(roots[0].finding.so_what.contains("hot host/a"));
    assert_eq!(w.ledger.recent().next().unwrap().ended, Ended::Undecided);
    w.wait(30).fail(A, Layer::Timeout, "no answer in 5s").run();
    assert!(w.ledger.roots()[0].finding.summary.ends_with("1m30s old"));

    w.wait(10).tell(A, [("host/a", load(3.0))]).run();
    let entry = w.ledger.entry(&hot()).unwrap();
    assert_eq!((entry.since, entry.flips), (onset, 1));
    assert_eq!(w.ledger.counts().all, 1);
}

/// The host that tells goes on telling; of the other it can say nothing more.
#[test]
fn a_part_that_stays_lost_is_unknown_once_it_is_stale_although_its_feed_is_fresh() {
    let mut w = world([&HOT]);
    w.tell(A, [("host/a", load(0.5)), ("host/b", load(2.0))])
        .run();
    assert_eq!(w.rows(), "WARN hot host/b\n");
    for _ in 0..4 {
        w.wait(10)
            .tell_but(A, [("host/a", Os::default().into())], &[FactKind::Load])
            .run();
    }
    assert!(!w.rows().contains("WARN hot"), "{}", w.rows());
    assert_eq!(w.ledger.recent().next().unwrap().ended, Ended::Undecided);
}

#[test]
fn a_feed_that_was_not_asked_is_waited_for_and_one_that_was_is_unknown() {
    let mut w = world([&HOT]);
    w.run();
    assert_eq!(w.ledger.waiting_for_first_answer(), 1);
    assert_eq!(w.rows(), "");
    w.fail(A, Layer::Dns, "no such host").run();
    assert_eq!(w.ledger.waiting_for_first_answer(), 0);
    assert_eq!(w.rows(), "UNKN not-known host/a\n");
    let doubts: Vec<_> = w.ledger.undecided(&Subject::host("a")).collect();
    assert_eq!(doubts, [("hot", &Doubt::Never(FactKind::Load))]);
}

#[test]
fn a_second_sample_is_counted_and_not_told() {
    let mut w = world([&RATE]);
    w.tell(A, [("host/a", load(2.0))]).run();
    assert_eq!(w.ledger.waiting_for_second_sample(), 1);
    assert_eq!(w.rows(), "");
}

#[test]
fn a_crash_is_a_finding_and_the_other_rules_go_on() {
    let mut w = world([&HOT, &HEN]);
    w.tell(A, [("host/a", load(13.0))]).run();
    assert_eq!(w.rows(), "UNKN rule-crashed host/a\nWARN hen host/a\n");
    let crash = w.ledger.roots()[0];
    assert!(crash.finding.summary.contains("unlucky"), "{crash:?}");
    w.wait(10).tell(A, [("host/a", load(0.1))]).run();
    assert_eq!(w.rows(), "");
}

#[test]
fn two_rules_that_explain_each_other_make_no_circle() {
    let mut w = world([&HEN, &EGG]);
    w.tell(A, [("host/a", load(2.0))]).run();
    assert_eq!(w.rows(), "WARN hen host/a\n  egg host/a\n");
    assert_eq!(w.ledger.under(&w.ledger.roots()[0].id).len(), 1);
}

#[test]
fn a_subject_that_vanishes_takes_its_findings_along() {
    let mut w = world([&HOT]);
    w.tell(A, [("host/a", load(2.0)), ("host/guest", load(2.0))])
        .run();
    assert_eq!(w.ledger.counts().warning, 2);
    w.wait(10).tell(A, [("host/a", load(2.0))]).run();
    assert_eq!(w.rows(), "WARN hot host/a\n");
    assert_eq!(w.ledger.recent().next().unwrap().ended, Ended::Vanished);
}

#[test]
fn one_change_runs_one_check_however_many_subjects_there_are() {
    let mut w = Scenario::with_rules([&HOT, &CROWD]);
    for n in 0..200 {
        let feed = format!("node-exporter/h{n} http://10.0.0.{n}:9100");
        let host = format!("host/h{n}");
        w.feed(&feed, &host).tell(&feed, [(&host, load(2.0))]);
    }
    w.run();
    let runs = |w: &Scenario| {
        w.ledger
            .costs()
            .map(|(_, cost)| cost.runs)
            .collect::<Vec<_>>()
    };
    assert_eq!(runs(&w), [200, 0]);
    w.wait(1);
    let feed = "node-exporter/h7 http://10.0.0.7:9100";
    w.tell(feed, [("host/h7", load(3.0))]).run();
    assert_eq!(runs(&w), [201, 0]);
}

#[test]
fn a_rule_on_the_fleet_runs_for_its_own_facts_and_catches_up() {
    let mut w = world([&CROWD]);
    w.tell(A, [("host/a", Memory::default().into())]);
    w.ledger.run(&mut w.model, w.now);
    assert_eq!(w.ledger.roots()[0].finding.summary, "1 hosts");
    // Within the same second it is held back, and the next quiet run makes up for it.
    w.tell(
        A,
        [
            ("host/a", Memory::default().into()),
            ("host/b", Os::default().into()),
        ],
    );
    w.ledger.run(&mut w.model, w.now);
    assert_eq!(w.ledger.roots()[0].finding.summary, "1 hosts");
    assert!(w.ledger.run(&mut w.model, w.now));
    assert_eq!(w.ledger.roots()[0].finding.summary, "2 hosts");
    assert!(!w.ledger.run(&mut w.model, w.now));
}

#[test]
fn what_is_not_known_because_of_a_known_fault_makes_it_no_graver() {
    let mut w = Scenario::new();
    w.feed(A, "host/a");
    w.fail(A, Layer::Tcp, "10.0.0.1 refused the connection")
        .run();
    assert_eq!(w.rows(), "WARN target-down host/a\n  not-known host/a\n");
    let counts = w.ledger.counts();
    assert_eq!((counts.warning, counts.unknown, counts.all), (1, 0, 2));
}

/// A host that is hot by the warning; what is grave because of it stands on another subject.
static BURNT: Rule = Rule {
    id: "burnt",
    doc: "",
    on: &[SubjectKind::Mount],
    needs: &[],
    causes: &[Cause::host("hot")],
    check: |_, mount| Finding::new(&BURNT, mount, Severity::Critical, "burnt").into(),
};

#[test]
fn a_subject_is_as_bad_as_what_its_finding_explains_elsewhere() {
    let mut w = Scenario::with_rules([&HOT, &BURNT]);
    w.feed(A, "host/a");
    let mount = crate::facts::Mount::default();
    w.tell(A, [("host/a", load(2.0)), ("mount/a/var", mount.into())]);
    w.run();
    assert_eq!(
        w.rows(),
        "CRIT hot host/a
  burnt mount/a/var
"
    );
    let host = Subject::host("a");
    assert_eq!(w.ledger.on(&host), Some(Severity::Critical));
    assert_eq!(w.ledger.within(&host), Some(Severity::Critical));
}

/// Services need endpoint slices and pods to be judged by.
#[test]
fn what_was_not_listed_yet_is_waited_for_and_then_judged() {
    let mut w = Scenario::with_rules([&service_without_endpoints::RULE]);
    for kind in [ObjectKind::Service, ObjectKind::Endpoints, ObjectKind::Pod] {
        w.stream(kind, "cluster/prod");
    }
    let service = objects::service("web", &[("app", "web")]);
    w.put(service).run();
    assert_eq!(w.rows(), "");
    assert_eq!(w.ledger.waiting_for_first_answer(), 1);
    // The listing has begun, and brought something, and is still not whole.
    w.deltas(
        ObjectKind::Endpoints,
        vec![Delta::Begin(ObjectKind::Endpoints)],
    )
    .run();
    w.wait(10)
        .put(objects::service("web", &[("app", "web")]))
        .run();
    assert_eq!(
        (w.rows(), w.ledger.waiting_for_first_answer()),
        (String::new(), 1)
    );
    for kind in [ObjectKind::Endpoints, ObjectKind::Pod] {
        w.deltas(kind, vec![Delta::Begin(kind), Delta::Synced(kind)]);
    }
    w.put(objects::service("web", &[("app", "web")])).run();
    assert_eq!(w.ledger.waiting_for_first_answer(), 0);
    assert_eq!(w.rows(), "");
}

#[test]
fn what_was_known_before_a_stream_fell_silent_keeps_its_age() {
    let crashing = || {
        objects::pod("web-1", |pod| {
            pod.ready = false;
            pod.containers = [objects::waiting(
                objects::container("web"),
                "CrashLoopBackOff",
            )]
            .into();
        })
    };
    let mut w = Scenario::kube([crashing()]);
    w.run();
    let onset = w.ledger.roots()[0].since;
    w.wait(5).hear().lose_watch(ObjectKind::Pod).run();
    assert!(!w.rows().contains("pod-crash-looping"), "{}", w.rows());
    w.wait(5).hear().run();
    w.wait(10).hear().run();
    assert_eq!(w.rows(), "WARN pod-crash-looping pod/prod/shop/web-1\n");
    assert_eq!(
        (w.ledger.roots()[0].since, w.ledger.roots()[0].flips),
        (onset, 1)
    );
}
