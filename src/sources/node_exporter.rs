//! A host by its node_exporter: the same facts as `local`, from one scrape.
//!
//! The body streams through [`exposition`](super::exposition); [`Scrape`] collects what is wanted
//! and makes the facts, and knows nothing of fetching. Nothing here asks for single collectors.

mod facts;
mod scrape;

use std::sync::Arc;
use std::time::Duration;

pub use scrape::{Scrape, WANTED};

use super::exposition::{ACCEPT, Reader, Wanted};
use super::{Answer, PollFuture, Probe, Source, TargetConfig};
use crate::clients::endpoint::Endpoint;
use crate::clients::http::{HttpClient, Response};
use crate::clock::{Now, now};
use crate::config::settings::ConfigError;
use crate::facts::{ClockOffset, Fact, Interval, Witness};
use crate::observation::{Harvest, Layer, Outage};
use crate::subject::Subject;

pub static SOURCE: Source = Source {
    kind: "node-exporter",
    doc: "A host by its node_exporter: one scrape of /metrics, which also compares its clock with \
          this machine's.",
    period: Duration::from_secs(10),
    timeout: Duration::from_secs(5),
    keys: &[
        "url",
        "address",
        "ca",
        "cert",
        "key",
        "server_name",
        "insecure",
        "headers_file",
        "max_body",
    ],
    probes,
};

/// The port that node_exporter takes by default.
const PORT: u16 = 9100;

/// Bytes of a body kept for the text of an error.
const BODY_START: usize = 512;

fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    let settings = &target.settings;
    let url = match (settings.text("url"), settings.text("address")) {
        (Some(url), None) | (None, Some(url)) => url,
        (one, _) => {
            let problem = match one {
                Some(_) => "both `url` and `address` are set",
                None => "neither `url` nor `address` is set",
            };
            let place = settings.origin("url");
            let place = place.map_or_else(|| target.id.to_string(), ToString::to_string);
            return Err(ConfigError::new(place, problem)
                .hint("set `address` to HOST or HOST:PORT, or `url` to the whole URL"));
        }
    };
    let endpoint = Endpoint::from_settings(url, PORT, settings)?;
    Ok(vec![Box::new(NodeExporter::new(&target.id.name, endpoint))])
}

struct NodeExporter {
    host: Arc<str>,
    client: HttpClient,
    path: String,
    wanted: Wanted<'static>,
}

impl NodeExporter {
    fn new(host: &str, mut endpoint: Endpoint) -> Self {
        // A configured path is the path of the metrics, not a prefix of it.
        let path = match std::mem::take(&mut endpoint.prefix) {
            none if none.is_empty() => "/metrics".into(),
            path => path,
        };
        Self {
            host: host.into(),
            client: HttpClient::new(Arc::new(endpoint)),
            path,
            wanted: Wanted::new(WANTED.iter().copied()),
        }
    }

    async fn scrape(&mut self) -> Answer {
        let mut reader = Reader::new(&self.wanted);
        let mut scrape = Scrape::default();
        let mut timed = None;
        let mut start = Vec::new();
        let mut sink = |piece: &[u8]| {
            let room = BODY_START.saturating_sub(start.len());
            start.extend_from_slice(&piece[..piece.len().min(room)]);
            reader.push(piece, &mut |sample| scrape.take(sample));
            // The host's time was read before it was sent: its arrival bounds it from above, and
            // closer than the end of a long body.
            if timed.is_none() && scrape.time().is_some() {
                timed = Some(now());
            }
        };
        let response = match self.client.stream(&self.path, ACCEPT, &mut sink).await {
            Ok(response) => response,
            Err(outage) => return Answer::failed(0, outage),
        };
        let tally = reader.finish(&mut |sample| scrape.take(sample));
        let bytes = response.wire_bytes;
        if !(200..300).contains(&response.status) {
            let refusal = self.client.refusal(response.status, &self.path, &start);
            return Answer::failed(bytes, refusal);
        }
        if let Err(outage) = tally.verify().and_then(|()| {
            if tally.taken > 0 {
                return Ok(());
            }
            Err(foreign(tally.samples()))
        }) {
            return Answer::failed(bytes, outage);
        }
        let mut harvest = scrape.harvest(&self.host);
        harvest.refused += tally.refused();
        self.add_exchange(&response, &scrape, timed.unwrap_or_else(now), &mut harvest);
        Answer::ok(bytes, harvest)
    }

    /// What the exchange itself proves: the clock's offset, and the certificate.
    fn add_exchange(
        &self,
        response: &Response,
        scrape: &Scrape,
        timed: Now,
        harvest: &mut Harvest,
    ) {
        let host = Subject::host(&self.host);
        if let Some(time) = scrape.time() {
            let offset = offset(time, response.sent, timed);
            harvest
                .facts
                .push((host.clone(), Fact::ClockOffset(offset)));
        }
        if let Some(certificate) = &response.certificate {
            let fact = Fact::Certificate(certificate.clone());
            harvest.facts.push((host, fact));
        }
    }
}

impl Probe for NodeExporter {
    fn endpoint(&self) -> String {
        self.client.endpoint().name.clone()
    }

    fn subject(&self) -> Subject {
        Subject::host(&self.host)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.scrape())
    }

    fn waiting_for(&self) -> String {
        self.client.phase().describe()
    }
}

fn foreign(samples: u64) -> Outage {
    let detail = format!("none of the {samples} samples is of node_exporter");
    Outage::new(Layer::Parse, detail).hint(format!(
        "check the address: this is another exporter; node_exporter's port is {PORT} by default"
    ))
}

/// Rounding of a wall time in seconds as a float: 2^-22 s in this century.
const ROUNDING: f64 = 0.000_000_5;

/// Bounds of `host - console` from the host's time in Unix seconds, read by the host between
/// `sent` and `seen`.
///
/// The moment of sending is counted back from `seen` by the boot clock, so that a step of our own
/// wall clock in between moves both bounds and not just one.
fn offset(time: f64, sent: Now, seen: Now) -> ClockOffset {
    let round_trip = seen.stamp.since(sent.stamp).as_secs_f64();
    let latest = seen.wall.as_duration().as_secs_f64();
    let earliest = latest - round_trip;
    ClockOffset {
        witness: Witness::NodeTime,
        offset: Interval::new(time - latest - ROUNDING, time - earliest + ROUNDING),
        round_trip,
        root_distance: None,
        stratum: None,
        reference: None,
    }
}

#[cfg(test)]
mod tests;
