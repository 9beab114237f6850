//! An Alertmanager that should have peers and sees none.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{AlertmanagerStatus, FactKind};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "alertmanager-alone",
    doc: "an Alertmanager has lost its peers
Threshold: one member in its cluster, itself, while two or more Alertmanagers are watched
(Alertmanager mixin: AlertmanagerMembersInconsistent). One that is alone by configuration is well.
It matters because silences are not shared and every alert is sent more than once.
Look at the gossip port (9094, TCP and UDP) between them.",
    on: &[SubjectKind::Alertmanager],
    needs: &[FactKind::AlertmanagerStatus],
    causes: &[Cause::same("alertmanager-not-ready")],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let status = snap.fresh::<AlertmanagerStatus>(server)?;
    let watched = snap.model.subjects(SubjectKind::Alertmanager).count();
    let disabled = &*status.value.cluster == "disabled";
    if disabled || watched < 2 {
        return Ok(Verdict::NotApplicable);
    }
    if status.value.peers > 1 {
        return Ok(Verdict::Clear);
    }
    let summary = format!("sees no peer; {watched} Alertmanagers are watched");
    let peers = status.value.peers.to_string();
    let finding = Finding::new(&RULE, server, Severity::Warning, summary)
        .so_what("Silences are not shared; alerts are sent more than once.")
        .evidence(Evidence::of(
            &status,
            "members of its cluster",
            peers,
            ">= 2",
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    #[test]
    fn one_alone_is_well_and_one_of_two_is_not() {
        let status = AlertmanagerStatus {
            ready: true,
            cluster: "ready".into(),
            peers: 1,
            ..AlertmanagerStatus::default()
        };
        let mut w = Scenario::new();
        w.feed("alertmanager/m http://m:9093", "alertmanager/m");
        w.tell(
            "alertmanager/m http://m:9093",
            [("alertmanager/m", status.into())],
        );
        assert_eq!(w.says(&RULE, "alertmanager/m"), "n/a");
        w.feed("alertmanager/n http://n:9093", "alertmanager/n");
        assert_eq!(
            w.says(&RULE, "alertmanager/m"),
            "WARN alertmanager/m sees no peer; 2 Alertmanagers are watched"
        );
    }
}
