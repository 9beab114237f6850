//! Small kernel files, read whole into one buffer that is used again.
//!
//! Knows where the trees are, not what is in them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where the trees of the machine are mounted. Not `/proc` and `/sys` in a container that looks at
/// its host, and in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    pub proc: PathBuf,
    pub sys: PathBuf,
    /// The machine's root directory: `etc/os-release`, and the mounted file systems.
    pub root: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            sys: "/sys".into(),
            root: "/".into(),
        }
    }
}

/// Reads files below the roots. Every answer borrows the buffer, so that a poll allocates little.
#[derive(Debug)]
pub(super) struct Files {
    pub roots: Roots,
    path: PathBuf,
    buffer: Vec<u8>,
}

/// A file longer than this is none of ours: the longest seen is `/proc/stat` of a large machine.
const MAX_FILE: u64 = 4 << 20;

impl Files {
    pub fn new(roots: Roots) -> Self {
        Self {
            roots,
            path: PathBuf::new(),
            buffer: Vec::with_capacity(16 << 10),
        }
    }

    pub fn proc(&mut self, relative: &str) -> io::Result<&str> {
        set(&mut self.path, &self.roots.proc, relative);
        self.read()
    }

    pub fn sys(&mut self, relative: &str) -> io::Result<&str> {
        set(&mut self.path, &self.roots.sys, relative);
        self.read()
    }

    pub fn root(&mut self, relative: &str) -> io::Result<&str> {
        set(&mut self.path, &self.roots.root, relative);
        self.read()
    }

    /// A number alone in a file of `/sys`.
    pub fn sys_number<T: std::str::FromStr>(&mut self, relative: &str) -> Option<T> {
        self.sys(relative).ok()?.trim().parse().ok()
    }

    pub fn sys_exists(&mut self, relative: &str) -> bool {
        set(&mut self.path, &self.roots.sys, relative);
        self.path.exists()
    }

    /// Names in a directory of `/sys`, sorted; empty where there is none.
    pub fn sys_names(&mut self, relative: &str) -> Vec<String> {
        set(&mut self.path, &self.roots.sys, relative);
        let entries = self.path.read_dir().into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        names
    }

    /// Names of the directories in a directory of `/sys`, links not followed.
    pub fn sys_folders(&mut self, relative: &str) -> Vec<String> {
        set(&mut self.path, &self.roots.sys, relative);
        let entries = self.path.read_dir().into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect()
    }

    fn read(&mut self) -> io::Result<&str> {
        self.buffer.clear();
        let file = File::open(&self.path)?;
        // `read_to_end` would ask for the size first, which these files do not know.
        file.take(MAX_FILE).read_to_end(&mut self.buffer)?;
        if let Err(error) = std::str::from_utf8(&self.buffer) {
            // A mount point may hold any bytes; it must not cost the other lines.
            let from = error.valid_up_to();
            let rest = String::from_utf8_lossy(&self.buffer[from..]).into_owned();
            self.buffer.truncate(from);
            self.buffer.extend_from_slice(rest.as_bytes());
        }
        std::str::from_utf8(&self.buffer).map_err(io::Error::other)
    }
}

fn set(path: &mut PathBuf, root: &Path, relative: &str) {
    path.clear();
    path.push(root);
    path.push(relative);
}
