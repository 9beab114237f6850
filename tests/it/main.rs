//! The one integration crate: midwatch from outside, one module a field.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod acting;
mod asks;
mod bad_input;
mod clients;
mod configs;
mod console;
mod hostile;
mod kube;
mod loopback;
mod opened;
mod palette;
mod partly;
mod pty;
mod readme;
mod scene;
mod screens;
mod screens_fuzz;
mod seat;
mod svg;
mod tidy;
mod truth;
mod uses;
mod words;
