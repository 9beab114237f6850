//! Lines of all logs that are read together, in the order in which they were written; the oldest go
//! when there are too many. Nothing is lost unseen: what goes is counted.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::scroll::Lines;
use super::search::Search;
use crate::ask::LogLine;
use crate::sgr::{self, Escapes};

/// Lines kept.
const MOST_LINES: usize = 20_000;

/// Bytes kept, with what a line costs beside its text.
const MOST_BYTES: usize = 16 << 20;

/// What a line costs beside its text, in bytes.
const LINE_COST: usize = 72;

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The stream with this index.
    Stream(u32),
    /// midwatch itself: who joined, who left.
    Midwatch,
}

/// One kept line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Counts the lines of a ring as they come; a line keeps its number.
    pub serial: u64,
    pub writer: Writer,
    pub at: Option<Timestamp>,
    pub bytes: Box<[u8]>,
    pub cut: u64,
    /// Sorts by this: its own time, or that of the line before it.
    order: i64,
    matches: bool,
}

/// Which lines take room on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matches {
    /// Only those that the search accepts.
    #[default]
    Only,
    /// All; those that the search accepts are marked.
    Marked,
}

#[derive(Clone, Debug, Default)]
pub struct Ring {
    lines: VecDeque<Kept>,
    bytes: usize,
    serial: u64,
    matching: usize,
    /// Lines that were kept once and had to go.
    pub dropped: u64,
    /// Lines whose end was cut off.
    pub cut: u64,
    pub search: Search,
    pub matches: Matches,
    pub escapes: Escapes,
}

impl Ring {
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Lines that the search accepts.
    #[must_use]
    pub fn matching(&self) -> usize {
        self.matching
    }

    #[must_use]
    pub fn get(&self, line: usize) -> Option<&Kept> {
        self.lines.get(line)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.lines.iter()
    }

    /// The line with this number, while it is kept.
    #[must_use]
    pub fn find(&self, serial: u64) -> Option<usize> {
        self.lines.iter().position(|line| line.serial == serial)
    }

    #[must_use]
    pub fn accepts(&self, line: usize) -> bool {
        self.lines.get(line).is_some_and(|line| line.matches)
    }

    /// Takes in lines of one writer in their order, each to its place in time. `label` names the
    /// writer for the search.
    pub fn push(&mut self, writer: Writer, label: &str, lines: Vec<LogLine>) {
        // What has no time comes after what is there, and takes what follows it along.
        let last = self.lines.back().map_or(i64::MIN, |line| line.order);
        let timed = lines.first().is_some_and(|line| line.at.is_some());
        let mut order = if timed { i64::MIN } else { last };
        let mut fresh = VecDeque::with_capacity(lines.len());
        for line in lines {
            order = line.at.map_or(order, |at| nanoseconds(at).max(order));
            fresh.push_back(self.kept(writer, label, order, line));
        }
        self.merge(fresh);
        self.evict();
    }

    /// A line of midwatch's own at the end.
    pub fn note(&mut self, text: &str, at: Timestamp) {
        let line = LogLine {
            at: Some(at),
            bytes: text.as_bytes().into(),
            cut: 0,
        };
        let last = self.lines.back().map_or(i64::MIN, |line| line.order);
        let kept = self.kept(Writer::Midwatch, "", last, line);
        self.lines.push_back(kept);
        self.evict();
    }

    fn kept(&mut self, writer: Writer, label: &str, order: i64, line: LogLine) -> Kept {
        self.serial += 1;
        self.bytes += line.bytes.len() + LINE_COST;
        self.cut += u64::from(line.cut > 0);
        // What midwatch says is never filtered out: it tells who is missing.
        let matches = writer == Writer::Midwatch
            || self.search.is_empty()
            || self.search.accepts(&sgr::plain(&line.bytes), label);
        self.matching += usize::from(matches);
        Kept {
            serial: self.serial,
            writer,
            at: line.at,
            bytes: line.bytes,
            cut: line.cut,
            order,
            matches,
        }
    }

    /// Costs as much as lines are displaced: mostly none.
    fn merge(&mut self, mut fresh: VecDeque<Kept>) {
        let Some(first) = fresh.front().map(|line| line.order) else {
            return;
        };
        let displaced = self.lines.iter().rev();
        let displaced = displaced.take_while(|line| line.order > first).count();
        let mut tail = self.lines.split_off(self.lines.len() - displaced);
        while let (Some(old), Some(new)) = (tail.front(), fresh.front()) {
            let next = if old.order <= new.order {
                tail.pop_front()
            } else {
                fresh.pop_front()
            };
            self.lines.extend(next);
        }
        self.lines.append(&mut tail);
        self.lines.append(&mut fresh);
    }

    fn evict(&mut self) {
        while self.lines.len() > MOST_LINES || self.bytes > MOST_BYTES {
            let Some(line) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= line.bytes.len() + LINE_COST;
            self.matching -= usize::from(line.matches);
            self.dropped += 1;
        }
    }

    /// Judges every line anew; `label` names a stream.
    pub fn search(&mut self, search: Search, label: impl Fn(u32) -> String) {
        self.search = search;
        let mut labels: Vec<String> = Vec::new();
        self.matching = 0;
        for line in &mut self.lines {
            line.matches = match line.writer {
                _ if self.search.is_empty() => true,
                Writer::Midwatch => true,
                Writer::Stream(index) => {
                    for known in labels.len()..=index as usize {
                        labels.push(label(u32::try_from(known).unwrap_or(u32::MAX)));
                    }
                    let text = sgr::plain(&line.bytes);
                    self.search.accepts(&text, &labels[index as usize])
                }
            };
            self.matching += usize::from(line.matches);
        }
    }

    /// Forgets all lines and counts; the choices of the reader stay.
    pub fn clear(&mut self) {
        *self = Self {
            search: std::mem::take(&mut self.search),
            matches: self.matches,
            escapes: self.escapes,
            serial: self.serial,
            ..Self::default()
        };
    }
}

impl Lines for Ring {
    fn count(&self) -> usize {
        self.lines.len()
    }

    fn rows(&self, line: usize, columns: usize) -> usize {
        match self.lines.get(line) {
            Some(line) if line.matches || self.matches == Matches::Marked => {
                if columns == usize::MAX {
                    1
                } else {
                    sgr::rows(&line.bytes, self.escapes, columns)
                }
            }
            _ => 0,
        }
    }
}

/// Since 1970; the ends of time where 64 bits do not hold it.
fn nanoseconds(at: Timestamp) -> i64 {
    let all = at.as_nanosecond();
    i64::try_from(all).unwrap_or(if all < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(second: i64, text: &str) -> LogLine {
        LogLine {
            at: (second >= 0).then(|| Timestamp::from_second(second).unwrap()),
            bytes: text.as_bytes().into(),
            cut: 0,
        }
    }

    fn texts(ring: &Ring) -> Vec<String> {
        ring.iter()
            .map(|line| String::from_utf8_lossy(&line.bytes).into_owned())
            .collect()
    }

    #[test]
    fn logs_read_together_are_in_the_order_of_their_times() {
        let mut ring = Ring::default();
        ring.push(
            Writer::Stream(0),
            "a",
            vec![line(1, "a1"), line(5, "a5"), line(9, "a9")],
        );
        ring.push(
            Writer::Stream(1),
            "b",
            vec![line(2, "b2"), line(-1, "b-"), line(6, "b6")],
        );
        assert_eq!(texts(&ring), ["a1", "b2", "b-", "a5", "b6", "a9"]);
        ring.push(Writer::Stream(0), "a", vec![line(-1, "none")]);
        ring.note("joined", Timestamp::UNIX_EPOCH);
        assert_eq!(texts(&ring)[6..], ["none", "joined"]);
    }

    #[test]
    fn a_log_whose_clock_runs_back_keeps_its_own_order() {
        let mut ring = Ring::default();
        ring.push(
            Writer::Stream(0),
            "a",
            vec![line(5, "one"), line(3, "two"), line(6, "three")],
        );
        assert_eq!(texts(&ring), ["one", "two", "three"]);
    }

    #[test]
    fn the_oldest_go_and_are_counted() {
        let mut ring = Ring::default();
        for block in 0..30 {
            let lines = (0..1000).map(|nth| line(block * 1000 + nth, "x")).collect();
            ring.push(Writer::Stream(0), "a", lines);
        }
        assert_eq!((ring.len(), ring.dropped), (20_000, 10_000));
        let long = "x".repeat(LogLine::LONGEST);
        for nth in 0..1000 {
            ring.push(Writer::Stream(0), "a", vec![line(40_000 + nth, &long)]);
        }
        assert!(ring.bytes <= MOST_BYTES, "{}", ring.bytes);
        assert_eq!(ring.len() as u64 + ring.dropped, 31_000);
    }

    #[test]
    fn a_filter_judges_what_is_there_and_what_comes() {
        let mut ring = Ring::default();
        let lines = |from: i64| vec![line(from, "GET /"), line(from + 1, "\x1b[31mERR\x1b[0mOR")];
        ring.push(Writer::Stream(0), "web-1", lines(1));
        ring.search(Search::parse("error"), |_| "web-1".into());
        assert_eq!(ring.matching(), 1, "colours are no part of the text");
        ring.push(Writer::Stream(0), "web-1", lines(3));
        ring.note("web-1 is gone", Timestamp::UNIX_EPOCH);
        assert_eq!(ring.matching(), 3);
        let rows = |ring: &Ring| (0..ring.len()).map(|at| ring.rows(at, 80)).sum::<usize>();
        assert_eq!(rows(&ring), 3);
        ring.matches = Matches::Marked;
        assert_eq!(rows(&ring), 5);
        ring.search(Search::parse("!web-1"), |_| "web-1".into());
        assert_eq!(ring.matching(), 1, "the label counts, the note stays");
    }

    proptest! {
        #[test]
        fn merging_keeps_everything_and_each_log_in_order(
            batches in prop::collection::vec((0_u32..3, prop::collection::vec(-1_i64..50, 0..12)), 0..12)
        ) {
            let mut ring = Ring::default();
            let mut told: Vec<Vec<String>> = vec![Vec::new(); 3];
            for (nth, (stream, times)) in batches.iter().enumerate() {
                let mut times = times.clone();
                times.sort_by_key(|time| (*time).max(0));
                let text = |at: usize| format!("{stream}.{nth}.{at}");
                let lines = times.iter().enumerate().map(|(at, time)| line(*time, &text(at)));
                ring.push(Writer::Stream(*stream), "", lines.collect());
                told[*stream as usize].extend((0..times.len()).map(text));
            }
            let all: usize = told.iter().map(Vec::len).sum();
            prop_assert_eq!(ring.len(), all);
            prop_assert_eq!(ring.matching(), all);
            for line in ring.lines.iter().zip(ring.lines.iter().skip(1)) {
                prop_assert!(line.0.order <= line.1.order);
            }
        }
    }
}
