//! The last line: what can be done now, what is being typed, or what just happened.

use ratatui::layout::Rect;

use crate::actions::{self, plan::Plan};
use crate::app::acting::Proposal;
use crate::app::prompt::PromptKind;
use crate::app::{App, Page, keys};
use crate::event::Drawn;
use crate::intent::Intent;
use crate::paint::{Line, Painter};
use crate::panes::plan;
use crate::role::Role;
use crate::text::SafeText;

pub fn draw(app: &App, painter: &mut Painter, line: Rect, drawn: &Drawn) {
    if app.picking_sort() {
        let lines = sort_picker(app, usize::from(line.width - 2));
        // As many lines as it needs, upwards over what is there.
        for (up, text) in lines.iter().rev().enumerate() {
            let y = line.y.saturating_sub(u16::try_from(up).unwrap_or(u16::MAX));
            let blank = " ".repeat(line.width.into());
            painter.word(line.x, y, line.width, &blank, Role::Background);
            painter.line(line.x + 1, y, line.width - 2, text);
        }
    } else if app.prompt().is_some() {
        prompt(app, painter, line);
    } else if !app.pending().is_empty() {
        painter.line(line.x + 1, line.y, line.width - 2, &continuations(app));
    } else if let Some(notice) = app.notice() {
        let text = Line::new().with(notice.to_owned(), Role::Accent);
        painter.line(line.x + 1, line.y, line.width - 2, &text);
    } else {
        keys_now(app, painter, line, drawn);
    }
}

/// Intents worth a place on the line, with the word shown; the first that fit are drawn.
const SHOWN: &[(&str, &str)] = &[
    ("open", "open"),
    ("filter", "filter"),
    ("problems-only", "problems"),
    ("help", "help"),
    ("quit", "quit"),
    ("palette", "command"),
    ("sort", "sort"),
    ("unfold", "unfold"),
    ("poll-now", "poll now"),
];
const SHOWN_ON_OBJECTS: &[(&str, &str)] = &[
    ("open", "open"),
    ("details", "describe"),
    ("logs", "logs"),
    ("yaml", "YAML"),
    ("filter", "filter"),
    ("problems-only", "problems"),
    ("palette", "command"),
    ("help", "help"),
    ("owner", "owner"),
    ("events-of", "events"),
    ("sort", "sort"),
    ("show-all", "all"),
    ("quit", "quit"),
];
const SHOWN_ON_YAML: &[(&str, &str)] = &[
    ("back", "back"),
    ("filter", "search"),
    ("next-match", "next"),
    ("managed-fields", "managedFields"),
    ("reveal", "show secrets"),
    ("wrap", "wrap"),
    ("poll-now", "ask again"),
    ("copy", "copy"),
    ("save", "save"),
];
const SHOWN_ON_LOGS: &[(&str, &str)] = &[
    ("back", "back"),
    ("autoscroll", "scroll"),
    ("filter", "filter"),
    ("wrap", "wrap"),
    ("timestamps", "times"),
    ("next-container", "container"),
    ("since-beginning", "all"),
    ("since-tail", "500 lines"),
    ("since-5m", "5m"),
    ("since-1h", "1h"),
    ("save", "save"),
    ("only-matches", "context"),
    ("full-screen", "full"),
];
const SHOWN_ON_KIND: &[(&str, &str)] = &[
    ("open", "open"),
    ("yaml", "YAML"),
    ("filter", "filter"),
    ("sort", "sort"),
    ("wide", "all columns"),
    ("back", "back"),
    ("poll-now", "list anew"),
    ("help", "help"),
];
const SHOWN_ON_PAGE: &[(&str, &str)] = &[
    ("back", "back"),
    ("move-down", "scroll"),
    ("copy", "copy name"),
    ("poll-now", "poll now"),
    ("help", "help"),
];

fn keys_now(app: &App, painter: &mut Painter, line: Rect, drawn: &Drawn) {
    if app.page() == Some(&Page::Plan) {
        painter.line(
            line.x + 1,
            line.y,
            line.width - 2,
            &plan::answers(app, drawn),
        );
        return;
    }
    let shown = match app.page() {
        Some(Page::Manifest) => SHOWN_ON_YAML,
        Some(Page::Logs) => SHOWN_ON_LOGS,
        Some(Page::Kind) => SHOWN_ON_KIND,
        Some(_) => SHOWN_ON_PAGE,
        None if app.listing().objects().is_some() => SHOWN_ON_OBJECTS,
        None => SHOWN,
    };
    let mut hints = Line::new();
    for (intent, word) in shown {
        // A page's own key goes before the common one.
        let bound = |scope: &str| {
            let mut all = app.bindings.iter();
            all.find(|b| b.intent == *intent && b.scope == scope)
        };
        let Some(binding) = bound(app.key_scope()).or_else(|| bound("")) else {
            continue;
        };
        let mut keys = binding.keys.split(", ");
        // The key that nobody has to learn, where it is bound.
        let plain = keys.clone().find(|key| matches!(*key, "enter" | "esc"));
        let key = plain.or_else(|| keys.next()).unwrap_or(&binding.keys);
        let next = Line::new()
            .with(key.to_owned(), Role::Key)
            .dim(format!(" {word}   "));
        if hints.width() + next.width() > usize::from(line.width - 2) {
            break;
        }
        hints.0.extend(next.0);
    }
    painter.line(line.x + 1, line.y, line.width - 2, &hints);
}

/// The prompt with a block cursor; for the palette, what it would complete to.
fn prompt(app: &App, painter: &mut Painter, line: Rect) {
    let Some(prompt) = app.prompt() else { return };
    let mark = match prompt.kind {
        PromptKind::Filter => "/",
        PromptKind::Palette => ":",
        PromptKind::Reason => "reason: ",
        PromptKind::Words => "type it: ",
    };
    let (before, after) = prompt.halves();
    let mut x = line.x + 1;
    x += painter.word(x, line.y, 9, mark, Role::Accent);
    let room = line.right().saturating_sub(x + 2);
    // The text's end stays in sight when it is longer than the line.
    let skip = SafeText::new(before)
        .width()
        .saturating_sub(usize::from(room / 2));
    let shown: String = before.chars().skip(skip).collect();
    let role = if prompt.is_selected() {
        Role::Selected
    } else {
        Role::Prompt
    };
    x += painter.text(x, line.y, room, &SafeText::new(&shown), role);
    let mut rest = after.chars();
    let under = rest
        .next()
        .map_or_else(|| " ".to_owned(), |c| c.to_string());
    x += painter.text(x, line.y, 2, &SafeText::new(&under), Role::Selected);
    x += painter.text(
        x,
        line.y,
        line.right().saturating_sub(x),
        &SafeText::new(rest.as_str()),
        Role::Prompt,
    );
    let tail = match prompt.kind {
        PromptKind::Reason | PromptKind::Filter if prompt.is_selected() => {
            "   typing replaces it, an arrow keeps it".to_owned()
        }
        PromptKind::Filter => match (app.filter_trouble(), app.page_count()) {
            (Some(why), _) => format!("   {why}"),
            (None, Some((hits, all))) => format!("   {hits} of {all} match"),
            (None, None) => format!("   {} of {} rows", app.order().len(), app.order().total),
        },
        PromptKind::Reason => "   Enter takes it, Esc leaves it as it was".to_owned(),
        PromptKind::Words => format!("   {}; a paste is not taken", wanted(app)),
        PromptKind::Palette => {
            let takes = app.takes(prompt.text()).map(ToOwned::to_owned);
            let words = app.completions(prompt.text()).into_iter().take(8);
            let words: Vec<String> = takes.into_iter().chain(words).collect();
            format!("   {}", words.join("  "))
        }
    };
    painter.text(
        x,
        line.y,
        line.right().saturating_sub(x + 1),
        &SafeText::new(&tail),
        Role::Dim,
    );
}

/// The words that confirm the open plan.
fn wanted(app: &App) -> String {
    let plan = app.acting().proposal().and_then(Proposal::plan);
    plan.and_then(Plan::words).unwrap_or_default()
}

/// The letter of every column, in lines of so many columns of the screen.
fn sort_picker(app: &App, width: usize) -> Vec<Line> {
    let titles = app.page_titles().unwrap_or_else(|| {
        let columns = app.listing().columns();
        columns.iter().map(|column| column.title.into()).collect()
    });
    let letters = keys::sort_letters(titles.len()).map(String::from);
    let natural = [("0".to_owned(), "natural".to_owned())];
    let mut lines = Vec::new();
    let mut line = Line::new().with("sort by ", Role::Accent);
    for (letter, title) in letters.zip(titles).chain(natural) {
        let next = Line::new()
            .with(format!(" {letter}"), Role::Key)
            .dim(format!(" {} ", title.trim()));
        if line.width() + next.width() > width {
            lines.push(std::mem::replace(&mut line, Line::new().text("        ")));
        }
        line.0.extend(next.0);
    }
    lines.push(line);
    lines
}

/// After a prefix: what the next key can be. What would lead nowhere now says why.
fn continuations(app: &App) -> Line {
    let prefix = format!("{} ", app.pending());
    let mut line = Line::new()
        .with(app.pending().to_owned(), Role::Accent)
        .text("  ");
    let mut acts = false;
    for binding in &app.bindings {
        for keys in binding.keys.split(", ") {
            if let Some(rest) = keys.strip_prefix(&prefix) {
                acts |= actions::action(&binding.intent).is_some();
                line = line
                    .with(rest.to_owned(), Role::Key)
                    .dim(format!(" {}  ", binding.intent));
            }
        }
    }
    if acts && app.acting().armed().is_none() {
        let arm = app.key_for(Intent::Arm);
        let told = format!("shown, not done: read-only, {arm} arms");
        line = line.with(told, Role::Warning);
    }
    line
}
