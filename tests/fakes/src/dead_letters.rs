//! A queue of dead letters as SQS would have it, for the library that works them off and for `ctl`.

use crate::{aws, serve};
use aws_config::SdkConfig;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, Uri},
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

/// What is in it, and how it behaves.
#[derive(Default)]
pub struct DeadLetterQueue {
    /// Dead letters that can be received.
    pub visible: VecDeque<(usize, String, &'static str)>,
    pub hidden: HashMap<usize, (String, &'static str)>,
    /// Bodies in the queue that they go back to, and how often each was put there.
    pub back: HashMap<String, u32>,
    pub groups: HashMap<String, u32>,
    pub requests: usize,
    /// After so many messages were sent back, the connection to the queue is lost.
    pub sends_left: Option<usize>,
    /// Every received message can be received again at once: its time was up.
    pub shows_at_once: bool,
    /// After so many receipts, no more are answered.
    pub receipts_left: Option<usize>,
    /// Nothing can be deleted.
    pub deletes_nothing: bool,
    /// Objects that were put, by their keys; none whose key has this text.
    pub put: Vec<String>,
    pub puts_none_with: Option<&'static str>,
}

const DOWN: (axum::http::StatusCode, String) = (axum::http::StatusCode::FORBIDDEN, String::new());

/// Puts of objects, and requests for queues.
async fn any(
    State(sqs): State<Sqs>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (axum::http::StatusCode, String) {
    if method != Method::PUT {
        return answer(State(sqs), headers, body).await;
    }
    let mut account = sqs.lock().expect("it is well formed");
    if account.puts_none_with.is_some_and(|text| uri.path().contains(text)) {
        return DOWN;
    }
    account.put.push(uri.path().to_owned());
    (axum::http::StatusCode::OK, String::new())
}

type Sqs = Arc<Mutex<DeadLetterQueue>>;

async fn answer(State(sqs): State<Sqs>, headers: HeaderMap, body: Bytes) -> (axum::http::StatusCode, String) {
    let request: Value = serde_json::from_slice(&body).expect("it is well formed");
    let mut account = sqs.lock().expect("it is well formed");
    account.requests += 1;
    let entries = || request["Entries"].as_array().expect("it is well formed").iter();
    let number = |entry: &Value| {
        entry["ReceiptHandle"]
            .as_str()
            .expect("it is well formed")
            .parse::<usize>()
            .expect("it is well formed")
    };
    let all_done = || json!({"Successful": entries().map(|it| json!({"Id": it["Id"]})).collect::<Vec<_>>(), "Failed": []});
    let answer = match headers["x-amz-target"].to_str().expect("it is well formed") {
        "AmazonSQS.GetQueueAttributes" => json!({"Attributes": {
            "ApproximateNumberOfMessages": account.visible.len().to_string(),
            "ApproximateNumberOfMessagesNotVisible": account.hidden.len().to_string(),
        }}),
        "AmazonSQS.ReceiveMessage" => {
            if account.receipts_left == Some(0) {
                return DOWN;
            }
            account.receipts_left = account.receipts_left.map(|left| left - 1);
            let count = account.visible.len().min(10);
            let batch: Vec<_> = account.visible.drain(..count).collect();
            let messages = batch.iter().map(|(id, body, cause)| {
                json!({
                    "MessageId": format!("m{id}"), "Attributes": {"SentTimestamp": id.to_string()}, "ReceiptHandle": id.to_string(), "Body": body,
                    "MessageAttributes": {
                        "Cause": {"DataType": "String", "StringValue": cause},
                        "Reason": {"DataType": "String", "StringValue": "no field `total`"},
                    },
                })
            });
            let answer = json!({"Messages": messages.collect::<Vec<_>>()});
            match account.shows_at_once {
                true => account.visible.extend(batch),
                false => {
                    account.hidden.extend(batch.into_iter().map(|(id, body, cause)| (id, (body, cause))));
                }
            }
            answer
        }
        "AmazonSQS.SendMessageBatch" => {
            if account.sends_left.is_some_and(|left| left == 0) {
                return (axum::http::StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned());
            }
            assert!((1..=10).contains(&entries().len()));
            for entry in entries() {
                *account
                    .back
                    .entry(entry["MessageBody"].as_str().expect("it is well formed").to_owned())
                    .or_default() += 1;
                *account
                    .groups
                    .entry(entry["MessageGroupId"].as_str().expect("it is well formed").to_owned())
                    .or_default() += 1;
            }
            account.sends_left = account.sends_left.map(|left| left.saturating_sub(entries().len()));
            all_done()
        }
        "AmazonSQS.DeleteMessageBatch" if account.deletes_nothing => return DOWN,
        "AmazonSQS.DeleteMessageBatch" => {
            for entry in entries() {
                let (body, _) = account.hidden.remove(&number(entry)).expect("it was received");
                let _ = body;
            }
            all_done()
        }
        "AmazonSQS.ChangeMessageVisibilityBatch" => {
            for entry in entries().filter(|entry| entry["VisibilityTimeout"] == 0) {
                if let Some((body, cause)) = account.hidden.remove(&number(entry)) {
                    account.visible.push_back((number(entry), body, cause));
                }
            }
            all_done()
        }
        other => panic!("{other}"),
    };
    (axum::http::StatusCode::OK, answer.to_string())
}

/// A queue with so many dead letters, the settings of clients that reach it, and its address without its name, which is `queue-dlq`.
/// Every fifth is of the shop `quiet`, and every other one cannot work.
pub async fn dead_letters(count: usize) -> (Arc<Mutex<DeadLetterQueue>>, SdkConfig, String) {
    let sqs = Sqs::default();
    let letter = |id| {
        let shop = if id % 5 == 0 { "quiet" } else { "busy" };
        let body = json!({"v": 1, "shop": format!("{shop}.myshopify.com"), "subject": format!("gid://shopify/Order/{id}")});
        (id, body.to_string(), if id % 2 == 0 { "cannot-work" } else { "waited-too-long" })
    };
    sqs.lock().expect("nobody failed").visible = (0..count).map(letter).collect();
    let router = Router::new().fallback(any).with_state(Arc::clone(&sqs));
    let url = serve(router.layer(DefaultBodyLimit::disable())).await;
    (sqs, aws(&url).await, url)
}
