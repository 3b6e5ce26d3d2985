//! Which order a document says, against a Shopify that answers from a script and counts how often it is asked.

use super::*;
use axum::{Json, Router, extract::State as Extract, http::StatusCode, response::IntoResponse};
use flow::{Gather, GatherError, Gathered};
use service::ShopSecrets;
use shopify::AdminApi;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// What Shopify answers about the order.
#[derive(Clone)]
enum Shopify {
    Has(Value),
    HasNone,
    Fails,
}

struct Case {
    topic: &'static str,
    payload: Value,
    shopify: Shopify,
    config: String,
    /// How long ago the event was, in minutes.
    ago: i64,
    /// Somebody asks for it, and there was no event.
    request: Option<Value>,
}

struct Made {
    result: Result<Value, GatherError>,
    asked: usize,
}

impl Case {
    fn new(topic: &'static str, payload: Value, shopify: Shopify) -> Self {
        Self { topic, payload, shopify, config: CONFIG.to_owned(), ago: 1, request: None }
    }

    /// Asked for by a workflow, in a language if it names one.
    fn requested(document: Document, order: Value) -> Self {
        let request = json!({"document": document, "actor": "Shopify Flow", "reason": "VIP"});
        let topic = document.event_of_order().unwrap();
        Self { request: Some(request), ..Self::new(topic, Value::Null, Shopify::Has(order)) }
    }

    fn minutes_ago(self, ago: i64) -> Self {
        Self { ago, ..self }
    }

    fn config(self, from: &str, to: &str) -> Self {
        assert!(self.config.contains(from));
        Self { config: self.config.replacen(from, to, 1), ..self }
    }

    async fn made(self) -> Made {
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut config = ShopConfig::parse(&self.config).unwrap();
        config.shopify.base_url = Some(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
        let router = Router::new().fallback(answer).with_state((self.shopify.clone(), asked.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let now = jiff::Timestamp::now();
        let triggered = now - jiff::SignedDuration::from_mins(self.ago);
        let order: Gid = "gid://shopify/Order/820982911946154601".parse().unwrap();
        let item = WorkItem::from_json(
            &json!({
                "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "order-confirmation",
                "trigger": {"topic": self.topic, "webhook_id": "w", "triggered_at": triggered},
                "subject": order, "request": self.request,
            })
            .to_string(),
        )
        .unwrap();
        let payload = Some(self.payload.to_string()).filter(|_| item.request.is_none());
        let payload = payload.as_deref();
        let event = Event { item: &item, payload, config: &config };
        let Planned::Known(plans) = OrderConfirmation.plan(&event).unwrap() else {
            panic!("the event says everything")
        };
        let id = CommunicationId::derive(&item.shop, plans[0].document, &order, &plans[0].revision);
        let secrets: ShopSecrets = serde_json::from_value(json!({"shopify": {"access_token": "t"}})).unwrap();
        let gather = Gather {
            plan: &plans[0],
            item: &item,
            payload,
            communication: &id,
            config: &config,
            secrets: &secrets,
            shopify: &AdminApi::new(reqwest::Client::new()),
            history: None,
            locale: None,
            unsubscribe_url: None,
            now,
            time_left: Duration::from_secs(20),
        };
        let result = match OrderConfirmation.gather(gather).await {
            Ok(Gathered::Ready(content)) => Ok(serde_json::from_slice(&content.driver).unwrap()),
            Ok(Gathered::NotDue(reason)) => Err(GatherError::not_yet(reason)),
            Ok(_) => panic!("no document"),
            Err(error) => Err(error),
        };
        Made { result, asked: asked.load(Ordering::Relaxed) }
    }
}

async fn answer(
    Extract((shopify, asked)): Extract<(Shopify, Arc<AtomicUsize>)>,
    Json(request): Json<Value>,
) -> axum::response::Response {
    if request["operationName"] == "AccessScopes" {
        let scopes = json!({"accessScopes": [{"handle": "read_all_orders"}]});
        return Json(json!({"data": {"currentAppInstallation": scopes}})).into_response();
    }
    asked.fetch_add(1, Ordering::Relaxed);
    match shopify {
        Shopify::Has(order) => Json(json!({"data": {"order": order}})).into_response(),
        Shopify::HasNone => Json(json!({"data": {"order": null}})).into_response(),
        Shopify::Fails => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

impl Made {
    fn data(self) -> Value {
        self.result.unwrap()
    }

    fn waits(self) -> String {
        let error = self.result.unwrap_err();
        assert!(matches!(error.class, comms::Class::Transient { .. } | comms::Class::Stuck), "{error:?}");
        error.reason
    }
}

/// The order of the samples as the Admin API has it.
fn fetched() -> Value {
    super::generated::in_graphql(&payload(PAID))
}

/// The sample without what names its language.
fn speechless() -> Value {
    let mut payload = payload(CREATE);
    payload["customer_locale"] = Value::Null;
    payload
}

/// The sample without anybody who could be reached.
fn nameless() -> Value {
    let mut payload = speechless();
    for field in ["customer", "email", "contact_email"] {
        payload[field] = Value::Null;
    }
    payload
}

fn unreadable() -> Value {
    let mut payload = payload(CREATE);
    payload["total_price_set"] = "317.16".into();
    payload
}

#[tokio::test]
async fn a_confirmation_whose_event_says_everything_asks_nobody() {
    let made = Case::new("orders/create", payload(CREATE), Shopify::Fails).made().await;
    assert_eq!(made.asked, 0);
    assert_eq!(made.data()["locale"], "fr");
}

#[tokio::test]
async fn a_language_is_asked_for_and_not_waited_for() {
    let made = Case::new("orders/create", speechless(), Shopify::Has(fetched())).made().await;
    assert_eq!(made.asked, 1);
    assert_eq!(made.data()["locale"], "fr");
    for shopify in [Shopify::Fails, Shopify::HasNone] {
        let made = Case::new("orders/create", speechless(), shopify).made().await;
        assert_eq!(made.data()["locale"], "en", "the shop's own");
    }
}

#[tokio::test]
async fn somebody_who_can_be_reached_is_asked_for_and_waited_for_an_hour() {
    let made = Case::new("orders/create", nameless(), Shopify::Has(fetched())).made().await;
    let data = made.data();
    assert_eq!(data["customer"]["email"], payload(CREATE)["email"]);
    assert_eq!(data["totals"]["total"]["amount"], "317.16");
    for shopify in [Shopify::Fails, Shopify::HasNone] {
        Case::new("orders/create", nameless(), shopify.clone()).made().await.waits();
        let made = Case::new("orders/create", nameless(), shopify).minutes_ago(61).made().await;
        assert_eq!(made.data()["customer"], json!({}), "nobody, then");
    }
}

#[tokio::test]
async fn pictures_are_asked_for_where_the_shop_wants_them() {
    let case = |shopify| {
        Case::new("orders/create", payload(CREATE), shopify)
            .config("[documents.order-confirmation]", "[documents.order-confirmation]\npictures = true")
    };
    let mut order = fetched();
    order["lineItems"]["nodes"][0]["image"] = json!({"url": "https://cdn.shopify.com/1.jpg"});
    order["lineItems"]["nodes"][0]["product"] = json!({"onlineStoreUrl": "https://northwind.example/1"});
    let line = case(Shopify::Has(order)).made().await.data()["lines"][0].take();
    assert_eq!(line["image_url"], "https://cdn.shopify.com/1.jpg");
    assert_eq!(line["product_url"], "https://northwind.example/1");
    let made = case(Shopify::Fails).made().await;
    assert_eq!(made.data()["lines"][0].get("image_url"), None, "a document without is better than none");
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_leads_to_a_question_and_never_to_a_failure() {
    let made = Case::new("orders/create", unreadable(), Shopify::Has(fetched())).made().await;
    assert_eq!(made.data()["totals"]["total"]["amount"], "317.16");
    for ago in [1, 61, 60 * 24 * 90] {
        for shopify in [Shopify::Fails, Shopify::HasNone, Shopify::Has(json!({"id": 1}))] {
            Case::new("orders/create", unreadable(), shopify).minutes_ago(ago).made().await.waits();
        }
    }
    let reason = Case::new("orders/create", unreadable(), Shopify::HasNone).made().await.waits();
    assert!(reason.contains("`total_price_set`"), "{reason}");
}

/// A payload is a hint: the event's subject says which order it is about.
#[tokio::test]
async fn a_payload_about_another_order_is_not_used() {
    let mut other = payload(CREATE);
    other["admin_graphql_api_id"] = "gid://shopify/Order/1".into();
    let made = Case::new("orders/create", other.clone(), Shopify::Has(fetched())).made().await;
    assert_eq!(made.data()["order"]["id"], "gid://shopify/Order/820982911946154601");
    Case::new("orders/create", other, Shopify::HasNone).made().await.waits();
}

#[tokio::test]
async fn a_receipt_waits_an_hour_for_its_payments() {
    let made = Case::new("orders/paid", payload(PAID), Shopify::Has(fetched())).made().await;
    assert_eq!(made.asked, 1);
    let payments = made.data()["payment"]["payments"].take();
    assert_eq!((&payments[0]["name"], &payments[0]["last_digits"]), (&json!("Visa"), &json!("4242")));
    for shopify in [Shopify::Fails, Shopify::HasNone] {
        Case::new("orders/paid", payload(PAID), shopify.clone()).made().await.waits();
        let made = Case::new("orders/paid", payload(PAID), shopify).minutes_ago(61).made().await;
        let payment = made.data()["payment"].take();
        assert_eq!(payment["paid"]["amount"], "317.16");
        assert_eq!(payment["payments"][0]["amount"]["amount"], "317.16", "one way of paying took all of it");
    }
}

#[tokio::test]
async fn several_ways_of_paying_without_amounts_are_named() {
    let mut several = payload(PAID);
    several["payment_gateway_names"] = json!(["gift_card", "shopify_payments"]);
    let made = Case::new("orders/paid", several, Shopify::HasNone).minutes_ago(61).made().await;
    let payments = made.data()["payment"]["payments"].take();
    assert_eq!(payments[0]["method"], "gift-card");
    assert_eq!(payments[0]["name"], "Gift card");
    assert_eq!((payments[0].get("amount"), payments.as_array().unwrap().len()), (None, 2));
}

/// The order was edited and paid again after the event: the event's order with these payments would be two states.
#[tokio::test]
async fn a_receipt_never_shows_payments_of_another_moment() {
    let mut order = fetched();
    for name in ["currentTotalPriceSet", "totalPriceSet", "totalReceivedSet"] {
        order[name]["presentmentMoney"]["amount"] = "417.16".into();
        order[name]["shopMoney"]["amount"] = "417.16".into();
    }
    let mut more = order["transactions"][0].clone();
    more["id"] = "gid://shopify/OrderTransaction/2".into();
    for side in ["shopMoney", "presentmentMoney"] {
        more["amountSet"][side]["amount"] = "100.00".into();
    }
    let later = "2026-11-29T09:00:00Z";
    (more["createdAt"], more["processedAt"]) = (later.into(), later.into());
    order["transactions"].as_array_mut().unwrap().push(more);
    let paid = |order: Value| async {
        let data = Case::new("orders/paid", payload(PAID), Shopify::Has(order)).made().await.data();
        contract::adds_up("receipt", &data).unwrap();
        let count = data["payment"]["payments"].as_array().unwrap().len();
        (data["payment"]["paid"]["amount"].clone(), data["totals"]["total"]["amount"].clone(), count)
    };
    assert_eq!(paid(order.clone()).await, (json!("317.16"), json!("317.16"), 1), "that of the event");
    let earlier = "2026-11-22T08:00:00Z";
    order["transactions"][1]["processedAt"] = earlier.into();
    assert_eq!(paid(order).await, (json!("417.16"), json!("417.16"), 2), "that of now");
}

/// Whatever amounts Shopify says, there is a document or a reason, and never a panic.
#[tokio::test]
async fn amounts_that_cannot_be_added_are_an_error() {
    let (mut made, mut refused) = (0, 0);
    for (topic, event) in [("orders/create", CREATE), ("orders/paid", PAID)] {
        for (told, found) in contract::with_huge_amounts(&payload(event), 60)
            .zip(contract::with_huge_amounts(&fetched(), 60).collect::<Vec<_>>().into_iter().rev())
        {
            match Case::new(topic, told, Shopify::Has(found)).made().await.result {
                Ok(_) => made += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(made > 0 && refused > 0, "{made} {refused}");
}

/// Without an event nobody has said that the order was paid.
#[tokio::test]
async fn a_receipt_that_is_asked_for_waits_until_the_order_is_paid() {
    let with = |status: &str| {
        let mut order = fetched();
        order["displayFinancialStatus"] = status.into();
        Case::requested(Document::Receipt, order)
    };
    for paid in ["PAID", "PARTIALLY_REFUNDED", "REFUNDED"] {
        assert_eq!(with(paid).made().await.data()["document"], "receipt", "{paid}");
    }
    for unpaid in ["PENDING", "AUTHORIZED", "PARTIALLY_PAID", "VOIDED", "EXPIRED", "OF_TOMORROW"] {
        assert_eq!(with(unpaid).made().await.waits(), "the order is not paid", "{unpaid}");
    }
    let confirmation = Case::requested(Document::OrderConfirmation, fetched()).made().await.data();
    assert_eq!(confirmation["document"], "order-confirmation");
}
