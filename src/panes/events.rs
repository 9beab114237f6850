//! Events: what the cluster's own parts tell, alike ones together, newest first.

use super::objects::{self, About, ObjectPane, Told};
use super::{Extra, Pane, detail};
use crate::listing::{Cell, Column, Context, Direction, ObjectListing, SortValue};
use crate::objects::{Body, Event, EventType, Object, ObjectKind};
use crate::paint::Line;
use crate::role::Role;

pub static PANE: Pane = Pane {
    listing: &Events,
    head,
    preview: detail::glance,
};

struct Events;

const KINDS: &[ObjectKind] = &[ObjectKind::Event];

static ABOUT: About = About {
    id: "events",
    title: "Events",
    doc: "Kubernetes events, those of one reason about one object as one, newest first; o goes to the object.",
    columns: &[
        Column::ages("last", "LAST", 6..=14, 0),
        Column::right("count", "COUNT", 5..=7, 2),
        Column::right("first", "SINCE", 6..=8, 6),
        Column::left("type", "TYPE", 7..=7, 7),
        Column::left("reason", "REASON", 10..=30, 1),
        Column::names("cluster", "CLUSTER", 6..=24, 3),
        Column::names("namespace", "NAMESPACE", 9..=30, 4),
        Column::left("about", "OBJECT", 16..=50, 1),
        Column::left("message", "MESSAGE", 24..=200, 0),
    ],
};

impl ObjectPane for Events {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn own_cell(&self, cx: &Context, object: &Object, told: Told, column: &'static str) -> Cell {
        let Body::Event(event) = &object.body else {
            return Cell::none();
        };
        match column {
            "last" => told.since(cx, event.last),
            "first" => told.value(first(cx, event), Role::Dim),
            "count" if event.count > 1 => told.value(event.count.to_string(), Role::Text),
            "count" => told.value("1", Role::Dim),
            "type" => told.value(state(event).0, Role::Dim),
            "reason" => told.state(&*event.reason, state(event).1),
            "about" => told.name(about(event)),
            _ => told.value(&*event.message, Role::Dim),
        }
    }
}

impl ObjectListing for Events {
    fn kinds(&self) -> &'static [ObjectKind] {
        KINDS
    }

    fn natural(&self) -> Option<(&'static str, Direction)> {
        Some(("last", Direction::Up))
    }

    fn sort_value(&self, object: &Object, column: &'static str) -> SortValue {
        let Body::Event(event) = &object.body else {
            return SortValue::Nothing;
        };
        match column {
            "last" => objects::by_age(event.last),
            "first" => objects::by_age(event.first),
            "count" => SortValue::Number(-f64::from(event.count)),
            "type" => SortValue::Number(f64::from(u8::from(event.kind == EventType::Normal))),
            "reason" => SortValue::Word(event.reason.clone()),
            "about" => SortValue::Text(about(event)),
            "message" => SortValue::Word(event.message.clone()),
            _ => objects::common_value(object, column).unwrap_or(SortValue::Nothing),
        }
    }

    fn words(&self, object: &Object, each: &mut dyn FnMut(&str)) {
        let Body::Event(event) = &object.body else {
            return;
        };
        each(state(event).0);
        each(&event.reason);
        each(&event.about.1);
        each(&event.about.0);
        each(&event.about.2);
        each(&event.message);
        each(&event.source);
    }
}

/// Warnings are news, everything else is the course of things.
#[must_use]
pub fn state(event: &Event) -> (&'static str, Role) {
    match event.kind {
        EventType::Warning => ("Warning", Role::Warning),
        EventType::Normal => ("Normal", Role::Dim),
    }
}

/// `pod/web-1`.
#[must_use]
pub fn about(event: &Event) -> String {
    let (kind, _, name) = &event.about;
    match event.about_kind() {
        Some(kind) => format!("{}/{name}", kind.subject_kind().word()),
        None => format!("{}/{name}", kind.to_lowercase()),
    }
}

fn first(cx: &Context, event: &Event) -> String {
    let first = event.first.or(event.last);
    first.map_or_else(
        || "?".into(),
        |at| crate::units::age(objects::since(cx, at)),
    )
}

fn head(cx: &Context, _: &Extra) -> Vec<Line> {
    objects::doubts(cx, KINDS)
}
