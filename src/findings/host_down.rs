//! A host from which no feed gets any answer. A refused connection is an answer of the host.

use super::target_down::{missed_one, refused};
use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::model::{Feed, Snapshot};
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "host-down",
    doc: "a host does not answer
Threshold: every feed of the host is silent (timeout, unreachable) for two polls in a row, or never
answered, and nothing else at its addresses answers; a warning after the first missed answer.
It matters because all that runs on it is down or cut off; what it told is only remembered.
Look whether others reach it: its console, its neighbours, the switch.",
    on: &[SubjectKind::Host],
    needs: &[crate::facts::FactKind::Os],
    causes: &[],
    check,
};

fn check(snap: &Snapshot, host: &Subject) -> Verdict {
    if snap.model.feeds_for(host).next().is_none() {
        return Verdict::NotApplicable;
    }
    let Some(feed) = snap.silence(host) else {
        return Verdict::Clear;
    };
    let feeds = snap.model.feeds();
    let beside = snap.model.topology().beside(host);
    if beside.iter().any(|at| answers(snap, &feeds[*at])) {
        return Verdict::Clear;
    }
    let outage = feed.outage.as_ref().map(ToString::to_string);
    let last = snap.age(host).map(|(age, _)| age);
    let missed_one = snap.model.feeds_for(host).any(missed_one);
    let severity = if missed_one {
        Severity::Warning
    } else {
        Severity::Critical
    };
    let summary = match last {
        Some(age) if missed_one => {
            format!("host missed one answer; last known {} ago", span(age))
        }
        Some(age) => format!("host does not answer; last known {} ago", span(age)),
        None => "host has never answered".into(),
    };
    Finding::new(&RULE, host, severity, summary)
        .so_what("What runs on it is down or cut off.")
        .evidence(Evidence {
            what: "last poll".into(),
            value: outage.unwrap_or_default(),
            limit: String::new(),
            source: feed.spec.id.to_string(),
            at: feed.last_poll.map_or(snap.now.stamp, |poll| poll.stamp),
        })
        .into()
}

/// Has anything behind this feed answered just now, be it with a refusal or an error?
fn answers(snap: &Snapshot, feed: &Feed) -> bool {
    match &feed.outage {
        None => feed.freshness(snap.now.stamp).is_usable(),
        Some(outage) => match outage.layer {
            Layer::Tcp => refused(outage),
            Layer::Timeout | Layer::Dns | Layer::Local => false,
            _ => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Mount, Os};
    use crate::findings::scenario::Scenario;

    const A: &str = "node-exporter/a http://10.0.0.1:9100";

    #[test]
    fn a_refused_connection_is_an_answer_of_the_host() {
        let mut w = Scenario::new();
        w.feed(A, "host/a");
        w.fail(A, Layer::Tcp, "10.0.0.1 refused the connection");
        assert_eq!(w.says(&RULE, "host/a"), "clear");
        w.fail(A, Layer::Timeout, "connecting for 5s");
        assert_eq!(
            w.says(&RULE, "host/a"),
            "CRIT host/a host has never answered"
        );
    }

    #[test]
    fn a_dead_host_explains_what_is_not_known_about_its_parts() {
        let mut w = Scenario::new();
        w.feed(A, "host/a");
        let os = Os::default();
        let mount = Mount::default();
        w.tell(A, [("host/a", os.into()), ("mount/a/var", mount.into())]);
        w.run();
        assert!(!w.rows().contains("mount/a/var"), "{}", w.rows());
        w.wait(10);
        for _ in 0..2 {
            w.fail(A, Layer::Timeout, "connecting for 5s");
        }
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT host-down host/a
  target-down host/a
    not-known host/a
    not-known mount/a/var
"
        );
    }

    #[test]
    fn a_name_that_cannot_be_resolved_is_no_dead_host() {
        let mut w = Scenario::new();
        w.feed(A, "host/a");
        for _ in 0..3 {
            w.fail(A, Layer::Dns, "no such name");
        }
        assert_eq!(w.says(&RULE, "host/a"), "clear");
    }

    #[test]
    fn one_missed_answer_is_a_warning_and_two_are_a_dead_host() {
        let mut w = Scenario::new();
        w.feed(A, "host/a");
        w.tell(A, [("host/a", Os::default().into())]);
        w.wait(10).fail(A, Layer::Timeout, "connecting for 5s");
        assert_eq!(
            w.says(&RULE, "host/a"),
            "WARN host/a host missed one answer; last known 10s ago"
        );
        w.fail(A, Layer::Timeout, "connecting for 5s");
        assert!(
            w.says(&RULE, "host/a")
                .starts_with("CRIT host/a host does not answer")
        );
    }

    #[test]
    fn a_host_on_which_something_else_answers_is_not_down() {
        let mut w = Scenario::new();
        w.feed(A, "host/a");
        w.fail(A, Layer::Timeout, "connecting for 5s");
        assert!(w.says(&RULE, "host/a").starts_with("CRIT"));
        let etcd = "etcd/prod https://10.0.0.1:2379";
        w.feed(etcd, "etcd/prod/m1");
        w.tell(etcd, []);
        assert_eq!(w.says(&RULE, "host/a"), "clear");
        w.fail(etcd, Layer::Tcp, "10.0.0.1 refused the connection");
        assert_eq!(w.says(&RULE, "host/a"), "clear");
        w.fail(etcd, Layer::Timeout, "connecting for 5s");
        w.fail(etcd, Layer::Timeout, "connecting for 5s");
        assert!(w.says(&RULE, "host/a").starts_with("CRIT"));
    }
}
