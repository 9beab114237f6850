//! Watches a running world as the console does and writes down every observation, in order of
//! arrival, for tests that draw without servers. Judges nothing.

mod disguise;

use std::fs;
use std::time::Duration;

use libtest_mimic::Failed;
use midwatch::clock;
use midwatch::config::{self, Request};
use midwatch::findings::{Ledger, Severity};
use midwatch::ids::FeedId;
use midwatch::model::{FeedSpec, Model};
use midwatch::objects::ObjectKind;
use midwatch::observation::Observation;
use midwatch::poll::{Poller, Schedule};
use midwatch::subject::Subject;
use midwatch::thresholds::Thresholds;
use midwatch::watch;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::target::{Target, config_toml};
pub use disguise::Disguise;

/// A watch that remembers.
pub struct Recorder {
    runtime: Runtime,
    poller: Poller,
    specs: Vec<FeedSpec>,
    seen: Vec<Observation>,
}

impl Recorder {
    /// Starts to watch, through the configuration that a user would write.
    pub fn start(targets: &[Target]) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let folder = TempDir::with_prefix("midwatch-recorder-")?;
        let file = folder.path().join("config.toml");
        fs::write(&file, config_toml(targets))?;
        let request = Request {
            file: Some(file),
            ..Request::default()
        };
        let told = |errors: Vec<config::ConfigError>| {
            let texts: Vec<String> = errors.iter().map(config::ConfigError::render).collect();
            Failed::from(texts.join("\n"))
        };
        let config = config::load(&request).map_err(told)?;
        let (_, feeds) = watch::prepare(&config, clock::now()).map_err(told)?;
        let specs = feeds.iter().map(|feed| feed.spec.clone()).collect();
        let poller = Poller::start(feeds, Schedule::Watch);
        drop(inside);
        Ok(Self {
            runtime,
            poller,
            specs,
            seen: Vec::new(),
        })
    }

    /// Takes what arrives in this time.
    pub fn watch_for(&mut self, span: Duration) {
        let Self {
            runtime,
            poller,
            seen,
            ..
        } = self;
        let gather = async {
            loop {
                poller.ready().await;
                let taken = poller.take(usize::MAX);
                seen.extend(taken.into_iter().map(|delivery| delivery.observation));
            }
        };
        // It never ends by itself.
        let _: Result<(), _> = runtime.block_on(async { tokio::time::timeout(span, gather).await });
    }

    /// The feeds and, line by line, what they brought.
    ///
    /// # Errors
    /// When this machine shows through.
    pub fn lines(&self, disguise: &Disguise) -> Result<Vec<String>, Failed> {
        let last = self.seen.last().ok_or("nothing was seen")?.at;
        let mut lines = vec![disguise.line(&json!({ "feeds": self.feeds() }), "", last)?];
        for observation in &self.seen {
            let host = disguise.host(&observation.feed);
            lines.push(disguise.line(&serde_json::to_value(observation)?, &host, last)?);
        }
        Ok(lines)
    }

    fn feeds(&self) -> Vec<Value> {
        let feeds = self.specs.iter().map(|spec| {
            json!({
                "id": spec.id,
                "period_ms": u64::try_from(spec.period.as_millis()).unwrap_or(u64::MAX),
                "timeout_ms": u64::try_from(spec.timeout.as_millis()).unwrap_or(u64::MAX),
                "subject": spec.subject,
                "tells": spec.tells,
            })
        });
        feeds.collect()
    }
}

/// One feed of the first line.
#[derive(serde::Deserialize)]
struct FeedLine {
    id: FeedId,
    period_ms: u64,
    timeout_ms: u64,
    subject: Subject,
    tells: Option<ObjectKind>,
}

#[derive(serde::Deserialize)]
struct FirstLine {
    feeds: Vec<FeedLine>,
}

/// What midwatch makes of a recording at its end: rule, subject and severity.
///
/// # Errors
/// When a line does not come back from JSON.
pub fn findings(lines: &[String]) -> Result<Vec<(String, String, Severity)>, Failed> {
    let (first, rest) = lines.split_first().ok_or("an empty recording")?;
    let first: FirstLine = serde_json::from_str(first)?;
    let seen: Vec<Observation> = rest
        .iter()
        .map(|line| serde_json::from_str(line))
        .collect::<Result<_, _>>()?;
    let mut now = seen.first().ok_or("nothing was seen")?.at;
    let mut model = Model::new(now, Thresholds::default());
    for feed in first.feeds {
        let spec = FeedSpec {
            id: feed.id,
            period: Duration::from_millis(feed.period_ms),
            timeout: Duration::from_millis(feed.timeout_ms),
            subject: feed.subject,
            tells: feed.tells,
        };
        model.register(spec, Thresholds::default());
    }
    let mut ledger = Ledger::default();
    for observation in seen {
        now = observation.at;
        model.absorb(observation);
        model.age(now);
        ledger.run(&mut model, now);
    }
    // What concerns the whole fleet is judged when everything rests.
    ledger.run(&mut model, now);
    let entries = ledger.entries().map(|entry| &entry.finding);
    Ok(entries
        .map(|f| (f.rule.to_string(), f.subject.to_string(), f.severity))
        .collect())
}
