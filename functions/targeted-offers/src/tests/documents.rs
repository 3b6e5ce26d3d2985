//! What all documents have in common, of people of all kinds.

use super::shop::{Known, NOW, SEGMENT, Shop, campaign, config, customer, item, joined, order, transaction};
use crate::TargetedOffers;
use comms::Document;
use flow::Consent;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn statement() -> work::WorkItem {
    campaign("club-points", Document::LoyaltyStatement, "2026-11-01")
}

pub(super) fn refill() -> work::WorkItem {
    campaign("refill", Document::ReplenishmentReminder, "2026-11-23")
}

pub(super) fn history() -> Vec<Value> {
    let mut returned = order(3002, "2026-10-12T10:00:00Z", "CARE-WAX-100", 1, "59.90");
    returned["transactions"].as_array_mut().unwrap().push(transaction(
        "REFUND",
        "2026-10-20T10:00:00Z",
        "20.00",
    ));
    vec![returned, order(3001, "2026-08-03T10:00:00Z", "SOCK-LINER-2", 2, "480.00")]
}

pub(super) fn known(orders: Vec<Value>) -> Known {
    Known { orders, ..Known::default() }
}

/// A page, a picture and a price.
pub(super) fn products() -> Value {
    json!({
        "line": {
            "image": {"url": "https://cdn.shopify.com/s/files/beeswax.jpg"},
            "variant": {"id": "gid://shopify/ProductVariant/4101"},
            "product": {"onlineStoreUrl": "https://northwind.example/products/beeswax"},
        },
        "variant": {"contextualPricing": {"price": {"amount": "14.5", "currencyCode": "EUR"}}},
    })
}

pub(super) fn schema(document: Document) -> Value {
    TargetedOffers::schema(document).unwrap()
}

#[tokio::test]
async fn the_contracts_are_published_and_the_samples_conform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shop = Shop::new(Known { products: Some(products()), ..known(history()) }, config()).await;
    for document in TargetedOffers::DOCUMENTS.iter().map(|entry| entry.document) {
        let item = match document {
            Document::PromotionalOffer => joined(),
            Document::LoyaltyStatement => statement(),
            Document::ReplenishmentReminder => refill(),
            other => panic!("{other} has no sample"),
        };
        let (content, data) = shop.ready(&item).await;
        assert_eq!(shop.plans(&item).await[0].document, document);
        assert_eq!(content.schema, format!("{document}/1"));
        contract::driver_data(root, document.name(), &schema(document), &data);
    }
}

#[tokio::test]
async fn a_person_of_whom_little_is_known_still_gets_a_document() {
    let bare = json!({
        "id": customer(), "firstName": null, "lastName": "", "locale": null, "tags": [],
        "defaultEmailAddress": {"emailAddress": "x@example.com", "marketingState": "SUBSCRIBED"},
        "defaultPhoneNumber": null, "defaultAddress": null,
    });
    let shop = Shop::new(Known { customer: bare, ..Known::default() }, config()).await;
    let (content, data) = shop.ready(&joined()).await;
    assert_eq!(
        (&data["locale"], data.get("address"), data["customer"].get("name")),
        (&json!("en"), None, None)
    );
    assert!(matches!(content.consent, Consent::Given(_)));
    assert_eq!(&data["recently_bought"], &json!([]));
    contract::conforms(&schema(Document::PromotionalOffer), &data);
}

#[tokio::test]
async fn names_from_right_to_left_stay_as_they_are_written() {
    let shop = Shop::new(Known::default(), config()).await;
    {
        let mut known = shop.known.lock().unwrap();
        known.customer["firstName"] = "שירה".into();
        known.customer["lastName"] = "‏לוי".into();
        known.customer["locale"] = "he".into();
        known.customer["defaultAddress"]["city"] = "תל אביב".into();
    }
    let (content, data) = shop.ready(&joined()).await;
    assert_eq!(data["customer"]["name"], "שירה ‏לוי");
    assert_eq!((&data["address"]["city"], &data["locale"]), (&json!("תל אביב"), &json!("en")));
    let printed = format!("{:?}", content.recipient);
    assert!(!printed.contains("שירה"), "{printed}");
}

#[tokio::test]
async fn a_customer_without_orders_has_no_statement_and_no_reminder() {
    let shop = Shop::new(Known::default(), config()).await;
    assert_eq!(shop.why_not(&statement()).await, ("the customer has no points".to_owned(), false));
    assert!(shop.plans(&refill()).await.is_empty());
}

#[tokio::test]
async fn of_five_hundred_lines_an_offer_mentions_five_and_the_last_runs_out() {
    let mut large = order(3006, "2026-10-12T10:00:00Z", "X", 1, "10.00");
    let line = |number| {
        let sku = if number == 500 { "CARE-WAX-100".to_owned() } else { format!("SKU-{number}") };
        let id = comms::Gid::new("LineItem", number);
        json!({"id": id, "title": format!("Article {number}"), "sku": sku, "currentQuantity": 1})
    };
    large["lineItems"]["nodes"] = (1..=500).map(line).collect();
    let shop = Shop::new(known(vec![large]), config()).await;
    let titles = shop.ready(&joined()).await.1["recently_bought"].clone();
    let five: Vec<_> = (1..=5).map(|n| json!({"text": format!("Article {n}")})).collect();
    assert_eq!(titles, json!(five));
    let (_, data) = shop.ready(&refill()).await;
    assert_eq!(data["products"][0]["title"], "Article 500");
    contract::conforms(&schema(Document::ReplenishmentReminder), &data);
}

/// Names, titles, and the subject line made of them.
#[tokio::test]
async fn every_document_keeps_what_is_written_from_right_to_left() {
    let mut orders = history();
    orders[0]["lineItems"]["nodes"][0]["title"] = "שעוות דבורים".into();
    let shop = Shop::new(known(orders), config()).await;
    {
        let mut known = shop.known.lock().unwrap();
        known.customer["firstName"] = "محمد".into();
        known.customer["lastName"] = "الأحمد".into();
    }
    for item in [joined(), statement(), refill()] {
        let (content, data) = shop.ready(&item).await;
        assert_eq!(data["customer"]["name"], "محمد الأحمد");
        assert_eq!(content.recipient.name.as_deref(), Some("محمد الأحمد"));
    }
    assert_eq!(shop.ready(&joined()).await.1["recently_bought"][0]["text"], "שעוות דבורים");
    let (content, data) = shop.ready(&refill()).await;
    assert_eq!(
        (&data["products"][0]["title"], content.name.as_deref()),
        (&json!("שעוות דבורים"), Some("שעוות דבורים"))
    );
}

#[tokio::test]
async fn a_campaign_of_another_document_is_refused() {
    let shop = Shop::new(Known::default(), config()).await;
    let mut plan = shop.plans(&joined()).await.remove(0);
    plan.document = Document::LoyaltyStatement;
    let error =
        shop.gather(&item("customer.joined_segment", NOW, json!({"segment_id": SEGMENT})), &plan).await;
    assert!(error.is_err());
}

/// Whatever amounts Shopify says, there is a document or a reason, and never a panic.
#[tokio::test]
async fn amounts_that_cannot_be_added_are_an_error() {
    let (mut made, mut refused) = (0, 0);
    for orders in contract::with_huge_amounts(&Value::Array(history()), 60) {
        let Value::Array(orders) = orders else { panic!() };
        let shop = Shop::new(known(orders), config()).await;
        shop.known.lock().unwrap().products = Some(products());
        for item in [statement(), refill(), joined()] {
            for plan in shop.plans(&item).await {
                match shop.gather(&item, &plan).await {
                    Ok(_) => made += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(made > 0 && refused > 0, "{made} {refused}");
}
