//! Everything about one Kubernetes object: what it is, what it hangs together with, what happened.
//! Every line says how old it is where it is not fresh.

use super::{findings_on, node, pod, row, smaller, title, workload};
use crate::listing::Context;
use crate::model::objects::Cluster;
use crate::objects::{About, Body, Condition, Labels, Object, ObjectKind, Status};
use crate::paint::Line;
use crate::panes::objects::{self, Told};
use crate::panes::{Block, events};
use crate::role::Role;
use crate::subject::Subject;
use crate::units;

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The most telling lines, below a table.
    Glance,
    Whole,
}

/// Objects listed at most on a page of another one.
pub const LISTED: usize = 60;
/// Events below a table.
const NEWEST: usize = 4;

/// One object, as it is known; nothing where it is not there.
#[must_use]
pub fn object(cx: &Context, subject: &Subject, depth: Depth) -> Vec<Block> {
    let Some(object) = cx.snap.model.objects().get(subject) else {
        return gone(cx, subject);
    };
    let Some(cluster) = objects::cluster_of(cx, object) else {
        return Vec::new();
    };
    // Alike events are told as one.
    let object = cluster.event_group_of(object).unwrap_or(object);
    let told = Told::of(cx, object);
    let mut blocks = vec![title(subject.to_string())];
    blocks.extend(findings_on(cx, subject));
    if let Some(deleting) = object.deleting {
        let text = format!("asked for {} ago", ago(cx, deleting));
        let line = Line::new()
            .with("terminating", Role::Warning)
            .dim(format!("  {text}"));
        blocks.push(row("deletion", told.line(line)));
    }
    blocks.extend(match &object.body {
        Body::Pod(it) => pod::pod(cx, object, it, depth),
        Body::Node(it) => node::node(cx, object, it, depth),
        Body::Deployment(_)
        | Body::StatefulSet(_)
        | Body::DaemonSet(_)
        | Body::ReplicaSet(_)
        | Body::Job(_)
        | Body::CronJob(_) => workload::workload(cx, object, depth),
        _ => smaller::smaller(cx, object),
    });
    match depth {
        Depth::Glance => {
            let happened = happened(cx, cluster, object);
            let old = happened.len().saturating_sub(NEWEST);
            blocks.extend(happened.into_iter().skip(old));
        }
        Depth::Whole => {
            blocks.extend(labels(told, &object.labels));
            let conditions = conditions(cx, told, object);
            blocks.push(Block::Columns(conditions, happened(cx, cluster, object)));
        }
    }
    blocks
}

fn gone(cx: &Context, subject: &Subject) -> Vec<Block> {
    let found = findings_on(cx, subject);
    let mut blocks = vec![title(subject.to_string())];
    blocks.extend(found);
    let line = Line::new().with("it is not there, or not known", Role::Unknown);
    blocks.push(Block::Line(line));
    blocks
}

#[must_use]
pub fn ago(cx: &Context, at: jiff::Timestamp) -> String {
    units::age(objects::since(cx, at))
}

/// `created 3h02m ago` and who made it, at any height.
#[must_use]
pub fn origin_rows(cx: &Context, told: Told, object: &Object) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(created) = object.created {
        let line = Line::new().text(format!("{} ago", ago(cx, created)));
        blocks.push(row("created", told.line(line)));
    }
    let mut chain = Vec::new();
    let mut at = object;
    // Ownership has few levels; a circle must not hang.
    while let Some(owner) = at.owner.as_ref().filter(|_| chain.len() < 8) {
        chain.push(format!("{}/{}", owner.kind.to_lowercase(), owner.name));
        match cx.snap.model.objects().owner_of(at) {
            Some(above) => at = above,
            None => break,
        }
    }
    if !chain.is_empty() {
        let line = Line::new().text(chain.join("  of  "));
        blocks.push(row("made by", told.line(line)));
    }
    blocks
}

/// Services and disruption budgets whose selectors take these labels.
#[must_use]
pub fn selected_by(cx: &Context, object: &Object, labels: &Labels) -> Vec<Block> {
    let Some(cluster) = objects::cluster_of(cx, object) else {
        return Vec::new();
    };
    let mut blocks = Vec::new();
    for service in cluster.in_namespace(ObjectKind::Service, &object.namespace) {
        if let Body::Service(body) = &service.body
            && body
                .selector
                .as_ref()
                .is_some_and(|selector| selector.selects(labels))
        {
            let told = Told::of(cx, service);
            let line = Line::new().text(service.name.to_string()).dim(format!(
                "  {}  {}",
                body.kind,
                body.ports.join(" ")
            ));
            let label = if blocks.is_empty() { "services" } else { "" };
            blocks.push(row(label, told.line(line)));
        }
    }
    let services = blocks.len();
    for budget in cluster.in_namespace(ObjectKind::DisruptionBudget, &object.namespace) {
        if let Body::DisruptionBudget(body) = &budget.body
            && body.selector.selects(labels)
        {
            let role = if body.allowed == 0 {
                Role::Warning
            } else {
                Role::Text
            };
            let line = Line::new()
                .text(format!("{}  ", budget.name))
                .with(format!("{} may go", body.allowed), role)
                .dim(format!("  {} healthy of {}", body.healthy, body.expected));
            let label = if blocks.len() == services {
                "budgets"
            } else {
                ""
            };
            blocks.push(row(label, Told::of(cx, budget).line(line)));
        }
    }
    blocks
}

/// Pods, those first that are not as they should be; at most [`LISTED`].
#[must_use]
pub fn pods(cx: &Context, label: &str, pods: &[&std::sync::Arc<Object>]) -> Vec<Block> {
    let mut sorted: Vec<_> = pods.iter().map(|pod| (pod.is_settled(), *pod)).collect();
    sorted.sort_by_key(|(settled, _)| *settled);
    let more = sorted.len().saturating_sub(LISTED);
    let mut blocks: Vec<Block> = Vec::new();
    for (_, object) in sorted.into_iter().take(LISTED) {
        let Body::Pod(pod) = &object.body else {
            continue;
        };
        let (word, role) = crate::panes::pods::state(object, pod);
        let (ready, all) = pod.ready_count();
        let node = pod.node.as_deref().unwrap_or("no node");
        let line = Line::new()
            .with(format!("{word:<18} "), role)
            .text(format!(
                "{ready}/{all}  {}/{}  ",
                object.namespace, object.name
            ))
            .dim(format!("restarts {}  on {node}", pod.restarts()));
        let label = if blocks.is_empty() { label } else { "" };
        blocks.push(row(label, Told::of(cx, object).line(line)));
    }
    if more > 0 {
        blocks.push(row(
            "",
            Line::new().dim(format!("and {more} more; Enter in the table lists all")),
        ));
    }
    blocks
}

fn labels(told: Told, labels: &Labels) -> Vec<Block> {
    if labels.is_empty() {
        return Vec::new();
    }
    let pairs: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
    let line = Line::new().dim(pairs.join("  "));
    vec![row("labels", told.line(line))]
}

/// The conditions of any kind of object.
fn conditions_of(object: &Object) -> &[Condition] {
    match &object.body {
        Body::Node(node) => &node.conditions,
        Body::Job(job) => &job.conditions,
        Body::Namespace(namespace) => &namespace.conditions,
        _ => object
            .workload()
            .map_or(&[], |workload| &workload.conditions),
    }
}

fn conditions(cx: &Context, told: Told, object: &Object) -> Vec<Block> {
    let all = conditions_of(object);
    if all.is_empty() {
        return Vec::new();
    }
    let lines = all.iter().map(|condition| {
        let (word, role) = match condition.status {
            Status::True => ("True", Role::Text),
            Status::False => ("False", Role::Text),
            Status::Unknown => ("Unknown", Role::Unknown),
        };
        let role = if is_amiss(condition) {
            Role::Warning
        } else {
            role
        };
        let since = condition
            .since
            .map_or_else(String::new, |at| format!("  {}", ago(cx, at)));
        let line = Line::new()
            .dim(" ")
            .text(format!("{:<20} ", condition.kind))
            .with(format!("{word:<8}"), role)
            .dim(format!("{since:<9}  {}  ", condition.reason))
            .text(condition.message.to_string());
        Block::Line(told.line(line))
    });
    std::iter::once(title("conditions")).chain(lines).collect()
}

/// Does a condition say that something is wrong? Some are good when they hold, some are not.
fn is_amiss(condition: &Condition) -> bool {
    let good_when_true = matches!(
        &*condition.kind,
        "Ready" | "Available" | "Progressing" | "Complete" | "SuccessCriteriaMet"
    );
    match condition.status {
        Status::True => !good_when_true,
        Status::False => good_when_true,
        Status::Unknown => true,
    }
}

/// What happened to an object, newest last.
fn happened(cx: &Context, cluster: &Cluster, object: &Object) -> Vec<Block> {
    let mut about: Vec<_> = match &object.body {
        Body::Event(event) => cluster.events_about(&event.about_key()).collect(),
        _ => cluster.events_about(&About::of(object)).collect(),
    };
    if about.is_empty() {
        return Vec::new();
    }
    about.sort_by_key(|event| match &event.body {
        Body::Event(event) => event.last,
        _ => None,
    });
    let old = about.len().saturating_sub(LISTED);
    let lines = about.into_iter().skip(old).filter_map(|object| {
        let Body::Event(event) = &object.body else {
            return None;
        };
        let last = event.last.map_or_else(|| "?".into(), |at| ago(cx, at));
        let times = if event.count > 1 {
            format!(" x{}", event.count)
        } else {
            String::new()
        };
        let line = Line::new()
            .dim(format!("{last:>7}{times:<5} "))
            .with(format!("{}  ", event.reason), events::state(event).1)
            .text(event.message.to_string());
        Some(Block::Line(Told::of(cx, object).line(line)))
    });
    std::iter::once(title("events")).chain(lines).collect()
}
