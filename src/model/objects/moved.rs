//! What changed since somebody last looked, bounded: beyond the bound the answer is "much".

use std::sync::Arc;

use crate::objects::Object;

/// Changes remembered one by one; more than this is cheaper to look through anew.
const REMEMBERED: usize = 4096;

/// One object before and after a change.
#[derive(Clone, Debug)]
pub struct Move {
    pub old: Option<Arc<Object>>,
    pub new: Option<Arc<Object>>,
}

/// Changes in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    moves: Vec<Move>,
    much: bool,
    /// What pods and nodes use was told anew.
    pub(super) uses: bool,
}

impl Moved {
    pub(super) fn push(&mut self, one: Move) {
        if self.moves.len() < REMEMBERED {
            self.moves.push(one);
        } else {
            self.much = true;
        }
    }

    /// The changes, or `None` when there were too many to keep.
    #[must_use]
    pub fn moves(&self) -> Option<&[Move]> {
        (!self.much).then_some(&self.moves)
    }

    #[must_use]
    pub fn has_new_uses(&self) -> bool {
        self.uses
    }
}
