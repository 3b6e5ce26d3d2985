//! Collects the proof that these are all communications of a customer: see [`crate::completeness`].

use crate::{
    Batch, Entry, LabelKey, LogError, LogReader, Row, Salt,
    completeness::{Completeness, Neighbour, Place, ShownBatch, ShownLeaf},
    customers::{ROW_BYTES, tree},
    log::{checkpoint_of, customers_key, folder, latest_key},
};
use comms::ShopDomain;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use std::ops::Range;
use tlog::{Checkpoint, TlogProof, VerifierKey, inclusion};

/// How many objects are read at once.
const READS_AT_ONCE: usize = 16;

/// What is shown of a customer.
#[derive(Debug)]
pub struct CustomerProof {
    /// The proof.
    pub completeness: Completeness,
    /// Of the log's last leaf.
    pub proof: TlogProof,
    /// The key that the log names as its own.
    pub key: VerifierKey,
}

impl LogReader<'_> {
    /// The proof of all leaves that are the customer's whose label key it is, of the days `from` to `to`. `salt_of` knows
    /// which entries are the customer's; it is asked for those of the batches in which the customer is.
    ///
    /// # Errors
    /// S3 did not answer, the log contradicts itself, or `salt_of` does not know all of the customer's entries.
    pub async fn prove_customer(
        &self,
        shop: &ShopDomain,
        label_key: &LabelKey,
        (from, to): (Date, Date),
        salt_of: impl AsyncFn(&Entry) -> Result<Option<Salt>, LogError>,
    ) -> Result<CustomerProof, LogError> {
        let key = self.key(shop).await?;
        let name = latest_key(shop);
        let note = self.store().need(&name).await?;
        let checkpoint = checkpoint_of(&name, &note, &key)?;
        let (mut batches, mut leaves) = (Vec::new(), Vec::new());
        for batch in self.batches(shop, &checkpoint).await? {
            let mut place = None;
            if (from..=to).contains(&batch.date) {
                let (found, own) = self.place(shop, &batch, label_key, &salt_of).await?;
                place = Some(found);
                leaves.extend(own);
            }
            let Batch { date, start, customers, entries, .. } = batch;
            batches.push(ShownBatch { date, start, leaves: entries.len() as u64, customers, place });
        }
        let last = checkpoint.size.checked_sub(1);
        let last = last.ok_or_else(|| LogError::contradiction(&name, "the log is empty"))?;
        let proof = self.inclusion(shop, last, &checkpoint, &note).await?;
        let label_key = hex::encode(label_key.0);
        let completeness = Completeness { v: 1, from, to, label_key, batches, leaves };
        Ok(CustomerProof { completeness, proof, key })
    }

    /// All batches up to a checkpoint, in order.
    async fn batches(&self, shop: &ShopDomain, checkpoint: &Checkpoint) -> Result<Vec<Batch>, LogError> {
        let keys = self.store().list(&format!("{}batch/", folder(shop))).await?;
        let read = |key: String| async move {
            let bytes = self.store().need(&key).await?;
            Batch::read(&bytes, shop).ok_or_else(|| LogError::contradiction(key, "it is no batch"))
        };
        let batches: Vec<Batch> = stream::iter(keys).map(read).buffered(READS_AT_ONCE).try_collect().await?;
        Ok(batches.into_iter().filter(|batch| batch.start < checkpoint.size).collect())
    }

    /// Where the customer is in a batch, and their leaves.
    async fn place(
        &self,
        shop: &ShopDomain,
        batch: &Batch,
        label_key: &LabelKey,
        salt_of: &impl AsyncFn(&Entry) -> Result<Option<Salt>, LogError>,
    ) -> Result<(Place, Vec<ShownLeaf>), LogError> {
        let name = customers_key(shop, batch.start, &batch.customers)?;
        let file = self.store().need(&name).await?;
        let (rows, rest) = file.as_chunks::<ROW_BYTES>();
        let rows: Vec<Row> = rows.iter().copied().map(Row).collect();
        if !rest.is_empty() || tree(&rows) != batch.customers {
            return Err(LogError::contradiction(name, "it is not the tree that the batch names"));
        }
        let label = label_key.label(batch.start);
        let neighbour = |at: usize| {
            let row = rows.get(at)?;
            Some(Box::new(Neighbour { index: at as u64, row: hex::encode(row.0), hashes: way(&rows, at)? }))
        };
        let Ok(at) = rows.binary_search_by(|row| row.label().cmp(label.as_slice())) else {
            let after = rows.partition_point(|row| row.label() < label.as_slice());
            let before = after.checked_sub(1).and_then(neighbour);
            return Ok((Place::Absent { before, after: neighbour(after) }, Vec::new()));
        };
        let (mut leaves, mut own) = (Vec::new(), Vec::new());
        for (index, entry) in (batch.start..).zip(&batch.entries) {
            let Some(salt) = salt_of(entry).await? else { continue };
            own.push((index, entry.commitment));
            let Entry { communication, object, .. } = entry.clone();
            leaves.push(ShownLeaf { index, communication, object, salt: hex::encode(salt.0) });
        }
        if rows.get(at) != Some(&label_key.row(batch.start, &own)) {
            let why = "the ledger does not know all communications of this customer that are in it";
            return Err(LogError::request("proving", format!("the batch at {}", batch.start), why));
        }
        let hashes = way(&rows, at).ok_or_else(|| LogError::contradiction(name, "it has no such row"))?;
        Ok((Place::Present { index: at as u64, hashes }, leaves))
    }
}

/// The way from a row to the root, in base64.
fn way(rows: &[Row], at: usize) -> Option<Vec<String>> {
    // each hash of the way is the root of the tree over its rows
    let root = |range: &Range<u64>| {
        let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
        Some(tree(rows.get(start..end)?).root)
    };
    inclusion(at as u64, rows.len() as u64).ok()?.iter().map(root).collect()
}
