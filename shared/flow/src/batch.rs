//! A flow function's handler: the batch loop around the pipeline, one log line a communication, the reports.

use crate::{
    again::Again,
    document_flow::{DocumentFlow, GatherError, LookUp, Plan, plans},
    job::{Job, Settled, Tools},
};
use comms::{Class, CommunicationId, State, chain};
use service::{Invocation, Metrics, Service, StartError, function_name};
use shop_config::Loaded;
use shopify::AdminApi;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use tokio::time;
use work::{
    Backoff, BatchResponse, InvalidItem, Limits, MalformedBatch, Queue, Record, Retry, SqsEvent, WorkItem,
    each,
};

/// How a function handles batches, from its environment.
#[derive(Debug, Clone, Copy)]
struct Settings {
    concurrency: usize,
    backoff: Backoff,
}

/// Everything a flow function holds between invocations.
pub struct FlowHandler<F> {
    flow: F,
    tools: Tools,
    queue: Queue,
    settings: Settings,
    function: String,
    /// Numbers the deliveries this process has handled, so that each has a name of its own.
    deliveries: AtomicU64,
}

impl<F: DocumentFlow> FlowHandler<F> {
    /// Reads the environment and makes the clients. Sends nothing.
    pub fn new(service: &Service, flow: F) -> Result<Self, StartError> {
        let tools = Tools {
            configs: service.configs()?,
            secrets: service.secrets()?,
            payloads: service.payloads()?,
            shopify: AdminApi::new(service.http()),
            exstream: service.exstream(),
            sending_exstream: service.sending_exstream(),
            batch: service.batch(),
            catalogue: service.catalogue(),
            archive: service.archive()?,
            ledger: service.ledger()?,
            channels: service.channels()?,
            write_back: service.queue("WRITE_BACK_QUEUE_URL")?,
            clock: jiff::Timestamp::now,
        };
        let settings = Settings { concurrency: service.concurrency()?, backoff: service.backoff()? };
        let function = function_name();
        let queue = service.queue("QUEUE_URL")?;
        Ok(Self { flow, tools, queue, settings, function, deliveries: AtomicU64::new(0) })
    }

    /// Handles one batch. Messages that are to come back are in the response; the others are finished.
    pub async fn handle(
        &self,
        event: SqsEvent,
        invocation: Invocation,
    ) -> Result<BatchResponse, MalformedBatch> {
        event.check()?;
        let left = invocation.time_left((self.tools.clock)());
        let limits = Limits { concurrency: self.settings.concurrency, deadline: time::Instant::now() + left };
        let handled =
            each(&event.records, limits, async |record| self.record(record, &invocation).await).await;
        let results = self.send_reports(handled).await;
        self.account(&event.records, &results);
        Ok(self.queue.respond(&event.records, &results, self.settings.backoff).await)
    }

    async fn record(&self, record: &Record, invocation: &Invocation) -> Result<Vec<Settled>, Retry> {
        let item = WorkItem::from_json(&record.body).map_err(unreadable)?;
        if item.flow != F::FLOW {
            return Err(Retry::new(format!(
                "the item is for the flow {}, this function serves {}",
                item.flow,
                F::FLOW
            )));
        }
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let payload = self.tools.payloads.load(&item).await.map_err(|error| Retry::of(&error))?;
        let again = match &item.resend {
            Some(resend) => Some(Again::load(&self.tools, &item, resend).await?),
            None => None,
        };
        let plans = match &again {
            Some(again) => vec![again.plan.clone()],
            None => self.plans(&item, payload.as_deref(), &loaded, invocation).await?,
        };
        let mut settled = Vec::with_capacity(plans.len());
        for plan in &plans {
            let communication =
                CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
            let wanted = plan.wanted && loaded.config.is_since(plan.document, item.trigger.triggered_at);
            if !wanted && !self.was_begun(record, &communication).await? {
                tracing::info!(shop = %item.shop, flow = %item.flow, document = %plan.document, communication = %communication, "switched off");
                continue;
            }
            // a document that was begun and is not even configured any more: no settings, no way on
            let settings = loaded.config.documents.get(&plan.document).ok_or_else(|| {
                Retry::new(format!(
                    "{} was begun and is no longer in the configuration: put it back",
                    plan.document
                ))
            })?;
            let secrets =
                self.tools.secrets.shop(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
            let number = self.deliveries.fetch_add(1, Ordering::Relaxed);
            let job = Job {
                tools: &self.tools,
                item: &item,
                payload: payload.as_deref(),
                plan,
                communication: &communication,
                loaded: &loaded,
                settings,
                secrets: &secrets,
                invocation,
                owner: &format!("{}/{number}", invocation.request_id),
                receive_count: record.receive_count(),
                again: again.as_ref(),
            };
            let begun = Instant::now();
            let result = job.run(&self.flow).await;
            log(&job, &result, begun);
            settled.extend(result?);
        }
        Ok(settled)
    }

    async fn plans(
        &self,
        item: &WorkItem,
        payload: Option<&str>,
        loaded: &Loaded,
        invocation: &Invocation,
    ) -> Result<Vec<Plan>, Retry> {
        let now = (self.tools.clock)();
        let secrets = self.tools.secrets.shop(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let look_up = LookUp {
            item,
            payload,
            config: &loaded.config,
            secrets: &secrets,
            shopify: &self.tools.shopify,
            now,
            time_left: invocation.time_left(now),
        };
        plans(&self.flow, look_up).await.map_err(|GatherError { class, reason }| {
            let at_least = match class {
                Class::Transient { retry_after } => retry_after,
                Class::Permanent | Class::Unknown => None,
            };
            Retry { at_least, ..Retry::new(reason) }
        })
    }

    /// Whether an earlier delivery left something to settle. A first delivery cannot have one.
    async fn was_begun(&self, record: &Record, communication: &CommunicationId) -> Result<bool, Retry> {
        if record.receive_count() == 1 {
            return Ok(false);
        }
        let entry = self.tools.ledger.get(communication).await.map_err(|error| Retry::of(&error))?;
        Ok(entry.is_some())
    }

    /// Queues what Shopify is to be told, ten a request. A report that cannot be queued brings its message back.
    async fn send_reports(
        &self,
        mut results: Vec<Result<Vec<Settled>, Retry>>,
    ) -> Vec<Result<Vec<Settled>, Retry>> {
        let mut reports = Vec::new();
        for (index, result) in results.iter().enumerate() {
            for report in result.iter().flatten().filter_map(|settled| settled.report.as_ref()) {
                match serde_json::to_string(report) {
                    Ok(body) => reports.push((index, body)),
                    Err(error) => tracing::error!(error = %error, "a report cannot be written as JSON"),
                }
            }
        }
        let (indices, bodies): (Vec<_>, Vec<_>) = reports.into_iter().unzip();
        for (index, sent) in indices.into_iter().zip(self.tools.write_back.send_all(&bodies).await) {
            if let (Err(error), Some(result)) = (sent, results.get_mut(index)) {
                *result = Err(Retry::of(&error));
            }
        }
        results
    }

    fn account(&self, records: &[Record], results: &[Result<Vec<Settled>, Retry>]) {
        let mut metrics = Metrics::default();
        for (record, result) in records.iter().zip(results) {
            match result {
                Ok(settled) if settled.is_empty() => metrics.count("Skipped", 1),
                Ok(settled) => {
                    for settled in settled {
                        metrics.count(metric(settled), 1);
                    }
                }
                Err(retry) => {
                    metrics.count("Retried", 1);
                    tracing::warn!(message = %record.message_id, receive_count = record.receive_count(), reason = %retry.reason, "message comes back");
                }
            }
        }
        metrics.emit(&self.function, (self.tools.clock)());
    }
}

/// No wait makes such a message readable: it goes to the dead letters without one.
fn unreadable(error: InvalidItem) -> Retry {
    let after = match error {
        // a newer function may be on its way
        InvalidItem::Version(_) => None,
        InvalidItem::NotAnItem(_) | InvalidItem::Fields(_) => Some(Duration::ZERO),
    };
    Retry { after, ..Retry::new(chain(&error)) }
}

fn metric(settled: &Settled) -> &'static str {
    // an `unknown` counts again: the worker that recorded it may have died before it could say so
    if !settled.fresh && settled.state != State::Unknown {
        return "Duplicate";
    }
    match settled.state {
        State::Archived => "Archived",
        State::Accepted | State::Delivered | State::Bounced => "Accepted",
        State::Failed => "Failed",
        State::Suppressed => "Suppressed",
        State::Unknown => "Unknown",
        State::Claimed | State::Sending => "Open",
    }
}

/// One line a communication. What a message that comes back was about is in its reason's line.
fn log(job: &Job<'_>, result: &Result<Option<Settled>, Retry>, begun: Instant) {
    let duration_ms = begun.elapsed().as_millis() as u64;
    let (shop, flow, document) = (&job.item.shop, job.item.flow, job.plan.document);
    let communication = job.communication;
    match result {
        Ok(None) => {}
        Ok(Some(Settled { state, reason: Some(reason), attempts, fresh, .. })) => {
            tracing::warn!(%shop, %flow, %document, %communication, %state, attempts, fresh, reason, duration_ms);
        }
        Ok(Some(Settled { state, reason: None, attempts, fresh, .. })) => {
            tracing::info!(%shop, %flow, %document, %communication, %state, attempts, fresh, duration_ms);
        }
        Err(retry) => {
            tracing::warn!(%shop, %flow, %document, %communication, state = "open", reason = retry.reason, duration_ms);
        }
    }
}
