//! What nodes and pods use at present, from the metrics API where the cluster has one. Without it
//! nothing is known of use, which is no failure.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::quantity::Quantity;
use crate::clients::kube::{Api, JSON};
use crate::objects::{Delta, ObjectKind, Resources, Use};
use crate::observation::{Harvest, Layer, Outage};
use crate::sources::{Answer, PollFuture, Probe};
use crate::subject::Subject;

/// metrics-server measures anew every 15 s at its fastest.
const PERIOD: Duration = Duration::from_secs(30);
/// A list is large on a large cluster: 50,000 pods have 25 MB.
const DEADLINE: Duration = Duration::from_secs(20);
const LARGEST: u64 = 128 << 20;

/// What is asked for, and for which kind.
const ASKED: [(ObjectKind, &str); 2] = [(ObjectKind::Node, "nodes"), (ObjectKind::Pod, "pods")];

pub struct UsesProbe {
    api: Api,
    endpoint: String,
    /// Of which kinds something was told last: told as nothing when the API is gone.
    told: [bool; 2],
    /// Only the pods of these namespaces; empty: of all.
    namespaces: Vec<Arc<str>>,
}

impl UsesProbe {
    #[must_use]
    pub fn new(api: Api, namespaces: Vec<Arc<str>>) -> Self {
        Self {
            endpoint: format!("{} (use)", api.server()),
            api,
            told: [false; 2],
            namespaces,
        }
    }

    async fn ask(&mut self) -> Answer {
        let mut bytes = 0;
        let outcome = self.harvest(&mut bytes).await;
        Answer { bytes, outcome }
    }

    async fn harvest(&mut self, bytes: &mut u64) -> Result<Harvest, Outage> {
        let mut harvest = Harvest {
            subject: Some(self.subject()),
            ..Harvest::default()
        };
        for (at, (kind, plural)) in ASKED.into_iter().enumerate() {
            let mut paths = vec![format!("/apis/metrics.k8s.io/v1beta1/{plural}")];
            if kind == ObjectKind::Pod && !self.namespaces.is_empty() {
                let within = |name: &Arc<str>| {
                    format!("/apis/metrics.k8s.io/v1beta1/namespaces/{name}/{plural}")
                };
                paths = self.namespaces.iter().map(within).collect();
            }
            let mut uses = Vec::new();
            let mut offered = false;
            for path in &paths {
                if let Some(some) = self.list(path, kind, bytes).await? {
                    offered = true;
                    uses.extend(some);
                }
            }
            if offered || self.told[at] {
                harvest.deltas.push(Delta::Uses(kind, uses));
            }
            self.told[at] = offered;
        }
        Ok(harvest)
    }

    /// One list; `None` where the API is not offered.
    async fn list(
        &self,
        path: &str,
        kind: ObjectKind,
        bytes: &mut u64,
    ) -> Result<Option<Vec<Use>>, Outage> {
        let mut reply = self.api.get(path, JSON).await?;
        if reply.status == 404 {
            return Ok(None);
        }
        if !reply.is_ok() {
            let refusal = reply.refusal().await;
            // Who may not list it is told so also where there is nothing to list.
            if refusal.code == 403 && !self.is_offered().await? {
                return Ok(None);
            }
            return Err(self.api.outage_of(&refusal));
        }
        let body = reply.rest(LARGEST).await?;
        *bytes += reply.wire_bytes();
        read(kind, &body)
            .map(Some)
            .map_err(|error| Outage::new(Layer::Parse, format!("{path}: {error}")))
    }
}

impl UsesProbe {
    /// Whether the cluster has the API at all, which everybody may ask.
    async fn is_offered(&self) -> Result<bool, Outage> {
        let reply = self.api.get("/apis/metrics.k8s.io", JSON).await?;
        Ok(reply.status != 404)
    }
}

impl Probe for UsesProbe {
    fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    fn subject(&self) -> Subject {
        Subject::cluster(self.api.cluster())
    }

    fn period(&self, target: Duration) -> Duration {
        PERIOD.max(target)
    }

    fn timeout(&self, target: Duration) -> Duration {
        DEADLINE.max(target)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.ask())
    }

    fn disconnect(&mut self) {
        self.api.disconnect();
    }

    fn waiting_for(&self) -> String {
        self.api.phase_words()
    }
}

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Meta,
    /// Of a node.
    usage: Option<Usage>,
    /// Of a pod.
    #[serde(default)]
    containers: Vec<Contained>,
}

#[derive(Deserialize)]
struct Meta {
    name: Arc<str>,
    #[serde(default)]
    namespace: Arc<str>,
}

#[derive(Deserialize)]
struct Contained {
    usage: Usage,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    cpu: Option<String>,
    memory: Option<String>,
}

impl Usage {
    fn read(&self) -> Resources {
        let quantity = |text: &Option<String>| Quantity::parse(text.as_deref()?);
        Resources {
            cpu_milli: quantity(&self.cpu).and_then(Quantity::milli),
            memory: quantity(&self.memory).and_then(Quantity::whole),
        }
    }
}

fn read(kind: ObjectKind, body: &[u8]) -> serde_json::Result<Vec<Use>> {
    let list: List = serde_json::from_slice(body)?;
    let one = |item: Item| Use {
        kind,
        used: match &item.usage {
            Some(usage) => usage.read(),
            None => sum(&item.containers),
        },
        namespace: item.metadata.namespace,
        name: item.metadata.name,
    };
    Ok(list.items.into_iter().map(one).collect())
}

/// All containers together; a number that one of them lacks is not known of the whole.
fn sum(containers: &[Contained]) -> Resources {
    let add = |part: fn(&Resources) -> Option<u64>| {
        let mut parts = containers.iter().map(|one| part(&one.usage.read()));
        parts.try_fold(0_u64, |sum, next| Some(sum.saturating_add(next?)))
    };
    Resources {
        cpu_milli: add(|used| used.cpu_milli).filter(|_| !containers.is_empty()),
        memory: add(|used| used.memory).filter(|_| !containers.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_uses_what_its_containers_use_together() {
        let body = br#"{"kind":"PodMetricsList","items":[
            {"metadata":{"name":"web-1","namespace":"shop"},"timestamp":"2026-11-21T00:00:00Z","window":"15s",
             "containers":[{"name":"a","usage":{"cpu":"1500001n","memory":"100Ki"}},{"name":"b","usage":{"cpu":"2m","memory":"1Mi"}}]},
            {"metadata":{"name":"half","namespace":"shop"},"containers":[{"name":"a","usage":{"cpu":"1","memory":"x"}}]},
            {"metadata":{"name":"none","namespace":"shop"},"containers":[]}]}"#;
        let uses = read(ObjectKind::Pod, body).unwrap();
        assert_eq!((&*uses[0].namespace, &*uses[0].name), ("shop", "web-1"));
        let used = Resources {
            cpu_milli: Some(4),
            memory: Some(102_400 + 1_048_576),
        };
        assert_eq!(uses[0].used, used);
        assert_eq!(
            (uses[1].used.cpu_milli, uses[1].used.memory),
            (Some(1000), None)
        );
        assert_eq!(uses[2].used, Resources::default());
    }

    #[test]
    fn a_node_has_one_use() {
        let body =
            br#"{"items":[{"metadata":{"name":"w-03"},"usage":{"cpu":"250m","memory":"2Gi"}}]}"#;
        let uses = read(ObjectKind::Node, body).unwrap();
        assert_eq!((&*uses[0].name, &*uses[0].namespace), ("w-03", ""));
        assert_eq!(uses[0].used.memory, Some(2 << 30));
        assert!(read(ObjectKind::Node, b"{}").is_err());
    }
}
