//! The report as Prometheus text, for the textfile collector of `node_exporter` or a push.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Report, states};
use crate::model::State;
use crate::text::SafeText;

/// Exposition text, version 0.0.4. What is not known has no sample; no series comes twice.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::new();
    family(
        &mut out,
        "midwatch_target_up",
        "1 when every endpoint of the target answered in time, else 0.",
    );
    for row in &report.targets {
        let up = u8::from(row.state == State::Ok);
        let _ = writeln!(
            out,
            "midwatch_target_up{{{},{}}} {up}",
            label("target", &row.id),
            label("kind", &row.kind)
        );
    }
    family(
        &mut out,
        "midwatch_target_age_seconds",
        "Age of the oldest of the target's last answers.",
    );
    for (row, age) in report
        .targets
        .iter()
        .filter_map(|row| Some((row, row.age_ms?)))
    {
        let _ = writeln!(
            out,
            "midwatch_target_age_seconds{{{}}} {}",
            label("target", &row.id),
            seconds(age)
        );
    }
    family(
        &mut out,
        "midwatch_subject_state",
        "1 for the state that the subject is in.",
    );
    for row in &report.subjects {
        let (id, state) = (
            label("subject", &row.id),
            label("state", states::word(row.state)),
        );
        let _ = writeln!(out, "midwatch_subject_state{{{id},{state}}} 1");
    }
    family(
        &mut out,
        "midwatch_subject_age_seconds",
        "Age of the newest fact about the subject.",
    );
    for (row, age) in report
        .subjects
        .iter()
        .filter_map(|row| Some((row, row.age_ms?)))
    {
        let _ = writeln!(
            out,
            "midwatch_subject_age_seconds{{{}}} {}",
            label("subject", &row.id),
            seconds(age)
        );
    }
    family(
        &mut out,
        "midwatch_etcd_spare_members",
        "Voters that the cluster can still lose before its quorum is gone, at least.",
    );
    for (row, spare) in report
        .subjects
        .iter()
        .filter_map(|row| Some((row, row.spare?)))
    {
        let _ = writeln!(
            out,
            "midwatch_etcd_spare_members{{{}}} {spare}",
            label("subject", &row.id)
        );
    }
    family(
        &mut out,
        "midwatch_finding",
        "1 for every finding that fires.",
    );
    let series: BTreeSet<String> = report
        .findings
        .iter()
        .map(|row| {
            let severity = label("severity", states::severity_word(row.severity));
            let key = match &*row.key {
                "" => String::new(),
                key => format!(",{}", label("key", key)),
            };
            format!(
                "{},{}{key},{severity}",
                label("rule", &row.rule),
                label("subject", &row.subject)
            )
        })
        .collect();
    for labels in series {
        let _ = writeln!(out, "midwatch_finding{{{labels}}} 1");
    }
    family(
        &mut out,
        "midwatch_check_duration_seconds",
        "How long the check took.",
    );
    let _ = writeln!(
        out,
        "midwatch_check_duration_seconds {}",
        seconds(report.took_ms)
    );
    family(
        &mut out,
        "midwatch_checks_waiting_for_second_sample",
        "Checks that judge a rate and had one sample only.",
    );
    let _ = writeln!(
        out,
        "midwatch_checks_waiting_for_second_sample {}",
        report.waiting_for_second_sample
    );
    family(
        &mut out,
        "midwatch_check_exit_code",
        "0 ok, 1 warning, 2 critical, 3 unknown.",
    );
    let _ = writeln!(out, "midwatch_check_exit_code {}", report.exit_code());
    out
}

fn family(out: &mut String, name: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
}

fn label(name: &str, value: &str) -> String {
    let value = SafeText::new(value);
    let value = value.as_str().replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}=\"{value}\"")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an age needs no more than 52 bits"
)]
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}
