//! What makes pods: how many it wants and has, its template, its children.

use super::object::{Depth, ago, origin_rows, pods, selected_by};
use super::{pod, row};
use crate::listing::Context;
use crate::objects::{Body, CronJob, Job, Object, Workload};
use crate::paint::Line;
use crate::panes::objects::{self, Told};
use crate::panes::{Block, workloads};
use crate::role::Role;

pub(super) fn workload(cx: &Context, object: &Object, depth: Depth) -> Vec<Block> {
    let told = Told::of(cx, object);
    let (word, role) = workloads::state(object);
    let status = Line::new().with(format!("{word}  "), role);
    let mut blocks = Vec::new();
    match (&object.body, object.workload()) {
        (_, Some(it)) => blocks.extend(counts(told, status, it)),
        (Body::Job(job), _) => blocks.extend(job_rows(cx, told, status, job)),
        (Body::CronJob(cron), _) => blocks.extend(cron_rows(cx, told, status, cron)),
        _ => {}
    }
    blocks.extend(origin_rows(cx, told, object));
    let cluster = objects::cluster_of(cx, object);
    let all = cluster.map_or_else(Vec::new, |cluster| cluster.pods_of(object));
    if depth == Depth::Whole {
        blocks.extend(children(cx, object));
        let labels = all.first().map(|pod| &pod.labels);
        let pairs = object.workload().map(|workload| &workload.selector.pairs);
        if let Some(labels) = labels.or(pairs) {
            blocks.extend(selected_by(cx, object, labels));
        }
        blocks.extend(pods(cx, "pods", &all));
    } else {
        // Those that are well are no news.
        let unsettled: Vec<_> = all.into_iter().filter(|pod| !pod.is_settled()).collect();
        blocks.extend(pods(cx, "unsettled", &unsettled));
    }
    blocks
}

fn counts(told: Told, status: Line, workload: &Workload) -> Vec<Block> {
    let line = status.text(format!(
        "{} of {} ready, {} up to date, {} available",
        workload.ready, workload.desired, workload.updated, workload.available
    ));
    let line = if workload.observed {
        line
    } else {
        line.with("  the controller has not seen the newest spec", Role::Info)
    };
    let mut blocks = vec![row("status", told.line(line))];
    for kind in ["Progressing", "ReplicaFailure"] {
        if let Some(condition) = workload.condition(kind).filter(|c| !c.message.is_empty()) {
            let line = Line::new()
                .dim(format!("{}  ", condition.reason))
                .text(condition.message.to_string());
            let label = if kind == "Progressing" {
                "rollout"
            } else {
                "failure"
            };
            blocks.push(row(label, told.line(line)));
        }
    }
    for (nth, (name, image)) in workload.images.iter().enumerate() {
        let line = Line::new().text(format!("{name}  ")).dim(image.to_string());
        blocks.push(row(if nth == 0 { "images" } else { "" }, told.line(line)));
    }
    let line = Line::new().text(format!(
        "requests {}  limits {}",
        pod::resources(workload.requests),
        pod::resources(workload.limits)
    ));
    blocks.push(row("each pod", told.line(line)));
    blocks
}

fn job_rows(cx: &Context, told: Told, status: Line, job: &Job) -> Vec<Block> {
    let wanted = job
        .completions
        .map_or_else(|| "any".into(), |count| count.to_string());
    let line = status.text(format!(
        "{} of {wanted} done, {} active, {} failed",
        job.succeeded, job.active, job.failed
    ));
    let mut blocks = vec![row("status", told.line(line))];
    for (label, at) in [("started", job.started), ("completed", job.completed)] {
        if let Some(at) = at {
            let line = Line::new().text(format!("{} ago", ago(cx, at)));
            blocks.push(row(label, told.line(line)));
        }
    }
    blocks
}

fn cron_rows(cx: &Context, told: Told, status: Line, cron: &CronJob) -> Vec<Block> {
    let zone = cron
        .time_zone
        .as_deref()
        .unwrap_or("the controller's time zone");
    let line = status
        .text(format!("{}  ", cron.schedule))
        .dim(zone.to_owned());
    let mut blocks = vec![row("status", told.line(line))];
    for (label, at) in [
        ("last begun", cron.last_scheduled),
        ("last done", cron.last_successful),
    ] {
        let text = at.map_or_else(|| "never".into(), |at| format!("{} ago", ago(cx, at)));
        blocks.push(row(label, told.line(Line::new().text(text))));
    }
    blocks
}

/// What it controls that is no pod: replica sets, jobs; those with pods first.
fn children(cx: &Context, object: &Object) -> Vec<Block> {
    let mut blocks = Vec::new();
    let owned = cx.snap.model.objects().owned_by(object).iter();
    let mut children: Vec<_> = owned
        .filter(|child| !matches!(child.body, Body::Pod(_)))
        .collect();
    children.sort_by_key(|child| {
        let desired = child.workload().map_or(0, |workload| workload.desired);
        (std::cmp::Reverse(desired), std::cmp::Reverse(child.created))
    });
    for child in children.into_iter().take(super::object::LISTED) {
        let (word, role) = workloads::state(child);
        let age = child
            .created
            .map_or_else(String::new, |at| format!("  {} ago", ago(cx, at)));
        let ready = child.workload().map_or_else(String::new, |workload| {
            format!("  {}/{} ready", workload.ready, workload.desired)
        });
        let line = Line::new()
            .with(format!("{word:<12} "), role)
            .text(objects::short_name(child))
            .dim(format!("{ready}{age}"));
        let label = if blocks.is_empty() { "children" } else { "" };
        blocks.push(row(label, Told::of(cx, child).line(line)));
    }
    blocks
}
