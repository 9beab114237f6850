//! Changes after a list: resumed, told once, and read past what cannot be read.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_or_breaks_goes_on_where_it_was() {
    let half = modified("b", 9);
    let half = half[..half.len() / 2].to_vec();
    let after = || bytes(&[initial_end(7), modified("a", 8), half.clone()]);
    for (case, end) in [Part::Pause(Duration::from_secs(60)), Part::Break]
        .into_iter()
        .enumerate()
    {
        let (mut probe, server) = watch([
            Said::Body(STREAM, vec![after(), end]),
            open(&[modified("b", 9), bookmark(20)]),
        ]);
        let told = gather(&mut probe, 4).await;
        assert_eq!(
            told,
            ["begin pods", "synced", "shop/a", "shop/b"],
            "case {case}"
        );
        assert_eq!(server.asked(), [ASK_STREAM.to_owned(), ask_changes(8)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bookmark_moves_the_version_on() {
    let (mut probe, server) = watch([
        ends(&[initial_end(7), modified("a", 8), bookmark(40)]),
        open(&[]),
    ]);
    gather(&mut probe, 3).await;
    for _ in 0..13 {
        assert!(words(&probe.poll().await).is_empty());
    }
    assert_eq!(server.asked()[1..], [ask_changes(40)]);
}

#[tokio::test(start_paused = true)]
async fn garbage_and_giants_end_a_watch_but_not_the_following() {
    let giant = b"\x7f\xff\xff\xff".to_vec();
    for (broken, layer) in [
        (b"HTTP".to_vec(), Layer::TooLarge),
        (giant, Layer::TooLarge),
    ] {
        let (mut probe, server) = watch([
            open(&[initial_end(7), modified("a", 8), broken]),
            open(&[modified("b", 9)]),
        ]);
        assert_eq!(
            words(&probe.poll().await),
            ["begin pods", "synced", "shop/a"]
        );
        assert_eq!(
            outage(probe.poll().await).layer,
            layer,
            "told after what came before it"
        );
        assert_eq!(words(&probe.poll().await), ["shop/b"]);
        assert_eq!(server.asked()[1..], [ask_changes(8)]);
    }
    let (mut probe, _) = watch([Said::Refused(422, None), list(b"k8s\0\x0b\x0c".to_vec())]);
    assert_eq!(words(&probe.poll().await), ["begin pods"]);
    assert_eq!(outage(probe.poll().await).layer, Layer::Parse);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_cannot_be_read_is_counted_and_the_next_is_told() {
    let nameless = event("MODIFIED", &envelope(&pod("", 8)));
    let no_envelope = event("MODIFIED", b"{}");
    let unheard = event("RENAMED", &envelope(&pod("x", 8)));
    let (mut probe, _) = watch([open(&[
        initial_end(7),
        nameless,
        no_envelope,
        unheard,
        modified("a", 9),
    ])]);
    let answer = probe.poll().await;
    assert_eq!(words(&answer), ["begin pods", "synced", "shop/a"]);
    assert_eq!(answer.outcome.unwrap().refused, 3);
}

#[tokio::test(start_paused = true)]
async fn of_one_object_in_a_batch_the_end_is_told() {
    let (mut probe, _) = watch([open(&[
        initial_end(7),
        modified("a", 8),
        modified("b", 9),
        modified("a", 10),
        added("c", 11),
        deleted("c", 12),
        deleted("b", 13),
        added("b", 14),
    ])]);
    let answer = probe.poll().await;
    // A name that was taken by another object is told as both: who owned it changed.
    assert_eq!(
        words(&answer),
        ["begin pods", "synced", "shop/a", "-b", "-c", "shop/b"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_outlives_its_time_is_replaced() {
    let (mut probe, server) = watch([open(&[initial_end(7)]), open(&[])]);
    let began = Instant::now();
    let mut asked = server.asked().len();
    while asked < 2 {
        probe.poll().await.outcome.unwrap();
        asked += server.asked().len();
        assert!(began.elapsed() < Duration::from_secs(660));
    }
    assert!(began.elapsed() > Duration::from_secs(300));
}

#[tokio::test(start_paused = true)]
async fn after_a_suspend_the_watch_goes_on_and_a_fresh_connection_is_kept() {
    let (mut probe, server) = watch([open(&[initial_end(7)]), open(&[modified("a", 8)])]);
    gather(&mut probe, 2).await;
    probe.disconnect();
    assert_eq!(server.disconnects(), 0, "somebody else has it already");
    assert_eq!(gather(&mut probe, 1).await, ["shop/a"]);
    assert_eq!(server.asked()[1..], [ask_changes(7)]);
    server.mute();
    probe.disconnect();
    assert_eq!(server.disconnects(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_of_the_stream_gives_the_same_deltas(
        sizes in prop::collection::vec(1_usize..700, 1..12),
        pauses in prop::collection::vec(any::<bool>(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut parts = Vec::new();
            let mut rest = WATCHED;
            for (size, pause) in sizes.iter().cycle().zip(pauses.iter().cycle()) {
                let (part, more) = rest.split_at((*size).min(rest.len()));
                parts.push(Part::Bytes(part.to_vec()));
                if *pause {
                    parts.push(Part::Pause(Duration::from_millis(30)));
                }
                rest = more;
                if rest.is_empty() {
                    break;
                }
            }
            parts.push(Part::Hang);
            let (mut probe, _) = watch([Said::Body(STREAM, parts)]);
            let mut told = Vec::new();
            while told.last().is_none_or(|word| word != "-etcd-w-03") {
                told.extend(words(&probe.poll().await));
            }
            let pods = ["shop/etcd-w-03", "shop/pending", "shop/web-5d4f8c7b9-x2x4q"];
            assert_eq!(told[0], "begin pods");
            assert_eq!(told[1..4], pods);
            assert_eq!(told[4], "synced");
            // How many changes fall into one batch depends on when they came.
            let changes = &told[5..told.len() - 1];
            assert!(changes.contains(&pods[1].to_owned()), "{changes:?}");
            assert!(changes.iter().all(|word| pods[..2].contains(&word.as_str())), "{changes:?}");
        });
    }
}
