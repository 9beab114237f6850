//! Source `kubernetes`: one target per cluster, one stream of changes per kind that is watched.
//!
//! Objects come as protobuf with our own messages ([`proto`]), become lean values ([`decode`]) and
//! are told as deltas ([`watch`]). Nothing here knows the model or a screen.

pub mod decode;
mod follow;
mod frame;
mod pool;
mod proto;
mod quantity;
mod transport;
pub mod watch;
pub mod wire;
