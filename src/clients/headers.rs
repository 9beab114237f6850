//! The `headers_file`: `Name: value` lines sent with each request. Values are secrets: they appear
//! in no error and no debug output.

use std::path::Path;

use hyper::header::{self, HeaderName, HeaderValue};

use super::file::{Named, Version};
use crate::logging;
use crate::observation::Outage;

/// Headers that frame the message or the connection; they are ours to set.
const OURS: &[HeaderName] = &[
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// The lines of one file as of its version.
#[derive(Clone, Default)]
pub struct Headers {
    version: Option<Version>,
    pub lines: Vec<(HeaderName, HeaderValue)>,
}

impl Headers {
    /// These headers again, or those in the file where it changed. Blocks on the file system.
    ///
    /// # Errors
    /// `local`, naming file and line.
    pub fn refreshed(self, path: &Path) -> Result<Self, Outage> {
        let file = Named::new("headers_file", path.to_owned());
        let version = Some(file.version()?);
        if self.version == version {
            return Ok(self);
        }
        let lines = parse(&file, &file.read()?)?;
        for secret in lines.iter().filter_map(|(_, value)| value.to_str().ok()) {
            logging::redact(secret);
        }
        Ok(Self { version, lines })
    }
}

fn parse(file: &Named, text: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, Outage> {
    let mut lines = Vec::new();
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let bad = |problem: &str| {
            file.bad(&format!("line {} {problem}", at + 1))
                .hint("write each line as `Name: value`")
        };
        let colon = memchr::memchr(b':', line).ok_or_else(|| bad("has no colon"))?;
        let name = HeaderName::from_bytes(line[..colon].trim_ascii())
            .map_err(|_| bad("has no valid header name before its colon"))?;
        if OURS.contains(&name) {
            return Err(
                bad(&format!("sets `{name}`, which midwatch sets itself")).hint("remove the line")
            );
        }
        let mut value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii())
            .map_err(|_| bad("has a value with characters that a header cannot carry"))?;
        value.set_sensitive(true);
        lines.push((name, value));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Layer;

    fn read(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Outage> {
        parse(
            &Named::new("headers_file", std::path::PathBuf::from("/h")),
            text.as_bytes(),
        )
    }

    #[test]
    fn blank_lines_and_comments_are_passed_over() {
        let lines =
            read("# token of the fleet\n\nAuthorization: Bearer a:b \r\nX-Scope: 1").unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].0, header::AUTHORIZATION);
        assert_eq!(lines[0].1.as_bytes(), b"Bearer a:b");
    }

    #[test]
    fn a_bad_line_is_named_and_its_secret_is_not() {
        for text in [
            "X: 1\nhunter2",
            "X: 1\nbad name: hunter2",
            "X: 1\nY: hunter2\u{1}",
        ] {
            let outage = read(text).unwrap_err();
            assert_eq!(outage.layer, Layer::Local);
            assert!(outage.detail.contains("/h line 2"), "{outage}");
            assert!(!format!("{outage:?}").contains("hunter2"), "{outage:?}");
        }
    }

    #[test]
    fn a_value_is_hidden_in_debug_output() {
        let lines = read("Authorization: hunter2").unwrap();
        assert!(!format!("{lines:?}").contains("hunter2"));
    }

    #[test]
    fn framing_is_not_for_the_file_to_set() {
        let outage = read("Transfer-Encoding: chunked").unwrap_err();
        assert!(outage.detail.contains("transfer-encoding"), "{outage}");
    }
}
