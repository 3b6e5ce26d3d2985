//! What comes in: every form of event, and what is not one.

use comms::{Document, State};
use e2e::{eventually, order_number, shop::Shop, stack::Stack};
use serde_json::{Value, json};

async fn dead_letter(stack: &Stack, marker: &str) -> String {
    let queue = stack.output("DeadLetterUrlIntake");
    eventually("the event is in intake's dead-letter queue", || async {
        stack.receive(queue, marker).await.pop()
    })
    .await
}

#[tokio::test]
async fn a_malformed_event_is_refused_with_the_name_of_the_field() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let mut event = shop.event("orders/create", order_number(), |_| {});
    let marker = event["detail"]["metadata"]["X-Shopify-Webhook-Id"].as_str().unwrap().to_owned();
    event["detail"]["metadata"].as_object_mut().unwrap().remove("X-Shopify-Topic");
    stack.invoke_async("FunctionIntake", &event).await;
    let letter = dead_letter(&stack, &marker).await;
    assert!(letter.contains("shopify-topic"), "{letter}");
}

#[tokio::test]
async fn an_event_of_a_shop_without_configuration_is_kept_for_later() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let mut event = shop.event("orders/create", order_number(), |_| {});
    let stranger = format!("x{}", shop.domain);
    event["detail"]["metadata"]["X-Shopify-Shop-Domain"] = stranger.clone().into();
    stack.invoke_async("FunctionIntake", &event).await;
    let letter = dead_letter(&stack, &stranger).await;
    assert!(letter.contains("has no configuration"), "{letter}");
}

#[tokio::test]
async fn numbers_keep_their_digits_and_unknown_fields_do_no_harm() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = (1u64 << 63) - 25;
    let mut event = shop.event("orders/create", number, |payload| {
        payload["a_field_of_tomorrow"] = json!({"deep": [1, {"x": null}]});
        payload["line_items"][0]["also_new"] = 1.5.into();
    });
    event["detail"]["metadata"]["X-Shopify-Something-New"] = "1".into();
    event["detail"]["more"] = json!([1]);
    shop.register(&event).await;
    stack.put(&event).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!(entry.state, State::Accepted);
    assert_eq!(entry.reported_on.number(), number.to_string());
    assert_eq!(shop.metafield(number).await["communications"][0]["state"], "accepted");
}

/// SQS takes neither of the two characters as they are.
#[tokio::test]
async fn text_that_a_queue_does_not_take_reaches_the_document_as_it_was_written() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let title = "Lamp \u{fffe}\u{ffff}\u{1f}\\";
    let change = |payload: &mut Value| payload["line_items"][0]["title"] = title.into();
    let event = shop.event("orders/create", number, change);
    shop.register(&event).await;
    stack.put(&event).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
    let (_, record) = stack.record(&entry).await;
    assert!(record.to_string().contains(&json!(title).to_string()), "the driver data has it");
}

/// Shopify's largest payload: past what a message carries, so the item points to it.
#[tokio::test]
async fn a_payload_of_a_million_bytes_is_worked_on() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let event = shop.event("orders/create", number, |payload| {
        let line = payload["line_items"][0].clone();
        let size = line.to_string().len();
        let lines = payload["line_items"].as_array_mut().unwrap();
        while (lines.len() + 1) * size < 960_000 {
            lines.push(line.clone());
        }
    });
    assert!(event["detail"]["payload"].to_string().len() > 900_000);
    shop.register(&event).await;
    stack.put(&event).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
}

/// Above that, Shopify sends the id alone.
#[tokio::test]
async fn an_event_of_only_an_id_is_fetched() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let mut event = shop.event("orders/create", number, |_| {});
    shop.register(&event).await;
    event["detail"]["payload"] = json!({"id": number});
    stack.put(&event).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
}

/// The newer Events product: other names, a query's answer as payload, the same communication.
#[tokio::test]
async fn an_event_of_the_events_product_means_the_same() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let classic = shop.event("orders/create", number, |_| {});
    shop.register(&classic).await;
    let gid = format!("gid://shopify/Order/{number}");
    let event = json!({
        "version": "0", "id": uuid(), "detail-type": "shopifyWebhook", "source": classic["source"],
        "detail": {
            "metadata": {
                "content-type": "application/json", "shopify-topic": "Order", "shopify-action": "create",
                "shopify-shop-domain": shop.domain, "shopify-webhook-id": uuid(),
                "shopify-triggered-at": "2026-11-22T09:00:00.805612Z", "shopify-handle": "orders",
            },
            "payload": {"topic": "Order", "action": "create", "handle": "orders", "data": {"order": {"id": gid}},
                "fields_changed": {"added": [], "updated": [], "removed": []}, "query_variables": {"orderId": gid}},
        },
    });
    stack.put(&event).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!(entry.state, State::Accepted, "{:?}", entry.reason);
}

#[tokio::test]
async fn currencies_of_zero_and_three_places_and_two_at_once() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    for (currency, amount, written) in [("JPY", "1290.0", "1290"), ("KWD", "12.9", "12.900")] {
        let number = order_number();
        let in_currency = |payload: &mut Value| {
            let text = payload
                .to_string()
                .replace("\"EUR\"", &format!("\"{currency}\""))
                .replace("\"129.00\"", &format!("\"{amount}\""));
            *payload = serde_json::from_str(&text).unwrap();
        };
        let entry = shop.confirmed(&stack, number, in_currency).await;
        let (_, record) = stack.record(&entry).await;
        let price = &record["driver_data"]["data"]["lines"][0]["unit_price"];
        assert_eq!(*price, json!({"amount": written, "currency": currency}));
    }
    let number = order_number();
    let in_dollars = |payload: &mut Value| {
        payload["presentment_currency"] = "USD".into();
        presentment(payload, "USD");
    };
    let entry = shop.confirmed(&stack, number, in_dollars).await;
    let (_, record) = stack.record(&entry).await;
    let totals = &record["driver_data"]["data"]["totals"];
    assert_eq!(
        (&totals["total"]["currency"], &totals["total_in_shop_currency"]["currency"]),
        (&json!("USD"), &json!("EUR"))
    );
}

/// Composed and archived apart, never delivered, never reported.
#[tokio::test]
async fn a_test_event_is_composed_and_not_delivered() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let mut event = shop.event("orders/create", number, |_| {});
    event["detail"]["metadata"]["X-Shopify-Test"] = "true".into();
    shop.register(&event).await;
    stack.put(&event).await;
    let entry = shop.settled(&stack, &shop.id(Document::OrderConfirmation, number)).await;
    assert_eq!((entry.state, entry.channel), (State::Archived, None));
    assert!(entry.archived.unwrap().archive_key.starts_with("test/"));
    assert_eq!(shop.emails().await.len(), 0);
    assert_eq!(shop.metafield(number).await, Value::Null);
}

#[tokio::test]
async fn a_confirmation_of_a_cancelled_order_is_suppressed() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let number = order_number();
    let cancelled = |payload: &mut Value| payload["cancelled_at"] = "2026-11-22T10:05:00+01:00".into();
    let entry = shop.confirmed(&stack, number, cancelled).await;
    assert_eq!((entry.state, entry.reason.as_deref()), (State::Suppressed, Some("the order is cancelled")));
}

fn presentment(value: &mut Value, currency: &str) {
    match value {
        Value::Object(map) => {
            if let Some(money) = map.get_mut("presentment_money") {
                money["currency_code"] = currency.into();
            }
            map.values_mut().for_each(|value| presentment(value, currency));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| presentment(value, currency)),
        _ => {}
    }
}

fn uuid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// An event tells the language of the order only.
#[tokio::test]
async fn an_order_without_a_language_is_written_in_the_customers() {
    let stack = Stack::open().await;
    let shop = Shop::open(&stack, str::to_owned).await;
    let french = |payload: &mut Value| {
        payload["customer_locale"] = Value::Null;
        payload["customer"]["locale"] = "fr".into();
    };
    let entry = shop.confirmed(&stack, order_number(), french).await;
    let (_, record) = stack.record(&entry).await;
    assert_eq!(record["driver_data"]["data"]["locale"], "fr");
}
