use super::*;

const WEBHOOK: &str = include_str!("../../tests/fixtures/orders/b2b.webhook.json");
const GRAPHQL: &str = include_str!("../../tests/fixtures/orders/b2b.graphql.json");
const SAMPLE: &str = include_str!("../../tests/fixtures/orders/sample.webhook.json");

fn from_webhook(json: &str) -> Order {
    Order::from_webhook(json.as_bytes()).unwrap()
}

fn from_graphql(json: &str) -> Order {
    Order::from_graphql(json).unwrap().unwrap().order
}

fn webhook_error(from: &str, to: &str) -> String {
    assert!(WEBHOOK.contains(from), "{from}");
    Order::from_webhook(WEBHOOK.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
}

#[test]
fn both_sources_give_the_same_order() {
    let (webhook, mut graphql) = (from_webhook(WEBHOOK), from_graphql(GRAPHQL));
    // what an event does not tell
    graphql.payments = None;
    let totals = &mut graphql.totals;
    (totals.first_total, totals.capturable) = (None, None);
    for amount in [&mut totals.outstanding, &mut totals.received] {
        assert!(amount.presentment.take().is_some());
    }
    for line in &mut graphql.lines {
        (line.image_url, line.product_url) = (None, None);
    }
    // compared as text first, because that says where they differ
    assert_eq!(
        serde_json::to_string_pretty(&webhook).unwrap(),
        serde_json::to_string_pretty(&graphql).unwrap()
    );
    assert!(webhook == graphql);
}

#[test]
fn the_order_is_what_shopify_said() {
    insta::assert_json_snapshot!(from_webhook(WEBHOOK));
}

#[test]
fn shopifys_own_sample_is_read() {
    let order = from_webhook(SAMPLE);
    assert_eq!(order.id.number(), "820982911946154508", "not the rounded number");
    assert_eq!(order.lines[0].id.number(), "487817672276298554");
    assert_eq!(order.customer_name().as_deref(), Some("John Smith"));
    assert_eq!(order.financial_status, FinancialStatus::Voided);
    assert_eq!(order.fulfilment_status, FulfilmentStatus::Unfulfilled);
    assert_eq!(order.tags, ["tag1", "tag2"]);
    let Totals { total, current_total, outstanding, received, duties, .. } = order.totals;
    assert_eq!(
        [total.shop, current_total.shop, outstanding.shop, received.shop].map(comms::Money::amount_text),
        ["404.95", "414.95", "414.95", "0.00"]
    );
    assert_eq!(duties, None);
}

#[test]
fn the_language_of_the_account_comes_after_that_of_the_order() {
    let mut order: serde_json::Value = serde_json::from_str(GRAPHQL).unwrap();
    order["order"]["customer"]["locale"] = "de".into();
    assert_eq!(from_graphql(&order.to_string()).locales(), [Some("fr-FR"), Some("de")]);
    order["order"]["customer"] = serde_json::Value::Null;
    order["order"]["customerLocale"] = serde_json::Value::Null;
    assert_eq!(from_graphql(&order.to_string()).locales(), [None, None]);
}

#[test]
fn private_properties_and_removed_shipping_are_left_out() {
    for order in [from_webhook(WEBHOOK), from_graphql(GRAPHQL)] {
        let names: Vec<_> = order.lines[0].properties.iter().map(|property| property.name.as_str()).collect();
        assert_eq!(names, ["Gravure", "Emballage"]);
        assert_eq!(order.shipping_lines.len(), 1);
    }
}

#[test]
fn a_line_counts_every_discount_allocated_to_it() {
    let line = &from_graphql(GRAPHQL).lines[0];
    assert_eq!(line.total_discount.presentment.to_string(), "33.00 USD");
    let names: Vec<_> = line.discounts.iter().map(|discount| discount.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["MERCI10", "Geste commercial"]);
}

#[test]
fn terms_are_due_with_the_first_unpaid_instalment() {
    let due = |day: i8, paid| {
        (Some(jiff::civil::date(2026, 12, day).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()), paid)
    };
    let day = |schedules: &[(Option<Timestamp>, bool)]| {
        due_at(schedules.iter().copied()).map(|at| at.to_string()[8..10].to_owned())
    };
    assert_eq!(day(&[due(3, false), due(2, false), due(1, true)]).as_deref(), Some("02"));
    assert_eq!(day(&[due(1, true), due(3, true)]).as_deref(), Some("03"), "all are paid");
    assert_eq!(day(&[(None, false)]), None, "due on an event that has not come");
}

#[test]
fn every_display_status_has_a_place() {
    for (status, expected) in [
        ("UNFULFILLED", FulfilmentStatus::Unfulfilled),
        ("ON_HOLD", FulfilmentStatus::Unfulfilled),
        ("FULFILLED", FulfilmentStatus::Fulfilled),
        ("RESTOCKED", FulfilmentStatus::Restocked),
    ] {
        let json = GRAPHQL.replace("\"PARTIALLY_FULFILLED\"", &format!("\"{status}\""));
        assert_eq!(from_graphql(&json).fulfilment_status, expected);
    }
    let unheard = GRAPHQL.replace("\"PARTIALLY_PAID\"", "\"DEFERRED\"");
    assert_eq!(from_graphql(&unheard).financial_status.name(), "deferred");
}

#[test]
fn a_page_says_where_the_next_begins() {
    assert_eq!(Order::from_graphql(GRAPHQL).unwrap().unwrap().next, None, "a cursor alone is no next page");
    let more = GRAPHQL.replace("\"hasNextPage\": false", "\"hasNextPage\": true");
    assert_eq!(Order::from_graphql(&more).unwrap().unwrap().next.as_deref(), Some("eyJsYXN0X2lkIjoyfQ=="));
    assert!(Order::from_graphql(r#"{"order":null}"#).unwrap().is_none());
}

#[test]
fn errors_name_the_field() {
    let unexpected = |path: &str| format!("`{path}` has an unexpected type or value");
    assert_eq!(
        webhook_error("\"amount\": \"100.00\"", "\"amount\": \"1OO\""),
        unexpected("line_items[0].price_set.shop_money.amount")
    );
    assert_eq!(
        webhook_error("\"presentment_currency\": \"USD\"", "\"presentment_currency\": \"usd\""),
        unexpected("presentment_currency")
    );
    assert_eq!(
        webhook_error("\"total_outstanding\"", "\"total_outstandin\""),
        "`.` lacks the field `total_outstanding`"
    );
    assert_eq!(
        webhook_error("gid://shopify/Order/", "gid://shopify/DraftOrder/"),
        "`admin_graphql_api_id` is not the id of a resource of type Order"
    );
    assert_eq!(
        webhook_error("\"id\": 6012345678901234567", "\"id\": 6.012345678901234567e18"),
        unexpected("id")
    );
    let other = GRAPHQL.replace("\"quantity\": 2", "\"quantity\": \"two\"");
    assert_eq!(
        Order::from_graphql(&other).unwrap_err().to_string(),
        unexpected("order.lineItems.nodes[0].quantity")
    );
}

/// The order in the payload, changed in one place.
fn with(change: impl FnOnce(&mut serde_json::Value)) -> Order {
    let mut payload: serde_json::Value = serde_json::from_str(WEBHOOK).unwrap();
    change(&mut payload);
    from_webhook(&payload.to_string())
}

#[test]
fn attributes_are_read_whatever_they_are_written_as() {
    let shown = |json: serde_json::Value| {
        let order = with(|payload| {
            payload["line_items"][0]["properties"] = json.clone();
            payload["note_attributes"] = json;
        });
        let text = |all: &[Attribute]| {
            all.iter().map(|it| format!("{}={}", it.name, it.value)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(&order.lines[0].properties), text(&order.note_attributes));
        text(&order.note_attributes)
    };
    use serde_json::json;
    assert_eq!(shown(json!({})), "");
    assert_eq!(shown(json!({"Note": "For Aino", "_app": 1, "Size": 5})), "Note=For Aino Size=5");
    assert_eq!(shown(json!([{"name": 7, "value": true}, {"name": null, "value": "x"}, "x", null])), "7=true");
    assert_eq!(shown(json!([{"name": "Date", "value": " "}, {"name": "__s", "value": "1"}])), "");
    assert_eq!(shown(json!([{"name": "Box", "value": {"id": ["b"]}}])), r#"Box={"id":["b"]}"#);
    assert_eq!(shown(json!("text")), "");
    assert_eq!(shown(json!(null)), "");
}

#[test]
fn what_no_document_needs_does_not_make_a_payload_unreadable() {
    let order = with(|payload| {
        let line = &mut payload["line_items"][0];
        (line["sku"], line["vendor"], line["variant_title"]) = (5.into(), serde_json::json!({}), [1].into());
        for missing in ["current_quantity", "requires_shipping", "gift_card", "total_discount_set"] {
            line.as_object_mut().unwrap().remove(missing);
        }
        payload["tags"] = serde_json::json!(["b", "a"]);
        payload["note"] = serde_json::json!(["?"]);
        payload["company"]["location_id"] = serde_json::Value::Null;
        payload["financial_status"] = "of_tomorrow".into();
    });
    let line = &order.lines[0];
    assert_eq!((line.sku.as_deref(), line.vendor.as_deref(), line.current_quantity), (Some("5"), None, 2));
    assert_eq!((order.tags, order.note, order.company), (vec!["a".into(), "b".into()], None, None));
    assert_eq!(order.financial_status.name(), "of_tomorrow");
}

/// What the customer saw is known where the payload proves it, and otherwise is not made up.
#[test]
fn an_event_says_what_it_proves_in_the_currency_the_customer_saw() {
    let seen = |change: fn(&mut serde_json::Value)| {
        let Totals { outstanding, received, tip, capturable, .. } = with(change).totals;
        let text = |money: Option<comms::Money>| money.map(|it| it.to_string());
        let capturable = text(capturable.map(|it| it.presentment));
        [text(outstanding.presentment), text(received.presentment), text(tip.presentment), capturable]
    };
    let usd = |amount: &str| Some(format!("{amount} USD"));
    assert_eq!(seen(|_| ()), [None, None, usd("0.00"), None], "partly paid in another currency");
    let paid = seen(|payload| {
        (payload["total_outstanding"], payload["financial_status"]) = ("0.00".into(), "paid".into());
    });
    assert_eq!(paid, [usd("0.00"), usd("315.28"), usd("0.00"), usd("0.00")]);
    let authorized = seen(|payload| {
        (payload["total_outstanding"], payload["financial_status"]) = ("286.62".into(), "authorized".into());
    });
    assert_eq!(authorized, [usd("315.28"), usd("0.00"), usd("0.00"), usd("315.28")]);
    let tipped = |payload: &mut serde_json::Value| {
        payload["total_tip_received"] = "4.00".into();
        let total = &mut payload["total_price_set"];
        total["shop_money"]["amount"] = "290.62".into();
        total["presentment_money"]["amount"] = "319.70".into();
    };
    assert_eq!(with(tipped).totals.tip.presentment.unwrap().to_string(), "4.42 USD", "what the rest is");
}

#[test]
fn a_tip_is_no_article() {
    let line = |payload: &mut serde_json::Value| {
        let mut tip = payload["line_items"][1].clone();
        (tip["gift_card"], tip["title"], tip["current_quantity"]) = (false.into(), "Tip".into(), 1.into());
        payload["line_items"].as_array_mut().unwrap().push(tip);
    };
    let tips = |order: &Order| order.lines.iter().map(|line| line.tip).collect::<Vec<_>>();
    let marked = with(|payload| {
        line(payload);
        payload["line_items"][2]["tip_payment_gateway"] = "shopify_payments".into();
    });
    assert_eq!(tips(&marked), [false, false, true]);
    let worth = with(|payload| {
        line(payload);
        payload["total_tip_received"] = "75.00".into();
    });
    assert_eq!(worth.totals.tip.presentment, None, "no line is marked as one that proves it");
    let mut graphql: serde_json::Value = serde_json::from_str(GRAPHQL).unwrap();
    let mut tip = graphql["order"]["lineItems"]["nodes"][1].clone();
    tip["isGiftCard"] = false.into();
    graphql["order"]["lineItems"]["nodes"].as_array_mut().unwrap().push(tip);
    graphql["order"]["totalTipReceivedSet"]["shopMoney"]["amount"] = "75.0".into();
    assert_eq!(tips(&from_graphql(&graphql.to_string())), [false, false, true]);
}

#[test]
fn payments_are_what_shopify_says() {
    let payments = from_graphql(GRAPHQL).payments.unwrap();
    let shown: Vec<_> = payments.iter().map(|it| (it.kind, it.is_payment(), it.rounding)).collect();
    assert_eq!(
        shown,
        [
            (TransactionKind::Authorization, false, None),
            (TransactionKind::Capture, true, None),
            (TransactionKind::Other, false, None)
        ]
    );
    let card = &payments[1].method;
    assert_eq!((card.known_as(), card.last_digits.as_deref()), (Some("Visa"), Some("4242")), "of its parent");
    assert_eq!(payments[2].status, TransactionStatus::Open);
}

#[test]
fn debug_output_names_nobody() {
    let order = from_webhook(WEBHOOK);
    let text = format!(
        "{order:?} {:?} {:?} {:?} {:?}",
        order.customer, order.billing_address, order.lines, order.note_attributes
    );
    for personal in ["Lefèvre", "Zoë", "example", "Quai", "Gravure", "9-12"] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
}
