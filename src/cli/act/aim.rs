//! Which object the words of the command line mean. Asks nobody whether it is there.

use super::{Act, Config, ConfigError, Subject};
use crate::actions::named::{Named, named};

/// Which object is meant: `node/w-03` with the cluster that is named or the only one there is.
pub(super) fn subject(flags: &Act, config: &Config) -> Result<Subject, ConfigError> {
    let wrong =
        |problem: String, hint: String| Err(ConfigError::new("KIND/NAME", problem).hint(hint));
    let text = &flags.subject;
    let Named {
        cluster,
        namespace,
        name,
    } = match named(flags.action, text) {
        Ok(named) => named,
        Err(not) => return wrong(not.problem, not.hint),
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
    Ok(Subject::object(flags.action.on, cluster, namespace, name))
}
