//! The library's terminal, driven by `examples/terminal_probe`: whatever ends a program, the
//! terminal is as it was. The probe can do what midwatch has no key for: fail, panic, hang.

use rustix::process::Signal;

use crate::seat::{JOB_SCRIPT, Program, SCRIPT, Session, line_state, process_state};

fn probe() -> Program {
    let test = std::env::current_exe().unwrap();
    let path = test
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/terminal_probe");
    assert!(
        path.exists(),
        "{} is missing. `cargo test` builds it; for `cargo test --test it` alone, \
         run `cargo build --example terminal_probe` first",
        path.display()
    );
    Program {
        path,
        args: Vec::new(),
        environment: Vec::new(),
        script: SCRIPT,
        ready: "keys 0",
        quit: b"q",
    }
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
    let mut program = probe();
    program.script = JOB_SCRIPT;
    for by_key in [false, true] {
        let mut session = Session::start(&program);
        let pid = session.pid();
        if by_key {
            session.send(b"z");
        } else {
            session.signal(Signal::TSTP);
        }
        session.wait_for_text("stopped with 147 .");
        session.is_clean();
        assert_eq!(process_state(pid), Some('T'));
        session.send(b"\n");
        session.wait_for_text("resumed 1");
        session.wait("the modes are set again", |seen| {
            seen.left_over() == [25, 1004, 1049, 2004]
        });
        session.send(session.quit);
        session.ends_clean(0);
    }
}

#[test]
fn a_closed_terminal_ends_it() {
    Session::start(&probe()).hang_up(b"j");
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
    session.resize(132, 40);
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
