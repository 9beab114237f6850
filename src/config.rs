//! Configuration: source default < embedded default < `[defaults]` < `[kind.X]` < traits in order <
//! the target's own < environment < arguments.
//!
//! The only part of midwatch that reads the user's files. Everything is decoded by one table
//! ([`keys::KEYS`] and [`crate::thresholds::TABLE`]); every value keeps the place it came from, and
//! every mistake of a file is told in one go.

mod clusters;
pub mod console;
mod decode;
mod document;
mod excerpt;
pub mod keys;
mod layers;
pub mod location;
pub mod looks;
pub mod print;
pub mod settings;
mod sound;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use crate::nearest::nearest;
pub use console::{ColorWhen, Console, Context};
pub use excerpt::ConfigFile;
pub use settings::{ConfigError, Settings};

use crate::clients::kube::survey::Survey;
use crate::sources::{SOURCES, Source, TargetConfig};

/// Everything that was configured, merged and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub console: Console,
    pub targets: Vec<TargetConfig>,
    /// What holds for a subject that no target speaks for: `[defaults]` and the environment.
    pub defaults: Settings,
    /// The file that was read; `None` when there is none, and the local machine is watched and the
    /// cluster of the kubeconfig's current context.
    pub path: Option<PathBuf>,
    /// Things that are allowed and probably not meant, one sentence each.
    pub warnings: Vec<String>,
    /// Contexts of the kubeconfig that can be used and that no target watches.
    pub other_contexts: Vec<String>,
    /// Why the cluster of the kubeconfig is not watched, where there should be one: nobody may take
    /// its silence for health.
    pub unwatched: Option<String>,
}

/// What to load: the file that was asked for, the flags that override it, the environment.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `--config FILE`.
    pub file: Option<PathBuf>,
    pub overrides: Vec<Override>,
    pub environment: Environment,
    /// Contexts of the kubeconfig that are watched beside what is written.
    pub contexts: Contexts,
    /// The kubeconfig at hand, or why it cannot be read; [`load`] looks for it.
    pub kubeconfig: Option<Result<Survey, ConfigError>>,
}

/// Which contexts of the kubeconfig are watched without being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Contexts {
    /// The current one, where there is no target at all.
    #[default]
    Current,
    /// `--context`: these.
    Named(Vec<String>),
    /// `--all-contexts`: every one.
    All,
}

impl Contexts {
    /// The flag that asked for them; `None` where nobody did.
    #[must_use]
    pub fn flag(&self) -> Option<&'static str> {
        match self {
            Self::Current => None,
            Self::Named(_) => Some("--context"),
            Self::All => Some("--all-contexts"),
        }
    }
}

/// One setting given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub key: &'static str,
    pub value: String,
    /// As the user typed it: `--theme`.
    pub flag: &'static str,
}

/// Environment variables as a value, so that a test can have its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);

impl Environment {
    /// The variables of this process; those that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let utf8 = std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
        Self(utf8.collect())
    }

    /// These variables and no others.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let owned = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Self(owned.collect())
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// Finds, reads, merges and checks the configuration.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn load(request: &Request) -> Result<Config, Vec<ConfigError>> {
    let path = location::find(request)?;
    let file = path.as_deref().map(location::read).transpose()?;
    let mut request = request.clone();
    request.kubeconfig = clusters::survey(&request.environment);
    let mut config = assemble(file.as_ref(), &request, SOURCES)?;
    clusters::mark_unverified(&mut config, &request.environment);
    if let Some(Ok(survey)) = &request.kubeconfig {
        config.other_contexts = clusters::others(survey, &config.targets);
    }
    config.warnings.extend(location::doubtful_files(&config));
    Ok(config)
}

/// As [`load`], from a text at hand and for the given kinds of target; touches no file.
///
/// # Errors
/// As [`load`].
pub fn assemble(
    file: Option<&ConfigFile>,
    request: &Request,
    sources: &[&Source],
) -> Result<Config, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let document = match file {
        Some(file) => document::read(file, sources, &mut errors),
        None => document::Document::default(),
    };
    let config = layers::merge(file, document, request, sources, &mut errors);
    if errors.is_empty() {
        return Ok(config);
    }
    errors.sort_by_key(|error| error.line.unwrap_or(usize::MAX));
    // What several targets take from one line is wrong once.
    let mut told: Vec<ConfigError> = Vec::new();
    for error in errors {
        if !told.contains(&error) {
            told.push(error);
        }
    }
    Err(told)
}

/// Builds the probes of every target and throws them away: what a source itself has to say about
/// its settings.
#[must_use]
pub fn probe_errors(config: &Config, sources: &[&Source]) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for target in &config.targets {
        let source = sources
            .iter()
            .find(|source| source.kind == &*target.id.kind);
        if let Some(Err(mut error)) = source.map(|source| (source.probes)(target)) {
            error.place = match target.settings.origin(&error.place) {
                Some(origin) => format!("{origin}: {} of target {}", error.place, target.id),
                None => format!("{} of target {}", error.place, target.id),
            };
            errors.push(error);
        }
    }
    errors
}

/// A span as the configuration writes it: `10s`, `1h30m`, `250ms` or a number of seconds.
///
/// # Errors
/// What is wrong with it, in words.
pub fn time(text: &str) -> Result<std::time::Duration, String> {
    decode::span(text).map(crate::units::seconds)
}

/// The name under which this machine is watched.
#[must_use]
pub fn host_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let fit = !name.is_empty() && !name.chars().any(|c| c.is_control() || c == '/');
    if fit { name } else { "localhost".into() }
}

/// The file's own name, as origins print it: `config.toml`.
fn short_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
pub(crate) mod tests;
