//! What a reader opens explicitly, and what comes back: YAML of an object, logs, the kinds that a
//! cluster knows, the server's own table of any kind.
//!
//! Plain values. The core decides what is open, the shell's `asks` answers; a failure travels as an
//! [`Outage`] like any other, and a late answer is known by its [`AskId`].

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Now;
use crate::objects::ObjectKind;
use crate::objects::kind::Scope;
use crate::observation::Outage;
use crate::subject::Subject;

/// One opened thing. Never used twice in a run, so that a late answer finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AskId(pub u64);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// One object as the API server has it now; answered once.
    Manifest(ObjectName),
    /// The log of one container; answered until it ends or is closed.
    Log(LogAsk),
    /// Every kind that a cluster's API knows (its name); answered once.
    Kinds(Arc<str>),
    /// All objects of a kind as the server's own table, listed and then watched until closed.
    Table(TableAsk),
    /// Write a text to a file of midwatch's state folder; answered once.
    Save(SaveAsk),
}

/// What came back on an ask.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    Manifest(Result<Manifest, Outage>),
    Log(LogNews),
    Kinds(Result<Vec<KindName>, Outage>),
    Table(TableNews),
    /// The path of the file and its bytes.
    Saved(Result<(String, u64), Outage>),
}

/// A kind of object with its names, as discovery tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindName {
    /// Empty for the core group.
    pub group: Arc<str>,
    /// The group's preferred version that has this kind: `v1`.
    pub version: Arc<str>,
    /// As in URLs: `certificates`.
    pub plural: Arc<str>,
    /// As in manifests: `Certificate`.
    pub kind: Arc<str>,
    /// In lower case: `certificate`; may be empty.
    pub singular: Arc<str>,
    /// `cert`, `certs`.
    pub short_names: Box<[Arc<str>]>,
    pub namespaced: bool,
    /// Does it offer the verb `watch`? What cannot be watched is listed again and again. What cannot
    /// be listed is no kind to show and is left out by the source.
    pub watchable: bool,
}

impl KindName {
    /// The name of a kind that midwatch keeps itself.
    #[must_use]
    pub fn kept(kind: ObjectKind) -> Self {
        Self {
            group: kind.group().into(),
            version: kind.version().into(),
            plural: kind.plural().into(),
            kind: kind.api_kind().into(),
            singular: kind.api_kind().to_lowercase().into(),
            short_names: kind
                .short_names()
                .iter()
                .map(|name| (*name).into())
                .collect(),
            namespaced: kind.scope() == Scope::Namespaced,
            watchable: true,
        }
    }

    /// `certificates.cert-manager.io`: plural and group, unique in a cluster; the plural alone for
    /// the core group.
    #[must_use]
    pub fn full(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_string()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// The path of its objects: `/api/v1/pods`, `/apis/apps/v1/namespaces/shop/deployments`. An empty
    /// namespace is all of them.
    #[must_use]
    pub fn path(&self, namespace: &str) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        if self.namespaced && !namespace.is_empty() {
            format!("{root}/namespaces/{namespace}/{}", self.plural)
        } else {
            format!("{root}/{}", self.plural)
        }
    }
}

/// One object of any kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    pub cluster: Arc<str>,
    pub kind: Arc<KindName>,
    /// Empty for kinds without.
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl ObjectName {
    /// `None` for what is no Kubernetes object.
    #[must_use]
    pub fn of(subject: &Subject) -> Option<Self> {
        let (kind, cluster, namespace, name) = subject.as_object()?;
        Some(Self {
            cluster: cluster.into(),
            kind: Arc::new(KindName::kept(kind)),
            namespace: namespace.into(),
            name: name.into(),
        })
    }

    /// `/apis/apps/v1/namespaces/shop/deployments/web`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind.path(&self.namespace), self.name)
    }

    /// `deployment shop/web`, as a heading says it.
    #[must_use]
    pub fn title(&self) -> String {
        let kind = self.kind.kind.to_lowercase();
        if self.namespace.is_empty() {
            format!("{kind} {}", self.name)
        } else {
            format!("{kind} {}/{}", self.namespace, self.name)
        }
    }

    /// `-n shop deployment/web`, as kubectl takes it; the group stands beside a kind that is not
    /// Kubernetes' own.
    #[must_use]
    pub fn for_kubectl(&self) -> String {
        let kind = if self.kind.group.contains('.') && !self.kind.group.ends_with(".k8s.io") {
            self.kind.full()
        } else {
            self.kind.kind.to_lowercase()
        };
        let name = format!("{kind}/{}", self.name);
        if self.namespace.is_empty() {
            name
        } else {
            format!("-n {} {name}", self.namespace)
        }
    }
}

/// One object, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// As JSON, keys in no order that means anything.
    pub object: serde_json::Value,
    /// Bytes of the answer.
    pub bytes: u64,
}

/// The log of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAsk {
    pub cluster: Arc<str>,
    pub namespace: Arc<str>,
    pub pod: Arc<str>,
    pub container: Arc<str>,
    pub since: Since,
    pub run: LogRun,
}

/// Which run of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRun {
    /// The present one, followed: after a break it is taken up where it was left.
    Follow,
    /// The one before the last restart, told once.
    Previous,
}

/// Where a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The last so many lines.
    Tail(u32),
    /// So long ago, by the node's clock.
    Last(Duration),
    /// The beginning of what the node still has.
    Beginning,
}

/// What happens to the log of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogNews {
    /// The server took the request.
    Opened,
    /// Lines in the order in which they came, and when the last of them did.
    Lines { lines: Vec<LogLine>, received: Now },
    /// The log broke off; asked again after `again`. Without an outage the server merely closed the
    /// stream, as it does when a container ends.
    Broken {
        outage: Option<Outage>,
        again: Duration,
    },
    /// Nothing more will come: all was told, or what is asked for is not there or not permitted.
    Ended(Result<(), Outage>),
}

/// One line of a log, without its line break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When the container wrote it, by the node's clock; `None` where the server did not say.
    pub at: Option<Timestamp>,
    /// As it came, at most [`LogLine::LONGEST`] bytes.
    pub bytes: Box<[u8]>,
    /// Bytes cut from its end.
    pub cut: u64,
}

impl LogLine {
    /// Bytes of a line that are kept: 64 KiB.
    pub const LONGEST: usize = 64 << 10;
}

/// A text for a file. The bytes are written as they are: what a log holds is kept whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveAsk {
    /// The folder below the state folder: `logs`, `manifests`.
    pub folder: &'static str,
    /// The file's name without its ending; what no file name should hold is replaced.
    pub name: String,
    pub ending: &'static str,
    pub text: Vec<u8>,
}

/// A table of a kind's objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableAsk {
    pub cluster: Arc<str>,
    pub kind: Arc<KindName>,
    /// Empty for all.
    pub namespace: Arc<str>,
}

/// What happens to a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableNews {
    /// In the order in which the server told them. Empty: nothing changed, the server was heard.
    Deltas(Vec<TableDelta>),
    /// The list or the watch broke off; asked again after `again`, or not at all.
    Broken {
        outage: Outage,
        again: Option<Duration>,
    },
}

/// One change of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableDelta {
    /// A listing begins: what is not put again before [`TableDelta::Synced`] is gone.
    Begin(Arc<[TableColumn]>),
    Put(TableRow),
    Gone {
        namespace: Arc<str>,
        name: Arc<str>,
    },
    Synced,
}

/// A column as the server defines it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// As the server writes it: `Restarts`.
    pub name: Arc<str>,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: ColumnKind,
    /// Is it meant for the first look (`priority` 0) or for a wide table only?
    pub wide: bool,
}

/// What a column holds, as far as sorting and alignment care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Also dates, which the server prints as ages of the moment when it told them.
    Text,
    Number,
    Boolean,
}

/// One object of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableRow {
    /// Empty for kinds without.
    pub namespace: Arc<str>,
    pub name: Arc<str>,
    pub created: Option<Timestamp>,
    /// In the order of the columns, as text; empty where the server says `null`. Fewer than there
    /// are columns where the server told fewer.
    pub cells: Box<[Box<str>]>,
}
