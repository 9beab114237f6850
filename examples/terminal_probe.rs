//! A very small program in the terminal, for trying it by hand and for `tests/it/pty.rs`.
//!
//! It shows what came in. `q` leaves, `e` leaves with an error, `p` panics, `t` panics in another
//! thread, `z` suspends, `y` copies, `h` hangs until the signal thread ends it.

use std::process::ExitCode;

use midwatch::chord::{Input, KeyCode};
use midwatch::terminal::{BACKGROUND_BUDGET, Options, Terminal, TerminalEvent, reset_terminal};

#[derive(Default)]
struct Seen {
    keys: usize,
    last: String,
    pastes: usize,
    pasted: usize,
    colour: String,
    resumed: usize,
}

impl Seen {
    fn text(&self, size: (u16, u16)) -> String {
        format!(
            "probe {}x{}\nkeys {}\nlast {}\npastes {} of {} bytes\ncolour {}\nresumed {}\n",
            size.0,
            size.1,
            self.keys,
            self.last,
            self.pastes,
            self.pasted,
            self.colour,
            self.resumed
        )
    }
}

fn main() -> ExitCode {
    let done = if std::env::args().nth(1).as_deref() == Some("reset-terminal") {
        reset_terminal().map(|()| ExitCode::SUCCESS)
    } else {
        run()
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("probe: {error}");
            ExitCode::from(3)
        }
    }
}

fn run() -> std::io::Result<ExitCode> {
    let (mut terminal, mut events) = Terminal::enter(Options::default())?;
    let mut seen = Seen::default();
    if let Some(colour) = terminal.background(BACKGROUND_BUDGET) {
        seen.colour = format!("at start {colour:?}");
    }
    loop {
        let text = seen.text(terminal.size());
        terminal.draw(|frame| {
            frame.render_widget(ratatui::widgets::Paragraph::new(text), frame.area());
        })?;
        // After drawing, so that it can be seen that the key came.
        if seen.last == "h" {
            hang();
        }
        match events.blocking_recv() {
            Some(TerminalEvent::Input(Input::Key(chord), ..)) => {
                seen.keys += 1;
                seen.last = chord.to_string();
                match chord.code {
                    KeyCode::Char('q') => return Ok(ExitCode::SUCCESS),
                    KeyCode::Char('z') => terminal.suspend()?,
                    KeyCode::Char('e') => return Err(std::io::Error::other("asked to fail")),
                    KeyCode::Char('y') => seen.pasted = terminal.copy("text").unwrap_or(0),
                    KeyCode::Char('p') => defect(),
                    KeyCode::Char('t') => drop(std::thread::spawn(defect).join()),
                    _ => {}
                }
            }
            Some(TerminalEvent::Input(Input::Paste(text), ..)) => {
                seen.pastes += 1;
                seen.pasted += text.len();
            }
            Some(TerminalEvent::Input(Input::Reply(reply), ..)) => {
                seen.colour = format!("{reply:?}");
            }
            Some(TerminalEvent::Input(..) | TerminalEvent::Resize { .. }) => {}
            Some(TerminalEvent::Resumed) => seen.resumed += 1,
            Some(TerminalEvent::Stop(stop)) => return Ok(ExitCode::from(stop.exit_code())),
            Some(TerminalEvent::Closed) | None => return Ok(ExitCode::from(4)),
        }
    }
}

#[expect(clippy::panic, reason = "that is what is tried")]
fn defect() {
    panic!("asked to panic \x1b]0;pwn\x07");
}

fn hang() {
    loop {
        std::thread::park();
    }
}
