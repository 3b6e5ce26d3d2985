//! A log as somebody sees it who asks for proof: where a record is, and that it is there.

use crate::{
    Batch, Commitment, Entry, LogError, LogStore,
    log::{checkpoint_of, folder, latest_key, origin},
    time::{StampedCheckpoint, first_stamped},
};
use comms::{CommunicationId, ShopDomain};
use futures::{StreamExt, stream};
use jiff::civil::Date;
use std::{collections::BTreeMap, ops::Range};
use tlog::{
    Checkpoint, Hash, Tiles, TlogProof, VerifierKey, consistency, inclusion, leaf_hash, tiles_for,
    verify_inclusion,
};

/// How many objects are read at once.
const READS_AT_ONCE: usize = 4;

/// Reads logs.
#[derive(Debug)]
pub struct LogReader<'a> {
    store: &'a LogStore,
}

/// A leaf that is proved to be in the log.
#[derive(Debug)]
pub struct Inclusion {
    /// What the leaf says.
    pub commitment: Commitment,
    /// The proof: with the first checkpoint that was time-stamped, and the latest one where none has it yet.
    pub proof: TlogProof,
    /// The key that the log names as its own. Who checks compares it with what they know of the key.
    pub key: VerifierKey,
    /// The checkpoint of the proof with its time-stamps; none where it has none.
    pub stamped: Option<StampedCheckpoint>,
}

impl<'a> LogReader<'a> {
    /// Of the logs in a bucket.
    pub const fn new(store: &'a LogStore) -> Self {
        Self { store }
    }

    /// What is sealed of the records of a day: each entry with its index, in the order of the log.
    ///
    /// # Errors
    /// S3 did not answer, or an object is no index.
    pub async fn sealed_on(
        &self,
        shop: &ShopDomain,
        date: Date,
        mut each: impl FnMut(u64, Entry),
    ) -> Result<(), LogError> {
        let keys = self.store.list(&format!("{}index/{date}/", folder(shop))).await?;
        let read = |key: String| async move { Ok::<_, LogError>((self.store.need(&key).await?, key)) };
        // each is half a megabyte
        let mut files = stream::iter(keys).map(read).buffered(READS_AT_ONCE);
        while let Some(file) = files.next().await {
            let (bytes, key) = file?;
            let start: Option<u64> = key.rsplit_once('/').and_then(|(_, start)| start.parse().ok());
            let batch = Batch::read(&bytes, shop)
                .filter(|batch| batch.date == date && Some(batch.start) == start)
                .ok_or_else(|| LogError::contradiction(&key, "it is no index"))?;
            (batch.start..).zip(batch.entries).for_each(|(index, entry)| each(index, entry));
        }
        Ok(())
    }

    /// The proof that an object of a communication is in the log, `None` for its record; none if it is not sealed yet.
    ///
    /// # Errors
    /// S3 did not answer, or the log contradicts itself.
    pub async fn prove(
        &self,
        shop: &ShopDomain,
        date: Date,
        communication: &CommunicationId,
        object: Option<&str>,
    ) -> Result<Option<Inclusion>, LogError> {
        let proofs = self.prove_each(shop, date, communication, |it| it == object).await?;
        Ok(proofs.into_values().next())
    }

    /// The same for all its objects whose names are `wanted`, by these names. What is not sealed yet is not among them.
    ///
    /// # Errors
    /// As [`LogReader::prove`].
    pub async fn prove_each(
        &self,
        shop: &ShopDomain,
        date: Date,
        communication: &CommunicationId,
        wanted: impl Fn(Option<&str>) -> bool,
    ) -> Result<BTreeMap<Option<String>, Inclusion>, LogError> {
        let mut found = Vec::new();
        let each = |index, entry: Entry| {
            if entry.communication == *communication && wanted(entry.object.as_deref()) {
                found.push((index, entry));
            }
        };
        self.sealed_on(shop, date, each).await?;
        let mut proofs = BTreeMap::new();
        if found.is_empty() {
            return Ok(proofs);
        }
        found.sort_unstable_by_key(|(index, _)| *index);
        let key = self.key(shop).await?;
        let mut stamped: Option<StampedCheckpoint> = None;
        for (index, Entry { object, commitment, .. }) in found {
            let leaf = (index, commitment);
            if let Some(inclusion) = self.prove_entry(shop, date, &key, leaf, stamped.as_ref()).await? {
                stamped.clone_from(&inclusion.stamped);
                proofs.insert(object, inclusion);
            }
        }
        Ok(proofs)
    }

    /// None where it is indexed, and its checkpoint not published yet. `before` is the stamped checkpoint of a leaf before it:
    /// no earlier one has this leaf.
    async fn prove_entry(
        &self,
        shop: &ShopDomain,
        date: Date,
        key: &VerifierKey,
        (index, commitment): (u64, Commitment),
        before: Option<&StampedCheckpoint>,
    ) -> Result<Option<Inclusion>, LogError> {
        let name = latest_key(shop);
        let covers =
            |note: &[u8]| -> Result<bool, LogError> { Ok(index < checkpoint_of(&name, note, key)?.size) };
        let stamped = match before {
            Some(before) if covers(&before.checkpoint)? => Some(before.clone()),
            _ => first_stamped(self.store, shop, date, covers).await?,
        };
        let note = match &stamped {
            Some(stamped) => stamped.checkpoint.clone(),
            None => self.store.need(&name).await?,
        };
        let checkpoint = checkpoint_of(&name, &note, key)?;
        if index >= checkpoint.size {
            return Ok(None);
        }
        let proof = self.inclusion(shop, index, &checkpoint, &note).await?;
        let leaf = leaf_hash(&commitment.0);
        verify_inclusion(leaf, index, checkpoint.size, &proof.hashes, checkpoint.root).map_err(|_| {
            LogError::contradiction(folder(shop), "its tiles do not prove an entry of its index")
        })?;
        Ok(Some(Inclusion { commitment, proof, key: key.clone(), stamped }))
    }

    /// The proof that the leaf at `index` is in the log of a checkpoint, with the `note` that the checkpoint was read from.
    pub(crate) async fn inclusion(
        &self,
        shop: &ShopDomain,
        index: u64,
        checkpoint: &Checkpoint,
        note: &[u8],
    ) -> Result<TlogProof, LogError> {
        let contradiction = |what| LogError::contradiction(folder(shop), what);
        let ranges = inclusion(index, checkpoint.size).map_err(|_| contradiction("it has no such leaf"))?;
        let hashes = self.hashes(shop, &ranges, checkpoint.size).await?;
        let text = String::from_utf8_lossy(note);
        let checkpoint = text.parse().map_err(|_| contradiction("its checkpoint is no signed note"))?;
        Ok(TlogProof { index, hashes, checkpoint })
    }

    pub(crate) const fn store(&self) -> &LogStore {
        self.store
    }

    pub(crate) async fn key(&self, shop: &ShopDomain) -> Result<VerifierKey, LogError> {
        let name = format!("{}key", folder(shop));
        let bytes = self.store.need(&name).await?;
        let key =
            std::str::from_utf8(&bytes).ok().and_then(|text| text.trim_end().parse::<VerifierKey>().ok());
        let origin = origin(self.store.bucket(), shop)?;
        let key = key.filter(|key| *key.name() == origin);
        key.ok_or_else(|| LogError::contradiction(name, "it is no key of this log"))
    }

    /// The proof that the log of `size` leaves begins with that of `old` leaves.
    ///
    /// # Errors
    /// S3 did not answer, or the log has not so many leaves.
    pub async fn consistency(&self, shop: &ShopDomain, old: u64, size: u64) -> Result<Vec<Hash>, LogError> {
        let ranges = consistency(old, size)
            .map_err(|_| LogError::contradiction(folder(shop), "it has no checkpoint of this size"))?;
        self.hashes(shop, &ranges, size).await
    }

    async fn hashes(
        &self,
        shop: &ShopDomain,
        ranges: &[Range<u64>],
        size: u64,
    ) -> Result<Vec<Hash>, LogError> {
        let contradiction = |what| LogError::contradiction(folder(shop), what);
        let mut tiles = Tiles::default();
        for tile in tiles_for(ranges, size) {
            let file = self.store.need(&format!("{}{}", folder(shop), tile.path())).await?;
            let hashes = tile.hashes(&file).ok_or_else(|| contradiction("a tile has another length"))?;
            tiles.insert(tile, hashes);
        }
        let hashes = ranges.iter().map(|range| tiles.hash(range)).collect::<Result<_, _>>();
        hashes.map_err(|_| contradiction("a tile is missing"))
    }
}
