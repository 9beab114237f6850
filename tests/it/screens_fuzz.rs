//! The console's state and its drawing, without a terminal: every key in every pane, long walks of
//! random keys, every size. Nothing panics, and nothing but a wish to quit ends it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use midwatch::app::App;
use midwatch::check::{self, Depth, Outcome as Checked};
use midwatch::chord::{Chord, KeyCode};
use midwatch::clock::{self, Now};
use midwatch::config::{ConfigFile, Request, assemble};
use midwatch::effect::Effect;
use midwatch::event::Event;
use midwatch::glyph;
use midwatch::intent::Intent;
use midwatch::keymap::{Keymap, Keys, Outcome, PRESETS};
use midwatch::paint::Skin;
use midwatch::sources::SOURCES;
use midwatch::theme::{Depth as Colours, Theme, Themes};
use midwatch::{panes, screen, start, watch};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::loopback::{Server, once};

/// A machine that answers with what a real one said, one whose names are hostile, this machine, and
/// one dead target of each other kind.
fn world(runtime: &tokio::runtime::Runtime) -> Checked {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/payloads");
    let host = fs::read_to_string(root.join("node-exporter/debian-12-1.5.0.txt")).unwrap();
    let hostile = host
        .replace("eth0", "\u{202e}\u{200b}界界界\u{fe0f}👩‍👩‍👧")
        .replace("ext4", &"x".repeat(5000));
    runtime.block_on(async {
        let real = Server::start(vec![once("200 OK", "", host)]).await;
        let evil = Server::start(vec![once("200 OK", "", hostile)]).await;
        let config = format!(
            r#"
[[target]]
kind = "local"
[[target]]
kind = "node-exporter"
name = "web-1"
url = "{}"
[[target]]
kind = "node-exporter"
name = "a-name-that-is-longer-than-any-column-of-a-small-screen-will-be"
url = "{}"
[[target]]
kind = "etcd"
name = "prod"
endpoints = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"]
[[target]]
kind = "prometheus"
name = "prom-a"
url = "http://127.0.0.1:4"
[[target]]
kind = "alertmanager"
name = "am"
url = "http://127.0.0.1:5"
[[target]]
kind = "sntp"
name = "ntp"
address = "127.0.0.1:6"
"#,
            real.url("http"),
            evil.url("http"),
        );
        let file = ConfigFile::new("config.toml", config);
        let config = assemble(Some(&file), &Request::default(), SOURCES).unwrap();
        let (model, feeds) = watch::prepare(&config, clock::now()).unwrap();
        check::run(model, feeds, Depth::OneSample, None).await
    })
}

/// The console as the driver runs it, less the terminal.
struct Console<'a> {
    app: App,
    keymap: &'a Keymap,
    keys: Keys,
    theme: &'a Theme,
    now: Now,
}

impl<'a> Console<'a> {
    fn new(seen: Checked, keymap: &'a Keymap, theme: &'a Theme) -> Self {
        let mut app = App::new(seen.model, panes::listings(), 0, seen.now);
        app.bindings = start::bindings(keymap);
        Self {
            app,
            keymap,
            keys: Keys::default(),
            theme,
            now: seen.now,
        }
    }

    /// One key and the frame after it. True when it ends the console.
    fn press(&mut self, chord: Chord) -> bool {
        let event = if self.app.is_typing() {
            Event::Typed(chord)
        } else {
            let pane = self.app.listing().id();
            match self.keys.press(self.keymap, pane, chord) {
                Outcome::Matched(intent) => Event::Intent(intent),
                Outcome::NotFound => Event::Unbound(chord.to_string()),
                Outcome::Pending | Outcome::Cancelled => return false,
            }
        };
        let ends = self.app.update(event).contains(&Effect::Quit);
        self.frame();
        ends
    }

    fn resize(&mut self, (width, height): (u16, u16)) {
        self.app.update(Event::Resized { width, height });
        self.frame();
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        self.app.update(Event::Tick(self.now));
        self.frame();
    }

    fn frame(&mut self) {
        self.app.refresh();
        let (width, height) = self.app.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let skin = Skin {
            theme: self.theme,
            glyphs: &glyph::UNICODE,
        };
        let drawn = screen::draw(&self.app, skin, &mut buffer);
        for cell in buffer.content() {
            let safe = cell.symbol().chars().all(|c| !c.is_control());
            assert!(safe, "{:?} is in a cell", cell.symbol());
        }
        self.app.update(Event::Drawn(drawn));
    }

    /// Out of prompts, pages and filters, on a pane.
    fn rest_on(&mut self, pane: u8) {
        self.keys.clear();
        while self.app.is_typing() {
            self.press(Chord::key(KeyCode::Esc));
        }
        for _ in 0..4 {
            self.app.update(Event::Intent(Intent::Back));
        }
        self.app.update(Event::Intent(Intent::GoToPane(pane)));
        self.frame();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn keymap(preset: &str) -> Keymap {
    let ids: Vec<_> = panes::listings().iter().map(|pane| pane.id()).collect();
    Keymap::preset(preset, &ids).unwrap()
}

fn theme() -> Theme {
    Themes::default().load("dark", Colours::True).unwrap()
}

#[test]
fn every_key_of_every_preset_in_every_pane_only_does_what_it_is_bound_to() {
    let runtime = runtime();
    let theme = theme();
    for (preset, _) in PRESETS {
        let keymap = keymap(preset);
        let mut console = Console::new(world(&runtime), &keymap, &theme);
        for size in [(120, 36), (60, 15)] {
            console.resize(size);
            for (number, pane) in (1..).zip(panes::listings()) {
                for bound in keymap.bindings_for(pane.id()) {
                    console.rest_on(number);
                    let ended = bound
                        .keys
                        .split(' ')
                        .any(|key| console.press(key.parse().unwrap()));
                    let may = matches!(bound.intent, Intent::Quit | Intent::Cancel);
                    assert_eq!(ended, may, "{} in {} by {preset}", bound.keys, pane.id());
                }
            }
        }
    }
}

#[test]
fn every_pane_and_page_is_drawn_at_every_size() {
    let runtime = runtime();
    let (keymap, theme) = (keymap("default"), theme());
    let mut console = Console::new(world(&runtime), &keymap, &theme);
    let sizes = [(1, 1), (2, 300), (300, 2), (59, 15), (60, 14), (60, 15)];
    let sizes = sizes
        .into_iter()
        .chain((60..=300).step_by(13).zip((15..).step_by(3)));
    for size in sizes {
        for pane in 1..=u8::try_from(panes::PANES.len()).unwrap() {
            console.rest_on(pane);
            console.resize(size);
            for key in [
                "w", "right", "G", "enter", "G", "esc", ":", "esc", "/", "esc", "S",
            ] {
                assert!(!console.press(key.parse().unwrap()), "{key} at {size:?}");
            }
        }
    }
}

/// What happens to a console.
#[derive(Clone, Debug)]
enum Happens {
    Key(Chord),
    Pasted(String),
    Resized(u16, u16),
    Passed(u64),
}

/// Keys without `q`, by which alone `q`, `quit` and their keys can be written, and without ctrl-c.
fn happenings() -> impl Strategy<Value = Happens> {
    let named = [
        "enter",
        "esc",
        "tab",
        "backtab",
        "backspace",
        "delete",
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "page-up",
        "page-down",
        "ctrl-d",
        "ctrl-u",
        "ctrl-f",
        "ctrl-b",
        "ctrl-w",
        "ctrl-k",
        "ctrl-r",
        "ctrl-l",
        "ctrl-p",
        "ctrl-n",
        "f1",
        "f5",
        "f9",
        "alt-x",
        "insert",
    ];
    let named = prop::sample::select(named.to_vec());
    let letter = prop::sample::select(
        "hjklgGSIwdvycmPnN0123456789:/!?-+_ aéü界\u{301}x"
            .chars()
            .collect::<Vec<_>>(),
    );
    prop_oneof![
        6 => named.prop_map(|key| Happens::Key(key.parse().unwrap())),
        12 => letter.prop_map(|c| Happens::Key(Chord::key(KeyCode::Char(c)))),
        1 => "\\PC{0,40}".prop_map(Happens::Pasted),
        1 => (1..320_u16, 1..110_u16).prop_map(|(w, h)| Happens::Resized(w, h)),
        1 => (0..400_u64).prop_map(Happens::Passed),
    ]
}

#[test]
fn no_walk_of_keys_panics_or_ends_it_by_accident() {
    let runtime = runtime();
    let (keymap, theme) = (keymap("default"), theme());
    let mut console = Console::new(world(&runtime), &keymap, &theme);
    let walks = prop::collection::vec(happenings(), 1..60);
    let mut runner = TestRunner::new(Config {
        cases: 120,
        failure_persistence: None,
        ..Config::default()
    });
    let console = std::cell::RefCell::new(&mut console);
    let walked = runner.run(&walks, |walk| {
        let mut console = console.borrow_mut();
        console.rest_on(1);
        for happens in walk {
            match happens {
                // A completed or recalled palette line may be any command, quitting too.
                Happens::Key(chord) if asks_for_more(&console.app, chord) => {}
                Happens::Key(chord) => prop_assert!(!console.press(chord), "{chord} ended it"),
                Happens::Pasted(text) => {
                    let effects = console.app.update(Event::Pasted(text));
                    prop_assert_eq!(effects, Vec::new());
                }
                Happens::Resized(width, height) => console.resize((width, height)),
                Happens::Passed(secs) => console.pass(Duration::from_secs(secs)),
            }
        }
        Ok(())
    });
    walked.unwrap();
}

/// Enter on a palette line that quits.
fn asks_for_more(app: &App, chord: Chord) -> bool {
    let text = app.prompt().map(|prompt| prompt.text().trim().to_owned());
    chord.code == KeyCode::Enter
        && text.is_some_and(|text| {
            ["q", "quit", "cancel"]
                .iter()
                .any(|word| text.starts_with(word))
        })
}
