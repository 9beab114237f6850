//! The terminal: the only file (with those below it) that touches it.
//!
//! [`Terminal::enter`] takes it, and everything that it changed is undone in reverse on every way
//! out: drop, panic of the drawing thread, TERM, HUP, INT, QUIT, TSTP. Input comes from a thread of
//! its own as [`TerminalEvent`]s; a frame goes out as one write. No key has a meaning here.

mod clipboard;
mod guard;
mod modes;
mod panics;
mod reader;
mod screen;
mod signals;

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use ratatui::Frame;
use tokio::sync::mpsc::Receiver;

use crate::chord::{Input, Rgb};
use crate::clock::Stamp;

pub use clipboard::CopyError;
use guard::Guard;
pub use modes::reset_terminal;
use screen::Screen;

/// What the terminal has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalEvent {
    /// What came in, when it was read, and whether alone.
    Input(Input, Stamp, Company),
    /// The window changed; the next [`Terminal::draw`] uses the new size by itself.
    Resize { columns: u16, rows: u16 },
    /// A signal asks midwatch to end. The loop has [`STOP_PATIENCE`] to drop the [`Terminal`].
    Stop(Stop),
    /// Back from a suspension: draw again. The next frame is a full one.
    Resumed,
    /// The terminal is gone: end.
    Closed,
}

/// Did a key come by itself? A person's do; those of a paste that the terminal did not mark, and
/// what was typed into a stopped program, come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    Alone,
    Crowd,
}

/// The signals that end midwatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    HangUp,
    Interrupt,
    Quit,
    Terminate,
}

impl Stop {
    /// The exit code that a shell shows for it: 128 and the signal's number.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Quit => 3,
            Self::Terminate => 15,
        }
    }
}

/// How long the loop may take to leave after a stop signal; then the terminal is restored and the
/// process ended for it.
pub const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for the background colour before the first frame. Half of what that frame may
/// take: a mute terminal must not be a slow one, and a later answer still changes the colours.
pub const BACKGROUND_BUDGET: Duration = Duration::from_millis(50);

/// Is the mouse reported to midwatch, or left to the terminal's own selection?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mouse {
    #[default]
    Off,
    On,
}

/// What to ask of the terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub mouse: Mouse,
}

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. One per process.
pub struct Terminal {
    guard: Arc<Guard>,
    screen: Screen,
    answers: Arc<reader::Answers>,
    /// Dropping the other end of it ends the input thread.
    _wake: UnixStream,
    /// Tells the signal thread that the loop is still there.
    _alive: mpsc::Sender<()>,
    _panics: panics::Hook,
}

impl Terminal {
    /// Takes the terminal: raw mode, alternate screen, cursor hidden, paste and focus reported.
    ///
    /// Input is read from standard input, or from `/dev/tty` when that is redirected.
    ///
    /// # Errors
    /// When standard output is no terminal, when it cannot draw (`TERM=dumb`), when this process
    /// has taken it already, or when the system refuses.
    pub fn enter(options: Options) -> io::Result<(Self, Receiver<TerminalEvent>)> {
        if TAKEN.swap(true, Ordering::SeqCst) {
            return Err(io::Error::other(
                "the terminal is already in use by this process",
            ));
        }
        Self::take(options)
    }

    fn take(options: Options) -> io::Result<(Self, Receiver<TerminalEvent>)> {
        let term = std::env::var("TERM").unwrap_or_default();
        if term == "dumb" {
            return Err(modes::unusable("TERM is dumb"));
        }
        let guard = Arc::new(Guard::open(options)?);
        let (events, receiver) = tokio::sync::mpsc::channel(reader::CAPACITY);
        let (wake, woken) = UnixStream::pair()?;
        let (alive, loop_alive) = mpsc::channel();
        // The signal thread stands before the first mode is set, so that no moment is unguarded.
        signals::spawn(Arc::clone(&guard), events.clone(), loop_alive)?;
        let panics = panics::Hook::install(Arc::clone(&guard));
        let mut terminal = Self {
            screen: Screen::new(Arc::clone(&guard))?,
            guard,
            answers: Arc::new(reader::Answers::default()),
            _wake: wake,
            _alive: alive,
            _panics: panics,
        };
        terminal.guard.enter()?;
        // The Linux console prints what it does not understand.
        if term.starts_with("linux") {
            terminal.answers.none_expected();
        } else {
            terminal.guard.write(modes::ASK_BACKGROUND)?;
        }
        reader::spawn(
            Arc::clone(&terminal.guard),
            woken,
            events,
            Arc::clone(&terminal.answers),
        )?;
        // Colours are the theme's decision, which has seen NO_COLOR and the arguments.
        crossterm::style::force_color_output(true);
        terminal.screen.repaint();
        Ok((terminal, receiver))
    }

    /// Draws one frame and sends it as one write. While suspended, nothing is sent.
    ///
    /// # Errors
    /// When the terminal does not take the bytes.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.screen.draw(render)
    }

    /// Columns and rows of the window; 80 by 24 where it does not say.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        self.guard.size()
    }

    /// Makes the next frame a full one.
    pub fn repaint(&mut self) {
        self.screen.repaint();
    }

    /// The background colour, waiting for it at most `budget`. `None` when the terminal did not
    /// say; should it say so later, that is an [`Input::Reply`]. No input is lost meanwhile.
    #[must_use]
    pub fn background(&self, budget: Duration) -> Option<Rgb> {
        self.answers.background(budget)
    }

    /// Gives the terminal back and stops this process, as ctrl-z does. Comes back as
    /// [`TerminalEvent::Resumed`].
    ///
    /// # Errors
    /// When there is no shell to go to, or the signal cannot be sent.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.guard.suspend()
    }

    /// Puts text on the clipboard of the terminal's user, through SSH too. Returns the bytes sent.
    ///
    /// # Errors
    /// When the text is longer than terminals accept, or the terminal does not take the bytes.
    pub fn copy(&mut self, text: &str) -> Result<usize, CopyError> {
        clipboard::copy(&self.guard, text)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.guard.leave();
        // Not given back: signal handlers stay installed for the life of the process.
    }
}
