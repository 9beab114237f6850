//! The colours that a log line brings along, and nothing else of what a terminal can be told.
//!
//! Sequences of the form `ESC [ numbers m` are read (16, 256 and RGB colours, bold and the like) and
//! taken out of the text; every other control character becomes a visible mark as in any
//! [`SafeText`]. What a line begins ends with the line. Knows no screen and no theme.

mod look;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::ControlFlow;

use unicode_segmentation::UnicodeSegmentation;

use crate::text::{self, SafeText};

pub use look::{Ink, Look};

/// Longest sequence that is read as colours, in bytes; real ones have some twenty.
const LONGEST_SEQUENCE: usize = 128;

/// Columns between tab stops.
const TAB: usize = 8;

/// Bytes that [`SafeText`] takes whole.
const PIECE: usize = 4000;

/// What becomes of colour sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escapes {
    /// They colour the text and are not seen.
    #[default]
    Colour,
    /// They stand in the text as marks, byte for byte.
    Visible,
}

/// Columns that a line takes.
#[must_use]
pub fn width(line: &[u8], escapes: Escapes) -> usize {
    if is_plain(line) {
        return line.len();
    }
    let mut width = 0;
    walk(line, escapes, &mut |_, wide, _| {
        width += wide;
        ControlFlow::Continue(())
    });
    width
}

/// The part of a line that is seen through a window of `columns` columns beginning at column
/// `from`, as runs of safe text. A wide character on the edge is left out.
#[must_use]
pub fn window(line: &[u8], escapes: Escapes, from: usize, columns: usize) -> Vec<(SafeText, Look)> {
    let end = from.saturating_add(columns);
    if is_plain(line) {
        return plain_part(line, from, end);
    }
    let mut at = 0;
    let mut runs = Runs::default();
    walk(line, escapes, &mut |symbol, wide, look| {
        let begin = at;
        at += wide;
        if at > end {
            return ControlFlow::Break(());
        }
        if begin >= from {
            runs.push(symbol, look);
        }
        ControlFlow::Continue(())
    });
    runs.done()
}

/// Rows that a line takes where it is broken at `columns`; at least one.
#[must_use]
pub fn rows(line: &[u8], escapes: Escapes, columns: usize) -> usize {
    let columns = columns.max(1);
    if is_plain(line) {
        return line.len().div_ceil(columns).max(1);
    }
    let mut place = Place::default();
    walk(line, escapes, &mut |_, wide, _| {
        place.next(wide, columns);
        ControlFlow::Continue(())
    });
    place.row + 1
}

/// One row of a line that is broken at `columns`.
#[must_use]
pub fn row(line: &[u8], escapes: Escapes, row: usize, columns: usize) -> Vec<(SafeText, Look)> {
    let columns = columns.max(1);
    if is_plain(line) {
        let from = row.saturating_mul(columns);
        return plain_part(line, from, from.saturating_add(columns));
    }
    let mut place = Place::default();
    let mut runs = Runs::default();
    walk(line, escapes, &mut |symbol, wide, look| {
        place.next(wide, columns);
        if place.row > row {
            return ControlFlow::Break(());
        }
        if place.row == row {
            runs.push(symbol, look);
        }
        ControlFlow::Continue(())
    });
    runs.done()
}

/// Where the next symbol goes in a broken line.
#[derive(Default)]
struct Place {
    row: usize,
    used: usize,
}

impl Place {
    fn next(&mut self, wide: usize, columns: usize) {
        if self.used > 0 && self.used + wide > columns {
            self.row += 1;
            self.used = 0;
        }
        self.used += wide;
    }
}

#[derive(Default)]
struct Runs(Vec<(String, Look)>);

impl Runs {
    fn push(&mut self, symbol: &str, look: Look) {
        match self.0.last_mut() {
            Some((text, same)) if *same == look => text.push_str(symbol),
            _ => self.0.push((symbol.to_owned(), look)),
        }
    }

    fn done(self) -> Vec<(SafeText, Look)> {
        let safe = |(text, look): (String, Look)| (SafeText::new(&text), look);
        self.0.into_iter().map(safe).collect()
    }
}

fn plain_part(line: &[u8], from: usize, end: usize) -> Vec<(SafeText, Look)> {
    let part = line.get(from.min(line.len())..end.min(line.len()));
    match part.and_then(|part| std::str::from_utf8(part).ok()) {
        None | Some("") => Vec::new(),
        Some(part) => vec![(SafeText::new(part), Look::default())],
    }
}

/// The text without colour sequences, as a search looks at it.
#[must_use]
pub fn plain(line: &[u8]) -> Cow<'_, str> {
    if memchr::memchr(0x1b, line).is_none() {
        return String::from_utf8_lossy(line);
    }
    let mut out = Vec::with_capacity(line.len());
    for token in Tokens::new(line, Escapes::Colour) {
        match token {
            Token::Text(text) => out.extend_from_slice(text),
            Token::Escape => out.push(0x1b),
            Token::Look(_) => {}
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Printable ASCII alone: one byte, one column.
fn is_plain(line: &[u8]) -> bool {
    line.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// Hands every symbol on with its columns and its look, in order.
fn walk(line: &[u8], escapes: Escapes, each: &mut dyn FnMut(&str, usize, Look) -> ControlFlow<()>) {
    // The other half of a line break that was written elsewhere.
    let line = match (escapes, line) {
        (Escapes::Colour, [most @ .., b'\r']) => most,
        _ => line,
    };
    let mut look = Look::default();
    let mut column = 0;
    for token in Tokens::new(line, escapes) {
        let done = match token {
            Token::Look(parameters) => {
                look.take(parameters);
                ControlFlow::Continue(())
            }
            Token::Escape => show("\u{1b}", look, &mut column, each),
            Token::Text(text) => {
                let text = String::from_utf8_lossy(text);
                show(&text, look, &mut column, each)
            }
        };
        if done.is_break() {
            return;
        }
    }
}

fn show(
    text: &str,
    look: Look,
    column: &mut usize,
    each: &mut dyn FnMut(&str, usize, Look) -> ControlFlow<()>,
) -> ControlFlow<()> {
    for (nth, part) in text.split('\t').enumerate() {
        if nth > 0 {
            for _ in 0..TAB - *column % TAB {
                *column += 1;
                each(" ", 1, look)?;
            }
        }
        for piece in pieces(part) {
            for symbol in SafeText::new(piece).as_str().graphemes(true) {
                // No terminal has a cell for more; marks that pile up on a letter are not drawn.
                let (symbol, wide) = match text::width(symbol) {
                    wide @ 0..=WIDEST => (symbol, wide),
                    _ => ("\u{fffd}", 1),
                };
                *column += wide;
                each(symbol, wide, look)?;
            }
        }
    }
    ControlFlow::Continue(())
}

/// Columns of the widest letter.
const WIDEST: usize = 2;

/// A text in parts that are short enough to be sanitised whole.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut at = rest.len().min(PIECE);
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        let (piece, after) = rest.split_at(at);
        rest = after;
        Some(piece)
    })
}

enum Token<'a> {
    /// Bytes without ESC.
    Text(&'a [u8]),
    /// The numbers of a colour sequence: `1;38;5;208`.
    Look(&'a [u8]),
    /// An ESC that begins nothing that is read.
    Escape,
}

struct Tokens<'a> {
    rest: &'a [u8],
    escapes: Escapes,
}

impl<'a> Tokens<'a> {
    fn new(line: &'a [u8], escapes: Escapes) -> Self {
        Self {
            rest: line,
            escapes,
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        match memchr::memchr(0x1b, self.rest) {
            _ if self.rest.is_empty() => None,
            Some(0) => {
                if self.escapes == Escapes::Colour
                    && let Some((parameters, rest)) = sequence(self.rest)
                {
                    self.rest = rest;
                    return Some(Token::Look(parameters));
                }
                self.rest = &self.rest[1..];
                Some(Token::Escape)
            }
            at => {
                let (text, rest) = self.rest.split_at(at.unwrap_or(self.rest.len()));
                self.rest = rest;
                Some(Token::Text(text))
            }
        }
    }
}

/// `ESC [ numbers m` at the beginning: the numbers, and what follows.
fn sequence(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = bytes.strip_prefix(b"\x1b[")?;
    let end = inner
        .iter()
        .take(LONGEST_SEQUENCE)
        .position(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':'))?;
    (inner[end] == b'm').then(|| (&inner[..end], &inner[end + 1..]))
}
