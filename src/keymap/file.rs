//! The form of a keymap file, and every mistake that can be made in it.
//!
//! ```toml
//! preset = "default"
//! [keys]
//! "ctrl-x q" = "quit"
//! [keys.hosts]
//! w = "no-op"
//! ```

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::actions;
use crate::app::asks::SCOPES;
use crate::chord::Sequence;
use crate::intent::Intent;
use crate::mistake::Mistake;

/// What unbinds.
const NO_OP: &str = "no-op";

/// `None` unbinds.
pub(super) type Bindings = BTreeMap<Sequence, Option<Intent>>;

#[derive(Clone, Debug, Default)]
pub(super) struct File {
    pub preset: Option<String>,
    pub common: Bindings,
    pub panes: BTreeMap<String, Bindings>,
}

/// Reads a file; on failure, all mistakes in it.
pub(super) fn read(text: &str, name: &str, panes: &[&str]) -> Result<File, Vec<Mistake>> {
    let table = DeTable::parse(text).map_err(|error| {
        let mistake = Mistake::new(name, error.message().to_owned());
        vec![match error.span() {
            Some(span) => mistake.at(text, span.start),
            None => mistake,
        }]
    })?;
    let mut reader = Reader {
        text,
        name,
        panes,
        file: File::default(),
        mistakes: Vec::new(),
    };
    for (key, value) in table.get_ref() {
        reader.top(key.get_ref(), key.span().start, value);
    }
    if reader.mistakes.is_empty() {
        Ok(reader.file)
    } else {
        Err(reader.mistakes)
    }
}

struct Reader<'a> {
    text: &'a str,
    name: &'a str,
    panes: &'a [&'a str],
    file: File,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn mistake(&self, offset: usize, problem: String) -> Mistake {
        Mistake::new(self.name, problem).at(self.text, offset)
    }

    fn top(&mut self, key: &str, offset: usize, value: &Spanned<DeValue>) {
        match (key, value.get_ref()) {
            ("preset", DeValue::String(preset)) => self.file.preset = Some(preset.to_string()),
            ("keys", DeValue::Table(keys)) => self.keys(keys),
            ("preset" | "keys", other) => {
                let wanted = if key == "keys" { "a table" } else { "a string" };
                let kind = other.type_str();
                let mistake = self
                    .mistake(offset, format!("`{key}` is of type {kind}"))
                    .hint(format!("make it {wanted}"));
                self.mistakes.push(mistake);
            }
            _ => {
                let mistake = self
                    .mistake(offset, format!("`{key}` means nothing in a keymap"))
                    .meant(key, ["preset", "keys"]);
                self.mistakes.push(mistake);
            }
        }
    }

    fn keys(&mut self, table: &DeTable) {
        for (key, value) in table {
            let offset = key.span().start;
            let DeValue::Table(bindings) = value.get_ref() else {
                if let Some((sequence, intent)) = self.binding(key, value)
                    && self.file.common.insert(sequence, intent).is_some()
                {
                    self.twice(key.get_ref(), offset);
                }
                continue;
            };
            let pane = key.get_ref().as_ref();
            if !self.panes.contains(&pane) && !SCOPES.contains(&pane) {
                let known = self.panes.iter().chain(SCOPES).copied();
                let mistake = self
                    .mistake(offset, format!("no pane is called `{pane}`"))
                    .meant(pane, known);
                self.mistakes.push(mistake);
                continue;
            }
            for (key, value) in bindings {
                if let Some((sequence, intent)) = self.binding(key, value) {
                    let own = self.file.panes.entry(pane.to_owned()).or_default();
                    if own.insert(sequence, intent).is_some() {
                        self.twice(key.get_ref(), key.span().start);
                    }
                }
            }
        }
    }

    /// Two spellings of one sequence, which TOML takes for two keys.
    fn twice(&mut self, keys: &str, offset: usize) {
        let mistake = self
            .mistake(offset, format!("`{keys}` is bound twice in this table"))
            .hint("remove one of them");
        self.mistakes.push(mistake);
    }

    fn binding(
        &mut self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue>,
    ) -> Option<(Sequence, Option<Intent>)> {
        let keys = key.get_ref();
        let sequence = match keys.parse::<Sequence>() {
            Ok(sequence) => Some(sequence),
            Err(error) => {
                let mistake = self.mistake(key.span().start, error.to_string());
                self.mistakes.push(mistake);
                None
            }
        };
        let intent = match value.get_ref().as_str() {
            Some(NO_OP) => Some(None),
            Some(word) => match word.parse::<Intent>() {
                Ok(intent) => Some(Some(intent)),
                Err(error) => {
                    let known = Intent::ALL.iter().map(|intent| intent.name());
                    let mistake = self
                        .mistake(value.span().start, error.to_string())
                        .meant(word, known.chain([NO_OP]));
                    self.mistakes.push(mistake);
                    None
                }
            },
            None => {
                let kind = value.get_ref().type_str();
                let mistake = self
                    .mistake(
                        value.span().start,
                        format!("`{keys}` is bound to a value of type {kind}"),
                    )
                    .hint("write the name of an intent in quotes");
                self.mistakes.push(mistake);
                None
            }
        };
        let (sequence, intent) = (sequence?, intent?);
        if let Some(action) = intent.and_then(actions::of_intent)
            && sequence.chords().len() < 2
        {
            let mistake = self
                .mistake(
                    key.span().start,
                    format!("`{keys}` alone would reach the action `{}`", action.id),
                )
                .hint(format!("bind it to two keys or more, such as \"x {keys}\""));
            self.mistakes.push(mistake);
            return None;
        }
        Some((sequence, intent))
    }
}
