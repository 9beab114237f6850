//! Clusters: does the API server answer, how fast, what is there, and what may not be read.

use super::objects::{self, Told};
use super::{Block, Extra, Pane, detail, parts};
use crate::facts::KubeApi;
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue, severity_role};
use crate::model::objects::Cluster;
use crate::model::{Feed, FeedIndex};
use crate::objects::ObjectKind;
use crate::paint::Line;
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Clusters,
    head,
    preview,
};

struct Clusters;

/// Columns of the sparkline, at most.
const TREND: u16 = 24;

static COLUMNS: &[Column] = &[
    Column::names("cluster", "CLUSTER", 10..=50, 0),
    Column::left("state", "STATE", 10..=12, 0),
    Column::left("version", "VERSION", 8..=20, 4),
    Column::right("latency", "LATENCY", 7..=8, 2),
    Column::left("trend", "LATENCY OVER TIME", 17..=24, 5),
    Column::left("checks", "CHECKS", 6..=50, 3),
    Column::right("nodes", "NODES", 5..=11, 0),
    Column::right("pods", "PODS", 5..=13, 0),
    Column::right("findings", "FINDINGS", 8..=8, 1),
    Column::left("refused", "NOT PERMITTED", 13..=60, 6),
    Column::ages("age", "AGE", 4..=14, 0),
];

impl Listing for Clusters {
    fn id(&self) -> &'static str {
        "clusters"
    }
    fn title(&self) -> &'static str {
        "Clusters"
    }
    fn doc(&self) -> &'static str {
        "Every Kubernetes cluster: its API server's answer, nodes, pods, findings, what may not be read."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn configured(&self, cx: &Context) -> bool {
        objects::configured(cx)
    }
    fn how_to(&self) -> &'static str {
        objects::HOW_TO
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let clusters = cx.snap.model.subjects(SubjectKind::Cluster);
        let mut ranked: Vec<(f64, &Subject)> = clusters
            .filter(|subject| {
                cx.scope
                    .cluster
                    .as_ref()
                    .is_none_or(|only| *only == subject.path)
            })
            .map(|subject| (rank(cx, subject), subject))
            .collect();
        ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        ranked
            .into_iter()
            .map(|(_, subject)| {
                let problem = is_problem(cx, subject);
                Row::new(RowKey::Subject(subject.clone())).problem(problem)
            })
            .collect()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(subject) = row.key.subject() else {
            return Cell::none();
        };
        match column {
            "cluster" => Cell::plain(&*subject.path),
            "state" => {
                let (word, role) = state(cx, subject);
                Cell::mark(word, role)
            }
            "version" => match cx.snap.latest::<KubeApi>(subject) {
                Some(api) if !api.value.version.is_empty() => {
                    parts::value(&*api.value.version, api.freshness, Role::Dim)
                }
                _ => Cell::unknown(),
            },
            "latency" => match cx.snap.latest::<KubeApi>(subject) {
                Some(api) => {
                    parts::value(units::latency(api.value.took), api.freshness, Role::Text)
                }
                None => Cell::unknown(),
            },
            "trend" => trend(cx, subject),
            "checks" => checks(cx, subject),
            "age" => parts::age(cx.snap.age(subject)),
            _ => match cx.snap.model.objects().cluster(&subject.path) {
                Some(cluster) => of_objects(cx, subject, cluster, column),
                None => Cell::unknown(),
            },
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let Some(subject) = row.key.subject() else {
            return SortValue::Nothing;
        };
        let cluster = cx.snap.model.objects().cluster(&subject.path);
        let tally = cluster
            .map(|cluster| cluster.tally(None))
            .unwrap_or_default();
        match column {
            "state" => SortValue::Number(rank(cx, subject)),
            "latency" | "trend" => match cx.snap.latest::<KubeApi>(subject) {
                Some(api) => SortValue::Number(api.value.took.as_secs_f64()),
                None => SortValue::Nothing,
            },
            "nodes" => SortValue::Number(-f64::from(tally.nodes)),
            "pods" => SortValue::Number(-f64::from(tally.pods)),
            "findings" => objects::number(cx.ledger.count_within(subject) as u64),
            "age" => match cx.snap.age(subject) {
                Some((age, _)) => SortValue::Number(age.as_secs_f64()),
                None => SortValue::Nothing,
            },
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

/// State of the cluster itself; what is wrong with its objects stands beside it.
fn state(cx: &Context, subject: &Subject) -> (&'static str, Role) {
    let worst = cx.ledger.on(subject);
    parts::state_by(worst, cx.snap.known(subject))
}

/// Is something wrong with the cluster itself, or is it not freshly known?
#[must_use]
pub fn is_problem(cx: &Context, subject: &Subject) -> bool {
    state(cx, subject).1 != Role::StateOk
}

/// Worst first.
fn rank(cx: &Context, subject: &Subject) -> f64 {
    match state(cx, subject).1 {
        Role::Critical => 0.0,
        Role::Unknown => 1.0,
        Role::Warning => 2.0,
        _ => 3.0,
    }
}

fn trend(cx: &Context, subject: &Subject) -> Cell {
    let samples = match server(cx, subject) {
        Some((feed, _)) => parts::newest(cx.snap.model.history().latencies(feed), TREND),
        None => Vec::new(),
    };
    Cell::Spark {
        samples,
        top: None,
        role: Role::ChartLine,
    }
}

/// The feed that asks the API server for its health: the most frequent one that streams nothing.
#[must_use]
pub fn server<'a>(cx: &Context<'a>, subject: &Subject) -> Option<(FeedIndex, &'a Feed)> {
    let feeds = cx.snap.model.feeds().iter().enumerate();
    feeds
        .filter(|(_, feed)| feed.spec.tells.is_none() && feed.subject() == subject)
        .min_by_key(|(_, feed)| feed.spec.period)
}

fn checks(cx: &Context, subject: &Subject) -> Cell {
    let Some(api) = cx.snap.latest::<KubeApi>(subject) else {
        return Cell::unknown();
    };
    match failing(api.value) {
        Some(names) => parts::value(names, api.freshness, Role::Critical),
        None => parts::value("pass", api.freshness, Role::Dim),
    }
}

/// Checks of the server's own that fail, `readyz` first; `None` where all pass.
#[must_use]
pub fn failing(api: &KubeApi) -> Option<String> {
    let live = api.livez.iter();
    let mut names: Vec<&str> = Vec::new();
    for checks in std::iter::once(&api.readyz).chain(live) {
        if !checks.passed && checks.failing.is_empty() {
            names.push("not ready");
        }
        names.extend(checks.failing.iter().map(|name| &**name));
    }
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What is known of a cluster by its objects.
fn of_objects(cx: &Context, subject: &Subject, cluster: &Cluster, column: &str) -> Cell {
    let tally = cluster.tally(None);
    match column {
        "nodes" => part(
            cx,
            cluster,
            ObjectKind::Node,
            tally.nodes_ready,
            tally.nodes,
        ),
        "pods" => {
            // What has ended well is not meant to run.
            let meant = tally.pods.saturating_sub(tally.ended);
            part(cx, cluster, ObjectKind::Pod, tally.ready, meant)
        }
        "findings" => match cx.ledger.count_within(subject) {
            0 => Cell::text("0", Role::Dim),
            count => {
                let worst = cx.ledger.within(subject).map_or(Role::Text, severity_role);
                Cell::text(count.to_string(), worst)
            }
        },
        _ => {
            let refused = objects::not_permitted(cx, cluster);
            if refused.is_empty() {
                return Cell::none();
            }
            let words: Vec<&str> = refused.iter().map(|kind| kind.plural()).collect();
            Cell::text(words.join(", "), Role::Unknown)
        }
    }
}

/// Well of all, of one kind; `?` while nobody told all there is.
fn part(cx: &Context, cluster: &Cluster, kind: ObjectKind, well: u32, all: u32) -> Cell {
    if !cluster.is_synced(kind) {
        return Cell::unknown();
    }
    let told = Told::of_kind(cx, cluster.name(), kind);
    let role = if well < all {
        Role::Warning
    } else {
        Role::Text
    };
    let (well, all) = (units::grouped(well as usize), units::grouped(all as usize));
    told.value(format!("{well}/{all}"), role)
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    let clusters: Vec<&Subject> = cx.snap.model.subjects(SubjectKind::Cluster).collect();
    let well = clusters
        .iter()
        .filter(|subject| !is_problem(cx, subject))
        .count();
    let tally = objects::tally(cx);
    let line = Line::new()
        .text(format!("{well} of {} clusters ok", clusters.len()))
        .dim(format!(
            "   {} nodes   {} pods",
            sum(cx, ObjectKind::Node, tally.nodes),
            sum(cx, ObjectKind::Pod, tally.pods)
        ));
    vec![line]
}

/// How many there are of a kind; `?` where nobody knows, `12+` where there may be more.
fn sum(cx: &Context, kind: ObjectKind, known: u32) -> String {
    let all = units::grouped(known as usize);
    match (objects::are_known(cx, &[kind]), known) {
        (true, _) => all,
        (false, 0) => "?".into(),
        (false, _) => format!("{all}+"),
    }
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    detail::glance(cx, key)
}
