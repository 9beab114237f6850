//! The few things that the audit does with the disk, as a trait, so that tests can let each of them
//! fail. The folder is its owner's alone (0700), so is each file (0600).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Ends of the names of segments.
pub const ENDING: &str = ".jsonl";

/// Held while it lives.
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] Option<File>);

impl Lock {
    /// For disks that nobody else uses.
    #[cfg(test)]
    pub fn nobodys() -> Self {
        Self(None)
    }
}

/// Where segments lie.
pub trait Disk: Send + Sync {
    /// The lock between processes; `None` while another one has it.
    ///
    /// # Errors
    /// The folder cannot be made or its lock not be opened.
    fn lock(&self) -> io::Result<Option<Lock>>;

    /// Names of the segments in their order; none where there is no folder yet.
    ///
    /// # Errors
    /// The folder cannot be read.
    fn segments(&self) -> io::Result<Vec<String>>;

    /// At most so many bytes from the end, and how long the segment is.
    ///
    /// # Errors
    /// It cannot be read.
    fn tail(&self, name: &str, most: u64) -> io::Result<(Vec<u8>, u64)>;

    /// The whole segment.
    ///
    /// # Errors
    /// It cannot be read.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Makes an empty segment, durably.
    ///
    /// # Errors
    /// It exists already, or the disk says no.
    fn create(&self, name: &str) -> io::Result<()>;

    /// Adds bytes at the end of a segment; they are on the disk when it returns.
    ///
    /// # Errors
    /// Then it is not known how much of it is there.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// A limit on the size of files (`ulimit -f`) is an error of the write, and not the end of the
/// process by a signal: what cannot be recorded is not done, and that is said.
fn heed_limits() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // Any handler does: where the signal is taken, the write fails with EFBIG.
        let taken = std::sync::Arc::default();
        if let Err(error) = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, taken) {
            tracing::warn!("a limit on the size of files ends midwatch: {error}");
        }
    });
}

/// A folder of the file system.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        heed_limits();
        Self(path)
    }

    fn open(&self) -> io::Result<File> {
        File::open(&self.0)
    }
}

/// Opens what its owner alone can read, whatever it was before.
fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

impl Disk for Folder {
    fn lock(&self) -> io::Result<Option<Lock>> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        let folder = self.open()?;
        if folder.metadata()?.permissions().mode() & 0o077 != 0 {
            folder.set_permissions(fs::Permissions::from_mode(0o700))?;
        }
        let mut options = OpenOptions::new();
        let options = options.create(true).append(true);
        let file = private(&self.0.join("lock"), options)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(Some(file)))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn segments(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().filter(|name| name.ends_with(ENDING)) {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn tail(&self, name: &str, most: u64) -> io::Result<(Vec<u8>, u64)> {
        let mut file = File::open(self.0.join(name))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok((bytes, length))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(name))
    }

    fn create(&self, name: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let file = private(&self.0.join(name), options.create_new(true).append(true))?;
        file.sync_all()?;
        // The name itself must be on the disk too.
        self.open()?.sync_all()
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = private(&self.0.join(name), options.append(true))?;
        file.write_all(bytes)?;
        // On the same descriptor: another one might not hear of an error that this write meets.
        file.sync_data()
    }
}
