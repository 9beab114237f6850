//! How much of a page was on the screen: an answer counts only to what could be read.

use crate::clock::Stamp;
use crate::event::Drawn;

/// What was drawn of a page since it last changed. A page that is longer than the screen is read
/// when each of its lines was drawn, from the top and without a gap.
#[derive(Debug, Default)]
pub(in crate::app) struct Shown {
    /// Lines from its top that were drawn.
    lines: usize,
    whole: Option<Stamp>,
}

impl Shown {
    /// A frame of it was drawn.
    pub fn drawn(&mut self, drawn: &Drawn, now: Stamp) {
        // A screen on which nothing fits shows nothing, and what it covered is read anew.
        if drawn.rows == 0 {
            *self = Self::default();
            return;
        }
        if drawn.offset <= self.lines {
            self.lines = self.lines.max(drawn.offset + drawn.rows);
        }
        if self.lines >= drawn.rows + drawn.scroll_max {
            self.whole.get_or_insert(now);
        }
    }

    /// Since when all of it had been on the screen.
    pub fn whole(&self) -> Option<Stamp> {
        self.whole
    }

    /// Was any of it?
    pub fn is_begun(&self) -> bool {
        self.lines > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(offset: usize, rows: usize, scroll_max: usize) -> Drawn {
        Drawn {
            rows,
            offset,
            scroll_max,
            ..Drawn::default()
        }
    }

    #[test]
    fn a_page_that_fits_is_read_with_its_first_frame() {
        let mut shown = Shown::default();
        shown.drawn(&frame(0, 19, 0), Stamp(5));
        shown.drawn(&frame(0, 19, 0), Stamp(9));
        assert_eq!(shown.whole(), Some(Stamp(5)));
    }

    #[test]
    fn a_longer_page_is_read_when_its_last_line_was_drawn() {
        let mut shown = Shown::default();
        for (at, offset) in (1..).zip(0..7) {
            shown.drawn(&frame(offset, 10, 7), Stamp(at));
            assert_eq!(shown.whole(), None, "line {offset}");
        }
        shown.drawn(&frame(7, 10, 7), Stamp(8));
        shown.drawn(&frame(0, 10, 7), Stamp(9));
        assert_eq!(
            shown.whole(),
            Some(Stamp(8)),
            "back at the top it stays read"
        );
    }

    #[test]
    fn lines_that_were_jumped_over_were_not_read() {
        let mut shown = Shown::default();
        shown.drawn(&frame(0, 10, 30), Stamp(1));
        shown.drawn(&frame(30, 10, 30), Stamp(2));
        assert_eq!(shown.whole(), None);
        for offset in [10, 20, 30] {
            shown.drawn(&frame(offset, 10, 30), Stamp(3));
        }
        assert_eq!(shown.whole(), Some(Stamp(3)));
    }

    #[test]
    fn a_screen_without_room_shows_nothing() {
        let mut shown = Shown::default();
        shown.drawn(&Drawn::default(), Stamp(1));
        assert_eq!(shown.whole(), None);
        assert!(!shown.is_begun());
        shown.drawn(&frame(0, 19, 0), Stamp(2));
        shown.drawn(&Drawn::default(), Stamp(3));
        assert_eq!(shown.whole(), None, "what was read is out of sight");
    }
}
