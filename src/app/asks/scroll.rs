//! Where the reader is in a long text: a line and a row of it, whether lines are broken, and
//! whether he goes along with the end. Lines may take no row at all: those are filtered out.

/// A text of lines.
pub trait Lines {
    fn count(&self) -> usize;
    /// Rows that a line takes where it is broken at `columns`; none where it is not shown.
    fn rows(&self, line: usize, columns: usize) -> usize;
}

/// A row of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub row: usize,
}

/// The part of the text that is on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub columns: usize,
    pub height: usize,
}

/// What the reader chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scroll {
    /// The first row on the screen, while the end is not followed.
    pub top: Place,
    /// Columns that are left out on the left, where lines are not broken.
    pub pan: usize,
    pub fold: Fold,
    pub end: End,
}

/// Are long lines broken?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fold {
    #[default]
    Cut,
    Wrap,
}

/// Does the screen go along with the end of the text?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    Stay,
    Follow,
}

impl Fold {
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Cut => Self::Wrap,
            Self::Wrap => Self::Cut,
        }
    }
}

impl Scroll {
    fn rows(&self, lines: &dyn Lines, line: usize, view: View) -> usize {
        match self.fold {
            Fold::Wrap => lines.rows(line, view.columns.max(1)),
            Fold::Cut => lines.rows(line, usize::MAX).min(1),
        }
    }

    /// The first row that is on the screen.
    #[must_use]
    pub fn shown(&self, lines: &dyn Lines, view: View) -> Place {
        let bottom = self.bottom(lines, view);
        match self.end {
            End::Follow => bottom,
            End::Stay => self.settled(lines, view).min(bottom),
        }
    }

    /// The chosen place, on a line that is shown: forwards from where it was, else backwards.
    fn settled(&self, lines: &dyn Lines, view: View) -> Place {
        let count = lines.count();
        let shown = |line: &usize| self.rows(lines, *line, view) > 0;
        if let Some(line) = (self.top.line..count).find(shown) {
            let rows = self.rows(lines, line, view);
            let row = if line == self.top.line {
                self.top.row.min(rows - 1)
            } else {
                0
            };
            return Place { line, row };
        }
        let line = (0..self.top.line.min(count)).rev().find(shown);
        Place {
            line: line.unwrap_or(0),
            row: 0,
        }
    }

    /// The first row when the last one is at the bottom of the screen.
    fn bottom(&self, lines: &dyn Lines, view: View) -> Place {
        let count = lines.count();
        self.back(
            lines,
            Place {
                line: count,
                row: 0,
            },
            view.height.max(1),
            view,
        )
    }

    /// So many rows before a place, or the very first.
    fn back(&self, lines: &dyn Lines, from: Place, rows: usize, view: View) -> Place {
        if from.row >= rows {
            return Place {
                row: from.row - rows,
                ..from
            };
        }
        let mut left = rows - from.row;
        let mut reached = Place { row: 0, ..from };
        for line in (0..from.line).rev() {
            let here = self.rows(lines, line, view);
            if here == 0 {
                continue;
            }
            if here >= left {
                return Place {
                    line,
                    row: here - left,
                };
            }
            left -= here;
            reached = Place { line, row: 0 };
        }
        // A text of no shown line begins at its beginning.
        if reached.line >= lines.count() {
            return Place::default();
        }
        reached
    }

    fn forward(&self, lines: &dyn Lines, from: Place, rows: usize, view: View) -> Place {
        let mut left = rows + from.row;
        for line in from.line..lines.count() {
            let here = self.rows(lines, line, view);
            if left < here {
                return Place { line, row: left };
            }
            left -= here;
        }
        Place {
            line: lines.count(),
            row: 0,
        }
    }

    /// Moves by rows. Who moves up stays where he is; who comes to the end goes along with it where
    /// the text `grows`.
    pub fn by(&mut self, lines: &dyn Lines, rows: isize, view: View, grows: Grows) {
        let top = self.shown(lines, view);
        let bottom = self.bottom(lines, view);
        let amount = rows.unsigned_abs();
        self.top = if rows < 0 {
            self.back(lines, top, amount, view)
        } else {
            self.forward(lines, top, amount, view).min(bottom)
        };
        self.end = if rows > 0 && self.top >= bottom && grows == Grows::AtItsEnd {
            End::Follow
        } else {
            End::Stay
        };
    }

    /// Goes to a line, a third of the screen below its upper edge.
    pub fn to(&mut self, lines: &dyn Lines, line: usize, view: View) {
        self.end = End::Stay;
        let place = Place { line, row: 0 };
        self.top = self.back(lines, place, view.height / 3, view);
    }
}

/// Does a text get longer?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grows {
    Never,
    AtItsEnd,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows per line.
    struct Fixed(Vec<usize>);

    impl Lines for Fixed {
        fn count(&self) -> usize {
            self.0.len()
        }
        fn rows(&self, line: usize, _: usize) -> usize {
            self.0[line]
        }
    }

    const VIEW: View = View {
        columns: 10,
        height: 4,
    };

    fn place(line: usize, row: usize) -> Place {
        Place { line, row }
    }

    fn wrapping() -> Scroll {
        Scroll {
            fold: Fold::Wrap,
            ..Scroll::default()
        }
    }

    #[test]
    fn rows_of_broken_lines_are_passed_one_by_one() {
        let lines = Fixed(vec![1, 3, 0, 2, 4]);
        let mut scroll = wrapping();
        let mut seen = Vec::new();
        for _ in 0..7 {
            scroll.by(&lines, 1, VIEW, Grows::Never);
            seen.push(scroll.top);
        }
        let end = place(4, 0);
        assert_eq!(
            seen,
            [
                place(1, 0),
                place(1, 1),
                place(1, 2),
                place(3, 0),
                place(3, 1),
                end,
                end
            ]
        );
        scroll.by(&lines, -2, VIEW, Grows::Never);
        assert_eq!(scroll.top, place(3, 0));
        scroll.by(&lines, -100, VIEW, Grows::Never);
        assert_eq!(scroll.top, place(0, 0));
    }

    #[test]
    fn the_end_is_followed_until_the_reader_moves_up_and_again_when_he_is_back() {
        let mut lines = Fixed(vec![1; 10]);
        let mut scroll = Scroll {
            end: End::Follow,
            ..Scroll::default()
        };
        assert_eq!(scroll.shown(&lines, VIEW), place(6, 0));
        scroll.by(&lines, -1, VIEW, Grows::AtItsEnd);
        lines.0.extend([1, 1]);
        assert_eq!(scroll.shown(&lines, VIEW), place(5, 0), "it stands still");
        scroll.by(&lines, 100, VIEW, Grows::AtItsEnd);
        lines.0.push(1);
        assert_eq!(scroll.shown(&lines, VIEW), place(9, 0));
    }

    #[test]
    fn a_text_that_does_not_fill_the_screen_cannot_be_scrolled() {
        let lines = Fixed(vec![1, 0, 1]);
        let mut scroll = Scroll::default();
        scroll.by(&lines, 5, VIEW, Grows::Never);
        assert_eq!(scroll.top, place(0, 0));
        assert_eq!(
            Scroll::default().shown(&Fixed(vec![0, 0]), VIEW),
            place(0, 0)
        );
        assert_eq!(Scroll::default().shown(&Fixed(vec![]), VIEW), place(0, 0));
    }

    #[test]
    fn a_line_that_is_filtered_out_gives_way_to_the_next() {
        let lines = Fixed(vec![1, 1, 0, 0, 1, 1, 1, 1, 1]);
        let scroll = Scroll {
            top: place(2, 3),
            ..Scroll::default()
        };
        assert_eq!(scroll.shown(&lines, VIEW), place(4, 0));
    }
}
