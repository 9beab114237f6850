//! `midwatch check`: the same engine without a screen. Asks everything once, waits until every
//! feed has answered or its deadline has passed, and reports.

use std::time::Duration;

use crate::clock::{self, Now};
use crate::findings::Ledger;
use crate::model::{Feed, Model};
use crate::poll::{Poller, Schedule, Watched};

/// How long to go on asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// One sample of everything; what needs a rate stays undecided.
    OneSample,
    /// A second sample after this long, so that rates can be judged. Feeds that are slower by
    /// their own choice, such as the hashes of etcd, are asked once all the same.
    SecondSample(Duration),
}

/// What a check found out.
#[derive(Debug)]
pub struct Outcome {
    pub model: Model,
    pub ledger: Ledger,
    pub started: Now,
    pub now: Now,
}

/// Runs to the end: at most the longest deadline per sample, and `limit` in all.
pub async fn run(
    mut model: Model,
    feeds: Vec<Watched>,
    depth: Depth,
    limit: Option<Duration>,
) -> Outcome {
    let started = clock::now();
    let (samples, pause) = match depth {
        Depth::OneSample => (1, Duration::from_secs(3600)),
        Depth::SecondSample(pause) => (2, pause),
    };
    let wanted = |feed: &Feed| match feed.spec.period {
        period if period > pause => 1,
        _ => u64::from(samples),
    };
    let longest = feeds
        .iter()
        .map(|feed| feed.spec.timeout)
        .max()
        .unwrap_or_default();
    // Every poll ends at its own deadline; the margin is for a machine that is busy.
    let enough = (longest + Duration::from_secs(2)) * samples
        + if samples > 1 { pause } else { Duration::ZERO };
    let poller = Poller::start(feeds, Schedule::Check(pause));
    let gather = async {
        while model.feeds().iter().any(|feed| feed.polls < wanted(feed)) {
            poller.ready().await;
            for delivery in poller.take(usize::MAX) {
                model.announce(
                    &delivery.observation.feed,
                    delivery.next_poll,
                    delivery.dropped,
                );
                model.absorb(delivery.observation);
            }
        }
    };
    let timed_out = tokio::time::timeout(limit.unwrap_or(enough), gather)
        .await
        .is_err();
    if timed_out {
        tracing::warn!("not every target answered before the limit");
    }
    let now = clock::now();
    let mut ledger = Ledger::default();
    model.age(now);
    // Rules on the fleet wait for those on its parts: run until nothing is left to judge.
    while ledger.run(&mut model, now) {}
    Outcome {
        model,
        ledger,
        started,
        now,
    }
}
