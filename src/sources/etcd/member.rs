//! The probe of one member: all its parts at once, each failing on its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Place;
use super::answers::{self, HTTP_HINT};
use super::call::{Caller, Refused};
use super::metrics::{Collector, WANTED};
use super::proto::{MemberListResponse, StatusResponse};
use crate::clients::http::{HttpClient, Response};
use crate::config::settings::ConfigError;
use crate::facts::{
    Certificate, EtcdAlarms, EtcdHealth, EtcdMembers, EtcdMetrics, EtcdStatus, Fact, Factual,
};
use crate::observation::{Harvest, Layer, Lost, Outage};
use crate::sources::exposition::{self, Reader, Wanted};
use crate::sources::{Answer, PollFuture, Probe, deadline, http_date};
use crate::subject::Subject;

/// One member's connections, and the name that it had last.
pub(super) struct MemberProbe {
    cluster: Arc<str>,
    caller: Caller,
    /// `/health` and `/metrics` each have a connection, so that a slow read does not hold a scrape.
    health: HttpClient,
    metrics: HttpClient,
    /// Whether HTTP is asked where gRPC is.
    shared: bool,
    wanted: Wanted<'static>,
    limit: Duration,
    /// The member behind the endpoint by id and name, as last told.
    known: Option<(u64, String)>,
}

/// What one poll brought, part by part.
struct Parts {
    members: Result<MemberListResponse, Outage>,
    status: Result<StatusResponse, Outage>,
    alarms: Result<EtcdAlarms, Outage>,
    health: Result<(EtcdHealth, Response), Outage>,
    metrics: Result<(EtcdMetrics, Response), Outage>,
    certificate: Option<Certificate>,
    refused: u64,
}

impl MemberProbe {
    pub fn new(cluster: Arc<str>, place: Place, limit: Duration) -> Result<Self, ConfigError> {
        Ok(Self {
            cluster,
            shared: Arc::ptr_eq(&place.grpc, &place.http),
            caller: Caller::new(place.grpc)?,
            health: HttpClient::new(place.http.clone()),
            metrics: HttpClient::new(place.http),
            wanted: Wanted::new(WANTED.iter().copied()),
            limit,
            known: None,
        })
    }

    async fn ask(&mut self) -> Answer {
        let limit = self.limit;
        let caller = &self.caller;
        let phases = (self.health.phase(), self.metrics.phase());
        let (members, status, health, metrics) = tokio::join!(
            caller.members(limit),
            caller.status(limit),
            deadline::within(limit, "/health", &phases.0, ask_health(&mut self.health)),
            deadline::within(
                limit,
                "/metrics",
                &phases.1,
                ask_metrics(&mut self.metrics, &self.wanted)
            ),
        );
        let mut bytes = 0;
        let members = weigh(members, &mut bytes);
        let status = weigh(status, &mut bytes);
        let alarms = match &status {
            Ok(status) => match answers::alarms_in_status(status) {
                Some(alarms) => Ok(alarms),
                None => weigh(caller.alarms(limit / 5).await, &mut bytes)
                    .map(|answer| answers::alarms(&answer)),
            },
            Err(outage) => Err(outage.clone()),
        };
        bytes += health.as_ref().map_or(0, |(_, r)| r.wire_bytes);
        bytes += metrics.as_ref().map_or(0, |(_, r, _)| r.wire_bytes);
        let refused = metrics.as_ref().map_or(0, |(.., refused)| *refused);
        let parts = Parts {
            members,
            status,
            alarms,
            health,
            metrics: metrics.map(|(metrics, response, _)| (metrics, response)),
            certificate: caller.certificate(),
            refused,
        };
        let outcome = self.compose(parts);
        Answer { bytes, outcome }
    }

    /// One harvest of all parts; an outage only when not one of them was had.
    fn compose(&mut self, mut parts: Parts) -> Result<Harvest, Outage> {
        if parts.health.is_err()
            && parts.metrics.is_err()
            && parts.members.is_err()
            && let Err(outage) = parts.status
        {
            return Err(outage);
        }
        self.hint_at_http(&mut parts);
        let list = parts.members.map(|answer| {
            let id = answer.header.as_ref().map(|header| header.member_id);
            (answers::members(&answer), id)
        });
        let status = parts.status.map(|answer| answers::status(&answer));
        self.learn_name(list.as_ref().ok(), status.as_ref().ok());

        let cluster = Subject::etcd(&self.cluster);
        let member = self.subject();
        let mut harvest = Harvest {
            subject: Some(member.clone()),
            refused: parts.refused,
            ..Harvest::default()
        };
        let clock = http_date::narrowest(
            [
                parts.health.as_ref().ok().map(|(_, response)| response),
                parts.metrics.as_ref().ok().map(|(_, response)| response),
            ]
            .into_iter()
            .flatten(),
        );
        let metrics = parts.metrics.map(|(metrics, _)| metrics);
        let quota = metrics.as_ref().ok().and_then(|metrics| metrics.quota);
        let status = status.map(|status| EtcdStatus {
            db_quota: status.db_quota.or(quota),
            ..status
        });
        part(&mut harvest, &cluster, list.map(|(list, _)| list));
        part(&mut harvest, &cluster, parts.alarms);
        part(&mut harvest, &member, status);
        part(
            &mut harvest,
            &member,
            parts.health.map(|(health, _)| health),
        );
        part(&mut harvest, &member, metrics);
        let extra = clock.map(Fact::from);
        let extra = extra.into_iter().chain(parts.certificate.map(Fact::from));
        harvest
            .facts
            .extend(extra.map(|fact| (member.clone(), fact)));
        Ok(harvest)
    }

    /// Where gRPC answers and HTTP on the same port does not, etcd was told to serve it elsewhere.
    fn hint_at_http(&self, parts: &mut Parts) {
        if !self.shared || parts.status.is_err() {
            return;
        }
        let outages = [parts.health.as_mut().err(), parts.metrics.as_mut().err()];
        for outage in outages.into_iter().flatten() {
            let elsewhere = matches!(outage.layer, Layer::Tcp | Layer::Protocol | Layer::Parse);
            if elsewhere && outage.hint.is_none() {
                outage.hint = Some(HTTP_HINT.into());
            }
        }
    }

    /// Takes the name from the member list. Without a list the last name stands, as long as the
    /// member behind the endpoint is the same.
    fn learn_name(
        &mut self,
        list: Option<&(EtcdMembers, Option<u64>)>,
        status: Option<&EtcdStatus>,
    ) {
        let id = status
            .map(|status| status.member_id)
            .or(list.and_then(|(_, id)| *id))
            .filter(|id| *id != 0);
        let Some(id) = id else { return };
        let name = match (list, &self.known) {
            (Some((list, _)), _) => answers::name(list, id),
            (None, Some((same, name))) if *same == id => name.clone(),
            (None, _) => format!("{id:x}"),
        };
        self.known = Some((id, name));
    }
}

impl Probe for MemberProbe {
    fn endpoint(&self) -> String {
        self.caller.endpoint.name.clone()
    }

    fn subject(&self) -> Subject {
        let place = self.caller.endpoint.authority();
        let label = self.known.as_ref().map_or(&place, |(_, name)| name);
        Subject::etcd_member(&self.cluster, label)
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(self.ask())
    }

    fn waiting_for(&self) -> String {
        self.caller.waiting_for()
    }
}

impl fmt::Debug for MemberProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemberProbe({})", self.caller.endpoint.name)
    }
}

/// Stores a part as a fact, or as lost.
fn part<T: Factual + Into<Fact>>(
    harvest: &mut Harvest,
    subject: &Subject,
    result: Result<T, Outage>,
) {
    match result {
        Ok(value) => harvest.facts.push((subject.clone(), value.into())),
        Err(outage) => harvest.lost.push(Lost {
            kind: T::KIND,
            outage,
        }),
    }
}

fn weigh<T>(answer: Result<(T, u64), Refused>, bytes: &mut u64) -> Result<T, Outage> {
    let (message, size) = answer.map_err(|refused| refused.outage)?;
    *bytes += size;
    Ok(message)
}

async fn ask_health(client: &mut HttpClient) -> Result<(EtcdHealth, Response), Outage> {
    let page = client.get("/health", "application/json").await?;
    let response = page.response;
    let took = response.answered.stamp.since(response.sent.stamp);
    let health = answers::health(response.status, &page.body, took)?;
    Ok((health, response))
}

async fn ask_metrics(
    client: &mut HttpClient,
    wanted: &Wanted<'static>,
) -> Result<(EtcdMetrics, Response, u64), Outage> {
    let mut reader = Reader::new(wanted);
    let mut collector = Collector::default();
    let mut take = |sample: &exposition::Sample<'_, '_>| {
        let bound = sample.labels.get("le");
        collector.take(sample.name, bound.as_deref(), sample.value);
    };
    let response = client
        .stream("/metrics", exposition::ACCEPT, &mut |piece| {
            reader.push(piece, &mut take);
        })
        .await?;
    let tally = reader.finish(&mut take);
    match response.status {
        200..=299 => {}
        401 | 403 => return Err(told(Layer::Auth, response.status)),
        status => return Err(told(Layer::Protocol, status).hint(HTTP_HINT)),
    }
    tally.verify()?;
    let refused = tally.refused() + collector.refused();
    let metrics = collector.finish().ok_or_else(|| {
        Outage::new(Layer::Parse, "/metrics holds none of etcd's own metrics").hint(HTTP_HINT)
    })?;
    Ok((metrics, response, refused))
}

fn told(layer: Layer, status: u16) -> Outage {
    Outage::new(layer, format!("/metrics answered {status}"))
}

#[cfg(test)]
mod tests;
