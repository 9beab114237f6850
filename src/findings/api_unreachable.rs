//! Nothing of a Kubernetes cluster answers: its API server is down or cut off.

use super::kinds_not_permitted::is_forbidden;
use super::target_down::{missed_one, refused};
use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::clock::{Now, Stamp};
use crate::model::{Feed, Snapshot};
use crate::observation::Layer;
use crate::subject::{Subject, SubjectKind};
use crate::units::span;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "api-unreachable",
    doc: "a Kubernetes API server does not answer
Threshold: every stream of objects of the cluster is silent or refused, and no poll was answered
since; a warning after the first failure, critical from the second in a row.
It matters because nothing in the cluster can be changed or repaired until it is back; what runs
goes on running, and everything shown of it is only remembered.
Look at the layer that is named, at the load balancer before it, and at its host and etcd.",
    on: &[SubjectKind::Cluster],
    needs: &[],
    causes: &[Cause::host("host-down")],
    check,
};

fn check(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let feeds: Vec<&Feed> = snap.model.feeds_for(cluster).collect();
    let may = |feed: &&&Feed| !feed.outage.as_ref().is_some_and(is_forbidden);
    let asked: Vec<&Feed> = feeds.iter().filter(may).copied().collect();
    let (streams, polls): (Vec<&Feed>, Vec<&Feed>) = asked
        .into_iter()
        .partition(|feed| feed.spec.tells.is_some());
    let Some(began) = silence_began(if streams.is_empty() { &polls } else { &streams }) else {
        return Verdict::Clear;
    };
    let is_cut_off = |feed: &&Feed| {
        silent_since(feed).is_some() || feed.last_poll.is_none_or(|poll| poll.stamp < began)
    };
    if !polls.iter().all(is_cut_off) {
        return Verdict::Clear;
    }
    let mut silent = polls.iter().chain(&streams);
    let Some(feed) = silent.find(|feed| feed.outage.is_some()) else {
        return Verdict::Clear;
    };
    let silent: Vec<&Feed> = polls.iter().chain(&streams).copied().collect();
    finding(snap, cluster, feed)
        .evidence(last_heard(snap, &silent))
        .into()
}

/// When any of these feeds was answered last, and how many of them now are silent.
fn last_heard(snap: &Snapshot, feeds: &[&Feed]) -> Evidence {
    let latest = feeds
        .iter()
        .filter_map(|feed| feed.last_ok.map(|ok| (ok, feed)));
    let latest = latest.max_by_key(|(ok, _)| ok.stamp);
    let failing = feeds.iter().filter(|feed| feed.outage.is_some()).count();
    let ago = |ok: Now| format!("{} ago", span(snap.now.stamp.since(ok.stamp)));
    let age = latest.map_or("never".into(), |(ok, _)| ago(ok));
    Evidence {
        what: "last answer of any feed".into(),
        value: format!("{age}, {failing} of {} silent", feeds.len()),
        limit: String::new(),
        source: latest.map_or_else(String::new, |(_, feed)| feed.spec.id.to_string()),
        at: latest.map_or(snap.now.stamp, |(ok, _)| ok.stamp),
    }
}

/// When the last of these fell silent, if all of them are.
fn silence_began(feeds: &[&Feed]) -> Option<Stamp> {
    let since: Option<Vec<Stamp>> = feeds.iter().map(|feed| silent_since(feed)).collect();
    since?.into_iter().max()
}

/// An answer that cannot be read is an answer: that is for `target-down` to say.
fn silent_since(feed: &Feed) -> Option<Stamp> {
    let layer = feed.outage.as_ref()?.layer;
    matches!(layer, Layer::Tcp | Layer::Timeout).then_some(feed.failing_since?.stamp)
}

fn finding(snap: &Snapshot, cluster: &Subject, feed: &Feed) -> Finding {
    let outage = feed.outage.as_ref();
    let detail = outage.map_or_else(String::new, ToString::to_string);
    let what = if outage.is_some_and(refused) {
        "refuses"
    } else {
        "does not answer"
    };
    let severity = if missed_one(feed) {
        Severity::Warning
    } else {
        Severity::Critical
    };
    let summary = format!("API server of {} {what}: {detail}", cluster.path);
    Finding::new(&RULE, cluster, severity, summary)
        .so_what("Nothing can be changed or repaired; what runs goes on running.")
        .evidence(Evidence {
            what: "last poll".into(),
            value: detail,
            limit: String::new(),
            source: feed.spec.id.to_string(),
            at: feed.last_poll.map_or(snap.now.stamp, |poll| poll.stamp),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::kube::api;
    use crate::findings::scenario::objects::{container, node, pod, waiting};
    use crate::objects::ObjectKind;

    const CLUSTER: &str = "cluster/prod";

    fn world() -> Scenario {
        Scenario::kube([
            node("w-1", |_| {}),
            pod("web-1", |pod| {
                pod.ready = false;
                pod.containers = [waiting(container("web"), "CrashLoopBackOff")].into();
            }),
        ])
    }

    #[test]
    fn all_that_is_silent_is_one_row_and_says_what_was_wrong() {
        let mut w = world();
        w.run();
        assert_eq!(w.rows(), "WARN pod-crash-looping pod/prod/shop/web-1\n");
        for _ in 0..2 {
            w.wait(5)
                .fail_all(Layer::Tcp, "10.0.0.1 refused the connection");
        }
        w.run();
        assert_eq!(w.ledger.roots().len(), 1, "{}", w.rows());
        assert!(w.rows().starts_with("CRIT api-unreachable cluster/prod\n"));
        let row = &w.ledger.roots()[0].finding;
        assert_eq!(
            row.summary,
            "API server of prod refuses: TCP: 10.0.0.1 refused the connection"
        );
        let heard = row
            .evidence
            .iter()
            .find(|e| e.what.starts_with("last answer"));
        let feeds = ObjectKind::ALL.len() + 2;
        assert_eq!(
            heard.map(|e| &*e.value),
            Some(&*format!("10s ago, {feeds} of {feeds} silent"))
        );
        assert_eq!(w.rows().matches("target-down").count(), 1, "{}", w.rows());
        let pods = w
            .ledger
            .entries()
            .find(|entry| entry.id.key.ends_with(" pods"));
        let pods = &pods.unwrap().finding;
        assert_eq!(pods.summary, "1 pod cannot be judged: last told 10s ago");
        assert_eq!(
            pods.so_what,
            "Firing when last known: pod-crash-looping pod/prod/shop/web-1."
        );
        w.wait(5).hear().run();
        w.wait(10).hear().run();
        assert_eq!(w.rows(), "WARN pod-crash-looping pod/prod/shop/web-1\n");
    }

    #[test]
    fn one_silent_stream_is_not_the_server() {
        let mut w = world();
        w.wait(5).hear();
        for _ in 0..2 {
            w.wait(1).lose_watch(ObjectKind::Pod);
        }
        assert_eq!(w.says(&RULE, CLUSTER), "clear");
        w.run();
        assert_eq!(
            w.rows(),
            "CRIT target-down cluster/prod\n  not-known cluster/prod\n"
        );
    }

    #[test]
    fn a_poll_that_is_answered_since_speaks_against_it() {
        let mut w = world();
        w.wait(5).fail_all(Layer::Timeout, "no answer in 5s");
        assert!(
            w.says(&RULE, CLUSTER)
                .starts_with("WARN cluster/prod API server")
        );
        w.wait(5).api([api().into()]);
        assert_eq!(w.says(&RULE, CLUSTER), "clear");
    }

    #[test]
    fn a_thousand_pods_of_a_silent_watch_are_no_rows() {
        let waits = |n: usize| {
            pod(&format!("p-{n:04}"), |pod| {
                pod.ready = false;
                pod.containers = [waiting(container("web"), "ImagePullBackOff")].into();
            })
        };
        let mut w = Scenario::kube((0..1000).map(waits));
        w.run();
        assert_eq!(w.ledger.counts().all, 1000);
        w.wait(5).lose_watch(ObjectKind::Pod).run();
        assert_eq!(w.ledger.counts().all, 2, "{}", w.rows());
        let told = w.ledger.entries().find(|e| &*e.id.rule == "not-known");
        let told = &told.unwrap().finding;
        assert_eq!(told.summary, "1000 pods cannot be judged: last told 5s ago");
        assert!(told.so_what.ends_with("and 995 more."), "{}", told.so_what);
    }
}
