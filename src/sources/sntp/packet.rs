//! The 48 bytes of an SNTP packet, and what four timestamps prove. Pure: no socket, no clock.
//!
//! Layout and checks are those of RFC 5905 (sections 7.3 and 8) and RFC 4330 (section 5).

use std::fmt;

use crate::facts::Interval;

/// Length of a packet without extensions.
pub const LENGTH: usize = 48;
/// Seconds from 1900-01-01 to 1970-01-01.
const UNIX_OFFSET: i64 = 2_208_988_800;
/// Length of an NTP era in seconds; era 1 starts 2036-02-07.
const ERA: i64 = 1 << 32;
/// Leap indicator "clock not synchronised".
const ALARM: u8 = 3;
/// First stratum that is none.
const UNSYNCHRONISED: u8 = 16;

/// A server's answer that may be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub stratum: u8,
    /// Resolution of the server's clock in seconds.
    pub precision: f64,
    /// Seconds.
    pub root_delay: f64,
    /// Seconds.
    pub root_dispersion: f64,
    pub reference: [u8; 4],
    /// When the request arrived, by the server's clock.
    pub receive: NtpTime,
    /// When the answer left, by the server's clock.
    pub transmit: NtpTime,
}

/// Why a packet is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not an answer to our request: late, stray or forged. To be passed over.
    NotOurs,
    /// Kiss of death, with its code.
    Kiss(String),
    Unsynchronised,
    /// No NTP answer at all, in words.
    Garbage(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("the packet answers no request of ours"),
            Self::Kiss(code) => write!(f, "the server asks us to stay away ({code})"),
            Self::Unsynchronised => f.write_str("server is not synchronised"),
            Self::Garbage(what) => write!(f, "not an NTP answer: {what}"),
        }
    }
}

/// 32 bits of seconds since 1900 in some era, 32 bits of fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// Nanoseconds since 1970, in the era that lies nearest to `near` (nanoseconds since 1970).
    #[must_use]
    pub fn unix_nanos(self, near: i128) -> i128 {
        let seconds = i64::from(high(self.0)) - UNIX_OFFSET;
        let fraction = (i128::from(low(self.0)) * 1_000_000_000) >> 32;
        let near = near.div_euclid(1_000_000_000);
        let eras = (near - i128::from(seconds) + i128::from(ERA / 2)).div_euclid(i128::from(ERA));
        (i128::from(seconds) + eras * i128::from(ERA)) * 1_000_000_000 + fraction
    }
}

fn high(word: u64) -> u32 {
    (word >> 32) as u32
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
fn low(word: u64) -> u32 {
    word as u32
}

/// A client request. Its transmit timestamp is a random cookie and not the time: the server returns
/// it unread, so it proves that the answer is to this request and tells nobody our clock.
#[must_use]
pub fn request(cookie: u64) -> [u8; LENGTH] {
    let mut packet = [0; LENGTH];
    packet[0] = 4 << 3 | 3;
    packet[40..].copy_from_slice(&cookie.to_be_bytes());
    packet
}

/// Reads an answer to the request with this cookie. Extensions behind the packet are ignored.
///
/// # Errors
/// A [`Refusal`] saying which check failed. The cookie is checked first, so that a forged packet can
/// neither slip in an offset nor a kiss of death.
pub fn parse(bytes: &[u8], cookie: u64) -> Result<Reply, Refusal> {
    let packet: &[u8; LENGTH] = bytes.first_chunk().ok_or(Refusal::Garbage("too short"))?;
    let mode = packet[0] & 7;
    if mode != 4 {
        return Err(Refusal::Garbage("it is not in server mode"));
    }
    if word64(packet, 24) != cookie {
        return Err(Refusal::NotOurs);
    }
    let (leap, stratum) = (packet[0] >> 6, packet[1]);
    let reference = [packet[12], packet[13], packet[14], packet[15]];
    if stratum == 0
        && let Some(code) = kiss(reference)
    {
        return Err(Refusal::Kiss(code));
    }
    if leap == ALARM || stratum == 0 || stratum == UNSYNCHRONISED {
        return Err(Refusal::Unsynchronised);
    }
    if stratum > UNSYNCHRONISED {
        return Err(Refusal::Garbage("its stratum is out of range"));
    }
    let (receive, transmit) = (NtpTime(word64(packet, 32)), NtpTime(word64(packet, 40)));
    if receive.0 == 0 || transmit.0 == 0 {
        return Err(Refusal::Garbage("it carries no time"));
    }
    Ok(Reply {
        stratum,
        // Beyond a second either way the field says nothing about a clock.
        precision: f64::from(packet[3].cast_signed().clamp(-32, 0)).exp2(),
        root_delay: fixed(packet, 4),
        root_dispersion: fixed(packet, 8),
        reference,
        receive,
        transmit,
    })
}

/// The code of a kiss of death. `INIT` and `STEP` tell of a server that is still starting: those are
/// answered like any other that is not synchronised.
fn kiss(reference: [u8; 4]) -> Option<String> {
    let text = ascii(reference)?;
    (text != "INIT" && text != "STEP").then_some(text)
}

fn ascii(reference: [u8; 4]) -> Option<String> {
    let end = reference.iter().rposition(|b| *b != 0)? + 1;
    let text = &reference[..end];
    let plain = text.iter().all(u8::is_ascii_graphic);
    plain.then(|| String::from_utf8_lossy(text).into_owned())
}

fn word64(packet: &[u8; LENGTH], at: usize) -> u64 {
    packet[at..at + 8]
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// 16.16 fixed point seconds.
fn fixed(packet: &[u8; LENGTH], at: usize) -> f64 {
    let word = packet[at..at + 4]
        .iter()
        .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    f64::from(word) / 65_536.0
}

impl Reply {
    /// The reference id as text: a name at stratum 1 (`GPS`), else an address (an IPv6 upstream
    /// shows as a hash that looks like one).
    #[must_use]
    pub fn reference_text(&self) -> String {
        let [a, b, c, d] = self.reference;
        match ascii(self.reference) {
            Some(name) if self.stratum == 1 => name,
            _ => format!("{a}.{b}.{c}.{d}"),
        }
    }

    /// How far the server itself may be from true time: half its root delay and its dispersion.
    #[must_use]
    pub fn root_distance(&self) -> f64 {
        self.root_delay / 2.0 + self.root_dispersion
    }
}

/// What one exchange proves, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Server's clock minus ours.
    pub offset: Interval,
    pub round_trip: f64,
}

/// Bounds the offset from the four timestamps. `sent` and `got` are nanoseconds since 1970 by our
/// clock; `slack` is what reading our clock may be off, in seconds.
///
/// The answer cannot have arrived before it left, so the offset is at most `T2 - T1` and at least
/// `T3 - T4`: that is `offset ± delay / 2` of RFC 5905, without assuming that both ways are equal.
///
/// # Errors
/// When the server's times contradict themselves: its clock was stepped in between.
pub fn sample(reply: &Reply, sent: i128, got: i128, slack: f64) -> Result<Sample, Refusal> {
    let receive = reply.receive.unix_nanos(sent);
    let transmit = reply.transmit.unix_nanos(got);
    let slop = reply.precision + slack;
    let forth = seconds(receive - sent);
    let back = seconds(transmit - got);
    let held = seconds(transmit - receive);
    if held < -slop || back > forth + 2.0 * slop {
        return Err(Refusal::Garbage("its times contradict each other"));
    }
    Ok(Sample {
        offset: Interval::new(back.min(forth) - slop, forth.max(back) + slop),
        round_trip: (seconds(got - sent) - held).max(0.0),
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "differences of clocks: 52 bits of nanoseconds are 52 days"
)]
fn seconds(nanos: i128) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COOKIE: u64 = 0x0123_4567_89ab_cdef;
    const GIGA: i128 = 1_000_000_000;

    fn recorded(name: &str) -> Vec<u8> {
        let path = format!(
            "{}/tests/fixtures/payloads/sntp/{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).unwrap();
        let hex: String = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(|line| line.split_whitespace())
            .collect();
        let pairs = (0..hex.len()).step_by(2);
        pairs
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    fn reply(edit: impl Fn(&mut Vec<u8>)) -> Result<Reply, Refusal> {
        let mut bytes = recorded("chronyd-4.3-local-stratum-8.hex");
        edit(&mut bytes);
        parse(&bytes, COOKIE)
    }

    #[test]
    fn a_reply_of_chronyd_is_read() {
        let reply = reply(|_| ()).unwrap();
        assert_eq!(reply.stratum, 8);
        assert_eq!(reply.reference_text(), "127.127.1.1");
        assert_eq!(reply.root_distance(), 0.0);
        assert!(reply.precision < 1e-7, "{}", reply.precision);
        let at = reply.transmit.unix_nanos(1_795_000_000 * GIGA);
        assert_eq!(at / GIGA, 0xeeab_e1a4 - 2_208_988_800);
    }

    #[test]
    fn a_chronyd_without_any_source_is_not_synchronised() {
        let bytes = recorded("chronyd-4.3-unsynchronised.hex");
        assert_eq!(parse(&bytes, COOKIE), Err(Refusal::Unsynchronised));
    }

    #[test]
    fn each_check_refuses_what_it_is_for() {
        let garbage = |what| Err(Refusal::Garbage(what));
        assert_eq!(reply(|p| p.truncate(47)), garbage("too short"));
        assert_eq!(reply(|p| p[0] = 0x23), garbage("it is not in server mode"));
        assert_eq!(reply(|p| p[31] ^= 1), Err(Refusal::NotOurs));
        assert_eq!(reply(|p| p[0] |= 0xc0), Err(Refusal::Unsynchronised));
        assert_eq!(reply(|p| p[1] = 16), Err(Refusal::Unsynchronised));
        assert_eq!(reply(|p| p[1] = 17), garbage("its stratum is out of range"));
        assert_eq!(reply(|p| p[40..].fill(0)), garbage("it carries no time"));
        assert!(reply(|p| p.extend([0; 20])).is_ok());
    }

    #[test]
    fn a_kiss_of_death_is_named_and_cannot_be_forged_without_the_cookie() {
        let kissed = |code: &'static [u8; 4], stray: u8| {
            reply(move |p| {
                p[0] = 0xe4;
                p[1] = 0;
                p[12..16].copy_from_slice(code);
                p[24] ^= stray;
            })
        };
        assert_eq!(kissed(b"RATE", 0), Err(Refusal::Kiss("RATE".into())));
        assert_eq!(kissed(b"DENY", 1), Err(Refusal::NotOurs));
        assert_eq!(kissed(b"INIT", 0), Err(Refusal::Unsynchronised));
        assert_eq!(kissed(b"\0\0\0\0", 0), Err(Refusal::Unsynchronised));
    }

    #[test]
    fn a_stratum_1_reference_is_a_name() {
        let reply = reply(|p| {
            p[1] = 1;
            p[12..16].copy_from_slice(b"GPS\0");
        });
        assert_eq!(reply.unwrap().reference_text(), "GPS");
    }

    #[test]
    fn the_era_after_2036_is_taken_from_our_own_clock() {
        let second = |raw: u64, near: i128| NtpTime(raw << 32).unix_nanos(near * GIGA) / GIGA;
        // 2036-02-07T06:28:16Z is second 0 of era 1.
        assert_eq!(second(0, 2_085_978_000), 2_085_978_496);
        assert_eq!(second(0xffff_ffff, 2_085_979_000), 2_085_978_495);
        assert_eq!(second(2_208_988_800, 0), 0);
        assert_eq!(second(100, 2_085_978_496 + 1000), 2_085_978_596);
    }

    fn at(nanos: i128) -> NtpTime {
        let whole = u64::try_from(nanos / GIGA + i128::from(UNIX_OFFSET)).unwrap();
        let part = u64::try_from(((nanos % GIGA) << 32) / GIGA).unwrap();
        NtpTime((whole & 0xffff_ffff) << 32 | part)
    }

    fn served(receive: i128, transmit: i128) -> Reply {
        Reply {
            precision: 0.0,
            receive: at(receive),
            transmit: at(transmit),
            ..reply(|_| ()).unwrap()
        }
    }

    #[test]
    fn the_interval_is_as_wide_as_the_round_trip() {
        // Ours: sent at 0, back at 30 ms. Server 84 ms ahead, 10 ms there, 5 ms held, 15 ms back.
        let start = 1_795_000_000 * GIGA;
        let ms = |n: i128| start + n * 1_000_000;
        let s = sample(&served(ms(94), ms(99)), ms(0), ms(30), 0.0).unwrap();
        assert!((s.round_trip - 0.025).abs() < 1e-8);
        assert!((s.offset.lo - 0.069).abs() < 1e-8, "{s:?}");
        assert!((s.offset.hi - 0.094).abs() < 1e-8, "{s:?}");
    }

    #[test]
    fn a_clock_stepped_between_receive_and_transmit_proves_nothing() {
        let start = 1_795_000_000 * GIGA;
        let back = sample(&served(start + GIGA, start), start, start + GIGA, 0.0);
        assert!(matches!(back, Err(Refusal::Garbage(_))));
        let ahead = sample(&served(start, start + 5 * GIGA), start, start + GIGA, 0.0);
        assert!(matches!(ahead, Err(Refusal::Garbage(_))));
    }

    proptest! {
        #[test]
        fn no_packet_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            sent in -(1_i128 << 62)..(1_i128 << 62),
            took in 0..(1_i128 << 40),
        ) {
            let mut bytes = bytes;
            if let Some(first) = bytes.first_mut() {
                *first = *first & 0x38 | 4;
            }
            let cookie = bytes.get(24..32).map_or(0, |b| b.iter().fold(0, |w, b| w << 8 | u64::from(*b)));
            if let Ok(reply) = parse(&bytes, cookie) {
                let _ = reply.reference_text();
                if let Ok(sample) = sample(&reply, sent, sent + took, 0.0) {
                    prop_assert!(sample.offset.lo <= sample.offset.hi);
                    prop_assert!(sample.round_trip >= 0.0);
                }
            }
        }

        #[test]
        fn the_true_offset_is_always_inside(
            offset in -5_000_000_000_i128..5_000_000_000,
            there in 0..500_000_000_i128,
            held in 0..100_000_000_i128,
            back in 0..500_000_000_i128,
        ) {
            let sent = 1_795_000_000 * GIGA + 123_456_789;
            let arrived = sent + there + offset;
            let reply = served(arrived, arrived + held);
            let s = sample(&reply, sent, sent + there + held + back, 1e-9).unwrap();
            let truth = seconds(offset);
            prop_assert!(s.offset.lo <= truth && truth <= s.offset.hi, "{truth} not in {s:?}");
        }
    }
}
