//! A host from which no feed gets any answer. A refused connection is an answer of the host.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::model::Snapshot;
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "host-down",
    doc: "a host does not answer
Threshold: every feed of the host fails with silence (timeout, DNS, unreachable), once.
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
    let refused = snap
        .model
        .feeds_for(host)
        .filter_map(|feed| feed.outage.as_ref())
        .any(super::target_down::refused);
    if refused {
        return Verdict::Clear;
    }
    let outage = feed.outage.as_ref().map(ToString::to_string);
    let last = snap.age(host).map(|(age, _)| age);
    let summary = match last {
        Some(age) => format!("host does not answer; last known {} ago", span(age)),
        None => "host has never answered".into(),
    };
    Finding::new(&RULE, host, Severity::Critical, summary)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Mount, Os};
    use crate::findings::scenario::Scenario;
    use crate::observation::Layer;

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
        w.wait(10)
            .fail(A, Layer::Timeout, "connecting for 5s")
            .run();
        assert_eq!(
            w.rows(),
            "CRIT host-down host/a
  target-down host/a
    not-known host/a
    not-known mount/a/var
"
        );
    }
}
