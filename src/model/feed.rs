//! What is known about the watching itself: one record per feed.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Now, Stamp};
use crate::ids::FeedId;
use crate::model::freshness::{Freshness, State};
use crate::objects::ObjectKind;
use crate::observation::{Lost, Observation, Outage};
use crate::subject::Subject;

/// A feed as its source announces it.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedSpec {
    pub id: FeedId,
    pub period: Duration,
    pub timeout: Duration,
    /// What it speaks for until it knows better.
    pub subject: Subject,
    /// The kind of Kubernetes object that it streams, if any.
    pub tells: Option<ObjectKind>,
}

/// Counters and the last word of one feed.
#[derive(Clone, Debug)]
pub struct Feed {
    pub spec: FeedSpec,
    subject: Subject,
    pub polls: u64,
    pub errors: u64,
    /// Failures since the last success.
    pub failures: u32,
    pub bytes: u64,
    /// Observations overwritten before anyone looked at them.
    pub dropped: u64,
    /// Items refused in the last poll: beyond a limit, or impossible.
    pub refused: u64,
    /// Up to when what it told is known.
    pub last_ok: Option<Now>,
    pub last_poll: Option<Now>,
    /// Start of the present run of failures.
    pub failing_since: Option<Now>,
    /// Start of the present run of answers: what did not change since was seen not to change.
    pub ok_since: Option<Now>,
    pub latency: Option<Duration>,
    pub outage: Option<Outage>,
    pub lost: Vec<Lost>,
    /// How often it lists what this user may not watch; `None` where it watches, or polls.
    pub listed: Option<Duration>,
    /// When the next poll is due, as the poller announced it.
    pub next_poll: Option<Stamp>,
    /// Set by a suspend: everything older is stale whatever its age.
    pub(crate) distrust_before: Option<Stamp>,
    pub(crate) freshness: Freshness,
}

impl Feed {
    pub(crate) fn new(spec: FeedSpec) -> Self {
        Self {
            subject: spec.subject.clone(),
            spec,
            polls: 0,
            errors: 0,
            failures: 0,
            bytes: 0,
            dropped: 0,
            refused: 0,
            last_ok: None,
            last_poll: None,
            failing_since: None,
            ok_since: None,
            latency: None,
            outage: None,
            lost: Vec::new(),
            listed: None,
            next_poll: None,
            distrust_before: None,
            freshness: Freshness::Unknown,
        }
    }

    /// What it speaks for, as well as is known.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn set_subject(&mut self, subject: Subject) {
        self.subject = subject;
    }

    /// The namespace that it is limited to, which a stream's endpoint names: `pods in shop`.
    #[must_use]
    pub fn within(&self) -> Option<&str> {
        self.spec.tells?;
        let (_, namespace) = self.spec.id.endpoint.split_once(" in ")?;
        Some(namespace)
    }

    /// How often it should tell something new: by this its age is judged.
    #[must_use]
    pub fn period(&self) -> Duration {
        let listed = self.listed.unwrap_or_default();
        listed.max(self.spec.period)
    }

    /// Freshness of a value learnt from this feed at `at`.
    #[must_use]
    pub fn freshness_of(&self, at: Stamp, now: Stamp) -> Freshness {
        let distrusted = self.distrust_before.is_some_and(|limit| at < limit);
        Freshness::of(
            now.since(at),
            self.period(),
            distrusted || self.outage.is_some(),
        )
    }

    /// Freshness of what it told last.
    #[must_use]
    pub fn freshness(&self, now: Stamp) -> Freshness {
        self.last_ok
            .map_or(Freshness::Unknown, |ok| self.freshness_of(ok.stamp, now))
    }

    /// Ok: answered in time. Bad: the last poll failed. Unknown: not answered yet, or silent.
    #[must_use]
    pub fn state(&self, now: Stamp) -> State {
        if self.outage.is_some() {
            State::Bad
        } else if self.freshness(now).is_usable() {
            State::Ok
        } else {
            State::Unknown
        }
    }

    pub(crate) fn record(&mut self, observation: &Observation) {
        self.polls += 1;
        self.bytes += observation.bytes;
        self.latency = Some(observation.took);
        self.last_poll = Some(observation.at);
        match &observation.outcome {
            Ok(harvest) => {
                self.failures = 0;
                self.failing_since = None;
                self.ok_since.get_or_insert(observation.at);
                let told = observation.told_at();
                self.last_ok = Some(told);
                self.outage = None;
                self.lost.clone_from(&harvest.lost);
                self.listed = harvest.listed;
                self.refused = harvest.refused;
                self.distrust_before = self.distrust_before.filter(|limit| told.stamp < *limit);
                if let Some(subject) = &harvest.subject {
                    self.subject = subject.clone();
                }
            }
            Err(outage) => {
                self.errors += 1;
                self.failures += 1;
                self.ok_since = None;
                self.failing_since.get_or_insert(observation.at);
                self.outage = Some(outage.clone());
            }
        }
    }
}

impl Subject {
    /// The watching of one feed as a subject: `target/etcd/prod`, with the endpoint where a target
    /// has several.
    #[must_use]
    pub fn target(id: &FeedId) -> Self {
        let path: Arc<str> = if id.endpoint.is_empty() {
            id.target.to_string().into()
        } else {
            format!("{} {}", id.target, id.endpoint).into()
        };
        Self::new(crate::subject::SubjectKind::Target, path)
    }
}
