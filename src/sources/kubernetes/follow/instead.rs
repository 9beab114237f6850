//! Lists in place of a watch that this user may not have: how far apart, and when the watch is tried
//! again. Times only; it asks for nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::pace::jitter;

/// Shortest pause between two lists: for the server a list is dear.
const SHORTEST: Duration = Duration::from_secs(8);
/// A pause is so many times as long as the list took.
const SHARE: u32 = 4;
/// How long the watch is not tried again after a refusal, doubled per further one. Rights may be
/// given at any time, and a server that has just started refuses what it permits a second later.
const FIRST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(300);

/// What is known of a watch that was refused.
#[derive(Debug, Default)]
pub struct Instead {
    /// Refusals since it was last granted.
    denials: u32,
    /// It is not tried before this moment.
    until: Option<Instant>,
    /// What the last list took, from its first request on.
    took: Duration,
}

impl Instead {
    /// The watch is not permitted.
    pub fn denied(&mut self) {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.denials));
        self.denials = self.denials.saturating_add(1);
        let wait = wait.min(LONGEST).mul_f64(1.0 + jitter() / 4.0);
        self.until = Some(Instant::now() + wait);
    }

    /// The watch is permitted.
    pub fn granted(&mut self) {
        self.denials = 0;
        self.until = None;
    }

    /// A whole list was told.
    pub fn listed(&mut self, took: Duration) {
        self.took = took;
    }

    /// Is it too soon to try the watch?
    pub fn holds(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// Between the end of a list and the next.
    pub fn pause(&self) -> Duration {
        self.took.saturating_mul(SHARE).max(SHORTEST)
    }

    /// How often it is listed; `None` where it may be watched, as far as is known.
    pub fn every(&self) -> Option<Duration> {
        (self.denials > 0).then(|| self.pause() + self.took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refused_watch_is_tried_less_and_less_often_and_still_every_few_minutes() {
        let mut instead = Instead::default();
        let mut waits = Vec::new();
        for _ in 0..40 {
            instead.denied();
            let began = Instant::now();
            while instead.holds() {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            waits.push(began.elapsed());
        }
        assert!(waits[0] >= FIRST && waits[0] <= FIRST * 2, "{waits:?}");
        assert!(
            waits[39] >= LONGEST && waits[39] <= LONGEST * 2,
            "{waits:?}"
        );
        instead.granted();
        assert!(!instead.holds());
        assert_eq!(instead.every(), None);
        instead.denied();
        let soon = instead.until.unwrap() - Instant::now();
        assert!(soon <= FIRST * 2, "{soon:?}");
    }

    #[test]
    fn lists_take_a_fifth_of_the_time_at_most() {
        let mut instead = Instead::default();
        assert_eq!(instead.pause(), SHORTEST);
        instead.listed(Duration::from_secs(1));
        assert_eq!(instead.pause(), SHORTEST);
        instead.listed(Duration::from_secs(10));
        assert_eq!(instead.pause(), Duration::from_secs(40));
    }
}
