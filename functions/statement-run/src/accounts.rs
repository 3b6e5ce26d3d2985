//! Reads a file account by account, and hands the accounts on: to the flow as items, or to a chunk for a batch job.
//!
//! The position in the state is always after an account that was passed on, so what is read again after a
//! crash is at most what was passed on since the state was written.

use crate::{
    file_error::FileError,
    items::{AccountWork, Item, NoItem},
    session::{Session, Step},
    state::{CHUNKS, Chunk, Counts, Job, JobStage, Layout, RUN, Stage},
};
use bulk_reader::{Group, Groups, Mark, Partition};
use comms::Gid;
use shop_config::Compose;
use shopify::bulk::{BulkFile, Download, ResultUrl};
use std::{mem, ops::ControlFlow};
use tokio::time::Instant;
use work::Retry;

/// Accounts in memory before they are sent.
pub const SENT_AT_ONCE: usize = 80;
const SENT_BYTES: usize = 4 << 20;
/// The accounts of one driver file.
const CHUNK_BYTES: usize = 24 << 20;

/// Accounts that were read and are not passed on, and what is to be written once they are.
struct Pending {
    accounts: Vec<AccountWork>,
    bytes: usize,
    /// After the last account that was read.
    layout: Layout,
    counts: Counts,
    problems: Vec<(String, String)>,
    /// Accounts since the state was written.
    since_saved: usize,
}

pub struct Reader<'s, 'a> {
    session: &'s mut Session<'a>,
    index: usize,
    operation: Gid,
    file: BulkFile,
    pending: Pending,
    saved_at: Instant,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub fn new(
        session: &'s mut Session<'a>,
        index: usize,
        operation: Gid,
        file: BulkFile,
        layout: Layout,
    ) -> Self {
        let pending = Pending {
            accounts: Vec::new(),
            bytes: 0,
            layout,
            counts: Counts::default(),
            problems: Vec::new(),
            since_saved: 0,
        };
        Self { session, index, operation, file, pending, saved_at: Instant::now() }
    }

    /// Reads on from `at`.
    pub async fn grouped(&mut self, url: &ResultUrl, at: Mark) -> Result<Step, FileError> {
        let mut download = Download::new(self.session.tools.http.clone(), url, at.offset, self.file.clone());
        let mut groups = Groups::new(at, self.session.tools.pace.limits);
        loop {
            let chunk = download.chunk().await?;
            match &chunk {
                Some(chunk) => groups.feed(chunk)?,
                None => groups.end()?,
            }
            while let Some(group) = groups.pop() {
                let layout = Layout::Grouped { at: group.mark };
                if self.add(group, layout).await?.is_break() {
                    return Ok(Step::Done);
                }
            }
            if chunk.is_none() {
                return self.finish().await;
            }
            // a large account can take long to arrive
            if self.session.is_out_of_time() {
                self.hand_on().await?;
                return Ok(Step::Done);
            }
        }
    }

    /// Sorts the file, and continues after `before` accounts of the order that sorting gives.
    pub async fn scattered(&mut self, url: &ResultUrl, before: u64) -> Result<Step, FileError> {
        let mut download = Download::new(self.session.tools.http.clone(), url, 0, self.file.clone());
        let mut partition = Partition::create(&self.session.tools.folder, self.session.tools.pace.limits)?;
        while let Some(chunk) = download.chunk().await? {
            partition.feed(&chunk)?;
            if self.session.is_out_of_time() {
                return Err(FileError::Retry(Retry::new("sorting the accounts took the whole invocation")));
            }
        }
        let mut buckets = partition.end()?;
        let mut accounts = 0;
        while let Some(group) = buckets.pop()? {
            accounts += 1;
            if accounts > before && self.add(group, Layout::Scattered { accounts }).await?.is_break() {
                return Ok(Step::Done);
            }
        }
        self.session.run.counts.orphans += buckets.orphans();
        self.finish().await
    }

    /// Adds an account, after which reading is at `layout`. Answers whether to read on.
    async fn add(&mut self, group: Group, layout: Layout) -> Result<ControlFlow<()>, FileError> {
        let pending = &mut self.pending;
        pending.layout = layout;
        pending.since_saved += 1;
        if group.count == 0 {
            pending.counts.without_orders += 1;
        } else {
            let id = group.id.clone();
            match self.session.item_writer().account_work(group) {
                Ok(work) => {
                    // its item is sent all the same: as a dead letter it waits for a release that can read it
                    if let Err(error) = (self.session.tools.check)(work.payload.get()) {
                        pending.counts.unreadable += 1;
                        pending.problems.push((id, error.to_string()));
                    }
                    pending.bytes += work.payload.get().len();
                    pending.accounts.push(work);
                }
                Err(error) => {
                    match error {
                        NoItem::TooLarge => pending.counts.too_large += 1,
                        _ => pending.counts.unreadable += 1,
                    }
                    pending.problems.push((id, error.to_string()));
                }
            }
        }
        let out_of_time = self.session.is_out_of_time();
        if out_of_time || self.is_full() {
            self.hand_on().await?;
        }
        let stop = out_of_time || self.session.run.chunks.len() >= CHUNKS;
        Ok(if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    fn is_full(&self) -> bool {
        let (count, bytes) = match self.session.settings.compose {
            Compose::OnDemand => (SENT_AT_ONCE, SENT_BYTES),
            Compose::Batch { customers_per_file } => (customers_per_file.into(), CHUNK_BYTES),
        };
        self.pending.accounts.len() >= count
            || self.pending.bytes >= bytes
            || self.pending.since_saved >= self.session.tools.pace.accounts.max(count)
    }

    async fn finish(&mut self) -> Result<Step, FileError> {
        self.hand_on().await?;
        self.session.set_stage(self.index, Stage::Done);
        self.session.save().await?;
        Ok(Step::Done)
    }

    /// Sends the pending accounts to the flow, or stores them as a chunk for batch jobs; only then the position moves.
    async fn hand_on(&mut self) -> Result<(), FileError> {
        let accounts = mem::take(&mut self.pending.accounts);
        self.pending.bytes = 0;
        let in_chunks = matches!(self.session.settings.compose, Compose::Batch { .. })
            && !self.session.documents().is_empty();
        if in_chunks && !accounts.is_empty() {
            self.store_chunk(accounts).await?;
            self.move_position();
            return self.save().await;
        }
        let items = accounts.into_iter().map(|account| Item { account, composed: None }).collect();
        self.session.send(items).await?;
        self.move_position();
        let pace = &self.session.tools.pace;
        if self.pending.since_saved >= pace.accounts || self.saved_at.elapsed() >= pace.interval {
            self.save().await?;
        }
        Ok(())
    }

    fn move_position(&mut self) {
        let (operation, file) = (self.operation.clone(), self.file.clone());
        self.session.set_stage(self.index, Stage::Reading { operation, file, layout: self.pending.layout });
        self.session.run.counts.add(mem::take(&mut self.pending.counts));
        for (account, what) in self.pending.problems.drain(..) {
            self.session.note_account(&account, &what);
        }
    }

    async fn save(&mut self) -> Result<(), FileError> {
        self.session.save().await?;
        (self.saved_at, self.pending.since_saved) = (Instant::now(), 0);
        Ok(())
    }

    async fn store_chunk(&mut self, accounts: Vec<AccountWork>) -> Result<(), FileError> {
        let jobs = self.session.documents().into_iter().map(|document| Job {
            document,
            attempts: 0,
            stage: JobStage::Waiting,
        });
        let jobs = jobs.collect();
        // a key that nobody else has: a worker that was overtaken must not write over what the run refers to
        let moment = (self.session.tools.clock)().as_nanosecond();
        let run = &mut self.session.run;
        let number = run.next_chunk;
        let key = format!("work/{}/{RUN}-{}-chunk-{number}-{moment}.json", run.shop, run.period.name);
        let text = serde_json::to_string(&accounts).map_err(Retry::new)?;
        let stored = self.session.tools.payloads.store(&key, &text).await;
        stored.map_err(|error| FileError::Retry(Retry::of(&error)))?;
        run.next_chunk += 1;
        run.chunks.push(Chunk { number, key, jobs });
        Ok(())
    }
}
