//! The rows that something was found on, followed by what the ledger says came and went.

use rustc_hash::FxHashSet;

use super::Kept;
use crate::listing::{Context, ObjectListing};
use crate::subject::Subject;

#[derive(Clone, Debug)]
pub(super) struct Problems {
    on: FxHashSet<Subject>,
    /// How much of the ledger's log is in it.
    until: u64,
}

impl Problems {
    pub fn found(cx: &Context) -> Self {
        Self {
            on: cx.ledger.subjects().cloned().collect(),
            until: cx.ledger.found_until(),
        }
    }

    pub fn are_on(&self, subject: &Subject) -> bool {
        self.on.contains(subject)
    }
}

impl Kept {
    /// Puts in what something was found on since, and takes out what is well again. False where
    /// only a new order can tell.
    pub(super) fn follow_problems(&mut self, listing: &dyn ObjectListing, cx: &Context) -> bool {
        let Some(problems) = &mut self.problems else {
            return true;
        };
        // What a part of the cluster amounts to, and what stands for a group of events, is looked
        // up for all at once.
        let Some(found) = cx.ledger.found_since(problems.until) else {
            return false;
        };
        if !self.part.is_plain() {
            return false;
        }
        problems.until = cx.ledger.found_until();
        let mut moved = Vec::new();
        for subject in found {
            let is_on = cx.ledger.on(subject).is_some();
            let was_on = problems.on.contains(subject);
            if is_on && !was_on {
                problems.on.insert(subject.clone());
            } else if was_on && !is_on {
                problems.on.remove(subject);
            } else {
                continue;
            }
            moved.push((subject, is_on));
        }
        let all_moved = moved.into_iter().all(|(subject, is_on)| {
            let row = self.part.row_of(cx, subject);
            let row = row.filter(|object| listing.lists(object));
            match row {
                Some(_) if is_on => self.replace(listing, cx, None, row),
                Some(_) => self.replace(listing, cx, row, None),
                None => true,
            }
        });
        self.total = self.part.count(cx);
        all_moved
    }
}
