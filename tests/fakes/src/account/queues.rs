//! SQS: messages by the name of their queue.

use super::{broken, list, refusal, text};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What was sent, and what was put off.
#[derive(Debug, Default)]
pub struct Queues {
    /// Bodies, by the last part of the queue's address.
    sent: BTreeMap<String, Vec<Value>>,
    /// For how many seconds the next delivery of a message was put off, with its receipt.
    pub delays: Vec<(String, u64)>,
    /// Takes no message that has this text.
    pub refused: Option<String>,
    /// How many requests with several messages succeed before one fails.
    pub batches_until_failure: Option<usize>,
}

impl Queues {
    pub fn sent(&self, queue: &str) -> Vec<Value> {
        self.sent.get(queue).cloned().unwrap_or_default()
    }

    /// The messages sent to a queue since the last call.
    pub fn take(&mut self, queue: &str) -> Vec<Value> {
        self.sent.remove(queue).unwrap_or_default()
    }

    fn add(&mut self, request: &Value, body: &str) {
        let queue = text(request, "QueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
        self.sent.entry(queue).or_default().push(serde_json::from_str(body).expect("a message is JSON"));
    }

    pub(super) fn send(&mut self, request: &Value) -> Response {
        let body = text(request, "MessageBody");
        let is_refused = self.refused.as_ref().is_some_and(|refused| body.contains(refused));
        if is_refused || body.contains(['\u{fffe}', '\u{ffff}']) {
            return refusal("InvalidMessageContents", "characters outside the allowed set");
        }
        self.add(request, body);
        json!({"MessageId": "m", "MD5OfMessageBody": "m"}).to_string().into_response()
    }

    pub(super) fn send_batch(&mut self, request: &Value) -> Response {
        if self.batches_until_failure == Some(0) {
            self.batches_until_failure = None;
            return broken();
        }
        self.batches_until_failure = self.batches_until_failure.map(|left| left - 1);
        let entries = list(request, "Entries");
        assert!(entries.len() <= 10, "{} messages in one request", entries.len());
        entries.iter().for_each(|entry| self.add(request, text(entry, "MessageBody")));
        let fine = |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "m"});
        let successful: Vec<_> = entries.iter().map(fine).collect();
        json!({"Successful": successful, "Failed": []}).to_string().into_response()
    }

    pub(super) fn change_visibility(&mut self, request: &Value) -> Response {
        let delay = |entry: &Value| {
            let seconds = entry["VisibilityTimeout"].as_u64().expect("a delay is in seconds");
            (text(entry, "ReceiptHandle").to_owned(), seconds)
        };
        self.delays.extend(list(request, "Entries").iter().map(delay));
        json!({"Successful": [], "Failed": []}).to_string().into_response()
    }
}
