//! The console on a real API server with many pods: loading, keys, memory, filter, and what it costs
//! to leave it on.
//!
//! `cargo bench --bench kubernetes [-- PODS...]`, 10000 unless told. It takes the binaries of the
//! live tier: `target/live`, or those that `MIDWATCH_KUBE` and `MIDWATCH_ETCD` name. A loaded cluster
//! is kept in `target/live/loaded-PODS` for the next time. Everything is on loopback, bounded in
//! time, and ended with it.

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement waits while the program runs"
)]

#[path = "kubernetes/churn.rs"]
mod churn;
#[path = "shared/figures.rs"]
mod figures;
#[path = "kubernetes/link.rs"]
mod link;
#[path = "../tests/live"]
#[allow(dead_code, reason = "what only trials use")]
mod live {
    pub mod programs;
    pub mod servers;
    pub mod target;
}
#[path = "kubernetes/load.rs"]
mod load;
#[path = "shared/process.rs"]
mod process;
#[path = "kubernetes/read.rs"]
mod read;
#[path = "console/session.rs"]
#[allow(dead_code, reason = "what only the other bench uses")]
mod session;

use std::io::{Error, Result};
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Failed;
use tokio::runtime::Runtime;

use churn::Churn;
use figures::{Figures, Goal, quantile};
use link::Door;
use live::servers::kube::access::Account;
use live::servers::kube::{Options, Part, Plane};
use live::{programs, servers, target};
use session::{Answers, Session};

const WINDOW: (u16, u16) = (120, 36);
const PRESSES: usize = 200;
/// Changes a second while the console is watched.
const RATE: u32 = 170;
const SETTLE: Duration = Duration::from_secs(5);
const WATCHED: Duration = Duration::from_secs(20);
const GAP: Duration = Duration::from_millis(60);
/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(180);
const ROUNDS: usize = 3;
const MIB: f64 = 1024.0 * 1024.0;

fn main() {
    let mut sizes: Vec<u32> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    if sizes.is_empty() {
        sizes.push(10_000);
    }
    let mut figures = Figures::default();
    for pods in sizes {
        if let Err(error) = measure(&mut figures, pods) {
            println!("not measured with {pods} pods: {error}");
        }
    }
    figures.table();
}

/// Figures of one size, each named with it.
struct Sized<'a> {
    figures: &'a mut Figures,
    pods: u32,
}

impl Sized<'_> {
    fn note(&mut self, name: &str, value: f64, unit: &'static str, goal: Option<f64>) {
        let goal = goal.map_or(Goal::None, Goal::AtMost);
        let name = format!("{} pods: {name}", self.pods);
        self.figures.note(name, value, unit, goal);
    }

    /// A goal that differs between the two sizes that have one.
    fn goal(&self, ten_thousand: f64, fifty_thousand: f64) -> Option<f64> {
        match self.pods {
            10_000 => Some(ten_thousand),
            50_000 => Some(fifty_thousand),
            _ => None,
        }
    }
}

fn measure(figures: &mut Figures, pods: u32) -> Result<()> {
    let runtime = Runtime::new()?;
    let plane = loaded(&runtime, pods)?;
    let door = Door::of(&plane)?;
    let kubeconfig = plane.kubeconfig(Account::Admin).map_err(|e| told(&e))?;
    let config = format!(
        "[[target]]\nkind = \"kubernetes\"\nname = \"live\"\nkubeconfig = \"{}\"\n",
        kubeconfig.display()
    );
    let mut sized = Sized { figures, pods };
    let raw = reads(&mut sized, &runtime, &door)?;
    let alone = server_alone(&mut sized, &runtime, &door, &plane);
    let mut session = loads(&mut sized, &config, raw)?;
    keys(&mut sized, &mut session, "calm", Some(5.0))?;
    filters(&mut sized, &mut session)?;
    memory(&mut sized, &session, "after scrolling and filtering")?;
    let cpu = share(session.pid(), WATCHED);
    sized.note("CPU at rest", cpu, "%", Some(0.3));
    changes(&mut sized, &runtime, &door, &plane, &mut session, alone)
}

fn told(error: &Failed) -> Error {
    Error::other(error.message().unwrap_or("failed").to_owned())
}

/// A plane with this many pods, from what was kept of the last time where there is such.
fn loaded(runtime: &Runtime, pods: u32) -> Result<Plane> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/live/loaded-{pods}"));
    let etcd = programs::Program::EtcdCurrent;
    let options = Options {
        etcd: etcd.find().map_or(programs::Program::Etcd, |_| etcd),
        nodes: 0,
        parts: &[],
        api: &[
            "--max-requests-inflight=2000",
            "--max-mutating-requests-inflight=1000",
        ],
        ..Options::whole("bench")
    };
    if kept.is_dir() {
        return Plane::start_on(options, Some(&kept)).map_err(|e| told(&e));
    }
    let mut plane = Plane::start(options).map_err(|e| told(&e))?;
    println!("loading {pods} pods");
    runtime.block_on(load::load(&Door::of(&plane)?, pods))?;
    plane.keep(&kept).map_err(|e| told(&e))?;
    Ok(plane)
}

/// Reads the list raw; seconds of the reading in pages.
fn reads(sized: &mut Sized<'_>, runtime: &Runtime, door: &Door) -> Result<f64> {
    // The first reading warms the server.
    runtime.block_on(read::in_pages(door))?;
    let mut median = |name: &str, stream: bool| -> Result<f64> {
        let (mut took, mut bytes) = (Vec::new(), 0.0);
        for _ in 0..ROUNDS {
            let reading = if stream {
                runtime.block_on(read::streamed(door))?
            } else {
                runtime.block_on(read::in_pages(door))?
            };
            took.push(reading.took.as_secs_f64());
            bytes = as_f64(reading.bytes) / MIB;
        }
        let seconds = quantile(took, 0.5);
        sized.note(&format!("raw protobuf, {name}"), seconds, "s", None);
        sized.note(&format!("raw protobuf, {name}, size"), bytes, "MiB", None);
        Ok(seconds)
    };
    let pages = median("in pages of 500", false)?;
    if let Err(error) = median("streamed", true) {
        println!("no streamed list here: {error}");
    }
    Ok(pages)
}

/// The API server's CPU under changes that nobody watches.
fn server_alone(sized: &mut Sized<'_>, runtime: &Runtime, door: &Door, plane: &Plane) -> f64 {
    let _churn = Churn::start(runtime, door, sized.pods, RATE);
    std::thread::sleep(SETTLE);
    let cpu = share(plane.pid(Part::Api).unwrap_or(0), WATCHED);
    sized.note("API server's CPU under changes, no console", cpu, "%", None);
    cpu
}

/// From the start to the first rows and to all of them.
fn loads(sized: &mut Sized<'_>, config: &str, raw: f64) -> Result<Session> {
    let total = sized.pods.to_string();
    let (mut first, mut all, mut kept) = (Vec::new(), Vec::new(), None);
    for _ in 0..ROUNDS {
        drop(kept.take());
        let session = Session::launch(config, &["--open", "pods"], Answers::Given, WINDOW)?;
        let rows = session.until("a pod", LIMIT, |text| text.contains("-5d4f8c7b9-"))?;
        let whole = session.until("all pods", LIMIT, |text| counts(text, &total))?;
        first.push(rows.as_secs_f64());
        all.push(whole.as_secs_f64());
        kept = Some(session);
    }
    let all = quantile(all, 0.5);
    let goal = sized.goal(0.2, 0.2);
    sized.note("first rows", quantile(first, 0.5), "s", goal);
    sized.note("all loaded", all, "s", None);
    let goal = sized.goal(1.5, 1.3);
    sized.note(
        "all loaded, to the raw reading in pages",
        all / raw,
        "x",
        goal,
    );
    let session = kept.ok_or_else(|| Error::other("never started"))?;
    sized.note("CPU until all are loaded", session.cpu(), "s", None);
    std::thread::sleep(SETTLE);
    memory(sized, &session, "after settling")?;
    let peak = process::memory(session.pid(), "VmHWM")? / MIB;
    sized.note("resident, at most so far", peak, "MiB", None);
    Ok(session)
}

/// Whether the number stands on the screen, with or without commas, as a number of its own.
fn counts(text: &str, number: &str) -> bool {
    let bare = text.replace(',', "");
    let mut words = bare.split(|c: char| !c.is_ascii_digit());
    words.any(|word| word == number)
}

fn memory(sized: &mut Sized<'_>, session: &Session, when: &str) -> Result<()> {
    let resident = session.resident()? / MIB;
    let goal = sized.goal(60.0, 150.0);
    sized.note(&format!("resident {when}"), resident, "MiB", goal);
    Ok(())
}

/// From a key written to the first byte of what it changed; in turn with a program that only gives
/// back what it gets, since on a busy machine both wait for a processor.
fn keys(sized: &mut Sized<'_>, session: &mut Session, when: &str, goal: Option<f64>) -> Result<()> {
    let mut echo = Session::echo()?;
    let (mut took, mut alone) = (Vec::new(), Vec::new());
    for at in 0..PRESSES {
        let key = if at / 40 % 2 == 0 { b"j" } else { b"k" };
        took.push(session.press(key)?.as_secs_f64() * 1e3);
        std::thread::sleep(GAP / 2);
        alone.push(echo.press(key)?.as_secs_f64() * 1e3);
        std::thread::sleep(GAP / 2);
    }
    for (share, name, goal) in [(0.5, "p50", None), (0.99, "p99", goal)] {
        let key = format!("key to first byte, {when}, {name}");
        sized.note(&key, quantile(took.clone(), share), "ms", goal);
        let bare = format!("a bare echo, {when}, {name}");
        sized.note(&bare, quantile(alone.clone(), share), "ms", None);
    }
    Ok(())
}

/// Ends and pages, then a text, until only rows with it are there and their number is told.
fn filters(sized: &mut Sized<'_>, session: &mut Session) -> Result<()> {
    for key in [b"G".as_slice(), b"gg", b"\x06", b"\x06", b"\x06", b"gg"] {
        session.write(key)?;
        std::thread::sleep(GAP * 3);
    }
    let matching = load::pods_of_app(sized.pods, 7).to_string();
    let began = session.age();
    session.write(b"/svc-07\r")?;
    let done = session.until("only svc-07", LIMIT, |text| {
        let mut rows = text.lines().filter(|line| line.contains("-5d4f8c7b9-"));
        counts(text, &matching) && rows.all(|line| line.contains("svc-07"))
    })?;
    let took = done.saturating_sub(began).as_secs_f64() * 1e3;
    sized.note("filter to result", took, "ms", Some(50.0));
    session.write(b"\x1b")?;
    let all = format!("{} rows", sized.pods);
    session.until("all again", LIMIT, |text| text.contains(&all))?;
    Ok(())
}

/// Keys, CPU and what the server pays while pods change.
fn changes(
    sized: &mut Sized<'_>,
    runtime: &Runtime,
    door: &Door,
    plane: &Plane,
    session: &mut Session,
    alone: f64,
) -> Result<()> {
    let churn = Churn::start(runtime, door, sized.pods, RATE);
    std::thread::sleep(SETTLE);
    let server = plane.pid(Part::Api).unwrap_or(0);
    let (before, paid) = (session.cpu(), process::cpu(server));
    std::thread::sleep(WATCHED);
    let of = |seconds: f64| seconds / WATCHED.as_secs_f64() * 100.0;
    let (own, server) = (of(session.cpu() - before), of(process::cpu(server) - paid));
    sized.note("changes a second", churn.rate(), "", None);
    sized.note("CPU under changes", own, "%", Some(8.0));
    sized.note("API server's CPU for the watch", server - alone, "%", None);
    keys(sized, session, "under changes", Some(10.0))?;
    memory(sized, session, "after the changes")
}

/// CPU over a time, in percent of one core.
fn share(pid: u32, over: Duration) -> f64 {
    let before = process::cpu(pid);
    std::thread::sleep(over);
    (process::cpu(pid) - before) / over.as_secs_f64() * 100.0
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
