//! What a request asks for: as the API's own verb and resource, as role rules name them. Pure.

/// What must be permitted for this request: `list pods`, `get nodes`, `get /metrics`.
#[must_use]
pub fn need(method: &str, path_and_query: &str) -> String {
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    let Some(place) = Place::of(path) else {
        return format!("{} {path}", method.to_ascii_lowercase());
    };
    let watches = query
        .split('&')
        .any(|pair| matches!(pair, "watch=1" | "watch=true" | "watch"));
    let verb = match method {
        "GET" | "HEAD" if watches => "watch",
        "GET" | "HEAD" if place.name.is_none() => "list",
        "GET" | "HEAD" => "get",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if place.name.is_none() => "deletecollection",
        "DELETE" => "delete",
        other => return format!("{} {path}", other.to_ascii_lowercase()),
    };
    let resource = match place.part {
        Some(part) => format!("{}/{part}", place.resource),
        None => place.resource.to_owned(),
    };
    let group = if place.group.is_empty() {
        String::new()
    } else {
        format!(".{}", place.group)
    };
    match place.namespace {
        Some(namespace) => format!("{verb} {resource}{group} in {namespace}"),
        None => format!("{verb} {resource}{group}"),
    }
}

/// Does it go on with what an answer before it began: the next page of a list, the watch that
/// follows it? Such a request waited its turn with the first, and comes alone.
#[must_use]
pub fn goes_on(path_and_query: &str) -> bool {
    let (_, query) = path_and_query.split_once('?').unwrap_or_default();
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let from_there = |(key, value): (&str, &str)| match key {
        "continue" => !value.is_empty(),
        "resourceVersion" => query.contains("watch=") && !matches!(value, "" | "0"),
        _ => false,
    };
    pairs.any(from_there)
}

/// A path of the API taken apart.
struct Place<'a> {
    group: &'a str,
    namespace: Option<&'a str>,
    resource: &'a str,
    name: Option<&'a str>,
    /// A subresource: `log`, `eviction`.
    part: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// `None` for what is no resource: `/metrics`, `/apis`.
    fn of(path: &'a str) -> Option<Self> {
        let mut words = path
            .trim_start_matches('/')
            .split('/')
            .filter(|word| !word.is_empty());
        let group = match words.next()? {
            "api" => "",
            "apis" => words.next()?,
            _ => return None,
        };
        let _version = words.next()?;
        let rest: Vec<&str> = words.collect();
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", namespace, more @ ..] if !more.is_empty() => (Some(*namespace), more),
            all => (None, all),
        };
        let (resource, rest) = rest.split_first()?;
        Some(Self {
            group,
            namespace,
            resource,
            name: rest.first().copied(),
            part: rest.get(1).copied(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_is_told_from_what_begins() {
        for (path, on) in [
            ("/api/v1/pods?limit=500", false),
            ("/api/v1/pods?limit=500&continue=abc", true),
            (
                "/api/v1/pods?watch=1&resourceVersion=77&allowWatchBookmarks=true",
                true,
            ),
            ("/api/v1/pods?watch=1&sendInitialEvents=true", false),
            ("/api/v1/pods?watch=1&resourceVersion=0", false),
            ("/api/v1/pods?resourceVersion=77", false),
            ("/readyz?verbose", false),
        ] {
            assert_eq!(goes_on(path), on, "{path}");
        }
    }

    #[test]
    fn a_request_is_named_as_a_role_would_allow_it() {
        for (method, path, needs) in [
            ("GET", "/api/v1/pods?limit=500", "list pods"),
            (
                "GET",
                "/api/v1/pods?watch=1&resourceVersion=7",
                "watch pods",
            ),
            ("GET", "/api/v1/nodes/w-03", "get nodes"),
            ("GET", "/api/v1/namespaces/shop", "get namespaces"),
            ("GET", "/api/v1/namespaces", "list namespaces"),
            ("GET", "/api/v1/namespaces/shop/pods", "list pods in shop"),
            (
                "GET",
                "/api/v1/namespaces/shop/pods/a/log?follow=true",
                "get pods/log in shop",
            ),
            ("GET", "/apis/apps/v1/deployments", "list deployments.apps"),
            ("GET", "/metrics", "get /metrics"),
            ("GET", "/readyz?verbose", "get /readyz"),
            ("GET", "/apis", "get /apis"),
            ("PATCH", "/api/v1/nodes/w-03?dryRun=All", "patch nodes"),
            (
                "POST",
                "/api/v1/namespaces/shop/pods/a/eviction",
                "create pods/eviction in shop",
            ),
        ] {
            assert_eq!(need(method, path), needs);
        }
    }
}
