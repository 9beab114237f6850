//! What `build.rs` made of `proto/etcd.proto`. Nothing is written here by hand, and nothing outside
//! this source uses it.

#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    unused_qualifications,
    reason = "generated code"
)]

tonic::include_proto!("etcdserverpb");
