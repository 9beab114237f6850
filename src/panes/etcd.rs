//! etcd: clusters with their spare count, members beneath, worst first.

use std::time::Duration;

use super::{Block, Pane, detail, no_head, parts};
use crate::facts::{EtcdHealth, EtcdMetrics, EtcdStatus, Histogram};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey, SortValue};
use crate::model::{Reading, State};
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Etcd,
    head: no_head,
    preview,
};

struct Etcd;

static COLUMNS: &[Column] = &[
    Column::names("member", "MEMBER", 10..=40, 0),
    Column::left("state", "STATE", 10..=12, 0),
    Column::left("role", "ROLE", 8..=26, 0),
    Column::right("lag", "LAG", 5..=8, 3),
    Column::right("size", "DB", 9..=9, 2),
    Column::right("used", "IN USE", 9..=9, 5),
    Column::right("quota", "QUOTA", 5..=12, 4),
    Column::right("fsync", "FSYNC P99", 9..=9, 2),
    Column::right("read", "READ", 6..=9, 3),
    Column::right("term", "TERM", 4..=6, 7),
    Column::left("version", "VERSION", 7..=9, 6),
    Column::ages("age", "AGE", 4..=14, 0),
];

impl Listing for Etcd {
    fn id(&self) -> &'static str {
        "etcd"
    }
    fn title(&self) -> &'static str {
        "etcd"
    }
    fn doc(&self) -> &'static str {
        "Every etcd cluster with its quorum and spare count, and each member below it."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn configured(&self, cx: &Context) -> bool {
        cx.snap.is_configured(SubjectKind::Etcd)
    }
    fn how_to(&self) -> &'static str {
        "add a [[target]] with kind = \"etcd\" and its endpoints"
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let mut rows = Vec::new();
        for cluster in clusters(cx) {
            rows.push(
                Row::new(RowKey::Subject(cluster.clone())).problem(parts::is_problem(cx, &cluster)),
            );
            for member in cx.snap.model.parts(&cluster, SubjectKind::EtcdMember) {
                let problem = parts::is_problem(cx, member);
                rows.push(
                    Row::new(RowKey::Subject(member.clone()))
                        .problem(problem)
                        .child(),
                );
            }
        }
        rows
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(subject) = row.key.subject() else {
            return Cell::none();
        };
        if subject.kind == SubjectKind::Etcd {
            cluster_cell(cx, subject, column)
        } else {
            member_cell(cx, subject, column)
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let Some(subject) = row.key.subject() else {
            return SortValue::Nothing;
        };
        match column {
            "state" => SortValue::Number(parts::state_rank(cx, subject)),
            "age" => cx.snap.age(subject).map_or(SortValue::Nothing, |(age, _)| {
                SortValue::Number(age.as_secs_f64())
            }),
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

/// Every cluster that is configured, worst first: a cluster none of whose members ever answered
/// has no facts of its own and must still have its row.
fn clusters(cx: &Context) -> Vec<Subject> {
    let known = cx.snap.model.subjects(SubjectKind::Etcd).cloned();
    let named = cx
        .snap
        .model
        .subjects(SubjectKind::EtcdMember)
        .filter_map(Subject::whole);
    let mut clusters: Vec<Subject> = known.chain(named).collect();
    clusters.sort();
    clusters.dedup();
    clusters.sort_by(|a, b| parts::state_rank(cx, a).total_cmp(&parts::state_rank(cx, b)));
    clusters
}

/// Quorum in words, with the role that they are drawn in. Without a fresh member list nobody can
/// tell: that is said, and not called lost.
#[must_use]
pub fn quorum(cx: &Context, cluster: &Subject) -> (String, Role) {
    let Ok(quorum) = cx.snap.quorum(cluster) else {
        let members = || cx.snap.model.parts(cluster, SubjectKind::EtcdMember);
        let asked = members().count();
        let heard = members().filter(|member| cx.snap.known(member) == State::Ok);
        let heard = heard.count();
        return (
            format!("not known, {heard} of {asked} answer"),
            Role::Unknown,
        );
    };
    let (well, voters) = (quorum.healthy.len(), quorum.voters());
    let (least, most) = (quorum.spare_at_least(), quorum.spare_at_most());
    if most < 0 {
        return (format!("{well} of {voters}, QUORUM LOST"), Role::Critical);
    }
    let spare = if least == most {
        least.to_string()
    } else {
        format!("{} to {most}", least.max(0))
    };
    let role = match least {
        ..=-1 => Role::Unknown,
        0 if voters > 1 => Role::Warning,
        _ => Role::Text,
    };
    (format!("{well} of {voters}, spare {spare}"), role)
}

fn cluster_cell(cx: &Context, cluster: &Subject, column: &str) -> Cell {
    match column {
        "member" => Cell::text(cluster.leaf(), Role::Title),
        "state" => parts::state(cx, cluster),
        "role" => {
            let (text, role) = quorum(cx, cluster);
            Cell::text(text, role)
        }
        "version" => version_span(cx, cluster),
        "age" => parts::age(cx.snap.age(cluster)),
        _ => Cell::text("", Role::Dim),
    }
}

fn version_span(cx: &Context, cluster: &Subject) -> Cell {
    let members = cx.snap.model.parts(cluster, SubjectKind::EtcdMember);
    let told: Vec<_> = members
        .filter_map(|member| cx.snap.latest::<EtcdStatus>(member))
        .collect();
    let Some(oldest) = told.iter().map(|status| status.freshness).max() else {
        return Cell::unknown();
    };
    let version = &told[0].value.version;
    if told.iter().all(|status| status.value.version == *version) {
        parts::value(version.to_string(), oldest, Role::Dim)
    } else {
        parts::value("mixed", oldest, Role::Warning)
    }
}

fn member_cell(cx: &Context, member: &Subject, column: &str) -> Cell {
    let status = cx.snap.latest::<EtcdStatus>(member);
    match column {
        "member" => Cell::plain(member.leaf()),
        "state" => member_state(cx, member),
        "age" => parts::age(cx.snap.age(member)),
        "fsync" => latency_p99(cx, member, |metrics| metrics.wal_fsync.as_ref()),
        "read" => read(cx, member),
        "quota" => quota(cx, member),
        _ => status.map_or_else(Cell::unknown, |status| {
            status_cell(cx, member, &status, column)
        }),
    }
}

/// A member that does not answer is named so: its old numbers stay beside it, dated.
fn member_state(cx: &Context, member: &Subject) -> Cell {
    let mut feeds = cx.snap.model.feeds_for(member);
    let silent = feeds.any(|feed| feed.state(cx.snap.now.stamp) == State::Bad);
    if silent {
        Cell::mark("no answer", Role::StateBad)
    } else {
        parts::state(cx, member)
    }
}

fn status_cell(cx: &Context, member: &Subject, status: &Reading<EtcdStatus>, column: &str) -> Cell {
    let text = |text: String, role: Role| parts::value(text, status.freshness, role);
    match column {
        "role" if status.value.learner => text("learner".into(), Role::Warning),
        "role" if status.value.leader == Some(status.value.member_id) => {
            text("LEADER".into(), Role::Accent)
        }
        "role" if status.value.leader.is_none() => text("no leader".into(), Role::Critical),
        "role" => text("follower".into(), Role::Text),
        "lag" => match lag(cx, member, status.value) {
            Some(lag) => {
                let limit = cx.snap.thresholds(member).etcd_apply_lag_warning;
                #[expect(
                    clippy::cast_precision_loss,
                    reason = "compared with a limit of thousands"
                )]
                let role = if lag as f64 > limit {
                    Role::Warning
                } else {
                    Role::Text
                };
                text(lag.to_string(), role)
            }
            None => Cell::unknown(),
        },
        "size" => text(status.value.db_size.to_string(), Role::Text),
        "used" => status
            .value
            .db_in_use
            .map_or_else(Cell::none, |used| text(used.to_string(), Role::Text)),
        "term" => text(status.value.raft_term.to_string(), Role::Dim),
        "version" => text(status.value.version.to_string(), Role::Dim),
        _ => Cell::none(),
    }
}

/// Entries behind the furthest member that is freshly known.
fn lag(cx: &Context, member: &Subject, own: &EtcdStatus) -> Option<u64> {
    let cluster = member.whole()?;
    let fresh = cx.snap.model.parts(&cluster, SubjectKind::EtcdMember);
    let furthest = fresh
        .filter_map(|m| Some(cx.snap.fresh::<EtcdStatus>(m).ok()?.value.raft_index))
        .max()?;
    Some(furthest.saturating_sub(own.raft_applied))
}

fn latency_p99(
    cx: &Context,
    member: &Subject,
    pick: fn(&EtcdMetrics) -> Option<&Histogram>,
) -> Cell {
    let Some(reading) = cx.snap.latest::<EtcdMetrics>(member) else {
        return Cell::unknown();
    };
    let Some(now) = pick(reading.value) else {
        return Cell::none();
    };
    let Some((before, _)) = reading.within(Duration::from_secs(300)) else {
        return parts::waiting(reading.freshness);
    };
    let p99 = pick(before)
        .and_then(|before| now.since(before))
        .and_then(|delta| delta.quantile(0.99));
    let Some(p99) = p99 else {
        return parts::value("idle", reading.freshness, Role::Dim);
    };
    let limits = cx.snap.thresholds(member);
    let role = parts::over(p99, limits.etcd_fsync_warning, limits.etcd_fsync_critical);
    parts::value(units::latency(units::seconds(p99)), reading.freshness, role)
}

fn read(cx: &Context, member: &Subject) -> Cell {
    let Some(reading) = cx.snap.latest::<EtcdHealth>(member) else {
        return Cell::unknown();
    };
    if reading.value.healthy {
        parts::value(
            units::latency(reading.value.took),
            reading.freshness,
            Role::Text,
        )
    } else {
        parts::value("failed", reading.freshness, Role::Critical)
    }
}

fn quota(cx: &Context, member: &Subject) -> Cell {
    let status = cx.snap.latest::<EtcdStatus>(member);
    let told = status.as_ref().and_then(|status| status.value.db_quota);
    let quota = told.or_else(|| cx.snap.latest::<EtcdMetrics>(member)?.value.quota);
    let (Some(status), Some(quota)) = (status, quota.filter(|quota| quota.0 > 0)) else {
        return Cell::unknown();
    };
    let share = status.value.db_size.as_f64() / quota.as_f64();
    let limits = cx.snap.thresholds(member);
    let role = parts::over(share, limits.etcd_quota_warning, limits.etcd_quota_critical);
    parts::value(format!("{:.0}%", share * 100.0), status.freshness, role)
}

fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    key.subject()
        .map(|subject| detail::etcd(cx, subject))
        .unwrap_or_default()
}
