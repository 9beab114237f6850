//! The signal thread: tells the loop, stops and resumes, and ends the process when the loop hangs.
//!
//! It lives as long as the process: a handler cannot be given back, so after the terminal is left
//! it does for each signal what the system would have done.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, mpsc};

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tokio::sync::mpsc::Sender;

use super::guard::Guard;
use super::{STOP_PATIENCE, Stop, TerminalEvent};

/// Starts the thread. `alive` ends when the loop has dropped the terminal.
pub(super) fn spawn(
    guard: Arc<Guard>,
    events: Sender<TerminalEvent>,
    alive: Receiver<()>,
) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if is_gone(&alive) {
                    let _ = emulate_default_handler(signal);
                } else {
                    take(signal, &guard, &events, &alive);
                }
            }
        })?;
    Ok(())
}

fn is_gone(alive: &Receiver<()>) -> bool {
    matches!(alive.try_recv(), Err(mpsc::TryRecvError::Disconnected))
}

fn take(signal: i32, guard: &Guard, events: &Sender<TerminalEvent>, alive: &Receiver<()>) {
    // The input thread leaves room in the channel for these.
    let send = |event| drop(events.try_send(event));
    match signal {
        SIGWINCH => {
            let (columns, rows) = guard.size();
            send(TerminalEvent::Resize { columns, rows });
        }
        SIGTSTP => {
            let _ = guard.suspend();
        }
        // Also after a stop that was not ours: the shell has changed the terminal meanwhile.
        SIGCONT => {
            if guard.enter().is_ok() {
                send(TerminalEvent::Resumed);
            } else {
                send(TerminalEvent::Closed);
            }
        }
        _ => {
            let Some(stop) = stop(signal) else { return };
            send(TerminalEvent::Stop(stop));
            end_if_it_hangs(stop, guard, alive);
        }
    }
}

fn stop(signal: i32) -> Option<Stop> {
    Some(match signal {
        SIGTERM => Stop::Terminate,
        SIGHUP => Stop::HangUp,
        SIGINT => Stop::Interrupt,
        SIGQUIT => Stop::Quit,
        _ => return None,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the loop hangs and the terminal has just been restored"
)]
fn end_if_it_hangs(stop: Stop, guard: &Guard, alive: &Receiver<()>) {
    if alive.recv_timeout(STOP_PATIENCE) == Err(RecvTimeoutError::Timeout) {
        guard.force_leave();
        std::process::exit(i32::from(stop.exit_code()));
    }
}
