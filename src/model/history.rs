//! Short rings of derived numbers, for sparklines and charts. A missing sample is a gap, not a
//! zero.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::FeedIndex;
use crate::facts::Fact;
use crate::subject::Subject;

/// Samples kept per series: 40 minutes at a 10 s period.
pub const LENGTH: usize = 240;

/// What is drawn over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Series {
    /// Busy share of all cores, 0 to 1.
    CpuBusy,
    /// Used share of memory, 0 to 1.
    MemoryUsed,
    /// Share of time stalled on I/O (some), 0 to 1.
    IoPressure,
    /// Busy share of a disk, 0 to 1.
    DiskBusy,
    /// Bytes a second in and out of an interface.
    NicTraffic,
    /// Used share of a file system, 0 to 1.
    MountUsed,
    /// Middle of the offset interval, seconds.
    ClockOffset,
    /// Bytes of an etcd database.
    EtcdSize,
    /// p99 of WAL fsync between two polls, seconds.
    EtcdFsync,
    /// Series in a Prometheus head block.
    HeadSeries,
}

/// Samples of one series, oldest first; a gap is not a number, which takes half the room of an
/// `Option`.
#[derive(Clone, Debug, Default)]
struct Ring(VecDeque<f32>);

#[derive(Clone, Debug)]
struct Owned {
    series: Series,
    owner: FeedIndex,
    ring: Ring,
}

/// Rings by subject and series. Two feeds about one subject share no ring: the first keeps it.
#[derive(Clone, Debug, Default)]
pub struct History {
    rings: BTreeMap<Subject, Vec<Owned>>,
    feeds: BTreeMap<FeedIndex, Ring>,
}

impl History {
    /// Samples of a series, oldest first; empty when there is none.
    pub fn samples(
        &self,
        subject: &Subject,
        series: Series,
    ) -> impl DoubleEndedIterator<Item = Option<f32>> {
        let rings = self.rings.get(subject).into_iter().flatten();
        rings
            .filter(move |owned| owned.series == series)
            .flat_map(|owned| owned.ring.samples())
    }

    /// Latencies of a feed's polls in seconds; a failed poll is a gap.
    pub fn latencies(&self, feed: FeedIndex) -> impl DoubleEndedIterator<Item = Option<f32>> {
        self.feeds.get(&feed).into_iter().flat_map(Ring::samples)
    }

    pub(super) fn push(
        &mut self,
        subject: &Subject,
        feed: FeedIndex,
        values: Vec<(Series, Option<f64>)>,
    ) {
        if values.is_empty() {
            return;
        }
        let rings = self.rings.entry(subject.clone()).or_default();
        for (series, value) in values {
            match rings.iter_mut().find(|owned| owned.series == series) {
                Some(owned) if owned.owner == feed => owned.ring.push(value),
                Some(_) => {}
                None => {
                    let mut ring = Ring::default();
                    ring.push(value);
                    rings.push(Owned {
                        series,
                        owner: feed,
                        ring,
                    });
                }
            }
        }
    }

    pub(super) fn push_feed(&mut self, feed: FeedIndex, latency: Option<f64>) {
        self.feeds.entry(feed).or_default().push(latency);
    }

    /// Records a gap in the series of a feed on these subjects.
    pub(super) fn gap<'a>(
        &mut self,
        feed: FeedIndex,
        subjects: impl IntoIterator<Item = &'a Subject>,
    ) {
        for subject in subjects {
            let rings = self.rings.get_mut(subject).into_iter().flatten();
            for owned in rings.filter(|owned| owned.owner == feed) {
                owned.ring.push(None);
            }
        }
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        self.rings.remove(subject);
    }
}

impl Ring {
    fn samples(&self) -> impl DoubleEndedIterator<Item = Option<f32>> {
        let known = |sample: &f32| (!sample.is_nan()).then_some(*sample);
        self.0.iter().map(known)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a drawn sample needs no more than 24 bits"
    )]
    fn push(&mut self, value: Option<f64>) {
        if self.0.len() == LENGTH {
            self.0.pop_front();
        }
        let sample = value
            .filter(|v| v.is_finite())
            .map_or(f32::NAN, |v| v as f32);
        self.0.push_back(sample);
    }
}

/// The numbers worth drawing in a fact, given what the same feed told before.
pub(super) fn derive(
    fact: &Fact,
    previous: Option<(&Fact, Duration)>,
) -> Vec<(Series, Option<f64>)> {
    match (fact, previous) {
        (Fact::Cpu(now), previous) => {
            let busy = match previous {
                Some((Fact::Cpu(then), _)) => now.use_since(then).map(|r| r.0),
                _ => None,
            };
            vec![(Series::CpuBusy, busy)]
        }
        (Fact::Memory(memory), _) => vec![(Series::MemoryUsed, memory.used().map(|r| r.0))],
        (Fact::Mount(mount), _) => vec![(Series::MountUsed, mount.room().map(|r| 1.0 - r.0))],
        (Fact::Pressure(now), Some((Fact::Pressure(then), span))) => {
            let stalled = now
                .io_some
                .zip(then.io_some)
                .and_then(|(n, t)| rate(n.total, t.total, span));
            vec![(Series::IoPressure, stalled)]
        }
        (Fact::Disk(now), Some((Fact::Disk(then), span))) => {
            vec![(
                Series::DiskBusy,
                rate(now.busy_secs, then.busy_secs, span).map(|r| r.min(1.0)),
            )]
        }
        (Fact::Nic(now), Some((Fact::Nic(then), span))) => {
            let total = |nic: &crate::facts::Nic| nic.received.as_f64() + nic.sent.as_f64();
            vec![(Series::NicTraffic, rate(total(now), total(then), span))]
        }
        (Fact::ClockOffset(clock), _) => vec![(Series::ClockOffset, Some(clock.offset.mid()))],
        (Fact::EtcdStatus(status), _) => vec![(Series::EtcdSize, Some(status.db_size.as_f64()))],
        (Fact::EtcdMetrics(now), Some((Fact::EtcdMetrics(then), _))) => {
            let delta = now
                .wal_fsync
                .as_ref()
                .zip(then.wal_fsync.as_ref())
                .and_then(|(n, t)| n.since(t));
            vec![(Series::EtcdFsync, delta.and_then(|h| h.quantile(0.99)))]
        }
        (Fact::PrometheusStatus(status), _) => {
            #[expect(clippy::cast_precision_loss, reason = "drawn, not counted")]
            let series = status.head_series.map(|n| n as f64);
            vec![(Series::HeadSeries, series)]
        }
        _ => Vec::new(),
    }
}

/// Change a second of a counter; `None` after a reset or without time between.
#[must_use]
pub fn rate(now: f64, then: f64, span: Duration) -> Option<f64> {
    let secs = span.as_secs_f64();
    (now >= then && secs > 0.0).then(|| (now - then) / secs)
}
