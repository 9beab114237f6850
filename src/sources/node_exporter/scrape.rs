//! Samples of one scrape, gathered by what they are about.
//!
//! Takes only names in [`WANTED`]; devices that are not told are dropped on arrival, so that a
//! host with a thousand pods costs no more memory than one without.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::facts::{Cpu, FactKind, Os};
use crate::sources::exposition::Sample;
use crate::sources::local::{disks, mounts, nics};
use crate::units::Bytes;

/// Every metric that is read.
pub const WANTED: &[&str] = &[
    "node_boot_time_seconds",
    "node_cpu_seconds_total",
    "node_disk_io_now",
    "node_disk_io_time_seconds_total",
    "node_disk_io_time_weighted_seconds_total",
    "node_disk_read_bytes_total",
    "node_disk_read_time_seconds_total",
    "node_disk_reads_completed_total",
    "node_disk_write_time_seconds_total",
    "node_disk_writes_completed_total",
    "node_disk_written_bytes_total",
    "node_filefd_allocated",
    "node_filefd_maximum",
    "node_filesystem_avail_bytes",
    "node_filesystem_device_error",
    "node_filesystem_files",
    "node_filesystem_files_free",
    "node_filesystem_free_bytes",
    "node_filesystem_readonly",
    "node_filesystem_size_bytes",
    "node_hwmon_chip_names",
    "node_hwmon_sensor_label",
    "node_hwmon_temp_celsius",
    "node_hwmon_temp_crit_celsius",
    "node_load1",
    "node_load15",
    "node_load5",
    "node_memory_Buffers_bytes",
    "node_memory_Cached_bytes",
    "node_memory_Dirty_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapFree_bytes",
    "node_memory_SwapTotal_bytes",
    "node_network_info",
    "node_network_mtu_bytes",
    "node_network_receive_bytes_total",
    "node_network_receive_drop_total",
    "node_network_receive_errs_total",
    "node_network_receive_packets_total",
    "node_network_speed_bytes",
    "node_network_transmit_bytes_total",
    "node_network_transmit_drop_total",
    "node_network_transmit_errs_total",
    "node_network_transmit_packets_total",
    "node_network_up",
    "node_nf_conntrack_entries",
    "node_nf_conntrack_entries_limit",
    "node_os_info",
    "node_pressure_cpu_waiting_seconds_total",
    "node_pressure_io_stalled_seconds_total",
    "node_pressure_io_waiting_seconds_total",
    "node_pressure_memory_stalled_seconds_total",
    "node_pressure_memory_waiting_seconds_total",
    "node_procs_blocked",
    "node_procs_running",
    "node_scrape_collector_success",
    "node_thermal_zone_temp",
    "node_time_seconds",
    "node_timex_estimated_error_seconds",
    "node_timex_frequency_adjustment_ratio",
    "node_timex_maxerror_seconds",
    "node_timex_offset_seconds",
    "node_timex_status",
    "node_timex_sync_status",
    "node_timex_tai_offset_seconds",
    "node_uname_info",
    "node_vmstat_oom_kill",
    "node_vmstat_pgmajfault",
];

/// Metrics that may be below zero: temperatures, offsets, and a speed that the driver does not know.
const SIGNED: &[&str] = &[
    "node_hwmon_temp_celsius",
    "node_hwmon_temp_crit_celsius",
    "node_network_speed_bytes",
    "node_thermal_zone_temp",
    "node_timex_offset_seconds",
    "node_timex_tai_offset_seconds",
];

/// Values by metric name.
#[derive(Debug, Default)]
pub(super) struct Row {
    values: FxHashMap<&'static str, f64>,
    /// One of the values was impossible: nothing is told of the thing.
    pub wrong: bool,
}

impl Row {
    pub fn get(&self, name: &str) -> Option<f64> {
        self.values.get(name).copied()
    }
}

/// What was told and cannot be.
#[derive(Debug, Default)]
pub(super) struct Wrong {
    pub count: u64,
    /// The first one of each kind of fact, in words.
    pub first: BTreeMap<FactKind, String>,
}

impl Wrong {
    /// True for a value that its metric can have; another one is counted.
    fn admit(&mut self, kind: FactKind, sample: &Sample<'static, '_>) -> bool {
        let (name, value) = (sample.name, sample.value);
        let size = if SIGNED.contains(&name) {
            value.abs()
        } else {
            value
        };
        let possible = Bytes::from_f64(size).is_some();
        if !possible {
            self.count += 1;
            let first = self.first.entry(kind);
            first.or_insert_with(|| format!("{name} is {value}, which cannot be"));
        }
        possible
    }
}

/// The fact that a metric without labels goes into.
fn kind(name: &str) -> FactKind {
    const KINDS: &[(&str, FactKind)] = &[
        ("node_boot_", FactKind::Os),
        ("node_load", FactKind::Load),
        ("node_procs_", FactKind::Load),
        ("node_memory_", FactKind::Memory),
        ("node_vmstat_", FactKind::Memory),
        ("node_pressure_", FactKind::Pressure),
        ("node_timex_", FactKind::KernelClock),
        ("node_time_", FactKind::ClockOffset),
    ];
    let known = KINDS.iter().find(|(start, _)| name.starts_with(start));
    known.map_or(FactKind::Limits, |(_, kind)| *kind)
}

/// A mounted file system as its labels name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MountKey {
    pub point: String,
    pub device: String,
    pub fstype: String,
}

/// A sensor of the hwmon collector: its chip (`platform_coretemp_0`) and its name (`temp1`).
pub(super) type SensorKey = (String, String);

/// What one scrape told.
#[derive(Debug, Default)]
pub struct Scrape {
    /// Metrics without labels.
    pub(super) host: Row,
    pub(super) os: Option<Os>,
    pub(super) cpu: Option<Cpu>,
    pub(super) disks: BTreeMap<String, Row>,
    pub(super) nics: BTreeMap<String, Row>,
    /// Operational state as the kernel words it, by interface.
    pub(super) links: BTreeMap<String, String>,
    pub(super) mounts: BTreeMap<MountKey, Row>,
    pub(super) sensors: BTreeMap<SensorKey, Row>,
    pub(super) sensor_labels: BTreeMap<SensorKey, String>,
    pub(super) chips: BTreeMap<String, String>,
    /// Thermal zones: kind, number, degrees.
    pub(super) zones: Vec<(String, String, f64)>,
    /// Collectors that failed on the host.
    pub(super) failed: Vec<String>,
    pub(super) wrong: Wrong,
}

impl Scrape {
    /// The host's own time in Unix seconds, read while it was scraped.
    #[must_use]
    pub fn time(&self) -> Option<f64> {
        self.host.get("node_time_seconds")
    }

    /// Takes one sample in.
    pub fn take(&mut self, sample: &Sample<'static, '_>) {
        let name = sample.name;
        match name {
            "node_cpu_seconds_total" => self.take_cpu(sample),
            "node_uname_info" | "node_os_info" => self.take_os(sample),
            "node_network_info" => {
                if let Some((device, state)) =
                    label(sample, "device").zip(label(sample, "operstate"))
                {
                    self.links.insert(device, state);
                }
            }
            "node_scrape_collector_success" if sample.value == 0.0 => {
                self.failed.extend(label(sample, "collector"));
            }
            "node_thermal_zone_temp" => {
                let zone = label(sample, "type").zip(label(sample, "zone"));
                if self.wrong.admit(FactKind::Temperatures, sample) {
                    self.zones
                        .extend(zone.map(|(kind, zone)| (kind, zone, sample.value)));
                }
            }
            _ if name.starts_with("node_disk_") => {
                let device = label(sample, "device").filter(|name| disks::is_whole(name));
                put(
                    &mut self.disks,
                    device,
                    FactKind::Disk,
                    sample,
                    &mut self.wrong,
                );
            }
            _ if name.starts_with("node_network_") => {
                let device = label(sample, "device").filter(|name| nics::is_told(name));
                put(
                    &mut self.nics,
                    device,
                    FactKind::Nic,
                    sample,
                    &mut self.wrong,
                );
            }
            _ if name.starts_with("node_filesystem_") => {
                put(
                    &mut self.mounts,
                    mount_key(sample),
                    FactKind::Mount,
                    sample,
                    &mut self.wrong,
                );
            }
            _ if name.starts_with("node_hwmon_") => self.take_sensor(sample),
            _ => {
                if self.wrong.admit(kind(name), sample) {
                    self.host.values.insert(name, sample.value);
                }
            }
        }
    }

    fn take_cpu(&mut self, sample: &Sample<'static, '_>) {
        let Some(mode) = sample.labels.get("mode") else {
            return;
        };
        let cpu = self.cpu.get_or_insert_default();
        let field = match &*mode {
            "user" => &mut cpu.user,
            "nice" => &mut cpu.nice,
            "system" => &mut cpu.system,
            "idle" => {
                // Every core has exactly one of these.
                cpu.cores += 1;
                &mut cpu.idle
            }
            "iowait" => &mut cpu.iowait,
            "irq" => &mut cpu.irq,
            "softirq" => &mut cpu.softirq,
            "steal" => &mut cpu.steal,
            _ => return,
        };
        if self.wrong.admit(FactKind::Cpu, sample) {
            *field += sample.value;
        }
    }

    fn take_os(&mut self, sample: &Sample<'static, '_>) {
        let os = self.os.get_or_insert_default();
        for (label, value) in sample.labels.iter() {
            match &*label {
                "nodename" => os.hostname = value.into(),
                "release" => os.kernel = value.into(),
                "machine" => os.machine = value.into(),
                "pretty_name" => os.name = value.into(),
                _ => {}
            }
        }
    }

    fn take_sensor(&mut self, sample: &Sample<'static, '_>) {
        let Some(chip) = label(sample, "chip") else {
            return;
        };
        if sample.name == "node_hwmon_chip_names" {
            self.chips
                .extend(label(sample, "chip_name").map(|name| (chip, name)));
            return;
        }
        let Some(sensor) = label(sample, "sensor") else {
            return;
        };
        if sample.name == "node_hwmon_sensor_label" {
            let told = label(sample, "label");
            self.sensor_labels
                .extend(told.map(|told| ((chip, sensor), told)));
        } else {
            let key = Some((chip, sensor));
            put(
                &mut self.sensors,
                key,
                FactKind::Temperatures,
                sample,
                &mut self.wrong,
            );
        }
    }
}

fn mount_key(sample: &Sample<'static, '_>) -> Option<MountKey> {
    let key = MountKey {
        point: label(sample, "mountpoint")?,
        device: label(sample, "device")?,
        fstype: label(sample, "fstype")?,
    };
    mounts::is_real(&key.fstype, &key.device, &key.point).then_some(key)
}

fn label(sample: &Sample<'static, '_>, name: &str) -> Option<String> {
    sample.labels.get(name).map(Into::into)
}

fn put<K: Ord>(
    rows: &mut BTreeMap<K, Row>,
    key: Option<K>,
    kind: FactKind,
    sample: &Sample<'static, '_>,
    wrong: &mut Wrong,
) {
    let Some(key) = key else { return };
    let row = rows.entry(key).or_default();
    if wrong.admit(kind, sample) {
        row.values.insert(sample.name, sample.value);
    } else {
        row.wrong = true;
    }
}
