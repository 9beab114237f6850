//! The audit: what midwatch did, for whom, why, and how it ended; newest first.

use super::plan::records;
use super::{Block, Extra, Pane};
use crate::actions::call;
use crate::actions::record::{Kind, Record};
use crate::actions::trail::{Act, Standing};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::paint::Line;
use crate::role::Role;
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Audit,
    head,
    preview,
};

struct Audit;

static COLUMNS: &[Column] = &[
    Column::left("id", "ID", 6..=10, 0),
    Column::ages("age", "AGE", 4..=7, 0),
    Column::left("what", "WHAT", 6..=14, 0),
    Column::paths("subject", "ON", 12..=40, 0),
    Column::left("standing", "HOW IT STANDS", 19..=24, 0),
    Column::left("who", "WHO", 6..=24, 3),
    Column::left("reason", "REASON", 10..=200, 2),
];

/// What a row stands for.
enum Told<'a> {
    Act(&'a Act),
    Other(&'a Record),
}

impl Listing for Audit {
    fn id(&self) -> &'static str {
        "audit"
    }
    fn title(&self) -> &'static str {
        "Audit"
    }
    fn doc(&self) -> &'static str {
        "What midwatch did: who, what, why, and how it ended; Enter shows each record, u takes one back."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let acts = cx.trail.acts().map(|act| {
            let problem = act.standing().is_open();
            let row = Row::new(RowKey::Text(act.id.to_string().into())).problem(problem);
            (act.id.0, row)
        });
        let others = cx.trail.others().iter().map(|record| {
            let key = RowKey::Text(format!("#{}", record.seq).into());
            (record.seq, Row::new(key))
        });
        let mut rows: Vec<(u64, Row)> = acts.chain(others).collect();
        rows.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(line) = find(cx, &row.key) else {
            return Cell::none();
        };
        let record = match line {
            Told::Act(act) => &act.intent,
            Told::Other(record) => record,
        };
        let entry = &record.entry;
        let text = |value: &Option<String>| match value {
            Some(value) => Cell::plain(value.clone()),
            None => Cell::none(),
        };
        match (column, &line) {
            ("id", Told::Act(act)) => Cell::plain(act.id.to_string()),
            ("id", Told::Other(record)) => Cell::text(format!("#{}", record.seq), Role::Dim),
            ("age", _) => {
                let age = cx.snap.now.wall.duration_since(record.at);
                let age = std::time::Duration::try_from(age).unwrap_or_default();
                Cell::text(units::age(age), Role::Dim)
            }
            ("what", Told::Act(_)) => text(&entry.verb),
            ("what", Told::Other(_)) => Cell::text(what(record), Role::Dim),
            ("subject", _) if entry.subject.is_none() => match &entry.cluster {
                Some(cluster) => Cell::plain(format!("cluster/{cluster}")),
                None => Cell::none(),
            },
            ("subject", _) => text(&entry.subject),
            ("standing", Told::Act(act)) => standing(cx, act),
            ("standing", Told::Other(record)) => match record.entry.kind {
                Kind::Refused => Cell::text("nothing was sent", Role::Dim),
                _ => Cell::none(),
            },
            ("who", _) => who(record),
            ("reason", Told::Act(_)) => text(&entry.reason),
            (_, _) => text(&entry.note),
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        #[expect(clippy::cast_precision_loss, reason = "sorting needs no 64 bits")]
        let number = |value: i64| SortValue::Number(value as f64);
        match (column, find(cx, &row.key)) {
            ("age", Some(Told::Act(act))) => number(-act.intent.at.as_millisecond()),
            ("age", Some(Told::Other(record))) => number(-record.at.as_millisecond()),
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

/// `refused cordon`, `armed`.
fn what(record: &Record) -> String {
    let word = record.entry.kind.word();
    match &record.entry.verb {
        Some(verb) => format!("{verb} {word}"),
        None => word.to_owned(),
    }
}

fn who(record: &Record) -> Cell {
    let Some(who) = &record.entry.who else {
        return Cell::none();
    };
    match &who.server {
        Some(server) => Cell::plain(server.user.clone()),
        None => Cell::text(format!("{}@{}", who.local, who.host), Role::Dim),
    }
}

fn standing(cx: &Context, act: &Act) -> Cell {
    let standing = act.standing();
    if cx.trail.is_busy(act.id) && standing.is_open() {
        return Cell::text("under way elsewhere", Role::Dim);
    }
    let role = match standing {
        Standing::Confirmed => Role::StateOk,
        Standing::Open | Standing::Accepted | Standing::NotSeen => Role::Unknown,
        Standing::Refused => Role::Warning,
        Standing::NotSent | Standing::Resolved(_) | Standing::Undone => Role::Text,
    };
    Cell::text(standing.words(), role)
}

fn find<'a>(cx: &Context<'a>, key: &RowKey) -> Option<Told<'a>> {
    let RowKey::Text(text) = key else { return None };
    if let Ok(id) = text.parse() {
        return cx.trail.act(id).map(Told::Act);
    }
    let seq: u64 = text.strip_prefix('#')?.parse().ok()?;
    let others = cx.trail.others();
    let found = others.iter().find(|record| record.seq == seq)?;
    Some(Told::Other(found))
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    if let Some(damage) = &cx.trail.damage {
        return vec![Line::new().with(damage.to_string(), Role::Critical)];
    }
    if let Some(trouble) = &cx.trail.trouble {
        let text = format!("no audit, so nothing is done: {trouble}");
        return vec![Line::new().with(text, Role::Critical)];
    }
    let objects = cx.snap.model.objects();
    let left = cx.trail.still_left(|subject| objects.get(subject));
    let mut line = Line::new().dim(format!("{} records", cx.trail.newest()));
    if !left.is_empty() {
        let named: Vec<String> = left
            .iter()
            .filter_map(|act| {
                Some(format!(
                    "{} ({})",
                    act.intent.entry.subject.as_ref()?,
                    act.id
                ))
            })
            .collect();
        line = line.with(
            format!("   left behind: {}", named.join(", ")),
            Role::Warning,
        );
    }
    vec![line]
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    match find(cx, key) {
        Some(Told::Act(act)) => of_act(act),
        Some(Told::Other(record)) => {
            let title = Line::new().with(what(record), Role::Title);
            let mut blocks = vec![Block::Title(title)];
            blocks.extend(records(std::iter::once(record)));
            blocks.extend(person(record));
            blocks
        }
        None => Vec::new(),
    }
}

fn of_act(act: &Act) -> Vec<Block> {
    let entry = &act.intent.entry;
    let heading = Line::new()
        .with(act.title(), Role::Title)
        .text(format!("  {}", act.standing().words()));
    let mut blocks = vec![Block::Title(heading)];
    blocks.extend(records(std::iter::once(&act.intent).chain(&act.later)));
    let mut add = |label: &str, text: String| {
        let line = Line::new().dim(format!("{label:<8} ")).text(text);
        blocks.push(Block::Line(line));
    };
    if let Some(reason) = &entry.reason {
        add("reason", reason.clone());
    }
    if let Some(id) = entry.undoes {
        add("undoes", id.to_string());
    }
    if let Some(uid) = &entry.uid {
        add("uid", uid.clone());
    }
    for call in &entry.calls {
        add(
            "call",
            format!("{} {} {}", call.method, call.path, call::spaced(&call.body)),
        );
    }
    if let Some(plan) = &entry.plan {
        add("plan", plan.to_string());
    }
    for guard in &entry.guards {
        add(
            "guard",
            format!("{} {}: {}", guard.guard, guard.verdict, guard.text),
        );
    }
    blocks.extend(person(&act.intent));
    blocks
}

fn person(record: &Record) -> Vec<Block> {
    let Some(who) = &record.entry.who else {
        return Vec::new();
    };
    let server = match &who.server {
        Some(server) => format!("{} to the API server, ", server.user),
        None => "not confirmed by an API server, ".to_owned(),
    };
    let line = Line::new()
        .dim(format!("{:<8} ", "who"))
        .text(format!("{server}{} on {}", who.local, who.host))
        .dim(format!("  process {}", record.process.id));
    vec![Block::Line(line)]
}
