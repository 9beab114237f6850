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
use crate::text::SafeText;

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
    if let Some(outage) = over_plain_http(status) {
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
        _ if by_transport && std::error::Error::source(status).is_some() => broken_off(status),
        _ => {
            let cause = std::error::Error::source(status).map(tls_error::chain);
            let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
            Outage::new(Layer::Protocol, text + &cause)
        }
    }
}

const ELSEWHERE: &str = "check the endpoint and its port: something else may listen there";

/// What the first bytes of a peer say when they are no HTTP/2: that it is something else. `None`
/// when they are HTTP/2 or there are none.
#[must_use]
pub fn not_spoken(peer: &str, head: &[u8]) -> Option<Outage> {
    if head.is_empty() || is_settings(head) {
        return None;
    }
    let line = head.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let shown = String::from_utf8_lossy(line);
    let text = format!(
        "{peer} does not speak gRPC (HTTP/2); it answered `{}`",
        SafeText::new(&shown)
    );
    let mut words = shown.split(' ');
    let status = words
        .next()
        .filter(|version| version.starts_with("HTTP/1"))
        .and_then(|_| words.next());
    Some(match status {
        Some("401" | "403") => Outage::new(Layer::Auth, text)
            .hint("check the port, and whether a proxy in front of it wants credentials"),
        _ => Outage::new(Layer::Protocol, text).hint(ELSEWHERE),
    })
}

/// HTTP/2 begins with a SETTINGS frame: 3 bytes of length, type 4, flags, and stream 0 (RFC 9113,
/// 3.4 and 4.1). What is too short to tell may yet become one.
fn is_settings(head: &[u8]) -> bool {
    match (head.get(3), head.get(5..9)) {
        (Some(kind), Some(stream)) => *kind == 4 && stream == [0; 4],
        (Some(kind), None) => *kind == 4,
        _ => head.iter().all(|byte| *byte < b' '),
    }
}

/// HTTP/2 without gRPC in it: a web server that answers with a page or a status of its own.
fn over_plain_http(status: &Status) -> Option<Outage> {
    let said = status.message();
    let mapped =
        said.contains("grpc-status header missing") || said.contains("grpc-status trailer");
    let page = said.contains("invalid compression flag");
    if !mapped && !page {
        return None;
    }
    let text = format!("the server speaks HTTP/2, but does not speak gRPC over it ({said})");
    Some(match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Outage::new(Layer::Auth, text)
            .hint("check whether a proxy in front of the server wants credentials"),
        _ => Outage::new(Layer::Protocol, text).hint(ELSEWHERE),
    })
}

/// The connection ended before there was an answer, and nobody said why.
fn broken_off(status: &Status) -> Outage {
    let cause = std::error::Error::source(status).map_or_else(String::new, tls_error::chain);
    let cause = cause.strip_prefix("transport error: ").unwrap_or(&cause);
    let text = format!("the connection ended before an answer over gRPC (HTTP/2): {cause}");
    Outage::new(Layer::Protocol, text).hint(ELSEWHERE)
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
