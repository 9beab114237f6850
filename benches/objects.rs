//! How fast pods are read off the wire and what one costs to keep, beside messages that prost makes
//! of the same fields.
//!
//! `cargo bench --bench objects` decodes recorded pods whose names, nodes and owners differ. With
//! `-- --kubeconfig FILE` it also reads all pods of that cluster through the probe and raw, in turn.
//! Nothing here is part of the program.

#![allow(
    unsafe_code,
    reason = "a counting allocator must implement GlobalAlloc, an unsafe trait; benches only"
)]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark reads the clock it measures with and may fail loudly"
)]

#[allow(dead_code, reason = "other benches use all of it")]
#[path = "shared/figures.rs"]
mod figures;
#[path = "objects/prosted.rs"]
mod prosted;
#[path = "objects/server.rs"]
mod server;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use figures::{Figures, Goal};
use midwatch::objects::{Object, ObjectKind};
use midwatch::sources::kubernetes::decode::Decoder;
use midwatch::sources::kubernetes::frame::{Cutter, Piece, Shape};
use prost::Message as _;

/// The system's allocator, counting what is held and how often it was asked.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static CALLS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to `System` with its arguments unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Relaxed);
        CALLS.fetch_add(1, Relaxed);
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

const LIST: &[u8] = include_bytes!("../tests/fixtures/payloads/kubernetes/pods-of-a-cluster.pb");
const PODS: usize = 10_000;

fn main() {
    let mut figures = Figures::default();
    let pods = pods();
    let bytes: usize = pods.iter().map(Vec::len).sum();
    figures.note("a pod on the wire", ratio(bytes, PODS), "B", Goal::None);
    decoding(&mut figures, &pods, bytes);
    keeping(&mut figures, &pods);
    let mut words = std::env::args().skip_while(|word| word != "--kubeconfig");
    if let Some(file) = words.nth(1) {
        server::read(&mut figures, &file);
    }
    figures.table();
}

fn decoding(figures: &mut Figures, pods: &[Vec<u8>], bytes: usize) {
    let mut decoder = Decoder::new("prod".into());
    let mut one = |pod: &Vec<u8>| {
        black_box(decoder.object(ObjectKind::Pod, pod).unwrap());
    };
    pods.iter().for_each(&mut one);
    let ours = run("ours", figures, pods, bytes, &mut one);
    let prosts = run("prost's messages alone", figures, pods, bytes, &mut |pod| {
        black_box(prosted::Pod::decode(&pod[..]).unwrap());
    });
    figures.note(
        "ours : prost's messages, time",
        ours / prosts,
        "",
        Goal::AtMost(1.0),
    );
}

/// The best of seven rounds; answers nanoseconds per pod.
fn run(
    name: &str,
    figures: &mut Figures,
    pods: &[Vec<u8>],
    bytes: usize,
    one: &mut dyn FnMut(&Vec<u8>),
) -> f64 {
    let (mut best, mut calls) = (f64::MAX, 0);
    for _ in 0..7 {
        let before = CALLS.load(Relaxed);
        let start = Instant::now();
        pods.iter().for_each(&mut *one);
        best = best.min(start.elapsed().as_secs_f64());
        calls = CALLS.load(Relaxed) - before;
    }
    figures.note(
        format!("{name}: a pod"),
        best * 1e9 / ratio(PODS, 1),
        "ns",
        Goal::None,
    );
    figures.note(
        format!("{name}: throughput"),
        ratio(bytes, 1) / best / 1e6,
        "MB/s",
        Goal::None,
    );
    figures.note(
        format!("{name}: allocations per pod"),
        ratio(calls, PODS),
        "",
        Goal::None,
    );
    best * 1e9 / ratio(PODS, 1)
}

fn keeping(figures: &mut Figures, pods: &[Vec<u8>]) {
    let before = HELD.load(Relaxed);
    let mut decoder = Decoder::new("prod".into());
    let mut kept: Vec<Arc<Object>> = Vec::with_capacity(PODS);
    for pod in pods {
        kept.push(Arc::new(decoder.object(ObjectKind::Pod, pod).unwrap().0));
    }
    let held = HELD.load(Relaxed) - before;
    figures.note(
        "heap per pod kept, pool included",
        ratio(held, PODS),
        "B",
        Goal::AtMost(1000.0),
    );
    drop(kept);
    decoder.sweep();
    let left = HELD.load(Relaxed) - before;
    figures.note(
        "heap when all are gone",
        ratio(left, 1024),
        "KiB",
        Goal::None,
    );
}

/// Pods as a cluster of 40 namespaces, 25 workloads in each and 100 nodes has them: a recorded one
/// with other names of the same length.
fn pods() -> Vec<Vec<u8>> {
    let mut cutter = Cutter::new(Shape::List);
    cutter.feed(LIST);
    let mut recorded = Vec::new();
    while let Some(piece) = cutter.cut().expect("a recorded list") {
        if let Piece::Item(item) = piece {
            recorded.push(item.to_vec());
        }
    }
    // The first one is broken, as one of a hundred is.
    let pod = |at: usize| {
        let mut pod = recorded[usize::from(!at.is_multiple_of(97))].clone();
        let workload = at / 40 % 25;
        replace(
            &mut pod,
            b"tenant-00",
            format!("tenant-{:02}", at % 40).as_bytes(),
        );
        replace(&mut pod, b"w-0", format!("w-{:01}", at % 10).as_bytes());
        let own = format!("svc-{workload:02}-5d4f8c7b9-{at:05x}");
        let generic = if at.is_multiple_of(97) {
            "svc-00-5d4f8c7b9-00000"
        } else {
            "svc-00-5d4f8c7b9-00028"
        };
        replace(&mut pod, generic.as_bytes(), own.as_bytes());
        replace(&mut pod, b"svc-00", format!("svc-{workload:02}").as_bytes());
        // The first 8 digits of both UUIDs: the pod's own and its owner's.
        for uuid in uuids(&pod) {
            pod[uuid..uuid + 8].copy_from_slice(format!("{at:08x}").as_bytes());
        }
        pod
    };
    (0..PODS).map(pod).collect()
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
}

/// Where texts of 36 bytes with the dashes of a UUID begin.
fn uuids(bytes: &[u8]) -> Vec<usize> {
    let is = |at: &usize| {
        let part = &bytes[*at..at + 36];
        let dash = |at: usize| matches!(at, 8 | 13 | 18 | 23);
        part.iter().enumerate().all(|(at, byte)| {
            if dash(at) {
                *byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
    };
    (0..bytes.len() - 36).filter(is).collect()
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
