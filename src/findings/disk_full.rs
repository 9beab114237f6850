//! A file system without room for data or for files.

use super::{Evidence, Finding, Rule, Severity};
use crate::facts::{FactKind, Mount};
use crate::model::{Doubt, Reading, Snapshot};
use crate::subject::{Subject, SubjectKind};
use crate::units::Ratio;

/// See the doc.
pub static RULE: Rule = Rule {
    id: "disk-full",
    doc: "a file system is nearly full
Threshold: `disk_room_warning` and `disk_room_critical` of space or of inodes left (node mixin: 5 %
and 3 %).
It matters because writes fail when it is full: databases stop, logs are lost, pods are evicted.
Look for the largest directories and deleted files that are still open. Read-only file systems
such as images are full by nature and not judged.",
    on: &[SubjectKind::Mount],
    needs: &[FactKind::Mount],
    causes: &[],
    check: |snap, mount| judge(snap, mount).into(),
};

fn judge(snap: &Snapshot, subject: &Subject) -> Result<Vec<Finding>, Doubt> {
    let mount = snap.fresh::<Mount>(subject)?;
    if mount.value.read_only {
        return Ok(Vec::new());
    }
    let space = mount.value.room().map(|room| ("space", room));
    let files = mount.value.files_room().map(|room| ("inodes", room));
    let rooms = space.into_iter().chain(files);
    Ok(rooms
        .filter_map(|(what, room)| short(snap, &mount, subject, what, room))
        .collect())
}

fn short(
    snap: &Snapshot,
    mount: &Reading<Mount>,
    subject: &Subject,
    what: &str,
    room: Ratio,
) -> Option<Finding> {
    let limits = snap.thresholds(subject);
    let (warning, critical) = (limits.disk_room_warning, limits.disk_room_critical);
    let (severity, limit) = Severity::below(room.0, warning, critical)?;
    let left = match what {
        "space" => format!("{} of {}", mount.value.avail, mount.value.size),
        _ => format!("{} of {}", mount.value.files_free, mount.value.files),
    };
    let summary = format!("{room} {what} left ({left})");
    let so_what = "Writes fail when it is full.";
    let evidence = Evidence::of(mount, what, room.to_string(), format!("< {}", Ratio(limit)));
    let finding = Finding::new(&RULE, subject, severity, summary).key(what);
    Some(finding.so_what(so_what).evidence(evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::Scenario;
    use crate::units::Bytes;

    fn says(mount: Mount) -> String {
        let mut w = Scenario::new();
        w.feed("local/a", "host/a");
        w.tell("local/a", [("mount/a/var", mount.into())]);
        w.says(&RULE, "mount/a/var")
    }

    fn mount(avail: u64, files_free: u64) -> Mount {
        Mount {
            size: Bytes(100 << 30),
            avail: Bytes(avail << 30),
            files: 1000,
            files_free,
            ..Mount::default()
        }
    }

    #[test]
    fn space_and_inodes_are_judged_apart() {
        assert_eq!(says(mount(5, 500)), "clear");
        assert_eq!(
            says(mount(4, 500)),
            "WARN mount/a/var 4.0% space left (4.00 GiB of 100 GiB)"
        );
        assert_eq!(
            says(mount(50, 20)),
            "CRIT mount/a/var 2.0% inodes left (20 of 1000)"
        );
    }

    #[test]
    fn an_image_is_full_by_nature() {
        let image = Mount {
            read_only: true,
            ..mount(0, 0)
        };
        assert_eq!(says(image), "clear");
    }

    #[test]
    fn a_file_system_without_a_number_of_inodes_has_no_lack_of_them() {
        let btrfs = Mount {
            files: 0,
            files_free: 0,
            ..mount(50, 0)
        };
        assert_eq!(says(btrfs), "clear");
    }
}
