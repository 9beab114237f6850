//! What many objects of one kind share: texts, label sets, container specs, owners.
//!
//! An entry that nobody else holds is swept now and then, so that churn does not leak: there are
//! never more entries than twice those in use at the last sweep, and a few. One pool per feed, so
//! nothing is locked.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

use super::wire::{Malformed, Text};
use crate::objects::{ContainerSpec, Labels, Owner};

/// Texts longer than this are said by one object alone, mostly; they are not looked up.
const SHARED: usize = 128;
/// Entries below which no sweep is worth it.
const FEW: usize = 1024;

type Set<T> = HashSet<T, FxBuildHasher>;

/// Shared values, each once.
#[derive(Debug)]
pub struct Pool {
    texts: Set<Arc<str>>,
    labels: Set<Labels>,
    specs: Set<Arc<ContainerSpec>>,
    owners: Set<Arc<Owner>>,
    /// Where pairs are put in order before they are looked up.
    pairs: Vec<(Arc<str>, Arc<str>)>,
    empty: Arc<str>,
    nobody: Arc<[Arc<str>]>,
    /// Entries from which the next sweep is due.
    due: usize,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            texts: Set::default(),
            labels: Set::default(),
            specs: Set::default(),
            owners: Set::default(),
            pairs: Vec::new(),
            empty: "".into(),
            nobody: [].into(),
            due: FEW,
        }
    }
}

impl Pool {
    pub fn text(&mut self, text: &str) -> Arc<str> {
        if text.is_empty() {
            return self.empty.clone();
        }
        if text.len() > SHARED {
            return text.into();
        }
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }

    /// `None` for an empty one.
    pub fn some(&mut self, text: &str) -> Option<Arc<str>> {
        (!text.is_empty()).then(|| self.text(text))
    }

    /// Pairs in the order of their keys; of two with one key, the last.
    ///
    /// # Errors
    /// The first error among the pairs.
    pub fn labels<'a>(
        &mut self,
        pairs: impl Iterator<Item = Result<(Text<'a>, Text<'a>), Malformed>>,
    ) -> Result<Labels, Malformed> {
        let mut sorted = std::mem::take(&mut self.pairs);
        sorted.clear();
        for pair in pairs {
            let (key, value) = pair?;
            let pair = (self.text(&key), self.text(&value));
            match sorted.binary_search_by(|(known, _)| (**known).cmp(&*key)) {
                Ok(at) => sorted[at] = pair,
                Err(at) => sorted.insert(at, pair),
            }
        }
        let known = self.labels.get(&sorted[..]).cloned();
        let labels = known.unwrap_or_else(|| {
            let new: Labels = sorted[..].into();
            self.labels.insert(new.clone());
            new
        });
        sorted.clear();
        self.pairs = sorted;
        Ok(labels)
    }

    pub fn spec(&mut self, spec: ContainerSpec) -> Arc<ContainerSpec> {
        once(&mut self.specs, spec)
    }

    pub fn owner(&mut self, owner: Owner) -> Arc<Owner> {
        once(&mut self.owners, owner)
    }

    /// A list that is mostly empty.
    pub fn list(&self, texts: Vec<Arc<str>>) -> Arc<[Arc<str>]> {
        if texts.is_empty() {
            self.nobody.clone()
        } else {
            texts.into()
        }
    }

    /// Lets go of what nobody else holds, when enough has come since the last time. To be called
    /// once per batch.
    pub fn sweep(&mut self) {
        if self.len() < self.due {
            return;
        }
        // Specs, owners and label sets hold texts, so these come last.
        self.specs.retain(|entry| Arc::strong_count(entry) > 1);
        self.owners.retain(|entry| Arc::strong_count(entry) > 1);
        self.labels.retain(|entry| Arc::strong_count(entry) > 1);
        self.texts.retain(|entry| Arc::strong_count(entry) > 1);
        self.due = self.len().saturating_mul(2).max(FEW);
    }

    fn len(&self) -> usize {
        self.texts.len() + self.labels.len() + self.specs.len() + self.owners.len()
    }
}

fn once<T: Hash + Eq>(set: &mut Set<Arc<T>>, value: T) -> Arc<T> {
    if let Some(known) = set.get(&value) {
        return known.clone();
    }
    let new = Arc::new(value);
    set.insert(new.clone());
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pool: &mut Pool, pairs: &[(&'static str, &'static str)]) -> Labels {
        let pairs = pairs.iter().map(|(k, v)| Ok(((*k).into(), (*v).into())));
        pool.labels(pairs).unwrap()
    }

    #[test]
    fn equal_values_are_one_allocation() {
        let mut pool = Pool::default();
        assert!(Arc::ptr_eq(&pool.text("shop"), &pool.text("shop")));
        let one = labels(&mut pool, &[("b", "2"), ("a", "1")]);
        let two = labels(&mut pool, &[("a", "1"), ("b", "2")]);
        assert!(Arc::ptr_eq(&one, &two));
        assert_eq!(&*one[0].0, "a", "in the order of the keys");
    }

    #[test]
    fn of_two_pairs_with_one_key_the_last_counts() {
        let mut pool = Pool::default();
        let labels = labels(&mut pool, &[("a", "1"), ("a", "2")]);
        assert_eq!(labels.len(), 1);
        assert_eq!(&*labels[0].1, "2");
    }

    #[test]
    fn churn_does_not_leak_and_what_is_held_stays() {
        let mut pool = Pool::default();
        let held = pool.owner(Owner {
            kind: "Job".into(),
            name: pool_text("kept"),
            uid: "u".into(),
        });
        for round in 0..100 {
            for at in 0..200 {
                let name = pool.text(&format!("pod-{round}-{at}"));
                pool.owner(Owner {
                    kind: "Job".into(),
                    name,
                    uid: "u".into(),
                });
            }
            pool.sweep();
            assert!(pool.len() <= FEW + 400, "{}", pool.len());
        }
        let again = pool.owner((*held).clone());
        assert!(Arc::ptr_eq(&held, &again));
    }

    fn pool_text(text: &str) -> Arc<str> {
        text.into()
    }
}
