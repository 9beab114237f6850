//! Targets that stand in no file: the machine at hand, and the clusters of the kubeconfig.

use super::of_source;
use super::outer::Outer;
use crate::config::document::Document;
use crate::config::excerpt::ConfigFile;
use crate::config::settings::{ConfigError, Value};
use crate::config::{Request, clusters, sound};
use crate::ids::TargetId;
use crate::sources::{Source, TargetConfig};

/// What a target that stands in no file is made from.
pub(super) struct Unwritten<'a> {
    pub file: Option<&'a ConfigFile>,
    pub document: &'a Document,
    pub outer: &'a [Outer],
    pub sources: &'a [&'a Source],
}

impl Unwritten<'_> {
    pub fn target(
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
    ///
    /// # Errors
    /// Why there are none, where there is a kubeconfig that nobody asked for by a flag: the machine
    /// at hand is watched all the same.
    pub fn clusters(
        &self,
        request: &Request,
        known: &[TargetConfig],
        errors: &mut Vec<ConfigError>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<TargetConfig>, String> {
        let flag = request.contexts.flag();
        let survey = match (&request.kubeconfig, flag) {
            (Some(Ok(survey)), _) => survey,
            (Some(Err(error)), Some(_)) => {
                errors.push(error.clone());
                return Ok(Vec::new());
            }
            (Some(Err(error)), None) => return Err(error.to_string()),
            (None, Some(flag)) => {
                let problem = "there is no kubeconfig to take contexts from";
                let error = ConfigError::new(flag, problem);
                errors.push(error.hint("set KUBECONFIG, or write ~/.kube/config"));
                return Ok(Vec::new());
            }
            (None, None) => {
                let named = request.environment.get("KUBECONFIG");
                return match named.filter(|named| !named.is_empty()) {
                    Some(named) => Err(format!("KUBECONFIG: there is no file {named}")),
                    None => Ok(Vec::new()),
                };
            }
        };
        let taken = clusters::taken(survey, known);
        let fresh = match clusters::unwritten(survey, &request.contexts, &taken, warnings) {
            Ok(fresh) => fresh,
            Err(error) => {
                errors.push(error);
                return Ok(Vec::new());
            }
        };
        let origin = match flag {
            Some(flag) => format!("{flag}, {}", survey.place),
            None => format!("current-context of {}", survey.place),
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
        Ok(targets)
    }
}
