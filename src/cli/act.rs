//! `midwatch act`: one action from the command line, on the same way as from the console: watched,
//! planned, asked about, admitted, written down, sent, seen.
//!
//! The command itself is what arms, and `--yes` the answer; without it nothing is sent.

mod aim;
mod told;

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::audit::Output;
use crate::actions::arm::{self, Power};
use crate::actions::errand::End;
use crate::actions::guard::{self, Answer, Check, Policy, Verdict};
use crate::actions::live::{self, Seen};
use crate::actions::plan::{By, LONGEST_REASON, Plan, Request, plan};
use crate::actions::record::{ActionId, Entry, Found, Kind, Record};
use crate::actions::refusal::{Refusal, Why};
use crate::actions::{ACTIONS, Action};
use crate::app::acting::found;
use crate::audit::Audit;
use crate::clients::kube::Api;
use crate::clock;
use crate::config::settings::{ConfigError, Value};
use crate::config::{Config, Environment};
use crate::model::Model;
use crate::objects::ObjectKind;
use crate::observation::Layer;
use crate::poll::{Poller, Schedule, Watched};
use crate::runner;
use crate::subject::Subject;
use crate::text::{SafeText, escape_json};
use crate::units;
use crate::watch;

/// Exit codes.
pub const DONE: u8 = 0;
pub const REFUSED: u8 = 1;
pub const SHOWN: u8 = 2;
pub const UNKNOWN: u8 = 3;

/// Flags of `act`.
#[derive(Clone, Debug, Args)]
pub struct Act {
    /// What to do: cordon, uncordon
    #[arg(value_name = "ACTION", value_parser = verb)]
    pub action: &'static Action,
    /// What to do it to, such as node/w-03, or node/prod/w-03 where several clusters are watched
    #[arg(value_name = "KIND/NAME")]
    pub subject: String,
    /// The cluster, where the subject does not name it
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do it; without this the plan is shown and nothing is sent
    #[arg(long, requires = "reason")]
    pub yes: bool,
    /// Show the plan alone; exits with 0 where nothing speaks against it, with 1 where something does
    #[arg(long, conflicts_with = "yes")]
    pub plan_only: bool,
    /// Go past what stops it and can be overridden; the reason is recorded
    #[arg(long = "override", requires = "reason")]
    pub overrides: bool,
    /// Format of the answer
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
    /// Wait this long for the cluster's objects, and again for the change to be seen
    #[arg(long, value_name = "TIME", value_parser = super::time, default_value = "30s")]
    pub timeout: Duration,
}

fn verb(text: &str) -> Result<&'static Action, String> {
    let known = || ACTIONS.iter().map(|action| action.id);
    crate::actions::action(text).ok_or_else(|| match crate::config::nearest(text, known()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("choose from {}", known().collect::<Vec<_>>().join(", ")),
    })
}

/// What was under way when it was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum UnderWay {
    Nothing,
    Request,
}

/// What came of it.
enum Came {
    /// With nothing sent: shown, or refused.
    Refused(Refusal),
    Shown {
        stopped: bool,
    },
    /// Ended from outside before its end.
    Stopped {
        by: &'static str,
        code: u8,
        under_way: UnderWay,
    },
    Sent {
        id: Option<ActionId>,
        end: End,
        found: Option<Found>,
        took: Duration,
    },
}

/// Runs it; answers the exit code and what is to be printed.
///
/// # Errors
/// A wrong word on the command line, or a configuration that cannot be used.
pub async fn run(
    flags: &Act,
    mut config: Config,
    environment: &Environment,
) -> Result<(u8, String), Vec<ConfigError>> {
    let one = |error: ConfigError| vec![error];
    if flags
        .reason
        .as_ref()
        .is_some_and(|reason| reason.len() > LONGEST_REASON)
    {
        let problem = format!("the reason is longer than {LONGEST_REASON} bytes");
        return Err(one(ConfigError::new("--reason", problem).hint("shorten it")));
    }
    let subject = aim::subject(flags, &config).map_err(one)?;
    narrow(&mut config, flags.action, &subject);
    let (model, feeds) = watch::prepare(&config, clock::now())?;
    let api = watch::apis(&feeds).into_iter().next();
    let api = api.ok_or_else(|| one(ConfigError::new("act", "there is no cluster to ask")))?;
    let audit = Audit::of(environment).map_err(|error| error.to_string());
    // What no plan needs is not asked for.
    let feeds = feeds
        .into_iter()
        .filter(|watched| watched.spec.tells.is_some());
    let mut turn = Turn {
        flags,
        subject,
        api,
        audit,
        model,
        poller: None,
        armed: None,
        under_way: UnderWay::Nothing,
    };
    turn.poller = Some(Poller::start(
        feeds.collect::<Vec<Watched>>(),
        Schedule::Watch,
    ));
    let ended = tokio::select! {
        ended = turn.turn() => Ok(ended),
        by = stopped() => Err(by),
    };
    let (plan, checks, came) = ended.unwrap_or_else(|(by, code)| {
        let under_way = turn.under_way;
        let came = Came::Stopped {
            by,
            code,
            under_way,
        };
        (None, Vec::new(), came)
    });
    turn.disarm(&came).await;
    let told = told::tell(flags, plan.as_ref(), &checks, &came);
    let code = match told::code(&came) {
        SHOWN if flags.plan_only => DONE,
        code => code,
    };
    Ok((code, told))
}

/// Leaves of the configuration what this one plan needs.
fn narrow(config: &mut Config, action: &Action, subject: &Subject) {
    let cluster = subject.as_object().map_or("", |(_, cluster, _, _)| cluster);
    config
        .targets
        .retain(|target| &*target.id.kind == "kubernetes" && &*target.id.name == cluster);
    let kinds = action.needs.iter().chain(action.reads);
    let kinds = kinds.map(|kind| kind.plural().to_owned()).collect();
    for target in &mut config.targets {
        let kinds = Value::List(Vec::clone(&kinds));
        target.settings.set("watch", kinds, "midwatch act");
    }
}

/// One command's way.
struct Turn<'a> {
    flags: &'a Act,
    subject: Subject,
    api: Api,
    audit: Result<Audit, String>,
    model: Model,
    poller: Option<Poller>,
    /// For which cluster it is armed, by the audit.
    armed: Option<String>,
    under_way: UnderWay,
}

/// Waits for who ends the command from outside: the signal's name, and the exit code for it.
async fn stopped() -> (&'static str, u8) {
    let heard = |kind| async move {
        match signal(kind) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = heard(SignalKind::terminate()) => ("SIGTERM", 143),
        _ = heard(SignalKind::interrupt()) => ("SIGINT", 130),
    }
}

impl Turn<'_> {
    async fn turn(&mut self) -> (Option<Plan>, Vec<Check>, Came) {
        self.listen(self.flags.timeout, Self::is_listed).await;
        let request = Request {
            reason: self.flags.reason.clone().unwrap_or_default(),
            overridden: self.flags.overrides,
            by: By::Command,
            ..Request::default()
        };
        let (plan, power) = match self.prepared(&request).await {
            Ok(prepared) => prepared,
            Err(mut refusal) => {
                self.note_refusal(&refusal).await;
                let plan = refusal.would.take().map(|plan| *plan);
                if let Some(plan) = &plan
                    && refusal.why == Why::Already
                {
                    let live = runner::prepare(&self.api, &self.audit, plan, None).await;
                    let object = live.object.ok();
                    let now = clock::now().wall;
                    let since = object.and_then(|o| live::since(&o, plan.action.field, now));
                    let since = since.map(|since| format!(", {since}")).unwrap_or_default();
                    refusal.text.push_str(&since);
                }
                return (plan, Vec::new(), Came::Refused(refusal));
            }
        };
        let armed = power.as_ref().map(Power::armed);
        let snap = self.model.snapshot(clock::now());
        let checks = guard::checks(&plan, &snap, armed);
        if !self.flags.yes {
            let stopped = checks.iter().any(|check| stops(&plan, check));
            return (Some(plan), checks, Came::Shown { stopped });
        }
        let policy = Policy::default();
        let permit = guard::admit(plan.clone(), &snap, &policy, armed, &Answer::Command);
        let came = match (permit, self.audit.clone()) {
            (Ok(permit), Ok(audit)) => self.go(permit, &audit).await,
            (Err(refusal), _) => {
                self.note_refusal(&refusal).await;
                Came::Refused(refusal)
            }
            (_, Err(why)) => {
                let hint = "Mend that first: without a record nothing is done";
                Came::Refused(Refusal::new(Why::Audit, why, hint))
            }
        };
        (Some(plan), checks, came)
    }

    /// The plan with the API server's word on it; with `--yes` also the power to try the call.
    async fn prepared(&mut self, request: &Request) -> Result<(Plan, Option<Power>), Refusal> {
        let snap = self.model.snapshot(clock::now());
        let first = plan(self.flags.action, &snap, &self.subject, request)?;
        let cluster = &first.target.cluster;
        let power = if self.flags.yes {
            self.is_sound().await?;
            let power = arm::arm(cluster, arm::USUAL, &snap)?;
            let note = format!("for one command: act {}", first.title());
            let cluster = cluster.to_string();
            self.write(Entry::new(Kind::Armed).cluster(&cluster).note(note))
                .await?;
            self.armed = Some(cluster);
            Some(power)
        } else {
            None
        };
        let armed = power.as_ref().map(Power::armed);
        let live = runner::prepare(&self.api, &self.audit, &first, armed).await;
        self.take();
        let version = live.object.as_ref().ok().and_then(Seen::of);
        let request = Request {
            uid: Some(first.target.uid.clone()),
            resource_version: version.map(|seen| seen.resource_version.into()),
            ..request.clone()
        };
        let snap = self.model.snapshot(clock::now());
        let mut plan = plan(self.flags.action, &snap, &self.subject, &request)?;
        plan.live = Some(live);
        // Somebody else was first, and the watch has not told it yet.
        match guard::already(&plan) {
            Some(refusal) => Err(refusal),
            None => Ok((plan, power)),
        }
    }

    async fn go(&mut self, permit: guard::Permit, audit: &Audit) -> Came {
        let began = clock::stamp();
        self.under_way = UnderWay::Request;
        let target = permit.plan().target.clone();
        let text = self.flags.output == Output::Text;
        let id = std::sync::Mutex::new(None);
        let told = |record: Record| {
            if let Ok(mut id) = id.lock() {
                *id = id.or(record.entry.action);
            }
            if text {
                progress(&record);
            }
            async {}
        };
        let end = runner::run(&self.api, audit, permit, told).await;
        let id = id.into_inner().ok().flatten();
        let mut seen = None;
        if matches!(
            end,
            End::Accepted | End::AcceptedUnrecorded(_) | End::Unknown(_)
        ) {
            let (action, subject) = (self.flags.action, self.subject.clone());
            let uid = target.uid.clone();
            let look = move |model: &Model| {
                let snap = model.snapshot(clock::now());
                let found = found(&snap, action, &subject, &uid).ok();
                found.filter(|found| *found != Found::NotInEffect)
            };
            self.listen(self.flags.timeout, |turn| look(&turn.model).is_some())
                .await;
            let found = look(&self.model).unwrap_or(Found::NotSeen);
            seen = Some(found);
            if let Some(id) = id {
                let entry = Entry::of(Kind::Observed, id).found(found);
                if let Ok(record) = audit.record(entry).await
                    && text
                {
                    progress(&record);
                }
            }
        }
        Came::Sent {
            id,
            end,
            found: seen,
            took: clock::stamp().since(began),
        }
    }

    /// The power of the command ends with it, and the audit says so where it can.
    async fn disarm(&mut self, came: &Came) {
        let Some(cluster) = self.armed.take() else {
            return;
        };
        let note = match came {
            Came::Stopped { by, .. } => format!("the command was ended by {by}"),
            _ => "the command is over".to_owned(),
        };
        let entry = Entry::new(Kind::Disarmed).cluster(&cluster).note(note);
        // It is over all the same.
        let _ = self.write(entry).await;
    }

    /// Has everything been told that a plan needs, or failed to be?
    fn is_listed(&self) -> bool {
        let Some((_, cluster, _, _)) = self.subject.as_object() else {
            return true;
        };
        let snap = self.model.snapshot(clock::now());
        let known = |kind: &ObjectKind| snap.cluster(cluster, &[*kind]).is_ok();
        // What is not permitted does not get better by waiting.
        let denied = |kind: &ObjectKind| {
            let feeds = self.model.feeds().iter();
            feeds
                .filter(|feed| feed.spec.tells == Some(*kind))
                .filter_map(|feed| feed.outage.as_ref())
                .any(|outage| outage.layer == Layer::Auth)
        };
        let action = self.flags.action;
        let mut kinds = action.needs.iter().chain(action.reads);
        kinds.all(|kind| known(kind) || denied(kind))
    }

    /// Takes in what the watches tell until something holds, at most for so long.
    async fn listen(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) {
        let end = tokio::time::Instant::now() + limit;
        while !holds(self) {
            let Some(poller) = &self.poller else { return };
            if tokio::time::timeout_at(end, poller.ready()).await.is_err() {
                return;
            }
            self.take();
        }
    }

    fn take(&mut self) {
        let told = self.poller.as_ref().map(|poller| poller.take(usize::MAX));
        for delivery in told.unwrap_or_default() {
            let feed = &delivery.observation.feed;
            self.model
                .announce(feed, delivery.next_poll, delivery.dropped);
            self.model.absorb(delivery.observation);
        }
    }

    /// Nothing is armed over an audit whose chain is broken.
    async fn is_sound(&self) -> Result<(), Refusal> {
        // One that is not there is refused where it is written to.
        let Ok(audit) = self.audit.clone() else {
            return Ok(());
        };
        let sound = tokio::task::spawn_blocking(move || audit.is_sound()).await;
        let why = match sound {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let hint = "Mend that first: over a damaged audit nothing is done";
        Err(Refusal::new(Why::Audit, why, hint))
    }

    async fn write(&self, entry: Entry) -> Result<Record, Refusal> {
        let written = match &self.audit {
            Ok(audit) => audit
                .record(audit.signed(entry))
                .await
                .map_err(|error| error.to_string()),
            Err(why) => Err(why.clone()),
        };
        written.map_err(|why| {
            let hint = "Mend that first: without a record nothing is done";
            Refusal::new(Why::Audit, format!("nothing can be recorded: {why}"), hint)
        })
    }

    /// What was asked for with `--yes` and not done is recorded as far as it can be.
    async fn note_refusal(&self, refusal: &Refusal) {
        if !self.flags.yes || refusal.why == Why::Already {
            return;
        }
        let cluster = self
            .subject
            .as_object()
            .map_or("", |(_, cluster, _, _)| cluster);
        let entry = Entry {
            verb: Some(self.flags.action.id.to_owned()),
            subject: Some(self.subject.to_string()),
            reason: self.flags.reason.clone(),
            ..Entry::new(Kind::Refused).cluster(cluster)
        };
        // A refusal for want of an audit cannot be in it.
        let _ = self.write(entry.note(refusal.to_string())).await;
    }
}

/// Would this keep the plan from being admitted, were it armed?
fn stops(plan: &Plan, check: &Check) -> bool {
    match check.verdict {
        Verdict::Fail => check.id != "armed",
        Verdict::Stop => !plan.overrides(check),
        Verdict::Ok | Verdict::Warn | Verdict::Asked => false,
    }
}

/// One line on standard error for each record: what happens while it happens.
fn progress(record: &Record) {
    let entry = &record.entry;
    let mut words = vec![entry.kind.word().to_owned()];
    if let Some(outcome) = &entry.outcome {
        words.push(format!("{:?}", outcome.ended).to_lowercase());
        words.extend(outcome.code.map(|code| code.to_string()));
        words.push(outcome.message.clone());
        words.extend(
            outcome
                .warnings
                .iter()
                .map(|text| format!("warning: {text}")),
        );
    }
    words.extend(entry.found.map(|found| found.words().to_owned()));
    words.extend(entry.note.clone());
    let id = entry.action.map_or_else(String::new, |id| id.to_string());
    let line = format!("{id}  {}", words.join("  "));
    let line = SafeText::new(line.trim_end());
    // Nobody to tell it to is no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}
