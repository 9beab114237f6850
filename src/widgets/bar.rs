//! A share of a whole as a bar with its percentage, and an interval on an axis.

use crate::paint::Painter;
use crate::role::Role;

/// Draws `share` as `###--- 61%` in `columns`; the number always fits, the bar takes the rest.
pub fn share(painter: &mut Painter, x: u16, y: u16, columns: u16, share: f64, role: Role) {
    let number = format!("{:>3.0}%", (share * 100.0).clamp(0.0, 999.0));
    let digits = 4.min(columns);
    let room = columns.saturating_sub(digits + 1);
    if room >= 4 {
        let full = cells(share, room);
        let glyphs = painter.skin.glyphs;
        let fill = if role == Role::Text {
            Role::ChartFill
        } else {
            role
        };
        painter.repeat(x, y, full, glyphs.bar_full, fill);
        painter.repeat(x + full, y, room - full, glyphs.bar_empty, Role::Rule);
        painter.word(x + room + 1, y, digits, &number, role);
    } else {
        painter.word(x + columns.saturating_sub(digits), y, digits, &number, role);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the room before"
)]
fn cells(share: f64, room: u16) -> u16 {
    (share.clamp(0.0, 1.0) * f64::from(room)).round() as u16
}

/// Draws the interval `lo..hi` on a symmetric axis of `limit` to both sides of a centre mark: a
/// point where it is narrow, a line where the uncertainty is wider than a cell.
pub fn interval(
    painter: &mut Painter,
    x: u16,
    y: u16,
    columns: u16,
    (lo, hi, limit): (f64, f64, f64),
    role: Role,
) {
    if columns < 5 || limit <= 0.0 {
        return;
    }
    let glyphs = painter.skin.glyphs;
    painter.repeat(x, y, columns, glyphs.rule, Role::ChartGrid);
    painter.glyph(x + columns / 2, y, glyphs.upright, Role::Dim);
    let place = |value: f64| cells(f64::midpoint(value / limit, 1.0), columns - 1);
    let (from, to) = (place(lo), place(hi));
    painter.repeat(x + from, y, to - from + 1, glyphs.limit, role);
    painter.glyph(x + place(f64::midpoint(lo, hi)), y, glyphs.info, role);
    // Beyond the axis: an arrow at the end rather than a point that claims to be in range.
    if hi < -limit {
        painter.glyph(x, y, '<', role);
    } else if lo > limit {
        painter.glyph(x + columns - 1, y, '>', role);
    }
}
