//! Statement runs: every trade account of a shop, once a month.
//!
//! A run starts bulk operations for the accounts a shop wants statements for, waits for them, reads their
//! results and sends one work item an account to the flow `account-statements`. If the shop composes in
//! batches, accounts are handed to Exstream in driver files first, and their items name the output that a job composed
//! for them. A run takes as many invocations as it needs: its state is one object, changed only over the version
//! that was read, and each invocation ends by sending the message of the next.
//!
//! A crash at any point repeats what was done since the state was last written: an operation nobody remembers,
//! items that were sent already. An item's id follows from shop, period and account alone, so the flow
//! recognises one that comes twice. A finished run does nothing; a failed one is taken up again by a new
//! message.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod advance;
mod batch;
mod items;
mod period;
mod read;
mod state;

pub use state::{Counts, Outcome, RUN, Run};

use account_statements::{Driver, TOPIC};
use advance::{Next, Session};
use comms::{Document, chain};
use exstream::Batch;
use jiff::Timestamp;
use period::period_of;
use service::{Invocation, Metric, Metrics, Secrets, Service, Serving, StartError, function_name};
use shop_config::{ConfigStore, ShopConfig, Statements};
use shopify::AdminApi;
use state::{Lease, Source};
use std::{path::PathBuf, time::Duration};
use tokio::time::Instant;
use work::{
    Backoff, BatchResponse, CheckpointError, Checkpoints, Limits, MalformedBatch, Message, Payloads, Queue,
    Record, Retry, RunItem, SqsEvent, Version,
};

/// The driver data of one document of an item with this payload; nothing if there is nothing to say.
pub type MakeDriver = fn(&str, Document, &ShopConfig) -> Result<Option<Driver>, String>;

/// Whether an item with this payload can be worked on. The error names what cannot be read, and quotes nothing.
pub type Check = fn(&str) -> Result<(), String>;

/// How long things take and how much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The longest wait that is made inside an invocation.
    pub patience: Duration,
    /// The state is written after so many accounts.
    pub accounts: usize,
    /// The state is written after this time.
    pub interval: Duration,
    /// Kept back from the invocation's time, to write the state and to send the next message.
    pub reserve: Duration,
    pub limits: bulk_reader::Limits,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(2),
            accounts: 1000,
            interval: Duration::from_secs(10),
            reserve: Duration::from_secs(10),
            limits: bulk_reader::Limits::default(),
        }
    }
}

/// The means the function works with.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub shopify: AdminApi,
    /// For the files of bulk operations.
    pub http: reqwest::Client,
    pub exstream: Batch,
    pub checkpoints: Checkpoints,
    pub payloads: Payloads,
    pub queue: Queue,
    pub flow_queue: Queue,
    pub driver: MakeDriver,
    pub check: Check,
    pub backoff: Backoff,
    /// For files that have to be sorted. Emptied when it is needed.
    pub folder: PathBuf,
    pub pace: Pace,
    pub clock: fn() -> Timestamp,
}

pub struct StatementRun {
    tools: Tools,
    function: String,
}

/// What became of a message.
struct Handled {
    item: RunItem,
    period: String,
    what: &'static str,
    /// Counted by this invocation.
    counts: Counts,
}

impl StatementRun {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            shopify: AdminApi::new(service.http()),
            http: service.http(),
            exstream: service.batch(),
            checkpoints: service.checkpoints()?,
            payloads: service.payloads()?,
            queue: service.queue("QUEUE_URL")?,
            flow_queue: service.queue("FLOW_QUEUE_URL")?,
            driver: account_statements::driver,
            check: account_statements::check,
            backoff: service.backoff()?,
            folder: std::env::temp_dir().join("statement-run"),
            pace: Pace::default(),
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// Handles one batch. A message that is not over comes back; what there is to do later has a message of
    /// its own.
    pub async fn handle(
        &self,
        event: SqsEvent,
        invocation: Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        event.check()?;
        let begun = Instant::now();
        let deadline = begun + invocation.time_left((self.tools.clock)());
        let limits = Limits { concurrency: 1, deadline };
        let results =
            work::each(&event.records, limits, async |record| self.message(record, deadline).await).await;
        self.account(&event, &results, begun);
        Ok(self.tools.queue.respond(&event.records, &results, self.tools.backoff).await)
    }

    async fn message(&self, record: &Record, deadline: Instant) -> Result<Handled, Retry> {
        let item = RunItem::from_json(&record.body).map_err(|error| Retry::new(chain(&error)))?;
        if item.run != RUN {
            return Err(Retry::new("the run is not one of this function's"));
        }
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let settings = loaded.config.statements.as_ref();
        let settings = settings.ok_or_else(|| Retry::new("the shop's configuration has no statements"))?;
        let secrets = self.tools.secrets.shop(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let at = item.scheduled_at.unwrap_or(now);
        let (period, issued_on) = period_of(item.period.as_deref(), at, &loaded.config.time_zone)
            .map_err(|error| Retry::new(chain(&error)))?;
        let fresh = Run::new(item.shop.clone(), period, issued_on, now, sources(settings));
        let (run, version) = match self.take(&item, fresh, record, deadline).await? {
            RunClaim::Claimed(run, version) => (run, version),
            RunClaim::NothingToDo { period, what } => {
                return Ok(Handled { item, period, what, counts: Counts::default() });
            }
        };
        let before = run.counts;
        let left = deadline.saturating_duration_since(Instant::now());
        let mut session = Session {
            tools: &self.tools,
            config: &loaded.config,
            settings,
            secrets: &secrets,
            until: deadline - self.tools.pace.reserve.min(left / 4),
            run,
            version,
        };
        let result = session.advance().await;
        let what = self.leave(&item, &mut session, &result).await?;
        let period = session.run.period.name.clone();
        result.map(|_| Handled { item, period, what, counts: session.run.counts.since(before) })
    }

    /// Takes the run for this message, if it is there to be taken.
    async fn take(
        &self,
        item: &RunItem,
        fresh: Run,
        record: &Record,
        deadline: Instant,
    ) -> Result<RunClaim, Retry> {
        let key = Run::key(&item.shop, &fresh.period);
        let nothing = |run: &Run, what| RunClaim::NothingToDo { period: run.period.name.clone(), what };
        let found = self.tools.checkpoints.load::<Run>(&key).await.map_err(|error| Retry::of(&error))?;
        let (mut run, version) = found.map_or((fresh, None), |(run, version)| (run, Some(version)));
        match item.ticket {
            Some(ticket) if ticket < run.ticket => return Ok(nothing(&run, "overtaken")),
            Some(ticket) => run.ticket = ticket,
            None => run.retry(),
        }
        if run.outcome.is_some() {
            return Ok(nothing(&run, "finished before"));
        }
        let now = (self.tools.clock)();
        let busy = |lease: &Lease| lease.holder != record.message_id;
        if let Some(lease) = run.lease.as_ref().filter(|lease| busy(lease)) {
            let left = u64::try_from(lease.until_epoch_ms - now.as_millisecond()).unwrap_or(0);
            if left > 0 {
                let after = Some(Duration::from_millis(left) + Duration::from_secs(1));
                return Err(Retry { after, ..Retry::new("another worker has the run") });
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let until_epoch_ms = now.as_millisecond() + i64::try_from(left.as_millis()).unwrap_or(i64::MAX / 2);
        run.lease = Some(Lease { holder: record.message_id.clone(), until_epoch_ms });
        let version =
            self.tools.checkpoints.save(&key, &run, version.as_ref()).await.map_err(|error| later(&error))?;
        Ok(RunClaim::Claimed(Box::new(run), version))
    }

    /// Gives the run up until the next message, which is sent first: a message too many does nothing, one too
    /// few would end the run.
    async fn leave(
        &self,
        item: &RunItem,
        session: &mut Session<'_>,
        result: &Result<Next, Retry>,
    ) -> Result<&'static str, Retry> {
        session.run.lease = None;
        let what = match result {
            Ok(Next::Later(delay)) => {
                session.run.ticket += 1;
                let next = RunItem {
                    period: Some(session.run.period.name.clone()),
                    ticket: Some(session.run.ticket),
                    ..item.clone()
                };
                let message = Message::of(&next).map_err(|error| Retry::of(&error))?;
                let delay = (*delay).max(Duration::from_secs(1));
                self.tools.queue.send_later(&message, delay).await.map_err(|error| Retry::of(&error))?;
                "goes on later"
            }
            Ok(Next::Over(Outcome::Done)) => "done",
            Ok(Next::Over(Outcome::Failed { .. })) => "failed",
            // the message comes back and finds what was done
            Err(retry) => {
                if let Err(error) = session.save().await {
                    tracing::warn!(shop = %item.shop, reason = %error.reason, after = %retry.reason, "a run's state is not written");
                }
                return Ok("comes back");
            }
        };
        session.save().await?;
        Ok(what)
    }

    /// One line a message, and the counts.
    fn account(&self, event: &SqsEvent, results: &[Result<Handled, Retry>], begun: Instant) {
        let mut metrics = Metrics::default();
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        for (record, result) in event.records.iter().zip(results) {
            match result {
                Ok(Handled { item, period, what, counts }) => {
                    tracing::info!(shop = %item.shop, run = RUN, period, queued = counts.queued, duration_ms, "{what}");
                    for (name, count) in [
                        (Metric::StatementsQueued, counts.queued),
                        (Metric::StatementsWithoutOrders, counts.without_orders),
                        (
                            Metric::StatementsUnreadable,
                            counts.unreadable + counts.too_large + counts.refused + counts.orphans,
                        ),
                        (Metric::BatchJobsFailed, counts.failed_jobs),
                        (Metric::BatchOutputsUnproven, counts.unproven),
                        (Metric::BatchOutputsMissing, counts.missing),
                        (Metric::RunsDone, u64::from(*what == "done")),
                        (Metric::RunsFailed, u64::from(*what == "failed")),
                    ] {
                        if count > 0 {
                            metrics.count(name, count);
                        }
                    }
                }
                Err(retry) => {
                    metrics.count(Metric::Retried, 1);
                    tracing::warn!(message_id = %record.message_id, receive_count = record.receive_count(), reason = %retry.reason, "message comes back");
                }
            }
        }
        metrics.emit(&self.function, (self.tools.clock)());
    }
}

enum RunClaim {
    Claimed(Box<Run>, Version),
    NothingToDo { period: String, what: &'static str },
}

fn sources(settings: &Statements) -> Vec<Source> {
    let customers = settings.customer_tag.clone().map(|tag| Source::Customers { tag });
    settings.company_locations.then_some(Source::CompanyLocations).into_iter().chain(customers).collect()
}

/// Another worker wrote first. It may also have been this one, by a request that was repeated: only the
/// message that comes back can tell.
fn later(error: &CheckpointError) -> Retry {
    Retry { after: Some(Duration::from_secs(5)), ..Retry::of(error) }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let run = StatementRun::new(&service)?;
        service::run(async |event, invocation| run.handle(event, invocation).await).await
    })
}
