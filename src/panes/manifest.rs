//! The page of one object as YAML. Draws the lines that are on the screen and no other.

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::asks::manifest::ManifestPage;
use crate::app::asks::scroll::{Fold, View};
use crate::event::Drawn;
use crate::paint::{Line, Painter};
use crate::role::Role;
use crate::text::{self, SafeText};
use crate::units;
use crate::yaml::{self, ManagedFields, Part, Secrets};

use super::parts;

pub fn draw(app: &App, painter: &mut Painter, area: Rect) -> Drawn {
    let Some(page) = app.opened().manifest() else {
        return Drawn::default();
    };
    painter.rule(Rect { height: 1, ..area }, &heading(app, page));
    let mut top = area.y + 1;
    if let Some((outage, at)) = &page.failed {
        let age = units::age(app.now.stamp.since(at.stamp));
        let line = parts::outage(outage).dim(format!("  {age} ago, ctrl-r asks again"));
        for line in line.wrap(usize::from(area.width.saturating_sub(3)), 2) {
            painter.line(area.x + 1, top, area.width.saturating_sub(2), &line);
            top += 1;
        }
    }
    let view = View {
        columns: usize::from(area.width.saturating_sub(2)),
        height: usize::from(area.bottom().saturating_sub(top)),
    };
    let place = page.scroll.shown(page, view);
    let lines = &page.document().lines;
    let mut y = top;
    let mut row = place.row;
    for (at, line) in lines.iter().enumerate().skip(place.line) {
        let rows = match page.scroll.fold {
            Fold::Cut => 1,
            Fold::Wrap => line.width().div_ceil(view.columns.max(1)).max(1),
        };
        while row < rows && y < area.bottom() {
            let from = match page.scroll.fold {
                Fold::Cut => page.scroll.pan,
                Fold::Wrap => row * view.columns,
            };
            draw_row(page, painter, (area.x + 1, y), line, from, view.columns);
            if page.hit == Some(at) {
                painter.glyph(area.x, y, painter.skin.glyphs.cursor, Role::Accent);
            }
            y += 1;
            row += 1;
        }
        row = 0;
        if y >= area.bottom() {
            break;
        }
    }
    Drawn {
        rows: view.height,
        columns: view.columns,
        ..Drawn::default()
    }
}

/// What it is, of when, and what is left out.
fn heading(app: &App, page: &ManifestPage) -> Line {
    let object = &page.object;
    let mut line = Line::new()
        .with("YAML  ", Role::Title)
        .text(object.title())
        .dim(format!("  {}  ", object.cluster));
    let now = app.now.stamp;
    line = match (page.copied(), page.is_waiting()) {
        (Some(at), waiting) => {
            let again = if waiting { ", asking again" } else { "" };
            let age = units::age(now.since(at.stamp));
            line.dim(format!("as of {age} ago{again}"))
        }
        (None, true) => {
            let age = units::age(now.since(page.since.stamp));
            line.dim(format!("asked {age} ago"))
        }
        (None, false) => line.with("no answer", Role::Unknown),
    };
    let (document, shown) = (page.document(), page.shown());
    if document.secrets > 0 {
        line = match shown.secrets {
            Secrets::Masked => line.with(
                format!("  {} values masked", document.secrets),
                Role::Accent,
            ),
            Secrets::Shown => line.with(
                format!("  {} SECRET VALUES SHOWN", document.secrets),
                Role::Warning,
            ),
        };
    }
    if document.managed > 0 && shown.managed_fields == ManagedFields::Hidden {
        line = line.dim("  managedFields hidden");
    }
    if !page.search.is_empty() {
        line = line.with(format!("  /{}", page.search.text()), Role::Accent);
    }
    line
}

/// One row of a line: columns `from` to `from + columns`.
fn draw_row(
    page: &ManifestPage,
    painter: &mut Painter,
    (x, y): (u16, u16),
    line: &yaml::Line,
    from: usize,
    columns: usize,
) {
    let end = from.saturating_add(columns);
    let mut at = 0;
    let mut shown = String::new();
    let mut used = 0_u16;
    for (run, part) in &line.runs {
        let wide = text::width(run);
        let (begin, stop) = (at, at + wide);
        at = stop;
        if stop <= from {
            continue;
        }
        if begin >= end {
            break;
        }
        let skipped = text::clip(run, from.saturating_sub(begin)).len();
        let piece = text::clip(&run[skipped..], end - begin.max(from));
        let piece = SafeText::new(piece);
        let room = u16::try_from(columns)
            .unwrap_or(u16::MAX)
            .saturating_sub(used);
        used += painter.text(x + used, y, room, &piece, role(*part));
        shown.push_str(piece.as_str());
    }
    mark(painter, (x, y), &shown, &page.search.hits(&shown));
}

/// Lays the look of a found text over what is drawn.
pub(super) fn mark(
    painter: &mut Painter,
    (x, y): (u16, u16),
    shown: &str,
    hits: &[std::ops::Range<usize>],
) {
    let style = painter.style(Role::Match);
    for hit in hits {
        let before = text::width(&shown[..hit.start]);
        let wide = text::width(&shown[hit.clone()]);
        for column in before..before + wide {
            let at = x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
            if let Some(cell) = painter.buffer.cell_mut((at, y)) {
                cell.set_style(style);
            }
        }
    }
}

fn role(part: Part) -> Role {
    match part {
        Part::Key => Role::SyntaxKey,
        Part::Mark => Role::Dim,
        Part::Text => Role::SyntaxText,
        Part::Literal => Role::SyntaxLiteral,
        Part::Comment => Role::SyntaxComment,
    }
}
