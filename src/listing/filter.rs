//! The filter's grammar: `text` keeps what contains it, `a|b` what contains either, `!text` what does
//! not, `-l app=web` selects by label, `-f text` takes letters in order. All must hold; case does not
//! matter. What cannot be read keeps nothing and says why.

use super::selector;
use crate::objects::Labels;
use crate::objects::workload::Selector;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Each with its alternatives, never none.
    words: Vec<(Wanted, Vec<String>)>,
    selectors: Vec<Selector>,
    trouble: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Contained,
    Absent,
    /// Its letters in this order, anything between them.
    Scattered,
}

impl Filter {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut filter = Self::default();
        for piece in Self::pieces(text) {
            if let Some(labels) = labels_of(piece) {
                match selector::read(labels).0 {
                    Ok(selector) => filter.selectors.push(selector),
                    Err(why) => filter.trouble = filter.trouble.or(Some(why)),
                }
                continue;
            }
            let (wanted, word) = match (piece.strip_prefix('!'), piece.strip_prefix("-f")) {
                (Some(rest), _) => (Wanted::Absent, rest),
                (_, Some(rest)) if rest.is_empty() || rest.starts_with(char::is_whitespace) => {
                    (Wanted::Scattered, rest.trim_start())
                }
                _ => (Wanted::Contained, piece),
            };
            let either: Vec<String> = alternatives(word).collect();
            if !either.is_empty() {
                filter.words.push((wanted, either));
            }
        }
        filter
    }

    /// Its parts as they are written: words, `-f` with its letters, `-l` with its labels.
    #[must_use]
    pub fn pieces(text: &str) -> Vec<&str> {
        let mut pieces = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let end = if let Some(labels) = labels_of(rest) {
                rest.len() - selector::read(labels).1.len()
            } else if &rest[..word] == "-f" {
                let behind = rest[word..].trim_start();
                let letters = behind.find(char::is_whitespace).unwrap_or(behind.len());
                rest.len() - behind.len() + letters
            } else {
                word
            };
            let (piece, behind) = rest.split_at(end);
            pieces.push(piece.trim_end());
            rest = behind.trim_start();
        }
        pieces
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.selectors.is_empty() && self.trouble.is_none()
    }

    /// Why it cannot be read; then it keeps nothing.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Does it ask for labels?
    #[must_use]
    pub fn reads_labels(&self) -> bool {
        !self.selectors.is_empty()
    }

    /// A word that looks like a regular expression, which it is not taken for.
    #[must_use]
    pub fn pattern(&self) -> Option<&str> {
        let looks = |word: &&str| {
            let marks = [".*", ".+", "[", "(", "\\", "^"];
            marks.iter().any(|mark| word.contains(mark)) || word.ends_with('$')
        };
        let words = self.words.iter().flat_map(|(_, either)| either);
        words.map(String::as_str).find(looks)
    }

    /// Judges a text that is already in lower case, of something that carries no labels.
    #[must_use]
    pub fn accepts(&self, lower: &str) -> bool {
        self.selectors.is_empty() && self.accepts_text(lower)
    }

    /// Judges something that carries labels.
    #[must_use]
    pub fn accepts_labelled(&self, lower: &str, labels: &Labels) -> bool {
        let selected = |selector: &Selector| selector.selects(labels);
        self.selectors.iter().all(selected) && self.accepts_text(lower)
    }

    /// Does it look at the words at all, or at labels alone?
    #[must_use]
    pub fn reads_words(&self) -> bool {
        !self.words.is_empty()
    }

    fn accepts_text(&self, lower: &str) -> bool {
        let contained = |word: &String| lower.contains(word.as_str());
        self.trouble.is_none()
            && self.words.iter().all(|(wanted, either)| match wanted {
                Wanted::Contained => either.iter().any(contained),
                Wanted::Absent => !either.iter().any(contained),
                Wanted::Scattered => either.iter().any(|word| scattered(lower, word)),
            })
    }
}

/// What stands between bars, in lower case.
pub(crate) fn alternatives(word: &str) -> impl Iterator<Item = String> {
    let either = word.split('|').filter(|word| !word.is_empty());
    either.map(str::to_lowercase)
}

fn scattered(lower: &str, word: &str) -> bool {
    let mut letters = lower.chars();
    word.chars()
        .all(|wanted| letters.any(|letter| letter == wanted))
}

/// What follows `-l`, be it a word of its own or, as in `-lapp=web`, the beginning of one.
fn labels_of(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("-l")?;
    let word = rest.split(char::is_whitespace).next().unwrap_or_default();
    (word.is_empty() || word.contains('=')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| (Arc::from(*k), Arc::from(*v)))
            .collect()
    }

    #[test]
    fn all_words_are_wanted_and_the_negated_refused() {
        let filter = Filter::parse("etcd !m2");
        assert!(filter.accepts("etcd/prod/m1 leader"));
        assert!(!filter.accepts("etcd/prod/m2 leader"));
        assert!(!filter.accepts("host/a"));
        assert!(Filter::parse("  ").accepts("anything"));
    }

    #[test]
    fn letters_in_order_only_where_they_are_asked_for() {
        assert!(Filter::parse("-f wb1").accepts("web-1"));
        assert!(!Filter::parse("wb1").accepts("web-1"));
        assert!(!Filter::parse("-f 1bw").accepts("web-1"));
    }

    #[test]
    fn labels_select_beside_words() {
        let shop = labels(&[("app", "web"), ("tier", "front")]);
        let holds = |filter: &str| Filter::parse(filter).accepts_labelled("web-1", &shop);
        assert!(holds("-l app=web,tier=front"));
        assert!(holds("-l app==web,!canary web"));
        assert!(!holds("-l app!=web"));
        assert!(!holds("-l app=web db"));
        assert!(holds("-l tier"));
        assert!(
            !Filter::parse("-l app=web").accepts("web-1"),
            "a row without labels"
        );
    }

    #[test]
    fn bars_stand_between_words_of_which_one_is_enough() {
        let accepts = |filter: &str, row: &str| Filter::parse(filter).accepts(row);
        assert!(accepts("svc-01|SVC-02", "pod svc-02"));
        assert!(!accepts("svc-01|svc-02", "pod svc-03"));
        assert!(accepts("svc-01|", "svc-01"), "while it is typed");
        assert!(!accepts("svc-01|", "svc-02"));
        assert!(!accepts("!svc-01|svc-02", "svc-02"), "neither is wanted");
        assert!(accepts("!svc-01|svc-02", "svc-03"));
        assert!(accepts("|", "anything"));
    }

    #[test]
    fn what_cannot_be_read_keeps_nothing_and_says_why() {
        let filter = Filter::parse("web -l app in (a");
        assert!(!filter.accepts("web-1"));
        assert!(!filter.accepts_labelled("web-1", &labels(&[("app", "a")])));
        assert!(!filter.is_empty());
        assert!(filter.trouble().unwrap().contains("lacks its `)`"));
        assert_eq!(Filter::parse("web -l app").trouble(), None);
    }

    #[test]
    fn a_text_is_taken_apart_where_its_parts_end() {
        let text = " web -l 'app in (a, b)'  -f ab  !x -l tier in (c, d) last -lapp=web";
        assert_eq!(
            Filter::pieces(text),
            [
                "web",
                "-l 'app in (a, b)'",
                "-f ab",
                "!x",
                "-l tier in (c, d)",
                "last",
                "-lapp=web"
            ]
        );
        assert_eq!(Filter::pieces("-log -f"), ["-log", "-f"]);
    }

    #[test]
    fn a_regular_expression_is_recognised_and_a_name_is_not() {
        for pattern in ["svc.*07", "[ab]", "^web", "web$", "(a|b)", "a\\d"] {
            assert!(Filter::parse(pattern).pattern().is_some(), "{pattern}");
        }
        for name in ["web-1", "10.0.0.1", "a|b", "example.com/x_y", "-l app=web"] {
            assert_eq!(Filter::parse(name).pattern(), None, "{name}");
        }
    }
}
