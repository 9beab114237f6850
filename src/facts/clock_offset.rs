//! A clock compared with this machine's: always an interval, never a bare number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Bounds in seconds; the truth lies between, both ends included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub lo: f64,
    pub hi: f64,
}

impl Interval {
    #[must_use]
    pub fn new(lo: f64, hi: f64) -> Self {
        Self { lo, hi }
    }

    /// The middle: what to draw when one number must stand for the interval.
    #[must_use]
    pub fn mid(self) -> f64 {
        f64::midpoint(self.lo, self.hi)
    }

    /// Half the width: the uncertainty.
    #[must_use]
    pub fn error(self) -> f64 {
        (self.hi - self.lo) / 2.0
    }

    /// The smallest size the true value can have: zero when the interval holds zero.
    #[must_use]
    pub fn at_least(self) -> f64 {
        if self.lo > 0.0 {
            self.lo
        } else if self.hi < 0.0 {
            -self.hi
        } else {
            0.0
        }
    }

    /// The largest size the true value can have.
    #[must_use]
    pub fn at_most(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// Where `self - other` can lie: the skew of two clocks each measured against a third.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            lo: self.lo - other.hi,
            hi: self.hi - other.lo,
        }
    }

    /// Where both can be true, if they can.
    #[must_use]
    pub fn meet(self, other: Self) -> Option<Self> {
        let (lo, hi) = (self.lo.max(other.lo), self.hi.min(other.hi));
        (lo <= hi).then_some(Self { lo, hi })
    }
}

/// How an offset was learnt, from the tightest to the loosest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// This machine itself: zero by definition.
    Own,
    /// Our SNTP exchange.
    Sntp,
    /// `node_time_seconds`, read between sending and receiving a scrape.
    NodeTime,
    /// The HTTP `Date` header, truncated to a second.
    HttpDate,
}

/// `clock of the subject - clock of this machine`, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockOffset {
    pub witness: Witness,
    pub offset: Interval,
    /// Round trip of the exchange in seconds.
    pub round_trip: f64,
    /// For a time server: its own distance from true time (root delay / 2 + root dispersion), in
    /// seconds. The subject's clock is this far from UTC at most, if its upstream is right.
    pub root_distance: Option<f64>,
    pub stratum: Option<u8>,
    /// Reference id as text (`GPS`, `192.0.2.1`), where told.
    pub reference: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_around_zero_proves_no_skew() {
        assert_eq!(Interval::new(-0.2, 0.3).at_least(), 0.0);
        assert_eq!(Interval::new(0.1, 0.3).at_least(), 0.1);
        assert_eq!(Interval::new(-0.3, -0.1).at_least(), 0.1);
        assert_eq!(Interval::new(-0.3, 0.1).at_most(), 0.3);
    }

    #[test]
    fn the_skew_of_two_clocks_is_as_wide_as_both_errors() {
        let skew = Interval::new(0.08, 0.10).minus(Interval::new(-0.02, 0.01));
        assert!((skew.lo - 0.07).abs() < 1e-12 && (skew.hi - 0.12).abs() < 1e-12);
    }
}
