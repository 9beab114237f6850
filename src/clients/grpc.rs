//! A tonic channel over our own connector, so that a failing layer has a name.
//!
//! tonic reports everything below gRPC as `Unavailable: transport error`. The connector beside the
//! channel knows better; [`outage`] puts the two together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::rt::TokioIo;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower_service::Service;

use super::connect::{Connector, Speech};
use super::endpoint::Endpoint;
use super::tls_error;
use super::wire::Wire;
use crate::config::settings::ConfigError;
use crate::observation::{Layer, Outage};

/// Pings go out this often, idle or not (safety promise G3).
const PING: Duration = Duration::from_secs(10);
/// A ping unanswered for so long ends the connection (safety promise G3).
const PONG: Duration = Duration::from_secs(5);
/// A connection attempt goes on without its caller, so it needs a limit of its own.
const CONNECT: Duration = Duration::from_secs(10);

/// A channel that connects on first use and again after a failure, and the connector that tells the
/// phase, the last certificate and the last outage. Certificate files that change are used from the
/// next connection on.
///
/// # Errors
/// A [`ConfigError`] when the endpoint makes no URI.
pub fn channel(endpoint: Arc<Endpoint>) -> Result<(Channel, Connector), ConfigError> {
    let scheme = if endpoint.secure { "https" } else { "http" };
    let uri = format!("{scheme}://{}", endpoint.authority());
    let transport = tonic::transport::Endpoint::from_shared(uri)
        .map_err(|e| ConfigError::new("url", format!("{} makes no URI: {e}", endpoint.name)))?
        .http2_keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .keep_alive_while_idle(true);
    let connector = Connector::new(endpoint, Speech::Http2);
    let channel = transport.connect_with_connector_lazy(Dialer(connector.clone()));
    Ok((channel, connector))
}

/// The connector as tonic wants it. The URI is the endpoint's own and says nothing new.
struct Dialer(Connector);

impl Service<Uri> for Dialer {
    type Response = TokioIo<Wire>;
    type Error = Outage;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Outage>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Outage>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.0.clone();
        Box::pin(async move {
            let wire = connector.connect_within(CONNECT).await?.wire;
            connector.phase().enter("an answer over gRPC");
            Ok(TokioIo::new(wire))
        })
    }
}

/// Names a failed call: the connector's outage where the connection is to blame, else by the code.
#[must_use]
pub fn outage(status: &Status, last: Option<Outage>) -> Outage {
    let by_transport = matches!(
        status.code(),
        Code::Unavailable
            | Code::Unknown
            | Code::Internal
            | Code::Cancelled
            | Code::DeadlineExceeded
    );
    if by_transport && let Some(outage) = last.or_else(|| buried(status)) {
        return outage;
    }
    let text = format!("{:?}: {}", status.code(), status.message());
    match status.code() {
        Code::Unauthenticated => Outage::new(Layer::Auth, text)
            .hint("set cert and key to a client certificate that the server accepts"),
        Code::PermissionDenied => {
            Outage::new(Layer::Auth, text).hint("grant this user or certificate the right to read")
        }
        Code::DeadlineExceeded => Outage::new(Layer::Timeout, text),
        _ => {
            let cause = std::error::Error::source(status).map(tls_error::chain);
            let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
            Outage::new(Layer::Protocol, text + &cause)
        }
    }
}

/// An outage of ours that tonic wrapped up as the source of its status.
fn buried(status: &Status) -> Option<Outage> {
    let mut next = std::error::Error::source(status);
    while let Some(error) = next {
        if let Some(outage) = error.downcast_ref::<Outage>() {
            return Some(outage.clone());
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Outage {
        Outage::new(Layer::Tcp, "a:1 refused the connection")
    }

    #[test]
    fn the_connection_is_blamed_before_the_code() {
        let status = Status::unavailable("transport error");
        assert_eq!(outage(&status, Some(refused())), refused());
        assert_eq!(outage(&status, None).layer, Layer::Protocol);
    }

    #[test]
    fn what_the_server_said_is_not_blamed_on_an_older_connection() {
        let named = |status| outage(&status, Some(refused()));
        let auth = named(Status::unauthenticated("invalid auth token"));
        assert_eq!(auth.layer, Layer::Auth);
        assert_eq!(named(Status::permission_denied("no")).layer, Layer::Auth);
        let full = named(Status::resource_exhausted("mvcc: database space exceeded"));
        assert_eq!(full.layer, Layer::Protocol);
        assert_eq!(
            full.detail,
            "ResourceExhausted: mvcc: database space exceeded"
        );
    }

    #[test]
    fn a_deadline_is_a_timeout() {
        let status = Status::deadline_exceeded("too slow");
        assert_eq!(outage(&status, None).layer, Layer::Timeout);
    }
}
