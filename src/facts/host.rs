//! Facts about one machine, the same from `local` and from `node-exporter`.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Ratio};

/// Identity of the running system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Os {
    pub hostname: Arc<str>,
    /// `Debian GNU/Linux 12 (bookworm)`, from os-release; empty where not told.
    pub name: Arc<str>,
    /// Kernel release, `6.12.48`.
    pub kernel: Arc<str>,
    pub machine: Arc<str>,
    /// Boot time by the host's own wall clock.
    pub boot_at: Option<Timestamp>,
}

/// CPU time since boot, in seconds, summed over all cores. A counter: falls only at a reboot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    pub cores: u32,
    pub user: f64,
    pub nice: f64,
    pub system: f64,
    pub idle: f64,
    pub iowait: f64,
    pub irq: f64,
    pub softirq: f64,
    pub steal: f64,
}

impl Cpu {
    /// Seconds in which a core did work.
    #[must_use]
    pub fn busy(&self) -> f64 {
        self.user + self.nice + self.system + self.irq + self.softirq + self.steal
    }

    #[must_use]
    pub fn total(&self) -> f64 {
        self.busy() + self.idle + self.iowait
    }

    /// Share of the time between two readings in which the cores were busy; `None` without a
    /// difference or across a reboot.
    #[must_use]
    pub fn use_since(&self, earlier: &Self) -> Option<Ratio> {
        let total = self.total() - earlier.total();
        let busy = self.busy() - earlier.busy();
        if busy < 0.0 {
            None
        } else {
            Ratio::of(busy, total)
        }
    }
}

/// Load averages; tasks running or blocked where told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Load {
    pub one: f64,
    pub five: f64,
    pub fifteen: f64,
    pub running: Option<u32>,
    pub blocked: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub total: Bytes,
    pub available: Bytes,
    pub free: Bytes,
    pub buffers: Bytes,
    pub cached: Bytes,
    pub dirty: Bytes,
    pub swap_total: Bytes,
    pub swap_free: Bytes,
    /// Processes killed for want of memory since boot (counter).
    pub oom_kills: Option<u64>,
    /// Major page faults since boot (counter).
    pub major_faults: Option<u64>,
}

impl Memory {
    #[must_use]
    pub fn used(&self) -> Option<Ratio> {
        let used = self.total.as_f64() - self.available.as_f64();
        Ratio::of(used.max(0.0), self.total.as_f64())
    }
}

/// Pressure stall information: time in which tasks waited for a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pressure {
    pub cpu_some: Option<PressureLine>,
    pub memory_some: Option<PressureLine>,
    pub memory_full: Option<PressureLine>,
    pub io_some: Option<PressureLine>,
    pub io_full: Option<PressureLine>,
}

/// One line of a PSI file. node_exporter tells only the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PressureLine {
    /// Seconds stalled since boot (counter).
    pub total: f64,
    pub avg10: Option<Ratio>,
    pub avg60: Option<Ratio>,
    pub avg300: Option<Ratio>,
}

/// One mounted file system, on a `mount/HOST/POINT` subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mount {
    pub device: Arc<str>,
    pub fstype: Arc<str>,
    pub size: Bytes,
    pub free: Bytes,
    /// What an ordinary user can still write.
    pub avail: Bytes,
    /// Inodes; zero where the file system has no fixed number.
    pub files: u64,
    pub files_free: u64,
    pub read_only: bool,
}

impl Mount {
    /// Share of the space still available to ordinary users.
    #[must_use]
    pub fn room(&self) -> Option<Ratio> {
        Ratio::of(self.avail.as_f64(), self.size.as_f64())
    }

    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share needs no more than 52 bits"
    )]
    pub fn files_room(&self) -> Option<Ratio> {
        Ratio::of(self.files_free as f64, self.files as f64)
    }
}

/// One block device, on a `disk/HOST/DEVICE` subject. Counters since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    pub reads: f64,
    pub writes: f64,
    pub read: Bytes,
    pub written: Bytes,
    /// Seconds spent on reads / writes, summed over requests.
    pub read_secs: f64,
    pub write_secs: f64,
    /// Seconds in which the device had work (utilisation).
    pub busy_secs: f64,
    /// Seconds weighted by requests in flight; its rate is the queue length.
    pub weighted_secs: f64,
    pub in_flight: u64,
}

/// One network interface, on a `nic/HOST/DEVICE` subject. Counters since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nic {
    /// Administrative and link state; `None` where not told.
    pub up: Option<bool>,
    pub received: Bytes,
    pub sent: Bytes,
    pub packets_in: f64,
    pub packets_out: f64,
    pub errors_in: f64,
    pub errors_out: f64,
    pub drops_in: f64,
    pub drops_out: f64,
    pub mtu: Option<u32>,
    /// Link speed in bytes a second.
    pub speed: Option<Bytes>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Temperatures(pub Vec<Temperature>);

/// One sensor, in degrees Celsius.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Temperature {
    pub sensor: Arc<str>,
    pub celsius: f64,
    pub critical: Option<f64>,
}

/// Kernel tables that stop a host when they are full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub files: Option<u64>,
    pub files_max: Option<u64>,
    pub conntrack: Option<u64>,
    pub conntrack_max: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumers(pub Vec<Consumer>);

/// What one control group uses. Counters since the group was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// Path of the group below the hierarchy's root.
    pub group: Arc<str>,
    /// CPU seconds.
    pub cpu_secs: Option<f64>,
    /// Seconds throttled by a CPU quota.
    pub throttled_secs: Option<f64>,
    pub memory: Option<Bytes>,
    pub read: Option<Bytes>,
    pub written: Option<Bytes>,
}

/// `adjtimex` as the kernel answers it. Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KernelClock {
    /// False when the kernel says `TIME_ERROR` or `STA_UNSYNC`: nobody disciplines this clock.
    pub synced: bool,
    /// Remaining phase correction. Near zero under chrony, which steers by frequency.
    pub offset: f64,
    /// Upper bound of the error; grows 500 ppm while nobody updates it, saturates at 16 s.
    pub max_error: f64,
    pub estimated_error: f64,
    pub frequency_ppm: f64,
    /// TAI - UTC in seconds; zero where never set.
    pub tai: i32,
}
