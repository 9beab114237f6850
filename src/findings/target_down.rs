//! A feed that fails: nothing of what it should tell is known any more. Knows no protocol.

use super::kinds_not_permitted::is_forbidden_part;
use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::clock::Now;
use crate::model::{Feed, Freshness, Snapshot};
use crate::observation::{Layer, Outage};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "target-down",
    doc: "a target does not answer
Threshold: one failed poll. Silence (timeout, unreachable) is critical from the second failed poll in
a row, or where no answer ever came, and a warning before, as is that of a time server; a refused
connection is critical for a cluster service and a warning for node_exporter and SNTP, because the
host itself answered; a name that cannot be resolved says nothing about the host and is unknown, as
is an answer that cannot be read (TLS, auth, protocol).
It matters because everything that this target tells is from then on only remembered.
Look at the layer that is named: it says how far the request came.",
    on: &[SubjectKind::Target],
    needs: &[],
    causes: &[
        Cause::same("etcd-unreachable"),
        Cause::whole("etcd-unreachable"),
        Cause::same("etcd-member-down"),
        Cause::same("api-unreachable"),
        Cause::host("host-down"),
    ],
    check,
};

fn check(snap: &Snapshot, target: &Subject) -> Verdict {
    let Some(feed) = snap.model.feed_of(target) else {
        return Verdict::NotApplicable;
    };
    match &feed.outage {
        // A kind of object that nobody may list is told of its cluster, with all others.
        Some(_) if is_forbidden_part(feed) => Verdict::Clear,
        Some(outage) => failing(snap, feed, outage).into(),
        None if feed.last_ok.is_some() => overdue(snap, feed).into(),
        None => Verdict::NotApplicable,
    }
}

fn failing(snap: &Snapshot, feed: &Feed, outage: &Outage) -> Finding {
    let (severity, what) = match outage.layer {
        Layer::Tcp if refused(outage) => (refusal(feed), "refuses"),
        Layer::Timeout | Layer::Tcp if missed_one(feed) => (silence(feed), "missed one answer"),
        Layer::Timeout | Layer::Tcp => (silence(feed), "does not answer"),
        Layer::Dns => (Severity::Unknown, "cannot be resolved"),
        Layer::Local => (Severity::Unknown, "cannot be asked"),
        _ => (Severity::Unknown, "cannot be read"),
    };
    let which = feed
        .spec
        .tells
        .map(|kind| format!("watch on {} ", kind.plural()));
    let which = which.unwrap_or_default();
    let summary = format!("{which}{what}: {} ({})", outage.detail, outage.layer.word());
    let hint = outage.hint.as_deref().unwrap_or_default();
    let mut finding = finding(feed, severity, summary);
    if outage.layer == Layer::Dns {
        finding = finding.because(Cause::anywhere("resolver-down"));
    }
    finding
        .so_what(hint)
        .evidence(last_answer(snap, feed))
        .evidence(Evidence {
            what: "failed polls in a row".into(),
            value: feed.failures.to_string(),
            limit: ">= 1".into(),
            source: feed.spec.id.to_string(),
            at: feed.last_poll.map_or(snap.now.stamp, |poll| poll.stamp),
        })
}

/// No failure was reported, yet no answer came: the poll itself hangs or was never started again.
fn overdue(snap: &Snapshot, feed: &Feed) -> Option<Finding> {
    if feed.freshness(snap.now.stamp) < Freshness::Stale {
        return None;
    }
    let summary = format!("{} was not polled as often as it should be", place(feed));
    let late = finding(feed, Severity::Unknown, summary);
    Some(late.evidence(last_answer(snap, feed)))
}

fn finding(feed: &Feed, severity: Severity, summary: String) -> Finding {
    Finding::new(&RULE, feed.subject(), severity, summary).key(feed.spec.id.to_string())
}

fn place(feed: &Feed) -> String {
    let id = &feed.spec.id;
    if id.endpoint.is_empty() {
        id.target.to_string()
    } else {
        id.endpoint.to_string()
    }
}

fn last_answer(snap: &Snapshot, feed: &Feed) -> Evidence {
    let age = |ok: Now| format!("{} ago", span(snap.now.stamp.since(ok.stamp)));
    Evidence {
        what: "last answer".into(),
        value: feed.last_ok.map_or("never".into(), age),
        limit: format!("every {}", span(feed.period())),
        source: feed.spec.id.to_string(),
        at: feed.last_ok.map_or(snap.now.stamp, |ok| ok.stamp),
    }
}

/// The clients write `refused` for `ECONNREFUSED` and for nothing else.
pub(super) fn refused(outage: &Outage) -> bool {
    outage.layer == Layer::Tcp && outage.detail.contains("refused")
}

/// One answer may be late or lost on any day. Of what never answered nothing better is known.
pub(super) fn missed_one(feed: &Feed) -> bool {
    feed.failures < 2 && feed.last_ok.is_some()
}

/// How grave it is that nobody answers at this feed, refusals included: what explains the same
/// silence is as grave.
pub(super) fn grade(feed: &Feed) -> Severity {
    match &feed.outage {
        Some(outage) if refused(outage) => refusal(feed),
        _ => silence(feed),
    }
}

/// A time server is one witness among others, and a datagram may be lost on any day.
fn silence(feed: &Feed) -> Severity {
    if feed.subject().kind == SubjectKind::Sntp || missed_one(feed) {
        Severity::Warning
    } else {
        Severity::Critical
    }
}

fn refusal(feed: &Feed) -> Severity {
    let host_answers = matches!(feed.subject().kind, SubjectKind::Host | SubjectKind::Sntp);
    if host_answers {
        Severity::Warning
    } else {
        Severity::Critical
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::objects::ObjectKind;

    const ETCD: &str = "etcd/prod https://10.0.0.1:2379";
    const NODE: &str = "node-exporter/a http://10.0.0.1:9100";

    fn world() -> Scenario {
        let mut world = Scenario::new();
        world.feed(ETCD, "etcd/prod/m1").feed(NODE, "host/a");
        world
    }

    fn says(world: &Scenario, feed: &str) -> String {
        world.says(&RULE, &format!("target/{feed}"))
    }

    #[test]
    fn a_refusal_is_graver_for_a_cluster_service_than_for_an_exporter() {
        let mut w = world();
        for feed in [ETCD, NODE] {
            w.fail(feed, Layer::Tcp, "10.0.0.1 refused the connection");
        }
        assert_eq!(
            says(&w, ETCD),
            "CRIT etcd/prod/m1 refuses: 10.0.0.1 refused the connection (TCP)"
        );
        assert!(says(&w, NODE).starts_with("WARN host/a refuses"));
    }

    #[test]
    fn a_silent_time_server_is_a_warning() {
        const TIME: &str = "sntp/pool 10.0.0.9:123";
        let mut w = world();
        w.feed(TIME, "sntp/pool");
        w.fail(TIME, Layer::Timeout, "no reply in 5s");
        assert!(says(&w, TIME).starts_with("WARN sntp/pool"));
    }

    #[test]
    fn silence_is_critical_and_what_cannot_be_read_is_unknown() {
        let mut w = world();
        w.fail(NODE, Layer::Timeout, "connecting for 5s");
        assert!(
            says(&w, NODE).starts_with("CRIT host/a does not answer: connecting for 5s (timeout)")
        );
        w.fail(NODE, Layer::Tls, "unknown issuer");
        assert!(says(&w, NODE).starts_with("UNKN host/a cannot be read: unknown issuer (TLS)"));
    }

    #[test]
    fn before_the_first_poll_nothing_is_said_and_an_overdue_one_is_unknown() {
        let mut w = world();
        assert_eq!(says(&w, NODE), "n/a");
        w.tell(NODE, []);
        assert_eq!(says(&w, NODE), "clear");
        w.wait(30);
        assert!(says(&w, NODE).starts_with("UNKN host/a http://10.0.0.1:9100 was not polled"));
    }

    #[test]
    fn one_missed_answer_is_a_warning_and_two_are_critical() {
        let mut w = world();
        w.tell(NODE, []);
        w.fail(NODE, Layer::Timeout, "connecting for 5s");
        assert_eq!(
            says(&w, NODE),
            "WARN host/a missed one answer: connecting for 5s (timeout)"
        );
        w.fail(NODE, Layer::Timeout, "connecting for 5s");
        assert!(says(&w, NODE).starts_with("CRIT host/a does not answer"));
    }

    #[test]
    fn a_name_that_cannot_be_resolved_says_nothing_about_the_host() {
        let mut w = world();
        for _ in 0..3 {
            w.fail(NODE, Layer::Dns, "no such name");
        }
        assert_eq!(
            says(&w, NODE),
            "UNKN host/a cannot be resolved: no such name (DNS)"
        );
    }

    #[test]
    fn a_stream_is_named_by_its_kind_and_what_is_forbidden_is_told_elsewhere() {
        let mut w = Scenario::kube([]);
        w.lose_watch(ObjectKind::Pod).forbid(ObjectKind::Quota);
        assert_eq!(
            says(&w, "kubernetes/prod pods"),
            "WARN cluster/prod watch on pods missed one answer: nothing heard in 15s (timeout)"
        );
        assert_eq!(says(&w, "kubernetes/prod resourcequotas"), "clear");
    }
}
