//! The marks that midwatch draws, in two sets: Unicode and plain ASCII.
//!
//! Every mark is one column wide, none is an emoji, none needs a special font. A mark stands for a
//! state together with a word and a colour, never alone.

/// Marks of states and severities, the cursor, and the pieces of charts and rules.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    pub critical: char,
    pub warning: char,
    pub unknown: char,
    pub info: char,
    pub ok: char,
    pub stale: char,
    pub not_configured: char,
    pub cursor: char,
    pub folded: char,
    pub unfolded: char,
    pub sorted_up: char,
    pub sorted_down: char,
    /// Where a text was cut.
    pub ellipsis: char,
    /// A horizontal line between regions.
    pub rule: char,
    /// A vertical line, for axes.
    pub upright: char,
    /// A threshold in a chart.
    pub limit: char,
    /// Between the parts of one line.
    pub separator: char,
    /// A gap in a series: no value, which is not zero.
    pub gap: char,
    /// Spark line, lowest first.
    pub levels: [char; 8],
    /// A bar's full and empty cell.
    pub bar_full: char,
    pub bar_empty: char,
    /// Ends of a bar in eighths of a cell, from one to seven; the ASCII set has only full cells.
    pub bar_part: [char; 7],
    /// Can charts draw dots finer than a cell?
    pub dots: Dots,
}

/// How a chart may draw within a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dots {
    /// Two by four dots a cell, in the Braille block.
    Braille,
    /// One mark a cell.
    Cell(char),
}

pub static UNICODE: Glyphs = Glyphs {
    critical: '\u{25b2}', // ▲
    warning: '\u{25b3}',  // △
    unknown: '?',
    info: '\u{2022}',           // •
    ok: '\u{2713}',             // ✓
    stale: '\u{25cc}',          // ◌
    not_configured: '\u{2013}', // –
    cursor: '\u{258c}',         // ▌
    folded: '\u{25b8}',         // ▸
    unfolded: '\u{25be}',       // ▾
    sorted_up: '\u{2191}',      // ↑
    sorted_down: '\u{2193}',    // ↓
    ellipsis: '\u{2026}',       // …
    rule: '\u{2500}',           // ─
    upright: '\u{2502}',        // │
    limit: '\u{2504}',          // ┄
    separator: '\u{00b7}',      // ·
    gap: '\u{00b7}',            // ·
    levels: [
        '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}',
        '\u{2588}',
    ],
    bar_full: '\u{2501}',  // ━
    bar_empty: '\u{2500}', // ─
    bar_part: [
        '\u{258f}', '\u{258e}', '\u{258d}', '\u{258c}', '\u{258b}', '\u{258a}', '\u{2589}',
    ],
    dots: Dots::Braille,
};

pub static ASCII: Glyphs = Glyphs {
    critical: 'X',
    warning: '!',
    unknown: '?',
    info: 'i',
    ok: '+',
    stale: '~',
    not_configured: '-',
    cursor: '>',
    folded: '}',
    unfolded: '{',
    sorted_up: '^',
    sorted_down: 'v',
    ellipsis: '$',
    rule: '-',
    upright: '|',
    limit: '=',
    separator: ',',
    gap: ' ',
    levels: ['_', '.', ',', '-', '=', '+', '*', '#'],
    bar_full: '#',
    bar_empty: '.',
    bar_part: ['.', '.', '.', '#', '#', '#', '#'],
    dots: Dots::Cell('*'),
};

impl Glyphs {
    /// Every mark of the set.
    pub fn all(&self) -> impl Iterator<Item = char> {
        let single = [
            self.critical,
            self.warning,
            self.unknown,
            self.info,
            self.ok,
            self.stale,
            self.not_configured,
            self.cursor,
            self.folded,
            self.unfolded,
            self.sorted_up,
            self.sorted_down,
            self.ellipsis,
            self.rule,
            self.upright,
            self.limit,
            self.separator,
            self.gap,
            self.bar_full,
            self.bar_empty,
        ];
        let dot = match self.dots {
            Dots::Braille => '\u{28ff}',
            Dots::Cell(c) => c,
        };
        single
            .into_iter()
            .chain(self.levels)
            .chain(self.bar_part)
            .chain([dot])
    }

    /// The marks that tell states apart.
    #[must_use]
    pub fn states(&self) -> [char; 7] {
        [
            self.critical,
            self.warning,
            self.unknown,
            self.info,
            self.ok,
            self.stale,
            self.not_configured,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::width;

    #[test]
    fn every_mark_is_one_column_wide() {
        for mark in UNICODE.all().chain(ASCII.all()) {
            assert_eq!(width(&mark.to_string()), 1, "{mark}");
        }
    }

    #[test]
    fn the_plain_set_is_ascii() {
        assert!(ASCII.all().all(|mark| (' '..='~').contains(&mark)));
    }

    #[test]
    fn states_have_different_marks() {
        for set in [&UNICODE, &ASCII] {
            let mut marks = set.states().to_vec();
            marks.sort_unstable();
            marks.dedup();
            assert_eq!(marks.len(), set.states().len());
        }
    }

    #[test]
    fn a_gap_is_not_the_lowest_level() {
        for set in [&UNICODE, &ASCII] {
            assert!(!set.levels.contains(&set.gap));
        }
    }
}
