//! The sequences that midwatch sets and those that undo them, and the undoing after a kill.

use std::fs::File;
use std::io::{self, Write};

use rustix::termios::{self, ControlModes, InputModes, LocalModes, OptionalActions, OutputModes};

use super::Mouse;

/// A mode with what sets and what undoes it.
struct Mode {
    set: &'static str,
    undo: &'static str,
}

const MODES: &[Mode] = &[
    // The alternate screen, with the cursor saved.
    Mode {
        set: "\x1b[?1049h",
        undo: "\x1b[?1049l",
    },
    // The cursor.
    Mode {
        set: "\x1b[?25l",
        undo: "\x1b[?25h",
    },
    // Marks around pasted text.
    Mode {
        set: "\x1b[?2004h",
        undo: "\x1b[?2004l",
    },
    // Focus.
    Mode {
        set: "\x1b[?1004h",
        undo: "\x1b[?1004l",
    },
];

/// Presses and the wheel, in the encoding without a limit on columns.
const MOUSE: Mode = Mode {
    set: "\x1b[?1000h\x1b[?1006h",
    undo: "\x1b[?1006l\x1b[?1000l",
};

/// Asks for the background colour, and then for what every terminal answers, so that a terminal
/// that knows no colours is known by its silence.
pub(super) const ASK_BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\\x1b[c";

/// Mode 2026: the terminal shows a frame when it is whole.
pub(super) const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
pub(super) const END_FRAME: &[u8] = b"\x1b[?2026l";

pub(super) fn setting(mouse: Mouse) -> String {
    wanted(mouse).map(|mode| mode.set).collect()
}

/// Everything that [`setting`] set, in reverse, and a frame that was cut.
pub(super) fn undoing(mouse: Mouse) -> String {
    let modes: Vec<&str> = wanted(mouse).map(|mode| mode.undo).collect();
    let mut text = String::from("\x1b[?2026l\x1b[0m");
    text.extend(modes.into_iter().rev());
    text
}

fn wanted(mouse: Mouse) -> impl Iterator<Item = &'static Mode> {
    let mouse = match mouse {
        Mouse::On => Some(&MOUSE),
        Mouse::Off => None,
    };
    MODES.iter().chain(mouse)
}

pub(super) fn unusable(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("cannot draw: {why}; run `midwatch check` for a report without a screen"),
    )
}

/// Undoes what a killed midwatch left: `midwatch reset-terminal`. Writes to the controlling
/// terminal and makes its line discipline that of a shell.
///
/// # Errors
/// When there is no terminal, or it does not take the bytes.
pub fn reset_terminal() -> io::Result<()> {
    let mut tty = File::options().read(true).write(true).open("/dev/tty")?;
    let mut text = String::from("\x1b\\");
    text.push_str(&undoing(Mouse::On));
    // Cursor keys, keypad, character set and wrapping, which midwatch does not touch but whoever
    // types this command wants to have back too.
    text.push_str("\x1b[?1l\x1b>\x1b(B\x1b[?7h\r");
    tty.write_all(text.as_bytes())?;
    let mut line = termios::tcgetattr(&tty)?;
    line.input_modes |= InputModes::BRKINT | InputModes::ICRNL | InputModes::IXON;
    line.output_modes |= OutputModes::OPOST | OutputModes::ONLCR;
    line.control_modes |= ControlModes::CREAD;
    line.local_modes |= LocalModes::ISIG
        | LocalModes::ICANON
        | LocalModes::IEXTEN
        | LocalModes::ECHO
        | LocalModes::ECHOE
        | LocalModes::ECHOK;
    termios::tcsetattr(&tty, OptionalActions::Now, &line)?;
    termios::tcflush(&tty, termios::QueueSelector::IFlush)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The private modes that a text sets (`true`) or resets, in order.
    fn private(text: &str) -> Vec<(String, bool)> {
        text.split("\x1b[?")
            .skip(1)
            .filter_map(|part| {
                let end = part.find(['h', 'l'])?;
                Some((part[..end].to_owned(), part.as_bytes()[end] == b'h'))
            })
            .collect()
    }

    #[test]
    fn everything_set_is_undone_in_reverse() {
        for mouse in [Mouse::Off, Mouse::On] {
            let set = private(&setting(mouse));
            let undone = private(&undoing(mouse));
            let expected: Vec<_> = set
                .iter()
                .rev()
                .map(|(mode, on)| (mode.clone(), !on))
                .collect();
            assert_eq!(undone[1..], expected);
            assert_eq!(undone[0], ("2026".into(), false));
        }
    }
}
