//! Sources: the watching itself, midwatch's own cost included.

use super::{Block, Extra, Pane, parts};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::model::{Feed, State};
use crate::paint::Line;
use crate::role::Role;
use crate::units::{self, Bytes};

pub static PANE: Pane = Pane {
    listing: &Sources,
    head,
    preview,
};

struct Sources;

/// Columns of the sparkline, at most.
const TREND: u16 = 24;

static COLUMNS: &[Column] = &[
    Column::names("target", "TARGET", 12..=30, 0),
    Column::names("endpoint", "ENDPOINT", 16..=44, 4),
    Column::left("state", "STATE", 9..=11, 0),
    Column::ages("last", "LAST OK", 7..=14, 0),
    Column::right("latency", "LATENCY", 7..=7, 2),
    Column::left("trend", "LATENCY OVER TIME", 17..=24, 7),
    Column::right("bytes", "BYTES", 8..=8, 5),
    Column::right("polls", "POLLS", 5..=7, 6),
    Column::right("errors", "ERR", 3..=6, 2),
    Column::right("next", "NEXT", 6..=7, 5),
    Column::left("why", "WHY", 24..=200, 1),
];

impl Listing for Sources {
    fn id(&self) -> &'static str {
        "sources"
    }
    fn title(&self) -> &'static str {
        "Sources"
    }
    fn doc(&self) -> &'static str {
        "Every polled endpoint: state, last answer, latency, bytes, errors, backoff; midwatch's own cost."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let feeds = cx.snap.model.feeds().iter().enumerate();
        feeds
            .map(|(index, feed)| {
                let problem = feed.state(cx.snap.now.stamp) != State::Ok || is_partial(feed);
                Row::new(RowKey::Feed(index)).problem(problem)
            })
            .collect()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some((index, feed)) = feed(cx, &row.key) else {
            return Cell::none();
        };
        match column {
            "target" => Cell::plain(name(cx, feed)),
            "endpoint" if feed.spec.id.endpoint.is_empty() => Cell::text("in-process", Role::Dim),
            "endpoint" => {
                let endpoint = &*feed.spec.id.endpoint;
                let short = endpoint
                    .split_once("://")
                    .map_or(endpoint, |(_, rest)| rest);
                Cell::text(short, Role::Dim)
            }
            "state" => state(cx, feed),
            "last" => match feed.last_ok {
                Some(ok) => {
                    let age = cx.snap.now.stamp.since(ok.stamp);
                    parts::age(Some((age, feed.freshness(cx.snap.now.stamp))))
                }
                None => Cell::text("never", Role::Unknown),
            },
            "latency" => feed
                .latency
                .map_or_else(Cell::unknown, |took| Cell::plain(units::latency(took))),
            "trend" => Cell::Spark {
                samples: parts::newest(cx.snap.model.history().latencies(index), TREND),
                top: None,
                role: Role::ChartLine,
            },
            "bytes" => Cell::plain(Bytes(feed.bytes).to_string()),
            "polls" => Cell::plain(feed.polls.to_string()),
            "errors" if feed.errors == 0 => Cell::text("0", Role::Dim),
            "errors" => Cell::text(feed.errors.to_string(), Role::Warning),
            "next" => next(cx, feed),
            _ => why(feed),
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let Some((_, feed)) = feed(cx, &row.key) else {
            return SortValue::Nothing;
        };
        #[expect(clippy::cast_precision_loss, reason = "sorting needs no 64 bits")]
        let number = |value: u64| SortValue::Number(value as f64);
        match column {
            "target" => SortValue::Text(feed.spec.id.to_string()),
            "endpoint" => SortValue::Text(feed.spec.id.endpoint.to_string()),
            "state" => SortValue::Number(-f64::from(feed.state(cx.snap.now.stamp) as u8)),
            "last" => feed.last_ok.map_or(SortValue::Nothing, |ok| {
                SortValue::Number(cx.snap.now.stamp.since(ok.stamp).as_secs_f64())
            }),
            "latency" | "trend" => feed.latency.map_or(SortValue::Nothing, |took| {
                SortValue::Number(took.as_secs_f64())
            }),
            "bytes" => number(feed.bytes),
            "polls" => number(feed.polls),
            "errors" => number(feed.errors),
            "next" => feed
                .next_poll
                .map_or(SortValue::Nothing, |next| number(next.0)),
            _ => SortValue::Text(why(feed).words()),
        }
    }
}

fn feed<'a>(cx: &Context<'a>, key: &RowKey) -> Option<(usize, &'a Feed)> {
    let RowKey::Feed(index) = key else {
        return None;
    };
    Some((*index, cx.snap.model.feeds().get(*index)?))
}

/// The target's id; where a target has several endpoints, what this one speaks for, so that no two
/// rows read the same.
fn name(cx: &Context, feed: &Feed) -> String {
    let target = &feed.spec.id.target;
    let alike = cx
        .snap
        .model
        .feeds()
        .iter()
        .filter(|other| other.spec.id.target == *target);
    if alike.count() > 1 {
        feed.subject().to_string()
    } else {
        target.to_string()
    }
}

/// Did it answer with less than there is?
fn is_partial(feed: &Feed) -> bool {
    !feed.lost.is_empty() || feed.refused > 0
}

fn state(cx: &Context, feed: &Feed) -> Cell {
    match feed.state(cx.snap.now.stamp) {
        State::Ok if is_partial(feed) => Cell::mark("partial", Role::Warning),
        State::Ok => Cell::mark("ok", Role::StateOk),
        State::Bad => Cell::mark("bad", Role::StateBad),
        _ if feed.polls == 0 => Cell::mark("waiting", Role::Unknown),
        _ => Cell::mark("unknown", Role::Unknown),
    }
}

/// Time to the next poll; a dead target's longer pause is named as backoff.
fn next(cx: &Context, feed: &Feed) -> Cell {
    let Some(next) = feed.next_poll else {
        return Cell::none();
    };
    let wait = next.since(cx.snap.now.stamp);
    let role = if wait > feed.period() {
        Role::Warning
    } else {
        Role::Dim
    };
    Cell::text(
        units::span(std::time::Duration::from_secs(wait.as_secs())),
        role,
    )
}

fn why(feed: &Feed) -> Cell {
    if let Some(outage) = &feed.outage {
        let count = if feed.failures > 1 {
            format!(" (x{})", feed.failures)
        } else {
            String::new()
        };
        return Cell::text(format!("{outage}{count}"), Role::StateBad);
    }
    if let Some(lost) = feed.lost.first() {
        return Cell::text(format!("no {}: {}", lost.kind, lost.outage), Role::Warning);
    }
    if feed.refused > 0 {
        return Cell::text(
            format!(
                "{} items were refused: over a limit, or impossible",
                feed.refused
            ),
            Role::Warning,
        );
    }
    if let Some(text) = listed(feed) {
        return Cell::text(text, Role::Info);
    }
    // Nothing is wrong: what it speaks for, where its name does not say that.
    let subject = feed.subject().to_string();
    if feed.spec.id.target.to_string() == subject || subject.contains(&*feed.spec.id.target.name) {
        Cell::text("", Role::Dim)
    } else {
        Cell::text(subject, Role::Dim)
    }
}

/// What may be listed and not watched is as old as its last list.
fn listed(feed: &Feed) -> Option<String> {
    let (every, kind) = (feed.listed?, feed.spec.tells?);
    let (every, plural) = (units::span(every), kind.plural());
    Some(format!("listed every {every}: needs watch {plural}"))
}

fn head(cx: &Context, extra: &Extra) -> Vec<Line> {
    let own = extra.own;
    let feeds = cx.snap.model.feeds();
    let dropped: u64 = feeds.iter().map(|feed| feed.dropped).sum();
    let cpu = own
        .cpu
        .map_or("?".into(), |cpu| format!("{:.1}%", cpu.percent()));
    let memory = own.resident.map_or("?".into(), |bytes| bytes.to_string());
    let line = Line::new()
        .dim("midwatch itself  ")
        .text(format!(
            "cpu {cpu} of a core   memory {memory}   frames {}   ",
            own.frames
        ))
        .with(
            format!("{dropped} observations dropped"),
            if dropped > 0 {
                Role::Warning
            } else {
                Role::Dim
            },
        );
    let crashed = cx
        .ledger
        .entries()
        .filter(|entry| &*entry.finding.rule == "rule-crashed")
        .count();
    let line = if crashed > 0 {
        line.with(format!("   {crashed} rules crashed"), Role::Critical)
    } else {
        line
    };
    vec![line]
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    let Some((index, feed)) = feed(cx, key) else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Title(
        Line::new().with(feed.spec.id.to_string(), Role::Title),
    )];
    let mut line = |label: &str, text: String, role: Role| {
        blocks.push(Block::Line(
            Line::new().dim(format!("{label:<12} ")).with(text, role),
        ));
    };
    line("speaks for", feed.subject().to_string(), Role::Text);
    let every = units::span(feed.spec.period);
    line(
        "asked",
        format!("every {every}, deadline {}", units::span(feed.spec.timeout)),
        Role::Text,
    );
    if let Some(text) = listed(feed) {
        line("not watched", text, Role::Info);
    }
    if let Some(outage) = &feed.outage {
        line("failed at", outage.to_string(), Role::StateBad);
        if let Some(since) = feed.failing_since {
            let ago = parts::ago(cx, since.stamp);
            line(
                "failing for",
                format!("{ago}, {} polls in a row", feed.failures),
                Role::Text,
            );
        }
        if let Some(hint) = &outage.hint {
            line("try", hint.to_string(), Role::Accent);
        }
    }
    for lost in &feed.lost {
        line(
            "lost",
            format!("{}: {}", lost.kind, lost.outage),
            Role::Warning,
        );
        if let Some(hint) = &lost.outage.hint {
            line("try", hint.to_string(), Role::Accent);
        }
    }
    blocks.push(Block::Chart {
        title: Line::new().dim("latency"),
        samples: cx.snap.model.history().latencies(index).collect(),
        top: None,
        print: |secs| units::latency(units::seconds(f64::from(secs))),
        height: 5,
    });
    blocks
}
