//! A Kubernetes cluster: its API server, and every kind with how well it is known.

use super::{certificate, clock_row, findings_on, row, title};
use crate::facts::{KubeApi, KubeMetrics};
use crate::listing::Context;
use crate::objects::ObjectKind;
use crate::paint::Line;
use crate::panes::objects::{self, Told};
use crate::panes::{
    Block, clusters,
    parts::{dated, origin},
};
use crate::role::Role;
use crate::subject::Subject;
use crate::units;

/// One cluster.
#[must_use]
pub fn cluster(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = vec![title(subject.to_string())];
    blocks.extend(findings_on(cx, subject));
    blocks.extend(server(cx, subject));
    blocks.extend(kinds(cx, subject));
    blocks.extend(certificate(cx, subject));
    blocks.extend(clock_row(cx, subject));
    if let Some((feed, _)) = clusters::server(cx, subject) {
        blocks.push(Block::Chart {
            title: super::titled::<KubeApi>(cx, subject, "latency of the API server"),
            samples: cx.snap.model.history().latencies(feed).collect(),
            top: None,
            print: |secs| units::latency(units::seconds(f64::from(secs))),
            height: 5,
        });
    }
    blocks
}

fn server(cx: &Context, subject: &Subject) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some((_, feed)) = clusters::server(cx, subject)
        && let Some(outage) = &feed.outage
    {
        let line = Line::new().with(outage.to_string(), Role::StateBad);
        blocks.push(Block::Line(line));
        if let Some(hint) = &outage.hint {
            let line = Line::new().with(hint.to_string(), Role::Accent);
            blocks.push(Block::Line(line));
        }
    }
    if let Some(api) = cx.snap.latest::<KubeApi>(subject) {
        let value = api.value;
        let line = Line::new()
            .text(format!("{}  ", value.version))
            .dim(format!("{}  ", value.platform))
            .text(format!("answers in {}", units::latency(value.took)));
        blocks.push(row("API server", origin(line, &api)));
        let line = match clusters::failing(value) {
            Some(names) => Line::new().with(format!("failing: {names}"), Role::Critical),
            None => Line::new().text(format!("all {} pass", value.readyz.total)),
        };
        blocks.push(row("checks", dated(line, &api)));
    }
    if let Some(metrics) = cx.snap.latest::<KubeMetrics>(subject) {
        let value = metrics.value;
        let mut words = Vec::new();
        if let Some(resident) = value.resident {
            words.push(format!("{resident} resident"));
        }
        if let Some(storage) = value.storage {
            words.push(format!("{storage} in etcd"));
        }
        if let Some((changing, reading)) = value.inflight {
            words.push(format!("{:.0} requests in flight", changing + reading));
        }
        if !words.is_empty() {
            let line = Line::new().text(words.join(", "));
            blocks.push(row("server uses", dated(line, &metrics)));
        }
    }
    blocks
}

/// How many there are of each kind, or why that is not known.
fn kinds(cx: &Context, subject: &Subject) -> Vec<Block> {
    let Some(cluster) = cx.snap.model.objects().cluster(&subject.path) else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    let mut parts: Vec<(String, Role, Vec<&str>)> = Vec::new();
    let mut well = Vec::new();
    for kind in ObjectKind::ALL {
        let count = cluster.count(*kind);
        let doubt = objects::doubt(cx, cluster, *kind);
        if doubt.is_none() && count > 0 {
            let count = units::grouped(count);
            well.push((kind, format!("{} {count}", kind.plural())));
        }
        if let Some((why, role)) = doubt {
            let line = Line::new()
                .text(format!("{}  ", kind.plural()))
                .with(why, role);
            let told = Told::of_kind(cx, cluster.name(), *kind);
            let label = if blocks.is_empty() { "not known" } else { "" };
            blocks.push(row(label, told.line(line)));
        } else if let Some((why, role)) = objects::partly(cx, cluster, *kind) {
            match parts.iter_mut().find(|(known, ..)| *known == why) {
                Some((.., plurals)) => plurals.push(kind.plural()),
                None => parts.push((why, role, vec![kind.plural()])),
            }
        }
    }
    for (why, role, plurals) in parts {
        let line = Line::new().text(format!("{}  ", plurals.join(", ")));
        blocks.push(row("in part", line.with(why, role)));
    }
    if !well.is_empty() {
        let words: Vec<&str> = well.iter().map(|(_, text)| text.as_str()).collect();
        let oldest = well
            .iter()
            .map(|(kind, _)| Told::of_kind(cx, cluster.name(), **kind))
            .reduce(Told::or_worse);
        let line = Line::new().text(words.join(", "));
        let line = oldest.map_or(line.clone(), |told| told.line(line));
        blocks.insert(0, row("objects", line));
    }
    blocks
}
