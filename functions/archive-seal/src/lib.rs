//! Seals evidence: makes every record of the archive a leaf of its shop's log, and has the log's new root signed.
//!
//! Runs on a schedule and makes a pass over all shops. Nothing is asked of those who archive: what is to be sealed is
//! found by listing the days that records can still come to (`days.rs`), and comparing them with what is sealed. So a record
//! that comes late is in the next seal, and one that is gone again is noticed: whatever is missing or was overwritten
//! is reported ([`Metric::EvidenceMissing`], [`Metric::EvidenceAltered`]), stays unsealed, and holds up nothing else.
//!
//! The log takes care of crashes and of several runs at once: see [`sealed_log`]. A pass that dies leaves at most one
//! batch that has its place and no checkpoint, with which the next pass begins. A log that contradicts itself is not
//! continued.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod days;
mod error;
mod folders;
mod record;
mod signer;

use archive::Archive;
use comms::{CommunicationId, ShopDomain, chain};
pub use error::SealError;
use folders::{Folder, Folders, Listing};
use futures::{StreamExt, stream};
use jiff::{Timestamp, civil::Date};
use record::{Fault, Intact};
use sealed_log::{
    BATCH_LEAVES, Batch, CommitmentSecrets, Entry, LogError, LogReader, LogStore, Sealed, ShopLog, origin,
};
use serde::{Deserialize, Serialize};
use service::{Invocation, Metric, Metrics, Service, Serving, StartError, function_name, pass_over_shops};
use shop_config::{ConfigError, ConfigStore};
pub use signer::Signer;
use std::collections::{BTreeMap, BTreeSet};
use tlog::VerifierKey;
use tokio::time::Instant;

/// Each shop's sealed communications of a day are in memory: about 30 bytes each.
const SHOPS_AT_ONCE: usize = 2;

/// How often a shop's pass begins again because another run was faster.
const ATTEMPTS: usize = 3;

/// Records that are looked at at once.
const RECORDS_AT_ONCE: usize = 32;

/// The function's clients and settings.
pub struct Tools {
    pub configs: ConfigStore,
    pub archive: Archive,
    pub s3: aws_sdk_s3::Client,
    pub store: LogStore,
    pub secrets: CommitmentSecrets,
    pub signer: Signer,
    pub clock: fn() -> Timestamp,
}

pub struct ArchiveSeal {
    tools: Tools,
    function: String,
}

/// What an invocation asks for. The schedule's names no shop.
#[derive(Debug, Default, Deserialize)]
pub struct PassRequest {
    /// The only shop to look at, for a person who wants its log to be up to date now.
    pub shop: Option<ShopDomain>,
}

/// What a pass did: the function's answer, which people read.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct PassResult {
    pub shops: usize,
    /// Records that became leaves.
    pub sealed: u64,
    /// Objects that were archived and are not there any more.
    pub missing: u64,
    /// Communications in whose folder something was overwritten or deleted after it was archived.
    pub altered: u64,
    /// Records that could not be looked at; the log says which and why.
    pub problems: u64,
    /// Shops whose pass was aborted; the log says why.
    pub failed_shops: usize,
}

/// The results of one shop's pass.
#[derive(Debug, Default)]
struct Counts {
    sealed: u64,
    missing: u64,
    altered: u64,
    problems: u64,
}

impl ArchiveSeal {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        let aws = service.aws();
        let store = LogStore::new(
            service.s3(),
            service::required("ARCHIVE_BUCKET")?,
            service.lock_mode()?,
            service.max_retention_days()?,
        );
        Ok(Self::with(Tools {
            configs: service.configs()?,
            archive: service.archive()?,
            s3: service.s3(),
            store,
            secrets: CommitmentSecrets::new(
                aws_sdk_dynamodb::Client::new(aws),
                service::required("COMMITMENTS_TABLE_NAME")?,
            ),
            signer: Signer::new(aws_sdk_kms::Client::new(aws), service::required("LOG_KEY_ID")?),
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// One pass over all shops, or over the one that is asked for.
    ///
    /// # Errors
    /// When the shops cannot be listed. A shop that fails is counted, logged, and continued by the next pass.
    pub async fn pass(
        &self,
        request: PassRequest,
        invocation: &Invocation,
    ) -> Result<PassResult, ConfigError> {
        let now = (self.tools.clock)();
        let shops = match request.shop {
            Some(shop) => vec![shop],
            None => self.tools.configs.shops().await?,
        };
        let time = invocation.time_left(now);
        // no batch is begun that could be cut off; one that was would be finished by the next pass
        let last_batch = Instant::now() + time / 4 * 3;
        let pass = async |shop: &ShopDomain| self.shop(shop, last_batch).await;
        let made = pass_over_shops(shops, now, time, SHOPS_AT_ONCE, pass).await;
        let shops = made.done.len() + made.failed;
        let mut pass = PassResult { shops, failed_shops: made.failed, ..PassResult::default() };
        for Counts { sealed, missing, altered, problems } in made.done {
            pass.sealed += sealed;
            pass.missing += missing;
            pass.altered += altered;
            pass.problems += problems;
        }
        let mut metrics = Metrics::default();
        metrics.count(Metric::Sealed, pass.sealed);
        metrics.count(Metric::EvidenceMissing, pass.missing);
        metrics.count(Metric::EvidenceAltered, pass.altered);
        metrics.count(Metric::Problems, pass.problems);
        metrics.count(Metric::FailedShops, pass.failed_shops as u64);
        metrics.emit(&self.function, now);
        Ok(pass)
    }

    /// A log that contradicts itself is counted as altered evidence; whatever else fails fails the shop's pass.
    async fn shop(&self, shop: &ShopDomain, last_batch: Instant) -> Result<Counts, SealError> {
        let mut counts = Counts::default();
        for _ in 0..ATTEMPTS {
            // what is wrong with the evidence is counted again; what was sealed is not sealed again
            counts = Counts { sealed: counts.sealed, ..Counts::default() };
            match self.seal(shop, last_batch, &mut counts).await {
                Err(SealError::Log(LogError::Overtaken)) => {}
                Err(error) if error.is_contradiction() => {
                    tracing::error!(%shop, reason = chain(&error), "the log is not continued");
                    counts.altered += 1;
                    return Ok(counts);
                }
                other => return other.map(|()| counts),
            }
        }
        Err(LogError::Overtaken.into())
    }

    async fn seal(
        &self,
        shop: &ShopDomain,
        last_batch: Instant,
        counts: &mut Counts,
    ) -> Result<(), SealError> {
        let now = (self.tools.clock)();
        let key = self.key(shop).await?;
        let log = ShopLog::open(&self.tools.store, shop, key).await?;
        let mut pass = ShopPass { tools: &self.tools, shop, log, counts, now };
        pass.counts.sealed += pass.log.resume(pass.sign(), now).await?;
        for date in days::to_look_at(now) {
            if Instant::now() >= last_batch || !pass.day(date, last_batch).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn key(&self, shop: &ShopDomain) -> Result<VerifierKey, SealError> {
        let name = origin(self.tools.store.bucket(), shop)?;
        VerifierKey::from_spki(name, self.tools.signer.public_key().await?).ok_or(SealError::Key)
    }
}

/// Whether what is sealed was seen in the archive, by the communication's id as a number: a day may have a million.
type OnRecord = BTreeMap<u128, bool>;

/// The 32 hexadecimal digits of an id.
fn number(communication: &CommunicationId) -> u128 {
    u128::from_str_radix(communication.as_str(), 16).unwrap_or_default()
}

/// One shop's pass.
struct ShopPass<'a> {
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

    /// Seals what is not sealed of a day. Answers whether it came to the day's end.
    async fn day(&mut self, date: Date, last_batch: Instant) -> Result<bool, SealError> {
        let mut sealed = OnRecord::new();
        let each = |_, entry: Entry| {
            sealed.insert(number(&entry.communication), false);
        };
        LogReader::new(&self.tools.store).sealed_on(self.shop, date, each).await?;
        let mut listing = Listing::new(&self.tools.s3, self.tools.store.bucket(), self.shop, date);
        let mut ready: Vec<Entry> = Vec::new();
        while let Some(folders) = listing.next().await? {
            let unsealed = self.compare(folders, &mut sealed);
            ready.extend(self.examine(unsealed).await?);
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
        for communication in sealed.iter().filter(|(_, is_there)| !**is_there).map(|(id, _)| id) {
            let communication = format!("{communication:032x}");
            tracing::error!(shop = %self.shop, communication, "its record was sealed and is missing");
            self.counts.missing += 1;
        }
        Ok(true)
    }

    /// Those that are not sealed. Says of those that are that they are still there.
    fn compare(&mut self, folders: Folders, sealed: &mut OnRecord) -> Folders {
        let mut unsealed = Folders::new();
        for (prefix, folder) in folders {
            let Some(communication) = folders::communication(&prefix) else { continue };
            if folder.is_altered {
                tracing::error!(shop = %self.shop, %communication, "something was overwritten or deleted in its folder");
                self.counts.altered += 1;
            }
            // without a record: a worker that died, or is at work right now
            if folder.record_version.is_none() {
                continue;
            }
            match sealed.get_mut(&number(&communication)) {
                Some(is_there) => *is_there = true,
                None => {
                    unsealed.insert(prefix, folder);
                }
            }
        }
        unsealed
    }

    /// What can be sealed of `folders`, in their order.
    async fn examine(&mut self, folders: Folders) -> Result<Vec<Entry>, SealError> {
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
            let salt = secrets.get(&record.owner)?.salt(&record.communication);
            Some(Entry {
                commitment: salt.commit_hash(record.record_sha256),
                communication: record.communication,
            })
        };
        Ok(intact.into_iter().filter_map(entry).collect())
    }

    async fn look(&self, prefix: &str, folder: &Folder) -> Result<Intact, Fault> {
        let Tools { s3, archive, store, .. } = self.tools;
        record::examine(s3, store.bucket(), archive, self.shop, prefix, folder).await
    }

    fn fault(&mut self, fault: &Fault) {
        let (shop, reason) = (self.shop, chain(fault));
        match fault {
            Fault::Missing(_) => {
                tracing::error!(%shop, reason, "not sealed");
                self.counts.missing += 1;
            }
            Fault::Altered { .. } => {
                tracing::error!(%shop, reason, "not sealed");
                self.counts.altered += 1;
            }
            Fault::Archive(_) | Fault::Request { .. } => {
                tracing::warn!(%shop, reason, "not sealed yet");
                self.counts.problems += 1;
            }
        }
    }

    /// Makes a batch of leaves. Where another run was faster, what it sealed is not sealed again.
    async fn add(
        &mut self,
        date: Date,
        entries: Vec<Entry>,
        ready: &mut Vec<Entry>,
        sealed: &mut OnRecord,
    ) -> Result<(), SealError> {
        let count = entries.len() as u64;
        // they may come into the next batch; the order of the log is of no matter
        let again = entries.clone();
        match self.log.seal(date, entries, self.sign(), self.now).await? {
            Sealed::Own => self.counts.sealed += count,
            Sealed::Other(Batch { date: other, entries, .. }) => {
                ready.extend(again);
                if other == date {
                    let theirs: BTreeSet<_> = entries.iter().map(|entry| &entry.communication).collect();
                    ready.retain(|entry| !theirs.contains(&entry.communication));
                    sealed.extend(entries.iter().map(|entry| (number(&entry.communication), true)));
                }
            }
        }
        Ok(())
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let seal = ArchiveSeal::new(&service)?;
        service::run(async |request: PassRequest, invocation| seal.pass(request, &invocation).await).await
    })
}
