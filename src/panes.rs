//! Panes: what there is to look at. One file each, registered in [`PANES`].
//!
//! A pane is a listing (rows and cells, from the core's contract) with lines above the table and
//! everything about one row when it is opened. A pane knows the model and no client.

pub mod audit;
pub mod clocks;
pub mod clusters;
pub mod detail;
pub mod etcd;
pub mod events;
pub mod help;
pub mod hosts;
pub mod kind;
pub mod logs;
pub mod manifest;
pub mod nodes;
pub mod objects;
pub mod parts;
pub mod plan;
pub mod pods;
pub mod prometheus;
pub mod sources;
pub mod triage;
pub mod workloads;

use crate::listing::{Context, Listing, RowKey};
use crate::paint::Line;

/// Every pane in the order of its digit, of which there are nine; the others go by name.
pub static PANES: &[&Pane] = &[
    &triage::PANE,
    &clusters::PANE,
    &nodes::PANE,
    &workloads::PANE,
    &pods::PANE,
    &events::PANE,
    &hosts::PANE,
    &etcd::PANE,
    &clocks::PANE,
    &prometheus::PANE,
    &sources::PANE,
    &audit::PANE,
    &help::PANE,
];

pub struct Pane {
    pub listing: &'static dyn Listing,
    /// Lines above the table, for the whole pane.
    pub head: fn(&Context, &Extra) -> Vec<Line>,
    /// What is told about the row under the cursor below the table, where the screen has room.
    pub preview: fn(&Context, &RowKey) -> Vec<Block>,
}

/// What a head may need beside the model.
#[derive(Clone, Copy, Debug)]
pub struct Extra {
    pub own: crate::event::OwnUse,
    /// The table shows a part of what the pane lists: what counts everything would mislead.
    pub part: bool,
    /// When the reader last moved; what began later is new to him.
    pub seen_until: Option<crate::clock::Stamp>,
}

/// A piece of a page.
#[derive(Clone, Debug)]
pub enum Block {
    Line(Line),
    /// A heading with a rule.
    Title(Line),
    /// A curve of `height` rows.
    Chart {
        title: Line,
        samples: Vec<Option<f32>>,
        top: Option<f32>,
        print: fn(f32) -> String,
        height: u16,
    },
    /// Two blocks side by side where the page is wide enough.
    Beside(Box<Block>, Box<Block>),
    /// Two columns of lines where the page is very wide, else one below the other.
    Columns(Vec<Block>, Vec<Block>),
}

/// The listings of all panes, for the app.
#[must_use]
pub fn listings() -> Vec<&'static dyn Listing> {
    PANES.iter().map(|pane| pane.listing).collect()
}

/// No lines above the table.
fn no_head(_: &Context, _: &Extra) -> Vec<Line> {
    Vec::new()
}
