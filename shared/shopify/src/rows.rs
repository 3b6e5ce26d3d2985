//! Lists in which one row that cannot be read costs no other.

use crate::{Malformed, decode::decode};
use comms::Gid;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::fmt;

/// A list whose rows are read one by one.
#[derive(Debug)]
pub struct Rows<T> {
    pub read: Vec<T>,
    pub unread: Vec<Unread>,
}

/// A row that cannot be read: which one, if it says so, and where it is not as expected. Nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub id: Option<Gid>,
    pub source: Malformed,
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_ref().map_or("a row without an id", Gid::as_str);
        write!(f, "{id}: {}", self.source)
    }
}

impl<T> Rows<T> {
    /// How many rows the list has.
    pub fn len(&self) -> usize {
        self.read.len() + self.unread.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the rows of an earlier page before these.
    pub(crate) fn follow(&mut self, earlier: Self) {
        self.read.splice(..0, earlier.read);
        self.unread.splice(..0, earlier.unread);
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Named {
            id: Gid,
        }
        let rows = Option::<Vec<Box<RawValue>>>::deserialize(deserializer)?.unwrap_or_default();
        let mut list = Self { read: Vec::with_capacity(rows.len()), unread: Vec::new() };
        for row in &rows {
            match decode(row.get()) {
                Ok(row) => list.read.push(row),
                Err(source) => {
                    let id = decode::<Named>(row.get()).ok().map(|named| named.id);
                    list.unread.push(Unread { id, source });
                }
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Row {
        id: Gid,
        count: u32,
    }

    #[test]
    fn a_row_that_cannot_be_read_is_named_and_the_others_are_read() {
        let text = r#"[{"id":"gid://shopify/Refund/1","count":1},{"id":"gid://shopify/Refund/2","count":"x"},
            null, {"id":7,"count":1},{"id":"gid://shopify/Refund/3","count":3}]"#;
        let rows: Rows<Row> = decode(text).unwrap();
        assert_eq!(rows.read.iter().map(|row| row.count).collect::<Vec<_>>(), [1, 3]);
        let unread: Vec<_> = rows.unread.iter().map(ToString::to_string).collect();
        assert_eq!(
            unread,
            [
                "gid://shopify/Refund/2: `count` has an unexpected type or value",
                "a row without an id: `.` has an unexpected type or value",
                "a row without an id: `id` has an unexpected type or value",
            ]
        );
        assert_eq!(rows.len(), 5);
        assert!(decode::<Rows<Row>>("null").unwrap().is_empty());
        assert!(decode::<Rows<Row>>("{}").is_err());
    }
}
