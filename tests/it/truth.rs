//! Old data is never shown as fresh: laws over random histories, suspends and steps of the clock.

use std::time::Duration;

use jiff::SignedDuration;
use midwatch::app::App;
use midwatch::clock::Now;
use midwatch::event::Event;
use midwatch::facts::{Cpu, Load, Memory};
use midwatch::glyph;
use midwatch::ids::{FeedId, TargetId};
use midwatch::listing::{Cell, Context, Listing, Order, Row, RowKey, View};
use midwatch::model::{FeedSpec, Freshness, Model};
use midwatch::objects::ObjectKind;
use midwatch::observation::{Harvest, Layer, Observation, Outage};
use midwatch::panes::{self, Block, detail};
use midwatch::role::Role;
use midwatch::subject::{Subject, SubjectKind};
use midwatch::theme::{Depth, Themes};
use midwatch::thresholds::Thresholds;
use midwatch::units::Bytes;
use proptest::prelude::*;

use crate::scene::Scene;
use crate::screens::{draw, open, text};

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
        tells: None,
    };
    model.register(spec, Thresholds::default());
    App::new(model, panes::listings(), 0, now)
}

fn observe(app: &mut App, at: Now, outcome: Result<(), Outage>) {
    let host = Subject::host("a");
    let memory = Memory {
        total: Bytes(100),
        available: Bytes(60),
        oom_kills: Some(0),
        ..Memory::default()
    };
    let cpu = Cpu {
        cores: 2,
        ..Cpu::default()
    };
    let outcome = outcome.map(|()| Harvest {
        facts: vec![
            (host.clone(), memory.into()),
            (host.clone(), cpu.into()),
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
    open(app, "hosts");
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

/// What Triage says first.
fn triage(app: &mut App) -> String {
    app.refresh();
    let theme = Themes::default().load("dark", Depth::True).unwrap();
    text(&draw(app, (120, 24), &theme, &glyph::UNICODE))
}

#[test]
fn nothing_is_called_well_that_was_not_judged() {
    let start = Now::fixed();
    let model = Model::new(start, Thresholds::default());
    let mut blind = App::new(model, panes::listings(), 0, start);
    let shown = triage(&mut blind);
    assert!(shown.contains("nothing is watched"), "{shown}");
    assert!(!shown.contains("nothing is wrong"), "{shown}");

    let mut app = app(start);
    let shown = triage(&mut app);
    assert!(!shown.contains("nothing is wrong"), "{shown}");
    observe(&mut app, start, Ok(()));
    let shown = triage(&mut app);
    let waiting = app.ledger.waiting_for_second_sample();
    assert!(
        waiting > 0,
        "kills for want of memory are counted between two samples"
    );
    let said = format!("{waiting} checks wait for a second sample");
    assert!(shown.contains(&said), "{shown}");
}

/// The lines of a page that are about a reading: what has a label, and the titles of charts.
fn value_lines(block: &Block) -> Vec<String> {
    match block {
        // A finding has no label: it begins with its severity.
        Block::Line(line) if line.0[0].1 != Role::Dim => Vec::new(),
        Block::Line(line) | Block::Chart { title: line, .. } => {
            vec![line.0.iter().map(|(text, _)| text.as_str()).collect()]
        }
        Block::Beside(left, right) => [value_lines(left), value_lines(right)].concat(),
        Block::Columns(left, right) => left.iter().chain(right).flat_map(value_lines).collect(),
        Block::Title(_) => Vec::new(),
    }
}

/// The pages of all subjects of these kinds, line by line.
fn pages(app: &App, kinds: &[SubjectKind]) -> Vec<String> {
    let subjects = kinds.iter().flat_map(|kind| app.model.subjects(*kind));
    let page = |subject| {
        let blocks = detail::subject(&app.context(), subject);
        blocks.iter().flat_map(value_lines).collect::<Vec<_>>()
    };
    subjects.flat_map(page).collect()
}

const TOLD: [SubjectKind; 5] = [
    SubjectKind::Host,
    SubjectKind::Etcd,
    SubjectKind::EtcdMember,
    SubjectKind::Prometheus,
    SubjectKind::Sntp,
];

#[test]
fn an_hour_later_every_line_of_a_page_carries_its_mark() {
    let scene = Scene::load("quiet");
    let lines = pages(&scene.app(Duration::from_secs(3600)), &TOLD);
    for label in [
        "load",
        "memory",
        "mounts",
        "disks",
        "interfaces",
        "raft",
        "database",
        "cpu busy",
    ] {
        let there = lines.iter().any(|line| line.starts_with(label));
        assert!(there, "no line tells {label}: {lines:#?}");
    }
    let night = Scene::load("two-am").app(Duration::from_secs(3600));
    for line in lines.iter().chain(&pages(&night, &TOLD)) {
        let marked =
            line.contains("UNKNOWN") || line.contains("STALE") || line.contains("not known");
        assert!(marked, "shown as if it were fresh: {line}");
    }
    let fresh = pages(&scene.app(Duration::from_secs(1)), &TOLD);
    for line in &fresh {
        assert!(
            !line.contains("UNKNOWN") && !line.contains("STALE"),
            "{line}"
        );
    }
}

/// The pages of every object of a scene, and of its clusters.
fn object_pages(app: &App) -> Vec<String> {
    let objects = ObjectKind::ALL
        .iter()
        .flat_map(|kind| app.model.objects().all(*kind));
    let objects = objects.map(|object| object.subject());
    let page = |subject: Subject| {
        let cx = app.context();
        let whole = detail::subject(&cx, &subject);
        let glance = detail::glance(&cx, &RowKey::Subject(subject));
        let blocks = whole.iter().chain(&glance);
        blocks.flat_map(value_lines).collect::<Vec<_>>()
    };
    objects
        .flat_map(page)
        .chain(pages(app, &[SubjectKind::Cluster]))
        .collect()
}

#[test]
fn an_hour_later_every_line_about_an_object_carries_its_mark() {
    let scene = Scene::load("cluster");
    let lines = object_pages(&scene.app(Duration::from_secs(3600)));
    for label in [
        "status",
        "containers",
        "made by",
        "taints",
        "room",
        "labels",
        "API server",
    ] {
        let there = lines.iter().any(|line| line.starts_with(label));
        assert!(there, "no line tells {label}");
    }
    for line in &lines {
        let marked =
            line.contains("UNKNOWN") || line.contains("STALE") || line.contains("not known");
        assert!(marked, "shown as if it were fresh: {line}");
    }
    for line in &object_pages(&scene.app(Duration::from_secs(1))) {
        let marked = line.contains("UNKNOWN") || line.contains("STALE");
        assert!(!marked, "{line}");
    }
}

#[test]
fn an_hour_later_no_cell_of_a_table_looks_fresh() {
    /// What something is called does not age.
    const NAMES: [&str; 5] = ["host", "member", "clock", "server", "witness"];
    let scenes = ["quiet", "two-am"].map(|name| Scene::load(name).app(Duration::from_secs(3600)));
    let panes = ["hosts", "etcd", "clocks", "prometheus"];
    for (app, pane) in scenes.iter().flat_map(|app| panes.map(|pane| (app, pane))) {
        let cx = app.context();
        let listing = panes::PANES
            .iter()
            .map(|pane| pane.listing)
            .find(|listing| listing.id() == pane)
            .unwrap();
        let rows = listing.rows(&cx);
        assert!(!rows.is_empty(), "{pane}");
        assert_old(&cx, listing, &rows, &NAMES);
    }
}

#[test]
fn an_hour_later_no_cell_about_an_object_looks_fresh() {
    /// What something is called, and what kind of thing it is, does not age.
    const NAMES: [&str; 4] = ["cluster", "namespace", "name", "kind"];
    let app = Scene::load("cluster").app(Duration::from_secs(3600));
    let cx = app.context();
    for pane in ["clusters", "nodes", "workloads", "pods", "events"] {
        let mut listings = panes::PANES.iter().map(|pane| pane.listing);
        let listing = listings.find(|listing| listing.id() == pane).unwrap();
        let order = Order::compute(listing, &cx, &View::default());
        let rows: Vec<Row> = order.rows(0).collect();
        assert!(!rows.is_empty(), "{pane}");
        assert_old(&cx, listing, &rows, &NAMES);
    }
}

/// No cell of these rows may look as if it were known now.
fn assert_old(cx: &Context, listing: &dyn Listing, rows: &[Row], names: &[&str]) {
    let pane = listing.id();
    for row in rows
        .iter()
        .filter(|row| matches!(row.key, RowKey::Subject(_)))
    {
        for column in listing
            .columns()
            .iter()
            .filter(|column| !names.contains(&column.id))
        {
            let role = match listing.cell(cx, row, column.id) {
                Cell::Text(text, _) if matches!(text.as_str(), "" | "-") => continue,
                // A finding outlives what it was found in: its word may say anything but ok.
                Cell::Mark(_, role) if role != Role::StateOk => continue,
                Cell::Text(_, role) | Cell::Name(_, role) | Cell::Mark(_, role) => role,
                // A curve ends where the telling ended; its row is dated.
                Cell::Spark { .. } => continue,
                other => panic!("{pane} {:?} {}: {other:?}", row.key, column.id),
            };
            let says_so = matches!(role, Role::StateStale | Role::Unknown);
            assert!(says_so, "{pane} {:?} {}: {role:?}", row.key, column.id);
        }
    }
}
