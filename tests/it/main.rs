//! The only integration crate: what midwatch does as a whole, seen from outside.

mod configs;
