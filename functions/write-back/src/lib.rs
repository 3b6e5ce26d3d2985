//! Reports to Shopify what became of communications, starts the workflows that a shop has for it (`workflow.rs`), and tells
//! that customers want no more marketing (`consent.rs`). Makes evidence of the first openings of published documents
//! (`openings.rs`).
//!
//! Takes reports in batches, groups them by shop and by the resource that carries them, and merges them into
//! that resource's status metafield. Keeps nothing between batches and owes nothing to order: a report that
//! arrives late, twice or after a crash leaves the metafield as it should be. A message is acknowledged when
//! the ledger knows what Shopify answered; until then it is delivered again.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod coalesce;
mod consent;
mod openings;
mod status;
mod workflow;

pub use coalesce::{ReportResult, TAGGING, report};
pub use status::{Existing, KEEP, Report, Status};

use archive::Archive;
use comms::{ShopDomain, WriteBackState, chain};
use consent::Consents;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use ledger::Ledger;
use service::{
    BatchTime, Invocation, Metric, Metrics, Secrets, Service, Serving, SpanName, StartError, Traces,
    function_name,
};
use shop_config::ConfigStore;
use shopify::{AdminApi, Call};
use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::time::Instant;
use work::{
    BatchResponse, Failed, Inbox, MalformedBatch, OpenedItem, Retry, SqsEvent, UnsubscribeItem, WriteBackItem,
};
use workflow::Due;

/// Kept back from Shopify's time, to record in the ledger what it answered.
const RECORDING: Duration = Duration::from_secs(2);

/// The function's clients and settings.
pub struct Tools {
    pub configs: ConfigStore,
    pub secrets: Secrets,
    pub shopify: AdminApi,
    pub ledger: Ledger,
    pub archive: Archive,
    pub inbox: Inbox,
    /// How many shops are reported to at once, and how many answers are recorded at once.
    pub concurrency: usize,
    pub traces: Arc<Traces>,
    pub clock: fn() -> Timestamp,
}

pub struct WriteBack {
    tools: Tools,
    function: String,
}

/// One shop's share of a batch: the records' positions and their items.
type Share<'a> = Vec<(usize, &'a WriteBackItem)>;

impl WriteBack {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            shopify: AdminApi::new(service.http()),
            ledger: service.ledger()?,
            archive: service.archive()?,
            inbox: service.inbox()?,
            concurrency: service.concurrency()?,
            traces: service.traces(),
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// Handles one batch. Messages to deliver again are in the response; the others are finished.
    pub async fn handle(
        &self,
        event: SqsEvent,
        invocation: Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        let now = (self.tools.clock)();
        let time = BatchTime::of(&event, &invocation, now)?;
        let items: Vec<_> =
            event.records.iter().map(|record| WriteBackItem::from_json(&record.body)).collect();
        let mut results: Vec<Result<WriteBackState, Retry>> = items
            .iter()
            .map(|item| Err(Retry::new(item.as_ref().err().map_or_else(String::new, |it| chain(it)))))
            .collect();
        let mut shops: BTreeMap<&ShopDomain, Share<'_>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            if let Ok(item) = item {
                shops.entry(&item.shop).or_default().push((index, item));
            }
        }
        let reported: Vec<_> = stream::iter(shops)
            .map(|(shop, share)| self.share(shop, share, time.deadline))
            .buffer_unordered(self.tools.concurrency.max(1))
            .collect()
            .await;
        for (index, result) in reported.into_iter().flatten() {
            if let Some(slot) = results.get_mut(index) {
                *slot = result;
            }
        }
        for (index, result) in self.consents(&event, time.deadline).await {
            if let Some(slot) = results.get_mut(index) {
                *slot = result;
            }
        }
        let settled = self.tools.inbox.settle(&event.records, results, (self.tools.clock)()).await;
        self.account(&event, &items, &settled, time);
        self.trace(&event, &items, &settled, now);
        self.tools.traces.send(time.deadline).await;
        Ok(BatchResponse::of(&event.records, &settled))
    }

    /// The messages of a batch that are no reports. What happens to one of them happens to it alone.
    async fn consents(
        &self,
        event: &SqsEvent,
        deadline: Instant,
    ) -> Vec<(usize, Result<WriteBackState, Retry>)> {
        let Tools { configs, secrets, shopify, clock, .. } = &self.tools;
        let consents = Consents { configs, secrets, shopify, now: clock(), deadline };
        let of_kind = event.records.iter().enumerate().filter(|(_, it)| UnsubscribeItem::is_one(&it.body));
        let (consents, archive, now) = (&consents, &self.tools.archive, clock());
        let ends = of_kind.map(|(index, record)| {
            let body = &record.body;
            let end = async move {
                match OpenedItem::is_one(body) {
                    true => openings::add(archive, body, now).await,
                    false => consents.end(body).await,
                }
            };
            let end = AssertUnwindSafe(end).catch_unwind();
            async move {
                let result = match tokio::time::timeout_at(deadline, end).await {
                    Ok(Ok(ended)) => ended.map(|()| WriteBackState::Reported),
                    Ok(Err(_)) => Err(Retry::new("the handler panicked")),
                    Err(_) => Err(Retry::waiting("the invocation's time was up")),
                };
                (index, result)
            }
        });
        stream::iter(ends).buffer_unordered(self.tools.concurrency.max(1)).collect().await
    }

    /// What happens to one shop's share, a panic or the end of the time included, happens to it alone.
    async fn share(
        &self,
        shop: &ShopDomain,
        share: Share<'_>,
        deadline: Instant,
    ) -> Vec<(usize, Result<WriteBackState, Retry>)> {
        let work = AssertUnwindSafe(self.report(shop, &share, deadline)).catch_unwind();
        let all = |retry: Retry| share.iter().map(|(index, _)| (*index, Err(retry.clone()))).collect();
        match tokio::time::timeout_at(deadline, work).await {
            Ok(Ok(Ok(results))) => share.iter().map(|(index, _)| *index).zip(results).collect(),
            Ok(Ok(Err(retry))) => all(retry),
            Ok(Err(_)) => all(Retry::new("the handler panicked")),
            Err(_) => all(Retry::waiting("the invocation's time was up")),
        }
    }

    /// Reports to a shop, then records the answers in the ledger. An error is one that keeps all of the shop's reports back.
    async fn report(
        &self,
        shop: &ShopDomain,
        share: &Share<'_>,
        deadline: Instant,
    ) -> Result<Vec<Result<WriteBackState, Retry>>, Retry> {
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(shop, now).await?;
        let items: Vec<_> = share.iter().map(|(_, item)| *item).collect();
        let concurrency = self.tools.concurrency.max(1);
        let wanted = &loaded.config.write_back;
        if !wanted.enabled {
            // switched off since the report was queued
            let off = (WriteBackState::None, None);
            let recorded = items.into_iter().map(|item| self.record(item, off.clone()));
            return Ok(stream::iter(recorded).buffered(concurrency).collect().await);
        }
        let secrets = self.tools.secrets.shop(shop, now).await?;
        let call = Call {
            shop,
            settings: &loaded.config.shopify,
            credentials: &secrets.shopify,
            now,
            deadline: deadline.checked_sub(RECORDING).unwrap_or(deadline),
        };
        let answers = report(&self.tools.shopify, call, wanted, &items).await;
        let ended = items.into_iter().zip(answers).map(|(item, answer)| self.end(call, wanted, item, answer));
        Ok(stream::iter(ended).buffered(concurrency).collect().await)
    }

    /// Records what Shopify answered, and starts the workflows that follow from it.
    async fn end(
        &self,
        call: Call<'_>,
        wanted: &shop_config::WriteBack,
        item: &WriteBackItem,
        answer: ReportResult,
    ) -> Result<WriteBackState, Retry> {
        match answer {
            ReportResult::Reported => match Due::of(item, wanted) {
                Some(due) => due.send(&self.tools.shopify, call, &self.tools.ledger, item).await,
                None => self.record(item, (WriteBackState::Reported, None)).await,
            },
            ReportResult::Refused(reason) => self.record(item, (WriteBackState::Failed, Some(reason))).await,
            ReportResult::Later(retry) => Err(retry),
        }
    }

    async fn record(
        &self,
        item: &WriteBackItem,
        (state, reason): (WriteBackState, Option<String>),
    ) -> Result<WriteBackState, Retry> {
        let recorded = self
            .tools
            .ledger
            .record_write_back(&item.communication, item.state, state, reason.as_deref())
            .await;
        Ok(recorded.map(|()| state)?)
    }

    /// A span for each report whose trace is recorded.
    fn trace(
        &self,
        event: &SqsEvent,
        items: &[Result<WriteBackItem, work::InvalidItem>],
        settled: &[Result<WriteBackState, Failed>],
        begun: Timestamp,
    ) {
        let Tools { traces, clock, .. } = &self.tools;
        for ((record, item), result) in event.records.iter().zip(items).zip(settled) {
            let Ok(item) = item else { continue };
            let place = traces.carried(item.trace);
            traces.waited(place, record.sent(), begun);
            let span = traces.begin(place, SpanName::WriteBack, begun);
            traces.end(span, clock(), result.is_err(), || {
                vec![
                    ("shop", item.shop.as_str().to_owned()),
                    ("document", item.document.name().to_owned()),
                    ("communication", item.communication.to_string()),
                ]
            });
        }
    }

    /// One line per message, and the counts.
    fn account(
        &self,
        event: &SqsEvent,
        items: &[Result<WriteBackItem, work::InvalidItem>],
        settled: &[Result<WriteBackState, Failed>],
        time: BatchTime,
    ) {
        let mut metrics = Metrics::default();
        let duration_ms = time.duration_ms();
        for ((record, item), result) in event.records.iter().zip(items).zip(settled) {
            match (result, item) {
                (Ok(state), Ok(item)) => {
                    metrics.count(metric(*state), 1);
                    tracing::info!(
                        shop = %item.shop,
                        flow = %item.document.flow(),
                        document = %item.document,
                        communication = %item.communication,
                        state = %item.state,
                        write_back = state.name(),
                        duration_ms,
                    );
                }
                (Err(failed), item) => {
                    let flow = item.as_ref().ok().map(|item| item.document.flow().name());
                    metrics.failed(record, flow, failed, (self.tools.clock)());
                }
                (Ok(_), Err(_)) => {}
            }
        }
        metrics.emit(&self.function, (self.tools.clock)());
    }
}

const fn metric(state: WriteBackState) -> Metric {
    match state {
        WriteBackState::Reported => Metric::Reported,
        WriteBackState::Failed => Metric::ReportRefused,
        WriteBackState::None | WriteBackState::Pending => Metric::ReportSkipped,
    }
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let write_back = WriteBack::new(&service)?;
        service::run(async |event, invocation| write_back.handle(event, invocation).await).await
    })
}
