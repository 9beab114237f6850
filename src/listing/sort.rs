//! What a column sorts by, and which end of it comes first, in words: `highest first`, `a-z`, `newest
//! first`. What a value is shown as and what it sorts by may run against each other; the words are
//! about what is shown.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Column, Holds};

/// What a column sorts by.
#[derive(Clone, Debug, PartialEq)]
pub enum SortValue {
    Number(f64),
    Text(String),
    /// A text that is kept elsewhere: it costs no copy for each row.
    Word(Arc<str>),
    /// Nothing known: last in either direction.
    Nothing,
}

impl SortValue {
    fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Word(word) => word,
            Self::Number(_) | Self::Nothing => "",
        }
    }

    /// Order in a direction; what is not known comes last in either.
    #[must_use]
    pub fn compare(&self, other: &Self, direction: Direction) -> Ordering {
        let up = match (self, other) {
            (Self::Nothing, Self::Nothing) => return Ordering::Equal,
            (Self::Nothing, _) => return Ordering::Greater,
            (_, Self::Nothing) => return Ordering::Less,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Number(_), _) => Ordering::Less,
            (_, Self::Number(_)) => Ordering::Greater,
            (a, b) => a.as_text().cmp(b.as_text()),
        };
        if direction == Direction::Down {
            up.reverse()
        } else {
            up
        }
    }
}

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    Up,
    Down,
}

/// Columns of numbers that can be below zero. Any other number below zero is one that was turned
/// round, so that the highest comes first.
const SIGNED: [&str; 3] = ["axis", "offset", "spare"];
/// Columns of moments and of the time since then.
const TIMES: [&str; 3] = ["first", "last", "since"];
/// Columns of states, which sort by how bad they are.
const STATES: [&str; 4] = ["severity", "state", "status", "type"];
/// Columns that sort by how many are missing.
const PARTS: [&str; 3] = ["available", "ready", "updated"];

/// What comes first in a column that is sorted in a direction; by any value that is in it.
#[must_use]
pub fn way(column: &Column, value: &SortValue, direction: Direction) -> &'static str {
    let id = column.id;
    let is_time = column.holds == Holds::Ages || TIMES.contains(&id);
    let (upwards, downwards) = match value {
        SortValue::Nothing => return "nothing known",
        SortValue::Text(_) | SortValue::Word(_) => ("a-z", "z-a"),
        // By the moment at which it was renewed.
        SortValue::Number(_) if id == "lease" => ("oldest first", "newest first"),
        SortValue::Number(_) if is_time => ("newest first", "oldest first"),
        SortValue::Number(_) if STATES.contains(&id) => ("worst first", "best first"),
        SortValue::Number(_) if id == "kind" => ("in order", "in reverse"),
        SortValue::Number(n) => {
            let turned = n.is_sign_negative() && !SIGNED.contains(&id);
            let (high, low) = if PARTS.contains(&id) {
                ("most missing first", "fewest missing first")
            } else {
                ("highest first", "lowest first")
            };
            if turned { (high, low) } else { (low, high) }
        }
    };
    match direction {
        Direction::Up => upwards,
        Direction::Down => downwards,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_about_what_is_shown() {
        let number = Column::right("restarts", "RESTARTS", 4..=8, 0);
        let turned = SortValue::Number(-3.0);
        assert_eq!(way(&number, &turned, Direction::Up), "highest first");
        assert_eq!(way(&number, &turned, Direction::Down), "lowest first");
        let none_turned = SortValue::Number(-f64::from(0_u32));
        assert_eq!(way(&number, &none_turned, Direction::Up), "highest first");
        let plain = SortValue::Number(3.0);
        assert_eq!(way(&number, &plain, Direction::Up), "lowest first");
        let offset = Column::right("offset", "OFFSET", 4..=8, 0);
        assert_eq!(way(&offset, &turned, Direction::Up), "lowest first");
        let age = Column::ages("age", "AGE", 4..=8, 0);
        for value in [&turned, &plain] {
            assert_eq!(way(&age, value, Direction::Up), "newest first");
        }
        let name = Column::names("name", "NAME", 4..=8, 0);
        let text = SortValue::Text("web".into());
        assert_eq!(way(&name, &text, Direction::Down), "z-a");
        assert_eq!(
            way(&name, &SortValue::Nothing, Direction::Down),
            "nothing known"
        );
    }
}
