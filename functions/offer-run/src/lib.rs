//! Turns one firing of a campaign into one work item a member of its audience.
//!
//! A firing is named by shop, campaign and period: the local date it was scheduled for. Its state, the place
//! in the audience, is a checkpoint in S3 that is written after each page's items were queued. Whatever ends an
//! invocation, the next one goes on from there and queues at most one page a second time; the items of a page
//! name the same communications however often they are queued, so nobody gets anything twice. An invocation
//! whose time ends sends itself a message of its own, so that a large audience is no failure of its message.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod firing;
mod walk;

pub use firing::{Firing, InvalidPeriod, work_item};
pub use walk::{Progress, Stage};

use comms::ShopDomain;
use jiff::Timestamp;
use service::{Invocation, Metric, Metrics, Secrets, Service, Serving, StartError, function_name};
use shop_config::ConfigStore;
use shopify::AdminApi;
use tokio::time::Instant;
use walk::{Counts, End, Walk};
use work::{
    Backoff, BatchResponse, Checkpoints, Limits, MalformedBatch, Queue, Record, Retry, RunItem, SqsEvent,
    each,
};

/// The means the function works with.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub shopify: AdminApi,
    pub checkpoints: Checkpoints,
    /// Its own queue.
    pub queue: Queue,
    /// Where the work goes.
    pub flow: Queue,
    pub backoff: Backoff,
    pub clock: fn() -> Timestamp,
}

pub struct OfferRun {
    tools: Tools,
    function: String,
}

/// What one message came to.
struct RunSummary {
    shop: ShopDomain,
    run: String,
    period: String,
    end: End,
}

impl OfferRun {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            shopify: AdminApi::new(service.http()),
            checkpoints: service.checkpoints()?,
            queue: service.queue("QUEUE_URL")?,
            flow: service.queue("FLOW_QUEUE_URL")?,
            backoff: service.backoff()?,
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// Handles one batch. Messages that are to come back are in the response; the others are finished.
    pub async fn handle(
        &self,
        event: SqsEvent,
        invocation: Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        event.check()?;
        let begun = Instant::now();
        let deadline = begun + invocation.time_left((self.tools.clock)());
        // one after the other: each message is a whole run, and takes what time there is
        let limits = Limits { concurrency: 1, deadline };
        let results = each(&event.records, limits, async |record| self.record(record, deadline).await).await;
        self.account(&event.records, &results, begun);
        Ok(self.tools.queue.respond(&event.records, &results, self.tools.backoff).await)
    }

    async fn record(&self, record: &Record, deadline: Instant) -> Result<RunSummary, Retry> {
        let item = RunItem::from_json(&record.body).map_err(|error| Retry::new(comms::chain(&error)))?;
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let config = &loaded.config;
        let firing = Firing::new(&item, &config.time_zone, now).map_err(Retry::new)?;
        let period = firing.period.to_string();
        let ran = |end| RunSummary { shop: item.shop.clone(), run: item.run.clone(), period, end };
        let campaign = config.marketing.campaigns.get(&item.run);
        let Some(campaign) = campaign.filter(|campaign| config.document(campaign.document).is_some()) else {
            return Ok(ran(End::SwitchedOff));
        };
        let secrets = self.tools.secrets.shop(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let walk = Walk {
            tools: &self.tools,
            config,
            credentials: &secrets.shopify,
            item: &item,
            campaign,
            firing: &firing,
            deadline,
        };
        walk.go().await.map(ran)
    }

    /// One line a message, and the counts.
    fn account(&self, records: &[Record], results: &[Result<RunSummary, Retry>], begun: Instant) {
        let mut metrics = Metrics::default();
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        for (record, result) in records.iter().zip(results) {
            match result {
                Ok(RunSummary { shop, run, period, end }) => {
                    let Counts { queued, members, unread } = end.counts();
                    metrics.count(Metric::Queued, queued);
                    metrics.count(Metric::MembersUnreadable, unread);
                    tracing::info!(%shop, run, period, state = end.name(), queued, members, duration_ms);
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

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let run = OfferRun::new(&service)?;
        service::run(async |event, invocation| run.handle(event, invocation).await).await
    })
}
