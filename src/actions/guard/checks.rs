//! What speaks for and against a plan, a line each: power, the API server's answers, the audit, who
//! keeps the object, and what the action itself asks.
//!
//! Every word comes with the moment at which it was learnt. Nothing is decided here.

use serde::Serialize;

use super::{already, told};
use crate::actions::arm::Armed;
use crate::actions::call::FIELD_MANAGER;
use crate::actions::live::{self, DryRun, Live, Seen};
use crate::actions::plan::{Change, Plan};
use crate::clock::Stamp;
use crate::model::Snapshot;
use crate::units;

/// What one guard says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    /// To be read; stops nothing.
    Warn,
    /// Stops it unless the reader overrides with a reason.
    Stop,
    /// Stops it.
    Fail,
    /// Not answered yet.
    Asked,
}

impl Verdict {
    /// As it stands before a guard's text.
    #[must_use]
    pub fn mark(self) -> &'static str {
        match self {
            Self::Ok => "[ ok ]",
            Self::Warn => "[warn]",
            Self::Stop => "[STOP]",
            Self::Fail => "[FAIL]",
            Self::Asked => "[ .. ]",
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Stop => "stop",
            Self::Fail => "fail",
            Self::Asked => "asked",
        }
    }
}

/// One guard's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub id: &'static str,
    pub verdict: Verdict,
    pub text: String,
    /// When what it rests on was learnt.
    pub at: Stamp,
}

impl Check {
    #[must_use]
    pub fn new(id: &'static str, verdict: Verdict, text: impl Into<String>, at: Stamp) -> Self {
        Self {
            id,
            verdict,
            text: text.into(),
            at,
        }
    }
}

impl Plan {
    /// Would this stop the plan, had the reader not gone past it with a reason?
    #[must_use]
    pub fn overrides(&self, check: &Check) -> bool {
        check.verdict == Verdict::Stop && self.overridden && !self.reason.is_empty()
    }

    /// A guard's mark on this plan, as it stands before its text.
    #[must_use]
    pub fn mark(&self, check: &Check) -> &'static str {
        if self.overrides(check) {
            "[OVER]"
        } else {
            check.verdict.mark()
        }
    }
}

/// Every guard's word on a plan: what holds for all actions, then what is the action's own; those
/// that stop it come first.
#[must_use]
pub fn checks(plan: &Plan, snap: &Snapshot, armed: Option<&Armed>) -> Vec<Check> {
    let live = plan.live.as_ref();
    let mut checks = vec![power(plan, snap, armed)];
    match live {
        Some(live) => checks.extend(answers(plan, live)),
        None => checks.push(Check::new(
            "server",
            Verdict::Asked,
            format!("asking {}", plan.target.cluster),
            snap.now.stamp,
        )),
    }
    checks.extend((plan.action.checks)(plan, snap, live));
    checks.sort_by_key(|check| match check.verdict {
        Verdict::Fail => 0,
        Verdict::Stop => 1,
        Verdict::Asked => 2,
        Verdict::Warn => 3,
        Verdict::Ok => 4,
    });
    checks
}

fn power(plan: &Plan, snap: &Snapshot, armed: Option<&Armed>) -> Check {
    let now = snap.now.stamp;
    let cluster = &plan.target.cluster;
    match armed {
        Some(armed) if !armed.holds(now) => {
            Check::new("armed", Verdict::Fail, "no longer armed", now)
        }
        Some(armed) if armed.cluster() != cluster => {
            let text = format!("armed for {}, not for {cluster}", armed.cluster());
            Check::new("armed", Verdict::Fail, text, now)
        }
        Some(armed) => {
            let left = units::age(armed.left(now));
            Check::new("armed", Verdict::Ok, format!("armed for {left} more"), now)
        }
        None => Check::new("armed", Verdict::Fail, "read-only", now),
    }
}

/// What the API server and the audit say.
fn answers(plan: &Plan, live: &Live) -> Vec<Check> {
    let at = live.at.stamp;
    let told = [
        ("object", object(plan, live)),
        ("rbac", right(plan, live)),
        ("dry-run", dry_run(live)),
        ("who", who(live)),
    ];
    let mut checks: Vec<Check> = told
        .into_iter()
        .map(|(id, (verdict, text))| Check::new(id, verdict, text, at))
        .collect();
    if !live.verified {
        let text = "TLS-OFF: the server is not verified, so nothing is sent to it";
        checks.push(Check::new("tls", Verdict::Fail, text, at));
    }
    if let Err(why) = &live.audit {
        let text = format!("nothing can be recorded: {why}");
        checks.push(Check::new("audit", Verdict::Fail, text, at));
    }
    if let Some(text) = kept(plan, live) {
        checks.push(Check::new("managed", Verdict::Warn, text, at));
    }
    checks
}

/// Is it still there, and the same?
fn object(plan: &Plan, live: &Live) -> (Verdict, String) {
    match live.object.as_ref().map(Seen::of) {
        Ok(Some(seen)) if *seen.uid != *plan.target.uid => {
            (Verdict::Fail, "another object has its name now".into())
        }
        // The watch may be behind: what counts is what the API server says now.
        Ok(Some(_)) if already(plan).is_some() => {
            let text = format!("{} {} by now", plan.target.name, plan.action.already);
            (Verdict::Fail, text)
        }
        Ok(Some(_)) if !behind(plan, live).is_empty() => {
            let text = told(&behind(plan, live));
            (Verdict::Fail, format!("not as the watch has it: {text}"))
        }
        Ok(Some(seen)) if seen.deleting => (Verdict::Warn, "it is being deleted".into()),
        Ok(Some(seen)) => {
            let text = format!("the same object, version {}", seen.resource_version);
            (Verdict::Ok, text)
        }
        Ok(None) => (Verdict::Fail, "the answer is no object".into()),
        Err(outage) => (Verdict::Fail, format!("cannot be read: {outage}")),
    }
}

/// What the API server says otherwise than the watch, on which the plan rests.
fn behind(plan: &Plan, live: &Live) -> Vec<Change> {
    let object = live.object.as_ref().ok();
    let now = object.map(|object| (plan.action.premise)(object));
    now.map(|now| plan.inputs.contradicted_by(&now))
        .unwrap_or_default()
}

/// Does a role grant it?
fn right(plan: &Plan, live: &Live) -> (Verdict, String) {
    let action = plan.action;
    let right = format!("{} {}", action.permission, action.on.plural());
    match &live.may {
        Ok(may) if may.allowed => (Verdict::Ok, format!("may {right}")),
        Ok(may) if may.reason.is_empty() => {
            (Verdict::Fail, format!("not permitted: needs {right}"))
        }
        Ok(may) => {
            let text = format!("not permitted: needs {right} ({})", may.reason);
            (Verdict::Fail, text)
        }
        Err(outage) => (Verdict::Fail, format!("permission not known: {outage}")),
    }
}

/// Would the server take it?
fn dry_run(live: &Live) -> (Verdict, String) {
    match &live.dry_run {
        DryRun::Passed(warnings) if warnings.is_empty() => {
            (Verdict::Ok, "the server would accept it".into())
        }
        DryRun::Passed(warnings) => {
            let warnings = warnings.join("; ");
            let text = format!("the server would accept it and warns: {warnings}");
            (Verdict::Warn, text)
        }
        DryRun::Refused { code, message } => {
            let text = format!("the server would refuse it ({code}): {message}");
            (Verdict::Fail, text)
        }
        DryRun::Failed(outage) => (Verdict::Fail, format!("no answer: {outage}")),
        DryRun::NotAsked(why) => (Verdict::Asked, (*why).into()),
    }
}

/// Whom does the server take us for?
fn who(live: &Live) -> (Verdict, String) {
    match &live.who {
        Ok(who) => (Verdict::Ok, format!("the server knows you as {}", who.user)),
        Err(outage) => {
            let text = format!("the server does not say who you are: {outage}");
            (Verdict::Warn, text)
        }
    }
}

/// Who will turn it back.
fn kept(plan: &Plan, live: &Live) -> Option<String> {
    let object = live.object.as_ref().ok()?;
    let managers = live::managers(object, plan.action.field);
    let applies = managers
        .iter()
        .find(|manager| manager.applies && manager.name != FIELD_MANAGER);
    let keepers = live::keepers(object);
    match (applies, keepers.is_empty()) {
        (Some(manager), _) => Some(format!(
            "{} applies {}: it will be reverted",
            manager.name,
            plan.action.field.join(".")
        )),
        (None, false) => Some(format!(
            "kept by {}: it may be reverted",
            keepers.join(", ")
        )),
        (None, true) => None,
    }
}
