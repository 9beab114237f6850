//! Servers that are down, slow, silent or never content.

use std::time::Duration;

use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_long_survives_the_polls_that_wait_for_it() {
    let (mut probe, server) = watch([Said::Body(
        STREAM,
        vec![
            Part::Pause(Duration::from_secs(8)),
            bytes(&[initial_end(7)]),
            Part::Hang,
        ],
    )]);
    let told = gather(&mut probe, 2).await;
    assert_eq!(told, ["begin pods", "synced"]);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_watch_at_once_is_asked_less_and_less_and_told() {
    let at_once = (0..500).map(|_| Said::Body(STREAM, Vec::new()));
    let (mut probe, server) = watch(at_once);
    let mut outages = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(120) {
        outages += usize::from(probe.poll().await.outcome.is_err());
    }
    assert!(outages > 3, "{outages}");
    let asked = server.asked().len();
    assert!((5..25).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_told_at_once_and_after_what_it_had_said() {
    let (mut probe, server) = watch([
        Said::Body(
            STREAM,
            vec![bytes(&[initial_end(7), modified("a", 8)]), Part::Break],
        ),
        Said::Down,
        open(&[modified("b", 9)]),
    ]);
    assert_eq!(
        words(&probe.poll().await),
        ["begin pods", "synced", "shop/a"]
    );
    assert_eq!(outage(probe.poll().await).layer, Layer::Tcp);
    assert_eq!(words(&probe.poll().await), ["shop/b"]);
    assert_eq!(server.asked()[1..], [ask_changes(8), ask_changes(8)]);
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_told_after_ten_seconds_of_silence() {
    let (mut probe, server) = watch([open(&[initial_end(7)]), open(&[modified("a", 8)])]);
    gather(&mut probe, 2).await;
    server.freeze();
    let began = Instant::now();
    while probe.poll().await.outcome.is_ok() {}
    let told = began.elapsed();
    assert!(told <= Duration::from_secs(11), "{told:?}");
    assert!(told >= Duration::from_secs(9), "{told:?}");
    // It comes back: the watch is asked for again from where it was.
    server.say(open(&[]));
    assert_eq!(gather(&mut probe, 1).await, ["shop/a"]);
    assert_eq!(server.asked()[1..], [ask_changes(7)]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_told_within_a_poll() {
    let (mut probe, server) = watch([Said::Silence]);
    server.mute();
    let outage = outage(probe.poll().await);
    assert_eq!(outage.layer, Layer::Timeout);
    assert!(outage.detail.contains("an answer"), "{outage}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_a_living_server_leaves_unanswered_is_told_and_asked_again() {
    let stalled = Said::Body(
        LIST,
        vec![Part::Bytes(page(7, "", &["a"])[..30].to_vec()), Part::Hang],
    );
    for silence in [vec![Said::Silence], vec![Said::Refused(422, None), stalled]] {
        let (mut probe, server) = watch(silence);
        let began = Instant::now();
        while probe.poll().await.outcome.is_ok() {}
        let told = began.elapsed().as_secs();
        assert!((60..=71).contains(&told), "{told}");
        let asked = server.asked();
        server.say(Said::Down);
        assert_eq!(outage(probe.poll().await).layer, Layer::Tcp);
        assert_eq!(server.asked().last(), asked.last());
    }
}
