//! Targets that stand in the file: their kind, name and traits, and what is laid over what.

use std::collections::BTreeSet;
use std::ops::Range;

use super::outer::Outer;
use super::{Merged, of_source};
use crate::clients::kube::survey::Survey;
use crate::config::document::{Document, Entry, Target};
use crate::config::excerpt::ConfigFile;
use crate::config::settings::{ConfigError, Value};
use crate::config::{clusters, host_name, sound};
use crate::ids::TargetId;
use crate::nearest::nearest;
use crate::sources::{Source, TargetConfig};

/// What the `[[target]]` blocks of a file are merged with.
pub(super) struct Written<'a> {
    pub file: &'a ConfigFile,
    pub document: &'a Document,
    pub outer: &'a [Outer],
    pub sources: &'a [&'a Source],
    pub kubeconfig: Option<&'a Survey>,
}

impl Written<'_> {
    /// The targets of these blocks; the second of an id is a mistake.
    pub fn targets(
        &self,
        blocks: &[Target],
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<String>,
    ) -> Vec<TargetConfig> {
        let mut seen = BTreeSet::new();
        let mut targets = Vec::new();
        for block in blocks {
            let Some(target) = self.target(block, errors, warnings) else {
                continue;
            };
            if seen.insert(target.id.clone()) {
                targets.push(target);
            } else {
                errors.push(duplicate(self.file, block, &target.id));
            }
        }
        targets
    }

    fn target(
        &self,
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

/// Two targets of one id.
fn duplicate(file: &ConfigFile, target: &Target, id: &TargetId) -> ConfigError {
    let span = target.text("name").map_or(&target.span, |(_, span)| span);
    file.error(
        span,
        format!("target {id} is configured twice"),
        "used before",
    )
    .hint("Give each target of a kind its own name")
}
