//! The page of any kind: the server's own table, with cluster, namespace and an age that goes on.

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::asks::kind::{KindColumn, KindPage};
use crate::ask::ColumnKind;
use crate::event::Drawn;
use crate::listing::{Align, Column, Holds};
use crate::paint::{Line, Painter};
use crate::role::Role;
use crate::text::SafeText;
use crate::units;
use crate::widgets::table::{self, Placed};

use super::parts;

pub fn draw(app: &App, painter: &mut Painter, area: Rect) -> Drawn {
    let Some(page) = app.opened().kind() else {
        return Drawn::default();
    };
    painter.rule(Rect { height: 1, ..area }, &heading(app, page));
    let mut y = area.y + 1;
    for line in troubles(app, page) {
        for line in line.wrap(usize::from(area.width.saturating_sub(3)), 2) {
            painter.line(area.x + 1, y, area.width.saturating_sub(2), &line);
            y += 1;
        }
    }
    let area = Rect {
        y,
        height: area.bottom().saturating_sub(y),
        ..area
    };
    if page.shown().is_empty() {
        painter.line(
            area.x + 2,
            y + 1,
            area.width.saturating_sub(4),
            &empty(app, page),
        );
    }
    let laid = Laid::new(page, area);
    laid.titles(painter, page);
    let fits = usize::from(area.height.saturating_sub(1));
    let rows = page.shown();
    let offset = table::window(page.view.offset, page.view.index, fits, rows.len());
    for (y, (index, entry)) in (area.y + 1..area.bottom()).zip(rows.iter().enumerate().skip(offset))
    {
        for (column, place) in laid.columns() {
            let text = column.text(entry, page.tables(), app.now.wall);
            let (text, role) = match text.as_str() {
                "" | "<none>" | "<unset>" => (SafeText::new("-"), Role::Dim),
                _ => (SafeText::new(&text), Role::Text),
            };
            laid.cell(painter, y, place, &text, role);
        }
        if index == page.view.index {
            painter.select(Rect {
                y,
                height: 1,
                ..area
            });
            painter.glyph(area.x, y, painter.skin.glyphs.cursor, Role::Accent);
        }
    }
    Drawn {
        rows: fits,
        offset,
        cursor: page.selected_key(),
        ..Drawn::default()
    }
}

/// The columns of a page and where they stand on the screen.
struct Laid<'a> {
    area: Rect,
    all: Vec<&'a KindColumn>,
    frame: Vec<Column>,
    places: Vec<Placed>,
}

impl<'a> Laid<'a> {
    fn new(page: &'a KindPage, area: Rect) -> Self {
        let (all, widths): (Vec<&KindColumn>, Vec<u16>) = page.columns().unzip();
        let frame: Vec<Column> = all.iter().map(|column| placed(column)).collect();
        let places = table::place(&frame, &widths, table::room(area.width), page.view.pan);
        Self {
            area,
            all,
            frame,
            places,
        }
    }

    /// Those that have a place, from left to right.
    fn columns(&self) -> impl Iterator<Item = (&'a KindColumn, &Placed)> {
        self.places
            .iter()
            .map(|place| (self.all[place.index], place))
    }

    fn titles(&self, painter: &mut Painter, page: &KindPage) {
        for (column, place) in self.columns() {
            let sorted = page.view.sort.as_ref();
            let sorted = sorted.filter(|(title, _)| *title == column.title);
            let direction = sorted.map(|(_, direction)| *direction);
            let x = self.area.x + table::GUTTER + place.x;
            let at = (x, self.area.y, place.width);
            let align = self.frame[place.index].align;
            table::heading(painter, at, align, &column.title, direction);
        }
    }

    fn cell(&self, painter: &mut Painter, y: u16, place: &Placed, text: &SafeText, role: Role) {
        let x = self.area.x + table::GUTTER + place.x;
        let align = self.frame[place.index].align;
        table::aligned(painter, x, y, place.width, align, text, role);
    }
}

fn heading(app: &App, page: &KindPage) -> Line {
    let mut line = Line::new().with(page.kind.full(), Role::Title);
    let (shown, total) = (page.shown().len(), page.total());
    line = if shown == total {
        line.dim(format!("  {}", units::counted(total, "row")))
    } else {
        line.with(format!("  {shown} of {total} rows"), Role::Accent)
    };
    let one = page.tables().len() == 1;
    if let (true, Some(table)) = (one, page.tables().first()) {
        line = line.dim(format!("  {}", table.cluster));
    }
    if !page.namespace.is_empty() {
        line = line.dim(format!("  namespace {}", page.namespace));
    }
    if !page.is_synced() {
        line = line.with("  listing", Role::StateAging);
    }
    // Of several clusters the one that was silent longest.
    let heard = page.tables().iter().filter_map(|table| table.heard);
    if let Some(at) = heard.min_by_key(|at| at.stamp) {
        let age = app.now.stamp.since(at.stamp);
        if age.as_secs() >= 15 {
            line = line.with(format!("  heard {} ago", units::age(age)), Role::StateStale);
        }
    }
    if let Some((title, direction)) = &page.view.sort {
        let way = page.way(*direction);
        line = line.with(format!("  sorted by {title} {way}"), Role::Accent);
    }
    if !page.view.filter.is_empty() {
        line = line.with(format!("  /{}", page.view.filter), Role::Accent);
    }
    line
}

/// One line for each cluster that does not answer.
fn troubles(app: &App, page: &KindPage) -> Vec<Line> {
    let lines = page.tables().iter().filter_map(|table| {
        let (outage, again) = table.failed.as_ref()?;
        let when = match again {
            Some(at) => format!("  asked again in {}", units::age(at.since(app.now.stamp))),
            None => "  ctrl-r asks again".to_owned(),
        };
        let mut line = Line::new().dim(format!("{}: ", table.cluster));
        line.0.extend(parts::outage(outage).dim(when).0);
        Some(line)
    });
    lines.collect()
}

fn empty(app: &App, page: &KindPage) -> Line {
    let failed = page.tables().iter().all(|table| table.failed.is_some());
    if let Some(why) = app.filter_trouble() {
        Line::new().with(format!("{why}; 0 shows all"), Role::Warning)
    } else if page.total() > 0 {
        Line::new().dim(parts::unmatched(&page.view.filter, "0 shows all"))
    } else if failed {
        Line::new().with("not known", Role::Unknown)
    } else if page.is_synced() {
        let place = match &*page.namespace {
            "" => String::new(),
            namespace => format!(" in {namespace}; :ns all looks at all of them"),
        };
        Line::new().dim(format!("there are no {}{place}", page.kind.plural))
    } else {
        Line::new().dim("asked")
    }
}

/// The name and what decides stay, a wide table's extras go first.
fn placed(column: &KindColumn) -> Column {
    let rank = match () {
        () if column.is_name() => 0,
        () if column.wide => 5,
        () if column.is_age() => 1,
        () => 2,
    };
    let align = match column.kind {
        ColumnKind::Number => Align::Right,
        ColumnKind::Text | ColumnKind::Boolean => Align::Left,
    };
    Column {
        id: "",
        title: "",
        align,
        holds: if column.is_name() {
            Holds::Names
        } else {
            Holds::Words
        },
        least: 4,
        most: 80,
        rank,
    }
}
