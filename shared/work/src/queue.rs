//! Sending messages; payloads too large for one.

use crate::{Message, NotJson, WorkItem, item::payload_key, message::escaped};
use aws_sdk_s3::{operation::get_object::GetObjectOutput, primitives::ByteStream};
use aws_sdk_sqs::{
    error::{ProvideErrorMetadata, SdkError},
    operation::send_message::builders::SendMessageFluentBuilder,
    types::SendMessageBatchRequestEntry,
};
use comms::{Class, Classify, chain};
use futures::{StreamExt, stream};
use std::{borrow::Cow, time::Duration};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Payloads up to this size, as they are written in a message, travel in it.
const INLINE_PAYLOAD_BYTES: usize = 200 * 1024;

/// SQS bounds a request: ten messages, and a mebibyte for all of them. Well below the latter.
const REQUEST_MESSAGES: usize = 10;
const REQUEST_BYTES: usize = 250_000;

/// Requests of one call at once.
const REQUESTS: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("sending to the queue")]
    Send(#[source] Cause),
    /// This message alone; those beside it in a request are not concerned.
    #[error("the queue refused the message ({code})")]
    Refused {
        code: String,
        /// It is because of the message, and not of the moment.
        lasting: bool,
    },
    #[error("reading or writing the payload {key}")]
    Payload { key: String, source: Cause },
    #[error(
        "the payload is too large for a message, and the webhook id cannot be a part of the key it would be stored under"
    )]
    NoKey,
    #[error(transparent)]
    NotJson(#[from] NotJson),
}

impl QueueError {
    /// A request for one message failed.
    pub(crate) fn of<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match objection(&error) {
            Some(code) => Self::Refused { code, lasting: true },
            None => Self::Send(error.into()),
        }
    }
}

impl Classify for QueueError {
    /// Permanent: the same message would be refused again, and those beside it not.
    fn class(&self) -> Class {
        match self {
            Self::Refused { lasting: true, .. } | Self::NoKey | Self::NotJson(_) => Class::Permanent,
            Self::Refused { lasting: false, .. } | Self::Send(_) | Self::Payload { .. } => Class::transient(),
        }
    }
}

/// The code of an error that SQS answers because of what a message is, or of how much they are together.
fn objection<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<String> {
    let code = error.as_service_error()?.code()?;
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    matches!(code, "InvalidMessageContents" | "InvalidParameterValue" | "BatchRequestTooLong")
        .then(|| code.to_owned())
}

pub struct Queue {
    pub(crate) client: aws_sdk_sqs::Client,
    pub(crate) url: String,
}

impl Queue {
    pub fn new(client: aws_sdk_sqs::Client, url: String) -> Self {
        Self { client, url }
    }

    pub async fn send(&self, message: &Message) -> Result<(), QueueError> {
        self.request(message).send().await.map(drop).map_err(QueueError::of)
    }

    /// Sends a message that nobody receives before `delay` has passed; fifteen minutes is the most there is.
    pub async fn send_later(&self, message: &Message, delay: Duration) -> Result<(), QueueError> {
        let seconds = i32::try_from(delay.as_millis().div_ceil(1000)).unwrap_or(i32::MAX).min(900);
        let request = self.request(message).delay_seconds(seconds);
        request.send().await.map(drop).map_err(QueueError::of)
    }

    fn request(&self, message: &Message) -> SendMessageFluentBuilder {
        let request = self.client.send_message().queue_url(&self.url).message_body(message.text());
        request.set_message_group_id(message.shop().map(str::to_owned))
    }

    /// Sends many, in as few requests as SQS takes; the answer has one result per message, in order.
    ///
    /// A message that is refused fails alone, whether SQS refuses it inside a request or the request because of
    /// it.
    pub async fn send_all(&self, messages: &[Message]) -> Vec<Result<(), QueueError>> {
        let requests = stream::iter(requests(messages)).map(|request| self.send_request(request));
        let results: Vec<_> = requests.buffered(REQUESTS).collect().await;
        results.into_iter().flatten().collect()
    }

    async fn send_request(&self, messages: &[Message]) -> Vec<Result<(), QueueError>> {
        let entry = |(index, message): (usize, &Message)| {
            let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
            let entry = entry.set_message_group_id(message.shop().map(str::to_owned));
            entry.message_body(message.text()).build().ok()
        };
        let entries = messages.iter().enumerate().filter_map(entry).collect();
        let request = self.client.send_message_batch().queue_url(&self.url).set_entries(Some(entries));
        let output = match request.send().await {
            Ok(output) => output,
            Err(error) if objection(&error).is_some() => {
                let one_by_one = stream::iter(messages).map(|message| self.send(message));
                return one_by_one.buffered(REQUEST_MESSAGES).collect().await;
            }
            Err(error) => {
                let text = chain(&error);
                return messages.iter().map(|_| Err(QueueError::Send(text.clone().into()))).collect();
            }
        };
        let unanswered = || QueueError::Refused { code: "not in the answer".to_owned(), lasting: false };
        let mut results: Vec<_> = messages.iter().map(|_| Err(unanswered())).collect();
        let sent = output.successful().iter().map(|entry| (entry.id(), Ok(())));
        let failed = output.failed().iter().map(|entry| {
            let code = entry.code().to_owned();
            // a queue that is busy can call that the sender's fault
            let lasting = entry.sender_fault() && !code.contains("Throttl");
            (entry.id(), Err(QueueError::Refused { code, lasting }))
        });
        for (id, result) in sent.chain(failed) {
            if let Some(slot) = id.parse().ok().and_then(|index: usize| results.get_mut(index)) {
                *slot = result;
            }
        }
        results
    }
}

/// Cuts messages into requests SQS takes.
fn requests(messages: &[Message]) -> Vec<&[Message]> {
    let (mut requests, mut rest) = (Vec::new(), messages);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(REQUEST_MESSAGES).take_while(|message| {
            bytes += message.bytes();
            bytes <= REQUEST_BYTES
        });
        let (request, later) = rest.split_at(fits.count().max(1));
        requests.push(request);
        rest = later;
    }
    requests
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

    /// The message of an item. A payload that is too large for it is stored first, and the message names its key.
    ///
    /// # Errors
    /// Permanent where this item can never be a message.
    pub async fn message(&self, mut item: WorkItem) -> Result<Message, QueueError> {
        let is_large = |payload: &str| escaped(payload).len() > INLINE_PAYLOAD_BYTES;
        if let Some(payload) = item.payload.take_if(|payload| is_large(payload.get())) {
            let key = payload_key(&item.shop, &item.trigger.webhook_id).ok_or(QueueError::NoKey)?;
            self.store(&key, payload.get()).await?;
            item.payload_key = Some(key);
        }
        Ok(Message::of(&item)?)
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
        match self.open(key).await? {
            Some(stored) => stored.read().await.map(Some),
            None => Ok(None),
        }
    }

    /// The same, before any of it is read.
    pub async fn open(&self, key: &str) -> Result<Option<StoredPayload>, QueueError> {
        let failed = |source: Cause| QueueError::Payload { key: key.to_owned(), source };
        match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => Ok(Some(StoredPayload { key: key.to_owned(), object })),
            Err(error) if objects::is_missing(&self.s3, &self.bucket, key, &error).await => {
                tracing::warn!(key, "a payload is gone");
                Ok(None)
            }
            Err(error) => Err(failed(error.into())),
        }
    }
}

/// A stored payload whose size is known and whose bytes are still to come.
pub struct StoredPayload {
    key: String,
    object: GetObjectOutput,
}

impl StoredPayload {
    pub fn bytes(&self) -> usize {
        self.object.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default()
    }

    pub async fn read(self) -> Result<String, QueueError> {
        let failed = |source: Cause| QueueError::Payload { key: self.key.clone(), source };
        let body = self.object.body.collect().await;
        let bytes = body.map_err(|error| failed(error.into()))?.into_bytes();
        String::from_utf8(bytes.into()).map_err(|error| failed(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stay_within_both_bounds() {
        let sizes = |sizes: &[usize]| -> Vec<usize> {
            // with its quotes, a text is two bytes longer
            let messages: Vec<_> =
                sizes.iter().map(|size| Message::of(&"x".repeat(size.saturating_sub(2))).unwrap()).collect();
            requests(&messages).iter().map(|request| request.len()).collect()
        };
        assert_eq!(sizes(&[2; 23]), [10, 10, 3]);
        assert_eq!(sizes(&[200_000; 3]), [1, 1, 1]);
        assert_eq!(sizes(&[125_000, 125_000, 2, 249_998]), [2, 2]);
        assert_eq!(sizes(&[300_000, 2]), [1, 1]);
        assert_eq!(sizes(&[]), [] as [usize; 0]);
    }
}
