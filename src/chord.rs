//! Keys as values, and everything else that a terminal can send.
//!
//! A [`Chord`] is one key press with its modifiers, a [`Sequence`] is several in a row. Both read
//! and print as a keymap writes them: `ctrl-d`, `alt-enter`, `G`, `f5`, `g g`. This file knows no
//! terminal library and no bytes; those are `input.rs`'s.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The keys that a terminal can name without any extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyCode {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    /// `F(1)` to `F(20)`.
    F(u8),
}

/// The named keys; the first name is the one that prints.
const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("ins", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("page-up", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("page-down", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
    ("space", KeyCode::Char(' ')),
];

/// One key press. Compare chords only after [`Chord::normal`]; parsing and decoding both end there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Chord {
    pub code: KeyCode,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
}

impl Chord {
    /// A key without modifiers.
    #[must_use]
    pub const fn key(code: KeyCode) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// A character as typed: `G` needs no shift.
    #[must_use]
    pub const fn char(c: char) -> Self {
        Self::key(KeyCode::Char(c))
    }

    /// Control with a character.
    #[must_use]
    pub const fn ctrl(c: char) -> Self {
        Self {
            ctrl: true,
            ..Self::char(c)
        }
    }

    /// The one form of a press that several encodings share: shift is part of the character
    /// (`shift-g` is `G`, `!` has none), `shift-tab` is `backtab`, and with control a letter is
    /// small, because a terminal cannot tell the two apart.
    #[must_use]
    pub fn normal(mut self) -> Self {
        match self.code {
            KeyCode::Tab if self.shift => {
                self.code = KeyCode::BackTab;
                self.shift = false;
            }
            KeyCode::BackTab => self.shift = false,
            KeyCode::Char('@') if self.ctrl => {
                self.code = KeyCode::Char(' ');
                self.shift = false;
            }
            KeyCode::Char(c) if self.ctrl => {
                // Shift stays: only terminals with extended keys send it, and then it is meant.
                self.code = KeyCode::Char(c.to_ascii_lowercase());
            }
            KeyCode::Char(' ') => {}
            KeyCode::Char(c) if self.shift => {
                self.code = KeyCode::Char(single_upper(c));
                self.shift = false;
            }
            _ => {}
        }
        self
    }

    /// The character to insert into a text field, when this press is one.
    #[must_use]
    pub fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// The capital of a letter where it is one character; `ß` stays as it is.
fn single_upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (on, word) in [
            (self.ctrl, "ctrl-"),
            (self.alt, "alt-"),
            (self.shift, "shift-"),
        ] {
            if on {
                text.push_str(word);
            }
        }
        let name = NAMES.iter().find(|(_, code)| *code == self.code);
        match (name, self.code) {
            (Some((name, _)), _) => text.push_str(name),
            (None, KeyCode::Char(c)) => text.push(c),
            (None, KeyCode::F(n)) => text.push_str(&format!("f{n}")),
            (None, _) => {}
        }
        f.pad(&text)
    }
}

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadChord {
    #[error("`{0}` is not a key; write a character or a name such as ctrl-d, alt-enter, f5, space")]
    Unknown(String),
    /// The terminal sends the same byte for both.
    #[error("`{0}` reaches a program as `{1}`; write `{1}`")]
    Same(String, &'static str),
    /// The byte after escape starts an answer of the terminal.
    #[error(
        "`{0}` looks like the start of an answer of the terminal and is never read as a key; choose another"
    )]
    Reserved(String),
    #[error("a key sequence is empty; write at least one key")]
    Empty,
}

impl FromStr for Chord {
    type Err = BadChord;

    fn from_str(text: &str) -> Result<Self, BadChord> {
        let mut chord = Self::char(' ');
        let mut rest = text;
        loop {
            let (flag, after) = if let Some(after) = strip_modifier(rest, "ctrl-", "c-") {
                (&mut chord.ctrl, after)
            } else if let Some(after) = strip_modifier(rest, "alt-", "a-") {
                (&mut chord.alt, after)
            } else if let Some(after) = strip_modifier(rest, "shift-", "s-") {
                (&mut chord.shift, after)
            } else {
                break;
            };
            *flag = true;
            rest = after;
        }
        chord.code = key_code(rest).ok_or_else(|| BadChord::Unknown(text.to_owned()))?;
        let chord = chord.normal();
        refuse_unreachable(chord, text)?;
        Ok(chord)
    }
}

/// A modifier in front of something; `ctrl--` is control with a minus.
fn strip_modifier<'a>(text: &'a str, long: &str, short: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    [long, short]
        .into_iter()
        .find(|word| lower.starts_with(word) && text.len() > word.len())
        .map(|word| &text[word.len()..])
}

fn key_code(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        let drawn = !c.is_control() && !c.is_whitespace();
        return drawn.then_some(KeyCode::Char(c));
    }
    let lower = text.to_ascii_lowercase();
    if let Some((_, code)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return Some(*code);
    }
    let number = lower.strip_prefix('f')?.parse().ok()?;
    (1..=20).contains(&number).then_some(KeyCode::F(number))
}

/// Keys that would never arrive are errors and not silently dead bindings.
fn refuse_unreachable(chord: Chord, text: &str) -> Result<(), BadChord> {
    let KeyCode::Char(c) = chord.code else {
        return Ok(());
    };
    let same = match c {
        'i' if chord.ctrl && !chord.shift => Some("tab"),
        'm' if chord.ctrl && !chord.shift => Some("enter"),
        '[' if chord.ctrl && !chord.shift => Some("esc"),
        _ => None,
    };
    if let Some(name) = same {
        return Err(BadChord::Same(text.to_owned(), name));
    }
    if chord.alt && !chord.ctrl && matches!(c, '[' | ']' | 'P' | '_' | '^' | 'X' | '\\') {
        return Err(BadChord::Reserved(text.to_owned()));
    }
    Ok(())
}

impl TryFrom<String> for Chord {
    type Error = BadChord;
    fn try_from(text: String) -> Result<Self, BadChord> {
        text.parse()
    }
}

impl From<Chord> for String {
    fn from(chord: Chord) -> Self {
        chord.to_string()
    }
}

/// Chords pressed one after another, at least one: `g g`, `ctrl-x ctrl-s`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sequence(Vec<Chord>);

impl Sequence {
    #[must_use]
    pub fn chords(&self) -> &[Chord] {
        &self.0
    }
}

impl FromStr for Sequence {
    type Err = BadChord;

    fn from_str(text: &str) -> Result<Self, BadChord> {
        let chords: Vec<Chord> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if chords.is_empty() {
            return Err(BadChord::Empty);
        }
        Ok(Self(chords))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(Chord::to_string).collect();
        f.pad(&texts.join(" "))
    }
}

impl TryFrom<String> for Sequence {
    type Error = BadChord;
    fn try_from(text: String) -> Result<Self, BadChord> {
        text.parse()
    }
}

impl From<Sequence> for String {
    fn from(sequence: Sequence) -> Self {
        sequence.to_string()
    }
}

/// One thing that came from the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Key(Chord),
    /// Pasted text, as it came (line ends made `\n`), at most a mebibyte: not sanitised.
    Paste(String),
    Mouse(MouseEvent),
    FocusGained,
    FocusLost,
    /// An answer of the terminal to a question, asked by us or by an earlier program.
    Reply(Reply),
}

/// What the mouse did; column and row count from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MouseEvent {
    pub kind: MouseKind,
    pub x: u16,
    pub y: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseKind {
    WheelUp,
    WheelDown,
    PressLeft,
}

/// A colour with eight bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// Answers of the terminal. Never a key, however late, split or cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Background(Rgb),
    Foreground(Rgb),
    DeviceAttributes,
    /// Row and column, from one, as the terminal counts.
    CursorPosition(u16, u16),
    /// Well formed, but nothing that midwatch asks for.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn keys_print_as_they_are_written() {
        for text in [
            "ctrl-d",
            "alt-enter",
            "G",
            "f5",
            "space",
            "?",
            "-",
            "ctrl--",
            "ctrl-alt-x",
            "esc",
            "page-up",
            "shift-up",
            "ctrl-space",
            "backtab",
            "é",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
    }

    #[test]
    fn shift_is_part_of_a_character() {
        assert_eq!(parse("shift-g"), Chord::char('G'));
        assert_eq!(parse("shift-tab"), Chord::key(KeyCode::BackTab));
        assert_eq!(parse("Ctrl-D"), Chord::ctrl('d'));
        assert_eq!(parse("shift-ß"), Chord::char('ß'));
    }

    #[test]
    fn a_key_that_never_arrives_is_refused_with_the_one_that_does() {
        assert_eq!(
            "ctrl-i".parse::<Chord>(),
            Err(BadChord::Same("ctrl-i".into(), "tab"))
        );
        assert_eq!(
            "alt-]".parse::<Chord>(),
            Err(BadChord::Reserved("alt-]".into()))
        );
        for bad in ["", "f21", "f0", "ctrl-", "hyper-x", "gg"] {
            assert!(bad.parse::<Chord>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_sequence_splits_on_spaces() {
        let sequence: Sequence = "g  ctrl-x".parse().unwrap();
        assert_eq!(sequence.chords(), [Chord::char('g'), Chord::ctrl('x')]);
        assert_eq!(sequence.to_string(), "g ctrl-x");
        assert_eq!(" ".parse::<Sequence>(), Err(BadChord::Empty));
    }

    proptest! {
        #[test]
        fn what_prints_reads_back(c in any::<char>(), ctrl: bool, alt: bool, shift: bool) {
            let chord = Chord { code: KeyCode::Char(c), ctrl, alt, shift }.normal();
            if let Ok(read) = chord.to_string().parse::<Chord>() {
                prop_assert_eq!(read, chord);
            }
        }
    }
}
