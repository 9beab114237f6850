//! The client that can change something, and the seam through which a change leaves.
//!
//! A [`Writer`] cannot be built without power over its cluster, sends only to who is certainly the
//! API server, asks the power again before each request, and sends each licence once: it never
//! repeats anything by itself.

use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;

use super::link::{Again, Gate};
use super::reply::Reply;
use super::{Api, JSON};
use crate::actions::arm::Armed;
use crate::actions::call::{self, Call, FIELD_MANAGER};
use crate::actions::guard::Licence;
use crate::actions::live::DryRun;
use crate::actions::record::{Ended, Outcome};
use crate::clock;
use crate::observation::{Layer, Outage};

/// A change that was not answered by then is not known to be done. The API server itself gives up
/// after 60 s; a patch of one field takes milliseconds.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// A dry run is only a question.
const QUESTION: Duration = Duration::from_secs(10);
/// Most of an answer that is read; nobody looks at it.
const ANSWER: u64 = 4 << 20;

/// The mutating client of one cluster.
///
/// Without power there is none. It cannot be put together out of its parts, not even with power at
/// hand:
///
/// ```compile_fail
/// use midwatch::actions::arm::Armed;
/// use midwatch::clients::kube::{Api, writer::Writer};
///
/// fn build<'a>(api: &'a Api, armed: &'a Armed) -> Writer<'a> {
///     Writer { api, armed }
/// }
/// ```
///
/// and [`Writer::new`], the only way, refuses where the power is over another cluster or has ended:
///
/// ```
/// use midwatch::actions::arm::Armed;
/// use midwatch::clients::kube::{Api, writer::Writer};
///
/// fn build<'a>(api: &'a Api, armed: &'a Armed) -> Result<Writer<'a>, String> {
///     Writer::new(api, armed)
/// }
/// ```
///
/// The client for reading has no way to send a change:
///
/// ```compile_fail
/// async fn change(api: &midwatch::clients::kube::Api) {
///     let _ = api.send(hyper::Method::PATCH, "/api/v1/nodes/a", "application/json", vec![]).await;
/// }
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    api: &'a Api,
    armed: &'a Armed,
}

impl<'a> Writer<'a> {
    /// The client that may change the cluster of `api` for as long as `armed` holds.
    ///
    /// # Errors
    /// Why there is none: not armed for this cluster, or nobody knows who answers there.
    pub fn new(api: &'a Api, armed: &'a Armed) -> Result<Self, String> {
        if armed.cluster() != api.cluster() {
            return Err(format!("not armed for {}", api.cluster()));
        }
        if !armed.holds(clock::stamp()) {
            return Err("no longer armed".into());
        }
        if !api.is_verified() {
            return Err(format!("TLS-OFF: {} is not verified", api.server()));
        }
        Ok(Self { api, armed })
    }

    /// How the API server would take a call. Nothing is kept of it.
    pub async fn dry_run(&self, call: &Call) -> DryRun {
        if !self.armed.holds(clock::stamp()) {
            return DryRun::NotAsked("no longer armed");
        }
        let may = || self.powerful();
        let gate = Gate::new(&may);
        let asked = tokio::time::timeout(QUESTION, self.exchange(call, "&dryRun=All", &gate));
        let reply = match asked.await {
            Ok(Ok(reply)) => reply,
            Ok(Err(outage)) => return DryRun::Failed(outage),
            Err(_) => return DryRun::Failed(late(QUESTION)),
        };
        if reply.is_ok() {
            return DryRun::Passed(reply.warnings.clone());
        }
        let code = reply.status;
        let refusal = reply.refusal().await;
        DryRun::Refused {
            code,
            message: self.api.outage_of(&refusal).detail,
        }
    }

    /// Sends a licensed request, once. Power and licence are asked for directly before its bytes
    /// leave: what came before (credentials, a connection, a stop of the whole process) takes time.
    ///
    /// `NotSent` is said only where nothing can have left; whatever fails after that is `Unknown`,
    /// be it a broken TLS record behind an answer that said yes.
    pub async fn send(&self, licence: Licence) -> Outcome {
        let mut outcome = Outcome {
            ended: Ended::NotSent,
            code: None,
            request: None,
            message: String::new(),
            warnings: Vec::new(),
        };
        let may = || self.may(&licence);
        let gate = Gate::new(&may);
        let sent = self.exchange(licence.call(), "", &gate);
        let reply = match tokio::time::timeout(DEADLINE, sent).await {
            Ok(Ok(reply)) => reply,
            failed => {
                if gate.was_passed() {
                    outcome.ended = Ended::Unknown;
                }
                outcome.message = match failed {
                    Ok(Err(outage)) if outage.layer == Layer::Local => outage.detail,
                    Ok(Err(outage)) => outage.to_string(),
                    _ => late(DEADLINE).to_string(),
                };
                return outcome;
            }
        };
        outcome.code = Some(reply.status);
        outcome.request.clone_from(&reply.audit_id);
        outcome.warnings.clone_from(&reply.warnings);
        if reply.is_ok() {
            outcome.ended = Ended::Accepted;
            // Read to its end, so that the connection can be kept; what it says is seen by the watch.
            let _ = tokio::time::timeout(QUESTION, reply.body(ANSWER)).await;
            return outcome;
        }
        // What a server in trouble says does not tell whether it was done.
        outcome.ended = if reply.status >= 500 {
            Ended::Unknown
        } else {
            Ended::Refused
        };
        let refusal = reply.refusal().await;
        outcome.message = self.api.outage_of(&refusal).detail;
        outcome
    }

    /// Is there still power, and time to use the permit?
    fn may(&self, licence: &Licence) -> Result<(), String> {
        self.powerful()?;
        licence.holds(clock::stamp())
    }

    fn powerful(&self) -> Result<(), String> {
        let holds = self.armed.holds(clock::stamp());
        holds.then_some(()).ok_or_else(|| "no longer armed".into())
    }

    async fn exchange(&self, call: &Call, query: &str, gate: &Gate<'_>) -> Result<Reply, Outage> {
        let path = format!(
            "{}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict{query}",
            call.path
        );
        let method = match call.method {
            call::Method::Patch => Method::PATCH,
            call::Method::Post => Method::POST,
            call::Method::Put => Method::PUT,
            call::Method::Delete => Method::DELETE,
        };
        self.api
            .urgent()
            .send(method, &path, call.content_type, call.bytes(), gate)
            .await
    }
}

fn late(limit: Duration) -> Outage {
    let text = format!("no answer within {}", crate::units::span(limit));
    Outage::new(Layer::Timeout, text)
}

impl Api {
    /// Sends one request that may change something. It is tried on one connection and not repeated,
    /// not even where the answer says that the credentials have ended.
    ///
    /// # Errors
    /// As [`Api::get`]; whether the request took effect is then not known, unless `gate` was not
    /// passed.
    async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &'static str,
        body: Vec<u8>,
        gate: &Gate<'_>,
    ) -> Result<Reply, Outage> {
        let pass = self.pass().await?;
        let body = Some((content_type, Bytes::from(body)));
        self.exchange(&pass, &method, path, JSON, body, Again::Never(gate))
            .await
    }
}
