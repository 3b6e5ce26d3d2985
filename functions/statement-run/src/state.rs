//! What is known of a run between two invocations: one object in the operations bucket.
//!
//! A write replaces the version that was read and no other, so two workers of one run cannot both continue. It
//! holds positions and counts, and the global ids of at most [`PROBLEMS`] accounts that need a look; no other
//! customer's data.

use account_statements::Period;
use bulk_reader::{Mark, Survey};
use comms::{CommunicationId, Document, Gid, ShopDomain};
use exstream::BatchJob;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shopify::bulk::BulkFile;

/// The name of this kind of run.
pub const RUN: &str = "account-statements";

const PROBLEMS: usize = 20;
/// Chunks whose jobs have not ended. Bounds the state, and what Exstream is given at once.
pub const CHUNKS: usize = 16;

#[derive(Serialize, Deserialize)]
pub struct Run {
    /// The version of this format: 1.
    pub v: u32,
    pub shop: ShopDomain,
    pub period: Period,
    pub issued_on: Date,
    pub begun_at: Timestamp,
    /// A message with a lower one is out of date.
    pub ticket: u64,
    pub lease: Option<Lease>,
    pub parts: Vec<Part>,
    /// Batch mode: customers handed to Exstream whose work items are not sent.
    pub chunks: Vec<Chunk>,
    pub next_chunk: u32,
    pub counts: Counts,
    pub problems: Vec<Problem>,
    pub outcome: Option<Outcome>,
}

/// Who works on the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// A message's id.
    pub holder: String,
    pub until_epoch_ms: i64,
}

/// One bulk operation and what is read of its result.
#[derive(Serialize, Deserialize)]
pub struct Part {
    pub source: Source,
    /// Bulk operations started for it.
    pub attempts: u32,
    pub stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Source {
    CompanyLocations,
    Customers { tag: String },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Stage {
    /// No bulk operation is known.
    Waiting,
    /// Shopify is working on it.
    Running {
        operation: Gid,
        since: Timestamp,
    },
    /// The file is read once, to see whether it is grouped.
    Surveying {
        operation: Gid,
        file: BulkFile,
        survey: Box<Survey>,
    },
    /// Accounts are read and passed on.
    Reading {
        operation: Gid,
        file: BulkFile,
        layout: Layout,
    },
    Done,
    Failed {
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "layout", rename_all = "kebab-case")]
pub enum Layout {
    /// Read up to a place.
    Grouped { at: Mark },
    /// So many accounts of the order that sorting gives.
    Scattered { accounts: u64 },
}

/// The customers of one driver file.
#[derive(Serialize, Deserialize)]
pub struct Chunk {
    pub number: u32,
    /// The object that holds their data.
    pub key: String,
    pub jobs: Vec<Job>,
}

/// One document's batch job.
#[derive(Serialize, Deserialize)]
pub struct Job {
    pub document: Document,
    pub attempts: u32,
    pub stage: JobStage,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum JobStage {
    Waiting,
    /// `places` is the key of the [`DriverFile`].
    Running {
        job: BatchJob,
        /// When it was submitted, or last seen to be held.
        since: Timestamp,
        /// A person holds it in Exstream.
        held: bool,
        places: String,
    },
    /// Its outputs are being fetched.
    Fetching {
        job: BatchJob,
        places: String,
        /// For so many accounts the output is fetched, or given up.
        done: u32,
        /// Failed attempts since the last progress.
        failures: u32,
    },
    /// Its outputs are stored, or it has none: without a job, no account has this document.
    Complete {
        job: Option<BatchJob>,
        places: String,
    },
    /// Its documents are composed one by one.
    GivenUp,
}

/// An account in a driver file.
#[derive(Clone, Serialize, Deserialize)]
pub struct FileEntry {
    pub place: u32,
    /// Of its driver data: what its output is evidence of.
    pub driver_sha256: String,
    /// What its output must name.
    pub communication: CommunicationId,
}

/// The key of an account's stored output; `None` if the document is composed on demand.
pub type OutputKey = Option<String>;

/// Which of a chunk's accounts are in a driver file. Stored, not made again: an account added or left out by a
/// change of the configuration would give every later one the document of another.
#[derive(Default, Serialize, Deserialize)]
pub struct DriverFile {
    /// In the order of the file.
    pub included: Vec<FileEntry>,
    /// Those whose driver data could not be made.
    pub failed: Vec<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Work items sent.
    pub queued: u64,
    /// Accounts without an order.
    pub without_orders: u64,
    pub too_large: u64,
    /// Accounts that cannot be read, or orders of theirs.
    pub unreadable: u64,
    /// Accounts whose item the flow's queue does not take.
    #[serde(default)]
    pub refused: u64,
    /// Lines whose account was not in the file.
    pub orphans: u64,
    pub failed_jobs: u64,
    /// Outputs of batch jobs that did not prove whose they are; these documents are composed on demand.
    #[serde(default)]
    pub unproven: u64,
    /// Outputs that batch jobs did not give; these documents are composed on demand.
    #[serde(default)]
    pub missing: u64,
}

impl Counts {
    pub fn add(&mut self, more: Self) {
        *self = self.with(more, u64::wrapping_add);
    }

    /// What was counted since then.
    pub fn since(self, before: Self) -> Self {
        self.with(before, u64::saturating_sub)
    }

    fn with(self, other: Self, f: fn(u64, u64) -> u64) -> Self {
        Self {
            queued: f(self.queued, other.queued),
            without_orders: f(self.without_orders, other.without_orders),
            too_large: f(self.too_large, other.too_large),
            unreadable: f(self.unreadable, other.unreadable),
            refused: f(self.refused, other.refused),
            orphans: f(self.orphans, other.orphans),
            failed_jobs: f(self.failed_jobs, other.failed_jobs),
            unproven: f(self.unproven, other.unproven),
            missing: f(self.missing, other.missing),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Its global id; or a batch job.
    pub account: String,
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    Failed { reason: String },
}

impl Run {
    pub fn new(
        shop: ShopDomain,
        period: Period,
        issued_on: Date,
        now: Timestamp,
        sources: Vec<Source>,
    ) -> Self {
        let part = |source| Part { source, attempts: 0, stage: Stage::Waiting };
        Self {
            v: 1,
            shop,
            period,
            issued_on,
            begun_at: now,
            ticket: 0,
            lease: None,
            parts: sources.into_iter().map(part).collect(),
            chunks: Vec::new(),
            next_chunk: 0,
            counts: Counts::default(),
            problems: Vec::new(),
            outcome: None,
        }
    }

    /// The key of a run's object.
    pub fn key(shop: &ShopDomain, period: &Period) -> String {
        format!("runs/{shop}/{RUN}/{}.json", period.name)
    }

    /// Retries the parts of a failed run.
    pub fn retry(&mut self) {
        if matches!(self.outcome, Some(Outcome::Failed { .. })) {
            self.outcome = None;
            for part in &mut self.parts {
                if matches!(part.stage, Stage::Failed { .. }) {
                    (part.attempts, part.stage) = (0, Stage::Waiting);
                }
            }
        }
    }

    pub fn note(&mut self, account: &str, what: &str) {
        let problem = Problem { account: account.chars().take(80).collect(), what: what.to_owned() };
        if self.problems.len() < PROBLEMS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The run's outcome, if there is nothing left to do.
    pub fn end(&self) -> Option<Outcome> {
        let ended = |part: &Part| matches!(part.stage, Stage::Done | Stage::Failed { .. });
        if !self.chunks.is_empty() || !self.parts.iter().all(ended) {
            return None;
        }
        let failure = self.parts.iter().find_map(|part| match &part.stage {
            Stage::Failed { reason } => Some(Outcome::Failed { reason: reason.clone() }),
            _ => None,
        });
        Some(failure.unwrap_or(Outcome::Done))
    }
}

/// Where the output keys of a slice are stored; `places` is the key of the [`DriverFile`].
pub fn slice_key(places: &str, done: u32) -> String {
    format!("{places}-outputs-{done}")
}
