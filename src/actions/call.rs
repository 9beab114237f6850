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

    /// For reading: with blanks in the body, so that a line can be broken between its fields.
    #[must_use]
    pub fn spaced(&self) -> String {
        format!(
            "{} {} {}",
            self.method.word(),
            self.path,
            spaced(&self.body)
        )
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

/// JSON with a blank after each comma and colon.
#[must_use]
pub fn spaced(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), spaced(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(spaced).collect();
            format!("[{}]", items.join(", "))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_is_what_is_sent_but_for_blanks() {
        let body = json!({"metadata": {"uid": "a\": \u{1b}", "n": [1, null]}, "spec": {}});
        let call = Call::merge("/api/v1/nodes/w-03", body.clone());
        let shown = spaced(&body);
        assert_eq!(
            shown,
            r#"{"metadata": {"n": [1, null], "uid": "a\": \u001b"}, "spec": {}}"#
        );
        let back: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(back.to_string().into_bytes(), call.bytes());
    }
}
