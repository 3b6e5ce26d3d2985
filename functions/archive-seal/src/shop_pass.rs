//! One shop's pass: compares what is archived of a day with what is sealed of it, and seals the difference.

use crate::{
    Counts, SealError, Tools, days,
    folders::{self, Folder, Folders, Listing},
    leaf::{self, Leaf},
    record::{self, Fault},
    sealed_day::{SealedDay, number},
};
use archive::{ArchiveError, fact_name};
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
            // in the time that is left for it, what was read is sealed: each pass gets on, however slow the archive is
            let is_late = Instant::now() >= last_batch;
            while ready.len() >= BATCH_LEAVES || (is_late && !ready.is_empty()) {
                let batch = ready.drain(..ready.len().min(BATCH_LEAVES)).collect();
                self.add(date, batch, &mut ready, &mut sealed).await?;
            }
            if is_late && page.is_some() {
                return Ok(false);
            }
        }
        ready.extend(self.access(date, &mut sealed).await?);
        while !ready.is_empty() {
            let batch = ready.drain(..ready.len().min(BATCH_LEAVES)).collect();
            self.add(date, batch, &mut ready, &mut sealed).await?;
        }
        self.unseen(&sealed).await?;
        Ok(true)
    }

    /// Those that are not sealed. Says of those that are that they are still there.
    fn compare(&mut self, folders: Folders, sealed: &mut SealedDay) -> Folders {
        let mut unsealed = Folders::new();
        for (prefix, mut folder) in folders {
            let Some(communication) = folders::communication(&prefix) else { continue };
            if folder.is_altered {
                tracing::error!(shop = %self.shop, %communication, "something was overwritten or deleted in its folder");
                self.counts.altered += 1;
            }
            // without a record: a worker that died, or is at work right now
            if folder.record_version.is_none() {
                continue;
            }
            folder.is_sealed = sealed.see(number(&communication, None));
            let numbers: Vec<_> = folder.facts().into_keys().collect();
            let is_new = |fact: &u32| !sealed.see(number(&communication, Some(&fact_name(*fact))));
            folder.unsealed_facts = numbers.into_iter().filter(is_new).collect();
            if !folder.is_sealed || !folder.unsealed_facts.is_empty() {
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
        self.entries(results.into_iter().flatten().collect()).await
    }

    /// The entries of what can be sealed. Reports the rest.
    async fn entries(&mut self, results: Vec<Result<Leaf, Fault>>) -> Result<Vec<Owned>, SealError> {
        let mut leaves = Vec::with_capacity(results.len());
        for result in results {
            match result {
                Ok(leaf) => leaves.push(leaf),
                Err(fault) => self.fault(&fault),
            }
        }
        let owners: BTreeSet<_> = leaves.iter().map(|leaf| leaf.owner.clone()).collect();
        let secrets = self.tools.secrets.of(self.shop, owners).await?;
        let entry = |Leaf { communication, object, owner, sha256 }: Leaf| {
            let secret = secrets.get(&owner)?;
            let commitment = secret.salt(&communication, object.as_deref()).commit_hash(sha256);
            let entry = Entry { communication, object, commitment };
            Some(Owned { entry, label_key: LabelKey::of(secret) })
        };
        Ok(leaves.into_iter().filter_map(entry).collect())
    }

    /// The record and the facts of a folder that are to be sealed.
    async fn look(&self, prefix: &str, folder: &Folder) -> Vec<Result<Leaf, Fault>> {
        let archive = &self.tools.archive;
        let record = match record::examine(archive, self.shop, prefix, folder).await {
            Ok(record) => record,
            // without its record, a fact is of nothing
            Err(fault) => return vec![Err(fault)],
        };
        let mut leaves = Vec::with_capacity(1 + folder.unsealed_facts.len());
        for number in &folder.unsealed_facts {
            leaves.push(leaf::fact(archive, prefix, folder, *number, &record).await);
        }
        if !folder.is_sealed {
            leaves.push(Ok(record.into()));
        }
        leaves
    }

    /// What is to be sealed of who read something on that day.
    async fn access(&mut self, date: Date, sealed: &mut SealedDay) -> Result<Vec<Owned>, SealError> {
        let (shop, archive) = (self.shop, &self.tools.archive);
        let day = date.strftime("%Y/%m/%d").to_string();
        let prefix = archive::access_folder(shop, &day);
        let mut listing = Listing::below(&self.tools.s3, self.tools.store.bucket(), prefix);
        let mut unsealed = Vec::new();
        while let Some(folders) = listing.next().await? {
            for (prefix, folder) in folders {
                if folder.is_altered {
                    tracing::error!(%shop, reason = prefix, "an entry of who read what was overwritten or deleted");
                    self.counts.altered += 1;
                }
                let is_new = |it: &folders::ObjectVersion| {
                    let of = archive::accessed(&it.key);
                    of.is_none_or(|communication| !sealed.see(number(&communication, Some(&it.key))))
                };
                unsealed.extend(folder.versions.into_iter().filter(is_new));
            }
        }
        let results = stream::iter(&unsealed).map(|it| leaf::access(archive, shop, it));
        let results: Vec<_> = results.buffered(RECORDS_AT_ONCE).collect().await;
        self.entries(results).await
    }

    /// Reports what is sealed and not there any more, unless it was destroyed with a certificate.
    async fn unseen(&mut self, sealed: &SealedDay) -> Result<(), SealError> {
        let missing: BTreeSet<_> = sealed.unseen().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let destroyed = archive::Disposal::destroyed(&self.tools.archive, self.shop).await?;
        let destroyed: BTreeSet<_> = destroyed
            .iter()
            .map(|(communication, name)| {
                number(communication, Some(name.as_str()).filter(|name| *name != folders::RECORD))
            })
            .collect();
        for id in missing.difference(&destroyed) {
            let communication = format!("{id:032x}");
            tracing::error!(shop = %self.shop, communication, "something of it was sealed and is missing");
            self.counts.missing += 1;
        }
        Ok(())
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
