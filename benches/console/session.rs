//! The program in a pseudo-terminal, with the moments at which it writes.

use std::fs;
use std::io::{Error, Read, Result, Write};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use midwatch::clock::{self, Stamp};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::process;

const ROWS: u16 = 60;
const COLUMNS: u16 = 200;
/// Longer than anything measured here takes.
const LIMIT: Duration = Duration::from_secs(10);
const ASKS_BACKGROUND: &[u8] = b"\x1b]11;?";
const ASKS_NAME: &[u8] = b"\x1b[c";
/// What a dark terminal of today says.
const BACKGROUND: &[u8] = b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;22c";
const END_OF_FRAME: &[u8] = b"\x1b[?2026l";

/// Does the terminal answer what it is asked?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Given,
    None,
}

/// How long after the start.
pub struct Times {
    pub output: Duration,
    pub frame: Duration,
}

struct Seen {
    parser: vt100::Parser,
    /// All output of the start, until the first frame is whole.
    raw: Vec<u8>,
    bytes: u64,
    first: Option<Stamp>,
    frame: Option<Stamp>,
    last: Stamp,
    /// Nothing more comes: the program has ended.
    ended: bool,
}

type Shared = Arc<(Mutex<Seen>, Condvar)>;
type Input = Arc<Mutex<Box<dyn Write + Send>>>;

pub struct Session {
    started: Stamp,
    child: Box<dyn Child + Send + Sync>,
    input: Input,
    seen: Shared,
    _master: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Session {
    /// Starts the program on a configuration of its own, in a home of its own.
    pub fn start(config: &str, answers: Answers) -> Result<Self> {
        Self::launch(config, &[], answers, (COLUMNS, ROWS))
    }

    /// The same with arguments, in a window of this many columns and rows.
    pub fn launch(
        config: &str,
        arguments: &[&str],
        answers: Answers,
        (cols, rows): (u16, u16),
    ) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let file = home.path().join("config.toml");
        fs::write(&file, config)?;
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_midwatch"));
        command.arg("--config");
        command.arg(&file);
        command.args(arguments);
        command.env("HOME", home.path());
        for folder in ["XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
            command.env_remove(folder);
        }
        command.env_remove("NO_COLOR");
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        Self::of(command, home, answers, (cols, rows))
    }

    /// What gives back every byte as it comes and does nothing else: what the machine alone takes.
    pub fn echo() -> Result<Self> {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "stty raw -echo; echo ready; exec cat"]);
        let home = tempfile::tempdir()?;
        let session = Self::of(command, home, Answers::None, (COLUMNS, ROWS))?;
        session.until("the echo", LIMIT, |text| text.contains("ready"))?;
        Ok(session)
    }

    fn of(
        command: CommandBuilder,
        home: tempfile::TempDir,
        answers: Answers,
        (cols, rows): (u16, u16),
    ) -> Result<Self> {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).map_err(Error::other)?;
        let started = clock::stamp();
        let child = pair.slave.spawn_command(command).map_err(Error::other)?;
        drop(pair.slave);
        let seen: Shared = Arc::new((Mutex::new(Seen::new(cols, rows)), Condvar::new()));
        let writer = pair.master.take_writer().map_err(Error::other)?;
        let input: Input = Arc::new(Mutex::new(writer));
        let output = pair.master.try_clone_reader().map_err(Error::other)?;
        listen(output, Arc::clone(&seen), Arc::clone(&input), answers);
        Ok(Self {
            started,
            child,
            input,
            seen,
            _master: pair.master,
            _home: home,
        })
    }

    /// Waits until the first frame is whole.
    pub fn first_frame(&self) -> Result<Times> {
        let seen = self.wait(|seen| seen.frame.is_some())?;
        let text = seen.parser.screen().contents();
        if !text.contains("midwatch") {
            return Err(Error::other(format!("no console but: {text}")));
        }
        let since = |at: Option<Stamp>| at.map_or(LIMIT, |at| at.since(self.started));
        Ok(Times {
            output: since(seen.first),
            frame: since(seen.frame),
        })
    }

    /// Presses a key; the time until the program writes.
    pub fn press(&mut self, key: &[u8]) -> Result<Duration> {
        let before = self.now().bytes;
        let pressed = clock::stamp();
        lock(&self.input).write_all(key)?;
        let seen = self.wait(|seen| seen.bytes > before)?;
        Ok(seen.last.since(pressed))
    }

    /// Waits until the screen is so; how long after the start.
    pub fn until(
        &self,
        what: &str,
        limit: Duration,
        is_so: impl Fn(&str) -> bool,
    ) -> Result<Duration> {
        let (mut text, mut met) = (String::new(), false);
        let waited = self.seen.1.wait_timeout_while(self.now(), limit, |seen| {
            text = seen.parser.screen().contents();
            met = is_so(&text);
            !met && !seen.ended
        });
        let at = waited.unwrap_or_else(PoisonError::into_inner).0.last;
        if met {
            return Ok(at.since(self.started));
        }
        Err(Error::other(format!("never on the screen: {what}\n{text}")))
    }

    /// Writes keys and waits for nothing.
    pub fn write(&mut self, keys: &[u8]) -> Result<()> {
        lock(&self.input).write_all(keys)
    }

    /// How long it has run.
    pub fn age(&self) -> Duration {
        clock::stamp().since(self.started)
    }

    /// CPU seconds of the process, in steps of a clock tick.
    pub fn cpu(&self) -> f64 {
        process::cpu(self.pid())
    }

    /// Resident bytes of the process.
    pub fn resident(&self) -> Result<f64> {
        process::memory(self.pid(), "VmRSS")
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap_or(0)
    }

    fn now(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen.0)
    }

    fn wait(&self, is_so: impl Fn(&Seen) -> bool) -> Result<MutexGuard<'_, Seen>> {
        let moved = &self.seen.1;
        let waited = moved.wait_timeout_while(self.now(), LIMIT, |seen| !is_so(seen));
        let (seen, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(Error::other("the program wrote nothing"));
        }
        Ok(seen)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    fn new(cols: u16, rows: u16) -> Self {
        let cells = |count| NonZero::new(count).unwrap_or(NonZero::<u16>::MIN);
        Self {
            parser: vt100::Parser::new(cells(rows), cells(cols), 0),
            raw: Vec::new(),
            bytes: 0,
            first: None,
            frame: None,
            last: Stamp(0),
            ended: false,
        }
    }

    /// Takes in output; true when it asks what the terminal must answer.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.last = clock::stamp();
        self.first.get_or_insert(self.last);
        self.bytes += bytes.len() as u64;
        self.parser.process(bytes);
        if self.frame.is_some() {
            return false;
        }
        let asked = has(&self.raw, ASKS_BACKGROUND) && has(&self.raw, ASKS_NAME);
        self.raw.extend_from_slice(bytes);
        if has(&self.raw, END_OF_FRAME) {
            self.frame = Some(self.last);
        }
        !asked && has(&self.raw, ASKS_BACKGROUND) && has(&self.raw, ASKS_NAME)
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn listen(mut output: Box<dyn Read + Send>, seen: Shared, input: Input, answers: Answers) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            let asks = lock(&seen.0).take(&buffer[..count]);
            if asks && answers == Answers::Given && lock(&input).write_all(BACKGROUND).is_err() {
                return;
            }
            seen.1.notify_all();
        }
        lock(&seen.0).ended = true;
        seen.1.notify_all();
    });
}

/// A thread that failed ends the measurement elsewhere; what it left is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
