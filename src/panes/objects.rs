//! What the panes over Kubernetes objects share: values marked by the age of their watch, names,
//! amounts, and the lines that say why something is not there. Judges nothing.

mod pane;

use std::time::Duration;

use jiff::Timestamp;

use crate::listing::{Cell, Context, SortValue};
use crate::model::objects::{Cluster, Tally};
use crate::model::{Feed, Freshness};
use crate::objects::{Body, Object, ObjectKind, Resources};
use crate::observation::{Layer, Outage};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::SubjectKind;
use crate::units;

use super::parts;

pub use pane::{About, ObjectPane};

/// What to do where no cluster is watched.
pub const HOW_TO: &str = "add a [[target]] with kind = \"kubernetes\"";

/// Lines at most that say what is not known.
const DOUBTS: usize = 3;

/// How old what is known of an object is, by the watch that tells it.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    pub age: Option<Duration>,
    pub freshness: Freshness,
}

impl Told {
    #[must_use]
    pub fn of(cx: &Context, object: &Object) -> Self {
        Self::from(cx.snap.age_of_object(object))
    }

    /// The worst of what is known of a kind in a cluster.
    #[must_use]
    pub fn of_kind(cx: &Context, cluster: &str, kind: ObjectKind) -> Self {
        Self::from(cx.snap.age_of_kind(cluster, kind))
    }

    fn from(age: Option<(Duration, Freshness)>) -> Self {
        Self {
            age: age.map(|(age, _)| age),
            freshness: age.map_or(Freshness::Unknown, |(_, freshness)| freshness),
        }
    }

    /// The later of two: a sum is as old as its oldest part.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        if (other.freshness, other.age) > (self.freshness, self.age) {
            other
        } else {
            self
        }
    }

    #[must_use]
    pub fn value(self, text: impl Into<String>, role: Role) -> Cell {
        parts::value(text, self.freshness, role)
    }

    /// A state by word, mark and colour; old ones tell none.
    #[must_use]
    pub fn state(self, word: impl Into<String>, role: Role) -> Cell {
        let word: String = word.into();
        if self.freshness.is_usable() {
            Cell::mark(word, role)
        } else {
            Cell::mark(format!("{word}?"), Role::StateStale)
        }
    }

    /// What it is about: cut in the middle where it is too long.
    #[must_use]
    pub fn name(self, text: impl Into<String>) -> Cell {
        match self.value(text, Role::Text) {
            Cell::Text(text, role) => Cell::Name(text, role),
            other => other,
        }
    }

    /// A share as a bar while it is fresh.
    #[must_use]
    pub fn bar(self, share: f64, role: Role) -> Cell {
        if self.freshness.is_usable() {
            Cell::Bar { share, role }
        } else {
            self.value(format!("{:.0}%", share * 100.0), role)
        }
    }

    /// Time since something happened; where the watch is late, how late it is instead, for then
    /// nobody knows what happened since.
    #[must_use]
    pub fn since(self, cx: &Context, at: Option<Timestamp>) -> Cell {
        match (self.freshness, at) {
            (Freshness::Fresh, Some(at)) => Cell::text(units::age(since(cx, at)), Role::Dim),
            (Freshness::Fresh, None) => Cell::none(),
            (freshness, _) => parts::age(self.age.map(|age| (age, freshness))),
        }
    }

    /// A line of a page, marked and dated where it is not fresh.
    #[must_use]
    pub fn line(self, line: Line) -> Line {
        match self.age {
            Some(age) => parts::dated_by(line, age, self.freshness),
            None => parts::dated_by(line, Duration::ZERO, Freshness::Unknown),
        }
    }
}

/// Time since a moment by the server's clock; none where that is ahead of ours.
#[must_use]
pub fn since(cx: &Context, at: Timestamp) -> Duration {
    Duration::try_from(cx.snap.now.wall.duration_since(at)).unwrap_or_default()
}

/// What a moment sorts by: the youngest first.
#[must_use]
pub fn by_age(at: Option<Timestamp>) -> SortValue {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a century fit")]
    at.map_or(SortValue::Nothing, |at| {
        SortValue::Number(-(at.as_millisecond() as f64))
    })
}

/// The row's object and the cluster that it is in.
#[must_use]
pub fn cluster_of<'a>(cx: &Context<'a>, object: &Object) -> Option<&'a Cluster> {
    cx.snap.model.objects().cluster(&object.cluster)
}

/// What the cells sort by that all of these panes have.
#[must_use]
pub fn common_value(object: &Object, column: &str) -> Option<SortValue> {
    Some(match column {
        "cluster" => SortValue::Word(object.cluster.clone()),
        "namespace" => SortValue::Word(object.namespace.clone()),
        "name" => SortValue::Word(object.name.clone()),
        "age" => by_age(object.created),
        _ => return None,
    })
}

#[must_use]
pub fn configured(cx: &Context) -> bool {
    cx.snap.is_configured(SubjectKind::Cluster)
}

/// `deployment/web`: what made a pod, at the top; the owner's own word where it is not watched.
#[must_use]
pub fn maker(cx: &Context, object: &Object) -> Option<String> {
    let root = cx.snap.model.objects().root_owner_of(object);
    if let Some(root) = root {
        return Some(short_name(root));
    }
    let owner = object.owner.as_ref()?;
    Some(format!("{}/{}", owner.kind.to_lowercase(), owner.name))
}

/// Kind and name, as kubectl takes it: `deployment/web`.
#[must_use]
pub fn short_name(object: &Object) -> String {
    format!("{}/{}", object.kind().subject_kind().word(), object.name)
}

/// `120m/100m/500m`: used, requested, allowed; `-` where nobody says.
#[must_use]
pub fn three(amounts: [Option<u64>; 3], print: fn(u64) -> String) -> String {
    amounts
        .map(|amount| amount.map_or_else(|| "-".into(), print))
        .join("/")
}

/// The role of what is used against what is allowed, or else requested.
#[must_use]
pub fn use_role(used: Option<u64>, limit: Option<u64>) -> Role {
    match (used, limit) {
        (Some(used), Some(limit)) if limit > 0 => parts::over(share(used, limit), 0.9, 0.98),
        _ => Role::Dim,
    }
}

#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share needs no 64 bits")]
pub fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[must_use]
#[expect(clippy::cast_precision_loss, reason = "sorting needs no 64 bits")]
pub fn number(value: u64) -> SortValue {
    SortValue::Number(value as f64)
}

/// What a pod or a node uses, as one of two resources.
#[must_use]
pub fn pick(resources: Resources, column: &str) -> Option<u64> {
    if column.starts_with("cpu") {
        resources.cpu_milli
    } else {
        resources.memory
    }
}

/// How an amount of what [`pick`] picked prints.
#[must_use]
pub fn amount(column: &str) -> fn(u64) -> String {
    if column.starts_with("cpu") {
        units::cores
    } else {
        units::binary
    }
}

/// What the clusters in scope amount to.
#[must_use]
pub fn tally(cx: &Context) -> Tally {
    let namespace = cx.scope.namespace.as_deref();
    in_scope(cx)
        .map(|cluster| cluster.tally(namespace))
        .fold(Tally::default(), Tally::and)
}

/// The clusters that the reader wants to see.
pub fn in_scope<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Cluster> {
    let only = cx.scope.cluster.clone();
    let clusters = cx.snap.model.objects().clusters();
    clusters.filter(move |cluster| only.as_ref().is_none_or(|name| name == cluster.name()))
}

/// What of these kinds is not known in the clusters in scope, or not as it happens, and why.
#[must_use]
pub fn doubts(cx: &Context, kinds: &[ObjectKind]) -> Vec<Line> {
    let several = cx.snap.model.objects().clusters().nth(1).is_some();
    let mut lines: Vec<(String, String, Role)> = Vec::new();
    for cluster in in_scope(cx) {
        let name = if several {
            format!("{}: ", cluster.name())
        } else {
            String::new()
        };
        for kind in kinds {
            let doubt = outside(cx, cluster, *kind).or_else(|| doubt(cx, cluster, *kind));
            let doubt = doubt.or_else(|| partly(cx, cluster, *kind));
            let Some((why, role)) = doubt else {
                continue;
            };
            // What is said of several kinds is said once.
            match lines.last_mut() {
                Some((what, said, _)) if *said == why && what.starts_with(&name) => {
                    what.push_str(", ");
                    what.push_str(kind.plural());
                }
                _ => lines.push((format!("{name}{}", kind.plural()), why, role)),
            }
        }
    }
    let more = lines.len().saturating_sub(DOUBTS);
    let shown = lines.into_iter().take(DOUBTS);
    let mut told: Vec<Line> = shown
        .map(|(what, why, role)| Line::new().dim(format!("{what}  ")).with(why, role))
        .collect();
    if more > 0 {
        let text = format!("{more} more such lines; see :clusters");
        told.push(Line::new().with(text, Role::Unknown));
    }
    told
}

/// Why a kind is not freshly and wholly known in a cluster; `None` where it is.
#[must_use]
pub fn doubt(cx: &Context, cluster: &Cluster, kind: ObjectKind) -> Option<(String, Role)> {
    let feeds = cx.snap.model.feeds();
    let mut silent = None;
    let mut any = false;
    for feed in cluster.feeds(kind).filter_map(|feed| feeds.get(feed)) {
        any = true;
        silent = silent.or_else(|| silence(cx, feed));
    }
    if !any {
        let place = narrowed(cx, cluster).map(|namespaces| format!(" in {namespaces}"));
        let why = format!("not watched{}", place.unwrap_or_default());
        return Some((why, Role::StateNotConfigured));
    }
    silent.or_else(|| {
        (!cluster.is_synced(kind)).then(|| {
            let so_far = units::grouped(cluster.count(kind));
            (format!("listing, {so_far} so far"), Role::Info)
        })
    })
}

/// Is all there is of these kinds known, be it of late, in the clusters and the namespace in scope?
#[must_use]
pub fn are_known(cx: &Context, kinds: &[ObjectKind]) -> bool {
    let mut all = in_scope(cx).flat_map(|cluster| kinds.iter().map(move |kind| (cluster, *kind)));
    all.all(|(cluster, kind)| {
        let limited =
            cx.scope.namespace.is_none() && cx.snap.only_in(cluster.name(), kind).is_some();
        cluster.is_synced(kind) && !limited && outside(cx, cluster, kind).is_none()
    })
}

/// The namespace in scope is none of those in which this kind is watched.
fn outside(cx: &Context, cluster: &Cluster, kind: ObjectKind) -> Option<(String, Role)> {
    let namespace = cx.scope.namespace.as_deref()?;
    let only = cx.snap.only_in(cluster.name(), kind)?;
    let text = format!("not watched in {namespace}, only in {}", only.join(", "));
    (!only.contains(&namespace)).then_some((text, Role::StateNotConfigured))
}

/// The namespaces that a cluster is watched in, where it is not watched as a whole. Of leases
/// nobody watches all.
fn narrowed(cx: &Context, cluster: &Cluster) -> Option<String> {
    let mut kinds = ObjectKind::ALL
        .iter()
        .filter(|kind| **kind != ObjectKind::Lease);
    let only = kinds.find_map(|kind| cx.snap.only_in(cluster.name(), *kind))?;
    Some(only.join(", "))
}

/// What is known of a kind, and not of all of it or not at once: by lists alone, or in some
/// namespaces alone.
#[must_use]
pub fn partly(cx: &Context, cluster: &Cluster, kind: ObjectKind) -> Option<(String, Role)> {
    let listed = listed(cx, cluster, kind);
    listed.or_else(|| {
        let only = cx.snap.only_in(cluster.name(), kind)?;
        let told = cx.scope.namespace.is_some() || kind == ObjectKind::Lease;
        let text = format!("of {} alone", only.join(", "));
        (!told).then_some((text, Role::Info))
    })
}

/// How often a kind is listed that may not be watched: between two lists nobody tells a change.
fn listed(cx: &Context, cluster: &Cluster, kind: ObjectKind) -> Option<(String, Role)> {
    let feeds = cx.snap.model.feeds();
    let feeds = cluster.feeds(kind).filter_map(|feed| feeds.get(feed));
    let every = units::span(feeds.filter_map(|feed| feed.listed).max()?);
    let text = format!("listed every {every}: may not be watched");
    Some((text, Role::Info))
}

/// Why a watch tells nothing now.
fn silence(cx: &Context, feed: &Feed) -> Option<(String, Role)> {
    let why = feed.outage.as_ref().map(reason);
    let Some(ok) = feed.last_ok else {
        return why.map(|why| (why, Role::Unknown));
    };
    let now = cx.snap.now.stamp;
    let freshness = feed.freshness(now);
    if freshness.is_usable() {
        return None;
    }
    let age = format!("{} {}", freshness.word(), units::age(now.since(ok.stamp)));
    let text = match why {
        Some(why) => format!("{age}  {why}"),
        None => age,
    };
    Some((text, Role::StateStale))
}

/// An outage in words; what may not be read is no fault of a layer.
fn reason(outage: &Outage) -> String {
    if is_refusal(outage) {
        outage.detail.clone()
    } else {
        outage.to_string()
    }
}

/// May it not be read? Credentials that cannot be had are another matter.
fn is_refusal(outage: &Outage) -> bool {
    outage.layer == Layer::Auth && outage.detail.starts_with("not permitted")
}

/// Kinds that may not be read in a cluster.
#[must_use]
pub fn not_permitted(cx: &Context, cluster: &Cluster) -> Vec<ObjectKind> {
    let feeds = cx.snap.model.feeds();
    let refused = |kind: &&ObjectKind| {
        let mut of_kind = cluster.feeds(**kind).filter_map(|feed| feeds.get(feed));
        of_kind.any(|feed| feed.outage.as_ref().is_some_and(is_refusal))
    };
    ObjectKind::ALL.iter().filter(refused).copied().collect()
}

/// What a pod asks for, what it may use, and what it uses.
#[must_use]
pub fn pod_amounts(cx: &Context, object: &Object, column: &str) -> [Option<u64>; 3] {
    let Body::Pod(pod) = &object.body else {
        return [None; 3];
    };
    let used = cluster_of(cx, object).and_then(|cluster| cluster.used(object));
    [
        used.and_then(|used| pick(used, column)),
        pick(pod.requests(), column),
        pick(pod.limits(), column),
    ]
}
