//! Kubernetes targets that nobody wrote, and the names of those that were written without one:
//! both from the contexts of the kubeconfig. Reads no file; what is known of it is handed in.

use super::settings::ConfigError;
use super::{Config, Environment};
use crate::clients::kube::survey::{self, Survey};

/// The kind of target that a context makes.
pub(super) const KIND: &str = "kubernetes";

/// What is known of the kubeconfig; `None` where there is none.
pub(super) fn survey(environment: &Environment) -> Option<Result<Survey, ConfigError>> {
    survey::survey(environment)
        .map_err(ConfigError::from)
        .transpose()
}

/// A context's name as the name of a target: what cannot stand in a subject becomes `-`.
pub(super) fn fit(context: &str) -> String {
    let fits = |c: char| {
        if c == '/' || c.is_whitespace() || c.is_control() {
            '-'
        } else {
            c
        }
    };
    let fit: String = context
        .chars()
        .map(fits)
        .take(super::sound::LONGEST_NAME)
        .collect();
    if fit.is_empty() { KIND.to_owned() } else { fit }
}

/// The contexts to watch beside what is written: all of them, or the current one where there is no
/// target at all. With what is to be said about those that are left out.
pub(super) fn unwritten(
    survey: &Survey,
    all: bool,
    written: &[String],
    warnings: &mut Vec<String>,
) -> Vec<String> {
    let wanted = |name: &&String| all || survey.current.as_ref() == Some(name);
    for (name, why) in &survey.broken {
        if wanted(&name) {
            warnings.push(format!("the context `{name}` is left out: {why}"));
        }
    }
    let fresh = survey.contexts.iter().filter(wanted);
    fresh
        .filter(|name| !written.contains(name))
        .cloned()
        .collect()
}

/// Marks the targets whose kubeconfig says not to verify the server, so that they are shown and
/// counted as TLS-OFF like any other.
pub(super) fn mark_unverified(config: &mut Config, environment: &Environment) {
    for target in &mut config.targets {
        if &*target.id.kind == KIND && survey::is_unverified(&target.settings, environment) {
            let value = super::settings::Value::Bool(true);
            target.settings.set(
                "insecure",
                value,
                "insecure-skip-tls-verify in the kubeconfig",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_context_becomes_a_name_that_a_subject_can_hold() {
        assert_eq!(fit("prod-eu"), "prod-eu");
        assert_eq!(
            fit("arn:aws:eks:eu:1:cluster/prod"),
            "arn:aws:eks:eu:1:cluster-prod"
        );
        assert_eq!(fit("my cluster"), "my-cluster");
        assert_eq!(fit(&"x".repeat(200)).len(), 64);
    }

    #[test]
    fn the_current_context_or_all_that_are_not_written_and_not_broken() {
        let survey = Survey {
            place: "/k".into(),
            current: Some("b".into()),
            contexts: names(&["a", "b", "c"]),
            broken: vec![("d".into(), "/k: no".into())],
        };
        let mut warnings = Vec::new();
        assert_eq!(unwritten(&survey, false, &[], &mut warnings), ["b"]);
        assert!(warnings.is_empty());
        let all = unwritten(&survey, true, &names(&["b"]), &mut warnings);
        assert_eq!(all, ["a", "c"]);
        assert_eq!(warnings, ["the context `d` is left out: /k: no"]);
    }
}
