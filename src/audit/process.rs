//! Which process is this, and is that other one still alive? From `/proc`; where there is none,
//! nobody is known to be alive.

use std::fs;

use crate::actions::record::Process;

/// This process.
#[must_use]
pub fn own() -> Process {
    let id = std::process::id();
    Process {
        id,
        started: started(id).unwrap_or(0),
        boot: boot(),
    }
}

/// Does this very process still run on this machine?
#[must_use]
pub fn is_alive(process: &Process) -> bool {
    !process.boot.is_empty()
        && process.boot == boot()
        && started(process.id).is_some_and(|started| started == process.started)
}

fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// When a process started, in clock ticks since boot.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before it is in brackets and may hold anything, brackets included. A zombie does
    // nothing any more.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?;
    (state != "Z").then(|| fields.nth(18)?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_an_earlier_one_of_its_number_is_not() {
        let own = own();
        assert!(is_alive(&own));
        assert!(!is_alive(&Process {
            started: own.started + 1,
            ..own.clone()
        }));
        assert!(!is_alive(&Process {
            boot: "another".into(),
            ..own
        }));
    }
}
