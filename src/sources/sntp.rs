//! `sntp`: asks a time server how far its clock is from this machine's.
//!
//! Polite by default: one request each 32 s (RFC 4330 asks for no less than 15 s), a second one only
//! where the first was lost. No burst: each poll tells its own exchange, so that a poll takes as long
//! as its round trip. A kiss of death is obeyed across polls. Sets no clock and speaks to nobody but
//! the configured server.

pub mod packet;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::SecureRandom;
use tokio::net::UdpSocket;

use self::packet::{Refusal, Sample};
use super::{Answer, PollFuture, Probe, Source, TargetConfig};
use crate::clients::endpoint::Endpoint;
use crate::clients::phase::Phase;
use crate::clock::{self, Now, Stamp};
use crate::config::settings::{ConfigError, Settings};
use crate::facts::{ClockOffset, Fact, Witness};
use crate::observation::{Harvest, Layer, Outage};
use crate::subject::Subject;
use crate::units::span;

pub static SOURCE: Source = Source {
    kind: "sntp",
    doc: "Asks a time server (`address`) for its time over SNTP and bounds its offset from this machine.",
    period: Duration::from_secs(32),
    timeout: Duration::from_secs(5),
    keys: &["address"],
    probes,
};

/// UDP port of NTP.
const PORT: u16 = 123;
/// Requests of one poll: one, and one more if it is lost.
const ATTEMPTS: u32 = 2;
/// Patience with one request.
const WAIT: Duration = Duration::from_secs(1);
/// Silence after the first `RATE`; doubled by each further one.
const RATE_HOLD: Duration = Duration::from_secs(128);
/// Silence after `DENY` or `RSTR`, and the longest after `RATE`.
const LONGEST_HOLD: Duration = Duration::from_secs(3600);

fn probes(target: &TargetConfig) -> Result<Vec<Box<dyn Probe>>, ConfigError> {
    let settings = &target.settings;
    let Some(address) = settings.text("address") else {
        return Err(
            ConfigError::new(target.id.to_string(), "`address` is not set")
                .hint("set address = \"HOST\" or \"HOST:PORT\""),
        );
    };
    let refused = |problem: String| {
        let place = settings.origin("address");
        let place = place.map_or_else(|| target.id.to_string(), ToString::to_string);
        ConfigError::new(place, problem).hint("write address = \"HOST\" or \"HOST:PORT\"")
    };
    if address.contains("://") || address.contains('/') {
        return Err(refused(format!(
            "`address` of {} is a URL; SNTP has none",
            target.id
        )));
    }
    // The keys of TLS and HTTP, which a shared table may set, are none of SNTP's business.
    let mut own = Settings::default();
    if let Some((key, value)) = settings.values.get_key_value("address") {
        own.values.insert(key.clone(), value.clone());
    }
    let endpoint = Endpoint::from_settings(address, PORT, &own)?;
    Ok(vec![Box::new(SntpProbe::new(&target.id.name, &endpoint))])
}

struct SntpProbe {
    subject: Subject,
    /// `host:port`.
    authority: String,
    host: String,
    port: u16,
    wait: Duration,
    random: &'static dyn SecureRandom,
    phase: Arc<Phase>,
    /// The address that answered, asked again: a pool's name gives another server each time.
    server: Option<SocketAddr>,
    /// Silence that the server asked for: until when, how long, with which code.
    hold: Option<(Stamp, Duration, String)>,
}

/// A usable exchange.
struct Exchange {
    sample: Sample,
    reply: packet::Reply,
}

/// How one request ended without one.
enum Failed {
    /// No answer in time.
    Lost,
    Refused(Refusal),
    Broken(Outage),
}

impl SntpProbe {
    fn new(name: &str, endpoint: &Endpoint) -> Self {
        Self {
            subject: Subject::sntp(name),
            authority: endpoint.authority(),
            host: endpoint.host.clone(),
            port: endpoint.port,
            wait: WAIT,
            random: rustls::crypto::ring::default_provider().secure_random,
            phase: Arc::default(),
            server: None,
            hold: None,
        }
    }

    async fn ask(&mut self, bytes: &mut u64) -> Result<Harvest, Outage> {
        if let Some((until, _, code)) = &self.hold {
            let left = until.since(clock::stamp());
            if !left.is_zero() {
                return Err(held(&self.authority, code, left));
            }
        }
        // Whatever goes wrong from here on, the name is resolved anew next time.
        let known = self.server.take();
        let (socket, server) = self.open(known).await?;
        let exchange = self.attempts(&socket, server, bytes).await?;
        self.server = Some(server);
        self.hold = None;
        Ok(self.harvest(&exchange))
    }

    /// A request, and another one where the first got no answer.
    async fn attempts(
        &mut self,
        socket: &UdpSocket,
        server: SocketAddr,
        bytes: &mut u64,
    ) -> Result<Exchange, Outage> {
        for _ in 0..ATTEMPTS {
            self.phase.enter(format!("an answer of {server}"));
            match self.exchange(socket, server, bytes).await {
                Ok(exchange) => return Ok(exchange),
                Err(Failed::Lost) => {}
                Err(Failed::Refused(Refusal::Kiss(code))) => return Err(self.kissed(code)),
                Err(Failed::Refused(other)) => return Err(self.refused(&other)),
                Err(Failed::Broken(outage)) => return Err(outage),
            }
        }
        let detail = format!("no answer of {server} to {ATTEMPTS} requests");
        Err(Outage::new(Layer::Timeout, detail)
            .hint("check that UDP port 123 is open on the way there and back"))
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, Outage> {
        self.phase.enter(format!("resolving {}", self.host));
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let unresolved = |e: std::io::Error| {
            Outage::new(Layer::Dns, format!("cannot resolve {}: {e}", self.host))
                .hint("check the spelling of the host and the resolver of this machine")
        };
        Ok(found.map_err(unresolved)?.collect())
    }

    /// A socket that takes packets from this server alone.
    async fn open(&self, known: Option<SocketAddr>) -> Result<(UdpSocket, SocketAddr), Outage> {
        let addresses = match known {
            Some(server) => vec![server],
            None => self.resolve().await?,
        };
        let mut failed = None;
        for server in addresses {
            let any = match server {
                SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
            };
            let opened = async {
                let socket = UdpSocket::bind(any).await?;
                socket.connect(server).await?;
                Ok(socket)
            };
            match opened.await {
                Ok(socket) => return Ok((socket, server)),
                Err(error) => {
                    failed.get_or_insert(broken(server, &error));
                }
            }
        }
        Err(failed
            .unwrap_or_else(|| Outage::new(Layer::Dns, format!("{} has no address", self.host))))
    }

    async fn exchange(
        &self,
        socket: &UdpSocket,
        server: SocketAddr,
        bytes: &mut u64,
    ) -> Result<Exchange, Failed> {
        let cookie = self.cookie().map_err(Failed::Broken)?;
        let io = |error: std::io::Error| Failed::Broken(broken(server, &error));
        // The wall clock is read once; the answer's moment is this one moved on by a clock that
        // nobody steps. `slack` is how far apart the two readings can have been taken.
        let before = clock::stamp();
        let sent = clock::now();
        let slack = clock::stamp().since(before).as_secs_f64();
        socket.send(&packet::request(cookie)).await.map_err(io)?;
        let answer = tokio::time::timeout(self.wait, async {
            let mut buffer = [0; 512];
            loop {
                let length = socket.recv(&mut buffer).await?;
                let got = clock::stamp();
                *bytes += length as u64;
                match packet::parse(&buffer[..length], cookie) {
                    Err(Refusal::NotOurs) => {}
                    parsed => return Ok((parsed, got)),
                }
            }
        });
        let (reply, got) = answer.await.map_err(|_| Failed::Lost)?.map_err(io)?;
        let reply = reply.map_err(Failed::Refused)?;
        let back = sent.plus(got.since(sent.stamp));
        let sample = packet::sample(&reply, nanos(sent), nanos(back), slack);
        let sample = sample.map_err(Failed::Refused)?;
        Ok(Exchange { sample, reply })
    }

    fn cookie(&self) -> Result<u64, Outage> {
        let mut bytes = [0; 8];
        self.random
            .fill(&mut bytes)
            .map_err(|_| Outage::new(Layer::Local, "the system gives no random numbers"))?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// Obeys a kiss of death: nothing is sent for a while, longer each time.
    fn kissed(&mut self, code: String) -> Outage {
        let last = self.hold.take().map(|(_, hold, _)| hold);
        let hold = match (code.as_str(), last) {
            ("RATE", None) => RATE_HOLD,
            ("RATE", Some(last)) => (last * 2).min(LONGEST_HOLD),
            _ => LONGEST_HOLD,
        };
        let outage = held(&self.authority, &code, hold);
        self.hold = Some((clock::stamp() + hold, hold, code));
        outage
    }

    fn refused(&self, refusal: &Refusal) -> Outage {
        let outage = Outage::new(Layer::Protocol, format!("{}: {refusal}", self.authority));
        match refusal {
            Refusal::Unsynchronised => outage.hint("look at the sources of that time server"),
            _ => outage.hint("check that an NTP server listens on this port"),
        }
    }

    fn harvest(&self, exchange: &Exchange) -> Harvest {
        let offset = ClockOffset {
            witness: Witness::Sntp,
            offset: exchange.sample.offset,
            round_trip: exchange.sample.round_trip,
            root_distance: Some(exchange.reply.root_distance()),
            stratum: Some(exchange.reply.stratum),
            reference: Some(exchange.reply.reference_text().into()),
        };
        Harvest {
            subject: Some(self.subject.clone()),
            facts: vec![(self.subject.clone(), Fact::from(offset))],
            ..Harvest::default()
        }
    }
}

fn held(authority: &str, code: &str, left: Duration) -> Outage {
    let (meaning, hint) = match code {
        "RATE" => ("it is asked too often", "raise the period of this target"),
        "DENY" | "RSTR" => ("access is denied", "ask another time server"),
        _ => ("it sent a kiss of death", "ask another time server"),
    };
    Outage::new(
        Layer::Protocol,
        format!(
            "{authority} answers {code}: {meaning}; leaving it alone for {}",
            span(left)
        ),
    )
    .hint(hint)
}

/// Names an error of the socket. A closed port is told by ICMP.
fn broken(server: SocketAddr, error: &std::io::Error) -> Outage {
    use std::io::ErrorKind as E;
    match error.kind() {
        E::ConnectionRefused => Outage::new(Layer::Tcp, format!("nothing listens on UDP {server}"))
            .hint("check that an NTP server runs there"),
        E::HostUnreachable | E::NetworkUnreachable => {
            Outage::new(Layer::Tcp, format!("{server} is unreachable: no route"))
                .hint("check the network, the route and the VPN")
        }
        _ => Outage::new(Layer::Tcp, format!("UDP {server}: {error}")),
    }
}

fn nanos(now: Now) -> i128 {
    now.wall.as_nanosecond()
}

impl Probe for SntpProbe {
    fn endpoint(&self) -> String {
        self.authority.clone()
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn poll(&mut self) -> PollFuture<'_> {
        Box::pin(async move {
            let mut bytes = 0;
            let outcome = self.ask(&mut bytes).await;
            Answer { bytes, outcome }
        })
    }

    fn waiting_for(&self) -> String {
        self.phase.describe()
    }
}

#[cfg(test)]
mod tests;
