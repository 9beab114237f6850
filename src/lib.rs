//! # midwatch
//!
//! The terminal console for people who run their own cloud. (The map of the crate is written here.)

// vocabulary
pub mod chord;
pub mod clock;
pub mod facts;
pub mod ids;
pub mod observation;
pub mod subject;
pub mod text;
pub mod units;
// core
pub mod findings;
pub mod model;
pub mod thresholds;
// shell
pub mod clients;
pub mod config;
pub mod input;
pub mod sources;
pub mod terminal;
