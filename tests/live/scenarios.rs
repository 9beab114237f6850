//! The recorded scenarios that screens are drawn from: real servers, watched by the real poller.
//!
//! `MIDWATCH_RECORD=1 cargo test --test live scenarios:: -- --test-threads=1` writes them anew;
//! without the variable these rows do not exist. Every host is this one machine.

mod cluster;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Failed;
use midwatch::facts::{Alerts, ScrapeTargets};
use midwatch::findings::Severity;
use midwatch::subject::Subject;

use crate::Row;
use crate::programs::Program::{
    self, Alertmanager, Chronyd, EtcdCurrent, Etcdctl, NodeExporter, Prometheus,
};
use crate::recorder::{Disguise, Recorder, findings};
use crate::servers::chrony;
use crate::servers::etcd::{EtcdCluster, Options, Transport};
use crate::servers::prometheus::{self, Monitoring, RULES};
use crate::servers::{Running, found, free_port};
use crate::target::Target;
use crate::watch::Watch;

const NEEDS: &[Program] = &[
    EtcdCurrent,
    Etcdctl,
    Prometheus,
    NodeExporter,
    Alertmanager,
    Chronyd,
];

pub const ROWS: &[Row] = &[
    Row {
        name: "scenarios::two_am",
        needs: NEEDS,
        run: two_am,
    },
    Row {
        name: "scenarios::quiet",
        needs: NEEDS,
        run: quiet,
    },
    Row {
        name: "scenarios::cluster",
        needs: crate::servers::kube::NEEDS,
        run: cluster,
    },
];

/// What is recorded is read on every run.
pub const REPLAYS: &[Row] = &[Row {
    name: "scenarios::the_recordings_say_what_they_are_for",
    needs: &[],
    run: replayed,
}];

/// Does anything burn before somebody looks?
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Troubled,
    Well,
}

struct World {
    etcd: EtcdCluster,
    monitoring: Monitoring,
    chronyd: chrony::Chronyd,
    database: String,
    _writer: Running,
    _folder: tempfile::TempDir,
}

impl World {
    fn start(mood: Mood) -> Result<Self, Failed> {
        let etcd = EtcdCluster::start(Options {
            program: EtcdCurrent,
            transport: Transport::Plain,
            quota: None,
            prefix: "cp-",
        })?;
        let members = (0..3).map(|at| etcd.addresses(at)[0].clone()).collect();
        let database = format!("127.0.0.1:{}", free_port()?);
        let mut options = prometheus::Options {
            jobs: vec![("etcd".to_owned(), members)],
            rules: RULES.to_owned(),
        };
        if mood == Mood::Troubled {
            let gone = ("postgres".to_owned(), vec![database.clone()]);
            options.jobs.push(gone);
            options.rules += prometheus::BROKEN;
        }
        let folder = tempfile::TempDir::with_prefix("midwatch-writer-")?;
        // Something to commit, so that the curves are not flat.
        let script = format!(
            "while :; do {} --endpoints={} put leases/kubelet \"$(date)\"; sleep 0.3; done",
            found(Etcdctl)?.display(),
            etcd.endpoint(0)
        );
        let writer = Running::start(
            Path::new("/bin/sh"),
            ["-c", &script],
            folder.path(),
            "writer.log",
        )?;
        Ok(Self {
            etcd,
            monitoring: Monitoring::start_with(&options)?,
            chronyd: chrony::Chronyd::start()?,
            database,
            _writer: writer,
            _folder: folder,
        })
    }

    fn targets(&self) -> Vec<Target> {
        let queries = [
            "count(up == 1)",
            "sum(rate(prometheus_http_requests_total[1m]))",
        ];
        let often = |target: Target| target.text("period", "2s").text("timeout", "1500ms");
        vec![
            often(Target::new("local", "console")),
            often(self.monitoring.host(0, "w-03")),
            often(self.monitoring.host(1, "w-17")),
            often(self.etcd.target("prod")),
            often(self.monitoring.prometheus("main", &queries)),
            often(self.monitoring.alertmanager("main")),
            self.chronyd.target("pool").text("period", "16s"),
        ]
    }

    fn disguise(&self) -> Disguise {
        let ports = self.monitoring.ports;
        let local = |port: u16| format!("127.0.0.1:{port}");
        let mut addresses = vec![
            (local(ports.prometheus), "10.0.0.20:9090".to_owned()),
            (local(ports.alertmanager), "10.0.0.20:9093".to_owned()),
            (self.monitoring.exporter(0), "10.0.0.103:9100".to_owned()),
            (self.monitoring.exporter(1), "10.0.0.117:9100".to_owned()),
            (self.database.clone(), "10.0.0.31:9187".to_owned()),
            (self.chronyd.address(), "10.0.0.1:123".to_owned()),
        ];
        for at in 0..3 {
            let [client, peer] = self.etcd.addresses(at);
            addresses.push((client, format!("10.0.0.{}:2379", 11 + at)));
            addresses.push((peer, format!("10.0.0.{}:2380", 11 + at)));
        }
        let folder = self.monitoring.folder().display().to_string();
        let name = midwatch::sources::local::hostname();
        Disguise {
            addresses,
            texts: vec![(folder, "/etc/prometheus".to_owned())],
            own: vec![format!("\"{name}\""), format!("{name}:")],
        }
    }

    /// Waits until everything answers and the watchdog has arrived where alerts go.
    fn settle(&self) -> Result<(), Failed> {
        let mut watch = Watch::new(&self.targets())?;
        watch.until("a fleet in order", |snapshot| {
            let mut feeds = snapshot.model.feeds().iter();
            let arrived = snapshot.fresh::<Alerts>(&Subject::alertmanager("main"));
            let scraped = snapshot.fresh::<ScrapeTargets>(&Subject::prometheus("main"));
            feeds.all(|feed| feed.last_ok.is_some() && feed.outage.is_none())
                && arrived.is_ok_and(|a| a.value.0.iter().any(|a| &*a.name == "Watchdog"))
                && scraped.is_ok_and(|told| told.value.up == 5)
        })
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenarios")
}

fn write(name: &str, recorder: &Recorder, world: &World) -> Result<(), Failed> {
    let lines = recorder.lines(&world.disguise())?;
    fs::create_dir_all(folder())?;
    fs::write(folder().join(name), lines.join("\n") + "\n")?;
    Ok(())
}

fn read(name: &str) -> Result<Vec<(String, String, Severity)>, Failed> {
    let text = fs::read_to_string(folder().join(name))?;
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    findings(&lines)
}

/// A member dies, and everything that follows from it.
fn two_am() -> Result<(), Failed> {
    let mut world = World::start(Mood::Troubled)?;
    world.settle()?;
    let mut recorder = Recorder::start(&world.targets())?;
    recorder.watch_for(Duration::from_secs(75));
    world.etcd.kill_member(1);
    recorder.watch_for(Duration::from_secs(45));
    write("two-am.jsonl", &recorder, &world)
}

/// Nothing happens.
fn quiet() -> Result<(), Failed> {
    let world = World::start(Mood::Well)?;
    world.settle()?;
    let mut recorder = Recorder::start(&world.targets())?;
    recorder.watch_for(Duration::from_secs(60));
    write("quiet.jsonl", &recorder, &world)
}

/// Workloads on ten nodes, three of them in trouble.
fn cluster() -> Result<(), Failed> {
    let lines = cluster::record()?;
    fs::write(folder().join("cluster.jsonl"), lines.join("\n") + "\n")?;
    Ok(())
}

fn replayed() -> Result<(), Failed> {
    let found = read("two-am.jsonl")?;
    for (rule, subject) in [
        ("etcd-member-down", "etcd/prod/cp-2"),
        ("etcd-quorum-thin", "etcd/prod"),
        ("prometheus-rule-failing", "prometheus/main"),
        ("prometheus-target-down", "prometheus/main"),
        ("alert-firing", "etcd/prod/cp-2"),
    ] {
        let told = found.iter().any(|(r, s, _)| r == rule && s == subject);
        assert!(told, "no {rule} on {subject} in {found:?}");
    }
    let found = read("quiet.jsonl")?;
    let mut severities = found.iter().map(|(_, _, severity)| *severity);
    assert!(severities.all(|s| s == Severity::Info), "{found:?}");
    Ok(())
}
