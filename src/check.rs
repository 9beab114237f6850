//! `midwatch check`: the same engine without a screen. Asks everything once, waits until every
//! feed has answered or its deadline has passed, and reports.

use std::time::Duration;

use crate::clock::{self, Now};
use crate::findings::Ledger;
use crate::model::{Feed, FeedIndex, Model};
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

/// Time that the first listing of a cluster's objects may take beyond the deadlines of its polls:
/// 50,000 pods came in 7 s from a server on the same machine.
const LISTING: Duration = Duration::from_secs(30);

/// Has a feed been asked often enough? A stream has when all was told once, or when it failed.
fn has_answered(model: &Model, index: FeedIndex, wanted: impl Fn(&Feed) -> u64) -> bool {
    let feed = &model.feeds()[index];
    let Some(kind) = feed.spec.tells else {
        return feed.polls >= wanted(feed);
    };
    let cluster = model.objects().cluster(&feed.spec.id.target.name);
    feed.outage.is_some() || cluster.is_some_and(|cluster| cluster.has_told(kind, index))
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
    // A listing comes in many polls, and a large cluster takes its time for it.
    let streams = model.feeds().iter().any(|feed| feed.spec.tells.is_some());
    let enough = enough + if streams { LISTING } else { Duration::ZERO };
    let poller = Poller::start(feeds, Schedule::Check(pause));
    let gather = async {
        while (0..model.feeds().len()).any(|index| !has_answered(&model, index, wanted)) {
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
