//! From an observation to the model.

use std::collections::VecDeque;
use std::time::Duration;

use super::history::derive;
use super::topology::authority;
use super::{Cell, FeedIndex, Model};
use crate::clock::{Now, Stamp};
use crate::facts::{EtcdMembers, Fact, FactKind, Factual};
use crate::observation::{Harvest, Observation};
use crate::subject::{Subject, SubjectKind};

/// How many earlier values of a kind are kept, and how far apart. Rates need one; windows of the
/// mixins reach back 5 to 15 minutes; a disk's trend needs hours.
fn keep(kind: FactKind) -> (usize, Duration) {
    match kind {
        FactKind::Mount => (72, Duration::from_secs(300)),
        FactKind::EtcdMetrics => (32, Duration::from_secs(30)),
        FactKind::EtcdStatus => (16, Duration::from_secs(60)),
        FactKind::Cpu | FactKind::Memory | FactKind::Pressure | FactKind::Disk | FactKind::Nic => {
            (12, Duration::from_secs(30))
        }
        FactKind::Consumers => (1, Duration::ZERO),
        FactKind::KubeApi => (6, Duration::ZERO),
        FactKind::KubeMetrics => (12, Duration::from_secs(60)),
        _ => (0, Duration::ZERO),
    }
}

/// Room for earlier values is taken in steps of so many.
const STEP: usize = 8;

impl Model {
    /// Takes in one observation. Facts of a failed poll stay as they were and age visibly. A
    /// successful poll is complete: what it no longer tells is gone, unless it is named lost.
    pub fn absorb(&mut self, observation: Observation) {
        let Some(&feed) = self.by_id.get(&observation.feed) else {
            return;
        };
        self.generation += 1;
        let was = (
            self.feeds[feed].outage.is_some(),
            self.feeds[feed].freshness,
        );
        let before = self.feeds[feed].subject().clone();
        self.feeds[feed].record(&observation);
        self.dirty.insert(Subject::target(&observation.feed));
        let (at, told) = (observation.at, observation.told_at());
        let latency = observation
            .outcome
            .is_ok()
            .then_some(observation.took.as_secs_f64());
        self.history.push_feed(feed, latency);
        if let Ok(harvest) = observation.outcome {
            self.learn(feed, told, harvest);
            self.adopt(feed, &before);
        } else {
            let (told, own) = (&self.told[feed], self.feeds[feed].subject());
            let silent = (!told.contains(own)).then_some(own);
            self.history.gap(feed, told.iter().chain(silent));
        }
        let now = (
            self.feeds[feed].outage.is_some(),
            self.feeds[feed].freshness(at.stamp),
        );
        self.feeds[feed].freshness = now.1;
        if was != now {
            self.touch_all_of(feed);
        }
    }

    fn learn(&mut self, feed: FeedIndex, at: Now, harvest: Harvest) {
        let lost: Vec<FactKind> = harvest.lost.iter().map(|lost| lost.kind).collect();
        for (subject, fact) in harvest.facts {
            self.store(feed, at.stamp, &subject, fact);
            if let Some(whole) = subject.whole() {
                self.dirty.insert(whole);
            }
            self.dirty.insert(subject);
        }
        self.forget(feed, at.stamp, &lost);
        if !harvest.deltas.is_empty() {
            let cluster = self.feeds[feed].spec.id.target.name.clone();
            self.objects
                .apply(&cluster, (feed, at.stamp), harvest.deltas, &mut self.dirty);
        }
    }

    fn store(&mut self, feed: FeedIndex, at: Stamp, subject: &Subject, fact: Fact) {
        let cells = self.subjects.entry(subject.clone()).or_default();
        let kind = fact.kind();
        let row = cells.0.entry(kind).or_default();
        let Some(cell) = row.iter_mut().find(|cell| cell.feed == feed) else {
            self.history.push(subject, feed, derive(&fact, None));
            row.push(Cell {
                feed,
                fact,
                at,
                past: VecDeque::new(),
            });
            self.told[feed].insert(subject.clone());
            return;
        };
        self.history.push(
            subject,
            feed,
            derive(&fact, Some((&cell.fact, at.since(cell.at)))),
        );
        let (count, apart) = keep(kind);
        let previous = (cell.at, std::mem::replace(&mut cell.fact, fact));
        cell.at = at;
        if count == 0 {
            return;
        }
        // The newest kept value always moves along, so that a rate over one period can be had; the
        // one before it stays where it is at least `apart` older than its own predecessor.
        if cell.past.len() >= 2 {
            let (older, newer) = (
                cell.past[cell.past.len() - 2].0,
                cell.past[cell.past.len() - 1].0,
            );
            if newer.since(older) < apart {
                cell.past.pop_back();
            }
        }
        let kept = cell.past.len();
        if kept >= count {
            cell.past.pop_front();
        } else if kept == cell.past.capacity() {
            // Not doubled: with thousands of these, half would be empty for ever.
            cell.past.reserve_exact((count - kept).min(STEP));
        }
        cell.past.push_back(previous);
    }

    /// Drops what this feed told before and did not tell now.
    fn forget(&mut self, feed: FeedIndex, at: Stamp, lost: &[FactKind]) {
        let mut told = std::mem::take(&mut self.told[feed]);
        told.retain(|subject| {
            let Some(cells) = self.subjects.get_mut(subject) else {
                return false;
            };
            let (mut changed, mut speaks) = (false, false);
            for (kind, row) in &mut cells.0 {
                let before = row.len();
                let stays = lost.contains(kind);
                row.retain(|cell| stays || cell.feed != feed || cell.at == at);
                changed |= row.len() != before;
                // What stays although it was lost grows old while its feed is fresh.
                let aged = |cell: &Cell| cell.feed == feed && cell.at != at;
                changed |= stays && row.iter().any(aged);
                speaks |= row.iter().any(|cell| cell.feed == feed);
            }
            if changed {
                cells.0.retain(|_, row| !row.is_empty());
                let empty = cells.0.is_empty();
                self.dirty.insert(subject.clone());
                if empty && !self.is_own(subject) {
                    self.subjects.remove(subject);
                    self.history.forget(subject);
                }
            }
            speaks
        });
        self.told[feed] = told;
    }

    /// Is there a feed that speaks for this very subject?
    fn is_own(&self, subject: &Subject) -> bool {
        let mut feeds = self.feeds_for(subject);
        feeds.any(|feed| feed.subject() == subject)
    }

    /// A feed that has learnt whom it speaks for leaves its placeholder subject; and a member list
    /// tells the names of endpoints that never answered.
    fn adopt(&mut self, feed: FeedIndex, before: &Subject) {
        let after = self.feeds[feed].subject().clone();
        if after != *before {
            self.topology.settle(feed, &after);
            self.leave(before);
        }
        let Some(cluster) = after
            .whole()
            .filter(|whole| whole.kind == SubjectKind::Etcd)
        else {
            return;
        };
        let mates: Vec<FeedIndex> = self
            .parts(&cluster, SubjectKind::EtcdMember)
            .flat_map(|member| self.topology.feeds_of(member))
            .copied()
            .filter(|index| self.feeds[*index].last_ok.is_none())
            .collect();
        if mates.is_empty() {
            return;
        }
        let Some(members) = self.members_of(&cluster) else {
            return;
        };
        for index in mates {
            let other = &self.feeds[index];
            let endpoint = authority(&other.spec.id.endpoint);
            let named = members
                .members
                .iter()
                .find(|m| m.client_urls.iter().any(|url| authority(url) == endpoint));
            if let Some(member) = named {
                let placeholder = other.subject().clone();
                let subject = Subject::etcd_member(&cluster.path, &member.label());
                self.subjects.entry(subject.clone()).or_default();
                self.dirty.insert(subject.clone());
                self.topology.settle(index, &subject);
                self.feeds[index].set_subject(subject);
                self.dirty
                    .insert(Subject::target(&self.feeds[index].spec.id));
                self.leave(&placeholder);
            }
        }
    }

    fn leave(&mut self, placeholder: &Subject) {
        let still_used = self.is_own(placeholder);
        let empty = self
            .subjects
            .get(placeholder)
            .is_some_and(|cells| cells.0.is_empty());
        if empty && !still_used {
            self.subjects.remove(placeholder);
            self.dirty.insert(placeholder.clone());
        }
    }

    fn members_of(&self, cluster: &Subject) -> Option<EtcdMembers> {
        let row = self.subjects.get(cluster)?.0.get(&EtcdMembers::KIND)?;
        row.iter()
            .max_by_key(|cell| cell.at)
            .and_then(|cell| EtcdMembers::of(&cell.fact))
            .cloned()
    }

    /// Marks every subject that this feed speaks about: its freshness changed.
    fn touch_all_of(&mut self, feed: FeedIndex) {
        let own = self.feeds[feed].subject().clone();
        self.dirty.extend(own.whole());
        self.dirty.insert(own);
        self.dirty.extend(self.told[feed].iter().cloned());
        self.objects.doubtful(feed, &mut self.dirty);
    }

    /// Looks at the clock: feeds that crossed a limit of freshness make their subjects dirty. True
    /// when any did.
    pub fn age(&mut self, now: Now) -> bool {
        let mut moved = false;
        self.objects.due(now.stamp, &mut self.dirty);
        for feed in 0..self.feeds.len() {
            let freshness = self.feeds[feed].freshness(now.stamp);
            if freshness != self.feeds[feed].freshness {
                self.feeds[feed].freshness = freshness;
                self.dirty
                    .insert(Subject::target(&self.feeds[feed].spec.id));
                self.touch_all_of(feed);
                moved = true;
            }
        }
        if moved {
            self.generation += 1;
        }
        moved
    }

    /// After a suspend: nothing learnt before `now` is believed until it is learnt again.
    pub fn distrust_all(&mut self, now: Now) {
        for feed in &mut self.feeds {
            feed.distrust_before = Some(now.stamp);
            feed.ok_since = None;
        }
        self.age(now);
    }

    /// The poller's word on when a feed is due, and how many observations it overwrote.
    pub fn announce(&mut self, id: &crate::ids::FeedId, next_poll: Stamp, dropped: u64) {
        if let Some(&index) = self.by_id.get(id) {
            self.feeds[index].next_poll = Some(next_poll);
            self.feeds[index].dropped = dropped;
        }
    }
}

#[cfg(test)]
mod tests;
