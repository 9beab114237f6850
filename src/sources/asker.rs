//! One poll over one HTTP connection, request after request, each with a share of the time that is
//! left. Gathers what every request tells besides its body; reads no body itself.

use std::time::Duration;

use super::{deadline, http_date, json_answer};
use crate::clients::endpoint::Endpoint;
use crate::clients::http::{HttpClient, Page, Response};
use crate::clock::{self, Stamp};
use crate::facts::Fact;
use crate::observation::Outage;

const ACCEPT: &str = "application/json";

/// The connection within one poll: its time, its bytes, and the responses that clocks are read from.
pub struct Asker {
    http: HttpClient,
    end: Stamp,
    pub bytes: u64,
    pub responses: Vec<Response>,
}

impl Asker {
    pub fn new(http: HttpClient) -> Self {
        Self {
            http,
            end: Stamp::default(),
            bytes: 0,
            responses: Vec::new(),
        }
    }

    /// Begins a poll that may take `budget` in all.
    pub fn begin(&mut self, budget: Duration) {
        self.end = clock::stamp() + budget;
        self.bytes = 0;
        self.responses.clear();
    }

    pub fn endpoint(&self) -> &Endpoint {
        self.http.endpoint()
    }

    pub fn waiting_for(&self) -> String {
        self.http.phase().describe()
    }

    /// Half of the time that is left: whoever hangs leaves the other half to those after it.
    pub fn share(&self) -> Duration {
        (self.end.since(clock::stamp()) / 2).max(Duration::from_millis(1))
    }

    /// GETs one path whatever its status.
    pub async fn get(&mut self, path: &str) -> Result<Page, Outage> {
        let (limit, phase) = (self.share(), self.http.phase());
        let part = path.split_once('?').map_or(path, |(part, _)| part);
        let page = deadline::within(limit, part, &phase, self.http.get(path, ACCEPT)).await?;
        self.bytes += page.response.wire_bytes;
        self.responses.push(page.response.clone());
        Ok(page)
    }

    /// Whether the server says that it is ready; `None` where it has no word for it.
    ///
    /// # Errors
    /// When the server cannot be talked to at all, or lets nobody in.
    pub async fn ready(&mut self) -> Result<Option<bool>, Outage> {
        let page = self.get("/-/ready").await?;
        match page.response.status {
            200..300 => Ok(Some(true)),
            503 => Ok(Some(false)),
            300..400 | 401 | 403 => json_answer::status("/-/ready", &page).map(|()| None),
            _ => Ok(None),
        }
    }

    /// Clock and certificate, as the last responses told them.
    pub fn asides(&self) -> impl Iterator<Item = Fact> {
        let clock = http_date::narrowest(&self.responses).map(Fact::from);
        let certificate = self
            .responses
            .iter()
            .rev()
            .find_map(|r| r.certificate.clone());
        clock.into_iter().chain(certificate.map(Fact::from))
    }
}
