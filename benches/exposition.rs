//! How fast exposition text is read, beside an independent parser on the same body.
//!
//! `cargo bench --bench exposition` prints MB/s, the ratio, and the extra heap at its peak. The body
//! is made, not recorded: cAdvisor's shape of 4,998 containers. Nothing here is part of the program.

#![allow(
    unsafe_code,
    reason = "a counting allocator must implement GlobalAlloc, an unsafe trait; benches only"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock it measures with"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use midwatch::sources::exposition::{Reader, Wanted};

/// The system's allocator, counting what is held and the most that ever was.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to `System` with its arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(held, Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const METRICS: usize = 40;
const CONTAINERS: usize = 4_998;

/// Four of forty metrics are wanted: 19,992 samples.
const WANTED: [&str; 4] = [
    "container_metric_03_seconds_total",
    "container_metric_11_seconds_total",
    "container_metric_17_seconds_total",
    "container_metric_29_seconds_total",
];

fn main() {
    let body = body();
    let lines = METRICS * CONTAINERS;
    println!("body: {:.1} MB, {lines} samples", megabytes(body.len()));
    let whole = measure("ours, whole", &body, || read(&body, body.len()));
    measure("ours, 64 KiB pieces", &body, || read(&body, 64 << 10));
    let theirs = measure("prometheus-parse", &body, || {
        let lines = body.split(|b| *b == b'\n');
        let lines = lines.map(|line| Ok(String::from_utf8_lossy(line).into_owned()));
        let Ok(scrape) = prometheus_parse::Scrape::parse(lines) else {
            return 0;
        };
        let wanted = scrape.samples.iter();
        wanted
            .filter(|s| WANTED.contains(&s.metric.as_str()))
            .count()
    });
    println!("ours whole : prometheus-parse = {:.1} : 1", whole / theirs);
}

/// Wanted samples in the body, one label of each looked at.
fn read(body: &[u8], piece: usize) -> usize {
    let wanted = Wanted::new(WANTED);
    let mut reader = Reader::new(&wanted);
    let mut seen = 0;
    for part in body.chunks(piece) {
        reader.push(part, &mut |sample| {
            seen += usize::from(black_box(sample.labels.get("pod")).is_some());
        });
    }
    let tally = reader.finish(&mut |_| {});
    assert_eq!(tally.malformed, 0);
    seen
}

/// The best of five runs in MB/s.
fn measure(name: &str, body: &[u8], run: impl Fn() -> usize) -> f64 {
    let (mut best, mut peak, mut samples) = (f64::MAX, 0, 0);
    for _ in 0..5 {
        let before = HELD.load(Relaxed);
        PEAK.store(before, Relaxed);
        let start = Instant::now();
        samples = black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
        peak = peak.max(PEAK.load(Relaxed) - before);
    }
    let speed = megabytes(body.len()) / best;
    let (millis, heap) = (best * 1e3, megabytes(peak));
    println!("{name:<22}{speed:>9.0} MB/s{millis:>9.1} ms{heap:>10.3} MB heap{samples:>8} wanted");
    speed
}

fn body() -> Vec<u8> {
    let mut out = String::with_capacity(120 << 20);
    for metric in 0..METRICS {
        let name = format!("container_metric_{metric:02}_seconds_total");
        out.push_str(&format!(
            "# HELP {name} made for a measurement\n# TYPE {name} counter\n"
        ));
        for at in 0..CONTAINERS {
            let (pod, node) = (at / 3, at % 97);
            let (a, b, c) = (hex(at, 1), hex(at, 2), hex(at % 60, 3));
            let value = megabytes(at * 31 + metric);
            let _ = writeln!(
                out,
                "{name}{{container=\"main-{}\",id=\"/kubepods.slice/kubepods-burstable.slice/\
                 kubepods-burstable-pod{pod:08x}.slice/cri-containerd-{a}.scope\",\
                 image=\"registry.internal.example/platform/team-payments/stable/service-{}@sha256:{c}\",name=\"{b}\",\
                 namespace=\"tenant-{:03}\",node=\"worker-{node:02}\",pod=\"service-{}-{pod:010x}\"}} \
                 {value} 1795227247{:03}",
                at % 3,
                at % 60,
                at % 41,
                at % 60,
                at % 1000,
            );
        }
    }
    out.into_bytes()
}

/// Sixty-four hexadecimal digits that differ by their arguments.
fn hex(seed: usize, salt: u64) -> String {
    let mut state = seed as u64 ^ (salt << 32);
    let mut out = String::with_capacity(64);
    for _ in 0..4 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let _ = write!(out, "{state:016x}");
    }
    out
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
