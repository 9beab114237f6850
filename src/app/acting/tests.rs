//! From keys to permits with a clock of its own: what may leave, and what may never.

mod afterwards;
mod laws;
mod named;
mod outcomes;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::actions::errand::End;
use crate::actions::record::Kind;
use crate::actions::refusal::Why;
use crate::actions::world::{self, World};
use crate::app::Page;
use crate::chord::Chord;
use crate::clock::Now;
use crate::event::{Drawn, Event};
use crate::intent::Intent;
use crate::listing::{Cell, Column, Context, Listing, Row};
use crate::objects::{Delta, Object, ObjectKind};
use crate::observation::Observation;

/// Nodes, as the pane of them will list them.
struct Nodes;

static COLUMNS: &[Column] = &[Column::left("node", "NODE", 4..=20, 0)];

impl Listing for Nodes {
    fn id(&self) -> &'static str {
        "nodes"
    }
    fn title(&self) -> &'static str {
        "Nodes"
    }
    fn doc(&self) -> &'static str {
        "Nodes."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }
    fn rows(&self, cx: &Context) -> Vec<Row> {
        let nodes = cx.snap.model.objects().all(ObjectKind::Node);
        let mut rows: Vec<Row> = nodes.map(Row::of).collect();
        // Cordoned ones first: an order that moves with the world.
        rows.sort_by_key(|row| {
            let object = row.object.clone();
            !object.is_some_and(|object| actions::node::is_cordoned(&object))
        });
        rows
    }
    fn cell(&self, _: &Context, row: &Row, _: &'static str) -> Cell {
        Cell::plain(row.key.subject().map_or("", Subject::leaf))
    }
}

/// A console in front of a cluster, with a reader who looks at each frame.
struct Seat {
    app: App,
    now: Now,
    /// Everything that left, oldest first.
    out: Vec<Errand>,
}

impl Seat {
    fn new() -> Self {
        let world = World::of_three();
        let mut seat = Self {
            app: App::new(world.model, vec![&Nodes], 0, world.now),
            now: world.now,
            out: Vec::new(),
        };
        seat.frame();
        seat
    }

    fn send(&mut self, event: Event) {
        for effect in self.app.update(event) {
            if let Effect::Errand(errand) = effect {
                self.out.push(*errand);
            }
        }
    }

    fn frame(&mut self) {
        self.send(Event::Tick(self.now));
        self.app.refresh();
        let cursor = match self.app.page {
            None => self.app.selected(),
            Some(_) => None,
        };
        self.send(Event::Drawn(Drawn {
            rows: 20,
            cursor,
            ..Drawn::default()
        }));
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now.plus(Duration::from_millis(millis));
        self.send(Event::Tick(self.now));
    }

    /// One key as the driver hands it on, without a frame.
    fn key(&mut self, key: &str) {
        self.send(Event::Tick(self.now));
        self.send(Event::Pressed(self.now.stamp));
        let chord: Chord = key.parse().unwrap();
        if self.app.is_typing() || (self.app.pending.is_empty() && self.app.answers(chord)) {
            return self.send(Event::Typed(chord));
        }
        match key {
            "x" => return self.send(Event::Pending("x".into())),
            "c" | "u" if self.app.pending == "x" => {
                self.send(Event::Pending(String::new()));
                let intent = if key == "c" {
                    Intent::Cordon
                } else {
                    Intent::Uncordon
                };
                return self.send(Event::Intent(intent));
            }
            _ => {}
        }
        if !self.app.pending.is_empty() {
            return self.send(Event::Pending(String::new()));
        }
        let intent = match key {
            "j" => Intent::MoveDown,
            "k" => Intent::MoveUp,
            "esc" => Intent::Back,
            "q" => Intent::Quit,
            "u" => Intent::Undo,
            "A" => Intent::Arm,
            ":" => Intent::Palette,
            "/" => Intent::Filter,
            "ctrl-z" => Intent::Suspend,
            _ => return self.send(Event::Unbound(key.into())),
        };
        self.send(Event::Intent(intent));
    }

    /// Keys as a calm person presses them: each after a look at the screen.
    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.wait(1000);
            self.beat();
            self.frame();
            self.key(key);
            self.frame();
        }
    }

    fn command(&mut self, line: &str) {
        self.press(":");
        for c in line.chars() {
            let key = if c == ' ' {
                "space".into()
            } else {
                c.to_string()
            };
            self.key(&key);
        }
        self.key("enter");
        self.frame();
    }

    fn observe(&mut self, observation: Observation) {
        self.send(Event::Observed {
            next_poll: observation.at.stamp,
            observation: Box::new(observation),
            dropped: 0,
        });
    }

    fn beat(&mut self) {
        for kind in [
            ObjectKind::Node,
            ObjectKind::Pod,
            ObjectKind::DisruptionBudget,
        ] {
            self.observe(world::told("prod", kind, self.now, Vec::new()));
        }
    }

    fn put(&mut self, object: Object) {
        let deltas = vec![Delta::Put(Arc::new(object))];
        self.observe(world::told("prod", ObjectKind::Node, self.now, deltas));
    }

    /// The API server answers whatever was asked last, willingly.
    fn prepare(&mut self) {
        let asked = self.out.iter().rev().find_map(|errand| match errand {
            Errand::Prepare {
                ticket,
                plan,
                armed,
            } => Some((*ticket, plan.clone(), armed.is_some())),
            _ => None,
        });
        let Some((ticket, plan, armed)) = asked else {
            return;
        };
        let name = &plan.target.name;
        let mut live = world::willing(name, "41", self.now);
        if plan.action.id == "uncordon" {
            live.object = Ok(world::json_of_cordoned(name, "41"));
        }
        if !armed {
            live.dry_run = actions::live::DryRun::NotAsked("not armed");
        }
        let live = Box::new(live);
        self.send(Event::News(Box::new(News::Prepared { ticket, live })));
    }

    fn arm(&mut self) {
        self.command("arm 10m");
        assert!(self.app.acting.power.is_some(), "{:?}", self.app.notice());
    }

    fn runs(&self) -> usize {
        let runs = self.out.iter().filter(|e| matches!(e, Errand::Run { .. }));
        runs.count()
    }

    /// What is recorded of the disarming.
    fn disarmed(&self) -> Vec<String> {
        let notes = self.out.iter().filter_map(|errand| match errand {
            Errand::Record(entry) if entry.kind == Kind::Disarmed => entry.note.clone(),
            _ => None,
        });
        notes.collect()
    }

    fn notice(&self) -> &str {
        self.app.notice().unwrap_or_default()
    }
}

/// Armed, with the plan of the row under the cursor ready and on the screen.
fn ready() -> Seat {
    let mut seat = Seat::new();
    seat.arm();
    seat.press("x c");
    seat.prepare();
    seat.frame();
    assert_eq!(seat.app.page, Some(Page::Plan));
    seat
}

#[test]
fn armed_planned_read_and_confirmed_it_leaves_once() {
    let mut seat = ready();
    seat.press("y");
    assert_eq!(seat.runs(), 1);
    seat.press("y y y");
    assert_eq!(seat.runs(), 1, "a permit is for once");
    let Some(Errand::Run { permit, .. }) =
        seat.out.iter().find(|e| matches!(e, Errand::Run { .. }))
    else {
        panic!("no run")
    };
    assert_eq!(permit.plan().title(), "cordon w-1");
    let body = &permit.plan().steps[0].call.body;
    assert_eq!(
        body.to_string(),
        r#"{"metadata":{"resourceVersion":"41","uid":"uid-w-1"},"spec":{"unschedulable":true}}"#
    );
}

#[test]
fn while_it_is_read_only_a_plan_is_shown_and_nothing_leaves() {
    let mut seat = Seat::new();
    seat.press("x c");
    seat.prepare();
    seat.press("y y");
    assert_eq!(seat.runs(), 0);
    assert!(seat.notice().contains("read-only"), "{}", seat.notice());
    let tried = seat
        .out
        .iter()
        .any(|errand| matches!(errand, Errand::Prepare { armed: Some(_), .. }));
    assert!(!tried, "not even a dry run without power");
    let refused = seat
        .out
        .iter()
        .filter(|errand| matches!(errand, Errand::Record(entry) if entry.kind == Kind::Refused));
    assert_eq!(refused.count(), 1, "recorded once, not at each key");
}

#[test]
fn armed_from_the_plan_it_is_tried_and_can_be_confirmed() {
    let mut seat = Seat::new();
    seat.press("x c");
    seat.prepare();
    seat.press("A y");
    assert_eq!(seat.app.page, Some(Page::Plan), "back on the plan");
    assert!(seat.app.acting.power.is_some());
    seat.prepare();
    seat.frame();
    seat.press("y");
    assert_eq!(seat.runs(), 1);
}

#[test]
fn another_clusters_power_does_not_do() {
    let mut seat = Seat::new();
    let mut other = world::node("s-1");
    other.cluster = "stage".into();
    world::register(&mut seat.app.model, "stage");
    let deltas = vec![
        Delta::Begin(ObjectKind::Node),
        Delta::Put(Arc::new(other)),
        Delta::Synced(ObjectKind::Node),
    ];
    seat.observe(world::told("stage", ObjectKind::Node, seat.now, deltas));
    seat.frame();
    seat.command("arm stage 10m");
    assert!(seat.app.acting.power.is_some(), "{}", seat.notice());
    seat.press("x c");
    seat.prepare();
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    assert!(
        seat.notice().contains("not armed for prod"),
        "{}",
        seat.notice()
    );
}

#[test]
fn the_key_that_comes_with_the_plan_confirms_nothing() {
    let mut seat = Seat::new();
    seat.arm();
    seat.wait(1000);
    seat.frame();
    for key in ["x", "c", "y"] {
        seat.key(key);
    }
    seat.prepare();
    seat.frame();
    seat.key("y");
    assert_eq!(seat.runs(), 0);
    assert!(seat.notice().starts_with("too early"), "{}", seat.notice());
    // A key that is held down comes again and again, and never counts.
    for _ in 0..100 {
        seat.wait(30);
        seat.frame();
        seat.key("y");
    }
    assert_eq!(seat.runs(), 0);
    seat.press("y");
    assert_eq!(seat.runs(), 1);
}

#[test]
fn a_plan_that_was_never_drawn_cannot_be_confirmed() {
    let mut seat = Seat::new();
    seat.arm();
    seat.press("x c");
    seat.prepare();
    seat.wait(5000);
    seat.key("y");
    assert_eq!(seat.runs(), 0);
}

#[test]
fn a_table_that_moves_redirects_nothing() {
    let mut seat = Seat::new();
    seat.arm();
    seat.wait(1000);
    seat.frame();
    seat.key("x");
    // Between the two keys another node comes to the top, and is drawn there.
    seat.put(world::cordoned("w-3"));
    seat.frame();
    seat.key("c");
    let open = seat.app.acting.proposal().unwrap();
    assert_eq!(open.subject.leaf(), "w-1");
    // And where it moved before the first key was drawn, nothing is aimed at.
    let mut seat = Seat::new();
    seat.key("j");
    seat.key("x");
    seat.key("c");
    assert!(seat.app.acting.proposal().is_none());
    assert!(seat.notice().contains("moved"), "{}", seat.notice());
}

#[test]
fn a_node_that_was_replaced_between_look_and_key_is_not_taken() {
    let mut seat = Seat::new();
    seat.arm();
    seat.wait(1000);
    seat.frame();
    seat.key("x");
    let mut again = world::node("w-1");
    again.uid = "another".into();
    seat.put(again);
    seat.key("c");
    let open = seat.app.acting.proposal().unwrap();
    let State::Refused(refusal) = &open.state else {
        panic!("not refused")
    };
    assert_eq!(refusal.why, Why::Replaced);
}

#[test]
fn what_is_so_already_is_refused_with_what_would_have_been_done() {
    let mut seat = Seat::new();
    seat.put(world::cordoned("w-1"));
    seat.press("x c");
    let open = seat.app.acting.proposal().unwrap();
    let State::Refused(refusal) = &open.state else {
        panic!("not refused")
    };
    assert_eq!(refusal.why, Why::Already);
    assert_eq!(refusal.would.as_ref().unwrap().title(), "cordon w-1");
}

#[test]
fn what_changes_after_the_preview_makes_the_plan_void_and_is_named() {
    let mut seat = ready();
    seat.put(world::node_but("w-1", |node| {
        node.conditions[0].status = crate::objects::Status::Unknown;
    }));
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    let remade = seat.app.acting.proposal().unwrap().remade.clone().unwrap();
    assert!(remade.contains("Ready was True, is Unknown"), "{remade}");
    // Read anew, it can be confirmed.
    seat.prepare();
    seat.frame();
    seat.press("y");
    assert_eq!(seat.runs(), 1);
}

#[test]
fn an_old_plan_is_made_anew() {
    let mut seat = ready();
    for _ in 0..13 {
        seat.wait(10_000);
        seat.beat();
        seat.frame();
    }
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    assert!(seat.notice().contains("older than"), "{}", seat.notice());
}

#[test]
fn power_ends_by_itself_and_says_why() {
    type End = (&'static str, fn(&mut Seat));
    let ends: [End; 6] = [
        ("no key for 5m00s", |seat| {
            for _ in 0..31 {
                seat.wait(10_000);
                seat.beat();
            }
        }),
        ("the time is over", |seat| {
            for _ in 0..61 {
                seat.wait(10_000);
                seat.beat();
                seat.key("esc");
            }
        }),
        ("suspended", |seat| {
            let now = seat.now;
            let slept = Duration::from_secs(3);
            seat.send(Event::Resumed { slept, now });
        }),
        ("suspended", |seat| seat.key("ctrl-z")),
        ("silent", |seat| {
            for _ in 0..4 {
                seat.wait(10_000);
                seat.key("esc");
            }
        }),
        ("another cluster", |seat| {
            seat.app.scope.cluster = Some("stage".into());
            seat.wait(1);
        }),
    ];
    for (why, end) in ends {
        let mut seat = ready();
        end(&mut seat);
        assert!(seat.app.acting.power.is_none(), "{why}");
        let said = seat.disarmed();
        assert!(said.len() == 1 && said[0].contains(why), "{why}: {said:?}");
        seat.press("y");
        assert_eq!(seat.runs(), 0, "{why}");
    }
}

#[test]
fn that_power_ended_and_why_stands_on_the_hint_line() {
    let mut seat = ready();
    for _ in 0..31 {
        seat.wait(10_000);
        seat.beat();
        if seat.app.acting.power.is_none() {
            break;
        }
    }
    assert_eq!(seat.notice(), "read-only again: no key for 5m00s");
}
