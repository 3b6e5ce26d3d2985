//! What becomes of a message that failed: when it is delivered again, and when it is given up.
//!
//! What waits for something that passes by itself (an outage, throttling, quiet hours) is delivered again until its queue
//! would soon forget it: thirteen of SQS's fourteen days. The longer it has waited, the longer it waits for the next
//! time, so what is ill is asked less and less, nothing comes much later than it has to, and thirteen days cost fewer
//! deliveries than the queue allows ([`MOST_DELIVERIES`]). What cannot work until somebody changes something is given up
//! after a few attempts. Both kinds go to the dead letters with the cause, put there by the function itself, so that
//! they are kept for another fourteen days. The queue's own limit only catches what kills the process.
//!
//! A crash after a message was put among the dead letters, before its batch was answered, leaves it in both queues. It is
//! then handled once more, and given up once more at worst: any number of deliveries of the same work ends in the
//! same state.

use crate::{Queue, QueueError, Record, Retry, message::REFUSED};
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue};
use comms::{chain, cut, names, one_line};
use futures::{StreamExt, stream};
use jiff::Timestamp;
use std::time::Duration;

/// Attempts at what gives the same answer each time. With the usual back-off they take half an hour, longer than a
/// deployment has two versions at work.
pub const MOST_ATTEMPTS: u32 = 6;

/// So long a message is delivered again at most. Its queue keeps it for a day more.
pub const LONGEST_WAIT: Duration = Duration::from_secs(13 * 24 * 3600);

/// The queue's own limit is not below this: what waits as long as it may is delivered fewer times.
pub const MOST_DELIVERIES: u32 = 100;

/// SQS's own bound on a visibility time-out is twelve hours, counted from when the message was received.
const MAX_DELAY: Duration = Duration::from_secs(12 * 3600 - 15 * 60);

/// The longest wait between two deliveries of what waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// What has waited waits for this part of that time more.
const PART_OF_AGE: u32 = 4;

/// Of a reason, so many bytes go with a dead letter.
const MAX_REASON_BYTES: usize = 512;

const KEEPS_ITS_TIME_OUT: &str = "a failed message keeps the queue's visibility time-out";

names! {
    /// Why a message was given up.
    GivenUp, "cause of a dead letter", {
        /// It fails each time, and will until a release or a person changes something.
        CannotWork = "cannot-work",
        /// What it waited for did not come within thirteen days.
        WaitedTooLong = "waited-too-long",
    }
}

/// What a failed message does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Again(Duration),
    GiveUp(GivenUp),
}

/// A message that failed, why, and what it does next.
#[derive(Debug)]
pub struct Failed {
    pub retry: Retry,
    pub next: Next,
}

/// How long a failed message stays away: four times longer each time, within bounds.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
}

impl Backoff {
    pub fn delay(self, receive_count: u32) -> Duration {
        let factor = 4u32.saturating_pow(receive_count.saturating_sub(1).min(8));
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// How long a message stays away that was delivered so often, is so old, and failed like this.
    fn of(self, retry: &Retry, receive_count: u32, age: Duration) -> Duration {
        let usual = || {
            let part = if retry.waits { (age / PART_OF_AGE).min(LONGEST_PAUSE) } else { Duration::ZERO };
            self.delay(receive_count).max(part).max(retry.at_least.unwrap_or_default())
        };
        retry.after.unwrap_or_else(usual).min(MAX_DELAY)
    }

    /// What a message does next that failed like this.
    pub fn next(self, retry: &Retry, receive_count: u32, age: Duration) -> Next {
        if age >= LONGEST_WAIT {
            return Next::GiveUp(GivenUp::WaitedTooLong);
        }
        if !retry.waits && receive_count >= MOST_ATTEMPTS {
            return Next::GiveUp(GivenUp::CannotWork);
        }
        Next::Again(self.of(retry, receive_count, age))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(10), cap: Duration::from_secs(900) }
    }
}

/// The queue of a consumer, and where what it gives up goes.
pub struct Inbox {
    pub queue: Queue,
    pub dead_letters: Queue,
    pub backoff: Backoff,
}

impl Inbox {
    /// Decides once for each failed message what it does next, and does it: what is given up is put among the dead
    /// letters; what is delivered again stays invisible for as long as its retry wants. What is returned is what happened:
    /// a message that cannot be put among the dead letters is delivered again. Moving a visibility time-out is a courtesy:
    /// if it fails, the queue's own time-out holds.
    pub async fn settle<T>(
        &self,
        records: &[Record],
        results: Vec<Result<T, Retry>>,
        now: Timestamp,
    ) -> Vec<Result<T, Failed>> {
        let settled = stream::iter(records.iter().zip(results)).map(async |(record, result)| match result {
            Ok(value) => Ok(value),
            Err(retry) => Err(self.decide(record, retry, now).await),
        });
        let settled: Vec<_> = settled.buffered(10).collect().await;
        let again = records.iter().zip(&settled).filter_map(|(record, result)| match result {
            Err(Failed { next: Next::Again(delay), .. }) => Some((record, *delay)),
            Err(Failed { next: Next::GiveUp(_), .. }) | Ok(_) => None,
        });
        for chunk in again.collect::<Vec<_>>().chunks(10) {
            self.hide(chunk).await;
        }
        settled
    }

    async fn decide(&self, record: &Record, retry: Retry, now: Timestamp) -> Failed {
        let next = match self.backoff.next(&retry, record.receive_count(), record.age(now)) {
            Next::Again(delay) => Next::Again(delay),
            Next::GiveUp(cause) => match self.give_up(record, cause, &retry).await {
                Ok(()) => Next::GiveUp(cause),
                Err(error) => {
                    let message_id = &record.message_id;
                    tracing::error!(message_id, error = chain(&error), "not put among the dead letters");
                    Next::Again(self.backoff.of(&retry, record.receive_count(), Duration::ZERO))
                }
            },
        };
        Failed { retry, next }
    }

    async fn give_up(&self, record: &Record, cause: GivenUp, retry: &Retry) -> Result<(), QueueError> {
        let attribute = |value: &str| {
            MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
        };
        // SQS refuses these characters, and a reason must not keep a message from being given up
        let reason = one_line(&retry.reason).replace(REFUSED, "");
        let mut request = self.dead_letters.client.send_message().queue_url(&self.dead_letters.url);
        request = request.message_body(&record.body);
        for (name, value) in [
            ("Cause", cause.name()),
            ("Reason", cut(&reason, MAX_REASON_BYTES)),
            ("Deliveries", &record.receive_count().to_string()),
        ] {
            // an attribute must not be empty
            if let Some(value) = attribute(value).filter(|_| !value.is_empty()) {
                request = request.message_attributes(name, value);
            }
        }
        request.send().await.map_err(QueueError::of)?;
        let (message_id, receive_count) = (&record.message_id, record.receive_count());
        tracing::error!(message_id, %cause, receive_count, reason = retry.reason, "message given up");
        Ok(())
    }

    async fn hide(&self, messages: &[(&Record, Duration)]) {
        let entries = messages.iter().enumerate().filter_map(|(index, (record, delay))| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(&record.receipt_handle)
                .visibility_timeout(i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX))
                .build()
                .ok()
        });
        let request = self.queue.client.change_message_visibility_batch().queue_url(&self.queue.url);
        match request.set_entries(Some(entries.collect())).send().await {
            Ok(output) => {
                for entry in output.failed() {
                    let message = entry.id().parse().ok().and_then(|index: usize| messages.get(index));
                    let message_id = message.map_or("", |(record, _)| record.message_id.as_str());
                    tracing::warn!(message_id, code = entry.code(), "{KEEPS_ITS_TIME_OUT}");
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "{KEEPS_ITS_TIME_OUT}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn back_off_grows_and_stays_within_bounds() {
        let backoff = Backoff::default();
        let seconds: Vec<_> = (0..7).map(|n| backoff.delay(n).as_secs()).collect();
        assert_eq!(seconds, [10, 10, 40, 160, 640, 900, 900]);
    }

    #[test]
    fn a_named_wait_is_exact_and_a_minimum_only_a_minimum() {
        let seconds = |after: Option<u64>, at_least: Option<u64>| {
            let named = |seconds: Option<u64>| seconds.map(Duration::from_secs);
            let retry = Retry { after: named(after), at_least: named(at_least), ..Retry::new("") };
            Backoff::default().of(&retry, 2, Duration::ZERO).as_secs()
        };
        assert_eq!(seconds(None, None), 40);
        assert_eq!((seconds(Some(0), None), seconds(Some(3), Some(90))), (0, 3));
        assert_eq!((seconds(None, Some(1)), seconds(None, Some(90))), (40, 90));
    }

    /// The ages at which a message is delivered that fails like this each time, and what it comes to.
    fn life(retry: &Retry) -> (Vec<Duration>, GivenUp) {
        let (mut deliveries, mut age) = (Vec::new(), Duration::ZERO);
        loop {
            deliveries.push(age);
            match Backoff::default().next(retry, u32::try_from(deliveries.len()).unwrap(), age) {
                // the queue hands it out a while later
                Next::Again(delay) => age += delay + Duration::from_secs(2),
                Next::GiveUp(cause) => return (deliveries, cause),
            }
        }
    }

    #[test]
    fn what_waits_is_tried_for_thirteen_days_and_less_and_less() {
        let (deliveries, cause) = life(&Retry::waiting("Exstream is down"));
        assert_eq!(cause, GivenUp::WaitedTooLong);
        let last = *deliveries.last().unwrap();
        assert!(
            (LONGEST_WAIT..LONGEST_WAIT + 7 * HOUR).contains(&last),
            "{last:?}: its queue forgets it after 14 days"
        );
        assert!((40..MOST_DELIVERIES as usize * 4 / 5).contains(&deliveries.len()), "{}", deliveries.len());
        // an outage that ends is noticed soon, compared with how long it was
        for pair in deliveries.windows(2).filter(|pair| pair[0] > HOUR) {
            let pause = pair[1] - pair[0];
            assert!(
                pause <= (pair[0] / 4).max(Duration::from_secs(900)) + Duration::from_secs(2),
                "{pause:?}"
            );
        }
    }

    #[test]
    fn what_cannot_work_is_given_up_within_the_hour_but_outlasts_a_deployment() {
        let (deliveries, cause) = life(&Retry::new("not readable"));
        assert_eq!((deliveries.len(), cause), (MOST_ATTEMPTS as usize, GivenUp::CannotWork));
        let last = *deliveries.last().unwrap();
        assert!((HOUR * 2 / 5..HOUR).contains(&last), "{last:?}");
    }

    /// Quiet hours name the very moment, and no age makes it later.
    #[test]
    fn a_named_moment_is_kept_whatever_the_age() {
        let retry = Retry { after: Some(HOUR), ..Retry::waiting("quiet hours") };
        for (count, age) in [(1, HOUR), (90, 48 * HOUR)] {
            assert_eq!(Backoff::default().next(&retry, count, age), Next::Again(HOUR));
        }
    }
}
