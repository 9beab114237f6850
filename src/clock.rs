//! Time as values. The only file that reads a clock.
//!
//! Ages are differences of [`Stamp`]s, which count `CLOCK_BOOTTIME`: they go on through a laptop's
//! suspend and do not notice a step of the wall clock. Wall time is for showing, never for ages.

use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Nanoseconds of `CLOCK_BOOTTIME`: monotonic, suspend included. Means nothing on another machine
/// or after a reboot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }
}

impl Add<Duration> for Stamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Stamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// One reading of both clocks, taken together and passed on as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub stamp: Stamp,
    pub wall: Timestamp,
}

impl Now {
    /// Both readings moved by the same span: what the clocks will say then, without a step.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let signed = jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX);
        Self {
            stamp: self.stamp + span,
            wall: self.wall.checked_add(signed).unwrap_or(Timestamp::MAX),
        }
    }

    /// Both readings moved back by the same span.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let stamp = self.stamp - span;
        Self {
            stamp,
            wall: self.wall_at(stamp),
        }
    }

    /// The wall time at which `stamp` was, judged by this reading: stable under a later clock step.
    #[must_use]
    pub fn wall_at(self, stamp: Stamp) -> Timestamp {
        let back = self.stamp.since(stamp);
        let signed = jiff::SignedDuration::try_from(back).unwrap_or(jiff::SignedDuration::MAX);
        self.wall.checked_sub(signed).unwrap_or(Timestamp::MIN)
    }

    /// A fixed moment for tests and recorded scenarios: 2026-11-21T02:14:07Z, an hour after boot.
    #[must_use]
    pub fn fixed() -> Self {
        Self {
            stamp: Stamp::from_secs(3600),
            wall: Timestamp::from_second(1_795_227_247).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

/// Reads the clocks of this machine.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the clock"
)]
pub fn now() -> Now {
    Now {
        stamp: stamp(),
        wall: Timestamp::now(),
    }
}

/// Reads `CLOCK_BOOTTIME` alone.
#[must_use]
pub fn stamp() -> Stamp {
    from_timespec(rustix::time::clock_gettime(BOOT))
}

/// Reads the clock that *stops* in suspend; with [`stamp`] it tells how long the machine slept.
#[must_use]
pub fn awake() -> Stamp {
    from_timespec(rustix::time::clock_gettime(
        rustix::time::ClockId::Monotonic,
    ))
}

#[cfg(target_os = "linux")]
const BOOT: rustix::time::ClockId = rustix::time::ClockId::Boottime;
// Darwin's CLOCK_MONOTONIC goes on in sleep; the other systems have nothing better.
#[cfg(not(target_os = "linux"))]
const BOOT: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

fn from_timespec(t: rustix::time::Timespec) -> Stamp {
    let secs = u64::try_from(t.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(t.tv_nsec).unwrap_or(0);
    Stamp(secs.saturating_mul(1_000_000_000).saturating_add(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_never_runs_backwards_in_a_difference() {
        assert_eq!(Stamp(5).since(Stamp(9)), Duration::ZERO);
        assert_eq!(Stamp(9).since(Stamp(5)), Duration::from_nanos(4));
    }

    #[test]
    fn wall_at_goes_back_by_the_age_of_the_stamp() {
        let now = Now::fixed();
        let then = now.stamp - Duration::from_secs(90);
        assert_eq!(now.wall.duration_since(now.wall_at(then)).as_secs(), 90);
        let earlier = now.minus(Duration::from_secs(90));
        assert_eq!((earlier.stamp, earlier.wall), (then, now.wall_at(then)));
    }

    #[test]
    fn the_machine_clock_moves() {
        let first = stamp();
        assert!(first > Stamp(0));
        assert!(stamp() >= first);
    }
}
