//! Protobuf as it lies in a buffer: fields of a message, borrowed, nothing copied.
//!
//! A message is declared with [`messages!`] by the numbers of the fields that are kept; all others
//! are stepped over. Repeated fields stay where they are and are walked on demand, so that reading
//! an object allocates nothing, whatever the peer sends. Depth is bounded by the declared types.

use std::borrow::Cow;
use std::marker::PhantomData;

/// Longest repeated field that is walked; the API's own limits are far below (1,000 endpoints of a
/// slice is the largest), so more is a broken or hostile peer.
const MANY: usize = 4096;

/// Text of the peer: borrowed where it is UTF-8, mended where it is not.
pub type Text<'a> = Cow<'a, str>;

/// Bytes that are no protobuf, or not of the declared shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the protobuf that was expected")]
pub struct Malformed;

/// One field with what follows it in its message.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub number: u32,
    pub value: Value<'a>,
    /// The message from this field on, to its end.
    tail: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A fixed-width number: none of the fields kept is one.
    Fixed,
}

/// The fields of a message in their order.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    #[must_use]
    pub fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn one(&mut self) -> Result<Field<'a>, Malformed> {
        let tail = self.rest;
        let tag = varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        let value = match tag & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = varint(&mut self.rest)?;
                Value::Bytes(self.take(usize::try_from(length).map_err(|_| Malformed)?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            // Groups were never used by the API and nest without a bound.
            _ => return Err(Malformed),
        };
        if number == 0 {
            return Err(Malformed);
        }
        Ok(Field {
            number,
            value,
            tail,
        })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.one();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Takes a variable-length number from the front.
///
/// # Errors
/// [`Malformed`] where it is cut off or longer than 64 bits.
pub fn varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(at).map_err(|_| Malformed)?;
        if shift == 63 && bits > 1 {
            return Err(Malformed);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// A message with its kept fields.
pub trait Message<'a>: Default {
    /// Takes one field; an unknown one is nothing to it.
    ///
    /// # Errors
    /// [`Malformed`] where its type is not the declared one.
    fn field(&mut self, field: Field<'a>) -> Result<(), Malformed>;

    /// Reads a whole message.
    ///
    /// # Errors
    /// [`Malformed`] where it is cut off or a field has another type than declared.
    fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut message = Self::default();
        for field in Fields::of(bytes) {
            message.field(field?)?;
        }
        Ok(message)
    }
}

/// What a field's value is put into. The last value wins.
pub trait Slot<'a> {
    /// # Errors
    /// [`Malformed`] where the value is of another type.
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed>;
}

impl<'a> Field<'a> {
    /// # Errors
    /// [`Malformed`] where it holds no bytes.
    pub fn bytes(&self) -> Result<&'a [u8], Malformed> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed),
        }
    }

    fn number(&self) -> Result<u64, Malformed> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => Err(Malformed),
        }
    }
}

impl<'a> Slot<'a> for Text<'a> {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        *self = String::from_utf8_lossy(field.bytes()?);
        Ok(())
    }
}

impl<'a> Slot<'a> for &'a [u8] {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        *self = field.bytes()?;
        Ok(())
    }
}

impl<'a> Slot<'a> for bool {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        *self = field.number()? != 0;
        Ok(())
    }
}

/// Both widths: a negative number is ten bytes of two's complement in either.
impl<'a> Slot<'a> for i64 {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        *self = field.number()?.cast_signed();
        Ok(())
    }
}

impl<'a, T: Slot<'a> + Default> Slot<'a> for Option<T> {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        let mut value = T::default();
        value.set(field)?;
        *self = Some(value);
        Ok(())
    }
}

/// A field that may come many times: remembers where it first came and walks from there.
#[derive(Debug)]
pub struct Repeated<'a, T> {
    number: u32,
    tail: &'a [u8],
    of: PhantomData<T>,
}

impl<T> Clone for Repeated<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Repeated<'_, T> {}

impl<T> Default for Repeated<'_, T> {
    fn default() -> Self {
        Self {
            number: 0,
            tail: &[],
            of: PhantomData,
        }
    }
}

impl<'a, T> Slot<'a> for Repeated<'a, T> {
    fn set(&mut self, field: Field<'a>) -> Result<(), Malformed> {
        if self.tail.is_empty() {
            self.number = field.number;
            self.tail = field.tail;
        }
        Ok(())
    }
}

impl<'a, T: Slot<'a> + Default> Repeated<'a, T> {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty()
    }

    /// Its values, each read when it is reached; an error where there are more than any honest
    /// object has.
    pub fn iter(&self) -> impl Iterator<Item = Result<T, Malformed>> + use<'a, T> {
        let number = self.number;
        let fields = Fields::of(self.tail)
            .filter(move |field| field.as_ref().map_or(true, |field| field.number == number));
        fields.enumerate().map_while(move |(at, field)| {
            (at <= MANY).then(|| {
                let mut value = T::default();
                value.set(field?)?;
                (at < MANY).then_some(value).ok_or(Malformed)
            })
        })
    }
}

/// Declares messages by the fields that are kept: `Name<'a> { NUMBER field: type, ... }`.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? { $($number:literal $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name $(<$life>)? { $(pub $field: $type,)* }

        impl<'a> $crate::sources::kubernetes::wire::Message<'a> for $name $(<$life>)? {
            fn field(
                &mut self,
                field: $crate::sources::kubernetes::wire::Field<'a>,
            ) -> Result<(), $crate::sources::kubernetes::wire::Malformed> {
                match field.number {
                    $($number => $crate::sources::kubernetes::wire::Slot::set(&mut self.$field, field),)*
                    _ => Ok(()),
                }
            }
        }

        impl<'a> $crate::sources::kubernetes::wire::Slot<'a> for $name $(<$life>)? {
            fn set(
                &mut self,
                field: $crate::sources::kubernetes::wire::Field<'a>,
            ) -> Result<(), $crate::sources::kubernetes::wire::Malformed> {
                *self = $crate::sources::kubernetes::wire::Message::read(field.bytes()?)?;
                Ok(())
            }
        }
    )*};
}

pub(crate) use messages;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    messages! {
        Leaf<'a> { 1 name: Text<'a>, 2 count: Option<i64>, 3 on: bool }
        Tree<'a> { 1 leaf: Leaf<'a>, 2 leaves: Repeated<'a, Leaf<'a>>, 4 raw: &'a [u8] }
    }

    /// `{1: "a", 2: -1, 3: true}` as a peer writes it.
    const LEAF: &[u8] = b"\x0a\x01a\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x18\x01";

    fn nested(number: u8, inner: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(inner.len()).unwrap()];
        out.extend_from_slice(inner);
        out
    }

    #[test]
    fn kept_fields_are_read_and_others_stepped_over() {
        let mut bytes = nested(1, LEAF);
        bytes.extend_from_slice(b"\x7a\x02zz\x81\x01\x01\x02\x03\x04\x05\x06\x07\x08\x85\x01abcd");
        bytes.extend(nested(2, b"\x0a\x01b"));
        bytes.extend(nested(9, b"between"));
        bytes.extend(nested(2, b"\x0a\x02\xffc"));
        bytes.extend(nested(4, b"\x00\x01"));
        let tree = Tree::read(&bytes).unwrap();
        assert_eq!(
            (&*tree.leaf.name, tree.leaf.count, tree.leaf.on),
            ("a", Some(-1), true)
        );
        let names: Vec<_> = tree.leaves.iter().map(|leaf| leaf.unwrap().name).collect();
        assert_eq!(
            names,
            ["b", "\u{fffd}c"],
            "text that is no UTF-8 is mended, not refused"
        );
        assert_eq!(tree.raw, b"\x00\x01");
    }

    #[test]
    fn what_is_cut_off_or_of_another_type_is_refused() {
        let whole = nested(1, LEAF);
        for length in 1..whole.len() {
            assert!(Tree::read(&whole[..length]).is_err(), "{length}");
        }
        assert!(
            Tree::read(b"\x08\x01").is_err(),
            "a number where a message belongs"
        );
        assert!(Tree::read(b"\x0b\x0c").is_err(), "groups");
        assert!(Tree::read(b"\x02\x00").is_err(), "field number nought");
        let overlong = [0xff; 11];
        assert!(varint(&mut &overlong[..]).is_err());
    }

    #[test]
    fn more_values_than_any_object_has_are_an_error_and_not_a_heap() {
        let bytes = nested(2, b"").repeat(MANY + 5);
        let leaves: Vec<_> = Tree::read(&bytes).unwrap().leaves.iter().collect();
        assert_eq!(leaves.len(), MANY + 1);
        assert!(leaves[MANY].is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(tree) = Tree::read(&bytes) {
                prop_assert!(tree.leaves.iter().count() <= bytes.len());
            }
        }
    }
}
