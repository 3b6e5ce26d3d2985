//! How the handling of a batch of messages begins and ends, for functions that have a loop of their own.

use crate::{Invocation, Metric, Metrics};
use jiff::Timestamp;
use tokio::time::Instant;
use work::{Limits, MalformedBatch, Record, Retry, SqsEvent};

/// When the work on a batch began, and when it has to end.
#[derive(Debug, Clone, Copy)]
pub struct BatchTime {
    pub begun: Instant,
    /// Leaves time to answer in.
    pub deadline: Instant,
}

impl BatchTime {
    /// # Errors
    /// When the event is no batch of messages that can be answered one by one.
    pub fn of(event: &SqsEvent, invocation: &Invocation, now: Timestamp) -> Result<Self, MalformedBatch> {
        event.check()?;
        let begun = Instant::now();
        Ok(Self { begun, deadline: begun + invocation.time_left(now) })
    }

    /// One message after the other: each has a whole run to continue, and takes what time there is.
    pub const fn one_by_one(&self) -> Limits {
        Limits { concurrency: 1, deadline: self.deadline }
    }

    /// Since the work began.
    pub fn duration_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Metrics {
    /// Counts and logs a message that is delivered again.
    pub fn retried(&mut self, record: &Record, flow: Option<&str>, retry: &Retry) {
        self.count(Metric::Retried, 1);
        tracing::warn!(message_id = %record.message_id, flow, receive_count = record.receive_count(), reason = %retry.reason, "message will be retried");
    }
}
