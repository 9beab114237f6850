//! Mounted file systems: which of them are real, and how full they are.
//!
//! A file system on the network is never asked: `statvfs` on a dead NFS server does not return.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::files::Files;
use crate::facts::{Fact, FactKind, Mount};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::subject::Subject;
use crate::units::Bytes;

/// Mounts kept of one host. A machine with more has one per container.
pub const KEPT: usize = 64;

/// Types that sit on a device and still say nothing about a disk: read-only images, always full.
const IMAGES: [&str; 6] = ["squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"];

/// Types that name a pool or a dataset where others name a device.
const POOLS: [&str; 2] = ["zfs", "bcachefs"];

/// Files that a container runtime mounts one by one from the disk of its host.
const SINGLE_FILES: [&str; 4] = [
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/dev/termination-log",
];

/// True for a file system on a local disk that can fill up, and for the root of a container.
#[must_use]
pub fn is_real(fstype: &str, device: &str, point: &str) -> bool {
    let on_device = device.starts_with("/dev/") || POOLS.contains(&fstype);
    let root = point == "/" && fstype == "overlay";
    let remote = fstype.starts_with("fuse.") || fstype == "fuse";
    (on_device || root) && !remote && !IMAGES.contains(&fstype) && !SINGLE_FILES.contains(&point)
}

/// One mount that is worth asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub path: String,
    pub device: Arc<str>,
    pub fstype: Arc<str>,
    pub read_only: bool,
}

/// The mounts, listed again only when the kernel's own list has changed.
#[derive(Debug, Default)]
pub struct Mounts {
    text: String,
    points: Vec<Point>,
    left_off: u64,
}

/// Asks a file system; injected so that a fixture needs no mounts.
pub type Space = fn(&Path) -> std::io::Result<Mount>;

impl Mounts {
    pub(super) fn read(&mut self, files: &mut Files, host: &str, space: Space, out: &mut Harvest) {
        let text = match files.proc("self/mountinfo") {
            Ok(text) => text,
            Err(error) => {
                let detail = format!("cannot read self/mountinfo: {error}");
                return lose(out, detail);
            }
        };
        if text != self.text {
            text.clone_into(&mut self.text);
            self.points = list(text);
            self.left_off = self.points.len().saturating_sub(KEPT) as u64;
            self.points.truncate(KEPT);
        }
        out.refused += self.left_off;
        for point in &self.points {
            let relative = point.path.trim_start_matches('/');
            match space(&files.roots.root.join(relative)) {
                Ok(told) if told.size.0 == 0 => {}
                Ok(told) => {
                    let fact = Mount {
                        device: Arc::clone(&point.device),
                        fstype: Arc::clone(&point.fstype),
                        read_only: point.read_only,
                        ..told
                    };
                    let subject = Subject::mount(host, &point.path);
                    out.facts.push((subject, Fact::Mount(fact)));
                }
                Err(error) => lose(out, format!("cannot ask {}: {error}", point.path)),
            }
        }
    }
}

fn lose(out: &mut Harvest, detail: String) {
    out.lost.push(Lost {
        kind: FactKind::Mount,
        outage: Outage::new(Layer::Local, detail),
    });
}

/// `statvfs`, in bytes. May block for as long as the disk does.
#[cfg(unix)]
pub fn ask(path: &Path) -> std::io::Result<Mount> {
    let told = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| Bytes(blocks.saturating_mul(told.f_frsize));
    Ok(Mount {
        size: bytes(told.f_blocks),
        free: bytes(told.f_bfree),
        avail: bytes(told.f_bavail),
        files: told.f_files,
        files_free: told.f_ffree,
        ..Mount::default()
    })
}

/// The real mounts of a mountinfo text: one per device, the shortest path of it.
pub fn list(mountinfo: &str) -> Vec<Point> {
    // A later mount on the same path hides the earlier one.
    let mut by_path: BTreeMap<String, (&str, bool, Point)> = BTreeMap::new();
    for entry in mountinfo.lines().filter_map(entry) {
        by_path.insert(entry.2.path.clone(), entry);
    }
    // A bind mount shows the same device again; the mount of the device's own root is the true one.
    let mut by_device: BTreeMap<&str, (bool, Point)> = BTreeMap::new();
    for (device, part, point) in by_path.into_values() {
        if !is_real(&point.fstype, &point.device, &point.path) {
            continue;
        }
        let better = by_device.get(device).is_none_or(|(known_part, known)| {
            (part, point.path.len()) < (*known_part, known.path.len())
        });
        if better {
            by_device.insert(device, (part, point));
        }
    }
    let mut points: Vec<Point> = by_device.into_values().map(|(_, point)| point).collect();
    points.sort_by(|a, b| (a.path.len(), &a.path).cmp(&(b.path.len(), &b.path)));
    points
}

/// One line: device number, whether it shows only a part of the device, and the point.
///
/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn entry(line: &str) -> Option<(&str, bool, Point)> {
    let (front, back) = line.split_once(" - ")?;
    let mut front = front.split(' ');
    let number = front.nth(2)?;
    let part = front.next()? != "/";
    let path = unescape(front.next()?);
    let options = front.next()?;
    let mut back = back.split(' ');
    let fstype = unescape(back.next()?).into();
    let device = unescape(back.next()?).into();
    let super_options = back.next().unwrap_or_default();
    let read_only = [options, super_options]
        .iter()
        .any(|options| options.split(',').any(|option| option == "ro"));
    let point = Point {
        path,
        device,
        fstype,
        read_only,
    };
    Some((number, part, point))
}

/// Space, tab, newline, backslash and `#` stand in these files as three octal digits.
fn unescape(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4);
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if byte.is_ascii() => {
                out.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            _ => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}
