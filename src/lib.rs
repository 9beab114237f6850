//! # midwatch
//!
//! The terminal console for people who run their own cloud. (The map of the crate is written here.)

// vocabulary: plain values, no I/O, no tokio, no ratatui
pub mod chord;
pub mod clock;
pub mod facts;
pub mod ids;
pub mod mistake;
pub mod nearest;
pub mod observation;
pub mod subject;
pub mod text;
pub mod units;

// core: pure
pub mod app;
pub mod effect;
pub mod event;
pub mod findings;
pub mod glyph;
pub mod intent;
pub mod listing;
pub mod model;
pub mod role;
pub mod thresholds;

// surface: ratatui, no I/O
pub mod keymap;
pub mod paint;
pub mod panes;
pub mod screen;
pub mod theme;
pub mod widgets;

// shell: I/O
pub mod check;
pub mod cli;
pub mod clients;
pub mod config;
pub mod doctor;
pub mod driver;
pub mod input;
pub mod logging;
pub mod poll;
pub mod report;
pub mod sources;
pub mod start;
pub mod terminal;
pub mod watch;
