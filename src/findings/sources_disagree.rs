//! Two sources that tell things about one subject which cannot both be true.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Factual, Memory, Os, ScrapeTarget, ScrapeTargets};
use crate::model::{Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// Shares of memory by which two honest readings may differ: the kernel may reserve some for a
/// crash kernel and tell it or not (own choice).
const MEMORY_APART: f64 = 0.02;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "sources-disagree",
    doc: "two sources contradict each other
Threshold: Prometheus cannot scrape an endpoint that answers here, or two feeds of one host differ in
its name or by 2 % in its memory (own choice). Disagreement of etcd members is etcd-split.
It matters because one of the two is wrong, and verdicts rest on either.
Look at the way from each to the subject: a firewall between, two machines under one name.",
    on: &[SubjectKind::Host, SubjectKind::Prometheus],
    needs: &[FactKind::Memory, FactKind::Os, FactKind::ScrapeTargets],
    causes: &[],
    check: |snap, subject| match subject.kind {
        SubjectKind::Prometheus => scrapes(snap, subject),
        _ => machines(snap, subject).into(),
    },
};

fn scrapes(snap: &Snapshot, server: &Subject) -> Verdict {
    let targets = match snap.told::<ScrapeTargets>(server) {
        Ok(Some(targets)) => targets,
        Ok(None) => return Verdict::NotApplicable,
        Err(doubt) => return doubt.into(),
    };
    let down = targets.value.failing.iter().filter(|target| target.down);
    let found: Vec<Finding> = down
        .filter_map(|target| contradicted(snap, server, target, &targets))
        .collect();
    found.into()
}

fn contradicted(
    snap: &Snapshot,
    server: &Subject,
    target: &ScrapeTarget,
    targets: &Reading<ScrapeTargets>,
) -> Option<Finding> {
    let feed = snap.model.topology().feed_at(&target.instance, server)?;
    let feed = snap.model.feeds().get(feed)?;
    let answered = feed.last_ok?;
    if !feed.freshness(snap.now.stamp).is_usable() {
        return None;
    }
    // What answered before it could not be scraped may have died in between.
    if target
        .last_scrape
        .is_some_and(|failed| snap.now.wall_at(answered.stamp) < failed)
    {
        return None;
    }
    let instance = &target.instance;
    let summary = format!("{server} cannot scrape {instance}, which answers here");
    let theirs = Evidence::of(targets, "scrape", target.error.to_string(), "up");
    let ours = Evidence {
        what: "poll".into(),
        value: "answered".into(),
        limit: String::new(),
        source: feed.spec.id.to_string(),
        at: answered.stamp,
    };
    Some(
        Finding::new(&RULE, feed.subject(), Severity::Warning, summary)
            .key(format!("{server} {}", target.url))
            .so_what("The way from Prometheus to it is broken, or its credentials are.")
            .evidence(theirs)
            .against(ours),
    )
}

fn machines(snap: &Snapshot, host: &Subject) -> Vec<Finding> {
    let names = usable::<Os>(snap, host);
    let names = apart(&names, |a, b| {
        a.hostname.is_empty() || b.hostname.is_empty() || a.hostname == b.hostname
    })
    .map(|(a, b)| pair(host, "hostname", a, b, |os| os.hostname.to_string()));
    let sizes = usable::<Memory>(snap, host);
    let sizes = apart(&sizes, |a, b| {
        let (a, b) = (a.total.as_f64(), b.total.as_f64());
        (a - b).abs() <= a.max(b) * MEMORY_APART
    })
    .map(|(a, b)| pair(host, "memory", a, b, |memory| memory.total.to_string()));
    names.into_iter().chain(sizes).collect()
}

fn usable<'a, T: Factual>(snap: &Snapshot<'a>, host: &Subject) -> Vec<Reading<'a, T>> {
    let mut readings = snap.readings::<T>(host);
    readings.retain(|reading| reading.freshness.is_usable());
    // By name, so that which of the two is told first does not change with their ages.
    readings.sort_by(|a, b| a.feed.spec.id.cmp(&b.feed.spec.id));
    readings
}

/// The first reading and the first other that does not agree with it.
fn apart<'r, 'a, T>(
    readings: &'r [Reading<'a, T>],
    agree: impl Fn(&T, &T) -> bool,
) -> Option<(&'r Reading<'a, T>, &'r Reading<'a, T>)> {
    let (first, rest) = readings.split_first()?;
    let other = rest.iter().find(|other| !agree(first.value, other.value))?;
    Some((first, other))
}

fn pair<T: Factual>(
    host: &Subject,
    what: &str,
    a: &Reading<T>,
    b: &Reading<T>,
    value: impl Fn(&T) -> String,
) -> Finding {
    let (left, right) = (value(a.value), value(b.value));
    let (first, second) = (&a.feed.spec.id.target, &b.feed.spec.id.target);
    let summary = format!("{what} is {left} by {first} and {right} by {second}");
    Finding::new(&RULE, host, Severity::Warning, summary)
        .key(what)
        .so_what("Two machines may be watched under one name.")
        .evidence(Evidence::of(a, what, left, "equal"))
        .against(Evidence::of(b, what, right, "equal"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::observation::Layer;
    use crate::units::Bytes;

    const NODE: &str = "node-exporter/a http://10.0.0.1:9100";

    #[test]
    fn a_scrape_that_fails_where_we_succeed_is_a_contradiction() {
        let failing = ScrapeTarget {
            job: "node".into(),
            instance: "10.0.0.1:9100".into(),
            url: "http://10.0.0.1:9100/metrics".into(),
            error: "context deadline exceeded".into(),
            down: true,
            ..ScrapeTarget::default()
        };
        let targets = ScrapeTargets {
            up: 1,
            down: 1,
            unknown: 0,
            failing: vec![failing],
        };
        let mut w = Scenario::prometheus([targets.into()]);
        w.feed(NODE, "host/cp-1");
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
        w.tell(NODE, [("host/cp-1", Os::default().into())]);
        assert_eq!(
            w.says(&RULE, "prometheus/a"),
            "WARN host/cp-1 prometheus/a cannot scrape 10.0.0.1:9100, which answers here"
        );
        w.run();
        let rows = w.rows();
        let folded = "WARN sources-disagree host/cp-1\n  prometheus-target-down host/cp-1\n";
        assert!(rows.contains(folded), "{rows}");
    }

    #[test]
    fn two_machines_under_one_name_are_found_by_their_memory() {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a").feed(NODE, "host/a");
        for (gibibytes, expected) in [
            (64, "clear"),
            (
                32,
                "WARN host/a memory is 64.0 GiB by local/a and 32.0 GiB by node-exporter/a",
            ),
        ] {
            let memory = |total: u64| Memory {
                total: Bytes(total << 30),
                ..Memory::default()
            };
            w.tell("local/a", [("host/a", memory(64).into())]);
            w.tell(NODE, [("host/a", memory(gibibytes).into())]);
            assert_eq!(w.says(&RULE, "host/a"), expected);
        }
    }

    fn unscraped(last_scrape: Option<jiff::Timestamp>) -> Scenario {
        let failing = ScrapeTarget {
            instance: "10.0.0.1:9100".into(),
            last_scrape,
            down: true,
            ..ScrapeTarget::default()
        };
        let targets = ScrapeTargets {
            down: 1,
            failing: vec![failing],
            ..ScrapeTargets::default()
        };
        let mut w = Scenario::prometheus([targets.into()]);
        w.feed(NODE, "host/cp-1");
        w.tell(NODE, [("host/cp-1", Os::default().into())]);
        w
    }

    #[test]
    fn it_ends_with_the_answers_of_the_other_side() {
        let mut w = unscraped(None);
        let fires = |w: &mut Scenario| w.run().rows().contains("sources-disagree");
        assert!(fires(&mut w));
        w.fail(NODE, Layer::Timeout, "connecting for 5s");
        assert!(!fires(&mut w), "{}", w.rows());
    }

    #[test]
    fn an_answer_from_before_the_failed_scrape_contradicts_nothing() {
        let then = crate::clock::Now::fixed();
        let later = then.plus(std::time::Duration::from_secs(5)).wall;
        assert_eq!(unscraped(Some(later)).says(&RULE, "prometheus/a"), "clear");
        let w = unscraped(Some(then.wall));
        assert!(w.says(&RULE, "prometheus/a").starts_with("WARN"));
    }
}
