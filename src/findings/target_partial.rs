//! A feed that answers without a part of what it should bring. Knows no protocol.

use super::kinds_not_permitted::{self, is_forbidden};
use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::model::{Feed, Snapshot};
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "target-partial",
    doc: "a target answers only in part
Threshold: one part lost, or one item refused, because it is beyond a limit or cannot be true
(a negative size, more available than there is). A part that the server does not offer
is told as information; one that it denies or breaks off is a warning.
It matters because checks that rest on the missing part cannot be decided.
Look at the rights of the client, and at the limits of the target if items were refused.",
    on: &[SubjectKind::Target],
    needs: &[],
    causes: &[],
    check,
};

fn check(snap: &Snapshot, target: &Subject) -> Verdict {
    let Some(feed) = snap.model.feed_of(target) else {
        return Verdict::NotApplicable;
    };
    if feed.outage.is_some() || feed.last_ok.is_none() {
        return Verdict::NotApplicable;
    }
    let found: Vec<Finding> = lost(feed).into_iter().chain(refused(feed)).collect();
    found.into()
}

fn lost(feed: &Feed) -> Option<Finding> {
    let first = feed.lost.first()?;
    let offered = |layer| layer != Layer::Protocol;
    let severity = if feed.lost.iter().any(|lost| offered(lost.outage.layer)) {
        Severity::Warning
    } else {
        Severity::Info
    };
    // A feed that asks each member loses the same part as often as there are members.
    let mut kinds: Vec<String> = Vec::new();
    let mut told: Vec<(String, String)> = Vec::new();
    for lost in &feed.lost {
        let (kind, why) = (lost.kind.to_string(), lost.outage.to_string());
        if !kinds.contains(&kind) {
            kinds.push(kind.clone());
        }
        if !told.contains(&(kind.clone(), why.clone())) {
            told.push((kind, why));
        }
    }
    let summary = format!("answers without {}: {}", kinds.join(", "), first.outage);
    let mut finding = Finding::new(&RULE, feed.subject(), severity, summary)
        .key(feed.spec.id.to_string())
        .so_what(first.outage.hint.as_deref().unwrap_or_default());
    if feed.lost.iter().all(|lost| is_forbidden(&lost.outage)) {
        finding = finding.because(Cause::same(kinds_not_permitted::RULE.id));
    }
    for (kind, why) in &told {
        finding = finding.evidence(evidence(feed, kind, why));
    }
    Some(finding)
}

fn refused(feed: &Feed) -> Option<Finding> {
    let summary = format!(
        "{} items refused: over a limit, or impossible",
        feed.refused
    );
    let finding = Finding::new(&RULE, feed.subject(), Severity::Warning, summary)
        .key(format!("{} refused", feed.spec.id))
        .so_what("What was refused is not judged.")
        .evidence(evidence(feed, "items refused", &feed.refused));
    (feed.refused > 0).then_some(finding)
}

fn evidence(feed: &Feed, what: &str, value: &impl ToString) -> Evidence {
    Evidence {
        what: what.into(),
        value: value.to_string(),
        limit: String::new(),
        source: feed.spec.id.to_string(),
        at: feed.last_ok.map(|ok| ok.stamp).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactKind;
    use crate::findings::scenario::Scenario;

    const ETCD: &str = "etcd/prod https://10.0.0.1:2379";

    #[test]
    fn a_denied_part_is_named_with_its_reason() {
        let mut w = Scenario::new();
        w.feed(ETCD, "etcd/prod/m1");
        w.tell_but(ETCD, [], &[FactKind::EtcdMetrics, FactKind::EtcdHash]);
        assert_eq!(
            w.says(&RULE, &format!("target/{ETCD}")),
            "WARN etcd/prod/m1 answers without etcd metrics, etcd hash: auth: 403 Forbidden"
        );
        w.tell(ETCD, []);
        assert_eq!(w.says(&RULE, &format!("target/{ETCD}")), "clear");
    }

    #[test]
    fn a_part_lost_of_each_member_is_named_once() {
        let mut w = Scenario::new();
        w.feed(ETCD, "etcd/prod/m1");
        w.tell_but(ETCD, [], &[FactKind::EtcdHash; 3]);
        let target = format!("target/{ETCD}");
        assert_eq!(
            w.says(&RULE, &target),
            "WARN etcd/prod/m1 answers without etcd hash: auth: 403 Forbidden"
        );
        let Verdict::Firing(found) = w.verdict(&RULE, &target) else {
            panic!("it does not fire")
        };
        assert_eq!(found[0].evidence.len(), 1);
    }
}
