//! The tree of key sequences: is this the whole of one, the beginning of one, or nothing.
//!
//! Where a sequence is also the beginning of a longer one, the shorter wins at once: no key waits
//! for a timer. `check.rs` reports the longer one as out of reach.

use std::collections::BTreeMap;

use crate::chord::{Chord, Sequence};
use crate::intent::Intent;

#[derive(Clone, Debug, Default)]
struct Node {
    intent: Option<Intent>,
    next: BTreeMap<Chord, Node>,
}

#[derive(Clone, Debug)]
pub(super) struct Trie {
    root: Node,
    flat: BTreeMap<Sequence, Intent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Whole(Intent),
    Part,
    Nothing,
}

impl Trie {
    pub(super) fn new(flat: BTreeMap<Sequence, Intent>) -> Self {
        let mut root = Node::default();
        for (sequence, intent) in &flat {
            let mut node = &mut root;
            for chord in sequence.chords() {
                node = node.next.entry(*chord).or_default();
            }
            node.intent = Some(*intent);
        }
        Self { root, flat }
    }

    pub(super) fn find(&self, pressed: &[Chord]) -> Found {
        let mut node = &self.root;
        for chord in pressed {
            match node.next.get(chord) {
                Some(next) => node = next,
                None => return Found::Nothing,
            }
        }
        match node.intent {
            Some(intent) => Found::Whole(intent),
            None if node.next.is_empty() => Found::Nothing,
            None => Found::Part,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&Sequence, Intent)> {
        self.flat
            .iter()
            .map(|(sequence, intent)| (sequence, *intent))
    }
}
