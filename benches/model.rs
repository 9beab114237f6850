//! What the model costs as it grows: one observation among few and many hosts, and memory after
//! hours of watching.
//!
//! `cargo bench --bench model`. Time is CPU time of this thread; memory is what this process has
//! resident beyond what it had before.

#[path = "shared/figures.rs"]
mod figures;
#[path = "shared/hosts.rs"]
mod hosts;
#[path = "shared/rounds.rs"]
mod rounds;

use std::time::Duration;

use figures::{Figures, Goal, quantile};
use hosts::{Fleet, PERIOD};
use midwatch::clock::Now;
use midwatch::facts::Fact;
use midwatch::findings::Ledger;
use midwatch::observation::{Layer, Observation, Outage};
use rounds::median_ms;

const ROUNDS: usize = 200;
/// Mounts reach back six hours, the longest of all.
const HOURS: u32 = 7;

fn main() {
    let mut figures = Figures::default();
    memory(&mut figures);
    growth(&mut figures);
    figures.table();
}

/// Absorbing and judging one observation while the fleet grows a hundredfold.
fn growth(figures: &mut Figures) {
    for count in [10, 100, 1000] {
        let mut now = Now::fixed();
        let mut fleet = Fleet::new(count, now);
        let mut ledger = Ledger::default();
        for poll in 0..3 {
            now = now.plus(PERIOD);
            for at in 0..count {
                let observation = fleet.observation(at, poll, now);
                fleet.model.absorb(observation);
            }
        }
        ledger.run(&mut fleet.model, now);
        let mut good: Vec<_> = (0..ROUNDS)
            .map(|round| fleet.observation(round % count, 4, now))
            .collect();
        let mut judged = Vec::with_capacity(ROUNDS);
        let absorbed = median_ms(ROUNDS, |_| {
            if let Some(observation) = good.pop() {
                fleet.model.absorb(observation);
            }
        });
        note(figures, "absorb an answer", count, absorbed);
        let bad: Vec<_> = (0..ROUNDS.min(count))
            .map(|round| failed(fleet.observation(round, 4, now)))
            .collect();
        let (mut absorbed, mut again) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
        for observation in bad {
            let mut observation = Some(observation);
            absorbed.push(median_ms(1, |_| {
                if let Some(observation) = observation.take() {
                    fleet.model.absorb(observation);
                }
            }));
            judged.push(median_ms(1, |_| _ = ledger.run(&mut fleet.model, now)));
        }
        for round in 0..ROUNDS {
            let observation = failed(fleet.observation(round % count, 5, now));
            fleet.model.absorb(observation);
            again.push(median_ms(1, |_| _ = ledger.run(&mut fleet.model, now)));
        }
        let findings = u32::try_from(ledger.counts().all).map_or(0.0, f64::from);
        figures.note(
            format!("findings of {count} hosts"),
            findings,
            "",
            Goal::None,
        );
        note(figures, "absorb a failure", count, quantile(absorbed, 0.5));
        note(figures, "judge a new failure", count, quantile(judged, 0.5));
        note(
            figures,
            "judge a failure again",
            count,
            quantile(again, 0.5),
        );
    }
}

fn note(figures: &mut Figures, what: &str, count: usize, ms: f64) {
    figures.note(
        format!("{what}, one of {count} hosts"),
        ms * 1e3,
        "us",
        Goal::None,
    );
}

fn failed(observation: Observation) -> Observation {
    Observation {
        outcome: Err(Outage::new(Layer::Tcp, "refused")),
        ..observation
    }
}

/// A hundred hosts, polled for hours of the program's own time.
fn memory(figures: &mut Figures) {
    let before = resident();
    let mut now = Now::fixed();
    let mut fleet = Fleet::new(100, now);
    let mut ledger = Ledger::default();
    let polls = HOURS * 3600 / u32::try_from(PERIOD.as_secs()).unwrap_or(10);
    for poll in 0..polls {
        now = now.plus(PERIOD);
        for at in 0..fleet.len() {
            let observation = fleet.observation(at, poll, now);
            fleet.model.absorb(observation);
        }
        ledger.run(&mut fleet.model, now);
        if poll == 4 {
            figures.note(
                "100 hosts, memory after 5 polls",
                resident() - before,
                "MiB",
                Goal::None,
            );
        }
    }
    let name = format!("100 hosts, memory after {HOURS} h");
    figures.note(name, resident() - before, "MiB", Goal::AtMost(50.0));
    let facts = fleet
        .observation(0, 0, now)
        .outcome
        .map_or(0, |harvest| harvest.facts.len());
    let facts = u32::try_from(facts).map_or(0.0, f64::from);
    figures.note("facts of a host", facts, "", Goal::None);
    let bytes = u32::try_from(size_of::<Fact>()).map_or(0.0, f64::from);
    figures.note("a fact", bytes, "B", Goal::None);
    assert!(now.stamp.since(Now::fixed().stamp) > Duration::from_secs(6 * 3600));
}

/// Resident MiB of this process.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|text| text.parse::<f64>().ok());
    let page = u32::try_from(rustix::param::page_size()).map_or(4096.0, f64::from);
    pages.unwrap_or(0.0) * page / 1024.0 / 1024.0
}
