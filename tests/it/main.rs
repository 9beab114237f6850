//! The only integration crate: midwatch from outside.

mod pty;
