//! A Prometheus server, or one that speaks its API: is it ready, does it scrape, evaluate and send,
//! what fires, and the user's own queries.
//!
//! One connection, one request after the other, each with a share of the time that is left. Servers
//! that speak only a part of the API lose that part and nothing else.

pub(in crate::sources) mod alert;
mod answers;
mod claims;
mod query;

use std::sync::Arc;
use std::time::Duration;

use answers::{AlertList, Alertmanagers, BuildInfo, RuleList, RuntimeInfo, TargetList, Tsdb, data};

use super::asker::Asker;
use super::{Answer, PollFuture, Probe, Source, TargetConfig, deadline, json_answer};
use crate::clients::endpoint::Endpoint;
use crate::clients::http::{HttpClient, Page};
use crate::config::settings::ConfigError;
use crate::facts::{Fact, FactKind, PrometheusStatus, Queries};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::subject::Subject;

const PORT: u16 = 9090;

pub static SOURCE: Source = Source {
    kind: "prometheus",
    doc: "A Prometheus server over its HTTP API: readiness, scrape targets, rules, alerts, TSDB, \
          how full volume claims are, and your own instant queries.",
    period: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
    keys: &["url", "queries", "cluster"],
    probes,
};

fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    let url = json_answer::url(target, "http://10.0.0.21:9090")?;
    let endpoint = Endpoint::from_settings(url, PORT, &target.settings)?;
    let timeout = target.settings.duration("timeout");
    Ok(vec![Box::new(PrometheusProbe {
        name: target.id.name.clone(),
        queries: target.settings.list("queries").to_vec(),
        cluster: target.settings.text("cluster").map(Into::into),
        budget: deadline::parts(timeout.unwrap_or(SOURCE.timeout)),
        client: Asker::new(HttpClient::new(Arc::new(endpoint))),
    })])
}

struct PrometheusProbe {
    name: Arc<str>,
    queries: Vec<String>,
    /// The Kubernetes cluster that it scrapes, if the user says.
    cluster: Option<Arc<str>>,
    budget: Duration,
    client: Asker,
}

/// What a poll gathers, and how many of its parts were had.
struct Gathered {
    harvest: Harvest,
    subject: Subject,
    had: usize,
}

impl Gathered {
    /// Notes one part: what it brought, or that it is lost.
    fn part<T>(&mut self, kind: FactKind, result: Result<T, Outage>) -> Option<T> {
        match result {
            Ok(value) => {
                self.had += 1;
                Some(value)
            }
            Err(outage) => {
                self.harvest.lost.push(Lost { kind, outage });
                None
            }
        }
    }

    fn fact(&mut self, fact: impl Into<Fact>) {
        let fact = (self.subject.clone(), fact.into());
        self.harvest.facts.push(fact);
    }
}

impl PrometheusProbe {
    async fn ask(&mut self) -> Answer {
        self.client.begin(self.budget);
        let outcome = self.harvest().await;
        Answer {
            bytes: self.client.bytes,
            outcome,
        }
    }

    async fn harvest(&mut self) -> Result<Harvest, Outage> {
        let ready = self.client.ready().await?;
        let subject = self.subject();
        let mut gathered = Gathered {
            harvest: Harvest {
                subject: Some(subject.clone()),
                ..Harvest::default()
            },
            subject,
            had: 0,
        };
        let status = self.status(&mut gathered, ready).await;
        if !self.queries.is_empty() {
            let queries = self.run_queries().await;
            gathered.fact(queries);
        }
        self.claims(&mut gathered).await;
        self.lists(&mut gathered).await;
        // A server that replays its log says so and can say nothing else. One that is ready and
        // answers no part at all is something else than Prometheus.
        if gathered.had == 0 && ready != Some(false) {
            let first = gathered.harvest.lost.into_iter().next();
            return Err(first.map_or_else(
                || Outage::new(Layer::Protocol, "no part of the API answers"),
                |lost| lost.outage,
            ));
        }
        gathered.fact(status);
        for fact in self.client.asides() {
            gathered.fact(fact);
        }
        Ok(gathered.harvest)
    }

    /// Small answers about the server itself.
    async fn status(&mut self, gathered: &mut Gathered, ready: Option<bool>) -> PrometheusStatus {
        const KIND: FactKind = FactKind::PrometheusStatus;
        let mut status = PrometheusStatus::default();
        let page = self.client.get("/api/v1/status/buildinfo").await;
        if let Some(build) = gathered.part(KIND, read::<BuildInfo>("buildinfo", page)) {
            status.version = build.version;
        }
        let page = self.client.get("/api/v1/status/runtimeinfo").await;
        if let Some(runtime) = gathered.part(KIND, read::<RuntimeInfo>("runtimeinfo", page)) {
            status.started_at = runtime.started_at();
            status.config_ok = runtime.reload_config_success;
            status.corruptions = runtime.corruption_count;
            status.retention = runtime.storage_retention;
        }
        let page = self.client.get("/api/v1/status/tsdb?limit=1").await;
        if let Some(tsdb) = gathered.part(KIND, read::<Tsdb>("tsdb", page)) {
            status.head_series = tsdb.head_stats.num_series;
            status.head_chunks = tsdb.head_stats.chunk_count;
            status.head_max_at = tsdb.head_stats.newest();
        }
        let page = self.client.get("/api/v1/alertmanagers").await;
        let told = gathered.part(KIND, read::<Alertmanagers>("alertmanagers", page));
        status.alertmanagers = told.map(Alertmanagers::urls);
        status.ready = ready.unwrap_or(gathered.had > 0);
        status
    }

    async fn run_queries(&mut self) -> Queries {
        let mut results = Vec::with_capacity(self.queries.len());
        for text in &self.queries {
            let path = query::path(text, self.client.share());
            results.push(match self.client.get(&path).await {
                Ok(page) => query::result(text, &page),
                Err(outage) => query::failed(text, &outage),
            });
        }
        Queries(results)
    }

    /// How full volume claims are. A server that scrapes no kubelet knows of none.
    async fn claims(&mut self, gathered: &mut Gathered) {
        let path = claims::path(self.client.share());
        let page = self.client.get(&path).await;
        let told = page.and_then(|page| claims::read(&page, self.cluster.as_deref()));
        if let Some((uses, over)) = gathered.part(FactKind::VolumeUses, told) {
            gathered.harvest.refused += over;
            gathered.fact(uses);
        }
    }

    /// The answers that grow with the fleet, the largest last.
    async fn lists(&mut self, gathered: &mut Gathered) {
        let page = self.client.get("/api/v1/alerts").await;
        let alerts = read::<AlertList>("alerts", page).map(AlertList::alerts);
        if let Some(alerts) = gathered.part(FactKind::Alerts, alerts) {
            let (alerts, over) = alert::capped(alerts);
            gathered.harvest.refused += over;
            gathered.fact(alerts);
        }
        let page = self.client.get("/api/v1/rules").await;
        let groups =
            page.and_then(|page| data::<RuleList<'_>>("rules", &page).map(RuleList::groups));
        if let Some(groups) = gathered.part(FactKind::RuleGroups, groups) {
            gathered.fact(groups);
        }
        let page = self.client.get("/api/v1/targets?state=active").await;
        let targets = read::<TargetList>("targets", page);
        if let Some(list) = gathered.part(FactKind::ScrapeTargets, targets) {
            gathered.fact(list.targets);
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(
    what: &str,
    page: Result<Page, Outage>,
) -> Result<T, Outage> {
    data(what, &page?)
}

impl Probe for PrometheusProbe {
    fn endpoint(&self) -> String {
        self.client.endpoint().name.clone()
    }

    fn subject(&self) -> Subject {
        Subject::prometheus(&self.name)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.ask())
    }

    fn waiting_for(&self) -> String {
        self.client.waiting_for()
    }
}

#[cfg(test)]
mod tests;
