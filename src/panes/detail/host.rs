//! Everything about one host: identity, resources, curves, file systems, disks, interfaces, consumers.

use std::time::Duration;

use crate::facts::{
    Consumer, Consumers, Cpu, Disk, Limits, Load, Memory, Mount, Nic, Os, Pressure, PressureLine,
    Temperatures,
};
use crate::listing::Context;
use crate::model::Series;
use crate::model::history::rate;
use crate::paint::Line;
use crate::panes::{
    Block,
    parts::{self, dated, origin},
};
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units::{self, Bytes};

use super::{certificate, clock_row, findings_on, row, title, titled};

/// One host: findings, identity, resources, charts, file systems, disks, interfaces, consumers.
#[must_use]
pub fn host(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(host.to_string())];
    blocks.extend(findings_on(cx, host));
    if let Some(os) = cx.snap.latest::<Os>(host) {
        let line = Line::new()
            .text(format!("{}  ", os.value.name))
            .dim(format!("kernel {} {}", os.value.kernel, os.value.machine));
        blocks.push(row("system", origin(line, &os)));
    }
    blocks.push(charts(cx, host));
    blocks.extend(resources(cx, host));
    blocks.extend(clock_row(cx, host));
    blocks.extend(mounts(cx, host));
    blocks.extend(disks(cx, host));
    blocks.extend(nics(cx, host));
    blocks.extend(temperatures(cx, host));
    blocks.extend(consumers(cx, host));
    blocks.extend(more_charts(cx, host));
    blocks.extend(certificate(cx, host));
    blocks
}

fn percent(value: f32) -> String {
    format!("{:.0}%", value * 100.0)
}

/// One curve over a subject's samples.
fn curve(
    cx: &Context,
    subject: &Subject,
    title: Line,
    series: Series,
    (top, print): (Option<f32>, fn(f32) -> String),
) -> Block {
    Block::Chart {
        title,
        samples: cx.snap.model.history().samples(subject, series).collect(),
        top,
        print,
        height: 5,
    }
}

/// A share, drawn against the whole.
const SHARE: (Option<f32>, fn(f32) -> String) = (Some(1.0), percent);

fn charts(cx: &Context, host: &Subject) -> Block {
    let (cpu, memory) = (
        titled::<Cpu>(cx, host, "cpu busy"),
        titled::<Memory>(cx, host, "memory used"),
    );
    Block::Beside(
        Box::new(curve(cx, host, cpu, Series::CpuBusy, SHARE)),
        Box::new(curve(cx, host, memory, Series::MemoryUsed, SHARE)),
    )
}

/// Curves of what a host waits for: its pressure, and the busiest disk and interface.
fn more_charts(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut curves = Vec::new();
    if cx.snap.latest::<Pressure>(host).is_some() {
        let title = titled::<Pressure>(cx, host, "some task waits for io");
        curves.push(curve(cx, host, title, Series::IoPressure, SHARE));
    }
    if let Some(disk) = busiest(cx, host, SubjectKind::Disk, Series::DiskBusy) {
        let title = titled::<Disk>(cx, &disk, &format!("{} busy", disk.leaf()));
        curves.push(curve(cx, &disk, title, Series::DiskBusy, SHARE));
    }
    if let Some(nic) = busiest(cx, host, SubjectKind::Nic, Series::NicTraffic) {
        let title = titled::<Nic>(cx, &nic, &format!("{} in and out", nic.leaf()));
        let print = |rate: f32| units::size(f64::from(rate));
        curves.push(curve(cx, &nic, title, Series::NicTraffic, (None, print)));
    }
    if let Some(mount) = busiest(cx, host, SubjectKind::Mount, Series::MountUsed) {
        let title = titled::<Mount>(cx, &mount, &format!("{} used", mount.leaf()));
        curves.push(curve(cx, &mount, title, Series::MountUsed, SHARE));
    }
    let mut curves = curves.into_iter();
    let mut blocks = Vec::new();
    while let Some(left) = curves.next() {
        blocks.push(match curves.next() {
            Some(right) => Block::Beside(Box::new(left), Box::new(right)),
            None => left,
        });
    }
    blocks
}

/// The part of a host with the highest newest sample.
fn busiest(cx: &Context, host: &Subject, kind: SubjectKind, series: Series) -> Option<Subject> {
    let newest = |part: &Subject| {
        cx.snap
            .model
            .history()
            .samples(part, series)
            .next_back()
            .flatten()
    };
    let parts = cx.snap.model.parts(host, kind);
    let parts = parts.filter_map(|part| Some((newest(part)?, part)));
    let (_, part) = parts.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(part.clone())
}

fn resources(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    let cores = cx.snap.latest::<Cpu>(host).map(|cpu| cpu.value.cores);
    if let Some(load) = cx.snap.latest::<Load>(host) {
        let value = load.value;
        let cores = cores.map_or_else(String::new, |cores| format!(" on {cores} cores"));
        let text = format!(
            "{:.2} {:.2} {:.2}{cores}",
            value.one, value.five, value.fifteen
        );
        blocks.push(row("load", dated(Line::new().text(text), &load)));
    }
    if let Some(memory) = cx.snap.latest::<Memory>(host) {
        let value = memory.value;
        let used = value.used().map_or("?".into(), |used| used.to_string());
        let swap = if value.swap_total.0 == 0 {
            "no swap".into()
        } else {
            format!("swap {} free of {}", value.swap_free, value.swap_total)
        };
        let text = format!(
            "{used} of {} used, {} available, {swap}",
            value.total, value.available
        );
        blocks.push(row("memory", dated(Line::new().text(text), &memory)));
    }
    blocks.extend(pressure(cx, host));
    blocks.extend(limits(cx, host));
    blocks
}

/// The share of a minute in which tasks waited.
fn pressure(cx: &Context, host: &Subject) -> Option<Block> {
    let pressure = cx.snap.latest::<Pressure>(host)?;
    let part = |word: &str, line: Option<PressureLine>| {
        let avg = line.and_then(|line| line.avg60);
        avg.map(|avg| format!("{word} {avg}  "))
    };
    let value = pressure.value;
    let text: String = [
        part("cpu", value.cpu_some),
        part("memory", value.memory_some),
        part("memory all", value.memory_full),
        part("io", value.io_some),
        part("io all", value.io_full),
    ]
    .into_iter()
    .flatten()
    .collect();
    let line = (!text.is_empty()).then(|| Line::new().text(text).dim("over a minute"))?;
    Some(row("pressure", dated(line, &pressure)))
}

/// What the kernel has only so many of.
fn limits(cx: &Context, host: &Subject) -> Option<Block> {
    let limits = cx.snap.latest::<Limits>(host)?;
    let pair = |word: &str, used: Option<u64>, most: Option<u64>| {
        used.zip(most)
            .map(|(used, most)| format!("{word} {used} of {most}  "))
    };
    let value = limits.value;
    let files = pair("file handles", value.files, value.files_max);
    let tracked = pair("conntrack", value.conntrack, value.conntrack_max);
    let text: String = [files, tracked].into_iter().flatten().collect();
    let line = (!text.is_empty()).then(|| Line::new().text(text))?;
    Some(row("limits", dated(line, &limits)))
}

fn mounts(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    for mount in cx.snap.model.parts(host, SubjectKind::Mount) {
        let Some(reading) = cx.snap.latest::<Mount>(mount) else {
            continue;
        };
        let value = reading.value;
        let used = value.room().map_or("?".into(), |room| {
            format!("{:>4.0}%", (1.0 - room.0) * 100.0)
        });
        let limits = cx.snap.thresholds(mount);
        let room = value.room().map_or(1.0, |room| room.0);
        let role = parts::over(
            1.0 - room,
            1.0 - limits.disk_room_warning,
            1.0 - limits.disk_room_critical,
        );
        let line = Line::new()
            .with(format!("{used} "), role)
            .text(format!("{:<24} ", mount.leaf()))
            .dim(format!(
                "{} free of {}  {} {}",
                value.avail, value.size, value.fstype, value.device
            ))
            .with(
                if value.read_only { "  read-only" } else { "" },
                Role::Warning,
            );
        let label = if blocks.is_empty() { "mounts" } else { "" };
        blocks.push(row(label, dated(line, &reading)));
    }
    blocks
}

fn disks(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    for disk in cx.snap.model.parts(host, SubjectKind::Disk) {
        let Some(reading) = cx.snap.latest::<Disk>(disk) else {
            continue;
        };
        let Some((before, span)) = reading.previous() else {
            continue;
        };
        let mut line = Line::new().text(format!("{:<12} ", disk.leaf()));
        line = match disk_use(reading.value, before, span) {
            Some((busy, rest)) => line
                .text(format!("busy {:>3.0}%  ", busy * 100.0))
                .dim(rest),
            None => line.with("? (its counters began anew)", Role::Unknown),
        };
        let label = if blocks.is_empty() { "disks" } else { "" };
        blocks.push(row(label, dated(line, &reading)));
    }
    blocks
}

/// Busy share of a disk and what it did, in words; `None` after a reset of its counters.
fn disk_use(now: &Disk, before: &Disk, span: Duration) -> Option<(f64, String)> {
    let per_second = |pick: fn(&Disk) -> f64| rate(pick(now), pick(before), span);
    let busy = per_second(|d| d.busy_secs)?.min(1.0);
    let operations = per_second(|d| d.reads)? + per_second(|d| d.writes)?;
    let waited = per_second(|d| d.read_secs)? + per_second(|d| d.write_secs)?;
    let wait = if operations > 0.0 {
        units::latency(units::seconds(waited / operations))
    } else {
        "-".into()
    };
    let rest = format!(
        "{operations:.0} ops/s  wait {wait}  read {}/s  write {}/s",
        units::size(per_second(|d| d.read.as_f64())?),
        units::size(per_second(|d| d.written.as_f64())?),
    );
    Some((busy, rest))
}

fn nics(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    for nic in cx.snap.model.parts(host, SubjectKind::Nic) {
        let Some(reading) = cx.snap.latest::<Nic>(nic) else {
            continue;
        };
        let (word, role) = match reading.value.up {
            Some(true) => ("up", Role::StateOk),
            Some(false) => ("down", Role::Dim),
            None => ("?", Role::Unknown),
        };
        let mut line = Line::new()
            .text(format!("{:<12} ", nic.leaf()))
            .with(format!("{word:<5}"), role);
        if let Some((before, span)) = reading.previous() {
            let flow = |now: Bytes, then: Bytes| {
                rate(now.as_f64(), then.as_f64(), span).map_or_else(|| "?".into(), units::size)
            };
            let value = reading.value;
            line = line.dim(format!(
                "in {}/s  out {}/s  errors {:.0}  drops {:.0}",
                flow(value.received, before.received),
                flow(value.sent, before.sent),
                value.errors_in + value.errors_out,
                value.drops_in + value.drops_out
            ));
        }
        let label = if blocks.is_empty() { "interfaces" } else { "" };
        blocks.push(row(label, dated(line, &reading)));
    }
    blocks
}

fn temperatures(cx: &Context, host: &Subject) -> Vec<Block> {
    let Some(reading) = cx.snap.latest::<Temperatures>(host) else {
        return Vec::new();
    };
    let hottest = reading
        .value
        .0
        .iter()
        .max_by(|a, b| a.celsius.total_cmp(&b.celsius));
    let Some(hottest) = hottest else {
        return Vec::new();
    };
    let limit = hottest
        .critical
        .map_or_else(String::new, |limit| format!(", critical at {limit:.0}"));
    let text = format!("{:.0} C at {}{limit}", hottest.celsius, hottest.sensor);
    vec![row("hottest", dated(Line::new().text(text), &reading))]
}

/// Control groups by CPU used between the last two readings, then by memory.
fn consumers(cx: &Context, host: &Subject) -> Vec<Block> {
    let Some(reading) = cx.snap.latest::<Consumers>(host) else {
        return Vec::new();
    };
    let before = reading.previous();
    let mut groups: Vec<(Option<f64>, &Consumer)> = reading
        .value
        .0
        .iter()
        .map(|group| {
            let used = before.and_then(|(then, span)| {
                let then = then.0.iter().find(|earlier| earlier.group == group.group)?;
                rate(group.cpu_secs?, then.cpu_secs?, span)
            });
            (used, group)
        })
        .collect();
    groups.sort_by(|a, b| {
        let used = |group: &(Option<f64>, _)| group.0.unwrap_or(0.0);
        used(b)
            .total_cmp(&used(a))
            .then_with(|| b.1.memory.cmp(&a.1.memory))
    });
    let lines = groups
        .into_iter()
        .take(10)
        .enumerate()
        .map(|(nth, (cpu, group))| {
            let memory = group.memory.map_or("-".into(), |memory| memory.to_string());
            let cpu = cpu.map_or("?".into(), |cpu| format!("{:.1}%", cpu * 100.0));
            let line = Line::new()
                .text(format!("{cpu:>6} {memory:>9}  "))
                .dim(group.group.to_string());
            let label = if nth == 0 { "consumers" } else { "" };
            row(label, dated(line, &reading))
        });
    lines.collect()
}
