//! What a pane lists, without a screen: rows, cells, order and filter.
//!
//! A [`Listing`] says which rows there are and what a cell holds; [`Order`] keeps them sorted and
//! filtered between changes, so that a frame only asks for the cells that it shows. A pane over
//! Kubernetes objects says so with an [`ObjectListing`]: its order is kept and moved per change.

mod filter;
mod kept;
mod order;
mod part;
mod selector;
mod sort;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

pub use filter::Filter;
pub(crate) use filter::alternatives;
pub use order::Order;
pub use sort::{Direction, SortValue, way};

use crate::actions::trail::Trail;
use crate::app::Binding;
use crate::findings::{FindingId, Ledger, Severity};
use crate::model::objects::Move;
use crate::model::{FeedIndex, Snapshot};
use crate::objects::{Object, ObjectKind};
use crate::role::Role;
use crate::subject::Subject;
use crate::text::SafeText;

/// What rows and cells are made from.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub snap: Snapshot<'a>,
    pub ledger: &'a Ledger,
    /// Rows whose folded children are shown.
    pub unfolded: &'a BTreeSet<RowKey>,
    /// The keys in force, for the help.
    pub bindings: &'a [Binding],
    /// The view from which the help was asked for, by the name of its keys.
    pub asked_from: &'static str,
    /// What of all clusters the reader wants to see.
    pub scope: &'a Scope,
    /// What midwatch did.
    pub trail: &'a Trail,
}

/// The part of all clusters that panes over objects show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    pub cluster: Option<Arc<str>>,
    pub namespace: Option<Arc<str>>,
}

impl Scope {
    /// Cluster-wide objects are in every namespace's scope.
    #[must_use]
    pub fn holds(&self, object: &Object) -> bool {
        let cluster = self.cluster.as_ref().is_none_or(|c| *c == object.cluster);
        let inside = object.namespace.is_empty()
            || self
                .namespace
                .as_ref()
                .is_none_or(|n| *n == object.namespace);
        cluster && inside
    }

    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// What a row stands for: stable while the table re-sorts, so that the cursor follows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKey {
    Subject(Subject),
    Finding(FindingId),
    Feed(FeedIndex),
    /// A line of its own under a subject: a rule group, an alert, a scrape target.
    Item(Subject, Arc<str>),
    Text(Arc<str>),
}

impl RowKey {
    /// The subject that an intent on this row is about.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Subject(subject) | Self::Item(subject, _) => Some(subject),
            Self::Finding(id) => Some(&id.subject),
            Self::Feed(_) | Self::Text(_) => None,
        }
    }
}

/// One row before its cells are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub key: RowKey,
    /// Indentation: children follow their parent and stay with it in any order.
    pub depth: u8,
    /// Kept when only problems are shown.
    pub problem: bool,
    /// The object that it stands for, in panes over objects.
    pub object: Option<Arc<Object>>,
}

impl Row {
    #[must_use]
    pub fn new(key: RowKey) -> Self {
        Self {
            key,
            depth: 0,
            problem: false,
            object: None,
        }
    }

    /// A row of one Kubernetes object.
    #[must_use]
    pub fn of(object: &Arc<Object>) -> Self {
        Self {
            object: Some(object.clone()),
            ..Self::new(RowKey::Subject(object.subject()))
        }
    }

    #[must_use]
    pub fn problem(mut self, problem: bool) -> Self {
        self.problem = problem;
        self
    }

    #[must_use]
    pub fn child(mut self) -> Self {
        self.depth = 1;
        self
    }
}

/// The content of a cell. Text can only be safe text.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(SafeText, Role),
    /// Text after the glyph of its role: state by word, mark and colour at once.
    Mark(SafeText, Role),
    /// A name that is told apart by its end as well as by its beginning: cut in the middle.
    Name(SafeText, Role),
    /// Several runs of text with roles of their own.
    Runs(Vec<(SafeText, Role)>),
    /// Samples over time, oldest first, a gap where nothing was learnt; `top` is the full height.
    Spark {
        samples: Vec<Option<f32>>,
        top: Option<f32>,
        role: Role,
    },
    /// A share of a whole as a bar with its percentage.
    Bar {
        share: f64,
        role: Role,
    },
    /// An interval on a symmetric axis of `limit` to both sides.
    Offset {
        lo: f64,
        hi: f64,
        limit: f64,
        role: Role,
    },
}

impl Cell {
    #[must_use]
    pub fn text(text: impl Into<SafeText>, role: Role) -> Self {
        Self::Text(text.into(), role)
    }

    #[must_use]
    pub fn mark(text: impl Into<SafeText>, role: Role) -> Self {
        Self::Mark(text.into(), role)
    }

    #[must_use]
    pub fn plain(text: impl Into<SafeText>) -> Self {
        Self::Text(text.into(), Role::Text)
    }

    /// Not known: always this mark, never an empty cell that could be read as fine.
    #[must_use]
    pub fn unknown() -> Self {
        Self::text("?", Role::Unknown)
    }

    /// Known to be nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::text("-", Role::Dim)
    }

    /// The text that a filter looks at.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Text(text, _) | Self::Mark(text, _) | Self::Name(text, _) => text.to_string(),
            Self::Runs(runs) => runs.iter().map(|(text, _)| text.as_str()).collect(),
            Self::Bar { share, .. } => format!("{:.0}%", share * 100.0),
            Self::Spark { .. } | Self::Offset { .. } => String::new(),
        }
    }

    /// Columns that it would like to have.
    #[must_use]
    pub fn width(&self) -> usize {
        match self {
            Self::Text(text, _) | Self::Name(text, _) => text.width(),
            Self::Mark(text, _) => text.width() + 2,
            Self::Runs(runs) => runs.iter().map(|(text, _)| text.width()).sum(),
            Self::Bar { .. } => 12,
            Self::Spark { .. } | Self::Offset { .. } => 16,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// What a column holds, which says where a text is cut that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Sentences and states: their beginning says most.
    Words,
    /// Names that are told apart by their end as well as by their beginning.
    Names,
    /// Names that begin with all that they are in, as every row does: their end tells them apart.
    Paths,
    Numbers,
    /// Ages with their marks. They are never cut: there is room for the longest that is shown.
    Ages,
}

/// One column. When the screen is narrow, columns go in the order of `rank`, highest first.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Unique within the listing; what a sort is remembered by.
    pub id: &'static str,
    pub title: &'static str,
    pub align: Align,
    pub holds: Holds,
    /// Columns of screen that it never goes below.
    pub least: u16,
    /// Columns of screen that it never exceeds; the one with the largest takes what is left over.
    pub most: u16,
    /// 0 stays always; higher ranks are dropped first.
    pub rank: u8,
}

impl Column {
    /// Text: aligned to the left.
    #[must_use]
    pub const fn left(
        id: &'static str,
        title: &'static str,
        width: RangeInclusive<u16>,
        rank: u8,
    ) -> Self {
        Self {
            id,
            title,
            align: Align::Left,
            holds: Holds::Words,
            least: *width.start(),
            most: *width.end(),
            rank,
        }
    }

    /// Numbers: aligned to the right.
    #[must_use]
    pub const fn right(
        id: &'static str,
        title: &'static str,
        width: RangeInclusive<u16>,
        rank: u8,
    ) -> Self {
        Self {
            align: Align::Right,
            holds: Holds::Numbers,
            ..Self::left(id, title, width, rank)
        }
    }

    /// Names, cut in the middle.
    #[must_use]
    pub const fn names(
        id: &'static str,
        title: &'static str,
        width: RangeInclusive<u16>,
        rank: u8,
    ) -> Self {
        Self {
            holds: Holds::Names,
            ..Self::left(id, title, width, rank)
        }
    }

    /// Names with all that they are in, cut at their beginning.
    #[must_use]
    pub const fn paths(
        id: &'static str,
        title: &'static str,
        width: RangeInclusive<u16>,
        rank: u8,
    ) -> Self {
        Self {
            holds: Holds::Paths,
            ..Self::left(id, title, width, rank)
        }
    }

    /// Ages with their marks, aligned to the right.
    #[must_use]
    pub const fn ages(
        id: &'static str,
        title: &'static str,
        width: RangeInclusive<u16>,
        rank: u8,
    ) -> Self {
        Self {
            holds: Holds::Ages,
            ..Self::right(id, title, width, rank)
        }
    }
}

/// What a pane lists.
pub trait Listing: Sync {
    /// The pane's id: file stem in kebab case.
    fn id(&self) -> &'static str;
    fn title(&self) -> &'static str;
    /// What it shows and how to read it; first line is a sentence for the help.
    fn doc(&self) -> &'static str;
    fn columns(&self) -> &'static [Column];
    /// For a pane over Kubernetes objects: which they are. Its order is kept, and `rows` is not
    /// asked.
    fn objects(&self) -> Option<&dyn ObjectListing> {
        None
    }
    /// All rows in their natural order, children after their parents.
    fn rows(&self, cx: &Context) -> Vec<Row>;
    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell;
    /// What a row sorts by in a column; the cell's text where a listing says nothing better.
    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        let words = self.cell(cx, row, column).words();
        if words == "?" || words == "-" {
            SortValue::Nothing
        } else {
            SortValue::Text(words)
        }
    }
    /// Is this column without use at present: the cluster where there is one, the use of memory
    /// where nobody measures it?
    fn is_idle(&self, cx: &Context, column: &'static str) -> bool {
        let _ = (cx, column);
        false
    }
    /// The kind of subject listed, so that an empty table can say "not configured".
    fn configured(&self, cx: &Context) -> bool {
        let _ = cx;
        true
    }
    /// What to do when nothing is configured for it.
    fn how_to(&self) -> &'static str {
        ""
    }
}

/// Which objects a pane lists, and how they compare. All answers depend on the object alone, so
/// that a change moves one row and the others stay.
pub trait ObjectListing: Sync {
    /// Never empty.
    fn kinds(&self) -> &'static [ObjectKind];
    /// Is it a row at all? A workload that another one owns may not be.
    fn lists(&self, object: &Object) -> bool {
        let _ = object;
        true
    }
    /// Kinds that are rows only when they are asked for by name.
    fn more_kinds(&self) -> &'static [ObjectKind] {
        &[]
    }
    /// Do its rows live in namespaces, those of one kind where that alone is shown? The namespace
    /// in scope says nothing of others.
    fn is_namespaced(&self, only: Option<ObjectKind>) -> bool {
        match only {
            Some(kind) => kind.is_namespaced(),
            None => self.kinds().iter().any(|kind| kind.is_namespaced()),
        }
    }
    /// The order while the reader chose none; `None` is by namespace and name.
    fn natural(&self) -> Option<(&'static str, Direction)> {
        None
    }
    fn sort_value(&self, object: &Object, column: &'static str) -> SortValue;
    fn moved_by(&self, column: &'static str) -> MovedBy {
        let _ = column;
        MovedBy::Itself
    }
    /// What a column sorts by that is not moved by the object itself.
    fn volatile_value(&self, cx: &Context, object: &Object, column: &'static str) -> SortValue {
        let _ = cx;
        self.sort_value(object, column)
    }
    /// Of a column that others move: the rows whose value a change may have moved beside its own.
    /// False where it may be any.
    fn touched(
        &self,
        cx: &Context,
        column: &'static str,
        one: &Move,
        each: &mut dyn FnMut(Subject),
    ) -> bool {
        let _ = (cx, column, one, each);
        false
    }
    /// The words that a filter looks at.
    fn words(&self, object: &Object, each: &mut dyn FnMut(&str));
}

/// What moves a row while its column is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovedBy {
    /// Only a change of the object.
    Itself,
    /// What the metrics tell of it: the order is made anew when they are told anew.
    Metrics,
    /// Other objects: those that [`ObjectListing::touched`] tells are moved.
    Others,
}

/// What the reader chose for one pane; holds while other panes are visited.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub cursor: Option<RowKey>,
    /// Index of the cursor in the order, kept so that a vanished row leaves the cursor in place.
    pub index: usize,
    /// First row on the screen.
    pub offset: usize,
    /// Column id and direction; `None` is the listing's natural order.
    pub sort: Option<(&'static str, Direction)>,
    pub filter: String,
    pub problems_only: bool,
    /// Of a pane over objects: only what runs on this node, what this workload made, what happened
    /// to this object.
    pub within: Option<Subject>,
    /// Of a pane over several kinds of object: this one alone.
    pub kind: Option<ObjectKind>,
    pub unfolded: BTreeSet<RowKey>,
    /// Columns after the first that are left out to make room for those behind them.
    pub pan: usize,
    /// The table has the whole body: no lines above it, no preview below.
    pub wide: bool,
}

/// The role that a severity is drawn in.
#[must_use]
pub fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Critical => Role::Critical,
        Severity::Warning => Role::Warning,
        Severity::Unknown => Role::Unknown,
        Severity::Info => Role::Info,
    }
}
