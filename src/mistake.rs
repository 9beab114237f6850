//! A mistake in a file that a user writes: which file and line, what is wrong, what to do.
//!
//! Also finds the word that was probably meant. Knows no format and reads no file.

use std::fmt;

/// One mistake. Prints as `keys.toml:12: no intent is called `qit`; write `quit``.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// Counted from one.
    pub line: Option<usize>,
    pub problem: String,
    /// Starts with a verb.
    pub hint: Option<String>,
}

impl Mistake {
    #[must_use]
    pub fn new(file: &str, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            problem: problem.into(),
            hint: None,
        }
    }

    /// Sets the line from an offset into the file's text.
    #[must_use]
    pub fn at(mut self, text: &str, offset: usize) -> Self {
        let before = text.as_bytes().iter().take(offset);
        self.line = Some(1 + before.filter(|byte| **byte == b'\n').count());
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says which of the known words was probably meant, or all of them when none is close.
    #[must_use]
    pub fn meant<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        match nearest(word, known.clone()) {
            Some(near) => self.hint(format!("write `{near}`")),
            None => {
                let all: Vec<&str> = known.into_iter().collect();
                self.hint(format!("write one of {}", all.join(", ")))
            }
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.problem)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistake {}

/// The known word that a misspelt one is closest to, when it is close enough to be meant: a third
/// of its letters, and at least one, may differ.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let (distance, near) = known
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)?;
    (distance <= (word.len() / 3).max(1)).then_some(near)
}

/// Letters to change, insert, drop or swap with their neighbour (optimal string alignment).
fn distance(word: &[char], candidate: &str) -> usize {
    let other: Vec<char> = candidate.chars().collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, c) in word.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, d) in other.iter().enumerate() {
            let changed = rows[i][j] + usize::from(c != d);
            let mut best = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *c == other[j - 1] && word[i - 1] == *d {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[word.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour() {
        let known = ["move-down", "move-up", "quit", "help"];
        assert_eq!(nearest("qiut", known), Some("quit"));
        assert_eq!(nearest("movedown", known), Some("move-down"));
        assert_eq!(nearest("elephant", known), None);
    }

    #[test]
    fn it_prints_file_line_problem_and_hint() {
        let text = "a\nb = 1\n";
        let mistake = Mistake::new("keys.toml", "no intent is called `qit`")
            .at(text, 2)
            .meant("qit", ["quit", "help"]);
        assert_eq!(
            mistake.to_string(),
            "keys.toml:2: no intent is called `qit`; write `quit`"
        );
    }
}
