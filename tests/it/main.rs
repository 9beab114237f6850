//! The only integration crate: what is tested from outside, one module a field.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod clients;
mod loopback;
