//! How many voters of an etcd cluster answer, and how many more it can lose.
//!
//! Counts only what is freshly known. A member that nobody watches, or that cannot be read, is
//! neither well nor dead: it is counted apart.

use super::{Doubt, Reading, Snapshot};
use crate::facts::{EtcdMembers, EtcdStatus};
use crate::model::Feed;
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};

/// The voters of one cluster by what is known of them.
#[derive(Clone, Debug)]
pub struct Quorum<'a> {
    /// The member list that this rests on.
    pub list: Reading<'a, EtcdMembers>,
    /// Answer freshly and see a leader.
    pub healthy: Vec<Subject>,
    /// Answer freshly and see no leader.
    pub leaderless: Vec<Subject>,
    /// Do not answer, with the feed that tried.
    pub silent: Vec<(Subject, &'a Feed)>,
    /// Polled, but the answer cannot be read or is not there yet.
    pub unread: Vec<Subject>,
    /// Listed by the others; no target polls them.
    pub unwatched: Vec<Subject>,
}

impl Quorum<'_> {
    #[must_use]
    pub fn voters(&self) -> usize {
        self.list
            .value
            .members
            .iter()
            .filter(|m| !m.learner)
            .count()
    }

    /// Voters that must agree: floor(n/2) + 1 (etcd documentation, faq).
    #[must_use]
    pub fn needed(&self) -> usize {
        self.voters() / 2 + 1
    }

    /// Failures that can still be borne if every voter not known to be well is dead.
    #[must_use]
    pub fn spare_at_least(&self) -> i32 {
        difference(self.healthy.len(), self.needed())
    }

    /// Failures that can still be borne if every voter not known to be dead is well.
    #[must_use]
    pub fn spare_at_most(&self) -> i32 {
        let hoped = self.healthy.len() + self.unread.len() + self.unwatched.len();
        difference(hoped, self.needed())
    }
}

fn difference(a: usize, b: usize) -> i32 {
    let small = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    small(a) - small(b)
}

impl<'a> Snapshot<'a> {
    /// The voters of a cluster.
    ///
    /// # Errors
    /// A [`Doubt`] when no fresh member list is there.
    pub fn quorum(&self, cluster: &Subject) -> Result<Quorum<'a>, Doubt> {
        let list = self.fresh::<EtcdMembers>(cluster)?;
        let members = &list.value.members;
        let mut quorum = Quorum {
            list,
            healthy: Vec::new(),
            leaderless: Vec::new(),
            silent: Vec::new(),
            unread: Vec::new(),
            unwatched: Vec::new(),
        };
        for member in members.iter().filter(|member| !member.learner) {
            let subject = Subject::etcd_member(&cluster.path, &member.label());
            match self.fresh::<EtcdStatus>(&subject) {
                Ok(status) if status.value.leader.is_some() => quorum.healthy.push(subject),
                Ok(_) => quorum.leaderless.push(subject),
                Err(_) => match self.silence(&subject) {
                    Some(feed) => quorum.silent.push((subject, feed)),
                    None if self.model.feeds_for(&subject).next().is_some() => {
                        quorum.unread.push(subject);
                    }
                    None => quorum.unwatched.push(subject),
                },
            }
        }
        Ok(quorum)
    }

    /// The feed of a subject that got no answer at all, where every one of its feeds fails.
    #[must_use]
    pub fn silence(&self, subject: &Subject) -> Option<&'a Feed> {
        let mut silent = None;
        for feed in self.model.feeds_for(subject) {
            match feed.outage.as_ref()?.layer {
                // It was never asked: a name that cannot be resolved says nothing about it.
                Layer::Dns => continue,
                Layer::Timeout | Layer::Tcp => {}
                _ => return None,
            }
            silent = silent.or(Some(feed));
        }
        silent
    }

    /// Fresh readings of one fact from each member of a cluster that has one.
    #[must_use]
    pub fn of_members<T: crate::facts::Factual>(
        &self,
        cluster: &Subject,
    ) -> Vec<(&'a Subject, Reading<'a, T>)> {
        let members: Vec<&'a Subject> = {
            let prefix = Subject::etcd_member(&cluster.path, "");
            let model = self.model;
            model
                .subjects
                .range(prefix.clone()..)
                .map(|(subject, _)| subject)
                .take_while(|s| {
                    s.kind == SubjectKind::EtcdMember && s.path.starts_with(&*prefix.path)
                })
                .collect()
        };
        let fresh = |member: &'a Subject| Some((member, self.fresh::<T>(member).ok()?));
        members.into_iter().filter_map(fresh).collect()
    }
}
