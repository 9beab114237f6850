//! The middle of the screen: a pane's table with its lines above and below, or a page.

use ratatui::layout::Rect;

use crate::app::{App, Page};
use crate::event::Drawn;
use crate::listing::way;
use crate::paint::{Line, Painter};
use crate::panes::{Block, Extra, PANES, detail, kind, logs, manifest, parts, plan};
use crate::role::Role;
use crate::units;
use crate::widgets::{chart, table};

/// Rows the body must have before lines stand above the table.
const ROOM_FOR_HEAD: u16 = 14;
/// Rows from which a preview always has its third, however long the table.
const TALL: u16 = 26;
/// Columns of screen from which two columns of lines are read at ease.
const ROOM_FOR_COLUMNS: u16 = 150;
/// A preview of fewer lines would say nothing.
const LEAST_PREVIEW: u16 = 5;

pub fn draw(app: &App, painter: &mut Painter, area: Rect) -> Drawn {
    match app.page() {
        Some(Page::Detail(key)) => {
            let blocks = detail::page(&app.context(), key, PANES[app.pane()].preview);
            page(app, painter, area, &blocks)
        }
        Some(Page::Messages) => page(app, painter, area, &messages(app)),
        Some(Page::Manifest) => manifest::draw(app, painter, area),
        Some(Page::Logs) => logs::draw(app, painter, area),
        Some(Page::Kind) => kind::draw(app, painter, area),
        Some(Page::Plan) => page(app, painter, area, &plan::page(app)),
        Some(Page::Arm) => page(app, painter, area, &plan::arm_page(app)),
        None => pane(app, painter, area),
    }
}

fn pane(app: &App, painter: &mut Painter, area: Rect) -> Drawn {
    let pane = PANES[app.pane()];
    let cx = app.context();
    let (order, view) = (app.order(), app.view());
    painter.rule(Rect { height: 1, ..area }, &status(app));
    let mut y = area.y + 1;
    if !pane.listing.configured(&cx) {
        nothing_configured(
            painter,
            Rect {
                y,
                height: area.bottom() - y,
                ..area
            },
            match (pane.listing.objects(), &app.unwatched) {
                (Some(_), Some(why)) => why,
                _ => pane.listing.how_to(),
            },
        );
        return Drawn::default();
    }
    // An empty table must say why it is empty.
    if (area.height >= ROOM_FOR_HEAD && !view.wide) || order.total == 0 {
        let extra = Extra {
            own: app.own,
            part: view.within.is_some() || view.kind.is_some(),
            seen_until: app.seen_until(),
        };
        for line in (pane.head)(&cx, &extra) {
            painter.line(area.x + 2, y, area.width - 2, &line);
            y += 1;
        }
    }
    let selected = app.selected();
    let left = area.bottom() - y;
    let rows = u16::try_from(order.len()).unwrap_or(u16::MAX);
    // Header and a blank line; what the rows leave is the preview's.
    let spare = left.saturating_sub(rows.saturating_add(2));
    let room = if area.height >= TALL {
        spare.max(left / 3)
    } else {
        spare
    };
    let blocks = match &selected {
        Some(key) if room >= LEAST_PREVIEW && !view.wide => (pane.preview)(&cx, key),
        _ => Vec::new(),
    };
    let below = if blocks.is_empty() { 0 } else { room };
    let table_area = Rect {
        y,
        height: left - below,
        ..area
    };
    if order.is_empty() {
        painter.line(area.x + 2, y + 1, area.width - 2, &empty(app));
    }
    let (offset, fits) = table::draw(painter, table_area, pane.listing, &cx, order, view);
    if below > 0 {
        draw_blocks(
            painter,
            Rect {
                y: area.bottom() - below,
                height: below,
                ..area
            },
            &blocks,
            0,
        );
    }
    Drawn {
        rows: fits,
        offset,
        cursor: selected,
        ..Drawn::default()
    }
}

/// Why there is no row: a filter, problems only, or nothing there.
fn empty(app: &App) -> Line {
    let view = app.view();
    let of_objects = app.listing().objects().is_some();
    if app.order().total == 0 && of_objects {
        let narrow = view.within.is_some() || view.kind.is_some() || !app.scope().is_everything();
        let way = match (view.within.is_some(), narrow) {
            (true, _) => "nothing here; Esc goes back",
            (_, true) => "nothing here; 0 shows all namespaces, :ctx all shows all clusters",
            _ => "",
        };
        Line::new().dim(way)
    } else if app.order().total == 0 {
        Line::new()
    } else if let Some(why) = app.filter_trouble() {
        Line::new().with(format!("{why}; Esc clears the filter"), Role::Warning)
    } else if !view.filter.is_empty() {
        Line::new().dim(parts::unmatched(&view.filter, "Esc clears the filter"))
    } else if view.problems_only {
        Line::new().dim("no row has a problem; ! shows all")
    } else {
        Line::new()
    }
}

fn nothing_configured(painter: &mut Painter, area: Rect, how_to: &str) {
    painter.line(
        area.x + 2,
        area.y + 1,
        area.width - 4,
        &Line::new().with("not configured", Role::StateNotConfigured),
    );
    painter.line(
        area.x + 2,
        area.y + 2,
        area.width - 4,
        &Line::new().dim(how_to.to_owned()),
    );
}

/// Title of the pane, rows shown, and whatever the reader chose: sort, filter, problems only.
fn status(app: &App) -> Line {
    let (listing, order, view) = (app.listing(), app.order(), app.view());
    let mut line = Line::new().with(listing.title(), Role::Title);
    let rows = order.len();
    line = if rows == order.total {
        line.dim(format!("  {}", units::counted(rows, "row")))
    } else {
        line.with(format!("  {rows} of {} rows", order.total), Role::Accent)
    };
    if listing.objects().is_some() {
        line = scope(app, line);
    }
    if let Some((id, direction)) = view.sort
        && let Some(column) = listing.columns().iter().find(|column| column.id == id)
    {
        let first = order.first_value(listing, &app.context(), id);
        let way = first.map_or("", |first| way(column, &first, direction));
        line = line.with(format!("  sorted by {} {way}", column.title), Role::Accent);
    }
    if !view.filter.is_empty() {
        line = line.with(format!("  /{}", view.filter), Role::Accent);
    }
    if let Some(why) = app.filter_trouble() {
        line = line.with(format!("  {why}"), Role::Warning);
    }
    if view.problems_only {
        line = line.with("  problems only", Role::Accent);
    }
    line
}

/// The part of all objects that is shown: clusters, namespaces, kind, and what was gone into.
fn scope(app: &App, line: Line) -> Line {
    let (scope, view) = (app.scope(), app.view());
    let objects = app.listing().objects();
    let namespaced = objects.is_some_and(|objects| objects.is_namespaced(view.kind));
    let mut line = match (&scope.cluster, &scope.namespace) {
        (Some(cluster), _) if !namespaced => line.with(format!("  {cluster}"), Role::Accent),
        (None, _) if !namespaced => line,
        (None, None) => line.dim("  all namespaces"),
        (Some(cluster), None) => line
            .with(format!("  {cluster}"), Role::Accent)
            .dim(", all namespaces"),
        (None, Some(namespace)) => line.with(format!("  {namespace}"), Role::Accent),
        (Some(cluster), Some(namespace)) => {
            line.with(format!("  {cluster}/{namespace}"), Role::Accent)
        }
    };
    if let Some(kind) = view.kind {
        line = line.with(format!("  {}", kind.plural()), Role::Accent);
    }
    if let Some(within) = &view.within {
        line = line.with(format!("  of {within}"), Role::Accent);
    }
    line
}

fn messages(app: &App) -> Vec<Block> {
    let mut blocks = vec![Block::Title(
        Line::new().with("messages of midwatch itself, newest first", Role::Title),
    )];
    blocks.extend(app.messages.iter().rev().map(|message| {
        let role = match message.level.as_str() {
            "ERROR" => Role::Critical,
            "WARN" => Role::Warning,
            _ => Role::Text,
        };
        Block::Line(
            Line::new()
                .dim(message.at.strftime("%H:%M:%SZ ").to_string())
                .with(format!("{:<6}", message.level), role)
                .text(message.text.clone()),
        )
    }));
    if blocks.len() == 1 {
        blocks.push(Block::Line(
            Line::new().dim("nothing was logged; --log-level debug says more"),
        ));
    }
    blocks
}

fn page(app: &App, painter: &mut Painter, area: Rect, blocks: &[Block]) -> Drawn {
    let inner = Rect {
        x: area.x + 1,
        width: area.width - 2,
        ..area
    };
    let height = draw_blocks(painter, inner, blocks, app.scroll());
    let over = height.saturating_sub(usize::from(area.height));
    Drawn {
        rows: usize::from(area.height),
        offset: app.scroll(),
        scroll_max: over,
        ..Drawn::default()
    }
}

/// Draws blocks from line `skip` on; answers how many lines there are in all.
fn draw_blocks(painter: &mut Painter, area: Rect, blocks: &[Block], skip: usize) -> usize {
    let mut at = 0;
    for block in flatten(blocks, area.width.saturating_sub(2)) {
        let tall = height(&block);
        let top = usize::from(area.y) + at;
        if at >= skip && at + tall <= skip + usize::from(area.height) {
            let y = u16::try_from(top - skip).unwrap_or(u16::MAX);
            draw_block(
                painter,
                Rect {
                    y,
                    height: u16::try_from(tall).unwrap_or(1),
                    ..area
                },
                &block,
            );
        }
        at += tall;
    }
    at
}

/// Long lines broken, pairs put below each other where they do not fit side by side.
fn flatten(blocks: &[Block], width: u16) -> Vec<Block> {
    let mut out = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Block::Line(line) if line.width() > usize::from(width) => {
                out.extend(
                    line.clone()
                        .wrap(usize::from(width), 12)
                        .into_iter()
                        .map(Block::Line),
                );
            }
            Block::Beside(left, right) if !fit_beside(left, right, width) => {
                out.extend([(**left).clone(), (**right).clone()]);
            }
            Block::Columns(left, right) if width < ROOM_FOR_COLUMNS => {
                out.extend(flatten(left, width));
                out.extend(flatten(right, width));
            }
            Block::Columns(left, right) => out.extend(columns(left, right, width)),
            other => out.push(other.clone()),
        }
    }
    out
}

/// Can both be read beside each other? Short lines can on any screen, a chart needs room.
fn fit_beside(left: &Block, right: &Block, width: u16) -> bool {
    let half = usize::from(width / 2);
    let short = |block: &Block| matches!(block, Block::Line(line) if line.width() < half);
    width >= 90 || (short(left) && short(right))
}

/// Line by line beside each other; the shorter column ends in blanks.
fn columns(left: &[Block], right: &[Block], width: u16) -> Vec<Block> {
    let half = (width / 2).saturating_sub(2);
    let mut left = flatten(left, half).into_iter();
    let mut right = flatten(right, half).into_iter();
    let blank = || Block::Line(Line::new());
    let mut out = Vec::new();
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            return out;
        }
        let (a, b) = (a.unwrap_or_else(blank), b.unwrap_or_else(blank));
        out.push(Block::Beside(Box::new(a), Box::new(b)));
    }
}

fn height(block: &Block) -> usize {
    match block {
        Block::Line(_) | Block::Title(_) => 1,
        Block::Chart { height, .. } => usize::from(*height),
        Block::Beside(left, right) => height(left).max(height(right)),
        Block::Columns(left, right) => {
            let tall = |blocks: &[Block]| blocks.iter().map(height).sum::<usize>();
            tall(left).max(tall(right))
        }
    }
}

fn draw_block(painter: &mut Painter, area: Rect, block: &Block) {
    match block {
        Block::Line(line) => {
            painter.line(area.x + 1, area.y, area.width.saturating_sub(1), line);
        }
        Block::Title(line) => painter.rule(area, line),
        Block::Chart {
            title,
            samples,
            top,
            print,
            ..
        } => {
            let chart = chart::Chart {
                title: title.clone(),
                samples,
                top: *top,
                print: *print,
            };
            chart::draw(
                painter,
                Rect {
                    x: area.x + 1,
                    width: area.width.saturating_sub(2),
                    ..area
                },
                &chart,
            );
        }
        Block::Beside(left, right) => {
            let half = area.width / 2;
            draw_block(
                painter,
                Rect {
                    width: half,
                    ..area
                },
                left,
            );
            draw_block(
                painter,
                Rect {
                    x: area.x + half,
                    width: area.width - half,
                    ..area
                },
                right,
            );
        }
        // Flattened before anything is drawn.
        Block::Columns(..) => {}
    }
}
