//! JSON over HTTP, told apart from what proxies, login pages and older servers answer instead.
//! It decodes and names failures; it asks nothing.

use serde::Deserialize;

use crate::clients::http::Page;
use crate::config::settings::ConfigError;
use crate::observation::{Layer, Outage};
use crate::sources::TargetConfig;

/// Bytes of a body that an outage cites.
const CITED: usize = 200;

/// Decodes the body of a 2xx answer.
///
/// # Errors
/// As [`status`], and `parse` when the body is not the JSON that was asked for.
pub fn decode<'a, T: Deserialize<'a>>(what: &str, page: &'a Page) -> Result<T, Outage> {
    status(what, page)?;
    serde_json::from_slice(&page.body).map_err(|error| unreadable(what, page, &error))
}

/// Passes a 2xx; names every other status.
///
/// # Errors
/// `auth` for 401 and 403, else `protocol`, with the first line of a plain body.
pub fn status(what: &str, page: &Page) -> Result<(), Outage> {
    let code = page.response.status;
    let cited = cite(&page.body);
    let said = if cited.is_empty() {
        format!("{what}: HTTP {code}")
    } else {
        format!("{what}: HTTP {code}: {cited}")
    };
    match code {
        200..300 => Ok(()),
        300..400 => Err(Outage::new(Layer::Protocol, said)
            .hint("set `url` to the address that it redirects to")),
        401 | 403 => Err(Outage::new(Layer::Auth, said)
            .hint("set `headers_file` to a file with the Authorization line")),
        404 => Err(Outage::new(
            Layer::Protocol,
            format!("{what}: not offered here (HTTP 404)"),
        )),
        _ => Err(Outage::new(Layer::Protocol, said)),
    }
}

/// A 2xx body that is not the JSON that was asked for.
#[must_use]
pub fn unreadable(what: &str, page: &Page, error: &serde_json::Error) -> Outage {
    if is_markup(page) {
        return Outage::new(Layer::Parse, format!("{what}: a web page, not JSON"))
            .hint("check `url`: the path prefix may be missing, or a login page stands before it");
    }
    Outage::new(Layer::Parse, format!("{what}: {error}"))
}

/// The `url` setting, which these targets cannot do without.
///
/// # Errors
/// A [`ConfigError`] naming the target.
pub fn url<'a>(target: &'a TargetConfig, example: &str) -> Result<&'a str, ConfigError> {
    target.settings.text("url").ok_or_else(|| {
        ConfigError::new(target.id.to_string(), "no url").hint(format!("set url = \"{example}\""))
    })
}

fn is_markup(page: &Page) -> bool {
    let first = page.body.iter().find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'<')
}

/// The first line of a body that is plain text; markup says nothing worth a row.
fn cite(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * CITED)]);
    let line = text.trim().lines().next().unwrap_or_default().trim();
    if line.starts_with('<') {
        return String::new();
    }
    line.chars().take(CITED).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clients::http::Response;
    use crate::clock::Now;

    /// A page as it would have arrived.
    pub(crate) fn page(status: u16, body: &[u8]) -> Page {
        Page {
            response: Response {
                status,
                content_type: "application/json".into(),
                date: None,
                sent: Now::fixed(),
                answered: Now::fixed(),
                wire_bytes: body.len() as u64,
                body_bytes: body.len() as u64,
                certificate: None,
            },
            body: body.to_vec(),
        }
    }

    #[test]
    fn a_login_page_is_named_as_such() {
        let html = page(200, b"\n<!doctype html><title>Sign in</title>");
        let outage = decode::<Vec<u8>>("alerts", &html).unwrap_err();
        assert_eq!(outage.layer, Layer::Parse);
        assert!(outage.detail.contains("web page"), "{outage}");
        assert!(outage.hint.unwrap().contains("login"));
    }

    #[test]
    fn the_status_decides_the_layer_and_the_body_is_cited() {
        let cases = [
            (401, Layer::Auth),
            (403, Layer::Auth),
            (302, Layer::Protocol),
            (404, Layer::Protocol),
            (503, Layer::Protocol),
        ];
        for (code, layer) in cases {
            let outage = status("rules", &page(code, b"no such thing\nmore")).unwrap_err();
            assert_eq!(outage.layer, layer, "{code}");
            assert!(!outage.detail.contains("more"), "{outage}");
            assert!(outage.detail.starts_with("rules: "), "{outage}");
        }
        let said = status("rules", &page(503, b"Service Unavailable")).unwrap_err();
        assert_eq!(said.detail, "rules: HTTP 503: Service Unavailable");
        assert_eq!(status("rules", &page(204, b"")), Ok(()));
    }
}
