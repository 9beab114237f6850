//! All pods of a real API server: raw, and through the probe.

use std::time::Instant;

use midwatch::clients::kube::Api;
use midwatch::config::settings::{Settings, Value};
use midwatch::objects::{Delta, ObjectKind};
use midwatch::sources::Probe;
use midwatch::sources::kubernetes::watch::WatchProbe;

use super::figures::{Figures, Goal};

/// Each way so often, in turn; the best of each is kept.
const ROUNDS: usize = 4;

pub fn read(figures: &mut Figures, kubeconfig: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut settings = Settings::default();
    settings.set("kubeconfig", Value::Text(kubeconfig.into()), "bench");
    let api = Api::new("bench", &settings).expect("a usable kubeconfig");
    let (mut raw, mut first, mut all) = (f64::MAX, f64::MAX, f64::MAX);
    let mut pods = 0;
    for _ in 0..ROUNDS {
        raw = raw.min(runtime.block_on(pages(&api)));
        let (begun, done, count) = runtime.block_on(probe(&api));
        first = first.min(begun);
        all = all.min(done);
        pods = count;
    }
    let count = super::ratio(pods, 1);
    figures.note("pods of the server", count, "", Goal::None);
    figures.note("raw read in pages of protobuf", raw, "s", Goal::None);
    figures.note(
        "through the probe: first rows",
        first,
        "s",
        Goal::AtMost(0.2),
    );
    figures.note("through the probe: all", all, "s", Goal::None);
    let goal = if pods > 30_000 { 1.3 } else { 1.5 };
    figures.note("all : raw", all / raw, "", Goal::AtMost(goal));
}

/// Reads all pages and looks at nothing but the token.
async fn pages(api: &Api) -> f64 {
    let start = Instant::now();
    let mut next = String::new();
    loop {
        let path = format!("/api/v1/pods?limit=500&continue={next}");
        let accept = "application/vnd.kubernetes.protobuf";
        let mut reply = api.get(&path, accept).await.expect("a page");
        assert!(reply.is_ok());
        let mut head = Vec::new();
        while let Some(chunk) = reply.chunk().await.expect("a chunk") {
            if head.len() < 400 {
                head.extend_from_slice(&chunk);
            }
        }
        head.truncate(400);
        // The token is base64 of JSON.
        let token = head.windows(6).position(|part| part == b"eyJ2Ij");
        let Some(at) = token else {
            return start.elapsed().as_secs_f64();
        };
        let token = head[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte == b'-');
        next = token.map(|byte| char::from(*byte)).collect();
    }
}

/// First rows, all rows, and how many.
async fn probe(api: &Api) -> (f64, f64, usize) {
    let start = Instant::now();
    let mut probe = WatchProbe::new(api.clone(), ObjectKind::Pod, None);
    let (mut first, mut pods) = (None, 0);
    let mut kept = Vec::new();
    loop {
        let harvest = probe.poll().await.outcome.expect("a harvest");
        for delta in harvest.deltas {
            match delta {
                Delta::Put(object) => {
                    first.get_or_insert_with(|| start.elapsed().as_secs_f64());
                    pods += 1;
                    kept.push(object);
                }
                Delta::Synced(_) => {
                    let all = start.elapsed().as_secs_f64();
                    return (first.unwrap_or(all), all, pods);
                }
                _ => {}
            }
        }
    }
}
