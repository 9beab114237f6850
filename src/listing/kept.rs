//! An order over tens of thousands of objects that moves one row per change.
//!
//! Rows lie in chunks, so that an insertion shifts a few hundred entries and no more, whatever
//! there is. Each entry holds the very object that it was placed by: the place of what changed or
//! vanished is found again by what it was.

use std::cmp::Ordering;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::part::Part;
use super::{Context, Direction, Filter, MovedBy, ObjectListing, Row, RowKey, SortValue, View};
use crate::model::objects::{Move, Moved};
use crate::objects::Object;
use crate::subject::Subject;

mod problems;
#[cfg(test)]
mod tests;

use problems::Problems;

/// Entries in a chunk before it is split.
const CHUNK: usize = 512;
/// Up to so many rows an order is small.
const SMALL: usize = 300;

#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Column and direction as chosen, or the listing's own.
    sort: Option<(&'static str, Direction)>,
    filter: Filter,
    /// What the filter was made from.
    typed: String,
    part: Part,
    /// What only problems are shown by.
    problems: Option<Problems>,
    /// What each row was placed by, where others move it: it cannot be told again afterwards.
    placed: Option<FxHashMap<Subject, SortValue>>,
    chunks: Vec<Vec<Entry>>,
    len: usize,
    /// Objects in this part before the filter.
    total: usize,
    /// The words of one object, kept for its room.
    words: String,
}

#[derive(Clone, Debug)]
struct Entry {
    value: SortValue,
    object: Arc<Object>,
}

/// The order that holds: the reader's choice, or the listing's own.
fn sorted_by(listing: &dyn ObjectListing, view: &View) -> Option<(&'static str, Direction)> {
    view.sort.or_else(|| listing.natural())
}

impl Kept {
    pub(super) fn new(listing: &dyn ObjectListing, cx: &Context, view: &View) -> Self {
        let mut kept = Self {
            sort: sorted_by(listing, view),
            filter: Filter::parse(&view.filter),
            typed: view.filter.clone(),
            part: Part::of(listing, cx, view),
            problems: None,
            placed: None,
            chunks: Vec::new(),
            len: 0,
            total: 0,
            words: String::new(),
        };
        let moved_by = kept.sort.map(|(column, _)| listing.moved_by(column));
        kept.placed = (moved_by == Some(MovedBy::Others)).then(FxHashMap::default);
        kept.problems = view.problems_only.then(|| Problems::found(cx));
        let candidates = if kept.problems.is_some() {
            kept.total = kept.part.count(cx);
            kept.problems(cx)
        } else {
            kept.part.candidates(cx)
        };
        let mut entries = Vec::new();
        for object in candidates {
            if !listing.lists(object) {
                continue;
            }
            kept.total += usize::from(kept.problems.is_none());
            if kept.accepts(listing, object) {
                entries.push(kept.entry(listing, cx, object));
            }
        }
        kept.len = entries.len();
        let direction = kept.direction();
        // In their natural order they mostly come: then this is one pass.
        entries.sort_by(|a, b| compare(direction, a, b));
        kept.chunks = chunked(entries);
        kept
    }

    /// Objects that something was found on.
    fn problems<'a>(&self, cx: &Context<'a>) -> Vec<&'a Arc<Object>> {
        let found = cx.ledger.subjects();
        found
            .filter_map(|subject| self.part.row_of(cx, subject))
            .collect()
    }

    fn direction(&self) -> Direction {
        self.sort.map_or(Direction::Up, |(_, direction)| direction)
    }

    fn value(&self, listing: &dyn ObjectListing, cx: &Context, object: &Object) -> SortValue {
        match self.sort {
            None => SortValue::Nothing,
            Some((column, _)) if listing.moved_by(column) == MovedBy::Itself => {
                listing.sort_value(object, column)
            }
            Some((column, _)) => listing.volatile_value(cx, object, column),
        }
    }

    /// An entry as it is placed now.
    fn entry(&mut self, listing: &dyn ObjectListing, cx: &Context, object: &Arc<Object>) -> Entry {
        let value = self.value(listing, cx, object);
        if let Some(placed) = &mut self.placed {
            placed.insert(object.subject(), value.clone());
        }
        Entry {
            value,
            object: object.clone(),
        }
    }

    /// An entry as it was placed.
    fn placed(&self, listing: &dyn ObjectListing, cx: &Context, object: &Arc<Object>) -> Entry {
        let placed = self.placed.as_ref();
        let known = placed.and_then(|placed| placed.get(&object.subject()));
        Entry {
            value: match known {
                Some(value) => value.clone(),
                None => self.value(listing, cx, object),
            },
            object: object.clone(),
        }
    }

    fn accepts(&mut self, listing: &dyn ObjectListing, object: &Object) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        self.words.clear();
        if self.filter.reads_words() {
            let words = &mut self.words;
            listing.words(object, &mut |word| {
                words.push_str(word);
                words.push(' ');
            });
            words.make_ascii_lowercase();
            if !words.is_ascii() {
                *words = words.to_lowercase();
            }
        }
        self.filter.accepts_labelled(&self.words, &object.labels)
    }

    /// Moves the rows of what changed. False when the view is another one now, or when only a new
    /// order can tell.
    pub(super) fn follow(
        &mut self,
        listing: &dyn ObjectListing,
        cx: &Context,
        view: &View,
        moved: &Moved,
    ) -> bool {
        let same = self.sort == sorted_by(listing, view)
            && self.typed == view.filter
            && self.problems.is_some() == view.problems_only
            && self.part.is_of(listing, cx, view);
        let Some(moves) = moved.moves().filter(|_| same) else {
            return false;
        };
        let elsewhere = match self.sort.map(|(column, _)| listing.moved_by(column)) {
            None | Some(MovedBy::Itself) => false,
            Some(MovedBy::Metrics | MovedBy::Others) => moved.has_new_uses(),
        };
        // Only a part of the changes may be in the order when one of them asks for a new one: the
        // new one makes no use of this.
        !elsewhere
            && moves.iter().all(|one| self.take(listing, cx, one))
            && self.follow_problems(listing, cx)
            && self.follow_others(listing, cx, moves)
    }

    /// Moves rows whose value other objects moved.
    fn follow_others(&mut self, listing: &dyn ObjectListing, cx: &Context, moves: &[Move]) -> bool {
        let (Some(placed), Some((column, _))) = (&self.placed, self.sort) else {
            return true;
        };
        let mut touched: FxHashSet<Subject> = FxHashSet::default();
        let mut each = |subject: Subject| {
            if placed.contains_key(&subject) {
                touched.insert(subject);
            }
        };
        if !moves
            .iter()
            .all(|one| listing.touched(cx, column, one, &mut each))
        {
            return false;
        }
        // In no order: each row is placed by its own value.
        touched.into_iter().all(|subject| {
            let Some(object) = self.part.row_of(cx, &subject) else {
                return false;
            };
            let known = self.placed.as_ref().and_then(|placed| placed.get(&subject));
            known == Some(&self.value(listing, cx, object))
                || self.replace(listing, cx, Some(object), Some(object))
        })
    }

    /// Takes in one change; false where only a new order can tell.
    fn take(&mut self, listing: &dyn ObjectListing, cx: &Context, one: &Move) -> bool {
        if self.part.is_moved_by(one) {
            return false;
        }
        let shows = |object: &Object| {
            let problems = self.problems.as_ref();
            problems.is_none_or(|problems| problems.are_on(&object.subject()))
        };
        let mine = |object: &&Arc<Object>| {
            listing.lists(object) && self.part.holds(object) && shows(object)
        };
        let old = one.old.as_ref().filter(mine);
        let new = one.new.as_ref().filter(mine);
        self.replace(listing, cx, old, new)
    }

    /// Puts one row in the place of another. False where the old one is not where it should be.
    fn replace(
        &mut self,
        listing: &dyn ObjectListing,
        cx: &Context,
        old: Option<&Arc<Object>>,
        new: Option<&Arc<Object>>,
    ) -> bool {
        self.total += usize::from(new.is_some());
        self.total = self.total.saturating_sub(usize::from(old.is_some()));
        let shown = old.filter(|old| self.accepts(listing, old));
        let mut taken = None;
        if let Some(old) = shown {
            let entry = self.placed(listing, cx, old);
            taken = self.locate(&entry).ok();
            if taken.is_none() {
                return false;
            }
            if let Some(placed) = &mut self.placed {
                placed.remove(&old.subject());
            }
        }
        let accepted = new.filter(|new| self.accepts(listing, new));
        let entry = accepted.map(|new| self.entry(listing, cx, new));
        match (taken, entry) {
            (Some((chunk, at)), Some(entry))
                if compare(self.direction(), &self.chunks[chunk][at], &entry).is_eq() =>
            {
                self.chunks[chunk][at] = entry;
            }
            (taken, entry) => {
                if let Some((chunk, at)) = taken {
                    self.remove(chunk, at);
                }
                if let Some(entry) = entry {
                    self.insert(entry);
                }
            }
        }
        true
    }

    /// Chunk and place of an entry, or where it belongs.
    fn locate(&self, entry: &Entry) -> Result<(usize, usize), (usize, usize)> {
        let direction = self.direction();
        let behind = self
            .chunks
            .partition_point(|chunk| !compare(direction, &chunk[0], entry).is_gt());
        let chunk = behind.saturating_sub(1);
        let Some(entries) = self.chunks.get(chunk) else {
            return Err((0, 0));
        };
        match entries.binary_search_by(|other| compare(direction, other, entry)) {
            Ok(at) => Ok((chunk, at)),
            Err(at) => Err((chunk, at)),
        }
    }

    fn remove(&mut self, chunk: usize, at: usize) {
        self.chunks[chunk].remove(at);
        if self.chunks[chunk].is_empty() {
            self.chunks.remove(chunk);
        }
        self.len -= 1;
    }

    fn insert(&mut self, entry: Entry) {
        match self.locate(&entry) {
            Ok((chunk, at)) => self.chunks[chunk][at] = entry,
            Err((chunk, at)) => {
                if self.chunks.is_empty() {
                    self.chunks.push(Vec::new());
                }
                let entries = &mut self.chunks[chunk];
                entries.insert(at, entry);
                if entries.len() > CHUNK {
                    let rest = entries.split_off(CHUNK / 2);
                    self.chunks.insert(chunk + 1, rest);
                }
                self.len += 1;
            }
        }
    }

    pub(super) fn first_value(&self) -> Option<&SortValue> {
        Some(&self.chunks.first()?.first()?.value)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Is what is known of any of these rows late?
    pub(super) fn is_late(&self, cx: &Context) -> bool {
        self.part.is_late(cx)
    }

    pub(super) fn is_small(&self) -> bool {
        self.len <= SMALL
    }

    pub(super) fn rows(&self, from: usize) -> impl Iterator<Item = Row> + '_ {
        let mut skip = from;
        let mut first = 0;
        while let Some(chunk) = self.chunks.get(first).filter(|chunk| chunk.len() <= skip) {
            skip -= chunk.len();
            first += 1;
        }
        let entries = self.chunks[first.min(self.chunks.len())..].iter().flatten();
        entries.skip(skip).map(|entry| Row::of(&entry.object))
    }

    pub(super) fn find(
        &self,
        listing: &dyn ObjectListing,
        cx: &Context,
        key: &RowKey,
    ) -> Option<usize> {
        let object = self.part.row_of(cx, key.subject()?)?;
        let entry = self.placed(listing, cx, object);
        let (chunk, at) = self.locate(&entry).ok()?;
        Some(self.chunks[..chunk].iter().map(Vec::len).sum::<usize>() + at)
    }
}

/// By the chosen column, then by natural order and kind.
fn compare(direction: Direction, a: &Entry, b: &Entry) -> Ordering {
    a.value
        .compare(&b.value, direction)
        .then_with(|| a.object.place().cmp(&b.object.place()))
        .then_with(|| a.object.kind().cmp(&b.object.kind()))
}

fn chunked(entries: Vec<Entry>) -> Vec<Vec<Entry>> {
    let mut chunks = Vec::with_capacity(entries.len() / (CHUNK / 2) + 1);
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        chunks.push(entries.by_ref().take(CHUNK / 2).collect());
    }
    chunks
}
