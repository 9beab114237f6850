//! Recorded observations put back into an app: what the screen and report tests look at.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use midwatch::app::{App, Identity};
use midwatch::clock::Now;
use midwatch::event::{Event, OwnUse};
use midwatch::ids::FeedId;
use midwatch::model::{FeedSpec, Model};
use midwatch::objects::ObjectKind;
use midwatch::observation::Observation;
use midwatch::panes;
use midwatch::subject::Subject;
use midwatch::thresholds::Thresholds;
use midwatch::units::{Bytes, Ratio};
use serde::Deserialize;

/// First line of a scenario: who was watched.
#[derive(Deserialize)]
struct Feeds {
    feeds: Vec<FeedLine>,
}

#[derive(Deserialize)]
struct FeedLine {
    id: FeedId,
    period_ms: u64,
    timeout_ms: u64,
    subject: Subject,
    tells: Option<ObjectKind>,
}

/// A scenario of `tests/fixtures/scenarios`.
pub struct Scene {
    feeds: Vec<FeedSpec>,
    observations: Vec<Observation>,
}

impl Scene {
    /// Reads `NAME.jsonl`.
    pub fn load(name: &str) -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let path = root.join(format!("tests/fixtures/scenarios/{name}.jsonl"));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut lines = text.lines();
        let feeds: Feeds = serde_json::from_str(lines.next().unwrap()).unwrap();
        let observations = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let feeds = feeds
            .feeds
            .into_iter()
            .map(|line| FeedSpec {
                id: line.id,
                period: Duration::from_millis(line.period_ms),
                timeout: Duration::from_millis(line.timeout_ms),
                subject: line.subject,
                tells: line.tells,
            })
            .collect();
        Self {
            feeds,
            observations,
        }
    }

    /// When watching began.
    pub fn began(&self) -> Now {
        self.observations.first().unwrap().at
    }

    /// When the last observation came.
    pub fn ended(&self) -> Now {
        self.observations.last().unwrap().at
    }

    /// An app that has seen everything, judged as it went along, `later` after the end.
    pub fn app(&self, later: Duration) -> App {
        let began = self.began();
        let mut model = Model::new(began, Thresholds::default());
        for feed in &self.feeds {
            model.register(feed.clone(), Thresholds::default());
        }
        let mut app = App::new(model, panes::listings(), 0, began);
        app.bindings =
            midwatch::start::bindings(&midwatch::keymap::Keymap::preset("default", &[]).unwrap());
        app.identity = Identity {
            context: "PROD-EU".into(),
            production: true,
            ..Identity::default()
        };
        for observation in &self.observations {
            app.update(Event::Tick(observation.at));
            app.update(Event::Observed {
                next_poll: observation.at.stamp + self.period(&observation.feed),
                observation: Box::new(observation.clone()),
                dropped: 0,
            });
            app.refresh();
        }
        app.update(Event::Own(OwnUse {
            cpu: Some(Ratio(0.004)),
            resident: Some(Bytes(22 << 20)),
            frames: 1408,
        }));
        app.update(Event::Tick(self.ended().plus(later)));
        app.refresh();
        app
    }

    fn period(&self, id: &FeedId) -> Duration {
        self.feeds
            .iter()
            .find(|feed| feed.id == *id)
            .map_or(Duration::ZERO, |feed| feed.period)
    }
}
