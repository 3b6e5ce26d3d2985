//! From the event's payload to the driver data, without a network.

mod generated;
mod source;

use crate::{
    OrderConfirmation,
    data::{OrderData, State},
};
use comms::{CommunicationId, Document, Gid, Revision};
use flow::{DocumentFlow, Event, Plan, Planned};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use shop_config::ShopConfig;
use shopify::Order;
use std::path::Path;
use work::WorkItem;

const CREATE: &str = include_str!("../../../infra/local/samples/orders-create.json");
const PAID: &str = include_str!("../../../infra/local/samples/orders-paid.json");
const CONFIG: &str = include_str!("../../../infra/local/config/demo-shop.toml");

fn payload(event: &str) -> Value {
    serde_json::from_str::<Value>(event).unwrap()["detail"]["payload"].take()
}

fn schema(document: Document) -> Value {
    OrderConfirmation::schema(document).unwrap()
}

fn data(payload: &Value, document: Document) -> Value {
    let state = if document == Document::Receipt { State::Current } else { State::Placed };
    serde_json::to_value(of(payload, document, state)).unwrap()
}

fn of(payload: &Value, document: Document, state: State) -> OrderData {
    let order = Order::from_webhook(payload.to_string().as_bytes()).unwrap();
    let config = ShopConfig::parse(CONFIG).unwrap();
    shown(&order, document, state, &config)
}

fn shown(order: &Order, document: Document, state: State, config: &ShopConfig) -> OrderData {
    let id = CommunicationId::derive(&config.shop, document, &order.id, &Revision::Initial);
    let locale = config.locale(document, &[order.locale.as_deref()]).locale;
    OrderData::new(order, state, document, &id, locale, config).unwrap()
}

#[test]
fn the_contracts_are_published_and_the_samples_conform() {
    for document in OrderConfirmation::DOCUMENTS.iter().map(|entry| entry.document) {
        let event = match document {
            Document::OrderConfirmation => CREATE,
            Document::Receipt => PAID,
            other => panic!("{other} has no sample"),
        };
        let sample = data(&payload(event), document);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        contract::driver_data(folder, document.name(), &schema(document), &sample);
        contract::adds_up(document.name(), &sample).unwrap();
    }
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

/// The order as the edit left it: one line shorter, one of two units less in another, with current sums.
#[test]
fn after_an_edit_the_confirmation_shows_the_order_as_it_is_now() {
    let mut payload = payload(CREATE);
    payload["line_items"][0]["current_quantity"] = 0.into();
    payload["line_items"][1]["current_quantity"] = 1.into();
    let set = |amount: &str| {
        let money = json!({"amount": amount, "currency_code": "EUR"});
        json!({"shop_money": money, "presentment_money": money})
    };
    for (name, amount) in [
        ("current_subtotal_price_set", "87.75"),
        ("current_total_discounts_set", "9.75"),
        ("current_total_tax_set", "18.93"),
        ("current_total_price_set", "113.58"),
    ] {
        payload[name] = set(amount);
    }
    let text = |data: &Value, path: &str| data.pointer(path).unwrap().as_str().unwrap().to_owned();
    let totals = |state| {
        let data = serde_json::to_value(of(&payload, Document::OrderConfirmation, state)).unwrap();
        let names = ["subtotal", "discounts", "tax", "shipping", "total"];
        (names.map(|name| text(&data, &format!("/totals/{name}/amount"))), data)
    };
    let (sums, data) = totals(State::Current);
    assert_eq!(sums, ["87.75", "9.75", "18.93", "6.90", "113.58"]);
    let lines: Vec<_> = data["lines"].as_array().unwrap().iter().collect();
    assert_eq!(lines.iter().map(|line| line["number"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((&lines[0]["quantity"], &lines[1]["quantity"]), (&json!(1), &json!(1)));
    assert_eq!(text(lines[0], "/discount/amount"), "5.95", "half of what two units had");
    assert_eq!(text(lines[0], "/total/amount"), "53.55");
    assert_eq!(text(lines[0], "/taxes/0/amount/amount"), "10.71");
    assert_eq!(text(&data, "/taxes/0/amount/amount"), "18.93", "of the lines left and the shipping");
    contract::conforms(&schema(Document::OrderConfirmation), &data);

    let (sums, data) = totals(State::Placed);
    assert_eq!(sums, ["257.40", "28.60", "52.86", "6.90", "317.16"]);
    assert_eq!(data["lines"].as_array().unwrap().len(), 3);
}

#[test]
fn debug_output_names_nobody() {
    let payload = payload(CREATE);
    let data = of(&payload, Document::OrderConfirmation, State::Placed);
    let name = serde_json::to_value(&data).unwrap()["customer"]["name"].as_str().unwrap().to_owned();
    let text = format!("{data:?}");
    assert!(text.contains("gid://shopify/Order/"), "{text}");
    for personal in [name.as_str(), "@", "Pour papa"] {
        assert!(!text.contains(personal), "{text}");
    }
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
                    let euros: Decimal = money["amount"].as_str().unwrap().parse().unwrap();
                    money["amount"] = (euros * Decimal::from(160)).round().to_string().into();
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
    assert_eq!(data["totals"]["outstanding"]["currency"], "JPY");
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
    contract::conforms(&schema(Document::OrderConfirmation), &data);
}

#[test]
fn names_are_written_as_they_are_in_any_script() {
    for (first, last) in [("שירה", "בן־דוד"), ("محمد", "الأحمد"), ("李", "小龙")] {
        let mut payload = payload(CREATE);
        let name = format!("{first} {last}");
        for who in ["customer", "billing_address", "shipping_address"] {
            payload[who]["first_name"] = first.into();
            payload[who]["last_name"] = last.into();
            payload[who]["name"] = name.clone().into();
        }
        // a mark that turns the direction of what follows is a part of the text
        let title = format!("{last} \u{202e}x");
        payload["line_items"][0]["title"] = title.clone().into();
        for document in [Document::OrderConfirmation, Document::Receipt] {
            let data = data(&payload, document);
            for who in ["customer", "billing_address", "shipping_address"] {
                assert_eq!(data[who]["name"], name, "{who} of the {document}");
            }
            assert_eq!(data["lines"][0]["title"], title);
            contract::conforms(&schema(document), &data);
        }
        let order = Order::from_webhook(payload.to_string().as_bytes()).unwrap();
        assert_eq!(driver::recipient_name(&order), Some(name));
    }
}

#[test]
fn five_hundred_lines_are_five_hundred_lines_and_add_up() {
    let mut payload = payload(CREATE);
    let line = payload["line_items"][0].clone();
    let copy = |number: u64| {
        let mut line = line.clone();
        line["id"] = number.into();
        line["admin_graphql_api_id"] = Gid::new("LineItem", number).to_string().into();
        line["sku"] = format!("SKU-{number}").into();
        line
    };
    payload["line_items"] = (1..=500).map(copy).collect();
    for document in [Document::OrderConfirmation, Document::Receipt] {
        let data = data(&payload, document);
        let lines = data["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 500);
        assert_eq!((&lines[499]["number"], &lines[499]["sku"]), (&json!(500), &json!("SKU-500")));
        let amount = |value: &Value| value["amount"].as_str().unwrap().parse::<Decimal>().unwrap();
        let sum: Decimal = lines.iter().map(|line| amount(&line["total"])).sum();
        assert_eq!(sum, amount(&lines[0]["total"]) * Decimal::from(500));
        contract::conforms(&schema(document), &data);
    }
}

fn item(topic: &str, payload: Value) -> WorkItem {
    let item = json!({
        "v": 1, "shop": "northwind-demo.myshopify.com", "flow": "order-confirmation",
        "trigger": {"topic": topic, "webhook_id": "w"}, "subject": Gid::new("Order", 1), "payload": payload,
    });
    WorkItem::from_json(&item.to_string()).unwrap()
}

fn plan(topic: &str, payload: &Value, config: &ShopConfig) -> Result<Vec<Plan>, String> {
    let (item, payload) = (item(topic, payload.clone()), payload.to_string());
    let event = Event { item: &item, payload: Some(&payload), config };
    match OrderConfirmation.plan(&event).map_err(|error| error.to_string())? {
        Planned::Known(plans) => Ok(plans),
        Planned::AskShopify => panic!("the event says everything"),
    }
}

#[test]
fn each_topic_leads_to_its_document_and_edits_only_when_wanted() {
    let config = ShopConfig::parse(CONFIG).unwrap();
    let first = |topic, payload: Value, config: &ShopConfig| plan(topic, &payload, config).unwrap().remove(0);
    let created = first("orders/create", json!({"id": 1}), &config);
    assert_eq!((created.document, created.revision), (Document::OrderConfirmation, Revision::Initial));
    let paid = first("orders/paid", json!({"id": 1}), &config);
    assert_eq!((paid.document, paid.revision, paid.wanted), (Document::Receipt, Revision::Initial, true));

    let edit = json!({"order_edit": {"id": 9007199254740993u64, "order_id": 1}});
    assert!(!first("orders/edited", edit.clone(), &config).wanted);
    let wanted = CONFIG
        .replace("[documents.order-confirmation]", "[documents.order-confirmation]\nafter_edits = true");
    let edited = first("orders/edited", edit, &ShopConfig::parse(&wanted).unwrap());
    assert_eq!(edited.revision, Revision::Named("edit-9007199254740993".to_owned()));
    assert!(edited.wanted);
}

/// Work that cannot be understood is an error, so that it ends in the dead letters and not in silence.
#[test]
fn an_unknown_topic_and_an_unreadable_edit_are_errors() {
    let config = ShopConfig::parse(CONFIG).unwrap();
    assert!(plan("orders/fulfilled", &json!({}), &config).unwrap_err().contains("orders/fulfilled"));
    assert!(plan("orders/edited", &json!({"order_edit": {}}), &config).unwrap_err().contains("order_edit"));
}

#[test]
fn a_document_that_is_off_is_not_wanted() {
    let off = CONFIG.replace("[documents.receipt]", "[documents.receipt]\nenabled = false");
    let config = ShopConfig::parse(&off).unwrap();
    assert!(!plan("orders/paid", &json!({}), &config).unwrap()[0].wanted);
}
