//! How old is too old, and the four states.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What the age of a value says about it, measured in periods of its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    Fresh,
    /// Twice the period: late, still believed.
    Aging,
    /// Three periods, or the last poll failed: shown, dated, judged by nobody.
    Stale,
    /// Ten periods, or never: as good as nothing.
    Unknown,
}

impl Freshness {
    /// Judges an age. A failed poll makes everything from that feed stale at once.
    #[must_use]
    pub fn of(age: Duration, period: Duration, failing: bool) -> Self {
        if age >= period * 10 {
            Self::Unknown
        } else if failing || age >= period * 3 {
            Self::Stale
        } else if age >= period * 2 {
            Self::Aging
        } else {
            Self::Fresh
        }
    }

    /// May a verdict rest on it?
    #[must_use]
    pub fn is_usable(self) -> bool {
        self <= Self::Aging
    }

    /// The mark beside an age; empty while nothing is wrong.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "",
            Self::Aging => "aging",
            Self::Stale => "STALE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// The four states of anything that has one.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Ok,
    NotConfigured,
    Unknown,
    Bad,
}

impl State {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotConfigured => "not configured",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_three_and_ten_periods_are_the_limits() {
        let period = Duration::from_secs(10);
        let at = |secs| Freshness::of(Duration::from_secs(secs), period, false);
        assert_eq!(at(19), Freshness::Fresh);
        assert_eq!(at(20), Freshness::Aging);
        assert_eq!(at(30), Freshness::Stale);
        assert_eq!(at(100), Freshness::Unknown);
    }

    #[test]
    fn one_failed_poll_is_enough_for_stale() {
        let period = Duration::from_secs(10);
        assert_eq!(
            Freshness::of(Duration::from_secs(1), period, true),
            Freshness::Stale
        );
    }
}
