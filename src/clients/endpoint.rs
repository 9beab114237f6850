//! Where to connect and how: address, TLS material, headers, limits.

use std::path::PathBuf;

use crate::config::settings::{ConfigError, Settings};

/// One endpoint with everything needed to reach it. Made once per probe.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// As configured, without userinfo and query: what prints in ids, rows and errors.
    pub name: String,
    pub secure: bool,
    pub host: String,
    pub port: u16,
    /// Path prefix without a trailing slash; empty for none.
    pub prefix: String,
    /// Cap on a body after inflation, in bytes.
    pub max_body: u64,
    pub ca: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Name to verify in place of the host.
    pub server_name: Option<String>,
    /// Skip verification of the server's certificate; shown as TLS-OFF wherever the target is.
    pub insecure: bool,
    /// File of `Name: value` lines sent with each HTTP request; read again when it changes.
    pub headers_file: Option<PathBuf>,
}

impl Endpoint {
    /// Reads a URL (`https://host:port/prefix`, or `host:port` with the given default scheme and
    /// port) and the TLS settings of a target.
    ///
    /// # Errors
    /// A [`ConfigError`] naming the target's key when the URL or a file setting makes no sense.
    pub fn from_settings(
        url: &str,
        default_port: u16,
        settings: &Settings,
    ) -> Result<Self, ConfigError> {
        let _ = (url, default_port, settings);
        Err(ConfigError::new("url", "not built yet"))
    }
}
