//! Kinds of object that this user may not list: said once, not of each check that needs them.

use super::{Evidence, Finding, Rule, Severity, Verdict, some_of};
use crate::model::{Feed, Snapshot};
use crate::observation::{Layer, Outage};
use crate::subject::{Subject, SubjectKind};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "kinds-not-permitted",
    doc: "some kinds of object may not be listed
No threshold: the API server forbade to list them. What may be listed and not watched is listed
every few seconds, and not told of here.
It matters because checks that need these kinds cannot be decided, and their tables are empty.
Ask for a role with list and watch on them, or use another context.",
    on: &[SubjectKind::Cluster],
    needs: &[],
    causes: &[],
    check,
};

/// The client writes `not permitted` for a 403 and for nothing else.
pub(super) fn is_forbidden(outage: &Outage) -> bool {
    outage.layer == Layer::Auth && outage.detail.starts_with("not permitted")
}

/// Is this a part of a cluster that this user may not have?
pub(super) fn is_forbidden_part(feed: &Feed) -> bool {
    feed.subject().kind == SubjectKind::Cluster && feed.outage.as_ref().is_some_and(is_forbidden)
}

/// What may not be listed, as the server names it.
fn lacking(feed: &Feed) -> String {
    let detail = feed.outage.as_ref().map_or("", |outage| &outage.detail);
    let needs = detail.strip_prefix("not permitted: needs ");
    match (feed.spec.tells, needs) {
        (Some(kind), _) => kind.plural().to_owned(),
        (None, Some(needs)) => needs.trim_start_matches("list ").to_owned(),
        (None, None) => feed.spec.id.endpoint.to_string(),
    }
}

fn check(snap: &Snapshot, cluster: &Subject) -> Verdict {
    let feeds = snap.model.feeds_for(cluster);
    let forbidden: Vec<&Feed> = feeds.filter(|feed| is_forbidden_part(feed)).collect();
    let Some(first) = forbidden.first() else {
        return Verdict::Clear;
    };
    let mut kinds: Vec<String> = forbidden.iter().map(|feed| lacking(feed)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let summary = format!("not permitted: needs list of {}", some_of(&kinds, 6));
    let outage = first.outage.as_ref();
    let hint = outage.and_then(|outage| outage.hint.as_deref());
    let mut finding = Finding::new(&RULE, cluster, Severity::Warning, summary)
        .so_what(hint.unwrap_or("Checks that need them cannot be decided."));
    for feed in forbidden.iter().take(5) {
        let (Some(outage), Some(poll)) = (&feed.outage, feed.last_poll) else {
            continue;
        };
        finding = finding.evidence(Evidence {
            what: "answer".into(),
            value: outage.to_string(),
            limit: String::new(),
            source: feed.spec.id.to_string(),
            at: poll.stamp,
        });
    }
    finding.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{node, service};
    use crate::objects::ObjectKind;

    #[test]
    fn what_is_forbidden_is_one_row_whatever_needs_it() {
        let nodes = (0..9).map(|n| node(&format!("w-{n}"), |_| {}));
        let services = (0..9).map(|n| service(&format!("s-{n}"), &[("app", "web")]));
        let mut w = Scenario::kube(nodes.chain(services));
        w.forbid_metrics();
        for kind in [ObjectKind::Lease, ObjectKind::Endpoints] {
            w.forbid(kind);
        }
        w.run();
        assert_eq!(
            w.rows(),
            "WARN kinds-not-permitted cluster/prod\n  target-partial cluster/prod\n"
        );
        assert_eq!(
            w.says(&RULE, "cluster/prod"),
            "WARN cluster/prod not permitted: needs list of endpointslices, leases"
        );
    }
}
