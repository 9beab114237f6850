//! Users who may list and not watch, or neither: what they may see is told, and how old it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::observation::Harvest;

const ASK_LIST: &str = "/api/v1/pods?limit=500";

/// A server that lets its user watch while it is told so; each pod it lists is named after the
/// second in which it was asked, and the list takes so long.
fn strict(took: Duration) -> (WatchProbe<Server>, Server, Arc<AtomicBool>) {
    let (began, permits) = (Instant::now(), Arc::new(AtomicBool::new(false)));
    let permitted = permits.clone();
    let server = Server::by(move |path| {
        let name = format!("t{}", began.elapsed().as_secs());
        if !path.contains("watch=1") {
            let pages = Part::Bytes(page(7, "", &[&name]));
            return Said::Body(LIST, vec![Part::Pause(took), pages]);
        }
        match permitted.load(Ordering::Relaxed) {
            false => Said::Refused(403, None),
            true if path.contains("sendInitialEvents") => open(&[added(&name, 8), initial_end(9)]),
            true => open(&[]),
        }
    });
    let probe = WatchProbe::over(server.clone(), "prod".into(), ObjectKind::Pod, None);
    (probe, server, permits)
}

/// What the next poll brings, which is no outage.
async fn harvest(probe: &mut WatchProbe<Server>) -> Harvest {
    probe.poll().await.outcome.unwrap()
}

fn told(harvest: &Harvest) -> Vec<String> {
    harvest.deltas.iter().map(word).collect()
}

#[tokio::test(start_paused = true)]
async fn who_may_not_watch_gets_lists_and_what_changed_is_in_the_next() {
    let no = || Said::Refused(403, None);
    let pages = [list(page(7, "", &["a"])), list(page(9, "", &["a", "b"]))];
    let (mut probe, server) = watch([no()].into_iter().chain(pages));
    let began = Instant::now();
    let first = harvest(&mut probe).await;
    assert_eq!(told(&first), ["begin pods", "shop/a", "synced"]);
    assert_eq!(first.listed, Some(Duration::from_secs(8)));
    assert!(first.behind < Duration::from_secs(1));
    assert_eq!(
        gather(&mut probe, 4).await,
        ["begin pods", "shop/a", "shop/b", "synced"]
    );
    let waited = began.elapsed().as_secs();
    assert!((8..=9).contains(&waited), "{waited}");
    assert_eq!(server.asked(), [ASK_STREAM, ASK_LIST, ASK_LIST]);
}

#[tokio::test(start_paused = true)]
async fn between_two_lists_what_was_told_grows_old() {
    let (mut probe, _, _) = strict(Duration::from_secs(3));
    let began = Instant::now();
    let (mut listed, mut lists, mut quiet) = (None, Vec::new(), 0);
    while began.elapsed() < Duration::from_secs(90) {
        let harvest = harvest(&mut probe).await;
        let told = told(&harvest);
        if let Some(name) = told.iter().find_map(|word| word.strip_prefix("shop/t")) {
            listed = Some(Duration::from_secs(name.parse().unwrap()));
            lists.push(listed.unwrap());
        }
        let Some(asked) = listed else {
            continue;
        };
        // The list says how it was when it was asked for; a second of it is not in its name.
        let age = began.elapsed() - asked;
        let second = Duration::from_secs(1);
        assert!(
            harvest.behind + second >= age,
            "{told:?} {age:?} {harvest:?}"
        );
        assert!(harvest.behind <= age, "{told:?} {age:?} {harvest:?}");
        quiet += usize::from(told.is_empty());
        assert_eq!(harvest.listed, Some(Duration::from_secs(4 * 3 + 3)));
    }
    assert!(quiet > 5, "heartbeats between {lists:?}");
    for pair in lists.windows(2) {
        let apart = (pair[1] - pair[0]).as_secs();
        assert!(
            (14..=18).contains(&apart),
            "four times what it takes: {lists:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn after_pages_a_refused_watch_does_not_lead_to_a_second_list_at_once() {
    let answers = [
        Said::Refused(422, None),
        list(page(7, "", &["a"])),
        Said::Refused(403, None),
        list(page(9, "", &["b"])),
    ];
    let (mut probe, server) = watch(answers);
    let began = Instant::now();
    assert_eq!(
        gather(&mut probe, 3).await,
        ["begin pods", "shop/a", "synced"]
    );
    assert_eq!(
        gather(&mut probe, 3).await,
        ["begin pods", "shop/b", "synced"]
    );
    assert!(began.elapsed() >= Duration::from_secs(8));
    assert_eq!(
        server.asked(),
        [ASK_STREAM, ASK_LIST, &ask_changes(7), ASK_LIST]
    );
}

#[tokio::test(start_paused = true)]
async fn the_watch_is_tried_again_now_and_then_and_taken_when_it_is_granted() {
    let (mut probe, server, permits) = strict(Duration::ZERO);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(600) {
        harvest(&mut probe).await;
    }
    let asked = server.asked();
    let (watches, lists): (Vec<_>, Vec<_>) =
        asked.iter().partition(|path| path.contains("watch=1"));
    assert!((3..=6).contains(&watches.len()), "{}", watches.len());
    assert!((60..=75).contains(&lists.len()), "{}", lists.len());

    permits.store(true, Ordering::Relaxed);
    let granted = Instant::now();
    let live = loop {
        let harvest = harvest(&mut probe).await;
        if harvest.listed.is_none() && harvest.behind.is_zero() {
            break harvest;
        }
        assert!(granted.elapsed() < Duration::from_secs(400));
    };
    assert_eq!(told(&live).last().unwrap(), "synced");
    let quiet = harvest(&mut probe).await;
    assert_eq!((quiet.behind, quiet.listed), (Duration::ZERO, None));
    assert!(quiet.deltas.is_empty(), "a heartbeat is news again");
}

#[tokio::test(start_paused = true)]
async fn who_may_do_neither_is_told_what_the_list_needs_and_the_watch_is_tried_first_again() {
    let no = || Said::Refused(403, None);
    let (mut probe, server) = watch([no(), no(), no(), list(page(7, "", &["a"]))]);
    let refused = outage(probe.poll().await);
    assert_eq!(refused.layer, Layer::Auth);
    assert!(refused.detail.contains(ASK_LIST), "{refused}");
    assert_eq!(server.asked(), [ASK_STREAM, ASK_LIST]);
    let given = loop {
        match probe.poll().await.outcome {
            Ok(harvest) => break harvest,
            Err(outage) => assert_eq!(outage, refused),
        }
        tokio::time::advance(Duration::from_secs(5)).await;
    };
    assert_eq!(told(&given), ["begin pods", "shop/a", "synced"]);
    assert_eq!(server.asked(), [ASK_STREAM, ASK_LIST]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_leaves_what_it_told_as_old_as_the_cut() {
    let minute = Duration::from_secs(60);
    let (mut probe, _) = watch([
        Said::Body(STREAM, vec![bytes(&[initial_end(7)]), Part::Pause(minute)]),
        Said::Refused(429, Some(minute)),
    ]);
    let began = Instant::now();
    gather(&mut probe, 2).await;
    while began.elapsed() < Duration::from_secs(80) {
        let Ok(harvest) = probe.poll().await.outcome else {
            break;
        };
        let since = began.elapsed().saturating_sub(minute);
        assert!(harvest.behind <= since, "{harvest:?} {since:?}");
        assert!(
            harvest.behind + Duration::from_secs(1) >= since,
            "{harvest:?} {since:?}"
        );
        assert_eq!(harvest.listed, None);
    }
    assert!(began.elapsed() > minute, "the watch ended");
}
