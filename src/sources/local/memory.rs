//! `/proc/meminfo`, `/proc/vmstat` and the files of `/proc/pressure`.
//!
//! Texts in, facts out; reads nothing itself.

use crate::facts::{Memory, PressureLine};
use crate::units::{Bytes, Ratio};

/// Memory by use; what `vmstat` adds is set by [`count_faults`].
pub fn memory(meminfo: &str) -> Option<Memory> {
    let mut memory = Memory::default();
    let (mut total, mut available) = (None, None);
    for line in meminfo.lines() {
        let Some((name, rest)) = line.split_once(':') else {
            continue;
        };
        let field = match name {
            "MemTotal" => total.insert(Bytes(0)),
            "MemAvailable" => available.insert(Bytes(0)),
            "MemFree" => &mut memory.free,
            "Buffers" => &mut memory.buffers,
            "Cached" => &mut memory.cached,
            "Dirty" => &mut memory.dirty,
            "SwapTotal" => &mut memory.swap_total,
            "SwapFree" => &mut memory.swap_free,
            _ => continue,
        };
        let kib: u64 = rest.split_ascii_whitespace().next()?.parse().ok()?;
        *field = Bytes(kib.saturating_mul(1024));
    }
    memory.total = total?;
    // Kernels before 3.14 leave the estimate to the reader.
    let estimate = Bytes(memory.free.0 + memory.buffers.0 + memory.cached.0);
    memory.available = available.unwrap_or(estimate);
    Some(memory)
}

pub fn count_faults(memory: &mut Memory, vmstat: &str) {
    for line in vmstat.lines() {
        match line.split_once(' ') {
            Some(("oom_kill", count)) => memory.oom_kills = count.trim().parse().ok(),
            Some(("pgmajfault", count)) => memory.major_faults = count.trim().parse().ok(),
            _ => {}
        }
    }
}

/// The `some` and `full` lines of one pressure file.
pub fn pressure(text: &str) -> (Option<PressureLine>, Option<PressureLine>) {
    let line = |kind| {
        let mut lines = text.lines();
        pressure_line(lines.find_map(|line| line.strip_prefix(kind))?)
    };
    (line("some "), line("full "))
}

fn pressure_line(fields: &str) -> Option<PressureLine> {
    let mut line = PressureLine::default();
    let mut total = None;
    for (name, value) in fields
        .split_ascii_whitespace()
        .filter_map(|f| f.split_once('='))
    {
        let value: f64 = value.parse().ok()?;
        match name {
            "avg10" => line.avg10 = Some(Ratio(value / 100.0)),
            "avg60" => line.avg60 = Some(Ratio(value / 100.0)),
            "avg300" => line.avg300 = Some(Ratio(value / 100.0)),
            "total" => total = Some(value / 1e6),
            _ => {}
        }
    }
    line.total = total?;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_become_bytes() {
        let memory = memory("MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 400 kB\n").unwrap();
        assert_eq!(
            (memory.total, memory.available),
            (Bytes(1_024_000), Bytes(409_600))
        );
    }

    #[test]
    fn without_an_estimate_the_caches_count_as_available() {
        let text = "MemTotal: 1000 kB\nMemFree: 10 kB\nBuffers: 20 kB\nCached: 30 kB\n";
        assert_eq!(memory(text).unwrap().available, Bytes(60 * 1024));
    }

    #[test]
    fn without_a_total_there_is_no_fact() {
        assert_eq!(memory("MemFree: 10 kB\n"), None);
        assert_eq!(memory("MemTotal: many kB\n"), None);
    }

    #[test]
    fn kills_and_faults_are_counted() {
        let mut memory = Memory::default();
        count_faults(&mut memory, "pgmajfault 7\noom_kill 2\noom_kill_x 9\n");
        assert_eq!((memory.major_faults, memory.oom_kills), (Some(7), Some(2)));
    }

    #[test]
    fn pressure_is_a_share_and_a_total_in_seconds() {
        let text = "some avg10=0.43 avg60=0.64 avg300=0.48 total=16589137\n";
        let (some, full) = pressure(text);
        let some = some.unwrap();
        assert!((some.total - 16.589_137).abs() < 1e-9);
        assert_eq!(some.avg10, Some(Ratio(0.0043)));
        assert_eq!(full, None);
    }
}
