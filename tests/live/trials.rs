//! Every trial, by the kind of target that it is about; those through the binary by how it is run.

mod check_etcd;
mod check_fleet;
mod console;
mod etcd;
mod host;
mod kubernetes;
mod prometheus;
mod sntp;

use crate::Row;

pub const ALL: &[&[Row]] = &[
    check_etcd::ROWS,
    check_fleet::ROWS,
    console::ROWS,
    etcd::ROWS,
    host::ROWS,
    kubernetes::ROWS,
    kubernetes::acts::ROWS,
    kubernetes::faults::ROWS,
    kubernetes::locked::ROWS,
    kubernetes::objects::ROWS,
    kubernetes::panes::ROWS,
    kubernetes::reading::ROWS,
    kubernetes::rights::ROWS,
    kubernetes::rules::ROWS,
    prometheus::ROWS,
    sntp::ROWS,
];
