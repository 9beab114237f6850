//! Where a log was left, so that it can be taken up again: the last second that a line is of, and
//! which lines of that second were told.
//!
//! The API takes a time in whole seconds and sends everything from that second on; what of it was
//! told already is recognised line by line, since several can have one time.

use std::hash::{BuildHasher, BuildHasherDefault};

use jiff::Timestamp;
use rustc_hash::{FxHashMap, FxHasher};

use crate::ask::LogLine;

/// Lines of one second that are remembered; of more, those with a time before the last are taken
/// for told.
const MOST: usize = 200_000;

#[derive(Default)]
pub(super) struct Seen {
    /// Since 1970.
    second: Option<i64>,
    /// The newest time.
    newest: Option<Timestamp>,
    /// How often each line of that second was told, by its hash.
    told: FxHashMap<u64, u32>,
    remembered: usize,
    /// Those of them that the present answer has not repeated yet.
    awaited: FxHashMap<u64, u32>,
    /// The second that the present answer begins with.
    from: Option<i64>,
}

impl Seen {
    /// The time from which on the log is to be asked for; `None` before the first line.
    pub(super) fn since(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.second?).ok()
    }

    /// A new answer begins.
    pub(super) fn begin(&mut self) {
        self.awaited = self.told.clone();
        self.from = self.second;
    }

    /// Was this line not told before? Remembers it.
    pub(super) fn is_new(&mut self, line: &LogLine) -> bool {
        let Some(at) = line.at else {
            return true;
        };
        let hash = hash(at, &line.bytes);
        let second = at.as_second();
        if let Some(from) = self.from {
            if second < from {
                // Written with a time of the past: asked for by nobody, so it is no repetition.
                return true;
            }
            if second == from && self.repeats(hash, at) {
                return false;
            }
        }
        self.remember(second, hash, at);
        true
    }

    fn repeats(&mut self, hash: u64, at: Timestamp) -> bool {
        if let Some(count) = self.awaited.get_mut(&hash) {
            *count -= 1;
            if *count == 0 {
                self.awaited.remove(&hash);
            }
            return true;
        }
        self.remembered >= MOST && self.newest.is_some_and(|newest| at < newest)
    }

    fn remember(&mut self, second: i64, hash: u64, at: Timestamp) {
        match self.second {
            Some(last) if second < last => return,
            Some(last) if second == last => {}
            _ => {
                self.second = Some(second);
                self.told.clear();
                self.remembered = 0;
            }
        }
        self.newest = self.newest.max(Some(at));
        if self.remembered < MOST {
            *self.told.entry(hash).or_default() += 1;
            self.remembered += 1;
        }
    }
}

fn hash(at: Timestamp, bytes: &[u8]) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one((at.as_nanosecond(), bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(millis: i64, text: &str) -> LogLine {
        LogLine {
            at: Some(Timestamp::from_millisecond(millis).unwrap()),
            bytes: text.as_bytes().into(),
            cut: 0,
        }
    }

    #[test]
    fn lines_of_one_time_and_one_text_are_counted() {
        let mut seen = Seen::default();
        let twice = [line(1500, "a"), line(1500, "a")];
        assert!(twice.iter().all(|line| seen.is_new(line)));
        assert_eq!(seen.since().unwrap().to_string(), "1970-01-01T00:00:01Z");
        seen.begin();
        let again = [line(1500, "a"), line(1500, "a"), line(1500, "a")];
        let new: Vec<bool> = again.iter().map(|line| seen.is_new(line)).collect();
        assert_eq!(new, [false, false, true], "the third was written since");
    }

    proptest! {
        /// A log that breaks off at any line, any number of times, is told whole and once.
        #[test]
        fn nothing_is_told_twice_and_nothing_is_lost(
            steps in prop::collection::vec(0_i64..900, 1..60),
            breaks in prop::collection::vec(0_usize..12, 0..12),
        ) {
            let mut at = 0;
            let log: Vec<LogLine> = steps
                .iter()
                .enumerate()
                .map(|(nth, step)| {
                    at += step / 100 * 100;
                    line(at, if nth % 3 == 0 { "same" } else { "x" })
                })
                .collect();
            let mut seen = Seen::default();
            let mut told = Vec::new();
            for length in breaks.iter().copied().chain([usize::MAX]) {
                let since = seen.since();
                seen.begin();
                let from = |line: &&LogLine| since.is_none_or(|since| line.at.unwrap() >= since);
                let mut new = 0;
                for line in log.iter().filter(from) {
                    if new >= length {
                        break;
                    }
                    if seen.is_new(line) {
                        told.push(line.clone());
                        new += 1;
                    }
                }
            }
            prop_assert_eq!(told, log);
        }
    }
}
