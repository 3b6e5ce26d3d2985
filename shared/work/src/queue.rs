//! Sending, answering and delaying messages; payloads too large for one.

use crate::{BatchResponse, Record, Retry, WorkItem, batch::Failure};
use aws_sdk_s3::{operation::get_object::GetObjectError, primitives::ByteStream};
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry};
use comms::{Class, Classify, chain};
use std::{borrow::Cow, time::Duration};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Payloads up to this size travel in the message.
pub const INLINE_PAYLOAD_BYTES: usize = 200 * 1024;

/// SQS's own bound on a visibility time-out is twelve hours, counted from when the message was received.
const MAX_DELAY: Duration = Duration::from_secs(12 * 3600 - 15 * 60);

const KEEPS_ITS_TIME_OUT: &str = "a failed message keeps the queue's visibility time-out";

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("sending to the queue")]
    Send(#[source] Cause),
    #[error("the queue refused a message of the batch ({code})")]
    Refused { code: String },
    #[error("reading or writing the payload {key}")]
    Payload { key: String, source: Cause },
}

impl Classify for QueueError {
    fn class(&self) -> Class {
        match self {
            Self::Send(_) | Self::Refused { .. } | Self::Payload { .. } => Class::transient(),
        }
    }
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

    /// How long a message stays away that was handed out so often and failed like this.
    pub fn of(self, retry: &Retry, receive_count: u32) -> Duration {
        let usual = || self.delay(receive_count).max(retry.at_least.unwrap_or_default());
        retry.after.unwrap_or_else(usual).min(MAX_DELAY)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_secs(10), cap: Duration::from_secs(900) }
    }
}

pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    pub fn new(client: aws_sdk_sqs::Client, url: String) -> Self {
        Self { client, url }
    }

    pub async fn send(&self, body: String) -> Result<(), QueueError> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(drop).map_err(|error| QueueError::Send(error.into()))
    }

    /// Sends a message that nobody receives before `delay` is over; fifteen minutes is the most there is.
    pub async fn send_later(&self, body: String, delay: Duration) -> Result<(), QueueError> {
        let seconds = i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX).min(900);
        let request = self.client.send_message().queue_url(&self.url).message_body(body);
        let sent = request.delay_seconds(seconds).send().await;
        sent.map(drop).map_err(|error| QueueError::Send(error.into()))
    }

    /// Sends many, ten a request; the answer has one result a body, in order.
    ///
    /// A request that succeeds can still have refused some of its messages: those, and only those, fail.
    pub async fn send_all(&self, bodies: &[String]) -> Vec<Result<(), QueueError>> {
        let mut results = Vec::with_capacity(bodies.len());
        for chunk in bodies.chunks(10) {
            let first = results.len();
            let entries = chunk.iter().enumerate().filter_map(|(index, body)| {
                SendMessageBatchRequestEntry::builder().id(index.to_string()).message_body(body).build().ok()
            });
            let request =
                self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries.collect()));
            match request.send().await {
                Ok(output) => {
                    results.extend(chunk.iter().map(|_| Ok(())));
                    for failed in output.failed() {
                        let code = failed.code().to_owned();
                        if let Some(result) =
                            failed.id().parse::<usize>().ok().and_then(|i| results.get_mut(first + i))
                        {
                            *result = Err(QueueError::Refused { code });
                        }
                    }
                }
                Err(error) => {
                    let text = chain(&error);
                    results.extend(chunk.iter().map(|_| Err(QueueError::Send(text.clone().into()))));
                }
            }
        }
        results
    }

    /// The answer to a batch. Failed messages are told to stay away for as long as their retry wants.
    ///
    /// Moving a visibility time-out is a courtesy: if it fails, the queue's own time-out holds.
    pub async fn respond<T>(
        &self,
        records: &[Record],
        results: &[Result<T, Retry>],
        backoff: Backoff,
    ) -> BatchResponse {
        let failed: Vec<_> = records
            .iter()
            .zip(results)
            .filter_map(|(record, result)| Some((record, result.as_ref().err()?)))
            .collect();
        for chunk in failed.chunks(10) {
            let entries = chunk.iter().enumerate().filter_map(|(index, (record, retry))| {
                let delay = backoff.of(retry, record.receive_count());
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(&record.receipt_handle)
                    .visibility_timeout(i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX))
                    .build()
                    .ok()
            });
            let request = self.client.change_message_visibility_batch().queue_url(&self.url);
            match request.set_entries(Some(entries.collect())).send().await {
                Ok(output) => {
                    for entry in output.failed() {
                        let message = entry.id().parse().ok().and_then(|index: usize| chunk.get(index));
                        let message_id = message.map_or("", |(record, _)| record.message_id.as_str());
                        tracing::warn!(message_id, code = entry.code(), "{KEEPS_ITS_TIME_OUT}");
                    }
                }
                Err(error) => tracing::warn!(error = chain(&error), "{KEEPS_ITS_TIME_OUT}"),
            }
        }
        BatchResponse {
            failures: failed
                .iter()
                .map(|(record, _)| Failure { message_id: record.message_id.clone() })
                .collect(),
        }
    }
}

/// Where large payloads wait, in the operations bucket.
pub struct Payloads {
    s3: aws_sdk_s3::Client,
    bucket: String,
}

impl Payloads {
    pub fn new(s3: aws_sdk_s3::Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    pub async fn store(&self, key: &str, payload: &str) -> Result<(), QueueError> {
        let body = ByteStream::from(payload.as_bytes().to_vec());
        let put =
            self.s3.put_object().bucket(&self.bucket).key(key).content_type("application/json").body(body);
        let put = put.send().await;
        put.map(drop).map_err(|error| QueueError::Payload { key: key.to_owned(), source: error.into() })
    }

    /// The payload's JSON text; nothing if the item carries none, or if it waited so long that the payload is
    /// gone: then, too, Shopify can be asked.
    pub async fn load<'a>(&self, item: &'a WorkItem) -> Result<Option<Cow<'a, str>>, QueueError> {
        if let Some(payload) = &item.payload {
            return Ok(Some(Cow::Borrowed(payload.get())));
        }
        match &item.payload_key {
            Some(key) => self.fetch(key).await.map(|payload| payload.map(Cow::Owned)),
            None => Ok(None),
        }
    }

    /// What was stored under `key`; nothing if it is gone.
    pub async fn fetch(&self, key: &str) -> Result<Option<String>, QueueError> {
        let failed = |source: Cause| QueueError::Payload { key: key.to_owned(), source };
        let object = match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                tracing::warn!(key, "a payload is gone");
                return Ok(None);
            }
            Err(error) => return Err(failed(error.into())),
        };
        let body = object.body.collect().await;
        let bytes = body.map_err(|error| failed(error.into()))?.into_bytes();
        String::from_utf8(bytes.into()).map(Some).map_err(|error| failed(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Backoff::default().of(&retry, 2).as_secs()
        };
        assert_eq!(seconds(None, None), 40);
        assert_eq!((seconds(Some(0), None), seconds(Some(3), Some(90))), (0, 3));
        assert_eq!((seconds(None, Some(1)), seconds(None, Some(90))), (40, 90));
    }
}
