//! A certificate that is no longer, not yet, or not for long valid.

use jiff::Timestamp;

use super::{Evidence, Finding, Rule, Severity, Verdict};
use crate::facts::{Certificate, FactKind};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{seconds, span};

/// See the doc.
pub static RULE: Rule = Rule {
    id: "certificate-expiring",
    doc: "a certificate runs out
Threshold: `certificate_warning` and `certificate_critical` before its end (kubernetes mixin: 7 d and
1 d; 14 d here), by this machine's clock; one that has ended or not begun is critical.
It matters because every client refuses the connection from that second on.
Renew it; if it is not valid yet, look at the clocks of issuer and verifier.",
    on: &[
        SubjectKind::Host,
        SubjectKind::EtcdMember,
        SubjectKind::Prometheus,
        SubjectKind::Alertmanager,
        SubjectKind::Cluster,
    ],
    needs: &[FactKind::Certificate],
    causes: &[],
    check: |snap, subject| judge(snap, subject).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let readings = snap.readings::<Certificate>(subject);
    // Whoever never showed one speaks without TLS, or is not answering at all, which others say.
    let Some(best) = readings.first() else {
        return Ok(Verdict::NotApplicable);
    };
    if !best.freshness.is_usable() {
        return Err(Doubt::Stale(FactKind::Certificate, best.age));
    }
    let usable = readings
        .iter()
        .filter(|reading| reading.freshness.is_usable());
    let found: Vec<Finding> = usable.filter_map(|r| finding(snap, subject, r)).collect();
    Ok(found.into())
}

fn finding(snap: &Snapshot, subject: &Subject, reading: &Reading<Certificate>) -> Option<Finding> {
    let certificate = reading.value;
    let limits = snap.thresholds(subject);
    let now = snap.now.wall;
    let left = secs(now, certificate.not_after);
    let early = secs(now, certificate.not_before);
    let (severity, limit, state) = if early > 0.0 {
        let wait = span(seconds(early));
        (
            Severity::Critical,
            0.0,
            format!("not valid yet, for another {wait}"),
        )
    } else if left <= 0.0 {
        let ago = span(seconds(-left));
        (Severity::Critical, 0.0, format!("expired {ago} ago"))
    } else {
        let (warning, critical) = (limits.certificate_warning, limits.certificate_critical);
        let (severity, limit) = Severity::below(left, warning, critical)?;
        (
            severity,
            limit,
            format!("expires in {}", span(seconds(left))),
        )
    };
    let value = certificate.not_after.to_string();
    let limit = format!("more than {} left", span(seconds(limit)));
    let summary = format!("certificate of {} {state}", certificate.place);
    Some(
        Finding::new(&RULE, subject, severity, summary)
            .key(certificate.place.clone())
            .so_what(format!("Clients refuse it. {}", certificate.subject))
            .evidence(Evidence::of(reading, "not after", value, limit)),
    )
}

fn secs(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use jiff::SignedDuration;

    fn says(from_days: i64, to_days: i64) -> String {
        let mut w = Scenario::new();
        w.feed("prometheus/a https://a:9090", "prometheus/a");
        let at = |days: i64| {
            w.now
                .wall
                .checked_add(SignedDuration::from_hours(24 * days))
        };
        let certificate = Certificate {
            place: "https://a:9090".into(),
            subject: "CN=a".into(),
            issuer: "CN=ca".into(),
            not_before: at(from_days).unwrap(),
            not_after: at(to_days).unwrap(),
        };
        let facts = [("prometheus/a", certificate.into())];
        w.tell("prometheus/a https://a:9090", facts);
        w.says(&RULE, "prometheus/a")
    }

    #[test]
    fn two_weeks_are_the_limit() {
        assert_eq!(says(-90, 15), "clear");
        assert_eq!(
            says(-90, 13),
            "WARN prometheus/a certificate of https://a:9090 expires in 13d"
        );
    }

    #[test]
    fn ended_and_not_begun_are_both_critical() {
        assert_eq!(
            says(-90, -2),
            "CRIT prometheus/a certificate of https://a:9090 expired 2d00h ago"
        );
        assert_eq!(
            says(1, 90),
            "CRIT prometheus/a certificate of https://a:9090 not valid yet, for another 1d00h"
        );
    }

    #[test]
    fn plain_http_has_none() {
        let mut w = Scenario::new();
        w.feed("prometheus/a http://a:9090", "prometheus/a");
        let status = crate::facts::PrometheusStatus::default();
        w.tell(
            "prometheus/a http://a:9090",
            [("prometheus/a", status.into())],
        );
        assert_eq!(w.says(&RULE, "prometheus/a"), "n/a");
    }
}
