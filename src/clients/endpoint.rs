//! Where to connect and how: address, TLS material, headers, limits.
//!
//! Reads a URL and settings, opens nothing: files are read when a connection needs them, so that a
//! missing one is an outage of this target and not the end of the program.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use super::file::Given;
use super::proxy::Proxy;
use crate::config::settings::{ConfigError, Settings};

/// Cap on a body where the target sets none: 16 MiB after inflation (safety promise F1).
const MAX_BODY: u64 = 16 << 20;

/// Settings that [`Endpoint::from_settings`] reads; for the `keys` of a source.
pub const KEYS: &[&str] = &[
    "ca",
    "cert",
    "key",
    "server_name",
    "insecure",
    "headers_file",
    "max_body",
];

/// One endpoint with everything needed to reach it. Made once per probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// As configured, without a trailing slash: what prints in ids, rows and errors.
    pub name: String,
    pub secure: bool,
    /// A name or an address literal, without brackets.
    pub host: String,
    pub port: u16,
    /// Path prefix without a trailing slash; empty for none.
    pub prefix: String,
    /// Cap on a body after inflation, in bytes.
    pub max_body: u64,
    pub ca: Option<Given>,
    pub cert: Option<Given>,
    pub key: Option<Given>,
    /// Name to verify in place of the host.
    pub server_name: Option<String>,
    /// Skip verification of the server's certificate; shown as TLS-OFF wherever the target is.
    pub insecure: bool,
    /// File of `Name: value` lines sent with each HTTP request; read again when it changes.
    pub headers_file: Option<PathBuf>,
    /// What stands between: everything goes through it.
    pub proxy: Option<Proxy>,
    pub terms: Terms,
}

/// What the settings of an endpoint are called where they stand; for errors and hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Our own configuration.
    Own,
    Kubeconfig,
}

impl Terms {
    #[must_use]
    pub fn ca(self) -> &'static str {
        match self {
            Self::Own => "ca",
            Self::Kubeconfig => "certificate-authority",
        }
    }

    #[must_use]
    pub fn cert(self) -> &'static str {
        match self {
            Self::Own => "cert",
            Self::Kubeconfig => "client-certificate",
        }
    }

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Own => "key",
            Self::Kubeconfig => "client-key",
        }
    }

    #[must_use]
    pub fn server_name(self) -> &'static str {
        match self {
            Self::Own => "server_name",
            Self::Kubeconfig => "tls-server-name",
        }
    }

    /// How a file is set, as a hint says it: `set ca = "FILE"`.
    #[must_use]
    pub fn set(self, key: &str) -> String {
        match self {
            Self::Own => format!("set {key} = \"FILE\""),
            Self::Kubeconfig => format!("set {key} in the kubeconfig"),
        }
    }
}

impl Endpoint {
    /// Reads a URL and the TLS settings of a target. `https://host:port/prefix` without a port means
    /// 443 (80 for `http`), as everywhere; `host:port` without a scheme is `http` and may leave out
    /// the port for `default_port`.
    ///
    /// # Errors
    /// A [`ConfigError`] naming the target's key when the URL or a setting makes no sense.
    pub fn from_settings(
        url: &str,
        default_port: u16,
        settings: &Settings,
    ) -> Result<Self, ConfigError> {
        let place = |keys: &[&str]| {
            let origin = keys.iter().find_map(|key| settings.origin(key));
            origin.map_or_else(|| keys[0].to_owned(), ToString::to_string)
        };
        let parts = parse(url, default_port).map_err(|(problem, hint)| {
            ConfigError::new(place(&["url", "urls", "endpoints", "address"]), problem).hint(hint)
        })?;
        let endpoint = Self {
            name: parts.name,
            secure: parts.secure,
            host: parts.host,
            port: parts.port,
            prefix: parts.prefix,
            max_body: max_body(settings).ok_or_else(|| {
                ConfigError::new(place(&["max_body"]), "`max_body` is no size in bytes")
                    .hint("write a size such as 16777216")
            })?,
            ca: settings.path("ca").map(Given::File),
            cert: settings.path("cert").map(Given::File),
            key: settings.path("key").map(Given::File),
            server_name: settings.text("server_name").map(str::to_owned),
            insecure: settings.flag("insecure"),
            headers_file: settings.path("headers_file"),
            proxy: None,
            terms: Terms::Own,
        };
        // A scheme left out with TLS files at hand is a slip; `http://` written out is meant, and the
        // files come from a table that other targets share.
        let slip = !endpoint.secure && !url.contains("://");
        for key in ["ca", "cert", "key"] {
            if slip && settings.text(key).is_some() {
                let problem = format!(
                    "`{key}` is set, but {} has no scheme, which means plain HTTP",
                    endpoint.name
                );
                return Err(ConfigError::new(place(&[key]), problem)
                    .hint(format!("write https://{}", endpoint.authority())));
            }
        }
        for (one, other) in [("cert", "key"), ("key", "cert")] {
            if settings.text(one).is_some() && settings.text(other).is_none() {
                return Err(ConfigError::new(
                    place(&[one]),
                    format!("`{one}` is set without `{other}`"),
                )
                .hint(format!("set `{other}` to the file that belongs to it")));
            }
        }
        Ok(endpoint)
    }

    /// `host:port`, an IPv6 literal in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// The parts of a URL that decide where to connect.
#[derive(Debug, PartialEq)]
struct Parts {
    name: String,
    secure: bool,
    host: String,
    port: u16,
    prefix: String,
}

/// What is wrong, and what to do about it. Never holds what stood before an `@` or after a `?`.
type Complaint = (String, String);

fn complaint<T>(problem: impl Into<String>, hint: impl Into<String>) -> Result<T, Complaint> {
    Err((problem.into(), hint.into()))
}

fn parse(url: &str, default_port: u16) -> Result<Parts, Complaint> {
    let url = url.trim();
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, url),
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') || (scheme.is_none() && rest.contains('@')) {
        return complaint(
            "the URL holds credentials (something before `@`)",
            "put an `Authorization: ...` line into a file and name it with `headers_file`",
        );
    }
    if tail.contains(['?', '#']) {
        return complaint(
            format!("the URL of {authority} has a query or a fragment"),
            "remove everything from `?` or `#` on; secrets go into `headers_file`",
        );
    }
    let (secure, port) = match scheme.as_deref() {
        None => (false, default_port),
        Some("http") => (false, 80),
        Some("https") => (true, 443),
        Some(other) => {
            return complaint(
                format!("`{other}://` is no scheme known here"),
                "write http:// or https://",
            );
        }
    };
    let (host, port_text) = split_authority(authority)?;
    let port = match port_text {
        None => port,
        Some(text) => match text.parse() {
            Ok(port) if port != 0 => port,
            _ => {
                return complaint(
                    format!("`{text}` in `{authority}` is no port"),
                    "write a port from 1 to 65535",
                );
            }
        },
    };
    let prefix = tail.trim_end_matches('/');
    if !prefix.bytes().all(|b| (0x21..0x7f).contains(&b)) {
        return complaint(
            format!("the path of {authority} holds characters that a URL cannot carry"),
            "percent-encode the path",
        );
    }
    Ok(Parts {
        name: url.trim_end_matches('/').to_owned(),
        secure,
        host: host.to_owned(),
        port,
        prefix: prefix.to_owned(),
    })
}

/// Host without brackets, and the text of the port.
fn split_authority(authority: &str) -> Result<(&str, Option<&str>), Complaint> {
    if let Some(inner) = authority.strip_prefix('[') {
        let literal = inner.split_once(']').filter(|(host, rest)| {
            let address = host.split_once('%').map_or(*host, |(address, _)| address);
            address.parse::<Ipv6Addr>().is_ok() && (rest.is_empty() || rest.starts_with(':'))
        });
        return match literal {
            Some((host, rest)) => Ok((host, rest.strip_prefix(':'))),
            None => complaint(
                format!("`{authority}` is no IPv6 address with a port"),
                "write it as [::1]:2379",
            ),
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((_, rest)) if rest.contains(':') => {
            return complaint(
                format!("`{authority}` has more than one colon"),
                format!("write an IPv6 address in brackets: [{authority}]"),
            );
        }
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if host.is_empty() {
        return complaint("the URL names no host", "write host:port");
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if !host.bytes().all(plain) {
        return complaint(
            format!("`{host}` is no host name"),
            "write letters, digits, `-` and `.`; an international name in its xn-- form",
        );
    }
    Ok((host, port))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be positive; float to int casts saturate"
)]
fn max_body(settings: &Settings) -> Option<u64> {
    match settings.number("max_body") {
        None => settings.origin("max_body").is_none().then_some(MAX_BODY),
        Some(bytes) => (bytes >= 1.0).then_some(bytes as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Value;

    fn read(url: &str) -> Result<Endpoint, ConfigError> {
        Endpoint::from_settings(url, 9100, &Settings::default())
    }

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (line, (key, text)) in pairs.iter().enumerate() {
            let origin = format!("config.toml:{}", line + 1);
            settings.set(key, Value::Text((*text).into()), &origin);
        }
        settings
    }

    #[test]
    fn a_bare_host_gets_the_default_port_and_a_url_its_schemes() {
        for (url, secure, host, port, prefix) in [
            ("cp-1", false, "cp-1", 9100, ""),
            ("cp-1:9200/", false, "cp-1", 9200, ""),
            ("http://cp-1", false, "cp-1", 80, ""),
            ("HTTPS://cp-1/prom/", true, "cp-1", 443, "/prom"),
            ("https://[2001:db8::1]:2379", true, "2001:db8::1", 2379, ""),
            ("[::1]", false, "::1", 9100, ""),
            ("[fe80::1%eth0]:1", false, "fe80::1%eth0", 1, ""),
        ] {
            let e = read(url).unwrap();
            assert_eq!(
                (e.secure, e.host.as_str(), e.port, e.prefix.as_str()),
                (secure, host, port, prefix),
                "{url}"
            );
        }
        assert_eq!(read("[::1]:7").unwrap().authority(), "[::1]:7");
        assert_eq!(read("https://a:1/x/").unwrap().name, "https://a:1/x");
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        for url in ["https://joe:hunter2@cp-1/", "joe:hunter2@cp-1:9100"] {
            let error = read(url).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(error.hint.unwrap().contains("headers_file"));
        }
        let error = read("https://cp-1/?token=hunter2").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn nonsense_names_the_part_and_says_what_to_write() {
        for (url, problem, hint) in [
            ("ftp://a", "ftp://", "https://"),
            ("http://:80", "no host", "host:port"),
            ("a:99999", "99999", "65535"),
            ("a:0", "`0`", "65535"),
            ("::1:80", "more than one colon", "brackets"),
            ("[::1", "[::1", "[::1]:2379"),
            ("http://bücher", "bücher", "xn--"),
            ("http://a b/", "`a b`", "letters"),
        ] {
            let error = read(url).unwrap_err();
            assert!(error.problem.contains(problem), "{url}: {error}");
            assert!(
                error.hint.clone().unwrap().contains(hint),
                "{url}: {error:?}"
            );
        }
    }

    #[test]
    fn tls_files_with_a_forgotten_scheme_are_refused_at_their_line() {
        let error =
            Endpoint::from_settings("cp-1:2379", 1, &settings(&[("ca", "/ca.pem")])).unwrap_err();
        assert_eq!(error.place, "config.toml:1");
        assert_eq!(error.hint.unwrap(), "write https://cp-1:2379");
        let meant = settings(&[("ca", "/ca.pem")]);
        assert!(Endpoint::from_settings("http://cp-1:2379", 1, &meant).is_ok());
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let only = settings(&[("ca", "/ca.pem"), ("cert", "/c.pem")]);
        let error = Endpoint::from_settings("https://a", 1, &only).unwrap_err();
        assert_eq!(
            error.to_string(),
            "config.toml:2: `cert` is set without `key`"
        );
    }

    #[test]
    fn the_cap_is_16_mib_unless_it_is_set() {
        assert_eq!(read("a").unwrap().max_body, 16 << 20);
        let mut own = Settings::default();
        own.set("max_body", Value::Number(1000.0), "config.toml:3");
        assert_eq!(
            Endpoint::from_settings("a", 1, &own).unwrap().max_body,
            1000
        );
        own.set("max_body", Value::Number(0.0), "config.toml:3");
        let error = Endpoint::from_settings("a", 1, &own).unwrap_err();
        assert_eq!(error.place, "config.toml:3");
    }
}
