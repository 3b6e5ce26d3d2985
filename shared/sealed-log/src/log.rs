//! A log as the one who continues it sees it.

use crate::{
    Batch, Header, LogError, LogStore, Owned, customers,
    store::{If, Object},
};
use comms::ShopDomain;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, civil::Date};
use std::error::Error;
use tlog::{
    Bundle, Checkpoint, Edge, Hash, KeyName, SignedNote, TILE_WIDTH, Tile, VerifierKey, bundle_path,
    bundle_tile, leaf_hash,
};

/// How many objects are written at once.
const WRITES_AT_ONCE: usize = 16;
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const BINARY: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// Where a shop's log is.
pub(crate) fn folder(shop: &ShopDomain) -> String {
    format!("log/{shop}/")
}

/// Where its latest checkpoint is.
pub(crate) fn latest_key(shop: &ShopDomain) -> String {
    format!("{}checkpoint", folder(shop))
}

/// The name of a shop's log, which is also that of the key that signs its checkpoints. Buckets have names that are
/// nobody else's.
///
/// # Errors
/// Never for the names of buckets and shops that there are.
pub fn origin(bucket: &str, shop: &ShopDomain) -> Result<KeyName, LogError> {
    let name = format!("{bucket}/log/{shop}");
    name.parse().map_err(|error| LogError::request("naming", name, error))
}

/// What came of sealing.
#[derive(Debug, PartialEq, Eq)]
pub enum Sealed {
    /// These are the leaves, in this order.
    Own,
    /// Another run had taken the place with its batch, which is sealed now. Nothing of one's own is.
    Other(Batch),
}

/// A shop's log at its latest checkpoint, which was verified against the key and the tiles.
#[derive(Debug)]
pub struct ShopLog<'a> {
    store: &'a LogStore,
    shop: ShopDomain,
    key: VerifierKey,
    edge: Edge,
    /// The entries of the bundle at the right edge; fewer than 256.
    tail: Vec<[u8; 32]>,
    /// The last entry of the log, which ends its last batch; zeroes before the first one.
    last: [u8; 32],
    /// Of the checkpoint; none before the first one.
    e_tag: Option<String>,
}

impl<'a> ShopLog<'a> {
    /// Reads the latest checkpoint and the right edge of the tree.
    ///
    /// # Errors
    /// A checkpoint that the key did not sign, or tiles that do not lead to its root: the log was tampered with, and
    /// nothing is added to it.
    pub async fn open(store: &'a LogStore, shop: &ShopDomain, key: VerifierKey) -> Result<Self, LogError> {
        let name = latest_key(shop);
        let (edge, e_tag) = match store.get(&name).await? {
            None => (Edge::empty(), None),
            Some(Object { bytes, e_tag }) => {
                let checkpoint = checkpoint_of(&name, &bytes, &key)?;
                (edge(store, shop, &checkpoint).await?, Some(e_tag))
            }
        };
        let tail = tail(store, shop, &edge).await?;
        let last = match tail.last() {
            Some(last) => *last,
            None => last_of_whole_tiles(store, shop, edge.size()).await?,
        };
        Ok(Self { store, shop: shop.clone(), key, edge, tail, last, e_tag })
    }

    /// How many leaves are sealed.
    pub const fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Seals what an earlier run left: batches that have their place and no checkpoint.
    ///
    /// # Errors
    /// As [`ShopLog::seal`].
    pub async fn resume<E: Error + Send + Sync + 'static>(
        &mut self,
        sign: impl AsyncFn(&str) -> Result<Vec<u8>, E>,
        now: Timestamp,
    ) -> Result<u64, LogError> {
        let before = self.size();
        while let Some(batch) = self.batch_at(self.size()).await? {
            self.finish(&batch, &sign, now).await?;
        }
        Ok(self.size() - before)
    }

    /// Makes `entries`, which are of one day, the next leaves, and what says whose they are the one after them.
    ///
    /// # Errors
    /// Nothing is lost by one: what has its place is sealed by the next run.
    pub async fn seal<E: Error + Send + Sync + 'static>(
        &mut self,
        date: Date,
        entries: Vec<Owned>,
        sign: impl AsyncFn(&str) -> Result<Vec<u8>, E>,
        now: Timestamp,
    ) -> Result<Sealed, LogError> {
        let start = self.size();
        let leaves = entries.iter().map(|owned| (owned.label_key, owned.entry.commitment));
        let rows = customers::rows(start, leaves);
        let customers = customers::tree(&rows);
        // before the batch: whoever finds the batch finds what it names. Where another run is faster, nothing names it
        let file = customers_key(&self.shop, start, &customers)?;
        let bytes = rows.iter().flat_map(|row| row.0).collect();
        self.store.put_once(&file, bytes, BINARY, now).await?;
        let entries = entries.into_iter().map(|owned| owned.entry).collect();
        let batch = Batch { v: Batch::VERSION, shop: self.shop.clone(), start, date, customers, entries };
        let key = self.batch_key(start);
        let json = json(&key, &batch)?;
        let is_own = self.store.put(&key, json, JSON, If::Absent, now).await?.is_some();
        let batch = if is_own {
            batch
        } else {
            self.batch_at(start).await?.ok_or_else(|| LogError::Missing(key.clone()))?
        };
        self.finish(&batch, &sign, now).await?;
        Ok(if is_own { Sealed::Own } else { Sealed::Other(batch) })
    }

    fn batch_key(&self, start: u64) -> String {
        format!("{}batch/{start:020}", folder(&self.shop))
    }

    async fn batch_at(&self, start: u64) -> Result<Option<Batch>, LogError> {
        let key = self.batch_key(start);
        let Some(object) = self.store.get(&key).await? else { return Ok(None) };
        let batch = Batch::read(&object.bytes, &self.shop).filter(|batch| batch.start == start);
        batch.map(Some).ok_or_else(|| LogError::contradiction(key, "it is no batch of this place"))
    }

    /// Writes everything that follows from a batch, the checkpoint last.
    async fn finish<E: Error + Send + Sync + 'static>(
        &mut self,
        batch: &Batch,
        sign: &impl AsyncFn(&str) -> Result<Vec<u8>, E>,
        now: Timestamp,
    ) -> Result<(), LogError> {
        let (store, folder) = (self.store, folder(&self.shop));
        let (mut edge, mut tail, mut files) = (self.edge.clone(), self.tail.clone(), Vec::new());
        let mut whole = Vec::new();
        let own = header(self.key.name().as_str(), self.last, batch).entry();
        for commitment in batch.entries.iter().map(|entry| entry.commitment).chain([own]) {
            edge.append(leaf_hash(&commitment.0), &mut whole);
            tail.push(commitment.0);
            if edge.size() % TILE_WIDTH == 0 {
                let tile = Tile { level: 0, index: edge.size() / TILE_WIDTH - 1, width: 256 };
                files.push((bundle_path(tile), bundle(&std::mem::take(&mut tail))?, BINARY));
            }
        }
        if let Ok(width @ 1..) = u16::try_from(tail.len()) {
            let tile = Tile { level: 0, index: edge.size() / TILE_WIDTH, width };
            files.push((bundle_path(tile), bundle(&tail)?, BINARY));
        }
        whole.extend(edge.partial());
        files.extend(whole.into_iter().map(|(tile, file)| (tile.path(), file, BINARY)));
        let index = format!("index/{}/{:020}", batch.date, batch.start);
        files.push((index.clone(), json(&index, batch)?, JSON));
        if self.e_tag.is_none() {
            files.push(("key".to_owned(), format!("{}\n", self.key).into_bytes(), TEXT));
        }
        stream::iter(files)
            .map(|(path, file, media_type)| {
                let key = format!("{folder}{path}");
                async move { store.put_once(&key, file, media_type, now).await }
            })
            .buffer_unordered(WRITES_AT_ONCE)
            .try_collect::<()>()
            .await?;
        let e_tag = self.commit(&edge, sign, now).await?;
        (self.edge, self.tail, self.last, self.e_tag) = (edge, tail, own.0, Some(e_tag));
        Ok(())
    }

    /// Signs and publishes the checkpoint of `edge`. The answer to the put may have been lost, or another run may have
    /// published the same one: that is as good as done.
    async fn commit<E: Error + Send + Sync + 'static>(
        &self,
        edge: &Edge,
        sign: &impl AsyncFn(&str) -> Result<Vec<u8>, E>,
        now: Timestamp,
    ) -> Result<String, LogError> {
        let (origin, size, root) = (self.key.name().clone(), edge.size(), edge.root());
        let text = Checkpoint { origin, size, root }.to_string();
        let key = latest_key(&self.shop);
        let signature =
            sign(&text).await.map_err(|error| LogError::request("signing", key.as_str(), error))?;
        let note = self.key.note(text.clone(), &signature);
        let note = note.map_err(|error| LogError::request("signing", key.as_str(), error))?;
        let condition = self.e_tag.as_deref().map_or(If::Absent, If::Unchanged);
        let put = self.store.put(&key, note.to_string().into_bytes(), TEXT, condition, now).await?;
        if let Some(e_tag) = put {
            return Ok(e_tag);
        }
        let there = self.store.get(&key).await?.ok_or_else(|| LogError::Missing(key.clone()))?;
        let published = checkpoint_of(&key, &there.bytes, &self.key)?;
        if published.to_string() == text {
            return Ok(there.e_tag);
        }
        // a longer log that contradicts this one is found by whoever opens it next
        if published.size > size {
            Err(LogError::Overtaken)
        } else {
            Err(LogError::contradiction(key, "it contradicts the batches"))
        }
    }
}

/// What the last entry of a batch is the hash of, by the last entry of the batch before.
pub(crate) const fn header<'a>(origin: &'a str, previous: [u8; 32], batch: &'a Batch) -> Header<'a> {
    let leaves = batch.entries.len() as u64;
    Header { origin, previous, date: batch.date, start: batch.start, leaves, customers: &batch.customers }
}

/// Where the rows of a batch's customers are.
pub(crate) fn customers_key(
    shop: &ShopDomain,
    start: u64,
    customers: &crate::Customers,
) -> Result<String, LogError> {
    let root = Hash::from_base64(&customers.root).map(|root| hex::encode(root.0));
    let root = root.ok_or_else(|| LogError::contradiction(folder(shop), "a batch names no root"))?;
    Ok(format!("{}customers/{start:020}/{root}", folder(shop)))
}

/// The last entry of a log that consists of whole tiles.
async fn last_of_whole_tiles(store: &LogStore, shop: &ShopDomain, size: u64) -> Result<[u8; 32], LogError> {
    let Some(index) = size.checked_sub(1) else { return Ok([0; 32]) };
    let tile =
        bundle_tile(index, size).ok_or_else(|| LogError::contradiction(folder(shop), "it has no end"))?;
    let entries = bundle_entries(store, shop, tile).await?;
    entries.last().copied().ok_or_else(|| LogError::contradiction(folder(shop), "it has no end"))
}

/// The checkpoint of a note that the key signed, for its log.
pub(crate) fn checkpoint_of(name: &str, note: &[u8], key: &VerifierKey) -> Result<Checkpoint, LogError> {
    let wrong = |what| LogError::contradiction(name, what);
    let note = std::str::from_utf8(note).map_err(|_| wrong("it is no text"))?;
    let note: SignedNote = note.parse().map_err(|_| wrong("it is no signed note"))?;
    let text = key.verify(&note).map_err(|_| wrong("the key of the log did not sign it"))?;
    let checkpoint: Checkpoint = text.parse().map_err(|_| wrong("it is no checkpoint"))?;
    if checkpoint.origin == *key.name() { Ok(checkpoint) } else { Err(wrong("it is of another log")) }
}

async fn edge(store: &LogStore, shop: &ShopDomain, checkpoint: &Checkpoint) -> Result<Edge, LogError> {
    let mut files = Vec::new();
    for tile in Edge::tiles_of(checkpoint.size) {
        files.push((tile, store.need(&format!("{}{}", folder(shop), tile.path())).await?));
    }
    let files = files.iter().map(|(tile, file)| (*tile, file.as_slice()));
    let edge = Edge::read(checkpoint.size, files)
        .map_err(|error| LogError::contradiction(error.path, "it has another length than its name says"))?;
    if edge.root() == checkpoint.root {
        Ok(edge)
    } else {
        Err(LogError::contradiction(folder(shop), "its tiles lead to another root than its checkpoint says"))
    }
}

async fn tail(store: &LogStore, shop: &ShopDomain, edge: &Edge) -> Result<Vec<[u8; 32]>, LogError> {
    let Some(tile) = Edge::tiles_of(edge.size()).into_iter().find(|tile| tile.level == 0) else {
        return Ok(Vec::new());
    };
    bundle_entries(store, shop, tile).await
}

/// The entries of a bundle, each of 32 bytes.
async fn bundle_entries(store: &LogStore, shop: &ShopDomain, tile: Tile) -> Result<Vec<[u8; 32]>, LogError> {
    let key = format!("{}{}", folder(shop), bundle_path(tile));
    let file = store.need(&key).await?;
    let entries = Bundle::entries(&file).ok().filter(|entries| entries.len() == usize::from(tile.width));
    let entries = entries.ok_or_else(|| LogError::contradiction(&key, "it is no bundle of this width"))?;
    let tail: Option<Vec<[u8; 32]>> = entries.into_iter().map(|entry| entry.try_into().ok()).collect();
    tail.ok_or_else(|| LogError::contradiction(&key, "an entry has not 32 bytes"))
}

fn bundle(entries: &[[u8; 32]]) -> Result<Vec<u8>, LogError> {
    let mut bundle = Bundle::default();
    for entry in entries {
        bundle.push(entry).map_err(|error| LogError::request("bundling", "entries", error))?;
    }
    Ok(bundle.into_bytes())
}

fn json(key: &str, batch: &Batch) -> Result<Vec<u8>, LogError> {
    serde_json::to_vec(batch).map_err(|error| LogError::request("writing", key, error))
}
