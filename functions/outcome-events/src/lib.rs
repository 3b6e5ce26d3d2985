//! Tells whoever wants to know what became of each communication: one event on the deployer's bus for each outcome.
//!
//! Reads the ledger's stream, so an outcome is told whoever recorded it, and recording costs no request
//! more. At least once: a batch that dies half-way is delivered again from where it stopped, and the events of one
//! outcome are equal. What the bus refuses for good, or for longer than [`PATIENCE`], and what this release cannot read
//! becomes a dead letter that a person can put again; so no record keeps back those behind it for long. Keeps nothing
//! between batches.

mod event;
mod publish;
mod stream;

pub use event::{DETAIL_TYPE, Outcome, OutcomeEvent, SOURCE};
pub use publish::Bus;
pub use stream::{Failure, StreamEvent, StreamResponse};

use aws_sdk_eventbridge::Client;
use jiff::Timestamp;
use publish::{MOST, PublishError};
use serde_json::{Value, json};
use service::{Invocation, Metric, Metrics, Service, Serving, StartError, function_name};
use std::{convert::Infallible, time::Duration};
use stream::{Change, Unreadable};
use tokio::time::Instant;
use work::{Message, Queue};

/// The stream keeps a change for 24 hours. An event that could not be put for so long becomes a dead letter, which is
/// kept for longer.
pub const PATIENCE: Duration = Duration::from_secs(6 * 3600);

/// The function's clients.
pub struct Tools {
    pub bus: Bus,
    pub dead_letters: Queue,
    pub clock: fn() -> Timestamp,
}

pub struct OutcomeEvents {
    tools: Tools,
    function: String,
}

/// A change with the event that it leads to.
struct Pending<'a> {
    change: &'a Change,
    event: OutcomeEvent,
}

/// What came of a batch.
#[derive(Default)]
struct Counts {
    published: u64,
    dead: u64,
}

impl OutcomeEvents {
    /// Reads the environment and makes the clients. Sends nothing.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn new(service: &Service) -> Result<Self, StartError> {
        Ok(Self::with(Tools {
            bus: Bus::new(Client::new(service.aws()), service::required("OUTCOME_BUS")?),
            dead_letters: service.queue("DEAD_LETTER_QUEUE_URL")?,
            clock: Timestamp::now,
        }))
    }

    pub fn with(tools: Tools) -> Self {
        Self { tools, function: function_name() }
    }

    /// Handles one batch. The answer names the first record that is to be delivered again; all after it are, too.
    pub async fn handle(&self, batch: &StreamEvent, invocation: &Invocation) -> StreamResponse {
        let end = Instant::now() + invocation.time_left((self.tools.clock)());
        let mut counts = Counts::default();
        let mut told: Vec<Pending<'_>> = Vec::new();
        let mut failed = None;
        for record in &batch.records {
            let change = &record.dynamodb;
            match change.event() {
                Ok(Some(event)) => told.push(Pending { change, event }),
                Ok(None) => {}
                Err(unreadable) if self.bury(&of_unreadable(change, &unreadable)).await => {
                    let (communication, reason) = (&unreadable.communication, &unreadable.reason);
                    tracing::error!(communication, reason, "cannot be read; its outcome is not told");
                    counts.dead += 1;
                }
                Err(_) => {
                    failed = Some(change);
                    break;
                }
            }
        }
        let unpublished = self.publish(&told, end, &mut counts).await;
        let mut metrics = Metrics::default();
        metrics.count(Metric::OutcomesPublished, counts.published);
        metrics.count(Metric::OutcomesRefused, counts.dead);
        metrics.emit(&self.function, (self.tools.clock)());
        // what was told stands before what could not be read
        let failed = unpublished.or(failed).map(|change| change.sequence_number.clone());
        StreamResponse {
            failures: failed.map(|sequence_number| Failure { sequence_number }).into_iter().collect(),
        }
    }

    /// Puts the events in their order; answers the first change whose event is to be put again.
    async fn publish<'a>(
        &self,
        told: &[Pending<'a>],
        end: Instant,
        counts: &mut Counts,
    ) -> Option<&'a Change> {
        for chunk in told.chunks(MOST) {
            let events: Vec<_> = chunk.iter().map(|it| &it.event).collect();
            let Ok(results) = tokio::time::timeout_at(end, self.tools.bus.put(&events)).await else {
                return chunk.first().map(|it| it.change);
            };
            let mut again = None;
            for (it, result) in chunk.iter().zip(results) {
                if !self.settle(it, result, counts).await {
                    again = again.or(Some(it.change));
                }
            }
            if again.is_some() {
                return again;
            }
        }
        None
    }

    /// Whether nothing is left to do for an event.
    async fn settle(&self, it: &Pending<'_>, result: Result<(), PublishError>, counts: &mut Counts) -> bool {
        let OutcomeEvent { shop, flow, document, communication, outcome, .. } = &it.event;
        let Err(error) = result else {
            counts.published += 1;
            tracing::info!(%shop, %flow, %document, %communication, %outcome, "published");
            return true;
        };
        let is_over = !error.may_pass() || self.age(it.change) > PATIENCE;
        let is_dead = is_over && self.bury(&self.tools.bus.for_a_person(&it.event)).await;
        if is_dead {
            counts.dead += 1;
        }
        tracing::error!(%shop, %communication, %outcome, reason = %error, is_dead, "not published");
        is_dead
    }

    fn age(&self, change: &Change) -> Duration {
        let now = (self.tools.clock)().as_millisecond() as f64 / 1000.0;
        Duration::try_from_secs_f64(now - change.made_epoch_s).unwrap_or_default()
    }

    /// Whether the dead-letter queue has it.
    async fn bury(&self, letter: &Value) -> bool {
        let Ok(message) = Message::of(letter) else { return false };
        match self.tools.dead_letters.send(&message).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(reason = comms::chain(&error), "the dead-letter queue does not take it");
                false
            }
        }
    }
}

fn of_unreadable(change: &Change, Unreadable { communication, reason }: &Unreadable) -> Value {
    json!({"communication": communication, "reason": reason, "sequence_number": change.sequence_number})
}

/// Starts the function and serves its invocations until Lambda ends the process.
pub fn serve() -> Serving {
    Box::pin(async {
        let service = Service::start().await?;
        let outcomes = OutcomeEvents::new(&service)?;
        service::run(async |batch: StreamEvent, invocation| {
            Ok::<_, Infallible>(outcomes.handle(&batch, &invocation).await)
        })
        .await
    })
}
