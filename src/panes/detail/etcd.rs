//! Everything about an etcd cluster or one member of it.

use crate::facts::{EtcdAlarms, EtcdHash, EtcdHealth, EtcdMembers, EtcdMetrics, EtcdStatus};
use crate::listing::Context;
use crate::model::{Quorum, Series};
use crate::paint::Line;
use crate::panes::{
    Block,
    etcd::quorum,
    parts::{dated, origin},
};
use crate::role::Role;
use crate::subject::{Subject, SubjectKind};
use crate::units;

use super::{certificate, clock_row, findings_on, row, title, titled};

/// An etcd cluster or member.
#[must_use]
pub fn etcd(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(subject.to_string())];
    if subject.kind == SubjectKind::Etcd {
        // What may be touched comes before what is wrong.
        blocks.extend(cluster(cx, subject));
        blocks.extend(findings_on(cx, subject));
    } else {
        blocks.extend(findings_on(cx, subject));
        blocks.extend(member(cx, subject));
    }
    blocks
}

/// Does a voter that counts as well say of itself that it is not?
fn ailing(cx: &Context, quorum: &Quorum) -> bool {
    quorum.healthy.iter().any(|member| {
        let health = cx.snap.fresh::<EtcdHealth>(member);
        health.is_ok_and(|health| !health.value.healthy)
    })
}

fn cluster(cx: &Context, cluster: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (words, _) = quorum(cx, cluster);
    let verdict = match cx.snap.quorum(cluster) {
        Err(_) => Line::new().with("cannot be known: no member list is fresh", Role::Unknown),
        Ok(quorum) if quorum.spare_at_least() > 0 && ailing(cx, &quorum) => Line::new().with(
            "NO: a member that answers calls itself unhealthy",
            Role::Warning,
        ),
        Ok(quorum) if quorum.spare_at_least() > 0 => {
            Line::new().with("one member may be taken down", Role::StateOk)
        }
        Ok(quorum) if quorum.spare_at_most() < 0 => Line::new().with(
            "NO: quorum is lost, no writes and only stale reads",
            Role::Critical,
        ),
        Ok(_) => Line::new().with(
            "NO member may be taken down: the next loss stops writes",
            Role::Warning,
        ),
    };
    blocks.push(row("safe now?", verdict.dim(format!("   {words}"))));
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
        blocks.push(row("alarms", dated(Line::new().with(text, role), &alarms)));
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
            let label = if nth == 0 { "members" } else { "" };
            blocks.push(row(label, dated(line, &list)));
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
        blocks.push(row("raft", origin(Line::new().text(text), &status)));
        let used = value.db_in_use.map_or("?".into(), |used| used.to_string());
        let line = Line::new().text(format!("{}, {used} in use", value.db_size));
        blocks.push(row("database", dated(line, &status)));
        for error in &value.errors {
            let line = Line::new().with(error.clone(), Role::Warning);
            blocks.push(row("says", dated(line, &status)));
        }
    }
    if let Some(health) = cx
        .snap
        .latest::<EtcdHealth>(member)
        .filter(|health| !health.value.healthy)
    {
        let line = Line::new().with(health.value.reason.clone(), Role::Critical);
        blocks.push(row("health", dated(line, &health)));
    }
    if let Some(metrics) = cx.snap.latest::<EtcdMetrics>(member)
        && let Some(committed) = metrics.value.proposals_committed
        && let Some(applied) = metrics.value.proposals_applied
    {
        let pending = metrics.value.proposals_pending.unwrap_or(0.0);
        let behind = (committed - applied).max(0.0);
        let text = format!("{behind:.0} committed and not applied, {pending:.0} pending");
        blocks.push(row("proposals", dated(Line::new().text(text), &metrics)));
    }
    if let Some(hash) = cx.snap.latest::<EtcdHash>(member) {
        let text = format!(
            "{:08x} at revision {}",
            hash.value.hash, hash.value.revision
        );
        blocks.push(row("hash", origin(Line::new().text(text), &hash)));
    }
    blocks.extend(clock_row(cx, member));
    blocks.extend(certificate(cx, member));
    blocks.push(curves(cx, member));
    blocks
}

/// How long it takes to write, and how much there is.
fn curves(cx: &Context, member: &Subject) -> Block {
    let chart = |title: Line, series: Series, print: fn(f32) -> String| Block::Chart {
        title,
        samples: cx.snap.model.history().samples(member, series).collect(),
        top: None,
        print,
        height: 5,
    };
    let fsync = titled::<EtcdMetrics>(cx, member, "wal fsync p99");
    let size = titled::<EtcdStatus>(cx, member, "database size");
    Block::Beside(
        Box::new(chart(fsync, Series::EtcdFsync, |secs| {
            units::latency(units::seconds(f64::from(secs)))
        })),
        Box::new(chart(size, Series::EtcdSize, |bytes| {
            units::size(f64::from(bytes))
        })),
    )
}
