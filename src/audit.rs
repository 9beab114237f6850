//! The audit: what midwatch does is on the disk before it is done. The only writer of its files.
//!
//! Records are lines of JSON in segments, chained by hashes ([`chain`]). Several processes may write
//! at once: each append takes a lock, reads the end of the last segment, and adds to what it finds.
//! An append that returns is on the disk; one that fails has promised nothing.

pub mod anchors;
pub mod chain;
mod disk;
mod process;
#[cfg(test)]
pub mod tests;
pub mod verify;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::getuid;

use crate::actions::live::Identity;
use crate::actions::record::{ActionId, Cut, Entry, Kind, Process, Record, Who};
use crate::actions::trail::Trail;
use crate::clock;
use crate::config::Environment;
use crate::config::location::state_folder;
use crate::digest::Digest;
use anchors::Anchors;
use chain::Link;
use disk::{Disk, Folder};

/// A segment is not added to beyond this size.
const SEGMENT: u64 = 4 << 20;
/// How much of a segment's end is read to find its last record.
const TAIL: u64 = 4 * chain::LONGEST as u64;
/// How long to wait for another process that is writing, and between two looks.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);
/// An action on another machine may still be under way for so long.
const FOREIGN: Duration = Duration::from_secs(600);

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("{0}: {1}")]
    Disk(String, io::Error),
    #[error(
        "{0}: its last record is damaged; look with midwatch audit verify, then set it aside: \
         mv {0} {0}.damaged"
    )]
    Damaged(String),
    #[error("{0}")]
    Broken(String),
    #[error("another midwatch holds it for too long")]
    Busy,
    #[error("{0}")]
    Record(String),
    #[error("there is no folder for it: set HOME or XDG_STATE_HOME")]
    Nowhere,
}

/// The audit of one user on one machine.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    disk: Box<dyn Disk>,
    place: String,
    process: Process,
    local: String,
    host: String,
    /// Segments whose last write failed: nothing is added to them.
    closed: Mutex<BTreeSet<String>>,
    segment: u64,
    /// Where heads of the chain are kept, if anywhere.
    anchors: Option<Anchors>,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Audit").field(&self.0.place).finish()
    }
}

/// Where the folder of the audit is; `None` without a home.
#[must_use]
pub fn folder(environment: &Environment) -> Option<PathBuf> {
    state_folder(environment).map(|folder| folder.join("audit"))
}

/// The end of the chain as it was found.
struct End {
    /// The last segment with its length.
    segment: Option<(String, u64)>,
    seq: u64,
    hash: Digest,
    /// What a crash left behind the last record: nothing is added to a segment that ends so.
    cut: Vec<u8>,
    /// The last record lacks its line break.
    open: bool,
}

impl Audit {
    /// The audit in the user's state folder. Writes nothing yet.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn of(environment: &Environment) -> Result<Self, AuditError> {
        let folder = folder(environment).ok_or(AuditError::Nowhere)?;
        let disk = Box::new(Folder::new(folder.clone()));
        let place = folder.display().to_string();
        let anchors = match environment.get(anchors::VARIABLE) {
            Some(path) if !path.is_empty() => PathBuf::from(path),
            _ => folder.with_file_name("audit-anchors"),
        };
        let anchors = Some(Anchors::at(anchors));
        Ok(Self::on(disk, place, environment, SEGMENT, anchors))
    }

    /// The audit in a folder of its own, without anchors.
    #[must_use]
    pub fn at(folder: &Path, environment: &Environment) -> Self {
        let disk = Box::new(Folder::new(folder.to_owned()));
        let place = folder.display().to_string();
        Self::on(disk, place, environment, SEGMENT, None)
    }

    fn on(
        disk: Box<dyn Disk>,
        place: String,
        environment: &Environment,
        segment: u64,
        anchors: Option<Anchors>,
    ) -> Self {
        let name = environment
            .get("USER")
            .or_else(|| environment.get("LOGNAME"));
        let uid = getuid().as_raw();
        let host = rustix::system::uname();
        Self(Arc::new(Inner {
            disk,
            place,
            process: process::own(),
            local: match name {
                Some(name) => format!("{name} ({uid})"),
                None => format!("uid {uid}"),
            },
            host: host.nodename().to_string_lossy().into_owned(),
            closed: Mutex::default(),
            segment,
            anchors,
        }))
    }

    /// The person at this machine, with what an API server says of him.
    #[must_use]
    pub fn who(&self, server: Option<Identity>) -> Who {
        Who {
            server,
            local: self.0.local.clone(),
            host: self.0.host.clone(),
        }
    }

    /// An entry with the person at this machine, beside what it says of him already.
    #[must_use]
    pub fn signed(&self, mut entry: Entry) -> Entry {
        let server = entry.who.take().and_then(|who| who.server);
        entry.who = Some(self.who(server));
        entry
    }

    /// Records; on the disk when it returns. Waits for other processes, not for ever.
    ///
    /// # Errors
    /// Nothing may be done then.
    pub async fn record(&self, entry: Entry) -> Result<Record, AuditError> {
        let mut waited = Duration::ZERO;
        loop {
            let (own, entry) = (self.clone(), entry.clone());
            let done = tokio::task::spawn_blocking(move || own.append(&entry)).await;
            match done {
                Ok(Err(AuditError::Busy)) if waited < PATIENCE => {
                    waited += PAUSE;
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(done) => return done,
                Err(error) => return Err(AuditError::Record(error.to_string())),
            }
        }
    }

    /// As [`Audit::record`], at once.
    ///
    /// # Errors
    /// As there; [`AuditError::Busy`] while another process writes.
    pub fn append(&self, entry: &Entry) -> Result<Record, AuditError> {
        let inner = &*self.0;
        let failed = |error| AuditError::Disk(inner.place.clone(), error);
        let Some(_lock) = inner.disk.lock().map_err(failed)? else {
            return Err(AuditError::Busy);
        };
        let mut end = inner.end()?;
        if !end.cut.is_empty() {
            let entry = Entry {
                cut: Some(Cut::of(&end.cut)),
                ..Entry::new(Kind::Repaired).note("closes a line that was cut off")
            };
            inner.add(&mut end, &entry)?;
        }
        inner.add(&mut end, entry)
    }

    /// Could something be recorded now, as far as can be told without doing it?
    ///
    /// # Errors
    /// Why not.
    pub fn is_ready(&self) -> Result<(), AuditError> {
        let inner = &*self.0;
        // Another process that writes will soon be done.
        inner.disk.lock().map_err(|e| inner.failed(e))?;
        inner.end().map(|_| ())
    }

    /// Is the chain whole, so that what is done next can be proved? A line that a crash cut off is
    /// no damage: the next record closes it.
    ///
    /// # Errors
    /// What is wrong and what is to be done about it.
    pub fn is_sound(&self) -> Result<(), AuditError> {
        let damage = self.verify()?.fault.and_then(|fault| self.damage(&fault));
        damage.map_or(Ok(()), |damage| Err(AuditError::Broken(damage)))
    }

    /// A fault that keeps midwatch from acting, in words, with the way out.
    #[must_use]
    pub fn damage(&self, fault: &verify::Fault) -> Option<String> {
        if fault.open {
            return None;
        }
        let verify::Fault {
            seq, place, text, ..
        } = fault;
        let aside = |path: &str| format!("mv {path} {path}.damaged");
        let mut moves = aside(&self.0.place);
        let anchors = self.0.anchors.as_ref().map(Anchors::path);
        if let Some(anchors) = anchors.filter(|path| path.exists()) {
            // They are heads of the chain that goes.
            moves = format!("{moves}; {}", aside(&anchors.display().to_string()));
        }
        Some(format!(
            "the audit is damaged at record {seq} ({place}: {text}): look with midwatch audit verify, \
             then set it aside and start anew: {moves}"
        ))
    }

    /// Every record that is as it was written, oldest first, also behind the first thing that is
    /// wrong.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn read(&self) -> Result<(Vec<Record>, Option<verify::Fault>), AuditError> {
        let inner = &*self.0;
        let mut records = Vec::new();
        let verdict = inner.walk(|line| records.extend(chain::record(line)))?;
        Ok((records, verdict.fault))
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn verify(&self) -> Result<verify::Verdict, AuditError> {
        self.0.walk(|_| ())
    }

    /// Where heads of the chain are kept, if anywhere.
    #[must_use]
    pub fn anchors(&self) -> Option<&Anchors> {
        self.0.anchors.as_ref()
    }

    /// Actions without an end that are still under way somewhere else.
    #[must_use]
    pub fn busy(&self, records: &[Record]) -> BTreeSet<ActionId> {
        let mut trail = Trail::default();
        trail.read(records.to_vec(), BTreeSet::new());
        let now = clock::now().wall;
        let elsewhere = trail.open().filter(|act| {
            let process = &act.intent.process;
            let host = act.intent.entry.who.as_ref().map(|who| &who.host);
            if host.is_some_and(|host| *host != self.0.host) {
                let age = now.duration_since(act.intent.at);
                return Duration::try_from(age).is_ok_and(|age| age < FOREIGN);
            }
            *process != self.0.process && process::is_alive(process)
        });
        elsewhere.map(|act| act.id).collect()
    }
}

impl Inner {
    fn failed(&self, error: io::Error) -> AuditError {
        AuditError::Disk(self.place.clone(), error)
    }

    /// Looks for the last record, from the last segment backwards.
    fn end(&self) -> Result<End, AuditError> {
        let names = self.disk.segments().map_err(|e| self.failed(e))?;
        let mut end = End {
            segment: None,
            seq: 0,
            hash: Digest::NOTHING,
            cut: Vec::new(),
            open: false,
        };
        for name in names.iter().rev() {
            let (bytes, length) = self.disk.tail(name, TAIL).map_err(|e| self.failed(e))?;
            let is_last = end.segment.is_none();
            if is_last {
                end.segment = Some((name.clone(), length));
            }
            let (whole, rest) = match bytes.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => bytes.split_at(at + 1),
                None => (&[][..], &bytes[..]),
            };
            if !rest.is_empty() {
                if let Some(link) = chain::link(rest) {
                    end.open = is_last;
                    (end.seq, end.hash) = (link.seq, link.hash);
                    return Ok(end);
                }
                end.cut.splice(0..0, rest.iter().copied());
            }
            let Some(last) = whole.strip_suffix(b"\n") else {
                continue;
            };
            let from = last.iter().rposition(|byte| *byte == b'\n');
            let last = &last[from.map_or(0, |at| at + 1)..];
            let Link { seq, hash, .. } =
                chain::link(last).ok_or_else(|| AuditError::Damaged(self.place.clone()))?;
            (end.seq, end.hash) = (seq, hash);
            return Ok(end);
        }
        Ok(end)
    }

    /// Adds one record behind the end, which moves.
    fn add(&self, end: &mut End, entry: &Entry) -> Result<Record, AuditError> {
        let seq = end.seq + 1;
        let mut entry = entry.clone();
        if entry.kind == Kind::Intent {
            entry.action = Some(ActionId(seq));
        }
        let record = Record {
            seq,
            at: clock::now().wall,
            entry,
            process: self.process.clone(),
            prev: end.hash,
        };
        let (mut line, hash) = chain::line(&record).map_err(AuditError::Record)?;
        let name = self.segment_for(end, seq, line.len() as u64)?;
        if std::mem::take(&mut end.open) {
            line.insert(0, '\n');
        }
        if let Err(error) = self.disk.append(&name, line.as_bytes()) {
            self.closed().insert(name);
            return Err(self.failed(error));
        }
        end.seq = seq;
        end.hash = hash;
        if let Some((_, length)) = &mut end.segment {
            *length += line.len() as u64;
        }
        self.anchor(end);
        Ok(record)
    }

    /// Keeps the head where it is due. What was recorded stays recorded if that fails.
    fn anchor(&self, end: &End) {
        let Some(anchors) = self.anchors.as_ref().filter(|_| Anchors::is_due(end.seq)) else {
            return;
        };
        let head = verify::Anchor {
            seq: end.seq,
            hash: end.hash,
        };
        if let Err(error) = anchors.keep(head) {
            let place = anchors.path().display();
            tracing::warn!(%place, "the head of the audit is not kept: {error}");
        }
    }

    /// The segment to add to: the last one, or a new one where that is full or failed.
    fn segment_for(&self, end: &mut End, seq: u64, more: u64) -> Result<String, AuditError> {
        let mut name = format!("{seq:012}{}", disk::ENDING);
        if let Some((last, length)) = &end.segment {
            let fits = *length == 0 || *length + more <= self.segment;
            if fits && end.cut.is_empty() && !self.closed().contains(last) {
                return Ok(last.clone());
            }
            if *last >= name {
                // One of this number failed before a record was in it. `_` sorts behind the dot.
                name = format!("{}_{}", last.trim_end_matches(disk::ENDING), disk::ENDING);
            }
        }
        self.disk.create(&name).map_err(|e| self.failed(e))?;
        end.segment = Some((name.clone(), 0));
        // What was left open or cut off was left so in the segment before.
        end.open = false;
        end.cut.clear();
        Ok(name)
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn walk(&self, mut each: impl FnMut(&[u8])) -> Result<verify::Verdict, AuditError> {
        let names = self.disk.segments().map_err(|e| self.failed(e))?;
        let mut walk = verify::Walk::default();
        for name in names {
            let bytes = self.disk.read(&name).map_err(|e| self.failed(e))?;
            walk.segment(&name, &bytes, &mut each);
        }
        Ok(walk.end())
    }
}
