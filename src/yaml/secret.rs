//! Which values are secret, how long they are, and what they say when they may be shown.

use serde_json::Value;

use super::Place;

/// What `kubectl apply` keeps of a manifest: of a secret, its values.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Characters of a value that are repeated as a comment.
const LONGEST_COMMENT: usize = 400;

/// Lines of a value that are repeated as comments.
const MOST_COMMENTS: usize = 40;

/// Is it a core `Secret`?
#[must_use]
pub fn is_secret(object: &Value) -> bool {
    let says = |key: &str| object.get(key).and_then(Value::as_str);
    says("kind") == Some("Secret") && says("apiVersion") == Some("v1")
}

/// Is the value of this key of a secret's map secret?
pub(super) fn hides(place: Place, key: &str) -> bool {
    match place {
        Place::Data | Place::StringData => true,
        Place::Annotations => key == LAST_APPLIED,
        _ => false,
    }
}

/// The bytes that a value stands for; `None` where that cannot be said.
pub(super) fn decoded(place: Place, value: &Value) -> Option<Vec<u8>> {
    let text = value.as_str()?;
    match place {
        Place::Data => base64(text),
        _ => Some(text.as_bytes().to_vec()),
    }
}

/// What a value says, as comments.
pub(super) fn says(decoded: Option<&[u8]>) -> Vec<String> {
    let Some(bytes) = decoded else {
        return vec!["not base64".to_owned()];
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return vec![format!("{} bytes, not text", bytes.len())];
    };
    let mut lines = text.lines();
    let mut said: Vec<String> = lines
        .by_ref()
        .take(MOST_COMMENTS)
        .map(|line| {
            let shown: String = line.chars().take(LONGEST_COMMENT).collect();
            if shown.len() < line.len() {
                format!("{shown}... ({} bytes)", line.len())
            } else {
                shown
            }
        })
        .collect();
    let more = lines.count();
    if more > 0 {
        said.push(format!("... {more} more lines"));
    }
    if said.is_empty() {
        said.push("(empty)".to_owned());
    }
    said
}

/// Standard base64 with padding, as the API writes it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.chunks(4) {
        if group.len() == 1 {
            return None;
        }
        let mut bits = 0_u32;
        for byte in group {
            bits = bits << 6 | u32::from(sextet(*byte)?);
        }
        bits <<= 6 * (4 - group.len());
        let [_, a, b, c] = bits.to_be_bytes();
        out.extend_from_slice(&[a, b, c][..group.len() - 1]);
    }
    Some(out)
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
