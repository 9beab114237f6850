//! A program in a real pseudo-terminal: whatever ends it, the terminal is as it was.
//!
//! A shell holds the terminal while the program comes and goes, so that its state can be read
//! afterwards. The program is a value ([`Program`]): the same matrix serves any that enters the
//! terminal. Nothing sleeps: every wait is for a fact, with a limit.

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
const SCRIPT: &str = r#"
"$0" "$@"; echo "exit code $? ."; read line
"$0" reset-terminal; echo "reset $? ."; read line
"#;

const LIMIT: Duration = Duration::from_secs(20);

/// What is run, and how to drive it.
struct Program {
    path: PathBuf,
    args: Vec<String>,
    /// On the screen once it listens.
    ready: &'static str,
    quit: &'static [u8],
}

fn probe() -> Program {
    let test = std::env::current_exe().unwrap();
    let path = test
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/terminal_probe");
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --example terminal_probe`",
        path.display()
    );
    Program {
        path,
        args: Vec::new(),
        ready: "keys 0",
        quit: b"q",
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

/// What has come out of the terminal.
struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

impl Seen {
    fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Every private mode that was ever touched, and how it stands.
    fn modes(&self) -> BTreeMap<u16, bool> {
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
    fn left_over(&self) -> Vec<u16> {
        self.modes()
            .into_iter()
            .filter(|(mode, on)| *on != matches!(mode, 7 | 25))
            .map(|(mode, _)| mode)
            .collect()
    }
}

struct Session {
    master: Box<dyn MasterPty + Send>,
    input: Box<dyn Write + Send>,
    shell: Box<dyn Child + Send + Sync>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    deaf: Arc<AtomicBool>,
    before: String,
    quit: &'static [u8],
}

impl Session {
    /// Starts the program below a shell and waits until it listens.
    fn start(program: &Program) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows: 24,
                cols: 80,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", SCRIPT]);
        command.arg(&program.path);
        command.args(&program.args);
        command.env("TERM", "xterm-256color");
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

    fn wait(&self, what: &str, is_so: impl Fn(&Seen) -> bool) {
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

    fn wait_for_text(&self, text: &str) {
        self.wait(text, |seen| seen.text().contains(text));
    }

    fn send(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
        self.input.flush().unwrap();
    }

    /// The program's process: the shell's child.
    fn pid(&self) -> Pid {
        let shell = self.shell.process_id().unwrap();
        let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
        Pid::from_raw(children.trim().parse().unwrap()).unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// The program has ended with this code and left nothing behind.
    fn ends_clean(&self, code: u8) {
        self.wait_for_text(&format!("exit code {code} ."));
        self.is_clean();
    }

    fn is_clean(&self) {
        self.wait("all modes undone", |seen| seen.left_over().is_empty());
        assert!(
            self.seen.0.lock().unwrap().modes().contains_key(&1049),
            "it never entered"
        );
        until("the line discipline is as before", || {
            line_state(self.master.as_ref()) == self.before
        });
    }

    fn text(&self) -> String {
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
fn line_state(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// Waits for something that the terminal does not tell.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = clock::stamp() + LIMIT;
    while !is_so() {
        assert!(clock::stamp() < end, "waited for: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

fn process_state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    let mut session = Session::start(&probe());
    assert_ne!(line_state(session.master.as_ref()), session.before);
    session.send(session.quit);
    session.ends_clean(0);
}

#[test]
fn an_error_is_readable_on_the_restored_terminal() {
    let mut session = Session::start(&probe());
    session.send(b"e");
    session.ends_clean(3);
    assert!(session.text().contains("probe: asked to fail"));
}

#[test]
fn a_panic_is_readable_and_carries_no_escape_sequence() {
    let mut session = Session::start(&probe());
    session.send(b"p");
    session.ends_clean(101);
    let text = session.text();
    assert!(text.contains("stopped by a defect"), "{text}");
    let raw = session.seen.0.lock().unwrap().raw.clone();
    assert!(!raw.windows(4).any(|bytes| bytes == b"\x1b]0;"));
}

#[test]
fn a_panic_in_another_thread_leaves_the_screen_alone() {
    let mut session = Session::start(&probe());
    session.send(b"t");
    session.wait_for_text("last t");
    assert!(!session.text().contains("panic"));
    session.send(session.quit);
    session.ends_clean(0);
}

#[test]
fn each_stop_signal_ends_it_with_its_code() {
    for (signal, code) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
    ] {
        let session = Session::start(&probe());
        session.signal(signal);
        session.ends_clean(code);
    }
}

#[test]
fn what_a_kill_leaves_can_be_reset() {
    let mut session = Session::start(&probe());
    session.signal(Signal::KILL);
    session.wait_for_text("exit code 137 .");
    assert!(!session.seen.0.lock().unwrap().left_over().is_empty());
    session.send(b"\n");
    session.wait_for_text("reset 0 .");
    assert!(session.seen.0.lock().unwrap().left_over().is_empty());
    let line = line_state(session.master.as_ref());
    for flag in ["ICANON", "ECHO", "ISIG", "OPOST", "ICRNL"] {
        assert!(line.contains(flag), "{flag} is not in {line}");
    }
}

#[test]
fn a_hanging_loop_is_ended_by_the_signal_thread() {
    let mut session = Session::start(&probe());
    session.send(b"h");
    session.wait_for_text("last h");
    session.signal(Signal::TERM);
    session.ends_clean(143);
}

#[test]
fn a_stop_gives_the_terminal_back_and_continuing_takes_it_again() {
    let mut session = Session::start(&probe());
    for (round, by_key) in [(1, false), (2, true)] {
        let pid = session.pid();
        if by_key {
            session.send(b"z");
        } else {
            session.signal(Signal::TSTP);
        }
        session.is_clean();
        until("the process is stopped", || process_state(pid) == Some('T'));
        session.signal(Signal::CONT);
        session.wait_for_text(&format!("resumed {round}"));
        session.wait("the modes are set again", |seen| {
            seen.left_over() == [25, 1004, 1049, 2004]
        });
    }
    session.send(session.quit);
    session.ends_clean(0);
}

#[test]
fn a_closed_terminal_ends_it() {
    let mut session = Session::start(&probe());
    let pid = session.pid();
    session.deaf.store(true, Ordering::SeqCst);
    // The frame that this key causes is what wakes the listener to hang up.
    session.send(b"j");
    let Session { master, input, .. } = &mut session;
    *input = Box::new(std::io::sink());
    let name = master.tty_name().unwrap();
    let other = native_pty_system().openpty(PtySize::default()).unwrap();
    *master = other.master;
    until("the process has ended", || {
        matches!(process_state(pid), None | Some('Z'))
    });
    assert!(name.starts_with("/dev"));
}

#[test]
fn a_late_and_split_answer_types_no_key() {
    let mut session = Session::start(&probe());
    for byte in b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\" {
        session.send(&[*byte]);
    }
    session.wait_for_text("colour Background(Rgb(30, 30, 46))");
    session.send(b"\x1b[?62;22c\x1b[3;4R\x1bP>|term\x1b\\j");
    session.wait_for_text("keys 1");
    assert!(session.text().contains("last j"));
    session.send(session.quit);
    session.ends_clean(0);
}

#[test]
fn pasted_keys_are_not_pressed() {
    let mut session = Session::start(&probe());
    session.send(b"\x1b[200~q\x1b[201~q\x1b[201~");
    session.wait_for_text("pastes 1 of 2 bytes");
    assert!(session.text().contains("keys 0"));
    session.send(session.quit);
    session.ends_clean(0);
}

#[test]
fn a_new_size_is_drawn() {
    let mut session = Session::start(&probe());
    let size = PtySize {
        rows: 40,
        cols: 132,
        pixel_width: 0,
        pixel_height: 0,
    };
    session
        .seen
        .0
        .lock()
        .unwrap()
        .parser
        .screen_mut()
        .set_size(cells(40), cells(132));
    session.master.resize(size).unwrap();
    session.wait_for_text("probe 132x40");
    session.send(session.quit);
    session.ends_clean(0);
}

#[test]
fn every_frame_is_whole() {
    let mut session = Session::start(&probe());
    session.send(b"abc");
    session.wait_for_text("keys 3");
    session.send(session.quit);
    session.ends_clean(0);
    let raw = session.seen.0.lock().unwrap().raw.clone();
    let text = String::from_utf8_lossy(&raw);
    let begun = text.matches("\x1b[?2026h").count();
    assert!(begun >= 2, "{begun} frames");
    // One more end than beginnings: leaving ends a frame that was cut.
    assert_eq!(text.matches("\x1b[?2026l").count(), begun + 1);
}

#[test]
fn a_light_terminal_that_answers_late_gets_light_colours() {
    let mut session = Session::start(&Program {
        path: env!("CARGO_BIN_EXE_midwatch").into(),
        args: vec![
            "--config".into(),
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/configs/valid/empty.toml"
            )
            .into(),
        ],
        ready: "Triage",
        quit: b"q",
    });
    let ground = |seen: &Seen| seen.parser.screen().cell(10, 40).map(vt100::Cell::bgcolor);
    let dark = ground(&session.seen.0.lock().unwrap());
    session.send(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
    session.wait("light colours", |seen| ground(seen) != dark);
    session.send(session.quit);
    session.ends_clean(0);
}
