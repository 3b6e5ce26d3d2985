//! A flow function's handler: the batch loop around the pipeline, one log line a communication, the reports.

use crate::pipeline::{DocumentFlow, Job, Settled, Tools};
use comms::{CommunicationId, State, chain};
use service::{Invocation, Metrics, Service, StartError, optional};
use shopify::AdminApi;
use std::time::{Duration, Instant};
use tokio::time;
use work::{
    Backoff, BatchResponse, InvalidItem, Limits, MalformedBatch, Queue, Record, Retry, SqsEvent, WorkItem,
    each,
};

/// How a function handles batches, from its environment.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    pub concurrency: usize,
    pub backoff: Backoff,
}

/// Everything a flow function holds between invocations.
pub struct FlowHandler<F> {
    flow: F,
    tools: Tools,
    queue: Queue,
    settings: Settings,
    function: String,
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
            catalogue: service.catalogue(),
            archive: service.archive()?,
            ledger: service.ledger()?,
            channels: service.channels()?,
            write_back: service.queue("WRITE_BACK_QUEUE_URL")?,
            clock: jiff::Timestamp::now,
        };
        let settings = Settings { concurrency: service.concurrency()?, backoff: service.backoff()? };
        let function = optional("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "local".to_owned());
        Ok(Self { flow, tools, queue: service.queue("QUEUE_URL")?, settings, function })
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
        let now = (self.tools.clock)();
        let loaded = self.tools.configs.get(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let plans = self.flow.plan(&item, &loaded.config);
        if plans.is_empty() {
            return Ok(Vec::new());
        }
        let secrets = self.tools.secrets.shop(&item.shop, now).await.map_err(|error| Retry::of(&error))?;
        let payload = self.tools.payloads.load(&item).await.map_err(|error| Retry::of(&error))?;
        let mut settled = Vec::with_capacity(plans.len());
        for (index, plan) in plans.iter().enumerate() {
            // switched off since the plan was made is switched off
            let Some(settings) = loaded.config.document(plan.document) else { continue };
            let communication =
                CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
            let owner = format!("{}/{}/{index}", invocation.request_id, record.message_id);
            let begun = Instant::now();
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
                owner: &owner,
                receive_count: record.receive_count(),
            };
            let result = job.run(&self.flow).await;
            log(&job, &result, begun);
            settled.push(result?);
        }
        Ok(settled)
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
    Retry { reason: chain(&error), after }
}

fn metric(settled: &Settled) -> &'static str {
    if !settled.fresh {
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

fn log(job: &Job<'_>, result: &Result<Settled, Retry>, begun: Instant) {
    // a message that comes back gets its line, with the reason, when the batch is answered
    if let Ok(settled) = result {
        tracing::info!(
            shop = %job.item.shop,
            flow = %job.item.flow,
            document = %job.plan.document,
            communication = %job.communication,
            state = %settled.state,
            attempts = settled.attempts,
            fresh = settled.fresh,
            duration_ms = begun.elapsed().as_millis() as u64,
        );
    }
}
