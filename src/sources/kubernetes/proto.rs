//! The Kubernetes API's messages, each with the fields that midwatch keeps, by their numbers.
//!
//! Numbers are those of the `generated.proto` files of `k8s.io/api` and `k8s.io/apimachinery`
//! 0.36; they are never reused there. Nothing outside this source uses these types.

mod cluster_wide;
mod node;
mod pod;
mod workload;

pub use cluster_wide::*;
pub use node::*;
pub use pod::*;
pub use workload::*;

use super::wire::{Field, Malformed, Message, Repeated, Slot, Text, messages};

/// What stands before a `runtime.Unknown` in every answer.
pub const MAGIC: &[u8; 4] = b"k8s\0";

/// The annotation that a static pod's image on the API carries.
const MIRROR: &[u8] = b"kubernetes.io/config.mirror";
/// The annotation of the bookmark that ends a streamed list.
const INITIAL_END: &[u8] = b"k8s.io/initial-events-end";

messages! {
    /// `runtime.Unknown`.
    Unknown<'a> { 1 kind: TypeMeta<'a>, 2 raw: &'a [u8] }
    TypeMeta<'a> { 1 api_version: Text<'a>, 2 kind: Text<'a> }
    RawExtension<'a> { 1 raw: &'a [u8] }
    WatchEvent<'a> { 1 kind: Text<'a>, 2 object: RawExtension<'a> }
    ListMeta<'a> { 2 resource_version: Text<'a>, 3 next: Text<'a> }

    /// Any object: every kind has its metadata in field 1.
    Head<'a> { 1 metadata: Meta<'a> }
    /// `ObjectMeta`.
    Meta<'a> {
        1 name: Text<'a>,
        3 namespace: Text<'a>,
        5 uid: Text<'a>,
        6 resource_version: Text<'a>,
        7 generation: i64,
        8 created: Time,
        9 deleted: Option<Time>,
        11 labels: Repeated<'a, Pair<'a>>,
        12 annotations: Marks,
        13 owners: Repeated<'a, OwnerReference<'a>>,
    }
    OwnerReference<'a> { 1 kind: Text<'a>, 3 name: Text<'a>, 4 uid: Text<'a>, 6 controller: bool }
    /// `Time` and `MicroTime`; empty for Go's zero time.
    Time { 1 seconds: i64, 2 nanos: i64 }
    /// An entry of `map<string, string>`.
    Pair<'a> { 1 key: Text<'a>, 2 value: Text<'a> }
    /// An entry of `map<string, Quantity>`.
    Amount<'a> { 1 key: Text<'a>, 2 value: Quantity<'a> }
    Quantity<'a> { 1 text: Text<'a> }
    LabelSelector<'a> { 1 pairs: Repeated<'a, Pair<'a>>, 2 expressions: Repeated<'a, Requirement<'a>> }
    Requirement<'a> { 1 key: Text<'a>, 2 operator: Text<'a>, 3 values: Repeated<'a, Text<'a>> }
    ObjectReference<'a> { 1 kind: Text<'a>, 2 namespace: Text<'a>, 3 name: Text<'a>, 4 uid: Text<'a> }
}

/// Which of the annotations that mean something are there. All others are stepped over unread:
/// they may hold a whole manifest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    pub mirror: bool,
    pub initial_end: bool,
}

impl<'a> Slot<'a> for Marks {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        let mut entry = Key::default();
        entry.set(field)?;
        self.mirror |= entry.key == MIRROR;
        self.initial_end |= entry.key == INITIAL_END;
        Ok(())
    }
}

messages! {
    Key<'a> { 1 key: &'a [u8] }
}

/// The message behind the magic, with the kind that it says it is.
///
/// # Errors
/// [`Malformed`] without the magic or with a broken envelope.
pub fn unwrapped(bytes: &[u8]) -> Result<Unknown<'_>, Malformed> {
    Unknown::read(bytes.strip_prefix(MAGIC).ok_or(Malformed)?)
}
