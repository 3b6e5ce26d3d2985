//! One server that is AWS and Core Messaging: a table with its index `by-check`, a queue, and jobs by their ids.

use archive::{Archive, LockMode};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use comms::{CommunicationId, Document, Flow, Gid, Revision, ShopDomain};
use delivery::Channels;
use delivery_status::{DeliveryStatus, PassResult, PrintFiles, Tools};
use exstream::TokenSource;
use jiff::{SignedDuration, Timestamp};
use ledger::Ledger;
use serde_json::{Map, Value, json};
use service::{Invocation, Secrets};
use shop_config::ConfigStore;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use work::Queue;

#[derive(Default)]
pub struct Store {
    pub items: BTreeMap<String, Map<String, Value>>,
    /// Items whose reads are refused for the moment.
    pub busy: BTreeSet<String>,
    /// What Core Messaging answers about a job; of the others it says "delivered".
    pub jobs: BTreeMap<String, (u16, &'static str)>,
    /// What print providers put, and what came of it, below `print-status/`.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The facts in the archive, by their keys.
    pub facts: BTreeMap<String, Value>,
    /// Reports that were queued.
    pub reports: Vec<Value>,
    /// The paths that Core Messaging was asked at.
    pub asked: Vec<String>,
    /// Requests for the next channel.
    pub next: Vec<Value>,
    /// The queue refuses reports of these.
    pub refused: BTreeSet<String>,
    /// The shop wants to know when e-mails are opened.
    pub note_openings: bool,
    /// How many more effects (writes and messages) there will be: then the function is dead, and AWS hears no more of it.
    pub effects_left: Option<usize>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Store>>);

pub struct World {
    shared: Shared,
    function: DeliveryStatus,
}

/// A customer's key.
const CUSTOMER: &str = "0123456789abcdef0123456789abcdef";

pub const DELIVERED: &str = r#"{"job_state":["Complete"],"deliveries":[{"email":"a@b.co","delivery_attempts":[{"state":"Sent"}],"events":{}}]}"#;
pub const RETURNED: &str = r#"{"job_state":["Complete"],"deliveries":[{"email":"a@b.co","delivery_attempts":[{"state":"Sent"}],"events":{"email_delivery_events":{"dsn":{"action":"failed","status":"5.1.1"}}}}]}"#;
pub const OPTED_OUT: &str = r#"{"job_state":["Complete"],"deliveries":[{"email":"a@b.co","delivery_attempts":[{"state":"Sent"}],"events":{"email_delivery_events":{"opt_out":{"time":"2026-01-03T10:50:58Z"}}}}]}"#;
pub const OPENED: &str = r#"{"job_state":["Complete"],"deliveries":[{"email":"a@b.co","delivery_attempts":[{"state":"Sent"}],"events":{"email_delivery_events":{"html_open":[{"time":"2026-01-03T10:50:58Z"}]}}}]}"#;
pub const PENDING: &str = r#"{"job_state":["Active"],"deliveries":[]}"#;
pub const GONE: &str = r#"{"error":{"code":"not_found","message":"the job does not exist"}}"#;

pub fn shop() -> ShopDomain {
    "northwind-demo.myshopify.com".parse().unwrap()
}

pub fn id(number: u64) -> CommunicationId {
    CommunicationId::derive(
        &shop(),
        Document::OrderConfirmation,
        &Gid::new("Order", number),
        &Revision::Initial,
    )
}

impl World {
    pub async fn new() -> Self {
        let (listener, url) = fakes::listen().await;
        let shared = Shared::default();
        let router = Router::new().fallback(answer).with_state((shared.clone(), url.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let sdk = fakes::aws(&url).await;
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true).build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        let ttl = Duration::from_secs(60);
        let http = reqwest::Client::new();
        let tokens = Arc::new(TokenSource::new(http.clone()));
        let queue = |flow: Flow| Queue::new(aws_sdk_sqs::Client::new(&sdk), format!("{url}/{flow}"));
        let function = DeliveryStatus::with(Tools {
            configs: ConfigStore::new(s3.clone(), "operations".into(), ttl),
            secrets: Secrets::new(aws_sdk_secretsmanager::Client::new(&sdk), "p".into(), ttl),
            ledger: Ledger::new(aws_sdk_dynamodb::Client::new(&sdk), "table".into()),
            archive: Archive::new(s3.clone(), "archive".into(), LockMode::Compliance),
            channels: Channels::new(http, tokens, s3.clone(), "operations".into()),
            write_back: Queue::new(aws_sdk_sqs::Client::new(&sdk), format!("{url}/queue")),
            flows: Flow::ALL.iter().map(|flow| (*flow, queue(*flow))).collect(),
            concurrency: 10,
            clock: Timestamp::now,
        })
        .reading(PrintFiles::new(s3, "operations".into()));
        Self { shared, function }
    }

    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.0.lock().unwrap()
    }

    pub async fn pass(&self) -> PassResult {
        let deadline = Timestamp::now() + Duration::from_secs(600);
        self.function.pass(&Invocation { request_id: "r".into(), deadline }).await.unwrap()
    }

    /// An e-mail that was accepted a quarter of an hour ago and is to be asked about.
    pub fn accepted(&self, number: u64) -> CommunicationId {
        let id = id(number);
        let order = Gid::new("Order", number);
        let then = (Timestamp::now() - SignedDuration::from_mins(15)).as_millisecond().to_string();
        let text = |text: &str| json!({"S": text});
        let item = json!({
            "pk": text(id.as_str()), "shop": text(shop().as_str()), "flow": text("order-confirmation"),
            "document": text("order-confirmation"), "subject": text(order.as_str()),
            "revision": text(Revision::Initial.as_str()), "reported_on": text(order.as_str()), "state": text("accepted"),
            "attempts": {"N": "1"}, "created_epoch_ms": {"N": &then}, "updated_epoch_ms": {"N": &then},
            "channel": text("email"), "reference": text(&format!("job-{number}")), "write_back": text("reported"),
            "check_shop": text(shop().as_str()), "check_epoch_ms": {"N": &then},
        });
        self.store().items.insert(id.to_string(), item.as_object().unwrap().clone());
        id
    }

    /// The same, with a document that is archived. If it does not arrive, the shop wants it printed.
    pub fn archived(&self, number: u64) -> CommunicationId {
        let id = self.accepted(number);
        self.set(number, "archive_key", json!({"S": format!("acme.myshopify.com/x/{id}/document.pdf")}));
        self.set(number, "sends", json!({"N": "1"}));
        for name in ["archive_version", "sha256", "record_version", "record_sha256", "template"] {
            self.set(number, name, json!({"S": "x"}));
        }
        id
    }

    /// What the facts say, in their order: what happened, and the channel's words.
    pub fn facts(&self) -> Vec<(String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let store = self.store();
        store.facts.values().map(|it| (text(&it["fact"]).unwrap(), text(&it["words"]))).collect()
    }

    /// For which communications the next channel was asked for, and after what.
    pub fn next(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let next = |item: &Value| (text(&item["next_channel"]["of"]), text(&item["next_channel"]["after"]));
        self.store().next.iter().map(next).collect()
    }

    /// The same, of marketing that went to a customer, so many hours ago.
    pub fn offered(&self, number: u64, hours: i64) -> CommunicationId {
        let id = self.accepted(number);
        self.set(number, "document", json!({"S": "promotional-offer"}));
        self.set(number, "flow", json!({"S": "targeted-offers"}));
        self.set(number, "customer", json!({"S": CUSTOMER}));
        self.aged(number, hours);
        id
    }

    /// As if the channel had taken it so many hours ago.
    pub fn aged(&self, number: u64, hours: i64) {
        let then = (Timestamp::now() - SignedDuration::from_hours(hours)).as_millisecond().to_string();
        for name in ["created_epoch_ms", "updated_epoch_ms"] {
            self.set(number, name, json!({"N": &then}));
        }
        let mut store = self.store();
        let item = store.items.get_mut(id(number).as_str()).unwrap();
        if item.contains_key("accepted_epoch_ms") {
            item.insert("accepted_epoch_ms".into(), json!({"N": &then}));
        }
    }

    pub fn set(&self, number: u64, name: &str, value: Value) {
        self.store().items.get_mut(id(number).as_str()).unwrap().insert(name.to_owned(), value);
    }

    /// It is to be asked about now.
    pub fn due(&self, number: u64) {
        self.set(number, "check_epoch_ms", json!({"N": "1"}));
    }

    /// The same, if it is still to be asked about at all.
    pub fn due_if_listed(&self, number: u64) {
        if self.next_check(number).is_some() {
            self.due(number);
        }
    }

    /// What Core Messaging says of it from now on.
    pub fn says(&self, number: u64, status: u16, body: &'static str) {
        self.store().jobs.insert(format!("job-{number}"), (status, body));
    }

    pub fn reason(&self, number: u64) -> Option<String> {
        Some(self.store().items[id(number).as_str()].get("reason")?["S"].as_str().unwrap().to_owned())
    }

    /// The states that were reported, and why, in order.
    pub fn reports(&self, number: u64) -> Vec<(String, Option<String>)> {
        let store = self.store();
        let own = store.reports.iter().filter(|report| report["communication"] == id(number).as_str());
        own.map(|report| {
            (report["state"].as_str().unwrap().to_owned(), report["reason"].as_str().map(str::to_owned))
        })
        .collect()
    }

    /// As if write-back had reported to Shopify what was queued.
    pub fn reported(&self, number: u64) {
        self.set(number, "write_back", json!({"S": "reported"}));
    }

    pub fn suppressed(&self) -> bool {
        self.store().items.contains_key(&format!("recipient#{}#{CUSTOMER}", shop()))
    }

    pub fn state(&self, number: u64) -> String {
        self.store().items[id(number).as_str()]["state"]["S"].as_str().unwrap().to_owned()
    }

    /// Whether it will be asked about again, and in how many minutes.
    pub fn next_check(&self, number: u64) -> Option<i64> {
        let store = self.store();
        let at = store.items[id(number).as_str()].get("check_epoch_ms")?["N"].as_str().unwrap().to_owned();
        let left = at.parse::<i64>().unwrap() - Timestamp::now().as_millisecond();
        Some((left as f64 / 60_000.0).round() as i64)
    }
}

fn refusal(kind: &str) -> Response {
    (StatusCode::BAD_REQUEST, json!({"__type": format!("x#{kind}"), "message": "no"}).to_string())
        .into_response()
}

async fn answer(
    State((shared, url)): State<(Shared, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut store = shared.0.lock().unwrap();
    if let Some(target) = headers.get("x-amz-target") {
        let target = target.to_str().unwrap().rsplit('.').next().unwrap();
        return store.command(target, &serde_json::from_slice(&body).unwrap());
    }
    let query = uri.query().unwrap_or_default();
    if let Some(key) = uri.path().strip_prefix("/archive/") {
        return store.archive(&method, key, &headers, &body);
    }
    if query.contains("prefix=print-status") || uri.path().contains("/print-status/") {
        return store.file(&method, &uri, body);
    }
    if query.contains("list-type=2") {
        let key = format!("<Contents><Key>config/{}.toml</Key></Contents>", shop());
        return format!("<ListBucketResult><IsTruncated>false</IsTruncated>{key}</ListBucketResult>")
            .into_response();
    }
    if let Some(job) = query.strip_prefix("job_id=") {
        store.asked.push(uri.path().to_owned());
        let (status, body) = store.jobs.get(job).copied().unwrap_or((200, DELIVERED));
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    match method {
        Method::POST => json!({"access_token": "t", "expires_in": 3600}).to_string().into_response(),
        _ => include_str!("../../../../infra/local/config/demo-shop.toml")
            .replace("http://127.0.0.1:4601", &url)
            .replace(
                "[delivery.email]",
                &format!("[delivery.email]\nnote_openings = {}", store.note_openings),
            )
            .replace(
                "[documents.order-confirmation]",
                "[documents.order-confirmation]\nnext_channel_on = [\"bounced\", \"no-outcome\"]",
            )
            .into_response(),
    }
}

impl Store {
    /// Records that are locked for a year, and the facts beside them.
    fn archive(&mut self, method: &Method, key: &str, headers: &HeaderMap, body: &Bytes) -> Response {
        match *method {
            Method::HEAD => {
                assert!(key.ends_with("/record.json"), "{key}");
                let until = (Timestamp::now() + SignedDuration::from_hours(24 * 365)).to_string();
                [("x-amz-object-lock-retain-until-date", until)].into_response()
            }
            Method::GET => self.facts[key].to_string().into_response(),
            Method::PUT if self.facts.contains_key(key) => {
                (StatusCode::PRECONDITION_FAILED, "<Error><Code>PreconditionFailed</Code></Error>")
                    .into_response()
            }
            Method::PUT if self.effects_left == Some(0) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Method::PUT => {
                assert_eq!(headers["if-none-match"], "*");
                self.effects_left = self.effects_left.map(|left| left - 1);
                self.facts.insert(key.to_owned(), serde_json::from_slice(body).unwrap());
                [("x-amz-version-id", "v")].into_response()
            }
            _ => StatusCode::NOT_IMPLEMENTED.into_response(),
        }
    }

    fn file(&mut self, method: &Method, uri: &Uri, body: Bytes) -> Response {
        let key = uri.path().trim_start_matches("/operations/").to_owned();
        if uri.query().is_some_and(|query| query.contains("list-type=2")) {
            let entry = |(key, bytes): (&String, &Vec<u8>)| {
                let put = Timestamp::now() - SignedDuration::from_mins(5);
                let tag =
                    bytes.iter().fold(7_u64, |tag, byte| tag.wrapping_mul(31).wrapping_add(u64::from(*byte)));
                format!(
                    "<Contents><Key>{key}</Key><ETag>\"{tag:x}\"</ETag><Size>{}</Size><LastModified>{put}</LastModified></Contents>",
                    bytes.len()
                )
            };
            let entries: String = self.files.iter().map(entry).collect();
            return format!("<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>")
                .into_response();
        }
        match *method {
            Method::GET => self.files[&key].clone().into_response(),
            Method::PUT if self.effects_left == Some(0) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            Method::PUT => {
                self.effects_left = self.effects_left.map(|left| left - 1);
                self.files.insert(key, body.to_vec());
                StatusCode::OK.into_response()
            }
            _ => StatusCode::NOT_IMPLEMENTED.into_response(),
        }
    }

    fn command(&mut self, target: &str, request: &Value) -> Response {
        if matches!(target, "UpdateItem" | "SendMessage") {
            match &mut self.effects_left {
                Some(0) => return refusal("InternalServerError"),
                left => *left = left.map(|left| left - 1),
            }
        }
        let answer = match target {
            "GetSecretValue" => {
                let credentials = json!({"client_id": "a", "client_secret": "b"});
                let secret = json!({"shopify": credentials, "exstream": credentials, "email": credentials});
                json!({"SecretString": secret.to_string()})
            }
            "Query" => {
                let now =
                    request["ExpressionAttributeValues"][":now"]["N"].as_str().unwrap().parse().unwrap();
                json!({"Items": self.due(now, request["Limit"].as_u64().unwrap())})
            }
            "GetItem" => {
                let pk = request["Key"]["pk"]["S"].as_str().unwrap();
                if self.busy.contains(pk) {
                    return refusal("ProvisionedThroughputExceededException");
                }
                json!({"Item": self.items.get(pk)})
            }
            "UpdateItem" => match self.update(request) {
                Some(item) => json!({"Attributes": item}),
                None => return refusal("ConditionalCheckFailedException"),
            },
            "SendMessage" => {
                let body: Value = serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap();
                if !body["next_channel"].is_null() {
                    assert!(request["QueueUrl"].as_str().unwrap().ends_with("/order-confirmation"));
                    self.next.push(body);
                    return json!({"MessageId": "m", "MD5OfMessageBody": "m"}).to_string().into_response();
                }
                if self.refused.contains(body["communication"].as_str().unwrap()) {
                    return refusal("InvalidMessageContents");
                }
                self.reports.push(body);
                json!({"MessageId": "m", "MD5OfMessageBody": "m"})
            }
            other => panic!("{other}"),
        };
        answer.to_string().into_response()
    }

    /// The keys of the index, the longest due first.
    fn due(&self, now: i64, limit: u64) -> Vec<Value> {
        let at = |item: &Map<String, Value>| item.get("check_epoch_ms")?["N"].as_str()?.parse::<i64>().ok();
        let mut due: Vec<_> = self
            .items
            .iter()
            .filter_map(|(pk, item)| Some((at(item)?, pk)))
            .filter(|(at, _)| *at <= now)
            .collect();
        due.sort();
        due.into_iter().take(limit as usize).map(|(_, pk)| json!({"pk": {"S": pk}})).collect()
    }

    fn update(&mut self, request: &Value) -> Option<Map<String, Value>> {
        let values = &request["ExpressionAttributeValues"];
        let pk = request["Key"]["pk"]["S"].as_str().unwrap();
        if pk.starts_with("recipient#") {
            let item = self.items.entry(pk.to_owned()).or_default();
            item.insert("suppressed".into(), values[":reason"].clone());
            return Some(item.clone());
        }
        let item = self.items.get_mut(pk)?;
        let expression = request["UpdateExpression"].as_str().unwrap();
        let condition = request["ConditionExpression"].as_str().unwrap();
        if condition.contains("attribute_exists(check_shop)") && !item.contains_key("check_shop")
            || condition.contains("#state = :from") && item["state"] != values[":from"]
            || condition.contains("updated_epoch_ms = :read") && item["updated_epoch_ms"] != values[":read"]
        {
            return None;
        }
        if expression.contains("if_not_exists(accepted_epoch_ms, updated_epoch_ms)") {
            let updated = item["updated_epoch_ms"].clone();
            item.entry("accepted_epoch_ms").or_insert(updated);
        }
        if expression.contains("if_not_exists(opened_epoch_ms, :opened)") {
            item.entry("opened_epoch_ms").or_insert(values[":opened"].clone());
        }
        for name in expression.split_once("REMOVE ").map_or("", |(_, names)| names).split(", ") {
            item.remove(name);
        }
        for (name, value) in [
            ("check_epoch_ms", ":at"),
            ("state", ":state"),
            ("write_back", ":write_back"),
            ("reason", ":reason"),
            ("updated_epoch_ms", ":now"),
        ] {
            if !values[value].is_null() {
                item.insert(name.to_owned(), values[value].clone());
            }
        }
        Some(item.clone())
    }
}
