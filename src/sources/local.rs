//! This machine, read in process from `/proc`, `/sys` and the file systems.
//!
//! [`Machine`] is a plain reader under configurable [`Roots`]; the probe around it only keeps its
//! reads off the async runtime. Nothing here starts a process, walks `/proc/PID`, or writes.

mod cgroups;
pub mod clock;
pub(super) mod disks;
mod files;
mod limits;
mod machine;
mod memory;
pub(super) mod mounts;
pub(super) mod nics;
mod processor;
mod sensors;
mod system;

use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

pub use files::Roots;
pub use machine::Machine;

use super::{Answer, PollFuture, Probe, Source, TargetConfig};
use crate::config::settings::ConfigError;
use crate::facts::KernelClock;
use crate::observation::{Layer, Outage};
use crate::subject::Subject;

pub static SOURCE: Source = Source {
    kind: "local",
    doc: "This machine: processor, memory, pressure, disks, mounts, network, control groups and \
          clock, read from /proc and /sys without any agent.",
    period: Duration::from_secs(5),
    timeout: Duration::from_secs(3),
    keys: &[],
    probes,
};

#[expect(clippy::unnecessary_wraps, reason = "the signature of every source")]
fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    Ok(vec![Box::new(Local::new(
        &target.id.name,
        Roots::default(),
    ))])
}

/// The kernel's own opinion of this machine's clock; `None` where it does not answer.
#[must_use]
pub fn kernel_clock() -> Option<KernelClock> {
    clock::read()
}

/// This machine's own name, for a target that is not given one.
#[must_use]
pub fn hostname() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

struct Local {
    host: Arc<str>,
    machine: Arc<Mutex<Machine>>,
}

impl Local {
    fn new(host: &str, roots: Roots) -> Self {
        Self {
            host: host.into(),
            machine: Arc::new(Mutex::new(Machine::new(host, roots))),
        }
    }
}

impl Probe for Local {
    fn endpoint(&self) -> String {
        String::new()
    }

    fn subject(&self) -> Subject {
        Subject::host(&self.host)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        let machine = Arc::clone(&self.machine);
        Box::pin(async move {
            // A disk that no longer answers blocks the call that asks it. On a thread of its own
            // it blocks nothing else; the deadline drops this future and the lock tells the next.
            let read = tokio::task::spawn_blocking(move || read(&machine)).await;
            let outcome = read.unwrap_or_else(|error| {
                Err(Outage::new(
                    Layer::Local,
                    format!("the reader stopped: {error}"),
                ))
            });
            Answer { bytes: 0, outcome }
        })
    }

    fn waiting_for(&self) -> String {
        "a file of /proc, /sys or a mounted file system".into()
    }
}

fn read(machine: &Mutex<Machine>) -> Result<crate::observation::Harvest, Outage> {
    if !cfg!(target_os = "linux") {
        return Err(Outage::new(Layer::Local, "not supported on this system")
            .hint("watch this machine through node_exporter instead"));
    }
    let mut machine = match machine.try_lock() {
        Ok(machine) => machine,
        // What a panic left half done is caches only; the next read fills them again.
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => {
            return Err(
                Outage::new(Layer::Local, "the read before this one still hangs")
                    .hint("look for a disk that does not answer: dmesg, or processes in state D"),
            );
        }
    };
    machine.read()
}

#[cfg(test)]
mod tests;
