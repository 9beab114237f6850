//! A file system that was writable and no longer is.

use super::{Evidence, Finding, Rule, Severity};
use crate::facts::{FactKind, Mount};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "disk-read-only",
    doc: "a file system turned read-only
Threshold: writable in one of the kept samples (six hours), read-only now.
It matters because kernels do this after an I/O error: every write fails from then on.
Look at the kernel log for errors of the device before remounting. What was read-only from the
first is meant so and not judged.",
    on: &[SubjectKind::Mount],
    needs: &[FactKind::Mount],
    causes: &[],
    check: |snap, mount| judge(snap, mount).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Option<Finding>, Doubt> {
    let mount = snap.fresh::<Mount>(subject)?;
    let was_writable = mount.all().any(|(_, then)| !then.read_only);
    if !mount.value.read_only || !was_writable {
        return Ok(None);
    }
    let summary = format!("{} turned read-only", mount.value.device);
    let evidence = Evidence::of(&mount, "mounted", "read-only", "was writable");
    Ok(Some(
        Finding::new(&RULE, subject, Severity::Critical, summary)
            .so_what("Every write fails; the device may have failed.")
            .evidence(evidence),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn after(states: &[bool]) -> String {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for &read_only in states {
            let mount = Mount {
                device: "sda1".into(),
                read_only,
                ..Mount::default()
            };
            w.wait(10).tell("local/a", [("mount/a/var", mount.into())]);
        }
        w.says(&RULE, "mount/a/var")
    }

    #[test]
    fn only_the_change_is_judged() {
        assert_eq!(after(&[true, true]), "clear");
        assert_eq!(
            after(&[false, true]),
            "CRIT mount/a/var sda1 turned read-only"
        );
        assert_eq!(after(&[false, true, false]), "clear");
    }
}
