//! Where a dead letter goes: back to the queue that it came from, back to intake, or nowhere.

use crate::Message;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde_json::{Value, value::RawValue};

/// SQS bounds a request, all of its messages together. Well below that.
const MOST_REQUEST_BYTES: usize = 250_000;

/// The queue whose dead letters are events: they go back to the function, not to a queue.
const INTAKE: &str = "intake";

/// Why a queue's dead letters have no way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    #[error("what a schedule could not start is started with `ctl run`")]
    Schedules,
    #[error("events of outcomes are put on their bus: see the runbook")]
    OutcomeEvents,
    #[error("it is not known which queue they came from")]
    Unknown,
}

impl NoWayBack {
    /// Of the queue of this name, if it is one of them.
    pub fn of(queue: &str) -> Option<Self> {
        match queue {
            "schedules" => Some(Self::Schedules),
            "outcome-events" => Some(Self::OutcomeEvents),
            _ => None,
        }
    }
}

/// Why a message stays.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    #[error("the queue did not take it")]
    Queue(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    #[error("it is no event")]
    Malformed(#[source] serde_json::Error),
    #[error("intake did not answer")]
    Unanswered(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("intake refuses it again: {0}")]
    Refused(String),
}

pub enum Way {
    /// Into this queue, as they are.
    Queue {
        sqs: aws_sdk_sqs::Client,
        url: String,
    },
    /// Events: intake decides about them again, and refuses what it refused if nothing has changed.
    Intake {
        lambda: aws_sdk_lambda::Client,
        function: String,
    },
    Nowhere,
}

impl Way {
    /// Whether the dead letters of the queue of this name are events.
    pub fn is_to_intake(queue: &str) -> bool {
        queue == INTAKE
    }

    /// Takes messages there, each alone: one result per message, in order.
    pub async fn take(&self, messages: &[Message]) -> Vec<Result<(), NotTaken>> {
        match self {
            Self::Nowhere => messages.iter().map(|_| Ok(())).collect(),
            Self::Queue { sqs, url } => {
                let mut results = Vec::with_capacity(messages.len());
                for request in requests(messages) {
                    results.extend(send(sqs, url, request).await);
                }
                results
            }
            Self::Intake { lambda, function } => {
                let mut results = Vec::with_capacity(messages.len());
                for message in messages {
                    results.push(invoke(lambda, function, &message.body).await);
                }
                results
            }
        }
    }
}

/// Cuts messages into requests that SQS takes.
fn requests(messages: &[Message]) -> Vec<&[Message]> {
    let (mut requests, mut rest) = (Vec::new(), messages);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(10).take_while(|message| {
            bytes += message.body.len();
            bytes <= MOST_REQUEST_BYTES
        });
        let (request, later) = rest.split_at(fits.count().max(1));
        requests.push(request);
        rest = later;
    }
    requests
}

async fn send(sqs: &aws_sdk_sqs::Client, url: &str, messages: &[Message]) -> Vec<Result<(), NotTaken>> {
    let entry = |(index, message): (usize, &Message)| {
        let entry = SendMessageBatchRequestEntry::builder().id(index.to_string());
        let entry = entry.message_body(&message.body).set_message_group_id(message.letter.shop.clone());
        entry.build().ok()
    };
    let entries = messages.iter().enumerate().filter_map(entry).collect();
    let request = sqs.send_message_batch().queue_url(url).set_entries(Some(entries));
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let text = comms::chain(&error);
            return messages.iter().map(|_| Err(NotTaken::Queue(Some(text.clone().into())))).collect();
        }
    };
    let taken = |index: usize| answer.successful().iter().any(|entry| entry.id() == index.to_string());
    let of = |index| if taken(index) { Ok(()) } else { Err(NotTaken::Queue(None)) };
    (0..messages.len()).map(of).collect()
}

async fn invoke(lambda: &aws_sdk_lambda::Client, function: &str, body: &str) -> Result<(), NotTaken> {
    let event = event(body).map_err(NotTaken::Malformed)?;
    let request = lambda.invoke().function_name(function).payload(Blob::new(event));
    let answer = request.send().await.map_err(|error| NotTaken::Unanswered(error.into()))?;
    match answer.function_error() {
        None => Ok(()),
        Some(_) => {
            let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
            let error: Value = serde_json::from_slice(&payload).unwrap_or_default();
            Err(NotTaken::Refused(comms::one_line(error["errorMessage"].as_str().unwrap_or("no reason"))))
        }
    }
}

/// The event itself, byte for byte: it is the body, or part of Lambda's record.
fn event(body: &str) -> Result<String, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Refused<'a> {
        #[serde(rename = "requestPayload", borrow)]
        event: Option<&'a RawValue>,
    }
    let refused: Refused<'_> = serde_json::from_str(body)?;
    Ok(refused.event.map_or(body, RawValue::get).to_owned())
}

#[cfg(test)]
mod tests {
    use super::event;

    #[test]
    fn an_event_keeps_its_digits() {
        let inner = r#"{"detail":{"payload":{"id":9007199254740993}}}"#;
        assert_eq!(event(inner).unwrap(), inner);
        let record = format!(
            r#"{{"version":"1.0","requestPayload":{inner},"responsePayload":{{"errorMessage":"no"}}}}"#
        );
        assert_eq!(event(&record).unwrap(), inner);
    }
}
