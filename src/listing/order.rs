//! Rows in the order in which they are shown, computed when facts or view changed; and for panes
//! over objects an order that is kept and moved.

use super::kept::Kept;
use super::{Context, Direction, Filter, Holds, Listing, Row, RowKey, SortValue, View};
use crate::model::objects::Moved;
use crate::text;

/// Rows in the order in which they are shown, with natural column widths.
#[derive(Clone, Debug, Default)]
pub struct Order {
    rows: Rows,
    /// Width of the widest cell per column, over the first [`MEASURED`] rows.
    pub widths: Vec<u16>,
    /// Rows before filter and problems-only.
    pub total: usize,
}

#[derive(Clone, Debug)]
enum Rows {
    Computed(Vec<Row>),
    Kept(Box<Kept>),
}

impl Default for Rows {
    fn default() -> Self {
        Self::Computed(Vec::new())
    }
}

/// Rows measured for column widths; the widths must not jump while scrolling, nor cost more with
/// more rows.
const MEASURED: usize = 300;

/// The widest age of what is freshly known, `59m59s`, and the widest with its mark,
/// `UNKNOWN 59m59s`.
const FRESH: usize = 6;
const LATE: usize = 14;

impl Order {
    /// Sorts, filters and measures. Called when the facts or the view changed, not per frame.
    #[must_use]
    pub fn compute(listing: &dyn Listing, cx: &Context, view: &View) -> Self {
        let mut order = Self::default();
        if let Some(objects) = listing.objects() {
            let kept = Kept::new(objects, cx, view);
            order.total = kept.total();
            order.rows = Rows::Kept(Box::new(kept));
        } else {
            let (rows, total) = computed(listing, cx, view);
            order.total = total;
            order.rows = Rows::Computed(rows);
        }
        order.measure(listing, cx);
        order
    }

    /// Takes in what moved since the order was made. False where it has to be computed anew.
    #[must_use]
    pub fn follow(
        &mut self,
        listing: &dyn Listing,
        cx: &Context,
        view: &View,
        moved: &Moved,
    ) -> bool {
        let (Rows::Kept(kept), Some(objects)) = (&mut self.rows, listing.objects()) else {
            return false;
        };
        let before = (kept.len(), kept.is_small());
        if !kept.follow(objects, cx, view, moved) {
            return false;
        }
        self.total = kept.total();
        // Few rows may change their widths at any change; of many the first are typical.
        if before.1 || before.0 == 0 {
            self.measure(listing, cx);
        } else {
            self.make_room(listing, cx);
        }
        true
    }

    fn measure(&mut self, listing: &dyn Listing, cx: &Context) {
        let rows: Vec<Row> = self.rows(0).take(MEASURED).collect();
        // Only the first column is indented.
        let indent = |nth: usize, row: &Row| {
            if nth == 0 {
                usize::from(row.depth) * 2
            } else {
                0
            }
        };
        let widths = listing.columns().iter().enumerate().map(|(nth, column)| {
            if listing.is_idle(cx, column.id) {
                return 0;
            }
            let cells = rows
                .iter()
                .map(|row| listing.cell(cx, row, column.id).width() + indent(nth, row));
            let widest = cells.max().unwrap_or(0).max(text::width(column.title));
            u16::try_from(widest)
                .unwrap_or(u16::MAX)
                .clamp(column.least, column.most)
        });
        self.widths = widths.collect();
        self.make_room(listing, cx);
    }

    /// The ages of rows that were not measured must fit as well: a mark that is cut could be read
    /// as none.
    fn make_room(&mut self, listing: &dyn Listing, cx: &Context) {
        if self.len() <= MEASURED {
            return;
        }
        let columns = listing.columns().iter().enumerate();
        for (nth, column) in columns.filter(|(_, column)| column.holds == Holds::Ages) {
            let needed = match &self.rows {
                Rows::Computed(rows) => {
                    let others = rows.iter().skip(MEASURED);
                    let widths = others.map(|row| listing.cell(cx, row, column.id).width());
                    widths.max().unwrap_or(0)
                }
                Rows::Kept(kept) if kept.is_late(cx) => LATE,
                Rows::Kept(_) => FRESH,
            };
            let needed = u16::try_from(needed).unwrap_or(u16::MAX).min(column.most);
            // A column without use has no width.
            if let Some(width) = self.widths.get_mut(nth).filter(|width| **width > 0) {
                *width = needed.max(*width);
            }
        }
    }

    /// What the first row sorts by in a column.
    #[must_use]
    pub fn first_value(
        &self,
        listing: &dyn Listing,
        cx: &Context,
        column: &'static str,
    ) -> Option<SortValue> {
        match &self.rows {
            Rows::Computed(rows) => Some(listing.sort_value(cx, rows.first()?, column)),
            Rows::Kept(kept) => kept.first_value().cloned(),
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::Computed(rows) => rows.len(),
            Rows::Kept(kept) => kept.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn row(&self, index: usize) -> Option<Row> {
        self.rows(index).next()
    }

    /// The rows from this one on; each is made when it is asked for.
    pub fn rows(&self, from: usize) -> Box<dyn Iterator<Item = Row> + '_> {
        match &self.rows {
            Rows::Computed(rows) => Box::new(rows.iter().skip(from).cloned()),
            Rows::Kept(kept) => Box::new(kept.rows(from)),
        }
    }

    /// Where a row is now.
    #[must_use]
    pub fn find(&self, listing: &dyn Listing, cx: &Context, key: &RowKey) -> Option<usize> {
        match (&self.rows, listing.objects()) {
            (Rows::Kept(kept), Some(objects)) => kept.find(objects, cx, key),
            (Rows::Computed(rows), _) => rows.iter().position(|row| row.key == *key),
            (Rows::Kept(_), None) => None,
        }
    }
}

fn computed(listing: &dyn Listing, cx: &Context, view: &View) -> (Vec<Row>, usize) {
    let mut rows = listing.rows(cx);
    let total = rows.len();
    if let Some((column, direction)) = view.sort {
        rows = sorted(listing, cx, rows, column, direction);
    }
    if view.problems_only {
        rows.retain(|row| row.problem);
    }
    if !view.filter.is_empty() {
        let filter = Filter::parse(&view.filter);
        rows.retain(|row| filter.accepts(&haystack(listing, cx, row)));
    }
    (rows, total)
}

fn haystack(listing: &dyn Listing, cx: &Context, row: &Row) -> String {
    let cells = listing
        .columns()
        .iter()
        .map(|column| listing.cell(cx, row, column.id).words());
    let mut words = cells.collect::<Vec<_>>().join(" ");
    if let Some(subject) = row.key.subject() {
        words.push(' ');
        words.push_str(&subject.to_string());
    }
    words.to_lowercase()
}

/// Sorts parents; children stay behind theirs. Unknown values go last in either direction.
fn sorted(
    listing: &dyn Listing,
    cx: &Context,
    rows: Vec<Row>,
    column: &'static str,
    direction: Direction,
) -> Vec<Row> {
    let mut groups: Vec<(SortValue, Vec<Row>)> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some((_, group)) if row.depth > 0 => group.push(row),
            _ => groups.push((listing.sort_value(cx, &row, column), vec![row])),
        }
    }
    groups.sort_by(|(a, _), (b, _)| a.compare(b, direction));
    groups.into_iter().flat_map(|(_, group)| group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_sorts_last_both_ways() {
        let order = |direction| {
            let mut values = [
                SortValue::Nothing,
                SortValue::Number(1.0),
                SortValue::Number(2.0),
            ];
            values.sort_by(|a, b| a.compare(b, direction));
            values
        };
        let [one, two] = [SortValue::Number(1.0), SortValue::Number(2.0)];
        assert_eq!(
            order(Direction::Up),
            [one.clone(), two.clone(), SortValue::Nothing]
        );
        assert_eq!(order(Direction::Down), [two, one, SortValue::Nothing]);
    }
}
