//! Tables and lines of a watch in JSON, as changes of rows.
//!
//! A page is read when it is there whole; a watch line by line. What cannot be read is stepped
//! over, since it is only shown.

use std::sync::Arc;

use jiff::Timestamp;
use memchr::memchr;
use serde::Deserialize;
use serde_json::Value;

use crate::ask::{ColumnKind, TableColumn, TableDelta, TableRow};
use crate::clients::kube::Status;
use crate::observation::{Layer, Outage};
use crate::sources::kubernetes::follow::{Codec, Told};
use crate::sources::kubernetes::frame::Shape;
use crate::units::Bytes;

const TABLE: &str = "application/json;as=Table;g=meta.k8s.io;v=v1,application/json";
/// Largest page or line. A page has at most 500 objects' metadata.
const LARGEST: usize = 64 << 20;
/// A buffer that grew beyond this is given back once it is empty.
const KEPT: usize = 1 << 20;
/// Longest cell that is kept, in bytes: more fits no screen.
const CELL: usize = 1024;

/// Bodies about one kind, as rows.
#[derive(Debug)]
pub struct Rows {
    shape: Shape,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are read, and those looked through for the end of a line.
    done: usize,
    seen: usize,
    ended: bool,
    /// A list begins, and is told once its columns are known.
    begin: bool,
    deltas: Vec<TableDelta>,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            shape: Shape::List,
            buffer: Vec::new(),
            done: 0,
            seen: 0,
            ended: false,
            begin: false,
            deltas: Vec::new(),
        }
    }
}

impl Rows {
    /// What was gathered.
    pub fn take(&mut self) -> Vec<TableDelta> {
        std::mem::take(&mut self.deltas)
    }

    fn begun(&mut self, columns: Option<&[Column]>) {
        if std::mem::take(&mut self.begin) {
            let columns =
                columns.map_or_else(by_name, |columns| columns.iter().map(column).collect());
            self.deltas.push(TableDelta::Begin(columns));
        }
    }

    fn page(&mut self, version: &mut String) -> Result<Told, Outage> {
        let page: Answer = serde_json::from_slice(&self.buffer[self.done..]).map_err(|error| {
            let detail = format!("a table that cannot be read: {error}");
            Outage::new(Layer::Parse, detail)
        })?;
        self.done = self.buffer.len();
        self.begun(page.column_definitions.as_deref());
        set(version, &page.metadata.resource_version);
        self.deltas.extend(page.rows().map(TableDelta::Put));
        let next = page.metadata.next;
        Ok(Told::Page { next })
    }

    fn line(&mut self, to: usize, version: &mut String) -> Option<Told> {
        let event: Event = serde_json::from_slice(&self.buffer[self.done..to]).ok()?;
        let object = event.object;
        if event.kind == "ERROR" {
            return Some(Told::Failed(object.status()));
        }
        self.begun(object.column_definitions.as_deref());
        let meta = object.about();
        let of_row = meta.map_or("", |meta| &meta.resource_version);
        set(version, &object.metadata.resource_version);
        set(version, of_row);
        match &*event.kind {
            "BOOKMARK" => {
                let initial_end = meta.is_some_and(Meta::ends_list);
                return Some(Told::Bookmark { initial_end });
            }
            "DELETED" => {
                let meta = meta?;
                self.deltas.push(TableDelta::Gone {
                    namespace: meta.namespace.as_str().into(),
                    name: meta.name.as_str().into(),
                });
            }
            _ => self.deltas.extend(object.rows().map(TableDelta::Put)),
        }
        Some(Told::Change)
    }
}

impl Codec for Rows {
    const STREAMS: bool = true;

    fn accept(&self, _shape: Shape) -> &'static str {
        TABLE
    }

    fn reads(&self, content_type: &str) -> bool {
        content_type.starts_with("application/json")
    }

    fn restart(&mut self, shape: Shape) {
        self.shape = shape;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        (self.done, self.seen, self.ended) = (0, 0, false);
    }

    fn feed(&mut self, bytes: &[u8]) {
        if self.done > 0 {
            self.buffer.drain(..self.done);
            self.seen -= self.done;
            self.done = 0;
        }
        if self.buffer.is_empty() {
            self.buffer.shrink_to(KEPT);
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn next(&mut self, version: &mut String) -> Result<Option<Told>, Outage> {
        if self.buffer.len() - self.done > LARGEST {
            let limit = Bytes(LARGEST as u64);
            return Err(Outage::new(
                Layer::TooLarge,
                format!("a table beyond {limit}"),
            ));
        }
        if self.shape == Shape::List {
            let whole = self.ended && self.done < self.buffer.len();
            return whole.then(|| self.page(version)).transpose();
        }
        let Some(end) = memchr(b'\n', &self.buffer[self.seen..]) else {
            self.seen = self.buffer.len();
            return Ok(None);
        };
        let to = self.seen + end;
        let told = self.line(to, version);
        self.done = to + 1;
        self.seen = self.done;
        Ok(Some(told.unwrap_or(Told::Change)))
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn is_whole(&self) -> bool {
        self.done == self.buffer.len()
    }

    fn begin(&mut self) {
        self.begin = true;
    }

    fn synced(&mut self) {
        self.begun(None);
        self.deltas.push(TableDelta::Synced);
    }

    fn waiting(&self) -> usize {
        self.deltas.len()
    }
}

/// A `Table`, a plain list or object where the server makes no table, or a `Status`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    kind: String,
    metadata: Meta,
    column_definitions: Option<Vec<Column>>,
    rows: Option<Vec<Row>>,
    items: Option<Vec<Plain>>,
    // Of a `Status`.
    code: u16,
    reason: String,
    message: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Answer,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    name: String,
    namespace: String,
    resource_version: String,
    creation_timestamp: Option<Timestamp>,
    #[serde(rename = "continue")]
    next: String,
    annotations: Option<Annotations>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotations {
    #[serde(rename = "k8s.io/initial-events-end")]
    initial_end: Option<Value>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    cells: Vec<Value>,
    object: Plain,
}

#[derive(Deserialize)]
struct Plain {
    metadata: Meta,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    priority: i64,
}

impl Meta {
    fn ends_list(&self) -> bool {
        self.annotations
            .as_ref()
            .is_some_and(|all| all.initial_end.is_some())
    }

    fn row(&self, cells: Box<[Box<str>]>) -> TableRow {
        TableRow {
            namespace: self.namespace.as_str().into(),
            name: self.name.as_str().into(),
            created: self.creation_timestamp,
            cells,
        }
    }
}

impl Answer {
    /// The metadata of the object that an event is about.
    fn about(&self) -> Option<&Meta> {
        match &self.rows {
            Some(rows) => rows.first().map(|row| &row.object.metadata),
            None if self.kind == "Table" => None,
            None => Some(&self.metadata),
        }
    }

    fn rows(&self) -> Box<dyn Iterator<Item = TableRow> + '_> {
        let named = |meta: &Meta| meta.row([cut(&meta.name).into()].into());
        match (&self.rows, &self.items) {
            (Some(rows), _) => Box::new(rows.iter().map(|row| {
                row.object
                    .metadata
                    .row(row.cells.iter().map(text).collect())
            })),
            (None, Some(items)) => Box::new(items.iter().map(move |item| named(&item.metadata))),
            (None, None) if self.metadata.name.is_empty() => Box::new(std::iter::empty()),
            (None, None) => Box::new(std::iter::once(named(&self.metadata))),
        }
    }

    fn status(self) -> Option<Status> {
        (self.kind == "Status").then_some(Status {
            code: self.code,
            reason: self.reason,
            message: self.message,
            retry_after: None,
        })
    }
}

fn by_name() -> Arc<[TableColumn]> {
    let name = TableColumn {
        name: "Name".into(),
        kind: ColumnKind::Text,
        wide: false,
    };
    [name].into()
}

fn column(column: &Column) -> TableColumn {
    TableColumn {
        name: column.name.as_str().into(),
        kind: match &*column.kind {
            "integer" | "number" => ColumnKind::Number,
            "boolean" => ColumnKind::Boolean,
            _ => ColumnKind::Text,
        },
        wide: column.priority != 0,
    }
}

fn text(cell: &Value) -> Box<str> {
    match cell {
        Value::Null => "".into(),
        Value::String(text) => cut(text).into(),
        other => cut(&other.to_string()).into(),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(CELL)]
}

fn set(version: &mut String, to: &str) {
    if !to.is_empty() {
        version.clear();
        version.push_str(to);
    }
}
