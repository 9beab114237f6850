//! A small world for tests of rules: feeds that tell and fail at chosen moments. No clock, no I/O.
//!
//! Feeds are named as their target subject prints: `etcd/prod https://10.0.0.1:2379`.

pub mod kube;
pub mod objects;

use std::fmt::Write as _;
use std::time::Duration;

use super::{Entry, Finding, Ledger, Rule, Verdict};
use crate::clock::Now;
use crate::facts::{
    EtcdAlarms, EtcdHealth, EtcdMember, EtcdMembers, EtcdMetrics, EtcdStatus, Fact, FactKind,
};
use crate::ids::{FeedId, TargetId};
use crate::model::{FeedSpec, Model};
use crate::observation::{Harvest, Layer, Lost, Observation, Outage};
use crate::subject::Subject;
use crate::thresholds::Thresholds;
use crate::units::Bytes;

pub struct Scenario {
    pub model: Model,
    pub now: Now,
    pub ledger: Ledger,
    members: usize,
}

impl Scenario {
    /// An empty world and every rule.
    pub fn new() -> Self {
        Self::with(Ledger::default())
    }

    /// An empty world and these rules.
    pub fn with_rules<const N: usize>(rules: [&'static Rule; N]) -> Self {
        Self::with(Ledger::with_rules(Box::leak(Box::new(rules))))
    }

    fn with(ledger: Ledger) -> Self {
        let now = Now::fixed();
        Self {
            model: Model::new(now, Thresholds::default()),
            now,
            ledger,
            members: 0,
        }
    }

    /// A feed with a period of 10 s and a timeout of 5 s.
    pub fn feed(&mut self, feed: &str, subject: &str) -> &mut Self {
        let spec = FeedSpec {
            id: id(feed),
            period: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            subject: subject.parse().unwrap(),
            tells: None,
        };
        self.model.register(spec, Thresholds::default());
        self
    }

    pub fn wait(&mut self, secs: u64) -> &mut Self {
        self.now = self.now.plus(Duration::from_secs(secs));
        self.model.age(self.now);
        self
    }

    /// The feed answers with all of this, and with nothing else any more.
    pub fn tell<const N: usize>(&mut self, feed: &str, facts: [(&str, Fact); N]) -> &mut Self {
        self.tell_but(feed, facts, &[])
    }

    /// The feed answers, but a part could not be had.
    pub fn tell_but<const N: usize>(
        &mut self,
        feed: &str,
        facts: [(&str, Fact); N],
        lost: &[FactKind],
    ) -> &mut Self {
        let outage = Outage::new(Layer::Auth, "403 Forbidden");
        let lost = lost.iter().map(|kind| Lost {
            kind: *kind,
            outage: outage.clone(),
        });
        let harvest = Harvest {
            facts: facts
                .into_iter()
                .map(|(subject, fact)| (subject.parse().unwrap(), fact))
                .collect(),
            lost: lost.collect(),
            ..Harvest::default()
        };
        self.absorb(feed, Ok(harvest))
    }

    pub fn fail(&mut self, feed: &str, layer: Layer, detail: &str) -> &mut Self {
        self.absorb(feed, Err(Outage::new(layer, detail)))
    }

    fn absorb(&mut self, feed: &str, outcome: Result<Harvest, Outage>) -> &mut Self {
        self.model.absorb(Observation {
            feed: id(feed),
            at: self.now,
            took: Duration::from_millis(20),
            bytes: 1000,
            outcome,
        });
        self
    }

    pub fn verdict(&self, rule: &Rule, subject: &str) -> Verdict {
        let subject: Subject = subject.parse().unwrap();
        (rule.check)(&self.model.snapshot(self.now), &subject)
    }

    /// The verdict as text: `clear`, `n/a`, `unknown: why`, or a line for each finding.
    pub fn says(&self, rule: &Rule, subject: &str) -> String {
        match self.verdict(rule, subject) {
            Verdict::NotApplicable => "n/a".into(),
            Verdict::Clear => "clear".into(),
            Verdict::Undecided(doubt) => format!("unknown: {doubt}"),
            Verdict::Firing(findings) => {
                let lines: Vec<String> = findings.iter().map(line).collect();
                lines.join("\n")
            }
        }
    }

    /// Runs the ledger over what moved, the fleet included.
    pub fn run(&mut self) -> &mut Self {
        self.ledger.run(&mut self.model, self.now);
        self.ledger.run(&mut self.model, self.now);
        self
    }

    /// All rows as text: a root with its effective severity, what it explains below it.
    pub fn rows(&self) -> String {
        let mut out = String::new();
        for root in self.ledger.roots() {
            let _ = writeln!(out, "{} {}", root.effective.word(), name(root));
            self.below(root, 1, &mut out);
        }
        out
    }

    fn below(&self, entry: &Entry, depth: usize, out: &mut String) {
        for id in &entry.folded {
            let child = self.ledger.entry(id).unwrap();
            let _ = writeln!(out, "{:depth$}{}", "", name(child), depth = depth * 2);
            self.below(child, depth + 1, out);
        }
    }
}

fn name(entry: &Entry) -> String {
    format!("{} {}", entry.id.rule, entry.id.subject)
}

fn line(finding: &Finding) -> String {
    format!(
        "{} {} {}",
        finding.severity.word(),
        finding.subject,
        finding.summary
    )
}

fn id(feed: &str) -> FeedId {
    let (target, endpoint) = feed.split_once(' ').unwrap_or((feed, ""));
    let (kind, name) = target.split_once('/').unwrap();
    FeedId::new(TargetId::new(kind, name), endpoint)
}

/// A healthy etcd cluster named `prod` as its members tell it; a test bends what it needs.
pub struct Etcd {
    pub list: EtcdMembers,
    pub alarms: EtcdAlarms,
    pub statuses: Vec<EtcdStatus>,
    pub metrics: Vec<EtcdMetrics>,
}

impl Etcd {
    /// Members `m1` to `mN` with the ids 1 to N; 1 leads.
    pub fn of(members: u64) -> Self {
        let member = |id: u64| EtcdMember {
            id,
            name: format!("m{id}").into(),
            client_urls: vec![format!("https://10.0.0.{id}:2379").into()],
            ..EtcdMember::default()
        };
        let status = |member_id| EtcdStatus {
            member_id,
            cluster_id: 0xc1,
            version: "3.5.17".into(),
            db_size: Bytes(200 << 20),
            db_in_use: Some(Bytes(190 << 20)),
            leader: Some(1),
            raft_index: 1000,
            raft_applied: 1000,
            raft_term: 7,
            revision: 500,
            ..EtcdStatus::default()
        };
        let metrics = EtcdMetrics {
            has_leader: Some(true),
            leader_changes: Some(1.0),
            quota: Some(Bytes(2 << 30)),
            ..EtcdMetrics::default()
        };
        Self {
            list: EtcdMembers {
                cluster_id: 0xc1,
                members: (1..=members).map(member).collect(),
            },
            alarms: EtcdAlarms::default(),
            statuses: (1..=members).map(status).collect(),
            metrics: (1..=members).map(|_| metrics.clone()).collect(),
        }
    }

    pub fn feed(member: usize) -> String {
        format!("etcd/prod https://10.0.0.{member}:2379")
    }

    /// What member `n`, counted from one, tells.
    pub fn facts(&self, n: usize) -> [(&'static str, Fact); 5] {
        let member: &str = [
            "etcd/prod/m1",
            "etcd/prod/m2",
            "etcd/prod/m3",
            "etcd/prod/m4",
        ][n - 1];
        let health = EtcdHealth {
            healthy: true,
            ..EtcdHealth::default()
        };
        [
            ("etcd/prod", self.list.clone().into()),
            ("etcd/prod", self.alarms.clone().into()),
            (member, self.statuses[n - 1].clone().into()),
            (member, self.metrics[n - 1].clone().into()),
            (member, health.into()),
        ]
    }
}

impl Scenario {
    /// A healthy cluster of up to four members that has been polled twice.
    pub fn etcd(members: usize) -> Self {
        let mut world = Self::new();
        for n in 1..=members {
            world.feed(&Etcd::feed(n), &format!("etcd/prod/m{n}"));
        }
        let all: Vec<usize> = (1..=members).collect();
        world.members = members;
        world.beat(&all);
        world.wait(10).beat(&all);
        world
    }

    /// These members tell that all is well.
    pub fn beat(&mut self, members: &[usize]) -> &mut Self {
        let etcd = Etcd::of(self.members as u64);
        for &n in members {
            self.tell(&Etcd::feed(n), etcd.facts(n));
        }
        self
    }
}

impl Scenario {
    /// A Prometheus named `a` that has told these facts.
    pub fn prometheus<const N: usize>(facts: [Fact; N]) -> Self {
        let mut world = Self::new();
        let feed = "prometheus/a http://10.0.0.9:9090";
        world.feed(feed, "prometheus/a");
        world.tell(feed, facts.map(|fact| ("prometheus/a", fact)));
        world
    }
}
