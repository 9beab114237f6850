//! Source `kubernetes`: one target per cluster, one stream of changes per kind that is watched.
//!
//! The API server itself is polled ([`api`], [`metrics`], [`uses`]). Objects come as protobuf with
//! our own messages ([`proto`]), become lean values ([`decode`]) and are told as deltas ([`watch`]).
//! Nothing here knows the model or a screen.

mod api;
mod beside;
pub mod decode;
pub mod discovery;
mod follow;
pub mod frame;
mod items;
mod metrics;
mod pool;
mod proto;
mod quantity;
#[cfg(test)]
mod scripted;
pub mod table;
mod transport;
mod uses;
pub mod watch;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use beside::Beside;
use watch::WatchProbe;

use super::{Probe, Source, TargetConfig, deadline};
use crate::clients::kube::Api;
use crate::config::settings::ConfigError;
use crate::nearest::nearest;
use crate::objects::ObjectKind;
use crate::objects::kind::Scope;

pub static SOURCE: Source = Source {
    kind: "kubernetes",
    doc: "A Kubernetes cluster by a context of your kubeconfig: its API server's health, version, \
          metrics and certificate, and its objects, each kind listed once and then watched.",
    period: Duration::from_secs(5),
    timeout: Duration::from_secs(4),
    keys: &[
        "context",
        "kubeconfig",
        "exec_allowed",
        "watch",
        "namespaces",
    ],
    probes,
};

/// The namespaces whose leases are watched.
const LEASES: [&str; 2] = ["kube-node-lease", "kube-system"];

fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    let kinds = kinds(target.settings.list("watch"))?;
    let namespaces = namespaces(target.settings.list("namespaces"))?;
    let api = Api::new(&target.id.name, &target.settings)?;
    let timeout = target.settings.duration("timeout");
    let budget = deadline::parts(timeout.unwrap_or(SOURCE.timeout));
    let mut probes: Vec<Box<dyn Probe>> = vec![
        Box::new(api::ApiProbe::new(api.clone(), budget)),
        Box::new(Beside::new(api.clone(), metrics::Metrics)),
        Box::new(Beside::new(
            api.clone(),
            uses::Uses::new(namespaces.clone()),
        )),
    ];
    for kind in kinds {
        for place in places(kind, &namespaces) {
            probes.push(Box::new(WatchProbe::new(api.clone(), kind, place)));
        }
    }
    Ok(probes)
}

/// Where objects of a kind are watched: everywhere at once, or in each of some namespaces. Of
/// leases only those of nodes and of the control plane mean something; the others say who leads
/// where, and change every two seconds each.
fn places(kind: ObjectKind, namespaces: &[Arc<str>]) -> Vec<Option<Arc<str>>> {
    let named = |name: &str| namespaces.is_empty() || namespaces.iter().any(|one| **one == *name);
    if kind == ObjectKind::Lease {
        let places = LEASES.into_iter().filter(|name| named(name));
        return places.map(|name| Some(name.into())).collect();
    }
    if kind.scope() == Scope::Cluster || namespaces.is_empty() {
        return vec![None];
    }
    namespaces.iter().cloned().map(Some).collect()
}

/// The kinds to watch, by any name that kubectl takes for them; all of them where none is named.
fn kinds(named: &[String]) -> Result<Vec<ObjectKind>, ConfigError> {
    if named.is_empty() {
        return Ok(ObjectKind::ALL.to_vec());
    }
    let mut kinds = Vec::new();
    for name in named {
        let lower = name.to_ascii_lowercase();
        let is = |kind: &&ObjectKind| {
            let singular = kind.api_kind().to_ascii_lowercase();
            lower == kind.plural() || lower == singular || kind.short_names().contains(&&*lower)
        };
        let Some(kind) = ObjectKind::ALL.iter().find(is) else {
            let plurals = || ObjectKind::ALL.iter().map(|kind| kind.plural());
            let problem = format!("`{name}` is no kind that midwatch watches");
            return Err(ConfigError::new("watch", problem).hint(
                match nearest(&lower, plurals()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("choose from {}", plurals().collect::<Vec<_>>().join(", ")),
                },
            ));
        };
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    Ok(kinds)
}

fn namespaces(named: &[String]) -> Result<Vec<Arc<str>>, ConfigError> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in named {
        // DNS labels, of 63 characters at most: what goes into a path as it is.
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            let problem = format!("`{name}` is no name of a namespace");
            return Err(ConfigError::new("namespaces", problem)
                .hint("write names of small letters, digits and `-`"));
        }
        if !names.iter().any(|known| **known == **name) {
            names.push(name.as_str().into());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_kind_goes_by_every_name_that_kubectl_takes() {
        let told = kinds(&list(&["pods", "deploy", "PodDisruptionBudget", "po"])).unwrap();
        let wanted = [
            ObjectKind::Pod,
            ObjectKind::Deployment,
            ObjectKind::DisruptionBudget,
        ];
        assert_eq!(told, wanted);
        assert_eq!(kinds(&[]).unwrap(), ObjectKind::ALL);
        let error = kinds(&list(&["podz"])).unwrap_err();
        assert_eq!(error.place, "watch");
        assert_eq!(error.hint.unwrap(), "did you mean `pods`?");
    }

    #[test]
    fn a_kind_is_watched_where_it_matters() {
        let words = |kind, names: &[&str]| -> Vec<String> {
            let names: Vec<Arc<str>> = names.iter().map(|name| (*name).into()).collect();
            let places = places(kind, &names).into_iter();
            places
                .map(|place| place.map_or("all".into(), |name| name.to_string()))
                .collect()
        };
        assert_eq!(words(ObjectKind::Pod, &[]), ["all"]);
        assert_eq!(words(ObjectKind::Pod, &["a", "b"]), ["a", "b"]);
        assert_eq!(words(ObjectKind::Node, &["a"]), ["all"]);
        assert_eq!(
            words(ObjectKind::Lease, &[]),
            ["kube-node-lease", "kube-system"]
        );
        assert_eq!(
            words(ObjectKind::Lease, &["a", "kube-system"]),
            ["kube-system"]
        );
    }

    #[test]
    fn what_is_no_namespace_does_not_get_into_a_path() {
        assert_eq!(
            namespaces(&list(&["shop", "shop", "kube-system"]))
                .unwrap()
                .len(),
            2
        );
        for bad in ["", "a/b", "Shop", "../x", "a?b"] {
            let error = namespaces(&list(&[bad])).unwrap_err();
            assert_eq!(error.place, "namespaces", "{bad}");
        }
    }
}
