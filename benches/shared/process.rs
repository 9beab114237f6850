//! What a process costs, as the kernel tells it.

use std::fs;
use std::io::{Error, Result};

/// CPU seconds of a process, in steps of a clock tick.
pub fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = |at: usize| {
        let field = after.split(' ').nth(at);
        field
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    #[expect(clippy::cast_precision_loss, reason = "it is 100")]
    let a_second = rustix::param::clock_ticks_per_second() as f64;
    (ticks(11) + ticks(12)) / a_second
}

/// Resident bytes of a process, at present (`VmRSS`) or at most (`VmHWM`).
pub fn memory(pid: u32, line: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let mut lines = status.lines();
    let told = lines.find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let number = told.and_then(|text| text.trim().strip_suffix(" kB"));
    let kib = number.and_then(|text| text.trim().parse::<f64>().ok());
    Ok(kib.ok_or_else(|| Error::other(format!("no {line}")))? * 1024.0)
}
