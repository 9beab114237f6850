//! Merging: which layer wins, and where each value came from.
//!
//! Default, `[defaults]`, `[kind.x]`, `[trait.x]`, the target's own block, environment, arguments:
//! the later wins.

mod outer;
mod unwritten;
mod written;

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::DeValue;

use super::console::{Console, keys as console_keys};
use super::decode::from_toml;
use super::document::{Block, Document, Entry};
use super::excerpt::ConfigFile;
use super::keys::{Applies, KEYS, Key, Shape};
use super::settings::{ConfigError, Settings, Value};
use super::{Config, Request, host_name};
use crate::sources::{Source, TargetConfig};
use outer::{Outer, unknown_variables};
use unwritten::Unwritten;
use written::Written;

/// Origin of what nobody configured.
const DEFAULT: &str = "default";

/// A target's merged settings, and where in the file each value stands that stands in it.
#[derive(Default)]
pub(super) struct Merged {
    pub settings: Settings,
    pub spans: BTreeMap<&'static str, Range<usize>>,
}

/// Merges every layer; mistakes go to `errors`.
pub(super) fn merge(
    file: Option<&ConfigFile>,
    mut document: Document,
    request: &Request,
    sources: &[&Source],
    errors: &mut Vec<ConfigError>,
) -> Config {
    let mut warnings = unknown_variables(request);
    let outer = outer::read(request, errors);
    let console = console(file, &document.console, &outer);
    let defaults = defaults(file, &document.defaults, &outer);
    let blocks = std::mem::take(&mut document.targets);
    let alone = blocks.is_empty();
    let unwritten = Unwritten {
        file,
        document: &document,
        outer: &outer,
        sources,
    };
    let mut targets = Vec::new();
    if alone {
        // Without any target the machine that midwatch runs on is watched.
        targets.extend(unwritten.target("local", &host_name(), errors));
    }
    if let Some(file) = file {
        let survey = request.kubeconfig.as_ref();
        let written = Written {
            file,
            document: &document,
            outer: &outer,
            sources,
            kubeconfig: survey.and_then(|read| read.as_ref().ok()),
        };
        targets.extend(written.targets(&blocks, errors, &mut warnings));
    }
    let mut unwatched = None;
    if alone || request.contexts.flag().is_some() {
        let clusters = unwritten.clusters(request, &targets, errors, &mut warnings);
        match clusters {
            Ok(clusters) => targets.extend(clusters),
            Err(why) => {
                warnings.push(format!("no cluster is watched: {why}"));
                unwatched = Some(why);
            }
        }
    }
    warnings.extend(same_addresses(&targets));
    Config {
        console,
        targets,
        defaults,
        path: file.map(|file| file.path.clone()),
        warnings,
        other_contexts: Vec::new(),
        unwatched,
    }
}

/// Targets of one kind at one address: one server that would be counted as two.
fn same_addresses(targets: &[TargetConfig]) -> Vec<String> {
    let mut first: BTreeMap<(&str, &str), &TargetConfig> = BTreeMap::new();
    let mut warnings = Vec::new();
    for target in targets {
        let settings = &target.settings;
        for key in ["url", "endpoints", "address"] {
            let one = settings.text(key).into_iter();
            let addresses = one.chain(settings.list(key).iter().map(String::as_str));
            for address in addresses {
                let address = address.trim_end_matches('/');
                let known = first.entry((&target.id.kind, address)).or_insert(target);
                if known.id != target.id {
                    let place = settings.origin(key).map_or("", |origin| &origin.0);
                    warnings.push(format!(
                        "{place}: {} polls {address}, as {} does",
                        target.id, known.id
                    ));
                }
            }
        }
    }
    warnings
}

impl Merged {
    /// Lays a block of the file over what is there; keys that the kind does not use are left out.
    fn take(&mut self, file: &ConfigFile, head: &str, block: &Block, source: &Source) {
        let used =
            |entry: &&Entry| entry.key.applies != Applies::Target && entry.key.is_for(source);
        for entry in block.entries.iter().filter(used) {
            let origin = format!("{head}{}", file.line_name(entry.span.start));
            let value = rooted(file, entry);
            self.settings.set(entry.key.name, value, &origin);
            self.spans.insert(entry.key.name, entry.span.clone());
        }
    }

    fn take_outer(&mut self, outer: &[Outer]) {
        for one in outer.iter().filter(|one| one.key.applies == Applies::All) {
            self.settings
                .set(one.key.name, one.value.clone(), &one.origin);
            self.spans.remove(one.key.name);
        }
    }
}

/// A relative path starts at the folder of the file that holds it.
fn rooted(file: &ConfigFile, entry: &Entry) -> Value {
    match (&entry.value, entry.key.shape) {
        (Value::Text(text), Shape::Path) if !text.starts_with("~/") && !text.is_empty() => {
            Value::Text(file.folder().join(text).display().to_string())
        }
        (value, _) => value.clone(),
    }
}

/// What holds for a kind when nothing is configured.
fn of_source(source: &Source) -> Merged {
    let mut merged = Merged::default();
    let spans = [("period", source.period), ("timeout", source.timeout)];
    for (name, span) in spans {
        merged
            .settings
            .set(name, Value::Number(span.as_secs_f64()), DEFAULT);
    }
    for key in KEYS
        .iter()
        .filter(|key| key.applies != Applies::Target && key.is_for(source))
    {
        if let Some(value) = default_of(key) {
            merged.settings.set(key.name, value, DEFAULT);
        }
    }
    merged
}

/// A key's default as a value; `None` where the table has none.
pub(super) fn default_of(key: &Key) -> Option<Value> {
    from_toml(key, &DeValue::parse(key.default).ok()?).ok()
}

fn console(file: Option<&ConfigFile>, block: &Block, outer: &[Outer]) -> Console {
    let mut settings = Settings::default();
    for key in console_keys() {
        if let Some(value) = default_of(&key) {
            settings.set(key.name, value, DEFAULT);
        }
    }
    for (file, entry) in file
        .iter()
        .flat_map(|file| block.entries.iter().map(move |e| (file, e)))
    {
        settings.set(
            entry.key.name,
            entry.value.clone(),
            &file.line_name(entry.span.start),
        );
    }
    for one in outer
        .iter()
        .filter(|one| one.key.applies == Applies::Console)
    {
        settings.set(one.key.name, one.value.clone(), &one.origin);
    }
    Console::of(settings)
}

fn defaults(file: Option<&ConfigFile>, block: &Block, outer: &[Outer]) -> Settings {
    let mut merged = Merged::default();
    if let Some(file) = file {
        for entry in &block.entries {
            let origin = format!("[defaults] {}", file.line_name(entry.span.start));
            merged
                .settings
                .set(entry.key.name, rooted(file, entry), &origin);
        }
    }
    merged.take_outer(outer);
    merged.settings
}
