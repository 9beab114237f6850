//! A resource quota that is nearly or wholly used.

use super::{Finding, Rule, Severity, object};
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, QuotaLine};
use crate::subject::{Subject, SubjectKind};
use crate::units::Ratio;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "quota-nearly-used",
    doc: "a quota is nearly used
Threshold: `quota_used_info` of what a line allows (kubernetes mixin KubeQuotaAlmostFull: 90 %); from
all of it on a warning. A line that allows nothing is meant so.
It matters because beyond it nothing more is made: a rollout stops half way, a crashed pod stays away.
Raise the quota, or look for what need not be there.",
    on: &[SubjectKind::Quota],
    needs: &[],
    causes: &[],
    check: |snap, quota| judge(snap, quota).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let object = snap.object(subject)?;
    let Body::Quota(quota) = &object.body else {
        return Ok(Vec::new());
    };
    let lines = quota.lines.iter();
    Ok(lines
        .filter_map(|line| finding(snap, subject, object, line))
        .collect())
}

fn finding(
    snap: &Snapshot,
    subject: &Subject,
    object: &Object,
    line: &QuotaLine,
) -> Option<Finding> {
    let share = Ratio::of(line.used, line.hard)?;
    let nearly = snap.thresholds(subject).quota_used_info;
    let (severity, limit) = if share.0 >= 1.0 {
        (Severity::Warning, 1.0)
    } else if share.0 >= nearly {
        (Severity::Info, nearly)
    } else {
        return None;
    };
    let (resource, used, hard) = (&line.resource, &line.used_text, &line.hard_text);
    let summary = format!("{share} of {resource} used ({used} of {hard})");
    let limit = format!("< {}", Ratio(limit));
    Some(
        Finding::new(&RULE, subject, severity, summary)
            .key(resource.clone())
            .so_what("Beyond it nothing more is made.")
            .evidence(object::evidence(
                snap,
                object,
                resource,
                share.to_string(),
                limit,
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::quota;

    #[test]
    fn each_line_is_judged_by_itself() {
        let says = |lines: &[(&str, f64, f64)]| {
            Scenario::kube([quota("small", lines)]).says(&RULE, "quota/prod/shop/small")
        };
        assert_eq!(says(&[("pods", 8.0, 10.0), ("secrets", 0.0, 0.0)]), "clear");
        assert_eq!(
            says(&[("pods", 9.0, 10.0), ("limits.cpu", 4.0, 4.0)]),
            "INFO quota/prod/shop/small 90% of pods used (9 of 10)
WARN quota/prod/shop/small 100% of limits.cpu used (4 of 4)"
        );
    }
}
