//! Every so many records the head of the chain is written into a second file, from where its owner
//! takes it to a place that is not his alone. What is cut off or written anew before such a head is
//! found by `midwatch audit verify`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::verify::Anchor;

/// Records from one head to the next. Safety promise C2.
pub const EVERY: u64 = 20;
/// Names the file, where it is not to lie beside the audit.
pub const VARIABLE: &str = "MIDWATCH_AUDIT_ANCHORS";

/// The file of heads, one `HASH@SEQ` per line, only ever added to.
#[derive(Clone, Debug)]
pub struct Anchors(PathBuf);

impl Anchors {
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Is the head behind so many records to be kept?
    #[must_use]
    pub fn is_due(seq: u64) -> bool {
        seq.is_multiple_of(EVERY)
    }

    /// Adds a head; on the disk when it returns.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, head: Anchor) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let mut file = options.open(&self.0)?;
        file.write_all(format!("{head}\n").as_bytes())?;
        file.sync_data()
    }

    /// Every head that was kept; none where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or a line is no head; names the file and the line.
    pub fn read(&self) -> Result<Vec<Anchor>, String> {
        let place = self.0.display();
        let text = match fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{place}: {error}")),
        };
        let lines = text.lines().enumerate();
        lines
            .map(|(at, line)| {
                line.parse()
                    .map_err(|why| format!("{place}, line {}: {why}", at + 1))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn what_was_kept_is_read_and_a_broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let anchors = Anchors::at(folder.path().join("anchors"));
        assert_eq!(anchors.read(), Ok(Vec::new()));
        let head = |seq| Anchor {
            seq,
            hash: Digest::of(&[1]),
        };
        for seq in [20, 40] {
            anchors.keep(head(seq)).unwrap();
        }
        assert_eq!(anchors.read(), Ok(vec![head(20), head(40)]));
        fs::write(anchors.path(), format!("{}\nnonsense\n", head(20))).unwrap();
        let why = anchors.read().unwrap_err();
        assert!(why.contains("line 2") && why.contains("HASH@SEQ"), "{why}");
    }
}
