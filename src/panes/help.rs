//! Help: every key of the keymap in force, every command, pane and rule. Derived, never written by hand.

use super::{Block, Pane, no_head};
use crate::app::commands::COMMANDS;
use crate::findings::{self, RULES};
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey};
use crate::paint::Line;
use crate::role::Role;

pub static PANE: Pane = Pane {
    listing: &Help,
    head: no_head,
    preview,
};

struct Help;

static COLUMNS: &[Column] = &[
    Column::left("what", "KEY / NAME", 12..=28, 0),
    Column::left("kind", "KIND", 4..=6, 3),
    Column::left("doc", "WHAT IT DOES", 20..=200, 0),
    Column::left("where", "WHERE", 10..=12, 4),
];

impl Listing for Help {
    fn id(&self) -> &'static str {
        "help"
    }
    fn title(&self) -> &'static str {
        "Help"
    }
    fn doc(&self) -> &'static str {
        "Keys, commands, panes and rules; type / to search them, Enter on a rule explains it."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let key = |kind: &str, name: &str| Row::new(RowKey::Text(format!("{kind} {name}").into()));
        let keys = cx
            .bindings
            .iter()
            .enumerate()
            .map(|(at, _)| key("key", &at.to_string()));
        let panes = super::PANES
            .iter()
            .map(|pane| key("pane", pane.listing.id()));
        let rules = RULES.iter().map(|rule| key("rule", rule.id));
        let commands = COMMANDS.iter().map(|command| key("cmd", command.word));
        keys.chain(commands).chain(panes).chain(rules).collect()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some((kind, name)) = split(&row.key) else {
            return Cell::none();
        };
        if column == "kind" {
            return Cell::text(kind, Role::Dim);
        }
        match kind {
            "key" => key_cell(cx, name, column),
            "cmd" => command_cell(name, column),
            "pane" => pane_cell(name, column),
            _ => rule_cell(name, column),
        }
    }
}

fn split(key: &RowKey) -> Option<(&str, &str)> {
    match key {
        RowKey::Text(text) => text.split_once(' '),
        _ => None,
    }
}

fn key_cell(cx: &Context, name: &str, column: &str) -> Cell {
    let Some(binding) = name.parse().ok().and_then(|at: usize| cx.bindings.get(at)) else {
        return Cell::none();
    };
    match column {
        "what" => Cell::text(binding.keys.clone(), Role::Key),
        "doc" => Cell::Runs(vec![
            (binding.doc.as_str().into(), Role::Text),
            (format!("  :{}", binding.intent).into(), Role::Dim),
        ]),
        _ if binding.scope.is_empty() => Cell::text("everywhere", Role::Dim),
        _ => Cell::text(binding.scope.clone(), Role::Dim),
    }
}

fn command_cell(word: &str, column: &str) -> Cell {
    let Some(command) = COMMANDS.iter().find(|command| command.word == word) else {
        return Cell::none();
    };
    match column {
        "what" => Cell::Runs(vec![
            (format!(":{word} ").into(), Role::Key),
            (command.takes.into(), Role::Text),
        ]),
        "doc" => Cell::plain(command.doc),
        _ => Cell::text("palette", Role::Dim),
    }
}

fn pane_cell(id: &str, column: &str) -> Cell {
    let at = super::PANES.iter().position(|pane| pane.listing.id() == id);
    let Some(at) = at else { return Cell::none() };
    match column {
        // Digits end at nine.
        "what" if at < 9 => Cell::text(
            format!("{} {}", at + 1, super::PANES[at].listing.title()),
            Role::Title,
        ),
        "what" => Cell::text(super::PANES[at].listing.title(), Role::Title),
        "doc" => Cell::plain(super::PANES[at].listing.doc()),
        _ => Cell::text(format!(":{id}"), Role::Dim),
    }
}

fn rule_cell(id: &str, column: &str) -> Cell {
    let Some(rule) = findings::rule(id) else {
        return Cell::none();
    };
    match column {
        "what" => Cell::plain(rule.id),
        "doc" => Cell::plain(rule.title()),
        _ => {
            let mut words: Vec<&str> = rule.on.iter().map(|kind| kind.word()).collect();
            words.dedup();
            Cell::text(words.join(" "), Role::Dim)
        }
    }
}

fn preview(_: &Context, key: &RowKey) -> Vec<Block> {
    let Some(("rule", id)) = split(key) else {
        return Vec::new();
    };
    let Some(rule) = findings::rule(id) else {
        return Vec::new();
    };
    let mut blocks = vec![Block::Title(Line::new().with(rule.title(), Role::Title))];
    blocks.extend(
        rule.doc
            .lines()
            .skip(1)
            .map(|line| Block::Line(Line::new().text(line.trim()))),
    );
    for cause in rule.causes {
        blocks.push(Block::Line(
            Line::new().dim("folds under  ").text(cause.rule),
        ));
    }
    blocks
}
