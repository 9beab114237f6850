//! A host that runs out of file handles.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Limits};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::Ratio;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "file-handles",
    doc: "file handles are running out
Threshold: `file_handles_warning` and `file_handles_critical` of the kernel's limit (node mixin: 70 %
and 90 %).
It matters because nothing can open a file or accept a connection when none is left.
Look for the process with the most open files; raise `fs.file-max` only after that.",
    on: &[SubjectKind::Host],
    needs: &[FactKind::Limits],
    causes: &[],
    check: |snap, host| judge(snap, host).into(),
};

#[expect(
    clippy::cast_precision_loss,
    reason = "a share needs no more than 52 bits"
)]
fn judge(snap: &Snapshot, host: &Subject) -> Result<Verdict, Doubt> {
    let Some(table) = snap.told::<Limits>(host)? else {
        return Ok(Verdict::NotApplicable);
    };
    let (Some(used), Some(max)) = (table.value.files, table.value.files_max) else {
        return Ok(Verdict::NotApplicable);
    };
    let limits = snap.thresholds(host);
    let (warning, critical) = (limits.file_handles_warning, limits.file_handles_critical);
    let judged = Ratio::of(used as f64, max as f64)
        .and_then(|share| Some((share, Severity::above(share.0, warning, critical)?)));
    let Some((share, (severity, limit))) = judged else {
        return Ok(Verdict::Clear);
    };
    let limit = format!("> {}", Ratio(limit));
    let summary = format!("{share} of file handles used, {used} of {max}");
    let finding = Finding::new(&RULE, host, severity, summary)
        .so_what("Nothing can open a file or a connection when none is left.")
        .evidence(Evidence::of(
            &table,
            "file handles",
            share.to_string(),
            limit,
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn says(files: Option<u64>) -> String {
        let limits = Limits {
            files,
            files_max: Some(1000),
            ..Limits::default()
        };
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", limits.into())]);
        w.says(&RULE, "host/a")
    }

    #[test]
    fn two_limits_make_two_severities() {
        assert_eq!(says(Some(700)), "clear");
        assert_eq!(
            says(Some(710)),
            "WARN host/a 71% of file handles used, 710 of 1000"
        );
        assert!(says(Some(950)).starts_with("CRIT"));
        assert_eq!(says(None), "n/a");
    }
}
