//! Prometheus and OpenMetrics text, read as a stream.
//!
//! [`Reader`] is fed a body in pieces of any size and hands on the samples whose metric is in
//! [`Wanted`]; nothing is allocated for a sample before its name is known to be wanted. It never
//! keeps a body, never fails on a bad line (it counts it), and knows no metric by name.

mod line;
mod tally;

use rustc_hash::FxHashMap;

use line::{Head, Malformed, Refusal};
pub use line::{Labels, Sample};
pub use tally::Tally;

/// What to ask for: the classic text first, since it has no mandatory extras.
pub const ACCEPT: &str = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;\
                          q=0.5,text/plain;q=0.4,*/*;q=0.1";

/// Longest line kept, in bytes; a longer one is dropped and counted.
pub const MAX_LINE: usize = 1 << 20;

/// Limits of one body. Prometheus has the same ones, all off by default; here they are on, because
/// a console must outlive a broken exporter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Wanted samples.
    pub samples: u64,
    pub labels: usize,
    /// Bytes of a metric's or label's name.
    pub name: usize,
    /// Bytes of a label's value, escapes not undone.
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            samples: 200_000,
            labels: 64,
            name: 256,
            value: 4096,
        }
    }
}

/// The metric names that a source reads.
#[derive(Clone, Debug)]
pub struct Wanted<'w> {
    names: FxHashMap<&'w [u8], &'w str>,
}

impl<'w> Wanted<'w> {
    pub fn new(names: impl IntoIterator<Item = &'w str>) -> Self {
        let names = names.into_iter().map(|name| (name.as_bytes(), name));
        Self {
            names: names.collect(),
        }
    }

    fn find(&self, name: &[u8]) -> Option<&'w str> {
        self.names.get(name).copied()
    }
}

/// Reads one body.
#[derive(Debug)]
pub struct Reader<'r, 'w> {
    wanted: &'r Wanted<'w>,
    limits: Limits,
    /// The start of a line whose end has not arrived yet.
    carry: Vec<u8>,
    /// Inside a line that is too long: everything up to its end is dropped.
    dropping: bool,
    tally: Tally,
}

impl<'r, 'w> Reader<'r, 'w> {
    #[must_use]
    pub fn new(wanted: &'r Wanted<'w>) -> Self {
        Self::with_limits(wanted, Limits::default())
    }

    #[must_use]
    pub fn with_limits(wanted: &'r Wanted<'w>, limits: Limits) -> Self {
        Self {
            wanted,
            limits,
            carry: Vec::new(),
            dropping: false,
            tally: Tally::default(),
        }
    }

    /// Takes the next piece of the body and hands on every wanted sample whose line ends in it.
    pub fn push(&mut self, piece: &[u8], sink: &mut impl FnMut(&Sample<'w, '_>)) {
        let mut rest = piece;
        if self.dropping || !self.carry.is_empty() {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.keep(rest);
                return;
            };
            self.keep(&rest[..end]);
            self.end_carried(sink);
            rest = &rest[end + 1..];
        }
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.whole(&rest[..end], sink);
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// Reads what is left (a last line without its newline) and answers with the counts.
    pub fn finish(mut self, sink: &mut impl FnMut(&Sample<'w, '_>)) -> Tally {
        self.end_carried(sink);
        self.tally
    }

    /// Keeps the start of a line, or gives the line up when it grows too long.
    fn keep(&mut self, part: &[u8]) {
        if self.dropping {
            return;
        }
        if self.carry.len() + part.len() > MAX_LINE {
            self.dropping = true;
            // Freed, so that one hostile line does not hold its megabyte to the end of the body.
            self.carry = Vec::new();
            self.tally.too_long += 1;
        } else {
            self.carry.extend_from_slice(part);
        }
    }

    fn end_carried(&mut self, sink: &mut impl FnMut(&Sample<'w, '_>)) {
        if std::mem::take(&mut self.dropping) || self.carry.is_empty() {
            return;
        }
        let mut line = std::mem::take(&mut self.carry);
        self.whole(&line, sink);
        line.clear();
        self.carry = line;
    }

    /// One whole line without its newline.
    fn whole(&mut self, line: &[u8], sink: &mut impl FnMut(&Sample<'w, '_>)) {
        if line.len() > MAX_LINE {
            self.tally.too_long += 1;
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let head = match Head::of(line) {
            Ok(Some(head)) => head,
            Ok(None) => return,
            Err(Malformed) => return self.tally.malformed(line),
        };
        if let Some(name) = self.wanted.find(&head.name) {
            self.sample(name, &head, line, sink);
        } else if self.tally.samples() == 0 && head.read(&self.limits).is_err() {
            // Until one sample has proved that this is exposition text at all, every line is read
            // in full; after that an unwanted one costs a look-up of its name.
            self.tally.malformed(line);
        } else {
            self.tally.others += 1;
        }
    }

    fn sample(
        &mut self,
        name: &'w str,
        head: &Head<'_>,
        line: &[u8],
        sink: &mut impl FnMut(&Sample<'w, '_>),
    ) {
        match head.read(&self.limits) {
            Ok(_) if self.tally.taken >= self.limits.samples => self.tally.over_limit += 1,
            Ok((labels, value, time)) => {
                self.tally.taken += 1;
                sink(&Sample {
                    name,
                    labels,
                    value,
                    time,
                });
            }
            Err(Refusal::OverLimit) => self.tally.over_limit += 1,
            Err(Refusal::Malformed) => self.tally.malformed(line),
        }
    }
}

#[cfg(test)]
mod tests;
