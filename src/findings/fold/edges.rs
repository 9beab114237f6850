//! Which rules may explain which: as the rules say, and as single findings say beside them.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::findings::{Cause, Relation, Rule};

#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    causes: FxHashMap<Arc<str>, &'static [Cause]>,
    /// What findings named beside the causes of their rule.
    learnt: FxHashMap<Arc<str>, Vec<Cause>>,
    /// By the rule that explains: whose findings, and where they stand to it.
    explains: FxHashMap<&'static str, Vec<(Arc<str>, Relation)>>,
    /// Rules that may explain each other in a circle have the same number.
    circles: FxHashMap<Arc<str>, usize>,
}

impl Edges {
    pub fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut edges = Self::default();
        for rule in rules {
            let id: Arc<str> = rule.id.into();
            for cause in rule.causes {
                edges.note(&id, *cause);
            }
            edges.causes.insert(id, rule.causes);
        }
        edges.find_circles();
        edges
    }

    /// A finding of a rule named a cause of its own.
    pub fn learn(&mut self, rule: &Arc<str>, cause: Cause) {
        let known = self.learnt.entry(rule.clone()).or_default();
        if !known.contains(&cause) {
            known.push(cause);
            self.note(rule, cause);
            self.find_circles();
        }
    }

    fn note(&mut self, rule: &Arc<str>, cause: Cause) {
        let explains = self.explains.entry(cause.rule).or_default();
        explains.push((rule.clone(), cause.at));
    }

    /// What the rule itself names.
    pub fn causes_of(&self, rule: &str) -> &'static [Cause] {
        self.causes.get(rule).copied().unwrap_or_default()
    }

    /// What the rule or any of its findings ever named.
    pub fn all_causes_of(&self, rule: &str) -> impl Iterator<Item = &Cause> {
        let learnt = self.learnt.get(rule).into_iter().flatten();
        self.causes_of(rule).iter().chain(learnt)
    }

    pub fn explained_by(&self, rule: &str) -> &[(Arc<str>, Relation)] {
        self.explains.get(rule).map_or(&[], Vec::as_slice)
    }

    pub fn circle(&self, rule: &str) -> Option<usize> {
        self.circles.get(rule).copied()
    }

    fn find_circles(&mut self) {
        let named = self.causes.keys().chain(self.learnt.keys());
        let rules: BTreeSet<Arc<str>> = named.cloned().collect();
        let reach: FxHashMap<&str, BTreeSet<&str>> = rules
            .iter()
            .map(|rule| (&**rule, self.reached_from(rule)))
            .collect();
        let leads = |a: &str, b: &str| reach.get(a).is_some_and(|reached| reached.contains(b));
        let mut circles = FxHashMap::default();
        for (number, rule) in rules.iter().enumerate() {
            if leads(rule, rule) && !circles.contains_key(rule) {
                let mates = rules
                    .iter()
                    .filter(|other| leads(rule, other) && leads(other, rule));
                circles.extend(mates.map(|mate| (mate.clone(), number)));
            }
        }
        self.circles = circles;
    }

    fn reached_from(&self, rule: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.all_causes_of(rule).map(|cause| cause.rule).collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(self.all_causes_of(next).map(|cause| cause.rule));
            }
        }
        reached
    }
}
