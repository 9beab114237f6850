//! Prometheus and Alertmanager: who watches the watcher. Servers, and below each what is wrong
//! with it: targets down, rules failing or slow, alerts firing, the configured queries.

mod items;

use super::{Block, Extra, Pane, detail, parts};
use crate::facts::{
    AlertState, AlertmanagerStatus, Alerts, PrometheusStatus, Queries, RuleGroups, ScrapeTargets,
};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::model::{Reading, State};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use items::{alert_role, item, items};

pub static PANE: Pane = Pane {
    listing: &Prometheus,
    head,
    preview,
};

struct Prometheus;

static COLUMNS: &[Column] = &[
    Column::left("state", "STATE", 12..=12, 0),
    Column::names("server", "SERVER", 14..=44, 0),
    Column::right("targets", "TARGETS UP", 10..=11, 1),
    Column::right("rules", "RULES", 8..=12, 3),
    Column::right("alerts", "FIRING", 6..=7, 2),
    Column::right("series", "SERIES", 6..=7, 5),
    Column::right("alertmanager", "ALERTMGR", 8..=9, 4),
    Column::left("version", "VERSION", 7..=10, 7),
    Column::left("detail", "DETAIL", 12..=200, 6),
    Column::ages("age", "AGE", 4..=14, 0),
];

impl Listing for Prometheus {
    fn id(&self) -> &'static str {
        "prometheus"
    }
    fn title(&self) -> &'static str {
        "Prometheus"
    }
    fn doc(&self) -> &'static str {
        "Prometheus and Alertmanager servers; below each its failing targets, rules, alerts and queries."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn configured(&self, cx: &Context) -> bool {
        cx.snap.is_configured(SubjectKind::Prometheus)
            || cx.snap.is_configured(SubjectKind::Alertmanager)
    }
    fn how_to(&self) -> &'static str {
        "add a [[target]] with kind = \"prometheus\" and its url"
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let model = cx.snap.model;
        let servers = model
            .subjects(SubjectKind::Prometheus)
            .chain(model.subjects(SubjectKind::Alertmanager));
        let mut rows = Vec::new();
        for server in servers {
            rows.push(
                Row::new(RowKey::Subject(server.clone())).problem(parts::is_problem(cx, server)),
            );
            for (key, problem) in items(cx, server) {
                rows.push(
                    Row::new(RowKey::Item(server.clone(), key.into()))
                        .problem(problem)
                        .child(),
                );
            }
        }
        rows
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        match &row.key {
            RowKey::Subject(server) => server_cell(cx, server, column),
            RowKey::Item(server, key) => item_cell(cx, server, key, column),
            _ => Cell::none(),
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        match (&row.key, column) {
            (RowKey::Subject(server), "state") => SortValue::Number(parts::state_rank(cx, server)),
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

fn server_cell(cx: &Context, server: &Subject, column: &str) -> Cell {
    match column {
        "server" => Cell::text(server.to_string(), Role::Title),
        "state" => server_state(cx, server),
        "age" => parts::age(cx.snap.age(server)),
        "targets" => targets(cx, server),
        "rules" => rules(cx, server),
        "alerts" => firing(cx, server),
        _ if server.kind == SubjectKind::Alertmanager => alertmanager_cell(cx, server, column),
        _ => cx
            .snap
            .latest::<PrometheusStatus>(server)
            .map_or_else(Cell::unknown, |status| status_cell(&status, column)),
    }
}

fn server_state(cx: &Context, server: &Subject) -> Cell {
    let silent = cx
        .snap
        .model
        .feeds_for(server)
        .any(|feed| feed.state(cx.snap.now.stamp) == State::Bad);
    if silent {
        Cell::mark("no answer", Role::StateBad)
    } else {
        parts::state(cx, server)
    }
}

fn status_cell(status: &Reading<PrometheusStatus>, column: &str) -> Cell {
    let text = |text: String, role| parts::value(text, status.freshness, role);
    match column {
        "series" => status
            .value
            .head_series
            .map_or_else(Cell::unknown, |n| text(short(n), Role::Text)),
        "alertmanager" => match &status.value.alertmanagers {
            None => Cell::unknown(),
            Some(list) if list.is_empty() => text("none".into(), Role::Warning),
            Some(list) => text(list.len().to_string(), Role::Text),
        },
        "version" => text(status.value.version.to_string(), Role::Dim),
        "detail" if !status.value.ready => {
            text("not ready: replaying its log".into(), Role::Warning)
        }
        "detail" if status.value.config_ok == Some(false) => {
            text("runs on an old configuration".into(), Role::Warning)
        }
        "detail" => text(format!("keeps {}", status.value.retention), Role::Dim),
        _ => Cell::none(),
    }
}

fn alertmanager_cell(cx: &Context, server: &Subject, column: &str) -> Cell {
    let Some(status) = cx.snap.latest::<AlertmanagerStatus>(server) else {
        return Cell::unknown();
    };
    let text = |text: String, role| parts::value(text, status.freshness, role);
    match column {
        "version" => text(status.value.version.to_string(), Role::Dim),
        "detail" => {
            let silences = status
                .value
                .silences
                .map_or_else(|| "?".into(), |n| n.to_string());
            text(
                format!(
                    "cluster {}, {} peers, {silences} silences",
                    status.value.cluster, status.value.peers
                ),
                Role::Dim,
            )
        }
        _ => Cell::none(),
    }
}

fn targets(cx: &Context, server: &Subject) -> Cell {
    if server.kind == SubjectKind::Alertmanager {
        return Cell::none();
    }
    let Some(reading) = cx.snap.latest::<ScrapeTargets>(server) else {
        return Cell::unknown();
    };
    let role = if reading.value.down > 0 {
        Role::Warning
    } else {
        Role::Text
    };
    parts::value(
        format!("{} of {}", reading.value.up, reading.value.total()),
        reading.freshness,
        role,
    )
}

fn rules(cx: &Context, server: &Subject) -> Cell {
    if server.kind == SubjectKind::Alertmanager {
        return Cell::none();
    }
    let Some(reading) = cx.snap.latest::<RuleGroups>(server) else {
        return Cell::unknown();
    };
    let all: u32 = reading.value.0.iter().map(|group| group.rules).sum();
    let failing: usize = reading
        .value
        .0
        .iter()
        .map(|group| group.failing.len())
        .sum();
    if failing > 0 {
        return parts::value(
            format!("{failing}/{all} fail"),
            reading.freshness,
            Role::Warning,
        );
    }
    parts::value(all.to_string(), reading.freshness, Role::Text)
}

fn firing(cx: &Context, server: &Subject) -> Cell {
    let Some(reading) = cx.snap.latest::<Alerts>(server) else {
        return Cell::unknown();
    };
    let count = reading
        .value
        .0
        .iter()
        .filter(|alert| alert.state == AlertState::Firing)
        .count();
    let role = if count > 0 { Role::Warning } else { Role::Text };
    parts::value(count.to_string(), reading.freshness, role)
}

fn item_cell(cx: &Context, server: &Subject, key: &str, column: &str) -> Cell {
    if !matches!(column, "server" | "state") {
        return Cell::text("", Role::Dim);
    }
    let Some(item) = item(cx, server, key) else {
        return Cell::none();
    };
    let usable = item.freshness.is_usable();
    let told = |role| if usable { role } else { Role::StateStale };
    match column {
        "server" => Cell::Runs(vec![
            (item.name.into(), Role::Text),
            (format!("  {}", item.detail).into(), told(Role::Dim)),
        ]),
        _ => Cell::mark(item.word, told(item.role)),
    }
}

/// A count with three digits: `4.9M`.
fn short(count: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let value = count as f64;
    match count {
        0..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{:.0}k", value / 1e3),
        _ => format!("{:.1}M", value / 1e6),
    }
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    let servers: Vec<&Subject> = cx.snap.model.subjects(SubjectKind::Prometheus).collect();
    let told: Vec<_> = servers
        .iter()
        .filter_map(|server| cx.snap.fresh::<Alerts>(server).ok())
        .collect();
    let alerts = told.iter().flat_map(|alerts| &alerts.value.0);
    let (mut critical, mut warning, mut other) = (0_usize, 0_usize, 0_usize);
    for alert in alerts.filter(|alert| alert.state == AlertState::Firing) {
        match alert_role(alert).1 {
            Role::Critical => critical += 1,
            Role::Warning => warning += 1,
            _ => other += 1,
        }
    }
    let role = |count: usize, role| if count > 0 { role } else { Role::Dim };
    let mut line = Line::new()
        .text(format!("{} Prometheus   ", servers.len()))
        .dim("firing  ");
    if !told.is_empty() {
        line = line
            .with(
                format!("{critical} critical  "),
                role(critical, Role::Critical),
            )
            .with(format!("{warning} warning  "), role(warning, Role::Warning))
            .dim(format!("{other} other"));
    }
    // No count is a count of all while one server does not tell.
    let silent = servers.len() - told.len();
    if silent > 0 {
        line = line.with(format!("  {silent} do not tell"), Role::Unknown);
    }
    vec![line]
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    match key {
        RowKey::Subject(server) => detail::subject(cx, server),
        RowKey::Item(server, name) => {
            let Some(item) = item(cx, server, name) else {
                return Vec::new();
            };
            let line = Line::new()
                .with(item.word, item.role)
                .text("  ")
                .text(item.detail);
            let mut blocks = vec![
                Block::Title(Line::new().with(item.name, Role::Title)),
                Block::Line(parts::dated_by(line, item.age, item.freshness)),
            ];
            blocks.extend(query_page(cx, server, name));
            blocks
        }
        _ => Vec::new(),
    }
}

/// Every sample of a query, one line each.
fn query_page(cx: &Context, server: &Subject, name: &str) -> Vec<Block> {
    let Some(at) = name
        .strip_prefix("query ")
        .and_then(|rest| rest.split(' ').next())
    else {
        return Vec::new();
    };
    let Some(queries) = cx.snap.latest::<Queries>(server) else {
        return Vec::new();
    };
    let query = at
        .parse::<usize>()
        .ok()
        .and_then(|at| queries.value.0.get(at));
    let Some(query) = query else {
        return Vec::new();
    };
    let samples = query.result.as_deref().unwrap_or_default();
    let lines = samples.iter().map(|sample| {
        let line = Line::new()
            .text(format!("{:>14}  ", sample.value))
            .dim(sample.labels.to_string());
        Block::Line(parts::dated(line, &queries))
    });
    let rest = (query.dropped > 0)
        .then(|| Block::Line(Line::new().dim(format!("{} more not kept", query.dropped))));
    lines.chain(rest).collect()
}
