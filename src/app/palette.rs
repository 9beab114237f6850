//! The palette: what it offers for what is typed, and what a command does.

use super::App;
use super::asks::kinds;
use crate::actions::arm::Lost;
use crate::actions::{self, ACTIONS};
use crate::effect::Effect;
use crate::intent::Intent;
use crate::listing::Column;
use crate::nearest::nearest;
use crate::objects::ObjectKind;

/// Words that are commands beside panes, kinds and intents.
const COMMANDS: [&str; 9] = [
    "q", "ns", "ctx", "act", "alias", "disarm", "kind", "override", "theme",
];

/// Commands that change something, or lead there: a slip of the finger is not led to them.
const NEVER_MEANT: [&str; 4] = ["act", "arm", "override", "undo"];

/// What `:alias` filters the help by.
const KINDS_IN_HELP: &str = "kind of object";

impl App {
    /// The palette's words: every pane by its id, every kind and intent by its name; for `sort`
    /// the columns, for `ns` and `ctx` what there is. Those that begin with what was typed come
    /// first; among them panes in their order, then commands by the alphabet.
    #[must_use]
    pub fn completions(&self, typed: &str) -> Vec<String> {
        let typed = typed.trim_start();
        if let Some(column) = typed.strip_prefix("sort ") {
            let fitting = self.fitting_columns(column.trim());
            return fitting
                .map(|column| format!("sort {}", column.id))
                .collect();
        }
        if let Some(words) = self.complete_action(typed) {
            return words;
        }
        if let Some((word, rest)) = typed.split_once(' ')
            && let Some(words) = self.scope_completions(word, rest.trim_start())
        {
            return words;
        }
        let typed = typed.trim_end();
        let panes = self.listings.iter().map(|listing| listing.id());
        let mut words: Vec<&str> = panes.collect();
        let mut commands: Vec<&str> = Intent::ALL.iter().map(|intent| intent.name()).collect();
        commands.extend(COMMANDS);
        let kinds = ObjectKind::ALL.iter();
        let kinds = kinds.filter(|kind| self.pane_for_kind(**kind).is_some());
        commands.extend(kinds.map(|kind| kind.plural()));
        commands.retain(|command| !words.contains(command));
        commands.sort_unstable();
        words.append(&mut commands);
        let mut hits: Vec<(Fit, &str)> = words
            .into_iter()
            .filter_map(|word| Some((fit(word, typed)?, word)))
            .collect();
        // Stable: words that fit alike stay in their order.
        hits.sort_by_key(|(fit, _)| *fit);
        let mut words: Vec<String> = hits.into_iter().map(|(_, word)| word.to_owned()).collect();
        self.complete_kinds(typed, &mut words);
        words
    }

    /// Columns whose id or title begins with this, whatever the case.
    fn fitting_columns(&self, typed: &str) -> impl Iterator<Item = &'static Column> {
        let typed = typed.to_lowercase();
        self.listing().columns().iter().filter(move |column| {
            column.id.to_lowercase().starts_with(&typed)
                || column.title.to_lowercase().starts_with(&typed)
        })
    }

    /// What an accepted line does.
    pub(super) fn command(&mut self, line: &str) -> Vec<Effect> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let word = self.meant(word);
        if self.open_kind(word, rest) {
            return Vec::new();
        }
        if let Some(effects) = self.acting_command(word, rest) {
            return effects;
        }
        match (word, word.parse::<Intent>()) {
            ("ns" | "namespace", _) => {
                self.set_namespace(rest);
                return Vec::new();
            }
            ("ctx" | "context" | "contexts", _) => {
                self.set_cluster(rest);
                return Vec::new();
            }
            ("theme", _) => return self.choose_theme(rest),
            ("alias" | "aliases", _) => {
                self.goto_named("help");
                self.apply_filter(KINDS_IN_HELP);
                return Vec::new();
            }
            ("sort", _) if !rest.is_empty() => {
                self.sort_by_name(rest);
                return Vec::new();
            }
            ("filter", _) if !rest.is_empty() => {
                self.apply_filter(rest);
                return Vec::new();
            }
            ("q" | "q!" | "exit" | "quit", _) | (_, Ok(_)) if !rest.is_empty() => {
                self.say(format!(
                    "`{word}` takes no argument, but `{rest}` was given"
                ));
                return Vec::new();
            }
            ("q" | "q!" | "exit" | "quit", _) => return self.quit(),
            (_, Ok(intent)) => return self.intend(intent),
            _ => {}
        }
        let (word, rest) = match word {
            "kind" => rest.split_once(' ').unwrap_or((rest, "")),
            word => (word, rest),
        };
        if word.is_empty() {
            self.say("write :kind NAME, such as :kind configmaps");
            return Vec::new();
        }
        if self.open_table(word, rest.trim()) {
            return Vec::new();
        }
        self.say(match self.suggestion(word) {
            Some(near) => format!("no command `{word}`; did you mean `{near}`?"),
            None => format!("no command `{word}`; tab lists them"),
        });
        Vec::new()
    }

    /// A word that other programs have for a kind that a pane lists, as its plural; a server's own
    /// names come first.
    fn meant<'a>(&self, word: &'a str) -> &'a str {
        match kinds::alias(word) {
            Some(plural) if ObjectKind::named(plural).is_some() => {
                let other = self.opened().knows_kind(word);
                if other { word } else { plural }
            }
            _ => word,
        }
    }

    /// `:theme NAME`
    fn choose_theme(&mut self, name: &str) -> Vec<Effect> {
        let themes = &self.identity.themes;
        if themes.iter().any(|theme| **theme == *name) {
            return vec![Effect::Wear(name.to_owned())];
        }
        let all = themes.join(", ");
        self.say(if name.is_empty() {
            format!("write :theme NAME, one of {all}")
        } else {
            format!("no theme `{name}`; there are {all}")
        });
        Vec::new()
    }

    /// The word that was probably meant: one that differs by a slip of the finger, or begins so.
    /// Nothing where that would be one that acts.
    pub(super) fn suggestion(&self, typed: &str) -> Option<String> {
        let words = self.completions("");
        let known = || words.iter().map(String::as_str);
        let begins = |word: &&str| {
            typed.len() >= 3 && word.starts_with(typed) && word.len() <= typed.len() * 2
        };
        let near = nearest(typed, known()).or_else(|| known().find(begins))?;
        let acts = actions::action(near).is_some() || NEVER_MEANT.contains(&near);
        (!acts).then(|| near.to_owned())
    }

    /// `:act VERB [NODE] [-- REASON]`, `:VERB [NODE] [-- REASON]`, `:arm [CLUSTER] [TIME]`,
    /// `:disarm`, `:override REASON`.
    fn acting_command(&mut self, word: &str, rest: &str) -> Option<Vec<Effect>> {
        match word {
            "arm" => Some(self.arm_command(rest)),
            "disarm" => Some(self.disarm(Lost::Reader)),
            "override" => {
                self.override_guards(rest);
                Some(Vec::new())
            }
            "act" => {
                let (verb, words) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Some(action) = actions::action(verb) {
                    return Some(self.propose_by_name(action, words));
                }
                let verbs: Vec<&str> = ACTIONS.iter().map(|action| action.id).collect();
                let verbs = verbs.join(", ");
                self.say(format!("act: write :act VERB [NODE], VERB one of {verbs}"));
                Some(Vec::new())
            }
            verb => actions::action(verb).map(|action| self.propose_by_name(action, rest)),
        }
    }

    /// `:sort COLUMN`; the same column again turns the order round.
    fn sort_by_name(&mut self, typed: &str) {
        if let Some(titles) = self.page_titles() {
            let wanted = typed.to_uppercase();
            match titles.iter().find(|title| title.starts_with(&wanted)) {
                Some(title) => self.sort_page(Some(title)),
                None => self.say(format!(
                    "no column begins with `{typed}`; there are {}",
                    titles.join(", ")
                )),
            }
            return;
        }
        let exact = |column: &&Column| column.id == typed || column.title == typed;
        let fitting: Vec<&Column> = self.fitting_columns(typed).collect();
        let found = fitting.iter().copied().find(exact);
        let Some(column) = found.or_else(|| fitting.first().copied()) else {
            let ids = self.listing().columns().iter().map(|column| column.id);
            let ids = ids.collect::<Vec<_>>().join(", ");
            self.say(format!("no column begins with `{typed}`; there are {ids}"));
            return;
        };
        self.sort_by(column.id);
    }
}

/// How well a palette word fits what was typed, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    Beginning,
    Part,
    LettersInOrder,
}

pub(super) fn fit(word: &str, typed: &str) -> Option<Fit> {
    if word.starts_with(typed) {
        return Some(Fit::Beginning);
    }
    if word.contains(typed) {
        return Some(Fit::Part);
    }
    let mut letters = word.chars();
    let all = typed
        .chars()
        .all(|wanted| letters.any(|letter| letter == wanted));
    all.then_some(Fit::LettersInOrder)
}
