//! A proxy on the way to a server: its URL, and the tunnel through it (HTTP CONNECT or SOCKS 5).
//!
//! What is refused is named by its layer, with the proxy in the words. The name of the server is
//! resolved by the proxy.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connect::{Connector, Speech};
use super::endpoint::Endpoint;
use super::phase::Phase;
use super::wire::Wire;
use crate::config::settings::Settings;
use crate::logging;
use crate::observation::{Layer, Outage};

/// Longest head of an answer to CONNECT that is read, in bytes.
const LONGEST_HEAD: usize = 8 << 10;

/// A proxy that everything to one server goes through.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// How to reach the proxy itself.
    endpoint: Arc<Endpoint>,
    tunnel: Tunnel,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tunnel {
    Connect,
    Socks5,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({} by {:?})", self.endpoint.name, self.tunnel)
    }
}

impl Proxy {
    /// Reads `http://`, `https://`, `socks5://` or `socks5h://`, with credentials before an `@`
    /// where there are some.
    ///
    /// # Errors
    /// What is wrong with it, without repeating the credentials.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or("the URL of the proxy has no scheme such as http://")?;
        let (tunnel, scheme, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (Tunnel::Connect, "http", 80),
            "https" => (Tunnel::Connect, "https", 443),
            "socks5" | "socks5h" => (Tunnel::Socks5, "http", 1080),
            other => return Err(format!("`{other}://` is no proxy that midwatch can use")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        // A port of its own scheme is meant where none is written.
        let named = place.rsplit_once(']').map_or(place, |(_, behind)| behind);
        let address = if named.contains(':') {
            format!("{scheme}://{place}")
        } else {
            format!("{scheme}://{place}:{port}")
        };
        let endpoint = Endpoint::from_settings(&address, port, &Settings::default())
            .map_err(|error| format!("the URL of the proxy: {}", error.problem))?;
        let credentials = credentials.map(|text| {
            let (user, password) = text.split_once(':').unwrap_or((text, ""));
            (unescaped(user), unescaped(password))
        });
        if let Some((_, password)) = &credentials {
            logging::redact(password);
        }
        Ok(Self {
            endpoint: Arc::new(endpoint),
            tunnel,
            credentials,
        })
    }

    /// A stream to `target` through the proxy.
    ///
    /// # Errors
    /// The layer at which the proxy failed, or what it refused.
    pub async fn open(&self, target: &Endpoint, phase: &Arc<Phase>) -> Result<Wire, Outage> {
        let connector = Connector::new(self.endpoint.clone(), Speech::Http1).telling(phase.clone());
        // Boxed, since a connector opens a proxy and a proxy a connector.
        let connected = Box::pin(connector.connect()).await;
        let mut wire = connected.map_err(|outage| self.own(outage))?.wire;
        phase.enter(format!("the proxy {}", self.name()));
        match self.tunnel {
            Tunnel::Connect => self.connect(&mut wire, target).await?,
            Tunnel::Socks5 => self.socks(&mut wire, target).await?,
        }
        Ok(wire)
    }

    fn name(&self) -> String {
        self.endpoint.authority()
    }

    /// Says that it is the proxy that failed.
    fn own(&self, mut outage: Outage) -> Outage {
        outage.detail = format!("the proxy {}: {}", self.name(), outage.detail);
        outage
    }

    fn broken(&self, error: &std::io::Error) -> Outage {
        let why = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "closed the connection".to_owned(),
            _ => format!("broke off: {error}"),
        };
        Outage::new(Layer::Tcp, format!("the proxy {} {why}", self.name()))
            .hint("check that it is a proxy of the kind that proxy-url says")
    }

    async fn connect(&self, wire: &mut Wire, target: &Endpoint) -> Result<(), Outage> {
        let place = target.authority();
        let mut head = format!(
            "CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: {}\r\n",
            super::USER_AGENT
        );
        if let Some((user, password)) = &self.credentials {
            let pair = STANDARD.encode(format!("{user}:{password}"));
            head += &format!("Proxy-Authorization: Basic {pair}\r\n");
        }
        head += "\r\n";
        let answer = async {
            wire.write_all(head.as_bytes()).await?;
            wire.flush().await?;
            let mut answer = Vec::new();
            // Byte by byte: what comes behind the head is the server's.
            while !answer.ends_with(b"\r\n\r\n") && answer.len() < LONGEST_HEAD {
                answer.push(wire.read_u8().await?);
            }
            Ok(answer)
        };
        let answer = answer.await.map_err(|error| self.broken(&error))?;
        let line = String::from_utf8_lossy(&answer);
        let line = line.lines().next().unwrap_or_default();
        let status = line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1));
        let refused = |layer| {
            let said = line.escape_debug();
            Outage::new(
                layer,
                format!("the proxy {} refused {place}: {said}", self.name()),
            )
        };
        match status {
            Some(code) if code.starts_with('2') => Ok(()),
            Some("407") => Err(refused(Layer::Auth)
                .hint("put user and password into proxy-url: http://USER:PASSWORD@HOST:PORT")),
            Some(_) => {
                Err(refused(Layer::Protocol)
                    .hint("ask whoever runs the proxy to allow this server"))
            }
            None => Err(refused(Layer::Protocol).hint("check that proxy-url names an HTTP proxy")),
        }
    }

    /// RFC 1928, with user and password as in RFC 1929.
    async fn socks(&self, wire: &mut Wire, target: &Endpoint) -> Result<(), Outage> {
        let broken = |error: std::io::Error| self.broken(&error);
        let refused = |layer, why: &str| {
            Outage::new(
                layer,
                format!(
                    "the proxy {} refused {}: {why}",
                    self.name(),
                    target.authority()
                ),
            )
        };
        let method = if self.credentials.is_some() { 2 } else { 0 };
        wire.write_all(&[5, 1, method]).await.map_err(broken)?;
        wire.flush().await.map_err(broken)?;
        let mut choice = [0; 2];
        wire.read_exact(&mut choice).await.map_err(broken)?;
        if choice[0] != 5 {
            return Err(refused(Layer::Protocol, "it does not speak SOCKS 5")
                .hint("check the scheme of proxy-url"));
        }
        if choice[1] != method {
            return Err(refused(Layer::Auth, "it wants other credentials")
                .hint("put user and password into proxy-url: socks5://USER:PASSWORD@HOST:PORT"));
        }
        if let Some((user, password)) = &self.credentials {
            let mut login = vec![1];
            for part in [user, password] {
                let size = u8::try_from(part.len())
                    .map_err(|_| refused(Layer::Local, "its credentials are too long"))?;
                login.push(size);
                login.extend_from_slice(part.as_bytes());
            }
            wire.write_all(&login).await.map_err(broken)?;
            wire.flush().await.map_err(broken)?;
            let mut verdict = [0; 2];
            wire.read_exact(&mut verdict).await.map_err(broken)?;
            if verdict[1] != 0 {
                return Err(
                    refused(Layer::Auth, "user or password is wrong").hint("correct proxy-url")
                );
            }
        }
        wire.write_all(&request(target)?).await.map_err(broken)?;
        wire.flush().await.map_err(broken)?;
        let mut head = [0; 4];
        wire.read_exact(&mut head).await.map_err(broken)?;
        let why = match head[1] {
            0 => None,
            2 => Some("its rules do not allow it"),
            3 => Some("the network is unreachable from there"),
            4 => Some("the host is unreachable from there"),
            5 => Some("the connection was refused"),
            _ => Some("it failed"),
        };
        if let Some(why) = why {
            return Err(refused(Layer::Tcp, why));
        }
        // The address that it bound is of no interest, but it comes before the server's bytes.
        let rest = match head[3] {
            1 => 4,
            4 => 16,
            _ => usize::from(wire.read_u8().await.map_err(broken)?),
        } + 2;
        let mut bound = vec![0; rest];
        wire.read_exact(&mut bound).await.map_err(broken)?;
        Ok(())
    }
}

/// The request to connect: version, command, address and port.
fn request(target: &Endpoint) -> Result<Vec<u8>, Outage> {
    let mut request = vec![5, 1, 0];
    match target.host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            let size = u8::try_from(target.host.len())
                .map_err(|_| Outage::new(Layer::Local, "the server's name is too long"))?;
            request.extend_from_slice(&[3, size]);
            request.extend_from_slice(target.host.as_bytes());
        }
    }
    request.extend_from_slice(&target.port.to_be_bytes());
    Ok(request)
}

/// `%40` as `@`; what is no escape stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            rest = &behind[2..];
        } else {
            out.push(*first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_read_with_its_own_port_and_its_password_stays_hidden() {
        for (url, place) in [
            ("http://p", "p:80"),
            ("https://p", "p:443"),
            ("http://p:3128/", "p:3128"),
            ("socks5://p", "p:1080"),
            ("socks5h://[::1]", "[::1]:1080"),
            ("http://ann:hunter%402@p:1", "p:1"),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!(proxy.name(), place, "{url}");
            assert!(!format!("{proxy:?}").contains("hunter"));
        }
        let proxy = Proxy::parse("http://ann:hunter%402%2g@p:1").unwrap();
        assert_eq!(
            proxy.credentials,
            Some(("ann".into(), "hunter@2%2g".into()))
        );
    }

    #[test]
    fn what_is_no_proxy_is_said_without_its_password() {
        for url in ["p:1", "ftp://ann:hunter2@p", "http://ann:hunter2@p:0"] {
            let why = Proxy::parse(url).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
