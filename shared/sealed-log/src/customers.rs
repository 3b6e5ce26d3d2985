//! Whose leaves a batch has, without saying whose: a tree of the customers of the batch, in order of their labels, the
//! root of which is an entry of the log itself. It shows of one customer which leaves of the batch are theirs, or that none
//! is, and tells nothing about the others.
//!
//! A row is `label || leaves`, both keyed hashes by the customer's [`LabelKey`]: the label of the place where the batch
//! begins, the second one also of the index and the commitment of each of their leaves. The tree is that of RFC 6962 over
//! the rows. The last entry of each batch is `SHA-256(header)`, see [`Header`]: which leaves the batch has, of which day,
//! the root of its customers, and the entry that ended the batch before. So the last entry of a log commits to all headers,
//! and they say of every leaf which batch it is in.

use crate::{Commitment, CommitmentSecret};
use hmac::{Hmac, Mac};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt};
use tlog::{Edge, Hash, leaf_hash};

const PURPOSE: &[u8] = b"shopify-exstream customer labels/1";

/// Bytes of a row.
pub(crate) const ROW_BYTES: usize = 64;

/// What a customer's labels are made with. Whoever has it can tell in which batches the customer is; it does not lead to
/// the secret that it follows from, nor to a salt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelKey(pub [u8; 32]);

/// Where a customer is in the tree of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(pub [u8; ROW_BYTES]);

/// The tree of a batch as the batch names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customers {
    /// How many rows it has.
    pub count: u64,
    /// In base64.
    pub root: String,
}

/// What the last entry of a batch is the hash of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The log.
    pub origin: &'a str,
    /// The last entry of the batch before; zeroes for the first batch.
    pub previous: [u8; 32],
    /// The day in the records' keys.
    pub date: Date,
    /// The index of the first leaf.
    pub start: u64,
    /// How many leaves there are, without this entry.
    pub leaves: u64,
    /// Whose they are.
    pub customers: &'a Customers,
}

impl LabelKey {
    /// What the labels of the customer with this secret are made with.
    pub fn of(secret: &CommitmentSecret) -> Self {
        Self(secret.keyed_hash(PURPOSE, &[]))
    }

    /// By what this customer's row is placed among those of the batch that begins at `start`, whether it is there or not.
    pub fn label(&self, start: u64) -> [u8; 32] {
        keyed(&self.0, &[b"label", &start.to_be_bytes()])
    }

    /// The customer's row in the batch that begins at `start`, with their `leaves` in the order of the log.
    pub fn row(&self, start: u64, leaves: &[(u64, Commitment)]) -> Row {
        let leaves: Vec<u8> = leaves
            .iter()
            .flat_map(|(index, commitment)| [index.to_be_bytes().as_slice(), &commitment.0].concat())
            .collect();
        let leaves = keyed(&self.0, &[b"leaves", &start.to_be_bytes(), &leaves]);
        let mut row = [0; ROW_BYTES];
        let (first, second) = row.split_at_mut(32);
        first.copy_from_slice(&self.label(start));
        second.copy_from_slice(&leaves);
        Row(row)
    }
}

impl Row {
    /// By which rows are in order.
    pub fn label(&self) -> &[u8] {
        self.0.get(..32).unwrap_or_default()
    }

    /// As a leaf of the tree.
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.0)
    }
}

impl fmt::Debug for LabelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LabelKey(***)")
    }
}

/// SHA-256 takes keys of any length.
#[allow(clippy::expect_used)]
fn keyed(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The rows of a batch, in order.
pub(crate) fn rows(start: u64, leaves: impl Iterator<Item = (LabelKey, Commitment)>) -> Vec<Row> {
    let mut of_customer: BTreeMap<LabelKey, Vec<(u64, Commitment)>> = BTreeMap::new();
    for (index, (key, commitment)) in (start..).zip(leaves) {
        of_customer.entry(key).or_default().push((index, commitment));
    }
    let mut rows: Vec<Row> = of_customer.iter().map(|(key, leaves)| key.row(start, leaves)).collect();
    rows.sort_unstable();
    rows
}

/// The tree over rows.
pub(crate) fn tree(rows: &[Row]) -> Customers {
    let (mut edge, mut whole) = (Edge::empty(), Vec::new());
    for row in rows {
        edge.append(row.leaf(), &mut whole);
        whole.clear();
    }
    Customers { count: edge.size(), root: edge.root().to_string() }
}

impl Header<'_> {
    /// The entry.
    pub fn entry(&self) -> Commitment {
        Commitment(Sha256::digest(self.to_string()).into())
    }
}

/// The text that is hashed.
impl fmt::Display for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, previous, date, start, leaves, customers: Customers { count, root } } = self;
        writeln!(f, "shopify-exstream batch/1\n{origin}\nprevious {}\ndate {date}", hex::encode(previous))?;
        writeln!(f, "leaves {start} {leaves}\ncustomers {count} {root}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A change would leave every proof of before without its row.
    #[test]
    fn the_row_and_the_header_are_fixed() {
        let key = LabelKey::of(&CommitmentSecret::from_bytes(&[7; 32]).unwrap());
        let row = key.row(5, &[(5, Commitment([1; 32])), (9, Commitment([2; 32]))]);
        assert_ne!(
            row,
            key.row(5, &[(9, Commitment([2; 32])), (5, Commitment([1; 32]))]),
            "the order counts"
        );
        assert_eq!(row.label(), key.row(5, &[]).label());
        assert_ne!(row.label(), key.row(6, &[]).label(), "a label is of one batch");
        let customers = tree(&[row]);
        let header = Header {
            origin: "archive/log/acme.myshopify.com",
            previous: [0; 32],
            date: "2026-11-27".parse().unwrap(),
            start: 5,
            leaves: 9,
            customers: &customers,
        };
        let text = header.to_string();
        assert!(
            text.starts_with("shopify-exstream batch/1\narchive/log/acme.myshopify.com\nprevious 0000"),
            "{text}"
        );
        assert!(text.contains("\ndate 2026-11-27\nleaves 5 9\ncustomers 1 "), "{text}");
    }

    #[test]
    fn a_label_key_does_not_print() {
        assert_eq!(format!("{:?}", LabelKey([7; 32])), "LabelKey(***)");
    }
}
