//! Scrape targets that Prometheus cannot scrape.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::facts::{FactKind, ScrapeTarget, ScrapeTargets};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-target-down",
    doc: "Prometheus cannot scrape targets
Threshold: one target down (kubernetes mixin: TargetDown warns from 10 % of a job; here any, because
the first ones are named). All of them down is critical.
It matters because alerts on what is not scraped cannot fire.
Look at the error of the scrape. A target that is watched here too is told on its own, so that it
folds under what is known about it.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::ScrapeTargets],
    causes: &[
        Cause::same("target-down"),
        Cause::same("etcd-member-down"),
        Cause::host("host-down"),
        Cause::same("sources-disagree"),
    ],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let Some(targets) = snap.told::<ScrapeTargets>(server)? else {
        return Ok(Verdict::NotApplicable);
    };
    let down: Vec<&ScrapeTarget> = targets.value.failing.iter().filter(|t| t.down).collect();
    let mut found = Vec::new();
    let mut others = Vec::new();
    for target in &down {
        match own(snap, &target.instance, server) {
            Some(subject) => found.push(known(server, subject, target, &targets)),
            None => others.push(*target),
        }
    }
    // Failing targets beyond those kept are counted and have no name.
    let unnamed = (targets.value.down as usize).saturating_sub(down.len());
    if !others.is_empty() || unnamed > 0 {
        found.push(rest(server, &others, others.len() + unnamed, &targets));
    }
    Ok(found.into())
}

/// What we watch ourselves at that very endpoint. A shared machine is not enough: the failure of
/// something else on a host is not the host's.
fn own<'a>(snap: &Snapshot<'a>, instance: &str, server: &Subject) -> Option<&'a Subject> {
    let feed = snap.model.topology().feed_at(instance, server)?;
    Some(snap.model.feeds()[feed].subject())
}

fn known(
    server: &Subject,
    subject: &Subject,
    target: &ScrapeTarget,
    targets: &Reading<ScrapeTargets>,
) -> Finding {
    let summary = format!("{server} cannot scrape {}: {}", name(target), target.error);
    let evidence = Evidence::of(targets, "scrape", target.error.to_string(), "up");
    Finding::new(&RULE, subject, Severity::Warning, summary)
        .key(format!("{server} {}", target.url))
        .evidence(evidence)
}

fn rest(
    server: &Subject,
    others: &[&ScrapeTarget],
    count: usize,
    targets: &Reading<ScrapeTargets>,
) -> Finding {
    let (up, total) = (targets.value.up, targets.value.total());
    let severity = if up == 0 {
        Severity::Critical
    } else {
        Severity::Warning
    };
    let names: Vec<String> = others.iter().map(|target| name(target)).collect();
    let some = match names.as_slice() {
        [] => String::new(),
        names => format!(": {}", some_of(names, 3)),
    };
    let summary = format!("{count} of {total} targets down{some}");
    let value = format!("up {up} of {total}");
    let mut finding = Finding::new(&RULE, server, severity, summary)
        .so_what("Alerts on what is not scraped cannot fire.")
        .evidence(Evidence::of(targets, "targets", value, "all up"));
    for target in others.iter().take(5) {
        let error = target.error.to_string();
        finding = finding.evidence(Evidence::of(targets, &name(target), error, "up"));
    }
    finding
}

fn name(target: &ScrapeTarget) -> String {
    format!("{}/{}", target.job, target.instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::observation::Layer;

    const NODE: &str = "node-exporter/a http://10.0.0.1:9100";

    fn targets(up: u32, down: &[&str]) -> ScrapeTargets {
        let failing = |instance: &&str| ScrapeTarget {
            job: "node".into(),
            instance: (*instance).into(),
            url: format!("http://{instance}/metrics").into(),
            error: "connection refused".into(),
            down: true,
            ..ScrapeTarget::default()
        };
        ScrapeTargets {
            up,
            down: u32::try_from(down.len()).unwrap(),
            unknown: 0,
            failing: down.iter().map(failing).collect(),
        }
    }

    #[test]
    fn the_first_ones_are_named_and_the_rest_counted() {
        let down = ["w1:9100", "w2:9100", "w3:9100", "w4:9100"];
        let w = Scenario::prometheus([targets(1180, &down).into()]);
        assert_eq!(
            w.says(&RULE, "prometheus/a"),
            "WARN prometheus/a 4 of 1184 targets down: \
             node/w1:9100, node/w2:9100, node/w3:9100 and 1 more"
        );
        let w = Scenario::prometheus([targets(0, &down).into()]);
        assert!(w.says(&RULE, "prometheus/a").starts_with("CRIT"));
        let w = Scenario::prometheus([targets(3, &[]).into()]);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
    }

    #[test]
    fn a_target_that_we_miss_too_folds_under_what_we_know() {
        let mut w = Scenario::prometheus([targets(5, &["10.0.0.1:9100"]).into()]);
        w.feed(NODE, "host/cp-1");
        w.fail(NODE, Layer::Timeout, "connecting for 5s").run();
        let rows = w.rows();
        assert!(rows.contains("CRIT host-down host/cp-1\n"), "{rows}");
        assert!(
            rows.contains("  prometheus-target-down host/cp-1\n"),
            "{rows}"
        );
        assert!(
            !rows.contains("prometheus-target-down prometheus/a"),
            "{rows}"
        );
    }
}
