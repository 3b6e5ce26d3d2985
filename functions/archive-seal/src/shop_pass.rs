//! One shop's pass: compares what is archived of a day with what is sealed of it, and seals the difference.

use crate::{
    Counts, SealError, Tools, days,
    folders::{self, Folder, Folders, Listing},
    record::{self, Fault, Intact},
    sealed_day::{SealedDay, number},
};
use archive::ArchiveError;
use comms::{ShopDomain, chain};
use futures::{StreamExt, stream};
use jiff::{Timestamp, civil::Date};
use sealed_log::{BATCH_LEAVES, Batch, Entry, LabelKey, LogReader, Owned, Sealed, ShopLog};
use std::collections::BTreeSet;
use tlog::VerifierKey;
use tokio::time::Instant;

/// Records that are read at once. Each waits for S3 for some 20 ms, so fewer would leave the processor idle.
const RECORDS_AT_ONCE: usize = 96;

/// One shop's pass.
pub struct ShopPass<'a> {
    tools: &'a Tools,
    shop: &'a ShopDomain,
    log: ShopLog<'a>,
    counts: &'a mut Counts,
    now: Timestamp,
}

impl<'a> ShopPass<'a> {
    fn sign(&self) -> impl AsyncFn(&str) -> Result<Vec<u8>, SealError> + use<'a> {
        let signer = &self.tools.signer;
        async move |text: &str| signer.sign(text).await
    }

    /// Opens the log and seals what an earlier run left.
    pub async fn begin(
        tools: &'a Tools,
        shop: &'a ShopDomain,
        key: VerifierKey,
        counts: &'a mut Counts,
    ) -> Result<Self, SealError> {
        let now = (tools.clock)();
        let log = ShopLog::open(&tools.store, shop, key).await?;
        let mut pass = Self { tools, shop, log, counts, now };
        pass.counts.sealed += pass.log.resume(pass.sign(), now).await?;
        Ok(pass)
    }

    /// Looks at each day that records may still come to, until no batch is to be begun any more.
    pub async fn days(&mut self, last_batch: Instant) -> Result<(), SealError> {
        for date in days::to_look_at(self.now) {
            if Instant::now() >= last_batch || !self.day(date, last_batch).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Seals what is not sealed of a day. Answers whether it came to the day's end.
    async fn day(&mut self, date: Date, last_batch: Instant) -> Result<bool, SealError> {
        let mut sealed = Vec::new();
        let each = |_, entry: Entry| sealed.push(number(&entry.communication, entry.object.as_deref()));
        LogReader::new(&self.tools.store).sealed_on(self.shop, date, each).await?;
        let mut sealed = SealedDay::of(sealed);
        let mut listing = Listing::new(&self.tools.s3, self.tools.store.bucket(), self.shop, date);
        let mut ready: Vec<Owned> = Vec::new();
        let mut page = listing.next().await?;
        while let Some(folders) = page {
            let unsealed = self.compare(folders, &mut sealed);
            // the next page comes while the records of this one are read
            let (next, entries) = tokio::join!(listing.next(), self.examine(unsealed));
            page = next?;
            ready.extend(entries?);
            while ready.len() >= BATCH_LEAVES {
                if Instant::now() >= last_batch {
                    return Ok(false);
                }
                let batch = ready.drain(..BATCH_LEAVES).collect();
                self.add(date, batch, &mut ready, &mut sealed).await?;
            }
        }
        while !ready.is_empty() {
            let batch = ready.drain(..ready.len().min(BATCH_LEAVES)).collect();
            self.add(date, batch, &mut ready, &mut sealed).await?;
        }
        for communication in sealed.unseen() {
            let communication = format!("{communication:032x}");
            tracing::error!(shop = %self.shop, communication, "its record was sealed and is missing");
            self.counts.missing += 1;
        }
        Ok(true)
    }

    /// Those that are not sealed. Says of those that are that they are still there.
    fn compare(&mut self, folders: Folders, sealed: &mut SealedDay) -> Folders {
        let mut unsealed = Folders::new();
        for (prefix, folder) in folders {
            let Some(communication) = folders::communication(&prefix) else { continue };
            if folder.is_altered {
                tracing::error!(shop = %self.shop, %communication, "something was overwritten or deleted in its folder");
                self.counts.altered += 1;
            }
            // without a record: a worker that died, or is at work right now
            if folder.record_version.is_some() && !sealed.see(number(&communication, None)) {
                unsealed.insert(prefix, folder);
            }
        }
        unsealed
    }

    /// What can be sealed of `folders`, in their order.
    async fn examine(&mut self, folders: Folders) -> Result<Vec<Owned>, SealError> {
        let results: Vec<_> = stream::iter(&folders)
            .map(|(prefix, folder)| self.look(prefix, folder))
            .buffered(RECORDS_AT_ONCE)
            .collect()
            .await;
        let mut intact = Vec::with_capacity(results.len());
        for result in results {
            match result {
                Ok(record) => intact.push(record),
                Err(fault) => self.fault(&fault),
            }
        }
        let owners: BTreeSet<_> = intact.iter().map(|record| record.owner.clone()).collect();
        let secrets = self.tools.secrets.of(self.shop, owners).await?;
        let entry = |record: Intact| {
            let secret = secrets.get(&record.owner)?;
            let salt = secret.salt(&record.communication, None);
            let commitment = salt.commit_hash(record.record_sha256);
            let entry = Entry { communication: record.communication, object: None, commitment };
            Some(Owned { entry, label_key: LabelKey::of(secret) })
        };
        Ok(intact.into_iter().filter_map(entry).collect())
    }

    async fn look(&self, prefix: &str, folder: &Folder) -> Result<Intact, Fault> {
        record::examine(&self.tools.archive, self.shop, prefix, folder).await
    }

    fn fault(&mut self, fault: &Fault) {
        let (shop, reason) = (self.shop, chain(fault));
        match fault {
            // nobody can read it, so nobody can ask for its proof
            Fault::Archive(ArchiveError::Erased { .. }) => tracing::info!(%shop, reason, "not sealed"),
            Fault::Missing(_) => {
                tracing::error!(%shop, reason, "not sealed");
                self.counts.missing += 1;
            }
            Fault::Altered { .. } => {
                tracing::error!(%shop, reason, "not sealed");
                self.counts.altered += 1;
            }
            Fault::Archive(_) => {
                tracing::warn!(%shop, reason, "not sealed yet");
                self.counts.problems += 1;
            }
        }
    }

    /// Makes a batch of leaves. Where another run was faster, what it sealed is not sealed again.
    async fn add(
        &mut self,
        date: Date,
        entries: Vec<Owned>,
        ready: &mut Vec<Owned>,
        sealed: &mut SealedDay,
    ) -> Result<(), SealError> {
        let count = entries.len() as u64;
        // they may come into the next batch; the order of the log is of no matter
        let again = entries.clone();
        match self.log.seal(date, entries, self.sign(), self.now).await? {
            Sealed::Own => self.counts.sealed += count,
            Sealed::Other(Batch { date: other, entries, .. }) => {
                ready.extend(again);
                if other == date {
                    let theirs: BTreeSet<_> =
                        entries.iter().map(|entry| (&entry.communication, &entry.object)).collect();
                    ready.retain(|Owned { entry, .. }| {
                        !theirs.contains(&(&entry.communication, &entry.object))
                    });
                    entries
                        .iter()
                        .for_each(|entry| sealed.add(number(&entry.communication, entry.object.as_deref())));
                }
            }
        }
        Ok(())
    }
}
