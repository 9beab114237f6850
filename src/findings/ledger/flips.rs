//! How often a finding went on or off lately. Bounded in time and in number.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::FindingId;
use crate::clock::Stamp;

/// How far back changes count (kubernetes mixin, `KubeNodeReadinessFlapping`: 15 min).
const WINDOW: Duration = Duration::from_secs(900);

/// Changes remembered at most, whatever the world does.
const KEPT: usize = 10_000;

/// Changes in order of time, and their number by finding.
#[derive(Clone, Debug, Default)]
pub(super) struct Flips {
    changes: VecDeque<(Stamp, FindingId)>,
    counts: BTreeMap<FindingId, u32>,
}

impl Flips {
    pub fn note(&mut self, id: &FindingId, at: Stamp) {
        if self.changes.len() == KEPT
            && let Some((_, oldest)) = self.changes.pop_front()
        {
            self.drop_one(&oldest);
        }
        self.changes.push_back((at, id.clone()));
        *self.counts.entry(id.clone()).or_default() += 1;
    }

    pub fn count(&self, id: &FindingId) -> u32 {
        self.counts.get(id).copied().unwrap_or(0)
    }

    /// Drops changes that are too old; answers whose count fell.
    pub fn forget(&mut self, now: Stamp) -> Vec<FindingId> {
        let mut fewer = Vec::new();
        while let Some((at, _)) = self.changes.front()
            && now.since(*at) > WINDOW
        {
            if let Some((_, id)) = self.changes.pop_front() {
                self.drop_one(&id);
                fewer.push(id);
            }
        }
        fewer
    }

    fn drop_one(&mut self, id: &FindingId) {
        if let Some(count) = self.counts.get_mut(id) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(id);
            }
        }
    }
}
