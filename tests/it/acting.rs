//! Acting from the keyboard, through `App::update` alone: what no key does while it is read-only,
//! and what the page of a plan shows on its way from the first look to the effect that was seen.

mod habits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use midwatch::actions::errand::{End, Errand, News, Ticket};
use midwatch::actions::guard::Permit;
use midwatch::actions::live::{DryRun, Identity, Live, May};
use midwatch::actions::plan::Plan;
use midwatch::actions::record::{ActionId, Ended, Entry, Kind, Outcome, Process, Record, Who};
use midwatch::app::asks::SCOPES;
use midwatch::app::{App, Page};
use midwatch::chord::Chord;
use midwatch::clock::Now;
use midwatch::digest::Digest;
use midwatch::effect::Effect;
use midwatch::event::{Drawn, Event};
use midwatch::glyph;
use midwatch::ids::{FeedId, TargetId};
use midwatch::intent::Intent;
use midwatch::keymap::{Keymap, Keys, Outcome as Pressed, PRESETS};
use midwatch::objects::{Body, Delta, Object, ObjectKind};
use midwatch::observation::{Harvest, Observation};
use midwatch::panes;
use midwatch::subject::Subject;
use midwatch::theme::{Depth, Themes};
use serde_json::json;

use crate::scene::Scene;
use crate::screens;

const SIZES: [(u16, u16); 2] = [(120, 36), (80, 24)];

/// A console and who sits at it; keys take the driver's way.
struct Seat {
    app: App,
    keymap: Arc<Keymap>,
    keys: Keys,
    now: Now,
    /// The screen that frames are drawn on; without one they only say that everything was shown.
    size: Option<(u16, u16)>,
    /// What left, oldest first.
    out: Vec<Errand>,
    /// The last plan that the API server was asked about and has not answered for.
    asked: Option<(Ticket, Box<Plan>, bool)>,
}

fn pane_ids() -> Vec<&'static str> {
    panes::listings().iter().map(|pane| pane.id()).collect()
}

fn keymap(preset: &str) -> Arc<Keymap> {
    Arc::new(Keymap::preset(preset, &pane_ids()).unwrap())
}

impl Seat {
    /// In front of the world as another console has it.
    fn new(world: &App, keymap: &Arc<Keymap>) -> Self {
        let mut app = App::new(world.model.clone(), panes::listings(), 0, world.now);
        app.ledger = world.ledger.clone();
        app.bindings.clone_from(&world.bindings);
        Self {
            app,
            keymap: keymap.clone(),
            keys: Keys::default(),
            now: world.now,
            size: None,
            out: Vec::new(),
            asked: None,
        }
    }

    /// In front of the recorded cluster, on the row of a node.
    fn on_node(name: &str, size: (u16, u16)) -> Self {
        let world = Scene::load("cluster").app(Duration::from_secs(1));
        let mut seat = Self::new(&world, &keymap("default"));
        seat.size = Some(size);
        seat.go("nodes");
        for _ in 0..20 {
            let on = seat.app.selected();
            if on.is_some_and(|row| row.subject().is_some_and(|s| s.leaf() == name)) {
                return seat;
            }
            seat.press("j");
        }
        panic!("there is no node {name}");
    }

    fn send(&mut self, event: Event) {
        for effect in self.app.update(event) {
            let Effect::Errand(errand) = effect else {
                continue;
            };
            if let Errand::Prepare {
                ticket,
                plan,
                armed,
            } = &*errand
            {
                self.asked = Some((*ticket, plan.clone(), armed.is_some()));
            }
            self.out.push(*errand);
        }
    }

    /// The screen as it is now.
    fn frame(&mut self) -> String {
        self.app.refresh();
        if let Some(size) = self.size {
            let theme = Themes::default().load("dark", Depth::True).unwrap();
            let drawn = screens::draw(&mut self.app, size, &theme, &glyph::UNICODE);
            return screens::text(&drawn);
        }
        let cursor = match self.app.page() {
            None | Some(Page::Kind) => self.app.selected(),
            Some(_) => None,
        };
        self.send(Event::Drawn(Drawn {
            rows: 20,
            cursor,
            ..Drawn::default()
        }));
        String::new()
    }

    /// Time goes on; where somebody looks, every stream says that nothing changed.
    fn wait(&mut self, millis: u64) {
        self.now = self.now.plus(Duration::from_millis(millis));
        self.send(Event::Tick(self.now));
        if self.size.is_some() {
            for kind in ObjectKind::ALL {
                self.told(*kind, Vec::new());
            }
        }
    }

    /// The stream of a kind brings this.
    fn told(&mut self, kind: ObjectKind, deltas: Vec<Delta>) {
        self.observe(Observation {
            feed: FeedId::new(TargetId::new("kubernetes", "prod"), kind.plural()),
            at: self.now,
            took: Duration::from_millis(1),
            bytes: 1,
            outcome: Ok(Harvest {
                deltas,
                ..Harvest::default()
            }),
        });
    }

    fn observe(&mut self, observation: Observation) {
        self.send(Event::Observed {
            next_poll: observation.at.stamp,
            observation: Box::new(observation),
            dropped: 0,
        });
    }

    /// One key, as the driver hands it on.
    fn key(&mut self, chord: Chord) {
        self.send(Event::Tick(self.now));
        self.send(Event::Pressed(self.now.stamp));
        if self.app.is_typing() || (self.keys.pending().is_empty() && self.app.answers(chord)) {
            return self.send(Event::Typed(chord));
        }
        let scope = self.app.key_scope();
        let outcome = self.keys.press(&self.keymap, scope, chord);
        let pending: Vec<String> = self.keys.pending().iter().map(Chord::to_string).collect();
        self.send(Event::Pending(pending.join(" ")));
        match outcome {
            Pressed::Matched(intent) => self.send(Event::Intent(intent)),
            Pressed::NotFound => self.send(Event::Unbound(chord.to_string())),
            Pressed::Pending | Pressed::Cancelled => {}
        }
    }

    /// Keys of a calm person, who looks at the screen after each.
    fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            self.wait(700);
            self.frame();
            self.key(key.parse().unwrap());
            self.frame();
        }
    }

    fn paste(&mut self, text: &str) {
        self.send(Event::Pressed(self.now.stamp));
        self.send(Event::Pasted(text.to_owned()));
    }

    fn command(&mut self, line: &str) {
        self.send(Event::Intent(Intent::Palette));
        self.paste(line);
        self.send(Event::Typed("enter".parse().unwrap()));
        self.frame();
    }

    fn go(&mut self, pane: &str) {
        self.command(pane);
        assert_eq!(self.app.listing().id(), pane);
    }

    /// The API server answers what it was asked last, and this is changed of a willing answer.
    fn prepare(&mut self, change: impl FnOnce(&mut Live)) {
        let Some((ticket, plan, armed)) = self.asked.take() else {
            return;
        };
        let mut live = willing(&plan, self.now);
        if !armed {
            live.dry_run = DryRun::NotAsked("not armed: the call is not tried");
        }
        change(&mut live);
        let live = Box::new(live);
        self.send(Event::News(Box::new(News::Prepared { ticket, live })));
        self.frame();
    }

    fn arm(&mut self) {
        self.command("arm 10m");
        assert!(self.app.acting().armed().is_some(), "{}", self.notice());
        // Its notice goes by itself.
        self.send(Event::Intent(Intent::Redraw));
    }

    /// Armed, and with the plan of the node under the cursor on the screen.
    fn ready(name: &str, size: (u16, u16)) -> Self {
        let mut seat = Self::on_node(name, size);
        seat.arm();
        seat.press("x c");
        seat.prepare(|_| {});
        seat
    }

    fn nodes(&self) -> Vec<Object> {
        let nodes = self.app.model.objects().all(ObjectKind::Node);
        nodes.map(|node| Object::clone(node)).collect()
    }

    fn cordon(&mut self, mut node: Object) {
        if let Body::Node(body) = &mut node.body {
            body.unschedulable = true;
        }
        self.told(ObjectKind::Node, vec![Delta::Put(Arc::new(node))]);
    }

    fn runs(&self) -> usize {
        let runs = self.out.iter().filter(|e| matches!(e, Errand::Run { .. }));
        runs.count()
    }

    fn notice(&self) -> &str {
        self.app.notice().unwrap_or_default()
    }

    fn recorded(&mut self, ticket: Ticket, seq: u64, entry: Entry) {
        let record = Box::new(Record {
            seq,
            at: self.now.wall,
            entry,
            process: Process::default(),
            prev: Digest::NOTHING,
        });
        let ticket = Some(ticket);
        self.send(Event::News(Box::new(News::Recorded { ticket, record })));
    }

    /// The runner's side of a permitted run that the API server accepts.
    fn fly(&mut self, ticket: Ticket, permit: &Permit) {
        let id = ActionId(4412);
        let intent = Entry {
            action: Some(id),
            ..permit.intent(Who::default())
        };
        let calls = intent.calls.clone();
        self.recorded(ticket, 4412, intent);
        let attempt = Entry {
            calls,
            ..Entry::of(Kind::Attempt, id)
        };
        self.recorded(ticket, 4413, attempt);
        self.wait(40);
        let outcome = Outcome {
            ended: Ended::Accepted,
            code: Some(200),
            request: Some("8f1c".into()),
            message: String::new(),
            warnings: Vec::new(),
        };
        let result = Entry {
            outcome: Some(outcome),
            ..Entry::of(Kind::Result, id)
        };
        self.recorded(ticket, 4414, result);
        let end = End::Accepted;
        self.send(Event::News(Box::new(News::Ended { ticket, end })));
    }

    /// Writes down what the core asked to have written since `from`.
    fn write_down(&mut self, ticket: Ticket, from: usize) {
        let entries: Vec<Entry> = self.out[from..]
            .iter()
            .filter_map(|errand| match errand {
                Errand::Record(entry) => Some(Entry::clone(entry)),
                _ => None,
            })
            .collect();
        for (seq, entry) in (4415..).zip(entries) {
            self.recorded(ticket, seq, entry);
        }
    }
}

/// An API server that has nothing against a plan.
fn willing(plan: &Plan, at: Now) -> Live {
    let object = json!({ "metadata": {
        "name": &*plan.target.name,
        "uid": &*plan.target.uid,
        "resourceVersion": "3117",
    }, "spec": { "unschedulable": plan.action.id == "uncordon" } });
    Live {
        at,
        object: Ok(object),
        who: Ok(Identity {
            user: "ann@example.com".into(),
            groups: Vec::new(),
        }),
        may: Ok(May {
            allowed: true,
            reason: String::new(),
        }),
        dry_run: DryRun::Passed(Vec::new()),
        audit: Ok(()),
        verified: true,
    }
}

/// What is looked at while a key comes: a pane, or a page over one.
const PAGES: [(&str, Intent); 8] = [
    ("nodes", Intent::Cordon),
    ("nodes", Intent::Details),
    ("nodes", Intent::Yaml),
    ("pods", Intent::Logs),
    ("pods", Intent::Details),
    ("workloads", Intent::Open),
    ("clusters", Intent::Open),
    ("sources", Intent::Messages),
];

const PASTES: [&str; 7] = [
    "y",
    "y\ry\n",
    "xc",
    ":arm 60m\r",
    "arm prod 60m\n",
    "cordon w-01\ry",
    "\u{1b}[201~y\r",
];

/// What a sequence means, scope by scope.
type Meaning = Vec<(&'static str, Intent)>;

/// Every sequence that a keymap knows in any of its scopes.
fn sequences(keymap: &Keymap) -> BTreeMap<String, Meaning> {
    let ids = pane_ids();
    let mut found: BTreeMap<String, Meaning> = BTreeMap::new();
    for scope in ids.iter().chain(SCOPES) {
        for bound in keymap.bindings_for(scope) {
            let meaning = found.entry(bound.keys).or_default();
            meaning.push((*scope, bound.intent));
        }
    }
    found
}

/// A key, then everything that a hasty or clumsy reader may add. True when it opened a plan.
fn provoke(seat: &mut Seat, keys: &str) -> bool {
    for key in keys.split_whitespace() {
        seat.key(key.parse().unwrap());
    }
    // `y` on the page that asks whether to arm is the one thing that does arm.
    let yes = |seat: &mut Seat| {
        if seat.app.page() != Some(&Page::Arm) {
            seat.press("y");
            seat.prepare(|_| {});
        }
    };
    seat.frame();
    seat.prepare(|_| {});
    let planned = seat.app.page() == Some(&Page::Plan);
    yes(seat);
    seat.press("enter");
    seat.prepare(|_| {});
    for text in PASTES {
        seat.paste(text);
    }
    yes(seat);
    planned
}

#[test]
fn while_it_is_read_only_no_key_anywhere_lets_a_change_out() {
    let worlds = ["two-am", "cluster"].map(|name| {
        let world = Scene::load(name).app(Duration::from_secs(1));
        (name, world)
    });
    let (mut pairs, mut plans) = (0, 0);
    // What means the same under another preset goes the same way, key by key.
    let mut tried = BTreeSet::new();
    for (preset, _) in PRESETS {
        let keymap = keymap(preset);
        let sequences = sequences(&keymap);
        let after = ["y", "enter"].map(|key| sequences.get(key).cloned());
        let panes = pane_ids().into_iter().map(|id| (id, None));
        let pages = PAGES.iter().map(|(id, intent)| (*id, Some(*intent)));
        for (pane, page) in panes.chain(pages) {
            let at = pane_ids().iter().position(|id| *id == pane).unwrap();
            let wanted = screens::scene_of(panes::listings()[at]);
            let (_, world) = worlds.iter().find(|(name, _)| *name == wanted).unwrap();
            for (keys, meaning) in &sequences {
                pairs += 1;
                if !tried.insert((pane, page, keys.clone(), meaning.clone(), after.clone())) {
                    continue;
                }
                let mut seat = Seat::new(world, &keymap);
                seat.go(pane);
                if let Some(intent) = page {
                    seat.send(Event::Intent(intent));
                    seat.frame();
                    seat.prepare(|_| {});
                }
                plans += usize::from(provoke(&mut seat, keys));
                for errand in &seat.out {
                    let harmless = match errand {
                        Errand::Run { .. } => false,
                        Errand::Prepare { armed, .. } => armed.is_none(),
                        Errand::Record(_) | Errand::Identify(_) | Errand::ReadTrail => true,
                    };
                    assert!(harmless, "{preset}: {keys} on {pane} {page:?}: {errand:?}");
                }
                let armed = seat.app.acting().armed();
                assert!(armed.is_none(), "{preset}: {keys} on {pane} {page:?}");
            }
        }
    }
    assert!(pairs >= 4000, "{pairs} pairs");
    assert!(plans > 50, "{plans} plans were on the screen");
}

#[test]
fn the_page_of_a_plan_at_every_stage() {
    for size in SIZES {
        let check = |stage: &str, screen: String| {
            let body: Vec<&str> = screen.lines().skip(2).collect();
            let name = format!("plan_{stage}_{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, body.join("\n"));
        };

        let mut seat = Seat::on_node("w-01", size);
        seat.press("x c");
        seat.prepare(|_| {});
        check("locked", seat.frame());

        check("armed", Seat::ready("w-01", size).frame());

        let mut seat = Seat::on_node("w-01", size);
        seat.arm();
        seat.press("x c");
        seat.prepare(|live| {
            live.may = Ok(May {
                allowed: false,
                reason: "RBAC: clusterrole view grants get, list, watch".into(),
            });
            live.dry_run = DryRun::NotAsked("not permitted");
        });
        check("refused", seat.frame());
        seat.press("y");
        assert_eq!(seat.runs(), 0, "a guard says no");

        let mut seat = last_that_takes_pods(size);
        check("stopped", seat.frame());
        seat.press("y");
        assert_eq!(seat.runs(), 0, "it is stopped");
        seat.command("override planned maintenance");
        check("overridden", seat.frame());

        let (ticket, mut seat) = sent(size);
        let from = seat.out.len();
        let node = seat.nodes().into_iter().find(|node| &*node.name == "w-01");
        seat.wait(300);
        seat.cordon(node.unwrap());
        seat.write_down(ticket, from);
        check("done", seat.frame());
    }
}

/// The plan to cordon the only node that takes pods.
fn last_that_takes_pods(size: (u16, u16)) -> Seat {
    let mut seat = Seat::on_node("w-01", size);
    for node in seat.nodes() {
        if &*node.name != "w-01" {
            seat.cordon(node);
        }
    }
    seat.arm();
    seat.press("x c");
    seat.prepare(|_| {});
    seat
}

/// A cordon that was confirmed and accepted, and that nobody has seen yet.
fn sent(size: (u16, u16)) -> (Ticket, Seat) {
    let mut seat = Seat::ready("w-01", size);
    read_to_its_end(&mut seat);
    seat.press("y");
    let Some(Errand::Run { ticket, permit }) = seat.out.pop() else {
        panic!("no run: {}", seat.notice())
    };
    seat.fly(ticket, &permit);
    (ticket, seat)
}

fn read_to_its_end(seat: &mut Seat) {
    for _ in 0..40 {
        let open = seat.app.acting().proposal().unwrap();
        if open.was_read() {
            return;
        }
        seat.press("j");
    }
    panic!("the end of the page cannot be reached");
}

#[test]
fn a_reason_overrides_what_stops_and_is_shown_before_it_is_confirmed() {
    let mut seat = last_that_takes_pods((120, 36));
    seat.command("override");
    assert_eq!(seat.notice(), "say why: :override REASON");
    assert!(seat.frame().contains("[STOP] no other node takes pods"));
    seat.command("override planned maintenance");
    let screen = seat.frame();
    for told in [
        "1 guard OVERRIDDEN: planned maintenance",
        "[OVER] no other node takes pods",
        "y cordon w-01 (overrides 1)",
    ] {
        assert!(screen.contains(told), "{told}\n{screen}");
    }
    assert!(!screen.contains("REFUSED"), "{screen}");
    seat.press("y");
    assert_eq!(seat.runs(), 1, "{}", seat.notice());
}

#[test]
fn a_plan_that_is_longer_than_the_screen_is_read_to_its_end_before_it_is_answered() {
    let mut seat = Seat::ready("w-01", (60, 15));
    let screen = seat.frame();
    assert!(screen.contains("more below"), "{screen}");
    assert!(screen.contains("reads on"), "{screen}");
    seat.press("y");
    assert_eq!(seat.runs(), 0);
    assert!(seat.notice().contains("longer than"), "{}", seat.notice());
    read_to_its_end(&mut seat);
    // The notice is gone with the next key, and the hint says what can be answered.
    seat.press("k");
    let screen = seat.frame();
    assert!(screen.contains("y cordon w-01"), "{screen}");
    seat.press("y");
    assert_eq!(seat.runs(), 1, "{}", seat.notice());
}

#[test]
fn what_changed_on_a_long_page_is_read_from_the_top_again() {
    let mut seat = Seat::ready("w-01", (60, 15));
    read_to_its_end(&mut seat);
    // Another reason makes another page.
    seat.press("r d i s k enter");
    assert_eq!(seat.app.scroll(), 0);
    seat.press("y");
    assert_eq!(seat.runs(), 0, "{}", seat.notice());
    read_to_its_end(&mut seat);
    // So does another size of the screen.
    seat.size = Some((70, 15));
    seat.frame();
    seat.press("y");
    assert_eq!(seat.runs(), 0, "{}", seat.notice());
    read_to_its_end(&mut seat);
    seat.press("y");
    assert_eq!(seat.runs(), 1, "{}", seat.notice());
}

#[test]
fn on_a_screen_that_is_too_small_nothing_is_confirmed() {
    let mut seat = Seat::on_node("w-01", (120, 36));
    seat.arm();
    seat.press("x c");
    seat.size = Some((50, 10));
    seat.prepare(|_| {});
    seat.press("y y");
    assert_eq!(seat.runs(), 0);
    assert!(
        seat.notice().contains("not on the screen"),
        "{}",
        seat.notice()
    );
}

#[test]
fn what_leaves_is_about_the_row_under_the_cursor() {
    let mut seat = Seat::ready("w-01", (120, 36));
    let open = seat.app.acting().proposal().unwrap();
    let w1 = Subject::object(ObjectKind::Node, "prod", "", "w-01");
    assert_eq!(open.subject, w1);
    seat.press("y");
    let Some(Errand::Run { permit, .. }) = seat.out.last() else {
        panic!("no run: {}", seat.notice())
    };
    assert_eq!(permit.plan().subject, w1);
}
