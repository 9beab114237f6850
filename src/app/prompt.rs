//! The one-line prompts: filter and command palette. Text in, text out; no meaning of commands.
//!
//! A text that stood there before stands there as if it were selected: what is typed replaces it, and
//! a key that moves in it or cuts from it keeps it.

use unicode_segmentation::UnicodeSegmentation;

use crate::chord::{Chord, KeyCode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    Filter,
    Palette,
    /// Why an action is done.
    Reason,
    /// The words that confirm it.
    Words,
}

/// A line being typed. The cursor counts graphemes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub kind: PromptKind,
    text: String,
    cursor: usize,
    /// Nothing was done yet to the text that stood there before.
    selected: bool,
    /// What the text was before the prompt opened; restored by Esc.
    pub before: String,
    /// Position in the history while walking it, counted from the newest.
    pub recalled: Option<usize>,
}

/// What a key did to the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    Changed,
    Accepted,
    Cancelled,
    Complete,
    Older,
    Newer,
    Nothing,
}

/// Longest line, in bytes: nobody types more, and a paste must not fill the memory.
const LIMIT: usize = 1024;

impl Prompt {
    #[must_use]
    pub fn new(kind: PromptKind, text: &str) -> Self {
        let cursor = text.graphemes(true).count();
        Self {
            kind,
            text: text.to_owned(),
            cursor,
            selected: !text.is_empty(),
            before: text.to_owned(),
            recalled: None,
        }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Is the old text replaced by what is typed next?
    #[must_use]
    pub fn is_selected(&self) -> bool {
        self.selected
    }

    /// The text before and after the cursor.
    #[must_use]
    pub fn halves(&self) -> (&str, &str) {
        self.text.split_at(self.byte(self.cursor))
    }

    pub fn set(&mut self, text: &str) {
        self.selected = false;
        text.clone_into(&mut self.text);
        self.cursor = self.text.graphemes(true).count();
    }

    pub fn key(&mut self, chord: Chord) -> Typed {
        match (chord.code, chord.ctrl) {
            (KeyCode::Enter, _) => return Typed::Accepted,
            (KeyCode::Esc, _) | (KeyCode::Char('c' | 'g'), true) => return Typed::Cancelled,
            (KeyCode::Tab, _) => return Typed::Complete,
            (KeyCode::Up, _) | (KeyCode::Char('p'), true) => return Typed::Older,
            (KeyCode::Down, _) | (KeyCode::Char('n'), true) => return Typed::Newer,
            (KeyCode::Left, false) | (KeyCode::Char('b'), true) => {
                self.cursor = self.cursor.saturating_sub(1);
            }
            (KeyCode::Right, false) | (KeyCode::Char('f'), true) => {
                self.cursor = (self.cursor + 1).min(self.len());
            }
            (KeyCode::Home, _) | (KeyCode::Char('a'), true) => self.cursor = 0,
            (KeyCode::End, _) | (KeyCode::Char('e'), true) => self.cursor = self.len(),
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) if self.cursor > 0 => {
                self.cut(self.cursor - 1, self.cursor);
            }
            // An empty prompt is left by one more backspace, as in vim.
            (KeyCode::Backspace, _) if self.text.is_empty() => return Typed::Cancelled,
            (KeyCode::Delete, _) | (KeyCode::Char('d'), true) => {
                self.cut(self.cursor, self.cursor + 1);
            }
            (KeyCode::Char('u'), true) => self.cut(0, self.cursor),
            (KeyCode::Char('k'), true) => self.cut(self.cursor, self.len()),
            (KeyCode::Char('w'), true) => self.cut(self.word_start(), self.cursor),
            (KeyCode::Char(c), false) if !chord.alt => self.insert(&c.to_string()),
            _ => return Typed::Nothing,
        }
        self.selected = false;
        Typed::Changed
    }

    /// Inserts text at the cursor, or in place of a selected one; control characters and line breaks
    /// become spaces.
    pub fn insert(&mut self, text: &str) {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let kept = if self.selected { 0 } else { self.text.len() };
        if kept + clean.len() > LIMIT {
            return;
        }
        if std::mem::take(&mut self.selected) {
            self.set("");
        }
        let at = self.byte(self.cursor);
        self.text.insert_str(at, &clean);
        let before = self.text[..at + clean.len()].graphemes(true).count();
        self.cursor = before;
    }

    fn len(&self) -> usize {
        self.text.graphemes(true).count()
    }

    fn byte(&self, grapheme: usize) -> usize {
        self.text
            .grapheme_indices(true)
            .nth(grapheme)
            .map_or(self.text.len(), |(at, _)| at)
    }

    fn cut(&mut self, from: usize, to: usize) {
        let (start, end) = (self.byte(from), self.byte(to));
        self.text.replace_range(start..end, "");
        self.cursor = from.min(self.len());
    }

    fn word_start(&self) -> usize {
        let (before, _) = self.halves();
        let trimmed = before.trim_end();
        let start = trimmed.rfind(' ').map_or(0, |at| at + 1);
        before[..start].graphemes(true).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> Prompt {
        let mut prompt = Prompt::new(PromptKind::Filter, "");
        for key in keys.split(' ') {
            let chord = match key {
                "SPC" => "space".parse().unwrap(),
                key => key.parse().unwrap(),
            };
            prompt.key(chord);
        }
        prompt
    }

    #[test]
    fn words_are_typed_and_cut() {
        assert_eq!(typed("a b SPC c d ctrl-w").text(), "ab ");
        assert_eq!(typed("a b left x").text(), "axb");
        assert_eq!(typed("a b c ctrl-u").text(), "");
        assert_eq!(typed("a b c home delete").text(), "bc");
    }

    #[test]
    fn a_paste_is_text_and_one_line() {
        let mut prompt = Prompt::new(PromptKind::Filter, "");
        prompt.insert("rm -rf\r\n\u{1b}[201~");
        assert_eq!(prompt.text(), "rm -rf   [201~");
        prompt.insert(&"x".repeat(5000));
        assert_eq!(prompt.text().len(), 14, "too long a paste is refused whole");
    }

    #[test]
    fn what_is_typed_replaces_the_old_text() {
        let after = |keys: &str| {
            let mut prompt = Prompt::new(PromptKind::Reason, "old");
            for key in keys.split_whitespace() {
                prompt.key(key.parse().unwrap());
            }
            prompt.text().to_owned()
        };
        assert_eq!(after("n e w"), "new");
        assert_eq!(after(""), "old", "left alone it stays");
        assert_eq!(after("end e r"), "older");
        assert_eq!(after("left left x"), "oxld");
        assert_eq!(after("backspace e"), "ole");
        assert_eq!(after("ctrl-a x"), "xold");
        let mut prompt = Prompt::new(PromptKind::Reason, "old");
        prompt.insert("pasted");
        assert_eq!(prompt.text(), "pasted");
        let mut prompt = Prompt::new(PromptKind::Reason, "old");
        prompt.insert(&"x".repeat(5000));
        assert_eq!(prompt.text(), "old", "what is refused replaces nothing");
    }

    #[test]
    fn backspace_on_nothing_leaves() {
        let mut prompt = Prompt::new(PromptKind::Filter, "");
        assert_eq!(prompt.key("backspace".parse().unwrap()), Typed::Cancelled);
    }
}
