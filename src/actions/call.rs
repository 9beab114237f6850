//! One request to an API server, as it is shown, recorded and sent: the same bytes each time.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// The name under which the API server files what midwatch changes.
pub const FIELD_MANAGER: &str = "midwatch";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Patch,
    Post,
    Put,
    Delete,
}

impl Method {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// A request that changes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    pub method: Method,
    /// Without a query: that is the writer's.
    pub path: String,
    pub content_type: &'static str,
    pub body: Value,
}

impl Call {
    /// A merge patch: fields named are set, `null` removes one.
    #[must_use]
    pub fn merge(path: impl Into<String>, body: Value) -> Self {
        Self {
            method: Method::Patch,
            path: path.into(),
            content_type: "application/merge-patch+json",
            body,
        }
    }

    /// The body as it goes out: keys in their order, no blanks.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }
}

/// `PATCH /api/v1/nodes/w-03 {"spec":{"unschedulable":true}}`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.method.word(), self.path, self.body)
    }
}
