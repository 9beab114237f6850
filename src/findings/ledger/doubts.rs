//! What cannot be decided, counted and told as one finding for each subject.
//!
//! A check that waits for its second sample, or for a feed that was not asked yet, is no doubt
//! about the world: it is counted and not told.

use std::collections::BTreeMap;

use super::{Held, Ledger};
use crate::clock::Stamp;
use crate::findings::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::model::{Doubt, Feed, Model, Snapshot};
use crate::subject::{Subject, SubjectKind};

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
}

pub(super) fn shade(doubt: &Doubt, model: &Model, subject: &Subject) -> Shade {
    match doubt {
        Doubt::SecondSample => Shade::SecondSample,
        Doubt::Never(_) if speakers(model, subject).any(|feed| feed.last_poll.is_none()) => {
            Shade::Waiting
        }
        _ => Shade::Unknown,
    }
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
}

/// When the last word on the matter was heard.
fn told_at(doubt: &Doubt, feed: Option<&Feed>, snap: &Snapshot) -> Stamp {
    match (doubt, feed.and_then(|feed| feed.last_poll)) {
        (Doubt::Stale(_, age), _) => snap.now.stamp - *age,
        (_, Some(poll)) => poll.stamp,
        (_, None) => snap.now.stamp,
    }
}
