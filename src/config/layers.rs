//! Merging: which layer wins, and where each value came from.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::DeValue;

use super::console::{Console, keys as console_keys};
use super::decode::{from_text, from_toml};
use super::document::{Block, Document, Entry, Target};
use super::excerpt::ConfigFile;
use super::keys::{Applies, KEYS, Key, Shape, thresholds};
use super::settings::{ConfigError, Settings, Value};
use super::{Config, Request, clusters, host_name, sound};
use crate::clients::kube::survey::Survey;
use crate::ids::TargetId;
use crate::nearest::nearest;
use crate::sources::{Source, TargetConfig};

/// Origin of what nobody configured.
const DEFAULT: &str = "default";

/// A target's merged settings, and where in the file each value stands that stands in it.
#[derive(Default)]
pub(super) struct Merged {
    pub settings: Settings,
    pub spans: BTreeMap<&'static str, Range<usize>>,
}

/// A value from the environment or the command line.
struct Outer {
    key: Key,
    value: Value,
    origin: String,
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
    let outer = outer_layers(request, errors);
    let console = console(file, &document.console, &outer);
    let defaults = defaults(file, &document.defaults, &outer);
    let mut seen = BTreeSet::new();
    let mut targets = Vec::new();
    let alone = document.targets.is_empty();
    if alone {
        targets.extend(local_machine(file, &document, &outer, sources, errors));
    }
    let written = std::mem::take(&mut document.targets);
    if let Some(file) = file {
        for target in &written {
            let mut layers = Layers {
                file,
                document: &document,
                outer: &outer,
                sources,
                kubeconfig: request
                    .kubeconfig
                    .as_ref()
                    .and_then(|read| read.as_ref().ok()),
            };
            let Some(config) = layers.target(target, errors, &mut warnings) else {
                continue;
            };
            if seen.insert(config.id.clone()) {
                targets.push(config);
            } else {
                errors.push(duplicate(file, target, &config.id));
            }
        }
    }
    if alone || request.all_contexts {
        let base = Unwritten {
            file,
            document: &document,
            outer: &outer,
            sources,
        };
        let clusters = base.clusters(request, &targets, errors, &mut warnings);
        targets.extend(clusters);
    }
    warnings.extend(same_addresses(&targets));
    Config {
        console,
        targets,
        defaults,
        path: file.map(|file| file.path.clone()),
        warnings,
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

fn duplicate(file: &ConfigFile, target: &Target, id: &TargetId) -> ConfigError {
    let span = target.text("name").map_or(&target.span, |(_, span)| span);
    file.error(
        span,
        format!("target {id} is configured twice"),
        "used before",
    )
    .hint("Give each target of a kind its own name")
}

/// Without any target the machine that midwatch runs on is watched.
fn local_machine(
    file: Option<&ConfigFile>,
    document: &Document,
    outer: &[Outer],
    sources: &[&Source],
    errors: &mut Vec<ConfigError>,
) -> Option<TargetConfig> {
    let base = Unwritten {
        file,
        document,
        outer,
        sources,
    };
    base.target("local", &host_name(), errors)
}

/// What a target that stands in no file is made from.
struct Unwritten<'a> {
    file: Option<&'a ConfigFile>,
    document: &'a Document,
    outer: &'a [Outer],
    sources: &'a [&'a Source],
}

impl Unwritten<'_> {
    fn target(
        &self,
        kind: &str,
        name: &str,
        errors: &mut Vec<ConfigError>,
    ) -> Option<TargetConfig> {
        let source = self.sources.iter().find(|source| source.kind == kind)?;
        let mut merged = of_source(source);
        if let Some(file) = self.file {
            merged.take(file, "[defaults] ", &self.document.defaults, source);
            if let Some(block) = self.document.kinds.get(kind) {
                merged.take(file, &format!("[kind.{kind}] "), block, source);
            }
        }
        merged.take_outer(self.outer);
        sound::fit_timeout(&mut merged);
        let id = TargetId::new(source.kind, name);
        errors.extend(sound::deadline(self.file, &id, &merged));
        Some(TargetConfig {
            id,
            settings: merged.settings,
        })
    }

    /// The clusters of the kubeconfig that are watched without being written.
    fn clusters(
        &self,
        request: &Request,
        known: &[TargetConfig],
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<String>,
    ) -> Vec<TargetConfig> {
        let survey = match &request.kubeconfig {
            Some(Ok(survey)) => survey,
            Some(Err(error)) if request.all_contexts => {
                errors.push(error.clone());
                return Vec::new();
            }
            // Nobody asked for it: the machine at hand is watched all the same.
            Some(Err(error)) => {
                warnings.push(format!("no cluster is watched: {error}"));
                return Vec::new();
            }
            None => {
                let problem = "there is no kubeconfig to take the contexts from";
                let error = ConfigError::new("--all-contexts", problem)
                    .hint("Set KUBECONFIG, or write ~/.kube/config");
                errors.extend(request.all_contexts.then_some(error));
                return Vec::new();
            }
        };
        // With a kubeconfig of its own a target may mean another context of the same name.
        let taken = known
            .iter()
            .filter(|target| target.settings.text("kubeconfig").is_none());
        let taken: Vec<String> = taken
            .filter(|target| &*target.id.kind == clusters::KIND)
            .filter_map(|target| {
                let named = target.settings.text("context").map(str::to_owned);
                named.or_else(|| survey.current.clone())
            })
            .collect();
        let fresh = clusters::unwritten(survey, request.all_contexts, &taken, warnings);
        let origin = if request.all_contexts {
            format!("--all-contexts, {}", survey.place)
        } else {
            format!("current-context of {}", survey.place)
        };
        let mut targets: Vec<TargetConfig> = Vec::new();
        for context in fresh {
            let fit = clusters::fit(&context);
            let is_used = |name: &str| {
                let same = |target: &TargetConfig| {
                    &*target.id.kind == clusters::KIND && &*target.id.name == name
                };
                known.iter().chain(&targets).any(same)
            };
            // Two contexts may differ by what a name cannot hold.
            let numbered = (2..).map(|number| format!("{fit}-{number}"));
            let mut names = std::iter::once(fit.clone()).chain(numbered);
            let Some(name) = names.find(|name| !is_used(name)) else {
                continue;
            };
            if let Some(mut target) = self.target(clusters::KIND, &name, errors) {
                target
                    .settings
                    .set("context", Value::Text(context), &origin);
                targets.push(target);
            }
        }
        targets
    }
}

struct Layers<'a> {
    file: &'a ConfigFile,
    document: &'a Document,
    outer: &'a [Outer],
    sources: &'a [&'a Source],
    kubeconfig: Option<&'a Survey>,
}

impl Layers<'_> {
    fn target(
        &mut self,
        target: &Target,
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<String>,
    ) -> Option<TargetConfig> {
        let Some((kind, _)) = target.text("kind") else {
            // An unreadable kind has been told already.
            if !target.written.contains("kind") {
                errors.push(self.without_kind(target));
            }
            return None;
        };
        let source = self.sources.iter().find(|source| source.kind == kind)?;
        let name = match target.text("name") {
            Some((name, span)) => {
                errors.extend(sound::name(self.file, name, span));
                name.to_owned()
            }
            None if kind == "local" => host_name(),
            // A name that could not be read has been told already.
            None if target.written.contains("name") => return None,
            None if kind == clusters::KIND && self.context_of(target).is_some() => {
                clusters::fit(self.context_of(target)?)
            }
            None => {
                let problem = format!("this {kind} target has no name");
                let hint = "Add name = \"...\": it is shown as KIND/NAME";
                errors.push(self.file.error(&target.span, problem, "no name").hint(hint));
                return None;
            }
        };
        let id = TargetId::new(kind, &name);
        let mut merged = of_source(source);
        merged.take(self.file, "[defaults] ", &self.document.defaults, source);
        if let Some(block) = self.document.kinds.get(kind) {
            merged.take(self.file, &format!("[kind.{kind}] "), block, source);
        }
        self.traits(target, &id, source, &mut merged, errors, warnings);
        merged.take(self.file, "", &target.block, source);
        merged.take_outer(self.outer);
        sound::fit_timeout(&mut merged);
        errors.extend(sound::target(self.file, target, source, &id, &merged));
        Some(TargetConfig {
            id,
            settings: merged.settings,
        })
    }

    /// The context that a target without a name means, where that is known.
    fn context_of<'t>(&'t self, target: &'t Target) -> Option<&'t str> {
        let written = target.text("context").map(|(context, _)| context);
        let current = || {
            let own = target.written.contains("kubeconfig");
            let survey = self.kubeconfig.filter(|_| !own)?;
            survey.current.as_deref()
        };
        written.or_else(current)
    }

    fn without_kind(&self, target: &Target) -> ConfigError {
        let kinds: Vec<&str> = self.sources.iter().map(|source| source.kind).collect();
        self.file
            .error(&target.span, "this target has no kind", "no kind")
            .hint(format!("Add kind = \"...\", one of: {}", kinds.join(", ")))
    }

    fn traits(
        &self,
        target: &Target,
        id: &TargetId,
        source: &Source,
        merged: &mut Merged,
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<String>,
    ) {
        let entry = target
            .block
            .entries
            .iter()
            .find(|entry| entry.key.name == "traits");
        let Some(Entry {
            value: Value::List(names),
            span,
            ..
        }) = entry
        else {
            return;
        };
        for name in names {
            let Some(block) = self.document.traits.get(name) else {
                errors.push(self.unknown_trait(name, span));
                continue;
            };
            merged.take(self.file, &format!("[trait.{name}] "), block, source);
            let unused = block
                .entries
                .iter()
                .filter(|entry| !entry.key.is_for(source));
            warnings.extend(unused.map(|entry| {
                format!(
                    "[trait.{name}] sets `{}`, which does nothing for {id}",
                    entry.key.name
                )
            }));
        }
    }

    fn unknown_trait(&self, name: &str, list: &Range<usize>) -> ConfigError {
        // The list's span is known; the name's own is found in it.
        let quoted = format!("\"{name}\"");
        let within = self
            .file
            .text
            .get(list.clone())
            .and_then(|text| text.find(&quoted));
        let span = within.map_or(list.clone(), |at| {
            list.start + at..list.start + at + quoted.len()
        });
        let known = self.document.traits.keys().map(String::as_str);
        let hint = match nearest(name, known) {
            Some(meant) => format!("Did you mean `{meant}`?"),
            None => format!("Add a block [trait.{name}]"),
        };
        self.file
            .error(
                &span,
                format!("there is no [trait.{name}]"),
                "unknown trait",
            )
            .hint(hint)
    }
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

/// Environment, then arguments: the later wins.
fn outer_layers(request: &Request, errors: &mut Vec<ConfigError>) -> Vec<Outer> {
    let mut outer = Vec::new();
    let mut add = |key: Key, text: &str, origin: String| match from_text(&key, text) {
        Ok(value) => outer.push(Outer { key, value, origin }),
        Err(why) => {
            let problem = format!("`{}` wants {}; {why}", key.name, key.shape.wants());
            errors.push(ConfigError::new(origin, problem).hint(key.shape.example()));
        }
    };
    for key in KEYS.iter().copied().chain(thresholds()) {
        let variable = key.variable();
        let set = variable
            .as_deref()
            .and_then(|name| request.environment.get(name));
        if let (Some(variable), Some(text)) = (&variable, set) {
            add(key, text, variable.clone());
        }
    }
    for over in &request.overrides {
        if let Some(key) = super::keys::find(over.key) {
            add(key, &over.value, over.flag.to_owned());
        }
    }
    outer
}

/// A variable that begins as ours and is none of them is probably mistyped.
fn unknown_variables(request: &Request) -> Vec<String> {
    let mut known: Vec<String> = KEYS
        .iter()
        .copied()
        .chain(thresholds())
        .filter_map(|key| key.variable())
        .collect();
    known.extend(["MIDWATCH_CONFIG".into(), "MIDWATCH_AUDIT_ANCHORS".into()]);
    let ours = request
        .environment
        .0
        .keys()
        .filter(|name| name.starts_with("MIDWATCH_"));
    ours.filter(|name| !known.contains(name))
        .map(
            |name| match nearest(name, known.iter().map(String::as_str)) {
                Some(meant) => format!("{name} is not known; did you mean {meant}?"),
                None => format!("{name} is not known and does nothing"),
            },
        )
        .collect()
}
