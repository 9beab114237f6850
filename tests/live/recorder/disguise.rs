//! Makes a recording of one machine's loopback read like a fleet: addresses and names are
//! replaced, and time is moved so that the last line is at [`Now::fixed`]. Values stay as measured
//! but for two: nobody disciplines the clock of a test machine, and it is busy with other tests.

use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Failed;
use midwatch::clock::{Now, Stamp};
use midwatch::facts::KernelClock;
use midwatch::ids::FeedId;
use serde_json::{Map, Value};

const LOOPBACK: &str = "127.0.0.1";
/// What a disciplined kernel clock says.
const KERNEL_CLOCK: KernelClock = KernelClock {
    synced: true,
    offset: 0.000_021,
    max_error: 0.024,
    estimated_error: 0.000_4,
    frequency_ppm: -11.7,
    tai: 37,
};
/// How much of the measured load each host keeps, so that they differ and none is overloaded.
const KEPT: [(&str, f64); 3] = [("console", 0.1), ("w-03", 0.3), ("w-17", 0.2)];
/// A kernel of the time; the test machine's says where it ran.
const KERNEL: &str = "6.12.48+deb13-amd64";

/// What to write instead of what.
#[derive(Clone, Debug, Default)]
pub struct Disguise {
    /// `127.0.0.1:PORT` and the address that stands for it.
    pub addresses: Vec<(String, String)>,
    /// Any other text, such as a folder.
    pub texts: Vec<(String, String)>,
    /// This machine's own names, in none of the lines afterwards.
    pub own: Vec<String>,
}

impl Disguise {
    /// The invented host of a feed's endpoint: what a bare loopback address in its lines means.
    pub fn host(&self, feed: &FeedId) -> String {
        let at = |(real, _): &&(String, String)| feed.endpoint.contains(real.as_str());
        let known = self.addresses.iter().find(at);
        let host = known.and_then(|(_, invented)| invented.split(':').next());
        host.unwrap_or(LOOPBACK).to_owned()
    }

    /// One line of the recording.
    pub fn line(&self, value: &Value, host: &str, last: Now) -> Result<String, Failed> {
        let mut value = value.clone();
        let fixed = Now::fixed();
        let shift = Shift {
            wall: fixed.wall.duration_since(last.wall),
            stamp: i128::from(fixed.stamp.0) - i128::from(last.stamp.0),
        };
        shift.value(&mut value);
        part_hosts(&mut value)?;
        let mut line = serde_json::to_string(&value)?;
        // The longest first: one port can be the start of another.
        let mut texts: Vec<_> = self.addresses.iter().chain(&self.texts).collect();
        texts.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
        for (real, invented) in texts {
            line = line.replace(real.as_str(), invented);
        }
        if !host.is_empty() {
            line = line.replace(LOOPBACK, host);
        }
        let telling = self
            .own
            .iter()
            .map(String::as_str)
            .chain([LOOPBACK, "/tmp"]);
        for own in telling {
            if line.contains(own) {
                return Err(format!("`{own}` shows through in {line}").into());
            }
        }
        Ok(line)
    }
}

/// How far both clocks are moved.
struct Shift {
    wall: SignedDuration,
    /// Nanoseconds.
    stamp: i128,
}

impl Shift {
    fn value(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => self.fields(fields),
            Value::String(text) => {
                if let Some(moved) = self.text(text) {
                    *text = moved;
                }
            }
            _ => {}
        }
    }

    fn fields(&self, fields: &mut Map<String, Value>) {
        for (key, value) in fields.iter_mut() {
            match (key.as_str(), value.as_u64(), value.as_f64()) {
                ("stamp", Some(nanos), _) => {
                    let moved = u64::try_from(i128::from(nanos) + self.stamp).unwrap_or(0);
                    *value = serde_json::json!(Stamp(moved));
                }
                // Unix seconds of an etcd process.
                ("started", _, Some(at)) => *value = (at + self.wall.as_secs_f64()).into(),
                _ => self.value(value),
            }
        }
    }

    fn text(&self, text: &str) -> Option<String> {
        let at: Timestamp = text.parse().ok()?;
        Some(at.checked_add(self.wall).ok()?.to_string())
    }
}

/// Every host fact speaks of the machine that ran the test; each becomes its subject's own.
fn part_hosts(line: &mut Value) -> Result<(), Failed> {
    let Some(facts) = line.pointer_mut("/outcome/Ok/facts") else {
        return Ok(());
    };
    let Some(facts) = facts.as_array_mut() else {
        return Ok(());
    };
    // Control groups tell what else ran here.
    facts.retain(|told| told.pointer("/1/consumers").is_none());
    for told in facts {
        let host = told.pointer("/0/path").cloned().unwrap_or_default();
        if let Some((_, kept)) = KEPT.iter().find(|(name, _)| host == *name) {
            calm(&mut told[1], *kept);
        }
        if let Some(os) = told.pointer_mut("/1/os") {
            os["hostname"] = host;
            os["kernel"] = KERNEL.into();
        }
        if let Some(clock) = told.pointer_mut("/1/kernel-clock") {
            *clock = serde_json::to_value(KERNEL_CLOCK)?;
        }
    }
    Ok(())
}

/// Scales what tells how busy a host is. Counters stay counters, and processor time adds up.
fn calm(fact: &mut Value, kept: f64) {
    let scale = |value: &mut Value| {
        let was = value.as_f64()?;
        *value = (was * kept).into();
        Some(was * (1.0 - kept))
    };
    if let Some(cpu) = fact.get_mut("cpu") {
        let modes = [
            "user", "nice", "system", "irq", "softirq", "steal", "iowait",
        ];
        let freed: f64 = modes.iter().filter_map(|mode| scale(&mut cpu[*mode])).sum();
        cpu["idle"] = (cpu["idle"].as_f64().unwrap_or(0.0) + freed).into();
    }
    if let Some(load) = fact.get_mut("load") {
        for average in ["one", "five", "fifteen"] {
            scale(&mut load[average]);
        }
    }
    let lines = fact.get_mut("pressure").and_then(Value::as_object_mut);
    for line in lines.into_iter().flat_map(Map::values_mut) {
        let figures = line.as_object_mut();
        for figure in figures.into_iter().flat_map(Map::values_mut) {
            scale(figure);
        }
    }
}
