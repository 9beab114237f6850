//! Guards for real servers: each on free loopback ports with a data folder of its own, killed and
//! swept away when the guard goes, also on a panic.

pub mod chrony;
pub mod etcd;
pub mod kube;
pub mod pki;
pub mod prometheus;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::programs::Program;

/// A child process that does not outlive its guard.
pub struct Running {
    child: Child,
}

impl Running {
    /// Starts a program with an environment of its own, its output in a file of `folder`.
    pub fn start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        folder: &Path,
        log: &str,
    ) -> Result<Self, Failed> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join(log))?;
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Self { child })
    }

    #[allow(dead_code, reason = "the bench measures it")]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    #[allow(dead_code, reason = "the bench keeps what it loaded")]
    pub fn end(&mut self) -> Result<(), Failed> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or("no process")?, Signal::TERM)?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that a trial has declared to need.
pub fn found(program: Program) -> Result<PathBuf, Failed> {
    program
        .find()
        .ok_or_else(|| format!("needs {}", program.name()).into())
}

/// A port that nobody listens on, TCP and UDP, never the same twice in a run.
pub fn free_port() -> Result<u16, Failed> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    for _ in 0..100 {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = tcp.local_addr()?.port();
        let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if free && given.insert(port) {
            return Ok(port);
        }
    }
    Err("no free port".into())
}
