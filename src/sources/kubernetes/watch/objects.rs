//! Frames of a watch and items of a list, as deltas.
//!
//! Of one object's changes in a batch only what it ended as is told: what nobody saw need not be
//! drawn or judged. What cannot be read is counted and stepped over.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};

use crate::clients::kube::Status;
use crate::objects::{Delta, Object, ObjectKind};
use crate::observation::{Harvest, Layer, Outage};
use crate::sources::kubernetes::decode::{Decoder, Place};
use crate::sources::kubernetes::follow::{Codec, Told};
use crate::sources::kubernetes::frame::{Broken, Cutter, LARGEST, Piece, Shape};
use crate::sources::kubernetes::proto::{self, unwrapped};
use crate::sources::kubernetes::wire::{Malformed, Message};
use crate::units::Bytes;

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Bodies about one kind.
#[derive(Debug)]
pub struct Objects {
    cutter: Cutter,
    changes: Changes,
}

#[derive(Debug)]
struct Changes {
    kind: ObjectKind,
    decoder: Decoder,
    deltas: Vec<Delta>,
    /// Where in the batch an object's last delta is, by a hash of namespace and name. Empty during
    /// a list, which names each object once.
    places: FxHashMap<u64, usize>,
    listing: bool,
}

impl Objects {
    pub fn new(cluster: Arc<str>, kind: ObjectKind) -> Self {
        Self {
            cutter: Cutter::new(Shape::Watch),
            changes: Changes {
                kind,
                decoder: Decoder::new(cluster),
                deltas: Vec::new(),
                places: FxHashMap::default(),
                listing: false,
            },
        }
    }

    /// What was gathered.
    pub fn take(&mut self) -> Harvest {
        let changes = &mut self.changes;
        changes.places.clear();
        let harvest = Harvest {
            refused: changes.decoder.take_refused(),
            deltas: std::mem::take(&mut changes.deltas),
            ..Harvest::default()
        };
        changes.decoder.sweep();
        harvest
    }
}

impl Codec for Objects {
    const STREAMS: bool = true;

    fn accept(&self, shape: Shape) -> &'static str {
        match shape {
            Shape::List => PROTOBUF,
            Shape::Watch => "application/vnd.kubernetes.protobuf;stream=watch",
        }
    }

    fn reads(&self, content_type: &str) -> bool {
        content_type.starts_with(PROTOBUF)
    }

    fn restart(&mut self, shape: Shape) {
        self.cutter.restart(shape);
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.cutter.feed(bytes);
    }

    fn next(&mut self, version: &mut String) -> Result<Option<Told>, Outage> {
        let plural = self.changes.kind.plural();
        let piece = self
            .cutter
            .cut()
            .map_err(|broken| broken_off(plural, broken))?;
        let Some(piece) = piece else {
            return Ok(None);
        };
        let told = match piece {
            Piece::Frame(frame) => self.changes.event(frame, version),
            Piece::Item(object) => self.changes.item(object),
            Piece::Meta(meta) => page(meta, version),
        };
        Ok(Some(told.unwrap_or_else(|Malformed| {
            self.changes.decoder.refuse();
            Told::Change
        })))
    }

    fn is_whole(&self) -> bool {
        self.cutter.is_whole()
    }

    fn begin(&mut self) {
        self.changes.listing = true;
        self.changes.places.clear();
        let kind = self.changes.kind;
        self.changes.deltas.push(Delta::Begin(kind));
    }

    fn synced(&mut self) {
        self.changes.listing = false;
        let kind = self.changes.kind;
        self.changes.deltas.push(Delta::Synced(kind));
    }

    fn waiting(&self) -> usize {
        self.changes.deltas.len()
    }
}

impl Changes {
    fn event(&mut self, frame: &[u8], version: &mut String) -> Result<Told, Malformed> {
        let event = proto::WatchEvent::read(frame)?;
        let envelope = event.object.raw;
        if event.kind == "ERROR" {
            return Ok(Told::Failed(Status::read(PROTOBUF, envelope)));
        }
        let object = unwrapped(envelope)?.raw;
        match &*event.kind {
            "ADDED" | "MODIFIED" => {
                let (object, at) = self.decoder.object(self.kind, object)?;
                set(version, &at);
                self.put(object);
            }
            "DELETED" => {
                let place = self.decoder.place(self.kind, object)?;
                set(version, &place.version);
                self.gone(&place);
            }
            "BOOKMARK" => {
                let meta = proto::Head::read(object)?.metadata;
                set(version, &meta.resource_version);
                let initial_end = meta.annotations.initial_end;
                return Ok(Told::Bookmark { initial_end });
            }
            _ => return Err(Malformed),
        }
        Ok(Told::Change)
    }

    fn item(&mut self, object: &[u8]) -> Result<Told, Malformed> {
        let (object, _) = self.decoder.object(self.kind, object)?;
        self.put(object);
        Ok(Told::Change)
    }

    fn put(&mut self, object: Object) {
        let new = Arc::new(object);
        if self.listing {
            self.deltas.push(Delta::Put(new));
            return;
        }
        let place = hash_of(&new.namespace, &new.name);
        let earlier = self.places.get(&place).copied();
        match earlier.and_then(|at| self.deltas.get_mut(at)) {
            Some(Delta::Put(known)) if known.place() == new.place() => *known = new,
            // After a deletion it is another object of that name: both are told.
            _ => {
                self.places.insert(place, self.deltas.len());
                self.deltas.push(Delta::Put(new));
            }
        }
    }

    fn gone(&mut self, at: &Place<'_>) {
        let gone = Delta::Gone {
            kind: self.kind,
            namespace: at.namespace.clone(),
            name: (*at.name).into(),
        };
        let place = hash_of(&at.namespace, &at.name);
        let earlier = self.places.get(&place).copied();
        let earlier = earlier.and_then(|index| self.deltas.get_mut(index));
        let is_put = |earlier: &&mut Delta| match &**earlier {
            Delta::Put(known) => *known.name == *at.name && known.namespace == at.namespace,
            _ => false,
        };
        if let Some(put) = earlier.filter(is_put) {
            *put = gone;
        } else {
            self.places.insert(place, self.deltas.len());
            self.deltas.push(gone);
        }
    }
}

fn page(meta: &[u8], version: &mut String) -> Result<Told, Malformed> {
    let meta = proto::ListMeta::read(meta)?;
    set(version, &meta.resource_version);
    let next = meta.next.into_owned();
    Ok(Told::Page { next })
}

fn set(version: &mut String, to: &str) {
    if !to.is_empty() {
        version.clear();
        version.push_str(to);
    }
}

fn hash_of(namespace: &str, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    namespace.hash(&mut hasher);
    name.hash(&mut hasher);
    hasher.finish()
}

fn broken_off(plural: &str, broken: Broken) -> Outage {
    match broken {
        Broken::Garbage => Outage::new(
            Layer::Parse,
            format!("{plural}: not the framing of protobuf"),
        ),
        Broken::TooLarge(size) => {
            let (size, limit) = (Bytes(size), Bytes(LARGEST as u64));
            Outage::new(
                Layer::TooLarge,
                format!("{plural}: an object of {size}, {limit} is the limit"),
            )
        }
    }
}
