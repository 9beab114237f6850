//! Which object the words of the command line mean. Asks nobody whether it is there.

use super::{Act, Config, ConfigError, Subject};
use crate::objects::kind::Scope;

/// Which object is meant: `node/w-03` with the cluster that is named or the only one there is.
pub(super) fn subject(flags: &Act, config: &Config) -> Result<Subject, ConfigError> {
    let wrong =
        |problem: String, hint: String| Err(ConfigError::new("KIND/NAME", problem).hint(hint));
    let text = &flags.subject;
    let kind = flags.action.on;
    let singular = kind.api_kind().to_lowercase();
    let (word, path) = text.split_once('/').unwrap_or((&singular, text));
    if word != singular && word != kind.plural() && !kind.short_names().contains(&word) {
        let problem = format!(
            "{} is for a {singular}, and `{text}` is none",
            flags.action.id
        );
        return wrong(problem, format!("write {singular}/NAME"));
    }
    let parts: Vec<&str> = path.split('/').collect();
    let own = match kind.scope() {
        Scope::Cluster => 1,
        Scope::Namespaced => 2,
    };
    let (cluster, own) = match parts.len() {
        n if n == own => (None, parts.as_slice()),
        n if n == own + 1 => (Some(parts[0]), &parts[1..]),
        _ => {
            return wrong(
                format!("`{text}` is no {singular}"),
                format!("write {singular}/NAME"),
            );
        }
    };
    let known: Vec<&str> = config
        .targets
        .iter()
        .filter(|target| &*target.id.kind == "kubernetes")
        .map(|target| &*target.id.name)
        .collect();
    let cluster = match (cluster, flags.cluster.as_deref(), known.as_slice()) {
        (Some(a), Some(b), _) if a != b => {
            return wrong(
                format!("`{text}` names the cluster {a}, and --cluster names {b}"),
                "name it once".into(),
            );
        }
        (Some(name), _, _) | (None, Some(name), _) if known.contains(&name) => name,
        (Some(name), _, _) | (None, Some(name), _) => {
            let hint = match crate::config::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "configure a target of kind kubernetes".into(),
                None => format!("choose from {}", known.join(", ")),
            };
            return wrong(format!("no cluster is called `{name}`"), hint);
        }
        (None, None, [only]) => only,
        (None, None, []) => {
            return wrong(
                "no Kubernetes cluster is configured".into(),
                "set KUBECONFIG, or configure a target of kind kubernetes".into(),
            );
        }
        (None, None, several) => {
            return wrong(
                format!("`{text}` may be in any of {} clusters", several.len()),
                format!("add --cluster NAME, one of {}", several.join(", ")),
            );
        }
    };
    let (namespace, name) = match own {
        [namespace, name] => (*namespace, *name),
        _ => ("", own.first().copied().unwrap_or_default()),
    };
    if name.is_empty() {
        return wrong(
            format!("`{text}` names nothing"),
            format!("write {singular}/NAME"),
        );
    }
    Ok(Subject::object(kind, cluster, namespace, name))
}
