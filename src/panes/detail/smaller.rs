//! Kinds that no pane lists and that a finding may be about: claims, volumes, services, budgets,
//! quotas, namespaces, leases, events.

use super::object::{ago, origin_rows};
use super::row;
use crate::listing::Context;
use crate::objects::{Body, DisruptionBudget, Event, Lease, Object, Quota, Service, Volume};
use crate::paint::Line;
use crate::panes::objects::Told;
use crate::panes::{Block, events};
use crate::role::Role;
use crate::units;

pub(super) fn smaller(cx: &Context, object: &Object) -> Vec<Block> {
    let told = Told::of(cx, object);
    let mut rows: Vec<(&str, Line)> = match &object.body {
        Body::Event(event) => event_rows(cx, event),
        Body::VolumeClaim(_) => vec![("status", claim_line(Line::new(), object))],
        Body::Volume(volume) => volume_rows(volume),
        Body::Service(service) => service_rows(service),
        Body::Endpoints(slice) => vec![(
            "endpoints",
            Line::new().text(format!(
                "{} ready, {} serving, {} in all",
                slice.ready, slice.serving, slice.all
            )),
        )],
        Body::DisruptionBudget(budget) => budget_rows(budget),
        Body::Quota(quota) => quota_rows(quota),
        Body::Lease(lease) => lease_rows(cx, lease),
        Body::Namespace(namespace) if namespace.terminating => {
            vec![("status", Line::new().with("terminating", Role::Warning))]
        }
        Body::Namespace(_) => vec![("status", Line::new().with("active", Role::StateOk))],
        _ => Vec::new(),
    };
    let blocks = rows
        .drain(..)
        .map(|(label, line)| row(label, told.line(line)));
    let mut blocks: Vec<Block> = blocks.collect();
    if !matches!(object.body, Body::Event(_)) {
        blocks.extend(origin_rows(cx, told, object));
    }
    blocks
}

fn event_rows(cx: &Context, event: &Event) -> Vec<(&'static str, Line)> {
    let (word, role) = events::state(event);
    let count = if event.count > 1 {
        format!("  {} times", event.count)
    } else {
        String::new()
    };
    let when = |at: Option<jiff::Timestamp>| at.map_or_else(|| "?".into(), |at| ago(cx, at));
    let (_, namespace, _) = &event.about;
    vec![
        (
            "what",
            Line::new()
                .with(format!("{word}  "), role)
                .text(event.reason.to_string())
                .dim(count),
        ),
        ("message", Line::new().text(event.message.to_string())),
        (
            "about",
            Line::new()
                .text(events::about(event))
                .dim(format!("  {namespace}")),
        ),
        (
            "when",
            Line::new()
                .text(format!("{} ago", when(event.last)))
                .dim(format!(
                    "  first {} ago, told by {}",
                    when(event.first.or(event.last)),
                    event.source
                )),
        ),
    ]
}

/// Phase, size, class and volume of a claim, after its name.
pub(super) fn claim_line(line: Line, object: &Object) -> Line {
    let Body::VolumeClaim(claim) = &object.body else {
        return line;
    };
    let role = if &*claim.phase == "Bound" {
        Role::StateOk
    } else {
        Role::Warning
    };
    let size = claim
        .granted
        .or(claim.wanted)
        .map_or_else(String::new, units::binary);
    line.with(claim.phase.to_string(), role).dim(format!(
        "  {size}  {}  {}",
        claim.class.as_deref().unwrap_or("no class"),
        claim.volume.as_deref().unwrap_or("no volume")
    ))
}

fn volume_rows(volume: &Volume) -> Vec<(&'static str, Line)> {
    let size = volume.capacity.map_or_else(|| "?".into(), units::binary);
    let role = if &*volume.phase == "Failed" {
        Role::StateBad
    } else {
        Role::Text
    };
    let class = volume.class.as_deref().unwrap_or("no class");
    let mut rows = vec![(
        "status",
        Line::new()
            .with(volume.phase.to_string(), role)
            .dim(format!("  {size}  {class}  reclaim {}", volume.reclaim)),
    )];
    if let Some((namespace, name)) = &volume.claim {
        rows.push(("claim", Line::new().text(format!("{namespace}/{name}"))));
    }
    if volume.reason.is_some() || volume.message.is_some() {
        let said = [&volume.reason, &volume.message].into_iter().flatten();
        let text = said.map(|part| &**part).collect::<Vec<_>>().join("  ");
        rows.push(("because", Line::new().text(text)));
    }
    rows
}

fn service_rows(service: &Service) -> Vec<(&'static str, Line)> {
    let ip = service.cluster_ip.as_deref().unwrap_or("no address");
    let mut rows = vec![(
        "service",
        Line::new()
            .text(format!("{}  {ip}", service.kind))
            .dim(format!("  {}", service.ports.join(" "))),
    )];
    if !service.ingress.is_empty() {
        rows.push(("reached at", Line::new().text(service.ingress.join("  "))));
    }
    if service.selector.is_none() {
        rows.push((
            "selects",
            Line::new().dim("nothing: its endpoints are somebody else's work"),
        ));
    }
    rows
}

fn budget_rows(budget: &DisruptionBudget) -> Vec<(&'static str, Line)> {
    let rule = match (&budget.min_available, &budget.max_unavailable) {
        (Some(least), _) => format!("at least {least} available"),
        (None, Some(most)) => format!("at most {most} unavailable"),
        (None, None) => "no limit".into(),
    };
    let role = if budget.allowed == 0 {
        Role::Warning
    } else {
        Role::Text
    };
    vec![
        ("rule", Line::new().text(rule)),
        (
            "room",
            Line::new()
                .with(format!("{} may go now", budget.allowed), role)
                .dim(format!(
                    "  {} healthy, {} wanted, {} in all",
                    budget.healthy, budget.desired, budget.expected
                )),
        ),
    ]
}

fn quota_rows(quota: &Quota) -> Vec<(&'static str, Line)> {
    let rows = quota.lines.iter().enumerate().map(|(nth, line)| {
        let share = if line.hard > 0.0 {
            line.used / line.hard
        } else {
            0.0
        };
        let role = crate::panes::parts::over(share, 0.9, 1.0);
        let text = Line::new()
            .text(format!("{:<24} ", line.resource))
            .with(format!("{} of {}", line.used_text, line.hard_text), role);
        (if nth == 0 { "used" } else { "" }, text)
    });
    rows.collect()
}

fn lease_rows(cx: &Context, lease: &Lease) -> Vec<(&'static str, Line)> {
    let holder = lease.holder.as_deref().unwrap_or("nobody");
    let renewed = lease
        .renewed
        .map_or_else(|| "never".into(), |at| format!("{} ago", ago(cx, at)));
    vec![
        ("held by", Line::new().text(holder.to_owned())),
        (
            "renewed",
            Line::new().text(renewed).dim(format!(
                "  by its holder's clock, for {}s; changed hands {} times",
                lease.duration, lease.transitions
            )),
        ),
    ]
}
