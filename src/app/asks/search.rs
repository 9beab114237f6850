//! What the reader looks for in a text: the grammar of the filters (`text`, `a|b`, `!text`,
//! `-f letters`) without labels, judged line by line without copying what is ASCII.

use std::ops::Range;

use crate::listing::alternatives;

/// A search, and the words that it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    text: String,
    /// Each with its alternatives, never none.
    words: Vec<(Wanted, Vec<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Contained,
    Absent,
    /// Its letters in this order, anything between them.
    Scattered,
}

impl Search {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut words = Vec::new();
        let mut rest = text.split_whitespace();
        while let Some(word) = rest.next() {
            let (wanted, word) = match word {
                "-f" => (Wanted::Scattered, rest.next().unwrap_or_default()),
                word => match word.strip_prefix('!') {
                    Some(word) => (Wanted::Absent, word),
                    None => (Wanted::Contained, word),
                },
            };
            let either: Vec<String> = alternatives(word).collect();
            if !either.is_empty() {
                words.push((wanted, either));
            }
        }
        Self {
            text: text.to_owned(),
            words,
        }
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does it accept everything?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Judges a line; a word may also stand in the line's label.
    #[must_use]
    pub fn accepts(&self, line: &str, label: &str) -> bool {
        let contained = |word: &String| find(line, word).is_some() || find(label, word).is_some();
        self.words.iter().all(|(wanted, either)| match wanted {
            Wanted::Contained => either.iter().any(contained),
            Wanted::Absent => !either.iter().any(contained),
            Wanted::Scattered => either.iter().any(|word| scattered(line, word)),
        })
    }

    /// Where the words stand in a text, in bytes, for marking them.
    #[must_use]
    pub fn hits(&self, text: &str) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        let wanted = self.words.iter().filter(|(w, _)| *w == Wanted::Contained);
        for word in wanted.flat_map(|(_, either)| either) {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| find(rest, word)) {
                let begin = from + at;
                from = begin + word.len();
                // In other scripts the other case may be longer; then nothing is marked.
                if text.is_char_boundary(begin) && text.is_char_boundary(from) {
                    hits.push(begin..from);
                } else {
                    break;
                }
            }
        }
        hits
    }
}

/// The first place of a word, given in lower case, whatever the case in the text.
fn find(text: &str, word: &str) -> Option<usize> {
    let Some(first) = word.bytes().next() else {
        return Some(0);
    };
    if !word.is_ascii() {
        return text.to_lowercase().find(word);
    }
    let (hay, needle) = (text.as_bytes(), word.as_bytes());
    let upper = first.to_ascii_uppercase();
    let mut from = 0;
    while let Some(at) = hay
        .get(from..)
        .and_then(|h| memchr::memchr2(first, upper, h))
    {
        let begin = from + at;
        let part = hay.get(begin..begin + needle.len())?;
        if part.eq_ignore_ascii_case(needle) {
            return Some(begin);
        }
        from = begin + 1;
    }
    None
}

fn scattered(text: &str, letters: &str) -> bool {
    let mut rest = text.chars().flat_map(char::to_lowercase);
    letters.chars().all(|wanted| rest.any(|c| c == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_wanted_refused_or_scattered() {
        let accepts = |search: &str, line: &str| Search::parse(search).accepts(line, "web-1/app");
        assert!(accepts("error timeout", "ERROR: a Timeout came"));
        assert!(!accepts("error !timeout", "ERROR: a Timeout came"));
        assert!(
            accepts("web-1 error", "error"),
            "a word of the label counts"
        );
        assert!(!accepts("!web-1", "error"));
        assert!(!accepts("etm", "error: timeout"), "never fuzzy unasked");
        assert!(accepts("-f etm", "error: timeout"));
        assert!(accepts("  ", "anything"));
        assert!(accepts("ÜBER", "über"));
        assert!(accepts("warn|ERROR", "error: a timeout"));
        assert!(!accepts("!warn|error", "error: a timeout"));
    }

    #[test]
    fn hits_are_where_the_words_stand() {
        assert_eq!(Search::parse("err x").hits("Err, err"), [0..3, 5..8]);
        assert_eq!(Search::parse("x|err").hits("err x"), [4..5, 0..3]);
        assert!(Search::parse("!err").hits("err").is_empty());
    }

    proptest! {
        #[test]
        fn the_fast_way_finds_what_the_plain_way_finds(text in "[ -~]{0,40}", word in "[a-zA-Z ]{1,4}") {
            let word = word.to_lowercase();
            prop_assert_eq!(find(&text, &word), text.to_ascii_lowercase().find(&word));
        }
    }
}
