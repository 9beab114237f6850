//! A share of a poll's deadline for each of its parts, so that one silent part does not take the
//! others with it. The deadline of the whole poll is the supervisor's.

use std::future::Future;
use std::time::Duration;

use crate::clients::phase::Phase;
use crate::observation::{Layer, Outage};
use crate::units;

/// What the parts of a poll may take together: the rest is for reading and composing.
#[must_use]
pub fn parts(timeout: Duration) -> Duration {
    timeout.mul_f64(0.75)
}

/// Runs one part.
///
/// # Errors
/// The part's own outage, or `timeout` naming the part when it took longer than `limit`.
pub async fn within<T>(
    limit: Duration,
    part: &str,
    phase: &Phase,
    work: impl Future<Output = Result<T, Outage>>,
) -> Result<T, Outage> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Outage::new(
            Layer::Timeout,
            format!(
                "{part}: not done within {}, waiting for {}",
                units::latency(limit),
                phase.describe()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_part_is_named_with_what_it_waits_for() {
        let silent = std::future::pending::<Result<(), Outage>>();
        let phase = Phase::default();
        phase.enter("first byte of /health");
        let outage = within(Duration::from_millis(1), "/health", &phase, silent)
            .await
            .unwrap_err();
        assert_eq!(
            outage.to_string(),
            "timeout: /health: not done within 1.0ms, waiting for first byte of /health"
        );
    }

    #[tokio::test]
    async fn a_part_that_fails_keeps_its_own_words() {
        let refused = async { Err::<(), _>(Outage::new(Layer::Tcp, "refused")) };
        let limit = Duration::from_secs(5);
        let outage = within(limit, "/health", &Phase::default(), refused).await;
        assert_eq!(outage.unwrap_err().layer, Layer::Tcp);
    }
}
