//! Text that is safe to draw, and the only door to it.
//!
//! Remote bytes can carry escape sequences, bidirectional overrides and zero-width marks that make
//! a row lie. [`SafeText`] holds none of them: each becomes a visible mark, so that nothing is
//! hidden and nothing is executed. Panes can draw nothing else.

use std::fmt;
use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Text without control, format or bidirectional characters, without line breaks, and with at most
/// [`MAX_MARKS`] combining marks on a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeText(Arc<str>);

/// Combining marks kept per grapheme; more is a stack that paints over its neighbours.
const MAX_MARKS: usize = 4;

/// Longest text kept, in bytes. No screen shows more, and a label of a megabyte must not be
/// measured on each frame.
const MAX_BYTES: usize = 4096;

impl SafeText {
    /// Sanitises any text. ASCII without control characters is copied as it is.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let cut = clip_bytes(raw, MAX_BYTES);
        let dropped = raw.len() - cut.len();
        if dropped == 0 && cut.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Self(raw.into());
        }
        let mut out = String::with_capacity(cut.len() + 16);
        let mut marks = 0;
        for c in cut.chars() {
            marks = if is_combining(c) { marks + 1 } else { 0 };
            if marks > MAX_MARKS || is_unsafe(c) {
                push_visible(&mut out, c);
            } else {
                out.push(c);
            }
        }
        if dropped > 0 {
            out.push_str(&format!("<+{dropped} bytes>"));
        }
        Self(out.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Columns it takes on the screen.
    #[must_use]
    pub fn width(&self) -> usize {
        width(&self.0)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for SafeText {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for SafeText {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

/// Sanitised text for a report on a terminal or in a file, line breaks kept.
#[must_use]
pub fn safe_lines(raw: &str) -> String {
    let lines: Vec<String> = raw
        .lines()
        .map(|line| SafeText::new(line).to_string())
        .collect();
    lines.join("\n")
}

/// JSON in which no control, format or bidirectional character stands as itself. JSON may hold C1
/// and bidirectional characters raw, but a terminal that shows it should not see them; outside
/// strings there are none, so that escaping keeps the meaning. Line breaks between tokens stay.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Columns a text takes; the same table that ratatui draws by.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// The longest prefix that fits `columns`, cut between graphemes.
#[must_use]
pub fn clip(text: &str, columns: usize) -> &str {
    if text.is_ascii() {
        return &text[..text.len().min(columns)];
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += width(grapheme);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The longest ending that fits `columns`, cut between graphemes.
#[must_use]
pub fn ending(text: &str, columns: usize) -> &str {
    if text.is_ascii() {
        return &text[text.len().saturating_sub(columns)..];
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += width(grapheme);
        if used > columns {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// Letters that stay at the end of a name that is too long: as many as make two pods of a set
/// differ.
const ENDING: usize = 5;

/// The text with the mark in place of its middle where it is wider than `columns`.
#[must_use]
pub fn without_middle(text: &SafeText, columns: usize, mark: char) -> SafeText {
    if text.width() <= columns {
        return text.clone();
    }
    let room = columns.saturating_sub(1);
    let tail = ending(text.as_str(), ENDING.min(columns / 2));
    let head = clip(text.as_str(), room - width(tail));
    SafeText::new(&format!("{head}{mark}{tail}"))
}

/// The text with the mark in place of its beginning where it is wider than `columns`.
#[must_use]
pub fn without_beginning(text: &SafeText, columns: usize, mark: char) -> SafeText {
    if text.width() <= columns {
        return text.clone();
    }
    let tail = ending(text.as_str(), columns.saturating_sub(1));
    SafeText::new(&format!("{mark}{tail}"))
}

fn clip_bytes(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    &text[..end]
}

/// C0 and DEL as control pictures, C1 and the rest as `<U+202E>`: reversible by eye.
fn push_visible(out: &mut String, c: char) {
    match c {
        '\t' => out.push(' '),
        '\u{0}'..='\u{1f}' => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\u{7f}' => out.push('\u{2421}'),
        _ => out.push_str(&format!("<U+{:04X}>", c as u32)),
    }
}

/// Control characters, Unicode category Cf, line and paragraph separators, tags, variation
/// selectors and fillers that draw as nothing.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c as u32,
            0x00ad | 0x034f | 0x0600..=0x0605 | 0x061c | 0x06dd | 0x070f | 0x0890..=0x0891 | 0x08e2
            | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x2028..=0x202e
            | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
            | 0x110bd | 0x110cd | 0x13430..=0x1345f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
            | 0xe0000..=0xe0fff)
}

fn is_combining(c: char) -> bool {
    matches!(c as u32,
        0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05bd | 0x0610..=0x061a | 0x064b..=0x065f
        | 0x0e31 | 0x0e34..=0x0e3a | 0x0e47..=0x0e4e | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff
        | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_become_pictures() {
        assert_eq!(
            SafeText::new("\u{1b}]0;pwn\u{7}ok").as_str(),
            "\u{241b}]0;pwn\u{2407}ok"
        );
        assert_eq!(SafeText::new("\u{9b}31m").as_str(), "<U+009B>31m");
    }

    #[test]
    fn a_bidirectional_override_is_named() {
        assert_eq!(SafeText::new("cp\u{202e}1-").as_str(), "cp<U+202E>1-");
    }

    #[test]
    fn a_megabyte_label_is_cut_and_says_so() {
        let text = SafeText::new(&"x".repeat(1 << 20));
        assert!(text.as_str().len() < 5000);
        assert!(text.as_str().ends_with("<+1044480 bytes>"));
    }

    #[test]
    fn stacked_marks_are_limited() {
        let zalgo = format!("a{}", "\u{301}".repeat(20));
        assert_eq!(
            SafeText::new(&zalgo).as_str().matches('\u{301}').count(),
            MAX_MARKS
        );
    }

    #[test]
    fn clipping_cuts_between_graphemes() {
        assert_eq!(clip("abc", 2), "ab");
        assert_eq!(clip("日本語", 5), "日本");
        assert_eq!(clip("e\u{301}x", 1), "e\u{301}");
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let cut = |name: &str, width| without_middle(&name.into(), width, '…').to_string();
        assert_eq!(cut("web-6b5d46685c-5nwdr", 20), "web-6b5d46685c-5nwdr");
        assert_eq!(cut("web-6b5d46685c-5nwdr", 14), "web-6b5d…5nwdr");
        assert_eq!(cut("web-6b5d46685c-5nwdr", 8), "web…nwdr");
        assert_eq!(cut("日本語日本語-1", 9), "日本…語-1");
    }

    #[test]
    fn a_long_path_keeps_what_differs_from_row_to_row() {
        let cut = |name: &str, width| without_beginning(&name.into(), width, '…').to_string();
        assert_eq!(cut("service/prod/default/svc-0001", 12), "…lt/svc-0001");
        assert_eq!(cut("host/a", 12), "host/a");
        assert_eq!(cut("日本語", 4), "…語");
    }

    proptest! {
        #[test]
        fn what_is_cut_fits_and_says_so(raw in "\\PC{0,40}", columns in 1..30_usize) {
            let text = SafeText::new(&raw);
            for cut in [without_middle, without_beginning] {
                let cut = cut(&text, columns, '~');
                prop_assert!(cut.width() <= columns);
                prop_assert!(cut == text || cut.as_str().contains('~'));
            }
        }

        #[test]
        fn nothing_unsafe_survives(raw in "\\PC*|.*") {
            let text = SafeText::new(&raw);
            prop_assert!(!text.as_str().chars().any(is_unsafe));
        }
    }
}
