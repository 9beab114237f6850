//! Kubernetes targets that nobody wrote, and the names of those that were written without one:
//! both from the contexts of the kubeconfig. Reads no file; what is known of it is handed in.

use super::settings::ConfigError;
use super::{Config, Contexts, Environment};
use crate::clients::kube::survey::{self, Survey};
use crate::sources::TargetConfig;

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

/// The contexts to watch beside what is written: those that were asked for, or the current one where
/// there is no target at all. With what is to be said about those that are left out.
///
/// # Errors
/// A context that was asked for by its name and is not there, or cannot be used.
pub(super) fn unwritten(
    survey: &Survey,
    contexts: &Contexts,
    written: &[String],
    warnings: &mut Vec<String>,
) -> Result<Vec<String>, ConfigError> {
    if let Contexts::Named(names) = contexts {
        for name in names {
            is_there(survey, name)?;
        }
    }
    let wanted = |name: &&String| match contexts {
        Contexts::Current => survey.current.as_ref() == Some(name),
        Contexts::Named(names) => names.contains(name),
        Contexts::All => true,
    };
    for (name, why) in &survey.broken {
        if wanted(&name) {
            warnings.push(format!("the context `{name}` is left out: {why}"));
        }
    }
    let fresh = survey.contexts.iter().filter(wanted);
    let fresh = fresh.filter(|name| !written.contains(name));
    Ok(fresh.cloned().collect())
}

/// The contexts that targets use. With a kubeconfig of its own a target may mean another context of
/// the same name.
pub(super) fn taken(survey: &Survey, targets: &[TargetConfig]) -> Vec<String> {
    let ours = targets
        .iter()
        .filter(|target| &*target.id.kind == KIND && target.settings.text("kubeconfig").is_none());
    ours.filter_map(|target| {
        let named = target.settings.text("context").map(str::to_owned);
        named.or_else(|| survey.current.clone())
    })
    .collect()
}

/// The contexts that no target uses.
pub(super) fn others(survey: &Survey, targets: &[TargetConfig]) -> Vec<String> {
    let taken = taken(survey, targets);
    let others = survey.contexts.iter();
    others
        .filter(|name| !taken.contains(name))
        .cloned()
        .collect()
}

fn is_there(survey: &Survey, name: &str) -> Result<(), ConfigError> {
    if survey.contexts.iter().any(|context| context == name) {
        return Ok(());
    }
    if let Some((_, why)) = survey.broken.iter().find(|(broken, _)| broken == name) {
        let problem = format!("the context `{name}` cannot be used: {why}");
        return Err(ConfigError::new("--context", problem));
    }
    let problem = format!("there is no context `{name}` in {}", survey.place);
    let known = || survey.contexts.iter().map(String::as_str);
    let hint = match super::nearest(name, known()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("choose from {}", known().collect::<Vec<_>>().join(", ")),
    };
    Err(ConfigError::new("--context", problem).hint(hint))
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
    use std::path::Path;

    use super::*;
    use crate::config::{ConfigFile, Request, assemble};
    use crate::sources::SOURCES;

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
        let mut of = |contexts: Contexts, written: &[&str]| {
            unwritten(&survey, &contexts, &names(written), &mut warnings)
        };
        assert_eq!(of(Contexts::Current, &[]).unwrap(), ["b"]);
        let named = |words: &[&str]| Contexts::Named(names(words));
        assert_eq!(of(named(&["c", "a"]), &[]).unwrap(), ["a", "c"]);
        let wrong = of(named(&["bb"]), &[]).unwrap_err();
        assert_eq!(wrong.place, "--context");
        assert_eq!(wrong.hint.as_deref(), Some("did you mean b?"));
        let broken = of(named(&["d"]), &[]).unwrap_err();
        assert!(
            broken.problem.contains("cannot be used: /k: no"),
            "{broken}"
        );
        assert_eq!(of(Contexts::All, &["b"]).unwrap(), ["a", "c"]);
        assert_eq!(warnings, ["the context `d` is left out: /k: no"]);
    }

    fn request(all: bool) -> Request {
        Request {
            contexts: if all {
                Contexts::All
            } else {
                Contexts::Current
            },
            kubeconfig: Some(Ok(Survey {
                place: "/k".into(),
                current: Some("eu/prod".into()),
                contexts: names(&["eu/prod", "eu-prod", "dev"]),
                broken: Vec::new(),
            })),
            ..Request::default()
        }
    }

    fn targets(text: &str, request: &Request) -> Vec<String> {
        let file = ConfigFile::new(Path::new("/c/config.toml"), text.to_owned());
        let config = assemble(Some(&file), request, SOURCES).unwrap();
        let clusters = config
            .targets
            .iter()
            .filter(|target| &*target.id.kind == KIND);
        clusters
            .map(|target| {
                let context = target.settings.text("context").unwrap_or("-");
                format!("{} {context}", target.id)
            })
            .collect()
    }

    #[test]
    fn without_any_target_the_current_context_is_watched() {
        assert_eq!(targets("", &request(false)), ["kubernetes/eu-prod eu/prod"]);
        let local = "[[target]]\nkind = \"local\"\n";
        assert_eq!(targets(local, &request(false)), [""; 0]);
        let config = assemble(None, &request(false), SOURCES).unwrap();
        let origin = config.targets[1].settings.origin("context").unwrap();
        assert_eq!(origin.0, "current-context of /k");
    }

    #[test]
    fn all_contexts_are_those_that_are_not_written_each_under_a_name_of_its_own() {
        let all = targets("", &request(true));
        assert_eq!(
            all,
            [
                "kubernetes/eu-prod eu/prod",
                "kubernetes/eu-prod-2 eu-prod",
                "kubernetes/dev dev"
            ]
        );
        let written = "[[target]]\nkind = \"kubernetes\"\nname = \"mine\"\ncontext = \"dev\"\n";
        let all = targets(written, &request(true));
        assert_eq!(all[0], "kubernetes/mine dev");
        assert_eq!(all.len(), 3);
    }

    #[test]
    fn contexts_that_no_target_uses_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        let text = "current-context: a\ncontexts: [{name: a, context: {cluster: c}}, {name: b, \
                    context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://a'}}]\n";
        std::fs::write(&path, text).unwrap();
        let mut request = Request {
            environment: Environment::of(&[("KUBECONFIG", path.to_str().unwrap())]),
            ..Request::default()
        };
        let others = |request: &Request| super::super::load(request).unwrap().other_contexts;
        assert_eq!(others(&request), ["b"]);
        request.contexts = Contexts::All;
        assert_eq!(others(&request), [""; 0]);
    }

    #[test]
    fn a_target_without_a_name_is_called_by_its_context() {
        let named = "[[target]]\nkind = \"kubernetes\"\ncontext = \"a/b\"\n";
        assert_eq!(targets(named, &Request::default()), ["kubernetes/a-b a/b"]);
        let current = "[[target]]\nkind = \"kubernetes\"\n";
        assert_eq!(targets(current, &request(false)), ["kubernetes/eu-prod -"]);
        let own = format!("{current}kubeconfig = \"/other\"\n");
        let file = ConfigFile::new(Path::new("/c/config.toml"), own);
        let errors = assemble(Some(&file), &request(false), SOURCES).unwrap_err();
        assert!(errors[0].problem.contains("has no name"), "{errors:?}");
    }

    #[test]
    fn a_kubeconfig_that_cannot_be_read_stops_only_who_asked_for_it() {
        let mut request = request(false);
        request.kubeconfig = Some(Err(ConfigError::new("/k", "is broken")));
        let config = assemble(None, &request, SOURCES).unwrap();
        assert_eq!(config.targets.len(), 1);
        assert_eq!(config.warnings, ["no cluster is watched: /k: is broken"]);
        assert_eq!(config.unwatched.as_deref(), Some("/k: is broken"));
        let nowhere = Request {
            environment: Environment::of(&[("KUBECONFIG", "/nowhere")]),
            ..Request::default()
        };
        let config = assemble(None, &nowhere, SOURCES).unwrap();
        assert!(config.unwatched.unwrap().contains("/nowhere"));
        let nobody = assemble(None, &Request::default(), SOURCES).unwrap();
        assert_eq!(nobody.unwatched, None);
        request.contexts = Contexts::All;
        assert_eq!(
            assemble(None, &request, SOURCES).unwrap_err()[0].place,
            "/k"
        );
        request.kubeconfig = None;
        let none = assemble(None, &request, SOURCES).unwrap_err();
        assert_eq!(none[0].place, "--all-contexts");
    }

    #[test]
    fn a_server_that_is_not_verified_counts_as_tls_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kubeconfig");
        let text = "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\nclusters: \
                    [{name: c, cluster: {server: 'https://a', insecure-skip-tls-verify: true}}]\n";
        std::fs::write(&path, text).unwrap();
        let environment = Environment::of(&[("KUBECONFIG", path.to_str().unwrap())]);
        let request = Request {
            environment,
            ..Request::default()
        };
        let config = super::super::load(&request).unwrap();
        let cluster = config
            .targets
            .iter()
            .find(|target| &*target.id.kind == KIND);
        assert!(cluster.unwrap().settings.flag("insecure"));
        let told = |warning: &String| warning.contains("TLS-OFF");
        assert!(config.warnings.iter().any(told), "{:?}", config.warnings);
    }
}
