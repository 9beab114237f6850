//! What one whole control sequence means: a key, the mouse, focus, or an answer.
//!
//! `CSI row ; column R` is both a cursor position and, in some terminals, F3 with modifiers. It is
//! always the position here: an answer must never become a key, and terminals name F3 in two other
//! ways (`ESC O R`, `CSI 13 ~`) that stay.

use crate::chord::{Chord, Input, KeyCode, MouseEvent, MouseKind, Reply};

/// The parameters of a sequence: a private mark, numbers, and intermediate bytes.
struct Parameters {
    private: Option<u8>,
    /// First sub-parameter of each; an absent one is zero.
    numbers: Vec<u32>,
    /// The second sub-parameter of the second: kitty's kind of key event.
    event: u32,
    intermediate: bool,
}

impl Parameters {
    fn read(body: &[u8]) -> Self {
        let private = body.first().copied().filter(|b| (b'<'..=b'?').contains(b));
        let rest = &body[usize::from(private.is_some())..];
        let end = rest
            .iter()
            .position(|b| (0x20..0x30).contains(b))
            .unwrap_or(rest.len());
        let text = std::str::from_utf8(&rest[..end]).unwrap_or("");
        let number = |part: Option<&str>| part.and_then(|p| p.parse().ok()).unwrap_or(0);
        let mut event = 0;
        let numbers = text.split(';').enumerate().map(|(index, parameter)| {
            let mut parts = parameter.split(':');
            let first = number(parts.next());
            if index == 1 {
                event = number(parts.next());
            }
            first
        });
        Self {
            private,
            numbers: if text.is_empty() {
                Vec::new()
            } else {
                numbers.collect()
            },
            event,
            intermediate: end < rest.len(),
        }
    }

    fn get(&self, index: usize) -> u32 {
        self.numbers.get(index).copied().unwrap_or(0)
    }
}

/// What a sequence with this body and final byte says; nothing for a released key or a button that
/// is not used.
pub(super) fn meaning(body: &[u8], last: u8, alt: bool) -> Option<Input> {
    let parameters = Parameters::read(body);
    let other = Some(Input::Reply(Reply::Other));
    match (parameters.private, last) {
        _ if parameters.intermediate => other,
        (Some(b'<'), b'M') => mouse(&parameters),
        (Some(b'<'), b'm') => None,
        (Some(_), b'c') => Some(Input::Reply(Reply::DeviceAttributes)),
        (Some(b'?'), b'R') => Some(position(&parameters)),
        (Some(_), _) => other,
        (None, b'R') if !parameters.numbers.is_empty() => Some(position(&parameters)),
        (None, b'I') if body.is_empty() => Some(Input::FocusGained),
        (None, b'O') if body.is_empty() => Some(Input::FocusLost),
        (None, _) => match code(&parameters, last) {
            Code::Key(code) => pressed(code, &parameters, last, alt),
            Code::Stray => None,
            Code::None => other,
        },
    }
}

enum Code {
    Key(KeyCode),
    /// A key that midwatch has no name for, or the end of a paste that never began.
    Stray,
    None,
}

fn code(parameters: &Parameters, last: u8) -> Code {
    let key = match last {
        b'Z' => KeyCode::BackTab,
        b'~' => return tilde(parameters),
        b'u' if !parameters.numbers.is_empty() => return unicode(parameters.get(0)),
        b'A'..=b'D' | b'F' | b'H' | b'P'..=b'S' => match letter(last) {
            Some(code) => code,
            None => return Code::None,
        },
        _ => return Code::None,
    };
    Code::Key(key)
}

fn letter(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

/// The editing and function keys of the `CSI n ~` form; `27;m;c~` is xterm's form of any key.
fn tilde(parameters: &Parameters) -> Code {
    let function = |n: u32, from: u32, first: u8| {
        Code::Key(KeyCode::F(first + u8::try_from(n - from).unwrap_or(0)))
    };
    match parameters.get(0) {
        1 | 7 => Code::Key(KeyCode::Home),
        4 | 8 => Code::Key(KeyCode::End),
        2 => Code::Key(KeyCode::Insert),
        3 => Code::Key(KeyCode::Delete),
        5 => Code::Key(KeyCode::PageUp),
        6 => Code::Key(KeyCode::PageDown),
        n @ 11..=15 => function(n, 11, 1),
        n @ 17..=21 => function(n, 17, 6),
        n @ 23..=26 => function(n, 23, 11),
        n @ 28..=29 => function(n, 28, 15),
        n @ 31..=34 => function(n, 31, 17),
        27 => unicode(parameters.get(2)),
        201 => Code::Stray,
        _ => Code::None,
    }
}

/// A key by its code point; kitty keeps a private range for the keypad.
fn unicode(number: u32) -> Code {
    let code = match number {
        9 => KeyCode::Tab,
        13 | 57414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        8 | 127 => KeyCode::Backspace,
        n @ 57399..=57408 => KeyCode::Char(char::from_digit(n - 57399, 10).unwrap_or('0')),
        57417 => KeyCode::Left,
        57418 => KeyCode::Right,
        57419 => KeyCode::Up,
        57420 => KeyCode::Down,
        57421 => KeyCode::PageUp,
        57422 => KeyCode::PageDown,
        57423 => KeyCode::Home,
        57424 => KeyCode::End,
        57425 => KeyCode::Insert,
        57426 => KeyCode::Delete,
        57344..=63743 => return Code::Stray,
        n => match char::from_u32(n).filter(|c| !c.is_control()) {
            Some(c) => KeyCode::Char(c),
            None => return Code::Stray,
        },
    };
    Code::Key(code)
}

/// The key with its modifiers: a number that is one more than a set of bits.
fn pressed(code: KeyCode, parameters: &Parameters, last: u8, alt: bool) -> Option<Input> {
    const RELEASED: u32 = 3;
    let bits = parameters.get(1).saturating_sub(1);
    let super_or_hyper = bits & 0b1_1000 != 0;
    if super_or_hyper || parameters.event == RELEASED {
        return None;
    }
    let chord = Chord {
        code,
        shift: bits & 1 != 0,
        // Bit 5 is meta, which is alt wherever both exist.
        alt: alt || bits & 0b10_0010 != 0,
        ctrl: bits & 0b100 != 0,
    };
    let chord = chord.normal();
    // With extended keys, control and i is not tab; the keymap knows only the common form.
    let chord = match (chord.code, last) {
        (KeyCode::Char('i'), b'u' | b'~') if chord.ctrl => same_byte(chord, KeyCode::Tab),
        (KeyCode::Char('m'), b'u' | b'~') if chord.ctrl => same_byte(chord, KeyCode::Enter),
        (KeyCode::Char('['), b'u' | b'~') if chord.ctrl => same_byte(chord, KeyCode::Esc),
        _ => chord,
    };
    Some(Input::Key(chord.normal()))
}

fn same_byte(chord: Chord, code: KeyCode) -> Chord {
    Chord {
        code,
        ctrl: false,
        ..chord
    }
}

fn position(parameters: &Parameters) -> Input {
    Input::Reply(Reply::CursorPosition(
        small(parameters.get(0)),
        small(parameters.get(1)),
    ))
}

fn mouse(parameters: &Parameters) -> Option<Input> {
    // Bits 2 to 4 are modifiers, which change nothing here; bit 5 is movement.
    let kind = match parameters.get(0) & !0b1_1100 {
        0 => MouseKind::PressLeft,
        64 => MouseKind::WheelUp,
        65 => MouseKind::WheelDown,
        _ => return None,
    };
    Some(Input::Mouse(MouseEvent {
        kind,
        x: small(parameters.get(1).saturating_sub(1)),
        y: small(parameters.get(2).saturating_sub(1)),
    }))
}

fn small(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// `ESC O` and a byte: cursor, function and keypad keys in application mode.
pub(super) fn single_shift(byte: u8) -> Option<Chord> {
    let code = match byte {
        b'M' => KeyCode::Enter,
        b'X' => KeyCode::Char('='),
        // The keypad sends the character plus 0x40.
        b'j'..=b'y' => KeyCode::Char(char::from(byte - 0x40)),
        _ => letter(byte)?,
    };
    Some(Chord::key(code))
}
