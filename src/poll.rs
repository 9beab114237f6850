//! The supervisor: one task per feed, so that nothing waits for anything else.
//!
//! Each task polls its probe on a spread schedule, under a deadline shorter than the period, slows
//! down for a target that is dead, asks a slow feed again soon that lost a part, survives a panic in
//! the source, and leaves its newest result in a slot that the loop empties. A result nobody took in
//! time is overwritten and counted. Streams that fail are asked again as soon as any feed of their
//! target is answered again.

mod schedule;

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::clock::{self, Stamp};
use crate::ids::{FeedId, TargetId};
use crate::model::FeedSpec;
use crate::observation::{Layer, Observation, Outage};
use crate::sources::{Answer, Pace, Probe};
use crate::units;

pub use schedule::{Schedule, Streak};

/// Streams that failed are asked again so long after another feed of their target was answered,
/// give or take a half of it: soon, and not all at once.
const SOON: Duration = Duration::from_secs(1);

/// A feed ready to be watched.
pub struct Watched {
    pub spec: FeedSpec,
    pub probe: Box<dyn Probe>,
}

/// What one feed's task leaves for the loop.
#[derive(Debug)]
struct Slot {
    id: FeedId,
    newest: Mutex<Option<Observation>>,
    dropped: AtomicU64,
    next_poll: AtomicU64,
    poll_now: Notify,
    /// The slot was emptied: a stream may go on.
    taken: Notify,
    /// Set after a suspend: kept connections are dead whatever they say.
    disconnect: AtomicBool,
}

/// An observation taken from its slot, with the feed's own bookkeeping.
#[derive(Debug)]
pub struct Delivery {
    pub observation: Observation,
    pub next_poll: Stamp,
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct Ready {
    /// Indices of full slots, each at most once: bounded by the number of feeds.
    queue: Mutex<VecDeque<usize>>,
    wake: Notify,
}

/// All tasks of a running watch. Dropping it ends them.
#[derive(Debug)]
pub struct Poller {
    slots: Vec<Arc<Slot>>,
    ready: Arc<Ready>,
    tasks: Vec<JoinHandle<()>>,
}

impl Poller {
    /// Starts one task per feed on the current tokio runtime.
    #[must_use]
    pub fn start(feeds: Vec<Watched>, schedule: Schedule) -> Self {
        let ready = Arc::new(Ready::default());
        let mut slots = Vec::with_capacity(feeds.len());
        let mut tasks = Vec::with_capacity(feeds.len());
        let mut targets: BTreeMap<TargetId, Arc<watch::Sender<()>>> = BTreeMap::new();
        for (index, Watched { spec, probe }) in feeds.into_iter().enumerate() {
            let slot = Arc::new(Slot {
                id: spec.id.clone(),
                newest: Mutex::new(None),
                dropped: AtomicU64::new(0),
                next_poll: AtomicU64::new(0),
                poll_now: Notify::new(),
                taken: Notify::new(),
                disconnect: AtomicBool::new(false),
            });
            let target = targets.entry(spec.id.target.clone()).or_default().clone();
            let task = Task {
                index,
                back: target.subscribe(),
                target,
                spec,
                probe,
                schedule,
                slot: slot.clone(),
                ready: ready.clone(),
            };
            tasks.push(tokio::spawn(task.run()));
            slots.push(slot);
        }
        Self {
            slots,
            ready,
            tasks,
        }
    }

    /// Waits until at least one slot is full.
    pub async fn ready(&self) {
        loop {
            let wake = self.ready.wake.notified();
            if !lock(&self.ready.queue).is_empty() {
                return;
            }
            wake.await;
        }
    }

    /// Empties at most `limit` full slots, oldest first.
    pub fn take(&self, limit: usize) -> Vec<Delivery> {
        let mut taken = Vec::new();
        while taken.len() < limit {
            let Some(index) = lock(&self.ready.queue).pop_front() else {
                break;
            };
            let slot = &self.slots[index];
            let newest = lock(&slot.newest).take();
            slot.taken.notify_one();
            if let Some(observation) = newest {
                taken.push(Delivery {
                    observation,
                    next_poll: Stamp(slot.next_poll.load(Ordering::Relaxed)),
                    dropped: slot.dropped.load(Ordering::Relaxed),
                });
            }
        }
        taken
    }

    /// Polls one feed now, out of turn.
    pub fn poll_now(&self, id: &FeedId) {
        if let Some(slot) = self.slots.iter().find(|slot| slot.id == *id) {
            slot.poll_now.notify_one();
        }
    }

    /// After a suspend: every feed drops its connection and is polled again, spread over a second
    /// by the feeds' own jitter.
    pub fn resume(&self) {
        for slot in &self.slots {
            slot.disconnect.store(true, Ordering::Relaxed);
            slot.poll_now.notify_one();
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

struct Task {
    index: usize,
    spec: FeedSpec,
    probe: Box<dyn Probe>,
    schedule: Schedule,
    slot: Arc<Slot>,
    ready: Arc<Ready>,
    /// Told when one of the target's feeds is answered again.
    target: Arc<watch::Sender<()>>,
    back: watch::Receiver<()>,
}

impl Task {
    async fn run(mut self) {
        let jitter = schedule::jitter(&self.spec.id);
        // A listing is one request and the reader waits for its first rows.
        let spread = match self.probe.pace() {
            Pace::Periodic => self.spec.period,
            Pace::Stream => Duration::from_millis(50),
        };
        tokio::time::sleep(self.schedule.first(spread, jitter)).await;
        let mut streak = Streak::default();
        let mut polls: u32 = 0;
        loop {
            self.back.mark_unchanged();
            let (answer, took) = self.poll_once().await;
            self.tell_change(&answer, streak.failures);
            streak = streak.and(&answer.outcome);
            if self.probe.pace() == Pace::Stream && answer.outcome.is_ok() {
                self.deliver(answer, took, self.spec.period);
                self.handed_over().await;
                continue;
            }
            polls = polls.saturating_add(1);
            let wait = self.schedule.next(self.spec.period, polls, streak, jitter);
            self.deliver(answer, took, wait);
            self.rest(wait, jitter).await;
        }
    }

    /// The log gets what changed, once: going down and coming back. Of the latter the target's
    /// streams hear too.
    fn tell_change(&self, answer: &Answer, failures: u32) {
        match &answer.outcome {
            Err(outage) if failures == 0 => {
                let layer = outage.layer.word();
                tracing::warn!(feed = %self.spec.id, layer, "down: {}", outage.detail);
            }
            Ok(_) if failures > 0 => {
                tracing::info!(feed = %self.spec.id, failures, "answers again");
                self.target.send_replace(());
            }
            _ => {}
        }
    }

    /// One poll under its deadline. A panic in the source is an outage like any other.
    async fn poll_once(&mut self) -> (Answer, Duration) {
        let began = clock::stamp();
        let polled = AssertUnwindSafe(self.probe.poll()).catch_unwind();
        let answer = match tokio::time::timeout(self.spec.timeout, polled).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Answer::failed(0, crash(panic.as_ref())),
            Err(_) => Answer::failed(0, self.late()),
        };
        (answer, clock::stamp().since(began))
    }

    fn late(&self) -> Outage {
        let limit = units::span(self.spec.timeout);
        Outage::new(Layer::Timeout, format!("no answer in {limit}, waiting for {}", self.probe.waiting_for()))
            .hint("check that the host is up and no firewall drops packets; raise `timeout` if it is only slow")
    }

    fn deliver(&self, answer: Answer, took: Duration, wait: Duration) {
        let at = clock::now();
        self.slot
            .next_poll
            .store((at.stamp + wait).0, Ordering::Relaxed);
        let observation = Observation {
            feed: self.spec.id.clone(),
            at,
            took,
            bytes: answer.bytes,
            outcome: answer.outcome,
        };
        if lock(&self.slot.newest).replace(observation).is_some() {
            self.slot.dropped.fetch_add(1, Ordering::Relaxed);
            return; // its index still waits in the queue
        }
        lock(&self.ready.queue).push_back(self.index);
        self.ready.wake.notify_one();
    }

    /// Waits until the slot is empty: a stream's results add up and none may be lost.
    async fn handed_over(&mut self) {
        while lock(&self.slot.newest).is_some() {
            self.slot.taken.notified().await;
        }
        if self.slot.disconnect.swap(false, Ordering::Relaxed) {
            self.probe.disconnect();
        }
    }

    async fn rest(&mut self, wait: Duration, jitter: f64) {
        let streams = self.probe.pace() == Pace::Stream;
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Ok(()) = self.back.changed(), if streams => {
                tokio::time::sleep(SOON.mul_f64(0.5 + jitter)).await;
            }
            () = self.slot.poll_now.notified() => {
                if self.slot.disconnect.swap(false, Ordering::Relaxed) {
                    self.probe.disconnect();
                    tokio::time::sleep(self.schedule.first(self.spec.period, jitter)).await;
                }
            }
        }
    }
}

fn crash(panic: &(dyn std::any::Any + Send)) -> Outage {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Outage::new(Layer::Local, format!("source crashed: {text}"))
        .hint("report this as a bug in midwatch; the other targets are not affected")
}

/// A poisoned lock means a panic elsewhere; the value behind it is whole, since nothing here
/// panics while holding it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
