//! Bytes of the terminal to [`Input`]s: a state machine that takes pieces of any size.
//!
//! Pure: it reads nothing and knows no clock; the caller tells it how long the line was silent.
//! Its first duty is that an answer of the terminal (a colour, attributes, a cursor position) is
//! never taken for keys, however late, split or cut short it comes. Meanings of single sequences
//! are in `input/csi.rs` and `input/reply.rs`, pasted text in `input/paste.rs`.

mod csi;
mod paste;
mod reply;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::chord::{Chord, Input, KeyCode, Reply};
use paste::Paste;

/// Silence after which a lone escape was the key. Long enough for the rest of an arrow key on a
/// slow line, too short to notice.
pub const ESCAPE_LIMIT: Duration = Duration::from_millis(25);
/// The same while an answer is awaited, so that one that is split after its first byte is whole.
pub const ESCAPE_LIMIT_EXPECTING: Duration = Duration::from_millis(250);
/// Silence after which an unfinished sequence is dropped.
pub const SEQUENCE_LIMIT: Duration = Duration::from_millis(500);
/// Silence after which an unfinished paste is dropped: a big one may pause on a slow line, and
/// its rest must not be typed.
pub const PASTE_LIMIT: Duration = Duration::from_secs(5);

/// Bytes kept of a control sequence; longer ones are consumed and mean nothing.
const CSI_MAX: usize = 256;
/// Bytes kept of a control string; longer ones are consumed and mean nothing.
const STRING_MAX: usize = 4096;

const ESC: u8 = 0x1b;

/// What the next byte means.
#[derive(Debug, Default)]
enum State {
    #[default]
    Ground,
    /// So many escapes in a row, nothing behind them yet.
    Escape(usize),
    Utf8 {
        bytes: Vec<u8>,
        wanted: usize,
        alt: bool,
    },
    Csi {
        body: Vec<u8>,
        alt: bool,
    },
    /// `ESC [ [`: function keys of the Linux console, one more byte.
    LinuxFunction,
    /// `ESC [ M`: the old mouse encoding, so many more bytes to swallow.
    OldMouse(u8),
    Ss3 {
        alt: bool,
    },
    /// OSC, DCS, APC, PM or SOS: everything up to ST or BEL.
    Text {
        kind: u8,
        body: Vec<u8>,
        escaped: bool,
    },
    Paste(Paste),
}

/// The decoder. Feed it what was read; call [`Decoder::flush`] when the line has been silent for
/// [`Decoder::limit`].
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
    expecting: bool,
}

impl Decoder {
    /// While an answer of the terminal is awaited, a lone escape is held longer.
    pub fn expect_answer(&mut self) {
        self.expecting = true;
    }

    /// No answer is awaited any more.
    pub fn expect_nothing(&mut self) {
        self.expecting = false;
    }

    /// The silence that would change something; `None` when nothing is held.
    #[must_use]
    pub fn limit(&self) -> Option<Duration> {
        match &self.state {
            State::Ground => None,
            State::Escape(_) | State::Ss3 { .. } if self.expecting => Some(ESCAPE_LIMIT_EXPECTING),
            State::Escape(_) | State::Ss3 { .. } => Some(ESCAPE_LIMIT),
            State::Paste(paste) if paste.is_closed() => Some(ESCAPE_LIMIT),
            State::Paste(_) => Some(PASTE_LIMIT),
            _ => Some(SEQUENCE_LIMIT),
        }
    }

    /// Takes the next bytes, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Input>) {
        for byte in bytes {
            let state = std::mem::take(&mut self.state);
            self.state = step(state, *byte, out);
        }
    }

    /// The line has been silent for `quiet`. A lone escape becomes the key, a finished paste is
    /// handed out, an unfinished sequence is dropped; before their limits, nothing happens.
    pub fn flush(&mut self, quiet: Duration, out: &mut Vec<Input>) {
        while self.limit().is_some_and(|limit| quiet >= limit) {
            match std::mem::take(&mut self.state) {
                State::Escape(count) => {
                    for _ in 0..count {
                        out.push(Input::Key(Chord::key(KeyCode::Esc)));
                    }
                }
                // Nothing that a terminal answers begins like this, so it was a key.
                State::Ss3 { .. } => out.push(Input::Key(alt(Chord::char('O')))),
                State::Paste(paste) if paste.is_closed() => {
                    let (text, tail) = paste.finish();
                    out.push(Input::Paste(text));
                    self.feed(&tail, out);
                }
                _ => {}
            }
        }
    }
}

fn alt(chord: Chord) -> Chord {
    Chord { alt: true, ..chord }
}

fn key(chord: Chord, with_alt: bool) -> Input {
    let chord = Chord {
        alt: chord.alt || with_alt,
        ..chord
    };
    Input::Key(chord.normal())
}

fn step(state: State, byte: u8, out: &mut Vec<Input>) -> State {
    match state {
        State::Ground => ground(byte, false, out),
        State::Escape(count) => escape(count, byte, out),
        State::Utf8 { bytes, wanted, alt } => utf8(bytes, wanted, alt, byte, out),
        State::Csi { body, alt } => control_sequence(body, alt, byte, out),
        State::LinuxFunction => {
            if let n @ b'A'..=b'E' = byte {
                out.push(key(Chord::key(KeyCode::F(n - b'A' + 1)), false));
            }
            State::Ground
        }
        State::OldMouse(0 | 1) => State::Ground,
        State::OldMouse(left) => State::OldMouse(left - 1),
        State::Ss3 { alt } => single_shift(alt, byte, out),
        State::Text {
            kind,
            body,
            escaped,
        } => string(kind, body, escaped, byte, out),
        State::Paste(mut paste) => {
            paste.push(byte);
            State::Paste(paste)
        }
    }
}

/// A byte outside every sequence.
fn ground(byte: u8, with_alt: bool, out: &mut Vec<Input>) -> State {
    let wanted = match byte {
        ESC => return State::Escape(1),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        // A continuation without a start: noise.
        0x80.. => return State::Ground,
        _ => {
            out.push(key(ascii(byte), with_alt));
            return State::Ground;
        }
    };
    State::Utf8 {
        bytes: vec![byte],
        wanted,
        alt: with_alt,
    }
}

/// The key of one byte below 0x80. `0x08` is control with `h`: the key itself sends `0x7f`.
fn ascii(byte: u8) -> Chord {
    match byte {
        b'\r' => Chord::key(KeyCode::Enter),
        b'\t' => Chord::key(KeyCode::Tab),
        0x7f => Chord::key(KeyCode::Backspace),
        0x00 => Chord::ctrl(' '),
        0x01..=0x1a => Chord::ctrl(char::from(byte - 1 + b'a')),
        0x1b..=0x1f => Chord::ctrl(char::from(byte + b'@')),
        _ => Chord::char(char::from(byte)),
    }
}

/// The byte after one or more escapes.
fn escape(count: usize, byte: u8, out: &mut Vec<Input>) -> State {
    // Two escapes before a sequence are alt with that key in some terminals, or a cut answer and
    // a whole one: never the escape key.
    match byte {
        ESC => State::Escape(count + 1),
        b'[' => State::Csi {
            body: Vec::new(),
            alt: count > 1,
        },
        b'O' => State::Ss3 { alt: count > 1 },
        b']' | b'P' | b'_' | b'^' | b'X' => State::Text {
            kind: byte,
            body: Vec::new(),
            escaped: false,
        },
        // The end of a string whose start was dropped.
        b'\\' => State::Ground,
        _ => {
            for _ in 1..count {
                out.push(key(Chord::key(KeyCode::Esc), false));
            }
            ground(byte, true, out)
        }
    }
}

fn utf8(
    mut bytes: Vec<u8>,
    wanted: usize,
    with_alt: bool,
    byte: u8,
    out: &mut Vec<Input>,
) -> State {
    if !(0x80..0xc0).contains(&byte) {
        return ground(byte, false, out);
    }
    bytes.push(byte);
    if bytes.len() < wanted {
        return State::Utf8 {
            bytes,
            wanted,
            alt: with_alt,
        };
    }
    let decoded = std::str::from_utf8(&bytes)
        .ok()
        .and_then(|text| text.chars().next());
    if let Some(c) = decoded.filter(|c| !c.is_control()) {
        out.push(key(Chord::char(c), with_alt));
    }
    State::Ground
}

fn control_sequence(mut body: Vec<u8>, with_alt: bool, byte: u8, out: &mut Vec<Input>) -> State {
    match byte {
        b'[' if body.is_empty() => State::LinuxFunction,
        b'M' if body.is_empty() => State::OldMouse(3),
        0x40..=0x7e if body == b"200" && byte == b'~' => State::Paste(Paste::default()),
        0x40..=0x7e => {
            if body.len() <= CSI_MAX {
                out.extend(csi::meaning(&body, byte, with_alt));
            }
            State::Ground
        }
        0x20..=0x3f => {
            if body.len() <= CSI_MAX {
                body.push(byte);
            }
            State::Csi {
                body,
                alt: with_alt,
            }
        }
        // CAN and SUB end a sequence by definition; any other control or text byte cannot be part
        // of one, so the sequence was cut and this is a key.
        0x18 | 0x1a => State::Ground,
        _ => ground(byte, false, out),
    }
}

fn single_shift(with_alt: bool, byte: u8, out: &mut Vec<Input>) -> State {
    match byte {
        b'0'..=b'9' | b';' => State::Ss3 { alt: with_alt },
        0x20..=0x7e => {
            out.extend(csi::single_shift(byte).map(|chord| key(chord, with_alt)));
            State::Ground
        }
        _ => {
            out.push(Input::Key(alt(Chord::char('O'))));
            ground(byte, false, out)
        }
    }
}

fn string(kind: u8, mut body: Vec<u8>, escaped: bool, byte: u8, out: &mut Vec<Input>) -> State {
    match (escaped, byte) {
        (true, b'\\') | (false, 0x07) => {
            let whole = body.len() <= STRING_MAX;
            let meaning = if kind == b']' && whole {
                reply::osc(&body)
            } else {
                Reply::Other
            };
            out.push(Input::Reply(meaning));
            State::Ground
        }
        // The string was cut short and something else begins.
        (true, _) => escape(1, byte, out),
        (false, 0x18 | 0x1a) => State::Ground,
        // No answer holds a control-c, and stopping must work behind a cut one.
        (false, 0x03) => ground(byte, false, out),
        (false, _) => {
            if byte != ESC && body.len() <= STRING_MAX {
                body.push(byte);
            }
            State::Text {
                kind,
                body,
                escaped: byte == ESC,
            }
        }
    }
}
