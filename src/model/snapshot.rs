//! What rules and panes see: the model, a moment, and nothing that can be changed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::objects::Cluster;
use super::{Cell, Feed, Freshness, Model, State};
use crate::clock::{Now, Stamp};
use crate::facts::{FactKind, Factual};
use crate::objects::{Object, ObjectKind};
use crate::subject::{Subject, SubjectKind};
use crate::thresholds::Thresholds;

/// The model at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    pub model: &'a Model,
    pub now: Now,
}

/// One fact with its provenance.
#[derive(Debug)]
pub struct Reading<'a, T> {
    pub value: &'a T,
    pub feed: &'a Feed,
    pub at: Stamp,
    pub age: Duration,
    pub freshness: Freshness,
    cell: &'a Cell,
}

// Not derived: a reading only borrows its value, so it can be copied whatever that is.
impl<T> Clone for Reading<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Reading<'_, T> {}

impl<'a, T: Factual> Reading<'a, T> {
    /// The value before this one, and the time between.
    #[must_use]
    pub fn previous(&self) -> Option<(&'a T, Duration)> {
        let (at, fact) = self.cell.past.back()?;
        Some((T::of(fact)?, self.at.since(*at)))
    }

    /// The oldest kept value that is at most `window` older than this one, and the time between:
    /// what a rate over a window is taken from.
    #[must_use]
    pub fn within(&self, window: Duration) -> Option<(&'a T, Duration)> {
        let (at, fact) = self
            .cell
            .past
            .iter()
            .find(|(at, _)| self.at.since(*at) <= window)?;
        Some((T::of(fact)?, self.at.since(*at)))
    }

    /// What changed since an earlier value, and over which time: the oldest value within `window`
    /// for which `change` has an answer, else the previous one. A counter that was reset has none,
    /// so that a restart costs one sample and not the whole window.
    ///
    /// # Errors
    /// [`Doubt::SecondSample`] while there is no such value.
    pub fn over<R>(
        &self,
        window: Duration,
        change: impl Fn(&'a T) -> Option<R>,
    ) -> Result<(R, Duration), Doubt> {
        let past = self.cell.past.iter();
        let last = self.cell.past.len().saturating_sub(1);
        past.enumerate()
            .map(|(place, (at, fact))| (place, self.at.since(*at), fact))
            .filter(|(place, span, _)| (*span <= window || *place == last) && !span.is_zero())
            .find_map(|(_, span, fact)| Some((change(T::of(fact)?)?, span)))
            .ok_or(Doubt::SecondSample)
    }

    /// Every kept value with its stamp, oldest first, this one last: for a trend.
    pub fn all(&self) -> impl Iterator<Item = (Stamp, &'a T)> {
        let past = self
            .cell
            .past
            .iter()
            .filter_map(|(at, fact)| Some((*at, T::of(fact)?)));
        past.chain(std::iter::once((self.at, self.value)))
    }
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody ever told this fact about this subject.
    Never(FactKind),
    /// The feed answers but could not bring this part.
    Lost(FactKind, String),
    /// It was told once and is too old now.
    Stale(FactKind, Duration),
    /// A rate needs a second sample.
    SecondSample,
    /// This kind of object is not watched: not permitted, or not there yet.
    Unwatched(ObjectKind, String),
    /// The last word of the watch on this kind is too old.
    StaleObjects(ObjectKind, Duration),
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never(kind) => write!(f, "{kind} never seen"),
            Self::Lost(kind, why) => write!(f, "{kind} not available: {why}"),
            Self::Stale(kind, age) => write!(f, "{kind} is {} old", crate::units::span(*age)),
            Self::SecondSample => f.write_str("needs a second sample"),
            Self::Unwatched(kind, why) => write!(f, "{} not known: {why}", kind.plural()),
            Self::StaleObjects(kind, age) => {
                write!(
                    f,
                    "{} were last told {} ago",
                    kind.plural(),
                    crate::units::span(*age)
                )
            }
        }
    }
}

impl<'a> Snapshot<'a> {
    #[must_use]
    pub fn new(model: &'a Model, now: Now) -> Self {
        Self { model, now }
    }

    #[must_use]
    pub fn thresholds(&self, subject: &Subject) -> &'a Thresholds {
        self.model.thresholds(subject)
    }

    /// Every reading of this fact, from whichever feed, stale ones included; freshest first.
    #[must_use]
    pub fn readings<T: Factual>(&self, subject: &Subject) -> Vec<Reading<'a, T>> {
        let cells = self
            .model
            .subjects
            .get(subject)
            .and_then(|cells| cells.0.get(&T::KIND));
        let mut readings: Vec<_> = cells
            .into_iter()
            .flatten()
            .filter_map(|cell| self.read(cell))
            .collect();
        readings.sort_by_key(|r| (r.freshness, r.age));
        readings
    }

    /// The best reading, however old. For drawing: check `freshness` and show the age.
    #[must_use]
    pub fn latest<T: Factual>(&self, subject: &Subject) -> Option<Reading<'a, T>> {
        let cells = self.model.subjects.get(subject)?.0.get(&T::KIND)?;
        cells
            .iter()
            .filter_map(|cell| self.read(cell))
            .min_by_key(|r| (r.freshness, r.age))
    }

    /// A reading that a verdict may rest on, or why there is none.
    ///
    /// # Errors
    /// A [`Doubt`] when the fact is missing, lost or stale.
    pub fn fresh<T: Factual>(&self, subject: &Subject) -> Result<Reading<'a, T>, Doubt> {
        match self.latest::<T>(subject) {
            Some(reading) if reading.freshness.is_usable() => Ok(reading),
            Some(reading) => Err(Doubt::Stale(T::KIND, reading.age)),
            None => Err(self.lost(subject, T::KIND).unwrap_or(Doubt::Never(T::KIND))),
        }
    }

    /// A reading of something that not every system has: `None` where the feeds answer and simply
    /// do not tell it.
    ///
    /// # Errors
    /// A [`Doubt`] when the fact is lost or stale, or when no feed of the subject answers.
    pub fn told<T: Factual>(&self, subject: &Subject) -> Result<Option<Reading<'a, T>>, Doubt> {
        match self.fresh::<T>(subject) {
            Ok(reading) => Ok(Some(reading)),
            Err(Doubt::Never(_)) if self.known(subject) == State::Ok => Ok(None),
            Err(doubt) => Err(doubt),
        }
    }

    /// An object that a verdict may rest on.
    ///
    /// # Errors
    /// A [`Doubt`] when it is not known, or when the watch that told it is silent.
    pub fn object(&self, subject: &Subject) -> Result<&'a Arc<Object>, Doubt> {
        let Some((kind, cluster, namespace, name)) = subject.as_object() else {
            return Err(Doubt::Unwatched(
                ObjectKind::Node,
                format!("{subject} is no object"),
            ));
        };
        let found = self.model.objects().cluster(cluster);
        let object = found.and_then(|cluster| cluster.get(kind, namespace, name));
        let (Some(found), Some(object)) = (found, object) else {
            self.watched(cluster, kind)?;
            return Err(Doubt::Unwatched(kind, format!("{subject} is not there")));
        };
        match found.feed_of(object).map(|feed| &self.model.feeds[feed]) {
            Some(feed) => self.believed(feed, kind).map(|()| object),
            None => Ok(object),
        }
    }

    /// A cluster of which all objects of these kinds are known and fresh.
    ///
    /// # Errors
    /// A [`Doubt`] for the first kind that is not watched, not listed yet, or stale.
    pub fn cluster(&self, name: &str, kinds: &[ObjectKind]) -> Result<&'a Cluster, Doubt> {
        for kind in kinds {
            self.watched(name, *kind)?;
        }
        let cluster = self.model.objects().cluster(name);
        cluster.ok_or_else(|| {
            let kind = kinds.first().copied().unwrap_or(ObjectKind::Node);
            Doubt::Unwatched(kind, "not watched".into())
        })
    }

    /// As [`Snapshot::cluster`], of all namespaces.
    ///
    /// # Errors
    /// Beside those, a [`Doubt`] for the first kind that is watched in some namespaces alone.
    pub fn whole(&self, name: &str, kinds: &[ObjectKind]) -> Result<&'a Cluster, Doubt> {
        let cluster = self.cluster(name, kinds)?;
        for kind in kinds {
            if let Some(namespaces) = self.only_in(name, *kind) {
                let why = format!("watched in {} alone", namespaces.join(", "));
                return Err(Doubt::Unwatched(*kind, why));
            }
        }
        Ok(cluster)
    }

    /// The namespaces in which alone a kind is watched; `None` where it is watched in all, or
    /// nowhere.
    #[must_use]
    pub fn only_in(&self, cluster: &str, kind: ObjectKind) -> Option<Vec<&'a str>> {
        let cluster = self.model.objects().cluster(cluster)?;
        let feeds = cluster.feeds(kind).map(|feed| &self.model.feeds[feed]);
        let namespaces: Vec<&str> = feeds.map(Feed::within).collect::<Option<_>>()?;
        (!namespaces.is_empty()).then_some(namespaces)
    }

    fn watched(&self, cluster: &str, kind: ObjectKind) -> Result<(), Doubt> {
        let unwatched = |why: &str| Doubt::Unwatched(kind, why.into());
        let cluster = self.model.objects().cluster(cluster);
        let cluster = cluster.ok_or_else(|| unwatched("not watched"))?;
        let mut feeds = cluster
            .feeds(kind)
            .map(|feed| &self.model.feeds[feed])
            .peekable();
        if feeds.peek().is_none() {
            return Err(unwatched("not watched"));
        }
        for feed in feeds {
            self.believed(feed, kind)?;
        }
        if cluster.is_synced(kind) {
            Ok(())
        } else {
            Err(unwatched("not listed yet"))
        }
    }

    /// May a verdict rest on the objects that this feed told?
    ///
    /// # Errors
    /// A [`Doubt`] when it never told any, or is silent.
    pub(crate) fn believed(&self, feed: &Feed, kind: ObjectKind) -> Result<(), Doubt> {
        let now = self.now.stamp;
        match (feed.last_ok, &feed.outage) {
            (None, Some(outage)) => Err(Doubt::Unwatched(kind, outage.to_string())),
            (None, None) => Err(Doubt::Unwatched(kind, "not listed yet".into())),
            (Some(ok), _) if !feed.freshness(now).is_usable() => {
                Err(Doubt::StaleObjects(kind, now.since(ok.stamp)))
            }
            _ => Ok(()),
        }
    }

    /// Age and freshness of what is known of a kind in a cluster: its worst feed's.
    #[must_use]
    pub fn age_of_kind(&self, cluster: &str, kind: ObjectKind) -> Option<(Duration, Freshness)> {
        let cluster = self.model.objects().cluster(cluster)?;
        let now = self.now.stamp;
        let feeds = cluster.feeds(kind).map(|feed| &self.model.feeds[feed]);
        let ages =
            feeds.filter_map(|feed| Some((feed.freshness(now), now.since(feed.last_ok?.stamp))));
        ages.max().map(|(freshness, age)| (age, freshness))
    }

    /// Age and freshness of an object: those of the watch that tells it.
    #[must_use]
    pub fn age_of_object(&self, object: &Object) -> Option<(Duration, Freshness)> {
        let cluster = self.model.objects().cluster(&object.cluster)?;
        let feed = &self.model.feeds[cluster.feed_of(object)?];
        let now = self.now.stamp;
        Some((now.since(feed.last_ok?.stamp), feed.freshness(now)))
    }

    fn age_of_named(&self, subject: &Subject) -> Option<(Duration, Freshness)> {
        self.age_of_object(self.model.objects().get(subject)?)
    }

    fn lost(&self, subject: &Subject, kind: FactKind) -> Option<Doubt> {
        let feeds = self.model.feeds_for(subject);
        let lost = feeds
            .flat_map(|feed| &feed.lost)
            .find(|lost| lost.kind == kind)?;
        Some(Doubt::Lost(kind, lost.outage.to_string()))
    }

    fn read<T: Factual>(&self, cell: &'a Cell) -> Option<Reading<'a, T>> {
        let feed = &self.model.feeds[cell.feed];
        Some(Reading {
            value: T::of(&cell.fact)?,
            feed,
            at: cell.at,
            age: self.now.stamp.since(cell.at),
            freshness: feed.freshness_of(cell.at, self.now.stamp),
            cell,
        })
    }

    /// Age and freshness of what is known about a subject, by the feeds that are meant to tell it
    /// most often: a slow side channel (a hash every ten minutes) must not make a silent member
    /// look fresh. `None` when nothing was ever learnt.
    #[must_use]
    pub fn age(&self, subject: &Subject) -> Option<(Duration, Freshness)> {
        if let Some(age) = self.age_of_named(subject) {
            return Some(age);
        }
        let cells = self.model.subjects.get(subject)?;
        let told = || {
            cells
                .0
                .values()
                .flatten()
                .map(|cell| (&self.model.feeds[cell.feed], cell.at))
        };
        // A stream of objects tells no facts.
        let own = self.model.feeds_for(subject);
        let own = own
            .filter(|feed| feed.spec.tells.is_none())
            .map(|feed| feed.spec.period);
        let often = told().map(|(feed, _)| feed.spec.period).chain(own).min()?;
        told()
            .filter(|(feed, _)| feed.spec.period == often)
            .map(|(feed, at)| {
                (
                    feed.freshness_of(at, self.now.stamp),
                    self.now.stamp.since(at),
                )
            })
            .min()
            .map(|(freshness, age)| (age, freshness))
    }

    /// Is anyone at all configured to speak about subjects of this kind?
    #[must_use]
    pub fn is_configured(&self, kind: SubjectKind) -> bool {
        self.model.feeds.iter().any(|feed| {
            feed.subject().kind == kind
                || feed
                    .subject()
                    .whole()
                    .is_some_and(|whole| whole.kind == kind)
        }) || self.model.subjects(kind).next().is_some()
    }

    /// State by freshness alone: a subject is ok as far as it is freshly known. Whether it is well
    /// is for the findings to say.
    #[must_use]
    pub fn known(&self, subject: &Subject) -> State {
        let now = self.now.stamp;
        if let Some((_, freshness)) = self.age_of_named(subject) {
            return if freshness.is_usable() {
                State::Ok
            } else {
                State::Unknown
            };
        }
        let cells = self.model.subjects.get(subject);
        let mut cells = cells
            .into_iter()
            .flat_map(|cells| cells.0.values())
            .flatten();
        // One is enough, and mostly it is the first: asked for every row and every frame.
        let fresh = cells.any(|cell| {
            self.model.feeds[cell.feed]
                .freshness_of(cell.at, now)
                .is_usable()
        });
        if fresh { State::Ok } else { State::Unknown }
    }
}
