//! Lambda's event source mapping: polls a queue, runs invocations beside each other, and does with each message
//! what the function's answer says.
//!
//! It begins with five invocations at once and goes up by 300 per minute while there is work, to the setting
//! `maxConcurrency`. A partial batch response is no failed invocation, so failures do not slow it down.
//! docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html, services-sqs-errorhandling.html

use crate::{
    product::Source,
    queue::{Message, Queue, Tenants},
    services::{Place, Usage},
};
use futures::{StreamExt, stream::FuturesUnordered};
use service::RESERVE;
use std::{cell::Cell, time::Duration};
use tokio::time::{Instant, sleep, sleep_until};
use work::{Backoff, Limits, Next, Record, Retry, SqsEvent};

const FIRST: usize = 5;
const MORE_EVERY: Duration = Duration::from_millis(200);
/// Receiving, invoking and deleting.
const OVERHEAD: Duration = Duration::from_millis(20);
/// The first invocation of a sandbox.
const COLD_START: Duration = Duration::from_millis(200);
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

pub struct Mapping {
    pub source: Source,
    pub queue: Queue,
    backoff: Backoff,
    epoch: Instant,
    /// Since when there has been work without a pause.
    busy_since: Cell<Option<Instant>>,
    sandboxes: Cell<usize>,
    running: Cell<usize>,
    pub peak: Cell<usize>,
    usage: Usage,
}

impl Mapping {
    pub fn new(source: Source, backoff: Backoff, tenants: Tenants) -> Self {
        Self {
            queue: Queue::new(source.max_receive_count, tenants),
            source,
            backoff,
            epoch: Instant::now(),
            busy_since: Cell::new(None),
            sandboxes: Cell::new(0),
            running: Cell::new(0),
            peak: Cell::new(0),
            usage: Usage::default(),
        }
    }

    /// Until the queue is closed and empty.
    pub async fn run(&self, function: impl AsyncFn(&[Record], Limits) -> Vec<Result<(), Retry>>) {
        let mut invocations = FuturesUnordered::new();
        loop {
            while self.running.get() < self.allowed()
                && let Some(batch) = self.queue.receive(self.source.batch, self.source.window)
            {
                let cold = self.running.get() >= self.sandboxes.get();
                let place = Place::take(&self.running, &self.peak);
                self.sandboxes.set(self.sandboxes.get().max(self.running.get()));
                self.busy_since.set(self.busy_since.get().or(Some(Instant::now())));
                invocations.push(self.invoke(&function, batch, cold, place));
            }
            if invocations.is_empty() {
                self.busy_since.set(None);
                if self.queue.is_over() {
                    return;
                }
            }
            tokio::select! {
                biased;
                Some(()) = invocations.next() => {}
                () = self.queue.changed() => {}
                () = sleep_until(self.wake_at()) => {}
            }
        }
    }

    async fn invoke(
        &self,
        function: &impl AsyncFn(&[Record], Limits) -> Vec<Result<(), Retry>>,
        messages: Vec<Message>,
        cold: bool,
        _place: Place<'_>,
    ) {
        let begun = Instant::now();
        sleep(if cold { OVERHEAD + COLD_START } else { OVERHEAD }).await;
        let event = event(&messages);
        let deadline = begun + self.source.timeout - RESERVE;
        let limits = Limits { concurrency: self.source.at_once, deadline };
        let results = function(&event.records, limits).await;
        for (message, result) in messages.into_iter().zip(results) {
            match result {
                Ok(()) => self.queue.delete(message),
                Err(retry) => match self.backoff.next(&retry, message.receives, self.queue.age(message)) {
                    Next::Again(delay) => self.queue.hide(message, delay),
                    Next::GiveUp(_) => self.queue.give_up(message),
                },
            }
        }
        self.usage.add(self.epoch.elapsed(), begun.elapsed().as_secs_f64());
    }

    fn allowed(&self) -> usize {
        let busy = self.busy_since.get().map_or(Duration::ZERO, |since| since.elapsed());
        let more = busy.as_millis() / MORE_EVERY.as_millis();
        self.source.max_concurrency.min(FIRST + more as usize)
    }

    fn wake_at(&self) -> Instant {
        let now = Instant::now();
        let never = now + NEVER;
        match self.running.get() {
            running if running < self.allowed() => self.queue.wake_at(self.source.window).unwrap_or(never),
            running if running < self.source.max_concurrency => now + MORE_EVERY,
            _ => never,
        }
    }

    pub fn share(&self) -> f64 {
        self.usage.share_of(self.source.max_concurrency as f64)
    }
}

/// What Lambda hands to the function.
fn event(messages: &[Message]) -> SqsEvent {
    let records: Vec<_> = messages
        .iter()
        .map(|Message { id, receives, .. }| {
            format!(
                r#"{{"messageId":"{id}","receiptHandle":"","attributes":{{"ApproximateReceiveCount":"{receives}"}}}}"#
            )
        })
        .collect();
    let event = serde_json::from_str(&format!(r#"{{"Records":[{}]}}"#, records.join(",")));
    // nothing in it could be refused
    event.unwrap_or(SqsEvent { records: Vec::new() })
}
