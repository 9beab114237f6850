//! The one integration crate: midwatch from outside, one module a field.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod clients;
mod configs;
mod loopback;
mod pty;
