//! Tasks that poll, fail, panic and come back, on a clock that is turned by hand.

use tokio::time::Instant;

use super::*;
use crate::facts::FactKind;
use crate::ids::TargetId;
use crate::observation::{Harvest, Lost};
use crate::sources::PollFuture;
use crate::subject::Subject;

/// Answers what the script says, then for ever its last line.
struct Scripted {
    script: Vec<&'static str>,
    at: usize,
    disconnects: Arc<AtomicU64>,
}

impl Probe for Scripted {
    fn endpoint(&self) -> String {
        String::new()
    }
    fn subject(&self) -> Subject {
        Subject::host("a")
    }
    fn disconnect(&mut self) {
        self.disconnects.fetch_add(1, Ordering::Relaxed);
    }
    fn poll(&mut self) -> PollFuture<'_> {
        let word = self.script[self.at.min(self.script.len() - 1)];
        self.at += 1;
        Box::pin(async move {
            match word {
                "ok" => Answer::ok(7, Harvest::default()),
                "partial" => {
                    let lost = Lost {
                        kind: FactKind::EtcdHash,
                        outage: Outage::new(Layer::Tcp, "refused"),
                    };
                    let lost = vec![lost];
                    let harvest = Harvest {
                        lost,
                        ..Harvest::default()
                    };
                    Answer::ok(7, harvest)
                }
                "panic" => panic!("out of luck"),
                "hang" => std::future::pending().await,
                other => Answer::failed(0, Outage::new(Layer::Tcp, other)),
            }
        })
    }
}

fn watch(script: &[&'static str]) -> (Poller, FeedId, Arc<AtomicU64>) {
    watch_every(Duration::from_secs(10), script)
}

fn watch_every(period: Duration, script: &[&'static str]) -> (Poller, FeedId, Arc<AtomicU64>) {
    let id = FeedId::new(TargetId::new("test", "a"), "");
    let spec = FeedSpec {
        id: id.clone(),
        period,
        timeout: Duration::from_secs(3),
        subject: Subject::host("a"),
        tells: None,
    };
    let disconnects = Arc::new(AtomicU64::new(0));
    let probe = Scripted {
        script: script.to_vec(),
        at: 0,
        disconnects: disconnects.clone(),
    };
    let feeds = vec![Watched {
        spec,
        probe: Box::new(probe),
    }];
    (Poller::start(feeds, Schedule::Watch), id, disconnects)
}

async fn next(poller: &Poller) -> Observation {
    poller.ready().await;
    poller.take(1).remove(0).observation
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_outage_and_the_next_poll_goes_on() {
    let (poller, _, _) = watch(&["panic", "ok"]);
    let outage = next(&poller).await.outcome.unwrap_err();
    assert_eq!(outage.layer, Layer::Local);
    assert!(outage.detail.contains("out of luck"), "{outage}");
    assert!(next(&poller).await.outcome.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_silent_target_is_cut_off_at_its_deadline() {
    let (poller, _, _) = watch(&["hang"]);
    let began = Instant::now();
    let outage = next(&poller).await.outcome.unwrap_err();
    assert_eq!(outage.layer, Layer::Timeout);
    assert!(
        began.elapsed() <= Duration::from_secs(5),
        "spread and deadline"
    );
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_is_overwritten_and_counted() {
    let (poller, _, _) = watch(&["first", "second", "third"]);
    tokio::time::sleep(Duration::from_secs(28)).await;
    let taken = poller.take(10);
    assert_eq!(taken.len(), 1, "one slot per feed");
    assert_eq!(taken[0].dropped, 2);
    assert_eq!(
        taken[0].observation.outcome.as_ref().unwrap_err().detail,
        "third"
    );
}

#[tokio::test(start_paused = true)]
async fn poll_now_does_not_wait_for_the_period() {
    let (poller, id, _) = watch(&["ok"]);
    next(&poller).await;
    let began = Instant::now();
    poller.poll_now(&id);
    next(&poller).await;
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_feed_that_lost_a_part_is_whole_again_within_a_minute() {
    let slow = Duration::from_secs(600);
    let (poller, _, _) = watch_every(slow, &["partial", "down", "partial", "ok"]);
    let mut waits = Vec::new();
    next(&poller).await;
    for _ in 0..3 {
        let began = Instant::now();
        next(&poller).await;
        waits.push(began.elapsed().as_secs());
    }
    assert_eq!(waits, [15, 30, 60]);
    let began = Instant::now();
    next(&poller).await;
    assert!(
        began.elapsed() >= slow,
        "once whole, at its own period again"
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_suspend_connections_are_dropped_once() {
    let (poller, _, disconnects) = watch(&["ok"]);
    next(&poller).await;
    poller.resume();
    next(&poller).await;
    next(&poller).await;
    assert_eq!(disconnects.load(Ordering::Relaxed), 1);
}

/// One server, which answers from a moment on.
struct Dead {
    until: Instant,
    pace: Pace,
    polls: Arc<AtomicU64>,
}

impl Probe for Dead {
    fn endpoint(&self) -> String {
        String::new()
    }
    fn subject(&self) -> Subject {
        Subject::cluster("a")
    }
    fn pace(&self) -> Pace {
        self.pace
    }
    fn poll(&mut self) -> PollFuture<'_> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        let up = Instant::now() >= self.until;
        Box::pin(async move {
            if up {
                // A stream is quiet for its period.
                tokio::time::sleep(Duration::from_secs(1)).await;
                return Answer::ok(0, Harvest::default());
            }
            Answer::failed(0, Outage::new(Layer::Tcp, "refused"))
        })
    }
}

/// After how long each of these feeds was answered first, and how often it was asked until the
/// server came up, after 26 seconds.
async fn answered(feeds: &[(&str, &str, u64, Pace)]) -> Vec<(Duration, u64)> {
    let began = Instant::now();
    let until = began + Duration::from_secs(26);
    let (mut watched, mut polls) = (Vec::new(), Vec::new());
    for (target, endpoint, period, pace) in feeds {
        let count = Arc::new(AtomicU64::new(0));
        let period = Duration::from_secs(*period);
        watched.push(Watched {
            spec: FeedSpec {
                id: FeedId::new(TargetId::new("test", target), endpoint),
                period,
                timeout: period * 2,
                subject: Subject::cluster("a"),
                tells: None,
            },
            probe: Box::new(Dead {
                until,
                pace: *pace,
                polls: count.clone(),
            }),
        });
        polls.push(count);
    }
    let ids: Vec<FeedId> = watched.iter().map(|feed| feed.spec.id.clone()).collect();
    let poller = Poller::start(watched, Schedule::Watch);
    let mut asked = vec![0; ids.len()];
    let mut first: Vec<Option<Duration>> = vec![None; ids.len()];
    while first.contains(&None) {
        poller.ready().await;
        let now = Instant::now();
        for delivery in poller.take(10) {
            let at = ids.iter().position(|id| *id == delivery.observation.feed);
            let at = at.unwrap();
            if delivery.observation.outcome.is_ok() {
                first[at].get_or_insert(now - began);
            } else if now < until {
                asked[at] = polls[at].load(Ordering::Relaxed);
            }
        }
    }
    first.into_iter().flatten().zip(asked).collect()
}

#[tokio::test(start_paused = true)]
async fn when_a_server_is_back_its_streams_are_asked_soon_and_before_that_not_more_often() {
    let poll = ("a", "readyz", 2, Pace::Periodic);
    let streams = ["pods", "nodes", "leases"].map(|plural| ("a", plural, 5, Pace::Stream));
    let alone = ("b", "pods", 5, Pace::Stream);
    let mut feeds = vec![poll, alone];
    feeds.extend(streams);
    let told = answered(&feeds).await;
    let (server, alone) = (told[0], told[1]);
    assert!((26..34).contains(&server.0.as_secs()), "{told:?}");
    assert!(
        alone.0.as_secs() > 39,
        "another target's has its own pause: {told:?}"
    );
    for stream in &told[2..] {
        let after = stream.0 - server.0;
        assert!(after <= Duration::from_millis(2600), "{told:?}");
        assert_eq!(stream.1, alone.1, "{told:?}");
    }
    let mut times: Vec<Duration> = told[2..].iter().map(|(at, _)| *at).collect();
    times.dedup();
    assert!(times.len() > 1, "all at once: {told:?}");
}
