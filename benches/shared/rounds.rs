//! CPU time of the measuring thread, so that a busy machine does not change a figure.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::figures::quantile;

/// CPU time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Duration::from_secs(secs) + Duration::from_nanos(nanos)
}

/// CPU milliseconds of one call in the middle of `rounds`.
pub fn median_ms(rounds: usize, mut run: impl FnMut(usize)) -> f64 {
    let took = (0..rounds).map(|round| {
        let before = thread_time();
        run(round);
        thread_time().saturating_sub(before).as_secs_f64() * 1e3
    });
    quantile(took.collect(), 0.5)
}
