//! A connection tracking table that fills up.

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Limits};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::Ratio;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "conntrack-full",
    doc: "the connection tracking table is filling up
Threshold: `conntrack_warning` of its size (node mixin: 75 %).
It matters because new connections are dropped without a word when it is full.
Look for a client that opens many short connections; raise `nf_conntrack_max` if memory allows.",
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
    let (Some(used), Some(max)) = (table.value.conntrack, table.value.conntrack_max) else {
        return Ok(Verdict::NotApplicable);
    };
    let limit = snap.thresholds(host).conntrack_warning;
    let Some(share) = Ratio::of(used as f64, max as f64).filter(|share| share.0 > limit) else {
        return Ok(Verdict::Clear);
    };
    let limit = format!("> {}", Ratio(limit));
    let summary = format!("{share} of the connection table used, {used} of {max}");
    let finding = Finding::new(&RULE, host, Severity::Warning, summary)
        .so_what("New connections are dropped silently when it is full.")
        .evidence(Evidence::of(
            &table,
            "tracked connections",
            share.to_string(),
            limit,
        ));
    Ok(finding.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;

    fn says(conntrack: Option<u64>) -> String {
        let limits = Limits {
            conntrack,
            conntrack_max: Some(1000),
            ..Limits::default()
        };
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("host/a", limits.into())]);
        w.says(&RULE, "host/a")
    }

    #[test]
    fn three_quarters_is_the_limit_and_no_table_is_no_lack() {
        assert_eq!(says(Some(750)), "clear");
        assert_eq!(
            says(Some(800)),
            "WARN host/a 80% of the connection table used, 800 of 1000"
        );
        assert_eq!(says(None), "n/a");
    }
}
