//! Small files named by the configuration: read whole, and noticed when they change. What stands in
//! the configuration itself in place of a file is treated alike.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::observation::{Layer, Outage};

/// Largest file read, in bytes. A bundle of every public authority is a quarter of it.
const LIMIT: u64 = 1 << 20;

/// What changes when a file is rewritten or replaced by a rename (modification time in
/// nanoseconds, size, inode). A link is followed, so a swapped link counts as a change.
pub type Version = (i64, i64, u64, u64);

/// A certificate or key as it is configured: the file that holds it, or the text itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Given {
    File(PathBuf),
    /// `place` says where it stands, for errors; the text may be a secret.
    Text {
        place: Arc<str>,
        text: Arc<[u8]>,
    },
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Given({self})")
    }
}

/// The place, never the text.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Text { place, .. } => f.write_str(place),
        }
    }
}

impl From<PathBuf> for Given {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

/// A configured file and the key that names it, for errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub key: &'static str,
    pub given: Given,
}

impl Named {
    pub fn new(key: &'static str, given: impl Into<Given>) -> Self {
        Self {
            key,
            given: given.into(),
        }
    }

    /// The present version of the file.
    ///
    /// # Errors
    /// `local`, when there is no such file or it may not be looked at.
    pub fn version(&self) -> Result<Version, Outage> {
        match &self.given {
            Given::File(path) => {
                let meta = std::fs::metadata(path).map_err(|e| self.unreadable(&e))?;
                Ok(version(&meta))
            }
            Given::Text { text, .. } => Ok((0, 0, text.len() as u64, 0)),
        }
    }

    /// The whole file.
    ///
    /// # Errors
    /// `local`, naming key and file, when it cannot be read, is no plain file or is absurdly large.
    pub fn read(&self) -> Result<Vec<u8>, Outage> {
        let path = match &self.given {
            Given::File(path) => path,
            Given::Text { text, .. } => return Ok(text.to_vec()),
        };
        let meta = std::fs::metadata(path).map_err(|e| self.unreadable(&e))?;
        if !meta.is_file() {
            return Err(self.bad("is not a plain file"));
        }
        if meta.len() > LIMIT {
            return Err(self.bad("is larger than 1 MiB"));
        }
        std::fs::read(path).map_err(|e| self.unreadable(&e))
    }

    /// An outage about the content: `ca: /etc/x/ca.pem holds no certificate`.
    pub fn bad(&self, problem: &str) -> Outage {
        Outage::new(
            Layer::Local,
            format!("{}: {} {problem}", self.key, self.given),
        )
    }

    fn unreadable(&self, error: &std::io::Error) -> Outage {
        use std::io::ErrorKind::{NotFound, PermissionDenied};
        let (problem, hint) = match error.kind() {
            NotFound => ("does not exist".to_owned(), "correct the path"),
            PermissionDenied => (
                "may not be read by this user".to_owned(),
                "make the file readable for the user that runs midwatch",
            ),
            _ => (format!("cannot be read: {error}"), "check the file"),
        };
        self.bad(&problem)
            .hint(format!("{hint} that `{}` names", self.key))
    }
}

fn version(meta: &Metadata) -> Version {
    (meta.mtime(), meta.mtime_nsec(), meta.size(), meta.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_named_with_its_key() {
        let outage = Named::new("ca", PathBuf::from("/no/such/ca.pem"))
            .read()
            .unwrap_err();
        assert_eq!(outage.layer, Layer::Local);
        assert_eq!(outage.detail, "ca: /no/such/ca.pem does not exist");
        assert_eq!(outage.hint.unwrap(), "correct the path that `ca` names");
    }

    #[test]
    fn a_device_is_not_read_as_if_it_ended() {
        let outage = Named::new("ca", PathBuf::from("/dev/zero"))
            .read()
            .unwrap_err();
        assert!(outage.detail.contains("not a plain file"), "{outage}");
    }

    #[test]
    fn a_file_replaced_by_a_rename_is_another_version() {
        let dir = tempfile::tempdir().unwrap();
        let (path, next) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&path, "same").unwrap();
        std::fs::write(&next, "same").unwrap();
        let named = Named::new("cert", path.clone());
        let before = named.version().unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_ne!(named.version().unwrap(), before);
    }

    #[test]
    fn a_text_in_place_of_a_file_is_named_by_its_place_and_not_shown() {
        let given = Given::Text {
            place: "user \"ann\" in /k".into(),
            text: b"hunter2"[..].into(),
        };
        let named = Named::new("client-key", given);
        assert_eq!(named.read().unwrap(), b"hunter2");
        assert_eq!(
            named.bad("holds no private key").detail,
            "client-key: user \"ann\" in /k holds no private key"
        );
        assert!(!format!("{named:?}").contains("hunter2"));
    }
}
