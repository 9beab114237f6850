//! The released program in a pseudo-terminal: first frame, keys, and what it costs to leave it on.
//!
//! `cargo bench --bench console`. Everything is on loopback and bounded in time, and only what this
//! starts is ended. CPU is that of the program's process alone, in percent of one core.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement waits while the program runs"
)]

#[path = "shared/figures.rs"]
mod figures;
#[path = "console/fleet.rs"]
mod fleet;
#[path = "shared/process.rs"]
mod process;
#[path = "console/session.rs"]
#[allow(dead_code, reason = "what only the other bench uses")]
mod session;

use std::time::Duration;

use figures::{Figures, Goal, quantile};
use fleet::{Dead, Exporters};
use session::{Answers, Session};

const STARTS: usize = 9;
const PRESSES: usize = 200;
const IDLE: Duration = Duration::from_secs(30);
const WATCHED: Duration = Duration::from_secs(40);
/// All first polls are over and the second ones too.
const SETTLE: Duration = Duration::from_secs(12);
const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    let mut figures = Figures::default();
    if let Err(error) = measure(&mut figures) {
        println!("not measured: {error}");
    }
    figures.table();
}

fn measure(figures: &mut Figures) -> std::io::Result<()> {
    starts(figures)?;
    keys(figures)?;
    idle(figures)?;
    hundred(figures)
}

/// Start with every target dead, on a terminal that tells its background and on one that is mute.
fn starts(figures: &mut Figures) -> std::io::Result<()> {
    let dead = Dead::start()?;
    for (answers, word) in [(Answers::Given, "answering"), (Answers::None, "mute")] {
        let (mut first, mut frame) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let session = Session::start(&dead.config, answers)?;
            let times = session.first_frame()?;
            first.push(ms(times.output));
            frame.push(ms(times.frame));
        }
        let name = format!("first output, 50 dead targets, {word} terminal, p50");
        figures.note(name, quantile(first, 0.5), "ms", Goal::None);
        let name = format!("first frame, 50 dead targets, {word} terminal, p50");
        figures.note(name, quantile(frame, 0.5), "ms", Goal::AtMost(100.0));
    }
    Ok(())
}

/// From a key written to the first byte of what it changed.
fn keys(figures: &mut Figures) -> std::io::Result<()> {
    let dead = Dead::start()?;
    let mut session = Session::start(&dead.config, Answers::Given)?;
    session.first_frame()?;
    std::thread::sleep(Duration::from_secs(3));
    session.press(b"6")?;
    let mut took = Vec::with_capacity(PRESSES);
    for at in 0..PRESSES {
        std::thread::sleep(Duration::from_millis(23));
        let key = if at / 40 % 2 == 0 { b"j" } else { b"k" };
        took.push(ms(session.press(key)?));
    }
    figures.note(
        "key to first byte, p50",
        quantile(took.clone(), 0.5),
        "ms",
        Goal::None,
    );
    figures.note(
        "key to first byte, p99",
        quantile(took, 0.99),
        "ms",
        Goal::None,
    );
    Ok(())
}

/// This machine alone, nobody touching a key.
fn idle(figures: &mut Figures) -> std::io::Result<()> {
    let session = Session::start("[[target]]\nkind = \"local\"\n", Answers::Given)?;
    session.first_frame()?;
    std::thread::sleep(SETTLE);
    let cpu = share(&session, IDLE);
    figures.note("idle on this machine, CPU", cpu, "%", Goal::AtMost(0.5));
    let memory = session.resident()? / MIB;
    figures.note(
        "idle on this machine, RSS",
        memory,
        "MiB",
        Goal::AtMost(25.0),
    );
    Ok(())
}

/// A hundred exporters every ten seconds, first on Triage, then on Hosts.
fn hundred(figures: &mut Figures) -> std::io::Result<()> {
    let exporters = Exporters::start(100)?;
    let mut session = Session::start(&exporters.config, Answers::Given)?;
    session.first_frame()?;
    std::thread::sleep(SETTLE);
    for (key, pane) in [(b"1", "Triage"), (b"2", "Hosts")] {
        session.press(key)?;
        let before = exporters.served();
        let cpu = share(&session, WATCHED);
        let served = exporters.served() - before;
        let name = format!("100 node_exporters, scrapes while on {pane}");
        figures.note(name, served, "", Goal::None);
        let name = format!("100 node_exporters, CPU on {pane}");
        figures.note(name, cpu, "%", Goal::AtMost(10.0));
    }
    let memory = session.resident()? / MIB;
    figures.note("100 node_exporters, RSS", memory, "MiB", Goal::AtMost(60.0));
    Ok(())
}

/// CPU over a time, in percent of one core.
fn share(session: &Session, over: Duration) -> f64 {
    let before = session.cpu();
    std::thread::sleep(over);
    (session.cpu() - before) / over.as_secs_f64() * 100.0
}

fn ms(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
