//! A Prometheus that runs and does not serve yet.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, PrometheusStatus};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-not-ready",
    doc: "Prometheus is not ready
Threshold: `/-/ready` says no (Prometheus documentation: 503 while the write-ahead log is replayed).
It matters because no rule is evaluated and no alert is sent until it is.
Look how far the replay is; a crash loop by lack of memory never gets to its end.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::PrometheusStatus],
    causes: &[],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<PrometheusStatus>(server)?;
    if status.value.ready {
        return Ok(Verdict::Clear);
    }
    let summary = "not ready: the write-ahead log may be replayed";
    let finding = Finding::new(&RULE, server, Severity::Critical, summary)
        .so_what("No rule is evaluated and no alert is sent.")
        .evidence(Evidence::of(&status, "/-/ready", "no", "yes"));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    #[test]
    fn its_own_word_is_taken() {
        for (ready, start) in [(true, "clear"), (false, "CRIT prometheus/a not ready")] {
            let status = PrometheusStatus {
                ready,
                ..PrometheusStatus::default()
            };
            let w = Scenario::prometheus([status.into()]);
            assert!(w.says(&RULE, "prometheus/a").starts_with(start));
        }
    }
}
