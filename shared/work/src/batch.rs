//! The batch loop.

use crate::{Failed, Next};
use comms::{Class, Classify, chain};
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{fmt, panic::AssertUnwindSafe, time::Duration};
use tokio::time::Instant;

/// A batch as Lambda hands it over. Bodies stay text: each is decoded alone, so a bad one fails alone.
#[derive(Debug, Clone, Deserialize)]
pub struct SqsEvent {
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub message_id: String,
    pub receipt_handle: String,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Attributes {
    #[serde(rename = "ApproximateReceiveCount")]
    receive_count: Option<String>,
    #[serde(rename = "SentTimestamp")]
    sent_epoch_ms: Option<String>,
}

// a body carries a customer's data
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("message_id", &self.message_id).finish_non_exhaustive()
    }
}

impl Record {
    /// How often the message was handed out, this time included.
    pub fn receive_count(&self) -> u32 {
        self.attributes.receive_count.as_deref().and_then(|count| count.parse().ok()).unwrap_or(1)
    }

    /// When it was put into the queue, as far as SQS says.
    pub fn sent(&self) -> Option<Timestamp> {
        let sent = self.attributes.sent_epoch_ms.as_deref().and_then(|text| text.parse().ok());
        sent.and_then(|millis| Timestamp::from_millisecond(millis).ok())
    }

    /// How long ago that was.
    pub fn age(&self, now: Timestamp) -> Duration {
        self.sent().and_then(|sent| Duration::try_from(now.duration_since(sent)).ok()).unwrap_or_default()
    }
}

/// Lambda's partial batch response: what is listed is delivered again, the rest is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BatchResponse {
    #[serde(rename = "batchItemFailures")]
    pub failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    #[serde(rename = "itemIdentifier")]
    pub message_id: String,
}

impl BatchResponse {
    /// The answer to a batch that [`Inbox::settle`](crate::Inbox::settle) has settled.
    pub fn of<T>(records: &[Record], settled: &[Result<T, Failed>]) -> Self {
        let is_again =
            |result: &Result<T, Failed>| matches!(result, Err(Failed { next: Next::Again(_), .. }));
        let again = records.iter().zip(settled).filter(|(_, result)| is_again(result));
        let failure = |(record, _): (&Record, _)| Failure { message_id: record.message_id.clone() };
        Self { failures: again.map(failure).collect() }
    }
}

/// A batch that cannot be answered in part. SQS delivers all of it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {index} of the batch has no message id, so no partial answer is possible")]
pub struct MalformedBatch {
    index: usize,
}

impl SqsEvent {
    /// Refuses a batch whose partial answer Lambda would take for "all failed" or misread.
    pub fn check(&self) -> Result<(), MalformedBatch> {
        match self.records.iter().position(|record| record.message_id.is_empty()) {
            Some(index) => Err(MalformedBatch { index }),
            None => Ok(()),
        }
    }
}

/// Redeliver the message; `reason` is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    pub reason: String,
    /// Exactly this long, such as until another's lease ends. Otherwise the usual back-off.
    pub after: Option<Duration>,
    /// The other side named a time: not before it, and not before the usual back-off either.
    pub at_least: Option<Duration>,
    /// Another invocation works on it right now.
    pub elsewhere: bool,
    /// It waits for something that passes by itself, such as an outage: it is delivered again for as long as that takes.
    /// Otherwise it is given up after a few attempts.
    pub waits: bool,
    /// Its work was not begun: it was paused, or a service that it needs is ill. No failure.
    pub put_off: bool,
}

impl Retry {
    /// For what gives the same answer until somebody changes something.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            after: None,
            at_least: None,
            elsewhere: false,
            waits: false,
            put_off: false,
        }
    }

    /// For what passes by itself.
    pub fn waiting(reason: impl fmt::Display) -> Self {
        Self { waits: true, ..Self::new(reason) }
    }

    /// For work that is not begun now, and not before `at_least` has passed.
    pub fn put_off(reason: impl fmt::Display, at_least: Option<Duration>) -> Self {
        Self { at_least, put_off: true, ..Self::waiting(reason) }
    }

    /// Another invocation works on it, and is done by then or has died.
    pub fn elsewhere(after: Duration) -> Self {
        Self { after: Some(after), elsewhere: true, ..Self::waiting("another invocation works on it") }
    }

    /// The error with its causes, and the wait it asks for.
    pub fn of<E: Classify + std::error::Error>(error: &E) -> Self {
        Self::because(error.class(), chain(error))
    }

    /// A reason with the wait that its class asks for.
    pub fn because(class: Class, reason: impl fmt::Display) -> Self {
        match class {
            Class::Transient { retry_after } => Self { at_least: retry_after, ..Self::waiting(reason) },
            Class::Unknown => Self::waiting(reason),
            Class::Permanent | Class::Stuck => Self::new(reason),
        }
    }
}

/// So that `?` ends the work of [`each`] with any classified error.
impl<E: Classify + std::error::Error> From<E> for Retry {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many records are worked on at once.
    pub concurrency: usize,
    /// When a record's work is given up, so that there is time left to answer.
    pub deadline: Instant,
}

/// Runs `handle` for each record, and answers in the records' order.
///
/// A panic in `handle` or a deadline passed is a [`Retry`] of that record. `handle` does not start on a record
/// whose turn comes after the deadline: that one is delivered again after the usual back-off, too.
pub async fn each<'a, T>(
    records: &'a [Record],
    limits: Limits,
    handle: impl AsyncFn(&'a Record) -> Result<T, Retry>,
) -> Vec<Result<T, Retry>> {
    let handle = &handle;
    let mut results: Vec<_> = stream::iter(records.iter().enumerate())
        .map(|(index, record)| async move {
            if Instant::now() >= limits.deadline {
                return (index, Err(Retry::waiting("the invocation had no time left for it")));
            }
            let work = AssertUnwindSafe(handle(record)).catch_unwind();
            let result = match tokio::time::timeout_at(limits.deadline, work).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Retry::new("the handler panicked")),
                // mostly because something it asked was slow
                Err(_) => Err(Retry::waiting("the invocation's time was up")),
            };
            (index, result)
        })
        .buffer_unordered(limits.concurrency.max(1))
        .collect()
        .await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn records(n: usize) -> Vec<Record> {
        (0..n)
            .map(|i| Record {
                message_id: format!("m{i}"),
                receipt_handle: "r".into(),
                body: i.to_string(),
                attributes: Attributes::default(),
            })
            .collect()
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("asking")]
    struct Busy(#[source] std::fmt::Error);

    impl Classify for Busy {
        fn class(&self) -> Class {
            Class::Transient { retry_after: Some(Duration::from_secs(7)) }
        }
    }

    #[test]
    fn a_classified_error_is_retried_with_its_causes_and_the_wait_it_asks_for() {
        let job = || -> Result<(), Retry> { Err(Busy(std::fmt::Error))? };
        let retry = job().unwrap_err();
        assert_eq!(retry, Retry::of(&Busy(std::fmt::Error)));
        assert_eq!(retry.reason, format!("asking: {}", std::fmt::Error));
        assert_eq!(
            (retry.after, retry.at_least, retry.elsewhere),
            (None, Some(Duration::from_secs(7)), false)
        );
    }

    proptest! {
        /// One record's result never touches another's, whatever the mix.
        #[test]
        fn every_record_gets_its_own_result(fates in prop::collection::vec(0..4u8, 0..24), concurrency in 0..12usize) {
            let records = records(fates.len());
            let results = runtime().block_on(async {
                let limits = Limits { concurrency, deadline: Instant::now() + Duration::from_secs(60) };
                each(&records, limits, async |record| {
                    let i: usize = record.body.parse().unwrap();
                    tokio::time::sleep(Duration::from_millis((i * 7 % 5) as u64)).await;
                    match fates[i] {
                        0 => Ok(i),
                        1 => Err(Retry::new("failed")),
                        2 => panic!("boom"),
                        _ if concurrency.max(1) >= fates.len() => { std::future::pending::<()>().await; Ok(i) }
                        _ => Ok(i),
                    }
                }).await
            });
            prop_assert_eq!(results.len(), fates.len());
            for (i, result) in results.iter().enumerate() {
                let hangs = concurrency.max(1) >= fates.len();
                let expected: Result<usize, &str> = match fates[i] {
                    0 => Ok(i),
                    1 => Err("failed"),
                    2 => Err("the handler panicked"),
                    _ if hangs => Err("the invocation's time was up"),
                    _ => Ok(i),
                };
                prop_assert_eq!(result.as_ref().map_err(|retry| retry.reason.as_str()), expected.as_ref().map_err(|text| *text));
            }
        }
    }

    #[test]
    fn nothing_starts_after_the_deadline() {
        let started = AtomicUsize::new(0);
        let results = runtime().block_on(async {
            let limits = Limits { concurrency: 2, deadline: Instant::now() + Duration::from_secs(60) };
            each(&records(5), limits, async |_| {
                started.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<Result<(), Retry>>().await
            })
            .await
        });
        assert_eq!((started.into_inner(), results.iter().filter(|it| it.is_err()).count()), (2, 5));
    }

    #[test]
    fn runs_at_once_but_not_beyond_the_cap() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        runtime().block_on(async {
            let limits = Limits { concurrency: 4, deadline: Instant::now() + Duration::from_secs(60) };
            each(&records(10), limits, async |_| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            })
            .await;
        });
        assert_eq!(most.into_inner(), 4);
    }

    #[test]
    fn a_batch_with_an_empty_message_id_is_refused_whole() {
        let mut event = SqsEvent { records: records(3) };
        assert_eq!(event.check(), Ok(()));
        event.records[1].message_id.clear();
        assert!(event.check().unwrap_err().to_string().contains("record 1"));
    }
}
