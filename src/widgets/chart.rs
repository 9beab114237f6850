//! A chart over time: braille dots where the terminal can, columns of blocks where it cannot.

use ratatui::layout::Rect;

use crate::glyph::Dots;
use crate::paint::{Line, Painter};
use crate::role::Role;

/// What a chart shows.
pub struct Chart<'a> {
    pub title: Line,
    /// Oldest first; a gap where nothing was learnt.
    pub samples: &'a [Option<f32>],
    /// Value of the upper edge; the largest sample where `None`.
    pub top: Option<f32>,
    /// How a value prints on the axis.
    pub print: fn(f32) -> String,
}

/// Columns for the axis labels on the left.
const AXIS: u16 = 9;

/// Draws title, axis and curve into `area` (at least 3 rows, else only the title).
pub fn draw(painter: &mut Painter, area: Rect, chart: &Chart) {
    painter.line(area.x, area.y, area.width, &chart.title);
    if area.height < 3 || area.width < AXIS + 8 {
        return;
    }
    let body = Rect {
        x: area.x + AXIS,
        y: area.y + 1,
        width: area.width - AXIS,
        height: area.height - 1,
    };
    let dots = painter.skin.glyphs.dots;
    let per_cell = if dots == Dots::Braille { 2 } else { 1 };
    let fits = usize::from(body.width) * per_cell;
    let shown = &chart.samples[chart.samples.len().saturating_sub(fits)..];
    let largest = shown.iter().flatten().copied().fold(0.0_f32, f32::max);
    let top = chart.top.unwrap_or(largest).max(f32::MIN_POSITIVE);
    label(
        painter,
        area.x,
        body.y,
        &(chart.print)(if largest > 0.0 || chart.top.is_some() {
            top
        } else {
            0.0
        }),
    );
    label(painter, area.x, body.bottom() - 1, &(chart.print)(0.0));
    for row in body.top()..body.bottom() {
        painter.glyph(
            body.x - 1,
            row,
            painter.skin.glyphs.upright,
            Role::ChartGrid,
        );
    }
    if dots == Dots::Braille {
        braille(painter, body, shown, top);
    } else {
        blocks(painter, body, shown, top);
    }
}

fn label(painter: &mut Painter, x: u16, y: u16, text: &str) {
    let line = Line::new().dim(text.to_owned());
    painter.line_right(x + AXIS - 1, y, AXIS - 1, &line);
}

/// Dots lit from the bottom up to the value: two samples and four levels per cell.
fn braille(painter: &mut Painter, body: Rect, samples: &[Option<f32>], top: f32) {
    // Dot bits of a braille cell, by column, from the bottom row up.
    const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
    let levels = u32::from(body.height) * 4;
    let lead = (usize::from(body.width) * 2).saturating_sub(samples.len());
    for row in 0..body.height {
        let below = u32::from(body.height - 1 - row) * 4;
        for column in 0..body.width {
            let mut bits = 0;
            for (half, dots) in DOTS.iter().enumerate() {
                let at = usize::from(column) * 2 + half;
                let height = at
                    .checked_sub(lead)
                    .and_then(|at| *samples.get(at)?)
                    .map_or(0, |v| lit(v, top, levels));
                for (dot, bit) in (0_u32..).zip(dots) {
                    if height > below + dot {
                        bits |= bit;
                    }
                }
            }
            if bits != 0 {
                let glyph = char::from_u32(0x2800 + bits).unwrap_or(' ');
                painter.glyph(body.x + column, body.y + row, glyph, Role::ChartLine);
            }
        }
    }
}

fn blocks(painter: &mut Painter, body: Rect, samples: &[Option<f32>], top: f32) {
    let levels = painter.skin.glyphs.levels;
    let steps = u32::try_from(levels.len()).unwrap_or(8);
    let lead = usize::from(body.width).saturating_sub(samples.len());
    for column in 0..body.width {
        let Some(value) = usize::from(column)
            .checked_sub(lead)
            .and_then(|at| *samples.get(at)?)
        else {
            continue;
        };
        let height = lit(value, top, u32::from(body.height) * steps);
        for row in 0..body.height {
            let below = u32::from(body.height - 1 - row) * steps;
            let part = height.saturating_sub(below).min(steps);
            if part > 0 {
                painter.glyph(
                    body.x + column,
                    body.y + row,
                    levels[part as usize - 1],
                    Role::ChartLine,
                );
            }
        }
    }
}

/// How many of `levels` a value lights: one at least for anything above nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped"
)]
fn lit(value: f32, top: f32, levels: u32) -> u32 {
    if value <= 0.0 {
        0
    } else {
        ((value / top * levels as f32).ceil() as u32).clamp(1, levels)
    }
}
