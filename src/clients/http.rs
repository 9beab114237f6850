//! HTTP/1.1 to one endpoint: a kept connection, a deadline from the caller, a cap after inflation.

use std::sync::Arc;

use jiff::Timestamp;

use super::endpoint::Endpoint;
use crate::clock::Now;
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// A client bound to one endpoint. Follows no redirects. Dropping a call leaves it usable.
#[derive(Debug)]
pub struct HttpClient {
    endpoint: Arc<Endpoint>,
}

/// What came with a body.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub content_type: String,
    /// The `Date` header, truncated to a second by the server.
    pub date: Option<Timestamp>,
    /// Just before the request's bytes were written.
    pub sent: Now,
    /// When the status line had arrived.
    pub answered: Now,
    /// Bytes of the body on the wire, before inflation.
    pub wire_bytes: u64,
    /// Bytes handed on, after inflation.
    pub body_bytes: u64,
    pub certificate: Option<Certificate>,
}

/// A response with its whole body.
#[derive(Clone, Debug)]
pub struct Page {
    pub response: Response,
    pub body: Vec<u8>,
}

impl HttpClient {
    #[must_use]
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self { endpoint }
    }

    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// GETs `path` (with its query; joined to the endpoint's own path prefix) and hands the
    /// inflated body on in pieces. Any status is an `Ok`.
    ///
    /// # Errors
    /// An [`Outage`] naming the layer: DNS, TCP, TLS, protocol, or too large.
    pub async fn stream(
        &mut self,
        path: &str,
        accept: &str,
        sink: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Response, Outage> {
        let _ = (path, accept, sink);
        Err(Outage::new(Layer::Local, "not built yet"))
    }

    /// GETs `path` whole. Any status is an `Ok`.
    ///
    /// # Errors
    /// As [`HttpClient::stream`].
    pub async fn get(&mut self, path: &str, accept: &str) -> Result<Page, Outage> {
        let mut body = Vec::new();
        let response = self
            .stream(path, accept, &mut |piece| body.extend_from_slice(piece))
            .await?;
        Ok(Page { response, body })
    }

    /// GETs `path` and wants a 2xx: 401 and 403 become `auth`, other statuses `protocol`, each with
    /// the first line of the body in the detail.
    ///
    /// # Errors
    /// As [`HttpClient::stream`], and for a status outside 2xx.
    pub async fn get_ok(&mut self, path: &str, accept: &str) -> Result<Page, Outage> {
        self.get(path, accept).await
    }
}
