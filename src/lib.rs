//! # midwatch
//!
//! The terminal console that people who run their own cloud open at two in the morning, and the
//! health check that runs by day. It watches Kubernetes clusters and polls hosts, etcd, Prometheus,
//! Alertmanager and clocks, says what is broken, since when and why, and never shows old data as
//! fresh. What it may change is planned, shown and confirmed before, and recorded.
//!
//! ## One direction
//!
//! ```text
//! targets --poll, watch--> Observation --absorb--> Model --check--> Findings --rows, draw--> screen, report
//!
//! keys --keymap--> Intent --update--> App --effects--> driver --> asks, runner, audit
//!                                      ^---------- answers, news ----------'
//! ```
//!
//! * [`observation::Observation`] is the result of one poll of one feed: facts and changes of
//!   objects, or the layer at which it failed. A failure is a value; it never travels as an `Err` to
//!   the loop.
//! * The source [`sources::kubernetes`] has a feed for each kind of object that is watched: a list,
//!   then its changes, as [`objects::Delta`]s of the lean [`objects::Object`]s that the model keeps and
//!   indexes. The cost of a change does not grow with what there is.
//! * [`model::Model`] keeps every fact with when it was learnt and from whom. Two feeds about one
//!   subject are kept apart, so that they can disagree. [`model::Freshness`] says what an age means:
//!   aging at two periods, stale at three or on failure, unknown at ten.
//! * [`findings::Rule`] is a pure function of a [`model::Snapshot`] and one subject with three
//!   answers: clear, firing, undecided. [`findings::Ledger`] keeps what fires over time and folds
//!   symptoms under their causes.
//! * [`app::App::update`] is the only thing that changes the console's state; what it wants done comes
//!   back as [`effect::Effect`]s. Drawing takes `&App`.
//! * What a reader opens (YAML, logs, the server's own table of any kind) is an [`ask::Ask`], kept
//!   nowhere else: [`asks`] answers it for as long as it is open, and no verdict rests on it.
//! * [`actions::plan::Plan`] is an action made visible before it runs; [`actions::guard::admit`] alone
//!   turns one into a permit, [`runner`] consumes it, [`audit`] has it on the disk before anything is
//!   sent, and the next observation says whether it worked. The console comes there by the keys of
//!   [`app::acting`], `midwatch act` by its arguments.
//! * [`report::Report`] is the second reader of the model, behind `midwatch check`: it keeps the core
//!   free of the screen.
//!
//! ## Layers, and what is in them
//!
//! vocabulary < core < surface, and vocabulary < core < shell; surface and shell do not know each
//! other. Only `driver`, `start`, `choices`, `check`, `watch`, `report`, `cli` and `doctor` may see
//! everything. A test reads every `crate::` path and fails on an arrow that this does not allow, and
//! on ratatui, tokio, hyper or `std::fs` below their layer.
//!
//! | vocabulary | plain values |
//! | --- | --- |
//! | [`ids`], [`subject`] | names of what is configured, and of what a fact is about |
//! | [`facts`], [`objects`], [`observation`] | what can be known, and how it arrives |
//! | [`ask`] | what a reader opens, and what comes back |
//! | [`clock`], [`units`], [`text`], [`digest`] | time, numbers, text that is safe to draw, SHA-256 |
//! | [`chord`], [`mistake`], [`nearest`] | keys; mistakes in users' files; "did you mean" |
//!
//! | core | pure |
//! | --- | --- |
//! | [`model`] | everything known, when it was learnt and from whom |
//! | [`findings`], [`mod@thresholds`] | rules, what fires over time, and the limits |
//! | [`app`], [`event`], [`effect`], [`intent`] | the console's state, what happens to it, what it wants |
//! | [`listing`] | rows, cells, order and filter of a pane |
//! | [`actions`] | plans, guards, permits, and what is recorded of them |
//! | [`role`], [`glyph`] | what a piece of the screen means, and its mark |
//! | [`sgr`], [`yaml`] | colours of a log line; an object as YAML |
//!
//! | surface | drawing |
//! | --- | --- |
//! | [`keymap`], [`theme`] | which key asks for what; how a role looks |
//! | [`screen`], [`panes`] | the frame, and what there is to look at |
//! | [`widgets`], [`paint`] | tables and charts, and what they are drawn with |
//!
//! | shell | I/O |
//! | --- | --- |
//! | [`start`], [`driver`], [`choices`] | from arguments to a console; its loop; what is chosen by name |
//! | [`cli`], [`check`], [`report`], [`doctor`] | the commands, and what they print |
//! | [`config`], [`watch`] | from files, environment and arguments to a model and its feeds |
//! | [`poll`], [`sources`], [`clients`] | a task per feed; what polls and watches; how endpoints are talked to |
//! | [`asks`] | answers to what is opened |
//! | [`runner`], [`audit`] | does what was permitted; has it on the disk before |
//! | [`terminal`], [`input`], [`logging`] | the terminal, what it sends, and the log |
//!
//! ## What is deliberately absent
//!
//! 1. Nothing but `clock.rs` reads a clock, nothing but `terminal` touches the terminal, nothing but
//!    `config` reads the user's files, and `clients` what those name: certificates, kubeconfigs.
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
