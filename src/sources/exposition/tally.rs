//! What a body held, counted, and whether it was exposition text at all.

use crate::observation::{Layer, Outage};

/// Counts of one body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Wanted samples handed on.
    pub taken: u64,
    /// Samples of other metrics, known by their names only.
    pub others: u64,
    /// Lines that are not of the format.
    pub malformed: u64,
    /// Wanted samples refused for a limit on samples, labels, names or values.
    pub over_limit: u64,
    /// Lines dropped for their length.
    pub too_long: u64,
    /// The start of the first malformed line, for the outage.
    first: Option<String>,
    /// The body began as markup does; exposition text never can.
    markup: bool,
}

/// Characters of a malformed line that an outage cites.
const CITED: usize = 80;

impl Tally {
    /// Samples of any name.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.taken + self.others
    }

    /// What was left out for a limit; goes to `Harvest::refused`.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.over_limit + self.too_long
    }

    pub(super) fn malformed(&mut self, line: &[u8]) {
        self.malformed += 1;
        if self.first.is_none() {
            let text = String::from_utf8_lossy(&line[..line.len().min(4 * CITED)]);
            let text = text.trim();
            self.markup = text.starts_with('<') && self.samples() == 0;
            self.first = Some(text.chars().take(CITED).collect());
        }
    }

    /// Refuses a body without one valid sample, such as a login page.
    ///
    /// # Errors
    /// An [`Outage`] of the parse layer that cites the first line that could not be read.
    pub fn verify(&self) -> Result<(), Outage> {
        if self.samples() + self.over_limit > 0 && !self.markup {
            return Ok(());
        }
        let detail = match &self.first {
            Some(first) => format!("no metrics in the body; it begins with `{first}`"),
            None if self.too_long > 0 => "no metrics in the body, only overlong lines".into(),
            None => "no metrics in the body".into(),
        };
        let hint = "check that the path is that of the metrics, such as /metrics";
        Err(Outage::new(Layer::Parse, detail).hint(hint))
    }
}
