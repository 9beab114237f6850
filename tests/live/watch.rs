//! What the supervisor does, by hand: probes from targets, polls, observations into a model.

use std::time::Duration;

use libtest_mimic::Failed;
use midwatch::clock;
use midwatch::facts::Factual;
use midwatch::ids::FeedId;
use midwatch::model::{Feed, FeedSpec, Model, Snapshot};
use midwatch::observation::{Layer, Observation, Outage};
use midwatch::sources::{Answer, Probe, SOURCES, Source};
use midwatch::subject::Subject;
use midwatch::thresholds::Thresholds;
use tokio::runtime::Runtime;

use crate::target::Target;

/// How long a condition may take to come true on a busy machine. What is forbidden is asked for
/// once a minute only.
pub const PATIENCE: Duration = Duration::from_secs(150);
const PAUSE: Duration = Duration::from_millis(250);

struct Watched {
    id: FeedId,
    timeout: Duration,
    probe: Box<dyn Probe>,
}

/// Targets under watch.
pub struct Watch {
    runtime: Runtime,
    model: Model,
    feeds: Vec<Watched>,
}

impl Watch {
    pub fn new(targets: &[Target]) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut model = Model::new(clock::now(), Thresholds::default());
        let mut feeds = Vec::new();
        let guard = runtime.enter();
        for target in targets {
            let source = source(target.kind)?;
            let config = target.config();
            for probe in (source.probes)(&config)? {
                let id = FeedId::new(config.id.clone(), &probe.endpoint());
                let spec = FeedSpec {
                    id: id.clone(),
                    period: probe.period(source.period),
                    timeout: source.timeout,
                    subject: probe.subject(),
                    tells: None,
                };
                model.register(spec, Thresholds::default());
                feeds.push(Watched {
                    id,
                    timeout: source.timeout,
                    probe,
                });
            }
        }
        drop(guard);
        Ok(Self {
            runtime,
            model,
            feeds,
        })
    }

    /// Polls every feed once, each to its deadline.
    pub fn poll(&mut self) {
        let Self {
            runtime,
            model,
            feeds,
        } = self;
        let all = runtime.block_on(futures::future::join_all(feeds.iter_mut().map(observe)));
        for observation in all {
            model.absorb(observation);
        }
    }

    /// Polls until the condition holds.
    ///
    /// # Errors
    /// When it does not within [`PATIENCE`]; tells what the feeds said last.
    pub fn until(
        &mut self,
        what: &str,
        holds: impl Fn(&Snapshot<'_>) -> bool,
    ) -> Result<(), Failed> {
        let end = clock::stamp() + PATIENCE;
        loop {
            self.poll();
            if holds(&self.snapshot()) {
                return Ok(());
            }
            if clock::stamp() > end {
                return Err(format!("never came true: {what}\n{}", self.describe()).into());
            }
            self.runtime
                .block_on(async { tokio::time::sleep(PAUSE).await });
        }
    }

    pub fn snapshot(&self) -> Snapshot<'_> {
        self.model.snapshot(clock::now())
    }

    /// The latest fact of a kind on a subject.
    ///
    /// # Errors
    /// When nobody told it.
    pub fn fact<T: Factual + Clone>(&self, subject: &Subject) -> Result<T, Failed> {
        let snapshot = self.snapshot();
        let reading = snapshot.latest::<T>(subject);
        reading.map(|reading| reading.value.clone()).ok_or_else(|| {
            let kind = T::KIND;
            format!("no {kind:?} on {subject}\n{}", self.describe()).into()
        })
    }

    /// The feed at an endpoint.
    ///
    /// # Errors
    /// When there is none.
    pub fn feed(&self, endpoint: &str) -> Result<&Feed, Failed> {
        let mut feeds = self.model.feeds().iter();
        feeds
            .find(|feed| &*feed.spec.id.endpoint == endpoint)
            .ok_or_else(|| format!("no feed at {endpoint}").into())
    }

    /// Every feed with its outage and losses, for a failure's text.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for feed in self.model.feeds() {
            text += &format!("{} speaks for {}\n", feed.spec.id, feed.subject());
            if let Some(outage) = &feed.outage {
                text += &format!("  outage {outage}\n");
            }
            for lost in &feed.lost {
                text += &format!("  lost {:?}: {}\n", lost.kind, lost.outage);
            }
        }
        for subject in self.model.all_subjects() {
            text += &format!("known: {subject}\n");
        }
        text
    }
}

fn source(kind: &str) -> Result<&'static Source, Failed> {
    let found = SOURCES.iter().find(|source| source.kind == kind);
    found
        .copied()
        .ok_or_else(|| format!("no source of kind {kind}").into())
}

async fn observe(watched: &mut Watched) -> Observation {
    let began = clock::stamp();
    let answer = match tokio::time::timeout(watched.timeout, watched.probe.poll()).await {
        Ok(answer) => answer,
        Err(_) => Answer::failed(0, Outage::new(Layer::Timeout, watched.probe.waiting_for())),
    };
    let at = clock::now();
    Observation {
        feed: watched.id.clone(),
        at,
        took: at.stamp.since(began),
        bytes: answer.bytes,
        outcome: answer.outcome,
    }
}
