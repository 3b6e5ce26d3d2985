//! AWS on one listener, with everything kept: the ledger, the buckets, the queues. Now and then it fails.
//!
//! Of a failure the client cannot tell whether the request was carried out: half of those that fail were.

use super::{
    bucket::{Buckets, error},
    queue::Queue,
    random::Random,
    table::{Refusal, Table},
    tally::Tally,
};
use crate::{
    Failure,
    aws::{ok, refuse, secret},
    server::{lock, serve, target},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Of a hundred requests, so many fail.
const FAILS: f64 = 0.003;
/// Small, so that two cores are enough; the slowest first.
const S3: Duration = Duration::from_millis(8);
const OTHERS: Duration = Duration::from_millis(2);

#[derive(Clone)]
pub struct Aws {
    pub table: Arc<Mutex<Table>>,
    pub buckets: Arc<Mutex<Buckets>>,
    pub queues: Arc<Mutex<BTreeMap<String, Queue>>>,
    pub random: Random,
    pub tally: Tally,
}

impl Aws {
    pub async fn start(
        queues: BTreeMap<String, Queue>,
        random: Random,
        tally: Tally,
    ) -> Result<(Self, SocketAddr), Failure> {
        let queues = Arc::new(Mutex::new(queues));
        let aws = Self { table: Arc::default(), buckets: Arc::default(), queues, random, tally };
        let address = serve(Router::new().fallback(answer).with_state(aws.clone())).await?;
        Ok((aws, address))
    }

    pub fn queue<T>(&self, name: &str, with: impl FnOnce(&mut Queue) -> T) -> Option<T> {
        lock(&self.queues).get_mut(name).map(with)
    }
}

async fn answer(
    State(aws): State<Aws>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (service, operation) = target(&headers).unwrap_or(("S3", ""));
    let service = service.split('_').next().unwrap_or_default();
    tokio::time::sleep(if service == "S3" { S3 } else { OTHERS }).await;
    let (fails, acts) = (aws.random.happens(FAILS), aws.random.happens(0.5));
    if fails && !acts {
        aws.tally.add("faults", &format!("{service} failed"));
        return failed(service);
    }
    let request = || serde_json::from_slice(&body).unwrap_or_default();
    let answer = match service {
        "S3" if method == Method::PUT => lock(&aws.buckets).put(uri.path(), &headers, body),
        "S3" => lock(&aws.buckets).read(&method, &uri),
        "DynamoDB" => dynamo_db(&aws, operation, &request()),
        "AmazonSQS" => sqs(&aws, operation, &request()),
        "secretsmanager" => secret(&request()),
        other => refuse(other),
    };
    if answer.status() == StatusCode::BAD_REQUEST && service != "DynamoDB" {
        aws.tally.add("not understood", &format!("{service} {operation}"));
    }
    if fails {
        aws.tally.add("faults", &format!("{service} answer lost"));
        return failed(service);
    }
    answer
}

fn failed(service: &str) -> Response {
    match service {
        "S3" => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        _ => {
            let body = json!({"__type": "InternalServerError", "message": "a fault was asked for"});
            (StatusCode::INTERNAL_SERVER_ERROR, body.to_string()).into_response()
        }
    }
}

fn dynamo_db(aws: &Aws, operation: &str, request: &Value) -> Response {
    match lock(&aws.table).answer(operation, request) {
        Ok(answer) => ok(&answer),
        Err(Refusal::Condition(item)) => {
            let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            let mut body = json!({"__type": kind, "message": "The conditional request failed"});
            if !item.is_null() {
                body["Item"] = item;
            }
            (StatusCode::BAD_REQUEST, body.to_string()).into_response()
        }
        Err(Refusal::Unknown(what)) => {
            aws.tally.add("not understood", &what);
            refuse(&what)
        }
    }
}

fn sqs(aws: &Aws, operation: &str, request: &Value) -> Response {
    let name = request["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
    let done = |entry: &Value| json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0"});
    let bodies = entries.iter().chain([request]).filter_map(|entry| entry["MessageBody"].as_str());
    // SQS would refuse it
    if bodies.into_iter().any(|body| body.contains(['\u{fffe}', '\u{ffff}'])) {
        aws.tally.add("not understood", "SQS: characters outside the allowed set");
        return refuse(operation);
    }
    let answer = aws.queue(name, |queue| {
        let now = Instant::now();
        let mut send =
            |body: &Value| queue.send(body["MessageBody"].as_str().unwrap_or_default().to_owned(), now);
        match operation {
            "SendMessage" => {
                send(request);
                Some(done(request))
            }
            "SendMessageBatch" => {
                entries.iter().for_each(send);
                Some(json!({"Successful": entries.iter().map(done).collect::<Vec<_>>(), "Failed": []}))
            }
            "ChangeMessageVisibilityBatch" => {
                for entry in entries {
                    let id = entry["ReceiptHandle"].as_str().and_then(|handle| handle.parse().ok())?;
                    queue.hide(id, Duration::from_secs(entry["VisibilityTimeout"].as_u64()?), now);
                }
                Some(json!({"Successful": entries.iter().map(done).collect::<Vec<_>>(), "Failed": []}))
            }
            _ => None,
        }
    });
    answer.flatten().map_or_else(|| refuse(operation), |answer| ok(&answer))
}
