//! Block devices from `/proc/diskstats`: whole disks, without partitions and layers above them.

use rustc_hash::FxHashMap;

use super::files::Files;
use crate::facts::{Disk, Fact};
use crate::observation::Harvest;
use crate::subject::Subject;
use crate::units::Bytes;

/// Disks kept of one host.
pub const KEPT: usize = 64;

/// Kernel documentation, `Documentation/admin-guide/iostats.rst`: always 512, whatever the disk.
const SECTOR: u64 = 512;

/// Not disks, or disks seen a second time through a mapper or an array.
const LAYERS: [&str; 11] = [
    "loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock", "drbd", "bcache",
];

/// True for the name of a whole disk: `sda`, `nvme0n1`, not `sda1`, `nvme0n1p2`, `dm-0`.
#[must_use]
pub fn is_whole(name: &str) -> bool {
    if LAYERS.iter().any(|layer| name.starts_with(layer)) {
        return false;
    }
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered = stem.len() < name.len();
    if name.starts_with("nvme") {
        // nvme0c1n1 is a path to nvme0n1.
        return stem.ends_with('n') && !stem.contains('c');
    }
    if ["mmcblk", "cciss"]
        .iter()
        .any(|kind| name.starts_with(kind))
    {
        return numbered
            && !stem.ends_with('p')
            && !name.contains("boot")
            && !name.contains("rpmb");
    }
    let lettered = ["sd", "vd", "hd", "xvd", "dasd"];
    !numbered || !lettered.iter().any(|kind| name.starts_with(kind))
}

#[derive(Debug, Default)]
pub struct Disks {
    /// Names that passed by name, and whether `/sys/block` knows them: a virtual machine can be
    /// given `xvda1` as a disk of its own, and a strange driver can name partitions as it likes.
    known: FxHashMap<String, bool>,
}

impl Disks {
    pub(super) fn read(&mut self, files: &mut Files, host: &str, out: &mut Harvest) {
        let Ok(text) = files.proc("diskstats") else {
            return;
        };
        let mut found: Vec<(String, Disk)> = text.lines().filter_map(entry).collect();
        found.retain(|(name, _)| {
            let known = self.known.get(name).copied();
            known.unwrap_or_else(|| {
                let there = files.sys_exists(&format!("block/{}", name.replace('/', "!")));
                self.known.insert(name.clone(), there);
                there
            })
        });
        out.refused += found.len().saturating_sub(KEPT) as u64;
        for (name, disk) in found.into_iter().take(KEPT) {
            out.facts
                .push((Subject::disk(host, &name), Fact::Disk(disk)));
        }
    }
}

fn entry(line: &str) -> Option<(String, Disk)> {
    let mut fields = line.split_ascii_whitespace().skip(2);
    let name = fields.next().filter(|name| is_whole(name))?;
    let mut counts = [0_u64; 11];
    for count in &mut counts {
        *count = fields.next()?.parse().ok()?;
    }
    let [
        reads,
        _,
        sectors_read,
        read_ms,
        writes,
        _,
        sectors_written,
        write_ms,
        in_flight,
        busy_ms,
        weighted_ms,
    ] = counts;
    let disk = Disk {
        reads: number(reads),
        writes: number(writes),
        read: Bytes(sectors_read.saturating_mul(SECTOR)),
        written: Bytes(sectors_written.saturating_mul(SECTOR)),
        read_secs: number(read_ms) / 1e3,
        write_secs: number(write_ms) / 1e3,
        busy_secs: number(busy_ms) / 1e3,
        weighted_secs: number(weighted_ms) / 1e3,
        in_flight,
    };
    Some((name.to_owned(), disk))
}

#[expect(clippy::cast_precision_loss, reason = "counters far below 2^52")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_and_layers_are_no_disks() {
        for disk in [
            "sda", "sdaa", "vda", "nvme0n1", "nvme12n2", "mmcblk0", "xvda", "rbd0",
        ] {
            assert!(is_whole(disk), "{disk}");
        }
        for other in [
            "sda1",
            "vda15",
            "nvme0n1p2",
            "nvme0c0n1",
            "mmcblk0p1",
            "mmcblk0boot0",
            "loop3",
            "ram0",
            "zram0",
            "dm-0",
            "md127",
            "sr0",
        ] {
            assert!(!is_whole(other), "{other}");
        }
    }

    #[test]
    fn sectors_and_milliseconds_become_bytes_and_seconds() {
        let line =
            " 254 0 vda 69576 8095 7428618 31539 17089 75791 25316128 93908 2 11684 125936 0";
        let (name, disk) = entry(line).unwrap();
        assert_eq!(name, "vda");
        assert_eq!(disk.read, Bytes(7_428_618 * 512));
        assert_eq!(
            (disk.read_secs, disk.busy_secs, disk.in_flight),
            (31.539, 11.684, 2)
        );
    }
}
