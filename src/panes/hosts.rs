//! Hosts: errors first, then saturation, then utilisation (the USE method, worst order).

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Block, Extra, Pane, detail, parts};
use crate::facts::{
    ClockOffset, Cpu, Disk, KernelClock, Load, Memory, Mount, Nic, Os, Pressure, PressureLine,
    Witness,
};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::model::history::rate;
use crate::model::{Freshness, Reading, Series};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units::{self, Ratio};

pub static PANE: Pane = Pane {
    listing: &Hosts,
    head,
    preview,
};

struct Hosts;

/// Columns of the sparkline, at most.
const TREND: u16 = 30;

static COLUMNS: &[Column] = &[
    Column::names("host", "HOST", 8..=32, 0),
    Column::left("state", "STATE", 10..=12, 0),
    Column::right("errors", "ERR", 3..=6, 2),
    Column::left("saturation", "SATURATED", 9..=16, 1),
    Column::right("cpu", "CPU", 5..=14, 1),
    Column::left("trend", "CPU OVER TIME", 14..=30, 4),
    Column::right("memory", "MEM", 5..=14, 1),
    Column::right("disk", "FULLEST", 8..=20, 2),
    Column::right("load", "LOAD", 5..=6, 6),
    Column::right("net", "NET", 10..=12, 7),
    Column::right("clock", "CLOCK", 8..=10, 3),
    Column::right("up", "UP", 6..=7, 8),
    Column::ages("age", "AGE", 4..=14, 0),
];

impl Listing for Hosts {
    fn id(&self) -> &'static str {
        "hosts"
    }
    fn title(&self) -> &'static str {
        "Hosts"
    }
    fn doc(&self) -> &'static str {
        "Every host: errors, saturation, utilisation, in that order; the clock and the age of it all."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn configured(&self, cx: &Context) -> bool {
        cx.snap.is_configured(SubjectKind::Host)
    }
    fn how_to(&self) -> &'static str {
        "add a [[target]] with kind = \"local\" or kind = \"node-exporter\""
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let hosts = cx.snap.model.subjects(SubjectKind::Host);
        let mut ranked: Vec<(f64, &Subject)> = hosts
            .map(|host| (parts::state_rank(cx, host), host))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        ranked
            .into_iter()
            .map(|(_, host)| {
                Row::new(RowKey::Subject(host.clone())).problem(parts::is_problem(cx, host))
            })
            .collect()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(host) = row.key.subject() else {
            return Cell::none();
        };
        match column {
            "host" => Cell::plain(host.leaf()),
            "state" => parts::state(cx, host),
            "errors" => errors(cx, host),
            "saturation" => saturation(cx, host),
            "cpu" => cpu(cx, host),
            "trend" => trend(cx, host),
            "memory" => memory(cx, host),
            "disk" => fullest_cell(cx, host),
            "load" => load(cx, host),
            "net" => net(cx, host),
            "clock" => clock(cx, host),
            "up" => up(cx, host),
            _ => parts::age(cx.snap.age(host)),
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let Some(host) = row.key.subject() else {
            return SortValue::Nothing;
        };
        let number = |value: Option<f64>| value.map_or(SortValue::Nothing, SortValue::Number);
        match column {
            "state" => SortValue::Number(parts::state_rank(cx, host)),
            "cpu" | "trend" => number(cpu_use(cx, host).map(|(r, _)| r.0)),
            "memory" => number(
                cx.snap
                    .latest::<Memory>(host)
                    .and_then(|m| m.value.used())
                    .map(|r| r.0),
            ),
            "disk" => number(fullest(cx, host).map(|(_, used, _)| used.0)),
            "load" => number(cx.snap.latest::<Load>(host).map(|load| load.value.one)),
            "net" => number(traffic(cx, host).map(|(rate, _)| rate)),
            "errors" => number(packet_errors(cx, host).map(|(errors, _)| errors)),
            "clock" => number(
                cx.snap
                    .latest::<ClockOffset>(host)
                    .map(|clock| clock.value.offset.mid().abs()),
            ),
            "up" => number(uptime(cx, host).map(|(up, _)| up.as_secs_f64())),
            "age" => number(cx.snap.age(host).map(|(age, _)| age.as_secs_f64())),
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

/// Busy share of the CPU between the last two readings.
fn cpu_use(cx: &Context, host: &Subject) -> Option<(Ratio, Freshness)> {
    let reading = cx.snap.latest::<Cpu>(host)?;
    let (before, _) = reading.previous()?;
    Some((reading.value.use_since(before)?, reading.freshness))
}

fn cpu(cx: &Context, host: &Subject) -> Cell {
    match cpu_use(cx, host) {
        Some((share, freshness)) if freshness.is_usable() => Cell::Bar {
            share: share.0,
            role: parts::over(share.0, 0.90, 0.98),
        },
        Some((share, freshness)) => parts::value(share.to_string(), freshness, Role::Text),
        None => cx
            .snap
            .latest::<Cpu>(host)
            .map_or_else(Cell::unknown, |cpu| parts::waiting(cpu.freshness)),
    }
}

fn trend(cx: &Context, host: &Subject) -> Cell {
    let samples = cx.snap.model.history().samples(host, Series::CpuBusy);
    Cell::Spark {
        samples: parts::newest(samples, TREND),
        top: Some(1.0),
        role: Role::ChartLine,
    }
}

fn memory(cx: &Context, host: &Subject) -> Cell {
    let Some(reading) = cx.snap.latest::<Memory>(host) else {
        return Cell::unknown();
    };
    let limit = cx.snap.thresholds(host).memory_used_warning;
    match reading.value.used() {
        Some(used) if reading.freshness.is_usable() => Cell::Bar {
            share: used.0,
            role: parts::over(used.0, limit, limit + 0.07),
        },
        Some(used) => parts::value(used.to_string(), reading.freshness, Role::Text),
        None => Cell::unknown(),
    }
}

/// The file system with the least room: its mount point, used share and freshness.
fn fullest(cx: &Context, host: &Subject) -> Option<(String, Ratio, Freshness)> {
    let mounts = cx.snap.model.parts(host, SubjectKind::Mount);
    mounts
        .filter_map(|mount| {
            let reading = cx.snap.latest::<Mount>(mount)?;
            Some((
                mount.leaf().to_owned(),
                Ratio(1.0 - reading.value.room()?.0),
                reading.freshness,
            ))
        })
        .max_by(|a, b| a.1.0.total_cmp(&b.1.0))
}

fn fullest_cell(cx: &Context, host: &Subject) -> Cell {
    let Some((point, used, freshness)) = fullest(cx, host) else {
        return Cell::unknown();
    };
    let limits = cx.snap.thresholds(host);
    let role = parts::over(
        used.0,
        1.0 - limits.disk_room_warning,
        1.0 - limits.disk_room_critical,
    );
    parts::value(format!("{point} {used}"), freshness, role)
}

fn load(cx: &Context, host: &Subject) -> Cell {
    let Some(reading) = cx.snap.latest::<Load>(host) else {
        return Cell::unknown();
    };
    let cores = cx.snap.latest::<Cpu>(host).map_or(0, |cpu| cpu.value.cores);
    let limit = cx.snap.thresholds(host).load_per_core_warning;
    let over = cores > 0 && reading.value.one / f64::from(cores) > limit;
    let role = if over { Role::Warning } else { Role::Text };
    parts::value(format!("{:.2}", reading.value.one), reading.freshness, role)
}

/// Sums what each interface adds, with the freshness of the oldest part.
fn over_nics(
    cx: &Context,
    host: &Subject,
    added: impl Fn(&Reading<Nic>) -> Option<f64>,
) -> Option<(f64, Freshness)> {
    cx.snap
        .model
        .parts(host, SubjectKind::Nic)
        .filter_map(|nic| {
            let reading = cx.snap.latest::<Nic>(nic)?;
            Some((added(&reading)?, reading.freshness))
        })
        .reduce(|(sum, oldest), (more, freshness)| (sum + more, oldest.max(freshness)))
}

/// Bytes a second over all interfaces, both ways.
fn traffic(cx: &Context, host: &Subject) -> Option<(f64, Freshness)> {
    let total = |nic: &Nic| nic.received.as_f64() + nic.sent.as_f64();
    over_nics(cx, host, |nic| {
        let (before, span) = nic.previous()?;
        rate(total(nic.value), total(before), span)
    })
}

fn net(cx: &Context, host: &Subject) -> Cell {
    match traffic(cx, host) {
        Some((rate, freshness)) => {
            let text = format!("{}/s", units::size(rate));
            parts::value(text, freshness, Role::Text)
        }
        None if cx.snap.model.parts(host, SubjectKind::Nic).next().is_some() => {
            parts::waiting(heard(cx, host))
        }
        None => Cell::unknown(),
    }
}

/// How far back errors are counted.
const RECENT: Duration = Duration::from_secs(300);

/// Errors counted on the interfaces lately.
fn packet_errors(cx: &Context, host: &Subject) -> Option<(f64, Freshness)> {
    let errors = |nic: &Nic| nic.errors_in + nic.errors_out;
    over_nics(cx, host, |nic| {
        let (before, _) = nic.within(RECENT)?;
        Some((errors(nic.value) - errors(before)).max(0.0))
    })
}

/// Processes killed lately for want of memory.
fn kills(cx: &Context, host: &Subject) -> Option<(u64, Freshness)> {
    let memory = cx.snap.latest::<Memory>(host)?;
    let (before, _) = memory.within(RECENT)?;
    let kills = memory.value.oom_kills?.saturating_sub(before.oom_kills?);
    Some((kills, memory.freshness))
}

/// Processes killed for want of memory and interface errors in the last minutes.
fn errors(cx: &Context, host: &Subject) -> Cell {
    match (kills(cx, host), packet_errors(cx, host)) {
        (Some((kills, freshness)), _) if kills > 0 => {
            parts::value(format!("{kills} oom"), freshness, Role::Critical)
        }
        (_, Some((errors, freshness))) if errors >= 1.0 => {
            parts::value(format!("{errors:.0}"), freshness, Role::Warning)
        }
        (Some((_, freshness)), _) | (_, Some((_, freshness))) => {
            parts::value("0", freshness, Role::Dim)
        }
        (None, None) => parts::waiting(heard(cx, host)),
    }
}

/// Freshness of the host as a whole.
fn heard(cx: &Context, host: &Subject) -> Freshness {
    let age = cx.snap.age(host);
    age.map_or(Freshness::Unknown, |(_, freshness)| freshness)
}

/// What the host waits for most: pressure by resource, or a disk's queue.
fn saturation(cx: &Context, host: &Subject) -> Cell {
    let Some(reading) = cx.snap.latest::<Pressure>(host) else {
        let heard = heard(cx, host);
        return if heard.is_usable() {
            Cell::text("no psi", Role::Dim)
        } else {
            Cell::unknown()
        };
    };
    let before = reading.previous();
    let share = |pick: fn(&Pressure) -> Option<PressureLine>| {
        let now = pick(reading.value)?;
        if let Some(avg) = now.avg10 {
            return Some(avg.0);
        }
        let (then, span) = before?;
        rate(now.total, pick(then)?.total, span)
    };
    let worst = [
        ("cpu", share(|p| p.cpu_some)),
        ("mem", share(|p| p.memory_some)),
        ("io", share(|p| p.io_some)),
    ]
    .into_iter()
    .filter_map(|(word, share)| Some((word, share?)))
    .max_by(|a, b| a.1.total_cmp(&b.1));
    match worst {
        None => parts::waiting(reading.freshness),
        Some((_, share)) if share < 0.005 => {
            queue(cx, host).unwrap_or_else(|| parts::value("-", reading.freshness, Role::Dim))
        }
        Some((word, share)) => {
            let text = format!("{word} {:.0}%", share * 100.0);
            parts::value(text, reading.freshness, parts::over(share, 0.3, 0.6))
        }
    }
}

fn queue(cx: &Context, host: &Subject) -> Option<Cell> {
    let limit = cx.snap.thresholds(host).disk_queue_warning;
    let disks = cx.snap.model.parts(host, SubjectKind::Disk);
    let longest = disks
        .filter_map(|disk| {
            let reading = cx.snap.latest::<Disk>(disk)?;
            let (before, span) = reading.previous()?;
            let queue = rate(reading.value.weighted_secs, before.weighted_secs, span)?;
            Some((queue, reading.freshness))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let (longest, freshness) = longest.filter(|(queue, _)| *queue > limit)?;
    let text = format!("queue {longest:.0}");
    Some(parts::value(text, freshness, Role::Warning))
}

/// What the kernel says of its clock comes before its distance to ours: a clock that nobody
/// disciplines may agree by chance.
fn clock(cx: &Context, host: &Subject) -> Cell {
    let kernel = cx.snap.latest::<KernelClock>(host);
    if let Some(kernel) = kernel.filter(|kernel| !kernel.value.synced) {
        return parts::value("unsynced", kernel.freshness, Role::Warning);
    }
    let Some(reading) = cx.snap.latest::<ClockOffset>(host) else {
        return kernel.map_or_else(Cell::unknown, |kernel| {
            parts::value("synced", kernel.freshness, Role::Text)
        });
    };
    if reading.value.witness == Witness::Own {
        return parts::value("own", reading.freshness, Role::Dim);
    }
    let limits = cx.snap.thresholds(host);
    let proven = reading.value.offset.at_least();
    let role = parts::over(
        proven,
        limits.clock_skew_warning,
        limits.clock_skew_critical,
    );
    let offset = units::offset(reading.value.offset.mid());
    parts::value(offset, reading.freshness, role)
}

/// Time since the host began, as far as it was last heard.
fn uptime(cx: &Context, host: &Subject) -> Option<(Duration, Freshness)> {
    let os = cx.snap.latest::<Os>(host)?;
    let up = cx.snap.now.wall.duration_since(os.value.boot_at?);
    Some((up.try_into().ok()?, os.freshness))
}

fn up(cx: &Context, host: &Subject) -> Cell {
    uptime(cx, host).map_or_else(Cell::unknown, |(up, freshness)| {
        parts::value(units::span(up), freshness, Role::Dim)
    })
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    let hosts: Vec<&Subject> = cx.snap.model.subjects(SubjectKind::Host).collect();
    let well = hosts
        .iter()
        .filter(|host| !parts::is_problem(cx, host))
        .count();
    let kernels: BTreeSet<&str> = hosts
        .iter()
        .filter_map(|host| Some(&*cx.snap.latest::<Os>(host)?.value.kernel))
        .collect();
    let kernels = Vec::from_iter(kernels);
    let line = Line::new().text(format!("{well} of {} hosts ok", hosts.len()));
    vec![match kernels.as_slice() {
        [] => line,
        [one] => line.dim(format!("   kernel {one}")),
        many => line.dim(format!("   {} kernels: {}", many.len(), many.join(", "))),
    }]
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    key.subject()
        .map(|host| detail::host(cx, host))
        .unwrap_or_default()
}
