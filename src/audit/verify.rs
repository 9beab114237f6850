//! Is the chain whole? Walks every line of every segment. Pure.
//!
//! Finds what was flipped, dropped, moved, doubled or added. It cannot find that the owner of the
//! files wrote a whole chain anew, or that the end was cut at a record: for that a hash of the chain
//! has to be kept elsewhere, an anchor.

use super::chain;
use crate::actions::record::{Cut, Kind};
use crate::digest::Digest;

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Records that are as they were written, up to the first fault.
    pub records: u64,
    /// Hash of each of them, in their order: what anchors are compared with.
    hashes: Vec<Digest>,
    /// Lines that a crash had cut off and that were closed afterwards.
    pub repaired: u64,
    pub fault: Option<Fault>,
}

/// The first thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Nothing but the end of a line that a crash cut off: the next record closes it.
    pub open: bool,
    /// The record that should stand there.
    pub seq: u64,
    /// Segment and line.
    pub place: String,
    pub text: String,
}

/// A record's number and hash, kept elsewhere: `HASH@SEQ`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    pub seq: u64,
    pub hash: Digest,
}

impl std::fmt::Display for Anchor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.hash, self.seq)
    }
}

impl std::str::FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no anchor; write HASH@SEQ, as --head prints it");
        let (hash, seq) = text.split_once('@').ok_or_else(wrong)?;
        Ok(Self {
            hash: hash.parse().map_err(|_| wrong())?,
            seq: seq.parse().map_err(|_| wrong())?,
        })
    }
}

impl Verdict {
    /// The last good record.
    #[must_use]
    pub fn head(&self) -> Option<Anchor> {
        let hash = *self.hashes.last()?;
        Some(Anchor {
            seq: self.records,
            hash,
        })
    }

    /// Is the chain the one that this anchor was taken of?
    ///
    /// # Errors
    /// What speaks against it.
    pub fn holds(&self, anchor: Anchor) -> Result<(), String> {
        let at = anchor
            .seq
            .checked_sub(1)
            .and_then(|at| usize::try_from(at).ok());
        match at.and_then(|at| self.hashes.get(at)) {
            Some(hash) if *hash == anchor.hash => Ok(()),
            Some(hash) => Err(format!(
                "record {} is not the one that was anchored: its hash is {hash}",
                anchor.seq
            )),
            None => Err(format!(
                "record {} is not there; the chain ends at {}",
                anchor.seq, self.records
            )),
        }
    }
}

/// A walk along the chain.
#[derive(Debug)]
pub struct Walk {
    verdict: Verdict,
    last: Digest,
    /// What a crash left at the ends of segments, waiting for the record that closes it.
    cut: Vec<u8>,
    /// The segment ended without a line break.
    open: Option<Fault>,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            verdict: Verdict::default(),
            last: Digest::NOTHING,
            cut: Vec::new(),
            open: None,
        }
    }
}

impl Walk {
    /// The next segment; `each` sees every line that is as it was written. Behind the first fault
    /// too: what such a line says must be known (a run without an end), though nobody can say any
    /// more what is missing between them.
    pub fn segment(&mut self, name: &str, bytes: &[u8], each: &mut impl FnMut(&[u8])) {
        let mut rest = bytes;
        let mut number = 0;
        while !rest.is_empty() {
            number += 1;
            let place = format!("{name} line {number}");
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                let text = "the last line was cut off, and nothing has closed it yet";
                let open = true;
                self.open = Some(Fault {
                    open,
                    ..self.fault(&place, text)
                });
                if chain::link(rest).is_none() {
                    self.cut.extend(rest);
                } else if self.line(rest, &place) {
                    each(rest);
                }
                return;
            };
            self.open = None;
            let (line, more) = rest.split_at(end);
            if self.line(line, &place) {
                each(line);
            }
            rest = &more[1..];
        }
    }

    /// Takes in one line; true where it is as it was written.
    fn line(&mut self, line: &[u8], place: &str) -> bool {
        if self.verdict.fault.is_some() {
            return chain::link(line).is_some();
        }
        match self.judge(line) {
            Ok(hash) => {
                self.last = hash;
                self.verdict.records += 1;
                self.verdict.hashes.push(hash);
                true
            }
            Err(text) => {
                self.verdict.fault = Some(self.fault(place, &text));
                chain::link(line).is_some()
            }
        }
    }

    fn judge(&mut self, line: &[u8]) -> Result<Digest, String> {
        let link = chain::link(line).ok_or("not as it was written")?;
        let wanted = self.verdict.records + 1;
        if link.seq != wanted {
            return Err(format!("record {} stands where {wanted} should", link.seq));
        }
        if link.prev != self.last {
            return Err("it does not follow from the record before it".into());
        }
        if !self.cut.is_empty() {
            let record = chain::record(line);
            let closes = record
                .filter(|record| record.entry.kind == Kind::Repaired)
                .and_then(|record| record.entry.cut);
            if closes != Some(Cut::of(&self.cut)) {
                return Err("a line before it was cut off, and it does not say so".into());
            }
            self.cut.clear();
            self.verdict.repaired += 1;
        }
        Ok(link.hash)
    }

    fn fault(&self, place: &str, text: &str) -> Fault {
        Fault {
            open: false,
            seq: self.verdict.records + 1,
            place: place.to_owned(),
            text: text.to_owned(),
        }
    }

    #[must_use]
    pub fn end(mut self) -> Verdict {
        let open = self.open.take();
        self.verdict.fault = self.verdict.fault.or(open);
        self.verdict
    }
}
