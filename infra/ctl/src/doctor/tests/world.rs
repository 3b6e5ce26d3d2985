//! What the tests look at: an account, a shop, an Exstream.

use crate::{
    doctor::{Examination, Missing, PARTS, Question, Row, set_up},
    stack::{Outputs, Stack},
};
use aws_config::SdkConfig;
use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use fakes::{Objects, Seen, Server};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use stub_exstream::{Communication, ExstreamOptions, ExstreamStub};
use stub_http::Running;
use stub_shopify::{ShopifyOptions, ShopifyStub, find_schema};

const SHOP: &str = "acme.myshopify.com";
const BUS: &str = "aws.partner/shopify.com/12/orders";
const ARN: &str = "arn:aws:events:eu-west-1::event-source/aws.partner/shopify.com/12/orders";
pub const RECEIPT: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a02";
const SLIP: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a04";
const STATEMENT: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a13";

/// An AWS account, as far as it is asked; anything else fails the test.
#[derive(Debug, Clone, Default)]
pub struct Account {
    pub source: Option<&'static str>,
    pub bus: bool,
    pub rule: Option<&'static str>,
    pub secret: Option<String>,
    pub schedules: BTreeSet<String>,
    pub objects: Objects,
    /// Operations that the person may not ask for.
    pub denied: BTreeSet<&'static str>,
    /// The operation that is done, and whose answer is lost.
    pub lost: Option<&'static str>,
    /// What was changed.
    pub changes: Vec<String>,
}

impl Account {
    pub fn change_config(&mut self, from: &str, to: &str) {
        let (text, _) = self.objects.texts.values_mut().next().expect("a configuration is stored");
        assert!(text.contains(from));
        *text = text.replacen(from, to, 1);
    }

    fn answer(&mut self, seen: &Seen) -> Response {
        let target = seen.header("x-amz-target").and_then(|target| target.rsplit('.').next());
        let (method, path) = seen.target.split_once(' ').expect("a method and a path");
        let operation = target.map_or_else(|| rest_operation(method, path), str::to_owned);
        if self.denied.contains(operation.as_str()) {
            return (
                StatusCode::BAD_REQUEST,
                json!({"__type": "AccessDeniedException", "message": "no"}).to_string(),
            )
                .into_response();
        }
        let answer = self.call(&operation, path, seen);
        match self.lost.take_if(|lost| *lost == operation) {
            Some(_) => (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
            None => answer,
        }
    }

    fn call(&mut self, operation: &str, path: &str, seen: &Seen) -> Response {
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        let uri: Uri = path.parse().expect("a path");
        match operation {
            "DescribeEventSource" => match self.source {
                Some(state) => json!({"Arn": ARN, "Name": BUS, "State": state}).to_string().into_response(),
                None => missing(),
            },
            "CreateEventBus" => {
                assert_eq!((&body["Name"], &body["EventSourceName"]), (&json!(BUS), &json!(BUS)));
                assert!(!self.bus, "there is such a bus");
                (self.bus, self.source) = (true, Some("ACTIVE"));
                self.changes.push("bus".to_owned());
                json!({"EventBusArn": "arn"}).to_string().into_response()
            }
            "DescribeEventBus" if self.bus => json!({"Name": BUS}).to_string().into_response(),
            "DescribeEventBus" => missing(),
            "ListRules" => {
                assert!(self.bus, "the bus is asked for first");
                let pattern = r#"{"source":[{"prefix":"aws.partner/shopify.com/"}]}"#;
                let rules =
                    self.rule.map(|state| json!({"Name": "intake", "State": state, "EventPattern": pattern}));
                json!({"Rules": rules.into_iter().collect::<Vec<_>>()}).to_string().into_response()
            }
            "GetSecretValue" => match &self.secret {
                Some(text) => json!({"SecretString": text, "VersionId": "v"}).to_string().into_response(),
                None => missing(),
            },
            "CreateSecret" => {
                assert_eq!(body["Name"], format!("p/shop/{SHOP}"));
                assert!(self.secret.is_none(), "there is such a secret");
                self.secret = body["SecretString"].as_str().map(str::to_owned);
                self.changes.push("secret".to_owned());
                json!({"ARN": "arn"}).to_string().into_response()
            }
            "ListSchedules" => {
                let list: Vec<_> = self.schedules.iter().map(|name| json!({"Name": name})).collect();
                json!({"Schedules": list}).to_string().into_response()
            }
            "CreateSchedule" => {
                let name = uri.path().rsplit('/').next().expect("a name");
                assert!(self.schedules.insert(name.to_owned()), "there is such a schedule");
                self.changes.push(name.to_owned());
                json!({"ScheduleArn": "arn"}).to_string().into_response()
            }
            "GetObject" => self.objects.get(&uri),
            "HeadObject" => self.objects.head(&uri),
            "PutObject" => {
                self.changes.push(uri.path().to_owned());
                let named = seen.headers.iter().map(|(name, value)| {
                    let name: HeaderName = name.parse().expect("a name");
                    (name, HeaderValue::from_str(value).expect("a value"))
                });
                self.objects.put(&uri, &named.collect::<HeaderMap>(), &Bytes::clone(&seen.body))
            }
            other => panic!("nobody asks for {other}"),
        }
    }
}

fn missing() -> Response {
    let error = json!({"__type": "ResourceNotFoundException", "message": "no"});
    (StatusCode::BAD_REQUEST, error.to_string()).into_response()
}

/// The operations of S3 and Scheduler, which do not say what they are called.
fn rest_operation(method: &str, path: &str) -> String {
    let schedules = path.starts_with("/schedules");
    match (method, schedules) {
        ("GET", true) => "ListSchedules",
        ("POST", true) => "CreateSchedule",
        // a listing asks whether an object is missing
        ("GET", false) => "GetObject",
        ("HEAD", false) => "HeadObject",
        ("PUT", false) => "PutObject",
        _ => panic!("nobody asks for {method} {path}"),
    }
    .to_owned()
}

/// A design of the receipt.
pub fn designed(id: &str, data_source: &str, queue: &str) -> Value {
    json!({"id": id, "name": "Receipt", "data_source": data_source,
        "outputs": [{"queue": queue, "mime": "application/pdf"}]})
}

fn others() -> Vec<Value> {
    vec![
        json!({"id": SLIP, "name": "Slip", "data_source": "PackingSlip"}),
        json!({"id": STATEMENT, "name": "Statement", "data_source": "AccountStatement"}),
    ]
}

pub struct World {
    account: Arc<Mutex<Account>>,
    sdk: SdkConfig,
    exstream: Running,
    shopify: Running,
    config: String,
    secret_file: PathBuf,
    http: reqwest::Client,
}

impl World {
    /// Nothing but what only other people can make. `None` where Shopify's schema is not installed.
    pub async fn empty() -> Option<Self> {
        find_schema()?;
        let account = Account { source: Some("PENDING"), rule: Some("ENABLED"), ..Account::default() };
        let account = Arc::new(Mutex::new(account));
        let shared = Arc::clone(&account);
        let aws = Server::start(move |seen| lock(&shared).answer(seen)).await;
        let communications = [vec![designed(RECEIPT, "Receipt", "LETTER")], others()].concat();
        let communications = communications
            .into_iter()
            .map(|it| serde_json::from_value(it).unwrap())
            .collect::<Vec<Communication>>();
        let any = "127.0.0.1:0".parse().unwrap();
        let options = ExstreamOptions { communications, ..ExstreamOptions::default() };
        let exstream = ExstreamStub::start(any, options).await.unwrap();
        let shopify = ShopifyStub::start(any, ShopifyOptions::default()).await.unwrap();
        let config = CONFIG.replace("{exstream}", &exstream.url()).replace("{shopify}", &shopify.url());
        let sdk = fakes::aws(&aws.base).await;
        let secret_file = std::env::temp_dir().join(format!("ctl-doctor-{}.json", exstream.addr.port()));
        std::fs::write(&secret_file, secret("shpat_local", "local-secret")).unwrap();
        Some(Self { account, sdk, exstream, shopify, config, secret_file, http: reqwest::Client::new() })
    }

    /// Everything is there.
    pub async fn ready() -> Option<Self> {
        let world = Self::empty().await?;
        world.set_up().await;
        Some(world)
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        lock(&self.account)
    }

    pub async fn set_up(&self) -> Vec<Row> {
        self.set_up_if(|_| true).await
    }

    pub async fn set_up_if(&self, is_wanted: impl Fn(&Missing) -> bool) -> Vec<Row> {
        let (stack, question) = (self.stack(), question());
        let mut examination = self.examination(&stack, &question);
        set_up(&mut examination, is_wanted, |_| Ok(())).await.unwrap()
    }

    pub async fn look(&self) -> Vec<Row> {
        let (stack, question) = (self.stack(), question());
        let mut examination = self.examination(&stack, &question);
        let mut rows = Vec::new();
        for part in PARTS {
            rows.extend(examination.look(part).await.into_iter().map(|finding| finding.row));
        }
        rows
    }

    /// Each command opens it anew, and keeps nothing of the one before.
    fn stack(&self) -> Stack {
        Stack::of(&self.sdk, outputs(), "ctl-doctor")
    }

    fn examination<'a>(&self, stack: &'a Stack, question: &'a Question) -> Examination<'a> {
        let mut examination = Examination::new(stack, question, self.http.clone()).unwrap();
        let parsed = shop_config::ShopConfig::parse(&self.config).unwrap();
        examination.file = Some((parsed, self.config.clone()));
        examination.secret_file = Some(self.secret_file.clone());
        examination
    }

    pub fn set_secret(&self, shopify: &str, opentext: &str) {
        self.account().secret = Some(secret(shopify, opentext));
    }

    async fn send(&self, stub: &Running, method: reqwest::Method, what: &str, body: &Value) {
        let url = format!("{}/__stub/{what}", stub.url());
        let answer = self.http.request(method, url).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{what}: {}", answer.text().await.unwrap());
    }

    pub async fn register(&self, document: &Value) {
        self.send(&self.shopify, reqwest::Method::PUT, &format!("shops/{SHOP}/documents"), document).await;
    }

    pub async fn grant(&self, scopes: &[&str]) {
        let scopes: Vec<_> = scopes.iter().map(|it| json!({"handle": it, "description": it})).collect();
        let id = "gid://shopify/AppInstallation/1";
        self.register(&json!({"id": id, "accessScopes": scopes})).await;
    }

    async fn delete(&self, id: &str) {
        let what = format!("shops/{SHOP}/documents?id={id}");
        self.send(&self.shopify, reqwest::Method::DELETE, &what, &json!({})).await;
    }

    /// Topics are subscribed to in their order.
    pub async fn forget_subscription(&self, topic: &str) {
        let topics = ["fulfillments/create", "orders/paid"];
        let number = topics.iter().position(|it| *it == topic).unwrap() + 1;
        self.delete(&format!("gid://shopify/WebhookSubscription/{number}")).await;
    }

    /// What may stand in the place of the right subscription, and what is said of it.
    pub fn spoilt_subscriptions(&self) -> Vec<(Option<Value>, &'static str)> {
        let one = |uri: &str, format: &str, version: &str| {
            Some(json!({"id": "gid://shopify/WebhookSubscription/2", "topic": "ORDERS_PAID", "uri": uri,
                "format": format, "apiVersion": {"handle": version, "displayName": version, "supported": true}}))
        };
        vec![
            (None, "not subscribed"),
            (one("https://acme.example/hook", "JSON", "2026-10"), "not to this event source"),
            (one(ARN, "XML", "2026-10"), "XML"),
            (one(ARN, "JSON", "2025-04"), "version 2025-04"),
        ]
    }

    pub async fn define_otherwise(&self, owner: &str) {
        self.register(&json!({"id": "gid://shopify/MetafieldDefinition/2", "name": "x", "ownerType": owner,
            "namespace": "app--347082227713", "key": "communications",
            "type": {"name": "single_line_text_field", "category": "TEXT"}}))
            .await;
    }

    pub async fn shopify_fault(&self, operation: &str, kind: &str) {
        self.send(
            &self.shopify,
            reqwest::Method::PUT,
            "faults",
            &json!([{"match": operation, "kind": kind}]),
        )
        .await;
    }

    pub async fn exstream_fault(&self, operation: &str, kind: &str) {
        self.send(
            &self.exstream,
            reqwest::Method::PUT,
            "faults",
            &json!([{"match": operation, "kind": kind}]),
        )
        .await;
    }

    pub async fn exstream_settings(&self, settings: &Value) {
        self.send(&self.exstream, reqwest::Method::PUT, "settings", settings).await;
    }

    /// With this design of the receipt.
    pub async fn design(&self, receipt: Value) {
        let all = [vec![receipt], others()].concat();
        self.send(&self.exstream, reqwest::Method::PUT, "communications", &json!(all)).await;
    }
}

fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

fn question() -> Question {
    Question { shop: SHOP.parse().unwrap(), config: None, app: false, json: false }
}

fn outputs() -> Outputs {
    let more = [
        ("ScheduleGroup", "g"),
        ("ScheduleRoleArn", "arn:role"),
        ("ScheduleDeadLetterArn", "arn:dlq"),
        ("QueueArnStatementRun", "arn:runs"),
        ("QueueArnOfferRun", "arn:offers"),
    ];
    let more: BTreeMap<String, String> = more.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Outputs {
        bus_name: BUS.to_owned(),
        event_source: "aws.partner/shopify.com/".to_owned(),
        secret_prefix: "p".to_owned(),
        table_name: "t".to_owned(),
        archive_bucket: "a".to_owned(),
        operations_bucket: "o".to_owned(),
        function_intake: "f".to_owned(),
        more,
    }
}

fn secret(shopify: &str, opentext: &str) -> String {
    let client = json!({"client_id": "local", "client_secret": opentext});
    json!({"shopify": {"access_token": shopify}, "exstream": client, "email": client}).to_string()
}

const CONFIG: &str = r#"version = 1
shop = "acme.myshopify.com"
time_zone = "Europe/Paris"
default_locale = "en"

[brand]
name = "Acme"

[shopify]
base_url = "{shopify}/shops/acme.myshopify.com"

[exstream]
adapter = "orchestration"
base_url = "{exstream}"
domain = "acme"

[exstream.token]
mode = "gateway_json"
url = "{exstream}/tenants/acme/oauth2/token"

[delivery.email]
base_url = "{exstream}"

[delivery.email.token]
mode = "gateway_json"
url = "{exstream}/tenants/acme/oauth2/token"

[statements]
customer_tag = "statements"

[documents.receipt]
communication = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a02"
data_source = "Receipt"
channels = ["email"]
subject = { en = "Your receipt" }
outputs = [{ use = "email-attachment", media_type = "application/pdf", queue = "LETTER" }]

[documents.packing-slip]
communication = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a04"
data_source = "PackingSlip"

[documents.account-statement]
communication = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a13"
data_source = "AccountStatement"
"#;
