//! A pane over Kubernetes objects, as far as it is the same for all of them: its [`Listing`], the
//! cells that each has, the columns that say nothing.

use super::{HOW_TO, Told, configured};
use crate::listing::{Cell, Column, Context, Listing, ObjectListing, Row};
use crate::objects::Object;
use crate::role::Role;

/// What a pane over objects is called, and its columns.
pub struct About {
    /// The file's stem.
    pub id: &'static str,
    pub title: &'static str,
    /// First line is a sentence for the help.
    pub doc: &'static str,
    pub columns: &'static [Column],
}

/// A pane over Kubernetes objects: what is its own beside which objects it lists and how they
/// compare. The rest of its [`Listing`] is the same for all of them.
pub trait ObjectPane: ObjectListing {
    fn about(&self) -> &'static About;
    /// A cell of a column that not every one of these panes has; see [`common`].
    fn own_cell(&self, cx: &Context, object: &Object, told: Told, column: &'static str) -> Cell;
    /// Is a column of its own without use at present?
    fn is_own_idle(&self, cx: &Context, column: &'static str) -> bool {
        let _ = (cx, column);
        false
    }
}

impl<P: ObjectPane> Listing for P {
    fn id(&self) -> &'static str {
        self.about().id
    }

    fn title(&self) -> &'static str {
        self.about().title
    }

    fn doc(&self) -> &'static str {
        self.about().doc
    }

    fn columns(&self) -> &'static [Column] {
        self.about().columns
    }

    fn objects(&self) -> Option<&dyn ObjectListing> {
        Some(self)
    }

    /// Their order is kept elsewhere.
    fn rows(&self, _: &Context) -> Vec<Row> {
        Vec::new()
    }

    fn cell(&self, cx: &Context, row: &Row, column: &'static str) -> Cell {
        let Some(object) = &row.object else {
            return Cell::none();
        };
        common(cx, object, column)
            .unwrap_or_else(|| self.own_cell(cx, object, Told::of(cx, object), column))
    }

    fn is_idle(&self, cx: &Context, column: &'static str) -> bool {
        is_idle(cx, column) || self.is_own_idle(cx, column)
    }

    fn configured(&self, cx: &Context) -> bool {
        configured(cx)
    }

    fn how_to(&self) -> &'static str {
        HOW_TO
    }
}

/// A cell that all of these panes have; `None` for their own.
fn common(cx: &Context, object: &Object, column: &str) -> Option<Cell> {
    Some(match column {
        "cluster" => Cell::text(&*object.cluster, Role::Dim),
        "namespace" => Cell::text(&*object.namespace, Role::Dim),
        "name" => Cell::Name((&*object.name).into(), Role::Text),
        "age" => Told::of(cx, object).since(cx, object.created),
        _ => return None,
    })
}

/// Columns that say the same in every row are left out.
fn is_idle(cx: &Context, column: &str) -> bool {
    match column {
        "cluster" => {
            cx.scope.cluster.is_some() || cx.snap.model.objects().clusters().nth(1).is_none()
        }
        "namespace" => cx.scope.namespace.is_some(),
        _ => false,
    }
}
