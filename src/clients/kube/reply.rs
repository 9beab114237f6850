//! A reply of the API server: its head, and its body as it comes.

use std::time::Duration;

use hyper::body::Bytes;
use jiff::Timestamp;

use super::status::Refusal;
use crate::clock::Now;
use crate::observation::{Layer, Outage};

/// The head of an HTTP answer, with the body still to be read. Dropping it ends the request.
#[derive(Debug)]
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
}

impl Reply {
    /// Is the status a 2xx?
    #[must_use]
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Bytes of the body received so far, before inflation.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        0
    }

    /// The next piece of the body, inflated; `None` at its end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// An [`Outage`] when the connection breaks or the encoding is broken.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Outage> {
        Err(Outage::new(Layer::Local, "not connected"))
    }

    /// The whole body, inflated, up to `cap` bytes.
    ///
    /// # Errors
    /// As [`Reply::chunk`], and `too large`.
    pub async fn body(self, cap: u64) -> Result<Vec<u8>, Outage> {
        let _ = cap;
        Err(Outage::new(Layer::Local, "not connected"))
    }

    /// For a status outside 2xx: what the server said, with as much of the body as tells it.
    pub async fn refusal(self) -> Refusal {
        Refusal {
            path: String::new(),
            code: self.status,
            status: None,
            retry_after: self.retry_after,
            line: String::new(),
        }
    }
}
