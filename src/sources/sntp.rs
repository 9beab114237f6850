//! `sntp`: asks a time server how far its clock is from this machine's.
//!
//! Polite by default: four requests at the first poll, half a second apart, then one each 32 s (RFC
//! 4330 asks for no less than 15 s), a second one only where the first was lost. A kiss of death is
//! obeyed across polls. Sets no clock and speaks to nobody but the configured server.

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
/// Exchanges of the first poll, from which the one with the smallest round trip is taken.
const FIRST_BURST: u32 = 4;
/// Requests of a later poll: one, and one more if it is lost.
const LATER_ATTEMPTS: u32 = 2;
/// Unanswered requests in a row after which a poll gives up.
const LOST_IN_A_ROW: u32 = 2;
/// Patience with one request.
const WAIT: Duration = Duration::from_secs(1);
/// Distance between the requests of a burst.
const SPACING: Duration = Duration::from_millis(500);
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
    spacing: Duration,
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
            spacing: SPACING,
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
        let (attempts, wanted) = match self.server {
            None => (FIRST_BURST, FIRST_BURST),
            Some(_) => (LATER_ATTEMPTS, 1),
        };
        // Whatever goes wrong from here on, the name is resolved anew next time.
        let known = self.server.take();
        let (socket, server) = self.open(known).await?;
        let best = self.burst(&socket, server, attempts, wanted, bytes).await?;
        self.server = Some(server);
        self.hold = None;
        Ok(self.harvest(&best))
    }

    /// Some requests, the best answer.
    async fn burst(
        &mut self,
        socket: &UdpSocket,
        server: SocketAddr,
        attempts: u32,
        wanted: u32,
        bytes: &mut u64,
    ) -> Result<Exchange, Outage> {
        let (mut best, mut refusal) = (None::<Exchange>, None);
        let (mut good, mut lost, mut asked) = (0, 0, 0);
        while asked < attempts && good < wanted && lost < LOST_IN_A_ROW {
            if asked > 0 {
                tokio::time::sleep(self.spacing).await;
            }
            asked += 1;
            self.phase.enter(format!("an answer of {server}"));
            match self.exchange(socket, server, bytes).await {
                Ok(exchange) => {
                    (good, lost) = (good + 1, 0);
                    let shorter = best
                        .as_ref()
                        .is_none_or(|b| exchange.sample.round_trip < b.sample.round_trip);
                    if shorter {
                        best = Some(exchange);
                    }
                }
                Err(Failed::Lost) => lost += 1,
                Err(Failed::Refused(Refusal::Kiss(code))) => return Err(self.kissed(code)),
                Err(Failed::Refused(other)) => refusal = Some(other),
                Err(Failed::Broken(outage)) => return Err(outage),
            }
        }
        match (best, refusal) {
            (Some(best), _) => Ok(best),
            (None, Some(refusal)) => Err(self.refused(&refusal)),
            (None, None) => Err(Outage::new(
                Layer::Timeout,
                format!("no answer of {server} to {asked} requests"),
            )
            .hint("check that UDP port 123 is open on the way there and back")),
        }
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

    fn harvest(&self, best: &Exchange) -> Harvest {
        let offset = ClockOffset {
            witness: Witness::Sntp,
            offset: best.sample.offset,
            round_trip: best.sample.round_trip,
            root_distance: Some(best.reply.root_distance()),
            stratum: Some(best.reply.stratum),
            reference: Some(best.reply.reference_text().into()),
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
mod tests {
    use super::*;
    use crate::config::settings::Value;
    use crate::ids::TargetId;

    fn target(address: Option<&str>) -> TargetConfig {
        let mut settings = Settings::default();
        if let Some(address) = address {
            settings.set("address", Value::Text(address.into()), "config.toml:4");
        }
        TargetConfig {
            id: TargetId::new("sntp", "ntp-1"),
            settings,
        }
    }

    /// A server that answers each request with what `answer` makes of its cookie.
    async fn serve(
        answer: impl Fn(u32, [u8; 8]) -> Vec<Vec<u8>> + Send + 'static,
    ) -> (SntpProbe, tokio::task::JoinHandle<()>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            let mut count = 0;
            let mut buffer = [0; 100];
            loop {
                let (length, peer) = socket.recv_from(&mut buffer).await.unwrap();
                assert_eq!((length, buffer[0]), (48, 0x23));
                for packet in answer(count, buffer[40..48].try_into().unwrap()) {
                    socket.send_to(&packet, peer).await.unwrap();
                }
                count += 1;
            }
        });
        let endpoint = Endpoint::from_settings(&address, PORT, &Settings::default()).unwrap();
        let mut probe = SntpProbe::new("ntp-1", &endpoint);
        probe.spacing = Duration::ZERO;
        (probe, task)
    }

    /// A packet of a server that is `ahead` seconds before this machine.
    fn reply(cookie: [u8; 8], stratum: u8, ahead: i64) -> Vec<u8> {
        let mut packet = vec![0; 48];
        packet[0] = 0x24;
        packet[1] = stratum;
        packet[3] = 0xec;
        packet[4..8].copy_from_slice(&0x0000_8000_u32.to_be_bytes());
        packet[8..12].copy_from_slice(&0x0000_4000_u32.to_be_bytes());
        packet[12..16].copy_from_slice(b"GPS\0");
        packet[24..32].copy_from_slice(&cookie);
        let wall = clock::now().wall;
        let seconds = u32::try_from(wall.as_second() + ahead + 2_208_988_800).unwrap();
        let part = u64::from(wall.subsec_nanosecond().cast_unsigned());
        let fraction = u32::try_from((part << 32) / 1_000_000_000).unwrap();
        for at in [32, 40] {
            packet[at..at + 4].copy_from_slice(&seconds.to_be_bytes());
            packet[at + 4..at + 8].copy_from_slice(&fraction.to_be_bytes());
        }
        packet
    }

    fn offset(answer: &Answer) -> ClockOffset {
        let harvest = answer.outcome.as_ref().unwrap();
        assert_eq!(harvest.facts[0].0, Subject::sntp("ntp-1"));
        match &harvest.facts[0].1 {
            Fact::ClockOffset(offset) => offset.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_server_two_hours_ahead_is_seen_two_hours_ahead() {
        let (mut probe, _task) = serve(|_, cookie| vec![reply(cookie, 1, 7200)]).await;
        let answer = probe.poll().await;
        assert_eq!(answer.bytes, 4 * 48);
        let seen = offset(&answer);
        assert!(
            seen.offset.lo <= 7200.0 && 7200.0 <= seen.offset.hi,
            "{seen:?}"
        );
        assert_eq!(seen.stratum, Some(1));
        assert_eq!(seen.reference.as_deref(), Some("GPS"));
        assert_eq!(seen.root_distance, Some(0.5));
        assert_eq!(probe.poll().await.bytes, 48, "a later poll asks once");
    }

    #[tokio::test]
    async fn forged_packets_are_passed_over() {
        let (mut probe, _task) = serve(|_, cookie| {
            let mut forged = reply([7; 8], 1, 9999);
            forged[1] = 0;
            forged[12..16].copy_from_slice(b"DENY");
            vec![forged, reply([8; 8], 1, 9999), reply(cookie, 2, 0)]
        })
        .await;
        let seen = offset(&probe.poll().await);
        assert!(seen.offset.hi < 60.0, "{seen:?}");
    }

    #[tokio::test]
    async fn one_lost_packet_is_asked_for_again() {
        let (mut probe, _task) = serve(|count, cookie| {
            if count == 4 {
                Vec::new()
            } else {
                vec![reply(cookie, 2, 0)]
            }
        })
        .await;
        offset(&probe.poll().await);
        offset(&probe.poll().await);
    }

    #[tokio::test]
    async fn silence_is_a_timeout_that_counts_its_requests() {
        let (mut probe, _task) = serve(|_, _| Vec::new()).await;
        probe.wait = Duration::from_millis(1);
        let outage = probe.poll().await.outcome.unwrap_err();
        assert_eq!(outage.layer, Layer::Timeout);
        assert!(outage.detail.contains("to 2 requests"), "{outage}");
        assert!(outage.hint.unwrap().contains("UDP port 123"));
    }

    #[tokio::test]
    async fn an_unsynchronised_server_is_an_outage() {
        for stratum in [0, 16] {
            let (mut probe, _task) = serve(move |_, cookie| {
                let mut packet = reply(cookie, stratum, 0);
                packet[0] |= 0xc0;
                packet[12..16].fill(0);
                vec![packet]
            })
            .await;
            let outage = probe.poll().await.outcome.unwrap_err();
            assert_eq!(outage.layer, Layer::Protocol);
            assert!(
                outage.detail.contains("server is not synchronised"),
                "{outage}"
            );
        }
    }

    #[tokio::test]
    async fn a_kiss_of_death_silences_the_next_polls() {
        let (mut probe, _task) = serve(|_, cookie| {
            let mut packet = reply(cookie, 0, 0);
            packet[12..16].copy_from_slice(b"RATE");
            vec![packet]
        })
        .await;
        let first = probe.poll().await;
        assert_eq!(first.bytes, 48, "the burst ends at the kiss");
        let outage = first.outcome.unwrap_err();
        assert_eq!(outage.layer, Layer::Protocol);
        assert!(outage.detail.contains("RATE"), "{outage}");
        let second = probe.poll().await;
        assert_eq!(second.bytes, 0);
        assert!(second.outcome.unwrap_err().detail.contains("RATE"));
    }

    #[test]
    fn each_further_kiss_doubles_the_silence_up_to_an_hour() {
        let endpoint = Endpoint::from_settings("a", PORT, &Settings::default()).unwrap();
        let mut probe = SntpProbe::new("a", &endpoint);
        let mut holds = Vec::new();
        for _ in 0..7 {
            probe.kissed("RATE".into());
            holds.push(probe.hold.as_ref().unwrap().1.as_secs());
        }
        assert_eq!(holds, [128, 256, 512, 1024, 2048, 3600, 3600]);
    }

    #[tokio::test]
    async fn a_closed_port_says_that_nothing_listens() {
        let (mut probe, task) = serve(|_, _| Vec::new()).await;
        task.abort();
        let _ = task.await;
        let outage = probe.poll().await.outcome.unwrap_err();
        assert_eq!(outage.layer, Layer::Tcp);
        assert!(
            outage.detail.contains("nothing listens on UDP 127.0.0.1"),
            "{outage}"
        );
    }

    #[test]
    fn the_address_has_a_default_port_and_is_no_url() {
        let probes = probes(&target(Some("ntp.example"))).unwrap();
        assert_eq!(probes[0].endpoint(), "ntp.example:123");
        assert_eq!(probes[0].subject(), Subject::sntp("ntp-1"));
        let refused = |address| super::probes(&target(address)).err().unwrap();
        assert_eq!(refused(Some("http://a")).place, "config.toml:4");
        assert_eq!(refused(Some("a:b")).place, "config.toml:4");
        assert!(refused(None).to_string().contains("sntp/ntp-1"));
    }
}
