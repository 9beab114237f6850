//! What a Kubernetes cluster costs the model and the ledger as it grows: one change among 1,000,
//! 10,000 and 50,000 pods, and loading them.
//!
//! `cargo bench --bench verdicts`. Time is CPU time of this thread.

#[path = "shared/figures.rs"]
mod figures;
#[path = "shared/pods.rs"]
mod pods;
#[path = "shared/rounds.rs"]
mod rounds;

use std::time::Duration;

use figures::{Figures, Goal};
use midwatch::objects::{Delta, ObjectKind};
use midwatch::observation::Layer;
use pods::{BATCH, Cluster, put};
use rounds::median_ms;

const SIZES: [usize; 3] = [1000, 10_000, 50_000];
const ROUNDS: usize = 400;
/// Pods that crash at once in the bad hour.
const BAD: usize = 1000;

/// What is measured of each size, in microseconds.
const CHANGES: [&str; 5] = [
    "a pod that runs on",
    "a pod that begins to crash",
    "a pod that is well again",
    "a lease renewed",
    "a heartbeat of all streams",
];

fn main() {
    let mut figures = Figures::default();
    let mut all: Vec<[f64; CHANGES.len()]> = Vec::new();
    for size in SIZES {
        let mut cluster = load(&mut figures, size);
        let took = changes(&mut cluster, size);
        for (what, us) in CHANGES.iter().zip(took) {
            figures.note(format!("{what}, one of {size}"), us, "us", Goal::None);
        }
        rest(&mut figures, &mut cluster, size);
        all.push(took);
        if size == SIZES[2] {
            bad_hour(&mut figures, &mut cluster);
        }
    }
    for (at, what) in CHANGES.iter().enumerate() {
        let ratio = all[SIZES.len() - 1][at] / all[0][at];
        let name = format!("{what}: 50,000 against 1,000");
        figures.note(name, ratio, "times", Goal::AtMost(2.0));
    }
    figures.table();
}

/// Loads pods that are well, in batches as a stream brings them.
fn load(figures: &mut Figures, size: usize) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.found(size);
    let mut batches: Vec<Vec<Delta>> = Vec::new();
    for first in (0..size).step_by(BATCH) {
        let pods = first..(first + BATCH).min(size);
        batches.push(pods.map(|at| put(cluster.pod(at, 0))).collect());
    }
    batches.reverse();
    let count = u32::try_from(batches.len()).map_or(1.0, f64::from);
    let ms = median_ms(1, |_| {
        while let Some(batch) = batches.pop() {
            cluster.absorb(ObjectKind::Pod, batch);
            cluster.judge();
        }
        cluster.absorb(ObjectKind::Pod, vec![Delta::Synced(ObjectKind::Pod)]);
        cluster.judge();
    });
    figures.note(format!("{size} pods loaded"), ms, "ms", Goal::None);
    figures.note(
        format!("{size} pods, each batch of 1000"),
        ms / count,
        "ms",
        Goal::None,
    );
    cluster
}

/// Microseconds of each change, absorbed and judged.
fn changes(cluster: &mut Cluster, size: usize) -> [f64; CHANGES.len()] {
    let at = |round: usize| round * 7919 % size;
    let one = |cluster: &mut Cluster, kind, deltas: Vec<Delta>| {
        cluster.absorb(kind, deltas);
        cluster.judge();
    };
    let run = |cluster: &mut Cluster, kind, make: &dyn Fn(&Cluster, usize) -> Vec<Delta>| {
        let mut made: Vec<_> = (0..ROUNDS)
            .rev()
            .map(|round| make(cluster, round))
            .collect();
        median_ms(ROUNDS, |_| {
            one(cluster, kind, made.pop().unwrap_or_default());
        }) * 1e3
    };
    let pod = ObjectKind::Pod;
    let running = run(cluster, pod, &|c, round| vec![put(c.pod(at(round), 1))]);
    // One after another, so that no more than one is ill at a time.
    let mut worse = Vec::with_capacity(ROUNDS);
    let mut better = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let (bad, good) = (cluster.crashing(at(round)), cluster.pod(at(round), 2));
        let (mut bad, mut good) = (vec![put(bad)], vec![put(good)]);
        worse.push(median_ms(1, |_| {
            one(cluster, pod, std::mem::take(&mut bad));
        }));
        better.push(median_ms(1, |_| {
            one(cluster, pod, std::mem::take(&mut good));
        }));
    }
    let lease = ObjectKind::Lease;
    let nodes = size / 50;
    let renewed = run(cluster, lease, &|c, round| {
        vec![put(
            c.lease(round % nodes, -i64::try_from(round).unwrap_or(0))
        )]
    });
    let beat = run(cluster, pod, &|_, _| Vec::new());
    [
        running,
        figures::quantile(worse, 0.5) * 1e3,
        figures::quantile(better, 0.5) * 1e3,
        renewed,
        beat,
    ]
}

/// Nothing changes: what is judged again and again all the same.
fn rest(figures: &mut Figures, cluster: &mut Cluster, size: usize) {
    const SLICES: usize = 40;
    let slice = median_ms(SLICES, |_| {
        cluster.now = cluster.now.plus(Duration::from_millis(250));
        cluster.beat();
        cluster.model.age(cluster.now);
        cluster.judge();
    });
    let name = format!("a second at rest beside {size} pods");
    figures.note(name, slice * 4.0, "ms", Goal::None);
}

/// Many findings at once: what a change costs then, a round over all of them, and a silent stream.
fn bad_hour(figures: &mut Figures, cluster: &mut Cluster) {
    let many: Vec<Delta> = (0..BAD).map(|at| put(cluster.crashing(at * 10))).collect();
    let mut many = Some(many);
    let ms = median_ms(1, |_| {
        cluster.absorb(ObjectKind::Pod, many.take().unwrap_or_default());
        cluster.judge();
    });
    figures.note(format!("{BAD} pods begin to crash"), ms, "ms", Goal::None);
    let again = |cluster: &mut Cluster, at: usize| vec![put(cluster.crashing(at * 10))];
    let mut known: Vec<_> = (0..ROUNDS).map(|at| again(cluster, at)).collect();
    let us = median_ms(ROUNDS, |_| {
        cluster.absorb(ObjectKind::Pod, known.pop().unwrap_or_default());
        cluster.judge();
    }) * 1e3;
    figures.note(
        format!("one of {BAD} that crash tells it again"),
        us,
        "us",
        Goal::None,
    );
    let mut more: Vec<_> = (0..ROUNDS)
        .map(|at| vec![put(cluster.crashing(at * 10 + 1))])
        .collect();
    let us = median_ms(ROUNDS, |_| {
        cluster.absorb(ObjectKind::Pod, more.pop().unwrap_or_default());
        cluster.judge();
    }) * 1e3;
    figures.note(
        format!("one more beside {BAD} that crash"),
        us,
        "us",
        Goal::None,
    );
    let ms = median_ms(40, |_| {
        cluster.now = cluster.now.plus(Duration::from_millis(250));
        cluster.model.age(cluster.now);
        cluster.judge();
    });
    figures.note(
        format!("a slice of the round over {BAD} that crash"),
        ms,
        "ms",
        Goal::None,
    );
    let mut silent = Some(cluster.failure(ObjectKind::Pod, Layer::Timeout));
    let ms = median_ms(1, |_| {
        if let Some(silent) = silent.take() {
            cluster.model.absorb(silent);
        }
        cluster.judge();
    });
    figures.note(
        format!("the stream falls silent on {BAD} that crash"),
        ms,
        "ms",
        Goal::None,
    );
}
