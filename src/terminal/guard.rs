//! The state of the terminal before, and the only code that writes to it while it is ours.
//!
//! Shared by the drawing thread, the signal thread and the panic hook: whoever comes first
//! restores, nobody writes afterwards.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use nix::unistd::{Pid, getpgid, getpid, getppid, getsid};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{self, LocalModes, OptionalActions, QueueSelector, Termios};

use super::{Options, modes};

/// How long the undo sequences may wait for a terminal that takes no bytes.
const UNDO_PATIENCE: Duration = Duration::from_millis(200);
/// How long a frame may: beyond it the terminal counts as stuck and the frame is lost.
const WRITE_PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait, on leaving, for an answer that was asked for, so that it is not typed into
/// the shell.
const ANSWER_PATIENCE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Not yet, or given back while suspended.
    No,
    Yes,
    /// Given back for good.
    Left,
}

pub(super) struct Guard {
    pub(super) input: File,
    output: File,
    saved: Termios,
    options: Options,
    held: Mutex<Held>,
    /// The screen's content is not what was last drawn.
    stale: AtomicBool,
    /// An answer is still to come.
    asked: AtomicBool,
}

impl Guard {
    pub(super) fn open(options: Options) -> io::Result<Self> {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Err(modes::unusable("standard output is not a terminal"));
        }
        let output = File::from(stdout.as_fd().try_clone_to_owned()?);
        let stdin = io::stdin();
        let input = if stdin.is_terminal() {
            File::from(stdin.as_fd().try_clone_to_owned()?)
        } else {
            File::open("/dev/tty").map_err(|error| {
                modes::unusable(&format!(
                    "standard input is not a terminal and /dev/tty cannot be read ({error})"
                ))
            })?
        };
        let saved = termios::tcgetattr(&input)?;
        Ok(Self {
            input,
            output,
            saved,
            options,
            held: Mutex::new(Held::No),
            stale: AtomicBool::new(true),
            asked: AtomicBool::new(false),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets every mode. Does nothing once the terminal was left for good.
    pub(super) fn enter(&self) -> io::Result<()> {
        let mut held = self.held();
        if *held == Held::Left {
            return Ok(());
        }
        let mut raw = self.saved.clone();
        raw.make_raw();
        // A credential plugin is a process in the background: with this it cannot write here either.
        raw.local_modes |= LocalModes::TOSTOP;
        *held = Held::Yes;
        self.set_line(&raw)?;
        self.put(
            modes::setting(self.options.mouse).as_bytes(),
            WRITE_PATIENCE,
        )?;
        self.stale.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// Undoes every mode, drains what was typed, and never takes the terminal again.
    pub(super) fn leave(&self) {
        let mut held = self.held();
        if *held == Held::Yes {
            self.undo();
        }
        *held = Held::Left;
    }

    /// The same for the last resort: does not wait for a thread that hangs in a write.
    pub(super) fn force_leave(&self) {
        match self.held.try_lock() {
            Ok(mut held) => {
                if *held == Held::Yes {
                    self.undo();
                }
                *held = Held::Left;
            }
            Err(TryLockError::Poisoned(_) | TryLockError::WouldBlock) => self.undo(),
        }
    }

    /// Gives the terminal back and stops the job; [`Guard::enter`] follows on SIGCONT, which the
    /// signal thread sees. This thread may run on for a moment, so it must not do it itself.
    ///
    /// The whole process group stops, as by ctrl-z in any program: a script that started midwatch
    /// would otherwise wait for it and its shell for the script. Where nobody would continue the
    /// group, nothing stops.
    pub(super) fn suspend(&self) -> io::Result<()> {
        if !has_shell() {
            return Err(io::Error::other(
                "there is no shell to go to; quit instead of stopping",
            ));
        }
        let mut held = self.held();
        if *held != Held::Yes {
            return Ok(());
        }
        self.undo();
        *held = Held::No;
        drop(held);
        Ok(kill_current_process_group(Signal::STOP)?)
    }

    /// Every step is tried, whatever the others say: there is nobody left to tell.
    fn undo(&self) {
        if self.asked.swap(false, Ordering::SeqCst) {
            let _ = ready(&self.input, PollFlags::IN, ANSWER_PATIENCE);
        }
        let text = modes::undoing(self.options.mouse);
        let _ = self.put(text.as_bytes(), UNDO_PATIENCE);
        let _ = termios::tcflush(&self.input, QueueSelector::IFlush);
        let _ = self.set_line(&self.saved);
    }

    fn set_line(&self, line: &Termios) -> io::Result<()> {
        loop {
            match termios::tcsetattr(&self.input, OptionalActions::Now, line) {
                Err(Errno::INTR) => {}
                done => return Ok(done?),
            }
        }
    }

    /// Writes, while the terminal is ours; drops the bytes otherwise.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let held = self.held();
        if *held == Held::Yes {
            self.put(bytes, WRITE_PATIENCE)?;
        }
        Ok(())
    }

    fn put(&self, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
        while !bytes.is_empty() {
            if !ready(&self.output, PollFlags::OUT, patience)? {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the terminal takes no output",
                ));
            }
            match rustix::io::write(&self.output, bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// True once after the screen was taken or taken again.
    pub(super) fn take_stale(&self) -> bool {
        self.stale.swap(false, Ordering::SeqCst)
    }

    pub(super) fn set_asked(&self, asked: bool) {
        self.asked.store(asked, Ordering::SeqCst);
    }

    pub(super) fn size(&self) -> (u16, u16) {
        match termios::tcgetwinsize(&self.output) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }
}

/// Is there a shell that would continue this process group? By the rule for orphaned groups: an
/// ancestor within the group has its parent in the same session and outside of the group.
///
/// A leader outside of this PID namespace shows as 0, in a container for instance: no shell of ours.
fn has_shell() -> bool {
    let (Ok(group), Ok(session)) = (getpgid(None), getsid(None)) else {
        return false;
    };
    let mut parent = Some(getppid());
    while let Some(pid) = parent.filter(|pid| pid.as_raw() > 0 && session.as_raw() > 0) {
        match (getpgid(Some(pid)), getsid(Some(pid))) {
            (Ok(other), Ok(same)) if same == session && other != group => return true,
            (Ok(_), Ok(same)) if same == session && pid != getpid() => parent = parent_of(pid),
            _ => return false,
        }
    }
    false
}

/// The parent of another process, where the system tells it.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(Pid::from_raw(rest.split(' ').nth(1)?.parse().ok()?))
}

/// Waits until a file is ready; false when it is not within `patience`.
fn ready(file: &File, flags: PollFlags, patience: Duration) -> io::Result<bool> {
    let timeout = Timespec::try_from(patience).map_err(io::Error::other)?;
    loop {
        match poll(&mut [PollFd::new(file, flags)], Some(&timeout)) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
