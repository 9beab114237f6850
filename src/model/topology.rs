//! What runs where, derived from the endpoints of the feeds and never configured twice.
//!
//! Two feeds whose endpoints name the same machine (by address or name) run on one host. A
//! loopback address is this machine, and only where a `local` target watches it. Also the indexes
//! from subject to feed. It judges nothing and resolves no names.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{FeedIndex, FeedSpec};
use crate::subject::{Subject, SubjectKind};

/// Which feed speaks for what, and which of them share a machine. Every look-up is logarithmic.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    places: Vec<Place>,
    by_subject: BTreeMap<Subject, Vec<FeedIndex>>,
    by_target: BTreeMap<Subject, FeedIndex>,
    by_address: BTreeMap<String, Vec<FeedIndex>>,
    by_authority: BTreeMap<String, FeedIndex>,
    local: Option<FeedIndex>,
    version: u64,
}

#[derive(Clone, Debug)]
struct Place {
    subject: Subject,
    /// The machine's name or address, without the port; `None` for in-process feeds.
    address: Option<String>,
}

impl Topology {
    /// Adds the next feed; they come in the order of their indexes.
    pub(super) fn place(&mut self, spec: &FeedSpec) {
        self.version += 1;
        let (id, subject) = (&spec.id, &spec.subject);
        let feed = self.places.len();
        // The endpoint of a stream names what it tells, not where.
        let authority = match spec.tells {
            Some(_) => "",
            None => authority(&id.endpoint),
        };
        let address = (!authority.is_empty()).then(|| machine(authority).to_ascii_lowercase());
        if let Some(address) = &address {
            self.by_address
                .entry(address.clone())
                .or_default()
                .push(feed);
            self.by_authority
                .entry(authority.to_ascii_lowercase())
                .or_insert(feed);
        }
        if &*id.target.kind == "local" {
            self.local.get_or_insert(feed);
        }
        self.by_target.entry(Subject::target(id)).or_insert(feed);
        self.by_subject
            .entry(subject.clone())
            .or_default()
            .push(feed);
        self.places.push(Place {
            subject: subject.clone(),
            address,
        });
    }

    /// The feed has learnt that it speaks for another subject.
    pub(super) fn settle(&mut self, feed: FeedIndex, subject: &Subject) {
        let Some(place) = self.places.get_mut(feed) else {
            return;
        };
        let before = std::mem::replace(&mut place.subject, subject.clone());
        self.version += 1;
        if let Some(row) = self.by_subject.get_mut(&before) {
            row.retain(|index| *index != feed);
            if row.is_empty() {
                self.by_subject.remove(&before);
            }
        }
        let row = self.by_subject.entry(subject.clone()).or_default();
        row.push(feed);
        row.sort_unstable();
    }

    /// Another number after each change of what runs where.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Feeds whose own subject is this one.
    #[must_use]
    pub fn feeds_of(&self, subject: &Subject) -> &[FeedIndex] {
        self.by_subject.get(subject).map_or(&[], Vec::as_slice)
    }

    /// The feed that a `target/…` subject names.
    #[must_use]
    pub fn feed_named(&self, target: &Subject) -> Option<FeedIndex> {
        self.by_target.get(target).copied()
    }

    /// The host that a subject runs on; `None` where no watched host is known to be it. A host
    /// runs on itself.
    #[must_use]
    pub fn host_of(&self, subject: &Subject) -> Option<&Subject> {
        let known = |host: &Subject| self.by_subject.get_key_value(host).map(|(key, _)| key);
        match subject.kind {
            SubjectKind::Host => known(subject),
            SubjectKind::Mount | SubjectKind::Disk | SubjectKind::Nic => known(&subject.whole()?),
            SubjectKind::Target => {
                let feed = self.feed_named(subject)?;
                self.host_of(&self.places[feed].subject)
            }
            _ => self
                .feeds_of(subject)
                .iter()
                .filter_map(|feed| self.places[*feed].address.as_deref())
                .find_map(|address| self.host_at(address)),
        }
    }

    /// Every feed at the addresses of a host, its own included. What is reached over loopback may
    /// be a tunnel to anywhere and is left out.
    #[must_use]
    pub fn beside(&self, host: &Subject) -> Vec<FeedIndex> {
        let own = self.feeds_of(host);
        let at = |feed: &FeedIndex| self.places[*feed].address.as_deref();
        let addresses: BTreeSet<&str> = own.iter().filter_map(at).chain([host.leaf()]).collect();
        let others = addresses
            .into_iter()
            .filter(|address| !is_loopback(address))
            .filter_map(|address| self.by_address.get(address))
            .flatten();
        let all: BTreeSet<FeedIndex> = own.iter().chain(others).copied().collect();
        all.into_iter().collect()
    }

    /// Is this feed reached by a name that must be looked up?
    #[must_use]
    pub fn needs_a_name(&self, feed: FeedIndex) -> bool {
        let address = self.places.get(feed).and_then(|it| it.address.as_deref());
        address.is_some_and(|it| !is_loopback(it) && it.parse::<IpAddr>().is_err())
    }

    /// What an `instance` label of an alert or scrape names: the thing polled at that very
    /// endpoint, else the host at that address. A loopback address is somebody else's unless the
    /// server that told it is reached over loopback too.
    #[must_use]
    pub fn at(&self, instance: &str, told_by: &Subject) -> Option<&Subject> {
        let authority = authority(instance).to_ascii_lowercase();
        let address = machine(&authority);
        if is_loopback(address) && !self.is_here(told_by) {
            return None;
        }
        if let Some(feed) = self.by_authority.get(&authority) {
            return Some(&self.places[*feed].subject);
        }
        self.host_at(address)
    }

    /// The feed polled at the very endpoint that an `instance` label names.
    #[must_use]
    pub fn feed_at(&self, instance: &str, told_by: &Subject) -> Option<FeedIndex> {
        let authority = authority(instance).to_ascii_lowercase();
        if is_loopback(machine(&authority)) && !self.is_here(told_by) {
            return None;
        }
        self.by_authority.get(&authority).copied()
    }

    /// The host that this program runs on, where a `local` target watches it.
    #[must_use]
    pub fn here(&self) -> Option<&Subject> {
        self.local.map(|feed| &self.places[feed].subject)
    }

    fn host_at(&self, address: &str) -> Option<&Subject> {
        if is_loopback(address) {
            return self.local.map(|feed| &self.places[feed].subject);
        }
        let polled = self
            .by_address
            .get(address)
            .into_iter()
            .flatten()
            .map(|feed| &self.places[*feed].subject)
            .find(|subject| subject.kind == SubjectKind::Host);
        polled.or_else(|| {
            let named = Subject::host(address);
            self.by_subject.get_key_value(&named).map(|(key, _)| key)
        })
    }

    /// Is this reached over loopback, and so on the machine that this program runs on?
    #[must_use]
    pub fn is_here(&self, subject: &Subject) -> bool {
        self.feeds_of(subject).iter().any(|feed| {
            self.places[*feed]
                .address
                .as_deref()
                .is_some_and(is_loopback)
        })
    }
}

/// `host:port` of a URL, so that `http://a:2379` and `https://a:2379/` name one endpoint.
pub(super) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ' ']).next().unwrap_or(rest)
}

/// The part of `host:port` before the port. An address of IPv6 loses its brackets; a bare one is
/// recognised by its many colons.
fn machine(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => authority,
    }
}

fn is_loopback(address: &str) -> bool {
    address == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::{FeedId, TargetId};
    use crate::objects::ObjectKind;

    fn topology(feeds: &[(&str, &str, &str)]) -> Topology {
        let mut topology = Topology::default();
        for (kind, endpoint, subject) in feeds {
            topology.place(&spec(kind, endpoint, subject));
        }
        topology
    }

    fn spec(kind: &str, endpoint: &str, subject: &str) -> FeedSpec {
        FeedSpec {
            id: FeedId::new(TargetId::new(kind, "x"), endpoint),
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            subject: subject.parse().unwrap(),
            tells: None,
        }
    }

    fn host_of(topology: &Topology, subject: &str) -> Option<String> {
        topology
            .host_of(&subject.parse().unwrap())
            .map(ToString::to_string)
    }

    #[test]
    fn feeds_at_one_address_run_on_one_host() {
        let t = topology(&[
            ("node-exporter", "http://10.0.0.1:9100/metrics", "host/cp-1"),
            ("etcd", "https://10.0.0.1:2379", "etcd/prod/m1"),
            ("etcd", "https://10.0.0.2:2379", "etcd/prod/m2"),
            ("prometheus", "http://[fd00::1]:9090", "prometheus/a"),
            ("node-exporter", "[fd00::1]:9100", "host/mon"),
        ]);
        assert_eq!(host_of(&t, "etcd/prod/m1").as_deref(), Some("host/cp-1"));
        assert_eq!(host_of(&t, "etcd/prod/m2"), None);
        assert_eq!(host_of(&t, "prometheus/a").as_deref(), Some("host/mon"));
        assert_eq!(host_of(&t, "mount/cp-1/var").as_deref(), Some("host/cp-1"));
    }

    #[test]
    fn loopback_is_this_machine_only_where_it_is_watched() {
        let alone = topology(&[("etcd", "http://127.0.0.1:2379", "etcd/dev/a")]);
        assert_eq!(host_of(&alone, "etcd/dev/a"), None);
        let watched = topology(&[
            ("etcd", "http://127.0.0.1:2379", "etcd/dev/a"),
            ("local", "", "host/here"),
        ]);
        assert_eq!(
            host_of(&watched, "etcd/dev/a").as_deref(),
            Some("host/here")
        );
    }

    #[test]
    fn an_instance_label_names_the_endpoint_then_the_host() {
        let t = topology(&[
            ("node-exporter", "http://10.0.0.1:9100", "host/cp-1"),
            ("etcd", "https://10.0.0.1:2379", "etcd/prod/m1"),
            ("etcd", "http://127.0.0.1:2379", "etcd/dev/a"),
            ("prometheus", "http://10.0.0.9:9090", "prometheus/far"),
            ("prometheus", "http://localhost:9090", "prometheus/near"),
        ]);
        let at = |instance: &str, by: &str| {
            t.at(instance, &by.parse().unwrap())
                .map(ToString::to_string)
        };
        assert_eq!(
            at("10.0.0.1:2379", "prometheus/far").as_deref(),
            Some("etcd/prod/m1")
        );
        assert_eq!(
            at("10.0.0.1:9999", "prometheus/far").as_deref(),
            Some("host/cp-1")
        );
        assert_eq!(at("cp-1", "prometheus/far").as_deref(), Some("host/cp-1"));
        assert_eq!(at("127.0.0.1:2379", "prometheus/far"), None);
        assert_eq!(
            at("127.0.0.1:2379", "prometheus/near").as_deref(),
            Some("etcd/dev/a")
        );
    }

    #[test]
    fn a_stream_runs_where_its_cluster_does_and_its_name_is_no_machine() {
        let mut t = topology(&[
            ("node-exporter", "http://10.0.0.1:9100", "host/cp-1"),
            ("node-exporter", "http://10.0.0.7:9100", "host/pods"),
            ("kubernetes", "https://10.0.0.1:6443", "cluster/prod"),
        ]);
        t.place(&FeedSpec {
            tells: Some(ObjectKind::Pod),
            ..spec("kubernetes", "pods", "cluster/prod")
        });
        assert_eq!(host_of(&t, "cluster/prod").as_deref(), Some("host/cp-1"));
        assert_eq!(t.beside(&Subject::host("pods")), [1]);
        assert!(!t.needs_a_name(3));
    }

    #[test]
    fn a_feed_that_learns_its_name_is_found_under_it() {
        let mut t = topology(&[("etcd", "https://10.0.0.1:2379", "etcd/prod/placeholder")]);
        t.settle(0, &"etcd/prod/m1".parse().unwrap());
        assert_eq!(t.feeds_of(&"etcd/prod/m1".parse().unwrap()), [0]);
        assert!(
            t.feeds_of(&"etcd/prod/placeholder".parse().unwrap())
                .is_empty()
        );
    }
}
