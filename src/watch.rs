//! From configuration to a model and the feeds that fill it: the same for the console and for
//! `midwatch check`.

use std::time::Duration;

use crate::clients::kube::Api;
use crate::clock::Now;
use crate::config::Config;
use crate::config::settings::ConfigError;
use crate::ids::FeedId;
use crate::model::{FeedSpec, Model};
use crate::poll::Watched;
use crate::sources::{Pace, SOURCES, Source, TargetConfig};

/// Builds every probe and registers its feed, so that a target that never answers has a row from
/// the first frame on.
///
/// # Errors
/// What the sources say against their settings, each naming target and key.
pub fn prepare(config: &Config, now: Now) -> Result<(Model, Vec<Watched>), Vec<ConfigError>> {
    let mut model = Model::new(now, config.defaults.thresholds());
    let mut feeds = Vec::new();
    let mut errors = Vec::new();
    for target in &config.targets {
        let Some(source) = SOURCES
            .iter()
            .find(|source| source.kind == &*target.id.kind)
        else {
            let place = format!("target {}", target.id);
            errors.push(ConfigError::new(
                place,
                format!("no source of kind `{}`", target.id.kind),
            ));
            continue;
        };
        match (source.probes)(target) {
            Ok(probes) => {
                for probe in probes {
                    let spec = spec(target, source, &*probe);
                    model.register(spec.clone(), target.settings.thresholds());
                    feeds.push(Watched { spec, probe });
                }
            }
            Err(mut error) => {
                error.place = format!("target {}: {}", target.id, error.place);
                errors.push(error);
            }
        }
    }
    if errors.is_empty() {
        Ok((model, feeds))
    } else {
        Err(errors)
    }
}

fn spec(target: &TargetConfig, source: &Source, probe: &dyn crate::sources::Probe) -> FeedSpec {
    let period = target.settings.duration("period").unwrap_or(source.period);
    let timeout = target
        .settings
        .duration("timeout")
        .unwrap_or(source.timeout);
    FeedSpec {
        id: FeedId::new(target.id.clone(), &probe.endpoint()),
        period: probe.period(period),
        // A deadline as long as the period would let polls of one feed run into each other.
        timeout: match probe.pace() {
            Pace::Periodic => {
                let most = probe
                    .period(period)
                    .saturating_sub(Duration::from_millis(1));
                probe.timeout(timeout).min(most)
            }
            // A stream is silent for a period at most and says so itself; this is for one that hangs.
            Pace::Stream => period * 2,
        },
        subject: probe.subject(),
        tells: probe.tells(),
    }
}

/// The clients of the clusters that these feeds ask, each once: what shares one shares connections,
/// credentials and budget.
#[must_use]
pub fn apis(feeds: &[Watched]) -> Vec<Api> {
    feeds
        .iter()
        .filter_map(|watched| watched.probe.api().cloned())
        .collect()
}
