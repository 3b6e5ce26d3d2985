//! The function's messages: each claims a run, has it advanced and releases it. A message that is not finished is
//! redelivered; what there is to do later has a message of its own.

use crate::{
    advance::advance,
    claim::{Claim, claim, release},
    session::Session,
    state::{Counts, RUN, Run, Source},
    tools::{Pace, Tools},
};
use account_statements::period_of;
use comms::chain;
use jiff::Timestamp;
use service::{BatchTime, Invocation, Metric, Metrics, Service, StartError, function_name};
use shop_config::Statements;
use shopify::AdminApi;
use tokio::time::Instant;
use work::{BatchResponse, Failed, MalformedBatch, Record, Retry, RunItem, SqsEvent, each};

pub struct StatementRun {
    tools: Tools,
    function: String,
}

/// What became of a message.
struct Handled {
    item: RunItem,
    period: String,
    result: &'static str,
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
            inbox: service.inbox()?,
            flow_queue: service.queue("FLOW_QUEUE_URL")?,
            driver: account_statements::driver,
            check: account_statements::check,
            folder: std::env::temp_dir().join("statement-run"),
            pace: Pace::default(),
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// Handles one batch. Messages to redeliver are in the response; the others are finished.
    pub async fn handle(
        &self,
        event: SqsEvent,
        invocation: Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        let time = BatchTime::of(&event, &invocation, (self.tools.clock)())?;
        let message = async |record| self.message(record, time.deadline).await;
        let results = each(&event.records, time.one_by_one(), message).await;
        let settled = self.tools.inbox.settle(&event.records, results, (self.tools.clock)()).await;
        self.report(&event, &settled, time);
        Ok(BatchResponse::of(&event.records, &settled))
    }

    async fn message(&self, record: &Record, deadline: Instant) -> Result<Handled, Retry> {
        let item = RunItem::from_json(&record.body).map_err(|error| Retry::new(chain(&error)))?;
        if item.run != RUN {
            return Err(Retry::new("this function has no such run"));
        }
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(&item.shop, now).await?;
        let settings = loaded.config.statements.as_ref();
        let settings = settings.ok_or_else(|| Retry::new("the shop's configuration has no statements"))?;
        let secrets = self.tools.secrets.shop(&item.shop, now).await?;
        let at = item.scheduled_at.unwrap_or(now);
        let (period, issued_on) = period_of(item.period.as_deref(), at, &loaded.config.time_zone)
            .map_err(|error| Retry::new(chain(&error)))?;
        let fresh = Run::new(item.shop.clone(), period, issued_on, now, sources(settings));
        let (run, version) = match claim(&self.tools, &item, fresh, &record.message_id, deadline).await? {
            Claim::Claimed(run, version) => (run, version),
            Claim::NothingToDo { period, reason } => {
                return Ok(Handled { item, period, result: reason, counts: Counts::default() });
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
        let advanced = advance(&mut session).await;
        let result = release(&mut session, &item, &advanced).await?;
        let period = session.run.period.name.clone();
        advanced.map(|_| Handled { item, period, result, counts: session.run.counts.since(before) })
    }

    /// Logs one line per message, and emits the counts.
    fn report(&self, event: &SqsEvent, settled: &[Result<Handled, Failed>], time: BatchTime) {
        let mut metrics = Metrics::default();
        let duration_ms = time.duration_ms();
        for (record, handled) in event.records.iter().zip(settled) {
            match handled {
                Ok(Handled { item, period, result, counts }) => {
                    tracing::info!(shop = %item.shop, run = RUN, period, queued = counts.queued, duration_ms, "{result}");
                    count(&mut metrics, counts, result);
                }
                Err(failed) => metrics.failed(record, None, failed, (self.tools.clock)()),
            }
        }
        metrics.emit(&self.function, (self.tools.clock)());
    }
}

fn count(metrics: &mut Metrics, counts: &Counts, result: &str) {
    let unreadable = counts.unreadable + counts.too_large + counts.refused + counts.orphans;
    for (name, count) in [
        (Metric::StatementsQueued, counts.queued),
        (Metric::StatementsWithoutOrders, counts.without_orders),
        (Metric::StatementsUnreadable, unreadable),
        (Metric::BatchJobsFailed, counts.failed_jobs),
        (Metric::BatchOutputsUnproven, counts.unproven),
        (Metric::BatchOutputsMissing, counts.missing),
        (Metric::RunsDone, u64::from(result == "done")),
        (Metric::RunsFailed, u64::from(result == "failed")),
    ] {
        if count > 0 {
            metrics.count(name, count);
        }
    }
}

fn sources(settings: &Statements) -> Vec<Source> {
    let customers = settings.customer_tag.clone().map(|tag| Source::Customers { tag });
    settings.company_locations.then_some(Source::CompanyLocations).into_iter().chain(customers).collect()
}
