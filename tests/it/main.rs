//! The one integration crate: what needs more than one room of the house.

mod clients;
mod configs;
mod loopback;
