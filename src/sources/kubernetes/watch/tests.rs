//! A kind that is followed through all that a server, a network and a reader can do to it.

use std::time::Duration;

use futures::FutureExt;
use proptest::prelude::*;
use tokio::time::{Instant, advance};

use super::*;
use crate::objects::Delta;
use crate::observation::{Layer, Outage};
use crate::sources::kubernetes::proto::MAGIC;
use crate::sources::kubernetes::scripted::{Part, Said, Server};

const LIST: &str = "application/vnd.kubernetes.protobuf";
const STREAM: &str = "application/vnd.kubernetes.protobuf;stream=watch";
const WATCHED: &[u8] =
    include_bytes!("../../../../tests/fixtures/payloads/kubernetes/pods.watch.pb");
const NOT_STREAMED: &[u8] =
    include_bytes!("../../../../tests/fixtures/payloads/kubernetes/pods.watch-not-streamed.pb");
/// The `Status` of a page whose token is too old: 410.
const EXPIRED: &[u8] =
    include_bytes!("../../../../tests/fixtures/payloads/kubernetes/page-expired.pb");

const ASK_STREAM: &str = "/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=T&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

fn ask_changes(version: u32) -> String {
    format!(
        "/api/v1/pods?watch=1&allowWatchBookmarks=true&timeoutSeconds=T&resourceVersion={version}"
    )
}

// Bytes as a server writes them.

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length > 0x7f {
        out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).unwrap());
    out.extend_from_slice(bytes);
    out
}

fn pod_of(name: &str, version: u32, more: &[u8]) -> Vec<u8> {
    let version = version.to_string();
    let meta = [
        field(1, name.as_bytes()),
        field(3, b"shop"),
        field(5, name.as_bytes()),
        field(6, version.as_bytes()),
        more.to_vec(),
    ];
    field(1, &meta.concat())
}

fn pod(name: &str, version: u32) -> Vec<u8> {
    pod_of(name, version, b"")
}

fn envelope(raw: &[u8]) -> Vec<u8> {
    [
        MAGIC.to_vec(),
        field(1, b""),
        field(2, raw),
        field(3, b""),
        field(4, b""),
    ]
    .concat()
}

fn event(kind: &str, envelope: &[u8]) -> Vec<u8> {
    let event = [field(1, kind.as_bytes()), field(2, &field(1, envelope))].concat();
    let length = u32::try_from(event.len()).unwrap().to_be_bytes();
    [length.to_vec(), event].concat()
}

fn added(name: &str, version: u32) -> Vec<u8> {
    event("ADDED", &envelope(&pod(name, version)))
}

fn modified(name: &str, version: u32) -> Vec<u8> {
    event("MODIFIED", &envelope(&pod(name, version)))
}

fn deleted(name: &str, version: u32) -> Vec<u8> {
    event("DELETED", &envelope(&pod(name, version)))
}

fn bookmark(version: u32) -> Vec<u8> {
    let meta = field(1, &field(6, version.to_string().as_bytes()));
    event("BOOKMARK", &envelope(&meta))
}

fn initial_end(version: u32) -> Vec<u8> {
    let entry = [field(1, b"k8s.io/initial-events-end"), field(2, b"true")].concat();
    let meta = [field(6, version.to_string().as_bytes()), field(12, &entry)].concat();
    event("BOOKMARK", &envelope(&field(1, &meta)))
}

fn page(version: u32, next: &str, names: &[&str]) -> Vec<u8> {
    let meta = [
        field(2, version.to_string().as_bytes()),
        field(3, next.as_bytes()),
    ]
    .concat();
    let items = names.iter().flat_map(|name| field(2, &pod(name, 1)));
    envelope(&[field(1, &meta), items.collect()].concat())
}

// What a server says.

fn bytes(parts: &[Vec<u8>]) -> Part {
    Part::Bytes(parts.concat())
}

/// A watch that stays open.
fn open(frames: &[Vec<u8>]) -> Said {
    Said::Body(STREAM, vec![bytes(frames), Part::Hang])
}

/// A watch that ends after a minute.
fn ends(frames: &[Vec<u8>]) -> Said {
    let minute = Part::Pause(Duration::from_secs(60));
    Said::Body(STREAM, vec![bytes(frames), minute])
}

fn list(page: Vec<u8>) -> Said {
    Said::Body(LIST, vec![Part::Bytes(page)])
}

fn watch(answers: impl IntoIterator<Item = Said>) -> (WatchProbe<Server>, Server) {
    let server = Server::saying(answers);
    let probe = WatchProbe::over(server.clone(), "prod".into(), ObjectKind::Pod, None);
    (probe, server)
}

fn words(answer: &Answer) -> Vec<String> {
    let harvest = answer.outcome.as_ref().unwrap();
    harvest.deltas.iter().map(word).collect()
}

fn word(delta: &Delta) -> String {
    match delta {
        Delta::Begin(kind) => format!("begin {}", kind.plural()),
        Delta::Put(object) => format!("{}/{}", object.namespace, object.name),
        Delta::Gone { name, .. } => format!("-{name}"),
        Delta::Synced(_) => "synced".into(),
        Delta::Uses(..) => "uses".into(),
    }
}

fn outage(answer: Answer) -> Outage {
    answer.outcome.unwrap_err()
}

/// Everything until `enough` deltas came, over any number of polls.
async fn gather(probe: &mut WatchProbe<Server>, enough: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..1000 {
        all.extend(words(&probe.poll().await));
        if all.len() >= enough {
            break;
        }
    }
    all
}

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
async fn what_is_forbidden_is_said_and_asked_for_seldom() {
    let (mut probe, server) = watch([Said::Refused(403, None), open(&[initial_end(7)])]);
    let began = Instant::now();
    loop {
        match probe.poll().await.outcome {
            Err(outage) => assert_eq!(outage.layer, Layer::Auth),
            Ok(_) => break,
        }
        assert_eq!(server.asked().len(), usize::from(began.elapsed().is_zero()));
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

#[tokio::test(start_paused = true)]
async fn a_page_of_a_proxy_is_no_answer() {
    let (mut probe, _) = watch([Said::Body("text/html", vec![])]);
    let outage = outage(probe.poll().await);
    assert_eq!(outage.layer, Layer::Protocol);
    assert!(outage.detail.contains("text/html"), "{outage}");
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
