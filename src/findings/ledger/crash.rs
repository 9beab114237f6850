//! A rule that panics is a finding, not an exit.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::findings::{Finding, Rule, Severity, Verdict};
use crate::model::Snapshot;
use crate::subject::{Subject, SubjectKind};

/// What the ledger says when a rule could not finish.
pub static RULE_CRASHED: Rule = Rule {
    id: "rule-crashed",
    doc: "a check crashed
No threshold: a rule stopped in the middle of its work, so its subject is not judged by it.
It matters because a problem of that kind would not be seen. This is a fault of the program:
report it with the subject and the message; the other checks go on.",
    on: &[SubjectKind::Fleet],
    needs: &[],
    causes: &[],
    check: |_, _| Verdict::NotApplicable,
};

/// Runs one check. What it only reads cannot be left half changed, so unwinding out of it is safe.
pub(super) fn guarded(rule: &Rule, snap: &Snapshot, subject: &Subject) -> Verdict {
    catch_unwind(AssertUnwindSafe(|| (rule.check)(snap, subject))).unwrap_or_else(|panic| {
        let summary = format!("check {} crashed: {}", rule.id, words(panic.as_ref()));
        Finding::new(&RULE_CRASHED, subject, Severity::Unknown, summary)
            .key(rule.id)
            .so_what("Nothing is known about what this check looks for.")
            .into()
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}
