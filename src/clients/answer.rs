//! What an HTTP answer's head says, and words for what came in place of an answer. Pure functions.

use hyper::header::{self, HeaderMap};
use jiff::Timestamp;

use super::inflate::Encoding;
use super::tls_error;
use super::wire::{Shared, look};
use crate::observation::{Layer, Outage};

/// Characters of a body's first line that are shown in an error.
pub const FIRST_LINE: usize = 200;

/// Names a failure in the middle of a body.
pub fn cut_off(error: &hyper::Error, traffic: &Shared, got: &str) -> Outage {
    let why = if error.is_incomplete_message() {
        "the connection was closed".to_owned()
    } else {
        match &look(traffic).broke {
            Some(outage) => outage.detail.clone(),
            None => tls_error::chain(error),
        }
    };
    Outage::new(Layer::Protocol, format!("body cut off after {got}: {why}"))
}

pub fn not_http(peer: &str, head: &[u8]) -> Outage {
    // A TLS alert or handshake record starts with 21 or 22 and the version's major byte, 3.
    if matches!(head, [21 | 22, 3, ..]) {
        return Outage::new(
            Layer::Protocol,
            format!("{peer} answered in TLS, not in plain HTTP"),
        )
        .hint("use https://");
    }
    let line = String::from_utf8_lossy(head);
    let line = line
        .lines()
        .next()
        .unwrap_or_default()
        .escape_debug()
        .to_string();
    Outage::new(
        Layer::Protocol,
        format!("{peer} does not speak HTTP; it answered \"{line}\""),
    )
    .hint("check the port")
}

pub fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned())
}

pub fn encoding(headers: &HeaderMap, shown: &str) -> Result<Encoding, Outage> {
    let mut named = headers.get_all(header::CONTENT_ENCODING).iter();
    let (first, more) = (named.next(), named.next());
    let word = first.map(|value| value.as_bytes().trim_ascii().to_ascii_lowercase());
    match (word.as_deref(), more) {
        (None | Some(b"identity" | b""), None) => Ok(Encoding::Identity),
        (Some(b"gzip" | b"x-gzip"), None) => Ok(Encoding::Gzip),
        (word, _) => Err(Outage::new(
            Layer::Protocol,
            format!(
                "{shown} came encoded as `{}`, which was not asked for",
                String::from_utf8_lossy(word.unwrap_or_default())
            ),
        )),
    }
}

/// A URL without userinfo and query: what of a `Location` may be shown.
pub fn place_of(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = bare.split_once("://") else {
        return bare.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`; the two obsolete forms of RFC 9110 are not read.
pub fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}

pub fn first_line(body: &[u8]) -> String {
    let start = &body[..body.len().min(4 * FIRST_LINE)];
    let text = String::from_utf8_lossy(start);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(FIRST_LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_shown_without_its_secrets() {
        assert_eq!(
            place_of("https://joe:pw@sso.example/login/?token=x"),
            "https://sso.example/login/"
        );
        assert_eq!(place_of("/graph?token=x"), "/graph");
    }

    #[test]
    fn the_date_header_is_read_to_the_second() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date.as_second(), 784_111_777);
        assert!(http_date("yesterday").is_none());
    }

    #[test]
    fn only_the_start_of_an_error_page_is_shown() {
        assert_eq!(first_line(b"\r\n  no such path \nmore"), "no such path");
        assert_eq!(first_line(&[b'x'; 5000]).len(), FIRST_LINE);
        assert_eq!(first_line(b""), "");
    }

    #[test]
    fn nested_and_unknown_encodings_are_refused() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    header::CONTENT_ENCODING,
                    header::HeaderValue::from_static(value),
                );
            }
            encoding(&headers, "/metrics")
        };
        assert_eq!(with(&[]), Ok(Encoding::Identity));
        assert_eq!(with(&["GZIP"]), Ok(Encoding::Gzip));
        for refused in [&["br"][..], &["gzip, gzip"], &["gzip", "gzip"]] {
            assert_eq!(with(refused).unwrap_err().layer, Layer::Protocol);
        }
    }
}
