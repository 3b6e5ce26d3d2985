//! What the tests look at: an account, a shop, an Exstream.

use crate::{
    doctor::{Examination, Missing, PARTS, Question, Row, set_up},
    fake_account::{self, ARN, Account, SHOP},
    stack::Stack,
};
use serde_json::{Value, json};
use std::sync::MutexGuard;
use stub_exstream::{Communication, ExstreamOptions, ExstreamStub};
use stub_http::Running;
use stub_shopify::{ShopifyOptions, ShopifyStub, find_schema};

pub const RECEIPT: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a02";
const SLIP: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a04";
const STATEMENT: &str = "6f1f3ad0-7a55-4a07-9d0e-0c9b5b1f6a13";

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
    aws: fake_account::Running,
    exstream: Running,
    shopify: Running,
    config: String,
    http: reqwest::Client,
}

impl World {
    /// Nothing but what only other people can make. `None` where Shopify's schema is not installed.
    pub async fn empty() -> Option<Self> {
        find_schema()?;
        let account = Account { source: Some("PENDING"), rule: Some("ENABLED"), ..Account::default() };
        let aws = fake_account::Running::start(account).await;
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
        Some(Self { aws, exstream, shopify, config, http: reqwest::Client::new() })
    }

    /// Everything is there.
    pub async fn ready() -> Option<Self> {
        let world = Self::empty().await?;
        world.set_up().await;
        Some(world)
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.aws.account()
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

    pub fn stack(&self) -> Stack {
        self.aws.stack("ctl-doctor")
    }

    fn examination<'a>(&self, stack: &'a Stack, question: &'a Question) -> Examination<'a> {
        let mut examination = Examination::new(stack, question, self.http.clone()).unwrap();
        let parsed = shop_config::ShopConfig::parse(&self.config).unwrap();
        examination.file = Some((parsed, self.config.clone()));
        examination.secret_file = Some(secret("shpat_local", "local-secret").into());
        let author = decisions::Decision::new("ops@acme.example".to_owned(), "a set-up".to_owned());
        examination.author = Some(author.unwrap());
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

    /// The order of an event becomes known to Shopify.
    pub async fn register_order(&self, event: &Value) {
        let url = format!("{}/__stub/orders", self.shopify.url());
        let put = self.http.put(url).header("X-Stub-Shop", SHOP).json(event);
        let answer = put.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
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

fn question() -> Question {
    Question { shop: SHOP.parse().unwrap(), config: None, app: false, json: false }
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
