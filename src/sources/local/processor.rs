//! `/proc/stat` and `/proc/loadavg`: CPU time, load, boot time.
//!
//! Texts in, facts out; reads nothing itself.

use jiff::Timestamp;

use crate::facts::{Cpu, Load};

/// CPU time of all cores together; `ticks` is the length of a second in `/proc/stat`'s unit.
pub fn cpu(stat: &str, ticks: f64) -> Option<Cpu> {
    let mut lines = stat.lines().take_while(|line| line.starts_with("cpu"));
    let first = lines.next()?.strip_prefix("cpu ")?;
    let cores = lines.count();
    let mut fields = first.split_ascii_whitespace();
    // Fields came one by one with kernels up to 2.6.11; one that is missing is not measured.
    let mut next = || -> Option<f64> {
        match fields.next() {
            Some(field) => Some(field.parse::<f64>().ok()? / ticks),
            None => Some(0.0),
        }
    };
    Some(Cpu {
        user: next()?,
        nice: next()?,
        system: next()?,
        idle: next()?,
        iowait: next()?,
        irq: next()?,
        softirq: next()?,
        steal: next()?,
        cores: u32::try_from(cores).ok()?,
    })
}

pub fn load(loadavg: &str, stat: &str) -> Option<Load> {
    let mut fields = loadavg.split_ascii_whitespace();
    let mut next = || fields.next()?.parse().ok();
    Some(Load {
        one: next()?,
        five: next()?,
        fifteen: next()?,
        running: number(stat, "procs_running"),
        blocked: number(stat, "procs_blocked"),
    })
}

/// Boot time by the machine's own wall clock.
pub fn boot_at(stat: &str) -> Option<Timestamp> {
    Timestamp::from_second(number(stat, "btime")?).ok()
}

fn number<T: std::str::FromStr>(stat: &str, name: &str) -> Option<T> {
    let mut lines = stat.lines();
    let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    rest.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  200 10 300 4000 50 6 7 80 9 0\ncpu0 100 5 150 2000 25 3 3 40 4 0\n\
                        cpu1 100 5 150 2000 25 3 4 40 5 0\nintr 1 2 3\nbtime 1795223647\n\
                        procs_running 3\nprocs_blocked 1\n";

    #[test]
    fn ticks_become_seconds_of_all_cores() {
        let cpu = cpu(STAT, 100.0).unwrap();
        assert_eq!(
            (cpu.cores, cpu.user, cpu.idle, cpu.steal),
            (2, 2.0, 40.0, 0.8)
        );
    }

    #[test]
    fn an_old_kernel_without_steal_is_read() {
        assert_eq!(cpu("cpu  2 1 3 40\n", 100.0).unwrap().steal, 0.0);
        assert_eq!(cpu("cpu  2 x 3 40\n", 100.0), None);
        assert_eq!(cpu("", 100.0), None);
    }

    #[test]
    fn load_takes_the_run_queue_from_stat() {
        let load = load("0.87 0.34 0.21 2/130 5150\n", STAT).unwrap();
        assert_eq!((load.one, load.fifteen), (0.87, 0.21));
        assert_eq!((load.running, load.blocked), (Some(3), Some(1)));
    }

    #[test]
    fn boot_time_is_told_in_seconds() {
        assert_eq!(boot_at(STAT).unwrap().as_second(), 1_795_223_647);
    }
}
