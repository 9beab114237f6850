//! Events by what they are about, those of one reason together: what a reader wants to see as one
//! line. Keeps no order beyond that of what happened to one object.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Move;
use crate::objects::{About, Body, Event, Object};

#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    by_about: FxHashMap<About, Vec<Group>>,
}

/// Events of one type and reason about one object.
#[derive(Clone, Debug)]
struct Group {
    /// Never empty; by when they last happened.
    members: Vec<Arc<Object>>,
    /// All of them as one: counts added, the newest message. It bears the name of the member that
    /// was there first, so that a row stays the same row.
    shown: Arc<Object>,
}

impl Events {
    /// One event in place of another; answers which groups changed, and how.
    pub(super) fn replace(
        &mut self,
        old: Option<&Arc<Object>>,
        new: Option<&Arc<Object>>,
    ) -> Vec<Move> {
        let alike = match (old.and_then(|o| event(o)), new.and_then(|n| event(n))) {
            (Some(old), Some(new)) => old.about_key() == new.about_key() && is_alike(old, new),
            _ => false,
        };
        if alike {
            return self.change(old, new).into_iter().collect();
        }
        let gone = old.and_then(|old| self.change(Some(old), None));
        let come = new.and_then(|new| self.change(None, Some(new)));
        gone.into_iter().chain(come).collect()
    }

    /// A change within one group.
    fn change(&mut self, old: Option<&Arc<Object>>, new: Option<&Arc<Object>>) -> Option<Move> {
        let any = new.or(old)?;
        let told = event(any)?;
        let about = told.about_key();
        let groups = self.by_about.entry(about.clone()).or_default();
        let at = groups.iter().position(|group| group.is_for(told));
        let moved = match (at, new) {
            (Some(at), _) => {
                let before = groups[at].shown.clone();
                groups[at].replace(old, new);
                let after = (!groups[at].members.is_empty()).then(|| groups[at].shown.clone());
                if after.is_none() {
                    groups.swap_remove(at);
                }
                Some(Move {
                    old: Some(before),
                    new: after,
                })
            }
            (None, Some(new)) => {
                groups.push(Group {
                    members: vec![new.clone()],
                    shown: new.clone(),
                });
                Some(Move {
                    old: None,
                    new: Some(new.clone()),
                })
            }
            (None, None) => None,
        };
        if groups.is_empty() {
            self.by_about.remove(&about);
        }
        moved
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.by_about.values().flatten().map(|group| &group.shown)
    }

    pub(super) fn about(&self, about: &About) -> impl Iterator<Item = &Arc<Object>> {
        let groups = self.by_about.get(about).into_iter().flatten();
        groups.map(|group| &group.shown)
    }

    pub(super) fn group_of(&self, object: &Object) -> Option<&Arc<Object>> {
        let told = event(object)?;
        let mut groups = self.by_about.get(&told.about_key())?.iter();
        groups
            .find(|group| group.is_for(told))
            .map(|group| &group.shown)
    }
}

impl Group {
    fn is_for(&self, told: &Event) -> bool {
        event(&self.shown).is_some_and(|shown| is_alike(shown, told))
    }

    fn replace(&mut self, old: Option<&Arc<Object>>, new: Option<&Arc<Object>>) {
        if let Some(old) = old {
            self.members.retain(|member| member.name != old.name);
        }
        if let Some(new) = new {
            let at = self
                .members
                .partition_point(|member| last(member) <= last(new));
            self.members.insert(at, new.clone());
        }
        if let Some(shown) = self.together() {
            self.shown = shown;
        }
    }

    /// All members as one event; the very member where there is only one.
    fn together(&self) -> Option<Arc<Object>> {
        let newest = self.members.last()?;
        if self.members.len() == 1 {
            return Some(newest.clone());
        }
        let named = self
            .members
            .iter()
            .find(|member| member.name == self.shown.name);
        let named = named.unwrap_or(&self.members[0]);
        let mut told = event(newest)?.clone();
        let all = || self.members.iter().filter_map(|member| event(member));
        told.count = all().fold(0_u32, |sum, one| sum.saturating_add(one.count.max(1)));
        told.first = all().filter_map(|one| one.first.or(one.last)).min();
        Some(Arc::new(Object {
            body: Body::Event(Box::new(told)),
            ..Object::clone(named)
        }))
    }
}

fn event(object: &Object) -> Option<&Event> {
    match &object.body {
        Body::Event(event) => Some(event),
        _ => None,
    }
}

fn last(object: &Object) -> Option<jiff::Timestamp> {
    event(object)?.last
}

fn is_alike(a: &Event, b: &Event) -> bool {
    a.kind == b.kind && a.reason == b.reason
}
