//! A shop of a test's own: configuration, secret, stub servers, events, and what became of them.

use crate::{
    eventually, order_number,
    runtime::repository,
    samples::{Samples, id},
    stack::Stack,
};
use aws_sdk_s3::primitives::ByteStream;
use comms::{CommunicationId, Document, Gid, Revision, ShopDomain, WriteBackState};
use ledger::Entry;
use serde_json::{Value, json};
use std::net::SocketAddr;
use stub_exstream::{ExstreamOptions, ExstreamStub};
use stub_http::Running;
use stub_shopify::{ShopifyOptions, ShopifyStub};

pub struct Shop {
    pub domain: ShopDomain,
    pub exstream: SocketAddr,
    pub shopify: SocketAddr,
    /// The configuration it was opened with.
    pub config: String,
    http: reqwest::Client,
    _stubs: (Running, Running),
}

impl Shop {
    /// A new shop that sends order confirmations and receipts; its configuration is changed by `change`.
    pub async fn open(stack: &Stack, change: impl FnOnce(&str) -> String) -> Self {
        let config = include_str!("../../../shared/shop-config/tests/fixtures/shop.toml");
        let mut templates = templates();
        for template in templates.as_array_mut().into_iter().flatten() {
            // each template of this shop yields one PDF
            template.as_object_mut().unwrap().remove("outputs");
        }
        Self::open_with(stack, config, templates, change).await
    }

    /// A new shop with the demonstration's configuration, which has every document.
    pub async fn open_demo(stack: &Stack, change: impl FnOnce(&str) -> String) -> Self {
        let config = include_str!("../../../infra/local/config/demo-shop.toml");
        Self::open_with(stack, config, templates(), change).await
    }

    async fn open_with(
        stack: &Stack,
        config: &str,
        templates: Value,
        change: impl FnOnce(&str) -> String,
    ) -> Self {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let communications = serde_json::from_value(templates).unwrap();
        let options = ExstreamOptions { communications, ..ExstreamOptions::default() };
        let exstream = ExstreamStub::start(any, options).await.unwrap();
        let shopify = ShopifyStub::start(any, ShopifyOptions::default()).await.unwrap();
        let domain: ShopDomain = format!("t{}.myshopify.com", uuid::Uuid::new_v4().simple()).parse().unwrap();
        // marked first: the address that takes the place of one may begin like the other
        let config = config
            .replace("127.0.0.1:4601", "<exstream>")
            .replace("127.0.0.1:4602", "<shopify>")
            .replace("<exstream>", &exstream.addr.to_string())
            .replace("<shopify>", &shopify.addr.to_string())
            .replace("northwind-demo.myshopify.com", domain.as_str());
        let shop = Self {
            exstream: exstream.addr,
            shopify: shopify.addr,
            config: change(&config),
            domain,
            http: reqwest::Client::new(),
            _stubs: (exstream, shopify),
        };
        shop.configure(stack, &shop.config).await;
        let credentials = json!({"client_id": "local", "client_secret": "local-secret"});
        let secret =
            json!({"shopify": credentials, "exstream": credentials, "email": credentials}).to_string();
        let name = format!("{}/shop/{}", stack.output("SecretPrefix"), shop.domain);
        stack.secrets.create_secret().name(name).secret_string(secret).send().await.unwrap();
        shop
    }

    pub async fn configure(&self, stack: &Stack, text: &str) {
        shop_config::ShopConfig::parse(text).unwrap();
        let put = stack.s3.put_object().bucket(stack.output("OperationsBucket"));
        let put =
            put.key(shop_config::config_key(&self.domain)).body(ByteStream::from(text.as_bytes().to_vec()));
        put.send().await.unwrap();
    }

    /// The demonstration's event for `topic`, about order `number` of this shop, changed by `change`.
    pub fn event(&self, topic: &str, number: u64, change: impl FnOnce(&mut Value)) -> Value {
        let text = match topic {
            "orders/paid" => include_str!("../../../infra/local/samples/orders-paid.json"),
            _ => include_str!("../../../infra/local/samples/orders-create.json"),
        };
        let mut event: Value = serde_json::from_str(text).unwrap();
        let id = uuid::Uuid::new_v4().to_string();
        let metadata = &mut event["detail"]["metadata"];
        metadata["X-Shopify-Topic"] = topic.into();
        metadata["X-Shopify-Shop-Domain"] = self.domain.as_str().into();
        metadata["X-Shopify-Webhook-Id"] = id.into();
        let payload = &mut event["detail"]["payload"];
        payload["id"] = number.into();
        payload["admin_graphql_api_id"] = format!("gid://shopify/Order/{number}").into();
        payload["name"] = format!("#{}", number % 100_000).into();
        change(payload);
        event
    }

    /// A sample event of a flow, for this shop.
    pub fn sample(&self, file: &str) -> Value {
        let path = repository().join("infra/local/samples").join(file);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut event: Value = serde_json::from_str(&text).unwrap();
        let metadata = &mut event["detail"]["metadata"];
        metadata["X-Shopify-Shop-Domain"] = self.domain.as_str().into();
        metadata["X-Shopify-Webhook-Id"] = uuid::Uuid::new_v4().to_string().into();
        event
    }

    /// Makes the stub Shopify know what the samples of a flow are about.
    pub async fn register_samples(&self, flow: &str) {
        for resource in Samples::of(flow).all() {
            self.resource(resource).await;
        }
    }

    /// Makes the stub Shopify know a resource in the GraphQL shape.
    pub async fn resource(&self, resource: &Value) {
        let is_segment = id(resource).starts_with("gid://shopify/Segment/");
        let route = if is_segment { "segments" } else { "documents" };
        self.control(self.shopify, "PUT", route, Some(resource)).await;
    }

    /// Makes the stub Shopify have what the samples have now, where it had what they were before.
    pub async fn change(&self, before: &Samples, now: &Samples) {
        for gone in before.gone_in(now) {
            self.control(self.shopify, "DELETE", &format!("documents?id={}", id(gone)), None).await;
        }
        for resource in now.changed_from(before) {
            self.resource(resource).await;
        }
    }

    /// Everything the ledger knows of what belongs to an order, customer or company location.
    pub async fn about(&self, stack: &Stack, owner: &str) -> Vec<Entry> {
        let found = stack.ledger.of_resource(&self.domain, &owner.parse().unwrap()).await.unwrap();
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        found.entries
    }

    /// An order that the shop gets: its number, the document that `topic` leads to, and its work item.
    pub async fn ordered(&self, topic: &str) -> (u64, Document, Value) {
        let number = order_number();
        let event = self.event(topic, number, |_| {});
        self.register(&event).await;
        let document = if topic == "orders/paid" { Document::Receipt } else { Document::OrderConfirmation };
        (number, document, self.work_item(&event))
    }

    /// A work item for that event, as intake makes it.
    pub fn work_item(&self, event: &Value) -> Value {
        let (metadata, payload) = (&event["detail"]["metadata"], &event["detail"]["payload"]);
        json!({
            "v": 1, "shop": self.domain, "flow": "order-confirmation", "subject": payload["admin_graphql_api_id"],
            "trigger": {"topic": metadata["X-Shopify-Topic"], "webhook_id": metadata["X-Shopify-Webhook-Id"]},
            "payload": payload,
        })
    }

    /// Makes the order known to the stub Shopify, so that it can be fetched and reported on.
    pub async fn register(&self, event: &Value) {
        self.control(self.shopify, "PUT", "orders", Some(event)).await;
    }

    pub fn id(&self, document: Document, number: u64) -> CommunicationId {
        CommunicationId::derive(&self.domain, document, &Gid::new("Order", number), &Revision::Initial)
    }

    /// The confirmation of an order that is placed now, changed by `change`, once it has settled.
    pub async fn confirmed(&self, stack: &Stack, number: u64, change: impl FnOnce(&mut Value)) -> Entry {
        let event = self.event("orders/create", number, change);
        self.register(&event).await;
        stack.put(&event).await;
        self.settled(stack, &self.id(Document::OrderConfirmation, number)).await
    }

    /// Waits until a communication has ended and Shopify has been told.
    pub async fn settled(&self, stack: &Stack, id: &CommunicationId) -> Entry {
        eventually(&format!("{id} settles"), || async {
            let entry = stack.ledger.get(id).await.unwrap()?;
            (!entry.state.is_open() && entry.write_back != WriteBackState::Pending).then_some(entry)
        })
        .await
    }

    pub async fn exstream_faults(&self, faults: Value) {
        self.control(self.exstream, "PUT", "faults", Some(&faults)).await;
    }

    pub async fn shopify_faults(&self, faults: Value) {
        self.control(self.shopify, "PUT", "faults", Some(&faults)).await;
    }

    pub async fn exstream_settings(&self, settings: Value) {
        self.control(self.exstream, "PUT", "settings", Some(&settings)).await;
    }

    /// How often an operation was requested, by the stub's own count.
    pub async fn requests(&self, stub: SocketAddr, operation: &str) -> u64 {
        self.control(stub, "GET", "requests", None).await["counts"][operation].as_u64().unwrap_or_default()
    }

    /// The e-mails the stub has accepted for this shop.
    pub async fn emails(&self) -> Vec<Value> {
        self.control(self.exstream, "GET", "emails", None).await["emails"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The text messages the stub has accepted for this shop.
    pub async fn texts(&self) -> Vec<Value> {
        self.control(self.exstream, "GET", "texts", None).await["texts"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    /// The documents the stub has composed for this shop.
    pub async fn outputs(&self) -> Vec<Value> {
        let outputs = self.control(self.exstream, "GET", "outputs", None).await;
        let by_communication = outputs["outputs"].as_object().unwrap();
        by_communication.values().flat_map(|records| records.as_array().unwrap().clone()).collect()
    }

    /// The letters among them: a template of the demonstration's yields one PDF, and perhaps a page beside it.
    pub async fn letters(&self) -> Vec<Value> {
        let mut outputs = self.outputs().await;
        outputs.retain(|output| output["mime"] == "application/pdf");
        outputs
    }

    /// What the status metafield of an order says, parsed.
    pub async fn metafield(&self, number: u64) -> Value {
        self.metafield_of(&format!("gid://shopify/Order/{number}")).await
    }

    /// The same of any resource.
    pub async fn metafield_of(&self, owner: &str) -> Value {
        let path = format!("metafields?owner={owner}");
        let answer = self.control(self.shopify, "GET", &path, None).await;
        let value = answer["metafields"][0]["value"].as_str().unwrap_or("null");
        serde_json::from_str(value).unwrap()
    }

    pub async fn tags(&self, number: u64) -> Value {
        let path = format!("tags?owner=gid://shopify/Order/{number}");
        self.control(self.shopify, "GET", &path, None).await["tags"].take()
    }

    pub async fn control(&self, stub: SocketAddr, method: &str, what: &str, body: Option<&Value>) -> Value {
        let url = format!("http://{stub}/__stub/{what}");
        let mut request =
            self.http.request(method.parse().unwrap(), url).header("X-Stub-Shop", self.domain.as_str());
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{what}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

/// The templates that the demonstration's stand-in of Exstream has.
fn templates() -> Value {
    serde_json::from_str(include_str!("../../../infra/local/communications.json")).unwrap()
}
