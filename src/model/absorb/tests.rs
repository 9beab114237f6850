//! What one observation changes, and what it must leave alone.

use std::time::Duration;

use crate::clock::Now;
use crate::facts::{Cpu, Fact, FactKind, Memory, Mount};
use crate::ids::{FeedId, TargetId};
use crate::model::{FeedSpec, Model, Series};
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
