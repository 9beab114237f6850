//! An order over tens of thousands of objects that moves one row per change.
//!
//! Rows lie in chunks, so that an insertion shifts a few hundred entries and no more, whatever
//! there is. Each entry holds the very object that it was placed by: the place of what changed or
//! vanished is found again by what it was.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Context, Direction, Filter, ObjectListing, Row, RowKey, Scope, SortValue, View};
use crate::model::objects::{Move, Moved};
use crate::objects::Object;
use crate::subject::Subject;

/// Entries in a chunk before it is split.
const CHUNK: usize = 512;
/// Up to so many rows an order is small.
const SMALL: usize = 300;

#[derive(Clone, Debug)]
pub(super) struct Kept {
    sort: Option<(&'static str, Direction)>,
    filter: Filter,
    scope: Scope,
    problems_only: bool,
    chunks: Vec<Vec<Entry>>,
    len: usize,
    /// Objects in scope before the filter.
    total: usize,
    /// The words of one object, kept for its room.
    words: String,
}

#[derive(Clone, Debug)]
struct Entry {
    value: SortValue,
    object: Arc<Object>,
}

impl Kept {
    pub(super) fn new(listing: &dyn ObjectListing, cx: &Context, view: &View) -> Self {
        let mut kept = Self {
            sort: view.sort,
            filter: Filter::parse(&view.filter),
            scope: cx.scope.clone(),
            problems_only: view.problems_only,
            chunks: Vec::new(),
            len: 0,
            total: 0,
            words: String::new(),
        };
        let mut entries = Vec::new();
        let only = if kept.problems_only {
            Only::Problems
        } else {
            Only::All
        };
        for object in candidates(listing, cx, only) {
            if !listing.lists(object) || !kept.scope.holds(object) {
                continue;
            }
            kept.total += usize::from(only == Only::All);
            if kept.accepts(listing, cx, object) {
                let value = kept.value(listing, cx, object);
                entries.push(Entry {
                    value,
                    object: object.clone(),
                });
            }
        }
        if only == Only::Problems {
            let all = listing
                .kinds()
                .iter()
                .map(|kind| cx.snap.model.objects().count(*kind));
            kept.total = all.sum();
        }
        kept.len = entries.len();
        let direction = kept.direction();
        // In their natural order they mostly come: then this is one pass.
        entries.sort_by(|a, b| compare(direction, a, b));
        kept.chunks = chunked(entries);
        kept
    }

    fn direction(&self) -> Direction {
        self.sort.map_or(Direction::Up, |(_, direction)| direction)
    }

    fn value(&self, listing: &dyn ObjectListing, cx: &Context, object: &Object) -> SortValue {
        match self.sort {
            None => SortValue::Nothing,
            Some((column, _)) if listing.is_volatile(column) => {
                listing.volatile_value(cx, object, column)
            }
            Some((column, _)) => listing.sort_value(object, column),
        }
    }

    fn accepts(&mut self, listing: &dyn ObjectListing, cx: &Context, object: &Object) -> bool {
        if self.problems_only && cx.ledger.on(&object.subject()).is_none() {
            return false;
        }
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

    /// Moves the rows of what changed. False when the view is another one now, or when so much
    /// changed that a new order is cheaper.
    pub(super) fn follow(
        &mut self,
        listing: &dyn ObjectListing,
        cx: &Context,
        view: &View,
        moved: &Moved,
    ) -> bool {
        let same = self.sort == view.sort && self.scope == *cx.scope && !view.problems_only;
        let volatile = self
            .sort
            .is_some_and(|(column, _)| listing.is_volatile(column));
        let same = same && self.problems_only == view.problems_only && !volatile;
        let Some(moves) = moved.moves().filter(|_| same) else {
            return false;
        };
        if self.filter != Filter::parse(&view.filter) {
            return false;
        }
        for Move { old, new } in moves {
            let mine = |object: &Arc<Object>| {
                listing.kinds().contains(&object.kind())
                    && listing.lists(object)
                    && self.scope.holds(object)
            };
            let old = old.as_ref().filter(|object| mine(object));
            let new = new.as_ref().filter(|object| mine(object));
            self.replace(listing, cx, old, new);
        }
        true
    }

    fn replace(
        &mut self,
        listing: &dyn ObjectListing,
        cx: &Context,
        old: Option<&Arc<Object>>,
        new: Option<&Arc<Object>>,
    ) {
        self.total = self.total + usize::from(new.is_some()) - usize::from(old.is_some());
        let taken = old.and_then(|old| {
            let value = self.value(listing, cx, old);
            self.locate(&Entry {
                value,
                object: old.clone(),
            })
            .ok()
        });
        let accepted = new.filter(|new| self.accepts(listing, cx, new));
        let entry = accepted.map(|new| Entry {
            value: self.value(listing, cx, new),
            object: new.clone(),
        });
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

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn total(&self) -> usize {
        self.total
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
        let object = object_of(cx, key.subject()?)?;
        let value = self.value(listing, cx, object);
        let entry = Entry {
            value,
            object: object.clone(),
        };
        let (chunk, at) = self.locate(&entry).ok()?;
        Some(self.chunks[..chunk].iter().map(Vec::len).sum::<usize>() + at)
    }
}

fn object_of<'a>(cx: &Context<'a>, subject: &Subject) -> Option<&'a Arc<Object>> {
    cx.snap.model.objects().get(subject)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    All,
    Problems,
}

/// All objects that may be rows, in an order near the natural one.
fn candidates<'a>(
    listing: &dyn ObjectListing,
    cx: &Context<'a>,
    only: Only,
) -> Box<dyn Iterator<Item = &'a Arc<Object>> + 'a> {
    let objects = cx.snap.model.objects();
    let kinds = listing.kinds();
    if only == Only::Problems {
        let mut found: Vec<_> = cx
            .ledger
            .subjects()
            .filter_map(|s| objects.get(s))
            .collect();
        found.retain(|object| kinds.contains(&object.kind()));
        found.sort_by(|a, b| a.place().cmp(&b.place()));
        return Box::new(found.into_iter());
    }
    Box::new(
        objects
            .clusters()
            .flat_map(move |cluster| kinds.iter().flat_map(move |kind| cluster.of_kind(*kind))),
    )
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
