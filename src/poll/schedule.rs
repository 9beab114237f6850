//! When the next poll is due: pure arithmetic, so that its laws can be tested.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use crate::ids::FeedId;

/// Failures in a row after which a target counts as dead and is asked less often.
const PATIENCE: u32 = 3;
/// First pause for a dead target, doubled per further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Longest pause for a dead target whose period is shorter.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
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

    /// Delay after poll number `polls`, with `failures` in a row behind it.
    #[must_use]
    pub fn next(self, period: Duration, polls: u32, failures: u32, jitter: f64) -> Duration {
        let Self::Watch = self else {
            let Self::Check(second) = self else {
                return period;
            };
            return second.max(period);
        };
        if failures > 0 {
            return pause(period, failures);
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

/// Pause after the `failures`-th failure in a row: the period while there is patience, then 15 s
/// doubling to 60 s, never shorter than the period.
#[must_use]
pub fn pause(period: Duration, failures: u32) -> Duration {
    if failures < PATIENCE {
        return period;
    }
    let doublings = (failures - PATIENCE).min(8);
    period.max((FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE))
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
    use crate::ids::TargetId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_grow_to_the_cap_and_never_shrink(period in 1_u64..300, failures in 1_u32..10_000) {
            let period = Duration::from_secs(period);
            let (now, later) = (pause(period, failures), pause(period, failures + 1));
            prop_assert!(now <= later);
            prop_assert!(later <= LONGEST_PAUSE.max(period));
            prop_assert!(now >= period);
        }

        #[test]
        fn first_polls_come_within_a_second(period in 1_u64..300, jitter in 0.0_f64..=1.0) {
            let first = Schedule::Watch.first(Duration::from_secs(period), jitter);
            prop_assert!(first <= FIRST_SPREAD);
        }
    }

    #[test]
    fn a_dead_target_is_asked_every_minute_at_last() {
        let period = Duration::from_secs(10);
        let pauses: Vec<u64> = (1..=7).map(|n| pause(period, n).as_secs()).collect();
        assert_eq!(pauses, [10, 10, 15, 30, 60, 60, 60]);
    }

    #[test]
    fn a_check_asks_nobody_more_often_than_its_period() {
        let check = Schedule::Check(Duration::from_secs(32));
        let next = |secs| check.next(Duration::from_secs(secs), 1, 0, 0.5).as_secs();
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
