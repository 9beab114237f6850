//! Prometheus and Alertmanager: who watches the watcher. Servers, and below each what is wrong
//! with it: targets down, rules failing or slow, alerts firing, the configured queries.

use super::{Block, Extra, Pane, detail, parts};
use crate::facts::{
    Alert, AlertState, AlertmanagerStatus, Alerts, PrometheusStatus, Queries, QueryResult,
    RuleGroups, ScrapeTargets,
};
use crate::listing::{Align, Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::model::{Reading, State};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Prometheus,
    head,
    preview,
};

struct Prometheus;

static COLUMNS: &[Column] = &[
    Column {
        id: "state",
        title: "STATE",
        align: Align::Left,
        least: 10,
        most: 12,
        rank: 0,
    },
    Column {
        id: "server",
        title: "SERVER",
        align: Align::Left,
        least: 14,
        most: 44,
        rank: 0,
    },
    Column {
        id: "targets",
        title: "TARGETS UP",
        align: Align::Right,
        least: 10,
        most: 11,
        rank: 1,
    },
    Column {
        id: "rules",
        title: "RULES",
        align: Align::Right,
        least: 6,
        most: 12,
        rank: 3,
    },
    Column {
        id: "alerts",
        title: "FIRING",
        align: Align::Right,
        least: 6,
        most: 7,
        rank: 2,
    },
    Column {
        id: "series",
        title: "SERIES",
        align: Align::Right,
        least: 6,
        most: 7,
        rank: 5,
    },
    Column {
        id: "alertmanager",
        title: "ALERTMGR",
        align: Align::Right,
        least: 8,
        most: 9,
        rank: 4,
    },
    Column {
        id: "version",
        title: "VERSION",
        align: Align::Left,
        least: 7,
        most: 10,
        rank: 7,
    },
    Column {
        id: "detail",
        title: "DETAIL",
        align: Align::Left,
        least: 12,
        most: 200,
        rank: 6,
    },
    Column {
        id: "age",
        title: "AGE",
        align: Align::Right,
        least: 4,
        most: 14,
        rank: 0,
    },
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
            format!("{failing} fail of {all}"),
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

/// A line below a server.
struct Item {
    word: &'static str,
    name: String,
    detail: String,
    role: Role,
    usable: bool,
}

/// The lines below a server, by key. A key names kind and place in the fact (`target 12`) with a
/// mark of what stands there, so that looking one up does not build the others.
fn items(cx: &Context, server: &Subject) -> Vec<(String, bool)> {
    let mut keys = Vec::new();
    if let Some(targets) = cx.snap.latest::<ScrapeTargets>(server) {
        let failing = targets.value.failing.iter().enumerate();
        keys.extend(failing.map(|(at, target)| {
            (
                format!("target {at} {} {}", target.job, target.instance),
                true,
            )
        }));
    }
    if let Some(groups) = cx.snap.latest::<RuleGroups>(server) {
        for (at, group) in groups.value.0.iter().enumerate() {
            let failing = group.failing.iter().enumerate();
            keys.extend(
                failing.map(|(nth, (rule, _))| {
                    (format!("rule {at} {nth} {} {rule}", group.name), true)
                }),
            );
            if group.took > group.interval && !group.interval.is_zero() {
                keys.push((format!("group {at} {}", group.name), true));
            }
        }
    }
    if let Some(alerts) = cx.snap.latest::<Alerts>(server) {
        let alerts = alerts.value.0.iter().enumerate();
        keys.extend(alerts.map(|(at, alert)| {
            (
                format!("alert {at} {}", alert.name),
                alert_role(alert).1 != Role::Dim,
            )
        }));
    }
    if let Some(queries) = cx.snap.latest::<Queries>(server) {
        let queries = queries.value.0.iter().enumerate();
        keys.extend(
            queries
                .map(|(at, query)| (format!("query {at} {}", query.query), query.result.is_err())),
        );
    }
    keys
}

fn item(cx: &Context, server: &Subject, key: &str) -> Option<Item> {
    let mut words = key.split(' ');
    let kind = words.next()?;
    let at: usize = words.next()?.parse().ok()?;
    match kind {
        "target" => {
            let reading = cx.snap.latest::<ScrapeTargets>(server)?;
            let target = reading.value.failing.get(at)?;
            let (word, role) = if target.down {
                ("down", Role::StateBad)
            } else {
                ("not yet", Role::Unknown)
            };
            let name = format!("{} {}", target.job, target.instance);
            let detail = target.error.to_string();
            Some(Item {
                word,
                name,
                detail,
                role,
                usable: reading.freshness.is_usable(),
            })
        }
        "rule" => {
            let reading = cx.snap.latest::<RuleGroups>(server)?;
            let group = reading.value.0.get(at)?;
            let (rule, error) = group.failing.get(words.next()?.parse::<usize>().ok()?)?;
            let name = format!("{} / {rule}", group.name);
            let usable = reading.freshness.is_usable();
            Some(Item {
                word: "failing",
                name,
                detail: error.to_string(),
                role: Role::StateBad,
                usable,
            })
        }
        "group" => {
            let reading = cx.snap.latest::<RuleGroups>(server)?;
            let group = reading.value.0.get(at)?;
            let detail = format!(
                "takes {} of {}",
                units::latency(group.took),
                units::span(group.interval)
            );
            let usable = reading.freshness.is_usable();
            Some(Item {
                word: "slow",
                name: group.name.to_string(),
                detail,
                role: Role::Warning,
                usable,
            })
        }
        "alert" => {
            let reading = cx.snap.latest::<Alerts>(server)?;
            let alert = reading.value.0.get(at)?;
            let (word, role) = alert_role(alert);
            let detail = alert.summary.to_string();
            Some(Item {
                word,
                name: alert_name(alert),
                detail,
                role,
                usable: reading.freshness.is_usable(),
            })
        }
        _ => {
            let reading = cx.snap.latest::<Queries>(server)?;
            let query = reading.value.0.get(at)?;
            let (detail, role) = query_words(query);
            let usable = reading.freshness.is_usable();
            Some(Item {
                word: "query",
                name: query.query.to_string(),
                detail,
                role,
                usable,
            })
        }
    }
}

fn alert_role(alert: &Alert) -> (&'static str, Role) {
    match (alert.state, &*alert.severity) {
        (AlertState::Pending, _) => ("pending", Role::Info),
        (AlertState::Suppressed, _) => ("silenced", Role::Dim),
        (AlertState::Firing, "critical" | "page") => ("firing", Role::Critical),
        (AlertState::Firing, "warning") => ("firing", Role::Warning),
        (AlertState::Firing, _) => ("firing", Role::Info),
    }
}

/// Name and labels: what tells one alert from another.
fn alert_name(alert: &Alert) -> String {
    let labels: Vec<String> = alert
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if labels.is_empty() {
        alert.name.to_string()
    } else {
        format!("{} {{{}}}", alert.name, labels.join(", "))
    }
}

fn query_words(query: &QueryResult) -> (String, Role) {
    match &query.result {
        Err(error) => (error.clone(), Role::Warning),
        Ok(samples) => match samples.as_slice() {
            [] => ("no samples".into(), Role::Text),
            [one] => (format!("{} {}", one.labels, one.value), Role::Text),
            [first, ..] => (
                format!(
                    "{} samples, first {} {}",
                    samples.len(),
                    first.labels,
                    first.value
                ),
                Role::Text,
            ),
        },
    }
}

fn item_cell(cx: &Context, server: &Subject, key: &str, column: &str) -> Cell {
    if !matches!(column, "server" | "state") {
        return Cell::text("", Role::Dim);
    }
    let Some(item) = item(cx, server, key) else {
        return Cell::none();
    };
    let role = if item.usable {
        item.role
    } else {
        Role::StateStale
    };
    match column {
        "server" => {
            let detail = if item.usable {
                Role::Dim
            } else {
                Role::StateStale
            };
            Cell::Runs(vec![
                (item.name.into(), Role::Text),
                (format!("  {}", item.detail).into(), detail),
            ])
        }
        _ => Cell::mark(item.word, role),
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
    let model = cx.snap.model;
    let servers = model.subjects(SubjectKind::Prometheus).count();
    let mut firing = [0_usize; 3];
    for server in model.subjects(SubjectKind::Prometheus) {
        if let Some(alerts) = cx.snap.latest::<Alerts>(server) {
            for alert in alerts
                .value
                .0
                .iter()
                .filter(|alert| alert.state == AlertState::Firing)
            {
                match alert_role(alert).1 {
                    Role::Critical => firing[0] += 1,
                    Role::Warning => firing[1] += 1,
                    _ => firing[2] += 1,
                }
            }
        }
    }
    let role = |count: usize, role| if count > 0 { role } else { Role::Dim };
    vec![
        Line::new()
            .text(format!("{servers} servers   "))
            .dim("firing  ")
            .with(
                format!("{} critical  ", firing[0]),
                role(firing[0], Role::Critical),
            )
            .with(
                format!("{} warning  ", firing[1]),
                role(firing[1], Role::Warning),
            )
            .with(format!("{} other", firing[2]), Role::Dim),
    ]
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    match key {
        RowKey::Subject(server) => detail::subject(cx, server),
        RowKey::Item(server, name) => {
            let Some(item) = item(cx, server, name) else {
                return Vec::new();
            };
            let mut blocks = vec![
                Block::Title(Line::new().with(item.name, Role::Title)),
                Block::Line(
                    Line::new()
                        .with(item.word, item.role)
                        .text("  ")
                        .text(item.detail),
                ),
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
        Block::Line(
            Line::new()
                .text(format!("{:>14}  ", sample.value))
                .dim(sample.labels.to_string()),
        )
    });
    let rest = (query.dropped > 0)
        .then(|| Block::Line(Line::new().dim(format!("{} more not kept", query.dropped))));
    lines.chain(rest).collect()
}
