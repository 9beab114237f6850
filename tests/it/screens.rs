//! Screens: a recorded scenario and a few keys in, text and pictures out.
//!
//! `screenshots/` is made here and never by hand: run the tests with `MIDWATCH_BLESS=1` to write it
//! anew, and without it to compare.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use midwatch::app::App;
use midwatch::chord::Chord;
use midwatch::event::Event;
use midwatch::glyph::{self, Glyphs};
use midwatch::intent::Intent;
use midwatch::keymap::{Keymap, Keys, Outcome};
use midwatch::listing::Listing;
use midwatch::paint::Skin;
use midwatch::screen;
use midwatch::theme::{Depth, Theme, Themes};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use crate::scene::Scene;
use crate::svg::{self, Ground};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 60)];

fn theme(name: &str) -> Theme {
    Themes::default().load(name, Depth::True).unwrap()
}

/// Draws until what was drawn no longer changes what the app knows of the screen.
pub fn draw(app: &mut App, size: (u16, u16), theme: &Theme, glyphs: &'static Glyphs) -> Buffer {
    app.update(Event::Resized {
        width: size.0,
        height: size.1,
    });
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    for _ in 0..2 {
        buffer.reset();
        let drawn = screen::draw(app, Skin { theme, glyphs }, &mut buffer);
        app.update(Event::Drawn(drawn));
    }
    buffer
}

/// Presses keys as a person would type them: `2 j j enter`.
pub fn press(app: &mut App, keys: &str) {
    let keymap = Keymap::preset("default", &[]).unwrap();
    let mut state = Keys::default();
    for word in keys.split_whitespace() {
        let chord: Chord = word.parse().unwrap();
        if app.is_typing() {
            app.update(Event::Typed(chord));
        } else if let Outcome::Matched(intent) = state.press(&keymap, app.key_scope(), chord) {
            app.update(Event::Intent(intent));
        }
        app.refresh();
    }
}

/// The buffer as lines without trailing blanks.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area();
    let lines = (0..area.height).map(|y| {
        let line: String = (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
        line.trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Opens a pane as `:NAME` does.
pub fn open(app: &mut App, pane: &str) {
    app.update(Event::Intent(Intent::Palette));
    app.update(Event::Pasted(pane.to_owned()));
    app.update(Event::Typed("enter".parse().unwrap()));
    app.refresh();
}

/// What there is to see in a pane: of Kubernetes, or of everything else.
pub fn scene_of(listing: &dyn Listing) -> &'static str {
    match listing.id() {
        "clusters" => "cluster",
        _ if listing.objects().is_some() => "cluster",
        _ => "two-am",
    }
}

#[test]
fn every_pane_at_every_size() {
    let scenes = ["two-am", "cluster"].map(|name| (name, Scene::load(name)));
    let theme = theme("dark");
    for size in SIZES {
        for (at, listing) in midwatch::panes::listings().iter().enumerate() {
            let wanted = scene_of(*listing);
            let (_, scene) = scenes.iter().find(|(name, _)| *name == wanted).unwrap();
            let mut app = scene.app(Duration::from_secs(1));
            app.update(Event::Intent(Intent::GoToPane(
                u8::try_from(at + 1).unwrap(),
            )));
            app.refresh();
            let buffer = draw(&mut app, size, &theme, &glyph::UNICODE);
            insta::assert_snapshot!(
                format!("{}_{}x{}", listing.id(), size.0, size.1),
                text(&buffer)
            );
        }
    }
}

#[test]
fn a_finding_opened_tells_for_against_and_why() {
    let mut app = Scene::load("two-am").app(Duration::from_secs(1));
    press(&mut app, "enter");
    let buffer = draw(&mut app, (120, 36), &theme("dark"), &glyph::UNICODE);
    insta::assert_snapshot!("finding_120x36", text(&buffer));
}

#[test]
fn ascii_draws_nothing_else() {
    let scene = Scene::load("two-am");
    for pane in 1..=u8::try_from(midwatch::panes::PANES.len()).unwrap() {
        let mut app = scene.app(Duration::from_secs(1));
        app.update(Event::Intent(Intent::GoToPane(pane)));
        app.refresh();
        let shown = text(&draw(&mut app, (120, 36), &theme("mono"), &glyph::ASCII));
        assert!(shown.is_ascii(), "pane {pane}:\n{shown}");
    }
}

#[test]
fn an_hour_of_silence_leaves_nothing_fresh() {
    let mut app = Scene::load("quiet").app(Duration::from_secs(3600));
    let shown = text(&draw(&mut app, (120, 36), &theme("dark"), &glyph::UNICODE));
    assert!(
        shown.contains(" 0/"),
        "no feed may count as fresh:\n{shown}"
    );
    assert!(!shown.contains("nothing is wrong"), "{shown}");
    open(&mut app, "hosts");
    let hosts = text(&draw(&mut app, (120, 36), &theme("dark"), &glyph::UNICODE));
    assert!(hosts.contains("UNKNOWN"), "{hosts}");
    assert!(
        !hosts.contains(glyph::UNICODE.ok),
        "no row may be marked ok:\n{hosts}"
    );
}

#[test]
fn no_size_panics_and_the_smallest_say_so() {
    let scene = Scene::load("two-am");
    let theme = theme("dark");
    let mut app = scene.app(Duration::from_secs(1));
    for pane in 1..=u8::try_from(midwatch::panes::PANES.len()).unwrap() {
        app.update(Event::Intent(Intent::GoToPane(pane)));
        app.refresh();
        for width in [1, 2, 7, 20, 59, 60, 61, 79, 80, 81, 119, 120, 200, 300] {
            for height in [1, 2, 3, 5, 14, 15, 16, 23, 24, 25, 36, 60, 100] {
                draw(&mut app, (width, height), &theme, &glyph::UNICODE);
            }
        }
    }
    let small = text(&draw(&mut app, (59, 14), &theme, &glyph::UNICODE));
    assert!(small.contains("midwatch needs 60x15"), "{small}");
}

#[test]
fn a_filter_keeps_what_holds_the_text_and_says_how_much() {
    let mut app = Scene::load("two-am").app(Duration::from_secs(1));
    open(&mut app, "sources");
    press(&mut app, "/ e t c d enter");
    let shown = text(&draw(&mut app, (120, 36), &theme("dark"), &glyph::UNICODE));
    let rows = app.order().len();
    assert!(
        rows > 0 && rows < app.order().total,
        "{rows} of {}",
        app.order().total
    );
    assert!(
        shown.contains(&format!("{rows} of {} rows", app.order().total)),
        "{shown}"
    );
    open(&mut app, "hosts");
    open(&mut app, "sources");
    assert_eq!(
        app.order().len(),
        rows,
        "the filter holds while another pane is open"
    );
    press(&mut app, "esc");
    assert_eq!(app.order().len(), app.order().total);
}

#[test]
fn the_cursor_stays_on_its_row_when_the_order_changes() {
    let mut app = Scene::load("two-am").app(Duration::from_secs(1));
    open(&mut app, "sources");
    press(&mut app, "j j j");
    let row = app.selected();
    press(&mut app, "S a");
    assert_eq!(app.selected(), row);
    press(&mut app, "S a");
    assert_eq!(app.selected(), row, "turned round");
}

/// What the README shows.
const PICTURES: [(&str, &str, &str, &str); 15] = [
    ("triage", "two-am", "1", "dark"),
    ("finding", "two-am", "1 enter", "dark"),
    ("clusters", "cluster", "2", "dark"),
    ("nodes", "cluster", "3", "dark"),
    ("workloads", "cluster", "4 ! j", "dark"),
    ("pods", "cluster", "5 / s h o p enter j", "dark"),
    ("pod", "cluster", "5 / c a r t enter d", "dark"),
    ("events", "cluster", "6", "dark"),
    ("hosts", "two-am", "7", "dark"),
    ("etcd", "two-am", "8 j j", "dark"),
    ("clocks", "two-am", "9", "dark"),
    ("prometheus", "two-am", "9 tab", "dark"),
    ("sources", "two-am", "9 tab tab", "dark"),
    ("hosts-light", "quiet", "7", "light"),
    ("triage-deuteranopia", "two-am", "1", "deuteranopia"),
];

fn ground(theme: &Theme) -> Ground {
    let style = theme.style(midwatch::role::Role::Background);
    let rgb = |colour: Option<Color>, other| match colour {
        Some(Color::Rgb(r, g, b)) => (r, g, b),
        _ => other,
    };
    Ground {
        foreground: rgb(style.fg, (220, 220, 220)),
        background: rgb(style.bg, (0, 0, 0)),
    }
}

#[test]
fn screenshots_are_what_the_program_draws() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    let bless = std::env::var_os("MIDWATCH_BLESS").is_some();
    let mut differing = Vec::new();
    for (name, scene, keys, look) in PICTURES {
        let theme = theme(look);
        let mut app = Scene::load(scene).app(Duration::from_secs(1));
        press(&mut app, keys);
        let picture = svg::svg(
            &draw(&mut app, (120, 36), &theme, &glyph::UNICODE),
            &ground(&theme),
        );
        let path = folder.join(format!("{name}.svg"));
        if bless {
            fs::write(&path, &picture).unwrap();
            fs::write(path.with_extension("png"), svg::png(&picture)).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&picture) {
            differing.push(name);
        }
        assert!(path.with_extension("png").exists(), "{name}.png is missing");
    }
    assert!(
        differing.is_empty(),
        "run with MIDWATCH_BLESS=1: {differing:?} are not what is drawn now"
    );
}
