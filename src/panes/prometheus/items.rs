//! The lines below a server: targets that are down, rules that fail, alerts, queries.

use std::time::Duration;

use crate::facts::{Alert, AlertState, Alerts, Queries, QueryResult, RuleGroups, ScrapeTargets};
use crate::listing::Context;
use crate::model::{Freshness, Reading};
use crate::role::Role;
use crate::subject::Subject;
use crate::units;

/// A line below a server.
pub(super) struct Item {
    pub word: &'static str,
    pub name: String,
    pub detail: String,
    pub role: Role,
    pub age: Duration,
    pub freshness: Freshness,
}

impl Item {
    fn new<T>(
        reading: &Reading<T>,
        (word, role): (&'static str, Role),
        name: String,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            word,
            name,
            detail: detail.into(),
            role,
            age: reading.age,
            freshness: reading.freshness,
        }
    }
}

/// The lines below a server, by key. A key names kind and place in the fact (`target 12`) with a
/// mark of what stands there, so that looking one up does not build the others.
pub(super) fn items(cx: &Context, server: &Subject) -> Vec<(String, bool)> {
    let mut keys = Vec::new();
    if let Some(targets) = cx.snap.latest::<ScrapeTargets>(server) {
        let failing = targets.value.failing.iter().enumerate();
        keys.extend(failing.map(|(at, target)| {
            (
                format!("target {at} {} {}", target.job, target.instance),
                true,
            )
        }));
    }
    if let Some(groups) = cx.snap.latest::<RuleGroups>(server) {
        for (at, group) in groups.value.0.iter().enumerate() {
            let failing = group.failing.iter().enumerate();
            keys.extend(
                failing.map(|(nth, (rule, _))| {
                    (format!("rule {at} {nth} {} {rule}", group.name), true)
                }),
            );
            if group.took > group.interval && !group.interval.is_zero() {
                keys.push((format!("group {at} {}", group.name), true));
            }
        }
    }
    if let Some(alerts) = cx.snap.latest::<Alerts>(server) {
        let alerts = alerts.value.0.iter().enumerate();
        keys.extend(alerts.map(|(at, alert)| {
            (
                format!("alert {at} {}", alert.name),
                alert_role(alert).1 != Role::Dim,
            )
        }));
    }
    if let Some(queries) = cx.snap.latest::<Queries>(server) {
        let queries = queries.value.0.iter().enumerate();
        keys.extend(
            queries
                .map(|(at, query)| (format!("query {at} {}", query.query), query.result.is_err())),
        );
    }
    keys
}

/// What a key of [`items`] stands for, unless the fact has changed under it.
pub(super) fn item(cx: &Context, server: &Subject, key: &str) -> Option<Item> {
    let mut words = key.split(' ');
    let kind = words.next()?;
    let at: usize = words.next()?.parse().ok()?;
    match kind {
        "target" => {
            let reading = cx.snap.latest::<ScrapeTargets>(server)?;
            let target = reading.value.failing.get(at)?;
            let mark = if target.down {
                ("down", Role::StateBad)
            } else {
                ("not yet", Role::Unknown)
            };
            let name = format!("{} {}", target.job, target.instance);
            Some(Item::new(&reading, mark, name, &*target.error))
        }
        "rule" => {
            let reading = cx.snap.latest::<RuleGroups>(server)?;
            let group = reading.value.0.get(at)?;
            let (rule, error) = group.failing.get(words.next()?.parse::<usize>().ok()?)?;
            let name = format!("{} / {rule}", group.name);
            let mark = ("failing", Role::StateBad);
            Some(Item::new(&reading, mark, name, &**error))
        }
        "group" => {
            let reading = cx.snap.latest::<RuleGroups>(server)?;
            let group = reading.value.0.get(at)?;
            let (took, interval) = (units::latency(group.took), units::span(group.interval));
            let detail = format!("takes {took} of {interval}");
            let mark = ("slow", Role::Warning);
            Some(Item::new(&reading, mark, group.name.to_string(), detail))
        }
        "alert" => {
            let reading = cx.snap.latest::<Alerts>(server)?;
            let alert = reading.value.0.get(at)?;
            let mark = alert_role(alert);
            Some(Item::new(
                &reading,
                mark,
                alert_name(alert),
                &*alert.summary,
            ))
        }
        _ => {
            let reading = cx.snap.latest::<Queries>(server)?;
            let query = reading.value.0.get(at)?;
            let (detail, role) = query_words(query);
            let mark = ("query", role);
            Some(Item::new(&reading, mark, query.query.to_string(), detail))
        }
    }
}

pub(super) fn alert_role(alert: &Alert) -> (&'static str, Role) {
    match (alert.state, &*alert.severity) {
        (AlertState::Pending, _) => ("pending", Role::Info),
        (AlertState::Suppressed, _) => ("silenced", Role::Dim),
        (AlertState::Firing, "critical" | "page") => ("firing", Role::Critical),
        (AlertState::Firing, "warning") => ("firing", Role::Warning),
        (AlertState::Firing, _) => ("firing", Role::Info),
    }
}

/// Name and labels: what tells one alert from another.
fn alert_name(alert: &Alert) -> String {
    let labels: Vec<String> = alert
        .labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    if labels.is_empty() {
        alert.name.to_string()
    } else {
        format!("{} {{{}}}", alert.name, labels.join(", "))
    }
}

fn query_words(query: &QueryResult) -> (String, Role) {
    match &query.result {
        Err(error) => (error.clone(), Role::Warning),
        Ok(samples) => match samples.as_slice() {
            [] => ("no samples".into(), Role::Text),
            [one] => (format!("{} {}", one.labels, one.value), Role::Text),
            [first, ..] => (
                format!(
                    "{} samples, first {} {}",
                    samples.len(),
                    first.labels,
                    first.value
                ),
                Role::Text,
            ),
        },
    }
}
