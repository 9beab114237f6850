//! What a frame costs: a table of 50,000 rows beside ratatui's own, and whole screens of 1,000 hosts.
//!
//! `cargo bench --bench frame`. Every figure is CPU time of this thread, the middle of many rounds.

#[path = "shared/figures.rs"]
mod figures;
#[path = "shared/hosts.rs"]
mod hosts;
#[path = "shared/rounds.rs"]
mod rounds;

use std::collections::BTreeSet;
use std::hint::black_box;

use figures::{Figures, Goal, quantile};
use hosts::{Fleet, PERIOD};
use midwatch::app::App;
use midwatch::clock::Now;
use midwatch::event::Event;
use midwatch::findings::Ledger;
use midwatch::glyph;
use midwatch::intent::Intent;
use midwatch::listing::{
    Align, Cell, Column, Context, Direction, Listing, Order, Row, RowKey, SortValue, View,
};
use midwatch::model::Model;
use midwatch::paint::{Painter, Skin};
use midwatch::panes;
use midwatch::role::Role;
use midwatch::screen;
use midwatch::theme::{Depth, Themes};
use midwatch::thresholds::Thresholds;
use midwatch::widgets::table;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::widgets::{StatefulWidget, Table, TableState};
use rounds::median_ms;

const ROWS: usize = 50_000;
const SCREEN: Rect = Rect::new(0, 0, 200, 60);
const FRAME_MS: f64 = 1.0;

static COLUMNS: &[Column] = &[
    column("state", Align::Left, 10),
    column("name", Align::Left, 40),
    column("node", Align::Left, 20),
    column("cpu", Align::Right, 8),
    column("memory", Align::Right, 10),
    column("restarts", Align::Right, 8),
    column("age", Align::Right, 8),
];

const fn column(id: &'static str, align: Align, most: u16) -> Column {
    let column = Column::left(id, id, 6..=most, 0);
    Column { align, ..column }
}

/// Rows that are made up from their number.
struct Many;

impl Listing for Many {
    fn id(&self) -> &'static str {
        "many"
    }
    fn title(&self) -> &'static str {
        "Many"
    }
    fn doc(&self) -> &'static str {
        "Made for a measurement."
    }
    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn rows(&self, _: &Context) -> Vec<Row> {
        (0..ROWS)
            .map(|at| Row::new(RowKey::Feed(at)).problem(is_bad(at)))
            .collect()
    }

    fn cell(&self, _: &Context, row: &Row, column: &'static str) -> Cell {
        let at = number(row);
        match column {
            "state" if is_bad(at) => Cell::mark("critical", Role::Critical),
            "state" => Cell::mark("ok", Role::StateOk),
            _ => Cell::plain(words(at, column)),
        }
    }

    fn sort_value(&self, cx: &Context, row: &Row, column: &'static str) -> SortValue {
        match column {
            "cpu" => SortValue::Number(f64::from(
                u32::try_from(number(row) * 31 % 997).unwrap_or(0),
            )),
            _ => SortValue::Text(self.cell(cx, row, column).words()),
        }
    }
}

fn number(row: &Row) -> usize {
    match row.key {
        RowKey::Feed(at) => at,
        _ => 0,
    }
}

fn is_bad(at: usize) -> bool {
    at.is_multiple_of(97)
}

fn words(at: usize, column: &str) -> String {
    match column {
        "state" => "ok".into(),
        "name" => format!("service-{}-{:08x}-{at:05}", at % 60, at * 2_654_435_761),
        "node" => format!("worker-{:02}", at % 97),
        "cpu" => format!("{}m", at * 31 % 997),
        "memory" => format!("{} MiB", at * 7 % 4096),
        "restarts" => (at % 5).to_string(),
        _ => format!("{}h", at % 700),
    }
}

fn main() {
    let Ok(theme) = Themes::default().load("dark", Depth::True) else {
        println!("the embedded theme does not load");
        return;
    };
    let skin = Skin {
        theme: &theme,
        glyphs: &glyph::UNICODE,
    };
    let mut figures = Figures::default();
    tables(&mut figures, skin);
    screens(&mut figures, skin);
    figures.table();
}

fn tables(figures: &mut Figures, skin: Skin) {
    let model = Model::new(Now::fixed(), Thresholds::default());
    let (ledger, unfolded) = (Ledger::default(), BTreeSet::new());
    let cx = Context {
        snap: model.snapshot(Now::fixed()),
        ledger: &ledger,
        unfolded: &unfolded,
        bindings: &[],
        asked_from: "",
        scope: &midwatch::listing::Scope::default(),
        trail: &midwatch::actions::trail::NOTHING,
    };
    let mut view = View::default();
    let natural = median_ms(9, |_| drop(black_box(Order::compute(&Many, &cx, &view))));
    figures.note("order 50,000 rows", natural, "ms", Goal::None);
    view.sort = Some(("cpu", Direction::Down));
    let sorted = median_ms(9, |_| drop(black_box(Order::compute(&Many, &cx, &view))));
    figures.note(
        "order 50,000 rows, sorted by a number",
        sorted,
        "ms",
        Goal::None,
    );
    view.filter = "service-7".into();
    let filtered = median_ms(5, |_| drop(black_box(Order::compute(&Many, &cx, &view))));
    figures.note(
        "order 50,000 rows, sorted and filtered",
        filtered,
        "ms",
        Goal::None,
    );
    view.filter.clear();
    let order = Order::compute(&Many, &cx, &view);
    let mut buffer = Buffer::empty(SCREEN);
    let mut frame = |view: &View| {
        let buffer = &mut buffer;
        let mut painter = Painter { buffer, skin };
        black_box(table::draw(&mut painter, SCREEN, &Many, &cx, &order, view));
    };
    let still = median_ms(500, |_| frame(&view));
    figures.note(
        "table of 50,000 rows, nothing moved",
        still,
        "ms",
        Goal::AtMost(FRAME_MS),
    );
    let row = median_ms(500, |round| {
        view.index = 25_000 + round;
        view.offset = view.index;
        frame(&view);
    });
    figures.note(
        "table of 50,000 rows, one row a frame",
        row,
        "ms",
        Goal::AtMost(FRAME_MS),
    );
    let page = median_ms(500, |round| {
        view.index = round * 59;
        view.offset = view.index;
        frame(&view);
    });
    figures.note(
        "table of 50,000 rows, a page a frame",
        page,
        "ms",
        Goal::AtMost(FRAME_MS),
    );
    let (kept, made) = (naive_kept(), naive_made());
    figures.note("ratatui's Table of all rows, kept", kept, "ms", Goal::None);
    figures.note(
        "ratatui's Table of all rows, made for the frame",
        made,
        "ms",
        Goal::None,
    );
    figures.note("ratatui's Table, kept / ours", kept / row, "x", Goal::None);
    figures.note("ratatui's Table, made / ours", made / row, "x", Goal::None);
}

/// The widget that ratatui has, given every row, as its examples do.
fn naive() -> Table<'static> {
    let ids = COLUMNS.iter().map(|column| column.id);
    let row = |at| {
        let cells: Vec<String> = ids.clone().map(|id| words(at, id)).collect();
        ratatui::widgets::Row::new(cells)
    };
    let widths = COLUMNS.iter().map(|column| Constraint::Length(column.most));
    Table::new((0..ROWS).map(row), widths)
}

/// Drawn from rows that were made before.
fn naive_kept() -> f64 {
    let (table, mut buffer) = (naive(), Buffer::empty(SCREEN));
    let mut state = TableState::default();
    median_ms(50, |round| {
        state.select(Some(25_000 + round));
        StatefulWidget::render(&table, SCREEN, &mut buffer, &mut state);
        black_box(&buffer);
    })
}

/// Rows made for each frame, as it must be where the values move.
fn naive_made() -> f64 {
    let mut buffer = Buffer::empty(SCREEN);
    let mut state = TableState::default();
    median_ms(5, |round| {
        state.select(Some(25_000 + round));
        StatefulWidget::render(&naive(), SCREEN, &mut buffer, &mut state);
        black_box(&buffer);
    })
}

/// Every pane over hosts that were polled three times, and what one more observation costs.
fn screens(figures: &mut Figures, skin: Skin) {
    for count in [100, 1000] {
        let (fleet, mut app, now) = polled(count);
        let mut buffer = Buffer::empty(SCREEN);
        for pane in 1..=u8::try_from(panes::PANES.len()).unwrap_or(0) {
            app.update(Event::Intent(Intent::GoToPane(pane)));
            let drawn = median_ms(50, |_| {
                buffer.reset();
                black_box(screen::draw(&app, skin, &mut buffer));
            });
            let name = format!("screen of {count} hosts, {}", app.listing().title());
            figures.note(name, drawn, "ms", Goal::AtMost(FRAME_MS));
        }
        // Triage and Hosts.
        for pane in [1, 7] {
            app.update(Event::Intent(Intent::GoToPane(pane)));
            app.refresh();
            observe(figures, &mut app, &fleet, now);
        }
    }
}

fn polled(count: usize) -> (Fleet, App, Now) {
    let mut now = Now::fixed();
    let mut fleet = Fleet::new(count, now);
    for poll in 0..3 {
        now = now.plus(PERIOD);
        for at in 0..count {
            let observation = fleet.observation(at, poll, now);
            fleet.model.absorb(observation);
        }
    }
    let empty = Model::new(now, Thresholds::default());
    let model = std::mem::replace(&mut fleet.model, empty);
    let mut app = App::new(model, panes::listings(), 0, now);
    app.size = (SCREEN.width, SCREEN.height);
    (fleet, app, now)
}

fn observe(figures: &mut Figures, app: &mut App, fleet: &Fleet, now: Now) {
    const ROUNDS: usize = 50;
    let (count, title) = (fleet.len(), app.listing().title());
    let mut events: Vec<Event> = (0..ROUNDS * 2)
        .map(|round| Event::Observed {
            observation: Box::new(fleet.observation(round % count, 4, now)),
            next_poll: now.stamp,
            dropped: 0,
        })
        .collect();
    let mut refreshed = Vec::with_capacity(ROUNDS);
    let absorbed = median_ms(ROUNDS, |_| {
        if let Some(event) = events.pop() {
            app.update(event);
        }
    });
    for event in events {
        app.update(event);
        refreshed.push(median_ms(1, |_| app.refresh()));
    }
    let name = format!("one observation among {count} hosts");
    figures.note(name, absorbed, "ms", Goal::None);
    let name = format!("rules and rows after it, {count} hosts, {title}");
    figures.note(name, quantile(refreshed, 0.5), "ms", Goal::None);
}
