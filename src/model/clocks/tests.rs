//! Clocks compared: fleets in miniature, in, and what may be said about them, out.

use proptest::prelude::*;

use super::*;
use crate::clock::Now;
use crate::facts::Fact;
use crate::ids::{FeedId, TargetId};
use crate::model::{FeedSpec, Model};
use crate::observation::{Harvest, Observation, Outage};
use crate::thresholds::Thresholds;

const PERIOD: Duration = Duration::from_secs(10);

struct Fleet {
    model: Model,
    now: Now,
}

impl Fleet {
    fn new() -> Self {
        Self {
            model: Model::new(Now::fixed(), Thresholds::default()),
            now: Now::fixed(),
        }
    }

    fn feed(&mut self, kind: &str, endpoint: &str, subject: &str) -> FeedId {
        let id = FeedId::new(TargetId::new(kind, endpoint), endpoint);
        let spec = FeedSpec {
            id: id.clone(),
            period: PERIOD,
            timeout: Duration::from_secs(1),
            subject: subject.parse().unwrap(),
            tells: None,
        };
        self.model.register(spec, Thresholds::default());
        id
    }

    fn absorb(&mut self, id: FeedId, outcome: Result<Harvest, Outage>) {
        self.model.absorb(Observation {
            feed: id,
            at: self.now,
            took: Duration::ZERO,
            bytes: 0,
            outcome,
        });
    }

    /// A clock at an endpoint, `lo` to `hi` milliseconds ahead of this machine.
    fn clock(mut self, endpoint: &str, subject: &str, lo: f64, hi: f64) -> Self {
        let server = subject.starts_with("sntp/");
        let offset = ClockOffset {
            witness: if server {
                Witness::Sntp
            } else {
                Witness::NodeTime
            },
            offset: Interval::new(lo / 1e3, hi / 1e3),
            round_trip: (hi - lo) / 1e3,
            root_distance: server.then_some(0.0),
            stratum: None,
            reference: None,
        };
        let id = self.feed("x", endpoint, subject);
        let harvest = Harvest {
            facts: vec![(subject.parse().unwrap(), Fact::from(offset))],
            ..Harvest::default()
        };
        self.absorb(id, Ok(harvest));
        self
    }

    fn survey(&self) -> ClockSurvey {
        survey(&self.model.snapshot(self.now))
    }
}

fn close(interval: Interval, lo: f64, hi: f64) {
    assert!(
        (interval.lo * 1e3 - lo).abs() < 1e-6 && (interval.hi * 1e3 - hi).abs() < 1e-6,
        "{interval:?} is not {lo} to {hi} ms"
    );
}

#[test]
fn the_two_clocks_proven_farthest_apart_are_the_spread() {
    let fleet = Fleet::new()
        .clock("http://a:9100", "host/a", -1.0, 1.0)
        .clock("http://b:9100", "host/b", 90.0, 100.0)
        .clock("http://c:9100", "host/c", -400.0, 500.0)
        .survey();
    let spread = fleet.spread.clone().unwrap();
    assert_eq!((spread.a.leaf(), spread.b.leaf()), ("b", "a"));
    close(spread.interval, 89.0, 101.0);
    let skew = fleet
        .skew(&Subject::host("a"), &Subject::host("c"))
        .unwrap();
    close(skew, -501.0, 401.0);
}

#[test]
fn without_a_proven_skew_the_spread_is_what_is_possible() {
    let fleet = Fleet::new()
        .clock("http://a:9100", "host/a", -1.0, 1.0)
        .clock("http://b:9100", "host/b", -9.0, 50.0)
        .clock("http://c:9100", "host/c", -2.0, 2.0);
    let spread = fleet.survey().spread.unwrap();
    assert_eq!((spread.a.leaf(), spread.b.leaf()), ("b", "c"));
    assert_eq!(spread.interval.at_least(), 0.0);
    close(spread.interval, -11.0, 52.0);
}

#[test]
fn one_clock_is_no_pair_and_a_time_server_is_no_part_of_the_fleet() {
    let fleet = Fleet::new()
        .clock("http://a:9100", "host/a", -1.0, 1.0)
        .clock("t:123", "sntp/t", 900.0, 901.0);
    assert_eq!(fleet.survey().spread, None);
}

#[test]
fn this_machine_is_zero_and_comes_first() {
    let mut fleet = Fleet::new().clock("http://a:9100", "host/a", 200.0, 300.0);
    fleet.feed("local", "", "host/laptop");
    let survey = fleet.survey();
    assert_eq!(survey.clocks[0].subject, Subject::host("laptop"));
    assert_eq!(survey.clocks[0].witness, Witness::Own);
    let spread = survey.spread.unwrap();
    assert_eq!((spread.a.leaf(), spread.b.leaf()), ("a", "laptop"));
    close(spread.interval, 200.0, 300.0);
    assert_eq!(survey.own.of, 1, "it is no witness for itself");
}

#[test]
fn what_runs_on_this_machine_is_no_witness_for_its_clock() {
    let services = |fleet: Fleet| {
        fleet
            .clock("http://127.0.0.1:9100", "host/vm", -1.0, 1.0)
            .clock("[::1]:123", "sntp/near", -1.0, 1.0)
            .clock("https://localhost:2379", "etcd/dev/m1", -500.0, 500.0)
    };
    let mut watched = services(Fleet::new());
    watched.feed("local", "", "host/laptop");
    let survey = watched.survey();
    assert_eq!(survey.clocks.len(), 4, "their rows stay");
    assert_eq!(
        (survey.own.verdict, survey.own.of),
        (OwnVerdict::NoWitness, 0)
    );
    let other = watched.clock("t:123", "sntp/t", -3.0, 3.0);
    assert_eq!(
        other.survey().own.sentence(),
        "agrees with 1 of 1 other clocks"
    );
    // Without a `local` target loopback may be a tunnel to anywhere.
    assert!(services(Fleet::new()).survey().own.of > 0);
}

#[test]
fn an_own_clock_that_all_contradict_is_off() {
    let own = Fleet::new()
        .clock("http://a:9100", "host/a", 84.0, 90.0)
        .clock("http://b:9100", "host/b", 80.0, 88.0)
        .clock("t:123", "sntp/t", 85.0, 87.0)
        .survey()
        .own;
    assert_eq!(own.verdict, OwnVerdict::Off);
    close(own.interval.unwrap(), 85.0, 87.0);
    assert_eq!(own.sentence(), "at least 85ms behind 3 of 3 other clocks");
}

#[test]
fn one_wrong_server_does_not_move_the_verdict() {
    let own = Fleet::new()
        .clock("s:123", "sntp/s", -3.0, 3.0)
        .clock("t:123", "sntp/t", -2.0, 4.0)
        .clock("u:123", "sntp/u", 5000.0, 5001.0)
        .survey()
        .own;
    assert_eq!(own.verdict, OwnVerdict::Agrees);
    assert_eq!(own.outliers, [Subject::sntp("u")]);
    assert_eq!(own.sentence(), "agrees with 2 of 3 other clocks");
}

#[test]
fn two_that_disagree_are_no_majority() {
    let own = Fleet::new()
        .clock("s:123", "sntp/s", -3.0, 3.0)
        .clock("t:123", "sntp/t", 500.0, 501.0)
        .survey()
        .own;
    assert_eq!((own.verdict, own.interval), (OwnVerdict::NoMajority, None));
    assert!(own.sentence().contains("no majority"));
}

#[test]
fn one_against_one_is_no_majority_either() {
    let one = |lo, hi| Fleet::new().clock("s:123", "sntp/s", lo, hi).survey().own;
    assert_eq!(one(500.0, 501.0).verdict, OwnVerdict::NoMajority);
    assert_eq!(one(-1.0, 1.0).verdict, OwnVerdict::Agrees);
    assert_eq!(Fleet::new().survey().own.verdict, OwnVerdict::NoWitness);
}

#[test]
fn three_services_of_one_machine_are_one_witness() {
    let own = Fleet::new()
        .clock("http://a:9100", "host/a", 500.0, 510.0)
        .clock("https://a:2379", "etcd/prod/m1", 400.0, 1400.0)
        .clock("a:123", "sntp/a", 504.0, 506.0)
        .survey()
        .own;
    assert_eq!((own.verdict, own.of), (OwnVerdict::NoMajority, 1));
}

#[test]
fn a_stale_clock_is_listed_and_judges_nothing() {
    let mut fleet = Fleet::new()
        .clock("http://a:9100", "host/a", 84.0, 90.0)
        .clock("http://b:9100", "host/b", -1.0, 1.0);
    fleet.now = fleet.now.plus(PERIOD * 4);
    let survey = fleet.survey();
    assert_eq!(survey.clocks.len(), 2);
    assert!(survey.clocks.iter().all(|row| !row.is_usable()));
    assert_eq!((survey.spread, survey.own.of), (None, 0));
}

#[test]
fn an_old_measurement_is_as_wide_as_clocks_drift() {
    let mut fleet = Fleet::new().clock("http://a:9100", "host/a", -1.0, 1.0);
    fleet.now = fleet.now.plus(PERIOD * 2);
    // 20 s at 15 ppm are 0.3 ms.
    close(fleet.survey().clocks[0].now(), -1.3, 1.3);
}

#[test]
fn the_host_of_an_endpoint_is_what_stands_before_the_port() {
    for (endpoint, host) in [
        ("https://a:2379/x (hash)", "a"),
        ("[::1]:123", "[::1]"),
        ("[::1]", "[::1]"),
        ("cp-1", "cp-1"),
    ] {
        assert_eq!(host_of(endpoint), host);
    }
}

#[test]
fn touching_intervals_meet() {
    let both = [Interval::new(0.0, 1.0), Interval::new(1.0, 2.0)];
    assert_eq!(majority(&both), Some(Interval::new(1.0, 1.0)));
    assert_eq!(majority(&[]), None);
}

proptest! {
    #[test]
    fn a_majority_that_holds_the_truth_keeps_it(
        truth in -1.0..1.0_f64,
        right in proptest::collection::vec((0.0..0.5_f64, 0.0..0.5_f64), 1..8),
        wrong in proptest::collection::vec((-9.0..9.0_f64, 0.0..0.5_f64), 0..8),
    ) {
        prop_assume!(wrong.len() < right.len());
        let mut intervals: Vec<Interval> = right
            .iter()
            .map(|(below, above)| Interval::new(truth - below, truth + above))
            .collect();
        intervals.extend(wrong.iter().map(|(lo, width)| Interval::new(*lo, lo + width)));
        // Fewer wrong ones may suffice for a tighter answer; the truth is lost only if the wrong
        // ones complete a larger agreement, which then is the majority by count.
        if let Some(found) = majority(&intervals) {
            let agree = |span: Interval| {
                intervals.iter().filter(|i| i.meet(span).is_some()).count()
            };
            let holds = found.lo <= truth && truth <= found.hi;
            prop_assert!(holds || agree(found) > right.len());
        }
    }
}
