//! What the palette offers and what its commands do with their arguments, by keys as they are typed.

use midwatch::app::App;
use midwatch::clock::Now;
use midwatch::config::{Request, assemble};
use midwatch::effect::Effect;
use midwatch::event::Event;
use midwatch::intent::Intent;
use midwatch::listing::Direction;
use midwatch::sources::SOURCES;
use midwatch::{panes, watch};

fn app() -> App {
    let config = assemble(None, &Request::default(), SOURCES).unwrap();
    let now = Now::fixed();
    let (model, _) = watch::prepare(&config, now).unwrap();
    App::new(model, panes::listings(), 0, now)
}

fn command(app: &mut App, line: &str) -> Vec<Effect> {
    app.update(Event::Intent(Intent::Palette));
    app.update(Event::Pasted(line.to_owned()));
    app.update(Event::Typed("enter".parse().unwrap()))
}

fn said(app: &App) -> String {
    format!("{:?}", app.notice())
}

#[tokio::test]
async fn the_palette_offers_panes_in_their_order_and_then_commands_by_the_alphabet() {
    let app = app();
    let words = app.completions("");
    let panes: Vec<&str> = app.listings().iter().map(|listing| listing.id()).collect();
    assert_eq!(words[..panes.len()], panes);
    let commands = &words[panes.len()..];
    assert!(commands.is_sorted() && commands.len() > 20, "{commands:?}");
    let first = app.completions("s").into_iter().next();
    assert_eq!(first.as_deref(), Some("sources"), "a pane before `sort`");
}

#[tokio::test]
async fn sort_takes_the_beginning_of_a_column_and_turns_round_the_second_time() {
    let mut app = app();
    let column = app.listing().columns()[1];
    let line = format!("sort {}", column.title.to_uppercase());
    command(&mut app, &line);
    assert_eq!(app.view().sort, Some((column.id, Direction::Up)));
    command(&mut app, &line);
    assert_eq!(app.view().sort, Some((column.id, Direction::Down)));
    command(&mut app, "sort no-such-column");
    assert_eq!(app.view().sort, Some((column.id, Direction::Down)));
    let told = said(&app);
    assert!(
        told.contains("no column begins with `no-such-column`"),
        "{told}"
    );
    let offered = app.completions("sort ");
    assert!(offered.contains(&format!("sort {}", column.id)));
}

#[tokio::test]
async fn filter_takes_the_text_that_follows() {
    let mut app = app();
    command(&mut app, "filter !etcd prod");
    assert_eq!(app.view().filter, "!etcd prod");
}

#[tokio::test]
async fn an_argument_that_nothing_takes_is_told_and_nothing_is_done() {
    let mut app = app();
    assert_eq!(command(&mut app, "quit now"), []);
    let told = said(&app);
    assert!(told.contains("`quit` takes no argument"), "{told}");
}
