//! Every format of one hand-built model, hostile names included.

use std::time::Duration;

use super::*;
use crate::facts::{Disk, Fact, Memory};
use crate::findings::scenario::{Scenario, objects};
use crate::findings::{Cause, Evidence, Finding, Relation, Rule, Verdict};
use crate::ids::{FeedId, TargetId};
use crate::model::{FeedSpec, Model};
use crate::objects::{Delta, ObjectKind};
use crate::observation::{Harvest, Observation, Outage};
use crate::subject::{Subject, SubjectKind};
use crate::thresholds::Thresholds;

/// Escape, bell, C1, a bidirectional override, a tag, and what the formats themselves care for.
const HOSTILE: &str = "x\u{1b}]0;pwn\u{7}\u{9b}31m\u{202e}\u{e0041}\u{7f}|<b>&\"'`\\\nnext";

static CRASHED: Rule = Rule {
    id: "member-gone",
    doc: "a member is gone",
    on: &[SubjectKind::Etcd],
    needs: &[],
    causes: &[],
    check: |snap, subject| {
        let evidence = Evidence {
            what: "members that answer".into(),
            value: "2 of 3".into(),
            limit: "< 3".into(),
            source: HOSTILE.into(),
            at: snap.now.stamp - Duration::from_secs(3),
        };
        Finding::new(
            &CRASHED,
            subject,
            Severity::Critical,
            "1 of 3 members is gone",
        )
        .so_what("the next loss stops writes")
        .evidence(evidence)
        .into()
    },
};

static SLOW: Rule = Rule {
    id: "slow-commits",
    doc: "commits are slow",
    on: &[SubjectKind::Etcd],
    needs: &[],
    causes: &[Cause {
        rule: "member-gone",
        at: Relation::Same,
    }],
    check: |_, subject| {
        let summary = format!("commits take 300ms, said {HOSTILE}");
        Verdict::Firing(vec![
            Finding::new(&SLOW, subject, Severity::Warning, summary).key("a"),
            Finding::new(&SLOW, subject, Severity::Warning, "commits vary").key("b"),
        ])
    },
};

static RULES: &[&Rule] = &[&CRASHED, &SLOW];

fn spec(kind: &str, name: &str, endpoint: &str, subject: Subject) -> FeedSpec {
    FeedSpec {
        id: FeedId::new(TargetId::new(kind, name), endpoint),
        period: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        subject,
        tells: None,
    }
}

fn answer(model: &mut Model, feed: &FeedSpec, at: Now, outcome: Result<Harvest, Outage>) {
    model.absorb(Observation {
        feed: feed.id.clone(),
        at,
        took: Duration::from_millis(12),
        bytes: 100,
        outcome,
    });
}

/// A host that is well, an etcd cluster with one silent member, a Prometheus that was never asked.
fn model() -> (Model, Now) {
    let now = Now::fixed();
    let mut model = Model::new(now, Thresholds::default());
    let host = spec(
        "node-exporter",
        "cp-1",
        "http://10.0.0.11:9100",
        Subject::host("cp-1"),
    );
    let first = spec(
        "etcd",
        "prod",
        "https://10.0.0.11:2379",
        Subject::etcd("prod"),
    );
    let second = spec(
        "etcd",
        "prod",
        "https://10.0.0.12:2379",
        Subject::etcd("prod"),
    );
    let silent = spec(
        "prometheus",
        "main",
        "http://10.0.0.14:9090",
        Subject::prometheus("main"),
    );
    for feed in [&host, &first, &second, &silent] {
        model.register(feed.clone(), Thresholds::default());
    }
    let fact = (Subject::host("cp-1"), Fact::Memory(Memory::default()));
    let disk = (Subject::disk("cp-1", HOSTILE), Fact::Disk(Disk::default()));
    let harvest = Harvest {
        facts: vec![fact, disk],
        ..Harvest::default()
    };
    answer(&mut model, &host, now, Ok(harvest));
    answer(&mut model, &first, now, Ok(Harvest::default()));
    let outage = Outage::new(Layer::Tcp, format!("connection refused {HOSTILE}"))
        .hint("Check that etcd runs there");
    answer(&mut model, &second, now, Err(outage));
    (model, now.plus(Duration::from_secs(5)))
}

fn report() -> Report {
    let (mut model, now) = model();
    let mut ledger = Ledger::with_rules(RULES);
    ledger.run(&mut model, now);
    let snap = model.snapshot(now);
    let mut report = Report::new(&snap, &ledger, Now::fixed(), Duration::from_millis(1350));
    report.version = "0.0.0".into();
    report
}

fn all() -> Vec<(&'static str, String)> {
    let report = report();
    vec![
        ("text", report.render(Format::Text, Paint::Plain)),
        ("json", report.render(Format::Json, Paint::Plain)),
        ("markdown", report.render(Format::Markdown, Paint::Plain)),
        ("junit", report.render(Format::Junit, Paint::Plain)),
        (
            "prometheus",
            report.render(Format::Prometheus, Paint::Plain),
        ),
    ]
}

#[test]
fn every_format_says_the_same_of_one_model() {
    for (name, text) in all() {
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn nothing_hostile_comes_out_raw_in_any_format() {
    for (name, text) in all() {
        let raw: Vec<char> = text
            .chars()
            .filter(|c| *c != '\n' && crate::text::is_unsafe(*c))
            .collect();
        assert!(raw.is_empty(), "{name} holds {raw:?}");
        assert!(text.contains("pwn"), "{name} left the text out");
    }
}

#[test]
fn json_holds_every_field_that_its_schema_requires_and_reads_back() {
    let text = report().render(Format::Json, Paint::Plain);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&json::schema()).unwrap();
    let requires = |node: &serde_json::Value, value: &serde_json::Value| {
        for field in node["required"].as_array().unwrap() {
            assert!(
                value.get(field.as_str().unwrap()).is_some(),
                "{field} is missing"
            );
        }
    };
    requires(&schema, &value);
    let parts = [
        ("TargetRow", "targets"),
        ("FindingRow", "findings"),
        ("SubjectRow", "subjects"),
    ];
    for (definition, field) in parts {
        let rows = value[field].as_array().unwrap();
        assert!(!rows.is_empty(), "{field} is empty");
        for row in rows {
            requires(&schema["$defs"][definition], row);
        }
    }
    let back: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(back.targets, report().targets);
}

#[test]
fn one_failing_endpoint_makes_its_target_bad_and_is_named() {
    let report = report();
    let target = |id: &str| {
        report
            .targets
            .iter()
            .find(|row| row.id == id)
            .unwrap()
            .clone()
    };
    let etcd = target("etcd/prod");
    assert_eq!((etcd.state, etcd.age_ms), (State::Bad, Some(5000)));
    assert_eq!(etcd.error.unwrap().endpoint, "https://10.0.0.12:2379");
    assert_eq!(target("prometheus/main").state, State::Unknown);
    let host = target("node-exporter/cp-1");
    assert_eq!((host.state, host.age_ms), (State::Ok, Some(5000)));
}

#[test]
fn subjects_have_one_of_four_states() {
    let report = report();
    let state = |id: &str| {
        report
            .subjects
            .iter()
            .find(|row| row.id == id)
            .unwrap()
            .state
    };
    assert_eq!(state("host/cp-1"), State::Ok);
    assert_eq!(state("etcd/prod"), State::Bad);
    assert_eq!(state("prometheus/main"), State::Unknown);
    assert_eq!(state("sntp"), State::NotConfigured);
}

#[test]
fn symptoms_follow_their_cause_and_name_it() {
    let findings = report().findings;
    assert_eq!(findings[0].rule, "member-gone");
    assert_eq!(
        (&*findings[1].rule, findings[1].told.depth),
        ("slow-commits", 1)
    );
    assert_eq!(findings[1].cause.as_ref().unwrap().rule, "member-gone");
}

#[test]
fn the_exit_code_is_that_of_the_worst() {
    let mut report = report();
    assert_eq!(report.exit_code(), 2);
    report
        .findings
        .retain(|finding| finding.severity != Severity::Critical);
    assert_eq!(report.exit_code(), 3, "two targets do not answer");
    report
        .targets
        .retain(|target| target.state != State::Unknown);
    assert_eq!(report.exit_code(), 3, "what is folded decides nothing");
    for finding in &mut report.findings {
        finding.cause = None;
    }
    assert_eq!(report.exit_code(), 1, "a target that fails is told");
    report.targets.retain(|target| target.state == State::Ok);
    assert_eq!(report.exit_code(), 1);
    report.findings.clear();
    assert_eq!(report.exit_code(), 0);
    report.targets.clear();
    assert_eq!(report.exit_code(), 3, "nothing is watched");
}

#[test]
fn colour_follows_the_flag_then_the_environment_then_the_terminal() {
    let none = Environment::default();
    let with = |name: &str, value: &str| Environment::of(&[(name, value)]);
    let choose = |when, environment: &Environment, out| Paint::choose(when, environment, out);
    use ColorWhen::{Always, Auto, Never};
    assert_eq!(choose(Auto, &none, Out::Terminal), Paint::Ansi);
    assert_eq!(choose(Auto, &none, Out::Pipe), Paint::Plain);
    assert_eq!(
        choose(Auto, &with("NO_COLOR", "1"), Out::Terminal),
        Paint::Plain
    );
    assert_eq!(
        choose(Auto, &with("NO_COLOR", ""), Out::Terminal),
        Paint::Ansi
    );
    assert_eq!(
        choose(Auto, &with("TERM", "dumb"), Out::Terminal),
        Paint::Plain
    );
    assert_eq!(
        choose(Auto, &with("CLICOLOR_FORCE", "1"), Out::Pipe),
        Paint::Ansi
    );
    assert_eq!(
        choose(Always, &with("NO_COLOR", "1"), Out::Pipe),
        Paint::Ansi
    );
    assert_eq!(choose(Never, &none, Out::Terminal), Paint::Plain);
}

#[test]
fn colour_is_added_only_when_asked_for() {
    let painted = report().render(Format::Text, Paint::Ansi);
    assert!(
        painted.starts_with("\u{1b}[1;31mCRIT\u{1b}[0m"),
        "{painted}"
    );
    let plain = painted
        .replace("\u{1b}[1;31m", "")
        .replace("\u{1b}[1;35m", "");
    let plain = plain.replace("\u{1b}[33m", "").replace("\u{1b}[0m", "");
    assert_eq!(plain, report().render(Format::Text, Paint::Plain));
}

#[test]
fn the_prometheus_text_has_no_series_twice_and_parses() {
    let text = report().render(Format::Prometheus, Paint::Plain);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut series: Vec<&String> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    let all = series.len();
    series.sort();
    series.dedup();
    assert_eq!(series.len(), all);
    let parsed =
        prometheus_parse::Scrape::parse(lines.iter().map(|line| Ok(line.clone()))).unwrap();
    assert_eq!(parsed.samples.len(), all);
}

/// A plain check of these feeds, each polled once or, without an outcome, not at all.
fn checked(polls: &[(FeedSpec, Option<Result<Harvest, Outage>>)]) -> Report {
    let now = Now::fixed();
    let mut model = Model::new(now, Thresholds::default());
    for (spec, _) in polls {
        model.register(spec.clone(), Thresholds::default());
    }
    for (spec, outcome) in polls {
        if let Some(outcome) = outcome {
            answer(&mut model, spec, now, outcome.clone());
        }
    }
    let mut ledger = Ledger::default();
    while ledger.run(&mut model, now) {}
    Report::new(&model.snapshot(now), &ledger, now, Duration::ZERO)
}

fn refused(at: &str) -> Result<Harvest, Outage> {
    let detail = format!("{at} refused the connection");
    Err(Outage::new(Layer::Tcp, detail))
}

#[test]
fn a_dead_exporter_is_a_warning_and_what_it_hides_is_folded() {
    let host = Subject::host("a");
    let dead = spec("node-exporter", "dead", "http://10.0.0.1:9100", host);
    let report = checked(&[(dead, Some(refused("10.0.0.1")))]);
    let warnings = report.count(Severity::Warning);
    assert_eq!((report.exit_code(), warnings), (1, 1), "{report:?}");
    assert_eq!(report.count(Severity::Unknown), 0);
    let text = report.render(Format::Text, Paint::Plain);
    assert!(text.contains("1 warning, 0 info (+1 folded)"), "{text}");
}

#[test]
fn what_the_limit_cut_off_is_unknown_and_says_so() {
    let host = Subject::host("a");
    let slow = spec("node-exporter", "slow", "http://10.0.0.1:9100", host);
    let report = checked(&[(slow, None)]);
    assert_eq!(report.exit_code(), 3);
    let target = &report.targets[0];
    let error = target.error.clone().unwrap();
    assert_eq!(
        (target.state, error.layer),
        (State::Unknown, Layer::Timeout)
    );
    assert_eq!(error.detail, "no answer before the limit of the check");
    let text = report.render(Format::Text, Paint::Plain);
    assert!(text.contains("1 not heard before the limit"), "{text}");
}

#[test]
fn every_failing_endpoint_is_named_with_its_own_words_and_key() {
    let member = |n: u8| {
        let (at, subject) = (format!("https://10.0.0.{n}:2379"), Subject::etcd("prod"));
        spec("etcd", "prod", &at, subject)
    };
    let report = checked(&[
        (member(1), Some(Ok(Harvest::default()))),
        (member(2), Some(refused("10.0.0.2"))),
        (
            member(3),
            Some(Err(Outage::new(Layer::Tls, "unknown issuer"))),
        ),
    ]);
    let target = &report.targets[0];
    assert_eq!(target.age_ms, Some(0));
    assert_eq!(
        target.error.clone().unwrap().detail,
        "https://10.0.0.2:2379: TCP: 10.0.0.2 refused the connection; \
         https://10.0.0.3:2379: TLS: unknown issuer"
    );
    let down = report
        .findings
        .iter()
        .filter(|row| row.rule == "target-down");
    let keys: Vec<&str> = down.map(|row| row.key.as_str()).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    for row in report.findings.iter().filter(|row| row.rule == "not-known") {
        let cause = row.cause.as_ref().unwrap();
        assert!(keys.contains(&cause.key.as_str()), "{cause:?}");
    }
    let text = report.render(Format::Prometheus, Paint::Plain);
    let series = text.lines().filter(|line| line.contains("\"target-down\""));
    assert_eq!(series.count(), 2, "{text}");
}

#[test]
fn of_a_clusters_objects_only_those_with_findings_are_told() {
    let crashing = objects::pod("bad", |pod| {
        pod.ready = false;
        pod.containers = [objects::waiting(
            objects::container("web"),
            "CrashLoopBackOff",
        )]
        .into();
    });
    let well = (0..500).map(|n| objects::pod(&format!("well-{n}"), |_| {}));
    let mut world = Scenario::kube(well.chain([crashing]));
    world.run();
    let report = |world: &Scenario| {
        let snap = world.model.snapshot(world.now);
        Report::new(&snap, &world.ledger, world.now, Duration::from_secs(1))
    };
    let told = report(&world);
    let rows: Vec<(&str, State)> = told
        .subjects
        .iter()
        .filter(|row| row.state != State::NotConfigured)
        .map(|row| (&*row.id, row.state))
        .collect();
    assert_eq!(
        rows,
        [
            ("cluster/prod", State::Ok),
            ("pod/prod/shop/bad", State::Bad)
        ]
    );
    assert_eq!(
        (told.targets[0].state, told.targets[0].waiting),
        (State::Ok, 0)
    );
    assert_eq!(told.exit_code(), 1);
    for format in [
        Format::Text,
        Format::Json,
        Format::Markdown,
        Format::Junit,
        Format::Prometheus,
    ] {
        let text = told.render(format, Paint::Plain);
        assert!(text.contains("pod/prod/shop/bad"), "{format:?}");
        assert!(!text.contains("well-"), "{format:?}");
    }
}

#[test]
fn a_listing_that_did_not_end_leaves_its_target_unknown() {
    let mut world = Scenario::new();
    world.stream(ObjectKind::Pod, "cluster/prod");
    world.deltas(ObjectKind::Pod, vec![Delta::Begin(ObjectKind::Pod)]);
    let row = |world: &Scenario| {
        let snap = world.model.snapshot(world.now);
        let report = Report::new(&snap, &world.ledger, world.now, Duration::from_secs(1));
        (
            report.targets[0].state,
            report.targets[0].waiting,
            report.exit_code(),
        )
    };
    assert_eq!(row(&world), (State::Unknown, 1, 3));
    world.deltas(ObjectKind::Pod, vec![Delta::Synced(ObjectKind::Pod)]);
    assert_eq!(row(&world), (State::Ok, 0, 0));
}
