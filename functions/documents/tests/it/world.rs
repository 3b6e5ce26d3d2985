//! One table with one link, one archive with its documents, and requests as an HTTP API hands them over.

use archive::{Archive, LockMode, sha256_hex};
use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use documents::{Documents, Unsubscribing};
use fakes::{Seen, Server};
use jiff::Timestamp;
use ledger::Ledger;
use links::{LinkKey, LinkedOutput, Links, Publication, Sender, Token};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use work::Queue;

pub struct World {
    pub documents: Documents,
    pub token: String,
    pub table: Server,
    pub store: Arc<Mutex<Store>>,
}

/// What the table and the archive hold, and what they do.
pub struct Store {
    pub link: Value,
    pub objects: Vec<(String, Bytes)>,
    /// What was queued.
    pub messages: Vec<Value>,
    /// The queue takes nothing.
    pub queue_fails: bool,
    /// The table answers nothing but failures.
    pub table_fails: bool,
    /// What an update finds has changed since the look-up.
    pub revoked_meanwhile: bool,
}

pub fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

pub const FOLDER: &str = "northwind-demo.myshopify.com/2026/11/27/receipt/c4809f9b199959867b344883a5f958d0";

impl World {
    /// A link to a PDF of these bytes and a short HTML page, in German.
    pub async fn new(pdf: Bytes) -> Self {
        Self::of(pdf, "de").await
    }

    /// The same in another language.
    pub async fn of(pdf: Bytes, locale: &str) -> Self {
        let html = Bytes::from_static(b"<!doctype html><title>Receipt</title><p>Receipt 1001");
        let objects =
            vec![(format!("{FOLDER}/document.pdf"), pdf), (format!("{FOLDER}/document.html"), html)];
        let outputs: Vec<_> = objects
            .iter()
            .zip(["application/pdf", "text/html"])
            .map(|((key, bytes), media_type)| LinkedOutput {
                object: key.clone(),
                version_id: "v1".to_owned(),
                media_type: media_type.to_owned(),
                bytes: bytes.len() as u64,
                sha256: sha256_hex(bytes),
            })
            .collect();
        let store = Arc::new(Mutex::new(Store {
            link: Value::Null,
            objects,
            messages: Vec::new(),
            queue_fails: false,
            table_fails: false,
            revoked_meanwhile: false,
        }));
        let shared = Arc::clone(&store);
        let table = Server::start(move |seen| answer(&mut shared.lock().unwrap(), seen)).await;
        let aws = fakes::aws(&table.base).await;
        let links = Links::new(aws_sdk_dynamodb::Client::new(&aws), "links".to_owned());
        let token = publish(&links, &outputs, locale).await;
        let s3 = aws_sdk_s3::config::Builder::from(&aws).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let archive = Archive::new(s3, "archive".to_owned(), LockMode::Compliance);
        let unsubscribing = Unsubscribing {
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&aws), "ledger".to_owned()),
            write_back: Queue::new(aws_sdk_sqs::Client::new(&aws), format!("{}/write-back", table.base)),
        };
        Self {
            documents: Documents::with(links, archive, unsubscribing),
            token: token.expose(),
            table,
            store,
        }
    }

    pub fn change(&self, change: impl FnOnce(&mut Store)) {
        change(&mut self.store.lock().unwrap());
    }

    pub async fn send(&self, method: &str, path: &str, headers: Value) -> Value {
        let request = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers,
            "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.7", "userAgent": "tester"}},
            "isBase64Encoded": false,
        });
        let request = serde_json::from_value(request).unwrap();
        serde_json::to_value(self.documents.handle(&request, now()).await).unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send("GET", path, json!({"accept-language": "en"})).await
    }

    pub fn page(&self) -> String {
        format!("/d/{}", self.token)
    }

    pub fn pdf(&self) -> String {
        format!("/d/{}/document.pdf", self.token)
    }

    /// How often the table was asked for an operation since it was filled.
    pub fn count(&self, operation: &str) -> usize {
        let of = |seen: &Seen| seen.header("x-amz-target").is_some_and(|it| it.ends_with(operation));
        self.table.seen().iter().filter(|seen| of(seen)).count()
    }

    /// The requests for objects.
    pub fn reads(&self) -> Vec<String> {
        self.table.targets().into_iter().filter(|target| target.starts_with("GET")).collect()
    }
}

async fn publish(links: &Links, outputs: &[LinkedOutput], locale: &str) -> Token {
    let key = LinkKey::new("k".repeat(64).into()).unwrap();
    let sender = Sender {
        name: "Northwind Outfitters".to_owned(),
        email: Some("service@northwind.example".to_owned()),
        ..Sender::default()
    };
    let publication = Publication {
        communication: &"c4809f9b199959867b344883a5f958d0".parse().unwrap(),
        shop: &"northwind-demo.myshopify.com".parse().unwrap(),
        document: comms::Document::Receipt,
        locale,
        name: Some("#1001"),
        sender: &sender,
        outputs,
        valid_days: 90,
    };
    links.publish(&key, &publication, now()).await.unwrap().token
}

fn answer(store: &mut Store, seen: &Seen) -> Response {
    let Some(target) = seen.header("x-amz-target") else { return object(store, &seen.target) };
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    if target.ends_with("SendMessage") {
        if store.queue_fails {
            return refusal("InternalError", StatusCode::INTERNAL_SERVER_ERROR, json!({}));
        }
        store.messages.push(serde_json::from_str(body["MessageBody"].as_str().unwrap()).unwrap());
        return fine(json!({"MessageId": "m", "MD5OfMessageBody": "m"}));
    }
    if store.table_fails {
        return refusal("InternalServerError", StatusCode::INTERNAL_SERVER_ERROR, json!({}));
    }
    match target.rsplit('.').next().unwrap() {
        "TransactWriteItems" => {
            store.link = body["TransactItems"][1]["Put"]["Item"].clone();
            fine(json!({}))
        }
        "GetItem" if body["Key"]["pk"] == store.link["pk"] => fine(json!({"Item": store.link})),
        "GetItem" => fine(json!({})),
        "UpdateItem" if store.revoked_meanwhile => {
            store.link["revoked"] =
                json!({"M": {"at_epoch_ms": {"N": "1"}, "actor": {"S": "a"}, "reason": {"S": "the reason"}}});
            refusal("ConditionalCheckFailedException", StatusCode::BAD_REQUEST, json!({"Item": store.link}))
        }
        "UpdateItem" => {
            let counter = body["UpdateExpression"].as_str().unwrap().rsplit(' ').nth(1).unwrap().to_owned();
            let count = |it: &Value| it["N"].as_str().map_or(0, |count| count.parse::<u32>().unwrap());
            store.link[&counter] = json!({"N": (count(&store.link[&counter]) + 1).to_string()});
            fine(json!({}))
        }
        other => panic!("the function does not ask for {other}"),
    }
}

/// Only the version that the link names is there.
fn object(store: &Store, target: &str) -> Response {
    let found = store.objects.iter().find(|(key, _)| {
        target.starts_with(&format!("GET /archive/{key}?")) && target.contains("versionId=v1")
    });
    match found {
        Some((_, bytes)) => ([("x-amz-version-id", "v1")], bytes.clone()).into_response(),
        None => {
            let xml = "<Error><Code>NoSuchVersion</Code><Message>gone</Message></Error>";
            (StatusCode::NOT_FOUND, xml).into_response()
        }
    }
}

fn fine(body: Value) -> Response {
    ([("content-type", "application/x-amz-json-1.0")], Body::from(body.to_string())).into_response()
}

fn refusal(kind: &str, status: StatusCode, more: Value) -> Response {
    let mut body =
        json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "refused"});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    (status, [("content-type", "application/x-amz-json-1.0")], Body::from(body.to_string())).into_response()
}
