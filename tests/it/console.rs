//! The console itself in a pseudo-terminal, watching this machine and targets that are dead:
//! whatever ends it the terminal is as it was, and nothing but a key of the reader's is a key.

use std::fs;
use std::path::PathBuf;

use midwatch::chord::{Chord, KeyCode};
use midwatch::intent::Intent;
use midwatch::keymap::Keymap;
use midwatch::panes;
use rustix::process::{Signal, kill_process};
use tempfile::TempDir;

use crate::seat::{
    JOB_SCRIPT, Program, SCRIPT, Seen, Session, children, line_state, process_state, until,
};

const CONFIG: &str = r#"
[[target]]
kind = "local"
[[target]]
kind = "etcd"
name = "prod"
endpoints = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"]
[[target]]
kind = "node-exporter"
name = "web-1"
url = "http://127.0.0.1:4"
[[target]]
kind = "prometheus"
name = "prom-a"
url = "http://127.0.0.1:5"
[[target]]
kind = "sntp"
name = "ntp"
address = "127.0.0.1:6"
"#;

/// The folders live as long as this.
struct Desk {
    program: Program,
    _home: TempDir,
}

fn desk() -> Desk {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config/midwatch");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), CONFIG).unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let environment = vec![
        ("HOME", path("")),
        ("XDG_CONFIG_HOME", path("config")),
        ("XDG_STATE_HOME", path("state")),
        ("LANG", "C.UTF-8".to_owned()),
        ("LC_ALL", "C.UTF-8".to_owned()),
    ];
    Desk {
        program: Program {
            path: PathBuf::from(env!("CARGO_BIN_EXE_midwatch")),
            args: Vec::new(),
            environment,
            script: SCRIPT,
            ready: "read-only",
            quit: b"q",
        },
        _home: home,
    }
}

/// Waits until the etcd pane stands and its feeds have failed, so that no later frame moves it.
fn on_etcd(session: &mut Session) {
    session.send(b"8");
    session.wait_for_text("etcd  4 rows");
}

/// What came in before was no key: the pane is the same, the palette opens on this key, and what
/// follows is typed into it. `q` and `:q` would have ended the program.
fn still_on_etcd(session: &mut Session, word: &str) {
    session.send(b":");
    session.send(word.as_bytes());
    session.wait_for_text(&format!(":{word}"));
    assert!(
        session.text().contains("etcd  4 rows"),
        "{}",
        session.text()
    );
    session.send(b"\x07");
    session.wait("the prompt is closed", |seen| {
        !seen.text().contains(&format!(":{word}"))
    });
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    let desk = desk();
    for quit in [&b"q"[..], b":q\r", b":quit\r", b"\x03"] {
        let mut session = Session::start(&desk.program);
        assert_ne!(line_state(session.master.as_ref()), session.before);
        session.send(quit);
        session.ends_clean(0);
    }
}

#[test]
fn each_stop_signal_ends_it_with_its_code() {
    let desk = desk();
    for (signal, code) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
    ] {
        let session = Session::start(&desk.program);
        session.signal(signal);
        session.ends_clean(code);
    }
}

#[test]
fn the_mouse_is_given_back_too() {
    let mut desk = desk();
    desk.program.args = vec!["--mouse".into()];
    let session = Session::start(&desk.program);
    session.wait("the mouse is taken", |seen| {
        seen.modes().get(&1006) == Some(&true)
    });
    session.signal(Signal::TERM);
    session.ends_clean(143);
}

#[test]
fn what_a_kill_leaves_is_put_right_by_reset_terminal() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
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

/// Everything that was sent while each pane was shown once.
fn sent_in_all_panes(program: &Program) -> String {
    let mut session = Session::start(program);
    for pane in panes::listings() {
        session.send(format!(":{}\r", pane.id()).as_bytes());
        // Two spaces follow the title above the table, one where it is a tab.
        session.wait_for_text(&format!(" {}  ", pane.title()));
    }
    session.send(b"q");
    session.ends_clean(0);
    let raw = session.seen.0.lock().unwrap().raw.clone();
    String::from_utf8(raw).unwrap()
}

#[test]
fn a_locale_without_utf8_is_drawn_in_ascii() {
    let mut desk = desk();
    assert!(!sent_in_all_panes(&desk.program).is_ascii());
    desk.program.environment.push(("LC_ALL", "C".into()));
    let sent = sent_in_all_panes(&desk.program);
    let foreign: Vec<char> = sent.chars().filter(|c| !c.is_ascii()).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

/// Does a text set a colour? Bold, dim and reverse are none.
fn has_colour(text: &str) -> bool {
    text.split("\x1b[").skip(1).any(|part| {
        let style = part.split_once('m').map_or("", |(style, _)| style);
        style
            .split(';')
            .any(|number| matches!(number.parse(), Ok(30..=38 | 40..=48 | 90..=97 | 100..=107)))
            && style
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b';')
    })
}

#[test]
fn no_colour_is_sent_to_whoever_wants_none() {
    let mut desk = desk();
    assert!(has_colour(&sent_in_all_panes(&desk.program)));
    desk.program.args = vec!["--color".into(), "never".into()];
    assert!(!has_colour(&sent_in_all_panes(&desk.program)));
    desk.program.args.clear();
    desk.program.environment.push(("NO_COLOR", "1".into()));
    assert!(!has_colour(&sent_in_all_panes(&desk.program)));
}

#[test]
fn a_job_is_stopped_and_brought_back() {
    let mut desk = desk();
    desk.program.script = JOB_SCRIPT;
    let mut session = Session::start(&desk.program);
    on_etcd(&mut session);
    session.send(b"\x1a");
    session.wait_for_text("stopped with 147 .");
    session.is_clean();
    session.send(b"\n");
    session.wait_for_text("etcd  4 rows");
    session.wait("the modes are set again", |seen| {
        seen.left_over() == [25, 1004, 1049, 2004]
    });
    still_on_etcd(&mut session, "hos");
    session.send(b"q");
    session.ends_clean(0);
}

#[test]
fn a_stop_from_outside_stops_the_script_around_it_too() {
    let mut desk = desk();
    let midwatch = desk.program.path.to_str().unwrap().to_owned();
    desk.program.script = JOB_SCRIPT;
    desk.program.path = "sh".into();
    // Without the second command the shell would become midwatch.
    desk.program.args = vec!["-c".into(), "\"$0\"; exit $?".into(), midwatch];
    for by_key in [false, true] {
        let mut session = Session::start(&desk.program);
        let script = session.pid();
        let console = children(script)[0];
        if by_key {
            session.send(b"\x1a");
        } else {
            kill_process(console, Signal::TSTP).unwrap();
        }
        session.wait_for_text("stopped with 147 .");
        session.is_clean();
        until("both are stopped", || {
            [script, console].map(process_state) == [Some('T'); 2]
        });
        session.send(b"\n");
        session.wait("the modes are set again", |seen| {
            seen.left_over() == [25, 1004, 1049, 2004]
        });
        session.send(b"q");
        session.ends_clean(0);
    }
}

#[test]
fn where_no_shell_would_continue_it_it_does_not_stop() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    session.send(b"\x1a");
    session.wait_for_text("no shell to go to");
    session.signal(Signal::TSTP);
    session.send(b"8");
    session.wait_for_text("etcd  4 rows");
    session.send(b"q");
    session.ends_clean(0);
}

#[test]
fn a_closed_terminal_ends_it() {
    Session::start(&desk().program).hang_up(b"2");
}

#[test]
fn late_and_split_answers_are_no_keys() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    on_etcd(&mut session);
    for answer in [
        &b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\"[..],
        b"\x1b]10;rgb:ffff/ffff/ffff\x07",
        b"\x1b[?62;22;1c",
        b"\x1b[3;1R",
        b"\x1b[>41;354;0c",
        b"\x1b[?2026;1$y",
    ] {
        for byte in answer {
            session.send(&[*byte]);
        }
        session.send(answer);
    }
    still_on_etcd(&mut session, "clo");
    let raw = session.seen.0.lock().unwrap().raw.clone();
    let said = String::from_utf8_lossy(&raw);
    assert!(!said.contains("does nothing here"), "an answer was a key");
    session.send(b"q");
    session.ends_clean(0);
}

#[test]
fn an_answer_is_not_typed_into_a_prompt() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    session.send(b":x");
    session.wait_for_text(":x");
    session.send(b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;22c\x1b[1;1R");
    session.send(b"y");
    session.wait_for_text(":xy");
    session.send(b"\x07q");
    session.ends_clean(0);
}

#[test]
fn a_paste_outside_a_prompt_does_nothing() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    on_etcd(&mut session);
    for pasted in [&b"q"[..], b":q\r", b"1\x1b[201~q", b"\x03\x1a:quit\n"] {
        session.send(b"\x1b[200~");
        session.send(pasted);
        session.send(b"\x1b[201~");
        session.wait_for_text("pasted text was dropped");
        still_on_etcd(&mut session, "sou");
    }
    session.send(b"q");
    session.ends_clean(0);
}

#[test]
fn a_paste_into_the_palette_is_text_and_runs_nothing() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    session.send(b":\x1b[200~q\r\nquit\r\x1b[201~!");
    session.wait_for_text(":q quit !");
    session.send(b"\x07q");
    session.ends_clean(0);
}

#[test]
fn a_storm_of_sizes_ends_nothing() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    let mut sizes = vec![(1, 1), (300, 100), (1, 100), (300, 1), (59, 14), (60, 15)];
    sizes.extend((1..40).map(|n| (n * 7 % 131 + 1, n * 5 % 61 + 1)));
    for (columns, rows) in sizes {
        session.resize_unseen(columns, rows);
        session.send(b"\t");
    }
    session.resize(100, 30);
    // Where nothing fits no key does anything, so that the new size is waited for.
    session.wait_for_text("fresh");
    session.send(b"1\x0c");
    session.wait_for_text("Triage");
    session.wait_for_text("read-only");
    session.send(b"q");
    session.ends_clean(0);
}

/// Each key of the keymap but those that end or stop it, once in each pane, and the prompts they
/// open closed again. Breadth is in `screens_fuzz.rs`; this is the same through a real terminal.
#[test]
fn no_other_key_ends_it_in_any_pane() {
    let ids: Vec<_> = panes::listings().iter().map(|pane| pane.id()).collect();
    let keymap = Keymap::preset("default", &ids).unwrap();
    let desk = desk();
    for (columns, rows) in [(120, 36), (60, 15)] {
        let mut session = Session::start(&desk.program);
        session.resize(columns, rows);
        for (number, pane) in (1..).zip(&ids) {
            session.send(format!("{number}").as_bytes());
            for bound in keymap.bindings_for(pane) {
                let ends = matches!(
                    bound.intent,
                    Intent::Quit | Intent::Cancel | Intent::Suspend
                );
                if !ends {
                    let keys = bound
                        .keys
                        .split(' ')
                        .map(|key| bytes(&key.parse().unwrap()));
                    session.send(&keys.collect::<Vec<_>>().concat());
                    // Closes a prompt or picker; bound to nothing elsewhere.
                    session.send(b"\x07");
                }
            }
            // Out of pages, filters and a held screen.
            session.send(b"P0");
        }
        session.send(b"1\x0c");
        session.wait_for_text("1 Triage");
        session.send(b":q\r");
        session.ends_clean(0);
    }
}

/// What a terminal sends for a key.
fn bytes(chord: &Chord) -> Vec<u8> {
    let letter = |letter: char| {
        let mut bytes = letter.to_string().into_bytes();
        if chord.ctrl {
            bytes[0] &= 0x1f;
        }
        bytes
    };
    match chord.code {
        KeyCode::Char(c) => letter(c),
        KeyCode::Enter => b"\r".to_vec(),
        KeyCode::Tab => b"\t".to_vec(),
        // Alone it waits for what may follow; in the kitty form it is whole.
        KeyCode::Esc => b"\x1b[27u".to_vec(),
        KeyCode::Up => b"\x1b[A".to_vec(),
        KeyCode::Down => b"\x1b[B".to_vec(),
        KeyCode::Right => b"\x1b[C".to_vec(),
        KeyCode::Left => b"\x1b[D".to_vec(),
        KeyCode::Home => b"\x1b[H".to_vec(),
        KeyCode::End => b"\x1b[F".to_vec(),
        KeyCode::PageUp => b"\x1b[5~".to_vec(),
        KeyCode::PageDown => b"\x1b[6~".to_vec(),
        KeyCode::F(n @ 1..=4) => vec![0x1b, b'O', b'P' + n - 1],
        KeyCode::F(n) => {
            let number = [15, 17, 18, 19, 20, 21, 23, 24][usize::from(n) - 5];
            format!("\x1b[{number}~").into_bytes()
        }
        other => panic!("no bytes are known for {other:?}"),
    }
}

#[test]
fn a_light_terminal_that_answers_late_gets_light_colours() {
    let desk = desk();
    let mut session = Session::start(&desk.program);
    let ground = |seen: &Seen| seen.parser.screen().cell(10, 40).map(vt100::Cell::bgcolor);
    // Before the first frame the terminal's own ground stands there.
    session.wait("a painted ground", |seen| {
        ground(seen).is_some_and(|ground| ground != vt100::Color::Default)
    });
    let dark = ground(&session.seen.0.lock().unwrap());
    session.send(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\");
    session.wait("light colours", |seen| ground(seen) != dark);
    session.send(session.quit);
    session.ends_clean(0);
}
