//! HTTP/1.1 to one endpoint: a kept connection, a deadline from the caller, a cap after inflation.
//!
//! GETs only, follows no redirect, retries nothing but a kept connection that turned out closed.

use std::fmt;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::answer::{cut_off, encoding, first_line, http_date, not_http, place_of, text};
use super::connect::{Connector, Speech};
use super::endpoint::Endpoint;
use super::headers::Headers;
use super::inflate::{Body, too_large};
use super::phase::Phase;
use super::tls_error;
use super::wire::{Shared, look};
use crate::clock::{Now, now};
use crate::facts::Certificate;
use crate::observation::{Layer, Outage};

/// Cap on the response's head, in bytes; exporters send a few hundred.
const MAX_HEAD: usize = 64 << 10;
/// Cap on the number of response headers.
const MAX_HEADERS: usize = 100;

/// A client bound to one endpoint. Follows no redirects. Dropping a call leaves it usable.
pub struct HttpClient {
    endpoint: Arc<Endpoint>,
    connector: Connector,
    kept: Option<Kept>,
    headers: Headers,
    /// Where the last response pointed, for a redirect.
    location: Option<String>,
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("endpoint", &self.endpoint.name)
            .field("connected", &self.kept.is_some())
            .finish_non_exhaustive()
    }
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
    /// When the status line and the headers had arrived.
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

/// An open connection between calls. Its task ends with it, whatever the peer does.
struct Kept {
    send: SendRequest<Empty<Bytes>>,
    task: JoinHandle<()>,
    traffic: Shared,
    certificate: Option<Certificate>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A response's head with the moments around it.
struct Head {
    parts: hyper::Response<Incoming>,
    sent: Now,
    answered: Now,
}

impl HttpClient {
    #[must_use]
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self {
            connector: Connector::new(endpoint.clone(), Speech::Http1),
            endpoint,
            kept: None,
            headers: Headers::default(),
            location: None,
        }
    }

    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What is being waited for, also after a call was dropped.
    #[must_use]
    pub fn phase(&self) -> Arc<Phase> {
        self.connector.phase()
    }

    /// The certificate that the server presented last, also when it was refused.
    #[must_use]
    pub fn last_certificate(&self) -> Option<Certificate> {
        self.connector.last_certificate()
    }

    /// GETs `path` (with its query; joined to the endpoint's own path prefix) and hands the
    /// inflated body on in pieces. Any status is an `Ok`.
    ///
    /// # Errors
    /// An [`Outage`] naming the layer: DNS, TCP, TLS, protocol, or too large; `local` for an
    /// unreadable file of headers, certificates or keys.
    pub async fn stream(
        &mut self,
        path: &str,
        accept: &str,
        sink: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Response, Outage> {
        self.location = None;
        self.refresh_headers().await?;
        let request = self.request(path, accept)?;
        // The query may hold what is nobody's business, and is long.
        let shown = path.split_once('?').map_or(path, |(bare, _)| bare);
        let (mut kept, head) = self.exchange(&request, shown).await?;
        let response = self.receive(&mut kept, head, shown, sink).await?;
        self.kept = Some(kept);
        Ok(response)
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
    /// the first line of the body in the detail; a redirect with the place that it points at.
    ///
    /// # Errors
    /// As [`HttpClient::stream`], and for a status outside 2xx.
    pub async fn get_ok(&mut self, path: &str, accept: &str) -> Result<Page, Outage> {
        let page = self.get(path, accept).await?;
        match page.response.status {
            200..300 => Ok(page),
            status => Err(self.refusal(status, path, &page.body)),
        }
    }

    /// The outage of a status outside 2xx; for callers of [`HttpClient::stream`].
    #[must_use]
    pub fn refusal(&self, status: u16, path: &str, body: &[u8]) -> Outage {
        let path = path.split_once('?').map_or(path, |(bare, _)| bare);
        let words =
            StatusCode::from_u16(status).map_or_else(|_| status.to_string(), |s| s.to_string());
        let line = first_line(body);
        let said = if line.is_empty() {
            String::new()
        } else {
            format!(": {line}")
        };
        match status {
            401 | 403 => {
                let hint = match (&self.endpoint.headers_file, status) {
                    (None, 401) => {
                        "set headers_file to a file with an `Authorization: ...` line".to_owned()
                    }
                    (Some(file), 401) => format!("check the credentials in {}", file.display()),
                    _ => "grant this user or certificate the right to read".to_owned(),
                };
                Outage::new(Layer::Auth, format!("{words} for {path}{said}")).hint(hint)
            }
            300..400 => {
                let target = self.location.as_deref().unwrap_or("nowhere");
                Outage::new(
                    Layer::Protocol,
                    format!("{words} for {path}: redirected to {target}, which is not followed"),
                )
                .hint("set the URL to the place that it points at")
            }
            400 if line.contains("HTTPS server") => {
                Outage::new(Layer::Protocol, format!("{words} for {path}{said}"))
                    .hint("use https://")
            }
            _ => Outage::new(Layer::Protocol, format!("{words} for {path}{said}")),
        }
    }

    async fn refresh_headers(&mut self) -> Result<(), Outage> {
        let Some(path) = self.endpoint.headers_file.clone() else {
            return Ok(());
        };
        self.phase().enter("reading the headers file");
        let headers = self.headers.clone();
        let read = tokio::task::spawn_blocking(move || headers.refreshed(&path)).await;
        self.headers =
            read.map_err(|e| Outage::new(Layer::Local, format!("reading headers failed: {e}")))??;
        Ok(())
    }

    fn request(&self, path: &str, accept: &str) -> Result<Request<Empty<Bytes>>, Outage> {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut builder = Request::get(format!("{}{slash}{path}", self.endpoint.prefix))
            .header(header::HOST, self.endpoint.authority())
            .header(header::USER_AGENT, super::USER_AGENT)
            .header(header::ACCEPT, accept)
            .header(header::ACCEPT_ENCODING, "gzip");
        if let Some(headers) = builder.headers_mut() {
            for (name, _) in &self.headers.lines {
                headers.remove(name);
            }
            for (name, value) in &self.headers.lines {
                headers.append(name, value.clone());
            }
        }
        builder
            .body(Empty::new())
            .map_err(|e| Outage::new(Layer::Local, format!("no request can be made: {e}")))
    }

    /// Sends on the kept connection or a new one. A kept one that brings no byte is replaced once.
    async fn exchange(
        &mut self,
        request: &Request<Empty<Bytes>>,
        shown: &str,
    ) -> Result<(Kept, Head), Outage> {
        if let Some(mut kept) = self.kept.take()
            && !kept.send.is_closed()
            && self.connector.is_current().await
        {
            let before = look(&kept.traffic).read;
            match self.send(&mut kept, request.clone(), shown).await {
                Ok(head) => return Ok((kept, head)),
                Err(outage) if look(&kept.traffic).read != before => return Err(outage),
                Err(_) => {}
            }
        }
        let mut fresh = self.open().await?;
        let head = self.send(&mut fresh, request.clone(), shown).await?;
        Ok((fresh, head))
    }

    async fn open(&self) -> Result<Kept, Outage> {
        let connected = self.connector.connect().await?;
        let traffic = connected.wire.traffic();
        let (send, connection) = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD)
            .handshake(TokioIo::new(connected.wire))
            .await
            .map_err(|e| Outage::new(Layer::Protocol, format!("HTTP cannot be set up: {e}")))?;
        let task = tokio::spawn(async move {
            // Its errors reach whoever waits for the response.
            let _ = connection.await;
        });
        Ok(Kept {
            send,
            task,
            traffic,
            certificate: connected.certificate,
        })
    }

    async fn send(
        &self,
        kept: &mut Kept,
        request: Request<Empty<Bytes>>,
        shown: &str,
    ) -> Result<Head, Outage> {
        self.phase().enter(format!("the first byte of {shown}"));
        let broken = |e: &hyper::Error| self.broken(e, &kept.traffic, shown);
        kept.send.ready().await.map_err(|e| broken(&e))?;
        let sent = now();
        let parts = kept.send.send_request(request).await;
        let answered = now();
        let parts = parts.map_err(|e| broken(&e))?;
        Ok(Head {
            parts,
            sent,
            answered,
        })
    }

    async fn receive(
        &mut self,
        kept: &mut Kept,
        head: Head,
        shown: &str,
        sink: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Response, Outage> {
        let phase = self.phase();
        phase.enter(format!("the rest of {shown}"));
        let (parts, mut incoming) = head.parts.into_parts();
        self.location = text(&parts.headers, header::LOCATION).map(|url| place_of(&url));
        let encoding = encoding(&parts.headers, shown)?;
        let cap = self.endpoint.max_body;
        if incoming.size_hint().lower() > cap {
            return Err(too_large(shown, cap));
        }
        let announced = incoming.size_hint().exact();
        let mut body = Body::new(encoding, cap, shown, sink);
        let mut received = 0;
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|e| {
                let of = announced.map_or_else(String::new, |all| format!(" of {all}"));
                cut_off(
                    &e,
                    &kept.traffic,
                    &format!("{received}{of} bytes of {shown}"),
                )
            })?;
            if let Ok(piece) = frame.into_data() {
                received += piece.len();
                phase.count(piece.len());
                body.push(&piece)?;
            }
        }
        let (wire_bytes, body_bytes) = body.finish()?;
        Ok(Response {
            status: parts.status.as_u16(),
            content_type: text(&parts.headers, header::CONTENT_TYPE).unwrap_or_default(),
            date: text(&parts.headers, header::DATE).and_then(|date| http_date(&date)),
            sent: head.sent,
            answered: head.answered,
            wire_bytes,
            body_bytes,
            certificate: kept.certificate.clone(),
        })
    }

    /// Names a failure before the head of the response was complete.
    fn broken(&self, error: &hyper::Error, traffic: &Shared, shown: &str) -> Outage {
        let traffic = look(traffic);
        if let Some(outage) = &traffic.broke {
            return outage.clone();
        }
        let peer = self.endpoint.authority();
        // hyper has a predicate for this on servers only; its words are all that a client gets.
        if error.is_parse() && tls_error::chain(error).contains("too large") {
            return Outage::new(
                Layer::TooLarge,
                format!("the headers of {shown} are beyond {MAX_HEADERS} lines or 64 KiB"),
            );
        }
        // Some servers speak first, which hyper reports in other ways than as bad HTTP.
        let begun_as_http = traffic.head.starts_with(b"HTTP/");
        if traffic.read > 0 && (error.is_parse() || !begun_as_http) {
            return not_http(&peer, &traffic.head);
        }
        if traffic.read == 0 {
            return Outage::new(
                Layer::Protocol,
                format!("{peer} closed the connection without an answer"),
            )
            .hint("check that this port speaks HTTP; write https:// if it wants TLS");
        }
        Outage::new(
            Layer::Protocol,
            format!("{peer} broke off before the headers of {shown} were complete"),
        )
    }
}
