//! Every trial, by the kind of target that it is about.

mod check_etcd;
mod etcd;
mod host;
mod prometheus;
mod sntp;

use crate::Row;

pub const ALL: &[&[Row]] = &[
    check_etcd::ROWS,
    etcd::ROWS,
    host::ROWS,
    prometheus::ROWS,
    sntp::ROWS,
];
