//! How the handling of a batch of messages begins and ends, for functions that have a loop of their own.

use crate::{Invocation, Metric, Metrics};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;
use work::{Failed, GivenUp, Limits, MalformedBatch, Next, Record, SqsEvent};

/// Whoever waits for longer is worth a person's look.
const OVERDUE: Duration = Duration::from_secs(3600);

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
    /// Counts a failed message by what became of it, and logs it. That SQS's own metrics say how old the oldest message is
    /// does not help here: they leave out what was delivered three times.
    pub fn failed(&mut self, record: &Record, flow: Option<&str>, failed: &Failed, now: Timestamp) {
        let Failed { retry, next } = failed;
        match next {
            Next::Again(_) if retry.put_off => {
                self.count(Metric::PutOff, 1);
                tracing::debug!(message_id = %record.message_id, reason = %retry.reason, "message put off");
            }
            Next::Again(delay) => {
                self.count(Metric::Retried, 1);
                self.count(Metric::Waiting, u64::from(retry.waits));
                let is_overdue = retry.waits && retry.after.is_none() && record.age(now) > OVERDUE;
                self.count(Metric::Overdue, u64::from(is_overdue));
                let (message_id, receive_count) = (&record.message_id, record.receive_count());
                let again_s = delay.as_secs();
                tracing::warn!(%message_id, flow, receive_count, again_s, reason = %retry.reason, "message will be retried");
            }
            // told by whoever has put it there
            Next::GiveUp(GivenUp::CannotWork) => self.count(Metric::GivenUp, 1),
            Next::GiveUp(GivenUp::WaitedTooLong) => self.count(Metric::WaitedTooLong, 1),
        }
    }
}
