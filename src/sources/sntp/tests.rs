//! The SNTP probe against servers on loopback: honest, silent, forged, unsynchronised, annoyed.

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
    (SntpProbe::new("ntp-1", &endpoint), task)
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
    let seen = offset(&answer);
    assert!(
        seen.offset.lo <= 7200.0 && 7200.0 <= seen.offset.hi,
        "{seen:?}"
    );
    assert_eq!(seen.stratum, Some(1));
    assert_eq!(seen.reference.as_deref(), Some("GPS"));
    assert_eq!(seen.root_distance, Some(0.5));
}

/// A check polls once and waits for it: a burst would make it wait for nothing but the pauses.
#[tokio::test]
async fn the_first_poll_is_one_exchange_as_every_later_one() {
    let (mut probe, _task) = serve(|_, cookie| vec![reply(cookie, 1, 0)]).await;
    for _ in 0..3 {
        let answer = probe.poll().await;
        offset(&answer);
        assert_eq!(answer.bytes, 48);
    }
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
        if count == 0 || count == 2 {
            Vec::new()
        } else {
            vec![reply(cookie, 2, 0)]
        }
    })
    .await;
    probe.wait = Duration::from_millis(200);
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
    assert_eq!(first.bytes, 48, "nothing is asked after a kiss");
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
