//! Which key asks for what: a preset, the user's differences, and overrides for single panes.
//!
//! Takes text and gives a [`Keymap`]; reads no file and does nothing with an intent. The file's
//! form is read in `keymap/file.rs`, the tree of sequences is in `keymap/trie.rs`.

mod check;
mod file;
#[cfg(test)]
mod tests;
mod trie;

use std::collections::BTreeMap;

use crate::app::asks::SCOPES;
use crate::chord::{Chord, KeyCode, Sequence};
use crate::intent::Intent;
use crate::mistake::Mistake;

pub use check::Clash;
use file::{Bindings, File};
use trie::{Found, Trie};

/// The presets that come with midwatch: name and text.
pub static PRESETS: &[(&str, &str)] = &[
    ("default", include_str!("../keymaps/default.toml")),
    ("k9s", include_str!("../keymaps/k9s.toml")),
    ("vim", include_str!("../keymaps/vim.toml")),
];

/// The preset that holds when nothing is said.
pub const DEFAULT_PRESET: &str = "default";

/// All bindings, resolved for each pane.
#[derive(Clone, Debug)]
pub struct Keymap {
    base: Trie,
    panes: BTreeMap<String, Trie>,
    unused: Vec<Clash>,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The beginning of a longer sequence; [`Keys::pending`] has it.
    Pending,
    Matched(Intent),
    /// Bound to nothing.
    NotFound,
    /// A sequence was begun and this key does not go on with it; the key has no other effect.
    Cancelled,
}

/// One line of help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The keys as text: `g g`.
    pub keys: String,
    pub intent: Intent,
    pub doc: &'static str,
}

impl Keymap {
    /// A preset as it is.
    ///
    /// # Errors
    /// When there is none of this name. The embedded files themselves are tested.
    pub fn preset(name: &str, panes: &[&str]) -> Result<Self, Vec<Mistake>> {
        Ok(Self::layered(&[preset_file(name, "keymap", panes)?], panes))
    }

    /// The user's file over the preset that it names. `name` is how errors call it, `panes` are
    /// the ids that may have a table of their own.
    ///
    /// # Errors
    /// Every mistake in the file, with its line and what was probably meant.
    pub fn load(text: &str, name: &str, panes: &[&str]) -> Result<Self, Vec<Mistake>> {
        Self::load_over(DEFAULT_PRESET, text, name, panes)
    }

    /// As [`Keymap::load`], over `below` where the file names no preset itself.
    ///
    /// # Errors
    /// As [`Keymap::load`].
    pub fn load_over(
        below: &str,
        text: &str,
        name: &str,
        panes: &[&str],
    ) -> Result<Self, Vec<Mistake>> {
        let own = file::read(text, name, panes)?;
        let preset = own.preset.as_deref().unwrap_or(below);
        let below = preset_file(preset, name, panes)?;
        Ok(Self::layered(&[below, own], panes))
    }

    /// Later layers win; a pane's own table wins over the common one of the same or an earlier
    /// layer, and a later common one does not touch it.
    fn layered(layers: &[File], panes: &[&str]) -> Self {
        let mut unused = Vec::new();
        let mut resolve = |pane: Option<&str>| {
            let mut flat: BTreeMap<Sequence, Intent> = BTreeMap::new();
            // What is useless in the common table is said once, and not for each pane.
            let mut said = Vec::new();
            for layer in layers {
                apply(&mut flat, &layer.common, None, &mut said);
            }
            if pane.is_none() {
                unused.append(&mut said);
            }
            for bindings in layers.iter().filter_map(|layer| layer.panes.get(pane?)) {
                apply(&mut flat, bindings, pane, &mut unused);
            }
            Trie::new(flat)
        };
        let base = resolve(None);
        let panes = panes
            .iter()
            .chain(SCOPES)
            .map(|pane| ((*pane).to_owned(), resolve(Some(pane))))
            .collect();
        Self {
            base,
            panes,
            unused,
        }
    }

    fn trie(&self, pane: &str) -> &Trie {
        self.panes.get(pane).unwrap_or(&self.base)
    }

    /// Everything bound in a pane, in the order of [`Intent::ALL`], then by key.
    #[must_use]
    pub fn bindings_for(&self, pane: &str) -> Vec<Bound> {
        let mut all: Vec<Bound> = self.trie(pane).all().map(bound).collect();
        all.sort_by_key(|line| Intent::ALL.iter().position(|i| *i == line.intent));
        all
    }

    /// What may follow a begun sequence, for the popup: the whole sequences that start with it.
    #[must_use]
    pub fn continuations(&self, pane: &str, begun: &[Chord]) -> Vec<Bound> {
        self.trie(pane)
            .all()
            .filter(|(sequence, _)| sequence.chords().starts_with(begun))
            .map(bound)
            .collect()
    }

    /// Bindings that cannot be reached or do nothing: `midwatch keymap check`.
    #[must_use]
    pub fn check(&self) -> Vec<Clash> {
        let mut clashes = self.unused.clone();
        clashes.extend(check::clashes(None, &self.base));
        for (pane, trie) in &self.panes {
            let in_pane = check::clashes(Some(pane), trie);
            clashes.extend(in_pane.filter(|clash| !self.base.has(clash)));
        }
        clashes
    }
}

fn bound((sequence, intent): (&Sequence, Intent)) -> Bound {
    Bound {
        keys: sequence.to_string(),
        intent,
        doc: intent.doc(),
    }
}

/// A preset's file; `named_in` is the file that asks for it.
fn preset_file(preset: &str, named_in: &str, panes: &[&str]) -> Result<File, Vec<Mistake>> {
    let names = PRESETS.iter().map(|(name, _)| *name);
    let text = PRESETS.iter().find(|(name, _)| *name == preset);
    let (name, text) = text.ok_or_else(|| {
        let problem = format!("no keymap preset is called `{preset}`");
        vec![Mistake::new(named_in, problem).meant(preset, names)]
    })?;
    file::read(text, &format!("keymaps/{name}.toml"), panes)
}

fn apply(
    flat: &mut BTreeMap<Sequence, Intent>,
    bindings: &Bindings,
    pane: Option<&str>,
    unused: &mut Vec<Clash>,
) {
    for (sequence, intent) in bindings {
        match intent {
            Some(intent) => drop(flat.insert(sequence.clone(), *intent)),
            None if flat.remove(sequence).is_none() => unused.push(Clash::UselessUnbind {
                pane: pane.map(str::to_owned),
                keys: sequence.to_string(),
            }),
            None => {}
        }
    }
}

/// The keys pressed so far of a sequence.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    pressed: Vec<Chord>,
}

impl Keys {
    /// One more key in a pane. `esc` and `ctrl-c` give a begun sequence up.
    pub fn press(&mut self, keymap: &Keymap, pane: &str, chord: Chord) -> Outcome {
        let begun = !self.pressed.is_empty();
        if begun && (chord == Chord::key(KeyCode::Esc) || chord == Chord::ctrl('c')) {
            self.pressed.clear();
            return Outcome::Cancelled;
        }
        self.pressed.push(chord);
        let outcome = match keymap.trie(pane).find(&self.pressed) {
            Found::Whole(intent) => Outcome::Matched(intent),
            Found::Part => return Outcome::Pending,
            Found::Nothing if begun => Outcome::Cancelled,
            Found::Nothing => Outcome::NotFound,
        };
        self.pressed.clear();
        outcome
    }

    /// The begun sequence; empty when none is.
    #[must_use]
    pub fn pending(&self) -> &[Chord] {
        &self.pressed
    }

    /// Forgets a begun sequence, as a change of pane does.
    pub fn clear(&mut self) {
        self.pressed.clear();
    }
}
