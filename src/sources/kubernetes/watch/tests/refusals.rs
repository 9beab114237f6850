//! What a server says in place of an answer.

use std::time::Duration;

use tokio::time::{Instant, advance};

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_said_and_asked_for_seldom() {
    let no = || Said::Refused(403, None);
    let (mut probe, server) = watch([no(), no(), open(&[initial_end(7)])]);
    let began = Instant::now();
    loop {
        match probe.poll().await.outcome {
            Err(outage) => assert_eq!(outage.layer, Layer::Auth),
            Ok(_) => break,
        }
        // The watch, and as that is refused the list.
        let asked = if began.elapsed().is_zero() { 2 } else { 0 };
        assert_eq!(server.asked().len(), asked);
        advance(Duration::from_secs(5)).await;
    }
    let waited = began.elapsed();
    assert!((60..=80).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_served_is_said_so() {
    let (mut probe, _) = watch([Said::Refused(404, None)]);
    let outage = outage(probe.poll().await);
    assert!(outage.detail.contains("not served"), "{outage}");
    assert!(outage.hint.is_some());
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_and_a_server_that_stays_busy_is_told() {
    let pause = Some(Duration::from_secs(4));
    let (mut probe, server) = watch([Said::Refused(429, pause), open(&[initial_end(7)])]);
    let began = Instant::now();
    assert_eq!(gather(&mut probe, 2).await, ["begin pods", "synced"]);
    assert!(began.elapsed() >= Duration::from_secs(4));
    assert_eq!(server.asked().len(), 2);

    let busy = (0..8).map(|_| Said::Refused(503, pause));
    let (mut probe, _) = watch(busy);
    let began = Instant::now();
    while probe.poll().await.outcome.is_ok() {}
    let borne = began.elapsed().as_secs();
    assert!((10..=15).contains(&borne), "{borne}");
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_is_no_answer() {
    let (mut probe, _) = watch([Said::Body("text/html", vec![])]);
    let outage = outage(probe.poll().await);
    assert_eq!(outage.layer, Layer::Protocol);
    assert!(outage.detail.contains("text/html"), "{outage}");
}
