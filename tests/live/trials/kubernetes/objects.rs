//! The objects themselves, before any screen: what the watches tell is what the API server has, kind
//! by kind, whatever happens to the connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use libtest_mimic::Failed;
use midwatch::clients::kube::Api;
use midwatch::clock;
use midwatch::config::Environment;
use midwatch::objects::{Body, Delta, Object, ObjectKind};
use midwatch::observation::Outage;
use midwatch::sources::Probe;
use midwatch::sources::kubernetes::watch::WatchProbe;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::shop::{Shop, pods_path};
use crate::Row;
use crate::programs::Program::Etcd;
use crate::servers::kube::access::SHOP;
use crate::servers::kube::proxy::{Mode, Proxy, Seen};
use crate::servers::kube::raw::Raw;
use crate::servers::kube::{NEEDS, NEEDS_OLD, Options, Part, things};
use crate::target::Target;
use crate::watch::PATIENCE;

pub const ROWS: &[Row] = &[
    Row {
        name: "kubernetes::objects::every_kind_is_told_as_the_api_server_has_it",
        needs: NEEDS,
        run: || told(Options::whole("objects"), Way::Streamed),
    },
    Row {
        name: "kubernetes::objects::every_kind_is_told_also_where_lists_are_not_streamed",
        needs: NEEDS_OLD,
        run: || {
            let options = Options {
                etcd: Etcd,
                ..Options::whole("objects-old-etcd")
            };
            told(options, Way::Pages)
        },
    },
    Row {
        name: "kubernetes::objects::a_watch_that_is_cut_goes_on_without_a_new_list",
        needs: NEEDS,
        run: cut,
    },
    Row {
        name: "kubernetes::objects::a_watch_that_expired_is_listed_again_and_forgets_what_is_gone",
        needs: NEEDS,
        run: expired,
    },
];

/// What the watches told so far.
struct Eyes {
    runtime: Runtime,
    probes: Vec<WatchProbe>,
    kinds: BTreeMap<ObjectKind, Kept>,
    outages: Vec<Outage>,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<(Arc<str>, Arc<str>), Arc<Object>>,
    /// What a listing under way has told; the rest goes at its end.
    listing: Option<Vec<(Arc<str>, Arc<str>)>>,
    lists: usize,
    synced: bool,
}

impl Eyes {
    fn open(target: &Target, kinds: &[ObjectKind]) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let guard = runtime.enter();
        let api = Api::within("live", &target.config().settings, Environment::default())?;
        let probes = kinds
            .iter()
            .map(|kind| WatchProbe::new(api.clone(), *kind, None))
            .collect();
        drop(guard);
        Ok(Self {
            runtime,
            probes,
            kinds: kinds.iter().map(|kind| (*kind, Kept::default())).collect(),
            outages: Vec::new(),
        })
    }

    /// Hears every watch once.
    fn look(&mut self) {
        let polls = self.probes.iter_mut().map(WatchProbe::poll);
        let answers = self.runtime.block_on(futures::future::join_all(polls));
        for answer in answers {
            match answer.outcome {
                Ok(harvest) => harvest
                    .deltas
                    .into_iter()
                    .for_each(|delta| self.take(delta)),
                Err(outage) => self.outages.push(outage),
            }
        }
    }

    fn take(&mut self, delta: Delta) {
        match delta {
            Delta::Begin(kind) => {
                let kept = self.kinds.entry(kind).or_default();
                kept.listing = Some(Vec::new());
                kept.lists += 1;
            }
            Delta::Put(object) => {
                let kept = self.kinds.entry(object.kind()).or_default();
                let place = (object.namespace.clone(), object.name.clone());
                if let Some(listing) = &mut kept.listing {
                    listing.push(place.clone());
                }
                kept.objects.insert(place, object);
            }
            Delta::Gone {
                kind,
                namespace,
                name,
            } => {
                let kept = self.kinds.entry(kind).or_default();
                kept.objects.remove(&(namespace, name));
            }
            Delta::Synced(kind) => {
                let kept = self.kinds.entry(kind).or_default();
                if let Some(listing) = kept.listing.take() {
                    kept.objects.retain(|place, _| listing.contains(place));
                }
                kept.synced = true;
            }
            Delta::Uses(..) => {}
        }
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<(), Failed> {
        let end = clock::stamp() + PATIENCE;
        loop {
            self.look();
            if is_so(self) {
                return Ok(());
            }
            if clock::stamp() > end {
                let outages: Vec<String> = self.outages.iter().map(Outage::to_string).collect();
                return Err(format!("never came true: {what}\n{}", outages.join("\n")).into());
            }
        }
    }

    fn names(&self, kind: ObjectKind) -> Vec<String> {
        let kept = self.kinds.get(&kind);
        let places = kept.into_iter().flat_map(|kept| kept.objects.keys());
        places
            .map(|(namespace, name)| format!("{namespace}/{name}"))
            .collect()
    }
}

fn path_of(kind: ObjectKind) -> String {
    match kind.group() {
        "" => format!("/api/{}/{}", kind.version(), kind.plural()),
        group => format!("/apis/{group}/{}/{}", kind.version(), kind.plural()),
    }
}

fn told(options: Options, way: Way) -> Result<(), Failed> {
    let shop = Shop::on(options)?;
    let broken = format!("{}/broken", pods_path());
    shop.admin.post(&pods_path(), &things::pod("broken"))?;
    shop.plane
        .until("the pod that will break runs", Part::Kwok, || {
            shop.admin
                .get(&broken)
                .is_ok_and(|pod| things::is_ready(&pod))
        })?;
    shop.admin
        .patch_lists(&format!("{broken}/status"), &things::crashing(7))?;
    let deployments = format!("/apis/apps/v1/namespaces/{SHOP}/deployments");
    shop.admin
        .post(&deployments, &things::unplaceable("homeless"))?;
    let proxy = Proxy::start(&shop.plane)?;
    let mut eyes = Eyes::open(&shop.target_by(&proxy)?, ObjectKind::ALL)?;
    eyes.until("every kind is listed", |eyes| {
        eyes.kinds.values().all(|kept| kept.synced)
    })?;
    for kind in ObjectKind::ALL {
        // Leases and events go on changing: what is told may be a moment behind.
        let mut why = String::new();
        let end = clock::stamp() + PATIENCE;
        while let Err(difference) = same(&eyes, *kind, &shop.admin) {
            why = difference;
            if clock::stamp() > end {
                return Err(format!("{kind:?}: {why}").into());
            }
            eyes.look();
        }
        drop(why);
    }
    assert!(eyes.outages.is_empty(), "{:?}", eyes.outages);
    // Events are not cached by the API server, and are streamed on any etcd.
    let pods = |seen: &Seen| seen.path.starts_with("/api/v1/pods");
    let ways = proxy
        .seen()
        .into_iter()
        .filter(pods)
        .map(|seen| Way::of(&seen));
    let ways: Vec<Way> = ways.filter(|way| *way != Way::Watch).collect();
    assert_eq!(ways, [way]);
    Ok(())
}

/// How something was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A list as the beginning of a watch, to its end.
    Streamed,
    Pages,
    Watch,
}

impl Way {
    fn of(seen: &Seen) -> Self {
        let said = String::from_utf8_lossy(&seen.said);
        if seen.path.contains("limit=") {
            Self::Pages
        } else if said.contains("initial-events-end") {
            Self::Streamed
        } else {
            Self::Watch
        }
    }
}

/// The same objects on both sides, with the same in them.
fn same(eyes: &Eyes, kind: ObjectKind, raw: &Raw) -> Result<(), String> {
    let items = raw.list(&path_of(kind)).map_err(|_| "cannot be read")?;
    let kept = eyes.kinds.get(&kind).ok_or("not watched")?;
    let of = |item: &Value| -> (Arc<str>, Arc<str>) {
        (things::namespace_of(item).into(), things::name(item).into())
    };
    if items.len() != kept.objects.len() {
        return Err(format!(
            "{} there, {} told",
            items.len(),
            kept.objects.len()
        ));
    }
    for item in &items {
        let object = kept
            .objects
            .get(&of(item))
            .ok_or_else(|| format!("never told: {item:#}"))?;
        let (wanted, found) = (common(item), kept_common(object));
        if wanted != found {
            return Err(format!("there {wanted:#}\ntold {found:#}"));
        }
        let (wanted, found) = particular(kind, item, object);
        if wanted != found {
            return Err(format!(
                "{}: there {wanted:#}\ntold {found:#}",
                things::name(item)
            ));
        }
    }
    Ok(())
}

fn common(item: &Value) -> Value {
    let meta = &item["metadata"];
    let owners = meta["ownerReferences"].as_array();
    let mut owners = owners.into_iter().flatten();
    let owner = owners.find(|owner| owner["controller"] == true);
    json!({
        "uid": meta["uid"],
        "created": meta["creationTimestamp"],
        "labels": if meta["labels"].is_null() { json!({}) } else { meta["labels"].clone() },
        "owner": owner.map(|owner| json!([owner["kind"], owner["name"], owner["uid"]])),
    })
}

fn kept_common(object: &Object) -> Value {
    let labels: BTreeMap<&str, &str> = object.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
    json!({
        "uid": &*object.uid,
        "created": object.created.map(|at| at.to_string()),
        "labels": labels,
        "owner": object.owner.as_ref().map(|owner| json!([&*owner.kind, &*owner.name, &*owner.uid])),
    })
}

/// What is particular to a kind, on both sides.
fn particular(kind: ObjectKind, item: &Value, object: &Object) -> (Value, Value) {
    let (spec, status) = (&item["spec"], &item["status"]);
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    match &object.body {
        Body::Pod(pod) => {
            let containers = status["containerStatuses"].as_array();
            let states = containers.into_iter().flatten().map(|container| {
                let state = container["state"].as_object();
                let state = state.and_then(|state| state.iter().next());
                let word = state.map(|(word, inside)| inside["reason"].as_str().unwrap_or(word));
                json!([
                    container["name"],
                    container["ready"],
                    container["restartCount"],
                    word,
                    container["lastState"]["terminated"]["reason"]
                ])
            });
            let kept = pod.containers.iter().map(|container| {
                use midwatch::objects::ContainerState::{Running, Terminated, Waiting};
                let word = match &container.state {
                    Waiting(reason, _) => reason.to_string(),
                    Running(_) => "running".into(),
                    Terminated(end) => end.reason.to_string(),
                };
                let last = container.last.as_ref().map(|end| end.reason.to_string());
                json!([
                    &*container.spec.name,
                    container.ready,
                    container.restarts,
                    word,
                    last
                ])
            });
            let phase = status["phase"]
                .as_str()
                .unwrap_or_default()
                .replace("Succeeded", "Completed");
            // A pod without statuses yet is told with its specified containers.
            let states: Vec<Value> = states.collect();
            let kept: Vec<Value> = if states.is_empty() {
                Vec::new()
            } else {
                kept.collect()
            };
            (
                json!([
                    phase,
                    spec["nodeName"],
                    status["podIP"],
                    things::is_ready(item),
                    states
                ]),
                json!([
                    pod.phase.word(),
                    pod.node.as_deref(),
                    pod.ip.as_deref(),
                    pod.ready,
                    kept
                ]),
            )
        }
        Body::Node(node) => (
            json!([
                things::is_cordoned(item),
                status["nodeInfo"]["kubeletVersion"],
                things::condition(item, "Ready"),
                8000,
                32_u64 << 30,
                110
            ]),
            json!([
                node.unschedulable,
                &*node.kubelet,
                format!("{:?}", node.ready()),
                node.allocatable.cpu_milli,
                node.allocatable.memory,
                node.pods
            ]),
        ),
        Body::Deployment(workload) | Body::StatefulSet(workload) | Body::ReplicaSet(workload) => (
            json!([
                count(&spec["replicas"]),
                count(&status["readyReplicas"]),
                count(&status["availableReplicas"])
            ]),
            json!([workload.desired, workload.ready, workload.available]),
        ),
        Body::DaemonSet(workload) => (
            json!([
                count(&status["desiredNumberScheduled"]),
                count(&status["numberReady"])
            ]),
            json!([workload.desired, workload.ready]),
        ),
        Body::Job(job) => (
            json!([
                count(&status["active"]),
                count(&status["succeeded"]),
                count(&status["failed"])
            ]),
            json!([job.active, job.succeeded, job.failed]),
        ),
        Body::CronJob(cron) => (json!(spec["schedule"]), json!(&*cron.schedule)),
        Body::Event(event) => (
            json!([
                item["reason"],
                item["message"],
                item["involvedObject"]["name"]
            ]),
            json!([&*event.reason, &*event.message, &*event.about.2]),
        ),
        Body::DisruptionBudget(budget) => (
            json!([
                count(&status["disruptionsAllowed"]),
                count(&status["currentHealthy"]),
                count(&status["expectedPods"])
            ]),
            json!([budget.allowed, budget.healthy, budget.expected]),
        ),
        Body::Service(service) => (
            json!([spec["type"], spec["clusterIP"]]),
            json!([&*service.kind, service.cluster_ip.as_deref()]),
        ),
        Body::Endpoints(endpoints) => {
            let all = item["endpoints"].as_array();
            let ready = all
                .into_iter()
                .flatten()
                .filter(|one| one["conditions"]["ready"] == true);
            (json!(ready.count()), json!(endpoints.ready))
        }
        Body::Quota(quota) => (
            status["hard"]
                .as_object()
                .map_or(Value::Null, |hard| json!(hard.len())),
            json!(quota.lines.len()),
        ),
        Body::Lease(lease) => (
            json!(spec["holderIdentity"]),
            json!(lease.holder.as_deref()),
        ),
        _ => (json!(kind.plural()), json!(kind.plural())),
    }
}

fn is_list(seen: &Seen) -> bool {
    let query = seen.path.split_once('?').map_or("", |(_, query)| query);
    !query.contains("watch=") || query.contains("sendInitialEvents=true")
}

fn cut() -> Result<(), Failed> {
    let shop = Shop::open("cut")?;
    let proxy = Proxy::start(&shop.plane)?;
    let mut eyes = Eyes::open(&shop.target_by(&proxy)?, &[ObjectKind::Pod])?;
    eyes.until("the pods are listed", |eyes| {
        eyes.kinds[&ObjectKind::Pod].synced
    })?;
    proxy.set(Mode::Cut);
    shop.admin.post(&pods_path(), &things::pod("late"))?;
    eyes.until("the cut is noticed", |eyes| !eyes.outages.is_empty())?;
    let before = proxy.seen().len();
    proxy.set(Mode::Through);
    eyes.until("what came meanwhile", |eyes| {
        eyes.names(ObjectKind::Pod)
            .contains(&format!("{SHOP}/late"))
    })?;
    let lists: Vec<Seen> = proxy
        .seen()
        .into_iter()
        .skip(before)
        .filter(is_list)
        .collect();
    assert!(lists.is_empty(), "{lists:#?}");
    assert_eq!(eyes.kinds[&ObjectKind::Pod].lists, 1);
    Ok(())
}

fn expired() -> Result<(), Failed> {
    let mut shop = Shop::open("objects-expired")?;
    let proxy = Proxy::start(&shop.plane)?;
    let mut eyes = Eyes::open(&shop.target_by(&proxy)?, &[ObjectKind::Pod])?;
    eyes.until("the pods are listed", |eyes| {
        eyes.kinds[&ObjectKind::Pod].synced
    })?;
    let gone = eyes.names(ObjectKind::Pod);
    let gone = gone
        .iter()
        .find(|name| name.contains("/import-"))
        .ok_or("no job's pod")?;
    proxy.set(Mode::Cut);
    shop.empty_job()?;
    shop.admin.post(&pods_path(), &things::pod("late"))?;
    // A server that starts anew remembers no change, and etcd forgets those before the compaction.
    shop.plane.compact()?;
    shop.plane.restart(Part::Api)?;
    shop.plane.ready()?;
    proxy.set(Mode::Through);
    eyes.until("the list of now", |eyes| {
        let names = eyes.names(ObjectKind::Pod);
        names.contains(&format!("{SHOP}/late")) && !names.contains(gone)
    })?;
    assert_eq!(eyes.kinds[&ObjectKind::Pod].lists, 2);
    assert!(
        proxy.seen().iter().any(is_expiry),
        "no watch was refused as too old"
    );
    Ok(())
}

/// A watch that was told that its version is forgotten.
pub fn is_expiry(seen: &Seen) -> bool {
    let said = String::from_utf8_lossy(&seen.said);
    seen.status == Some(410) || said.contains("too old resource version")
}
