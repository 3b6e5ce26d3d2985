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
//!
//! After a shop's log is sealed, its checkpoint is time-stamped once a day by an outside authority, if one is configured
//! ([`sealed_log::TimeStamps`]). An authority that fails is reported ([`Metric::Unstamped`]) and holds up nothing.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod authority;
mod days;
mod error;
mod folders;
mod leaf;
mod record;
mod sealed_day;
mod shop_pass;
mod signer;

use archive::Archive;
pub use authority::{Authority, StampError};
use comms::{ShopDomain, chain};
pub use error::SealError;
use jiff::Timestamp;
use sealed_log::{CommitmentSecrets, LogError, LogStore, Stamped, TimeStamps, origin};
use serde::{Deserialize, Serialize};
use service::{Invocation, Metric, Metrics, Service, Serving, StartError, function_name, pass_over_shops};
use shop_config::{ConfigError, ConfigStore};
use shop_pass::ShopPass;
pub use signer::Signer;
use tlog::VerifierKey;
use tokio::time::Instant;

/// What is sealed of a day is in memory for each: 17 bytes per communication.
const SHOPS_AT_ONCE: usize = 2;

/// How often a shop's pass begins again because another run was faster.
const ATTEMPTS: usize = 3;

/// The function's clients and settings.
pub struct Tools {
    pub configs: ConfigStore,
    pub archive: Archive,
    pub s3: aws_sdk_s3::Client,
    pub store: LogStore,
    pub secrets: CommitmentSecrets,
    pub signer: Signer,
    /// None where no authority is configured: nothing is time-stamped then.
    pub authority: Option<Authority>,
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
    /// Logs whose checkpoint has the time-stamp of the day by this pass.
    pub stamped: u64,
    /// Evidence records whose time-stamp was renewed.
    pub renewed: u64,
    /// Logs that got no time-stamp or no renewal that was due; the log says why.
    pub unstamped: u64,
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
    stamped: u64,
    renewed: u64,
    unstamped: u64,
}

impl ArchiveSeal {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
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
            secrets: service.commitments()?,
            signer: Signer::new(aws_sdk_kms::Client::new(service.aws()), service::required("LOG_KEY_ID")?),
            authority: Authority::configured(service)?,
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
        if let Some(authority) = &self.tools.authority {
            authority.begin_pass();
        }
        let shops = match request.shop {
            Some(shop) => vec![shop],
            None => self.tools.configs.shops().await?,
        };
        let time = invocation.time_left(now);
        // no record is read after that; a batch that is cut off is finished by the next pass
        let last_batch = Instant::now() + time / 4 * 3;
        let pass = async |shop: &ShopDomain| self.shop(shop, last_batch).await;
        let made = pass_over_shops(shops, now, time, SHOPS_AT_ONCE, pass).await;
        let shops = made.done.len() + made.failed;
        let mut pass = PassResult { shops, failed_shops: made.failed, ..PassResult::default() };
        for Counts { sealed, missing, altered, problems, stamped, renewed, unstamped } in made.done {
            pass.stamped += stamped;
            pass.renewed += renewed;
            pass.unstamped += unstamped;
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
        metrics.count(Metric::TimeStamped, pass.stamped + pass.renewed);
        metrics.count(Metric::Unstamped, pass.unstamped);
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
                Err(error) => return Err(error),
                Ok(()) => {
                    self.stamp(shop, &mut counts).await;
                    return Ok(counts);
                }
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
        let key = self.key(shop).await?;
        ShopPass::begin(&self.tools, shop, key, counts).await?.days(last_batch).await
    }

    /// Has the log time-stamped, after it was sealed: whatever becomes of this, the next pass asks again.
    async fn stamp(&self, shop: &ShopDomain, counts: &mut Counts) {
        let Some(authority) = &self.tools.authority else { return };
        let stamps = TimeStamps::new(&self.tools.store, shop, authority.rules());
        match stamps.pass(async |imprint| authority.stamp(imprint).await, (self.tools.clock)()).await {
            Ok(Stamped { stamped, renewed, problems }) => {
                counts.stamped += u64::from(stamped);
                counts.renewed += renewed;
                counts.unstamped += u64::from(!problems.is_empty());
                for reason in problems {
                    tracing::error!(%shop, reason, "a time-stamp is not renewed");
                }
            }
            Err(error) => {
                tracing::error!(%shop, reason = chain(&error), "the log is not time-stamped");
                counts.unstamped += 1;
            }
        }
    }

    async fn key(&self, shop: &ShopDomain) -> Result<VerifierKey, SealError> {
        let name = origin(self.tools.store.bucket(), shop)?;
        VerifierKey::from_spki(name, self.tools.signer.public_key().await?).ok_or(SealError::Key)
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
