//! A target that fails: nothing of what it should tell is known any more. Streams and polls of one
//! server are one row, with each of them in its evidence. Knows no protocol.

use super::kinds_not_permitted::is_forbidden_part;
use super::{Cause, Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::clock::Now;
use crate::model::{Feed, Freshness, Snapshot};
use crate::observation::{Layer, Outage};
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// Feeds of one target that have a line of evidence each.
const TOLD: usize = 8;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "target-down",
    doc: "a target does not answer
Threshold: one failed poll. Silence (timeout, unreachable) is critical from the second failed poll in
a row, or where no answer ever came, and a warning before, as is that of a time server; a refused
connection is critical for a cluster service and a warning for node_exporter and SNTP, because the
host itself answered; a name that cannot be resolved says nothing about the host and is unknown, as
is an answer that cannot be read (TLS, auth, protocol). All streams and polls of one API server are
one finding, as grave as the gravest of them.
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

/// What is wrong with one feed.
struct Fault<'a> {
    feed: &'a Feed,
    severity: Severity,
    what: What,
    /// What its last poll met; none where no poll failed and none came.
    outage: Option<&'a Outage>,
}

/// What a feed does instead of answering.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Refuses,
    Missed,
    Silent,
    Nameless,
    Unasked,
    Unread,
    Overdue,
}

impl What {
    fn words(self, count: usize) -> &'static str {
        let (one, many) = match self {
            Self::Refuses => ("refuses", "refuse"),
            Self::Missed => ("missed one answer", "missed one answer"),
            Self::Silent => ("does not answer", "do not answer"),
            Self::Nameless => ("cannot be resolved", "cannot be resolved"),
            Self::Unasked => ("cannot be asked", "cannot be asked"),
            Self::Unread => ("cannot be read", "cannot be read"),
            Self::Overdue => (
                "was not polled as often as it should be",
                "were not polled as often as they should be",
            ),
        };
        if count == 1 { one } else { many }
    }
}

/// Every stream and poll of one server that fails says the same of all of them, so that they are
/// one finding, whichever is judged. Several endpoints without streams are several servers.
fn check(snap: &Snapshot, target: &Subject) -> Verdict {
    let Some(feed) = snap.model.feed_of(target) else {
        return Verdict::NotApplicable;
    };
    if fault(snap, feed).is_none() {
        let asked = feed.outage.is_some() || feed.last_ok.is_some();
        return if asked {
            Verdict::Clear
        } else {
            Verdict::NotApplicable
        };
    }
    let beside = snap.model.feeds_for(feed.subject());
    let beside: Vec<&Feed> = beside
        .filter(|other| other.spec.id.target == feed.spec.id.target)
        // A kind of object that nobody may list is told of its cluster, with all others.
        .filter(|other| !is_forbidden_part(other))
        .collect();
    let streams = beside.iter().any(|other| other.spec.tells.is_some());
    let beside = if streams { beside } else { vec![feed] };
    let faults: Vec<Fault> = beside.iter().filter_map(|feed| fault(snap, feed)).collect();
    finding(snap, feed, beside.len(), &faults).into()
}

fn fault<'a>(snap: &Snapshot, feed: &'a Feed) -> Option<Fault<'a>> {
    let outage = feed.outage.as_ref();
    let (severity, what) = match outage {
        Some(_) if is_forbidden_part(feed) => return None,
        Some(outage) => match outage.layer {
            Layer::Tcp if refused(outage) => (refusal(feed), What::Refuses),
            Layer::Timeout | Layer::Tcp if missed_one(feed) => (silence(feed), What::Missed),
            Layer::Timeout | Layer::Tcp => (silence(feed), What::Silent),
            Layer::Dns => (Severity::Unknown, What::Nameless),
            Layer::Local => (Severity::Unknown, What::Unasked),
            _ => (Severity::Unknown, What::Unread),
        },
        // No failure was reported, yet no answer came: the poll itself hangs or was never started
        // again.
        None if feed.last_ok.is_some() && feed.freshness(snap.now.stamp) >= Freshness::Stale => {
            (Severity::Unknown, What::Overdue)
        }
        None => return None,
    };
    Some(Fault {
        feed,
        severity,
        what,
        outage,
    })
}

/// One finding for all feeds of a target that fail, of so many that there are.
fn finding(snap: &Snapshot, judged: &Feed, all: usize, faults: &[Fault]) -> Option<Finding> {
    let id = &judged.spec.id;
    let key = if all == 1 {
        id.to_string()
    } else {
        id.target.to_string()
    };
    // The first of the gravest speaks for the others.
    let severity = faults.iter().map(|fault| fault.severity).max()?;
    let worst = faults.iter().find(|fault| fault.severity == severity)?;
    let alike = faults.iter().all(|fault| fault.what == worst.what);
    let count = faults.len();
    let who = match (count, worst.what) {
        (1, What::Overdue) => format!("{} ", place(worst.feed)),
        (1, _) => match worst.feed.spec.tells {
            Some(kind) => format!("watch on {} ", kind.plural()),
            None => String::new(),
        },
        _ => format!("{count} of {all} feeds "),
    };
    let what = if alike {
        worst.what.words(count)
    } else {
        "fail"
    };
    let why = worst.outage.map_or_else(String::new, |outage| {
        format!(": {} ({})", outage.detail, outage.layer.word())
    });
    let hint = worst.outage.and_then(|outage| outage.hint.as_deref());
    let summary = format!("{who}{what}{why}");
    let mut finding = Finding::new(&RULE, judged.subject(), severity, summary)
        .key(key)
        .so_what(hint.unwrap_or_default());
    if faults.iter().all(|fault| fault.what == What::Nameless) {
        finding = finding.because(Cause::anywhere("resolver-down"));
    }
    let told = match faults {
        [one] => one_told(snap, one),
        many => many_told(snap, many),
    };
    finding.evidence.extend(told);
    Some(finding)
}

fn one_told(snap: &Snapshot, fault: &Fault) -> Vec<Evidence> {
    let feed = fault.feed;
    let failures = Evidence {
        what: "failed polls in a row".into(),
        value: feed.failures.to_string(),
        limit: ">= 1".into(),
        source: feed.spec.id.to_string(),
        at: polled(snap, feed).stamp,
    };
    let failed = fault.outage.is_some().then_some(failures);
    let last = last_answer(snap, feed, "last answer");
    std::iter::once(last).chain(failed).collect()
}

/// The longest silence first, then each feed with what it met.
fn many_told(snap: &Snapshot, faults: &[Fault]) -> Vec<Evidence> {
    let longest = faults
        .iter()
        .min_by_key(|fault| fault.feed.last_ok.map(|ok| ok.stamp));
    let longest = longest.map(|fault| last_answer(snap, fault.feed, "longest without an answer"));
    let each = faults.iter().take(TOLD).map(|fault| Evidence {
        what: place(fault.feed),
        value: fault.outage.map_or_else(
            || fault.what.words(1).to_owned(),
            |outage| format!("{} ({} in a row)", outage, fault.feed.failures),
        ),
        limit: String::new(),
        source: fault.feed.spec.id.target.to_string(),
        at: polled(snap, fault.feed).stamp,
    });
    let others: Vec<String> = faults.iter().skip(TOLD).map(|f| place(f.feed)).collect();
    let others = faults.get(TOLD).map(|fault| Evidence {
        what: "and as well".into(),
        value: some_of(&others, others.len()),
        limit: String::new(),
        source: fault.feed.spec.id.target.to_string(),
        at: polled(snap, fault.feed).stamp,
    });
    longest.into_iter().chain(each).chain(others).collect()
}

fn polled(snap: &Snapshot, feed: &Feed) -> Now {
    feed.last_poll.unwrap_or(snap.now)
}

fn place(feed: &Feed) -> String {
    let id = &feed.spec.id;
    if id.endpoint.is_empty() {
        id.target.to_string()
    } else {
        id.endpoint.to_string()
    }
}

fn last_answer(snap: &Snapshot, feed: &Feed, what: &str) -> Evidence {
    let age = |ok: Now| format!("{} ago", span(snap.now.stamp.since(ok.stamp)));
    Evidence {
        what: what.into(),
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
    use crate::findings::FindingId;
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

    #[test]
    fn feeds_of_one_target_that_fail_together_are_one_row_with_each_in_its_evidence() {
        let mut w = Scenario::kube([]);
        let all = ObjectKind::ALL.len() + 2;
        for _ in 0..2 {
            w.wait(5).fail_all(Layer::Tls, "unknown issuer");
        }
        let told = says(&w, "kubernetes/prod pods");
        assert_eq!(
            told,
            format!("UNKN cluster/prod {all} of {all} feeds cannot be read: unknown issuer (TLS)")
        );
        assert_eq!(says(&w, "kubernetes/prod nodes"), told);
        w.run();
        let is_ours = |id: &FindingId| *id.rule == *RULE.id;
        let roots = w.ledger.roots();
        let ours: Vec<_> = roots.iter().filter(|entry| is_ours(&entry.id)).collect();
        assert_eq!(ours.len(), 1, "{}", w.rows());
        assert_eq!(roots.len(), 1, "{}", w.rows());
        let evidence = &ours[0].finding.evidence;
        assert_eq!(evidence[0].what, "longest without an answer");
        assert!(evidence[0].value.ends_with("10s ago"), "{evidence:?}");
        let words: Vec<&str> = evidence
            .iter()
            .flat_map(|e| [&*e.what, &*e.value])
            .collect();
        for kind in ObjectKind::ALL {
            let named = |word: &&str| word.split(", ").any(|one| one == kind.plural());
            assert!(words.iter().any(named), "{kind:?} in {words:?}");
        }
    }

    #[test]
    fn the_row_follows_as_feeds_fail_and_come_back() {
        let mut w = Scenario::kube([]);
        let summary = |w: &Scenario| {
            let mut rows = w
                .ledger
                .entries()
                .filter(|entry| *entry.id.rule == *RULE.id);
            let told = rows.next().map(|entry| entry.finding.summary.clone());
            assert!(rows.next().is_none(), "{}", w.rows());
            told.unwrap_or_default()
        };
        let all = ObjectKind::ALL.len() + 2;
        w.wait(1).lose_watch(ObjectKind::Pod).run();
        assert!(summary(&w).starts_with("watch on pods missed one answer"));
        let since = w.ledger.roots()[0].since;
        w.wait(1).lose_watch(ObjectKind::Node).run();
        assert!(summary(&w).starts_with(&format!("2 of {all} feeds missed one answer")));
        w.wait(1).lose_watch(ObjectKind::Pod).run();
        assert!(summary(&w).starts_with(&format!("2 of {all} feeds fail")));
        w.wait(1).deltas(ObjectKind::Pod, Vec::new()).run();
        assert!(summary(&w).starts_with("watch on nodes missed one answer"));
        let row = w.ledger.roots();
        let row = row.iter().find(|entry| *entry.id.rule == *RULE.id);
        assert_eq!(
            row.map(|entry| entry.since),
            Some(since),
            "one row all along"
        );
        w.wait(1).hear().run();
        assert_eq!(summary(&w), "");
    }
}
