//! From the samples of a scrape to facts.
//!
//! A fact whose leading metric is missing is absent, never zero; a collector that says that it
//! failed makes its fact lost, so that the last one known stays and ages. So does a number that
//! cannot be: a negative size, one without end, more available than there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::scrape::{MountKey, Row, Scrape};
use crate::facts::{
    Disk, Fact, FactKind, KernelClock, Limits, Load, Memory, Mount, Nic, Os, Pressure,
    PressureLine, Temperature, Temperatures,
};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::sources::local::{disks, mounts, nics};
use crate::subject::Subject;
use crate::units::Bytes;

/// Sensors told of one host.
const SENSORS: usize = 128;

/// The facts that each collector feeds. Others also fail where the host merely lacks the thing
/// (hwmon, pressure, conntrack), which is no loss.
const COLLECTORS: &[(&str, FactKind)] = &[
    ("cpu", FactKind::Cpu),
    ("loadavg", FactKind::Load),
    ("meminfo", FactKind::Memory),
    ("filesystem", FactKind::Mount),
    ("diskstats", FactKind::Disk),
    ("netdev", FactKind::Nic),
    ("timex", FactKind::KernelClock),
    ("time", FactKind::ClockOffset),
];

/// `STA_UNSYNC` of `linux/timex.h`.
const UNSYNC: u64 = 0x40;

impl Scrape {
    /// Everything told about the host, its mounts, disks and interfaces.
    #[must_use]
    pub fn harvest(&self, host: &str) -> Harvest {
        let subject = Subject::host(host);
        let mut out = Harvest {
            subject: Some(subject.clone()),
            ..Harvest::default()
        };
        let facts = [
            self.os().map(Fact::Os),
            self.cpu.map(Fact::Cpu),
            self.load().map(Fact::Load),
            self.memory().map(Fact::Memory),
            self.pressure().map(Fact::from),
            self.temperatures().map(Fact::Temperatures),
            self.limits().map(Fact::Limits),
            self.kernel_clock().map(Fact::KernelClock),
        ];
        for fact in facts.into_iter().flatten() {
            // A sensor that is wrong is left out of them alone.
            let sensors = fact.kind() == FactKind::Temperatures;
            if sensors || !self.wrong.first.contains_key(&fact.kind()) {
                tell(&mut out, subject.clone(), fact);
            }
        }
        self.add_mounts(host, &mut out);
        let disks = self.disks.iter().filter(|(_, row)| !row.wrong);
        let disks = disks.filter_map(|(name, row)| {
            let fact = Fact::Disk(disk(row)?);
            Some((Subject::disk(host, name), fact))
        });
        add(&mut out, disks.collect(), disks::KEPT);
        let nics = self.nics.iter().filter(|(_, row)| !row.wrong);
        let nics = nics.filter_map(|(name, row)| {
            let state = self.links.get(name).map(String::as_str);
            Some((Subject::nic(host, name), Fact::Nic(nic(row, state)?)))
        });
        add(&mut out, nics.collect(), nics::KEPT);
        self.add_losses(&mut out);
        out
    }

    fn os(&self) -> Option<Os> {
        let mut os = self.os.clone()?;
        let boot = self.host.get("node_boot_time_seconds");
        os.boot_at = boot.and_then(|secs| Timestamp::from_second(whole(secs)?).ok());
        Some(os)
    }

    fn load(&self) -> Option<Load> {
        let count = |name| {
            self.host
                .get(name)
                .and_then(|n| u32::try_from(whole(n)?).ok())
        };
        Some(Load {
            one: self.host.get("node_load1")?,
            five: self.host.get("node_load5")?,
            fifteen: self.host.get("node_load15")?,
            running: count("node_procs_running"),
            blocked: count("node_procs_blocked"),
        })
    }

    fn memory(&self) -> Option<Memory> {
        let told = |name| self.host.get(name).and_then(Bytes::from_f64);
        let size = |name| told(name).unwrap_or_default();
        let count = |name| told(name).map(|count| count.0);
        let mut memory = Memory {
            total: told("node_memory_MemTotal_bytes")?,
            available: Bytes(0),
            free: size("node_memory_MemFree_bytes"),
            buffers: size("node_memory_Buffers_bytes"),
            cached: size("node_memory_Cached_bytes"),
            dirty: size("node_memory_Dirty_bytes"),
            swap_total: size("node_memory_SwapTotal_bytes"),
            swap_free: size("node_memory_SwapFree_bytes"),
            oom_kills: count("node_vmstat_oom_kill"),
            major_faults: count("node_vmstat_pgmajfault"),
        };
        // Kernels before 3.14 leave the estimate to the reader.
        let parts = [memory.free, memory.buffers, memory.cached];
        let estimate = parts
            .iter()
            .fold(0_u64, |sum, part| sum.saturating_add(part.0));
        memory.available = told("node_memory_MemAvailable_bytes").unwrap_or(Bytes(estimate));
        Some(memory)
    }

    /// Waiting is `some`, stalled is `full`.
    fn pressure(&self) -> Option<Pressure> {
        let line = |name| {
            let total = self.host.get(name)?;
            Some(PressureLine {
                total,
                ..PressureLine::default()
            })
        };
        let pressure = Pressure {
            cpu_some: line("node_pressure_cpu_waiting_seconds_total"),
            memory_some: line("node_pressure_memory_waiting_seconds_total"),
            memory_full: line("node_pressure_memory_stalled_seconds_total"),
            io_some: line("node_pressure_io_waiting_seconds_total"),
            io_full: line("node_pressure_io_stalled_seconds_total"),
        };
        (pressure != Pressure::default()).then_some(pressure)
    }

    fn limits(&self) -> Option<Limits> {
        let told = |name| self.host.get(name).and_then(Bytes::from_f64).map(|it| it.0);
        let limits = Limits {
            files: told("node_filefd_allocated"),
            files_max: told("node_filefd_maximum"),
            conntrack: told("node_nf_conntrack_entries"),
            conntrack_max: told("node_nf_conntrack_entries_limit"),
        };
        (limits != Limits::default()).then_some(limits)
    }

    fn kernel_clock(&self) -> Option<KernelClock> {
        let told = |name| self.host.get(name);
        let status = told("node_timex_status").and_then(Bytes::from_f64);
        let status = status.map_or(0, |bits| bits.0);
        let ratio = told("node_timex_frequency_adjustment_ratio").unwrap_or(1.0);
        let tai = told("node_timex_tai_offset_seconds").and_then(whole);
        Some(KernelClock {
            synced: told("node_timex_sync_status")? == 1.0 && status & UNSYNC == 0,
            offset: told("node_timex_offset_seconds")?,
            max_error: told("node_timex_maxerror_seconds")?,
            estimated_error: told("node_timex_estimated_error_seconds")?,
            frequency_ppm: (ratio - 1.0) * 1e6,
            tai: tai.and_then(|tai| i32::try_from(tai).ok()).unwrap_or(0),
        })
    }

    /// Chips by their name and label; thermal zones that no chip shows as well.
    fn temperatures(&self) -> Option<Temperatures> {
        let chips = self.sensors.iter().filter_map(|(key, row)| {
            let (chip, sensor) = key;
            let name = self.chips.get(chip).unwrap_or(chip);
            let label = self.sensor_labels.get(key).unwrap_or(sensor);
            Some(Temperature {
                sensor: format!("{name} {label}").into(),
                celsius: row.get("node_hwmon_temp_celsius")?,
                critical: row.get("node_hwmon_temp_crit_celsius"),
            })
        });
        let shown = |kind: &String| {
            let package = kind == "x86_pkg_temp" && self.chips.values().any(|c| c == "coretemp");
            package || self.chips.values().any(|chip| chip == kind)
        };
        let zones = self.zones.iter().filter(|(kind, ..)| !shown(kind));
        let zones = zones.map(|(kind, zone, celsius)| Temperature {
            sensor: format!("{kind} {zone}").into(),
            celsius: *celsius,
            critical: None,
        });
        let all: Vec<Temperature> = chips.chain(zones).take(SENSORS).collect();
        (!all.is_empty()).then_some(Temperatures(all))
    }

    /// One mount for each device, its shortest path: the others are bind mounts of it.
    fn add_mounts(&self, host: &str, out: &mut Harvest) {
        let mut by_device: BTreeMap<&str, (&MountKey, &Row)> = BTreeMap::new();
        for (key, row) in self.mounts.iter().filter(|(_, row)| !row.wrong) {
            let better = by_device
                .get(key.device.as_str())
                .is_none_or(|(known, _)| key.point.len() < known.point.len());
            if better {
                by_device.insert(&key.device, (key, row));
            }
        }
        let mut facts = Vec::new();
        for (key, row) in by_device.into_values() {
            if let Some(mount) = mount(key, row) {
                if let Some(why) = impossible_mount(&key.point, &mount) {
                    refuse(out, FactKind::Mount, why);
                    continue;
                }
                facts.push((Subject::mount(host, &key.point), Fact::Mount(mount)));
            } else {
                let detail = format!("the host cannot ask {} of {}", key.point, key.device);
                lose(out, FactKind::Mount, detail);
            }
        }
        add(out, facts, mounts::KEPT);
    }

    fn add_losses(&self, out: &mut Harvest) {
        out.refused += self.wrong.count;
        for (kind, why) in &self.wrong.first {
            out.lost.push(wrong(*kind, why.clone()));
        }
        for failed in &self.failed {
            let known = COLLECTORS.iter().find(|(collector, _)| collector == failed);
            if let Some((collector, kind)) = known {
                let detail = format!("collector {collector} failed on the host");
                lose(out, *kind, detail);
            }
        }
    }
}

fn lose(out: &mut Harvest, kind: FactKind, detail: String) {
    let outage = Outage::new(Layer::Protocol, detail).hint("look at node_exporter's log");
    out.lost.push(Lost { kind, outage });
}

fn wrong(kind: FactKind, why: String) -> Lost {
    let outage = Outage::new(Layer::Parse, why).hint("look at what the exporter serves");
    Lost { kind, outage }
}

/// Leaves out a fact whose numbers contradict each other.
fn refuse(out: &mut Harvest, kind: FactKind, why: String) {
    out.refused += 1;
    out.lost.push(wrong(kind, why));
}

/// Adds a fact of the host, unless its numbers contradict each other.
fn tell(out: &mut Harvest, host: Subject, fact: Fact) {
    let why = match &fact {
        Fact::Memory(memory) => impossible_memory(memory),
        _ => None,
    };
    match why {
        Some(why) => refuse(out, fact.kind(), why),
        None => out.facts.push((host, fact)),
    }
}

fn impossible_memory(memory: &Memory) -> Option<String> {
    let Memory {
        total, swap_total, ..
    } = memory;
    more_than("memory", memory.available, *total)
        .or_else(|| more_than("memory", memory.free, *total))
        .or_else(|| more_than("swap", memory.swap_free, *swap_total))
}

fn impossible_mount(point: &str, mount: &Mount) -> Option<String> {
    more_than(point, mount.avail, mount.size)
        .or_else(|| more_than(point, mount.free, mount.size))
        .or_else(|| {
            // Without a fixed number of inodes the whole is zero and the rest is anything.
            let (free, all) = (mount.files_free, mount.files);
            (all > 0 && free > all).then(|| format!("{point}: {free} of {all} inodes are free"))
        })
}

fn more_than(what: &str, part: Bytes, whole: Bytes) -> Option<String> {
    (part > whole).then(|| format!("{what}: {part} of {whole} are free, which cannot be"))
}

fn add(out: &mut Harvest, facts: Vec<(Subject, Fact)>, kept: usize) {
    out.refused += facts.len().saturating_sub(kept) as u64;
    out.facts.extend(facts.into_iter().take(kept));
}

fn mount(key: &MountKey, row: &Row) -> Option<Mount> {
    let size = |name| row.get(name).and_then(Bytes::from_f64);
    if row.get("node_filesystem_device_error") == Some(1.0) {
        return None;
    }
    Some(Mount {
        device: Arc::from(key.device.as_str()),
        fstype: Arc::from(key.fstype.as_str()),
        size: size("node_filesystem_size_bytes")?,
        free: size("node_filesystem_free_bytes")?,
        avail: size("node_filesystem_avail_bytes")?,
        files: size("node_filesystem_files").unwrap_or_default().0,
        files_free: size("node_filesystem_files_free").unwrap_or_default().0,
        read_only: row.get("node_filesystem_readonly") == Some(1.0),
    })
}

fn disk(row: &Row) -> Option<Disk> {
    let told = |name| row.get(name);
    Some(Disk {
        reads: told("node_disk_reads_completed_total")?,
        writes: told("node_disk_writes_completed_total")?,
        read: Bytes::from_f64(told("node_disk_read_bytes_total")?)?,
        written: Bytes::from_f64(told("node_disk_written_bytes_total")?)?,
        read_secs: told("node_disk_read_time_seconds_total")?,
        write_secs: told("node_disk_write_time_seconds_total")?,
        busy_secs: told("node_disk_io_time_seconds_total")?,
        weighted_secs: told("node_disk_io_time_weighted_seconds_total")?,
        in_flight: Bytes::from_f64(told("node_disk_io_now")?)?.0,
    })
}

fn nic(row: &Row, state: Option<&str>) -> Option<Nic> {
    let told = |name| row.get(name);
    let count = |name| told(name).unwrap_or(0.0);
    // -125000 where the driver does not know.
    let speed = told("node_network_speed_bytes").filter(|speed| *speed > 0.0);
    let mtu = told("node_network_mtu_bytes").and_then(whole);
    // Without the kernel's word, 1 is up and 0 is anything else, `unknown` of a tunnel included.
    let up = told("node_network_up")
        .filter(|up| *up == 1.0)
        .map(|_| true);
    Some(Nic {
        up: state.map_or(up, nics::up),
        received: Bytes::from_f64(told("node_network_receive_bytes_total")?)?,
        sent: Bytes::from_f64(told("node_network_transmit_bytes_total")?)?,
        packets_in: count("node_network_receive_packets_total"),
        packets_out: count("node_network_transmit_packets_total"),
        errors_in: count("node_network_receive_errs_total"),
        errors_out: count("node_network_transmit_errs_total"),
        drops_in: count("node_network_receive_drop_total"),
        drops_out: count("node_network_transmit_drop_total"),
        mtu: mtu.and_then(|mtu| u32::try_from(mtu).ok()),
        speed: speed.and_then(Bytes::from_f64),
    })
}

/// A float that stands for a whole number, as all do in exposition text.
#[expect(
    clippy::cast_possible_truncation,
    reason = "float to int casts saturate"
)]
fn whole(value: f64) -> Option<i64> {
    value.is_finite().then_some(value as i64)
}
