//! The merged settings of one target, each with the place it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::thresholds::Thresholds;

/// A setting's value after decoding.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    List(Vec<String>),
    Bool(bool),
    /// A number in the key's unit: seconds for spans, bytes for sizes, a share for percentages.
    Number(f64),
}

/// Where a value came from: `defaults`, `config.toml:12`, `MIDWATCH_PERIOD`, `--period`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(pub String);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// All settings of one target, every layer merged.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub values: BTreeMap<String, (Value, Origin)>,
}

impl Settings {
    pub fn set(&mut self, key: &str, value: Value, origin: &str) {
        self.values
            .insert(key.to_owned(), (value, Origin(origin.to_owned())));
    }

    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some((Value::Text(text), _)) => Some(text),
            _ => None,
        }
    }

    #[must_use]
    pub fn list(&self, key: &str) -> &[String] {
        match self.values.get(key) {
            Some((Value::List(list), _)) => list,
            _ => &[],
        }
    }

    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.values.get(key), Some((Value::Bool(true), _)))
    }

    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.values.get(key) {
            Some((Value::Number(number), _)) => Some(*number),
            _ => None,
        }
    }

    #[must_use]
    pub fn duration(&self, key: &str) -> Option<Duration> {
        self.number(key).map(crate::units::seconds)
    }

    /// A path with `~/` expanded.
    #[must_use]
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.text(key)?;
        let home = text
            .strip_prefix("~/")
            .and_then(|rest| Some(PathBuf::from(std::env::var_os("HOME")?).join(rest)));
        Some(home.unwrap_or_else(|| PathBuf::from(text)))
    }

    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.values.get(key).map(|(_, origin)| origin)
    }

    /// The thresholds with this target's own values in place.
    #[must_use]
    pub fn thresholds(&self) -> Thresholds {
        let mut thresholds = Thresholds::default();
        for (key, (value, _)) in &self.values {
            if let Value::Number(number) = value {
                thresholds.set(key, *number);
            }
        }
        thresholds
    }
}

/// Bad configuration: what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// `config.toml:12:5`, or the target and key.
    pub place: String,
    pub problem: String,
    /// Starts with a verb.
    pub hint: Option<String>,
    /// Line of the file, where it is one; errors are told in this order.
    pub line: Option<usize>,
    /// The line with a caret below the mistake.
    pub excerpt: Option<String>,
}

impl ConfigError {
    #[must_use]
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
            hint: None,
            line: None,
            excerpt: None,
        }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The whole error as lines for a terminal or a log.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = format!("error: {}\n  --> {}", self.problem, self.place);
        if let Some(excerpt) = &self.excerpt {
            out.push('\n');
            out.push_str(excerpt);
        }
        if let Some(hint) = &self.hint {
            out.push_str("\n  = hint: ");
            // Hints come from many places; here they begin alike.
            let mut letters = hint.chars();
            out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            out.push_str(letters.as_str());
        }
        crate::text::safe_lines(&out)
    }
}
