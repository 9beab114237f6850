//! The guard: the one place where a [`Permit`] is made, out of a plan, power, an answer and every
//! check's word.
//!
//! What has not been answered counts as no; what only warns is shown; what stops can be overridden
//! with a reason, what fails cannot.

mod checks;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde_json::Value;

use super::arm::Armed;
use super::call::Call;
use super::difference;
use super::live::Seen;
use super::plan::{self, Change, Plan, VALID};
use super::record::{Entry, Evidence, Kind, Sent, Who};
use super::refusal::{Refusal, Why};
use crate::clock::{Now, Stamp};
use crate::model::Snapshot;
use crate::units;

pub use checks::{Check, Verdict, checks};

/// How strict the guard is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A plan lives so long.
    pub valid: Duration,
    /// Keys in this time after a plan stands, and after any other key, confirm nothing.
    pub dead: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            valid: VALID,
            dead: Duration::from_millis(600),
        }
    }
}

/// What the reader said to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A key that was pressed at `at`, after all of the plan had been on the screen by `shown` and
    /// the key before it came at `before`.
    Key {
        said: Said,
        at: Stamp,
        shown: Stamp,
        before: Stamp,
    },
    /// The word on the command line.
    Command,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Yes,
    /// Typed and confirmed.
    Words(String),
}

/// The proof that this very plan may be run, once, now. Only [`admit`] makes one, and the runner
/// consumes it:
///
/// ```compile_fail
/// fn twice(permit: midwatch::actions::guard::Permit) {
///     let licences = permit.spend();
///     let again = permit.spend();
/// }
/// ```
///
/// It cannot be copied:
///
/// ```compile_fail
/// fn copy(permit: &midwatch::actions::guard::Permit) -> midwatch::actions::guard::Permit {
///     permit.clone()
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    plan: Plan,
    armed: Armed,
    checks: Vec<Check>,
    at: Now,
}

/// A permit is used at once or not at all.
pub const FRESH: Duration = Duration::from_secs(10);

/// The right to send one request, once, for as long as its permit is fresh.
#[derive(Debug)]
pub struct Licence {
    title: String,
    call: Call,
    until: Stamp,
}

impl Licence {
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Is there still time to send it? Asked directly before its bytes leave, by a clock that goes
    /// on while the machine sleeps or the process is stopped.
    ///
    /// # Errors
    /// By how much it is too late.
    pub fn holds(&self, now: Stamp) -> Result<(), String> {
        if now <= self.until {
            return Ok(());
        }
        let (fresh, late) = (units::span(FRESH), now.since(self.until) + FRESH);
        let late = units::age(late);
        Err(format!(
            "{late} passed since the answer, and after {fresh} it is void: answer anew"
        ))
    }
}

/// Judges a plan once more, against the world as it is known now.
///
/// # Errors
/// A [`Refusal`] when it is not armed for this cluster, the plan is too old or would be another one
/// now, a guard says no or has not answered, or the answer is not the one that its level wants.
pub fn admit(
    plan: Plan,
    snap: &Snapshot,
    policy: &Policy,
    armed: Option<&Armed>,
    answer: &Answer,
) -> Result<Permit, Refusal> {
    let now = snap.now;
    let cluster = &plan.target.cluster;
    let Some(armed) = armed.filter(|a| a.holds(now.stamp) && a.cluster() == cluster) else {
        return Err(not_armed(cluster));
    };
    heed(plan.words(), answer, policy)?;
    if now.stamp.since(plan.made_at.stamp) > policy.valid {
        let text = format!("the plan is older than {}", units::span(policy.valid));
        return Err(Refusal::new(Why::Expired, text, "Make it anew"));
    }
    still(&plan, snap)?;
    if let Some(refusal) = already(&plan) {
        return Err(refusal);
    }
    let checks = checks(&plan, snap, Some(armed));
    let stops = |check: &&Check| match check.verdict {
        Verdict::Fail | Verdict::Asked => true,
        Verdict::Stop => !plan.overrides(check),
        Verdict::Ok | Verdict::Warn => false,
    };
    if let Some(first) = checks.iter().find(stops) {
        let hint = match first.verdict {
            Verdict::Stop => "Give a reason with :override REASON, or leave it",
            Verdict::Asked => "Wait for the answer",
            _ => "Mend that first",
        };
        return Err(Refusal::new(Why::Guard, first.text.clone(), hint));
    }
    Ok(Permit {
        armed: armed.clone(),
        plan,
        checks,
        at: now,
    })
}

/// The refusal while nobody armed the console for this cluster.
#[must_use]
pub fn not_armed(cluster: &str) -> Refusal {
    let text = format!("read-only: not armed for {cluster}");
    Refusal::new(Why::NotArmed, text, "Arm with :arm 10m")
}

/// The refusal where the API server says that it is so already, whatever the watch has.
#[must_use]
pub fn already(plan: &Plan) -> Option<Refusal> {
    let object = plan.live.as_ref()?.object.as_ref().ok()?;
    let same = Seen::of(object).is_some_and(|seen| *seen.uid == *plan.target.uid);
    (same && (plan.action.met_in)(object)).then(|| {
        let text = format!("{} {}", plan.target.name, plan.action.already);
        let refusal = Refusal::new(Why::Already, text, "Go on: there is nothing to do");
        refusal.would(plan.clone())
    })
}

fn told(changes: &[Change]) -> String {
    let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
    changes.join(", ")
}

/// Would the same plan be made now?
fn still(plan: &Plan, snap: &Snapshot) -> Result<(), Refusal> {
    let now = match plan::plan(plan.action, snap, &plan.subject, &plan.request()) {
        Ok(now) => now,
        Err(refusal) if refusal.why == Why::Already => return Err(refusal),
        Err(refusal) => {
            let text = format!("the plan does not hold any more: {}", refusal.text);
            return Err(Refusal::new(Why::Expired, text, refusal.hint));
        }
    };
    if now.hash() == plan.hash() {
        return Ok(());
    }
    let refusal = Refusal::new(
        Why::Expired,
        "the plan does not hold any more",
        "Read it anew",
    );
    Err(refusal.changed(plan.changes(&now)))
}

/// Is it the answer that is wanted, and was there time to mean it?
fn heed(wanted: Option<String>, answer: &Answer, policy: &Policy) -> Result<(), Refusal> {
    let no = |text: String, hint: String| Err(Refusal::new(Why::Answer, text, hint));
    let Answer::Key {
        said,
        at,
        shown,
        before,
    } = answer
    else {
        return Ok(());
    };
    let rested = at.since((*shown).max(*before));
    if *at < *shown || rested < policy.dead {
        return no(
            "too early: what is typed ahead confirms nothing".into(),
            "Read the plan, then answer".into(),
        );
    }
    match (wanted, said) {
        (None, Said::Yes) => Ok(()),
        (Some(wanted), Said::Words(words)) if *words == wanted => Ok(()),
        (None, Said::Words(_)) => no("that is no answer to it".into(), "Press y".into()),
        (Some(wanted), _) => no("that is not its name".into(), format!("Type {wanted}")),
    }
}

impl Permit {
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    #[must_use]
    pub fn armed(&self) -> &Armed {
        &self.armed
    }

    /// Is there still time to use it, and power?
    #[must_use]
    pub fn holds(&self, now: Stamp) -> bool {
        self.armed.holds(now) && now.since(self.at.stamp) <= FRESH
    }

    /// Is the object, read again just now, still as the plan had it, and not yet as it wants it?
    /// What the plan rests on decides ([`Action::premise`](super::Action::premise)), not the version:
    /// where only something else changed, the requests are made anew for the version that was read,
    /// so that the API server refuses them for any later one.
    ///
    /// The answer is how the version moved, if it did.
    ///
    /// # Errors
    /// What is not as it was, field by field.
    pub fn recheck(&mut self, object: &Value) -> Result<Option<Change>, Vec<Change>> {
        let plan = &mut self.plan;
        let change = |what: &str, before: &str, now: &str| Change {
            what: what.into(),
            before: before.into(),
            now: now.into(),
        };
        let Some(seen) = Seen::of(object) else {
            return Err(vec![change("object", "there", "not readable")]);
        };
        if *seen.uid != *plan.target.uid {
            return Err(vec![change("uid", &plan.target.uid, seen.uid)]);
        }
        let before = plan
            .live
            .as_ref()
            .and_then(|live| live.object.as_ref().ok());
        let Some(before) = before else {
            return Err(vec![change("object", "not read", "there")]);
        };
        let (rested, rests) = ((plan.action.premise)(before), (plan.action.premise)(object));
        if rested != rests || (plan.action.met_in)(object) {
            let mut changes = difference::between(before, object);
            if changes.is_empty() {
                changes.push(change("object", "as wanted", "as wanted"));
            }
            return Err(changes);
        }
        let version = plan.target.resource_version.as_deref();
        if version == Some(seen.resource_version) {
            return Ok(None);
        }
        let moved = change(
            "version",
            version.unwrap_or("not known"),
            seen.resource_version,
        );
        plan.target.resource_version = Some(seen.resource_version.into());
        plan.steps = (plan.action.steps)(&plan.target);
        Ok(Some(moved))
    }

    /// What is recorded before anything is sent.
    #[must_use]
    pub fn intent(&self, who: Who) -> Entry {
        let plan = &self.plan;
        let evidence = self.checks.iter().map(|check| Evidence {
            guard: check.id.to_owned(),
            verdict: check.verdict.word().to_owned(),
            text: check.text.clone(),
            age_ms: millis(self.at.stamp.since(check.at)),
        });
        Entry {
            verb: Some(plan.action.id.to_owned()),
            subject: Some(plan.subject.to_string()),
            uid: Some(plan.target.uid.to_string()),
            cluster: Some(plan.target.cluster.to_string()),
            reason: (!plan.reason.is_empty()).then(|| plan.reason.clone()),
            undoes: plan.undoes,
            plan: Some(plan.hash()),
            guards: evidence.collect(),
            calls: plan.steps.iter().map(|step| sent(&step.call)).collect(),
            who: Some(who),
            note: plan
                .overridden
                .then(|| "overridden with the reason given".to_owned()),
            ..Entry::new(Kind::Intent)
        }
    }

    /// Trades the permit for the right to send its requests, each once.
    #[must_use]
    pub fn spend(self) -> Vec<Licence> {
        let until = self.at.stamp + FRESH;
        let steps = self.plan.steps.into_iter();
        let licences = steps.map(|step| Licence {
            title: step.title,
            call: step.call,
            until,
        });
        licences.collect()
    }
}

/// A call as the audit holds it.
#[must_use]
pub fn sent(call: &Call) -> Sent {
    Sent {
        method: call.method.word().to_owned(),
        path: call.path.clone(),
        content_type: call.content_type.to_owned(),
        body: call.body.clone(),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl PartialEq for Permit {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at && self.plan == other.plan
    }
}
