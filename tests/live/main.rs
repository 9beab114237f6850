//! The live tier: midwatch against real servers on loopback.
//!
//! A trial whose server is not on this machine is skipped with a printed reason; with
//! `MIDWATCH_LIVE=require` it fails instead. With `MIDWATCH_LIVE` set to anything, a current etcd, the
//! daemons of Kubernetes and kwok are built with Go first: minutes, once. Run it alone with `cargo test --test live`. With `MIDWATCH_RECORD=1` it also
//! records the scenarios of `tests/fixtures/scenarios`; see `scenarios.rs`.

mod checked;
mod programs;
mod recorder;
mod scenarios;
mod schema;
mod seat;
mod servers;
mod target;
mod trials;
mod watch;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use programs::Program;

/// One test: what it claims, what it needs, how it is shown.
pub struct Row {
    pub name: &'static str,
    pub needs: &'static [Program],
    pub run: fn() -> Result<(), Failed>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut rows: Vec<&'static Row> = trials::ALL.iter().copied().flatten().collect();
    rows.extend(scenarios::REPLAYS);
    if std::env::var_os("MIDWATCH_RECORD").is_some_and(|value| value == "1") {
        rows.extend(scenarios::ROWS);
    }
    let trials = rows.into_iter().map(trial).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(row: &'static Row) -> Trial {
    let missing: Vec<&str> = row
        .needs
        .iter()
        .filter(|program| program.find().is_none())
        .map(|program| program.name())
        .collect();
    if missing.is_empty() {
        return Trial::test(row.name, row.run);
    }
    let needs = format!("needs {}", missing.join(" and "));
    if programs::required() {
        return Trial::test(row.name, move || Err(needs.into()));
    }
    println!("skipped: {}: {needs}", row.name);
    Trial::test(row.name, || Ok(())).with_ignored_flag(true)
}
