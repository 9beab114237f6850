//! The object that a person names: `w-03`, `node/w-03`, `node/prod/w-03`. The same words on the
//! command line and in the palette; which cluster is meant where none is named is not decided here.

use super::Action;
use crate::objects::kind::Scope;

/// What was written, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    pub cluster: Option<&'a str>,
    /// Empty for kinds without.
    pub namespace: &'a str,
    pub name: &'a str,
}

/// Words that name no object of the action's kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {hint}")]
pub struct NotNamed {
    pub problem: String,
    /// What to write instead.
    pub hint: String,
}

/// Takes apart what was written.
///
/// # Errors
/// [`NotNamed`] for another kind, too many parts, or an empty one.
pub fn named<'a>(action: &Action, text: &'a str) -> Result<Named<'a>, NotNamed> {
    let kind = action.on;
    let singular = kind.api_kind().to_lowercase();
    let wrong = |problem: String| {
        let hint = format!("write {singular}/NAME");
        Err(NotNamed { problem, hint })
    };
    let (word, path) = text.split_once('/').unwrap_or((&singular, text));
    if word != singular && word != kind.plural() && !kind.short_names().contains(&word) {
        return wrong(format!(
            "{} is for a {singular}, and `{text}` is none",
            action.id
        ));
    }
    let parts: Vec<&str> = path.split('/').collect();
    let (cluster, namespace, name) = match (kind.scope(), parts.as_slice()) {
        (Scope::Cluster, [name]) => (None, "", *name),
        (Scope::Cluster, [cluster, name]) => (Some(*cluster), "", *name),
        (Scope::Namespaced, [namespace, name]) => (None, *namespace, *name),
        (Scope::Namespaced, [cluster, namespace, name]) => (Some(*cluster), *namespace, *name),
        _ => return wrong(format!("`{text}` is no {singular}")),
    };
    if name.is_empty() || cluster.is_some_and(str::is_empty) {
        return wrong(format!("`{text}` names nothing"));
    }
    Ok(Named {
        cluster,
        namespace,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::cordon::ACTION;

    #[test]
    fn a_node_is_named_alone_with_its_kind_or_with_its_cluster() {
        for (text, cluster) in [
            ("w-03", None),
            ("node/w-03", None),
            ("nodes/w-03", None),
            ("no/w-03", None),
            ("node/prod/w-03", Some("prod")),
        ] {
            let found = named(&ACTION, text).unwrap();
            assert_eq!((found.cluster, found.name), (cluster, "w-03"), "{text}");
        }
    }

    #[test]
    fn what_names_no_node_says_what_to_write() {
        for text in [
            "pod/w-03",
            "prod/w-03",
            "node/",
            "",
            "node//w-03",
            "node/a/b/c",
        ] {
            let wrong = named(&ACTION, text).unwrap_err();
            assert_eq!(wrong.hint, "write node/NAME", "{text}");
        }
    }
}
