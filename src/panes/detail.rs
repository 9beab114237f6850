//! Everything about one thing: what stands under a table, and what fills the page when it is
//! opened.

use std::cmp::Ordering;
use std::time::Duration;

use super::{Block, parts};
use crate::facts::{
    Certificate, ClockOffset, Consumers, Cpu, Disk, EtcdAlarms, EtcdHash, EtcdHealth, EtcdMembers,
    EtcdMetrics, EtcdStatus, KernelClock, Limits, Load, Memory, Mount, Nic, Os, Pressure,
    PressureLine, Temperatures,
};
use crate::findings::{self, Entry};
use crate::listing::{Context, RowKey, severity_role};
use crate::model::history::rate;
use crate::model::{Freshness, Series};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units::{self, Bytes};

/// The page for a row that was opened.
#[must_use]
pub fn page(
    cx: &Context,
    key: &RowKey,
    preview: fn(&Context, &RowKey) -> Vec<Block>,
) -> Vec<Block> {
    let mut blocks = preview(cx, key);
    if let RowKey::Finding(id) = key {
        blocks.extend(subject(cx, &id.subject));
        if let Some(rule) = findings::rule(&id.rule) {
            blocks.push(title(format!("rule {}", rule.id)));
            blocks.extend(
                rule.doc
                    .lines()
                    .map(|line| Block::Line(Line::new().text(line.trim()))),
            );
        }
    }
    if blocks.is_empty() {
        blocks.push(Block::Line(
            Line::new().dim("nothing is known about this row any more; Esc goes back"),
        ));
    }
    blocks
}

fn title(text: impl Into<String>) -> Block {
    Block::Title(Line::new().with(text.into(), Role::Title))
}

fn row(label: &str, line: Line) -> Block {
    let mut whole = Line::new().dim(format!("{label:<11} "));
    whole.0.extend(line.0);
    Block::Line(whole)
}

/// A value's age and source in dim, with its mark when it is not fresh.
fn origin(line: Line, freshness: Freshness, age: Duration, feed: &str) -> Line {
    let text = format!("  {} {}, {feed}", freshness.word(), units::age(age));
    line.with(text.replace("   ", "  "), parts::freshness_role(freshness))
}

/// A finding: what, so what, for, against, what it folds, what to do.
#[must_use]
pub fn finding(cx: &Context, entry: &Entry) -> Vec<Block> {
    let finding = &entry.finding;
    let heading = Line::new()
        .with(entry.effective.word(), severity_role(entry.effective))
        .text("  ")
        .with(finding.summary.clone(), Role::Title);
    let mut blocks = vec![Block::Title(heading)];
    let since = format!(
        "{} ({} ago)",
        clock_time(entry.since.wall),
        parts::ago(cx, entry.since.stamp)
    );
    blocks.push(row(
        "where",
        Line::new()
            .text(finding.subject.to_string())
            .dim(format!("   since {since}")),
    ));
    if !finding.so_what.is_empty() {
        blocks.push(row("so what", Line::new().text(finding.so_what.clone())));
    }
    for (nth, evidence) in finding.evidence.iter().enumerate() {
        blocks.push(row(
            if nth == 0 { "for" } else { "" },
            parts::evidence(cx, evidence),
        ));
    }
    for (nth, evidence) in finding.against.iter().enumerate() {
        blocks.push(row(
            if nth == 0 { "against" } else { "" },
            parts::evidence(cx, evidence),
        ));
    }
    if let Some(cause) = entry.cause.as_ref().and_then(|id| cx.ledger.entry(id)) {
        let line = Line::new()
            .text(cause.finding.summary.clone())
            .dim(format!("  {}", cause.finding.subject));
        blocks.push(row("because", line));
    }
    for (nth, child) in cx.ledger.under(&entry.id).into_iter().enumerate() {
        let line = Line::new()
            .with(
                format!("{} ", child.finding.severity.word()),
                severity_role(child.finding.severity),
            )
            .text(child.finding.summary.clone())
            .dim(format!("  {}", child.finding.subject));
        blocks.push(row(if nth == 0 { "folded" } else { "" }, line));
    }
    blocks
}

fn clock_time(at: jiff::Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// Findings on a subject and its parts, one line each.
fn findings_on(cx: &Context, subject: &Subject) -> Vec<Block> {
    let here = |entry: &&Entry| {
        entry.finding.subject == *subject || entry.finding.subject.whole().as_ref() == Some(subject)
    };
    let mut found: Vec<&Entry> = cx.ledger.entries().filter(here).collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.finding.severity));
    let lines = found.into_iter().map(|entry| {
        Block::Line(
            Line::new()
                .with(
                    format!("{}  ", entry.finding.severity.word()),
                    severity_role(entry.finding.severity),
                )
                .text(entry.finding.summary.clone())
                .dim(format!("  since {}", parts::ago(cx, entry.since.stamp))),
        )
    });
    let doubts = cx.ledger.undecided(subject).map(|(rule, doubt)| {
        Block::Line(
            Line::new()
                .with("?     ", Role::Unknown)
                .text(format!("{rule}: "))
                .dim(doubt.to_string()),
        )
    });
    lines.chain(doubts).collect()
}

/// Any subject: by its kind, else what fires on it.
#[must_use]
pub fn subject(cx: &Context, subject: &Subject) -> Vec<Block> {
    match subject.kind {
        SubjectKind::Host => host(cx, subject),
        SubjectKind::Mount | SubjectKind::Disk | SubjectKind::Nic => subject
            .whole()
            .map(|whole| host(cx, &whole))
            .unwrap_or_default(),
        SubjectKind::Etcd | SubjectKind::EtcdMember => etcd(cx, subject),
        _ => {
            let mut blocks = vec![title(subject.to_string())];
            blocks.extend(findings_on(cx, subject));
            blocks.extend(clock_row(cx, subject));
            blocks.extend(certificate(cx, subject));
            blocks
        }
    }
}

/// One host: findings, identity, resources, charts, file systems, disks, interfaces, consumers.
#[must_use]
pub fn host(cx: &Context, host: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(host.to_string())];
    blocks.extend(findings_on(cx, host));
    if let Some(os) = cx.snap.latest::<Os>(host) {
        let line = Line::new()
            .text(format!("{}  ", os.value.name))
            .dim(format!("kernel {} {}", os.value.kernel, os.value.machine));
        blocks.push(row(
            "system",
            origin(line, os.freshness, os.age, &os.feed.spec.id.to_string()),
        ));
    }
    blocks.push(charts(cx, host));
    blocks.extend(resources(cx, host));
    blocks.extend(clock_row(cx, host));
    blocks.extend(mounts(cx, host));
    blocks.extend(disks(cx, host));
    blocks.extend(nics(cx, host));
    blocks.extend(temperatures(cx, host));
    blocks.extend(consumers(cx, host));
    blocks.extend(certificate(cx, host));
    blocks
}

fn percent(value: f32) -> String {
    format!("{:.0}%", value * 100.0)
}

fn charts(cx: &Context, host: &Subject) -> Block {
    let chart = |label: &'static str, series: Series, print: fn(f32) -> String, top| Block::Chart {
        title: Line::new().dim(label),
        samples: cx.snap.model.history().samples(host, series).collect(),
        top,
        print,
        height: 5,
    };
    Block::Beside(
        Box::new(chart("cpu busy", Series::CpuBusy, percent, Some(1.0))),
        Box::new(chart("memory used", Series::MemoryUsed, percent, Some(1.0))),
    )
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
        blocks.push(row("load", Line::new().text(text)));
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
        blocks.push(row("memory", Line::new().text(text)));
    }
    if let Some(pressure) = cx.snap.latest::<Pressure>(host) {
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
        if !text.is_empty() {
            blocks.push(row("pressure", Line::new().text(text).dim("over a minute")));
        }
    }
    if let Some(limits) = cx.snap.latest::<Limits>(host) {
        let pair = |word: &str, used: Option<u64>, most: Option<u64>| {
            used.zip(most)
                .map(|(used, most)| format!("{word} {used} of {most}  "))
        };
        let value = limits.value;
        let files = pair("file handles", value.files, value.files_max);
        let tracked = pair("conntrack", value.conntrack, value.conntrack_max);
        let text: String = [files, tracked].into_iter().flatten().collect();
        if !text.is_empty() {
            blocks.push(row("limits", Line::new().text(text)));
        }
    }
    blocks
}

fn clock_row(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    for clock in cx.snap.readings::<ClockOffset>(subject) {
        let value = clock.value;
        let text = format!(
            "{} to {} against this machine, by {:?}",
            units::offset(value.offset.lo),
            units::offset(value.offset.hi),
            value.witness
        );
        let line = origin(
            Line::new().text(text),
            clock.freshness,
            clock.age,
            &clock.feed.spec.id.to_string(),
        );
        blocks.push(row("clock", line));
    }
    if let Some(kernel) = cx.snap.latest::<KernelClock>(subject) {
        let (word, role) = if kernel.value.synced {
            ("synced", Role::StateOk)
        } else {
            ("NOT SYNCED", Role::Warning)
        };
        let error = units::latency(units::seconds(kernel.value.max_error));
        let line = Line::new().with(word, role).text(format!(
            ", error at most {error}, frequency {:+.1} ppm",
            kernel.value.frequency_ppm
        ));
        blocks.push(row("kernel says", line));
    }
    blocks
}

/// One clock: who measured it, how, and what the kernel there says.
#[must_use]
pub fn clock(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(subject.to_string())];
    blocks.extend(clock_row(cx, subject));
    if let Some(clock) = cx.snap.latest::<ClockOffset>(subject) {
        let value = clock.value;
        blocks.push(row(
            "round trip",
            Line::new().text(units::latency(units::seconds(value.round_trip))),
        ));
        if let Some(reference) = &value.reference {
            blocks.push(row("follows", Line::new().text(reference.to_string())));
        }
    }
    blocks.push(Block::Chart {
        title: Line::new().dim("size of the offset"),
        samples: cx
            .snap
            .model
            .history()
            .samples(subject, Series::ClockOffset)
            .map(|sample| sample.map(f32::abs))
            .collect(),
        top: None,
        print: |secs| units::offset(f64::from(secs)),
        height: 5,
    });
    blocks
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
        blocks.push(row(if blocks.is_empty() { "mounts" } else { "" }, line));
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
        let per_second =
            |pick: fn(&Disk) -> f64| rate(pick(reading.value), pick(before), span).unwrap_or(0.0);
        let busy = per_second(|d| d.busy_secs).min(1.0);
        let operations = per_second(|d| d.reads) + per_second(|d| d.writes);
        let waited = per_second(|d| d.read_secs) + per_second(|d| d.write_secs);
        let wait = if operations > 0.0 {
            units::latency(units::seconds(waited / operations))
        } else {
            "-".into()
        };
        let line = Line::new()
            .text(format!("{:<12} busy {:>3.0}%  ", disk.leaf(), busy * 100.0))
            .dim(format!(
                "{operations:.0} ops/s  wait {wait}  read {}/s  write {}/s",
                Bytes::from_f64(per_second(|d| d.read.as_f64())),
                Bytes::from_f64(per_second(|d| d.written.as_f64())),
            ));
        blocks.push(row(if blocks.is_empty() { "disks" } else { "" }, line));
    }
    blocks
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
                Bytes::from_f64(rate(now.as_f64(), then.as_f64(), span).unwrap_or(0.0))
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
        blocks.push(row(if blocks.is_empty() { "interfaces" } else { "" }, line));
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
    vec![row("hottest", Line::new().text(text))]
}

/// Control groups by CPU used between the last two readings, then by memory.
fn consumers(cx: &Context, host: &Subject) -> Vec<Block> {
    let Some(reading) = cx.snap.latest::<Consumers>(host) else {
        return Vec::new();
    };
    let before = reading.previous();
    let mut groups: Vec<(f64, &crate::facts::Consumer)> = reading
        .value
        .0
        .iter()
        .map(|group| {
            let used = before.and_then(|(then, span)| {
                let then = then.0.iter().find(|earlier| earlier.group == group.group)?;
                rate(group.cpu_secs?, then.cpu_secs?, span)
            });
            (used.unwrap_or(0.0), group)
        })
        .collect();
    groups.sort_by(|a, b| {
        b.0.total_cmp(&a.0)
            .then_with(|| b.1.memory.cmp(&a.1.memory))
    });
    let lines = groups
        .into_iter()
        .take(10)
        .enumerate()
        .map(|(nth, (cpu, group))| {
            let memory = group.memory.map_or("-".into(), |memory| memory.to_string());
            let line = Line::new()
                .text(format!("{:>5.1}% {memory:>9}  ", cpu * 100.0))
                .dim(group.group.to_string());
            row(if nth == 0 { "consumers" } else { "" }, line)
        });
    lines.collect()
}

fn certificate(cx: &Context, subject: &Subject) -> Vec<Block> {
    let readings = cx.snap.readings::<Certificate>(subject);
    let lines = readings.into_iter().map(|reading| {
        let left = reading.value.not_after.duration_since(cx.snap.now.wall);
        let (text, role) = match Duration::try_from(left) {
            Ok(left) => {
                let limits = cx.snap.thresholds(subject);
                let soon = left.as_secs_f64() < limits.certificate_warning;
                (
                    format!("expires in {}", units::span(left)),
                    if soon { Role::Warning } else { Role::Text },
                )
            }
            Err(_) => ("EXPIRED".to_owned(), Role::Critical),
        };
        let line = Line::new().with(text, role).dim(format!(
            "  {} by {}",
            reading.value.subject, reading.value.issuer
        ));
        row("certificate", line)
    });
    lines.collect()
}

/// An etcd cluster or member.
#[must_use]
pub fn etcd(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(subject.to_string())];
    blocks.extend(findings_on(cx, subject));
    if subject.kind == SubjectKind::Etcd {
        blocks.extend(cluster(cx, subject));
    } else {
        blocks.extend(member(cx, subject));
    }
    blocks
}

fn cluster(cx: &Context, cluster: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (voters, well) = super::etcd::voters(cx, cluster);
    let quorum = voters / 2 + 1;
    let verdict = match well.cmp(&quorum) {
        Ordering::Greater => Line::new().with("one member may be taken down", Role::StateOk),
        Ordering::Equal => Line::new().with(
            "NO member may be taken down: the next loss stops writes",
            Role::Warning,
        ),
        Ordering::Less => Line::new().with(
            "quorum is lost: no writes, only stale reads",
            Role::Critical,
        ),
    };
    blocks.push(row(
        "safe now?",
        verdict.dim(format!("   {well} of {voters} answer, quorum {quorum}")),
    ));
    if let Some(alarms) = cx.snap.latest::<EtcdAlarms>(cluster) {
        let text = if alarms.value.0.is_empty() {
            "none".into()
        } else {
            format!("{:?}", alarms.value.0)
        };
        let role = if alarms.value.0.is_empty() {
            Role::Text
        } else {
            Role::Critical
        };
        blocks.push(row("alarms", Line::new().with(text, role)));
    }
    if let Some(list) = cx.snap.latest::<EtcdMembers>(cluster) {
        for (nth, member) in list.value.members.iter().enumerate() {
            let urls = member.client_urls.join(" ");
            let line = Line::new()
                .text(format!("{:<16} ", member.label()))
                .dim(format!(
                    "{:016x}  {urls}{}",
                    member.id,
                    if member.learner { "  learner" } else { "" }
                ));
            blocks.push(row(if nth == 0 { "members" } else { "" }, line));
        }
    }
    blocks
}

fn member(cx: &Context, member: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(status) = cx.snap.latest::<EtcdStatus>(member) {
        let value = status.value;
        let text = format!(
            "index {} applied {} term {} revision {}",
            value.raft_index, value.raft_applied, value.raft_term, value.revision
        );
        let line = origin(
            Line::new().text(text),
            status.freshness,
            status.age,
            &status.feed.spec.id.to_string(),
        );
        blocks.push(row("raft", line));
        let used = value.db_in_use.map_or("?".into(), |used| used.to_string());
        blocks.push(row(
            "database",
            Line::new().text(format!("{}, {used} in use", value.db_size)),
        ));
        for error in &value.errors {
            blocks.push(row("says", Line::new().with(error.clone(), Role::Warning)));
        }
    }
    if let Some(health) = cx
        .snap
        .latest::<EtcdHealth>(member)
        .filter(|health| !health.value.healthy)
    {
        blocks.push(row(
            "health",
            Line::new().with(health.value.reason.clone(), Role::Critical),
        ));
    }
    if let Some(metrics) = cx.snap.latest::<EtcdMetrics>(member)
        && let Some(committed) = metrics.value.proposals_committed
        && let Some(applied) = metrics.value.proposals_applied
    {
        let pending = metrics.value.proposals_pending.unwrap_or(0.0);
        let behind = (committed - applied).max(0.0);
        let text = format!("{behind:.0} committed and not applied, {pending:.0} pending");
        blocks.push(row("proposals", Line::new().text(text)));
    }
    if let Some(hash) = cx.snap.latest::<EtcdHash>(member) {
        let text = format!(
            "{:08x} at revision {}",
            hash.value.hash, hash.value.revision
        );
        blocks.push(row(
            "hash",
            origin(Line::new().text(text), hash.freshness, hash.age, ""),
        ));
    }
    blocks.extend(clock_row(cx, member));
    blocks.extend(certificate(cx, member));
    let chart = |label: &'static str, series: Series, print: fn(f32) -> String| Block::Chart {
        title: Line::new().dim(label),
        samples: cx.snap.model.history().samples(member, series).collect(),
        top: None,
        print,
        height: 5,
    };
    blocks.push(Block::Beside(
        Box::new(chart("wal fsync p99", Series::EtcdFsync, |secs| {
            units::latency(units::seconds(f64::from(secs)))
        })),
        Box::new(chart("database size", Series::EtcdSize, |bytes| {
            Bytes::from_f64(f64::from(bytes)).to_string()
        })),
    ));
    blocks
}
