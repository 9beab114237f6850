//! One record as one line, and the chain from each line to the one before it. Pure.
//!
//! A line is JSON whose last field is the SHA-256 of all bytes before it; its field `prev` is the
//! hash of the record before. So nothing can be changed, dropped, added or moved alone.

use serde::Deserialize;

use crate::actions::record::Record;
use crate::digest::Digest;
use crate::text::escape_json;

/// Longest line. A record is a few KiB.
pub const LONGEST: usize = 64 << 10;

/// What stands between the fields and the hash over them.
const SEAM: &str = ",\"hash\":\"";

/// The line of a record, with its line break, and its hash. No control, format or bidirectional
/// character stands in it as itself.
///
/// # Errors
/// It cannot be written as JSON, or is too long.
pub fn line(record: &Record) -> Result<(String, Digest), String> {
    let json = serde_json::to_string(record).map_err(|error| error.to_string())?;
    let mut line = escape_json(&json);
    // The closing brace makes room for the hash.
    line.pop();
    let hash = Digest::of(line.as_bytes());
    line.push_str(&format!("{SEAM}{hash}\"}}\n"));
    if line.len() > LONGEST {
        return Err(format!("the record has {} bytes", line.len()));
    }
    Ok((line, hash))
}

/// What a line says of its place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub seq: u64,
    pub prev: Digest,
    pub hash: Digest,
}

#[derive(Deserialize)]
struct Place {
    seq: u64,
    prev: Digest,
}

/// Reads a line without its line break; `None` where it is not as it was written.
#[must_use]
pub fn link(line: &[u8]) -> Option<Link> {
    let text = std::str::from_utf8(line).ok()?;
    let (body, rest) = text.rsplit_once(SEAM)?;
    let hash: Digest = rest.strip_suffix("\"}")?.parse().ok()?;
    if Digest::of(body.as_bytes()) != hash {
        return None;
    }
    let place: Place = serde_json::from_str(text).ok()?;
    Some(Link {
        seq: place.seq,
        prev: place.prev,
        hash,
    })
}

/// The record of a line, where this version of midwatch can read it.
#[must_use]
pub fn record(line: &[u8]) -> Option<Record> {
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::actions::record::{Entry, Kind, Process};

    fn sample(note: &str) -> Record {
        Record {
            seq: 7,
            at: Timestamp::UNIX_EPOCH,
            entry: Entry {
                subject: Some(note.to_owned()),
                reason: Some(note.to_owned()),
                ..Entry::new(Kind::Intent).note(note)
            },
            process: Process::default(),
            prev: Digest::NOTHING,
        }
    }

    #[test]
    fn a_line_reads_back_and_knows_its_place() {
        let (line, hash) = line(&sample("disk swap")).unwrap();
        let bytes = line.trim_end().as_bytes();
        let place = link(bytes).unwrap();
        assert_eq!(
            (place.seq, place.prev, place.hash),
            (7, Digest::NOTHING, hash)
        );
        assert_eq!(record(bytes).unwrap(), sample("disk swap"));
    }

    #[test]
    fn a_note_that_looks_like_the_end_does_not_end_it() {
        let note = format!("x\",\"hash\":\"{}\"}}", Digest::NOTHING);
        let (line, hash) = line(&sample(&note)).unwrap();
        assert_eq!(link(line.trim_end().as_bytes()).unwrap().hash, hash);
        assert_eq!(record(line.trim_end().as_bytes()).unwrap(), sample(&note));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        assert!(line(&sample(&"x".repeat(LONGEST))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_gives_one_line_of_json_without_controls(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let note = String::from_utf8_lossy(&bytes);
            let (line, _) = line(&sample(&note)).unwrap();
            let body = line.strip_suffix('\n').unwrap();
            prop_assert!(!body.chars().any(crate::text::is_unsafe), "{body:?}");
            prop_assert!(!body.contains('\n'));
            prop_assert_eq!(record(body.as_bytes()).unwrap(), sample(&note));
        }

        #[test]
        fn any_flipped_bit_is_seen(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let (line, _) = line(&sample("disk swap")).unwrap();
            let mut bytes = line.trim_end().as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(link(&bytes), None);
        }
    }
}
