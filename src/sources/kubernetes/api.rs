//! The API server's own state, polled: `/readyz`, `/livez`, `/version`, its certificate and clock.
//! Judges nothing; a server that is not ready has answered.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::clients::kube::{Api, JSON, Reply};
use crate::facts::{Fact, FactKind, KubeApi, KubeChecks};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::sources::{Answer, PollFuture, Probe, deadline, http_date};
use crate::subject::Subject;

/// The version is asked for once in so many polls: it changes with an upgrade.
const VERSION_EVERY: u32 = 12;
/// More is no list of checks.
const LARGEST: u64 = 256 << 10;
/// Failing checks that are kept by name.
const NAMED: usize = 100;

pub struct ApiProbe {
    api: Api,
    /// What the server was called when the target was configured.
    endpoint: String,
    budget: Duration,
    polls: u32,
    version: Option<Version>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Version {
    git_version: Arc<str>,
    platform: Arc<str>,
}

type Page = (Reply, Vec<u8>);

impl ApiProbe {
    /// `budget` is what the parts of a poll may take; they are asked at once.
    #[must_use]
    pub fn new(api: Api, budget: Duration) -> Self {
        Self {
            endpoint: api.server(),
            api,
            budget,
            polls: 0,
            version: None,
        }
    }

    async fn ask(&mut self) -> Answer {
        let wants_version = self.version.is_none() || self.polls.is_multiple_of(VERSION_EVERY);
        self.polls = self.polls.wrapping_add(1);
        let version = async {
            if wants_version {
                Some(self.part("/version", JSON).await)
            } else {
                None
            }
        };
        let (readyz, livez, version) = tokio::join!(
            self.part("/readyz?verbose", "text/plain"),
            self.part("/livez?verbose", "text/plain"),
            version
        );
        let mut bytes = 0;
        let pages = [readyz.as_ref().ok(), livez.as_ref().ok()];
        let pages = pages
            .into_iter()
            .chain([version.as_ref().and_then(|page| page.as_ref().ok())]);
        for (reply, _) in pages.flatten() {
            bytes += reply.wire_bytes();
        }
        let outcome = self.harvest(readyz, livez, version);
        Answer { bytes, outcome }
    }

    fn harvest(
        &mut self,
        readyz: Result<Page, Outage>,
        livez: Result<Page, Outage>,
        version: Option<Result<Page, Outage>>,
    ) -> Result<Harvest, Outage> {
        // Without an answer to the first question there is nobody to speak of.
        let (reply, body) = readyz?;
        let subject = self.subject();
        let mut harvest = Harvest {
            subject: Some(subject.clone()),
            ..Harvest::default()
        };
        let mut lose = |outage| {
            harvest.lost.push(Lost {
                kind: FactKind::KubeApi,
                outage,
            });
        };
        match version.map(|page| page.and_then(|page| self.read_version(&page))) {
            Some(Ok(version)) => self.version = Some(version),
            Some(Err(outage)) => lose(outage),
            None => {}
        }
        let clock = reply.date;
        let clock = clock.and_then(|date| http_date::between(date, reply.sent, reply.answered));
        let mut facts: Vec<Fact> = clock.map(Fact::from).into_iter().collect();
        facts.extend(self.api.certificate().map(Fact::from));
        if let Some(readyz) = checks(reply.status, &body) {
            let known = self.version.clone().unwrap_or_default();
            let livez = livez.ok();
            facts.push(Fact::from(KubeApi {
                version: known.git_version,
                platform: known.platform,
                readyz,
                livez: livez.and_then(|(reply, body)| checks(reply.status, &body)),
                took: reply.answered.stamp.since(reply.sent.stamp),
            }));
        } else {
            let outage = self.api.outage_of(&reply.refused(&body));
            // It answered, and lets us not look: everything else may still be had.
            if reply.status != 403 {
                return Err(outage);
            }
            lose(outage);
        }
        harvest.facts = facts
            .into_iter()
            .map(|fact| (subject.clone(), fact))
            .collect();
        Ok(harvest)
    }

    fn read_version(&self, (reply, body): &Page) -> Result<Version, Outage> {
        if !reply.is_ok() {
            return Err(self.api.outage_of(&reply.refused(body)));
        }
        serde_json::from_slice(body)
            .map_err(|error| Outage::new(Layer::Parse, format!("/version: {error}")))
    }

    /// One request with its body.
    async fn part(&self, path: &str, accept: &str) -> Result<Page, Outage> {
        let name = path.split('?').next().unwrap_or(path);
        let work = async {
            let mut reply = self.api.get(path, accept).await?;
            let body = reply.rest(LARGEST).await?;
            Ok((reply, body))
        };
        deadline::within(self.budget, name, &self.api.phase(), work).await
    }
}

impl Probe for ApiProbe {
    fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    fn subject(&self) -> Subject {
        Subject::cluster(self.api.cluster())
    }

    fn api(&self) -> Option<&Api> {
        Some(&self.api)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.ask())
    }

    fn disconnect(&mut self) {
        self.api.disconnect();
    }

    fn waiting_for(&self) -> String {
        self.api.phase_words()
    }
}

/// The checks that an answer lists: `[+]etcd ok`, `[-]etcd failed: reason withheld`. `None` when it
/// is no answer of a health endpoint at all: those are 200 or 500.
fn checks(status: u16, body: &[u8]) -> Option<KubeChecks> {
    let text = String::from_utf8_lossy(body);
    let mut checks = KubeChecks {
        passed: status == 200,
        ..KubeChecks::default()
    };
    for line in text.lines() {
        if line.starts_with("[+]") {
            checks.total += 1;
        } else if let Some(rest) = line.strip_prefix("[-]") {
            checks.total += 1;
            if checks.failing.len() < NAMED {
                let name = rest.split_once(" failed").map_or(rest, |(name, _)| name);
                checks.failing.push(name.trim().into());
            }
        }
    }
    let brief = checks.total == 0 && text.trim() == "ok";
    match status {
        200 if brief || checks.total > 0 => Some(checks),
        500 if checks.total > 0 => Some(checks),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_checks_are_named_and_all_are_counted() {
        let body = b"[+]ping ok\n[-]etcd failed: reason withheld\n[+]log ok\n[-]poststarthook/rbac/bootstrap-roles failed: not finished\nreadyz check failed\n";
        let told = checks(500, body).unwrap();
        assert!(!told.passed);
        assert_eq!(told.total, 4);
        assert_eq!(
            told.failing,
            ["etcd".into(), "poststarthook/rbac/bootstrap-roles".into()] as [Arc<str>; 2]
        );
        let body = b"[+]ping ok\n[+]shutdown ok\nreadyz check passed\n";
        let told = checks(200, body).unwrap();
        assert!(told.passed && told.failing.is_empty() && told.total == 2);
    }

    #[test]
    fn a_page_that_lists_no_checks_is_no_health() {
        for (status, body) in [
            (200, &b"<html>sign in</html>"[..]),
            (200, b""),
            (500, b"internal error"),
            (502, b"[+]ping ok"),
            (403, b"{\"kind\":\"Status\"}"),
        ] {
            assert_eq!(checks(status, body), None, "{status}");
        }
        assert!(checks(200, b"ok").unwrap().passed);
    }
}
