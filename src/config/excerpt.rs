//! The text of a configuration file, and errors that show the place in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::settings::ConfigError;
use super::short_name;
use crate::text::{SafeText, clip, width};

/// A configuration file's path and text.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    pub path: PathBuf,
    pub text: String,
}

/// Columns of a line that an excerpt shows.
const SHOWN: usize = 110;

impl ConfigFile {
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// The folder that relative paths start at.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// `config.toml:12`, for origins.
    #[must_use]
    pub fn line_name(&self, at: usize) -> String {
        format!("{}:{}", short_name(&self.path), self.position(at).0)
    }

    /// Line and column of a byte, both from 1; columns count characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |found| found + 1);
        (line, before[start..].chars().count() + 1)
    }

    /// An error at `span`; `label` stands beside the caret.
    #[must_use]
    pub fn error(
        &self,
        span: &Range<usize>,
        problem: impl Into<String>,
        label: &str,
    ) -> ConfigError {
        let (line, column) = self.position(span.start);
        let mut error =
            ConfigError::new(format!("{}:{line}:{column}", self.path.display()), problem);
        error.line = Some(line);
        error.excerpt = Some(self.excerpt(span, line, label));
        error
    }

    /// The line with carets below the span, in the way that compilers show it.
    fn excerpt(&self, span: &Range<usize>, line: usize, label: &str) -> String {
        let from = span.start.min(self.text.len());
        let start = self.text[..from].rfind('\n').map_or(0, |found| found + 1);
        let end = self.text[from..]
            .find('\n')
            .map_or(self.text.len(), |found| from + found);
        let within = &self.text[start..end];
        let before = SafeText::new(&within[..from - start]);
        let marked = SafeText::new(&within[from - start..span.end.clamp(from, end) - start]);
        let whole = SafeText::new(within.trim_end_matches('\r'));
        // A mark far to the right is not worth a line of its own length.
        let (shown, indent) = if before.width() < SHOWN {
            (clip(whole.as_str(), SHOWN), before.width())
        } else {
            (clip(marked.as_str(), SHOWN), 0)
        };
        let carets = marked.width().clamp(1, SHOWN.saturating_sub(indent).max(1));
        let gutter = " ".repeat(width(&line.to_string()));
        format!(
            "{gutter} |\n{line} | {shown}\n{gutter} | {}{} {label}",
            " ".repeat(indent),
            "^".repeat(carets),
        )
        .trim_end()
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, mark: &str) -> ConfigError {
        let start = text.find(mark).unwrap();
        ConfigFile::new("/etc/midwatch/config.toml", text).error(
            &(start..start + mark.len()),
            "is wrong",
            "here",
        )
    }

    #[test]
    fn the_caret_stands_below_the_mark() {
        let error = at("a = 1\n\tperod = \"10s\"\n", "perod");
        assert_eq!(error.place, "/etc/midwatch/config.toml:2:2");
        assert_eq!(
            error.excerpt.unwrap(),
            "  |\n2 |  perod = \"10s\"\n  |  ^^^^^ here"
        );
    }

    #[test]
    fn wide_letters_move_the_caret_by_their_columns() {
        let excerpt = at("日本 = x", "x").excerpt.unwrap();
        assert!(excerpt.ends_with("\n  |        ^ here"), "{excerpt}");
    }

    #[test]
    fn no_control_character_of_the_file_is_printed() {
        let excerpt = at("a = \u{1b}[31mx", "x").excerpt.unwrap();
        assert!(!excerpt.contains('\u{1b}'), "{excerpt}");
    }

    #[test]
    fn a_mark_at_the_end_of_the_text_is_shown() {
        let file = ConfigFile::new("c.toml", "a = ");
        let error = file.error(&(4..4), "ends early", "here");
        assert_eq!(error.place, "c.toml:1:5");
        assert!(error.excerpt.unwrap().ends_with("    ^ here"));
    }
}
