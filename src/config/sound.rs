//! Does a merged target make sense? Names, addresses, deadlines, certificates.

use std::ops::Range;

use super::decode::written;
use super::document::Target;
use super::excerpt::ConfigFile;
use super::keys::Shape;
use super::layers::Merged;
use super::settings::{ConfigError, Value};
use crate::ids::TargetId;
use crate::sources::Source;

/// Longest name; a row of a table has no room for more.
pub(super) const LONGEST_NAME: usize = 64;

/// A target's name: it prints in ids, rows and labels.
pub(super) fn name(file: &ConfigFile, name: &str, span: &Range<usize>) -> Option<ConfigError> {
    let problem = if name.trim().is_empty() {
        "a name cannot be empty"
    } else if name.contains('/') {
        "a name cannot hold `/`, which parts the kind from the name"
    } else if name.contains(char::is_whitespace) {
        "a name cannot hold spaces"
    } else if name.chars().count() > LONGEST_NAME {
        "a name cannot be longer than 64 characters"
    } else if crate::text::SafeText::new(name).as_str() != name {
        "a name cannot hold invisible characters"
    } else {
        return None;
    };
    Some(
        file.error(span, problem, "")
            .hint("Use a short name such as \"prod-eu\""),
    )
}

/// A timeout that nobody set follows a short period.
pub(super) fn fit_timeout(merged: &mut Merged) {
    let (Some(period), Some(timeout)) = (
        merged.settings.number("period"),
        merged.settings.number("timeout"),
    ) else {
        return;
    };
    let untouched = merged
        .settings
        .origin("timeout")
        .is_some_and(|origin| origin.0 == "default");
    if untouched && timeout >= period {
        let fitted = Value::Number(period * 0.8);
        merged
            .settings
            .set("timeout", fitted, "default: 80% of the period");
    }
}

/// A deadline that is not shorter than the period, told where it was set: a target's name stands in
/// it only where the target itself set one of them.
pub(super) fn deadline(
    file: Option<&ConfigFile>,
    id: &TargetId,
    merged: &Merged,
) -> Option<ConfigError> {
    let settings = &merged.settings;
    let (period, timeout) = (settings.number("period")?, settings.number("timeout")?);
    if timeout < period {
        return None;
    }
    let origin = |key: &str| settings.origin(key).map_or("default", |origin| &origin.0);
    let said =
        |key: &str, value: f64| format!("{key} {} ({})", written(Shape::Span, value), origin(key));
    let (said_timeout, said_period) = (said("timeout", timeout), said("period", period));
    // Those of the target itself have no heading before their line.
    let own = |key: &str| merged.spans.contains_key(key) && !origin(key).starts_with('[');
    let whose = if own("timeout") || own("period") {
        format!("target {id}: ")
    } else {
        String::new()
    };
    let problem = format!("{whose}{said_timeout} is not shorter than {said_period}");
    let set = ["timeout", "period"]
        .into_iter()
        .find(|key| !origin(key).starts_with("default"))?;
    let error = match (file, merged.spans.get(set)) {
        (Some(file), Some(span)) => file.error(span, problem, ""),
        _ => ConfigError::new(origin(set), problem),
    };
    Some(error.hint("Set timeout below period, or period above timeout"))
}

/// Everything that is wrong with one target.
pub(super) fn target(
    file: &ConfigFile,
    target: &Target,
    source: &Source,
    id: &TargetId,
    merged: &Merged,
) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let look = Look {
        file,
        target,
        id,
        merged,
    };
    errors.extend(look.missing_address(source));
    errors.extend(deadline(Some(file), id, merged));
    errors.extend(look.half_a_certificate());
    errors.extend(look.metrics_endpoints());
    for key in ["url", "endpoints", "metrics_endpoints", "address"] {
        errors.extend(look.addresses(key));
    }
    errors
}

struct Look<'a> {
    file: &'a ConfigFile,
    target: &'a Target,
    id: &'a TargetId,
    merged: &'a Merged,
}

impl Look<'_> {
    fn at(&self, key: &str, problem: String, label: &str) -> ConfigError {
        match self.merged.spans.get(key) {
            Some(span) => self.file.error(span, problem, label),
            None => self.file.error(&self.target.span, problem, label),
        }
    }

    fn missing_address(&self, source: &Source) -> Option<ConfigError> {
        let mut wanted = ["url", "endpoints", "address"]
            .into_iter()
            .filter(|key| source.keys.contains(key));
        let first = wanted.clone().next()?;
        if wanted.any(|key| {
            self.merged.settings.values.contains_key(key) || self.target.written.contains(key)
        }) {
            return None;
        }
        let example = match first {
            "url" => "url = \"https://10.0.0.11:9090\"",
            "endpoints" => "endpoints = [\"https://10.0.0.11:2379\"]",
            _ => "address = \"10.0.0.1\"",
        };
        let problem = format!("target {} has no `{first}`", self.id);
        Some(
            self.at(first, problem, "it is not said where it listens")
                .hint(format!("Add {example}")),
        )
    }

    fn half_a_certificate(&self) -> Option<ConfigError> {
        let has = |key: &str| self.merged.settings.text(key).is_some();
        let (there, missing) = match (has("cert"), has("key")) {
            (true, false) => ("cert", "key"),
            (false, true) => ("key", "cert"),
            _ => return None,
        };
        let problem = format!("target {} has `{there}` without `{missing}`", self.id);
        Some(
            self.at(there, problem, "one of two")
                .hint(format!("Add {missing} = \"FILE\"")),
        )
    }

    fn metrics_endpoints(&self) -> Option<ConfigError> {
        let (metrics, endpoints) = (
            self.merged.settings.list("metrics_endpoints").len(),
            self.merged.settings.list("endpoints").len(),
        );
        if metrics == 0 || metrics == endpoints {
            return None;
        }
        let problem = format!(
            "target {} has {metrics} `metrics_endpoints` for {endpoints} `endpoints`",
            self.id
        );
        Some(
            self.at("metrics_endpoints", problem, "")
                .hint("List one for each of `endpoints`, in the same order"),
        )
    }

    fn addresses(&self, key: &str) -> Vec<ConfigError> {
        let check = if key == "address" {
            host_problem
        } else {
            url_problem
        };
        let wrong = |value: &str| {
            let (problem, hint) = check(value)?;
            let mut error = self.at(key, format!("`{key}` of target {}: {problem}", self.id), "");
            if problem == PASSWORD {
                // The line holds the secret; the place alone must do.
                error.excerpt = None;
            }
            Some(error.hint(hint))
        };
        match self.merged.settings.values.get(key) {
            Some((Value::Text(value), _)) => wrong(value).into_iter().collect(),
            Some((Value::List(values), _)) if values.is_empty() && key == "endpoints" => {
                vec![
                    self.at(key, format!("`{key}` of target {} is empty", self.id), "")
                        .hint("List the client URL of each member"),
                ]
            }
            Some((Value::List(values), _)) => {
                let mut errors: Vec<ConfigError> =
                    values.iter().filter_map(|value| wrong(value)).collect();
                errors.extend(self.twice(key, values));
                errors
            }
            _ => Vec::new(),
        }
    }

    fn twice(&self, key: &str, values: &[String]) -> Option<ConfigError> {
        let again = values
            .iter()
            .enumerate()
            .find(|(at, value)| values[..*at].contains(value))?
            .1;
        let problem = format!("`{key}` of target {} lists {again} twice", self.id);
        Some(self.at(key, problem, "").hint("Remove one of them"))
    }
}

const PASSWORD: &str = "it holds a user or a password";

/// What is plainly wrong with a URL; the connecting side reads it in full.
fn url_problem(url: &str) -> Option<(&'static str, &'static str)> {
    const FORM: &str = "Write https://HOST:PORT or http://HOST:PORT";
    if url.is_empty() || url.contains(char::is_whitespace) {
        return Some(("it is empty or holds spaces", FORM));
    }
    let rest = match url.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some(_) => return Some(("its scheme is neither http nor https", FORM)),
        None => url,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if authority.contains('@') {
        return Some((
            PASSWORD,
            "Put credentials into a `headers_file` or a client certificate",
        ));
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Some(("it names no host", FORM));
    }
    port_problem(authority).map(|problem| (problem, FORM))
}

/// What is wrong with the port behind a host, where there is one. An IPv6 address stands in brackets
/// before its port; without brackets its colons part no port.
fn port_problem(authority: &str) -> Option<&'static str> {
    let behind = authority
        .rsplit_once(']')
        .map_or(authority, |(_, behind)| behind);
    if behind.matches(':').count() != 1 {
        return None;
    }
    let (_, port) = behind.split_once(':')?;
    match port.parse::<u16>() {
        Ok(port) if port > 0 => None,
        _ => Some("its port is no number from 1 to 65535"),
    }
}

fn host_problem(address: &str) -> Option<(&'static str, &'static str)> {
    const FORM: &str = "Write HOST or HOST:PORT";
    if address.is_empty() || address.contains(char::is_whitespace) {
        Some(("it is empty or holds spaces", FORM))
    } else if address.contains("://") || address.contains('/') {
        Some(("it is a URL", FORM))
    } else {
        port_problem(address).map(|problem| (problem, FORM))
    }
}
