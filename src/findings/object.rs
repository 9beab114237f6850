//! What rules over Kubernetes objects share: ages by the server's clock, evidence, short messages.
//! It judges nothing.

pub(super) mod containers;
#[cfg(test)]
mod settled;

use std::time::Duration;

use jiff::Timestamp;

use super::Evidence;
use crate::facts::ClockOffset;
use crate::model::{Doubt, Snapshot};
use crate::objects::{Body, Object, Phase, Pod};
use crate::subject::Subject;

/// Characters of a server's message that a summary repeats.
const SHORT: usize = 160;

/// The pod that a subject names; `None` for one that is on its way out or has ended well, of which
/// nothing more is expected.
pub(super) fn pod<'a>(
    snap: &Snapshot<'a>,
    subject: &Subject,
) -> Result<Option<(&'a Object, &'a Pod)>, Doubt> {
    let object = snap.object(subject)?;
    Ok(match &object.body {
        Body::Pod(pod) if object.deleting.is_none() && pod.phase != Phase::Succeeded => {
            Some((object, pod))
        }
        _ => None,
    })
}

/// How long ago a moment was that the API server stamped, at least: by its own clock where that was
/// compared with ours, else by ours. What lies ahead was not long ago.
pub(super) fn age(snap: &Snapshot, object: &Object, at: Timestamp) -> Duration {
    let server = Subject::cluster(&object.cluster);
    let offset = snap.latest::<ClockOffset>(&server);
    let ahead = offset.map_or(0.0, |reading| reading.value.offset.lo);
    let gone = snap.now.wall.duration_since(at).as_secs_f64() + ahead;
    Duration::try_from_secs_f64(gone).unwrap_or_default()
}

/// Is it that many seconds old at least? What has no date is.
pub(super) fn is_older(
    snap: &Snapshot,
    object: &Object,
    at: Option<Timestamp>,
    than_secs: f64,
) -> bool {
    at.is_none_or(|at| age(snap, object, at).as_secs_f64() >= than_secs)
}

/// Evidence from an object, told by its watch.
pub(super) fn evidence(
    snap: &Snapshot,
    object: &Object,
    what: &str,
    value: impl Into<String>,
    limit: impl Into<String>,
) -> Evidence {
    let cluster = snap.model.objects().cluster(&object.cluster);
    let feed = cluster.and_then(|cluster| cluster.feed_of(object));
    let feed = feed.map(|feed| &snap.model.feeds()[feed]);
    Evidence {
        what: what.to_owned(),
        value: value.into(),
        limit: limit.into(),
        source: feed.map_or_else(String::new, |feed| feed.spec.id.to_string()),
        at: feed
            .and_then(|feed| feed.last_ok)
            .map_or(snap.now.stamp, |ok| ok.stamp),
    }
}

/// The beginning of a server's message: its first line, without what no row has room for.
pub(super) fn short(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim();
    let mut chars = line.char_indices();
    match chars.nth(SHORT) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.trim_end_matches('.').to_owned(),
    }
}

/// A reason with its message, whichever of them is there: `BackoffLimitExceeded: Job has reached…`.
pub(super) fn because(reason: &str, message: &str) -> String {
    match (reason, short(message)) {
        ("", message) => message,
        (reason, message) if message.is_empty() => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Interval, Witness};
    use crate::findings::scenario::Scenario;
    use crate::findings::scenario::objects::{ago, pod};

    #[test]
    fn an_age_is_taken_by_the_servers_clock() {
        let mut w = Scenario::kube([pod("web-1", |_| {})]);
        let object = pod("web-1", |_| {});
        let secs = |w: &Scenario, at| age(&w.model.snapshot(w.now), &object, at).as_secs();
        assert_eq!(secs(&w, ago(90)), 90);
        assert_eq!(secs(&w, ago(-90)), 0);
        // Our clock is a minute ahead: what it takes for 90 s was half a minute ago.
        let offset = ClockOffset {
            witness: Witness::HttpDate,
            offset: Interval::new(-60.5, -59.5),
            round_trip: 0.01,
            root_distance: None,
            stratum: None,
            reference: None,
        };
        w.api([offset.into()]);
        assert_eq!(secs(&w, ago(90)), 29);
    }

    #[test]
    fn a_message_is_its_first_line_and_not_endless() {
        assert_eq!(short("no such secret.\nmore"), "no such secret");
        let long = "é".repeat(500);
        assert_eq!(short(&long).chars().count(), SHORT + 1);
        assert_eq!(because("Failed", ""), "Failed");
    }
}
