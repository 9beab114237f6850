//! From keys to permits with a clock of its own: what may leave, and what may never.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::actions::world::{self, World};
use crate::app::{App, Page};
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
            } => Some((*ticket, plan.target.name.clone(), armed.is_some())),
            _ => None,
        });
        let Some((ticket, name, armed)) = asked else {
            return;
        };
        let mut live = world::willing(&name, "41", self.now);
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

#[test]
fn no_audit_no_power() {
    let mut seat = ready();
    seat.send(Event::News(Box::new(News::NotRecorded("disk full".into()))));
    assert!(seat.app.acting.power.is_none());
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    seat.command("arm 10m");
    assert!(seat.app.acting.power.is_none());
    assert!(seat.notice().contains("disk full"), "{}", seat.notice());
}

/// The runner's side of a run, as far as the core hears of it.
fn flown(end: End) -> (Seat, ActionId) {
    let mut seat = ready();
    seat.press("y");
    let Some(Errand::Run { ticket, permit }) = seat.out.pop() else {
        panic!("no run")
    };
    let id = ActionId(7);
    let entry = Entry {
        action: Some(id),
        ..permit.intent(actions::record::Who::default())
    };
    let record = actions::record::Record {
        seq: 7,
        at: seat.now.wall,
        entry,
        process: actions::record::Process::default(),
        prev: crate::digest::Digest::NOTHING,
    };
    let mut attempt = record.clone();
    attempt.seq += 1;
    attempt.entry = Entry::of(Kind::Attempt, id);
    for record in [record, attempt] {
        seat.send(Event::News(Box::new(News::Recorded {
            ticket: Some(ticket),
            record: Box::new(record),
        })));
    }
    seat.send(Event::News(Box::new(News::Ended { ticket, end })));
    (seat, id)
}

fn found_of(seat: &Seat) -> Vec<(Kind, actions::record::Found)> {
    let records = seat.out.iter().filter_map(|errand| match errand {
        Errand::Record(entry) => Some((entry.kind, entry.found?)),
        _ => None,
    });
    records.collect()
}

#[test]
fn the_servers_yes_is_not_success_and_the_next_observation_is() {
    use actions::record::Found;
    let (mut seat, _) = flown(End::Accepted);
    assert!(found_of(&seat).is_empty());
    seat.wait(1000);
    seat.beat();
    assert!(found_of(&seat).is_empty(), "a beat says nothing about it");
    seat.put(world::cordoned("w-1"));
    assert_eq!(found_of(&seat), [(Kind::Observed, Found::InEffect)]);
    assert!(seat.notice().contains("done and seen"), "{}", seat.notice());
}

#[test]
fn what_nobody_sees_in_time_is_said_to_be_not_seen() {
    use actions::record::Found;
    let (mut seat, _) = flown(End::Accepted);
    for _ in 0..4 {
        seat.wait(10_000);
        seat.beat();
    }
    assert_eq!(found_of(&seat), [(Kind::Observed, Found::NotSeen)]);
}

#[test]
fn a_lost_answer_is_neither_failed_nor_done_until_somebody_looked() {
    use actions::record::Found;
    let (mut seat, id) = flown(End::Unknown("connection lost".into()));
    assert!(seat.notice().contains("UNKNOWN"), "{}", seat.notice());
    for _ in 0..4 {
        seat.wait(10_000);
        seat.beat();
    }
    assert_eq!(found_of(&seat), [(Kind::Observed, Found::NotSeen)]);
    let act = seat.app.acting.trail.act(id).unwrap();
    assert!(act.standing().is_open());
}

/// A trail as the next start reads it: an intent, perhaps with an attempt, and no end.
fn restarted(attempted: bool, age: i64) -> Seat {
    let (seat, _) = flown(End::Accepted);
    let act = seat.app.acting.trail.acts().next().unwrap();
    let mut intent = act.intent.clone();
    let mut seat = Seat::new();
    intent.at = seat.now.wall - jiff::SignedDuration::from_secs(age);
    let mut records = vec![intent.clone()];
    if attempted {
        let mut attempt = intent;
        attempt.seq += 1;
        attempt.entry.kind = Kind::Attempt;
        records.push(attempt);
    }
    let read = Ok((records, BTreeSet::new()));
    seat.send(Event::News(Box::new(News::Trail(read))));
    seat
}

#[test]
fn a_run_without_an_end_is_found_out_by_looking_at_the_object() {
    use actions::record::Found;
    let mut seat = restarted(true, 5);
    assert!(found_of(&seat).is_empty(), "it may still be on its way");
    seat.put(world::cordoned("w-1"));
    assert_eq!(found_of(&seat), [(Kind::Resolved, Found::InEffect)]);
    seat.wait(1000);
    assert_eq!(found_of(&seat).len(), 1, "said once");
    let seat = restarted(true, 600);
    assert_eq!(found_of(&seat), [(Kind::Resolved, Found::NotInEffect)]);
    let seat = restarted(false, 5);
    assert_eq!(found_of(&seat), [(Kind::Resolved, Found::NotInEffect)]);
}

#[test]
fn what_cannot_be_seen_is_not_resolved() {
    let (seat, _) = flown(End::Accepted);
    let act = seat.app.acting.trail.acts().next().unwrap();
    let intent = act.intent.clone();
    let mut seat = Seat::new();
    // The watch falls silent before the audit is read.
    for _ in 0..3 {
        seat.wait(10_000);
    }
    let read = Ok((vec![intent], BTreeSet::new()));
    seat.send(Event::News(Box::new(News::Trail(read))));
    seat.wait(600_000);
    assert!(found_of(&seat).is_empty());
    assert_eq!(seat.app.acting.trail.open().count(), 1);
}

#[test]
fn u_proposes_the_inverse_and_does_nothing_by_itself() {
    let (mut seat, id) = flown(End::Accepted);
    seat.put(world::cordoned("w-1"));
    seat.press("esc u");
    let open = seat.app.acting.proposal().unwrap();
    assert_eq!((open.action.id, open.undoes()), ("uncordon", Some(id)));
    let runs = seat.runs();
    seat.prepare();
    seat.frame();
    assert_eq!(seat.runs(), runs);
    seat.press("y");
    assert_eq!(seat.runs(), runs + 1);
}

#[test]
fn leaving_while_something_is_under_way_needs_a_second_word() {
    let (mut seat, _) = flown(End::Accepted);
    seat.app.page = None;
    assert!(
        !seat
            .app
            .update(Event::Intent(Intent::Quit))
            .contains(&Effect::Quit)
    );
    assert!(seat.notice().contains("under way"), "{}", seat.notice());
    assert!(
        seat.app
            .update(Event::Intent(Intent::Quit))
            .contains(&Effect::Quit)
    );
}

#[test]
fn what_stops_is_passed_only_with_a_reason() {
    let mut seat = Seat::new();
    seat.put(world::cordoned("w-2"));
    seat.put(world::cordoned("w-3"));
    seat.frame();
    seat.arm();
    // Cordoned ones are on top.
    seat.press("j j x c");
    seat.prepare();
    seat.frame();
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    assert!(seat.notice().contains(":override"), "{}", seat.notice());
    seat.command("override w-1 burns");
    seat.press("y");
    assert_eq!(seat.runs(), 1);
    let Some(Errand::Run { permit, .. }) = seat.out.last() else {
        panic!("no run")
    };
    assert_eq!(permit.plan().reason, "w-1 burns");
}

/// One thing that may happen to a console.
#[derive(Clone, Debug)]
enum Happening {
    Key(&'static str),
    Paste(&'static str),
    Command(&'static str),
    Wait(u64),
    Beat,
    Frame,
    Prepared,
    Suspend,
    Switch(Option<&'static str>),
    Cordon(&'static str, bool),
    Replace(&'static str),
    Ended,
}

fn happening() -> impl Strategy<Value = Happening> {
    let keys = prop::sample::select(vec![
        "x", "c", "u", "y", "y", "y", "r", "j", "k", "esc", "q", "A", ":", "/", "enter", "a", "1",
        "6", "ctrl-z", "space",
    ]);
    let pastes = prop::sample::select(vec![
        "y",
        "y\ry",
        ":arm 60m\r",
        "xcy",
        "cordon w-1\r",
        "\u{1b}[201~y",
    ]);
    let commands = prop::sample::select(vec![
        "arm 10m",
        "arm prod 60m",
        "arm stage",
        "disarm",
        "act cordon",
        "cordon why",
        "uncordon",
        "override because",
    ]);
    prop_oneof![
        8 => keys.prop_map(Happening::Key),
        1 => pastes.prop_map(Happening::Paste),
        2 => commands.prop_map(Happening::Command),
        2 => prop::sample::select(vec![1_u64, 30, 300, 599, 601, 1000]).prop_map(Happening::Wait),
        1 => prop::sample::select(vec![20_000_u64, 40_000, 130_000, 299_000, 301_000, 3_700_000]).prop_map(Happening::Wait),
        3 => Just(Happening::Beat),
        4 => Just(Happening::Frame),
        4 => Just(Happening::Prepared),
        1 => Just(Happening::Suspend),
        1 => prop::sample::select(vec![None, Some("prod"), Some("stage")]).prop_map(Happening::Switch),
        1 => (prop::sample::select(vec!["w-1", "w-2", "w-3"]), any::<bool>()).prop_map(|(n, c)| Happening::Cordon(n, c)),
        1 => prop::sample::select(vec!["w-1", "w-2"]).prop_map(Happening::Replace),
        1 => Just(Happening::Ended),
    ]
}

/// What has to be true for a request to leave, kept apart from the code that decides it.
#[derive(Debug, Default)]
struct Oracle {
    /// Until when it is armed for prod.
    until: Option<Now>,
    last_key: Option<Now>,
    heard: Option<Now>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nothing_leaves_without_power_or_before_it_was_read(all in prop::collection::vec(happening(), 1..60)) {
        let mut seat = Seat::new();
        let mut oracle = Oracle { heard: Some(seat.now), ..Oracle::default() };
        // When the plan that can be answered was drawn, and when keys came.
        let mut shown: Option<Now> = None;
        let mut keys: Vec<Now> = Vec::new();
        for one in all {
            let runs = seat.runs();
            let before = seat.app.acting.power.is_some();
            let key = matches!(one, Happening::Key(_));
            match one {
                Happening::Key(key) => {
                    keys.push(seat.now);
                    seat.key(key);
                }
                Happening::Paste(text) => {
                    seat.send(Event::Pressed(seat.now.stamp));
                    seat.send(Event::Pasted(text.into()));
                    prop_assert_eq!(seat.runs(), runs, "a paste confirmed it");
                }
                Happening::Command(line) => {
                    if !seat.app.is_typing() {
                        seat.key(":");
                        for c in line.chars() {
                            seat.key(&if c == ' ' { "space".into() } else { c.to_string() });
                        }
                        seat.key("enter");
                        keys.push(seat.now);
                    }
                    prop_assert_eq!(seat.runs(), runs, "a command confirmed it");
                }
                Happening::Wait(millis) => seat.wait(millis),
                Happening::Beat => {
                    seat.beat();
                    oracle.heard = Some(seat.now);
                }
                Happening::Frame => seat.frame(),
                Happening::Prepared => seat.prepare(),
                Happening::Suspend => {
                    let now = seat.now;
                    seat.send(Event::Resumed { slept: Duration::from_secs(9), now });
                    prop_assert!(seat.app.acting.power.is_none());
                }
                Happening::Switch(cluster) => {
                    seat.app.scope.cluster = cluster.map(Into::into);
                    seat.wait(0);
                }
                Happening::Cordon(name, closed) => {
                    seat.put(if closed { world::cordoned(name) } else { world::node(name) });
                    oracle.heard = Some(seat.now);
                }
                Happening::Replace(name) => {
                    let mut node = world::node(name);
                    node.uid = format!("{}-again", seat.now.stamp.0).into();
                    seat.put(node);
                    oracle.heard = Some(seat.now);
                }
                Happening::Ended => {
                    let ticket = seat.out.iter().rev().find_map(|e| match e {
                        Errand::Run { ticket, .. } => Some(*ticket),
                        _ => None,
                    });
                    if let Some(ticket) = ticket {
                        let end = End::Unknown("lost".into());
                        seat.send(Event::News(Box::new(News::Ended { ticket, end })));
                    }
                }
            }
            let ready = seat.app.acting.proposal().is_some_and(|open| matches!(open.state, State::Ready(_)) && open.shown.is_some());
            shown = if ready { shown.or(Some(seat.now)) } else if seat.runs() > runs { shown } else { None };
            if !before && let Some(armed) = seat.app.acting.armed() {
                oracle.until = Some(seat.now.plus(armed.left(seat.now.stamp)));
            }
            if seat.runs() > runs {
                prop_assert!(key, "only a key confirms");
                let Some(Errand::Run { permit, .. }) = seat.out.last() else {
                    return Err(TestCaseError::fail("a run that is not the last errand"));
                };
                // By the oracle: armed, not idle, heard of, read for long enough.
                prop_assert!(oracle.until.is_some_and(|until| seat.now.stamp < until.stamp));
                let silent = seat.now.stamp.since(oracle.heard.unwrap().stamp);
                prop_assert!(silent <= Duration::from_secs(31), "silent for {silent:?}");
                prop_assert!(permit.holds(seat.now.stamp));
                prop_assert_eq!(&**permit.armed().cluster(), "prod");
                let read = seat.now.stamp.since(shown.unwrap().stamp);
                prop_assert!(read >= Duration::from_millis(600), "read for {read:?}");
                let previous = keys.iter().rev().nth(1).unwrap();
                let rested = seat.now.stamp.since(previous.stamp);
                prop_assert!(rested >= Duration::from_millis(600), "rested for {rested:?}");
                // And of an object that is the one under that name now.
                let object = seat.app.model.objects().get(&permit.plan().subject).unwrap();
                prop_assert_eq!(&object.uid, &permit.plan().target.uid);
                shown = None;
            }
            oracle.last_key = keys.last().copied();
        }
        // A power that ended does not come back for what was permitted before.
        for errand in &seat.out {
            if let Errand::Run { permit, .. } = errand {
                let over = seat.app.acting.armed().is_none_or(|armed| !armed.is(permit.armed()));
                prop_assert!(!over || !permit.armed().holds(seat.now.stamp));
            }
        }
    }

    #[test]
    fn typed_ahead_and_held_keys_confirm_nothing(
        ahead in prop::collection::vec(prop::sample::select(vec!["y", "y", "x", "c", "enter", "j", "r", "esc", "space"]), 1..40),
        gaps in prop::collection::vec(0_u64..550, 40),
    ) {
        let mut seat = ready();
        // Keys that follow each other faster than a person reads, from the plan's first frame on.
        for (key, gap) in ahead.iter().zip(gaps) {
            seat.key(key);
            seat.wait(gap);
            seat.frame();
        }
        prop_assert_eq!(seat.runs(), 0);
    }
}
