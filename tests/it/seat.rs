//! A seat at a real pseudo-terminal: a program in it, and what can be seen of it from outside.
//!
//! A shell holds the terminal while the program comes and goes, so that its state can be read
//! afterwards. The program is a value ([`Program`]). Nothing sleeps: every wait is for a fact, with a
//! limit.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use midwatch::clock;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Runs the program, says how it ended, and on a line of input cleans up after a kill.
pub const SCRIPT: &str = r#"
"$0" "$@"; echo "exit code $? ."; read line
"$0" reset-terminal; echo "reset $? ."; read line
"#;

/// Runs the program as a job of its own; on a line of input brings it back to the front.
pub const JOB_SCRIPT: &str = r#"
set -m
"$0" "$@"; echo "stopped with $? ."; read line
fg >/dev/null; echo "exit code $? ."; read line
"#;

const LIMIT: Duration = Duration::from_secs(20);

/// What is run, and how to drive it.
pub struct Program {
    pub path: PathBuf,
    pub args: Vec<String>,
    pub environment: Vec<(&'static str, String)>,
    /// The shell's part; see [`SCRIPT`].
    pub script: &'static str,
    /// On the screen once it listens.
    pub ready: &'static str,
    pub quit: &'static [u8],
}

pub fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

/// What has come out of the terminal.
pub struct Seen {
    pub parser: vt100::Parser,
    pub raw: Vec<u8>,
}

impl Seen {
    pub fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Every private mode that was ever touched, and how it stands.
    pub fn modes(&self) -> BTreeMap<u16, bool> {
        let mut modes = BTreeMap::new();
        let text = String::from_utf8_lossy(&self.raw);
        for part in text.split("\x1b[?").skip(1) {
            let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
            let Some((numbers, rest)) = end.map(|end| part.split_at(end)) else {
                continue;
            };
            let on = match rest.as_bytes()[0] {
                b'h' => true,
                b'l' => false,
                _ => continue,
            };
            for number in numbers.split(';').filter_map(|n| n.parse().ok()) {
                modes.insert(number, on);
            }
        }
        modes
    }

    /// Private modes that differ from a terminal's own state: only wrapping and the cursor
    /// are on by themselves.
    pub fn left_over(&self) -> Vec<u16> {
        self.modes()
            .into_iter()
            .filter(|(mode, on)| *on != matches!(mode, 7 | 25))
            .map(|(mode, _)| mode)
            .collect()
    }
}

pub struct Session {
    pub master: Box<dyn MasterPty + Send>,
    pub input: Box<dyn Write + Send>,
    pub shell: Box<dyn Child + Send + Sync>,
    pub seen: Arc<(Mutex<Seen>, Condvar)>,
    pub deaf: Arc<AtomicBool>,
    pub before: String,
    pub quit: &'static [u8],
}

impl Session {
    /// Starts the program below a shell and waits until it listens.
    pub fn start(program: &Program) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: 24,
                cols: 80,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", program.script]);
        command.arg(&program.path);
        command.args(&program.args);
        command.env("TERM", "xterm-256color");
        for (name, value) in &program.environment {
            command.env(name, value);
        }
        let before = line_state(pair.master.as_ref());
        let shell = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new((
            Mutex::new(Seen {
                parser: vt100::Parser::new(cells(24), cells(80), 0),
                raw: Vec::new(),
            }),
            Condvar::new(),
        ));
        let deaf = Arc::new(AtomicBool::new(false));
        listen(
            pair.master.try_clone_reader().unwrap(),
            Arc::clone(&seen),
            Arc::clone(&deaf),
        );
        let session = Self {
            input: pair.master.take_writer().unwrap(),
            master: pair.master,
            shell,
            seen,
            deaf,
            before,
            quit: program.quit,
        };
        session.wait_for_text(program.ready);
        session
    }

    pub fn wait(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
        let (seen, moved) = &*self.seen;
        let seen = seen.lock().unwrap();
        let (seen, timeout) = moved
            .wait_timeout_while(seen, LIMIT, |seen| !is_so(seen))
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "waited for {what}; the screen is\n{}\nmodes {:?}",
            seen.text(),
            seen.modes()
        );
    }

    pub fn wait_for_text(&self, text: &str) {
        self.wait(text, |seen| seen.text().contains(text));
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
        self.input.flush().unwrap();
    }

    /// The program's process: the shell's child.
    pub fn pid(&self) -> Pid {
        let shell = self.shell.process_id().unwrap();
        children(Pid::from_raw(shell.cast_signed()).unwrap())[0]
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The program has ended with this code and left nothing behind.
    pub fn ends_clean(&self, code: u8) {
        self.wait_for_text(&format!("exit code {code} ."));
        self.is_clean();
    }

    pub fn is_clean(&self) {
        self.wait("all modes undone", |seen| seen.left_over().is_empty());
        assert!(
            self.seen.0.lock().unwrap().modes().contains_key(&1049),
            "it never entered"
        );
        until("the line discipline is as before", || {
            line_state(self.master.as_ref()) == self.before
        });
    }

    /// Another size of the window, and of the picture of it.
    pub fn resize(&self, columns: u16, rows: u16) {
        let mut seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen_mut();
        screen.set_size(cells(rows), cells(columns));
        drop(seen);
        self.resize_unseen(columns, rows);
    }

    /// Another size of the window that the picture does not follow.
    pub fn resize_unseen(&self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).unwrap();
    }

    /// Closes the terminal as a lost connection does, and waits until the program has ended.
    /// `key` makes the program draw a frame, which is what wakes the listener to hang up.
    pub fn hang_up(mut self, key: &[u8]) {
        let pid = self.pid();
        self.deaf.store(true, Ordering::SeqCst);
        self.send(key);
        self.input = Box::new(std::io::sink());
        let other = native_pty_system().openpty(PtySize::default()).unwrap();
        self.master = other.master;
        until("the process has ended", || {
            matches!(process_state(pid), None | Some('Z'))
        });
    }

    pub fn text(&self) -> String {
        self.seen.0.lock().unwrap().text()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Reads the terminal's output for as long as somebody wants it.
fn listen(
    mut output: Box<dyn Read + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    deaf: Arc<AtomicBool>,
) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            let mut now = seen.0.lock().unwrap();
            now.parser.process(&buffer[..count]);
            now.raw.extend_from_slice(&buffer[..count]);
            drop(now);
            seen.1.notify_all();
            if deaf.load(Ordering::SeqCst) {
                return;
            }
        }
    });
}

/// The line discipline in words, to be compared.
pub fn line_state(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// Waits for something that the terminal does not tell.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = clock::stamp() + LIMIT;
    while !is_so() {
        assert!(clock::stamp() < end, "waited for: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// The processes that a process has started and not yet seen end.
pub fn children(pid: Pid) -> Vec<Pid> {
    let pid = pid.as_raw_nonzero();
    let all = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    all.split_whitespace()
        .map(|child| Pid::from_raw(child.parse().unwrap()).unwrap())
        .collect()
}

pub fn process_state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
