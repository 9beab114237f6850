//! Help: every key of the keymap in force, every command, pane, kind and rule. Derived, never written
//! by hand, but for what the filter takes.

use super::{Block, Pane, no_head};
use crate::app::commands::COMMANDS;
use crate::app::{ALIASES, Binding};
use crate::findings::{self, RULES};
use crate::intent::Intent;
use crate::listing::{Cell, Column, Context, Listing, Row, RowKey};
use crate::objects::ObjectKind;
use crate::paint::Line;
use crate::role::Role;
use crate::text::SafeText;

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
        "Keys, commands, panes, kinds and rules; type / to search them, Enter explains a row."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn rows(&self, cx: &Context) -> Vec<Row> {
        let row = |kind: &str, name: &str| Row::new(RowKey::Text(format!("{kind} {name}").into()));
        // The keys of the view that was left come first, then those that hold in all views.
        let place = |scope: &str| match scope {
            scope if scope == cx.asked_from => 0,
            "" => 1,
            _ => 2,
        };
        let mut keys: Vec<(usize, &Binding)> = cx.bindings.iter().enumerate().collect();
        keys.sort_by_key(|(_, binding)| place(&binding.scope));
        let keys = keys.into_iter().map(|(at, _)| row("key", &at.to_string()));
        let panes = super::PANES
            .iter()
            .map(|pane| row("pane", pane.listing.id()));
        let kinds = kinds().map(|(plural, _)| row("kind", plural));
        let rules = RULES.iter().map(|rule| row("rule", rule.id));
        let commands = COMMANDS.iter().map(|command| row("cmd", command.word));
        let named = commands.chain(panes).chain(kinds).chain(rules);
        keys.chain(named).collect()
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
            "kind" => kind_cell(name, column),
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
    let Some(binding) = binding(cx, name) else {
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

fn binding<'a>(cx: &Context<'a>, name: &str) -> Option<&'a Binding> {
    let at: usize = name.parse().ok()?;
    cx.bindings.get(at)
}

/// Kinds of object with the short names that are known of them: those that are watched, and those
/// that other programs have one for.
fn kinds() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let mut kinds: Vec<(&str, Vec<&str>)> = ObjectKind::ALL
        .iter()
        .map(|kind| (kind.plural(), kind.short_names().to_vec()))
        .collect();
    for (short, plural) in ALIASES {
        match kinds.iter_mut().find(|(known, _)| known == plural) {
            Some((_, names)) => names.push(short),
            None => kinds.push((plural, vec![short])),
        }
    }
    kinds.into_iter()
}

fn kind_words(plural: &str) -> String {
    let of_kind = kinds().find(|(known, _)| *known == plural);
    let short = of_kind.map(|(_, short)| short).unwrap_or_default();
    let short = short.into_iter().map(|short| format!(", :{short}"));
    format!(":{plural}{}", short.collect::<String>())
}

fn kind_cell(plural: &str, column: &str) -> Cell {
    match column {
        "what" => Cell::plain(plural),
        "doc" => Cell::plain(format!("Kind of object: {}", kind_words(plural))),
        _ => Cell::none(),
    }
}

/// Below the table: what a row does not say itself.
fn preview(cx: &Context, key: &RowKey) -> Vec<Block> {
    match split(key) {
        Some(("rule", _)) => about(cx, key),
        Some(("key", name)) if binding(cx, name).is_some_and(is_filter) => about(cx, key),
        _ => Vec::new(),
    }
}

/// Everything about a row; nothing about a row of another pane.
#[must_use]
pub fn about(cx: &Context, key: &RowKey) -> Vec<Block> {
    match split(key) {
        Some(("key", name)) => binding(cx, name).map(about_key).unwrap_or_default(),
        Some(("cmd", word)) => about_command(word),
        Some(("pane", id)) => about_pane(id),
        Some(("kind", plural)) => about_kind(plural),
        Some(("rule", id)) => about_rule(id),
        _ => Vec::new(),
    }
}

fn is_filter(binding: &Binding) -> bool {
    binding.intent == Intent::Filter.name()
}

fn title(text: impl Into<SafeText>) -> Block {
    Block::Title(Line::new().with(text, Role::Title))
}

fn text(text: impl Into<SafeText>) -> Block {
    Block::Line(Line::new().text(text))
}

/// What the filter takes, line by line.
const FILTER: &[&str] = &[
    "web            rows that contain it; several words must all be there",
    "web|db         rows that contain either",
    "!web           rows that do not contain it",
    "-l app=web     objects by their labels, as kubectl's -l: app!=web, app, !app, app in (a,b)",
    "-f wb1         rows with these letters in this order",
];

fn about_key(binding: &Binding) -> Vec<Block> {
    let place = match binding.scope.as_str() {
        "" => "everywhere".to_owned(),
        scope => format!("in {scope}"),
    };
    let mut blocks = vec![
        title(binding.keys.clone()),
        text(binding.doc.clone()),
        Block::Line(
            Line::new()
                .dim("holds ")
                .text(place)
                .dim("; as a command ")
                .text(format!(":{}", binding.intent)),
        ),
    ];
    if is_filter(binding) {
        blocks.extend(FILTER.iter().map(|line| text(*line)));
    }
    blocks
}

fn about_command(word: &str) -> Vec<Block> {
    let command = COMMANDS.iter().find(|command| command.word == word);
    let blocks = command.map(|command| {
        vec![
            title(format!(":{word} {}", command.takes)),
            text(command.doc),
        ]
    });
    blocks.unwrap_or_default()
}

fn about_pane(id: &str) -> Vec<Block> {
    let found = super::PANES.iter().find(|pane| pane.listing.id() == id);
    let Some(pane) = found else { return Vec::new() };
    vec![
        title(pane.listing.title()),
        text(pane.listing.doc()),
        text(format!(
            ":{id} opens it; :{id} WORD opens it filtered by the word"
        )),
    ]
}

fn about_kind(plural: &str) -> Vec<Block> {
    vec![
        title(plural),
        text(format!("{} opens the table of them", kind_words(plural))),
        text("-n NAMESPACE, -A for all, @CLUSTER, -l LABELS or a word to filter by may follow"),
    ]
}

fn about_rule(id: &str) -> Vec<Block> {
    let Some(rule) = findings::rule(id) else {
        return Vec::new();
    };
    let mut blocks = vec![title(rule.title())];
    blocks.extend(rule.doc.lines().skip(1).map(|line| text(line.trim())));
    for cause in rule.causes {
        blocks.push(Block::Line(
            Line::new().dim("folds under  ").text(cause.rule),
        ));
    }
    blocks
}
