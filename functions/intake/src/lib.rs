//! Takes Shopify events from the bus and turns each into a work item on the queue of its flow, or of both flows it
//! matters to.
//!
//! An event is trusted if it came from an accepted source and concerns a shop that has a configuration.
//! What no document follows from is counted and logged. What cannot be understood fails the invocation, so
//! that Lambda hands it, with the reason, to the function's dead-letter queue. Nothing is kept between
//! events: an event that arrives twice makes two work items, which name the same communication.

// the types of nested async calls are deeper than the compiler expects
#![recursion_limit = "256"]

mod route;

pub use route::{Ignored, Routed, flows_of, work_item};

use comms::{Flow, ShopDomain, chain};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use service::{
    Begun, LONGEST_SEND, Metric, Metrics, Service, Serving, SpanName, StartError, Traces,
    flow_queue_variable, function_name, required,
};
use shop_config::{ConfigError, ConfigStore};
use shopify::{Event, EventError};
use std::{collections::HashMap, sync::Arc};
use tokio::time::Instant;
use work::{Payloads, Queue, QueueError, WorkItem};

const SOURCES: &str = "EVENT_SOURCES";

#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("not a Shopify event")]
    Event(#[from] EventError),
    #[error("the event's source `{0}` is not one of EVENT_SOURCES")]
    Source(String),
    #[error("the event cannot be accepted for its shop")]
    Shop(#[source] ConfigError),
    #[error("the event of topic {topic} names no resource: it has no `admin_graphql_api_id` and no `id`")]
    NoSubject { topic: String },
    #[error(
        "the event of topic {topic} does not say whether the order was paid: the subscription's query needs `order {{ id displayFinancialStatus }}`, and access to it"
    )]
    FinancialStatus { topic: String },
    #[error("no queue is configured for the flow {0}: set {1}")]
    NoQueue(Flow, String),
    #[error("handing the event on")]
    Queue(#[from] QueueError),
}

/// What became of an event: the function's answer, which EventBridge ignores and people read.
#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum IntakeOutcome {
    Queued { shop: ShopDomain, flows: Vec<Flow>, subject: String },
    Ignored { reason: Ignored },
}

pub struct Intake {
    sources: Vec<String>,
    queues: HashMap<Flow, Queue>,
    configs: ConfigStore,
    payloads: Payloads,
    function: String,
    traces: Arc<Traces>,
    clock: fn() -> Timestamp,
}

impl Intake {
    /// Reads the environment. A flow without a queue is one this deployment does not serve.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self {
            sources: sources(&required(SOURCES)?)?,
            queues: service.flow_queues()?,
            configs: service.configs()?,
            payloads: service.payloads()?,
            function: function_name(),
            traces: service.traces(),
            clock: Timestamp::now,
        })
    }

    /// Handles one event.
    ///
    /// # Errors
    /// When the event is not understood or not trusted, or cannot be passed on. Lambda repeats the call and
    /// then gives the event to the dead-letter queue.
    pub async fn handle(&self, event: Box<RawValue>, now: Timestamp) -> Result<IntakeOutcome, IntakeError> {
        let mut metrics = Metrics::default();
        let taken = self.take(&event, now, &mut metrics).await;
        if let Err(error) = &taken {
            metrics.count(Metric::Refused, 1);
            tracing::error!(error = %chain(error), "event refused");
        }
        metrics.emit(&self.function, now);
        self.traces.send(Instant::now() + LONGEST_SEND).await;
        taken
    }

    async fn take(
        &self,
        event: &RawValue,
        now: Timestamp,
        metrics: &mut Metrics,
    ) -> Result<IntakeOutcome, IntakeError> {
        let event = Event::parse(event.get().as_bytes())?;
        if !self.sources.iter().any(|accepted| is_of(&event.source, accepted)) {
            return Err(IntakeError::Source(event.source.chars().take(120).collect()));
        }
        let loaded = self.configs.get(&event.shop, now).await.map_err(IntakeError::Shop)?;
        if event.test {
            metrics.count(Metric::Test, 1);
        }
        let items = match work_item(&event, &loaded.config)? {
            Routed::Work(items) => items,
            Routed::Ignored(reason) => {
                metrics.count(Metric::Ignored, 1);
                tracing::info!(shop = %event.shop, topic = %printable(&event.topic), webhook = %printable(&event.webhook_id), %reason, "event ignored");
                return Ok(IntakeOutcome::Ignored { reason });
            }
        };
        let place = self.traces.place(None, &event.shop, &event.webhook_id);
        let span = self.traces.begin(place, SpanName::Intake, now);
        let queued = self.queue_all(items, span, metrics).await;
        self.traces.end(span, (self.clock)(), queued.is_err(), || {
            vec![("shop", event.shop.as_str().to_owned()), ("topic", printable(&event.topic))]
        });
        let (flows, subject) = queued?;
        let shop = event.shop.clone();
        tracing::info!(shop = %shop, ?flows, topic = %printable(&event.topic), %subject, webhook = %printable(&event.webhook_id), test = event.test, "event queued");
        Ok(IntakeOutcome::Queued { shop, flows, subject })
    }

    async fn queue_all(
        &self,
        items: Vec<WorkItem>,
        span: Option<Begun>,
        metrics: &mut Metrics,
    ) -> Result<(Vec<Flow>, String), IntakeError> {
        let (mut flows, mut subject) = (Vec::new(), String::new());
        // if one of two queues refuses, both get the item again: it names the same communications
        for item in items {
            flows.push(item.flow);
            subject = item.subject.to_string();
            self.queue(WorkItem { trace: span.map(|span| span.context()), ..item }).await?;
            metrics.count(Metric::Queued, 1);
        }
        Ok((flows, subject))
    }

    async fn queue(&self, item: WorkItem) -> Result<(), IntakeError> {
        let queue = self
            .queues
            .get(&item.flow)
            .ok_or_else(|| IntakeError::NoQueue(item.flow, flow_queue_variable(item.flow)))?;
        Ok(queue.send(&self.payloads.message(item).await?).await?)
    }
}

/// Whether an event's source is the accepted one, or one below it: `aws.partner/shopify.com/12` accepts
/// `aws.partner/shopify.com/12/name`, and nothing of the app whose number is 123.
pub fn is_of(source: &str, accepted: &str) -> bool {
    let accepted = accepted.trim_end_matches('/');
    let below = source.strip_prefix(accepted).filter(|_| !accepted.is_empty());
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The accepted sources, separated by commas. An empty one would accept every source.
fn sources(value: &str) -> Result<Vec<String>, StartError> {
    let sources: Vec<_> =
        value.split(',').map(|source| source.trim().trim_end_matches('/').to_owned()).collect();
    if sources.iter().any(String::is_empty) {
        let what = "an entry is empty, which would accept every source".to_owned();
        return Err(StartError::Invalid { name: SOURCES.to_owned(), value: value.to_owned(), what });
    }
    Ok(sources)
}

/// Text from outside, fit for one log line.
fn printable(text: &str) -> String {
    comms::one_line(text).chars().take(80).collect()
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let intake = Intake::new(&service)?;
        service::run(async |event, _| intake.handle(event, Timestamp::now()).await).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_accepted_as_a_whole_and_never_by_its_beginning() {
        for (source, accepted, fine) in [
            ("aws.partner/shopify.com/12/shop", "aws.partner/shopify.com/", true),
            ("aws.partner/shopify.com/12/shop", "aws.partner/shopify.com", true),
            ("aws.partner/shopify.com/12/shop", "aws.partner/shopify.com/12", true),
            ("aws.partner/shopify.com/12/shop", "aws.partner/shopify.com/12/", true),
            ("aws.partner/shopify.com/12/shop", "aws.partner/shopify.com/12/shop", true),
            ("aws.partner/shopify.com/123/shop", "aws.partner/shopify.com/12", false),
            ("aws.partner/shopify.com/12/shop-two", "aws.partner/shopify.com/12/shop", false),
            ("aws.partner/shopify.com.evil/12/shop", "aws.partner/shopify.com", false),
            ("AWS.partner/shopify.com/12/shop", "aws.partner/shopify.com", false),
            ("evil/aws.partner/shopify.com/12/shop", "aws.partner/shopify.com", false),
            ("aws.partner/shopify.com", "aws.partner/shopify.com/12", false),
            ("/anything", "", false),
            ("/anything", "/", false),
        ] {
            assert_eq!(is_of(source, accepted), fine, "{source} of {accepted}");
        }
    }

    #[test]
    fn an_empty_source_is_a_start_error() {
        assert_eq!(sources("aws.partner/shopify.com/, local").unwrap(), ["aws.partner/shopify.com", "local"]);
        for empty in ["", " ", "/", "a,", ",a", "a, ,b", "a,/"] {
            assert!(matches!(sources(empty), Err(StartError::Invalid { .. })), "{empty:?}");
        }
    }
}
