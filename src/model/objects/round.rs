//! The pace at which everything unsettled is judged again.

use std::time::Duration;

use crate::clock::Stamp;

/// Time in which all of them had their turn.
const ROUND: Duration = Duration::from_secs(10);
/// Least time between two slices.
const STEP: Duration = Duration::from_millis(250);

#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    last: Option<Stamp>,
}

impl Rounds {
    /// The share of everything that is due at `now`: zero while it is too early, one at most.
    pub(super) fn slice(&mut self, now: Stamp) -> f64 {
        let Some(last) = self.last else {
            self.last = Some(now);
            return 0.0;
        };
        let gone = now.since(last);
        if gone < STEP {
            return 0.0;
        }
        self.last = Some(now);
        (gone.as_secs_f64() / ROUND.as_secs_f64()).min(1.0)
    }
}
