//! The page of any kind: the server's own tables of all clusters as one, kept by what it tells.

mod columns;
mod order;

use std::sync::Arc;
use std::time::Duration;

use super::outbox::Outbox;
use crate::ask::{
    Ask, AskId, KindName, ObjectName, TableAsk, TableColumn, TableDelta, TableNews, TableRow,
};
use crate::clock::{Now, Stamp};
use crate::listing::RowKey;
use crate::objects::ObjectKind;
use crate::observation::Outage;
use crate::subject::Subject;

pub use columns::KindColumn;
pub use order::KindView;

/// Rows up to which the order is made anew at each change.
const FEW: usize = 5_000;

/// How often the order of more rows is made anew.
const CALM: Duration = Duration::from_secs(1);

/// One object of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Place of its cluster among the tables.
    pub table: usize,
    pub row: TableRow,
    /// Number of the listing that told it last.
    epoch: u32,
}

impl Entry {
    /// Cluster, namespace and name: the natural order.
    fn place(&self) -> (usize, &str, &str) {
        (self.table, &self.row.namespace, &self.row.name)
    }
}

/// What one cluster has told.
#[derive(Clone, Debug)]
pub struct Table {
    pub cluster: Arc<str>,
    pub kind: Arc<KindName>,
    id: Option<AskId>,
    columns: Arc<[TableColumn]>,
    epoch: u32,
    /// Everything was told once.
    pub synced: bool,
    /// When it was heard last.
    pub heard: Option<Now>,
    /// Why nothing comes, and when it is asked again.
    pub failed: Option<(Outage, Option<Stamp>)>,
}

#[derive(Debug)]
pub struct KindPage {
    pub kind: Arc<KindName>,
    /// Empty for all.
    pub namespace: Arc<str>,
    tables: Vec<Table>,
    /// In their natural order.
    rows: Vec<Arc<Entry>>,
    columns: Vec<KindColumn>,
    /// Sorted and filtered; `None` where the natural order is shown whole.
    shown: Option<Vec<Arc<Entry>>>,
    pub view: KindView,
    /// Columns of the screen that each column would like.
    widths: Vec<u16>,
    stale: bool,
    made: Stamp,
}

impl KindPage {
    /// `clusters` is not empty; the kind is the same in all, its version need not be.
    pub(super) fn open(
        clusters: Vec<(Arc<str>, Arc<KindName>)>,
        namespace: &Arc<str>,
        filter: &str,
        out: &mut Outbox,
    ) -> Option<Self> {
        let kind = clusters.first()?.1.clone();
        let tables = clusters.into_iter().map(|(cluster, kind)| Table {
            cluster,
            kind,
            id: None,
            columns: [].into(),
            epoch: 0,
            synced: false,
            heard: None,
            failed: None,
        });
        let mut page = Self {
            namespace: if kind.namespaced {
                namespace.clone()
            } else {
                "".into()
            },
            kind,
            tables: tables.collect(),
            rows: Vec::new(),
            columns: Vec::new(),
            shown: None,
            view: KindView {
                filter: filter.to_owned(),
                ..KindView::default()
            },
            widths: Vec::new(),
            stale: true,
            made: Stamp::default(),
        };
        page.reload(out);
        Some(page)
    }

    /// Lists anew; what is there stays until it was told again.
    pub(super) fn reload(&mut self, out: &mut Outbox) {
        self.close(out);
        for table in &mut self.tables {
            table.id = Some(out.open(Ask::Table(TableAsk {
                cluster: table.cluster.clone(),
                kind: table.kind.clone(),
                namespace: self.namespace.clone(),
            })));
        }
    }

    pub(super) fn close(&mut self, out: &mut Outbox) {
        for table in &mut self.tables {
            if let Some(id) = table.id.take() {
                out.close(id);
            }
        }
    }

    pub(super) fn owns(&self, id: AskId) -> bool {
        self.tables.iter().any(|table| table.id == Some(id))
    }

    pub(super) fn answered(&mut self, id: AskId, news: TableNews, now: Now) {
        let Some(at) = self.tables.iter().position(|t| t.id == Some(id)) else {
            return;
        };
        match news {
            TableNews::Deltas(deltas) => {
                self.tables[at].heard = Some(now);
                self.tables[at].failed = None;
                for delta in deltas {
                    self.take(at, delta);
                }
            }
            TableNews::Broken { outage, again } => {
                if again.is_none() {
                    self.tables[at].id = None;
                }
                let again = again.map(|span| now.stamp + span);
                self.tables[at].failed = Some((outage, again));
            }
        }
    }

    fn take(&mut self, at: usize, delta: TableDelta) {
        self.stale = true;
        let table = &mut self.tables[at];
        match delta {
            TableDelta::Begin(columns) => {
                table.epoch = table.epoch.wrapping_add(1);
                if table.columns != columns {
                    table.columns = columns;
                    self.columns = columns::merged(&self.tables, &self.kind, &self.namespace);
                }
            }
            TableDelta::Put(row) => {
                let entry = Arc::new(Entry {
                    table: at,
                    row,
                    epoch: table.epoch,
                });
                match self.find((at, &entry.row.namespace, &entry.row.name)) {
                    Ok(place) => self.rows[place] = entry,
                    Err(place) => self.rows.insert(place, entry),
                }
            }
            TableDelta::Gone { namespace, name } => {
                if let Ok(place) = self.find((at, &namespace, &name)) {
                    self.rows.remove(place);
                }
            }
            TableDelta::Synced => {
                table.synced = true;
                let epoch = table.epoch;
                self.rows
                    .retain(|row| row.table != at || row.epoch == epoch);
            }
        }
    }

    fn find(&self, place: (usize, &str, &str)) -> Result<usize, usize> {
        self.rows.binary_search_by(|row| row.place().cmp(&place))
    }

    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    #[must_use]
    pub fn is_synced(&self) -> bool {
        self.tables.iter().all(|table| table.synced)
    }

    /// Objects before the filter.
    #[must_use]
    pub fn total(&self) -> usize {
        self.rows.len()
    }

    /// Rows in the order in which they are shown.
    #[must_use]
    pub fn shown(&self) -> &[Arc<Entry>] {
        self.shown.as_deref().unwrap_or(&self.rows)
    }

    /// The columns that are shown, in their order.
    pub fn columns(&self) -> impl Iterator<Item = (&KindColumn, u16)> {
        let widths = self.widths.iter().copied().chain(std::iter::repeat(8));
        self.columns
            .iter()
            .zip(widths)
            .filter(|(column, _)| !column.wide || self.view.wide)
    }

    /// The row under the cursor.
    #[must_use]
    pub fn selected(&self) -> Option<&Arc<Entry>> {
        self.shown().get(self.view.index)
    }

    /// The object under the cursor.
    #[must_use]
    pub fn selected_object(&self) -> Option<ObjectName> {
        self.selected().map(|entry| self.object(entry))
    }

    fn object(&self, entry: &Entry) -> ObjectName {
        let table = &self.tables[entry.table];
        ObjectName {
            cluster: table.cluster.clone(),
            kind: table.kind.clone(),
            namespace: entry.row.namespace.clone(),
            name: entry.row.name.clone(),
        }
    }

    /// The row under the cursor as other panes know it: the subject where the kind is a kept one.
    #[must_use]
    pub fn selected_key(&self) -> Option<RowKey> {
        let object = self.selected_object()?;
        let kept = ObjectKind::ALL.iter().find(|kind| {
            kind.group() == &*object.kind.group && kind.plural() == &*object.kind.plural
        });
        Some(match kept {
            Some(kind) => RowKey::Subject(Subject::object(
                *kind,
                &object.cluster,
                &object.namespace,
                &object.name,
            )),
            None => RowKey::Text(object.name.clone()),
        })
    }
}
