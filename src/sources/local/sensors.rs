//! Temperatures from `/sys/class/hwmon` and, for what that lacks, `/sys/class/thermal`.

use std::sync::Arc;

use super::files::Files;
use crate::facts::{Temperature, Temperatures};

/// Sensors read on one host.
const KEPT: usize = 128;

/// Polls after which the list of sensors is made again.
const LIST_POLLS: u32 = 60;

#[derive(Debug, Default)]
pub struct Sensors {
    list: Vec<Sensor>,
    polls: u32,
}

#[derive(Debug)]
struct Sensor {
    name: Arc<str>,
    /// File that holds thousandths of a degree.
    input: String,
    critical: Option<f64>,
}

impl Sensors {
    /// `None` on a machine without sensors.
    pub(super) fn read(&mut self, files: &mut Files) -> Option<Temperatures> {
        if self.polls.is_multiple_of(LIST_POLLS) {
            self.list = list(files);
        }
        self.polls = self.polls.wrapping_add(1);
        let read = self.list.iter().filter_map(|sensor| {
            // A sensor that is asleep answers with an error: no reading, no zero.
            let celsius = degrees(files, &sensor.input)?;
            Some(Temperature {
                sensor: Arc::clone(&sensor.name),
                celsius,
                critical: sensor.critical,
            })
        });
        let read: Vec<Temperature> = read.collect();
        (!read.is_empty()).then_some(Temperatures(read))
    }
}

fn degrees(files: &mut Files, path: &str) -> Option<f64> {
    Some(files.sys_number::<f64>(path)? / 1e3)
}

fn list(files: &mut Files) -> Vec<Sensor> {
    let mut sensors = Vec::new();
    let mut chips = Vec::new();
    for folder in files.sys_names("class/hwmon") {
        let folder = format!("class/hwmon/{folder}");
        let chip = word(files, &format!("{folder}/name")).unwrap_or_else(|| "hwmon".into());
        for input in files.sys_names(&folder) {
            let stem = input
                .strip_suffix("_input")
                .filter(|s| s.starts_with("temp"));
            let Some(stem) = stem else { continue };
            let label = word(files, &format!("{folder}/{stem}_label"));
            sensors.push(Sensor {
                name: format!("{chip} {}", label.as_deref().unwrap_or(stem)).into(),
                input: format!("{folder}/{input}"),
                critical: degrees(files, &format!("{folder}/{stem}_crit")),
            });
        }
        chips.push(chip);
    }
    for zone in files.sys_names("class/thermal") {
        if !zone.starts_with("thermal_zone") {
            continue;
        }
        let folder = format!("class/thermal/{zone}");
        let kind = word(files, &format!("{folder}/type")).unwrap_or(zone);
        // The kernel shows most zones as a chip as well, and x86_pkg_temp is coretemp's package.
        let package = kind == "x86_pkg_temp" && chips.iter().any(|chip| chip == "coretemp");
        if !package && !chips.contains(&kind) {
            sensors.push(Sensor {
                critical: critical_trip(files, &folder),
                input: format!("{folder}/temp"),
                name: kind.into(),
            });
        }
    }
    sensors.truncate(KEPT);
    tell_apart(&mut sensors);
    sensors
}

fn critical_trip(files: &mut Files, folder: &str) -> Option<f64> {
    // Trip points are numbered without gaps; no zone has more than a dozen.
    let trip = (0..12).find(|n| {
        let kind = files.sys(&format!("{folder}/trip_point_{n}_type"));
        kind.is_ok_and(|kind| kind.trim() == "critical")
    })?;
    degrees(files, &format!("{folder}/trip_point_{trip}_temp"))
}

/// Two disks of one make have sensors of one name: the later ones get a number.
fn tell_apart(sensors: &mut [Sensor]) {
    for at in 1..sensors.len() {
        let name = Arc::clone(&sensors[at].name);
        let numbered = |other: &Sensor| {
            let rest = other.name.strip_prefix(&*name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(" #"))
        };
        let before = sensors[..at].iter().filter(|s| numbered(s)).count();
        if before > 0 {
            sensors[at].name = format!("{name} #{}", before + 1).into();
        }
    }
}

fn word(files: &mut Files, path: &str) -> Option<String> {
    let text = files.sys(path).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
