//! A sparkline: one glyph per sample, newest on the right, a gap where nothing was learnt.

use crate::paint::Painter;
use crate::role::Role;

/// Draws the newest samples that fit. `top` is the value of a full column; without it the largest
/// sample is.
pub fn draw(
    painter: &mut Painter,
    x: u16,
    y: u16,
    columns: u16,
    samples: &[Option<f32>],
    top: Option<f32>,
    role: Role,
) {
    let shown = &samples[samples.len().saturating_sub(usize::from(columns))..];
    let largest = shown.iter().flatten().copied().fold(0.0_f32, f32::max);
    let top = top.unwrap_or(largest);
    let lead = columns.saturating_sub(u16::try_from(shown.len()).unwrap_or(columns));
    let levels = painter.skin.glyphs.levels;
    for (at, sample) in (0_u16..).zip(shown) {
        let (glyph, role) = match sample {
            Some(value) => (levels[level(*value, top, levels.len())], role),
            None => (painter.skin.glyphs.gap, Role::Dim),
        };
        painter.glyph(x + lead + at, y, glyph, role);
    }
}

/// Which of `count` levels a value reaches; the lowest only for nothing at all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped"
)]
fn level(value: f32, top: f32, count: usize) -> usize {
    if top <= 0.0 || value <= 0.0 {
        return 0;
    }
    ((value / top * count as f32).ceil() as usize).clamp(1, count) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_reach_from_nothing_to_the_top() {
        assert_eq!(level(0.0, 1.0, 8), 0);
        assert_eq!(level(0.01, 1.0, 8), 0);
        assert_eq!(level(0.5, 1.0, 8), 3);
        assert_eq!(level(1.0, 1.0, 8), 7);
        assert_eq!(level(9.0, 1.0, 8), 7);
        assert_eq!(level(1.0, 0.0, 8), 0, "nothing to compare with");
    }
}
