//! The report as JSON, and its schema. Stable: fields are added, never renamed.

use super::Report;
use crate::text::escape_json;

/// Indented JSON in which no control, format or bidirectional character stands as itself.
#[must_use]
pub fn render(report: &Report) -> String {
    escape_json(&serde_json::to_string_pretty(report).unwrap_or_default()) + "\n"
}

/// The JSON schema of [`render`]'s answer.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    escape_json(&serde_json::to_string_pretty(&schema).unwrap_or_default()) + "\n"
}
