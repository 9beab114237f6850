//! A mistake in a file that a user writes: which file and line, what is wrong, what to do.
//!
//! Also finds the word that was probably meant. Knows no format and reads no file.

use std::fmt;

use crate::nearest::nearest;

/// One mistake. Prints as file, line, problem and hint: `keys.toml:12: what is wrong; what to do`.
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
        if let Some(near) = nearest(word, known.clone()) {
            return self.hint(format!("write `{near}`"));
        }
        let all: Vec<&str> = known.into_iter().collect();
        self.hint(format!("write one of {}", all.join(", ")))
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

#[cfg(test)]
mod tests {
    use super::*;

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
