//! # midwatch
//!
//! The terminal console for people who run their own cloud. (The map of the crate is written here.)

// vocabulary
pub mod chord;
pub mod clock;
pub mod facts;
pub mod glyph;
pub mod ids;
pub mod mistake;
pub mod observation;
pub mod subject;
pub mod text;
pub mod units;
// core
pub mod findings;
pub mod intent;
pub mod model;
pub mod role;
pub mod thresholds;
// surface
pub mod keymap;
pub mod theme;
// shell
pub mod clients;
pub mod config;
pub mod input;
pub mod sources;
pub mod terminal;
