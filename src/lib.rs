//! # midwatch
//!
//! The terminal console that people who run their own cloud open at two in the morning, and the
//! health check that runs by day. It polls hosts, etcd, Prometheus, Alertmanager and clocks, says
//! what is broken, since when and why, and never shows old data as fresh.
//!
//! ## One direction
//!
//! ```text
//! targets --poll--> Observation --absorb--> Model --check--> Findings --rows/draw--> screen, report
//!                                             ^
//!                      keys --keymap--> Intent --update--> App --effects--> driver
//! ```
//!
//! * [`observation::Observation`] is the result of one poll of one feed: facts, or the layer at which
//!   it failed. A failure is a value; it never travels as an `Err` to the loop.
//! * [`model::Model`] keeps every fact with when it was learnt and from whom. Two feeds about one
//!   subject are kept apart, so that they can disagree. [`model::Freshness`] says what an age means:
//!   aging at two periods, stale at three or on failure, unknown at ten.
//! * [`findings::Rule`] is a pure function of a [`model::Snapshot`] and one subject with three
//!   answers: clear, firing, undecided. [`findings::Ledger`] keeps what fires over time and folds
//!   symptoms under their causes.
//! * [`app::App::update`] is the only thing that changes the console's state; what it wants done comes
//!   back as [`effect::Effect`]s. Drawing takes `&App`.
//! * [`actions::plan::Plan`] is an action made visible before it runs; [`actions::guard::admit`] alone
//!   turns one into a permit, [`runner`] consumes it, [`audit`] has it on the disk before anything is
//!   sent, and the next observation says whether it worked.
//! * [`report::Report`] is the second reader of the model, behind `midwatch check`: it keeps the core
//!   free of the screen.
//!
//! ## Layers
//!
//! vocabulary < core < surface, and vocabulary < core < shell; surface and shell do not know each
//! other. Only `driver`, `start`, `choices`, `check`, `watch`, `report`, `cli` and `doctor` may see
//! everything. A
//! test reads every `crate::` path and fails on an arrow that this does not allow, and on ratatui,
//! tokio, hyper or `std::fs` below their layer.
//!
//! ## What is deliberately absent
//!
//! 1. Nothing but `clock.rs` reads a clock, nothing but `terminal` touches the terminal, nothing but
//!    `config` reads the user's files.
//! 2. No lock on the model, no callback that changes state, no global registry.
//! 3. No poll waits for another: each feed has its own task, deadline, backoff and slot. A panic in a
//!    source or a rule is a finding, not an exit.
//! 4. No remote byte reaches the terminal unsanitised: panes can only draw [`text::SafeText`].
//! 5. No mutating client exists until the reader arms for one cluster, and it cannot be built without
//!    that power: midwatch starts read-only, and says so in its header.
//!
//! ## Adding things: one file and its two registration lines
//!
//! | to add | write | register in |
//! | --- | --- | --- |
//! | a source | `sources/x.rs` with `pub static SOURCE` and a recorded payload | [`sources::SOURCES`] |
//! | a rule | `findings/x.rs` with `pub static RULE`, its doc and tests | [`findings::RULES`] |
//! | a pane | `panes/x.rs` with `pub static PANE` and its [`listing::Listing`] | [`panes::PANES`] |
//! | an action | `actions/x.rs` with `pub static ACTION`, a row of [`intent`], keys | [`actions::ACTIONS`] |
//! | a theme, a keymap | `themes/x.toml`, `keymaps/x.toml` | one include line each |
//! | a setting | a row in [`config::keys::KEYS`] | it is the registration |
//! | a threshold | a row in [`mod@thresholds`] | it is the registration |
//!
//! A fact is a struct under `facts/` and a line in the table of [`facts`]; a new kind of subject is a
//! variant of [`subject::SubjectKind`].

// vocabulary: plain values, no I/O, no tokio, no ratatui
pub mod ask;
pub mod chord;
pub mod clock;
pub mod digest;
pub mod facts;
pub mod ids;
pub mod mistake;
pub mod nearest;
pub mod objects;
pub mod observation;
pub mod subject;
pub mod text;
pub mod units;

// core: pure
pub mod actions;
pub mod app;
pub mod effect;
pub mod event;
pub mod findings;
pub mod glyph;
pub mod intent;
pub mod listing;
pub mod model;
pub mod role;
pub mod sgr;
pub mod thresholds;
pub mod yaml;

// surface: ratatui, no I/O
pub mod keymap;
pub mod paint;
pub mod panes;
pub mod screen;
pub mod theme;
pub mod widgets;

// shell: I/O
pub mod asks;
pub mod audit;
pub mod check;
pub mod choices;
pub mod cli;
pub mod clients;
pub mod config;
pub mod doctor;
pub mod driver;
pub mod input;
pub mod logging;
pub mod poll;
pub mod report;
pub mod runner;
pub mod sources;
pub mod start;
pub mod terminal;
pub mod watch;
