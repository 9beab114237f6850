//! Hosts as node_exporter tells them, from the recorded payload with its counters moved on.
//!
//! Shared by benchmarks; nothing here is part of the program.

use std::time::Duration;

use midwatch::clock::Now;
use midwatch::facts::Fact;
use midwatch::ids::{FeedId, TargetId};
use midwatch::model::{FeedSpec, Model};
use midwatch::observation::{Harvest, Observation};
use midwatch::sources::exposition::{Reader, Wanted};
use midwatch::sources::node_exporter::{Scrape, WANTED};
use midwatch::subject::Subject;
use midwatch::thresholds::Thresholds;

pub const PAYLOAD: &str =
    include_str!("../../tests/fixtures/payloads/node-exporter/debian-12-1.5.0.txt");

/// Mounts, disks and interfaces of a host beyond the recorded ones, of each.
const MORE: usize = 6;

pub const PERIOD: Duration = Duration::from_secs(10);

/// A fleet of `count` hosts, each watched by one feed.
pub struct Fleet {
    pub model: Model,
    hosts: Vec<(FeedId, Harvest)>,
}

impl Fleet {
    pub fn new(count: usize, now: Now) -> Self {
        let mut model = Model::new(now, Thresholds::default());
        let mut hosts = Vec::with_capacity(count);
        for at in 0..count {
            let name = format!("worker-{at:04}");
            let target = TargetId::new("node-exporter", &name);
            let endpoint = format!("http://10.0.{}.{}:9100", at / 250, at % 250);
            let id = FeedId::new(target, &endpoint);
            let spec = FeedSpec {
                id: id.clone(),
                period: PERIOD,
                timeout: Duration::from_secs(5),
                subject: Subject::host(&name),
                tells: None,
            };
            model.register(spec, Thresholds::default());
            hosts.push((id, scrape(&name)));
        }
        Self { model, hosts }
    }

    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// What host `at` tells in its poll number `poll`.
    pub fn observation(&self, at: usize, poll: u32, now: Now) -> Observation {
        let (feed, harvest) = &self.hosts[at];
        let mut harvest = harvest.clone();
        for (_, fact) in &mut harvest.facts {
            advance(fact, at, f64::from(poll));
        }
        Observation {
            feed: feed.clone(),
            at: now,
            took: Duration::from_millis(12),
            bytes: 57_642,
            outcome: Ok(harvest),
        }
    }
}

fn scrape(host: &str) -> Harvest {
    let wanted = Wanted::new(WANTED.iter().copied());
    let mut reader = Reader::new(&wanted);
    let mut scrape = Scrape::default();
    reader.push(PAYLOAD.as_bytes(), &mut |sample| scrape.take(sample));
    reader.finish(&mut |sample| scrape.take(sample));
    let mut harvest = scrape.harvest(host);
    enlarge(host, &mut harvest);
    harvest
}

/// The recorded machine is a small one: a server has more disks, file systems and interfaces.
fn enlarge(host: &str, harvest: &mut Harvest) {
    let recorded = harvest.facts.clone();
    let first = |wanted: fn(&Fact) -> bool| recorded.iter().find(|(_, fact)| wanted(fact));
    let mount = first(|fact| matches!(fact, Fact::Mount(_)));
    let disk = first(|fact| matches!(fact, Fact::Disk(_)));
    let nic = first(|fact| matches!(fact, Fact::Nic(_)));
    for at in 0..MORE {
        let subjects = [
            (mount, Subject::mount(host, &format!("/srv/{at}"))),
            (disk, Subject::disk(host, &format!("nvme{at}n1"))),
            (nic, Subject::nic(host, &format!("bond{at}"))),
        ];
        for (like, subject) in subjects {
            harvest
                .facts
                .extend(like.map(|(_, fact)| (subject, fact.clone())));
        }
    }
}

/// Moves the counters as one period of moderate work does.
fn advance(fact: &mut Fact, host: usize, poll: f64) {
    let busy = f64::from(u32::try_from(host % 7).unwrap_or(0));
    match fact {
        Fact::Cpu(cpu) => {
            cpu.user += poll * busy;
            cpu.idle += poll * (20.0 - busy);
        }
        Fact::Disk(disk) => {
            disk.writes += poll * 40.0;
            disk.busy_secs += poll * 0.5;
        }
        Fact::Nic(nic) => nic.packets_in += poll * 500.0,
        Fact::Load(load) => load.one = busy / 4.0,
        _ => {}
    }
}
