//! Reading a bulk operation's file: first all of it, to see whether it is grouped, then account by account.
//!
//! The position in the state is always after an account that was handed on, so what is read again after a
//! crash is at most what was handed on since the state was written.

use crate::{
    advance::{Session, Step},
    items::{Held, Item, Maker},
    state::{Chunk, Counts, Job, JobStage, Layout, Stage},
};
use bulk_reader::{Group, Groups, Mark, Partition, ReadError, Survey};
use comms::{Document, Gid};
use shop_config::Compose;
use shopify::{
    AdminError,
    bulk::{BulkFile, BulkState, Download, DownloadError, ResultUrl},
};
use std::{mem, time::Duration};
use tokio::time::Instant;
use work::Retry;

/// Accounts held in memory before they are sent.
const SENT_AT_ONCE: usize = 80;
const HELD_BYTES: usize = 4 << 20;
/// A driver file's accounts.
const CHUNK_BYTES: usize = 24 << 20;
/// Chunks whose jobs have not ended. Bounds the state, and what Exstream is given at once.
const CHUNKS: usize = 16;

pub enum Failure {
    Retry(Retry),
    Throttled(Option<Duration>),
    /// The file is of no use; another bulk operation may give a better one.
    Restart(String),
}

impl From<Retry> for Failure {
    fn from(retry: Retry) -> Self {
        Self::Retry(retry)
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Broken { .. } => Self::Retry(Retry::of(&error)),
            DownloadError::Gone { .. } | DownloadError::Status { .. } | DownloadError::Changed => {
                Self::Restart(error.to_string())
            }
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Spill(_) => Self::Retry(Retry::new(comms::chain(&error))),
            ReadError::LineTooLong { .. } | ReadError::Malformed { .. } | ReadError::NotGrouped { .. } => {
                Self::Restart(error.to_string())
            }
        }
    }
}

/// Goes on with a part's file until it is read, time is up, or enough waits for Exstream.
pub async fn part(session: &mut Session<'_>, index: usize) -> Result<Step, Failure> {
    let operation = match session.stage(index) {
        Some(Stage::Surveying { operation, .. } | Stage::Reading { operation, .. }) => operation.clone(),
        _ => return Ok(Step::Done),
    };
    if session.run.chunks.len() >= CHUNKS {
        return Ok(Step::Wait(Duration::from_secs(10)));
    }
    // the address is a secret and gets old: it is asked for, not kept
    let url = match session.tools.shopify.bulk_state(session.call(), &operation).await {
        Ok(BulkState::Completed { url: Some(url), .. }) => url,
        Ok(BulkState::Completed { url: None, .. } | BulkState::Running) => {
            return Err(Failure::Restart("the bulk operation has lost its result".to_owned()));
        }
        Ok(BulkState::Ended { reason }) => {
            return Err(Failure::Restart(format!("the bulk operation ended: {reason}")));
        }
        Err(AdminError::Throttled { retry_after }) => return Err(Failure::Throttled(retry_after)),
        Err(error) => return Err(Failure::Retry(Retry::of(&error))),
    };
    let stage = session.run.parts.get_mut(index).map(|part| mem::replace(&mut part.stage, Stage::Waiting));
    match stage {
        Some(Stage::Surveying { operation, file, survey }) => {
            survey_file(session, index, &url, operation, file, survey).await?;
            Ok(Step::Done)
        }
        Some(Stage::Reading { operation, file, layout }) => {
            session.set(index, Stage::Reading { operation: operation.clone(), file: file.clone(), layout });
            let mut reader =
                Reader { session, index, operation, file, sink: Sink::new(layout), saved: Instant::now() };
            match layout {
                Layout::Grouped { at } => reader.grouped(&url, at).await,
                Layout::Scattered { accounts } => reader.scattered(&url, accounts).await,
            }
        }
        _ => Ok(Step::Done),
    }
}

async fn survey_file(
    session: &mut Session<'_>,
    index: usize,
    url: &ResultUrl,
    operation: Gid,
    file: BulkFile,
    mut survey: Box<Survey>,
) -> Result<(), Failure> {
    let restore = |session: &mut Session<'_>, file: &BulkFile, survey| {
        session.set(index, Stage::Surveying { operation: operation.clone(), file: file.clone(), survey });
    };
    let mut download = Download::new(session.tools.http.clone(), url, survey.mark().offset, file);
    loop {
        if session.is_over() {
            restore(session, download.file(), survey);
            return Ok(());
        }
        match download.chunk().await {
            Ok(Some(chunk)) => survey.feed(&chunk)?,
            Ok(None) => break,
            Err(error) => {
                restore(session, download.file(), survey);
                return Err(error.into());
            }
        }
        if !survey.may_be_grouped() {
            break;
        }
    }
    let file = download.file().clone();
    let grouped = survey.may_be_grouped() && survey.end()?;
    let layout = if grouped {
        Layout::Grouped { at: Mark::default() }
    } else {
        tracing::warn!(shop = %session.run.shop, run = crate::RUN, "the bulk result is not grouped: it is sorted first");
        Layout::Scattered { accounts: 0 }
    };
    session.set(index, Stage::Reading { operation, file, layout });
    session.save().await?;
    Ok(())
}

/// Accounts that were read and are not handed on, and what is to be written once they are.
struct Sink {
    held: Vec<Held>,
    bytes: usize,
    /// After the last account that was read.
    layout: Layout,
    counts: Counts,
    problems: Vec<(String, String)>,
    /// Accounts since the state was written.
    since: usize,
}

impl Sink {
    fn new(layout: Layout) -> Self {
        Self { held: Vec::new(), bytes: 0, layout, counts: Counts::default(), problems: Vec::new(), since: 0 }
    }
}

struct Reader<'s, 'a> {
    session: &'s mut Session<'a>,
    index: usize,
    operation: Gid,
    file: BulkFile,
    sink: Sink,
    saved: Instant,
}

/// Whether to read on.
#[derive(PartialEq)]
enum Flow {
    On,
    Stop,
}

impl Reader<'_, '_> {
    async fn grouped(&mut self, url: &ResultUrl, at: Mark) -> Result<Step, Failure> {
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
                if self.take(group, layout).await? == Flow::Stop {
                    return Ok(Step::Done);
                }
            }
            if chunk.is_none() {
                return self.finish().await;
            }
            // a large account can take long to arrive
            if self.session.is_over() {
                self.hand_on().await?;
                return Ok(Step::Done);
            }
        }
    }

    async fn scattered(&mut self, url: &ResultUrl, before: u64) -> Result<Step, Failure> {
        let mut download = Download::new(self.session.tools.http.clone(), url, 0, self.file.clone());
        let mut partition = Partition::create(&self.session.tools.folder, self.session.tools.pace.limits)?;
        while let Some(chunk) = download.chunk().await? {
            partition.feed(&chunk)?;
            if self.session.is_over() {
                return Err(Failure::Retry(Retry::new("sorting the accounts took the whole invocation")));
            }
        }
        let mut buckets = partition.end()?;
        let mut accounts = 0;
        while let Some(group) = buckets.pop()? {
            accounts += 1;
            if accounts > before && self.take(group, Layout::Scattered { accounts }).await? == Flow::Stop {
                return Ok(Step::Done);
            }
        }
        self.session.run.counts.orphans += buckets.orphans();
        self.finish().await
    }

    /// Takes an account, after which reading is at `layout`.
    async fn take(&mut self, group: Group, layout: Layout) -> Result<Flow, Failure> {
        let sink = &mut self.sink;
        sink.layout = layout;
        sink.since += 1;
        if group.count == 0 {
            sink.counts.without_orders += 1;
        } else {
            let (id, too_large) = (group.id.clone(), group.too_large);
            match self.session.maker().hold(group) {
                Ok(held) => {
                    // its item goes out all the same: as a dead letter it waits for a release that can read it
                    if let Err(what) = (self.session.tools.check)(held.payload.get()) {
                        sink.counts.unreadable += 1;
                        sink.problems.push((id, what));
                    }
                    sink.bytes += held.payload.get().len();
                    sink.held.push(held);
                }
                Err(what) => {
                    sink.counts.too_large += u64::from(too_large);
                    sink.counts.unreadable += u64::from(!too_large);
                    sink.problems.push((id, what.to_owned()));
                }
            }
        }
        let over = self.session.is_over();
        if over || self.is_full() {
            self.hand_on().await?;
        }
        Ok(if over || self.session.run.chunks.len() >= CHUNKS { Flow::Stop } else { Flow::On })
    }

    fn is_full(&self) -> bool {
        let (count, bytes) = match self.session.settings.compose {
            Compose::OnDemand => (SENT_AT_ONCE, HELD_BYTES),
            Compose::Batch { customers_per_file } => (customers_per_file.into(), CHUNK_BYTES),
        };
        self.sink.held.len() >= count
            || self.sink.bytes >= bytes
            || self.sink.since >= self.session.tools.pace.accounts.max(count)
    }

    async fn finish(&mut self) -> Result<Step, Failure> {
        self.hand_on().await?;
        self.session.set(self.index, Stage::Done);
        self.session.save().await?;
        Ok(Step::Done)
    }

    /// Sends what is held to the flow, or puts it aside for a batch job; only then the position moves.
    async fn hand_on(&mut self) -> Result<(), Failure> {
        let held = mem::take(&mut self.sink.held);
        self.sink.bytes = 0;
        let in_chunks = matches!(self.session.settings.compose, Compose::Batch { .. })
            && !self.session.documents().is_empty();
        if in_chunks && !held.is_empty() {
            self.put_aside(held).await?;
            self.moved();
            return self.save().await;
        }
        let items = held.into_iter().map(|held| Item { held, composed: None }).collect();
        self.session.send(items).await?;
        self.moved();
        let pace = &self.session.tools.pace;
        if self.sink.since >= pace.accounts || self.saved.elapsed() >= pace.interval {
            self.save().await?;
        }
        Ok(())
    }

    fn moved(&mut self) {
        let (operation, file) = (self.operation.clone(), self.file.clone());
        self.session.set(self.index, Stage::Reading { operation, file, layout: self.sink.layout });
        let run = &mut self.session.run;
        run.counts.add(mem::take(&mut self.sink.counts));
        for (account, what) in self.sink.problems.drain(..) {
            self.session.note(&account, &what);
        }
    }

    async fn save(&mut self) -> Result<(), Failure> {
        self.session.save().await?;
        (self.saved, self.sink.since) = (Instant::now(), 0);
        Ok(())
    }

    async fn put_aside(&mut self, held: Vec<Held>) -> Result<(), Failure> {
        let jobs = self.session.documents().into_iter().map(|document| Job {
            document,
            attempts: 0,
            stage: JobStage::Waiting,
        });
        let jobs = jobs.collect();
        // a name that nobody else has: who was overtaken must not write over what the run refers to
        let moment = (self.session.tools.clock)().as_nanosecond();
        let run = &mut self.session.run;
        let number = run.next_chunk;
        let key =
            format!("work/{}/{}-{}-chunk-{number}-{moment}.json", run.shop, crate::RUN, run.period.name);
        let text = serde_json::to_string(&held).map_err(Retry::new)?;
        let stored = self.session.tools.payloads.store(&key, &text).await;
        stored.map_err(|error| Failure::Retry(Retry::of(&error)))?;
        run.next_chunk += 1;
        run.chunks.push(Chunk { number, key, jobs });
        Ok(())
    }
}

impl Session<'_> {
    pub fn maker(&self) -> Maker<'_> {
        Maker {
            shop: &self.run.shop,
            period: &self.run.period,
            issued_on: self.run.issued_on,
            begun_at: self.run.begun_at,
        }
    }

    /// The documents of the flow that the shop sends.
    pub fn documents(&self) -> Vec<Document> {
        let all = [Document::AccountStatement, Document::PurchaseSummary];
        all.into_iter().filter(|document| self.config.document(*document).is_some()).collect()
    }
}
