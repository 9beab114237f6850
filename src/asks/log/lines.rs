//! From bytes to lines: each with the time before it, none longer than is kept.

use jiff::Timestamp;

use crate::ask::LogLine;

/// Longest time before a line: `2026-11-21T02:14:07.123456789+00:00`.
const LONGEST_TIME: usize = 40;

/// Keeps what no line break has ended yet.
#[derive(Default)]
pub(super) struct Splitter {
    begun: Vec<u8>,
    /// Bytes of the begun line that are not kept.
    cut: u64,
}

impl Splitter {
    /// A new answer begins: what the last one left unfinished comes again.
    pub(super) fn begin(&mut self) {
        self.begun.clear();
        self.cut = 0;
    }

    pub(super) fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(LogLine)) {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..at]);
            each(self.take());
            rest = &rest[at + 1..];
        }
        self.keep(rest);
    }

    /// What stands there without a line break at the end of an answer.
    pub(super) fn rest(&mut self) -> Option<LogLine> {
        (!self.begun.is_empty()).then(|| self.take())
    }

    fn keep(&mut self, part: &[u8]) {
        let room = (LogLine::LONGEST + LONGEST_TIME).saturating_sub(self.begun.len());
        let kept = part.len().min(room);
        self.begun.extend_from_slice(&part[..kept]);
        self.cut += (part.len() - kept) as u64;
    }

    fn take(&mut self) -> LogLine {
        let (at, text) = timed(&self.begun);
        let kept = text.len().min(LogLine::LONGEST);
        let line = LogLine {
            at,
            bytes: text[..kept].into(),
            cut: self.cut + (text.len() - kept) as u64,
        };
        self.begin();
        line
    }
}

/// The time before a line and what follows it; a line without one is told as it is.
fn timed(line: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let head = &line[..line.len().min(LONGEST_TIME)];
    let end = memchr::memchr(b' ', head).unwrap_or(head.len());
    let at = std::str::from_utf8(&line[..end])
        .ok()
        .filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|text| text.parse().ok());
    match at {
        Some(at) => (Some(at), line.get(end + 1..).unwrap_or_default()),
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<LogLine> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for piece in pieces {
            splitter.push(piece, &mut |line| lines.push(line));
        }
        lines.extend(splitter.rest());
        lines
    }

    #[test]
    fn the_time_is_taken_off_and_the_rest_is_the_line() {
        let found = lines(&[b"2026-11-21T02:14:07.5Z  a b\n2026-11-21T02:14:08Z \nplain line\n"]);
        let text = |at: usize| String::from_utf8_lossy(&found[at].bytes).into_owned();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].at.unwrap().to_string(), "2026-11-21T02:14:07.5Z");
        assert_eq!(text(0), " a b", "blanks of the line itself stay");
        assert_eq!((found[1].at.is_some(), text(1)), (true, String::new()));
        assert_eq!((found[2].at, text(2)), (None, "plain line".into()));
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_and_the_cut_is_counted() {
        let mut long = b"2026-11-21T02:14:07Z ".to_vec();
        long.extend(vec![b'x'; 1 << 20]);
        long.extend(b"\nnext\n");
        let found = lines(&long.chunks(1000).collect::<Vec<_>>());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].bytes.len(), LogLine::LONGEST);
        assert_eq!(found[0].cut, (1 << 20) - LogLine::LONGEST as u64);
        assert_eq!(&*found[1].bytes, b"next");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_pieces_end(
            text in "([0-9TZ: -]{0,24}[a-z\n]{0,6}){0,8}", cuts in prop::collection::vec(1_usize..9, 1..9)
        ) {
            let mut pieces = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            prop_assert_eq!(lines(&pieces), lines(&[text.as_bytes()]));
        }
    }
}
