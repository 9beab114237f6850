//! An Alertmanager over its API v2: is it ready and in its cluster, what fires, what is silenced.

mod answers;

use std::sync::Arc;
use std::time::Duration;

use answers::{GettableAlert, Silence, Status};

use super::asker::Asker;
use super::prometheus::alert;
use super::{Answer, PollFuture, Probe, Source, TargetConfig, deadline, json_answer};
use crate::clients::endpoint::Endpoint;
use crate::clients::http::HttpClient;
use crate::config::settings::ConfigError;
use crate::facts::{AlertmanagerStatus, FactKind};
use crate::observation::{Harvest, Lost, Outage};
use crate::subject::Subject;

const PORT: u16 = 9093;

pub static SOURCE: Source = Source {
    kind: "alertmanager",
    doc: "An Alertmanager over its API v2: readiness, cluster, alerts and silences.",
    period: Duration::from_secs(15),
    timeout: Duration::from_secs(10),
    keys: &["url"],
    probes,
};

fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    let url = json_answer::url(target, "http://10.0.0.21:9093")?;
    let endpoint = Endpoint::from_settings(url, PORT, &target.settings)?;
    let timeout = target.settings.duration("timeout");
    Ok(vec![Box::new(AlertmanagerProbe {
        name: target.id.name.clone(),
        budget: deadline::parts(timeout.unwrap_or(SOURCE.timeout)),
        client: Asker::new(HttpClient::new(Arc::new(endpoint))),
    })])
}

struct AlertmanagerProbe {
    name: Arc<str>,
    budget: Duration,
    client: Asker,
}

impl AlertmanagerProbe {
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
        let page = self.client.get("/api/v2/status").await;
        let status = page.and_then(|page| json_answer::decode::<Status>("status", &page));
        let page = self.client.get("/api/v2/silences").await;
        let silences = page.and_then(|page| json_answer::decode::<Vec<Silence>>("silences", &page));
        let page = self.client.get("/api/v2/alerts").await;
        let alerts =
            page.and_then(|page| json_answer::decode::<Vec<GettableAlert>>("alerts", &page));
        match (status, silences, alerts) {
            (Err(outage), Err(_), Err(_)) if ready != Some(false) => Err(outage),
            (status, silences, alerts) => Ok(self.compose(ready, status, silences, alerts)),
        }
    }

    fn compose(
        &self,
        ready: Option<bool>,
        status: Result<Status, Outage>,
        silences: Result<Vec<Silence>, Outage>,
        alerts: Result<Vec<GettableAlert>, Outage>,
    ) -> Harvest {
        let subject = self.subject();
        let mut harvest = Harvest {
            subject: Some(subject.clone()),
            ..Harvest::default()
        };
        let mut lose = |kind, outage| harvest.lost.push(Lost { kind, outage });
        let mut told = AlertmanagerStatus {
            ready: ready.unwrap_or(status.is_ok()),
            ..AlertmanagerStatus::default()
        };
        match status {
            Ok(status) => status.fill(&mut told),
            Err(outage) => lose(FactKind::AlertmanagerStatus, outage),
        }
        match silences {
            Ok(silences) => told.silences = Some(answers::active(&silences)),
            Err(outage) => lose(FactKind::AlertmanagerStatus, outage),
        }
        match alerts {
            Ok(alerts) => {
                let alerts = alerts.into_iter().map(GettableAlert::alert).collect();
                let (alerts, over) = alert::capped(alerts);
                harvest.refused += over;
                harvest.facts.push((subject.clone(), alerts.into()));
            }
            Err(outage) => lose(FactKind::Alerts, outage),
        }
        harvest.facts.push((subject.clone(), told.into()));
        let asides = self.client.asides();
        harvest
            .facts
            .extend(asides.map(|fact| (subject.clone(), fact)));
        harvest
    }
}

impl Probe for AlertmanagerProbe {
    fn endpoint(&self) -> String {
        self.client.endpoint().name.clone()
    }

    fn subject(&self) -> Subject {
        Subject::alertmanager(&self.name)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.ask())
    }

    fn waiting_for(&self) -> String {
        self.client.waiting_for()
    }
}
