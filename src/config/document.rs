//! From the text of a file to its blocks, with every mistake noted and the rest kept.
//!
//! Knows which key may stand where; merging blocks into targets is `layers.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decode::from_toml;
use super::excerpt::ConfigFile;
use super::keys::{Applies, KEYS, Key, find, thresholds};
use super::settings::{ConfigError, Value};
use crate::nearest::nearest;
use crate::sources::Source;

/// One `key = value` of the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: Key,
    pub value: Value,
    pub span: Range<usize>,
}

/// One table of the file, decoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub entries: Vec<Entry>,
}

/// One `[[target]]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub span: Range<usize>,
    pub block: Block,
    /// Every key that it holds, those that could not be read included.
    pub written: BTreeSet<String>,
}

impl Target {
    pub fn text(&self, key: &str) -> Option<(&str, &Range<usize>)> {
        self.block
            .entries
            .iter()
            .find_map(|entry| match &entry.value {
                Value::Text(text) if entry.key.name == key => Some((text.as_str(), &entry.span)),
                _ => None,
            })
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub console: Block,
    pub defaults: Block,
    pub kinds: BTreeMap<String, Block>,
    pub traits: BTreeMap<String, Block>,
    pub targets: Vec<Target>,
}

/// Where a block stands, which decides the keys that it may hold.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// The top level, or a table of it by its prefix.
    Console(&'a str),
    Defaults,
    Kind(&'a Source),
    Trait,
    /// `None` when its kind is not known.
    Target(Option<&'a Source>),
}

/// The tables that the top level may hold.
const TABLES: [&str; 5] = ["defaults", "kind", "trait", "target", "context"];

/// Reads a file; what it cannot make sense of goes to `errors`.
pub(super) fn read(
    file: &ConfigFile,
    sources: &[&Source],
    errors: &mut Vec<ConfigError>,
) -> Document {
    let (table, broken) = DeTable::parse_recoverable(&file.text);
    if !broken.is_empty() {
        // What a broken file seems to say is not worth judging, and what seems broken behind the
        // first slip mostly follows from it.
        let start = |error: &toml::de::Error| error.span().map_or(usize::MAX, |span| span.start);
        if let Some(error) = broken.into_iter().min_by_key(start) {
            let span = error.span().unwrap_or_default();
            let problem = error.message().replace('\n', ", ");
            let hint = "Check the quotes and brackets here and on the line before";
            errors.push(file.error(&span, problem, "").hint(hint));
        }
        return Document::default();
    }
    let mut reader = Reader {
        file,
        sources,
        errors,
    };
    reader.document(table.get_ref())
}

struct Reader<'a> {
    file: &'a ConfigFile,
    sources: &'a [&'a Source],
    errors: &'a mut Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    fn document(&mut self, table: &DeTable) -> Document {
        let mut document = Document::default();
        for (key, value) in table {
            match (&**key.get_ref(), value.get_ref()) {
                ("defaults", DeValue::Table(inner)) => {
                    document.defaults = self.block(inner, Place::Defaults);
                }
                ("context", DeValue::Table(inner)) => {
                    let context = self.block(inner, Place::Console("context."));
                    document.console.entries.extend(context.entries);
                }
                ("kind", DeValue::Table(inner)) => document.kinds = self.kinds(inner),
                ("trait", DeValue::Table(inner)) => document.traits = self.traits(inner),
                ("target", DeValue::Array(items)) => {
                    document.targets = items.iter().filter_map(|item| self.target(item)).collect();
                }
                (name, _) if TABLES.contains(&name) => self.misplaced_table(name, &key.span()),
                _ => {
                    let entry = self.entry(key, value, Place::Console(""));
                    document.console.entries.extend(entry);
                }
            }
        }
        document
    }

    fn misplaced_table(&mut self, name: &str, span: &Range<usize>) {
        let (wanted, hint) = match name {
            "target" => (
                "[[target]] blocks",
                "Write [[target]] with two brackets, once per target",
            ),
            "kind" => (
                "[kind.KIND] blocks",
                "Write the kind of a target inside its [[target]] block",
            ),
            "trait" => (
                "[trait.NAME] blocks",
                "Write [trait.NAME] and use it by traits = [\"NAME\"]",
            ),
            "context" => (
                "a table",
                "Write context = { name = \"PROD-EU\", prod = true }",
            ),
            _ => ("a table", "Write [defaults] and its settings below"),
        };
        let problem = format!("`{name}` at the top level wants {wanted}");
        self.errors
            .push(self.file.error(span, problem, "").hint(hint));
    }

    fn kinds(&mut self, table: &DeTable) -> BTreeMap<String, Block> {
        let mut kinds = BTreeMap::new();
        for (name, value) in table {
            let Some(source) = self.source(name.get_ref(), &name.span()) else {
                continue;
            };
            if let Some(inner) = self.inner(name.get_ref(), value) {
                let block = self.block(inner, Place::Kind(source));
                kinds.insert(name.get_ref().to_string(), block);
            }
        }
        kinds
    }

    fn traits(&mut self, table: &DeTable) -> BTreeMap<String, Block> {
        let mut traits = BTreeMap::new();
        for (name, value) in table {
            if let Some(inner) = self.inner(name.get_ref(), value) {
                let block = self.block(inner, Place::Trait);
                traits.insert(name.get_ref().to_string(), block);
            }
        }
        traits
    }

    fn inner<'v>(&mut self, name: &str, value: &'v Spanned<DeValue>) -> Option<&'v DeTable<'v>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let problem = format!("`{name}` wants a table of settings");
            let error = self.file.error(&value.span(), problem, "not a table");
            self.errors
                .push(error.hint("Write its settings below a [heading] of its own"));
        }
        table
    }

    fn target(&mut self, item: &Spanned<DeValue>) -> Option<Target> {
        let table = self.inner("target", item)?;
        let kind = table.iter().find(|(key, _)| key.get_ref() == "kind");
        let source = kind.and_then(|(_, value)| {
            let word = value.get_ref().as_str()?;
            self.source(word, &value.span())
        });
        let block = self.block(table, Place::Target(source));
        Some(Target {
            span: item.span(),
            block,
            written: table.keys().map(|key| key.get_ref().to_string()).collect(),
        })
    }

    /// The source of this kind; an unknown one is an error.
    fn source(&mut self, kind: &str, span: &Range<usize>) -> Option<&'a Source> {
        if let Some(source) = self.sources.iter().find(|source| source.kind == kind) {
            return Some(source);
        }
        let known = || self.sources.iter().map(|source| source.kind);
        let hint = match nearest(kind, known()) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("Use one of: {}", known().collect::<Vec<_>>().join(", ")),
        };
        let problem = format!("`{kind}` is not a kind of target");
        self.errors
            .push(self.file.error(span, problem, "unknown kind").hint(hint));
        None
    }

    fn block(&mut self, table: &DeTable, place: Place) -> Block {
        let entries = table.iter();
        Block {
            entries: entries
                .filter_map(|(key, value)| self.entry(key, value, place))
                .collect(),
        }
    }

    fn entry(
        &mut self,
        written: &Spanned<std::borrow::Cow<str>>,
        value: &Spanned<DeValue>,
        place: Place,
    ) -> Option<Entry> {
        let name = match place {
            Place::Console(prefix) => format!("{prefix}{}", written.get_ref()),
            _ => written.get_ref().to_string(),
        };
        let Some(key) = find(&name) else {
            self.unknown(&name, &written.span(), place);
            return None;
        };
        if let Err((problem, hint)) = may_stand(&key, place) {
            let error = self.file.error(&written.span(), problem, "not here");
            self.errors.push(error.hint(hint));
            return None;
        }
        match from_toml(&key, value) {
            Ok(value_read) => Some(Entry {
                key,
                value: value_read,
                span: value.span(),
            }),
            Err(refused) => {
                let error = self.file.error(&refused.span, refused.problem, "");
                self.errors.push(error.hint(key.shape.example()));
                None
            }
        }
    }

    fn unknown(&mut self, name: &str, span: &Range<usize>, place: Place) {
        let elsewhere: Vec<Key> = KEYS.iter().copied().chain(thresholds()).collect();
        let mut fitting: Vec<&str> = elsewhere
            .iter()
            .filter(|key| may_stand(key, place).is_ok())
            .map(|key| key.name)
            .collect();
        if let Place::Console("") = place {
            fitting.extend(TABLES);
        }
        let what = match place {
            Place::Console(_) => "a setting of the console".to_owned(),
            Place::Kind(source) | Place::Target(Some(source)) => {
                format!("a setting of kind {}", source.kind)
            }
            _ => "a setting of targets".to_owned(),
        };
        let other = || {
            let meant = nearest(name, elsewhere.iter().map(|key| key.name))?;
            let key = elsewhere.iter().find(|key| key.name == meant)?;
            Some(format!("Did you mean `{meant}` ({})?", home_of(key)))
        };
        let hint = match nearest(name, fitting).map(|meant| format!("Did you mean `{meant}`?")) {
            Some(hint) => hint,
            None => other()
                .unwrap_or_else(|| "See `midwatch config default` for all of them".to_owned()),
        };
        let problem = format!("`{name}` is not {what}");
        self.errors
            .push(self.file.error(span, problem, "unknown key").hint(hint));
    }
}

/// Where a key stands that was written elsewhere.
fn home_of(key: &Key) -> &'static str {
    match key.applies {
        Applies::Console => "at the top of the file",
        Applies::Target | Applies::Address => "in a [[target]]",
        Applies::All | Applies::Tls | Applies::Listed => "in [defaults]",
    }
}

/// May this key stand here? Otherwise what is wrong, and what to do.
fn may_stand(key: &Key, place: Place) -> Result<(), (String, String)> {
    let name = key.name;
    let elsewhere = |hint: String| Err((format!("`{name}` cannot stand here"), hint));
    let target_only = matches!(key.applies, Applies::Target | Applies::Address);
    match place {
        Place::Console(_) if key.applies == Applies::Console => Ok(()),
        Place::Console(_) if target_only => {
            elsewhere(format!("Put `{name}` into the [[target]] that it is for"))
        }
        Place::Console(_) => elsewhere(format!(
            "Put `{name}` under [defaults], [kind.KIND] or a [[target]]"
        )),
        _ if key.applies == Applies::Console => elsewhere(format!(
            "Put `{name}` at the top of the file, before the first [table]"
        )),
        Place::Defaults | Place::Trait | Place::Kind(_) if target_only => {
            elsewhere(format!("Put `{name}` into the [[target]] that it is for"))
        }
        Place::Kind(source) | Place::Target(Some(source)) if !key.is_for(source) => {
            let used = KEYS
                .iter()
                .filter(|key| key.is_for(source) && key.applies != Applies::Target);
            let used: Vec<&str> = used.map(|key| key.name).collect();
            Err((
                format!("`{name}` does nothing for kind {}", source.kind),
                format!(
                    "Remove it; {} uses {} and thresholds",
                    source.kind,
                    used.join(", ")
                ),
            ))
        }
        _ => Ok(()),
    }
}
