//! A query that the user configured and that the server cannot answer.

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{FactKind, Queries};
use crate::model::{Doubt, Snapshot};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "prometheus-query-failing",
    doc: "a configured query fails
Threshold: the last answer to an entry of `queries` was an error.
It matters because what the query should show is not known, and an empty place looks like health.
Look at the error: a misspelt expression, a join that meets duplicates, a limit of the server.",
    on: &[SubjectKind::Prometheus],
    needs: &[FactKind::Queries],
    causes: &[Cause::same("prometheus-not-ready")],
    check: |snap, server| judge(snap, server).into(),
};

fn judge(snap: &Snapshot, server: &Subject) -> Result<Verdict, Doubt> {
    let Some(queries) = snap.told::<Queries>(server)? else {
        return Ok(Verdict::NotApplicable);
    };
    let failing = queries.value.0.iter();
    let failing = failing.filter_map(|row| Some((&row.query, row.result.as_ref().err()?)));
    let found: Vec<Finding> = failing
        .map(|(query, error)| {
            let summary = format!("query {query} fails: {error}");
            Finding::new(&RULE, server, Severity::Warning, summary)
                .key(query.clone())
                .so_what("What it should show is not known.")
                .evidence(Evidence::of(&queries, query, error.as_str(), "an answer"))
        })
        .collect();
    Ok(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::QueryResult;
    use crate::findings::scenario::Scenario;

    #[test]
    fn a_failing_query_is_named_with_its_error_and_others_are_well() {
        let row = |query: &str, result| QueryResult {
            query: query.into(),
            result,
            dropped: 0,
        };
        let good = row("up", Ok(Vec::new()));
        let bad = row("sum(", Err("bad_data: parse error".into()));
        let w = Scenario::prometheus([Queries(vec![good.clone()]).into()]);
        assert_eq!(w.says(&RULE, "prometheus/a"), "clear");
        let w = Scenario::prometheus([Queries(vec![good, bad]).into()]);
        assert_eq!(
            w.says(&RULE, "prometheus/a"),
            "WARN prometheus/a query sum( fails: bad_data: parse error"
        );
    }
}
