//! A batch: which records are the leaves from a place in the log on. It names no person and no record's hash, because
//! it outlives what it is about.

use crate::{Commitment, Customers, LabelKey};
use comms::{CommunicationId, ShopDomain};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The most entries of a batch: with its own, sixteen whole tiles.
pub const BATCH_LEAVES: usize = 4095;

/// A locked object that is a leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose it is.
    pub communication: CommunicationId,
    /// What the object is called in the communication's folder; `None` is its record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What the leaf says.
    pub commitment: Commitment,
}

/// An entry with what says in its batch whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The entry.
    pub entry: Entry,
    /// Of the customer whose it is.
    pub label_key: LabelKey,
}

/// Records of one day that became leaves together. The leaf after them is that of the batch itself ([`crate::Header`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The version of this format: 1.
    pub v: u32,
    /// Whose log it is.
    pub shop: ShopDomain,
    /// The index of the first leaf.
    pub start: u64,
    /// The day in the records' keys.
    pub date: Date,
    /// Whose the entries are.
    pub customers: Customers,
    /// In the order of the log.
    pub entries: Vec<Entry>,
}

impl Batch {
    pub(crate) const VERSION: u32 = 1;

    /// From its JSON; none if that is no batch of this shop.
    pub(crate) fn read(json: &[u8], shop: &ShopDomain) -> Option<Self> {
        let batch: Self = serde_json::from_slice(json).ok()?;
        let fits = batch.v == Self::VERSION
            && batch.shop == *shop
            && !batch.entries.is_empty()
            && batch.entries.len() <= BATCH_LEAVES;
        fits.then_some(batch)
    }
}
