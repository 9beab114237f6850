//! Workloads: what makes pods, how many there should be, and how many are ready.

use super::objects::{self, About, ObjectPane, Told};
use super::{Extra, Pane, detail};
use crate::listing::{Cell, Column, Context, MovedBy, ObjectListing, SortValue};
use crate::model::objects::Move;
use crate::objects::{Body, CronJob, Job, Object, ObjectKind, Status, Workload};
use crate::paint::Line;
use crate::role::Role;
use crate::subject::Subject;
use crate::units;

pub static PANE: Pane = Pane {
    listing: &Workloads,
    head,
    preview: detail::glance,
};

struct Workloads;

const KINDS: &[ObjectKind] = &[
    ObjectKind::Deployment,
    ObjectKind::StatefulSet,
    ObjectKind::DaemonSet,
    ObjectKind::Job,
    ObjectKind::CronJob,
];

static ABOUT: About = About {
    id: "workloads",
    title: "Workloads",
    doc: "Deployments, stateful sets, daemon sets, jobs, cron jobs: ready of wanted; Enter shows their pods.",
    columns: &[
        Column::names("cluster", "CLUSTER", 6..=24, 2),
        Column::names("namespace", "NAMESPACE", 9..=30, 1),
        Column::names("name", "NAME", 12..=60, 0),
        Column::left("kind", "KIND", 6..=11, 1),
        Column::right("ready", "READY", 5..=11, 1),
        Column::left("status", "STATUS", 10..=14, 0),
        Column::right("updated", "UP TO DATE", 10..=10, 5),
        Column::right("available", "AVAILABLE", 9..=9, 4),
        Column::right("restarts", "RESTARTS", 8..=8, 3),
        Column::left("images", "IMAGES", 12..=90, 6),
        Column::ages("age", "AGE", 5..=14, 0),
    ],
};

impl ObjectPane for Workloads {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn own_cell(&self, cx: &Context, object: &Object, told: Told, column: &'static str) -> Cell {
        match column {
            "kind" => Cell::text(object.kind().subject_kind().word(), Role::Dim),
            "status" => {
                let (word, role) = state(object);
                told.state(word, role)
            }
            "restarts" => restarts(cx, told, object),
            _ => match &object.body {
                Body::Job(job) => job_cell(told, job, column),
                Body::CronJob(cron) => cron_cell(told, cron, column),
                _ => match object.workload() {
                    Some(workload) => workload_cell(told, workload, column),
                    None => Cell::none(),
                },
            },
        }
    }
}

impl ObjectListing for Workloads {
    fn kinds(&self) -> &'static [ObjectKind] {
        KINDS
    }

    fn more_kinds(&self) -> &'static [ObjectKind] {
        &[ObjectKind::ReplicaSet]
    }

    fn moved_by(&self, column: &'static str) -> MovedBy {
        match column {
            "restarts" => MovedBy::Others,
            _ => MovedBy::Itself,
        }
    }

    fn sort_value(&self, object: &Object, column: &'static str) -> SortValue {
        if let Some(value) = objects::common_value(object, column) {
            return value;
        }
        let (desired, ready, updated, available) = counts(object);
        let lacking = |have: u32| SortValue::Number(-f64::from(desired.saturating_sub(have)));
        match column {
            "kind" => SortValue::Number(f64::from(object.kind().subject_kind() as u8)),
            "status" => SortValue::Number(rank(object)),
            "ready" => lacking(ready),
            "updated" => lacking(updated),
            "available" => lacking(available),
            _ => match object
                .workload()
                .and_then(|workload| workload.images.first())
            {
                Some((_, image)) => SortValue::Word(image.clone()),
                None => SortValue::Nothing,
            },
        }
    }

    fn volatile_value(&self, cx: &Context, object: &Object, column: &'static str) -> SortValue {
        let restarts = objects::cluster_of(cx, object).map(|cluster| cluster.restarts(object));
        match (column, restarts.map(objects::number)) {
            ("restarts", Some(SortValue::Number(count))) => SortValue::Number(-count),
            _ => SortValue::Nothing,
        }
    }

    /// What made a pod, and what made that; what made a set of pods that comes or goes.
    fn touched(
        &self,
        cx: &Context,
        _: &'static str,
        one: &Move,
        each: &mut dyn FnMut(Subject),
    ) -> bool {
        let objects = cx.snap.model.objects();
        for object in one.old.iter().chain(&one.new) {
            let mut maker = objects.owner_of(object);
            // Restarts are counted through two levels.
            for _ in 0..2 {
                let Some(known) = maker else { break };
                each(known.subject());
                maker = objects.owner_of(known);
            }
        }
        true
    }

    fn words(&self, object: &Object, each: &mut dyn FnMut(&str)) {
        each(&object.namespace);
        each(&object.name);
        each(object.kind().subject_kind().word());
        each(state(object).0);
        for (_, image) in object.workload().into_iter().flat_map(|w| &w.images) {
            each(image);
        }
        if let Body::CronJob(cron) = &object.body {
            each(&cron.schedule);
        }
    }
}

/// Wanted, ready, up to date and available pods.
fn counts(object: &Object) -> (u32, u32, u32, u32) {
    match (&object.body, object.workload()) {
        (_, Some(w)) => (w.desired, w.ready, w.updated, w.available),
        (Body::Job(job), _) => {
            let done = job.succeeded;
            (job.completions.unwrap_or(job.parallelism), done, done, done)
        }
        _ => (0, 0, 0, 0),
    }
}

/// The word for the state of what makes pods, and how it is meant.
#[must_use]
pub fn state(object: &Object) -> (&'static str, Role) {
    if object.deleting.is_some() {
        return ("terminating", Role::Info);
    }
    match (&object.body, object.workload()) {
        (_, Some(workload)) => workload_state(workload),
        (Body::Job(job), _) => job_state(job),
        (Body::CronJob(cron), _) if cron.suspended => ("suspended", Role::Dim),
        (Body::CronJob(cron), _) if cron.active > 0 => ("running", Role::StateOk),
        (Body::CronJob(_), _) => ("scheduled", Role::StateOk),
        _ => ("?", Role::Unknown),
    }
}

fn workload_state(workload: &Workload) -> (&'static str, Role) {
    let says = |kind: &str, status| workload.condition(kind).is_some_and(|c| c.status == status);
    if says("Progressing", Status::False) {
        ("stuck", Role::StateBad)
    } else if says("ReplicaFailure", Status::True) {
        ("failing", Role::StateBad)
    } else if workload.paused {
        ("paused", Role::Info)
    } else if workload.ready < workload.desired {
        ("not ready", Role::Warning)
    } else if !workload.observed || workload.updated < workload.desired {
        ("rolling out", Role::Info)
    } else if workload.available < workload.desired {
        ("settling", Role::Info)
    } else if workload.desired == 0 {
        ("scaled to 0", Role::Dim)
    } else {
        ("ok", Role::StateOk)
    }
}

fn job_state(job: &Job) -> (&'static str, Role) {
    if job.holds("Failed").is_some() {
        ("failed", Role::StateBad)
    } else if job.holds("Complete").is_some() {
        ("complete", Role::Dim)
    } else if job.suspended {
        ("suspended", Role::Dim)
    } else if job.failed > 0 {
        ("retrying", Role::Warning)
    } else if job.active > 0 {
        ("running", Role::StateOk)
    } else {
        ("waiting", Role::Info)
    }
}

/// Worst first.
fn rank(object: &Object) -> f64 {
    match state(object).1 {
        Role::StateBad => 0.0,
        Role::Unknown => 1.0,
        Role::Warning => 2.0,
        Role::Info => 3.0,
        Role::StateOk => 4.0,
        _ => 5.0,
    }
}

fn of(told: Told, have: u32, want: u32) -> Cell {
    let role = if have < want {
        Role::Warning
    } else {
        Role::Text
    };
    told.value(format!("{have}/{want}"), role)
}

fn workload_cell(told: Told, workload: &Workload, column: &str) -> Cell {
    let count = |have: u32| {
        let role = if have < workload.desired {
            Role::Info
        } else {
            Role::Dim
        };
        told.value(have.to_string(), role)
    };
    match column {
        "ready" => of(told, workload.ready, workload.desired),
        "updated" => count(workload.updated),
        "available" => count(workload.available),
        _ if workload.images.is_empty() => Cell::none(),
        _ => {
            let images = workload.images.iter().map(|(_, image)| short_image(image));
            told.value(images.collect::<Vec<_>>().join(" "), Role::Dim)
        }
    }
}

/// An image without its digest and the registry that it is pulled from.
fn short_image(image: &str) -> &str {
    let bare = image.split_once('@').map_or(image, |(name, _)| name);
    let host = |first: &str| first.contains(['.', ':']) || first == "localhost";
    match bare.split_once('/') {
        Some((first, rest)) if host(first) => rest,
        _ => bare,
    }
}

fn job_cell(told: Told, job: &Job, column: &str) -> Cell {
    match column {
        "ready" if job.holds("Complete").is_some() => told.value(ratio_of(job), Role::Dim),
        "ready" => told.value(ratio_of(job), Role::Text),
        _ => Cell::none(),
    }
}

fn ratio_of(job: &Job) -> String {
    format!("{}/{}", job.succeeded, job.completions.unwrap_or(1))
}

fn cron_cell(told: Told, cron: &CronJob, column: &str) -> Cell {
    match column {
        "ready" if cron.active > 0 => told.value(cron.active.to_string(), Role::Text),
        "images" => told.value(format!("at {}", cron.schedule), Role::Dim),
        _ => Cell::none(),
    }
}

fn restarts(cx: &Context, told: Told, object: &Object) -> Cell {
    let Some(told) = super::nodes::told_of_load(cx, told, object) else {
        return Cell::unknown();
    };
    let count = objects::cluster_of(cx, object).map_or(0, |cluster| cluster.restarts(object));
    let role = if count == 0 { Role::Dim } else { Role::Text };
    told.value(count.to_string(), role)
}

fn head(cx: &Context, extra: &Extra) -> Vec<Line> {
    let counts = KINDS.iter().map(|kind| {
        let of_cluster = |cluster: &crate::model::objects::Cluster| match &cx.scope.namespace {
            Some(namespace) => cluster.count_in(*kind, namespace),
            None => cluster.count(*kind),
        };
        (
            kind.plural(),
            objects::in_scope(cx).map(of_cluster).sum::<usize>(),
        )
    });
    let words = counts
        .filter(|(_, count)| *count > 0)
        .map(|(plural, count)| format!("{plural} {}", units::grouped(count)));
    let words: Vec<String> = words.collect();
    let doubts = objects::doubts(cx, KINDS);
    if words.is_empty() || extra.part {
        return doubts;
    }
    let line = Line::new().dim(words.join("   "));
    std::iter::once(line).chain(doubts).collect()
}
