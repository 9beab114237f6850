//! What midwatch itself costs, from `/proc/self`.

use crate::clock::Stamp;
use crate::event::OwnUse;
use crate::units::{Bytes, Ratio};

/// Keeps the last reading, to tell a rate.
#[derive(Debug, Default)]
pub struct OwnMeter {
    last: Option<(Stamp, f64)>,
    pub frames: u64,
}

impl OwnMeter {
    /// CPU share since the last call and resident memory; `None` where the system does not tell.
    pub fn measure(&mut self, now: Stamp) -> OwnUse {
        let used = cpu_secs();
        let cpu = self
            .last
            .and_then(|(then, before)| Ratio::of(used - before, now.since(then).as_secs_f64()));
        self.last = Some((now, used));
        OwnUse {
            cpu,
            resident: resident(),
            frames: self.frames,
        }
    }
}

/// CPU seconds of this process, user and system.
fn cpu_secs() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[expect(clippy::cast_precision_loss, reason = "seconds of CPU time stay small")]
    let secs = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    secs
}

fn resident() -> Option<Bytes> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(Bytes(
        pages * u64::try_from(rustix::param::page_size()).ok()?,
    ))
}
