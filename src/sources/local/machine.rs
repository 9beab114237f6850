//! One reading of a whole machine, put together from the parts beside this file.
//!
//! Keeps what does not change between readings. Blocks while it reads; knows no runtime.

use std::io;
use std::sync::Arc;

use super::cgroups::Groups;
use super::disks::Disks;
use super::files::{Files, Roots};
use super::mounts::{self, Mounts, Space};
use super::nics::Nics;
use super::sensors::Sensors;
use super::{clock, limits, memory, processor, system};
use crate::facts::{ClockOffset, Fact, FactKind, Interval, Os, Pressure, Witness};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::subject::Subject;

/// Readings after which name and release are looked at again: a host can be renamed.
const OS_READINGS: u32 = 60;

/// Reads a Linux machine under its [`Roots`].
#[derive(Debug)]
pub struct Machine {
    host: Arc<str>,
    files: Files,
    space: Space,
    os: Os,
    readings: u32,
    mounts: Mounts,
    disks: Disks,
    nics: Nics,
    sensors: Sensors,
    groups: Groups,
    /// Length of a second in the unit of `/proc/stat`.
    ticks: f64,
    /// `/proc/stat`, kept while other files are read.
    stat: String,
}

impl Machine {
    #[must_use]
    pub fn new(host: &str, roots: Roots) -> Self {
        Self::asking(host, roots, mounts::ask)
    }

    #[expect(clippy::cast_precision_loss, reason = "100 on every Linux")]
    pub(super) fn asking(host: &str, roots: Roots, space: Space) -> Self {
        Self {
            host: host.into(),
            files: Files::new(roots),
            space,
            os: Os::default(),
            readings: 0,
            mounts: Mounts::default(),
            disks: Disks::default(),
            nics: Nics::default(),
            sensors: Sensors::default(),
            groups: Groups::default(),
            ticks: rustix::param::clock_ticks_per_second() as f64,
            stat: String::new(),
        }
    }

    /// Reads everything once.
    ///
    /// # Errors
    /// An [`Outage`] of the local layer when there is no `/proc` to read at all. A part that cannot
    /// be read is named lost in the harvest; a part that this kernel lacks is absent.
    pub fn read(&mut self) -> Result<Harvest, Outage> {
        let host = Subject::host(&self.host);
        let mut out = Harvest {
            subject: Some(host.clone()),
            ..Harvest::default()
        };
        self.read_stat()?;
        self.read_os(&host, &mut out);
        self.read_use(&host, &mut out);
        self.read_pressure(&host, &mut out);
        let (files, name) = (&mut self.files, &*self.host);
        self.mounts.read(files, name, self.space, &mut out);
        self.disks.read(files, name, &mut out);
        self.nics.read(files, name, &mut out);
        let mut told = |fact: Option<Fact>| out.facts.extend(fact.map(|f| (host.clone(), f)));
        told(self.sensors.read(files).map(Fact::Temperatures));
        told(limits::read(files).map(Fact::Limits));
        told(clock::read().map(Fact::KernelClock));
        told(Some(Fact::ClockOffset(own_clock())));
        let (consumers, left_off) = self.groups.read(files);
        told(consumers.map(Fact::Consumers));
        out.refused += left_off;
        Ok(out)
    }

    fn read_stat(&mut self) -> Result<(), Outage> {
        match self.files.proc("stat") {
            Ok(text) => {
                text.clone_into(&mut self.stat);
                Ok(())
            }
            Err(error) => {
                let path = self.files.roots.proc.join("stat");
                let detail = format!("cannot read {}: {error}", path.display());
                Err(Outage::new(Layer::Local, detail).hint("mount procfs there"))
            }
        }
    }

    fn read_os(&mut self, host: &Subject, out: &mut Harvest) {
        if self.readings.is_multiple_of(OS_READINGS) {
            self.os = system::read(&mut self.files);
        }
        self.readings = self.readings.wrapping_add(1);
        let mut os = self.os.clone();
        os.boot_at = processor::boot_at(&self.stat);
        out.facts.push((host.clone(), Fact::Os(os)));
    }

    fn read_use(&mut self, host: &Subject, out: &mut Harvest) {
        let cpu = processor::cpu(&self.stat, self.ticks).map(Fact::Cpu);
        keep(out, host, FactKind::Cpu, Ok(cpu), "stat");
        let load = self.files.proc("loadavg");
        let load = load.map(|text| processor::load(text, &self.stat).map(Fact::Load));
        keep(out, host, FactKind::Load, load, "loadavg");
        let memory = self.files.proc("meminfo").map(memory::memory);
        let memory = memory.map(|memory| {
            let mut memory = memory?;
            if let Ok(vmstat) = self.files.proc("vmstat") {
                memory::count_faults(&mut memory, vmstat);
            }
            Some(Fact::Memory(memory))
        });
        keep(out, host, FactKind::Memory, memory, "meminfo");
    }

    /// Absent on a kernel without PSI, or with it switched off (`EOPNOTSUPP` on reading).
    fn read_pressure(&mut self, host: &Subject, out: &mut Harvest) {
        let mut lines = |what: &str| {
            let text = self.files.proc(&format!("pressure/{what}"));
            text.map(memory::pressure).unwrap_or_default()
        };
        // The kernel keeps no `full` for the processor of a whole system.
        let (cpu_some, _) = lines("cpu");
        let (memory_some, memory_full) = lines("memory");
        let (io_some, io_full) = lines("io");
        let pressure = Pressure {
            cpu_some,
            memory_some,
            memory_full,
            io_some,
            io_full,
        };
        if pressure != Pressure::default() {
            out.facts.push((host.clone(), pressure.into()));
        }
    }
}

fn own_clock() -> ClockOffset {
    ClockOffset {
        witness: Witness::Own,
        offset: Interval::new(0.0, 0.0),
        round_trip: 0.0,
        root_distance: None,
        stratum: None,
        reference: None,
    }
}

/// Takes a fact in, or says why it is missing: the file cannot be read, or makes no sense.
fn keep(
    out: &mut Harvest,
    host: &Subject,
    kind: FactKind,
    read: io::Result<Option<Fact>>,
    file: &str,
) {
    let outage = match read {
        Ok(Some(fact)) => return out.facts.push((host.clone(), fact)),
        Ok(None) => Outage::new(Layer::Parse, format!("/proc/{file} is not as expected")),
        Err(error) => Outage::new(Layer::Local, format!("cannot read /proc/{file}: {error}")),
    };
    out.lost.push(Lost { kind, outage });
}
