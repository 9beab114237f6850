//! Initial lists: streamed, in pages, cut off, too old.

use std::time::Duration;

use futures::FutureExt;

use super::*;
use crate::objects::ObjectKind;

#[tokio::test(start_paused = true)]
async fn a_streamed_list_is_told_and_then_its_changes() {
    let frames = [
        added("a", 1),
        added("b", 2),
        initial_end(7),
        modified("a", 8),
        deleted("b", 9),
    ];
    let size = frames.concat().len() as u64;
    let (mut probe, server) = watch([open(&frames)]);
    let answer = probe.poll().await;
    assert_eq!(
        words(&answer),
        ["begin pods", "shop/a", "shop/b", "synced", "shop/a", "-b"]
    );
    assert_eq!(answer.bytes, size);
    let answer = probe.poll().await;
    assert_eq!(words(&answer), [""; 0], "quiet is a heartbeat");
    assert_eq!(answer.bytes, 0);
    assert_eq!(server.asked(), [ASK_STREAM]);
    assert_eq!(probe.endpoint(), "pods");
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_one_namespace_asks_for_that_alone() {
    let server = Server::saying([open(&[initial_end(7)])]);
    let lease = ObjectKind::Lease;
    let namespace = Some("kube-node-lease".into());
    let mut probe = WatchProbe::over(server.clone(), "prod".into(), lease, namespace);
    probe.poll().await;
    assert_eq!(probe.endpoint(), "leases in kube-node-lease");
    let asked = server.asked();
    let path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases?watch=1";
    assert!(asked[0].starts_with(path), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_real_server_streamed_is_told() {
    let (mut probe, _) = watch([Said::Body(
        STREAM,
        vec![Part::Bytes(WATCHED.into()), Part::Hang],
    )]);
    let told = words(&probe.poll().await);
    assert_eq!(
        told,
        [
            "begin pods",
            "shop/etcd-w-03",
            "shop/pending",
            "shop/web-5d4f8c7b9-x2x4q",
            "synced",
            "shop/pending",
            "-etcd-w-03",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn where_no_list_is_streamed_it_is_read_in_pages() {
    let refusals = [
        Said::Refused(400, None),
        Said::Refused(422, None),
        // Recorded: Kubernetes 1.36 on etcd 3.4.23.
        Said::Body(STREAM, vec![Part::Bytes(NOT_STREAMED.into())]),
        // Servers that know nothing of it: an ordinary bookmark, or silence.
        open(&[added("x", 1), bookmark(3)]),
        open(&[added("x", 1)]),
    ];
    for (case, refusal) in refusals.into_iter().enumerate() {
        let pages = [
            list(page(7, "next/1", &["a", "b"])),
            list(page(7, "", &["c"])),
            open(&[added("d", 8)]),
        ];
        let (mut probe, server) = watch([refusal].into_iter().chain(pages));
        let told = gather(&mut probe, 6).await;
        let from = told.iter().rposition(|word| word == "begin pods").unwrap();
        assert_eq!(
            told[from..],
            [
                "begin pods",
                "shop/a",
                "shop/b",
                "shop/c",
                "synced",
                "shop/d"
            ],
            "case {case}"
        );
        assert_eq!(
            server.asked()[1..],
            [
                "/api/v1/pods?limit=500".to_owned(),
                "/api/v1/pods?limit=500&continue=next%2F1".to_owned(),
                ask_changes(7)
            ],
            "case {case}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expired_leads_to_one_whole_list() {
    let (mut probe, server) = watch([
        Said::Refused(422, None),
        list(page(7, "n1", &["a"])),
        Said::Refused(410, None),
        list(page(9, "", &["a", "b"])),
        open(&[]),
    ]);
    let told = gather(&mut probe, 6).await;
    assert_eq!(
        told,
        [
            "begin pods",
            "shop/a",
            "begin pods",
            "shop/a",
            "shop/b",
            "synced"
        ]
    );
    probe.poll().await;
    assert_eq!(
        server.asked()[3..],
        ["/api/v1/pods".to_owned(), ask_changes(9)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_leads_to_a_new_list_and_nothing_is_gone_before_it_is_told() {
    let forgotten = [Said::Refused(410, None), open(&[event("ERROR", EXPIRED)])];
    for (case, answer) in forgotten.into_iter().enumerate() {
        let again = open(&[added("a", 10), initial_end(12)]);
        let (mut probe, server) = watch([
            ends(&[added("a", 1), added("b", 2), initial_end(7)]),
            answer,
            again,
        ]);
        assert_eq!(gather(&mut probe, 4).await.len(), 4);
        let told = gather(&mut probe, 3).await;
        assert_eq!(told, ["begin pods", "shop/a", "synced"], "case {case}");
        assert_eq!(
            server.asked(),
            [ASK_STREAM.to_owned(), ask_changes(7), ASK_STREAM.to_owned()]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_is_begun_again() {
    let (mut probe, server) = watch([
        Said::Body(STREAM, vec![bytes(&[added("a", 5)]), Part::Break]),
        open(&[added("a", 5), initial_end(7)]),
    ]);
    let told = gather(&mut probe, 5).await;
    assert_eq!(
        told,
        ["begin pods", "shop/a", "begin pods", "shop/a", "synced"]
    );
    assert_eq!(server.asked(), [ASK_STREAM, ASK_STREAM]);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_cut_off_is_asked_for_again() {
    let whole = page(7, "n1", &["a", "b"]);
    let (mut probe, server) = watch([
        Said::Refused(422, None),
        list(whole.clone()),
        list(page(7, "", &["c", "d"])[..45].to_vec()),
        list(page(7, "", &["c", "d"])),
    ]);
    assert_eq!(
        gather(&mut probe, 4).await,
        ["begin pods", "shop/a", "shop/b", "shop/c"]
    );
    let cut_off = outage(probe.poll().await);
    assert!(cut_off.detail.contains("broke off"), "{cut_off}");
    assert_eq!(gather(&mut probe, 3).await, ["shop/c", "shop/d", "synced"]);
    let pages = server.asked();
    assert_eq!(pages[2], pages[3]);
}

#[tokio::test(start_paused = true)]
async fn a_long_list_is_told_in_batches_and_a_dropped_poll_loses_nothing() {
    let names: Vec<String> = (0..2500).map(|at| format!("p{at}")).collect();
    let mut parts: Vec<Part> = Vec::new();
    for some in names.chunks(100) {
        let frames: Vec<_> = some.iter().map(|name| added(name, 1)).collect();
        let frames = frames.concat();
        let (one, two) = frames.split_at(frames.len() / 3);
        parts.extend([
            Part::Bytes(one.to_vec()),
            Part::Pause(Duration::from_millis(3)),
            Part::Bytes(two.to_vec()),
        ]);
    }
    parts.extend([bytes(&[initial_end(7)]), Part::Hang]);
    let (mut probe, _) = watch([Said::Body(STREAM, parts)]);
    let mut told = Vec::new();
    for dropped in 0.. {
        // Given up at once, and again after a moment in which some came.
        assert!(probe.poll().now_or_never().is_none() || dropped > 0);
        let soon = tokio::time::timeout(Duration::from_millis(5), probe.poll()).await;
        if let Ok(answer) = soon {
            told.extend(words(&answer));
        }
        let answer = probe.poll().await;
        assert!(words(&answer).len() <= 1001);
        told.extend(words(&answer));
        if told.last().is_some_and(|word| word == "synced") {
            break;
        }
    }
    let expected: Vec<String> = ["begin pods".to_owned()]
        .into_iter()
        .chain(names.iter().map(|name| format!("shop/{name}")))
        .chain(["synced".to_owned()])
        .collect();
    assert_eq!(told, expected);
}
