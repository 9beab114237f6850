//! etcd as it is at both ends of the supported range.

use libtest_mimic::Failed;
use midwatch::facts::{
    Certificate, ClockOffset, EtcdAlarm, EtcdAlarms, EtcdHash, EtcdHealth, EtcdMembers,
    EtcdMetrics, EtcdStatus, Witness,
};
use midwatch::model::Snapshot;
use midwatch::observation::Layer;
use midwatch::subject::Subject;
use midwatch::units::Bytes;

use crate::Row;
use crate::programs::Program::{self, Etcd, EtcdCurrent, Etcdctl};
use crate::servers::etcd::{EtcdCluster, Options, Transport};
use crate::watch::Watch;

pub const ROWS: &[Row] = &[
    Row {
        name: "etcd::three_members_are_seen_by_name",
        needs: &[Etcd],
        run: || by_name(Etcd),
    },
    Row {
        name: "etcd::three_members_of_a_current_etcd_are_seen_by_name",
        needs: &[EtcdCurrent],
        run: || by_name(EtcdCurrent),
    },
    Row {
        name: "etcd::a_killed_member_is_an_outage_of_its_feed_alone",
        needs: &[Etcd],
        run: || one_killed(Etcd),
    },
    Row {
        name: "etcd::a_current_cluster_without_quorum_still_tells_its_state",
        needs: &[EtcdCurrent],
        run: || without_quorum(EtcdCurrent),
    },
    Row {
        name: "etcd::a_cluster_without_quorum_still_tells_its_state",
        needs: &[Etcd],
        run: || without_quorum(Etcd),
    },
    Row {
        name: "etcd::a_full_database_raises_the_alarm",
        needs: &[Etcd, Etcdctl],
        run: || full(Etcd),
    },
    Row {
        name: "etcd::a_full_database_of_a_current_etcd_raises_the_alarm",
        needs: &[EtcdCurrent, Etcdctl],
        run: || full(EtcdCurrent),
    },
    Row {
        name: "etcd::a_client_certificate_opens_the_door",
        needs: &[Etcd],
        run: || client_certificate(Etcd),
    },
    Row {
        name: "etcd::a_client_certificate_opens_the_door_of_a_current_etcd",
        needs: &[EtcdCurrent],
        run: || client_certificate(EtcdCurrent),
    },
    Row {
        name: "etcd::hashes_are_of_one_revision_also_after_compaction",
        needs: &[Etcd, Etcdctl],
        run: || hashes(Etcd),
    },
];

fn member(at: usize) -> Subject {
    Subject::etcd_member("live", &format!("m{}", at + 1))
}

/// All three members told a status and agree on a leader.
fn whole(snapshot: &Snapshot<'_>) -> bool {
    let leaders: Vec<_> = (0..3)
        .filter_map(|at| snapshot.fresh::<EtcdStatus>(&member(at)).ok()?.value.leader)
        .collect();
    leaders.len() == 3 && leaders.iter().all(|leader| *leader == leaders[0])
}

/// Every member also told that it is healthy: each has joined for good.
fn healthy(snapshot: &Snapshot<'_>) -> bool {
    let well = |at| {
        let health = snapshot.fresh::<EtcdHealth>(&member(at));
        health.is_ok_and(|health| health.value.healthy)
    };
    whole(snapshot) && (0..3).all(well)
}

fn by_name(program: Program) -> Result<(), Failed> {
    let running = EtcdCluster::start(Options::plain(program))?;
    let mut watch = Watch::new(&[running.target("live")])?;
    // Peers are timed every few seconds only.
    watch.until("three healthy members that timed their peers", |snapshot| {
        let timed = |at| {
            let metrics = snapshot.fresh::<EtcdMetrics>(&member(at));
            metrics.is_ok_and(|metrics| metrics.value.peer_round_trip.is_some())
        };
        healthy(snapshot) && (0..3).all(timed)
    })?;
    let list: EtcdMembers = watch.fact(&Subject::etcd("live"))?;
    assert_eq!(list.members.len(), 3);
    let expected = if program == EtcdCurrent { "3.7." } else { "3." };
    for at in 0..3 {
        let feed = watch.feed(&running.endpoint(at))?;
        assert_eq!(*feed.subject(), member(at));
        let text = watch.describe();
        assert!(feed.outage.is_none() && feed.lost.is_empty(), "{text}");
        let status: EtcdStatus = watch.fact(&member(at))?;
        assert!(status.version.starts_with(expected), "{status:?}");
        // Told by Status in current releases and by /metrics before them.
        assert!(status.db_quota.is_some() && status.db_size > Bytes(0));
        assert_eq!(status.storage_version.is_some(), program == EtcdCurrent);
        let metrics: EtcdMetrics = watch.fact(&member(at))?;
        assert_eq!(metrics.has_leader, Some(true));
        assert!(metrics.wal_fsync.is_some_and(|h| h.count > 0.0));
        let clock: ClockOffset = watch.fact(&member(at))?;
        assert_eq!(clock.witness, Witness::HttpDate);
        // The server runs on this machine: no skew can be proven.
        assert!(clock.offset.at_least() == 0.0, "{clock:?}");
    }
    let alarms: EtcdAlarms = watch.fact(&Subject::etcd("live"))?;
    assert!(alarms.0.is_empty());
    Ok(())
}

fn one_killed(program: Program) -> Result<(), Failed> {
    let mut running = EtcdCluster::start(Options::plain(program))?;
    let mut watch = Watch::new(&[running.target("live")])?;
    watch.until("three healthy members", healthy)?;
    running.kill_member(1);
    let endpoint = running.endpoint(1);
    // The others choose a new leader first, if it was that one.
    let gone = |snapshot: &Snapshot<'_>| {
        let mut feeds = snapshot.model.feeds().iter();
        let feed = feeds.find(|feed| *feed.spec.id.endpoint == *endpoint);
        let outage = feed.and_then(|feed| feed.outage.as_ref());
        let well = |at| {
            let health = snapshot.fresh::<EtcdHealth>(&member(at));
            health.is_ok_and(|health| health.value.healthy)
        };
        outage.is_some_and(|outage| outage.layer == Layer::Tcp) && well(0) && well(2)
    };
    watch.until("a TCP outage of the killed member alone", gone)?;
    assert_eq!(*watch.feed(&endpoint)?.subject(), member(1));
    for at in [0, 2] {
        let feed = watch.feed(&running.endpoint(at))?;
        assert!(feed.outage.is_none(), "{}", watch.describe());
    }
    running.restart_member(1)?;
    watch.until("all three again", healthy)
}

fn without_quorum(program: Program) -> Result<(), Failed> {
    let mut running = EtcdCluster::start(Options::plain(program))?;
    let mut watch = Watch::new(&[running.target("live")])?;
    watch.until("three healthy members", healthy)?;
    running.kill_member(1);
    running.kill_member(2);
    watch.until("no leader, told by the one that is left", |snapshot| {
        let status = snapshot.fresh::<EtcdStatus>(&member(0));
        status.is_ok_and(|status| status.value.leader.is_none())
    })?;
    let feed = watch.feed(&running.endpoint(0))?;
    assert!(feed.outage.is_none(), "{}", watch.describe());
    let list: EtcdMembers = watch.fact(&Subject::etcd("live"))?;
    assert_eq!(list.members.len(), 3);
    let alarms: EtcdAlarms = watch.fact(&Subject::etcd("live"))?;
    assert!(alarms.0.is_empty());
    let snapshot = watch.snapshot();
    let health = snapshot.fresh::<EtcdHealth>(&member(0));
    assert!(!health.is_ok_and(|health| health.value.healthy && health.age.as_secs() < 1));
    Ok(())
}

fn full(program: Program) -> Result<(), Failed> {
    let quota = 200_000;
    let running = EtcdCluster::start(Options {
        quota: Some(quota),
        ..Options::plain(program)
    })?;
    let mut watch = Watch::new(&[running.target("live")])?;
    watch.until("three healthy members", healthy)?;
    running.fill()?;
    watch.until("NOSPACE", |snapshot| {
        let alarms = snapshot.fresh::<EtcdAlarms>(&Subject::etcd("live"));
        alarms.is_ok_and(|alarms| {
            let mut kinds = alarms.value.0.iter().map(|(_, kind)| *kind);
            kinds.any(|kind| kind == EtcdAlarm::NoSpace)
        })
    })?;
    // The alarm is told as an alarm, not as an error of some kind besides.
    let status: EtcdStatus = watch.fact(&member(0))?;
    assert_eq!(status.db_quota, Some(Bytes(quota)));
    assert!(status.errors.is_empty(), "{status:?}");
    watch.until("/health says so", |snapshot| {
        let health = snapshot.fresh::<EtcdHealth>(&member(0));
        health.is_ok_and(|health| !health.value.healthy)
    })
}

fn client_certificate(program: Program) -> Result<(), Failed> {
    let running = EtcdCluster::start(Options {
        transport: Transport::Tls,
        ..Options::plain(program)
    })?;
    let known = running.target("live");
    let mut watch = Watch::new(std::slice::from_ref(&known))?;
    watch.until("three healthy members over TLS", healthy)?;
    for at in 0..3 {
        let certificate: Certificate = watch.fact(&member(at))?;
        assert!(certificate.subject.contains("server"), "{certificate:?}");
        assert!(certificate.not_after > certificate.not_before);
        let lost = &watch.feed(&running.endpoint(at))?.lost;
        assert!(lost.is_empty(), "{}", watch.describe());
    }
    let mut stranger = Watch::new(&[known.clone().without("cert").without("key")])?;
    stranger.poll();
    refused_by_tls(&stranger, &running)?;

    // The system's authorities do not know ours.
    let mut doubting = Watch::new(&[known.without("ca")])?;
    doubting.poll();
    refused_by_tls(&doubting, &running)
}

fn refused_by_tls(watch: &Watch, running: &EtcdCluster) -> Result<(), Failed> {
    for at in 0..3 {
        let feed = watch.feed(&running.endpoint(at))?;
        let Some(outage) = &feed.outage else {
            return Err(format!("let in:\n{}", watch.describe()).into());
        };
        assert_eq!(outage.layer, Layer::Tls, "{outage}");
        assert!(outage.hint.is_some(), "{outage:?}");
    }
    Ok(())
}

fn hashes(program: Program) -> Result<(), Failed> {
    let running = EtcdCluster::start(Options::plain(program))?;
    let mut watch = Watch::new(&[running.target("live")])?;
    watch.until("three healthy members", healthy)?;
    for at in 0..5 {
        running.etcdctl(&["put", "key", &at.to_string()])?;
    }
    watch.until("equal hashes of one revision", |s| agreed(s).is_some())?;
    // Up to the very last revision: 3.4 then refuses that revision by its number.
    let status: EtcdStatus = watch.fact(&member(0))?;
    let compacted = running.etcdctl(&["compact", &status.revision.to_string()])?;
    assert!(compacted.status.success(), "{compacted:?}");
    watch.until("equal hashes above the compaction", |s| {
        agreed(s).is_some_and(|hash| hash.compact_revision == status.revision)
    })
}

/// The hash that all three tell, if they do.
fn agreed(snapshot: &Snapshot<'_>) -> Option<EtcdHash> {
    let told = |at| {
        let reading = snapshot.fresh::<EtcdHash>(&member(at)).ok()?;
        Some(*reading.value)
    };
    let first = told(0)?;
    (told(1)? == first && told(2)? == first && first.revision > 1).then_some(first)
}
