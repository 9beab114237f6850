//! The filter's grammar: `text` keeps what contains it, `!text` what does not, `-l key=value` selects by label,
//! `-f text` takes letters in order. Several must all hold; case does not matter.

use std::sync::Arc;

use crate::objects::Labels;
use crate::objects::workload::Selector;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    words: Vec<(Wanted, String)>,
    selector: Option<Selector>,
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
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let (wanted, word) = match word {
                "-l" => {
                    if let Some(selector) = words.next() {
                        filter.select(selector);
                    }
                    continue;
                }
                "-f" => (Wanted::Scattered, words.next().unwrap_or_default()),
                word => match word.strip_prefix('!') {
                    Some(rest) => (Wanted::Absent, rest),
                    None => (Wanted::Contained, word),
                },
            };
            if !word.is_empty() {
                filter.words.push((wanted, word.to_lowercase()));
            }
        }
        filter
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.selector.is_none()
    }

    /// `key=value`, `key!=value`, `key`, `!key`, joined by commas.
    fn select(&mut self, text: &str) {
        let mut pairs: Vec<(Arc<str>, Arc<str>)> = Vec::new();
        let mut expressions = Vec::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            if let Some((key, value)) = part.split_once("!=") {
                let values: Box<[Arc<str>]> = [Arc::from(value)].into();
                expressions.push((key.into(), "NotIn".into(), values));
            } else if let Some((key, value)) = part.split_once('=') {
                pairs.push((key.into(), value.trim_start_matches('=').into()));
            } else if let Some(key) = part.strip_prefix('!') {
                expressions.push((key.into(), "DoesNotExist".into(), Box::default()));
            } else {
                expressions.push((part.into(), "Exists".into(), Box::default()));
            }
        }
        self.selector = Some(Selector {
            pairs: pairs.into(),
            expressions: expressions.into(),
            absent: false,
        });
    }

    /// Judges a text that is already in lower case, of something that carries no labels.
    #[must_use]
    pub fn accepts(&self, lower: &str) -> bool {
        self.selector.is_none() && self.accepts_text(lower)
    }

    /// Judges something that carries labels.
    #[must_use]
    pub fn accepts_labelled(&self, lower: &str, labels: &Labels) -> bool {
        self.selector
            .as_ref()
            .is_none_or(|selector| selector.selects(labels))
            && self.accepts_text(lower)
    }

    /// Does it look at the words at all, or at labels alone?
    #[must_use]
    pub fn reads_words(&self) -> bool {
        !self.words.is_empty()
    }

    fn accepts_text(&self, lower: &str) -> bool {
        self.words.iter().all(|(wanted, word)| match wanted {
            Wanted::Contained => lower.contains(word.as_str()),
            Wanted::Absent => !lower.contains(word.as_str()),
            Wanted::Scattered => {
                let mut letters = lower.chars();
                word.chars()
                    .all(|wanted| letters.any(|letter| letter == wanted))
            }
        })
    }
}

#[cfg(test)]
mod tests {
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
}
