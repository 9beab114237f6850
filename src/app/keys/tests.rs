//! What the palette offers and what its commands do with their arguments.

use super::*;
use crate::clock::Now;
use crate::config::{Request, assemble};
use crate::panes;
use crate::sources::SOURCES;
use crate::watch;

fn app() -> App {
    let config = assemble(None, &Request::default(), SOURCES).unwrap();
    let now = Now::fixed();
    let (model, _) = watch::prepare(&config, now).unwrap();
    App::new(model, panes::listings(), 0, now)
}

fn said(app: &App) -> String {
    format!("{:?}", app.notice)
}

#[test]
fn the_palette_offers_panes_in_their_order_and_then_commands_by_the_alphabet() {
    let app = app();
    let words = app.completions("");
    let panes: Vec<&str> = app.listings.iter().map(|listing| listing.id()).collect();
    assert_eq!(words[..panes.len()], panes);
    let commands = &words[panes.len()..];
    assert!(commands.is_sorted() && commands.len() > 20, "{commands:?}");
    let first = app.completions("s").into_iter().next();
    assert_eq!(first.as_deref(), Some("sources"), "a pane before `sort`");
}

#[test]
fn sort_takes_the_beginning_of_a_column_and_turns_round_the_second_time() {
    let mut app = app();
    let column = app.listing().columns()[1];
    let line = format!("sort {}", column.title.to_uppercase());
    app.command(&line);
    assert_eq!(app.view().sort, Some((column.id, Direction::Up)));
    app.command(&line);
    assert_eq!(app.view().sort, Some((column.id, Direction::Down)));
    app.command("sort no-such-column");
    assert_eq!(app.view().sort, Some((column.id, Direction::Down)));
    assert!(
        said(&app).contains("no column begins with `no-such-column`"),
        "{}",
        said(&app)
    );
    assert!(
        app.completions("sort ")
            .contains(&format!("sort {}", column.id))
    );
}

#[test]
fn filter_takes_the_text_that_follows() {
    let mut app = app();
    app.command("filter !etcd prod");
    assert_eq!(app.view().filter, "!etcd prod");
}

#[test]
fn an_argument_that_nothing_takes_is_told_and_nothing_is_done() {
    let mut app = app();
    assert_eq!(app.command("quit now"), []);
    assert!(
        said(&app).contains("`quit` takes no argument"),
        "{}",
        said(&app)
    );
    app.command("freeze it");
    assert!(app.frozen.is_none());
}
