//! That these are the communications of one customer and no others: what the proof says, and whether it holds. No I/O.
//!
//! The last leaf of the log commits to the headers of all batches, and they to whose leaves each batch has
//! ([`crate::Header`]). For each batch of the days in question the proof shows the customer's row, which says which leaves
//! are theirs, or the two rows between which it would be. The customer's label key is the same in all batches, so no batch
//! can be answered with another customer's label.

use crate::{
    Commitment, Customers, Header, LabelKey, Row, Salt,
    bundle::{key_of, proof_of},
};
use archive::EvidenceRecord;
use comms::CommunicationId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tlog::{Checkpoint, Hash, TlogProof, Unproven, VerifierKey, leaf_hash, verify_inclusion};

/// The name of the part that holds a [`Completeness`].
pub const PART: &str = "completeness.json";
/// The name of the part that proves the log's last leaf.
pub const PROOF: &str = "record.tlog-proof";

/// The proof, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Completeness {
    /// The version of this format: 1.
    pub v: u32,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The customer's label key, in hexadecimal.
    pub label_key: String,
    /// All batches of the log, in its order.
    pub batches: Vec<ShownBatch>,
    /// The customer's leaves in the batches of these days, in the order of the log.
    pub leaves: Vec<ShownLeaf>,
}

/// A batch, and for one of the days in question the customer's place in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownBatch {
    /// The day in its records' keys.
    pub date: Date,
    /// The index of its first leaf.
    pub start: u64,
    /// How many leaves it has, without its last entry.
    pub leaves: u64,
    /// Its tree of customers.
    pub customers: Customers,
    /// None for other days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Where the customer is in a batch, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// The row is there.
    Present {
        /// Its place.
        index: u64,
        /// The way from it to the root, in base64.
        hashes: Vec<String>,
    },
    /// It is not: the rows before and after where it would be, as far as there are any.
    Absent {
        /// The last row with a smaller label.
        before: Option<Box<Neighbour>>,
        /// The first row with a larger label.
        after: Option<Box<Neighbour>>,
    },
}

/// A row of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neighbour {
    /// Its place.
    pub index: u64,
    /// In hexadecimal.
    pub row: String,
    /// The way from it to the root, in base64.
    pub hashes: Vec<String>,
}

/// A leaf of the customer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownLeaf {
    /// Its place in the log.
    pub index: u64,
    /// Whose it is.
    pub communication: CommunicationId,
    /// What the object is called; none for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The salt, in hexadecimal.
    pub salt: String,
}

/// All parts of the proof.
#[derive(Debug, Clone)]
pub struct CustomerBundle {
    /// [`PART`].
    pub completeness: Vec<u8>,
    /// [`PROOF`], with the checkpoint.
    pub proof: Vec<u8>,
    /// [`crate::bundle::names::KEY`].
    pub key: Vec<u8>,
    /// The objects of the leaves, by their index.
    pub objects: BTreeMap<u64, Vec<u8>>,
}

/// What is proved.
#[derive(Debug)]
pub struct Complete {
    /// The records, in the order of the log.
    pub records: Vec<EvidenceRecord>,
    /// The keyed hash that stands for the customer in all of them; none if there is no record.
    pub customer: Option<String>,
    /// The first and the last day.
    pub days: (Date, Date),
    /// The log at the moment of the proof.
    pub checkpoint: Checkpoint,
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Not a key, or not the one that is trusted.
    #[error("log-key.txt: it is not the key of the log")]
    Key,
    /// Not a proof, or a checkpoint that the key did not sign.
    #[error("record.tlog-proof: it has no checkpoint that the key of the log signed")]
    Checkpoint,
    /// Not the format.
    #[error("completeness.json: {0}")]
    Format(&'static str),
    /// They are not those of the log.
    #[error("completeness.json: the batches are not those that the log signed: {0}")]
    Batches(&'static str),
    /// A row is not in the tree of the batch.
    #[error("completeness.json: the batch at {0} has other leaves of this customer: {1}")]
    Rows(u64, Unproven),
    /// A batch of these days without the customer's place, or one that shows nothing.
    #[error("completeness.json: the batch at {0} does not show whether it has leaves of this customer")]
    NotShown(u64),
    /// Another object, another salt, or none.
    #[error("{0}: it is not what the log has at this place")]
    Object(u64),
}

/// Checks everything, and the key against `trusted`, which comes from elsewhere.
///
/// # Errors
/// The first that does not hold.
pub fn check(bundle: &CustomerBundle, trusted: Option<&VerifierKey>) -> Result<Complete, Incomplete> {
    let key = key_of(&bundle.key).ok_or(Incomplete::Key)?;
    if trusted.is_some_and(|trusted| *trusted != key) {
        return Err(Incomplete::Key);
    }
    let (proof, checkpoint) = proof_of(&bundle.proof, &key).ok_or(Incomplete::Checkpoint)?;
    let shown: Completeness =
        serde_json::from_slice(&bundle.completeness).map_err(|_| Incomplete::Format("it is no proof"))?;
    if shown.v != 1 {
        return Err(Incomplete::Format("its version is not known"));
    }
    // of no day there is nothing to prove, and nothing that could be missing
    if shown.from > shown.to {
        return Err(Incomplete::Format("its first day is after its last"));
    }
    let label_key = LabelKey(bytes(&shown.label_key).ok_or(Incomplete::Format("it has no label key"))?);
    headers(&shown, key.name().as_str(), &checkpoint, &proof)?;
    let commitments = commitments(&shown, &bundle.objects)?;
    places(&shown, &label_key, &commitments)?;
    let (records, customer) = records(&shown, &bundle.objects)?;
    Ok(Complete { records, customer, days: (shown.from, shown.to), checkpoint })
}

/// Whether the batches are all that the log has, one after the other, and its last entry commits to them.
fn headers(
    shown: &Completeness,
    origin: &str,
    checkpoint: &Checkpoint,
    proof: &TlogProof,
) -> Result<(), Incomplete> {
    let (mut next, mut previous) = (0u64, [0; 32]);
    for ShownBatch { date, start, leaves, customers, .. } in &shown.batches {
        if *start != next || *leaves == 0 {
            return Err(Incomplete::Batches("they do not follow each other"));
        }
        let header = Header { origin, previous, date: *date, start: *start, leaves: *leaves, customers };
        previous = header.entry().0;
        next = leaves
            .checked_add(1)
            .and_then(|leaves| start.checked_add(leaves))
            .ok_or(Incomplete::Batches("they do not follow each other"))?;
    }
    if next != checkpoint.size || proof.index.checked_add(1) != Some(next) {
        return Err(Incomplete::Batches("they are not as many"));
    }
    verify_inclusion(leaf_hash(&previous), proof.index, checkpoint.size, &proof.hashes, checkpoint.root)
        .map_err(|_| Incomplete::Batches("the last one is not the log's"))
}

/// What the log has to say of each shown leaf.
fn commitments(
    shown: &Completeness,
    objects: &BTreeMap<u64, Vec<u8>>,
) -> Result<Vec<(u64, Commitment)>, Incomplete> {
    let commitment = |leaf: &ShownLeaf| {
        let salt = bytes(&leaf.salt).ok_or(Incomplete::Object(leaf.index))?;
        let object = objects.get(&leaf.index).ok_or(Incomplete::Object(leaf.index))?;
        Ok((leaf.index, Salt(salt).commit(object)))
    };
    let commitments: Vec<_> = shown.leaves.iter().map(commitment).collect::<Result<_, _>>()?;
    if commitments.len() != objects.len() || !commitments.is_sorted_by(|(one, _), (other, _)| one < other) {
        return Err(Incomplete::Format("its leaves are not in order, each once"));
    }
    Ok(commitments)
}

/// Whether each batch of these days has exactly the shown leaves of this customer.
fn places(shown: &Completeness, key: &LabelKey, commitments: &[(u64, Commitment)]) -> Result<(), Incomplete> {
    let mut count = 0;
    for batch in &shown.batches {
        if !(shown.from..=shown.to).contains(&batch.date) {
            continue;
        }
        let end = batch.start.saturating_add(batch.leaves);
        let of_batch: Vec<(u64, Commitment)> =
            commitments.iter().filter(|(index, _)| (batch.start..end).contains(index)).copied().collect();
        count += of_batch.len();
        let root = Hash::from_base64(&batch.customers.root).ok_or(Incomplete::NotShown(batch.start))?;
        let tree = Tree { start: batch.start, size: batch.customers.count, root };
        match &batch.place {
            None => return Err(Incomplete::NotShown(batch.start)),
            Some(Place::Present { index, hashes }) => {
                tree.has(&key.row(batch.start, &of_batch), *index, hashes)?;
            }
            Some(Place::Absent { before, after }) => {
                if !of_batch.is_empty() {
                    return Err(Incomplete::NotShown(batch.start));
                }
                tree.has_none(&key.label(batch.start), before.as_deref(), after.as_deref())?;
            }
        }
    }
    if count == commitments.len() { Ok(()) } else { Err(Incomplete::Format("it has leaves of other days")) }
}

/// The customers of a batch.
struct Tree {
    start: u64,
    size: u64,
    root: Hash,
}

impl Tree {
    fn has(&self, row: &Row, index: u64, hashes: &[String]) -> Result<(), Incomplete> {
        let hashes: Option<Vec<Hash>> = hashes.iter().map(|hash| Hash::from_base64(hash)).collect();
        let hashes = hashes.ok_or(Incomplete::NotShown(self.start))?;
        verify_inclusion(row.leaf(), index, self.size, &hashes, self.root)
            .map_err(|error| Incomplete::Rows(self.start, error))
    }

    /// The neighbours are in the tree, next to each other or at its ends, and the label is between theirs.
    fn has_none(
        &self,
        label: &[u8; 32],
        before: Option<&Neighbour>,
        after: Option<&Neighbour>,
    ) -> Result<(), Incomplete> {
        let not_shown = || Incomplete::NotShown(self.start);
        let mut row = |neighbour: &Neighbour| {
            let row = Row(bytes(&neighbour.row).ok_or_else(not_shown)?);
            self.has(&row, neighbour.index, &neighbour.hashes)?;
            Ok(row)
        };
        let (first, second) = (before.map(&mut row).transpose()?, after.map(&mut row).transpose()?);
        let is_between = first.is_none_or(|row| row.label() < label.as_slice())
            && second.is_none_or(|row| row.label() > label.as_slice());
        let is_adjacent = match (before, after) {
            (Some(before), Some(after)) => before.index.checked_add(1) == Some(after.index),
            (Some(before), None) => before.index.checked_add(1) == Some(self.size),
            (None, Some(after)) => after.index == 0,
            (None, None) => false,
        };
        if is_between && is_adjacent { Ok(()) } else { Err(not_shown()) }
    }
}

/// The records, if all name one customer and each is of the communication that the proof says.
fn records(
    shown: &Completeness,
    objects: &BTreeMap<u64, Vec<u8>>,
) -> Result<(Vec<EvidenceRecord>, Option<String>), Incomplete> {
    let (mut records, mut customer) = (Vec::new(), None);
    for leaf in shown.leaves.iter().filter(|leaf| leaf.object.is_none()) {
        let wrong = || Incomplete::Object(leaf.index);
        let json = objects.get(&leaf.index).ok_or_else(wrong)?;
        let record: EvidenceRecord = serde_json::from_slice(json).map_err(|_| wrong())?;
        let named = customer.get_or_insert_with(|| record.customer.clone());
        if record.communication != leaf.communication
            || record.customer.is_none()
            || *named != record.customer
        {
            return Err(wrong());
        }
        records.push(record);
    }
    Ok((records, customer.flatten()))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // in its one form
    hex::decode_to_slice(text, &mut bytes)
        .ok()
        .filter(|()| !text.bytes().any(|byte| byte.is_ascii_uppercase()))?;
    Some(bytes)
}
