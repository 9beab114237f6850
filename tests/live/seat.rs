//! The console in a pseudo-terminal, seen as a person sees it: by what stands on the screen.
//!
//! Nothing here sleeps: every wait is for a picture, with a limit that only a failure reaches.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libtest_mimic::Failed;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::checked::User;

const LIMIT: Duration = Duration::from_secs(90);
/// Between two answers to the same question.
const ANSWER: Duration = Duration::from_millis(1500);
/// Columns and rows of the window.
const SIZE: (u16, u16) = (140, 40);
/// One that shows every row of a small cluster.
const WIDE: (u16, u16) = (200, 60);
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";
/// As many pictures as are kept, the oldest of them dropped.
const KEPT: usize = 4000;

type Seen = Arc<(Mutex<Window>, Condvar)>;

/// What has come out of the terminal.
struct Window {
    parser: vt100::Parser,
    /// Every finished frame that differs from the one before it.
    pictures: VecDeque<String>,
    /// Nobody holds the terminal any more.
    closed: bool,
}

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
        Self::sized(user, arguments, SIZE)
    }

    /// The same in a window that shows every row of a small cluster.
    pub fn wide(user: &User, arguments: &[&str]) -> Result<Self, Failed> {
        Self::sized(user, arguments, WIDE)
    }

    fn sized(user: &User, arguments: &[&str], (cols, rows): (u16, u16)) -> Result<Self, Failed> {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).map_err(told)?;
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_midwatch"));
        command.env_clear();
        command.args(["--config", &user.config()]);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        for (name, value) in user.environment() {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).map_err(told)?;
        let seen: Seen = Arc::new((Mutex::new(Window::new(cols, rows)?), Condvar::new()));
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
        match self.within(LIMIT, is_so) {
            Some(screen) => Ok(screen),
            None => Err(format!("never on the screen: {what}\n{}", self.screen().0).into()),
        }
    }

    /// Types keys, one write for all of them.
    pub fn press(&mut self, keys: &str) -> Result<(), Failed> {
        self.input.write_all(keys.as_bytes())?;
        self.input.flush()?;
        Ok(())
    }

    /// Types keys again and again, with longer pauses than any dead time of an answer, until the
    /// screen is so.
    pub fn until_pressing(
        &mut self,
        keys: &str,
        what: &str,
        is_so: impl Fn(&Screen) -> bool,
    ) -> Result<Screen, Failed> {
        for _ in 0..30 {
            self.press(keys)?;
            if let Some(screen) = self.within(ANSWER, &is_so) {
                return Ok(screen);
            }
        }
        self.until(what, is_so)
    }

    /// The screen, if it becomes so within this time.
    fn within(&self, limit: Duration, is_so: impl Fn(&Screen) -> bool) -> Option<Screen> {
        let (seen, moved) = &*self.seen;
        let (seen, timeout) = moved
            .wait_timeout_while(lock(seen), limit, |window| !is_so(&window.screen()))
            .unwrap_or_else(PoisonError::into_inner);
        (!timeout.timed_out()).then(|| seen.screen())
    }

    /// What stands there now.
    pub fn screen(&self) -> Screen {
        lock(&self.seen.0).screen()
    }

    /// Every picture that was finished since this was last asked, in order.
    pub fn pictures(&self) -> Vec<Screen> {
        let pictures = std::mem::take(&mut lock(&self.seen.0).pictures);
        pictures.into_iter().map(Screen).collect()
    }

    /// Presses `ctrl-c`, which ends it from wherever it is, and waits for the end.
    pub fn quit(self) -> Result<(), Failed> {
        self.leave("\x03")
    }

    /// Presses what ends it, and waits for the end.
    pub fn leave(mut self, keys: &str) -> Result<(), Failed> {
        self.press(keys)?;
        let (seen, moved) = &*self.seen;
        let (window, _) = moved
            .wait_timeout_while(lock(seen), LIMIT, |window| !window.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if !window.closed {
            let still = window.screen().0;
            return Err(format!("did not end by {keys:?}\n{still}").into());
        }
        drop(window);
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
    pub fn has(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    /// The line that holds all of these words, empty where there is none.
    pub fn line(&self, words: &[&str]) -> &str {
        let holds = |line: &&str| words.iter().all(|word| line.contains(word));
        self.0.lines().find(holds).unwrap_or_default()
    }

    /// The words of the table's row that has this one near its beginning, as a name behind mark and
    /// namespace; none where there is no such row.
    pub fn row(&self, first: &str) -> Vec<&str> {
        let rows = self.0.lines().map(|line| line.split_whitespace().collect());
        let mut rows = rows.filter(|words: &Vec<&str>| words.iter().take(3).any(|w| *w == first));
        rows.next().unwrap_or_default()
    }
}

impl Window {
    fn new(cols: u16, rows: u16) -> Result<Self, Failed> {
        let cells = |count| NonZero::new(count).ok_or("a screen without cells");
        Ok(Self {
            parser: vt100::Parser::new(cells(rows)?, cells(cols)?, 0),
            pictures: VecDeque::new(),
            closed: false,
        })
    }

    fn screen(&self) -> Screen {
        Screen(self.parser.screen().contents())
    }

    /// Takes output in, frame by frame.
    fn take(&mut self, mut bytes: &[u8]) {
        let marker = END_OF_FRAME.len();
        while let Some(at) = bytes.windows(marker).position(|part| part == END_OF_FRAME) {
            let (frame, rest) = bytes.split_at(at + marker);
            self.parser.process(frame);
            let picture = self.parser.screen().contents();
            if self.pictures.back() != Some(&picture) {
                self.pictures.push_back(picture);
            }
            if self.pictures.len() > KEPT {
                self.pictures.pop_front();
            }
            bytes = rest;
        }
        self.parser.process(bytes);
    }
}

fn listen(mut output: Box<dyn Read + Send>, seen: Seen) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            lock(&seen.0).take(&buffer[..count]);
            seen.1.notify_all();
        }
        lock(&seen.0).closed = true;
        seen.1.notify_all();
    });
}

/// A waiter that failed must not take the listener with it.
fn lock(window: &Mutex<Window>) -> MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(error: impl std::fmt::Display) -> Failed {
    error.to_string().into()
}
