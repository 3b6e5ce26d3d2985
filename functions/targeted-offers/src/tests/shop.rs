//! A Shopify that answers each operation with what was put in, and all that a flow is called with.

use crate::TargetedOffers;
use axum::{Json, Router, extract::State, routing::post};
use comms::{CommunicationId, Document, Gid};
use flow::{Content, DocumentFlow, Event, Gather, GatherError, Gathered, LookUp, Plan, Planned};
use jiff::Timestamp;
use serde_json::{Value, json};
use service::ShopSecrets;
use shop_config::ShopConfig;
use shopify::AdminApi;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use work::WorkItem;

const CONFIG: &str = include_str!("../../../../infra/local/config/demo-shop.toml");
pub const SEGMENT: &str = "gid://shopify/Segment/610001";
pub const NOW: &str = "2026-11-23T09:00:00Z";

pub fn config() -> ShopConfig {
    ShopConfig::parse(CONFIG).unwrap()
}

pub fn changed(from: &str, to: &str) -> ShopConfig {
    assert!(CONFIG.contains(from), "{from}");
    ShopConfig::parse(&CONFIG.replace(from, to)).unwrap()
}

pub fn customer() -> Gid {
    Gid::new("Customer", 7100000000000001)
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What Shopify knows.
#[derive(Clone)]
pub struct Known {
    pub customer: Value,
    /// In the shape both queries of orders select from.
    pub orders: Vec<Value>,
    pub member: bool,
    pub scopes: Vec<&'static str>,
    /// Fields of the answers about products and prices, by the id asked for.
    pub products: Option<Value>,
    /// Why there are none.
    pub products_error: &'static str,
    /// Operations asked for, with their variables.
    pub asked: Vec<(String, Value)>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            customer: json!({
                "id": customer(), "firstName": "Noor", "lastName": "Haddad", "locale": "fr-FR", "tags": ["club"],
                "defaultEmailAddress": {"emailAddress": "noor.haddad@example.com", "marketingState": "SUBSCRIBED"},
                "defaultPhoneNumber": null,
                "defaultAddress": {
                    "firstName": "Noor", "lastName": "Haddad", "company": null, "address1": "8 rue des Lilas",
                    "address2": null, "city": "Lyon", "zip": "69003", "province": null, "provinceCode": null,
                    "country": "France", "countryCodeV2": "FR", "phone": null,
                },
            }),
            orders: vec![],
            member: true,
            scopes: vec!["read_orders", "read_all_orders"],
            products: None,
            products_error: "ACCESS_DENIED",
            asked: vec![],
        }
    }
}

/// An order of one line, paid at once.
pub fn order(number: u64, at: &str, sku: &str, quantity: u64, paid: &str) -> Value {
    json!({
        "id": Gid::new("Order", number), "name": format!("#{number}"), "processedAt": at, "cancelledAt": null,
        "test": false, "unpaid": false, "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "FULFILLED",
        "fulfillments": [{"displayStatus": "DELIVERED"}],
        "lineItems": {
            "pageInfo": {"hasNextPage": false, "endCursor": null},
            "nodes": [{
                "id": Gid::new("LineItem", number), "title": format!("Article {sku}"), "sku": sku,
                "currentQuantity": quantity,
            }],
        },
        "transactions": [transaction("SALE", at, paid)],
    })
}

pub fn transaction(kind: &str, at: &str, amount: &str) -> Value {
    let money = json!({"amount": amount, "currencyCode": "EUR"});
    json!({
        "kind": kind, "status": "SUCCESS", "test": false, "gateway": "shopify_payments", "createdAt": at, "processedAt": at,
        "amountSet": {"shopMoney": money, "presentmentMoney": money},
    })
}

/// A card payment of another kind.
pub fn by(mut transaction: Value, gateway: &str) -> Value {
    transaction["gateway"] = gateway.into();
    transaction
}

/// A shop on the loopback interface, and its configuration.
pub struct Shop {
    pub known: Arc<Mutex<Known>>,
    pub config: ShopConfig,
    pub now: Timestamp,
    api: AdminApi,
    secrets: ShopSecrets,
}

impl Shop {
    pub async fn new(known: Known, mut config: ShopConfig) -> Self {
        let known = Arc::new(Mutex::new(known));
        let router = Router::new()
            .route("/admin/api/2026-10/graphql.json", post(answer))
            .with_state(Arc::clone(&known));
        let url = fakes::serve(router).await;
        config.shopify.base_url = Some(url.parse().unwrap());
        let secrets = serde_json::from_value(json!({"shopify": {"access_token": "shpat"}})).unwrap();
        let api = AdminApi::new(reqwest::Client::new());
        Self { known, config, now: at(NOW), api, secrets }
    }

    /// What an item leads to, asking Shopify where only it knows.
    pub async fn plans(&self, item: &WorkItem) -> Vec<Plan> {
        let payload = item.payload.as_ref().map(|payload| payload.get());
        match TargetedOffers.plan(&Event { item, payload, config: &self.config }).unwrap() {
            Planned::Known(plans) => plans,
            Planned::AskShopify => TargetedOffers.look_up(self.look_up(item, payload)).await.unwrap(),
        }
    }

    fn look_up<'a>(&'a self, item: &'a WorkItem, payload: Option<&'a str>) -> LookUp<'a> {
        LookUp {
            item,
            payload,
            config: &self.config,
            secrets: &self.secrets,
            shopify: &self.api,
            now: self.now,
            time_left: Duration::from_secs(30),
        }
    }

    pub async fn gather(&self, item: &WorkItem, plan: &Plan) -> Result<Gathered, GatherError> {
        let communication = CommunicationId::derive(&item.shop, plan.document, &plan.subject, &plan.revision);
        let gather = Gather {
            plan,
            item,
            payload: item.payload.as_ref().map(|payload| payload.get()),
            communication: &communication,
            config: &self.config,
            secrets: &self.secrets,
            shopify: &self.api,
            history: None,
            locale: None,
            unsubscribe_url: Some(
                "https://documents.northwind.example/u/bm8tb25lLWhhcy10aGlzLXRva2VuLWl0LWlzLWEtc2E",
            ),
            now: self.now,
            time_left: Duration::from_secs(30),
        };
        TargetedOffers.gather(gather).await
    }

    /// The only document an item leads to.
    pub async fn ready(&self, item: &WorkItem) -> (Box<Content>, Value) {
        let plans = self.plans(item).await;
        assert_eq!(plans.len(), 1, "{plans:?}");
        match self.gather(item, &plans[0]).await.unwrap() {
            Gathered::Ready(content) => {
                let data = serde_json::from_slice(&content.driver).unwrap();
                (content, data)
            }
            Gathered::Suppressed { reason, .. } | Gathered::NotDue(reason) => panic!("{reason}"),
            Gathered::Replaced(_) => panic!("something else"),
        }
    }

    /// Why the only document an item leads to is not made; whether that is recorded.
    pub async fn why_not(&self, item: &WorkItem) -> (String, bool) {
        let plans = self.plans(item).await;
        assert_eq!(plans.len(), 1, "{plans:?}");
        match self.gather(item, &plans[0]).await.unwrap() {
            Gathered::Suppressed { reason, .. } => (reason.into_owned(), true),
            Gathered::NotDue(reason) => (reason.into_owned(), false),
            Gathered::Ready(_) | Gathered::Replaced(_) => panic!("it is made"),
        }
    }
}

/// Pages of 25 orders, as they are asked for.
async fn answer(State(known): State<Arc<Mutex<Known>>>, Json(request): Json<Value>) -> Json<Value> {
    let mut known = known.lock().unwrap();
    let variables = request["variables"].clone();
    let operation = request["operationName"].as_str().unwrap().to_owned();
    known.asked.push((operation.clone(), variables.clone()));
    let data = match operation.as_str() {
        "CustomerForOffers" => json!({"customer": known.customer}),
        "SegmentMembership" => json!({"customerSegmentMembership": {"memberships": [
            {"segmentId": variables["segment"], "isMember": known.member}
        ]}}),
        "CustomerPurchases" | "CustomerPayments" if known.customer.is_null() => json!({"customer": null}),
        "CustomerPurchases" | "CustomerPayments" => {
            let (from, first) = (place(&variables["after"]), variables["first"].as_u64().unwrap() as usize);
            let to = known.orders.len().min(from + first);
            let info = json!({"hasNextPage": to < known.orders.len(), "endCursor": to.to_string()});
            let mut orders = known.orders[from..to].to_vec();
            if variables["giftCards"] == false {
                orders.iter_mut().for_each(|order| order["lineItems"] = Value::Null);
            }
            json!({"customer": {"orders": {"pageInfo": info, "nodes": orders}}})
        }
        "AccessScopes" => {
            let scopes: Vec<_> = known.scopes.iter().map(|scope| json!({"handle": scope})).collect();
            json!({"currentAppInstallation": {"accessScopes": scopes}})
        }
        "CustomerSince" => json!({"customer": {"createdAt": known.customer["createdAt"]}}),
        "LineProducts" | "VariantPrices" if known.products.is_none() => {
            let error = json!({"message": "no", "extensions": {"code": known.products_error}});
            return Json(json!({ "errors": [error] }));
        }
        "LineProducts" => {
            let ids = variables["lines"].as_array().unwrap();
            json!({"nodes": ids.iter().map(|id| with_id(&known.products.as_ref().unwrap()["line"], id)).collect::<Vec<_>>()})
        }
        "VariantPrices" => {
            let ids = variables["variants"].as_array().unwrap();
            json!({"nodes": ids.iter().map(|id| with_id(&known.products.as_ref().unwrap()["variant"], id)).collect::<Vec<_>>()})
        }
        "PurchaseLines" => json!({"order": {"lineItems": {
            "pageInfo": {"hasNextPage": false, "endCursor": null},
            "nodes": [{
                "id": "gid://shopify/LineItem/2", "title": "On the second page", "sku": "CARE-WAX-100",
                "currentQuantity": if variables["unfulfilled"] == true { 3 } else { 1 }, "unfulfilledQuantity": 2,
            }],
        }}}),
        other => panic!("{other}"),
    };
    Json(json!({ "data": data }))
}

fn with_id(fields: &Value, id: &Value) -> Value {
    let mut node = fields.clone();
    node["id"] = id.clone();
    node
}

fn place(after: &Value) -> usize {
    after.as_str().map_or(0, |after| after.parse().unwrap())
}

pub fn item(topic: &str, triggered_at: &str, payload: Value) -> WorkItem {
    let item = json!({
        "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "targeted-offers",
        "trigger": {"topic": topic, "webhook_id": "w", "triggered_at": triggered_at},
        "subject": customer(), "payload": payload,
    });
    WorkItem::from_json(&item.to_string()).unwrap()
}

pub fn joined() -> WorkItem {
    let payload =
        json!({"shop_id": "gid://shopify/Shop/1", "customer_id": customer(), "segment_id": SEGMENT});
    item("customer.joined_segment", NOW, payload)
}

pub fn campaign(name: &str, document: Document, period: &str) -> WorkItem {
    item("campaign", NOW, json!({"campaign": name, "document": document, "period": period}))
}
