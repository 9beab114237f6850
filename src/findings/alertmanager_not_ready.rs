//! An Alertmanager that runs and does not serve.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{AlertmanagerStatus, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "alertmanager-not-ready",
    doc: "an Alertmanager is not ready
Threshold: `/-/ready` says no (Alertmanager documentation, management API).
It matters because alerts that arrive there may not be sent on.
Look at its log and at the reachability of its peers.",
    on: &[SubjectKind::Alertmanager],
    needs: &[FactKind::AlertmanagerStatus],
    causes: &[],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<AlertmanagerStatus>(server)?;
    if status.value.ready {
        return Ok(Verdict::Clear);
    }
    let cluster = &status.value.cluster;
    let summary = format!("not ready; its cluster is {cluster}");
    let finding = Finding::new(&RULE, server, Severity::Critical, summary)
        .so_what("Alerts that arrive there may not be sent on.")
        .evidence(Evidence::of(&status, "/-/ready", "no", "yes"));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    #[test]
    fn its_own_word_is_taken() {
        for (ready, expected) in [
            (true, "clear"),
            (
                false,
                "CRIT alertmanager/m not ready; its cluster is settling",
            ),
        ] {
            let status = AlertmanagerStatus {
                ready,
                cluster: "settling".into(),
                ..AlertmanagerStatus::default()
            };
            let mut w = Scenario::new();
            w.feed("alertmanager/m http://m:9093", "alertmanager/m");
            w.tell(
                "alertmanager/m http://m:9093",
                [("alertmanager/m", status.into())],
            );
            assert_eq!(w.says(&RULE, "alertmanager/m"), expected);
        }
    }
}
