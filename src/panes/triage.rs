//! Triage: every finding, worst first, symptoms folded under their cause.

use super::{Block, Extra, Pane, detail, parts};
use std::time::Duration;

use crate::clock::Stamp;
use crate::findings::{Ended, Entry};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue, severity_role};
use crate::model::Freshness;
use crate::paint::Line;
use crate::role::Role;
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Triage,
    head,
    preview,
};

struct Triage;

static COLUMNS: &[Column] = &[
    Column::left("severity", "SEV", 6..=6, 0),
    Column::right("spare", "SPARE", 5..=5, 5),
    Column::left("finding", "FINDING", 20..=200, 0),
    Column::paths("where", "WHERE", 12..=34, 0),
    Column::right("since", "SINCE", 6..=7, 2),
    Column::ages("age", "AGE", 4..=14, 0),
];

impl Listing for Triage {
    fn id(&self) -> &'static str {
        "triage"
    }
    fn title(&self) -> &'static str {
        "Triage"
    }
    fn doc(&self) -> &'static str {
        "Every finding, worst first; symptoms are folded under their cause (f unfolds)."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let mut rows = Vec::new();
        for root in cx.ledger.roots() {
            let key = RowKey::Finding(root.id.clone());
            let open = cx.unfolded.contains(&key);
            rows.push(Row::new(key).problem(true));
            if open {
                for child in cx.ledger.under(&root.id) {
                    rows.push(
                        Row::new(RowKey::Finding(child.id.clone()))
                            .problem(true)
                            .child(),
                    );
                }
            }
        }
        rows
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(entry) = entry(cx, &row.key) else {
            return Cell::none();
        };
        match column {
            "severity" => Cell::mark(entry.effective.word(), severity_role(entry.effective)),
            "spare" => spare(entry),
            "finding" => summary(cx, entry, row.depth),
            "where" => Cell::text(entry.finding.subject.to_string(), Role::Text),
            "since" => Cell::text(parts::ago(cx, entry.since.stamp), Role::Dim),
            _ => parts::age(evidence_age(cx, entry)),
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let Some(entry) = entry(cx, &row.key) else {
            return SortValue::Nothing;
        };
        match column {
            "severity" => SortValue::Number(-f64::from(entry.effective as u8)),
            "spare" => entry.spare.map_or(SortValue::Nothing, |spare| {
                SortValue::Number(f64::from(spare))
            }),
            "finding" => SortValue::Text(entry.finding.summary.to_lowercase()),
            "where" => SortValue::Text(entry.finding.subject.to_string()),
            "since" => SortValue::Number(cx.snap.now.stamp.since(entry.since.stamp).as_secs_f64()),
            _ => match evidence_age(cx, entry) {
                Some((age, _)) => SortValue::Number(age.as_secs_f64()),
                None => SortValue::Nothing,
            },
        }
    }
}

fn entry<'a>(cx: &Context<'a>, key: &RowKey) -> Option<&'a Entry> {
    match key {
        RowKey::Finding(id) => cx.ledger.entry(id),
        _ => None,
    }
}

fn spare(entry: &Entry) -> Cell {
    match entry.spare {
        Some(spare) if spare <= 0 => Cell::text(spare.to_string(), Role::Critical),
        Some(spare) => Cell::plain(spare.to_string()),
        None => Cell::none(),
    }
}

fn summary(cx: &Context, entry: &Entry, depth: u8) -> Cell {
    let mut runs = vec![(entry.finding.summary.as_str().into(), Role::Text)];
    if depth == 0 && entry.weight > 0 {
        runs.push((format!("  +{} folded", entry.weight).into(), Role::Dim));
    }
    if entry.is_flapping() {
        runs.push((format!("  flapping x{}", entry.flips).into(), Role::Warning));
    }
    if depth == 0
        && let Some(text) = detail::so_what(cx, entry)
    {
        runs.push((format!("  {text}").into(), Role::Dim));
    }
    Cell::Runs(runs)
}

/// Age of the newest evidence: a verdict rests on nothing older. Without any, that of the subject.
fn evidence_age(cx: &Context, entry: &Entry) -> Option<(Duration, Freshness)> {
    let newest = entry
        .finding
        .evidence
        .iter()
        .map(|evidence| evidence.at)
        .max();
    let age = newest.map(|at| (cx.snap.now.stamp.since(at), Freshness::Fresh));
    age.or_else(|| cx.snap.age(&entry.finding.subject))
}

fn head(cx: &Context, extra: &Extra) -> Vec<Line> {
    let counts = cx.ledger.counts();
    if counts.all == 0 {
        return vec![quiet(cx)];
    }
    let mut line = Line::new();
    for (count, word, role) in [
        (counts.critical, "critical", Role::Critical),
        (counts.unknown, "unknown", Role::Unknown),
        (counts.warning, "warning", Role::Warning),
        (counts.info, "info", Role::Info),
    ] {
        let role = if count == 0 { Role::Dim } else { role };
        line = line.with(format!("{count} {word}   "), role);
    }
    let new = cx
        .ledger
        .roots()
        .iter()
        .filter(|entry| {
            extra
                .seen_until
                .is_some_and(|seen| entry.since.stamp > seen)
        })
        .count();
    if new > 0 {
        line = line.with(format!("+{new} new since you moved"), Role::Accent);
    }
    vec![line]
}

/// Nothing to report is said with what it rests on, never as an empty table.
fn quiet(cx: &Context) -> Line {
    let feeds = cx.snap.model.feeds();
    if feeds.is_empty() {
        return Line::new().with("nothing is watched", Role::Unknown);
    }
    let heard = feeds.iter().filter(|feed| feed.last_ok.is_some()).count();
    if heard < feeds.len() {
        return Line::new().with(
            format!("waiting: {heard} of {} feeds have answered", feeds.len()),
            Role::Unknown,
        );
    }
    let oldest = feeds
        .iter()
        .filter_map(|feed| feed.last_ok)
        .map(|ok| cx.snap.now.stamp.since(ok.stamp))
        .max();
    let oldest = oldest.map_or_else(String::new, |age| {
        format!(", the oldest {} ago", units::age(age))
    });
    let line = Line::new()
        .with("nothing is wrong", Role::StateOk)
        .dim(format!(": {heard} of {heard} feeds answered{oldest}"));
    match cx.ledger.waiting_for_second_sample() {
        0 => line,
        checks => line.with(
            format!(", {checks} checks wait for a second sample"),
            Role::Unknown,
        ),
    }
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    let mut blocks = entry(cx, key)
        .map(|entry| detail::finding(cx, entry))
        .unwrap_or_default();
    blocks.extend(changes(cx));
    blocks
}

/// How far back what changed is told.
const LOOK_BACK: Duration = Duration::from_secs(3600);

/// Changes told at most: no preview is taller, and a thousand must not be worded for each frame.
const CHANGES: usize = 100;

/// What began and what ended lately, newest first: "what touched it last".
fn changes(cx: &Context) -> Vec<Block> {
    let now = cx.snap.now.stamp;
    let watched_since = cx.snap.model.started().stamp;
    let recent = |at: Stamp| now.since(at) < LOOK_BACK;
    let began = cx
        .ledger
        .entries()
        .filter(|entry| recent(entry.since.stamp));
    // What was there when midwatch began to watch did not change: it was found.
    let began = began.map(|entry| {
        let first = entry.since.stamp.since(watched_since) < FIRST_LOOK;
        let word = if first { "found" } else { "began" };
        (entry.since, word, &entry.finding)
    });
    let ended = cx.ledger.recent().filter(|past| recent(past.until.stamp));
    let ended = ended.map(|past| {
        let word = match past.ended {
            Ended::Cleared => "ended",
            Ended::Undecided => "hidden",
            Ended::Vanished => "gone",
        };
        (past.until, word, &past.finding)
    });
    let mut all: Vec<_> = began.chain(ended).collect();
    all.sort_by_key(|(at, ..)| std::cmp::Reverse(at.stamp));
    all.truncate(CHANGES);
    if all.is_empty() {
        return Vec::new();
    }
    let title = Line::new().with("what changed in the last hour", Role::Title);
    let lines = all.into_iter().map(|(at, word, finding)| {
        let role = if word == "ended" {
            Role::StateOk
        } else {
            severity_role(finding.severity)
        };
        Block::Line(
            Line::new()
                .dim(at.wall.strftime("%H:%M:%SZ  ").to_string())
                .with(format!("{word:<7} {}  ", finding.severity.word()), role)
                .text(finding.summary.clone())
                .dim(format!("  {}", finding.subject)),
        )
    });
    std::iter::once(Block::Title(title)).chain(lines).collect()
}

/// Findings of the first polls were there before anyone looked.
const FIRST_LOOK: Duration = Duration::from_secs(20);
