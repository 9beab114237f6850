//! Every trial, by the kind of target that it is about.

mod etcd;
mod host;
mod prometheus;
mod sntp;

use crate::Row;

pub const ALL: &[&[Row]] = &[etcd::ROWS, host::ROWS, prometheus::ROWS, sntp::ROWS];
