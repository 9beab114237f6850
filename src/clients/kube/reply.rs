//! A reply of the API server: its head, and its body as it comes, inflated on the way.

use std::fmt;
use std::io::Write;
use std::sync::Weak;
use std::time::Duration;

use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HeaderName, LOCATION, RETRY_AFTER, WARNING};
use jiff::Timestamp;

use super::super::answer::{encoding, http_date, place_of, text};
use super::super::inflate::{Encoding, too_large};
use super::super::wire::Shared as Traffic;
use super::link::{Branch, Head, Link, broken};
use super::status::Refusal;
use crate::clock::Now;
use crate::observation::{Layer, Outage};

/// Most compressed bytes that are inflated at once: at the worst ratio of deflate, 1032, a piece
/// of 16 MiB comes of it.
const STEP: usize = 16 << 10;
/// Warnings that are kept of one reply.
const MOST_WARNINGS: usize = 16;
/// As much of a refusal's body as is read.
const REFUSAL: u64 = 64 << 10;

/// The head of an HTTP answer, with the body still to be read. Dropping it ends the request.
pub struct Reply {
    pub status: u16,
    /// In lower case and whole: `application/vnd.kubernetes.protobuf;stream=watch`.
    pub content_type: String,
    /// How long the server asked to wait before the next request.
    pub retry_after: Option<Duration>,
    /// The server's clock, truncated to a second by it.
    pub date: Option<Timestamp>,
    /// Just before the request was written.
    pub sent: Now,
    /// When the head had arrived.
    pub answered: Now,
    /// The request's id in the API server's own audit (`Audit-Id`).
    pub audit_id: Option<String>,
    /// What the API server warns of, in its words (`Warning`).
    pub warnings: Vec<String>,
    flow: Flow,
}

/// The body on its way.
struct Flow {
    asked: Asked,
    incoming: Incoming,
    traffic: Traffic,
    branch: Option<(Weak<Link>, Branch)>,
    stage: Stage,
    /// Came from the wire and is not inflated yet.
    pending: Bytes,
    wire: u64,
    ended: bool,
    location: Option<String>,
}

enum Stage {
    Identity,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

/// What was asked, and of whom.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub peer: String,
    pub method: String,
    /// With its query.
    pub path: String,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("path", &self.flow.asked.path)
            .finish_non_exhaustive()
    }
}

impl Asked {
    /// The path without its query.
    fn bare(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

impl Reply {
    pub(super) fn of(head: Head, asked: Asked) -> Result<Self, Outage> {
        let (parts, incoming) = head.response.into_parts();
        let stage = match encoding(&parts.headers, asked.bare())? {
            Encoding::Identity => Stage::Identity,
            Encoding::Gzip => Stage::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
        };
        Ok(Self {
            status: parts.status.as_u16(),
            content_type: text(&parts.headers, CONTENT_TYPE)
                .unwrap_or_default()
                .to_ascii_lowercase(),
            retry_after: retry_after(&parts.headers),
            date: text(&parts.headers, DATE).and_then(|date| http_date(&date)),
            sent: head.sent,
            answered: head.answered,
            audit_id: text(&parts.headers, HeaderName::from_static("audit-id")),
            warnings: warnings(&parts.headers),
            flow: Flow {
                asked,
                incoming,
                traffic: head.traffic,
                branch: head.branch,
                stage,
                pending: Bytes::new(),
                wire: 0,
                ended: false,
                location: text(&parts.headers, LOCATION).map(|url| place_of(&url)),
            },
        })
    }

    /// Is the status a 2xx?
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Bytes of the body received so far, before inflation.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.flow.wire
    }

    /// The next piece of the body, inflated; `None` at its end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// An [`Outage`] when the connection breaks or the encoding is broken.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Outage> {
        self.flow.chunk().await
    }

    /// The whole body, inflated, up to `cap` bytes.
    ///
    /// # Errors
    /// As [`Reply::chunk`], and `too large`.
    pub async fn body(mut self, cap: u64) -> Result<Vec<u8>, Outage> {
        self.rest(cap).await
    }

    /// What is left of the body; as [`Reply::body`] for who wants to ask the reply for more.
    ///
    /// # Errors
    /// As [`Reply::body`].
    pub async fn rest(&mut self, cap: u64) -> Result<Vec<u8>, Outage> {
        let mut body = Vec::new();
        self.each(cap, |piece| {
            body.extend_from_slice(piece);
            Ok(())
        })
        .await?;
        Ok(body)
    }

    /// Gives what is left of the body away, piece by piece, up to `cap` bytes.
    ///
    /// # Errors
    /// As [`Reply::body`], and what `take` says.
    pub async fn each(
        &mut self,
        cap: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), Outage> + Send,
    ) -> Result<(), Outage> {
        let mut size = 0;
        while let Some(piece) = self.chunk().await? {
            size += piece.len() as u64;
            if size > cap {
                return Err(too_large(self.flow.asked.bare(), cap));
            }
            take(&piece)?;
        }
        Ok(())
    }

    /// For a status outside 2xx: what the server said, with as much of the body as tells it.
    pub async fn refusal(mut self) -> Refusal {
        let mut body = Vec::new();
        // A body that breaks off has said enough with its status.
        while let Ok(Some(piece)) = self.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() as u64 > REFUSAL {
                break;
            }
        }
        self.refused(&body)
    }

    /// As [`Reply::refusal`], of a body that was read already.
    #[must_use]
    pub fn refused(&self, body: &[u8]) -> Refusal {
        let asked = &self.flow.asked;
        let mut refusal = Refusal::of(
            &asked.method,
            &asked.path,
            self.status,
            &self.content_type,
            self.retry_after,
            body,
        );
        if (300..400).contains(&self.status) {
            let place = self.flow.location.clone();
            refusal.line = place.unwrap_or_else(|| "nowhere".into());
        }
        refusal
    }
}

impl Flow {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Outage> {
        loop {
            if !self.pending.is_empty() {
                let piece = self.inflate()?;
                if !piece.is_empty() {
                    return Ok(Some(piece));
                }
                continue;
            }
            if self.ended {
                return Ok(None);
            }
            match self.incoming.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        self.wire += piece.len() as u64;
                        self.pending = piece;
                    }
                }
                Some(Err(error)) => {
                    let mut outage = broken(&self.asked.peer, &error, &self.traffic);
                    outage.detail = format!(
                        "{} cut off after {}: {}",
                        self.asked.bare(),
                        crate::units::Bytes(self.wire),
                        outage.detail
                    );
                    return Err(outage);
                }
                None => {
                    self.ended = true;
                    self.give_back();
                    let rest = self.finish()?;
                    if !rest.is_empty() {
                        return Ok(Some(rest));
                    }
                }
            }
        }
    }

    /// Takes the next step of what is pending.
    fn inflate(&mut self) -> Result<Bytes, Outage> {
        let Stage::Gzip(gzip) = &mut self.stage else {
            return Ok(std::mem::take(&mut self.pending));
        };
        let step = self.pending.split_to(self.pending.len().min(STEP));
        // Flushed, so that what one event of a watch holds comes out with it.
        match gzip.write_all(&step).and_then(|()| gzip.flush()) {
            Ok(()) => Ok(std::mem::take(gzip.get_mut()).into()),
            Err(error) => Err(self.garbled(&error)),
        }
    }

    fn finish(&mut self) -> Result<Bytes, Outage> {
        let Stage::Gzip(gzip) = &mut self.stage else {
            return Ok(Bytes::new());
        };
        if self.wire == 0 {
            return Ok(Bytes::new());
        }
        match gzip.try_finish() {
            Ok(()) => Ok(std::mem::take(gzip.get_mut()).into()),
            Err(error) => Err(self.garbled(&error)),
        }
    }

    fn garbled(&self, error: &std::io::Error) -> Outage {
        let what = self.asked.bare();
        Outage::new(
            Layer::Protocol,
            format!("the gzip body of {what} is broken or cut off: {error}"),
        )
    }

    fn give_back(&mut self) {
        if let Some((link, branch)) = self.branch.take()
            && let Some(link) = link.upgrade()
        {
            link.take_back(branch);
        }
    }
}

/// Texts of the `Warning` headers: `299 - "spec.x is deprecated"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(WARNING).iter();
    let texts = values.filter_map(|value| {
        let value = value.to_str().ok()?;
        let (_, quoted) = value.split_once('"')?;
        let (text, _) = quoted.rsplit_once('"')?;
        Some(text.replace("\\\"", "\""))
    });
    texts.take(MOST_WARNINGS).collect()
}

/// `Retry-After` in seconds, which is how API servers write it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = text(headers, RETRY_AFTER)?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
