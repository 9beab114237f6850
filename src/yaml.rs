//! A Kubernetes object as YAML for reading: keys in the order people look for them, secrets masked.
//!
//! JSON in, lines of runs out; what a run is (key, text, literal, comment) is said, how it looks is
//! the screen's. The lines joined are YAML that means the object again, except for what is masked:
//! that is `null` with a comment, and can never be taken for a value.

mod scalar;
mod secret;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::text;
use scalar::Scalar;
pub use secret::is_secret;

/// What a run of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Key,
    /// Punctuation and indentation.
    Mark,
    Text,
    /// A number, a truth value, null.
    Literal,
    Comment,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub runs: Vec<(Box<str>, Part)>,
}

impl Line {
    /// The line as text. Only control characters that a value holds raw inside of a block are in it:
    /// there are none, they are written as escapes.
    #[must_use]
    pub fn text(&self) -> String {
        self.runs.iter().map(|(text, _)| &**text).collect()
    }

    /// Columns that it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.runs.iter().map(|(text, _)| text::width(text)).sum()
    }
}

/// What is shown of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub managed_fields: ManagedFields,
    pub secrets: Secrets,
}

/// Who last wrote which field: long, and rarely what is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ManagedFields {
    #[default]
    Hidden,
    Shown,
}

/// The values of secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    #[default]
    Masked,
    /// As they are, with what they say as a comment.
    Shown,
}

/// An object, written out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    pub lines: Vec<Line>,
    /// Values that are masked, or would be.
    pub secrets: usize,
    /// Entries of `managedFields`, shown or not.
    pub managed: usize,
}

impl Document {
    #[must_use]
    pub fn new(object: &Value, shown: Shown) -> Self {
        let mut writer = Writer {
            document: Self::default(),
            shown,
            secret: is_secret(object),
        };
        match object {
            Value::Object(map) => writer.map(map, 0, Place::Top),
            other => writer.scalar(Line::default(), other, 0),
        }
        writer.document
    }

    /// All lines as one text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(&line.text());
            text.push('\n');
        }
        text
    }
}

/// Where in an object a map is, as far as order and secrets go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Top,
    Metadata,
    Annotations,
    /// The values of a secret: encoded, or as text.
    Data,
    StringData,
    /// An entry of a list.
    Entry,
    Other,
}

impl Place {
    /// Of the value of this key.
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Top, "metadata") => Self::Metadata,
            (Self::Top, "data") => Self::Data,
            (Self::Top, "stringData") => Self::StringData,
            (Self::Metadata, "annotations") => Self::Annotations,
            _ => Self::Other,
        }
    }

    /// Keys that come before the others.
    fn first(self) -> &'static [&'static str] {
        match self {
            Self::Top => &["apiVersion", "kind", "metadata", "spec", "status"],
            Self::Metadata => &["name", "namespace"],
            Self::Entry => &["name"],
            _ => &[],
        }
    }
}

/// Keys in their order: the known ones, then the others by the alphabet.
fn ordered(map: &Map<String, Value>, place: Place) -> impl Iterator<Item = (&str, &Value)> {
    let first = place.first();
    let known = first
        .iter()
        .filter_map(|key| map.get_key_value(*key))
        .map(|(key, value)| (key.as_str(), value));
    let mut others: Vec<(&str, &Value)> = map
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .filter(|(key, _)| !first.contains(key))
        .collect();
    others.sort_unstable_by_key(|(key, _)| *key);
    known.chain(others)
}

struct Writer {
    document: Document,
    shown: Shown,
    /// The object is a secret.
    secret: bool,
}

impl Writer {
    fn map(&mut self, map: &Map<String, Value>, indent: usize, place: Place) {
        self.entries(map, indent, place, None);
    }

    /// The entries of a map; the first one goes on a line that was begun with a dash.
    fn entries(
        &mut self,
        map: &Map<String, Value>,
        indent: usize,
        place: Place,
        mut begun: Option<Line>,
    ) {
        for (key, value) in ordered(map, place) {
            if place == Place::Metadata && key == "managedFields" {
                self.document.managed = value.as_array().map_or(1, Vec::len);
                if self.shown.managed_fields == ManagedFields::Hidden {
                    continue;
                }
            }
            let mut line = begun.take().unwrap_or_else(|| indented(indent));
            push(&mut line, Scalar::of_text(key).inline(), Part::Key);
            push(&mut line, ":", Part::Mark);
            self.value(line, key, value, indent, place);
        }
        // Everything was hidden: the dash still stands for an entry.
        if let Some(mut line) = begun {
            push(&mut line, "{}", Part::Literal);
            self.document.lines.push(line);
        }
    }

    /// What stands behind a key.
    fn value(&mut self, mut line: Line, key: &str, value: &Value, indent: usize, place: Place) {
        if self.secret && secret::hides(place, key) {
            self.hidden(line, place, value, indent);
            return;
        }
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.document.lines.push(line);
                self.map(map, indent + 2, place.below(key));
            }
            Value::Array(list) if !list.is_empty() => {
                self.document.lines.push(line);
                self.list(list, indent);
            }
            other => {
                push(&mut line, " ", Part::Mark);
                self.scalar(line, other, indent);
            }
        }
    }

    fn list(&mut self, list: &[Value], indent: usize) {
        for entry in list {
            let mut line = indented(indent);
            push(&mut line, "- ", Part::Mark);
            match entry {
                Value::Object(map) if !map.is_empty() => {
                    self.entries(map, indent + 2, Place::Entry, Some(line));
                }
                Value::Array(inner) if !inner.is_empty() => {
                    // A list in a list begins on a line of its own.
                    trim(&mut line);
                    self.document.lines.push(line);
                    self.list(inner, indent + 2);
                }
                other => self.scalar(line, other, indent),
            }
        }
    }

    /// A value that has no parts; `indent` is that of the line.
    fn scalar(&mut self, mut line: Line, value: &Value, indent: usize) {
        let Value::String(text) = value else {
            let written = match value {
                Value::Null => "null".to_owned(),
                Value::Array(_) => "[]".to_owned(),
                Value::Object(_) => "{}".to_owned(),
                other => other.to_string(),
            };
            push(&mut line, written, Part::Literal);
            self.document.lines.push(line);
            return;
        };
        match Scalar::of_text(text) {
            Scalar::Block { header, lines } => {
                push(&mut line, header, Part::Mark);
                self.document.lines.push(line);
                for content in lines {
                    let mut below = Line::default();
                    if !content.is_empty() {
                        below = indented(indent + 2);
                        push(&mut below, content, Part::Text);
                    }
                    self.document.lines.push(below);
                }
            }
            Scalar::Inline(written) => {
                push(&mut line, written, Part::Text);
                self.document.lines.push(line);
            }
        }
    }

    /// A value of a secret.
    fn hidden(&mut self, mut line: Line, place: Place, value: &Value, indent: usize) {
        self.document.secrets += 1;
        let decoded = secret::decoded(place, value);
        if self.shown.secrets == Secrets::Masked {
            let comment = match &decoded {
                Some(bytes) => format!("  # {} bytes, masked", bytes.len()),
                None => "  # masked".to_owned(),
            };
            push(&mut line, comment, Part::Comment);
            self.document.lines.push(line);
            return;
        }
        push(&mut line, " ", Part::Mark);
        self.scalar(line, value, indent);
        if place == Place::Data {
            for comment in secret::says(decoded.as_deref()) {
                let mut below = indented(indent);
                push(&mut below, format!("# {comment}"), Part::Comment);
                self.document.lines.push(below);
            }
        }
    }
}

fn indented(columns: usize) -> Line {
    let mut line = Line::default();
    if columns > 0 {
        push(&mut line, " ".repeat(columns), Part::Mark);
    }
    line
}

fn push(line: &mut Line, text: impl Into<Box<str>>, part: Part) {
    line.runs.push((text.into(), part));
}

/// Takes the blank behind a dash away.
fn trim(line: &mut Line) {
    if let Some((text, _)) = line.runs.last_mut() {
        *text = text.trim_end().into();
    }
}
