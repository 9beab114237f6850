//! The proxy that the environment asks for (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), read as
//! kubectl reads it: a server on this machine is never reached through one.

use std::net::IpAddr;

use super::super::endpoint::Endpoint;
use crate::config::Environment;

/// The URL of the proxy to reach this endpoint by.
pub fn proxy(endpoint: &Endpoint, environment: &Environment) -> Option<String> {
    let either =
        |upper: &str, lower: &str| environment.get(upper).or_else(|| environment.get(lower));
    let url = if endpoint.secure {
        either("HTTPS_PROXY", "https_proxy")
    } else {
        either("HTTP_PROXY", "http_proxy")
    }?;
    let except = either("NO_PROXY", "no_proxy").unwrap_or_default();
    if is_here(&endpoint.host) || is_excepted(&endpoint.host, endpoint.port, except) {
        return None;
    }
    Some(if url.contains("://") {
        url.to_owned()
    } else {
        format!("http://{url}")
    })
}

/// Is it this machine by its name or address?
pub fn is_here(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn is_excepted(host: &str, port: u16, list: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    let entries = list
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase());
    entries.filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some((network, length)) = entry.split_once('/') {
            return address.is_some_and(|address| within(address, network, length));
        }
        if let (Some(own), Ok(other)) = (address, entry.parse::<IpAddr>()) {
            return own == other;
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            Some((name, wanted)) if !name.contains(':') => (name, Some(wanted)),
            _ => (entry.as_str(), None),
        };
        if wanted.is_some_and(|wanted| wanted != port.to_string()) {
            return false;
        }
        // `.example.com` and `*.example.com` are what is below it, `example.com` also itself.
        let below = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
        let domain = below.unwrap_or(name);
        let is_below = host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'));
        is_below || (below.is_none() && host == domain)
    })
}

fn within(address: IpAddr, network: &str, length: &str) -> bool {
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    let bits = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let ((own, width), (other, other_width)) = (bits(address), bits(network));
    if width != other_width || length > width {
        return false;
    }
    length == 0 || (own ^ other) >> (128 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;

    fn asked(server: &str, except: &str) -> Option<String> {
        let endpoint = Endpoint::from_settings(server, 443, &Settings::default()).unwrap();
        let environment = Environment::of(&[("HTTPS_PROXY", "p:3128"), ("no_proxy", except)]);
        proxy(&endpoint, &environment)
    }

    #[test]
    fn what_no_proxy_names_is_reached_directly() {
        for (server, except, through) in [
            ("https://api.prod", "", true),
            ("http://api.prod", "", false),
            ("https://localhost:6443", "", false),
            ("https://127.0.0.2:6443", "", false),
            ("https://api.prod", "other, api.prod", false),
            ("https://api.prod", ".prod", false),
            ("https://prod", ".prod", true),
            ("https://api.prod", "*.prod", false),
            ("https://apiprod", "prod", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", false),
            ("https://11.1.2.3:6443", "10.0.0.0/8", true),
            ("https://[fd00::1]:6443", "fd00::/8", false),
            ("https://api.prod:6443", "api.prod:443", true),
            ("https://api.prod:6443", "api.prod:6443", false),
            ("https://api.prod", "*", false),
        ] {
            let got = asked(server, except);
            assert_eq!(got.is_some(), through, "{server} except {except}");
            assert!(got.is_none_or(|url| url == "http://p:3128"));
        }
    }
}
