//! The AWS endpoints, all on one listener: the right shapes, no storage but the ledger items of open leases.
//!
//! S3 takes everything and has nothing but the shop's configuration. SQS remembers what it was sent.

use crate::{
    counts::{Meter, Service},
    dynamo::Table,
    server::{lock, serve, target},
};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

/// A message that was sent to a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The last part of the queue's address.
    pub queue: String,
    pub body: String,
}

#[derive(Clone)]
pub struct Aws {
    meter: Meter,
    state: Arc<Mutex<Store>>,
}

#[derive(Default)]
struct Store {
    table: Table,
    config: String,
    sent: Vec<Sent>,
}

impl Aws {
    pub async fn start(meter: Meter) -> io::Result<(Self, SocketAddr)> {
        let aws = Self { meter, state: Arc::default() };
        let address = serve(Router::new().fallback(answer).with_state(aws.clone())).await?;
        Ok((aws, address))
    }

    /// The configuration of whatever shop asks.
    pub fn configure(&self, config: String) {
        self.lock().config = config;
    }

    /// What was sent since the last call.
    pub fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.lock().sent)
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        lock(&self.state)
    }
}

async fn answer(
    State(aws): State<Aws>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some((service, operation)) = target(&headers) else {
        return s3(&aws, &method, &uri).await;
    };
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let service = match service {
        service if service.starts_with("DynamoDB") => Service::DynamoDb,
        "AmazonSQS" => Service::Sqs,
        "secretsmanager" => Service::SecretsManager,
        _ => return refuse(service),
    };
    aws.meter.request(service, operation).await;
    match service {
        Service::DynamoDb => dynamo_db(&aws, operation, &request),
        Service::Sqs => sqs(&aws, operation, &request),
        _ => secret(&request),
    }
}

fn dynamo_db(aws: &Aws, operation: &str, request: &Value) -> Response {
    match operation {
        "UpdateItem" => match aws.lock().table.update(request) {
            Ok(written) => {
                aws.meter.change(|counts| {
                    counts.dynamo_writes += 1;
                    counts.communications += u64::from(written.is_new);
                    counts.largest_item = counts.largest_item.max(written.bytes);
                });
                ok(&written.answer)
            }
            Err(error) => refuse(&error.to_string()),
        },
        "TransactWriteItems" => {
            let writes = request["TransactItems"].as_array().map_or(0, Vec::len);
            aws.meter.change(|counts| counts.dynamo_writes += writes as u64);
            ok(&json!({}))
        }
        "PutItem" | "DeleteItem" => {
            aws.meter.change(|counts| counts.dynamo_writes += 1);
            ok(&json!({}))
        }
        "GetItem" => ok(&json!({})),
        "Query" => ok(&json!({"Count": 0, "ScannedCount": 0, "Items": []})),
        other => refuse(other),
    }
}

fn sqs(aws: &Aws, operation: &str, request: &Value) -> Response {
    let url = request["QueueUrl"].as_str().unwrap_or_default();
    let queue = url.rsplit('/').next().unwrap_or_default();
    let sent = |body: &Value| Sent {
        queue: queue.to_owned(),
        body: body["MessageBody"].as_str().unwrap_or_default().to_owned(),
    };
    let id = "5fea7756-0ea4-451a-a703-a558b933e274";
    let digest = "00000000000000000000000000000000";
    match operation {
        "SendMessage" => {
            aws.lock().sent.push(sent(request));
            ok(&json!({"MessageId": id, "MD5OfMessageBody": digest}))
        }
        "SendMessageBatch" => {
            let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
            aws.lock().sent.extend(entries.iter().map(sent));
            let done = entries
                .iter()
                .map(|entry| json!({"Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": digest}));
            ok(&json!({"Successful": done.collect::<Vec<_>>(), "Failed": []}))
        }
        other => refuse(other),
    }
}

pub fn secret(request: &Value) -> Response {
    let name = request["SecretId"].as_str().unwrap_or_default();
    let client = json!({"client_id": "local", "client_secret": "local-secret"});
    let value = match name.ends_with("/customer-key") {
        true => "a key for the benchmark only".to_owned(),
        false => json!({"shopify": {"access_token": "shpat_local"}, "exstream": client, "email": client})
            .to_string(),
    };
    ok(&json!({"ARN": name, "Name": name, "SecretString": value, "VersionId": "1", "CreatedDate": 1.7e9}))
}

async fn s3(aws: &Aws, method: &Method, uri: &Uri) -> Response {
    let is_list = uri.query().is_some_and(|query| query.contains("list-type"));
    let operation = match *method {
        Method::GET if is_list => "ListObjectsV2",
        Method::GET => "GetObject",
        Method::PUT => "PutObject",
        Method::HEAD => "HeadObject",
        _ => return refuse(method.as_str()),
    };
    aws.meter.request(Service::S3, operation).await;
    let version =
        [("x-amz-version-id", "3HL4kqtJvjVBH40Nrjfkd"), ("etag", "\"9b2cf535f27731c974343645a3985328\"")];
    let xml = [(header::CONTENT_TYPE, "application/xml")];
    match operation {
        "PutObject" => (version, ()).into_response(),
        "GetObject" if uri.path().contains("/config/") => {
            (version, aws.lock().config.clone()).into_response()
        }
        "ListObjectsV2" => (
            xml,
            "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>",
        )
            .into_response(),
        _ => (StatusCode::NOT_FOUND, xml, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
    }
}

pub fn ok(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/x-amz-json-1.0")], value.to_string()).into_response()
}

/// The functions asked for something no scenario expects: their failure shows in the benchmark.
pub fn refuse(what: &str) -> Response {
    let body =
        json!({"__type": "ValidationException", "message": format!("the stand-in does not know {what}")});
    (StatusCode::BAD_REQUEST, body.to_string()).into_response()
}
