//! Laws over random streams of what can happen: no power, no request; no look, no confirmation.

use super::*;

/// One thing that may happen to a console.
#[derive(Clone, Debug)]
enum Happening {
    Key(&'static str),
    Paste(&'static str),
    Command(&'static str),
    Wait(u64),
    Beat,
    Frame,
    Prepared,
    Suspend,
    Switch(Option<&'static str>),
    Cordon(&'static str, bool),
    Replace(&'static str),
    Ended,
}

fn happening() -> impl Strategy<Value = Happening> {
    let keys = prop::sample::select(vec![
        "x", "c", "u", "y", "y", "y", "r", "j", "k", "esc", "q", "A", ":", "/", "enter", "a", "1",
        "6", "ctrl-z", "space",
    ]);
    let pastes = prop::sample::select(vec![
        "y",
        "y\ry",
        ":arm 60m\r",
        "xcy",
        "cordon w-1\r",
        "\u{1b}[201~y",
    ]);
    let commands = prop::sample::select(vec![
        "arm 10m",
        "arm prod 60m",
        "arm stage",
        "disarm",
        "act cordon",
        "cordon",
        "cordon w-2",
        "cordon -- why",
        "uncordon",
        "override because",
    ]);
    prop_oneof![
        8 => keys.prop_map(Happening::Key),
        1 => pastes.prop_map(Happening::Paste),
        2 => commands.prop_map(Happening::Command),
        2 => prop::sample::select(vec![1_u64, 30, 300, 599, 601, 1000]).prop_map(Happening::Wait),
        1 => prop::sample::select(vec![20_000_u64, 40_000, 130_000, 299_000, 301_000, 3_700_000]).prop_map(Happening::Wait),
        3 => Just(Happening::Beat),
        4 => Just(Happening::Frame),
        4 => Just(Happening::Prepared),
        1 => Just(Happening::Suspend),
        1 => prop::sample::select(vec![None, Some("prod"), Some("stage")]).prop_map(Happening::Switch),
        1 => (prop::sample::select(vec!["w-1", "w-2", "w-3"]), any::<bool>()).prop_map(|(n, c)| Happening::Cordon(n, c)),
        1 => prop::sample::select(vec!["w-1", "w-2"]).prop_map(Happening::Replace),
        1 => Just(Happening::Ended),
    ]
}

/// What has to be true for a request to leave, kept apart from the code that decides it.
#[derive(Debug, Default)]
struct Oracle {
    /// Until when it is armed for prod.
    until: Option<Now>,
    last_key: Option<Now>,
    heard: Option<Now>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nothing_leaves_without_power_or_before_it_was_read(all in prop::collection::vec(happening(), 1..60)) {
        let mut seat = Seat::new();
        let mut oracle = Oracle { heard: Some(seat.now), ..Oracle::default() };
        // When the plan that can be answered was drawn, and when keys came.
        let mut shown: Option<Now> = None;
        let mut keys: Vec<Now> = Vec::new();
        for one in all {
            let runs = seat.runs();
            let before = seat.app.acting.power.is_some();
            let key = matches!(one, Happening::Key(_));
            match one {
                Happening::Key(key) => {
                    keys.push(seat.now);
                    seat.key(key);
                }
                Happening::Paste(text) => {
                    seat.send(Event::Pressed(seat.now.stamp));
                    seat.send(Event::Pasted(text.into()));
                    prop_assert_eq!(seat.runs(), runs, "a paste confirmed it");
                }
                Happening::Command(line) => {
                    if !seat.app.is_typing() {
                        seat.key(":");
                        for c in line.chars() {
                            seat.key(&if c == ' ' { "space".into() } else { c.to_string() });
                        }
                        seat.key("enter");
                        keys.push(seat.now);
                    }
                    prop_assert_eq!(seat.runs(), runs, "a command confirmed it");
                }
                Happening::Wait(millis) => seat.wait(millis),
                Happening::Beat => {
                    seat.beat();
                    oracle.heard = Some(seat.now);
                }
                Happening::Frame => seat.frame(),
                Happening::Prepared => seat.prepare(),
                Happening::Suspend => {
                    let now = seat.now;
                    seat.send(Event::Resumed { slept: Duration::from_secs(9), now });
                    prop_assert!(seat.app.acting.power.is_none());
                }
                Happening::Switch(cluster) => {
                    seat.app.scope.cluster = cluster.map(Into::into);
                    seat.wait(0);
                }
                Happening::Cordon(name, closed) => {
                    seat.put(if closed { world::cordoned(name) } else { world::node(name) });
                    oracle.heard = Some(seat.now);
                }
                Happening::Replace(name) => {
                    let mut node = world::node(name);
                    node.uid = format!("{}-again", seat.now.stamp.0).into();
                    seat.put(node);
                    oracle.heard = Some(seat.now);
                }
                Happening::Ended => {
                    let ticket = seat.out.iter().rev().find_map(|e| match e {
                        Errand::Run { ticket, .. } => Some(*ticket),
                        _ => None,
                    });
                    if let Some(ticket) = ticket {
                        let end = End::Unknown("lost".into());
                        seat.send(Event::News(Box::new(News::Ended { ticket, end })));
                    }
                }
            }
            let ready = seat.app.acting.proposal().is_some_and(|open| matches!(open.state, State::Ready(_)) && open.was_read());
            shown = if ready { shown.or(Some(seat.now)) } else if seat.runs() > runs { shown } else { None };
            if !before && let Some(armed) = seat.app.acting.armed() {
                oracle.until = Some(seat.now.plus(armed.left(seat.now.stamp)));
            }
            if seat.runs() > runs {
                prop_assert!(key, "only a key confirms");
                let Some(Errand::Run { permit, .. }) = seat.out.last() else {
                    return Err(TestCaseError::fail("a run that is not the last errand"));
                };
                // By the oracle: armed, not idle, heard of, read for long enough.
                prop_assert!(oracle.until.is_some_and(|until| seat.now.stamp < until.stamp));
                let silent = seat.now.stamp.since(oracle.heard.unwrap().stamp);
                prop_assert!(silent <= Duration::from_secs(31), "silent for {silent:?}");
                prop_assert!(permit.holds(seat.now.stamp));
                prop_assert_eq!(&**permit.armed().cluster(), "prod");
                let read = seat.now.stamp.since(shown.unwrap().stamp);
                prop_assert!(read >= Duration::from_millis(600), "read for {read:?}");
                let previous = keys.iter().rev().nth(1).unwrap();
                let rested = seat.now.stamp.since(previous.stamp);
                prop_assert!(rested >= Duration::from_millis(600), "rested for {rested:?}");
                // And of an object that is the one under that name now.
                let object = seat.app.model.objects().get(&permit.plan().subject).unwrap();
                prop_assert_eq!(&object.uid, &permit.plan().target.uid);
                shown = None;
            }
            oracle.last_key = keys.last().copied();
        }
        // A power that ended does not come back for what was permitted before.
        for errand in &seat.out {
            if let Errand::Run { permit, .. } = errand {
                let over = seat.app.acting.armed().is_none_or(|armed| !armed.is(permit.armed()));
                prop_assert!(!over || !permit.armed().holds(seat.now.stamp));
            }
        }
    }

    #[test]
    fn typed_ahead_and_held_keys_confirm_nothing(
        ahead in prop::collection::vec(prop::sample::select(vec!["y", "y", "x", "c", "enter", "j", "r", "esc", "space"]), 1..40),
        gaps in prop::collection::vec(0_u64..550, 40),
    ) {
        let mut seat = ready();
        // Keys that follow each other faster than a person reads, from the plan's first frame on.
        for (key, gap) in ahead.iter().zip(gaps) {
            seat.key(key);
            seat.wait(gap);
            seat.frame();
        }
        prop_assert_eq!(seat.runs(), 0);
    }
}
