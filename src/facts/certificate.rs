//! A certificate as a peer presented it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The leaf certificate of an endpoint, or our own client certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// `https://10.0.0.11:2379`, or the path of a client certificate.
    pub place: Arc<str>,
    /// Subject as `CN=...`; remote text.
    pub subject: Arc<str>,
    pub issuer: Arc<str>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}
