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
    let (webhook, graphql) = (from_webhook(WEBHOOK), from_graphql(GRAPHQL));
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
        [total.shop, current_total.shop, outstanding, received].map(Money::amount_text),
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
        webhook_error("\"presentment_currency\": \"USD\"", "\"presentment_currency\": \"USDT\""),
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
    let other = GRAPHQL.replace("\"sku\": \"LUNE-L\"", "\"sku\": 5");
    assert_eq!(
        Order::from_graphql(&other).unwrap_err().to_string(),
        unexpected("order.lineItems.nodes[0].sku")
    );
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
