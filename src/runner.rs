//! Does what was permitted: writes it down, looks again, sends each request once, writes down how it
//! was answered. What the answer is worth the next observation says, and that is the core's to wait
//! for.
//!
//! Also asks the API server about a plan before anybody answers it. Knows no screen and no model.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::actions::arm::Armed;
use crate::actions::errand::{End, Errand, News};
use crate::actions::guard::{self, Permit};
use crate::actions::live::{DryRun, Identity, Live, May, Seen};
use crate::actions::plan::{Change, Plan, Target};
use crate::actions::record::{ActionId, Ended, Entry, Kind, Outcome, Record};
use crate::actions::{ACTIONS, Action};
use crate::audit::{Audit, AuditError};
use crate::clients::kube::writer::Writer;
use crate::clients::kube::{Api, JSON};
use crate::clock;
use crate::observation::{Layer, Outage};
use crate::units;

/// So long a question may take.
const QUESTION: Duration = Duration::from_secs(10);
/// Largest object that is read.
const OBJECT: u64 = 4 << 20;
/// News that may wait for the loop.
const WAITING: usize = 64;

const ACCESS_REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const SUBJECT_REVIEW: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// Everything that errands of the console are done with.
pub struct Desk {
    apis: Arc<BTreeMap<Arc<str>, Api>>,
    audit: Result<Audit, String>,
    news: Sender<News>,
    /// Records in the order in which they were asked for.
    paper: Sender<Paper>,
    /// The cluster for which the last record of it armed the console.
    armed: Mutex<Option<String>>,
    scribe: JoinHandle<()>,
}

/// Work for the one task that writes what the console says.
enum Paper {
    Record(Box<Entry>),
    Read,
}

impl Desk {
    /// A desk for these clusters, and the news that come from it. Needs a tokio runtime.
    #[must_use]
    pub fn new(apis: Vec<Api>, audit: Result<Audit, AuditError>) -> (Self, Receiver<News>) {
        let (news, told) = channel(WAITING);
        let (paper, papers) = channel(WAITING);
        let audit = audit.map_err(|error| error.to_string());
        let apis = apis.into_iter().map(|api| (api.cluster().clone(), api));
        let scribe = tokio::spawn(scribe(audit.clone(), papers, news.clone()));
        let desk = Self {
            apis: Arc::new(apis.collect()),
            audit,
            news,
            paper,
            armed: Mutex::default(),
            scribe,
        };
        (desk, told)
    }

    /// Begins an errand; what becomes of it is news.
    pub fn take(&self, errand: Errand) {
        let news = self.news.clone();
        match errand {
            Errand::Record(entry) => {
                let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
                match entry.kind {
                    Kind::Armed => armed.clone_from(&entry.cluster),
                    Kind::Disarmed => *armed = None,
                    _ => {}
                }
                drop(armed);
                self.write(Paper::Record(entry));
            }
            Errand::ReadTrail => self.write(Paper::Read),
            Errand::Prepare {
                ticket,
                plan,
                armed,
            } => {
                let (api, audit) = (self.api(&plan.target.cluster), self.audit.clone());
                tokio::spawn(async move {
                    let live = match api {
                        Ok(api) => Box::pin(prepare(&api, &audit, &plan, armed.as_ref())).await,
                        Err(outage) => nobody(&outage),
                    };
                    let live = Box::new(live);
                    let _ = news.send(News::Prepared { ticket, live }).await;
                });
            }
            Errand::Run { ticket, permit } => {
                let api = self.api(&permit.plan().target.cluster);
                let audit = self.audit.clone();
                tokio::spawn(async move {
                    let end = match (api, audit) {
                        (Ok(api), Ok(audit)) => {
                            let told = news.clone();
                            run(&api, &audit, *permit, |record| {
                                let record = Box::new(record);
                                let ticket = Some(ticket);
                                let told = told.clone();
                                async move {
                                    let _ = told.send(News::Recorded { ticket, record }).await;
                                }
                            })
                            .await
                        }
                        (Err(outage), _) => End::NotSent(outage.to_string()),
                        (_, Err(why)) => End::NotRecorded(why),
                    };
                    let _ = news.send(News::Ended { ticket, end }).await;
                });
            }
            Errand::Identify(cluster) => {
                let api = self.api(&cluster);
                tokio::spawn(async move {
                    let (who, may) = match api {
                        Ok(api) => identify(&api).await,
                        Err(outage) => (Err(outage), Vec::new()),
                    };
                    let _ = news.send(News::Identified { cluster, who, may }).await;
                });
            }
        }
    }

    /// Waits until everything is written that was asked to be, at most for so long. Power that
    /// nobody ended ends here, however the console was left, and that is written too.
    pub async fn finish(self, limit: Duration) {
        let Self {
            paper,
            scribe,
            armed,
            ..
        } = self;
        let armed = armed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let written = async move {
            if let Some(cluster) = armed {
                let entry = Entry::new(Kind::Disarmed).cluster(&cluster);
                let entry = Box::new(entry.note("midwatch ended"));
                let _ = paper.send(Paper::Record(entry)).await;
            }
            drop(paper);
            scribe.await
        };
        let _ = tokio::time::timeout(limit, written).await;
    }

    fn write(&self, paper: Paper) {
        if let Err(error) = self.paper.try_send(paper) {
            let why = format!("too much waits to be written: {error}");
            let _ = self.news.try_send(News::NotRecorded(why));
        }
    }

    fn api(&self, cluster: &str) -> Result<Api, Outage> {
        let api = self.apis.get(cluster).cloned();
        api.ok_or_else(|| Outage::new(Layer::Local, format!("no cluster is called {cluster}")))
    }
}

async fn scribe(audit: Result<Audit, String>, mut papers: Receiver<Paper>, news: Sender<News>) {
    while let Some(paper) = papers.recv().await {
        let told = match (&audit, paper) {
            (Err(why), Paper::Record(_)) => News::NotRecorded(why.clone()),
            (Err(why), Paper::Read) => News::Trail(Err(why.clone())),
            (Ok(audit), Paper::Record(entry)) => match audit.record(audit.signed(*entry)).await {
                Ok(record) => News::Recorded {
                    ticket: None,
                    record: Box::new(record),
                },
                Err(error) => News::NotRecorded(error.to_string()),
            },
            (Ok(audit), Paper::Read) => match read(audit.clone()).await {
                Ok(ReadBack { damage, known }) => {
                    // First, so that what the records say is not the last word.
                    if let Some(damage) = damage {
                        let _ = news.send(News::Damaged(damage)).await;
                    }
                    News::Trail(Ok(known))
                }
                Err(why) => News::Trail(Err(why)),
            },
        };
        if news.send(told).await.is_err() {
            // The console is gone; what waits is still written.
            tracing::debug!("nobody hears what was recorded");
        }
    }
}

/// The audit as it was read.
struct ReadBack {
    /// Records, and runs of other processes that are alive.
    known: (Vec<Record>, BTreeSet<ActionId>),
    /// Why nothing may be done.
    damage: Option<String>,
}

/// The whole audit, off the loop.
async fn read(audit: Audit) -> Result<ReadBack, String> {
    let read = tokio::task::spawn_blocking(move || {
        let (records, fault) = audit.read().map_err(|error| error.to_string())?;
        let damage = fault.and_then(|fault| audit.damage(&fault));
        if let Some(damage) = &damage {
            tracing::warn!("{damage}");
        }
        let busy = audit.busy(&records);
        let known = (records, busy);
        Ok(ReadBack { known, damage })
    });
    read.await.unwrap_or_else(|error| Err(error.to_string()))
}

/// What is known where nobody can be asked.
fn nobody(outage: &Outage) -> Live {
    Live {
        at: clock::now(),
        object: Err(outage.clone()),
        who: Err(outage.clone()),
        may: Err(outage.clone()),
        dry_run: DryRun::NotAsked("nobody can be asked"),
        audit: Ok(()),
        verified: true,
    }
}

/// Asks everything that a plan has to know beyond the watch: the object as it is now, who we are,
/// whether we may, and with power whether the API server would take the very calls.
pub async fn prepare(
    api: &Api,
    audit: &Result<Audit, String>,
    plan: &Plan,
    armed: Option<&Armed>,
) -> Live {
    let api = api.urgent();
    let target = &plan.target;
    let (object, who, may) = tokio::join!(
        object(&api, target),
        who(&api),
        may(&api, plan.action, target)
    );
    let dry_run = match (armed, &object) {
        (None, _) => DryRun::NotAsked("the call itself is tried once it is armed"),
        (_, Err(_)) => DryRun::NotAsked("the object cannot be read"),
        (Some(armed), Ok(object)) => try_out(&api, armed, plan, object).await,
    };
    let audit = match audit.clone() {
        Ok(audit) => {
            let ready = tokio::task::spawn_blocking(move || {
                audit.is_ready()?;
                audit.is_sound()
            })
            .await;
            match ready {
                Ok(ready) => ready.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
        Err(why) => Err(why),
    };
    Live {
        at: clock::now(),
        object,
        who,
        may,
        dry_run,
        audit,
        verified: api.is_verified(),
    }
}

/// The plan's calls as they would be sent, up to the first that the API server would refuse.
async fn try_out(api: &Api, armed: &Armed, plan: &Plan, object: &Value) -> DryRun {
    let writer = match Writer::new(api, armed) {
        Ok(writer) => writer,
        Err(why) => return DryRun::Failed(Outage::new(Layer::Local, why)),
    };
    let target = Target {
        resource_version: Seen::of(object).map(|seen| seen.resource_version.into()),
        ..plan.target.clone()
    };
    let mut warned = Vec::new();
    for step in (plan.action.steps)(&target) {
        match writer.dry_run(&step.call).await {
            DryRun::Passed(warnings) => warned.extend(warnings),
            other => return other,
        }
    }
    DryRun::Passed(warned)
}

/// An object as it is now.
async fn object(api: &Api, target: &Target) -> Result<Value, Outage> {
    in_time(async {
        let reply = api.get(&target.path(), JSON).await?;
        if !reply.is_ok() {
            return Err(api.outage_of(&reply.refusal().await));
        }
        let body = reply.body(OBJECT).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Outage::new(Layer::Parse, format!("{}: {error}", target.path())))
    })
    .await
}

async fn in_time<T>(asked: impl Future<Output = Result<T, Outage>>) -> Result<T, Outage> {
    if let Ok(answer) = tokio::time::timeout(QUESTION, asked).await {
        answer
    } else {
        let text = format!("no answer within {}", units::span(QUESTION));
        Err(Outage::new(Layer::Timeout, text))
    }
}

async fn review(api: &Api, path: &str, body: Value) -> Result<Value, Outage> {
    in_time(async {
        let reply = api.review(path, body.to_string().into_bytes()).await?;
        if !reply.is_ok() {
            return Err(api.outage_of(&reply.refusal().await));
        }
        let body = reply.body(OBJECT).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Outage::new(Layer::Parse, format!("{path}: {error}")))
    })
    .await
}

/// Who we are, by the API server's word.
async fn who(api: &Api) -> Result<Identity, Outage> {
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
    });
    let answer = review(api, SUBJECT_REVIEW, body).await?;
    let info = answer
        .pointer("/status/userInfo")
        .cloned()
        .unwrap_or_default();
    let user = info.get("username").and_then(Value::as_str);
    let groups = info.get("groups").and_then(Value::as_array);
    let groups = groups.into_iter().flatten().filter_map(Value::as_str);
    match user {
        Some(user) => Ok(Identity {
            user: user.to_owned(),
            groups: groups.map(str::to_owned).collect(),
        }),
        None => Err(Outage::new(Layer::Parse, "the review names no user")),
    }
}

/// May we do this to an object?
async fn may(api: &Api, action: &Action, target: &Target) -> Result<May, Outage> {
    let kind = action.on;
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "verb": action.permission,
            "group": kind.group(),
            "version": kind.version(),
            "resource": kind.plural(),
            "namespace": &*target.namespace,
            "name": &*target.name,
        }},
    });
    let answer = review(api, ACCESS_REVIEW, body).await?;
    let status = answer.get("status");
    let allowed = status.and_then(|status| status.get("allowed")?.as_bool());
    let reason = status.and_then(|status| status.get("reason")?.as_str());
    match allowed {
        Some(allowed) => Ok(May {
            allowed,
            reason: reason.unwrap_or_default().to_owned(),
        }),
        None => Err(Outage::new(
            Layer::Parse,
            "the review says neither yes nor no",
        )),
    }
}

/// Who we are on a cluster, and which actions we may do on any of their objects.
async fn identify(
    api: &Api,
) -> (
    Result<Identity, Outage>,
    Vec<(&'static str, Result<May, Outage>)>,
) {
    let api = api.urgent();
    let who = who(&api).await;
    let mut answers = Vec::new();
    for action in ACTIONS {
        let anything = Target {
            kind: action.on,
            cluster: api.cluster().clone(),
            namespace: "".into(),
            name: "".into(),
            uid: "".into(),
            resource_version: None,
        };
        answers.push((action.id, may(&api, action, &anything).await));
    }
    (who, answers)
}

/// Runs a permit to its end. `told` hears of each record once it is on the disk.
pub async fn run<F: Future<Output = ()>>(
    api: &Api,
    audit: &Audit,
    mut permit: Permit,
    told: impl Fn(Record) -> F,
) -> End {
    let api = api.urgent();
    let armed = permit.armed().clone();
    if !permit.holds(clock::stamp()) {
        return End::NotSent("the permit is too old, or it is no longer armed".into());
    }
    let writer = match Writer::new(&api, &armed) {
        Ok(writer) => writer,
        Err(why) => return End::NotSent(why),
    };
    let live = permit.plan().live.as_ref();
    let identity = live.and_then(|live| live.who.clone().ok());
    let intent = match audit.record(permit.intent(audit.who(identity))).await {
        Ok(record) => record,
        Err(error) => return End::NotRecorded(error.to_string()),
    };
    let Some(id) = intent.entry.action else {
        return End::NotRecorded("the intent has no number".into());
    };
    told(intent).await;
    let looked = look_again(&api, &mut permit).await;
    if let Err(end) = looked {
        let note = match &end {
            End::Changed(changes) => {
                let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
                format!("not as the plan had it: {}", changes.join(", "))
            }
            End::NotSent(why) => why.clone(),
            _ => String::new(),
        };
        if let Ok(record) = audit.record(Entry::of(Kind::Refused, id).note(note)).await {
            told(record).await;
        }
        return end;
    }
    // What goes out is for the version that was read just now.
    let moved = looked.ok().flatten();
    let moved = moved.map(|moved| format!("{moved}; what the plan rests on did not change"));
    for licence in permit.spend() {
        let attempt = Entry {
            calls: vec![guard::sent(licence.call())],
            note: moved.clone(),
            ..Entry::of(Kind::Attempt, id)
        };
        match audit.record(attempt).await {
            Ok(record) => told(record).await,
            Err(error) => return End::NotRecorded(error.to_string()),
        }
        let outcome = writer.send(licence).await;
        let end = end_of(&outcome);
        let result = Entry {
            outcome: Some(outcome),
            ..Entry::of(Kind::Result, id)
        };
        match audit.record(result).await {
            Ok(record) => told(record).await,
            Err(error) => return unrecorded(end, &error),
        }
        if end != End::Accepted {
            return end;
        }
    }
    End::Accepted
}

/// Is the object still as the plan has it, a moment before the request?
async fn look_again(api: &Api, permit: &mut Permit) -> Result<Option<Change>, End> {
    match object(api, &permit.plan().target).await {
        Ok(object) => permit.recheck(&object).map_err(End::Changed),
        Err(outage) => Err(End::NotSent(outage.to_string())),
    }
}

/// An end whose record could not be written. The answer is in hand and is told; by the audit alone
/// it is not known, so the next start looks.
fn unrecorded(end: End, error: &AuditError) -> End {
    let both = |told: String| format!("{told}; the record of it could not be written: {error}");
    match end {
        End::Accepted => End::AcceptedUnrecorded(error.to_string()),
        End::Refused(told) => End::Refused(both(told)),
        End::NotSent(told) => End::NotSent(both(told)),
        End::Unknown(told) => End::Unknown(both(told)),
        other => other,
    }
}

fn end_of(outcome: &Outcome) -> End {
    let told = match outcome.code {
        Some(code) => format!("{code}: {}", outcome.message),
        None => outcome.message.clone(),
    };
    match outcome.ended {
        Ended::Accepted => End::Accepted,
        Ended::Refused => End::Refused(told),
        Ended::Unknown => End::Unknown(told),
        Ended::NotSent => End::NotSent(told),
    }
}
