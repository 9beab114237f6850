//! The heaviest control groups, from version 2, version 1 or both side by side (hybrid).
//!
//! Bounded: a walk of so many folders, then a ranking, then details of the first few. A group at
//! the end of the walk stands for all below it, since the counters include them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::files::Files;
use crate::facts::{Consumer, Consumers};
use crate::units::Bytes;

/// Groups told.
pub const KEPT: usize = 64;
/// Folders looked at in one hierarchy.
const FOLDERS: usize = 1_024;
/// kubepods.slice / burstable / pod / container, one above for a nested runtime, one spare.
const DEPTH: usize = 6;
/// Above this many groups, listing and ranking are done only each [`RANK_POLLS`] polls.
const FEW: usize = 32;
const RANK_POLLS: u32 = 6;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// Where one controller's files are: its folder below `/sys` and the form of its files.
type Place = Option<(String, Version)>;

#[derive(Debug, Default)]
struct Layout {
    cpu: Place,
    throttle: Place,
    memory: Place,
    io: Place,
}

#[derive(Debug)]
struct Group {
    path: Arc<str>,
    /// CPU seconds at the last ranking.
    ranked_at: f64,
    score: f64,
}

#[derive(Debug, Default)]
pub struct Groups {
    layout: Layout,
    /// Ordered by weight as of the last ranking.
    ranked: Vec<Group>,
    left_off: u64,
    polls: u32,
}

impl Groups {
    /// The heaviest groups, and how many folders a limit left out. `None` without control groups.
    pub(super) fn read(&mut self, files: &mut Files) -> (Option<Consumers>, u64) {
        if self.polls == 0 {
            self.layout = Layout::find(files);
        }
        if self.ranked.len() <= FEW || self.polls.is_multiple_of(RANK_POLLS) {
            self.list(files);
            self.rank(files);
        }
        self.polls = self.polls.wrapping_add(1);
        let top = self.ranked.iter().take(KEPT);
        let told: Vec<Consumer> = top
            .map(|group| self.layout.consumer(files, &group.path))
            // A group can be gone since it was listed.
            .filter(|consumer| consumer.cpu_secs.is_some() || consumer.memory.is_some())
            .collect();
        ((!told.is_empty()).then_some(Consumers(told)), self.left_off)
    }

    fn list(&mut self, files: &mut Files) {
        let mut paths = BTreeSet::new();
        self.left_off = 0;
        let trees: BTreeSet<&str> = [&self.layout.cpu, &self.layout.memory]
            .into_iter()
            .flatten()
            .map(|(folder, _)| folder.as_str())
            .collect();
        for tree in trees {
            self.left_off += leaves(files, tree, &mut paths);
        }
        let mut before: Vec<Group> = std::mem::take(&mut self.ranked);
        before.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        self.ranked = paths
            .into_iter()
            .map(|path| {
                let known = before.binary_search_by(|group| (*group.path).cmp(&path));
                Group {
                    ranked_at: known.map_or(0.0, |at| before[at].ranked_at),
                    path: path.into(),
                    score: 0.0,
                }
            })
            .collect();
    }

    /// Orders by share of CPU since the last ranking plus share of memory.
    fn rank(&mut self, files: &mut Files) {
        let mut weights = Vec::with_capacity(self.ranked.len());
        for group in &mut self.ranked {
            let cpu = self.layout.cpu_secs(files, &group.path).unwrap_or(0.0);
            let memory = self.layout.memory(files, &group.path).unwrap_or(0);
            weights.push(((cpu - group.ranked_at).max(0.0), Bytes(memory).as_f64()));
            group.ranked_at = cpu;
        }
        let total = |pick: fn(&(f64, f64)) -> f64| {
            let sum: f64 = weights.iter().map(pick).sum();
            if sum > 0.0 { sum } else { 1.0 }
        };
        let (cpu, memory) = (total(|w| w.0), total(|w| w.1));
        for (group, weight) in self.ranked.iter_mut().zip(&weights) {
            group.score = weight.0 / cpu + weight.1 / memory;
        }
        self.ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    }
}

/// Adds the groups without groups below them; answers with how many were left out.
fn leaves(files: &mut Files, tree: &str, into: &mut BTreeSet<String>) -> u64 {
    let mut waiting = vec![(String::new(), 0)];
    let (mut looked, mut left_off) = (0, 0);
    while let Some((path, depth)) = waiting.pop() {
        if looked == FOLDERS {
            left_off += 1;
            continue;
        }
        looked += 1;
        let below = if depth == DEPTH {
            Vec::new()
        } else {
            files.sys_folders(&join(tree, &path))
        };
        if below.is_empty() && depth > 0 {
            into.insert(path);
            continue;
        }
        waiting.extend(
            below
                .into_iter()
                .map(|name| (join(&path, &name), depth + 1)),
        );
    }
    left_off
}

fn join(folder: &str, name: &str) -> String {
    match (folder.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{name}"),
    }
}

impl Layout {
    fn find(files: &mut Files) -> Self {
        const ROOT: &str = "fs/cgroup";
        let two = |folder: &str| Some((folder.to_owned(), Version::Two));
        if files.sys_exists("fs/cgroup/cgroup.controllers") {
            return Self {
                cpu: two(ROOT),
                throttle: two(ROOT),
                memory: two(ROOT),
                io: two(ROOT),
            };
        }
        let mut one = |names: &[&str], probe: &str| {
            let mut folders = names.iter().map(|name| format!("{ROOT}/{name}"));
            let folder = folders.find(|folder| files.sys_exists(&format!("{folder}/{probe}")))?;
            Some((folder, Version::One))
        };
        let mut layout = Self {
            cpu: one(&["cpuacct", "cpu,cpuacct"], "cpuacct.usage"),
            throttle: one(&["cpu", "cpu,cpuacct"], "cpu.shares"),
            memory: one(&["memory"], "memory.stat"),
            io: one(&["blkio"], "blkio.throttle.io_service_bytes"),
        };
        // Hybrid: a controller may also sit in the version 2 tree beside the others.
        let controllers = files.sys("fs/cgroup/unified/cgroup.controllers");
        let controllers = controllers.unwrap_or_default().to_owned();
        let unified = |name: &str| {
            let there = controllers
                .split_ascii_whitespace()
                .any(|have| have == name);
            there.then(|| two("fs/cgroup/unified")).flatten()
        };
        layout.cpu = layout.cpu.or_else(|| unified("cpu"));
        layout.throttle = layout.throttle.or_else(|| unified("cpu"));
        layout.memory = layout.memory.or_else(|| unified("memory"));
        layout.io = layout.io.or_else(|| unified("io"));
        layout
    }

    fn consumer(&self, files: &mut Files, path: &Arc<str>) -> Consumer {
        let (read, written) = self.io(files, path).unzip();
        Consumer {
            group: Arc::clone(path),
            cpu_secs: self.cpu_secs(files, path),
            throttled_secs: self.throttled_secs(files, path),
            memory: self.working_set(files, path).map(Bytes),
            read,
            written,
        }
    }

    fn cpu_secs(&self, files: &mut Files, path: &str) -> Option<f64> {
        let (folder, version) = self.cpu.as_ref()?;
        Some(match version {
            Version::Two => {
                let stat = files.sys(&format!("{folder}/{path}/cpu.stat")).ok()?;
                number::<f64>(stat, "usage_usec")? / 1e6
            }
            Version::One => {
                let usage = format!("{folder}/{path}/cpuacct.usage");
                files.sys_number::<f64>(&usage)? / 1e9
            }
        })
    }

    fn throttled_secs(&self, files: &mut Files, path: &str) -> Option<f64> {
        let (folder, version) = self.throttle.as_ref()?;
        let stat = files.sys(&format!("{folder}/{path}/cpu.stat")).ok()?;
        Some(match version {
            Version::Two => number::<f64>(stat, "throttled_usec")? / 1e6,
            Version::One => number::<f64>(stat, "throttled_time")? / 1e9,
        })
    }

    fn memory(&self, files: &mut Files, path: &str) -> Option<u64> {
        let (folder, version) = self.memory.as_ref()?;
        files.sys_number(&match version {
            Version::Two => format!("{folder}/{path}/memory.current"),
            Version::One => format!("{folder}/{path}/memory.usage_in_bytes"),
        })
    }

    /// Memory without the file pages that the kernel would drop first: what kubelet and the
    /// out-of-memory killer go by.
    fn working_set(&self, files: &mut Files, path: &str) -> Option<u64> {
        let used = self.memory(files, path)?;
        let (folder, version) = self.memory.as_ref()?;
        let stat = files.sys(&format!("{folder}/{path}/memory.stat"));
        let name = match version {
            Version::Two => "inactive_file",
            Version::One => "total_inactive_file",
        };
        let inactive = stat.ok().and_then(|stat| number(stat, name));
        Some(used.saturating_sub(inactive.unwrap_or(0)))
    }

    fn io(&self, files: &mut Files, path: &str) -> Option<(Bytes, Bytes)> {
        let (folder, version) = self.io.as_ref()?;
        match version {
            Version::Two => {
                let stat = files.sys(&format!("{folder}/{path}/io.stat")).ok()?;
                let sum = |key: &str| {
                    let fields = stat.split_ascii_whitespace();
                    let counts = fields.filter_map(|field| field.strip_prefix(key));
                    Bytes(counts.filter_map(|count| count.parse::<u64>().ok()).sum())
                };
                Some((sum("rbytes="), sum("wbytes=")))
            }
            Version::One => {
                let file = format!("{folder}/{path}/blkio.throttle.io_service_bytes");
                // The plain file leaves out the groups below.
                let text = match files.sys(&format!("{file}_recursive")) {
                    Ok(text) => text.to_owned(),
                    Err(_) => files.sys(&file).ok()?.to_owned(),
                };
                let sum = |word: &str| {
                    let lines = text.lines().map(|line| line.split_ascii_whitespace());
                    let counts = lines.filter_map(|mut fields| {
                        let same = fields.nth(1) == Some(word);
                        same.then(|| fields.next()?.parse::<u64>().ok()).flatten()
                    });
                    Bytes(counts.sum())
                };
                Some((sum("Read"), sum("Write")))
            }
        }
    }
}

/// `name value` on a line of its own.
fn number<T: std::str::FromStr>(text: &str, name: &str) -> Option<T> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, value) = lines.find(|(known, _)| *known == name)?;
    value.trim().parse().ok()
}
