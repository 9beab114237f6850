//! Everything known, when it was learnt, and from whom.
//!
//! [`Model::absorb`] is the only way in. Facts from two feeds about one subject are kept apart so
//! that they can disagree. Nothing here judges: that is the rules' work, over a [`Snapshot`].

mod absorb;
pub mod clocks;
mod feed;
pub mod freshness;
pub mod history;
pub mod objects;
mod quorum;
mod snapshot;
pub mod topology;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use feed::{Feed, FeedSpec};
pub use freshness::{Freshness, State};
pub use history::{History, Series};
pub use objects::Objects;
pub use quorum::Quorum;
pub use snapshot::{Doubt, Reading, Snapshot};
pub use topology::Topology;

use crate::clock::{Now, Stamp};
use crate::facts::{Fact, FactKind};
use crate::ids::{FeedId, TargetId};
use crate::subject::{Subject, SubjectKind};
use crate::thresholds::Thresholds;

/// Index of a feed in [`Model::feeds`]; stable for the life of the model.
pub type FeedIndex = usize;

/// One fact from one feed, with what it was before.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub feed: FeedIndex,
    pub fact: Fact,
    pub at: Stamp,
    /// Earlier values, oldest first, thinned; how many and how far back depends on the kind.
    pub past: VecDeque<(Stamp, Fact)>,
}

/// All facts on one subject.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells(pub BTreeMap<FactKind, Vec<Cell>>);

#[derive(Clone, Debug)]
pub struct Model {
    feeds: Vec<Feed>,
    by_id: BTreeMap<FeedId, FeedIndex>,
    topology: Topology,
    subjects: BTreeMap<Subject, Cells>,
    /// Subjects on which each feed has told something that is still kept: what one observation
    /// touches must not be looked for among all subjects.
    told: Vec<BTreeSet<Subject>>,
    history: History,
    objects: Objects,
    /// Subjects whose facts or freshness moved since the rules last ran.
    dirty: BTreeSet<Subject>,
    defaults: Arc<Thresholds>,
    thresholds: BTreeMap<TargetId, Arc<Thresholds>>,
    /// Counts every change; a view that was computed at this number is still true.
    generation: u64,
    started: Now,
}

impl Model {
    /// An empty model; `started` is when midwatch began to watch.
    #[must_use]
    pub fn new(started: Now, defaults: Thresholds) -> Self {
        Self {
            feeds: Vec::new(),
            by_id: BTreeMap::new(),
            topology: Topology::default(),
            subjects: BTreeMap::new(),
            told: Vec::new(),
            history: History::default(),
            objects: Objects::default(),
            dirty: BTreeSet::new(),
            defaults: Arc::new(defaults),
            thresholds: BTreeMap::new(),
            generation: 0,
            started,
        }
    }

    /// Announces a feed before its first poll, so that a target that never answers has a row.
    pub fn register(&mut self, spec: FeedSpec, thresholds: Thresholds) {
        if thresholds != *self.defaults {
            self.thresholds
                .insert(spec.id.target.clone(), Arc::new(thresholds));
        }
        let index = self.feeds.len();
        self.by_id.insert(spec.id.clone(), index);
        self.subjects.entry(spec.subject.clone()).or_default();
        if let Some(whole) = spec.subject.whole() {
            // A cluster of which nobody ever answered is a subject all the same.
            self.subjects.entry(whole).or_default();
        }
        self.dirty.insert(spec.subject.clone());
        self.dirty.insert(Subject::target(&spec.id));
        self.topology.place(&spec);
        if let Some(kind) = spec.tells {
            self.objects.expect(&spec.id.target.name, kind, index);
        }
        self.feeds.push(Feed::new(spec));
        self.told.push(BTreeSet::new());
        self.generation += 1;
    }

    #[must_use]
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    #[must_use]
    pub fn feed(&self, id: &FeedId) -> Option<&Feed> {
        self.by_id.get(id).map(|index| &self.feeds[*index])
    }

    /// The feed that a `target/…` subject names.
    #[must_use]
    pub fn feed_of(&self, target: &Subject) -> Option<&Feed> {
        self.topology
            .feed_named(target)
            .map(|index| &self.feeds[index])
    }

    /// Feeds whose own subject is this one.
    pub fn feeds_for<'a>(&'a self, subject: &Subject) -> impl Iterator<Item = &'a Feed> + use<'a> {
        let indexes = self.topology.feeds_of(subject).iter();
        indexes.map(|index| &self.feeds[*index])
    }

    /// What runs where.
    #[must_use]
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Is this subject known, be it only by a feed that should speak for it?
    #[must_use]
    pub fn contains(&self, subject: &Subject) -> bool {
        match subject.kind {
            SubjectKind::Fleet => true,
            SubjectKind::Target => self.topology.feed_named(subject).is_some(),
            _ => self.subjects.contains_key(subject) || self.has_object(subject),
        }
    }

    /// Has anyone told this kind of fact about the subject, however long ago?
    #[must_use]
    pub fn carries(&self, subject: &Subject, kind: FactKind) -> bool {
        self.subjects
            .get(subject)
            .is_some_and(|cells| cells.0.contains_key(&kind))
    }

    /// All subjects of a kind, in order.
    pub fn subjects(&self, kind: SubjectKind) -> impl Iterator<Item = &Subject> {
        let first = Subject::new(kind, "");
        self.subjects
            .range(first..)
            .map(|(subject, _)| subject)
            .take_while(move |s| s.kind == kind)
    }

    pub fn all_subjects(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.keys()
    }

    /// Parts of a whole of one kind: the mounts of a host, the members of a cluster.
    pub fn parts<'a>(
        &'a self,
        whole: &'a Subject,
        kind: SubjectKind,
    ) -> impl Iterator<Item = &'a Subject> {
        let prefix = format!("{}/", whole.path);
        self.subjects
            .range(Subject::new(kind, prefix.as_str())..)
            .map(|(subject, _)| subject)
            .take_while(move |s| s.kind == kind && s.path.starts_with(&prefix))
    }

    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    #[must_use]
    pub fn started(&self) -> Now {
        self.started
    }

    /// Takes the subjects that moved since the last call.
    pub fn take_dirty(&mut self) -> BTreeSet<Subject> {
        std::mem::take(&mut self.dirty)
    }

    #[must_use]
    pub fn snapshot(&self, now: Now) -> Snapshot<'_> {
        Snapshot::new(self, now)
    }

    /// The limits that hold for a subject: those of the target that speaks for it, for the whole
    /// that it is a part of, or for its members.
    #[must_use]
    pub fn thresholds(&self, subject: &Subject) -> &Thresholds {
        if self.thresholds.is_empty() {
            return &self.defaults;
        }
        let whole = subject.whole();
        let own = self.topology.feeds_of(subject).iter();
        let above = whole.iter().flat_map(|whole| self.topology.feeds_of(whole));
        let below = self
            .parts(subject, SubjectKind::EtcdMember)
            .flat_map(|part| self.topology.feeds_of(part));
        own.chain(above)
            .chain(below)
            .find_map(|index| self.thresholds.get(&self.feeds[*index].spec.id.target))
            .map_or(&self.defaults, |limits| limits)
    }
}
