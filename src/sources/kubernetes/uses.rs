//! What nodes and pods use at present, from the metrics API where the cluster has one. Without it
//! nothing is known of use, which is no failure.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::beside::Ask;
use super::items::{Broken, Items};
use super::quantity::Quantity;
use crate::clients::kube::{Api, JSON};
use crate::objects::{Delta, ObjectKind, Resources, Use};
use crate::observation::{Harvest, Layer, Outage};

/// A list is large on a large cluster: 50,000 pods have 25 MB.
const LARGEST: u64 = 128 << 20;

/// What is asked for, and for which kind.
const ASKED: [(ObjectKind, &str); 2] = [(ObjectKind::Node, "nodes"), (ObjectKind::Pod, "pods")];

/// Asks for what is used.
pub struct Uses {
    /// Of which kinds something was told last: told as nothing when the API is gone.
    told: [bool; 2],
    /// Only the pods of these namespaces; empty: of all.
    namespaces: Vec<Arc<str>>,
}

impl Uses {
    #[must_use]
    pub fn new(namespaces: Vec<Arc<str>>) -> Self {
        Self {
            told: [false; 2],
            namespaces,
        }
    }
}

impl Ask for Uses {
    const WORD: &'static str = "use";

    async fn harvest(&mut self, api: &Api, bytes: &mut u64) -> Result<Harvest, Outage> {
        let mut harvest = Harvest::default();
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
                offered |= list(api, path, &mut Gathered::new(kind, &mut uses), bytes).await?;
            }
            if offered || self.told[at] {
                harvest.deltas.push(Delta::Uses(kind, uses));
            }
            self.told[at] = offered;
        }
        Ok(harvest)
    }
}

/// One list, item by item; false where the API is not offered.
async fn list(
    api: &Api,
    path: &str,
    gathered: &mut Gathered<'_>,
    bytes: &mut u64,
) -> Result<bool, Outage> {
    let mut reply = api.get(path, JSON).await?;
    if reply.status == 404 {
        return Ok(false);
    }
    if !reply.is_ok() {
        let refusal = reply.refusal().await;
        // Who may not list it is told so also where there is nothing to list.
        if refusal.code == 403 && !is_offered(api).await? {
            return Ok(false);
        }
        return Err(api.outage_of(&refusal));
    }
    let mut items = Items::default();
    let broken = |error: Broken| Outage::new(Layer::Parse, format!("{path}: {error}"));
    let feed = |piece: &[u8]| {
        let fed = items.feed(piece, &mut |item| gathered.take(item));
        fed.map_err(broken)
    };
    let read = reply.each(LARGEST, feed).await;
    *bytes += reply.wire_bytes();
    read?;
    items.end().map_err(broken)?;
    Ok(true)
}

/// Whether the cluster has the API at all, which everybody may ask.
async fn is_offered(api: &Api) -> Result<bool, Outage> {
    let reply = api.get("/apis/metrics.k8s.io", JSON).await?;
    Ok(reply.status != 404)
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    metadata: Meta<'a>,
    /// Of a node.
    usage: Option<Usage>,
    /// Of a pod.
    #[serde(default)]
    containers: Vec<Contained>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    name: Arc<str>,
    #[serde(default, borrow)]
    namespace: Cow<'a, str>,
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

/// What the items of lists of one kind say.
struct Gathered<'a> {
    kind: ObjectKind,
    uses: &'a mut Vec<Use>,
    /// That of the item before: lists go by namespace.
    namespace: Arc<str>,
}

impl<'a> Gathered<'a> {
    fn new(kind: ObjectKind, uses: &'a mut Vec<Use>) -> Self {
        Self {
            kind,
            uses,
            namespace: "".into(),
        }
    }

    fn take(&mut self, item: &[u8]) -> serde_json::Result<()> {
        let item: Item = serde_json::from_slice(item)?;
        if *self.namespace != *item.metadata.namespace {
            self.namespace = item.metadata.namespace.into();
        }
        self.uses.push(Use {
            kind: self.kind,
            used: match &item.usage {
                Some(usage) => usage.read(),
                None => sum(&item.containers),
            },
            namespace: self.namespace.clone(),
            name: item.metadata.name,
        });
        Ok(())
    }
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

    /// As it comes in pieces of so many bytes.
    fn read_by(size: usize, kind: ObjectKind, body: &[u8]) -> Result<Vec<Use>, Broken> {
        let mut uses = Vec::new();
        let mut gathered = Gathered::new(kind, &mut uses);
        let mut items = Items::default();
        for piece in body.chunks(size) {
            items.feed(piece, &mut |item| gathered.take(item))?;
        }
        items.end()?;
        Ok(uses)
    }

    fn read(kind: ObjectKind, body: &[u8]) -> Result<Vec<Use>, Broken> {
        read_by(usize::MAX, kind, body)
    }

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
        assert!(Arc::ptr_eq(&uses[0].namespace, &uses[2].namespace));
        for size in [1, 7, 64] {
            assert_eq!(
                read_by(size, ObjectKind::Pod, body).unwrap(),
                uses,
                "{size}"
            );
        }
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
