//! When the next poll is due: pure arithmetic, so that its laws can be tested.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::ids::FeedId;
use crate::observation::{Harvest, Outage};

/// Failures in a row after which a target counts as dead and is asked less often.
const PATIENCE: u32 = 3;
/// First pause for a dead target, doubled per further failure; also the first wait for a slow feed
/// that did not bring all it should.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Longest pause for a dead target, and the longest wait of a slow feed that is not whole: what is
/// mended is seen to be mended within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A dead target that comes back must be seen within this many of its own periods.
const PERIODS_TO_NOTICE: u32 = 3;
/// First polls are spread over this time, so that the screen fills at once and the network does
/// not see a burst.
const FIRST_SPREAD: Duration = Duration::from_secs(1);

/// How a watch is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// The console: spread, then every period.
    Watch,
    /// One-shot checks: everything at once, a second sample after `Duration` of what is not
    /// slower by its own choice.
    Check(Duration),
}

impl Schedule {
    /// Delay before the first poll. `jitter` is 0 to 1 and fixed per feed.
    #[must_use]
    pub fn first(self, period: Duration, jitter: f64) -> Duration {
        match self {
            Self::Watch => FIRST_SPREAD.min(period).mul_f64(jitter),
            Self::Check(_) => Duration::ZERO,
        }
    }

    /// Delay after poll number `polls`, with such a streak behind it.
    #[must_use]
    pub fn next(self, period: Duration, polls: u32, streak: Streak, jitter: f64) -> Duration {
        let Self::Watch = self else {
            let Self::Check(second) = self else {
                return period;
            };
            return second.max(period);
        };
        if period > LONGEST_PAUSE && streak.unwhole > 0 {
            return doubled(streak.unwhole - 1).min(LONGEST_PAUSE);
        }
        if streak.failures > 0 {
            return pause(period, streak.failures);
        }
        // The second poll comes early by a share of the period that differs per feed: from then on
        // the feeds are spread over the whole period and rates are there soon.
        if polls == 1 {
            period.mul_f64(0.5 + jitter / 2.0)
        } else {
            period
        }
    }
}

/// What the last polls of a feed were like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// Polls in a row that failed.
    pub failures: u32,
    /// Polls in a row that failed or brought only a part.
    pub unwhole: u32,
}

impl Streak {
    /// The streak with one more poll in it.
    #[must_use]
    pub fn and(self, outcome: &Result<Harvest, Outage>) -> Self {
        match outcome {
            Err(_) => Self {
                failures: self.failures.saturating_add(1),
                unwhole: self.unwhole.saturating_add(1),
            },
            Ok(harvest) if harvest.lost.is_empty() => Self::default(),
            Ok(_) => Self {
                failures: 0,
                unwhole: self.unwhole.saturating_add(1),
            },
        }
    }
}

/// Pause after the `failures`-th failure in a row of a feed whose period is a minute at most: the
/// period while there is patience, then 15 s doubling to 60 s, but never longer than three periods
/// and never shorter than one.
fn pause(period: Duration, failures: u32) -> Duration {
    if failures < PATIENCE {
        return period;
    }
    let longest = LONGEST_PAUSE.min(period * PERIODS_TO_NOTICE);
    doubled(failures - PATIENCE).min(longest).max(period)
}

fn doubled(times: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(times.min(8))
}

/// A number from 0 to 1 that is the feed's own and differs between running consoles.
#[must_use]
pub fn jitter(id: &FeedId) -> f64 {
    let mut hasher = rustc_hash::FxBuildHasher.build_hasher();
    hasher.write(id.to_string().as_bytes());
    hasher.write_u32(std::process::id());
    let bits = u32::try_from(hasher.finish() >> 32).unwrap_or(0);
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactKind;
    use crate::ids::TargetId;
    use crate::observation::{Layer, Lost};
    use proptest::prelude::*;

    fn failed(times: u32) -> Streak {
        Streak {
            failures: times,
            unwhole: times,
        }
    }

    fn waits(period: u64, streaks: impl IntoIterator<Item = Streak>) -> Vec<u64> {
        let period = Duration::from_secs(period);
        let wait = |streak| Schedule::Watch.next(period, 9, streak, 0.5).as_secs();
        streaks.into_iter().map(wait).collect()
    }

    proptest! {
        #[test]
        fn waits_grow_to_the_cap_and_never_shrink(period in 1_u64..5000, failures in 1_u32..10_000) {
            let period = Duration::from_secs(period);
            let wait = |times| Schedule::Watch.next(period, 9, failed(times), 0.5);
            let (now, later) = (wait(failures), wait(failures + 1));
            prop_assert!(now <= later);
            prop_assert!(later <= LONGEST_PAUSE.min(period * PERIODS_TO_NOTICE));
            prop_assert!(now >= period.min(FIRST_PAUSE));
        }

        #[test]
        fn first_polls_come_within_a_second(period in 1_u64..300, jitter in 0.0_f64..=1.0) {
            let first = Schedule::Watch.first(Duration::from_secs(period), jitter);
            prop_assert!(first <= FIRST_SPREAD);
        }
    }

    #[test]
    fn a_target_that_comes_back_is_seen_within_three_periods() {
        assert_eq!(waits(10, (1..=7).map(failed)), [10, 10, 15, 30, 30, 30, 30]);
        assert_eq!(waits(5, (1..=5).map(failed)), [5, 5, 15, 15, 15]);
        assert_eq!(waits(2, (1..=4).map(failed)), [2, 2, 6, 6]);
        assert_eq!(waits(30, (1..=6).map(failed)), [30, 30, 30, 30, 60, 60]);
    }

    #[test]
    fn a_slow_feed_that_is_not_whole_is_asked_again_soon() {
        let partly = |unwhole| Streak {
            failures: 0,
            unwhole,
        };
        assert_eq!(waits(600, (0..=5).map(partly)), [600, 15, 30, 60, 60, 60]);
        assert_eq!(waits(600, (1..=4).map(failed)), [15, 30, 60, 60]);
        // What is polled often anyway keeps its period.
        assert_eq!(waits(10, (0..=3).map(partly)), [10; 4]);
    }

    #[test]
    fn a_whole_answer_ends_the_streak_and_a_partial_one_does_not() {
        let outage = || Outage::new(Layer::Tcp, "refused");
        let mut partial = Harvest::default();
        partial.lost.push(Lost {
            kind: FactKind::EtcdHash,
            outage: outage(),
        });
        let twice = Streak::default().and(&Err(outage())).and(&Err(outage()));
        assert_eq!((twice.failures, twice.unwhole), (2, 2));
        let then = twice.and(&Ok(partial));
        assert_eq!((then.failures, then.unwhole), (0, 3));
        assert_eq!(then.and(&Ok(Harvest::default())), Streak::default());
    }

    #[test]
    fn a_check_asks_nobody_more_often_than_its_period() {
        let check = Schedule::Check(Duration::from_secs(32));
        let next = |secs| {
            check
                .next(Duration::from_secs(secs), 1, Streak::default(), 0.5)
                .as_secs()
        };
        assert_eq!((next(10), next(32), next(600)), (32, 32, 600));
    }

    #[test]
    fn jitter_spreads_feeds() {
        let shares: Vec<f64> = (0..200)
            .map(|n| {
                jitter(&FeedId::new(
                    TargetId::new("node-exporter", &format!("w-{n}")),
                    "",
                ))
            })
            .collect();
        for tenth in 0..10 {
            let range = f64::from(tenth) / 10.0..f64::from(tenth + 1) / 10.0;
            let inside = shares.iter().filter(|share| range.contains(share)).count();
            assert!(
                (5..=40).contains(&inside),
                "{inside} of 200 in tenth {tenth}"
            );
        }
    }
}
