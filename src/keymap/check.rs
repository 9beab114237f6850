//! What is wrong with a keymap although every line of it is well formed.

use std::fmt;

use super::trie::Trie;
use crate::intent::Intent;

/// Without a key for these, nobody finds the way out or the other keys.
const NEEDED: &[Intent] = &[Intent::Quit, Intent::Help, Intent::Back];

/// A binding that cannot do what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// `keys` can never be finished, because its beginning is bound.
    OutOfReach {
        pane: Option<String>,
        keys: String,
        beginning: String,
    },
    /// `no-op` for keys that were bound to nothing.
    UselessUnbind { pane: Option<String>, keys: String },
    /// No key is left for something that is needed.
    Unbound {
        pane: Option<String>,
        intent: Intent,
    },
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |pane: &Option<String>| {
            pane.as_ref()
                .map_or_else(|| "[keys]".to_owned(), |pane| format!("[keys.{pane}]"))
        };
        match self {
            Self::OutOfReach {
                pane,
                keys,
                beginning,
            } => write!(
                f,
                "{}: `{keys}` is out of reach because `{beginning}` is bound; unbind one with \"no-op\"",
                place(pane)
            ),
            Self::UselessUnbind { pane, keys } => write!(
                f,
                "{}: `{keys}` is unbound but was bound to nothing; remove the line",
                place(pane)
            ),
            Self::Unbound { pane, intent } => {
                write!(
                    f,
                    "{}: no key is left for `{intent}`; bind one",
                    place(pane)
                )
            }
        }
    }
}

pub(super) fn clashes(pane: Option<&str>, trie: &Trie) -> impl Iterator<Item = Clash> {
    let pane = pane.map(str::to_owned);
    let mut found = Vec::new();
    for (sequence, _) in trie.all() {
        let begins = trie.all().find(|(other, _)| {
            other.chords().len() < sequence.chords().len()
                && sequence.chords().starts_with(other.chords())
        });
        if let Some((beginning, _)) = begins {
            found.push(Clash::OutOfReach {
                pane: pane.clone(),
                keys: sequence.to_string(),
                beginning: beginning.to_string(),
            });
        }
    }
    for intent in NEEDED {
        if !trie.all().any(|(_, bound)| bound == *intent) {
            found.push(Clash::Unbound {
                pane: pane.clone(),
                intent: *intent,
            });
        }
    }
    found.into_iter()
}

impl Trie {
    /// Is this clash of a pane already one of the common bindings?
    pub(super) fn has(&self, clash: &Clash) -> bool {
        clashes(None, self).any(|common| common.without_pane() == clash.without_pane())
    }
}

impl Clash {
    fn without_pane(&self) -> Self {
        let mut clash = self.clone();
        match &mut clash {
            Self::OutOfReach { pane, .. }
            | Self::UselessUnbind { pane, .. }
            | Self::Unbound { pane, .. } => *pane = None,
        }
        clash
    }
}
