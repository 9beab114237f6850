//! Old data is never shown as fresh: laws over random histories, suspends and steps of the clock.

use std::time::Duration;

use jiff::SignedDuration;
use midwatch::app::App;
use midwatch::clock::Now;
use midwatch::event::Event;
use midwatch::facts::{Load, Memory};
use midwatch::glyph;
use midwatch::ids::{FeedId, TargetId};
use midwatch::intent::Intent;
use midwatch::model::{FeedSpec, Freshness, Model};
use midwatch::observation::{Harvest, Layer, Observation, Outage};
use midwatch::panes;
use midwatch::subject::Subject;
use midwatch::theme::{Depth, Themes};
use midwatch::thresholds::Thresholds;
use midwatch::units::Bytes;
use proptest::prelude::*;

use crate::screens::{draw, text};

const PERIOD: Duration = Duration::from_secs(10);

fn feed() -> FeedId {
    FeedId::new(TargetId::new("node-exporter", "a"), "10.0.0.1:9100")
}

fn app(now: Now) -> App {
    let mut model = Model::new(now, Thresholds::default());
    let spec = FeedSpec {
        id: feed(),
        period: PERIOD,
        timeout: Duration::from_secs(5),
        subject: Subject::host("a"),
    };
    model.register(spec, Thresholds::default());
    App::new(model, panes::listings(), 0, now)
}

fn observe(app: &mut App, at: Now, outcome: Result<(), Outage>) {
    let host = Subject::host("a");
    let memory = Memory {
        total: Bytes(100),
        available: Bytes(60),
        ..Memory::default()
    };
    let outcome = outcome.map(|()| Harvest {
        facts: vec![
            (host.clone(), memory.into()),
            (host, Load::default().into()),
        ],
        ..Harvest::default()
    });
    let observation = Observation {
        feed: feed(),
        at,
        took: Duration::from_millis(3),
        bytes: 10,
        outcome,
    };
    app.update(Event::Tick(at));
    app.update(Event::Observed {
        observation: Box::new(observation),
        next_poll: at.stamp + PERIOD,
        dropped: 0,
    });
}

/// The row of the host in the Hosts pane.
fn row(app: &mut App, now: Now) -> String {
    app.update(Event::Tick(now));
    app.update(Event::Intent(Intent::GoToPane(2)));
    app.refresh();
    let theme = Themes::default().load("dark", Depth::True).unwrap();
    let shown = text(&draw(app, (120, 24), &theme, &glyph::UNICODE));
    let row = shown.lines().skip(4).find(|line| line.contains(" a  "));
    row.unwrap_or_else(|| panic!("no row:\n{shown}")).to_owned()
}

fn refused() -> Outage {
    Outage::new(Layer::Tcp, "10.0.0.1:9100 refused the connection")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever came before: a row whose newest value is past a limit, or whose last poll failed,
    /// says so and is not marked ok.
    #[test]
    fn no_history_makes_old_data_look_fresh(steps in prop::collection::vec((0_u64..400, any::<bool>()), 1..12), wait in 0_u64..400) {
        let start = Now::fixed();
        let mut app = app(start);
        let (mut now, mut last_ok, mut failing) = (start, None, false);
        for (secs, ok) in steps {
            now = now.plus(Duration::from_secs(secs));
            observe(&mut app, now, if ok { Ok(()) } else { Err(refused()) });
            failing = !ok;
            if ok {
                last_ok = Some(now);
            }
        }
        now = now.plus(Duration::from_secs(wait));
        let row = row(&mut app, now);
        let age = last_ok.map(|ok| now.stamp.since(ok.stamp));
        let truth = age.map_or(Freshness::Unknown, |age| Freshness::of(age, PERIOD, failing));
        match truth {
            Freshness::Fresh => prop_assert!(!row.contains("STALE") && !row.contains("UNKNOWN"), "{row}"),
            Freshness::Aging => prop_assert!(row.contains("aging"), "{row}"),
            Freshness::Stale => prop_assert!(row.contains("STALE") && !row.contains('\u{2713}'), "{row}"),
            Freshness::Unknown if age.is_some() => {
                prop_assert!(row.contains("UNKNOWN") && !row.contains('\u{2713}'), "{row}");
            }
            Freshness::Unknown => prop_assert!(row.trim_end().ends_with('?') && !row.contains('\u{2713}'), "{row}"),
        }
    }

    /// A step of the wall clock in either direction changes no age.
    #[test]
    fn a_step_of_the_wall_clock_changes_no_age(step in -7200_i64..7200, secs in 0_u64..100) {
        let start = Now::fixed();
        let mut app = app(start);
        observe(&mut app, start, Ok(()));
        let mut later = start.plus(Duration::from_secs(secs));
        let plain = row(&mut app, later);
        later.wall = later.wall.checked_add(SignedDuration::from_secs(step)).unwrap();
        prop_assert_eq!(row(&mut app, later), plain);
    }
}

#[test]
fn after_a_suspend_nothing_is_believed_until_it_is_told_again() {
    let start = Now::fixed();
    let mut app = app(start);
    observe(&mut app, start, Ok(()));
    assert!(!row(&mut app, start).contains("STALE"));
    // Asleep for three seconds only: no limit of age is reached, and still nothing is believed.
    let woken = start.plus(Duration::from_secs(3));
    app.update(Event::Resumed {
        slept: Duration::from_secs(3),
        now: woken,
    });
    assert!(row(&mut app, woken).contains("STALE"));
    observe(&mut app, woken.plus(Duration::from_secs(1)), Ok(()));
    assert!(!row(&mut app, woken.plus(Duration::from_secs(1))).contains("STALE"));
}

#[test]
fn a_target_that_never_answered_has_a_row_that_says_nothing_is_known() {
    let start = Now::fixed();
    let mut app = app(start);
    let row = row(&mut app, start);
    assert!(row.contains("unknown"), "{row}");
    assert!(!row.contains('0'), "absence is not a zero: {row}");
}
