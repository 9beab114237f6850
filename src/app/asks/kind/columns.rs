//! The columns of a page of any kind: those of the servers, with cluster, namespace, name and an
//! age that goes on.

use jiff::Timestamp;

use super::{Entry, Table};
use crate::ask::{ColumnKind, KindName};
use crate::listing::SortValue;
use crate::units;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindColumn {
    /// In capitals.
    pub title: String,
    pub kind: ColumnKind,
    /// Shown in the wide table only.
    pub wide: bool,
    from: From,
}

/// Where a cell comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    Cluster,
    Namespace,
    Name,
    /// By table: the place of the cell in its rows.
    Cell(Vec<Option<usize>>),
    Age,
}

impl KindColumn {
    fn own(title: &str, from: From) -> Self {
        Self {
            title: title.to_owned(),
            kind: ColumnKind::Text,
            wide: false,
            from,
        }
    }

    /// Is it the column that names the object?
    #[must_use]
    pub fn is_name(&self) -> bool {
        self.from == From::Name
    }

    #[must_use]
    pub fn is_age(&self) -> bool {
        self.from == From::Age
    }

    /// The text of a row's cell; empty where the server said nothing.
    #[must_use]
    pub fn text(&self, entry: &Entry, tables: &[Table], now: Timestamp) -> String {
        match &self.from {
            From::Cluster => tables[entry.table].cluster.to_string(),
            From::Namespace => entry.row.namespace.to_string(),
            From::Name => entry.row.name.to_string(),
            From::Cell(places) => told(places, entry).to_owned(),
            From::Age => match entry.row.created {
                Some(created) => {
                    let age = now.duration_since(created);
                    units::age(std::time::Duration::try_from(age).unwrap_or_default())
                }
                None => String::new(),
            },
        }
    }

    /// What a row sorts by.
    pub(super) fn sorts_by(&self, entry: &Entry, tables: &[Table]) -> SortValue {
        let text = match &self.from {
            // The younger, the smaller its age.
            From::Age => {
                return match entry.row.created {
                    Some(created) => SortValue::Number(-created.as_duration().as_secs_f64()),
                    None => SortValue::Nothing,
                };
            }
            From::Cell(places) => told(places, entry),
            From::Cluster => &tables[entry.table].cluster,
            From::Namespace => &entry.row.namespace,
            From::Name => &entry.row.name,
        };
        match self.kind {
            _ if text.is_empty() || text == "<none>" => SortValue::Nothing,
            ColumnKind::Number => text
                .parse()
                .map_or_else(|_| SortValue::Text(text.to_lowercase()), SortValue::Number),
            ColumnKind::Text | ColumnKind::Boolean => SortValue::Text(text.to_lowercase()),
        }
    }
}

/// The columns of all tables: those of the first, then what the others have beyond.
pub(super) fn merged(tables: &[Table], kind: &KindName, namespace: &str) -> Vec<KindColumn> {
    let mut columns = Vec::new();
    if tables.len() > 1 {
        columns.push(KindColumn::own("CLUSTER", From::Cluster));
    }
    if kind.namespaced && namespace.is_empty() {
        columns.push(KindColumn::own("NAMESPACE", From::Namespace));
    }
    columns.push(KindColumn::own("NAME", From::Name));
    let begin = columns.len();
    for (at, table) in tables.iter().enumerate() {
        for (place, column) in table.columns.iter().enumerate() {
            let title = column.name.to_uppercase();
            // What the server prints as an age was right when it was told; ours goes on.
            if title == "NAME" || title == "AGE" {
                continue;
            }
            let known = columns[begin..].iter().position(|c| c.title == title);
            let known = known.map_or(columns.len(), |nth| begin + nth);
            if known == columns.len() {
                columns.push(KindColumn {
                    title,
                    kind: column.kind,
                    wide: column.wide,
                    from: From::Cell(vec![None; tables.len()]),
                });
            }
            if let From::Cell(places) = &mut columns[known].from {
                places[at] = Some(place);
            }
        }
    }
    columns.push(KindColumn::own("AGE", From::Age));
    columns
}

/// The server's own cell; empty where its table has no such column.
fn told<'a>(places: &[Option<usize>], entry: &'a Entry) -> &'a str {
    let place = places.get(entry.table).copied().flatten();
    let cell = place.and_then(|place| entry.row.cells.get(place));
    cell.map_or("", |cell| &**cell)
}
