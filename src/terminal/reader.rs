//! The input thread: waits for bytes, decodes them, and tells the loop.
//!
//! It stops at once when woken, and when the loop does not listen it leaves the input in the
//! kernel rather than piling it up.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

use super::guard::Guard;
use super::{Company, TerminalEvent};
use crate::chord::{Input, Reply, Rgb};
use crate::clock;
use crate::input::Decoder;

/// Events that may wait for the loop.
pub(super) const CAPACITY: usize = 256;
/// Of these, kept free for signals and the end.
const RESERVED: usize = 16;
/// How often to look again while the loop does not listen.
const FULL_PAUSE: Duration = Duration::from_millis(5);
/// After this, no answer is expected any more.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// The first answer about the background, for whoever waits for it.
#[derive(Default)]
pub(super) struct Answers {
    first: Mutex<Answer>,
    said: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Answer {
    #[default]
    Awaited,
    /// The terminal does not say, or was not asked.
    Nothing,
    Colour(Rgb),
}

impl Answers {
    fn lock(&self) -> MutexGuard<'_, Answer> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn background(&self, budget: Duration) -> Option<Rgb> {
        let (first, _) = self
            .said
            .wait_timeout_while(self.lock(), budget, |first| *first == Answer::Awaited)
            .unwrap_or_else(PoisonError::into_inner);
        match *first {
            Answer::Colour(colour) => Some(colour),
            Answer::Awaited | Answer::Nothing => None,
        }
    }

    /// Nothing was asked, or the terminal is gone.
    pub(super) fn none_expected(&self) {
        self.say(Answer::Nothing);
    }

    fn say(&self, answer: Answer) {
        let mut first = self.lock();
        if *first == Answer::Awaited {
            *first = answer;
        }
        drop(first);
        self.said.notify_all();
    }

    fn is_awaited(&self) -> bool {
        *self.lock() == Answer::Awaited
    }
}

pub(super) fn spawn(
    guard: Arc<Guard>,
    woken: UnixStream,
    events: Sender<TerminalEvent>,
    answers: Arc<Answers>,
) -> io::Result<()> {
    let mut decoder = Decoder::default();
    if answers.is_awaited() {
        guard.set_asked(true);
        decoder.expect_answer();
    }
    let reader = Reader {
        guard,
        woken,
        events,
        answers,
        decoder,
    };
    std::thread::Builder::new()
        .name("input".into())
        .spawn(move || reader.run())?;
    Ok(())
}

struct Reader {
    guard: Arc<Guard>,
    woken: UnixStream,
    events: Sender<TerminalEvent>,
    answers: Arc<Answers>,
    decoder: Decoder,
}

/// What a wait brought.
enum Wait {
    Bytes,
    Silence,
    /// The loop has let go of the terminal.
    Woken,
    Closed,
}

impl Reader {
    fn run(mut self) {
        let started = clock::stamp();
        let mut last = started;
        let mut buffer = [0; 4096];
        let mut inputs = Vec::new();
        loop {
            let quiet = clock::stamp().since(last);
            let timeout = self
                .decoder
                .limit()
                .map(|limit| limit.saturating_sub(quiet));
            match self.wait(timeout, PollFlags::IN) {
                Wait::Woken => return,
                Wait::Closed => break,
                Wait::Silence => {
                    let quiet = clock::stamp().since(last);
                    self.decoder.flush(quiet, &mut inputs);
                }
                Wait::Bytes => match rustix::io::read(&self.guard.input, &mut buffer) {
                    // Zero bytes in raw mode and EIO both mean that the other side is gone.
                    Ok(0) => break,
                    Ok(count) => {
                        last = clock::stamp();
                        self.decoder.feed(&buffer[..count], &mut inputs);
                    }
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(_) => break,
                },
            }
            if clock::stamp().since(started) > ANSWER_LIMIT {
                self.no_answer_expected();
            }
            let keys = inputs.iter().filter(|input| matches!(input, Input::Key(_)));
            let company = if keys.count() > 1 {
                Company::Crowd
            } else {
                Company::Alone
            };
            for input in inputs.drain(..) {
                self.note(&input);
                let event = TerminalEvent::Input(input, last, company);
                if self.send(event).is_err() {
                    return;
                }
            }
        }
        self.answers.none_expected();
        let _ = self.events.try_send(TerminalEvent::Closed);
    }

    fn wait(&self, timeout: Option<Duration>, input: PollFlags) -> Wait {
        let timeout = timeout.and_then(|t| Timespec::try_from(t).ok());
        let mut files = [
            PollFd::new(&self.guard.input, input),
            PollFd::new(&self.woken, PollFlags::IN),
        ];
        match poll(&mut files, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Wait::Silence,
            Ok(_) => {}
            Err(_) => return Wait::Closed,
        }
        let (tty, woken) = (files[0].revents(), files[1].revents());
        if !woken.is_empty() {
            Wait::Woken
        } else if tty.contains(PollFlags::IN) {
            Wait::Bytes
        } else {
            Wait::Closed
        }
    }

    fn note(&mut self, input: &Input) {
        match input {
            Input::Reply(Reply::Background(colour)) => self.answers.say(Answer::Colour(*colour)),
            // Asked for after the colour, so it is the last answer.
            Input::Reply(Reply::DeviceAttributes) => {
                self.answers.none_expected();
                self.no_answer_expected();
            }
            _ => {}
        }
    }

    fn no_answer_expected(&mut self) {
        self.decoder.expect_nothing();
        self.guard.set_asked(false);
    }

    /// Waits for room; an error when nobody listens any more.
    fn send(&self, event: TerminalEvent) -> Result<(), ()> {
        while self.events.capacity() <= RESERVED {
            if self.events.is_closed() {
                return Err(());
            }
            // Only the wake-up is of interest here: the input stays in the kernel.
            match self.wait(Some(FULL_PAUSE), PollFlags::empty()) {
                Wait::Woken | Wait::Closed => return Err(()),
                Wait::Bytes | Wait::Silence => {}
            }
        }
        match self.events.try_send(event) {
            Ok(()) | Err(TrySendError::Full(_)) => Ok(()),
            Err(TrySendError::Closed(_)) => Err(()),
        }
    }
}
