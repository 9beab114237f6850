//! Kernel tables with a hard end: open files and tracked connections.

use super::files::Files;
use crate::facts::Limits;

pub fn read(files: &mut Files) -> Option<Limits> {
    let mut limits = Limits::default();
    if let Ok(text) = files.proc("sys/fs/file-nr") {
        // allocated, free (always 0 since 2.6), maximum
        let mut fields = text.split_ascii_whitespace().map(str::parse);
        limits.files = fields.next().and_then(Result::ok);
        limits.files_max = fields.nth(1).and_then(Result::ok);
    }
    limits.conntrack = number(files, "sys/net/netfilter/nf_conntrack_count");
    limits.conntrack_max = number(files, "sys/net/netfilter/nf_conntrack_max");
    (limits != Limits::default()).then_some(limits)
}

fn number(files: &mut Files, path: &str) -> Option<u64> {
    files.proc(path).ok()?.trim().parse().ok()
}
