//! Drawing without an id: tables, sparklines, charts, bars. Each draws only what is on the screen.

pub mod bar;
pub mod chart;
pub mod spark;
pub mod table;
