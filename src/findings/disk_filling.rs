//! A file system that will be full soon, by the trend of the last hours.

use std::time::Duration;

use super::{Cause, Evidence, Finding, Rule, Severity, Verdict};
use crate::clock::Stamp;
use crate::facts::{FactKind, Mount};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::{seconds, size, span};

/// Fewer samples or a shorter time make no trend (own choice).
const SAMPLES: usize = 4;
const SHORTEST: Duration = Duration::from_secs(600);

/// Above this room even a steep trend is not yet critical (node mixin: 20 %).
const ROOM_CRITICAL: f64 = 0.20;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "disk-filling",
    doc: "a file system is filling up
Threshold: full within `disk_full_within_warning` or `disk_full_within_critical` by a straight line
through the kept samples, and less room than `disk_filling_room` (node mixin: 24 h, 4 h, 40 %;
critical below 20 %).
It matters because there is still time to act. The line needs ten minutes of samples.
Look for what began to write: logs, images, a database without compaction.",
    on: &[SubjectKind::Mount],
    needs: &[FactKind::Mount],
    causes: &[Cause::same("disk-full")],
    check: |snap, mount| judge(snap, mount).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Verdict, Doubt> {
    let mount = snap.fresh::<Mount>(subject)?;
    let limits = snap.thresholds(subject);
    let Some(room) = mount.value.room().filter(|_| !mount.value.read_only) else {
        return Ok(Verdict::NotApplicable);
    };
    if room.0 >= limits.disk_filling_room {
        return Ok(Verdict::Clear);
    }
    let Some((slope, window)) = trend(&mount) else {
        return Ok(Verdict::NotApplicable);
    };
    if slope >= 0.0 {
        return Ok(Verdict::Clear);
    }
    let left = mount.value.avail.as_f64() / -slope;
    let critical = left < limits.disk_full_within_critical && room.0 < ROOM_CRITICAL;
    let (severity, limit) = if critical {
        (Severity::Critical, limits.disk_full_within_critical)
    } else if left < limits.disk_full_within_warning {
        (Severity::Warning, limits.disk_full_within_warning)
    } else {
        return Ok(Verdict::Clear);
    };
    let rate = size(-slope * 3600.0);
    let until = span(seconds(left));
    let summary = format!("full in about {until}: {room} left, {rate} less each hour");
    let finding = Finding::new(&RULE, subject, severity, summary)
        .so_what("Writes fail when it is full.")
        .evidence(Evidence::of(
            &mount,
            &format!("time to full, by the last {}", span(window)),
            until,
            format!("< {}", span(seconds(limit))),
        ));
    Ok(finding.into())
}

/// Bytes a second by least squares over the kept past, and how long that is.
fn trend(mount: &Reading<Mount>) -> Option<(f64, Duration)> {
    let samples: Vec<(Stamp, f64)> = mount
        .all()
        .filter(|(_, then)| then.size == mount.value.size)
        .map(|(at, then)| (at, then.avail.as_f64()))
        .collect();
    let first = samples.first()?.0;
    let window = mount.at.since(first);
    if samples.len() < SAMPLES || window < SHORTEST {
        return None;
    }
    let points = || {
        samples
            .iter()
            .map(|(at, y)| (at.since(first).as_secs_f64(), *y))
    };
    let count = points().map(|_| 1.0).sum::<f64>();
    let (mean_x, mean_y) = (
        points().map(|(x, _)| x).sum::<f64>() / count,
        points().map(|(_, y)| y).sum::<f64>() / count,
    );
    let spread: f64 = points().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let together: f64 = points().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| (together / spread, window))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::units::Bytes;

    fn steady(start: u64, step: u64, rounds: u64) -> String {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        for round in 0..rounds {
            let mount = Mount {
                size: Bytes(1_000_000),
                avail: Bytes(start - round * step),
                ..Mount::default()
            };
            w.wait(300).tell("local/a", [("mount/a/var", mount.into())]);
        }
        w.says(&RULE, "mount/a/var")
    }

    #[test]
    fn a_straight_fall_is_told_with_the_time_that_is_left() {
        // 1,000 bytes in five minutes, 245,000 left: 20 hours.
        assert!(
            steady(250_000, 1000, 6).starts_with("WARN mount/a/var full in about 20h25m: 24% left"),
            "{}",
            steady(250_000, 1000, 6)
        );
        assert!(steady(190_000, 10_000, 6).starts_with("CRIT mount/a/var full in about 1h10m"));
    }

    #[test]
    fn a_slow_fall_and_much_room_are_clear() {
        assert_eq!(steady(250_000, 500, 6), "clear");
        assert_eq!(steady(600_000, 10_000, 6), "clear");
    }

    #[test]
    fn three_samples_make_no_trend() {
        assert_eq!(steady(190_000, 10_000, 3), "n/a");
    }
}
