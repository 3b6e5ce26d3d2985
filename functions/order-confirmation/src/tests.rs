//! From the event's payload to the driver data, without a network.

use super::*;
use comms::{CommunicationId, Gid};
use serde_json::{Value, json};
use std::path::Path;

const CREATE: &str = include_str!("../../../infra/local/samples/orders-create.json");
const PAID: &str = include_str!("../../../infra/local/samples/orders-paid.json");
const CONFIG: &str = include_str!("../../../infra/local/config/demo-shop.toml");

fn payload(event: &str) -> Value {
    serde_json::from_str::<Value>(event).unwrap()["detail"]["payload"].take()
}

fn data(payload: &Value, document: Document) -> Value {
    let order = Order::from_webhook(payload.to_string().as_bytes()).unwrap();
    let config = ShopConfig::parse(CONFIG).unwrap();
    let id = CommunicationId::derive(&config.shop, document, &order.id, &Revision::Initial);
    let locale = config.locale(order.locale.as_deref());
    serde_json::to_value(OrderData::new(&order, document, &id, locale, &config).unwrap()).unwrap()
}

fn publish(document: Document, sample: &Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = OrderData::json_schema(document);
    contract::published(&root.join(format!("schemas/{document}.v1.json")), &schema);
    contract::published(&root.join(format!("samples/{document}.v1.json")), sample);
    contract::conforms(&schema, sample);
}

#[test]
fn the_contracts_are_published_and_the_samples_conform() {
    publish(Document::OrderConfirmation, &data(&payload(CREATE), Document::OrderConfirmation));
    publish(Document::Receipt, &data(&payload(PAID), Document::Receipt));
}

#[test]
fn lines_add_up_and_private_properties_stay_private() {
    let data = data(&payload(CREATE), Document::OrderConfirmation);
    let cents = |value: &Value| value["amount"].as_str().unwrap().replace('.', "").parse::<i64>().unwrap();
    let lines = data["lines"].as_array().unwrap();
    let sum: i64 = lines.iter().map(|line| cents(&line["total"])).sum();
    assert_eq!(sum, cents(&data["totals"]["subtotal"]));
    let totals = &data["totals"];
    assert_eq!(sum + cents(&totals["shipping"]) + cents(&totals["tax"]), cents(&totals["total"]));
    assert_eq!(lines[1]["properties"], json!([{"name": "Engraving", "value": "Pour papa"}]));
    assert_eq!(data["order"]["date"], "2026-11-22T10:00:00+01:00");
    assert_eq!(data["locale"], "fr");
}

/// Amounts are written with the decimal places of their currency, however Shopify wrote them.
#[test]
fn currencies_without_and_with_three_decimal_places() {
    for (currency, amount, written) in [("JPY", "1290.0", "1290"), ("KWD", "12.9", "12.900")] {
        let text = CREATE
            .replace("\"EUR\"", &format!("\"{currency}\""))
            .replace("\"129.00\"", &format!("\"{amount}\""));
        let data = data(&payload(&text), Document::OrderConfirmation);
        assert_eq!(data["lines"][0]["unit_price"], json!({"amount": written, "currency": currency}));
    }
}

#[test]
fn the_customers_currency_leads_and_the_shops_is_named_beside_it() {
    let mut payload = payload(CREATE);
    fn convert(value: &mut Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::Object(money)) = map.get_mut("presentment_money") {
                    let euros: f64 = money["amount"].as_str().unwrap().parse().unwrap();
                    money["amount"] = format!("{}", (euros * 160.0).round()).into();
                    money["currency_code"] = "JPY".into();
                } else {
                    map.values_mut().for_each(convert);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(convert),
            _ => {}
        }
    }
    convert(&mut payload);
    payload["presentment_currency"] = "JPY".into();
    let data = data(&payload, Document::OrderConfirmation);
    assert_eq!(data["lines"][0]["unit_price"], json!({"amount": "20640", "currency": "JPY"}));
    assert_eq!(data["order"]["shop_currency"], "EUR");
    assert_eq!(data["totals"]["total"]["currency"], "JPY");
    assert_eq!(data["totals"]["total_in_shop_currency"]["currency"], "EUR");
    assert_eq!(data["totals"]["outstanding"]["currency"], "EUR");
}

#[test]
fn an_order_without_lines_customer_or_addresses_is_still_a_document() {
    let mut payload = payload(CREATE);
    for field in
        ["customer", "billing_address", "shipping_address", "email", "contact_email", "customer_locale"]
    {
        payload[field] = Value::Null;
    }
    payload["line_items"] = json!([]);
    let data = data(&payload, Document::OrderConfirmation);
    assert_eq!(data["lines"], json!([]));
    assert_eq!(data["locale"], "en");
    assert_eq!(data.get("billing_address"), None);
    contract::conforms(&OrderData::json_schema(Document::OrderConfirmation), &data);
}

fn item(topic: &str, payload: Value) -> WorkItem {
    let item = json!({
        "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "order-confirmation",
        "trigger": {"topic": topic, "webhook_id": "w"}, "subject": Gid::new("Order", 1), "payload": payload,
    });
    WorkItem::from_json(&item.to_string()).unwrap()
}

#[test]
fn each_topic_leads_to_its_document_and_edits_only_when_wanted() {
    let config = ShopConfig::parse(CONFIG).unwrap();
    let plan = |topic, payload, config: &ShopConfig| OrderConfirmation.plan(&item(topic, payload), config);
    let documents = |topic| {
        let plans = plan(topic, json!({"id": 1}), &config);
        plans.iter().map(|plan| (plan.document, plan.revision.clone())).collect::<Vec<_>>()
    };
    assert_eq!(documents("orders/create"), [(Document::OrderConfirmation, Revision::Initial)]);
    assert_eq!(documents("orders/paid"), [(Document::Receipt, Revision::Initial)]);
    assert_eq!(documents("orders/fulfilled"), []);

    let edit = json!({"order_edit": {"id": 9007199254740993u64, "order_id": 1}});
    assert_eq!(plan("orders/edited", edit.clone(), &config), []);
    let wanted = CONFIG
        .replace("[documents.order-confirmation]", "[documents.order-confirmation]\nafter_edits = true");
    let plans = plan("orders/edited", edit, &ShopConfig::parse(&wanted).unwrap());
    assert_eq!(plans[0].revision, Revision::Named("edit-9007199254740993".to_owned()));
}

#[test]
fn a_document_that_is_off_is_not_planned() {
    let off = CONFIG.replace("[documents.receipt]", "[documents.receipt]\nenabled = false");
    let config = ShopConfig::parse(&off).unwrap();
    assert_eq!(OrderConfirmation.plan(&item("orders/paid", json!({})), &config), []);
}
