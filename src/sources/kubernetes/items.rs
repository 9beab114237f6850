//! Cuts the items out of a JSON list while it comes: never more than one of them is held.
//!
//! Of JSON it knows strings, brackets and the key `items` of the outermost object. Whether an item
//! makes sense is for whoever reads it.

use std::fmt;

use crate::units::Bytes;

/// More is no item of a list of measurements: a pod of a hundred containers has 20 KB.
const LARGEST: usize = 1 << 20;
/// The key of the items. Of longer keys the beginning is enough.
const ITEMS: &[u8] = b"items";

/// Why a list cannot be read further.
#[derive(Debug)]
pub enum Broken {
    /// Not the JSON of a list, or not all of it.
    Shape(&'static str),
    TooLarge,
    Item(serde_json::Error),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(what) => f.write_str(what),
            Self::TooLarge => write!(f, "an item is larger than {}", Bytes(LARGEST as u64)),
            Self::Item(error) => write!(f, "an item cannot be read: {error}"),
        }
    }
}

/// Where a list that comes in pieces was cut.
#[derive(Debug, Default)]
pub struct Items {
    /// Open brackets: 1 in the list object, 2 between items, 3 in an item.
    depth: u32,
    string: Quoted,
    /// The string that came last in the list object: before a value, its key.
    key: Vec<u8>,
    list: List,
    /// What came of the present item in earlier pieces.
    item: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quoted {
    #[default]
    No,
    Yes,
    /// Behind a backslash.
    Escaped,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum List {
    #[default]
    Ahead,
    Open,
    Told,
    /// The object around it has ended as well.
    Over,
}

impl Items {
    /// Takes the next piece of a list; each item that ends in it goes to `take`, whole.
    ///
    /// # Errors
    /// What is no list, an item that is too large, and what `take` says.
    pub fn feed(
        &mut self,
        piece: &[u8],
        take: &mut impl FnMut(&[u8]) -> serde_json::Result<()>,
    ) -> Result<(), Broken> {
        // Where the present item begins in this piece.
        let mut from = 0;
        for (at, byte) in piece.iter().enumerate() {
            if self.string != Quoted::No {
                self.quoted(*byte);
                continue;
            }
            match byte {
                b'"' => self.quote()?,
                b'{' | b'[' => {
                    self.open(*byte)?;
                    if self.is_in_item() && self.depth == 3 {
                        from = at;
                    }
                }
                b'}' | b']' => {
                    let ends = self.is_in_item() && self.depth == 3;
                    self.close()?;
                    if ends {
                        self.tell(&piece[from..=at], take)?;
                    }
                }
                b' ' | b'\t' | b'\r' | b'\n' => {}
                _ if self.depth == 0 => return Err(Broken::Shape("not JSON")),
                b',' => {}
                _ if self.is_between() => return Err(Broken::Shape("an item that is no object")),
                _ => {}
            }
        }
        if self.is_in_item() {
            self.item.extend_from_slice(&piece[from..]);
        }
        self.check_size()
    }

    /// All of it came.
    ///
    /// # Errors
    /// When the list did not end, or was none.
    pub fn end(self) -> Result<(), Broken> {
        match self.list {
            List::Over => Ok(()),
            _ => Err(Broken::Shape("broke off in the middle of a list")),
        }
    }

    fn is_in_item(&self) -> bool {
        self.list == List::Open && self.depth > 2
    }

    fn is_between(&self) -> bool {
        self.list == List::Open && self.depth == 2
    }

    fn quote(&mut self) -> Result<(), Broken> {
        if self.depth == 0 || self.is_between() {
            return Err(Broken::Shape("not a list of objects"));
        }
        self.string = Quoted::Yes;
        if self.depth == 1 {
            self.key.clear();
        }
        Ok(())
    }

    fn quoted(&mut self, byte: u8) {
        self.string = match (self.string, byte) {
            (Quoted::Yes, b'"') => Quoted::No,
            (Quoted::Yes, b'\\') => Quoted::Escaped,
            _ => Quoted::Yes,
        };
        if self.string != Quoted::No && self.depth == 1 && self.key.len() <= ITEMS.len() {
            self.key.push(byte);
        }
    }

    fn open(&mut self, byte: u8) -> Result<(), Broken> {
        match (self.depth, byte) {
            (0, b'{') if self.list == List::Ahead => {}
            (0, _) => return Err(Broken::Shape("not one JSON object")),
            (1, b'[') if self.key == ITEMS && self.list == List::Ahead => self.list = List::Open,
            (2, b'[') if self.list == List::Open => {
                return Err(Broken::Shape("an item that is no object"));
            }
            _ => {}
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), Broken> {
        let depth = self.depth.checked_sub(1);
        self.depth = depth.ok_or(Broken::Shape("not JSON"))?;
        match (self.depth, self.list) {
            (1, List::Open) => self.list = List::Told,
            (0, List::Told) => self.list = List::Over,
            (0, _) => return Err(Broken::Shape("there are no items")),
            _ => {}
        }
        Ok(())
    }

    fn tell(
        &mut self,
        rest: &[u8],
        take: &mut impl FnMut(&[u8]) -> serde_json::Result<()>,
    ) -> Result<(), Broken> {
        let told = if self.item.is_empty() {
            take(rest)
        } else {
            self.item.extend_from_slice(rest);
            self.check_size()?;
            let told = take(&self.item);
            self.item.clear();
            told
        };
        told.map_err(Broken::Item)
    }

    fn check_size(&self) -> Result<(), Broken> {
        if self.item.len() > LARGEST {
            return Err(Broken::TooLarge);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn cut(body: &[u8], size: usize) -> Result<Vec<Value>, Broken> {
        let mut items = Items::default();
        let mut told = Vec::new();
        for piece in body.chunks(size) {
            items.feed(piece, &mut |item| {
                told.push(serde_json::from_slice(item)?);
                Ok(())
            })?;
        }
        items.end().map(|()| told)
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            "[a-z\"\\\\{}\\[\\],: \u{e9}]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"]{0,6}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_items_in_any_pieces_are_cut_where_they_end(
            inner in prop::collection::vec(value(), 0..6),
            before in value(),
            after in value(),
            size in 1_usize..60,
        ) {
            let items: Vec<Value> = inner.into_iter().map(|value| json!({"a": value})).collect();
            let body = format!(
                "{{\"kind\": {before}, \"metadata\":{{\"items\":[1]}},\n\"items\" : {}, \"z\":{after}}} ",
                Value::from(items.clone())
            );
            prop_assert_eq!(cut(body.as_bytes(), size).unwrap(), items);
        }
    }

    #[test]
    fn what_is_no_whole_list_of_objects_is_said_so() {
        for body in [
            "",
            "{}",
            "[]",
            "<html>",
            "{\"items\":null}",
            "{\"items\":{}}",
            "{\"items\":[1]}",
            "{\"items\":[\"a\"]}",
            "{\"items\":[[]]}",
            "{\"items\":[{}]",
            "{\"items\":[{}]}}",
            "{\"items\":[{}]}{",
            "{\"items\":[{\"a\":}]}",
            "{\"kind\":\"items\",\"other\":[{}]}",
        ] {
            for size in [1, 100] {
                assert!(cut(body.as_bytes(), size).is_err(), "{body}");
            }
        }
    }

    #[test]
    fn an_item_without_end_is_given_up() {
        let mut items = Items::default();
        let mut none = |_: &[u8]| Ok(());
        items.feed(b"{\"items\":[{\"a\":\"", &mut none).unwrap();
        let piece = vec![b'x'; 64 << 10];
        let fed = (0..100).find_map(|_| items.feed(&piece, &mut none).err());
        assert!(matches!(fed, Some(Broken::TooLarge)), "{fed:?}");
        assert!(items.item.len() <= LARGEST + piece.len());
    }
}
