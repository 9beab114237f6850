//! The reader on recorded trees: version 2, version 1 and hybrid control groups.

use std::io;
use std::path::{Path, PathBuf};

use super::*;
use crate::facts::{
    Consumers, Cpu, Disk, Fact, FactKind, Factual, Limits, Load, Memory, Mount, Nic, Os, Pressure,
    Temperatures, Witness,
};
use crate::observation::Harvest;
use crate::units::{Bytes, Ratio};

fn roots(tree: &str) -> Roots {
    let tree =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/proc")).join(tree);
    Roots {
        proc: tree.join("proc"),
        sys: tree.join("sys"),
        root: tree.join("root"),
    }
}

/// A file system of 100 GB, half full, whose device answers; `/boot/efi` does not.
fn half_full(path: &Path) -> io::Result<Mount> {
    if path.ends_with("boot/efi") {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(Mount {
        size: Bytes(100_000_000_000),
        avail: Bytes(50_000_000_000),
        ..Mount::default()
    })
}

fn harvest(tree: &str) -> Harvest {
    Machine::asking("cp-2", roots(tree), half_full)
        .read()
        .unwrap()
}

fn told<F: Factual>(harvest: &Harvest) -> Option<&F> {
    harvest.facts.iter().find_map(|(_, fact)| F::of(fact))
}

fn parts<F: Factual>(harvest: &Harvest) -> Vec<(String, &F)> {
    let facts = harvest.facts.iter();
    facts
        .filter_map(|(subject, fact)| Some((subject.to_string(), F::of(fact)?)))
        .collect()
}

#[test]
fn a_version_2_machine_is_read_whole() {
    let harvest = harvest("v2");
    let os: &Os = told(&harvest).unwrap();
    assert_eq!((&*os.hostname, &*os.name), ("cp-2", "Talos (v1.13.0)"));
    assert_eq!(os.boot_at.unwrap().as_second(), 1_795_000_000);
    assert_eq!(told::<Cpu>(&harvest).unwrap().cores, 4);
    assert_eq!(told::<Load>(&harvest).unwrap().running, Some(2));
    let memory: &Memory = told(&harvest).unwrap();
    assert_eq!(
        (memory.oom_kills, memory.major_faults),
        (Some(3), Some(1234))
    );
    let limits: &Limits = told(&harvest).unwrap();
    assert_eq!(
        (limits.files, limits.files_max),
        (Some(521), Some(i64::MAX as u64))
    );
    assert_eq!(limits.conntrack, None);
    let pressure: &Pressure = told(&harvest).unwrap();
    assert_eq!(pressure.cpu_some.unwrap().avg10, Some(Ratio(0.125)));
    assert_eq!(pressure.io_full.unwrap().total, 9.0);
}

#[test]
fn one_mount_is_told_for_each_local_device() {
    let harvest = harvest("v2");
    let mounts = parts::<Mount>(&harvest);
    let names: Vec<&str> = mounts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "mount/cp-2/",
            "mount/cp-2/tank",
            "mount/cp-2/var/lib/my data\\x"
        ]
    );
    assert_eq!(&*mounts[2].1.fstype, "xfs");
    assert_eq!(&*mounts[2].1.device, "/dev/nvme0n1p1");
}

#[test]
fn a_mount_that_does_not_answer_is_lost_and_not_gone() {
    let harvest = harvest("v2");
    let [lost] = &harvest.lost[..] else {
        panic!("{:?}", harvest.lost)
    };
    assert_eq!(lost.kind, FactKind::Mount);
    assert!(lost.outage.detail.contains("/boot/efi"), "{}", lost.outage);
}

#[test]
fn a_file_system_turned_read_only_is_seen() {
    let harvest = harvest("v1");
    assert!(parts::<Mount>(&harvest)[0].1.read_only);
}

#[test]
fn disks_are_whole_and_complete() {
    let harvest = harvest("v2");
    let disks = parts::<Disk>(&harvest);
    let names: Vec<&str> = disks.iter().map(|(name, _)| name.as_str()).collect();
    // sdb has a line that breaks off, and no folder.
    assert_eq!(names, ["disk/cp-2/sda", "disk/cp-2/nvme0n1"]);
    assert_eq!(disks[0].1.written, Bytes(4000 * 512));
}

#[test]
fn links_tell_their_state_size_and_speed() {
    let harvest = harvest("v2");
    let nics = parts::<Nic>(&harvest);
    assert_eq!(nics.len(), 2);
    let (name, eno1) = &nics[0];
    assert_eq!(name, "nic/cp-2/eno1");
    assert_eq!((eno1.up, eno1.mtu), (Some(false), Some(9000)));
    assert_eq!(eno1.speed, Some(Bytes(1_250_000_000)));
    assert_eq!((nics[1].1.up, nics[1].1.speed), (None, None));
}

#[test]
fn sensors_have_names_of_their_own() {
    let harvest = harvest("v2");
    let Temperatures(sensors) = told(&harvest).unwrap();
    let read: Vec<(&str, f64, Option<f64>)> = sensors
        .iter()
        .map(|s| (&*s.sensor, s.celsius, s.critical))
        .collect();
    assert_eq!(
        read,
        [
            ("coretemp Package id 0", 54.0, Some(100.0)),
            ("nvme Composite", 31.85, None),
            ("nvme Composite #2", 32.85, None),
            ("acpitz", 27.8, Some(105.0)),
        ]
    );
}

#[test]
fn groups_of_version_2_are_leaves_in_order_of_weight() {
    let harvest = harvest("v2");
    let Consumers(groups) = told(&harvest).unwrap();
    let names: Vec<&str> = groups.iter().map(|g| &*g.group).collect();
    let pod = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice";
    let container = format!("{pod}/cri-containerd-aa.scope");
    assert_eq!(
        names,
        [
            &container,
            "system.slice/etcd.service",
            "system.slice/ssh.service"
        ]
    );
    let etcd = &groups[1];
    assert_eq!((etcd.cpu_secs, etcd.throttled_secs), (Some(8.0), Some(0.5)));
    assert_eq!(etcd.memory, Some(Bytes(600_000_000)));
    assert_eq!(
        (etcd.read, etcd.written),
        (Some(Bytes(5096)), Some(Bytes(8192)))
    );
    assert_eq!(groups[2].read, None);
}

#[test]
fn groups_of_a_hybrid_machine_come_from_each_hierarchy() {
    let harvest = harvest("hybrid");
    let Consumers(groups) = told(&harvest).unwrap();
    let api = groups.iter().find(|g| &*g.group == "tenant-api").unwrap();
    assert_eq!((api.cpu_secs, api.throttled_secs), (Some(90.5), Some(7.25)));
    assert_eq!(api.memory, Some(Bytes(1_749_000 - 348_160)));
    assert_eq!(
        (api.read, api.written),
        (Some(Bytes(5096)), Some(Bytes(8192)))
    );
    let other = groups.iter().find(|g| &*g.group == "only-memory").unwrap();
    assert_eq!((other.cpu_secs, other.memory), (None, Some(Bytes(0))));
}

#[test]
fn groups_of_version_1_need_no_memory_controller() {
    let harvest = harvest("v1");
    let Consumers(groups) = told(&harvest).unwrap();
    assert_eq!(&*groups[0].group, "system.slice/cron.service");
    assert_eq!((groups[0].cpu_secs, groups[0].memory), (Some(2.5), None));
}

#[test]
fn a_kernel_without_pressure_files_has_no_pressure_and_loses_nothing() {
    let harvest = harvest("v1");
    assert_eq!(told::<Pressure>(&harvest), None);
    assert_eq!(told::<Temperatures>(&harvest), None);
    assert_eq!(harvest.lost, []);
    assert_eq!(
        told::<Memory>(&harvest).unwrap().available,
        Bytes(130 * 1024)
    );
}

#[test]
fn the_machine_of_this_process_is_its_own_clock() {
    let harvest = harvest("hybrid");
    let offset: &crate::facts::ClockOffset = told(&harvest).unwrap();
    assert_eq!(
        (offset.witness, offset.offset.at_most()),
        (Witness::Own, 0.0)
    );
}

#[test]
fn a_second_reading_tells_the_same_groups() {
    let mut machine = Machine::asking("cp-2", roots("v2"), half_full);
    let first = machine.read().unwrap();
    let second = machine.read().unwrap();
    let count = |harvest: &Harvest| told::<Consumers>(harvest).unwrap().0.len();
    assert_eq!(count(&first), count(&second));
    assert_eq!(parts::<Mount>(&first), parts::<Mount>(&second));
}

#[test]
fn without_proc_there_is_an_outage_with_a_hint() {
    let outage = Machine::asking("cp-2", roots("missing"), half_full)
        .read()
        .unwrap_err();
    assert_eq!(outage.layer, Layer::Local);
    assert!(outage.detail.contains("missing/proc/stat"), "{outage}");
    assert!(outage.hint.is_some());
}

#[cfg(target_os = "linux")]
#[test]
fn this_machine_is_read_without_loss() {
    let mut machine = Machine::new("here", Roots::default());
    let harvest = machine.read().unwrap();
    let kinds: Vec<FactKind> = harvest.facts.iter().map(|(_, fact)| fact.kind()).collect();
    for kind in [
        FactKind::Os,
        FactKind::Cpu,
        FactKind::Load,
        FactKind::Memory,
        FactKind::Limits,
    ] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    let losses: Vec<_> = harvest
        .lost
        .iter()
        .filter(|lost| lost.kind != FactKind::Mount)
        .collect();
    assert!(losses.is_empty(), "{losses:?}");
    assert!(
        harvest
            .facts
            .iter()
            .any(|(_, fact)| matches!(fact, Fact::KernelClock(_)))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_that_still_hangs_is_an_outage_and_not_a_queue() {
    let machine = Mutex::new(Machine::asking("cp-2", roots("v2"), half_full));
    let hanging = machine.lock().unwrap();
    let outage = read(&machine).unwrap_err();
    assert!(outage.detail.contains("still hangs"), "{outage}");
    drop(hanging);
    assert!(read(&machine).is_ok());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_poll_speaks_for_the_host_of_its_target() {
    let mut probe = Local::new("cp-2", roots("v2"));
    let answer = probe.poll().await;
    assert_eq!(answer.outcome.unwrap().subject, Some(Subject::host("cp-2")));
}
