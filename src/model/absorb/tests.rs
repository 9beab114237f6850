//! What one observation changes, and what it must leave alone.

use std::time::Duration;

use crate::clock::Now;
use crate::facts::{Cpu, Fact, FactKind, Memory, Mount};
use crate::ids::{FeedId, TargetId};
use crate::model::{FeedSpec, Freshness, Model, Series};
use crate::observation::{Harvest, Layer, Observation, Outage};
use crate::subject::Subject;
use crate::thresholds::Thresholds;
use crate::units::Bytes;

fn feed(name: &str) -> FeedId {
    FeedId::new(TargetId::new("node-exporter", name), name)
}

/// Two feeds about host `a` and one about host `b`.
fn model() -> Model {
    let mut model = Model::new(Now::fixed(), Thresholds::default());
    for (name, host) in [("one", "a"), ("two", "a"), ("three", "b")] {
        let spec = FeedSpec {
            id: feed(name),
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            subject: Subject::host(host),
            tells: None,
        };
        model.register(spec, Thresholds::default());
    }
    model
}

fn told(name: &str, facts: Vec<(Subject, Fact)>, after: u64) -> Observation {
    Observation {
        feed: feed(name),
        at: Now::fixed().plus(Duration::from_secs(after)),
        took: Duration::from_millis(3),
        bytes: 1,
        outcome: Ok(Harvest {
            facts,
            ..Harvest::default()
        }),
    }
}

fn failed(name: &str, after: u64) -> Observation {
    Observation {
        outcome: Err(Outage::new(Layer::Tcp, "refused")),
        ..told(name, Vec::new(), after)
    }
}

fn memory(host: &str) -> (Subject, Fact) {
    let memory = Memory {
        total: Bytes(100),
        available: Bytes(40),
        ..Memory::default()
    };
    (Subject::host(host), memory.into())
}

fn mount(host: &str) -> (Subject, Fact) {
    let mount = Mount {
        size: Bytes(100),
        avail: Bytes(50),
        ..Mount::default()
    };
    (Subject::mount(host, "/var"), mount.into())
}

#[test]
fn a_failure_is_a_gap_in_what_that_feed_told_and_nowhere_else() {
    let mut model = model();
    model.absorb(told("one", vec![memory("a"), mount("a")], 1));
    model.absorb(told("three", vec![memory("b")], 1));
    model.absorb(failed("one", 11));
    let samples = |subject: &Subject, series| -> Vec<bool> {
        let samples = model.history().samples(subject, series);
        samples.map(|sample| sample.is_some()).collect()
    };
    assert_eq!(
        samples(&Subject::host("a"), Series::MemoryUsed),
        [true, false]
    );
    assert_eq!(
        samples(&Subject::mount("a", "/var"), Series::MountUsed),
        [true, false]
    );
    assert_eq!(samples(&Subject::host("b"), Series::MemoryUsed), [true]);
}

/// What a list told, so long after it was asked for.
fn listed(behind: u64, every: u64, after: u64) -> Observation {
    let outcome = Ok(Harvest {
        behind: Duration::from_secs(behind),
        listed: Some(Duration::from_secs(every)),
        ..Harvest::default()
    });
    Observation {
        outcome,
        ..told("one", Vec::new(), after)
    }
}

#[test]
fn a_heartbeat_between_two_lists_makes_nothing_younger() {
    let mut model = model();
    let now = |after| Now::fixed().plus(Duration::from_secs(after)).stamp;
    // Every 20 s, which is slower than the feed's own period of 10.
    for (behind, after) in [(1, 1), (20, 20), (39, 39)] {
        model.absorb(listed(behind, 20, after));
        let feed = model.feed(&feed("one")).unwrap();
        assert_eq!(feed.last_ok.unwrap().stamp, now(0));
        assert_eq!(feed.last_poll.unwrap().stamp, now(after));
        assert_eq!(feed.freshness(now(after)), Freshness::Fresh);
    }
    model.absorb(listed(60, 20, 60));
    let feed_one = model.feed(&feed("one")).unwrap();
    assert_eq!(feed_one.freshness(now(60)), Freshness::Stale);
    // Watched again: its own period counts again.
    model.absorb(told("one", Vec::new(), 70));
    let feed_one = model.feed(&feed("one")).unwrap();
    assert_eq!(feed_one.freshness(now(90)), Freshness::Aging);
}

#[test]
fn after_a_suspend_a_heartbeat_is_no_reason_to_trust_the_list_before_it() {
    let mut model = model();
    let now = |after| Now::fixed().plus(Duration::from_secs(after));
    let usable = |model: &Model, after| {
        let feed = model.feed(&feed("one")).unwrap();
        feed.freshness(now(after).stamp).is_usable()
    };
    model.absorb(listed(0, 20, 1));
    model.distrust_all(now(10));
    model.absorb(listed(10, 20, 11));
    assert!(!usable(&model, 11));
    model.absorb(listed(1, 20, 12));
    assert!(usable(&model, 12));
}

#[test]
fn what_one_feed_no_longer_tells_stays_where_another_does() {
    let mut model = model();
    let cpu = (Subject::host("a"), Fact::from(Cpu::default()));
    model.absorb(told("one", vec![memory("a"), cpu], 1));
    model.absorb(told("two", vec![memory("a")], 2));
    model.absorb(told("one", Vec::new(), 11));
    assert!(model.carries(&Subject::host("a"), FactKind::Memory));
    assert!(!model.carries(&Subject::host("a"), FactKind::Cpu));
    model.absorb(told("two", Vec::new(), 12));
    assert!(!model.carries(&Subject::host("a"), FactKind::Memory));
    assert!(
        model.contains(&Subject::host("a")),
        "a feed still speaks for it"
    );
}

#[test]
fn a_mount_that_is_gone_is_forgotten_with_its_history_and_may_come_back() {
    let (mut model, var) = (model(), Subject::mount("a", "/var"));
    for (round, is_there) in [(1, true), (2, false), (3, true)] {
        let facts = if is_there {
            vec![mount("a")]
        } else {
            Vec::new()
        };
        model.take_dirty();
        model.absorb(told("one", facts, round * 10));
        assert_eq!(model.contains(&var), is_there, "round {round}");
        assert!(model.take_dirty().contains(&var), "round {round}");
        let samples = model.history().samples(&var, Series::MountUsed);
        assert_eq!(samples.count(), usize::from(is_there), "round {round}");
    }
}

#[test]
fn a_feed_that_fails_makes_all_that_it_told_dirty() {
    let mut model = model();
    model.absorb(told("one", vec![memory("a"), mount("a")], 1));
    model.take_dirty();
    model.absorb(failed("one", 11));
    let dirty = model.take_dirty();
    assert!(dirty.contains(&Subject::mount("a", "/var")));
    assert!(!dirty.contains(&Subject::host("b")));
}
