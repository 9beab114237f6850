//! A body's bytes as they arrive, cut into what they consist of: frames of a watch, or items of a
//! list, one after the other.
//!
//! A list is cut while it comes, so that no page is ever held whole. Any split of the bytes gives
//! the same pieces. What is larger than any object can be is refused before it is kept.

use super::proto::MAGIC;
use super::wire::varint;

/// Largest frame or item, in bytes. etcd takes no object beyond 1.5 MiB by default.
pub const LARGEST: usize = 16 << 20;
/// A buffer that grew beyond this is given back once it is empty.
const KEPT: usize = 1 << 20;

/// What a body is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Frames with a length before each.
    Watch,
    /// One envelope with a list in it.
    List,
}

/// One piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A `WatchEvent`.
    Frame(&'a [u8]),
    /// A `ListMeta`.
    Meta(&'a [u8]),
    /// An object of a list.
    Item(&'a [u8]),
}

/// Why a body cannot be cut further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Not what the protocol says.
    Garbage,
    /// A piece of this many bytes.
    TooLarge(u64),
}

/// Where in a list the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Magic,
    Envelope,
    /// Within the list, with so many of its bytes to come.
    List(u64),
    /// Behind the list, in the envelope's last fields.
    Behind,
}

/// The cutter of one body after the other.
#[derive(Debug)]
pub struct Cutter {
    shape: Shape,
    at: At,
    buffer: Vec<u8>,
    /// How much of the buffer is cut already.
    done: usize,
}

/// The buffer's next whole piece: bytes before it, its length, and what it is.
struct Found {
    skip: usize,
    length: usize,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Frame,
    Meta,
    Item,
    Nothing,
}

impl Cutter {
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            at: At::Magic,
            buffer: Vec::new(),
            done: 0,
        }
    }

    /// Starts over with another body; what is left of the last is forgotten.
    pub fn restart(&mut self, shape: Shape) {
        self.shape = shape;
        self.at = At::Magic;
        self.done = 0;
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
    }

    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.done > 0 {
            self.buffer.drain(..self.done);
            self.done = 0;
        }
        if self.buffer.is_empty() {
            self.buffer.shrink_to(KEPT);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole piece; `None` until more bytes are fed.
    ///
    /// # Errors
    /// [`Broken`]; nothing can be cut after it.
    pub fn cut(&mut self) -> Result<Option<Piece<'_>>, Broken> {
        loop {
            let found = match self.shape {
                Shape::Watch => self.frame()?,
                Shape::List => self.list()?,
            };
            let Some(Found { skip, length, what }) = found else {
                return Ok(None);
            };
            let from = self.done + skip;
            self.done = from + length;
            let piece = match what {
                What::Nothing => continue,
                What::Frame => Piece::Frame,
                What::Meta => Piece::Meta,
                What::Item => Piece::Item,
            };
            return Ok(Some(piece(&self.buffer[from..from + length])));
        }
    }

    /// Is the body complete where it ends now?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let nothing_left = self.done == self.buffer.len();
        match self.shape {
            Shape::Watch => nothing_left,
            Shape::List => nothing_left && self.at == At::Behind,
        }
    }

    fn frame(&self) -> Result<Option<Found>, Broken> {
        let rest = &self.buffer[self.done..];
        let Some((length, behind)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = within(u64::from(u32::from_be_bytes(*length)))?;
        let found = Found {
            skip: 4,
            length,
            what: What::Frame,
        };
        Ok((behind.len() >= length).then_some(found))
    }

    fn list(&mut self) -> Result<Option<Found>, Broken> {
        let rest = &self.buffer[self.done..];
        if self.at == At::Magic {
            let seen = rest.len().min(MAGIC.len());
            if rest[..seen] != MAGIC[..seen] {
                return Err(Broken::Garbage);
            }
            if seen < MAGIC.len() {
                return Ok(None);
            }
            self.done += MAGIC.len();
            self.at = At::Envelope;
            return self.list();
        }
        let Some((tag, length, skip)) = head(rest)? else {
            return Ok(None);
        };
        // All fields of an envelope and of a list are messages, bytes or texts.
        if tag & 7 != 2 {
            return Err(Broken::Garbage);
        }
        let number = tag >> 3;
        if self.at == At::Envelope && number == 2 {
            self.done += skip;
            self.at = if length == 0 {
                At::Behind
            } else {
                At::List(length)
            };
            return self.list();
        }
        let what = match (self.at, number) {
            (At::List(_), 1) => What::Meta,
            (At::List(_), 2) => What::Item,
            (At::Behind, 2) => return Err(Broken::Garbage),
            _ => What::Nothing,
        };
        let length = within(length)?;
        if rest.len() < skip + length {
            return Ok(None);
        }
        if let At::List(left) = self.at {
            let used = u64::try_from(skip + length).map_err(|_| Broken::Garbage)?;
            let left = left.checked_sub(used).ok_or(Broken::Garbage)?;
            self.at = if left == 0 {
                At::Behind
            } else {
                At::List(left)
            };
        }
        Ok(Some(Found { skip, length, what }))
    }
}

fn within(length: u64) -> Result<usize, Broken> {
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= LARGEST)
        .ok_or(Broken::TooLarge(length))
}

/// Tag and length at the front and how many bytes they take; `None` where they are cut off.
fn head(bytes: &[u8]) -> Result<Option<(u64, u64, usize)>, Broken> {
    let mut rest = bytes;
    let mut one = || match varint(&mut rest) {
        Ok(value) => Ok(Some(value)),
        // Ten bytes hold any number: with fewer it may only be cut off.
        Err(_) if rest.len() < 10 && rest.iter().all(|byte| byte & 0x80 != 0) => Ok(None),
        Err(_) => Err(Broken::Garbage),
    };
    let (Some(tag), Some(length)) = (one()?, one()?) else {
        return Ok(None);
    };
    Ok(Some((tag, length, bytes.len() - rest.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of a body fed in parts of these sizes, owned; the last says how it ended.
    fn cut(shape: Shape, body: &[u8], sizes: &[usize]) -> Vec<String> {
        let mut cutter = Cutter::new(shape);
        let mut out = Vec::new();
        let mut sizes = sizes.iter().cycle();
        let mut rest = body;
        loop {
            loop {
                match cutter.cut() {
                    Ok(Some(piece)) => out.push(format!("{piece:?}")),
                    Ok(None) => break,
                    Err(broken) => {
                        out.push(format!("{broken:?}"));
                        return out;
                    }
                }
            }
            if rest.is_empty() {
                break;
            }
            let size = rest.len().min((*sizes.next().unwrap()).max(1));
            cutter.feed(&rest[..size]);
            rest = &rest[size..];
        }
        out.push(format!("whole: {}", cutter.is_whole()));
        out
    }

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length > 0x7f {
            out.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
            length >>= 7;
        }
        out.push(u8::try_from(length).unwrap());
        out.extend_from_slice(bytes);
        out
    }

    fn list(items: &[Vec<u8>]) -> Vec<u8> {
        let mut raw = field(1, b"meta");
        for item in items {
            raw.extend(field(2, item));
        }
        let mut out = MAGIC.to_vec();
        out.extend(field(1, b"kind"));
        out.extend(field(2, &raw));
        out.extend(field(3, b""));
        out.extend(field(4, b""));
        out
    }

    fn frames(items: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for item in items {
            out.extend(u32::try_from(item.len()).unwrap().to_be_bytes());
            out.extend(item);
        }
        out
    }

    #[test]
    fn a_list_is_its_meta_and_its_items() {
        let pieces = cut(Shape::List, &list(&[b"one".into(), b"".into()]), &[7]);
        let expected = [
            "Meta([109, 101, 116, 97])",
            "Item([111, 110, 101])",
            "Item([])",
            "whole: true",
        ];
        assert_eq!(pieces, expected);
        assert_eq!(cut(Shape::List, b"k8s\0\x12\0", &[9]), ["whole: true"]);
    }

    #[test]
    fn a_list_that_breaks_off_is_not_whole() {
        let whole = list(&[b"one".into(), b"two".into()]);
        // The last four bytes are the envelope's own last fields.
        for length in 0..whole.len() - 4 {
            let pieces = cut(Shape::List, &whole[..length], &[64]);
            assert_eq!(pieces.last().unwrap(), "whole: false", "{length}");
        }
    }

    #[test]
    fn garbage_is_told_from_what_is_only_cut_off() {
        assert_eq!(cut(Shape::List, b"{\"kind\"", &[1]), ["Garbage"]);
        assert_eq!(
            cut(Shape::List, b"k8s\0\x08\x01", &[9]),
            ["Garbage"],
            "no number is there"
        );
        let beyond = b"k8s\0\x12\x03\x12\x05abcde";
        assert_eq!(
            cut(Shape::List, beyond, &[99]),
            ["Garbage"],
            "an item beyond its list"
        );
        assert_eq!(
            cut(
                Shape::List,
                &[b"k8s\0".as_slice(), &[0xff; 20]].concat(),
                &[9]
            ),
            ["Garbage"]
        );
    }

    #[test]
    fn a_piece_beyond_the_limit_is_refused_by_its_length_alone() {
        assert_eq!(
            cut(Shape::Watch, b"\xff\xff\xff\xff", &[4]),
            ["TooLarge(4294967295)"]
        );
        let item = b"k8s\0\x12\xff\xff\xff\xff\x7f\x12\xff\xff\xff\x7f";
        assert_eq!(cut(Shape::List, item, &[99]), ["TooLarge(268435455)"]);
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut cutter = Cutter::new(Shape::Watch);
        cutter.feed(&frames(&[vec![7; 3 << 20]]));
        assert!(cutter.cut().unwrap().is_some());
        cutter.feed(b"\0");
        assert!(
            cutter.buffer.capacity() <= KEPT,
            "{}",
            cutter.buffer.capacity()
        );
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_pieces(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
            sizes in prop::collection::vec(1_usize..40, 1..8),
        ) {
            for (shape, body) in [(Shape::List, list(&items)), (Shape::Watch, frames(&items))] {
                let at_once = cut(shape, &body, &[usize::MAX]);
                prop_assert_eq!(at_once.len(), items.len() + 1 + usize::from(shape == Shape::List));
                prop_assert_eq!(cut(shape, &body, &sizes), at_once);
            }
        }

        #[test]
        fn any_bytes_are_cut_or_refused_the_same_way(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            sizes in prop::collection::vec(1_usize..9, 1..4),
        ) {
            for (shape, body) in [(Shape::Watch, bytes.clone()), (Shape::List, [MAGIC, &bytes[..]].concat())] {
                prop_assert_eq!(cut(shape, &body, &sizes), cut(shape, &body, &[usize::MAX]));
            }
        }
    }
}
