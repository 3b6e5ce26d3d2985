use super::*;
use serde_json::json;

// as Shopify's documentation shows them
const DATA_REQUEST: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com","orders_requested":[299938,280263,220458],"customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},"data_request":{"id":9999}}"#;
const REDACT: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com","customer":{"id":191167,"email":"john@example.com","phone":"555-625-1199"},"orders_to_redact":[299938,280263,220458]}"#;
const SHOP: &str = r#"{"shop_id":954889,"shop_domain":"acme.myshopify.com"}"#;
fn read(body: &str, topic: &str) -> Option<PrivacyItem> {
    item(body.as_bytes(), Some(topic), "0".repeat(32), "2026-11-22T09:00:00Z".parse().unwrap())
}

/// No header is signed.
#[test]
fn a_body_is_taken_for_what_it_is_or_not_at_all() {
    let topics = PrivacyTopic::ALL.iter().map(|topic| topic.name());
    for topic in topics.chain(["orders/create", ""]) {
        for (body, of) in
            [(DATA_REQUEST, "customers/data_request"), (REDACT, "customers/redact"), (SHOP, "shop/redact")]
        {
            let found = read(body, topic).map(|item| item.topic.name());
            assert_eq!(found, (topic == of).then_some(of), "{topic}: {body}");
        }
        // what else the app's secret signs
        let other = json!({"id": 1, "domain": "acme.myshopify.com", "customer": {"id": 1}}).to_string();
        assert_eq!(read(&other, topic), None);
        assert_eq!(read("[]", topic), None);
    }
    assert_eq!(item(SHOP.as_bytes(), None, String::new(), Timestamp::UNIX_EPOCH), None);
}

#[test]
fn the_customer_and_the_orders_are_read() {
    let item = read(REDACT, "customers/redact").unwrap();
    assert_eq!(item.customer, Some(Gid::new("Customer", 191_167)));
    assert_eq!(item.orders, [299_938, 280_263, 220_458].map(|id| Gid::new("Order", id)));
    assert_eq!(
        (item.email.as_deref(), item.phone.as_deref()),
        (Some("john@example.com"), Some("555-625-1199"))
    );
    // a guest's data, or a customer who gave neither
    let bare = r#"{"shop_domain":"acme.myshopify.com","customer":{"id":1},"orders_to_redact":[]}"#;
    assert!(read(bare, "customers/redact").unwrap().email.is_none());
    assert!(read(&bare.replace("acme.myshopify.com", "acme.example"), "customers/redact").is_none());
}
