//! What a client is waiting for right now, readable from outside after its future was dropped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::units::Bytes;

/// A cell that a client writes and a probe shows through `Probe::waiting_for`.
#[derive(Debug)]
pub struct Phase {
    words: Mutex<String>,
    /// Bytes of the body so far; zero while none is being read.
    bytes: AtomicU64,
}

impl Default for Phase {
    fn default() -> Self {
        Self {
            words: Mutex::new("an answer".into()),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Phase {
    /// Enters a phase: `resolving x`, `connecting to a:1`, `TLS handshake`, `first byte of /metrics`.
    pub fn enter(&self, words: impl Into<String>) {
        self.bytes.store(0, Ordering::Relaxed);
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words.into();
    }

    /// Counts bytes that arrived in this phase.
    pub(super) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The phase in words: `the rest of /metrics (3.0 MiB so far)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        match self.bytes.load(Ordering::Relaxed) {
            0 => words.clone(),
            bytes => format!("{words} ({} so far)", Bytes(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_forgets_the_bytes_of_the_last() {
        let phase = Phase::default();
        assert_eq!(phase.describe(), "an answer");
        phase.enter("the rest of /metrics");
        phase.count(2048);
        assert_eq!(phase.describe(), "the rest of /metrics (2.00 KiB so far)");
        phase.enter("resolving a");
        assert_eq!(phase.describe(), "resolving a");
    }
}
