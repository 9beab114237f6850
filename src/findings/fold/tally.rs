//! What a finding explains, counted so that one more and one less cost the same however many there
//! are.

use crate::findings::Severity;

/// A number for each severity, from the least to the worst.
pub(super) type BySeverity = [u32; 4];

const ALL: [Severity; 4] = [
    Severity::Info,
    Severity::Warning,
    Severity::Unknown,
    Severity::Critical,
];

/// The worst severity that is counted at all.
pub(super) fn worst(counts: &BySeverity) -> Option<Severity> {
    let mut known = ALL.into_iter().rev();
    known.find(|severity| counts[*severity as usize] > 0)
}

/// Findings by severity, and their spares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    counts: BySeverity,
    /// Each spare with how many have it, the least first. Few rules tell any.
    spares: Vec<(i32, u32)>,
}

impl Tally {
    pub fn add(&mut self, severity: Severity, spare: Option<i32>) {
        self.counts[severity as usize] += 1;
        if let Some(spare) = spare {
            self.spare(spare, 1);
        }
    }

    pub fn join(&mut self, other: &Self) {
        for (own, more) in self.counts.iter_mut().zip(other.counts) {
            *own += more;
        }
        for (spare, count) in &other.spares {
            self.spare(*spare, *count);
        }
    }

    /// Takes away what was joined before.
    pub fn take(&mut self, other: &Self) {
        for (own, less) in self.counts.iter_mut().zip(other.counts) {
            *own = own.saturating_sub(less);
        }
        for (spare, count) in &other.spares {
            if let Ok(at) = self.spares.binary_search_by_key(spare, |(own, _)| *own) {
                let left = &mut self.spares[at].1;
                *left = left.saturating_sub(*count);
                if *left == 0 {
                    self.spares.remove(at);
                }
            }
        }
    }

    fn spare(&mut self, spare: i32, count: u32) {
        match self.spares.binary_search_by_key(&spare, |(own, _)| *own) {
            Ok(at) => self.spares[at].1 += count,
            Err(at) => self.spares.insert(at, (spare, count)),
        }
    }

    pub fn count(&self) -> usize {
        self.counts.iter().map(|count| *count as usize).sum()
    }

    /// How grave a finding is together with all that it explains. What is not known because of a
    /// fault that is known makes the fault no graver, but never passes for mere information.
    pub fn with(&self, own: Severity) -> Severity {
        let mut known = self.counts;
        known[Severity::Unknown as usize] = 0;
        let grave = worst(&known).map_or(own, |worst| worst.max(own));
        let unknown = self.counts[Severity::Unknown as usize] > 0;
        if unknown && grave < Severity::Warning {
            Severity::Unknown
        } else {
            grave
        }
    }

    /// The least spare of a finding and of all that it explains.
    pub fn least(&self, own: Option<i32>) -> Option<i32> {
        let below = self.spares.first().map(|(spare, _)| *spare);
        own.into_iter().chain(below).min()
    }
}
