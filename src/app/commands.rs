//! The commands that take words, with how each is written: for help, and for the palette while one
//! is being typed. What a command does is in `palette` and where it belongs.

use std::collections::BTreeMap;

use super::App;
use crate::actions::{self, Action};
use crate::intent::Intent;

/// How a command is written, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    pub word: &'static str,
    /// What follows the word; what may be left out is in brackets.
    pub takes: &'static str,
    pub doc: &'static str,
}

const fn command(word: &'static str, takes: &'static str, doc: &'static str) -> Command {
    Command { word, takes, doc }
}

/// Every command that takes words, in the order in which help shows them.
pub const COMMANDS: &[Command] = &[
    command(
        "cordon",
        "[NODE] [-- REASON]",
        "Plan to keep new pods off the node that is named (w-03, node/w-03, node/prod/w-03), else off the one under the cursor",
    ),
    command(
        "uncordon",
        "[NODE] [-- REASON]",
        "Plan to let the node that is named take new pods again, else the one under the cursor",
    ),
    command(
        "act",
        "VERB [NODE] [-- REASON]",
        "The same, as the command line has it",
    ),
    command(
        "override",
        "REASON",
        "Go past what stops the open plan and can be overridden; the reason is recorded",
    ),
    command(
        "arm",
        "[CLUSTER] [TIME]",
        "Ask whether to arm; with a time, such as 10m, arm for so long at once",
    ),
    command("disarm", "", "Make it read-only again"),
    command(
        "ns",
        "[NAME]",
        "Show one namespace; without a name all of them",
    ),
    command("ctx", "[NAME]", "Show one cluster; without a name all"),
    command(
        "kind",
        "NAME [FILTER]",
        "Show the table of any kind, such as :kind configmaps",
    ),
    command(
        "sort",
        "COLUMN",
        "Sort by a column; again to turn the order round",
    ),
    command("filter", "TEXT", "Show only rows that match"),
];

impl App {
    /// The key that asks for this everywhere, as the keymap in force has it; else its command.
    #[must_use]
    pub fn key_for(&self, intent: Intent) -> String {
        let mut bindings = self.bindings.iter();
        let bound = bindings.find(|bound| bound.scope.is_empty() && bound.intent == intent.name());
        let first = bound.and_then(|bound| bound.keys.split(", ").next());
        first.map_or_else(|| format!(":{intent}"), ToOwned::to_owned)
    }

    /// What can follow the word that is typed, once that is whole.
    #[must_use]
    pub fn takes(&self, typed: &str) -> Option<&'static str> {
        let (word, rest) = typed.trim_start().split_once(' ')?;
        let rest = rest.trim_start();
        if word == "act"
            && let Some((verb, _)) = rest.split_once(' ')
            && let Some(command) = COMMANDS.iter().find(|command| command.word == verb)
        {
            return Some(command.takes);
        }
        let command = COMMANDS.iter().find(|command| command.word == word)?;
        (!command.takes.is_empty()).then_some(command.takes)
    }

    /// Names for an action that begin as typed; `None` where the line is no action's.
    pub(super) fn complete_action(&self, line: &str) -> Option<Vec<String>> {
        let (head, rest) = match line.strip_prefix("act ") {
            Some(rest) => ("act ", rest.trim_start()),
            None => ("", line),
        };
        let (verb, typed) = rest.split_once(' ')?;
        let action = actions::action(verb)?;
        let names = self.names_for(action);
        let typed = typed.trim_start();
        let fitting = names.into_iter().filter(|name| name.starts_with(typed));
        Some(fitting.map(|name| format!("{head}{verb} {name}")).collect())
    }

    /// Every object that an action can be for, as it is named; with its cluster where several have
    /// one of that name.
    fn names_for(&self, action: &Action) -> Vec<String> {
        let objects = self.context().snap.model.objects();
        let only = self.scope.cluster.as_ref();
        let clusters = objects
            .clusters()
            .filter(|cluster| only.is_none_or(|name| name == cluster.name()));
        let mut having: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for object in clusters.flat_map(|cluster| cluster.of_kind(action.on)) {
            let clusters = having.entry(&object.name).or_default();
            clusters.push(&object.cluster);
        }
        let word = action.on.api_kind().to_lowercase();
        let names = having.into_iter().flat_map(|(name, clusters)| {
            let several = clusters.len() > 1;
            let word = word.clone();
            clusters.into_iter().map(move |cluster| {
                if several {
                    format!("{word}/{cluster}/{name}")
                } else {
                    name.to_owned()
                }
            })
        });
        names.collect()
    }
}
