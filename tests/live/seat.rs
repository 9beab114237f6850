//! The console in a pseudo-terminal, seen as a person sees it: by what stands on the screen.
//!
//! Nothing here sleeps: every wait is for a picture, with a limit that only a failure reaches.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libtest_mimic::Failed;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::checked::User;

const LIMIT: Duration = Duration::from_secs(90);
const SIZE: PtySize = PtySize {
    rows: 40,
    cols: 140,
    pixel_width: 0,
    pixel_height: 0,
};

type Seen = Arc<(Mutex<vt100::Parser>, Condvar)>;

/// A running console; ended with the value.
pub struct Seat {
    seen: Seen,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

impl Seat {
    /// Starts `midwatch` with the user's configuration and these arguments.
    pub fn start(user: &User, arguments: &[&str]) -> Result<Self, Failed> {
        let pair = native_pty_system().openpty(SIZE).map_err(told)?;
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_midwatch"));
        command.env_clear();
        command.args(["--config", &user.config()]);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        for (name, value) in user.environment() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).map_err(told)?;
        let seen: Seen = Arc::new((Mutex::new(parser()?), Condvar::new()));
        listen(pair.master.try_clone_reader().map_err(told)?, seen.clone());
        Ok(Self {
            seen,
            input: pair.master.take_writer().map_err(told)?,
            child,
            _master: pair.master,
        })
    }

    /// Waits until the screen is so; gives its lines.
    ///
    /// # Errors
    /// When it never is; tells the last screen.
    pub fn until(&self, what: &str, is_so: impl Fn(&Screen) -> bool) -> Result<Screen, Failed> {
        let (seen, moved) = &*self.seen;
        let (seen, timeout) = moved
            .wait_timeout_while(lock(seen), LIMIT, |parser| !is_so(&Screen::of(parser)))
            .unwrap_or_else(PoisonError::into_inner);
        let screen = Screen::of(&seen);
        if timeout.timed_out() {
            return Err(format!("never on the screen: {what}\n{}", screen.0).into());
        }
        Ok(screen)
    }

    /// Presses `q` and waits for the end.
    pub fn quit(mut self) -> Result<(), Failed> {
        self.input.write_all(b"q")?;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("ended with {status:?}").into())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands on the screen.
pub struct Screen(pub String);

impl Screen {
    fn of(parser: &vt100::Parser) -> Self {
        Self(parser.screen().contents())
    }

    /// The words of the table's row that begins with this one, behind the cursor's mark if it is
    /// there; none where there is no such row.
    pub fn row(&self, first: &str) -> Vec<&str> {
        let rows = self.0.lines().map(|line| line.split_whitespace().collect());
        let mut rows = rows.filter(|words: &Vec<&str>| words.iter().take(2).any(|w| *w == first));
        rows.next().unwrap_or_default()
    }
}

fn parser() -> Result<vt100::Parser, Failed> {
    let cells = |count| NonZero::new(count).ok_or("a screen without cells");
    Ok(vt100::Parser::new(cells(SIZE.rows)?, cells(SIZE.cols)?, 0))
}

fn listen(mut output: Box<dyn Read + Send>, seen: Seen) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            lock(&seen.0).process(&buffer[..count]);
            seen.1.notify_all();
        }
    });
}

/// A waiter that failed must not take the listener with it.
fn lock(parser: &Mutex<vt100::Parser>) -> MutexGuard<'_, vt100::Parser> {
    parser.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(error: impl std::fmt::Display) -> Failed {
    error.to_string().into()
}
