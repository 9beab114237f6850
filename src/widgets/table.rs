//! The table: columns that fit, rows that are on the screen, nothing else is asked for.

use ratatui::layout::Rect;

use super::{bar, spark};
use crate::listing::{Align, Cell, Column, Context, Direction, Holds, Listing, Order, Row, View};
use crate::paint::Painter;
use crate::role::Role;
use crate::text::{self, SafeText};

/// Columns of the cursor mark and the indentation of children.
pub(crate) const GUTTER: u16 = 2;

/// Columns left free at the right edge.
const MARGIN: u16 = 1;

/// A column that may grow to this many columns holds sentences.
const PROSE: u16 = 100;

/// A column of rank 0 gets this many columns, if it wants them, before any other is kept.
const ESSENTIAL: u16 = 20;

/// A column with its place on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub index: usize,
    pub x: u16,
    pub width: u16,
}

/// Draws header and visible rows; answers the first visible row and how many fit.
pub fn draw(
    painter: &mut Painter,
    area: Rect,
    listing: &dyn Listing,
    cx: &Context,
    order: &Order,
    view: &View,
) -> (usize, usize) {
    let columns = listing.columns();
    let placed = place(columns, &order.widths, room(area.width), view.pan);
    header(painter, area, columns, &placed, view);
    let fits = usize::from(area.height.saturating_sub(1));
    let offset = window(view.offset, view.index, fits, order.len());
    for (line, row) in (area.y + 1..area.bottom()).zip(order.rows(offset)) {
        let index = offset + usize::from(line - area.y - 1);
        let selected = index == view.index;
        let strip = Rect {
            y: line,
            height: 1,
            ..area
        };
        draw_row(painter, strip, listing, cx, &row, columns, &placed);
        if selected {
            painter.select(strip);
            painter.glyph(area.x, line, painter.skin.glyphs.cursor, Role::Accent);
        }
    }
    (offset, fits)
}

/// Columns that all columns of a table share, gaps included.
pub(crate) fn room(width: u16) -> u16 {
    width.saturating_sub(GUTTER + MARGIN)
}

/// The first row to show so that the cursor is on the screen and the window is full.
pub(crate) fn window(offset: usize, cursor: usize, fits: usize, rows: usize) -> usize {
    let fits = fits.max(1);
    let highest = rows.saturating_sub(fits);
    offset
        .min(cursor)
        .max((cursor + 1).saturating_sub(fits))
        .min(highest)
}

fn header(painter: &mut Painter, area: Rect, columns: &[Column], placed: &[Placed], view: &View) {
    for place in placed {
        let column = &columns[place.index];
        let sorted = view.sort.filter(|(id, _)| *id == column.id);
        let direction = sorted.map(|(_, direction)| direction);
        let at = (area.x + GUTTER + place.x, area.y, place.width);
        heading(painter, at, column.align, column.title, direction);
    }
}

/// The title of a column; of the one that is sorted by with its arrow. The arrow takes one of the
/// gap's columns, and of a title that is longer still its end goes: the arrow is not cut.
pub(crate) fn heading(
    painter: &mut Painter,
    (x, y, width): (u16, u16, u16),
    align: Align,
    title: &str,
    direction: Option<Direction>,
) {
    let glyphs = painter.skin.glyphs;
    let mark = match direction {
        None => {
            let title = SafeText::new(title);
            return aligned(painter, x, y, width, align, &title, Role::TableHeader);
        }
        Some(Direction::Up) => glyphs.sorted_up,
        Some(Direction::Down) => glyphs.sorted_down,
    };
    let fits = text::width(title) <= usize::from(width);
    let title = if fits {
        format!("{title}{mark}")
    } else {
        let cut = text::clip(title, usize::from(width).saturating_sub(1));
        format!("{cut}{}{mark}", glyphs.ellipsis)
    };
    let title = SafeText::new(&title);
    let needed = u16::try_from(title.width()).unwrap_or(width).max(width);
    // To the left of the first column there is the gutter, to the right of the last one the margin.
    let x = match align {
        Align::Left => x,
        Align::Right => x - (needed - width).min(x),
    };
    aligned(painter, x, y, needed, align, &title, Role::Accent);
}

fn draw_row(
    painter: &mut Painter,
    strip: Rect,
    listing: &dyn Listing,
    cx: &Context,
    row: &Row,
    columns: &[Column],
    placed: &[Placed],
) {
    let cells: Vec<Cell> = placed
        .iter()
        .map(|place| listing.cell(cx, row, columns[place.index].id))
        .collect();
    for (nth, (place, cell)) in placed.iter().zip(&cells).enumerate() {
        let column = &columns[place.index];
        let mut x = strip.x + GUTTER + place.x;
        let mut width = reach(placed, &cells, nth, strip.width - GUTTER - MARGIN);
        if nth == 0 && row.depth > 0 {
            let indent = (u16::from(row.depth) * 2).min(width);
            x += indent;
            width -= indent;
        }
        draw_cell(painter, (x, strip.y), width, column, cell);
    }
}

/// Columns that a cell may use: its own, and for text on the left also those of the empty cells
/// behind it.
fn reach(placed: &[Placed], cells: &[Cell], nth: usize, room: u16) -> u16 {
    let own = placed[nth];
    if !matches!(cells[nth], Cell::Text(..) | Cell::Runs(_) | Cell::Mark(..))
        || cells[nth].width() <= own.width.into()
    {
        return own.width;
    }
    let next = (nth + 1..cells.len()).find(|at| cells[*at].width() > 0);
    match next {
        Some(at) if at == nth + 1 => own.width,
        Some(at) => placed[at].x.saturating_sub(own.x + 2),
        None => room.saturating_sub(own.x),
    }
}

fn draw_cell(painter: &mut Painter, (x, y): (u16, u16), width: u16, column: &Column, cell: &Cell) {
    let ellipsis = painter.skin.glyphs.ellipsis;
    match cell {
        Cell::Text(text, role) => {
            let text = cut(text, width, column.holds, ellipsis);
            aligned(painter, x, y, width, column.align, &text, *role);
        }
        Cell::Name(text, role) => {
            let text = text::without_middle(text, width.into(), ellipsis);
            painter.text(x, y, width, &text, *role);
        }
        Cell::Mark(text, role) => {
            painter.glyph(x, y, painter.mark(*role), *role);
            let width = width.saturating_sub(2);
            let text = cut(text, width, column.holds, ellipsis);
            painter.text(x + 2, y, width, &text, *role);
        }
        Cell::Runs(runs) => {
            let mut used = 0;
            for (text, role) in runs {
                used += painter.text(x + used, y, width - used.min(width), text, *role);
            }
        }
        Cell::Spark { samples, top, role } => {
            spark::draw(painter, x, y, width, samples, *top, *role);
        }
        Cell::Bar { share, role } => bar::share(painter, x, y, width, *share, *role),
        Cell::Offset {
            lo,
            hi,
            limit,
            role,
        } => {
            bar::interval(painter, x, y, width, (*lo, *hi, *limit), *role);
        }
    }
}

/// The text as it fits its column: cut where the reader loses least.
fn cut(text: &SafeText, width: u16, holds: Holds, ellipsis: char) -> SafeText {
    match holds {
        Holds::Names => text::without_middle(text, width.into(), ellipsis),
        Holds::Paths => text::without_beginning(text, width.into(), ellipsis),
        Holds::Words | Holds::Numbers | Holds::Ages => text.clone(),
    }
}

pub(crate) fn aligned(
    painter: &mut Painter,
    x: u16,
    y: u16,
    width: u16,
    align: Align,
    text: &SafeText,
    role: Role,
) {
    let wide = u16::try_from(text.width()).unwrap_or(u16::MAX);
    let pad = if align == Align::Right {
        width.saturating_sub(wide)
    } else {
        0
    };
    painter.text(x + pad, y, width - pad, text, role);
}

/// Columns that fit into `room`, in their order: the highest ranks go first while it is too narrow;
/// what is left over goes to the column that can grow most.
pub(crate) fn place(columns: &[Column], widths: &[u16], room: u16, pan: usize) -> Vec<Placed> {
    const GAP: u16 = 2;
    // A column without use has no width.
    let used = (0..columns.len()).filter(|at| widths.get(*at) != Some(&0));
    let mut kept: Vec<usize> = used
        .enumerate()
        .filter(|(nth, _)| *nth == 0 || *nth > pan)
        .map(|(_, at)| at)
        .collect();
    let wanted = |index: usize| widths.get(index).copied().unwrap_or(columns[index].least);
    let shrunk = |index: usize| {
        let column = &columns[index];
        let essential = column.rank == 0 && column.most < PROSE;
        let least = if essential {
            column.least.max(ESSENTIAL)
        } else {
            column.least.max(1)
        };
        wanted(index).min(least)
    };
    let total = |kept: &[usize], of: &dyn Fn(usize) -> u16| -> u16 {
        kept.iter()
            .fold(0_u16, |sum, index| {
                sum.saturating_add(of(*index)).saturating_add(GAP)
            })
            .saturating_sub(GAP)
    };
    // Drop by rank until the columns fit at their least width.
    while total(&kept, &shrunk) > room && kept.len() > 1 {
        let Some(at) = (0..kept.len()).max_by_key(|at| (columns[kept[*at]].rank, *at)) else {
            break;
        };
        kept.remove(at);
    }
    // Give each what it wants as far as there is room, the important ones first.
    let mut given: Vec<u16> = kept.iter().map(|index| shrunk(*index)).collect();
    let mut left = room.saturating_sub(total(&kept, &shrunk));
    let mut by_rank: Vec<usize> = (0..kept.len()).collect();
    // Prose takes what the others leave: it is cut anywhere, a number is not.
    by_rank.sort_by_key(|at| (columns[kept[*at]].most >= PROSE, columns[kept[*at]].rank));
    for at in by_rank {
        let more = wanted(kept[at]).saturating_sub(given[at]).min(left);
        given[at] += more;
        left -= more;
    }
    if let Some(at) = (0..kept.len()).max_by_key(|at| columns[kept[*at]].most) {
        given[at] = given[at].saturating_add(left).min(columns[kept[at]].most);
    }
    let mut x = 0;
    kept.iter()
        .zip(given)
        .map(|(index, width)| {
            let placed = Placed {
                index: *index,
                x,
                width: width.min(room.saturating_sub(x)),
            };
            x += width + GAP;
            placed
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glyph::UNICODE;
    use crate::paint::Skin;
    use crate::theme::{Depth, Themes};
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;

    fn column(id: &'static str, least: u16, most: u16, rank: u8) -> Column {
        Column::left(id, id, least..=most, rank)
    }

    #[test]
    fn narrow_screens_drop_the_highest_rank_first() {
        let columns = [
            column("state", 5, 5, 0),
            column("spark", 20, 20, 9),
            column("name", 10, 60, 1),
        ];
        let ids = |room| {
            place(&columns, &[5, 20, 30], room, 0)
                .iter()
                .map(|p| columns[p.index].id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(60), ["state", "spark", "name"]);
        assert_eq!(ids(30), ["state", "name"]);
        assert_eq!(ids(8), ["state"]);
    }

    /// What a cell shows in so many columns.
    fn shown(column: &Column, width: u16, cell: &Cell) -> String {
        let theme = Themes::default().load("dark", Depth::None).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        let skin = Skin {
            theme: &theme,
            glyphs: &UNICODE,
        };
        let mut painter = Painter {
            buffer: &mut buffer,
            skin,
        };
        draw_cell(&mut painter, (0, 0), width, column, cell);
        (0..width).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    /// Cut from the right, all of these would look the same.
    #[test]
    fn rows_whose_names_begin_alike_stay_apart() {
        let services = [
            "service/prod/default/svc-0001",
            "service/prod/default/svc-0002",
        ];
        let names = ["checkout-7d9f8b6c5d-2xkqp", "checkout-7d9f8b6c5d-9zwmv"];
        let paths = Column::paths("where", "WHERE", 12..=34, 0);
        let owners = Column::names("owner", "OWNER", 12..=34, 0);
        for (column, texts, expected) in [
            (paths, services, ["…lt/svc-0001", "…lt/svc-0002"]),
            (owners, names, ["checko…2xkqp", "checko…9zwmv"]),
        ] {
            let cells = texts.map(|text| shown(&column, 12, &Cell::plain(text)));
            assert_eq!(cells, expected);
        }
        let words = Column::left("why", "WHY", 12..=34, 0);
        assert_eq!(
            shown(&words, 8, &Cell::plain("does not answer")),
            "does no…"
        );
        let marked = Cell::mark(names[0], Role::Text);
        assert_eq!(shown(&owners, 12, &marked), "  chec…2xkqp");
    }

    #[test]
    fn the_arrow_of_a_heading_is_not_cut() {
        let theme = Themes::default().load("dark", Depth::None).unwrap();
        let skin = Skin {
            theme: &theme,
            glyphs: &UNICODE,
        };
        for (width, align, expected) in [
            (4, Align::Left, "  NAME↑"),
            (6, Align::Left, "  NAME↑"),
            (3, Align::Left, "  NA…↑"),
            (4, Align::Right, " NAME↑"),
            (6, Align::Right, "   NAME↑"),
        ] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 1));
            let mut painter = Painter {
                buffer: &mut buffer,
                skin,
            };
            let up = Some(Direction::Up);
            heading(&mut painter, (2, 0, width), align, "NAME", up);
            let shown: String = (0..10).map(|x| buffer[(x, 0)].symbol()).collect();
            assert_eq!(shown.trim_end(), expected, "{width} {align:?}");
        }
    }

    #[test]
    fn the_window_follows_the_cursor() {
        assert_eq!(window(0, 0, 10, 100), 0);
        assert_eq!(window(0, 10, 10, 100), 1);
        assert_eq!(window(50, 20, 10, 100), 20);
        assert_eq!(window(95, 99, 10, 100), 90);
        assert_eq!(window(3, 0, 10, 4), 0);
    }

    proptest! {
        #[test]
        fn no_column_leaves_its_room(room in 0_u16..300, wants in prop::collection::vec(0_u16..80, 4)) {
            let columns =
                [column("a", 4, 10, 0), column("b", 8, 80, 1), column("c", 3, 12, 5), column("d", 10, 40, 3)];
            let placed = place(&columns, &wants, room, 0);
            for pair in placed.windows(2) {
                prop_assert!(pair[0].x + pair[0].width <= pair[1].x);
            }
            if let Some(last) = placed.last() {
                prop_assert!(last.x + last.width <= room.max(last.x));
            }
        }
    }
}
