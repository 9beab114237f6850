//! etcd, one probe for each member and one for all members' hashes.
//!
//! Everything asked here is read-only and answered by the member itself as far as etcd allows, so
//! that a cluster without quorum still tells its state. It judges nothing.

mod answers;
mod call;
mod hash;
mod member;
mod metrics;
mod proto;

use std::sync::Arc;
use std::time::Duration;

use super::{Probe, Source, TargetConfig};
use crate::clients::endpoint::Endpoint;
use crate::config::settings::ConfigError;

/// etcd listens here for clients.
const PORT: u16 = 2379;

pub static SOURCE: Source = Source {
    kind: "etcd",
    doc: "Each member of an etcd cluster over gRPC (status, member list, hashes) and HTTP (/health, \
          /metrics).",
    period: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    keys: &["endpoints", "metrics_endpoints"],
    probes,
};

/// One member as configured: where its gRPC is, and where its HTTP is.
#[derive(Clone, Debug)]
struct Place {
    grpc: Arc<Endpoint>,
    http: Arc<Endpoint>,
}

fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    let places = places(target)?;
    let timeout = target.settings.duration("timeout");
    let budget = super::deadline::parts(timeout.unwrap_or(SOURCE.timeout));
    let cluster: Arc<str> = target.id.name.clone();
    let mut probes: Vec<Box<dyn Probe>> = Vec::with_capacity(places.len() + 1);
    for place in &places {
        let member = member::MemberProbe::new(cluster.clone(), place.clone(), budget)?;
        probes.push(Box::new(member));
    }
    // One member has nobody to be compared with.
    if places.len() > 1 {
        let members = places.iter().map(|place| place.grpc.clone());
        let hashes = hash::HashProbe::new(cluster, members, budget)?;
        probes.push(Box::new(hashes));
    }
    Ok(probes)
}

fn places(target: &TargetConfig) -> Result<Vec<Place>, ConfigError> {
    let settings = &target.settings;
    let endpoints = settings.list("endpoints");
    let metrics = settings.list("metrics_endpoints");
    let wrong = |key: &str, problem: String| {
        let place = settings
            .origin(key)
            .map_or_else(|| target.id.to_string(), ToString::to_string);
        ConfigError::new(place, format!("{}: {problem}", target.id))
    };
    if endpoints.is_empty() {
        return Err(wrong("endpoints", "no endpoints".into())
            .hint("set endpoints = [\"https://10.0.0.11:2379\", ...], one for each member"));
    }
    if !metrics.is_empty() && metrics.len() != endpoints.len() {
        let (some, all) = (metrics.len(), endpoints.len());
        return Err(
            wrong("metrics_endpoints", format!("{some} for {all} endpoints")).hint(
                "give one metrics endpoint for each endpoint, in the same order, or none at all",
            ),
        );
    }
    let mut places = Vec::with_capacity(endpoints.len());
    for (at, url) in endpoints.iter().enumerate() {
        if endpoints[..at].contains(url) {
            return Err(
                wrong("endpoints", format!("{url} is listed twice")).hint("remove one of the two")
            );
        }
        let grpc = Arc::new(Endpoint::from_settings(url, PORT, settings)?);
        let http = match metrics.get(at) {
            Some(url) => Arc::new(Endpoint::from_settings(url, PORT, settings)?),
            None => grpc.clone(),
        };
        places.push(Place { grpc, http });
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::{Settings, Value};
    use crate::ids::TargetId;

    fn target(endpoints: &[&str], metrics: &[&str]) -> TargetConfig {
        let list = |urls: &[&str]| Value::List(urls.iter().map(|u| (*u).to_owned()).collect());
        let mut settings = Settings::default();
        settings.set("endpoints", list(endpoints), "config.toml:3");
        settings.set("metrics_endpoints", list(metrics), "config.toml:4");
        TargetConfig {
            id: TargetId::new("etcd", "prod"),
            settings,
        }
    }

    fn refused(target: &TargetConfig) -> ConfigError {
        (SOURCE.probes)(target).err().unwrap()
    }

    #[tokio::test]
    async fn each_endpoint_is_a_feed_and_the_hashes_are_one_more() {
        let three = ["http://a:2379", "http://b:2379", "http://c:2379"];
        let probes = (SOURCE.probes)(&target(&three, &[])).unwrap();
        let feeds: Vec<String> = probes.iter().map(|probe| probe.endpoint()).collect();
        assert_eq!(feeds[..3], three);
        assert_eq!(feeds[3], "all members (hash)");
        assert_eq!(probes[1].subject().to_string(), "etcd/prod/b:2379");
        assert_eq!(probes[3].subject().to_string(), "etcd/prod");
        let second = SOURCE.period;
        assert!(probes[3].period(second) > second);
    }

    #[tokio::test]
    async fn a_single_member_has_nobody_to_be_compared_with() {
        let probes = (SOURCE.probes)(&target(&["http://a:2379"], &[])).unwrap();
        assert_eq!(probes.len(), 1);
    }

    #[test]
    fn metrics_endpoints_pair_up_or_are_refused_where_they_stand() {
        let error = refused(&target(
            &["http://a:2379", "http://b:2379"],
            &["http://a:2381"],
        ));
        assert_eq!(error.place, "config.toml:4");
        assert!(error.problem.contains("1 for 2"), "{error}");
        assert!(error.hint.unwrap().starts_with("give one"));
    }

    #[test]
    fn no_endpoints_and_twice_the_same_are_refused() {
        let error = refused(&target(&[], &[]));
        assert!(error.problem.contains("etcd/prod"), "{error}");
        let error = refused(&target(&["http://a:2379", "http://a:2379"], &[]));
        assert!(error.problem.contains("twice"), "{error}");
    }
}
