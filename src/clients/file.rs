//! Small files named by the configuration: read whole, and noticed when they change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::observation::{Layer, Outage};

/// Largest file read, in bytes. A bundle of every public authority is a quarter of it.
const LIMIT: u64 = 1 << 20;

/// What changes when a file is rewritten or replaced by a rename (modification time in
/// nanoseconds, size, inode). A link is followed, so a swapped link counts as a change.
pub type Version = (i64, i64, u64, u64);

/// A configured file and the key that names it, for errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub key: &'static str,
    pub path: PathBuf,
}

impl Named {
    pub fn new(key: &'static str, path: &Path) -> Self {
        Self {
            key,
            path: path.to_owned(),
        }
    }

    /// The present version of the file.
    ///
    /// # Errors
    /// `local`, when there is no such file or it may not be looked at.
    pub fn version(&self) -> Result<Version, Outage> {
        let meta = std::fs::metadata(&self.path).map_err(|e| self.unreadable(&e))?;
        Ok(version(&meta))
    }

    /// The whole file.
    ///
    /// # Errors
    /// `local`, naming key and file, when it cannot be read, is no plain file or is absurdly large.
    pub fn read(&self) -> Result<Vec<u8>, Outage> {
        let meta = std::fs::metadata(&self.path).map_err(|e| self.unreadable(&e))?;
        if !meta.is_file() {
            return Err(self.bad("is not a plain file"));
        }
        if meta.len() > LIMIT {
            return Err(self.bad("is larger than 1 MiB"));
        }
        std::fs::read(&self.path).map_err(|e| self.unreadable(&e))
    }

    /// An outage about the content: `ca: /etc/x/ca.pem holds no certificate`.
    pub fn bad(&self, problem: &str) -> Outage {
        Outage::new(
            Layer::Local,
            format!("{}: {} {problem}", self.key, self.path.display()),
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
        let outage = Named::new("ca", Path::new("/no/such/ca.pem"))
            .read()
            .unwrap_err();
        assert_eq!(outage.layer, Layer::Local);
        assert_eq!(outage.detail, "ca: /no/such/ca.pem does not exist");
        assert_eq!(outage.hint.unwrap(), "correct the path that `ca` names");
    }

    #[test]
    fn a_device_is_not_read_as_if_it_ended() {
        let outage = Named::new("ca", Path::new("/dev/zero")).read().unwrap_err();
        assert!(outage.detail.contains("not a plain file"), "{outage}");
    }

    #[test]
    fn a_file_replaced_by_a_rename_is_another_version() {
        let dir = tempfile::tempdir().unwrap();
        let (path, next) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&path, "same").unwrap();
        std::fs::write(&next, "same").unwrap();
        let named = Named::new("cert", &path);
        let before = named.version().unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_ne!(named.version().unwrap(), before);
    }
}
