//! Every kind that an API server knows and can list, with all its names.
//!
//! One answer for the core and one for all groups, where the server gathers them (1.26 and newer);
//! else one per group and version. A kind of several versions is told once, in the one that the
//! server prefers.

use std::collections::HashSet;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::ask::KindName;
use crate::clients::kube::Api;
use crate::observation::{Layer, Outage};

const GATHERED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                        application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                        application/json";
const JSON: &str = "application/json";
/// Largest answer; a cluster with hundreds of custom kinds sends a few hundred KiB.
const LARGEST: u64 = 32 << 20;

/// Every kind that can be listed, in the server's order. A group whose server does not answer is
/// left out.
///
/// # Errors
/// An [`Outage`] when the API server itself does not answer or not as discovery does.
pub async fn kinds(api: &Api) -> Result<Vec<KindName>, Outage> {
    let mut kinds = Vec::new();
    for root in ["/api", "/apis"] {
        let (content_type, body) = read(api, root, GATHERED).await?;
        // A reply's content type is in small letters.
        if content_type.contains("apigroupdiscoverylist") {
            kinds.extend(gathered(&body).ok_or_else(|| unreadable(root))?);
            continue;
        }
        for at in versions(root, &body).ok_or_else(|| unreadable(root))? {
            // A group of an aggregated server that is down must not hide all others.
            let Ok((_, body)) = read(api, &at.path, JSON).await else {
                continue;
            };
            kinds.extend(resources(&at, &body).unwrap_or_default());
        }
    }
    Ok(once(kinds))
}

async fn read(api: &Api, path: &str, accept: &str) -> Result<(String, Vec<u8>), Outage> {
    let reply = api.get(path, accept).await?;
    if !reply.is_ok() {
        return Err(api.outage_of(&reply.refusal().await));
    }
    let content_type = reply.content_type.clone();
    Ok((content_type, reply.body(LARGEST).await?))
}

fn unreadable(path: &str) -> Outage {
    Outage::new(
        Layer::Parse,
        format!("{path} is no discovery of a Kubernetes API"),
    )
    .hint("check that the URL is that of a Kubernetes API server")
}

/// Of one kind in several versions only the first: servers tell what they prefer first.
fn once(kinds: Vec<KindName>) -> Vec<KindName> {
    let mut known = HashSet::new();
    let mut kinds = kinds;
    kinds.retain(|kind| known.insert((kind.group.clone(), kind.plural.clone())));
    kinds
}

/// May these verbs list, and may they watch?
fn verbs(verbs: &[String]) -> (bool, bool) {
    let has = |wanted: &str| verbs.iter().any(|verb| verb == wanted);
    (has("list"), has("watch"))
}

fn texts(texts: Vec<String>) -> Box<[Arc<str>]> {
    texts.into_iter().map(Into::into).collect()
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

#[derive(Deserialize)]
struct Gathered {
    items: Vec<GatheredGroup>,
}

#[derive(Deserialize)]
struct GatheredGroup {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<GatheredVersion>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct GatheredVersion {
    version: String,
    #[serde(default)]
    resources: Vec<GatheredResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GatheredResource {
    resource: String,
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    kind: String,
}

/// `APIGroupDiscoveryList`.
fn gathered(body: &[u8]) -> Option<Vec<KindName>> {
    let Gathered { items } = json(body)?;
    let mut kinds = Vec::new();
    for group in items {
        let name: Arc<str> = group.metadata.name.into();
        for version in group.versions {
            let of: Arc<str> = version.version.into();
            for resource in version.resources {
                let (lists, watchable) = verbs(&resource.verbs);
                let Some(kind) = resource.response_kind.filter(|_| lists) else {
                    continue;
                };
                kinds.push(KindName {
                    group: name.clone(),
                    version: of.clone(),
                    plural: resource.resource.into(),
                    kind: kind.kind.into(),
                    singular: resource.singular_resource.into(),
                    short_names: texts(resource.short_names),
                    namespaced: resource.scope == "Namespaced",
                    watchable,
                });
            }
        }
    }
    Some(kinds)
}

/// Where the kinds of one version of a group are told.
#[derive(Debug, PartialEq, Eq)]
struct At {
    path: String,
    group: String,
    version: String,
}

#[derive(Deserialize)]
struct CoreVersions {
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    versions: Vec<GroupVersion>,
    preferred_version: Option<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

/// `APIVersions` or `APIGroupList`: each version of each group, the preferred one first.
fn versions(root: &str, body: &[u8]) -> Option<Vec<At>> {
    if root == "/api" {
        let CoreVersions { versions } = json(body)?;
        let at = |version: String| At {
            path: format!("/api/{version}"),
            group: String::new(),
            version,
        };
        return Some(versions.into_iter().map(at).collect());
    }
    let Groups { groups } = json(body)?;
    let mut all = Vec::new();
    for mut group in groups {
        if let Some(preferred) = group.preferred_version {
            group
                .versions
                .sort_by_key(|one| one.version != preferred.version);
        }
        for GroupVersion { version } in group.versions {
            all.push(At {
                path: format!("/apis/{}/{version}", group.name),
                group: group.name.clone(),
                version,
            });
        }
    }
    Some(all)
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    kind: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

/// `APIResourceList`. Subresources have a slash in their name and cannot be listed.
fn resources(at: &At, body: &[u8]) -> Option<Vec<KindName>> {
    let Resources { resources } = json(body)?;
    let mut kinds = Vec::new();
    for resource in resources {
        let (lists, watchable) = verbs(&resource.verbs);
        if !lists || resource.name.contains('/') {
            continue;
        }
        kinds.push(KindName {
            group: at.group.as_str().into(),
            version: at.version.as_str().into(),
            plural: resource.name.into(),
            kind: resource.kind.into(),
            singular: resource.singular_name.into(),
            short_names: texts(resource.short_names),
            namespaced: resource.namespaced,
            watchable,
        });
    }
    Some(kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! recorded {
        ($name:literal) => {
            include_bytes!(concat!(
                "../../../tests/fixtures/payloads/kubernetes/discovery-",
                $name,
                ".json"
            ))
        };
    }

    fn find<'a>(kinds: &'a [KindName], full: &str) -> &'a KindName {
        kinds.iter().find(|kind| kind.full() == full).unwrap()
    }

    #[test]
    fn gathered_discovery_tells_every_kind_that_can_be_listed() {
        let core = gathered(recorded!("api")).unwrap();
        let config_map = find(&core, "configmaps");
        assert_eq!(&*config_map.kind, "ConfigMap");
        assert_eq!(&*config_map.singular, "configmap");
        assert_eq!(&*config_map.short_names, ["cm".into()]);
        assert!(config_map.namespaced && config_map.watchable);
        assert!(!find(&core, "nodes").namespaced);
        assert!(!find(&core, "componentstatuses").watchable);
        assert!(
            core.iter().all(|kind| &*kind.plural != "bindings"),
            "cannot be listed"
        );
        let groups = gathered(recorded!("apis")).unwrap();
        let certificate = find(&groups, "certificates.cert-manager.example");
        assert_eq!(
            certificate.path("shop"),
            "/apis/cert-manager.example/v1/namespaces/shop/certificates"
        );
    }

    #[test]
    fn a_kind_of_several_versions_is_told_once_in_the_preferred_one() {
        let kinds = once(gathered(recorded!("apis")).unwrap());
        let autoscalers = kinds.iter().filter(|kind| &*kind.plural == "certificates");
        let versions: Vec<_> = autoscalers.map(|kind| &*kind.version).collect();
        assert_eq!(versions, ["v1"]);
    }

    #[test]
    fn where_nothing_is_gathered_the_plain_lists_say_the_same() {
        let core = versions("/api", recorded!("versions")).unwrap();
        assert_eq!(core.len(), 1);
        let plain = resources(&core[0], recorded!("v1")).unwrap();
        assert_eq!(plain, gathered(recorded!("api")).unwrap());
        let at = versions("/apis", recorded!("groups")).unwrap();
        let certificates: Vec<_> = at
            .iter()
            .filter(|at| at.group == "cert-manager.example")
            .collect();
        assert_eq!(certificates[0].version, "v1", "the preferred one first");
        assert_eq!(certificates.len(), 2);
        assert_eq!(certificates[0].path, "/apis/cert-manager.example/v1");
    }

    #[test]
    fn what_is_no_discovery_is_none() {
        assert!(gathered(b"<html>").is_none());
        assert!(versions("/apis", b"{}").is_none());
    }
}
