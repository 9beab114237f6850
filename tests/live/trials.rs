//! Every trial, by the kind of target that it is about.

mod etcd;
mod prometheus;

use crate::Row;

pub const ALL: &[&[Row]] = &[etcd::ROWS, prometheus::ROWS];
