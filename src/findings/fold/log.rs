//! Subjects that something was found on for the first time, and those that are well again, so that
//! who keeps a list of them need not look at all. Bounded: who comes too late must look at all.

use std::collections::VecDeque;

use crate::subject::Subject;

/// Changes remembered; more than this is cheaper to look through anew.
const REMEMBERED: usize = 4096;

#[derive(Clone, Debug, Default)]
pub(in crate::findings) struct Log {
    changes: VecDeque<Subject>,
    /// Changes that were forgotten.
    forgotten: u64,
}

impl Log {
    pub fn push(&mut self, subject: &Subject) {
        if self.changes.len() == REMEMBERED {
            self.changes.pop_front();
            self.forgotten += 1;
        }
        self.changes.push_back(subject.clone());
    }

    /// How many changes there ever were.
    pub fn until(&self) -> u64 {
        self.forgotten + self.changes.len() as u64
    }

    /// What came or went after so many changes; `None` where that was forgotten.
    pub fn since(&self, seen: u64) -> Option<impl Iterator<Item = &Subject>> {
        let skip = usize::try_from(seen.checked_sub(self.forgotten)?).ok()?;
        (skip <= self.changes.len()).then(|| self.changes.range(skip..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_too_late_is_told_so() {
        let mut log = Log::default();
        let seen = log.until();
        log.push(&Subject::host("a"));
        assert_eq!(log.since(seen).map(Iterator::count), Some(1));
        assert_eq!(log.since(log.until()).map(Iterator::count), Some(0));
        for _ in 0..REMEMBERED {
            log.push(&Subject::host("b"));
        }
        assert!(log.since(seen).is_none());
        assert_eq!(log.since(seen + 1).map(Iterator::count), Some(REMEMBERED));
        assert!(log.since(log.until() + 1).is_none(), "another ledger's");
    }
}
