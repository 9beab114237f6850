//! A plan: an action made visible before it runs, and what it rests on.
//!
//! Made from a [`Snapshot`] alone, so that the same world gives the same plan; what only the API
//! server knows is added as [`Live`]. Two plans are the same when their hashes are.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::blast::Blast;
use super::call::Call;
use super::live::Live;
use super::record::ActionId;
use super::refusal::{Refusal, Why};
use super::{Action, Level};
use crate::clock::{Now, Stamp};
use crate::digest::Digest;
use crate::model::Snapshot;
use crate::nearest::nearest;
use crate::objects::{Object, ObjectKind};
use crate::subject::Subject;

/// A plan older than this is not run.
pub const VALID: Duration = Duration::from_secs(120);

/// Longest reason, in bytes.
pub const LONGEST_REASON: usize = 1024;

/// What is asked, beside the action and its subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The object that was meant, where it was seen before.
    pub uid: Option<Arc<str>>,
    /// The version of it that the API server gave last.
    pub resource_version: Option<Arc<str>>,
    pub reason: String,
    /// The action that this one takes back.
    pub undoes: Option<ActionId>,
    /// The reader has read what speaks against it, and says why it is done all the same.
    pub overridden: bool,
    pub by: By,
}

/// From where it is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    #[default]
    Console,
    Command,
}

/// One object, held fast by its uid and, once that is known, by its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    #[serde(skip)]
    pub kind: ObjectKind,
    pub cluster: Arc<str>,
    /// Empty for kinds without.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    pub uid: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_version: Option<Arc<str>>,
}

impl Target {
    /// Where the object is on the API.
    #[must_use]
    pub fn path(&self) -> String {
        let namespace = (!self.namespace.is_empty()).then_some(&*self.namespace);
        format!("{}/{}", self.kind.path(namespace), self.name)
    }

    /// What a patch says so that the API server refuses it for any other object, and for a later
    /// version of this one.
    #[must_use]
    pub fn pins(&self) -> Value {
        let mut pins = json!({ "uid": &*self.uid });
        if let Some(version) = &self.resource_version {
            pins["resourceVersion"] = json!(&**version);
        }
        pins
    }

    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject::object(self.kind, &self.cluster, &self.namespace, &self.name)
    }
}

/// One request of a plan, and the one that would take it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub title: String,
    pub call: Call,
    /// `None`: there is no way back.
    pub undo: Option<Call>,
}

/// What a plan rests on, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Inputs(pub BTreeMap<String, String>);

/// One thing that is not as it was when the plan was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub what: String,
    pub before: String,
    pub now: String,
}

impl Change {
    /// Stands for so many that are not named.
    #[must_use]
    pub fn more(count: usize) -> Self {
        Self {
            what: format!("and {count} more"),
            before: String::new(),
            now: String::new(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before.is_empty() && self.now.is_empty() {
            return f.write_str(&self.what);
        }
        write!(f, "{} was {}, is {}", self.what, self.before, self.now)
    }
}

impl Inputs {
    pub fn add(&mut self, what: impl Into<String>, value: impl fmt::Display) {
        self.0.insert(what.into(), value.to_string());
    }

    /// What differs now of what both have.
    #[must_use]
    pub fn contradicted_by(&self, now: &Self) -> Vec<Change> {
        let mut changes = self.changes(now);
        changes
            .retain(|change| self.0.contains_key(&change.what) && now.0.contains_key(&change.what));
        changes
    }

    /// What differs now.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        let mut names: Vec<&String> = self.0.keys().chain(now.0.keys()).collect();
        names.sort();
        names.dedup();
        let told = |value: Option<&String>| value.cloned().unwrap_or_else(|| "not there".into());
        let pairs = names
            .into_iter()
            .map(|name| (name, self.0.get(name), now.0.get(name)));
        pairs
            .filter(|(_, before, now)| before != now)
            .map(|(name, before, now)| Change {
                what: name.clone(),
                before: told(before),
                now: told(now),
            })
            .collect()
    }
}

/// An action on one object as it would be done now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    pub action: &'static Action,
    #[serde(serialize_with = "as_text")]
    pub subject: Subject,
    pub target: Target,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<ActionId>,
    pub by: By,
    pub overridden: bool,
    pub steps: Vec<Step>,
    pub inputs: Inputs,
    pub blast: Blast,
    #[serde(serialize_with = "wall")]
    pub made_at: Now,
    /// What the API server said about it; added by the shell.
    #[serde(skip)]
    pub live: Option<Live>,
}

fn as_text<S: serde::Serializer>(subject: &Subject, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(subject)
}

fn wall<S: serde::Serializer>(now: &Now, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&now.wall)
}

/// What would be done, judged by the world as it is known.
///
/// # Errors
/// A [`Refusal`] when the subject is of the wrong kind, unknown or stale, was replaced, or is so
/// already; the last one carries the plan that it would have been.
pub fn plan(
    action: &'static Action,
    snap: &Snapshot,
    subject: &Subject,
    request: &Request,
) -> Result<Plan, Refusal> {
    let object = find(action, snap, subject, request)?;
    let target = Target {
        kind: action.on,
        cluster: object.cluster.clone(),
        namespace: object.namespace.clone(),
        name: object.name.clone(),
        uid: object.uid.clone(),
        resource_version: request.resource_version.clone(),
    };
    let plan = Plan {
        action,
        subject: subject.clone(),
        steps: (action.steps)(&target),
        target,
        reason: request.reason.clone(),
        undoes: request.undoes,
        by: request.by,
        overridden: request.overridden,
        inputs: (action.inputs)(snap, object),
        blast: (action.blast)(snap, object),
        made_at: snap.now,
        live: None,
    };
    if (action.met)(object) {
        let text = format!("{} {}", object.name, action.already);
        let refusal = Refusal::new(Why::Already, text, "Go on: there is nothing to do");
        return Err(refusal.would(plan));
    }
    Ok(plan)
}

/// The object that is meant, if it is still that one.
fn find<'a>(
    action: &Action,
    snap: &Snapshot<'a>,
    subject: &Subject,
    request: &Request,
) -> Result<&'a Arc<Object>, Refusal> {
    let kind = ObjectKind::of_subject(subject.kind);
    if kind != Some(action.on) {
        let wanted = action.on.api_kind().to_lowercase();
        let text = format!("{} is for a {wanted}, and {subject} is none", action.id);
        let hint = format!("Put the cursor on a {wanted}");
        return Err(Refusal::new(Why::WrongKind, text, hint));
    }
    let object = snap.object(subject).map_err(|doubt| {
        let hint = match request.by {
            By::Console => "Wait until it is known, or look at the sources pane",
            By::Command => "Try again with a longer --timeout, or look with midwatch check",
        };
        let unknown = || Refusal::new(Why::NotKnown, format!("{subject}: {doubt}"), hint);
        nobody(snap, subject).unwrap_or_else(unknown)
    })?;
    match &request.uid {
        Some(uid) if *uid != object.uid => {
            let text = format!("{subject} was replaced: another object has its name now");
            let hint = "Look at it, and choose it again";
            Err(Refusal::new(Why::Replaced, text, hint))
        }
        _ => Ok(object),
    }
}

/// Names that are proposed for a mistyped one.
const NEAREST: usize = 3;

/// The refusal where all objects of the kind are known and none has this name.
fn nobody(snap: &Snapshot, subject: &Subject) -> Option<Refusal> {
    let (kind, cluster, namespace, name) = subject.as_object()?;
    let known = snap.whole(cluster, &[kind]).ok()?;
    if known.get(kind, namespace, name).is_some() {
        return None;
    }
    let near = known.of_kind(kind);
    let near = near.filter(|object| *object.namespace == *namespace);
    let mut names: Vec<&str> = near.map(|object| &*object.name).collect();
    names.sort_unstable();
    let there = names.len();
    let mut meant = Vec::new();
    while meant.len() < NEAREST
        && let Some(near) = nearest(name, names.iter().copied())
    {
        names.retain(|name| *name != near);
        meant.push(near);
    }
    let one = kind.api_kind().to_lowercase();
    let hint = match meant.as_slice() {
        [] => format!("Check the name: {cluster} has {there} {}", kind.plural()),
        [only] => format!("Check the name: did you mean {only}?"),
        [first @ .., last] => {
            let first = first.join(", ");
            format!("Check the name: did you mean {first} or {last}?")
        }
    };
    let text = format!("no such {one}: {name} is not in {cluster}");
    Some(Refusal::new(Why::NotKnown, text, hint))
}

impl Plan {
    /// `cordon w-03`.
    #[must_use]
    pub fn title(&self) -> String {
        let place = &self.target;
        if place.namespace.is_empty() {
            format!("{} {}", self.action.id, place.name)
        } else {
            format!("{} {}/{}", self.action.id, place.namespace, place.name)
        }
    }

    /// What was asked, held fast to what was found.
    #[must_use]
    pub fn request(&self) -> Request {
        Request {
            uid: Some(self.target.uid.clone()),
            resource_version: self.target.resource_version.clone(),
            reason: self.reason.clone(),
            undoes: self.undoes,
            overridden: self.overridden,
            by: self.by,
        }
    }

    /// What has to be typed to confirm it; `None` where a key is enough.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match self.action.level {
            Level::Reversible => None,
            Level::Disruptive => Some(self.target.name.to_string()),
            Level::Grave => Some(format!("{} {}", self.action.id, self.target.name)),
        }
    }

    /// Time left before it is too old to be run.
    #[must_use]
    pub fn left(&self, now: Stamp) -> Duration {
        VALID.saturating_sub(now.since(self.made_at.stamp))
    }

    /// Everything that decides what would be sent and why it may: action, object, version, calls,
    /// inputs. Not the reason, not the moment, not what is merely told beside it.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let whole = json!({
            "action": self.action.id,
            "subject": self.subject.to_string(),
            "target": self.target,
            "undoes": self.undoes,
            "steps": self.steps,
            "inputs": self.inputs,
        });
        Digest::of(whole.to_string().as_bytes())
    }

    /// What differs between this plan and one that was made later.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<Change> {
        let change = |what: &str, before: &str, now: &str| {
            (before != now).then(|| Change {
                what: what.to_owned(),
                before: before.to_owned(),
                now: now.to_owned(),
            })
        };
        let version = |plan: &Self| plan.target.resource_version.clone().unwrap_or_default();
        let (old, new) = (&self.target, &now.target);
        let mut changes = self.inputs.changes(&now.inputs);
        changes.extend(change("uid", &old.uid, &new.uid));
        changes.extend(change("version", &version(self), &version(now)));
        if changes.is_empty() {
            changes.extend(change("plan", &self.hash().short(), &now.hash().short()));
        }
        changes
    }
}
