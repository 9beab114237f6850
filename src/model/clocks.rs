//! All clocks at once: who is how far from whom, and whether it is this machine that is wrong.
//!
//! Every offset is an interval, and nothing is called a skew that the intervals do not prove. Pure
//! arithmetic over a [`Snapshot`]: what is too much is for the rules to say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::{Freshness, Reading, Snapshot};
use crate::facts::{ClockOffset, Interval, Witness};
use crate::subject::{Subject, SubjectKind};
use crate::units;

/// Subjects that can have a clock.
const KINDS: &[SubjectKind] = &[
    SubjectKind::Host,
    SubjectKind::EtcdMember,
    SubjectKind::Prometheus,
    SubjectKind::Alertmanager,
    SubjectKind::Cluster,
    SubjectKind::Sntp,
];

/// How much an undisturbed clock may gain or lose: PHI of RFC 5905, 15 ppm.
const PHI: f64 = 15e-6;

/// One clock, by its best measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockRow {
    pub subject: Subject,
    pub witness: Witness,
    /// This clock minus that of this machine, in seconds, as measured.
    pub offset: Interval,
    /// Seconds.
    pub round_trip: f64,
    /// For a time server: how far it is from true time itself, in seconds.
    pub root_distance: Option<f64>,
    pub stratum: Option<u8>,
    pub reference: Option<Arc<str>>,
    pub age: Duration,
    pub freshness: Freshness,
    /// Where it was asked, without the port: subjects that share it share a clock. Empty for this
    /// machine.
    pub machine: Arc<str>,
    /// Runs on this machine, and so reads the very clock that it would be compared with.
    pub is_here: bool,
}

impl ClockRow {
    /// Where the offset can lie now: the measurement, widened by what clocks drift in its age.
    #[must_use]
    pub fn now(&self) -> Interval {
        let drift = PHI * self.age.as_secs_f64();
        widened(self.offset, drift)
    }

    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.freshness.is_usable()
    }

    /// One of the fleet's own clocks; a time server is what they are compared with.
    #[must_use]
    pub fn is_fleet(&self) -> bool {
        self.subject.kind != SubjectKind::Sntp
    }
}

/// Two clocks and where `a - b` lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    pub a: Subject,
    pub b: Subject,
    /// Seconds; `at_least` is what is proven, `at_most` what is possible.
    pub interval: Interval,
}

/// What the others say about the clock of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnVerdict {
    /// Nobody was asked, or nobody answered lately.
    NoWitness,
    /// Most witnesses allow that this clock is right.
    Agrees,
    /// Most witnesses exclude that this clock is right.
    Off,
    /// The witnesses disagree, or a single one disagrees with us: nobody can say who is right.
    NoMajority,
}

/// This machine's clock as the others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnClock {
    pub verdict: OwnVerdict,
    /// Where most witnesses put true time minus this clock, in seconds; `None` without a majority.
    pub interval: Option<Interval>,
    /// Witnesses that agree with the interval.
    pub agreeing: usize,
    /// Witnesses in all, one a machine.
    pub of: usize,
    /// Witnesses that contradict the majority.
    pub outliers: Vec<Subject>,
}

impl OwnClock {
    /// As a sentence with the number in it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { agreeing, of, .. } = self;
        match (self.verdict, self.interval) {
            (OwnVerdict::Agrees, _) => format!("agrees with {agreeing} of {of} other clocks"),
            (OwnVerdict::Off, Some(interval)) => {
                let way = if interval.lo > 0.0 {
                    "behind"
                } else {
                    "ahead of"
                };
                let least = units::latency(units::seconds(interval.at_least()));
                format!("at least {least} {way} {agreeing} of {of} other clocks")
            }
            (OwnVerdict::NoMajority, _) if *of == 1 => {
                "one other clock disagrees with it; two clocks have no majority".into()
            }
            (OwnVerdict::NoMajority, _) => {
                format!("{of} other clocks disagree among themselves; no majority")
            }
            _ => "no other clock is known to compare it with".into(),
        }
    }
}

/// All clocks at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ClockSurvey {
    /// This machine first, then by subject. Stale ones are listed and judge nothing.
    pub clocks: Vec<ClockRow>,
    /// The two clocks of the fleet that are proven farthest apart; where nothing is proven, the two
    /// that could be.
    pub spread: Option<Pair>,
    pub own: OwnClock,
}

impl ClockSurvey {
    /// Where `a - b` lies now; `None` unless both are known freshly.
    #[must_use]
    pub fn skew(&self, a: &Subject, b: &Subject) -> Option<Interval> {
        let find = |subject: &Subject| {
            let mut usable = self.clocks.iter().filter(|row| row.is_usable());
            usable.find(|row| row.subject == *subject)
        };
        Some(find(a)?.now().minus(find(b)?.now()))
    }
}

/// Gathers and compares all clocks.
#[must_use]
pub fn survey(snap: &Snapshot) -> ClockSurvey {
    let clocks = rows(snap);
    ClockSurvey {
        spread: spread(&clocks),
        own: own(&clocks),
        clocks,
    }
}

fn rows(snap: &Snapshot) -> Vec<ClockRow> {
    let subjects = KINDS.iter().flat_map(|kind| snap.model.subjects(*kind));
    let mut rows: Vec<ClockRow> = subjects
        .filter_map(|subject| match best(snap, subject) {
            _ if is_here(snap, subject) => Some(here(subject)),
            Some(reading) => Some(row(snap, subject, &reading)),
            None => None,
        })
        .collect();
    rows.sort_by_key(|row| row.witness != Witness::Own);
    rows
}

/// The tightest of the fresh readings, or the freshest of the others.
fn best<'a>(snap: &Snapshot<'a>, subject: &Subject) -> Option<Reading<'a, ClockOffset>> {
    let readings = snap.readings::<ClockOffset>(subject);
    let usable = readings.iter().filter(|r| r.freshness.is_usable());
    usable
        .min_by(|a, b| a.value.offset.error().total_cmp(&b.value.offset.error()))
        .or(readings.first())
        .copied()
}

/// Is this host the machine that we run on?
fn is_here(snap: &Snapshot, subject: &Subject) -> bool {
    let mut feeds = snap.model.feeds_for(subject);
    feeds.any(|feed| &*feed.spec.id.target.kind == "local")
}

/// This machine: zero by definition, however old anything else about it is.
fn here(subject: &Subject) -> ClockRow {
    ClockRow {
        subject: subject.clone(),
        witness: Witness::Own,
        offset: Interval::default(),
        round_trip: 0.0,
        root_distance: None,
        stratum: None,
        reference: None,
        age: Duration::ZERO,
        freshness: Freshness::Fresh,
        machine: "".into(),
        is_here: true,
    }
}

/// Does a watched subject share the clock of this machine? A loopback address may be the mouth of a
/// tunnel, so it counts only where a `local` target says that this machine is part of the fleet.
fn shares_ours(snap: &Snapshot, subject: &Subject) -> bool {
    let topology = snap.model.topology();
    topology
        .here()
        .is_some_and(|here| topology.is_here(subject) || topology.host_of(subject) == Some(here))
}

fn row(snap: &Snapshot, subject: &Subject, reading: &Reading<ClockOffset>) -> ClockRow {
    let value = reading.value;
    let machine = match value.witness {
        Witness::Own => "",
        _ => host_of(&reading.feed.spec.id.endpoint),
    };
    ClockRow {
        subject: subject.clone(),
        witness: value.witness,
        offset: value.offset,
        round_trip: value.round_trip,
        root_distance: value.root_distance,
        stratum: value.stratum,
        reference: value.reference.clone(),
        age: reading.age,
        freshness: reading.freshness,
        machine: machine.into(),
        is_here: shares_ours(snap, subject),
    }
}

/// The host of `https://[::1]:2379/x (hash)`.
fn host_of(endpoint: &str) -> &str {
    let rest = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', ' ']).next().unwrap_or(rest);
    let port = authority.rfind(':').filter(|at| {
        let digits = &authority[at + 1..];
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    });
    &authority[..port.unwrap_or(authority.len())]
}

fn spread(rows: &[ClockRow]) -> Option<Pair> {
    let fleet: Vec<(&ClockRow, Interval)> = rows
        .iter()
        .filter(|row| row.is_fleet() && row.is_usable())
        .map(|row| (row, row.now()))
        .collect();
    let pair = |a: &(&ClockRow, Interval), b: &(&ClockRow, Interval)| Pair {
        a: a.0.subject.clone(),
        b: b.0.subject.clone(),
        interval: a.1.minus(b.1),
    };
    // Proven: the highest lower bound against the lowest upper bound. Where these are one and the
    // same clock, or meet, no pair at all is proven apart.
    let ahead = fleet.iter().max_by(|a, b| a.1.lo.total_cmp(&b.1.lo))?;
    let behind = fleet.iter().min_by(|a, b| a.1.hi.total_cmp(&b.1.hi))?;
    if ahead.1.lo > behind.1.hi {
        return Some(pair(ahead, behind));
    }
    // Possible: the highest upper bound against the lowest lower bound of another clock.
    let mut by_lo: Vec<&(&ClockRow, Interval)> = fleet.iter().collect();
    by_lo.sort_by(|a, b| a.1.lo.total_cmp(&b.1.lo));
    let lowest = &by_lo[..by_lo.len().min(2)];
    let candidates = fleet.iter().filter_map(|a| {
        let b = lowest.iter().find(|b| b.0.subject != a.0.subject)?;
        Some(pair(a, b))
    });
    candidates.max_by(|p, q| p.interval.hi.total_cmp(&q.interval.hi))
}

/// One witness a machine, ours excepted: where true time minus our clock lies, as far as it can tell.
fn witnesses(rows: &[ClockRow]) -> Vec<(&Subject, Interval)> {
    let mut best: BTreeMap<&str, (&Subject, Interval)> = BTreeMap::new();
    for row in rows {
        if row.is_here || !row.is_usable() {
            continue;
        }
        let interval = widened(row.now(), row.root_distance.unwrap_or(0.0));
        let known = best.entry(&row.machine).or_insert((&row.subject, interval));
        if interval.error() < known.1.error() {
            *known = (&row.subject, interval);
        }
    }
    best.into_values().collect()
}

fn own(rows: &[ClockRow]) -> OwnClock {
    let witnesses = witnesses(rows);
    let of = witnesses.len();
    let none = |verdict| OwnClock {
        verdict,
        interval: None,
        agreeing: 0,
        of,
        outliers: Vec::new(),
    };
    if of == 0 {
        return none(OwnVerdict::NoWitness);
    }
    let intervals: Vec<Interval> = witnesses.iter().map(|(_, interval)| *interval).collect();
    let Some(agreed) = majority(&intervals) else {
        return none(OwnVerdict::NoMajority);
    };
    let off = agreed.at_least() > 0.0;
    // A single witness against our own clock: one of the two is wrong, and nobody knows which.
    if off && of == 1 {
        return none(OwnVerdict::NoMajority);
    }
    let outliers: Vec<Subject> = witnesses
        .iter()
        .filter(|(_, interval)| interval.meet(agreed).is_none())
        .map(|(subject, _)| (*subject).clone())
        .collect();
    OwnClock {
        verdict: if off {
            OwnVerdict::Off
        } else {
            OwnVerdict::Agrees
        },
        interval: Some(agreed),
        agreeing: of - outliers.len(),
        of,
        outliers,
    }
}

/// Marzullo's intersection with the bound of RFC 5905 (section 11.2.1): the span from the lowest to
/// the highest point that all but `f` intervals cover, for the smallest `f` below half of them; `None`
/// when there is no such majority. The RFC also wants midpoints inside, which is left out: the middle
/// of an HTTP date's second means nothing.
#[must_use]
pub fn majority(intervals: &[Interval]) -> Option<Interval> {
    let count = intervals.len();
    let mut edges: Vec<(f64, bool)> = Vec::with_capacity(count * 2);
    for interval in intervals {
        // `true` closes; at the same point it sorts after what opens, so that touching is meeting.
        edges.push((interval.lo, false));
        edges.push((interval.hi, true));
    }
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    (0..count)
        .take_while(|wrong| wrong * 2 < count)
        .find_map(|wrong| covered(&edges, count - wrong))
}

/// From the first to the last point covered by at least `wanted` intervals.
fn covered(edges: &[(f64, bool)], wanted: usize) -> Option<Interval> {
    let (mut depth, mut lo, mut hi) = (0_usize, None, None);
    for (at, closes) in edges {
        if *closes {
            if depth >= wanted {
                hi = Some(*at);
            }
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
            if depth >= wanted && lo.is_none() {
                lo = Some(*at);
            }
        }
    }
    Some(Interval::new(lo?, hi?))
}

fn widened(interval: Interval, by: f64) -> Interval {
    Interval::new(interval.lo - by, interval.hi + by)
}

#[cfg(test)]
mod tests;
