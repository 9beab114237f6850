//! Pods: what runs where, whether it is ready, and how it ended last.

use super::objects::{self, About, ObjectPane, Told};
use super::{Extra, Pane, detail};
use crate::listing::{Cell, Column, Context, MovedBy, ObjectListing, SortValue};
use crate::objects::{
    Body, Container, ContainerState, Object, ObjectKind, Phase, Pod, Termination,
};
use crate::paint::Line;
use crate::role::Role;
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Pods,
    head,
    preview: detail::glance,
};

struct Pods;

const KINDS: &[ObjectKind] = &[ObjectKind::Pod];

static ABOUT: About = About {
    id: "pods",
    title: "Pods",
    doc: "Every pod: ready containers, status, restarts, last end, what it asks for and uses.",
    columns: &[
        Column::names("cluster", "CLUSTER", 6..=24, 2),
        Column::names("namespace", "NAMESPACE", 9..=30, 1),
        Column::names("name", "NAME", 12..=60, 0),
        Column::right("ready", "READY", 5..=6, 1),
        Column::left("status", "STATUS", 10..=26, 0),
        Column::left("restarts", "RESTARTS", 8..=10, 3),
        Column::left("last", "LAST END", 11..=28, 6),
        Column::right("cpu", "CPU USE/REQ/LIM", 15..=17, 7),
        Column::right("memory", "MEM USE/REQ/LIM", 15..=20, 7),
        Column::names("owner", "OWNER", 18..=40, 8),
        Column::names("node", "NODE", 8..=30, 5),
        Column::left("ip", "IP", 13..=39, 9),
        Column::ages("age", "AGE", 5..=14, 0),
    ],
};

impl ObjectPane for Pods {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn is_own_idle(&self, cx: &Context, column: &'static str) -> bool {
        match column {
            // What is asked for stands on the page of each; here it is what use is held against.
            "cpu" | "memory" => {
                !objects::in_scope(cx).any(|cluster| cluster.is_measured(ObjectKind::Pod))
            }
            _ => false,
        }
    }

    fn own_cell(&self, cx: &Context, object: &Object, told: Told, column: &'static str) -> Cell {
        let Body::Pod(pod) = &object.body else {
            return Cell::none();
        };
        match column {
            "ready" => ready(told, pod),
            "status" => {
                let (word, role) = state(object, pod);
                told.state(word, role)
            }
            "restarts" => restarts(cx, told, pod),
            "last" => match last_end(pod) {
                Some((_, end)) => told.value(ended(end), end_role(end)),
                None => Cell::none(),
            },
            "cpu" | "memory" => amounts(cx, told, object, column),
            "owner" => match objects::maker(cx, object) {
                Some(maker) => told.value(maker, Role::Dim),
                None => Cell::none(),
            },
            "node" => match &pod.node {
                Some(node) => told.value(&**node, Role::Text),
                None => Cell::none(),
            },
            _ => match &pod.ip {
                Some(ip) => told.value(&**ip, Role::Dim),
                None => Cell::none(),
            },
        }
    }
}

impl ObjectListing for Pods {
    fn kinds(&self) -> &'static [ObjectKind] {
        KINDS
    }

    fn moved_by(&self, column: &'static str) -> MovedBy {
        match column {
            "cpu" | "memory" => MovedBy::Metrics,
            _ => MovedBy::Itself,
        }
    }

    fn sort_value(&self, object: &Object, column: &'static str) -> SortValue {
        if let Some(value) = objects::common_value(object, column) {
            return value;
        }
        let Body::Pod(pod) = &object.body else {
            return SortValue::Nothing;
        };
        match column {
            "ready" => {
                let (ready, all) = pod.ready_count();
                let missing = all.saturating_sub(ready);
                objects::number(missing as u64)
            }
            "status" => SortValue::Text(state(object, pod).0),
            "restarts" => SortValue::Number(-f64::from(pod.restarts())),
            "last" => objects::by_age(last_end(pod).and_then(|(_, end)| end.finished)),
            "owner" => match &object.owner {
                Some(owner) => SortValue::Word(owner.name.clone()),
                None => SortValue::Nothing,
            },
            "node" => match &pod.node {
                Some(node) => SortValue::Word(node.clone()),
                None => SortValue::Nothing,
            },
            "ip" => match &pod.ip {
                Some(ip) => SortValue::Text(ip.to_string()),
                None => SortValue::Nothing,
            },
            _ => SortValue::Nothing,
        }
    }

    /// By use where it is measured, the largest first, else by what is asked for.
    fn volatile_value(&self, cx: &Context, object: &Object, column: &'static str) -> SortValue {
        let [used, requested, _] = objects::pod_amounts(cx, object, column);
        let measured = objects::cluster_of(cx, object)
            .is_some_and(|cluster| cluster.is_measured(ObjectKind::Pod));
        let amount = if measured { used } else { requested };
        match amount.map(objects::number) {
            Some(SortValue::Number(amount)) => SortValue::Number(-amount),
            _ => SortValue::Nothing,
        }
    }

    fn words(&self, object: &Object, each: &mut dyn FnMut(&str)) {
        each(&object.namespace);
        each(&object.name);
        if let Body::Pod(pod) = &object.body {
            each(&pod.status_word());
            if let Some(node) = &pod.node {
                each(node);
            }
            if let Some(ip) = &pod.ip {
                each(ip);
            }
        }
        if let Some(owner) = &object.owner {
            each(&owner.name);
        }
    }
}

/// The word for a pod's state, and how it is meant.
#[must_use]
pub fn state(object: &Object, pod: &Pod) -> (String, Role) {
    if object.deleting.is_some() {
        return ("Terminating".into(), Role::Info);
    }
    let word = pod.status_word();
    let role = match pod.phase {
        Phase::Succeeded => Role::Dim,
        Phase::Running if pod.ready && word == "Running" => Role::StateOk,
        Phase::Failed => Role::StateBad,
        Phase::Unknown => Role::Unknown,
        _ if is_broken(pod) => Role::StateBad,
        Phase::Running | Phase::Pending => Role::Warning,
    };
    // Every container is, the pod is not: its node or a readiness gate says otherwise.
    let (ready, all) = pod.ready_count();
    if word == "Running" && !pod.ready && ready == all {
        return ("NotReady".into(), role);
    }
    (word.into_owned(), role)
}

/// Does a container wait for something that will not come by itself?
fn is_broken(pod: &Pod) -> bool {
    pod.all_containers()
        .any(|container| match &container.state {
            ContainerState::Waiting(reason, _) => {
                reason.contains("BackOff") || reason.contains("Err") || reason.contains("Invalid")
            }
            ContainerState::Terminated(end) => end.exit_code != 0,
            ContainerState::Running(_) => false,
        })
}

fn ready(told: Told, pod: &Pod) -> Cell {
    let (ready, all) = pod.ready_count();
    let role = match pod.phase {
        Phase::Succeeded => Role::Dim,
        _ if ready < all => Role::Warning,
        _ => Role::Text,
    };
    told.value(format!("{ready}/{all}"), role)
}

/// How often it began anew, and how long ago the last time was.
fn restarts(cx: &Context, told: Told, pod: &Pod) -> Cell {
    /// A restart in this time is news.
    const RECENT: u64 = 600;
    let count = pod.restarts();
    if count == 0 {
        return told.value("0", Role::Dim);
    }
    let ago = last_end(pod).and_then(|(_, end)| end.finished);
    let ago = ago.map(|at| objects::since(cx, at));
    let role = match ago {
        Some(ago) if ago.as_secs() < RECENT => Role::Warning,
        _ => Role::Text,
    };
    match ago {
        Some(ago) if told.freshness.is_usable() => Cell::Runs(vec![
            (count.to_string().into(), role),
            (format!(" ({})", units::roughly(ago)).into(), Role::Dim),
        ]),
        _ => told.value(count.to_string(), role),
    }
}

/// The container that ended last before the present run of it, and how.
#[must_use]
pub fn last_end(pod: &Pod) -> Option<(&Container, &Termination)> {
    let ends = pod.all_containers().filter_map(|container| {
        let now = match &container.state {
            ContainerState::Terminated(end) if end.exit_code != 0 => Some(&**end),
            _ => None,
        };
        Some((container, container.last.as_deref().or(now)?))
    });
    ends.max_by_key(|(_, end)| end.finished)
}

/// `OOMKilled`, `Error 1`, `signal 9`.
#[must_use]
pub fn ended(end: &Termination) -> String {
    let reason = if end.reason.is_empty() {
        "ended"
    } else {
        &*end.reason
    };
    match (end.signal, end.exit_code) {
        (0, 0) => reason.to_owned(),
        (0, code) => format!("{reason} {code}"),
        (signal, _) => format!("{reason} signal {signal}"),
    }
}

#[must_use]
pub fn end_role(end: &Termination) -> Role {
    match &*end.reason {
        "Completed" => Role::Dim,
        "OOMKilled" => Role::Warning,
        _ => Role::Text,
    }
}

fn amounts(cx: &Context, told: Told, object: &Object, column: &str) -> Cell {
    let amounts = objects::pod_amounts(cx, object, column);
    if amounts == [None; 3] {
        return Cell::none();
    }
    let [used, _, limit] = amounts;
    let text = objects::three(amounts, objects::amount(column));
    told.value(text, objects::use_role(used, limit))
}

fn head(cx: &Context, extra: &Extra) -> Vec<Line> {
    let tally = objects::tally(cx);
    let mut line = Line::new().text(format!("{} ready", units::grouped(tally.ready as usize)));
    for (count, word, role) in [
        (
            tally.running.saturating_sub(tally.ready),
            "not ready",
            Role::Warning,
        ),
        (tally.pending, "pending", Role::Warning),
        (tally.failed, "failed", Role::StateBad),
        (tally.ended, "completed", Role::Dim),
    ] {
        let role = if count == 0 { Role::Dim } else { role };
        line = line.with(
            format!("   {} {word}", units::grouped(count as usize)),
            role,
        );
    }
    let doubts = objects::doubts(cx, KINDS);
    if extra.part || (tally.pods == 0 && !objects::are_known(cx, KINDS)) {
        return doubts;
    }
    std::iter::once(line).chain(doubts).collect()
}
