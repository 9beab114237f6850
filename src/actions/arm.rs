//! Who may act, where, and for how long: the console is read-only until it is armed.
//!
//! [`Armed`] is the proof that it is, and only [`arm`] makes one. Every copy of it ends with the
//! [`Power`] that it came from: on expiry, without keys, after a suspend, on another cluster, when
//! the API server is silent, when the reader says so. The mutating client cannot be built without
//! one, and asks it again before each request.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::refusal::{Refusal, Why};
use crate::clock::{Now, Stamp};
use crate::model::Snapshot;
use crate::units;

/// How long the console stays armed when nobody says otherwise, and at most.
pub const USUAL: Duration = Duration::from_secs(10 * 60);
pub const MOST: Duration = Duration::from_secs(60 * 60);
/// Without a key for this long it is disarmed.
pub const IDLE: Duration = Duration::from_secs(5 * 60);
/// So long may the API server be silent.
pub const SILENCE: Duration = Duration::from_secs(30);

/// Proof that acting on one cluster is allowed at present. Copies end together.
///
/// It cannot be made up:
///
/// ```compile_fail
/// let cluster: std::sync::Arc<str> = "prod".into();
/// let armed = midwatch::actions::arm::Armed { cluster, lock: Default::default() };
/// ```
#[derive(Clone, Debug)]
pub struct Armed {
    cluster: Arc<str>,
    lock: Arc<Lock>,
}

#[derive(Debug)]
struct Lock {
    until: Stamp,
    /// The last key, as a [`Stamp`].
    touched: AtomicU64,
    over: AtomicBool,
}

impl Armed {
    /// Does it still hold at this moment?
    #[must_use]
    pub fn holds(&self, now: Stamp) -> bool {
        let touched = Stamp(self.lock.touched.load(Ordering::Acquire));
        !self.lock.over.load(Ordering::Acquire)
            && now < self.lock.until
            && now.since(touched) < IDLE
    }

    /// The one cluster that it is for.
    #[must_use]
    pub fn cluster(&self) -> &Arc<str> {
        &self.cluster
    }

    /// Do both come from the same power?
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.lock, &other.lock)
    }

    /// Time left of what was asked for.
    #[must_use]
    pub fn left(&self, now: Stamp) -> Duration {
        self.lock.until.since(now)
    }
}

impl PartialEq for Armed {
    fn eq(&self, other: &Self) -> bool {
        self.is(other)
    }
}

/// The other end of [`Armed`]: who holds it can end it, and dropping it does.
#[derive(Debug)]
pub struct Power {
    armed: Armed,
    since: Now,
}

/// Why the console is read-only again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    Expired,
    Idle,
    Suspended,
    /// Another cluster was chosen.
    Switched,
    Silent(Duration),
    Reader,
    /// What is done could not be recorded.
    Audit,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired => f.write_str("the time is over"),
            Self::Idle => write!(f, "no key for {}", units::span(IDLE)),
            Self::Suspended => f.write_str("midwatch or the machine was suspended"),
            Self::Switched => f.write_str("another cluster was chosen"),
            Self::Silent(age) => write!(f, "the API server is silent for {}", units::age(*age)),
            Self::Reader => f.write_str("as you wish"),
            Self::Audit => f.write_str("the audit cannot be written"),
        }
    }
}

/// Arms for one cluster, if it is there and answers.
///
/// # Errors
/// A [`Refusal`] when the time is out of bounds or the cluster is not watched, or is silent.
pub fn arm(cluster: &str, time: Duration, snap: &Snapshot) -> Result<Power, Refusal> {
    if time.is_zero() || time > MOST {
        let text = format!("{} is out of bounds", units::span(time));
        let hint = format!("Choose 1m to {}", units::span(MOST));
        return Err(Refusal::new(Why::NotArmed, text, hint));
    }
    let now = snap.now;
    let silent = match heard(snap, cluster) {
        Some(heard) if now.stamp.since(heard) <= SILENCE => None,
        Some(heard) => Some(format!(
            "{cluster} was last heard {} ago",
            units::age(now.stamp.since(heard))
        )),
        None => Some(format!("nothing was heard of a cluster `{cluster}` yet")),
    };
    if let Some(text) = silent {
        let hint = "Wait until it answers";
        return Err(Refusal::new(Why::NotArmed, text, hint));
    }
    let lock = Lock {
        until: now.stamp + time,
        touched: AtomicU64::new(now.stamp.0),
        over: AtomicBool::new(false),
    };
    Ok(Power {
        armed: Armed {
            cluster: cluster.into(),
            lock: Arc::new(lock),
        },
        since: now,
    })
}

/// When any feed of a cluster last answered.
#[must_use]
pub fn heard(snap: &Snapshot, cluster: &str) -> Option<Stamp> {
    let feeds = snap.model.feeds().iter();
    let own = feeds.filter(|feed| {
        let target = &feed.spec.id.target;
        &*target.kind == "kubernetes" && &*target.name == cluster
    });
    own.filter_map(|feed| feed.last_ok.map(|ok| ok.stamp)).max()
}

impl Power {
    #[must_use]
    pub fn armed(&self) -> &Armed {
        &self.armed
    }

    #[must_use]
    pub fn since(&self) -> Now {
        self.since
    }

    /// A key was pressed.
    pub fn touch(&self, at: Stamp) {
        // A power that went idle does not come back with the next key.
        if self.armed.holds(at) {
            self.armed.lock.touched.fetch_max(at.0, Ordering::AcqRel);
        }
    }

    /// Why it is over, if it is.
    #[must_use]
    pub fn lost(&self, snap: &Snapshot) -> Option<Lost> {
        let now = snap.now.stamp;
        if now >= self.armed.lock.until {
            return Some(Lost::Expired);
        }
        if !self.armed.holds(now) {
            return Some(Lost::Idle);
        }
        let heard = heard(snap, &self.armed.cluster).unwrap_or(self.since.stamp);
        let silent = now.since(heard);
        (silent > SILENCE).then_some(Lost::Silent(silent))
    }
}

impl Drop for Power {
    fn drop(&mut self) {
        self.armed.lock.over.store(true, Ordering::Release);
    }
}
