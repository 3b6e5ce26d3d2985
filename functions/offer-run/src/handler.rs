//! The function's messages: each continues one firing of a campaign.

use crate::{
    audience::{Audience, Counts, Outcome},
    firing::Firing,
    tools::Tools,
};
use comms::{ShopDomain, chain};
use jiff::Timestamp;
use service::{BatchTime, Invocation, Metric, Metrics, Service, StartError, function_name};
use shopify::AdminApi;
use tokio::time::Instant;
use work::{BatchResponse, Failed, MalformedBatch, Record, Retry, RunItem, SqsEvent, each};

pub struct OfferRun {
    tools: Tools,
    function: String,
}

/// What became of a message.
struct RunSummary {
    shop: ShopDomain,
    run: String,
    period: String,
    outcome: Outcome,
}

impl OfferRun {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            shopify: AdminApi::new(service.http()),
            checkpoints: service.checkpoints()?,
            inbox: service.inbox()?,
            flow: service.queue("FLOW_QUEUE_URL")?,
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
        let record = async |record| self.record(record, time.deadline).await;
        let results = each(&event.records, time.one_by_one(), record).await;
        let settled = self.tools.inbox.settle(&event.records, results, (self.tools.clock)()).await;
        self.report(&event.records, &settled, time);
        Ok(BatchResponse::of(&event.records, &settled))
    }

    async fn record(&self, record: &Record, deadline: Instant) -> Result<RunSummary, Retry> {
        let item = RunItem::from_json(&record.body).map_err(|error| Retry::new(chain(&error)))?;
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(&item.shop, now).await?;
        let config = &loaded.config;
        let firing = Firing::new(&item, &config.time_zone, now).map_err(Retry::new)?;
        let period = firing.period.to_string();
        let summary =
            |outcome| RunSummary { shop: item.shop.clone(), run: item.run.clone(), period, outcome };
        let campaign = config.marketing.campaigns.get(&item.run);
        let Some(campaign) = campaign.filter(|campaign| config.document(campaign.document).is_some()) else {
            return Ok(summary(Outcome::SwitchedOff));
        };
        let secrets = self.tools.secrets.shop(&item.shop, now).await?;
        let audience = Audience {
            tools: &self.tools,
            config,
            credentials: &secrets.shopify,
            item: &item,
            campaign,
            firing: &firing,
            deadline,
        };
        audience.queue_all().await.map(summary)
    }

    /// Logs one line per message, and emits the counts.
    fn report(&self, records: &[Record], settled: &[Result<RunSummary, Failed>], time: BatchTime) {
        let mut metrics = Metrics::default();
        let duration_ms = time.duration_ms();
        for (record, result) in records.iter().zip(settled) {
            match result {
                Ok(RunSummary { shop, run, period, outcome }) => {
                    let Counts { queued, members, unread } = outcome.counts();
                    metrics.count(Metric::Queued, queued);
                    metrics.count(Metric::MembersUnreadable, unread);
                    tracing::info!(%shop, run, period, state = outcome.name(), queued, members, duration_ms);
                }
                Err(failed) => metrics.failed(record, None, failed, (self.tools.clock)()),
            }
        }
        metrics.emit(&self.function, (self.tools.clock)());
    }
}
