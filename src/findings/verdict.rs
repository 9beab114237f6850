//! What a rule is and what it may say: clear, firing, undecided, and what explains it.
//!
//! Vocabulary alone: rules are the other files of this folder, and the ledger runs them.

use std::fmt;

use super::Finding;
use crate::facts::FactKind;
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// One check. Named by the problem that it finds.
pub struct Rule {
    /// Kebab-case, the same as the file's stem: what a user silences and cites.
    pub id: &'static str,
    /// First line: what is wrong, in a few words. Then: threshold and its source, why it matters,
    /// what to look at.
    pub doc: &'static str,
    /// The kinds of subject that it judges.
    pub on: &'static [SubjectKind],
    /// Facts that it reads. A rule on the fleet runs again when a subject moved that carries one of
    /// them, or at any move where this is empty; a rule on one subject runs at any move of it.
    pub needs: &'static [FactKind],
    /// Findings of other rules that explain this one: it folds under them when they fire.
    pub causes: &'static [Cause],
    pub check: fn(&Snapshot, &Subject) -> Verdict,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Rule {
    /// The first line of the doc.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.doc.lines().next().unwrap_or(self.id)
    }
}

/// A rule whose finding explains another, and where it must be seen relative to the symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub rule: &'static str,
    pub at: Relation,
}

impl Cause {
    #[must_use]
    pub const fn same(rule: &'static str) -> Self {
        let at = Relation::Same;
        Self { rule, at }
    }

    #[must_use]
    pub const fn part(rule: &'static str) -> Self {
        let at = Relation::Part;
        Self { rule, at }
    }

    #[must_use]
    pub const fn whole(rule: &'static str) -> Self {
        let at = Relation::Whole;
        Self { rule, at }
    }

    #[must_use]
    pub const fn host(rule: &'static str) -> Self {
        let at = Relation::Host;
        Self { rule, at }
    }

    #[must_use]
    pub const fn node(rule: &'static str) -> Self {
        let at = Relation::Node;
        Self { rule, at }
    }

    #[must_use]
    pub const fn owner(rule: &'static str) -> Self {
        let at = Relation::Owner;
        Self { rule, at }
    }

    #[must_use]
    pub const fn claim(rule: &'static str) -> Self {
        let at = Relation::Claim;
        Self { rule, at }
    }

    #[must_use]
    pub const fn anywhere(rule: &'static str) -> Self {
        let at = Relation::Anywhere;
        Self { rule, at }
    }
}

/// Where a cause stands, seen from the symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// On the same subject.
    Same,
    /// On a part of the symptom's subject: a member of the cluster.
    Part,
    /// On the whole that the symptom's subject is a part of, or on a sibling part; of what is in a
    /// Kubernetes cluster, on the cluster or one of its nodes.
    Whole,
    /// On the host that the symptom's subject runs on, or anything that it depends on.
    Host,
    /// On the node that a pod is bound to; on the nodes of all pods that a workload lacks.
    Node,
    /// On what made an object, at any height: the deployment of a pod; the workloads behind a
    /// service.
    Owner,
    /// On a claim that a pod mounts.
    Claim,
    /// On any subject: a fault of the watching machine itself.
    Anywhere,
}

/// What a rule says about one subject.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The rule has nothing to say about this subject.
    NotApplicable,
    Clear,
    Firing(Vec<Finding>),
    /// It cannot be known, and why. Never counts as clear.
    Undecided(Doubt),
}

impl From<Finding> for Verdict {
    fn from(finding: Finding) -> Self {
        Self::Firing(vec![finding])
    }
}

impl From<Doubt> for Verdict {
    fn from(doubt: Doubt) -> Self {
        Self::Undecided(doubt)
    }
}

impl From<Option<Finding>> for Verdict {
    fn from(finding: Option<Finding>) -> Self {
        finding.map_or(Self::Clear, Self::from)
    }
}

/// Lets a rule leave with `?` where a reading cannot be had.
impl<V: Into<Verdict>> From<Result<V, Doubt>> for Verdict {
    fn from(result: Result<V, Doubt>) -> Self {
        result.map_or_else(Self::Undecided, Into::into)
    }
}

impl From<Vec<Finding>> for Verdict {
    fn from(findings: Vec<Finding>) -> Self {
        if findings.is_empty() {
            Self::Clear
        } else {
            Self::Firing(findings)
        }
    }
}
