//! Which rows of a page of any kind are shown, in which order, and where the cursor is.

use std::sync::Arc;

use jiff::Timestamp;

use super::{CALM, Entry, FEW, KindPage};
use crate::app::asks::search::Search;
use crate::clock::Now;
use crate::listing::{self, Column, Direction, SortValue};
use crate::text;

/// Rows measured for the widths of columns.
const MEASURED: usize = 300;

/// Widest column, in columns of the screen.
const WIDEST: u16 = 80;

/// What the reader chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindView {
    pub filter: String,
    /// Title of the column, and the direction.
    pub sort: Option<(String, Direction)>,
    /// All columns, also those that the server gives for a wide table only.
    pub wide: bool,
    /// Columns left out on the left.
    pub pan: usize,
    pub index: usize,
    /// First row on the screen.
    pub offset: usize,
    /// Cluster's place, namespace and name of the row that the reader chose.
    pub(super) cursor: Option<(usize, Arc<str>, Arc<str>)>,
}

impl KindPage {
    /// Brings order, widths and cursor up to date; costs nothing where nothing changed.
    pub(in crate::app) fn refresh(&mut self, now: Now) {
        let due = self.rows.len() <= FEW || now.stamp.since(self.made) >= CALM;
        if self.stale && due {
            self.reorder(now);
        }
    }

    pub(in crate::app) fn reorder(&mut self, now: Now) {
        self.stale = false;
        self.made = now.stamp;
        let search = Search::parse(&self.view.filter);
        let sort = self.view.sort.clone().and_then(|(title, direction)| {
            let column = self.columns.iter().find(|column| column.title == title)?;
            Some((column.clone(), direction))
        });
        self.shown = None;
        if !search.is_empty() || sort.is_some() {
            let mut shown: Vec<Arc<Entry>> = self
                .rows
                .iter()
                .filter(|entry| self.accepts(&search, entry))
                .cloned()
                .collect();
            if let Some((column, direction)) = sort {
                let mut keyed: Vec<(SortValue, Arc<Entry>)> = shown
                    .into_iter()
                    .map(|entry| (column.sorts_by(&entry, &self.tables), entry))
                    .collect();
                // Stable: what is alike stays in its natural order.
                keyed.sort_by(|(a, _), (b, _)| a.compare(b, direction));
                shown = keyed.into_iter().map(|(_, entry)| entry).collect();
            }
            self.shown = Some(shown);
        }
        self.measure(now.wall);
        self.keep_cursor();
    }

    /// Every word in any of the texts that a row shows or could show.
    fn accepts(&self, search: &Search, entry: &Entry) -> bool {
        if search.is_empty() {
            return true;
        }
        let mut words = String::with_capacity(128);
        words.push_str(&self.tables[entry.table].cluster);
        for part in [&*entry.row.namespace, &*entry.row.name] {
            words.push(' ');
            words.push_str(part);
        }
        for cell in &entry.row.cells {
            words.push(' ');
            words.push_str(cell);
        }
        search.accepts(&words, "")
    }

    fn measure(&mut self, now: Timestamp) {
        let widths = self.columns.iter().map(|column| {
            let rows = self.shown().iter().take(MEASURED);
            let cells = rows.map(|entry| text::width(&column.text(entry, &self.tables, now)));
            let widest = cells.max().unwrap_or(0).max(text::width(&column.title) + 1);
            u16::try_from(widest).unwrap_or(WIDEST).min(WIDEST)
        });
        self.widths = widths.collect();
    }

    fn keep_cursor(&mut self) {
        let last = self.shown().len().saturating_sub(1);
        let Some((table, namespace, name)) = &self.view.cursor else {
            self.view.index = 0;
            return;
        };
        let place = (*table, &**namespace, &**name);
        let found = match &self.shown {
            Some(shown) => shown.iter().position(|entry| entry.place() == place),
            None => self.find(place).ok(),
        };
        let line = self.view.index.saturating_sub(self.view.offset);
        self.view.index = found.unwrap_or(self.view.index.min(last));
        self.view.offset = self.view.index.saturating_sub(line);
        self.choose();
    }

    /// The row at the cursor is the one that the reader chose.
    fn choose(&mut self) {
        self.view.cursor = self.selected().map(|entry| {
            let row = &entry.row;
            (entry.table, row.namespace.clone(), row.name.clone())
        });
    }

    pub(in crate::app) fn go(&mut self, by: isize) {
        let last = self.shown().len().saturating_sub(1);
        self.view.index = self.view.index.saturating_add_signed(by).min(last);
        self.choose();
    }

    pub(in crate::app) fn filter(&mut self, text: &str, now: Now) {
        text.clone_into(&mut self.view.filter);
        self.view.offset = 0;
        self.reorder(now);
    }

    /// Titles of the columns that can be sorted by, in their order.
    #[must_use]
    pub fn titles(&self) -> Vec<String> {
        self.columns()
            .map(|(column, _)| column.title.clone())
            .collect()
    }

    /// The same column again turns the order round.
    pub(in crate::app) fn sort_by(&mut self, title: &str, now: Now) {
        let direction = match &self.view.sort {
            Some((same, Direction::Up)) if same == title => Direction::Down,
            _ => Direction::Up,
        };
        self.view.sort = Some((title.to_owned(), direction));
        self.reorder(now);
    }

    /// Which end of the column that is sorted by comes first, in words.
    #[must_use]
    pub fn way(&self, direction: Direction) -> &'static str {
        let sort = self.view.sort.as_ref();
        let column = sort.and_then(|(title, _)| self.columns.iter().find(|c| c.title == *title));
        let (Some(column), Some(first)) = (column, self.shown().first()) else {
            return "";
        };
        let frame = if column.is_age() {
            Column::ages("age", "", 0..=0, 0)
        } else {
            Column::left("", "", 0..=0, 0)
        };
        listing::way(&frame, &column.sorts_by(first, &self.tables), direction)
    }

    pub(in crate::app) fn invert_sort(&mut self, now: Now) {
        if let Some((title, _)) = self.view.sort.clone() {
            self.sort_by(&title, now);
        }
    }

    pub(in crate::app) fn unsort(&mut self, now: Now) {
        self.view.sort = None;
        self.reorder(now);
    }
}
