//! What cannot be decided, counted and told as one finding for each subject; of Kubernetes objects
//! one for each kind of a cluster, however many there are.
//!
//! A check that waits for its second sample, or for a feed that was not asked yet, is no doubt
//! about the world: it is counted and not told.

use std::collections::BTreeMap;

use super::{Held, Ledger};
use crate::clock::Stamp;
use crate::findings::kinds_not_permitted::is_forbidden;
use crate::findings::{Cause, Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::model::objects::Cluster;
use crate::model::{Doubt, Feed, Model, Snapshot};
use crate::objects::ObjectKind;
use crate::subject::{Subject, SubjectKind};
use crate::units::{counted, span};

/// Names of findings that one finding lists.
const NAMED: usize = 5;

/// What the ledger says of a subject that some rules cannot judge.
pub static NOT_KNOWN: Rule = Rule {
    id: "not-known",
    doc: "checks that cannot be decided
Threshold: a fact that its feed told three periods ago or longer, that came with a failed poll
since, or that was never told although the feed was asked.
It matters because silence is not health: what these checks look for may be there, unseen.
Look at the feed that should tell it: its last answer, and the layer at which it fails.",
    on: &[SubjectKind::Fleet],
    needs: &[],
    causes: &[
        Cause::same("target-down"),
        Cause::same("target-partial"),
        Cause::part("target-down"),
        Cause::part("target-partial"),
        Cause::whole("target-down"),
        Cause::same("etcd-unreachable"),
        Cause::whole("etcd-unreachable"),
        Cause::same("api-unreachable"),
        Cause::same("kinds-not-permitted"),
        Cause::host("host-down"),
    ],
    check: |_, _| Verdict::NotApplicable,
};

/// What a doubt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shade {
    /// Nobody can say: told as a finding.
    Unknown,
    /// One more poll will tell.
    SecondSample,
    /// The feed was not asked yet.
    Waiting,
    /// What a kind of object lacks is told of its cluster, once.
    Elsewhere,
}

/// Why an object cannot be judged at all: its watch is silent.
pub(super) fn of_object(snap: &Snapshot, subject: &Subject) -> Option<Doubt> {
    ObjectKind::of_subject(subject.kind)?;
    snap.object(subject).err()
}

pub(super) fn shade(doubt: &Doubt, model: &Model, subject: &Subject) -> Shade {
    match doubt {
        Doubt::SecondSample => Shade::SecondSample,
        Doubt::Never(_) if speakers(model, subject).any(|feed| feed.last_poll.is_none()) => {
            Shade::Waiting
        }
        Doubt::Unwatched(kind, _) if is_awaited(model, subject, *kind) => Shade::Waiting,
        Doubt::Unwatched(..) | Doubt::StaleObjects(..) => Shade::Elsewhere,
        _ => Shade::Unknown,
    }
}

/// Has some feed of this kind of object not told all of it yet, without having failed?
fn is_awaited(model: &Model, subject: &Subject, kind: ObjectKind) -> bool {
    let whole = subject.whole();
    let name = &whole.as_ref().unwrap_or(subject).path;
    let Some(cluster) = model.objects().cluster(name) else {
        return false;
    };
    let failing = |at: usize| model.feeds()[at].outage.is_some();
    let mut feeds = cluster.feeds(kind).peekable();
    feeds.peek().is_some() && !cluster.is_synced(kind) && !feeds.any(failing)
}

/// Feeds from which facts on this subject come: its own, those of its whole, those of its members.
fn speakers<'a>(model: &'a Model, subject: &'a Subject) -> impl Iterator<Item = &'a Feed> {
    let whole = subject.whole();
    let above = whole.into_iter().flat_map(|w| model.feeds_for(&w));
    let below = model
        .parts(subject, SubjectKind::EtcdMember)
        .flat_map(|part| model.feeds_for(part));
    model.feeds_for(subject).chain(above).chain(below)
}

impl Ledger {
    pub(super) fn tally(&mut self, before: &Held, after: &Held) {
        let is = |held: &Held, shade| {
            usize::from(held.doubt.as_ref().is_some_and(|(_, own)| *own == shade))
        };
        self.second_samples += is(after, Shade::SecondSample);
        self.second_samples -= is(before, Shade::SecondSample);
        self.waiting += is(after, Shade::Waiting);
        self.waiting -= is(before, Shade::Waiting);
    }

    /// One finding for all that is not known about a subject.
    pub(super) fn not_known(
        &self,
        held: &BTreeMap<usize, Held>,
        snap: &Snapshot,
        subject: &Subject,
    ) -> Option<Finding> {
        let mut reasons: Vec<(String, &Doubt, Vec<&'static str>)> = Vec::new();
        let mut was = Vec::new();
        let mut checks = 0;
        for (index, held) in held {
            let (Some((doubt, Shade::Unknown)), Some(rule)) = (&held.doubt, self.rules.get(*index))
            else {
                continue;
            };
            checks += 1;
            was.extend(held.suspended.iter().map(|(id, _)| id.to_string()));
            let text = doubt.to_string();
            match reasons.iter_mut().find(|(known, ..)| *known == text) {
                Some((.., rules)) => rules.push(rule.id),
                None => reasons.push((text, doubt, vec![rule.id])),
            }
        }
        let first = reasons.first()?.0.clone();
        let more = match reasons.len() {
            1 => String::new(),
            n => format!(", and {} more reasons", n - 1).replace("1 more reasons", "1 more reason"),
        };
        let noun = if checks == 1 { "check" } else { "checks" };
        let summary = format!("{checks} {noun} cannot be decided: {first}{more}");
        let mut finding = Finding::new(&NOT_KNOWN, subject, Severity::Unknown, summary);
        if !was.is_empty() {
            let so_what = format!("Firing when last known: {}.", was.join(", "));
            finding = finding.so_what(so_what);
        }
        let feed = speakers(snap.model, subject).next();
        for (text, doubt, rules) in reasons {
            finding = finding.evidence(Evidence {
                what: rules.join(", "),
                value: text,
                limit: String::new(),
                source: feed.map_or_else(String::new, |feed| feed.spec.id.to_string()),
                at: told_at(doubt, feed, snap),
            });
        }
        Some(finding)
    }

    /// One finding for each stream of objects that is silent, with what was known when it fell so.
    /// What nobody may list is another rule's to say.
    pub(super) fn not_told(&self, snap: &Snapshot, subject: &Subject) -> Vec<Finding> {
        let Some(cluster) = snap.model.objects().cluster(&subject.path) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for kind in ObjectKind::ALL {
            for feed in cluster.feeds(*kind).map(|at| &snap.model.feeds()[at]) {
                let Err(doubt) = snap.believed(feed, *kind) else {
                    continue;
                };
                let asked = feed.last_poll.is_some();
                if asked && !feed.outage.as_ref().is_some_and(is_forbidden) {
                    found.push(self.silence(subject, cluster, (*kind, feed), &doubt));
                }
            }
        }
        found
    }

    fn silence(
        &self,
        subject: &Subject,
        cluster: &Cluster,
        (kind, feed): (ObjectKind, &Feed),
        doubt: &Doubt,
    ) -> Finding {
        let known = match cluster.count(kind) {
            0 => kind.plural().to_owned(),
            count => counted(count, kind.subject_kind().word()),
        };
        let summary = match doubt {
            Doubt::StaleObjects(_, age) => {
                format!("{known} cannot be judged: last told {} ago", span(*age))
            }
            _ => format!("{known} cannot be judged: {doubt}"),
        };
        let finding = Finding::new(&NOT_KNOWN, subject, Severity::Unknown, summary)
            .key(feed.spec.id.to_string());
        let first = Subject::new(kind.subject_kind(), format!("{}/", cluster.name()));
        let of_kind = self.verdicts.range(first.clone()..);
        let of_kind = of_kind
            .take_while(|(s, _)| s.kind == first.kind && s.path.starts_with(&*first.path))
            .flat_map(|(_, held)| held.values());
        let fired: Vec<String> = of_kind
            .flat_map(|held| held.suspended.iter().map(|(id, _)| id.to_string()))
            .collect();
        if fired.is_empty() {
            return finding;
        }
        finding.so_what(format!(
            "Firing when last known: {}.",
            some_of(&fired, NAMED)
        ))
    }
}

/// When the last word on the matter was heard.
fn told_at(doubt: &Doubt, feed: Option<&Feed>, snap: &Snapshot) -> Stamp {
    match (doubt, feed.and_then(|feed| feed.last_poll)) {
        (Doubt::Stale(_, age), _) => snap.now.stamp - *age,
        (_, Some(poll)) => poll.stamp,
        (_, None) => snap.now.stamp,
    }
}
