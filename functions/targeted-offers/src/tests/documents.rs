//! What the documents say, of people of all kinds.

use super::shop::{
    Known, NOW, SEGMENT, Shop, at, by, campaign, changed, config, customer, item, joined, order, transaction,
};
use crate::{Promotion, Reminder, Statement};
use comms::Document;
use flow::{Consent, Gathered};
use jiff::ToSpan;
use serde_json::{Value, json};
use std::path::Path;

fn statement() -> work::WorkItem {
    campaign("club-points", Document::LoyaltyStatement, "2026-11-01")
}

fn refill() -> work::WorkItem {
    campaign("refill", Document::ReplenishmentReminder, "2026-11-23")
}

fn history() -> Vec<Value> {
    let mut returned = order(3002, "2026-10-12T10:00:00Z", "CARE-WAX-100", 1, "59.90");
    returned["transactions"].as_array_mut().unwrap().push(transaction(
        "REFUND",
        "2026-10-20T10:00:00Z",
        "20.00",
    ));
    vec![returned, order(3001, "2026-08-03T10:00:00Z", "SOCK-LINER-2", 2, "480.00")]
}

fn known(orders: Vec<Value>) -> Known {
    Known { orders, ..Known::default() }
}

/// A page, a picture and a price.
fn products() -> Value {
    json!({
        "line": {
            "image": {"url": "https://cdn.shopify.com/s/files/beeswax.jpg"},
            "variant": {"id": "gid://shopify/ProductVariant/4101"},
            "product": {"onlineStoreUrl": "https://northwind.example/products/beeswax"},
        },
        "variant": {"contextualPricing": {"price": {"amount": "14.5", "currencyCode": "EUR"}}},
    })
}

fn schema(document: Document) -> Value {
    match document {
        Document::LoyaltyStatement => driver::json_schema::<Statement>(document),
        Document::ReplenishmentReminder => driver::json_schema::<Reminder>(document),
        document => driver::json_schema::<Promotion>(document),
    }
}

#[tokio::test]
async fn the_contracts_are_published_and_the_samples_conform() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shop = Shop::new(Known { products: Some(products()), ..known(history()) }, config()).await;
    for item in [joined(), statement(), refill()] {
        let (content, data) = shop.ready(&item).await;
        let document = shop.plans(&item).await[0].document;
        assert_eq!(content.schema, format!("{document}/1"));
        contract::driver_data(root, document.name(), &schema(document), &data);
    }
}

#[tokio::test]
async fn an_offer_is_in_the_customers_language_and_mentions_what_was_bought() {
    let shop = Shop::new(known(history()), config()).await;
    let (content, data) = shop.ready(&joined()).await;
    assert_eq!(data["locale"], "fr");
    assert_eq!(data["offer"]["title"], "Bienvenue au club : 15 % de remise");
    assert_eq!((&data["offer"]["code"], data["offer"].get("valid_until")), (&json!("CLUB15"), None));
    assert_eq!(
        data["recently_bought"],
        json!([{"text": "Article CARE-WAX-100"}, {"text": "Article SOCK-LINER-2"}])
    );
    assert_eq!((content.consent, content.customer), (Consent::Given, Some(customer())));
    assert_eq!(content.name.as_deref(), Some("Bienvenue au club : 15 % de remise"));
}

#[tokio::test]
async fn an_offer_ends_so_many_days_after_its_cause_and_is_not_sent_later() {
    let config = changed("code = \"CLUB15\"", "code = \"CLUB15\"\nvalid_days = 10");
    let mut shop = Shop::new(Known::default(), config).await;
    assert_eq!(shop.ready(&joined()).await.1["offer"]["valid_until"], "2026-12-03");
    shop.now = at("2026-12-03T22:30:00Z");
    assert_eq!(
        shop.ready(&joined()).await.1["offer"]["valid_until"],
        "2026-12-03",
        "its last hour in the shop"
    );
    shop.now = at("2026-12-03T23:30:00Z");
    assert_eq!(shop.why_not(&joined()).await, ("the offer has expired".to_owned(), true));
}

/// Shopify may announce what it does not yet answer: only an event that is late is checked.
#[tokio::test]
async fn a_customer_who_left_before_a_late_event_gets_nothing_and_nothing_is_recorded() {
    let mut shop = Shop::new(Known { member: false, ..Known::default() }, config()).await;
    shop.ready(&joined()).await;
    shop.now = at(NOW) + 2.hours();
    assert_eq!(shop.why_not(&joined()).await, ("the customer has left the segment".to_owned(), false));
    shop.known.lock().unwrap().member = true;
    shop.ready(&joined()).await;
    let asked = shop.known.lock().unwrap().asked.clone();
    let (_, variables) = asked.iter().find(|(operation, _)| operation == "SegmentMembership").unwrap();
    assert_eq!(variables, &json!({"customer": customer(), "segment": SEGMENT}));
}

#[tokio::test]
async fn an_offer_that_was_taken_away_is_suppressed() {
    let mut shop = Shop::new(Known::default(), config()).await;
    let plans = shop.plans(&joined()).await;
    shop.config.marketing.offers.clear();
    let Ok(Gathered::Suppressed { reason, .. }) = shop.gather(&joined(), &plans[0]).await else { panic!() };
    assert_eq!(reason, "the offer is not in the configuration any more");
}

#[tokio::test]
async fn a_deleted_customer_is_suppressed_with_the_reason() {
    let mut shop = Shop::new(Known { customer: Value::Null, ..Known::default() }, config()).await;
    // Shopify may not show whom it has just announced
    let plan = shop.plans(&joined()).await.remove(0);
    let error = shop.gather(&joined(), &plan).await.err().unwrap();
    assert_ne!(error.class, comms::Class::Permanent, "{}", error.reason);
    shop.now = at(NOW) + 2.hours();
    for item in [joined(), statement()] {
        assert_eq!(shop.why_not(&item).await, ("Shopify has no such customer".to_owned(), true));
    }
    assert!(shop.plans(&refill()).await.is_empty(), "nobody bought anything");
}

#[tokio::test]
async fn consent_is_what_shopify_says_at_that_moment() {
    let shop = Shop::new(Known::default(), config()).await;
    for state in ["UNSUBSCRIBED", "NOT_SUBSCRIBED", "PENDING", "INVALID", "A_STATE_OF_2027"] {
        shop.known.lock().unwrap().customer["defaultEmailAddress"]["marketingState"] = state.into();
        let (content, _) = shop.ready(&joined()).await;
        assert!(matches!(content.consent, Consent::Refused(_)), "{state}");
    }
    shop.known.lock().unwrap().customer["tags"] = json!(["Offers-By-Post"]);
    let (content, _) = shop.ready(&joined()).await;
    assert_eq!((content.consent, content.recipient.email), (Consent::Given, None), "paper only");
    shop.known.lock().unwrap().customer["defaultEmailAddress"] = Value::Null;
    let (content, data) = shop.ready(&joined()).await;
    assert_eq!((content.consent, data["customer"].get("email")), (Consent::Given, None));
    shop.known.lock().unwrap().customer["tags"] = json!([]);
    let (content, _) = shop.ready(&joined()).await;
    assert_eq!(
        content.consent,
        Consent::Refused(
            "the customer has no e-mail address; no agreement to offers by post (tag offers-by-post)".into()
        )
    );
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
    assert_eq!((content.consent, &data["recently_bought"]), (Consent::Given, &json!([])));
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
async fn a_statement_adds_up() {
    let shop = Shop::new(known(history()), config()).await;
    let (_, data) = shop.ready(&statement()).await;
    assert_eq!(data["period"], json!({"from": "2026-10-01", "to": "2026-10-31"}));
    assert_eq!(
        data["points"],
        json!({
            "opening": "480", "earned": "59", "taken": "20", "balance": "519",
            "balance_date": "2026-10-31T23:59:59+01:00", "balance_on": "2026-10-31",
            "net_spend": {"amount": "39.90", "currency": "EUR"},
        })
    );
    assert_eq!(
        data["tier"],
        json!({"name": "Silver", "next": {"name": "Gold", "from": 2000, "missing": "1481"}})
    );
    let kinds: Vec<_> =
        data["movements"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["payment", "refund"]);
    assert_eq!(data["movements"][0]["date"], "2026-10-12T12:00:00+02:00");
    assert_eq!(data["movements"][0]["date_on"], "2026-10-12");
    contract::adds_up("loyalty-statement", &data).unwrap();
}

#[tokio::test]
async fn tests_authorizations_and_failures_earn_nothing() {
    let mut test = order(1, "2026-10-05T10:00:00Z", "X", 1, "100.00");
    test["test"] = true.into();
    let mut declined = order(2, "2026-10-05T10:00:00Z", "X", 1, "100.00");
    declined["transactions"][0]["status"] = "FAILURE".into();
    let mut authorized = order(3, "2026-10-05T10:00:00Z", "X", 1, "100.00");
    authorized["transactions"][0]["kind"] = "AUTHORIZATION".into();
    let mut bogus = order(4, "2026-10-05T10:00:00Z", "X", 1, "100.00");
    bogus["transactions"][0]["test"] = true.into();
    let shop = Shop::new(known(vec![test, declined, authorized, bogus]), config()).await;
    assert_eq!(shop.why_not(&statement()).await, ("the customer has no points".to_owned(), false));
    shop.known.lock().unwrap().orders.push(order(5, "2026-10-05T10:00:00Z", "X", 1, "1.00"));
    assert_eq!(shop.ready(&statement()).await.1["points"]["balance"], "1");
}

#[tokio::test]
async fn a_customer_without_orders_has_no_statement_and_no_reminder() {
    let shop = Shop::new(Known::default(), config()).await;
    assert_eq!(shop.why_not(&statement()).await, ("the customer has no points".to_owned(), false));
    assert!(shop.plans(&refill()).await.is_empty());
}

#[tokio::test]
async fn a_balance_that_another_app_keeps_is_taken_as_it_is() {
    let config =
        changed("points_per_unit = \"1\"", "points_per_unit = \"1\"\nbalance_metafield = \"loyalty.points\"");
    let shop = Shop::new(known(history()), config).await;
    shop.known.lock().unwrap().customer["metafield"] = json!({"value": "2100"});
    let (_, data) = shop.ready(&statement()).await;
    assert_eq!((&data["points"]["balance"], data["points"].get("opening")), (&json!("2100"), None));
    assert_eq!((&data["points"]["earned"], &data["tier"]), (&json!("59"), &json!({"name": "Gold"})));
    let asked = shop.known.lock().unwrap().asked.clone();
    let variables = |name: &str| &asked.iter().find(|(operation, _)| operation == name).unwrap().1;
    assert_eq!(variables("CustomerForOffers")["namespace"], "loyalty");
    assert_eq!(variables("CustomerForOffers")["key"], "points");
    assert_eq!(variables("CustomerPayments")["query"], "updated_at:>='2026-09-30T22:00:00Z'");
    shop.known.lock().unwrap().customer["metafield"] = json!({"value": "lots"});
    let plan = shop.plans(&statement()).await.remove(0);
    let error = shop.gather(&statement(), &plan).await.err().unwrap().reason;
    assert!(error.contains("holds no number") && !error.contains("lots"), "{error}");
}

#[tokio::test]
async fn five_hundred_orders_are_read_page_by_page() {
    let orders =
        (0..500).map(|n| order(1000 + n, "2026-10-05T10:00:00Z", "CARE-WAX-100", 1, "1.01")).collect();
    let shop = Shop::new(known(orders), config()).await;
    let (_, data) = shop.ready(&statement()).await;
    assert_eq!(
        (&data["points"]["balance"], data["movements"].as_array().unwrap().len()),
        (&json!("500"), 500)
    );
    contract::conforms(&schema(Document::LoyaltyStatement), &data);
    let pages = shop.known.lock().unwrap().asked.iter().filter(|it| it.0 == "CustomerPayments").count();
    assert_eq!(pages, 20);
    let titles = shop.ready(&joined()).await.1["recently_bought"].clone();
    assert_eq!(titles, json!([{"text": "Article CARE-WAX-100"}]), "one title, however often");
}

#[tokio::test]
async fn a_reminder_names_the_purchase_and_comes_once() {
    let shop = Shop::new(known(history()), config()).await;
    let (content, data) = shop.ready(&refill()).await;
    assert_eq!(
        data["products"],
        json!([{
            "sku": "CARE-WAX-100", "title": "Article CARE-WAX-100", "quantity": 1, "order": "#3002",
            "bought_on": "2026-10-12", "empty_on": "2026-11-26",
        }])
    );
    assert_eq!(content.name.as_deref(), Some("Article CARE-WAX-100"));
    let tomorrow = campaign("refill", Document::ReplenishmentReminder, "2026-11-24");
    assert_eq!(shop.plans(&refill()).await, shop.plans(&tomorrow).await, "the same communication every day");
    let before = campaign("refill", Document::ReplenishmentReminder, "2026-11-18");
    assert!(shop.plans(&before).await.is_empty());
}

/// A message that waited for the end of quiet hours, and what happened meanwhile.
#[tokio::test]
async fn a_reminder_that_waited_is_not_sent_if_it_was_bought_again() {
    let shop = Shop::new(known(history()), config()).await;
    let planned = shop.plans(&refill()).await;
    let again = order(3003, "2026-11-23T20:00:00Z", "CARE-WAX-100", 1, "59.90");
    shop.known.lock().unwrap().orders.insert(0, again);
    assert_eq!(shop.plans(&refill()).await, planned);
    assert_eq!(shop.why_not(&refill()).await, ("it was bought again".to_owned(), true));
    // an order that has vanished leaves nothing to remind of, and nothing to record
    shop.known.lock().unwrap().orders.clear();
    let Ok(Gathered::NotDue(reason)) = shop.gather(&refill(), &planned[0]).await else { panic!() };
    assert_eq!(reason, "nothing runs out yet");
}

#[tokio::test]
async fn a_reminder_shows_page_picture_and_todays_price_and_does_without_them() {
    let shop = Shop::new(Known { products: Some(products()), ..known(history()) }, config()).await;
    let product = shop.ready(&refill()).await.1["products"][0].clone();
    assert_eq!(product["product_url"], "https://northwind.example/products/beeswax");
    assert_eq!(product["image_url"], "https://cdn.shopify.com/s/files/beeswax.jpg");
    assert_eq!(product["price"], json!({"amount": "14.50", "currency": "EUR"}));
    let asked = shop.known.lock().unwrap().asked.clone();
    let (_, variables) = asked.iter().find(|(operation, _)| operation == "VariantPrices").unwrap();
    assert_eq!(variables["country"], "FR");
    // not published, no picture, deleted variant
    shop.known.lock().unwrap().products =
        Some(json!({"line": {"image": null, "variant": null, "product": null}}));
    let product = shop.ready(&refill()).await.1["products"][0].clone();
    assert_eq!(
        (product.get("product_url"), product.get("image_url"), product.get("price")),
        (None, None, None)
    );
    // an app without the scope read_products
    shop.known.lock().unwrap().products = None;
    assert_eq!(shop.ready(&refill()).await.1["products"][0]["sku"], "CARE-WAX-100");
    // what passes is waited for
    shop.known.lock().unwrap().products_error = "TIMEOUT";
    let plans = shop.plans(&refill()).await;
    let Err(error) = shop.gather(&refill(), &plans[0]).await else { panic!("a reminder without prices") };
    assert_eq!(error.class, comms::Class::transient());
    assert!(error.reason.contains("TIMEOUT"), "{}", error.reason);
}

#[tokio::test]
async fn what_runs_out_on_one_day_is_in_one_reminder() {
    let mut orders = history();
    orders.push(order(2999, "2026-08-03T09:00:00Z", "SOCK-LINER-2", 1, "12.00"));
    // 3 August and 120 days, 12 October and 45 days: both within the campaign's days
    orders[1]["cancelledAt"] = "2026-08-04T10:00:00Z".into();
    let shop = Shop::new(known(orders), config()).await;
    let day = campaign("refill", Document::ReplenishmentReminder, "2026-11-24");
    let (content, data) = shop.ready(&day).await;
    let skus: Vec<_> = data["products"].as_array().unwrap().iter().map(|it| it["sku"].clone()).collect();
    assert_eq!(skus, ["CARE-WAX-100", "SOCK-LINER-2"]);
    assert_eq!(content.name.as_deref(), Some("Article CARE-WAX-100, Article SOCK-LINER-2"));
}

/// Neither by an offer nor by a reminder.
#[tokio::test]
async fn what_is_not_paid_or_did_not_arrive_is_no_purchase() {
    for (field, value) in [
        ("displayFinancialStatus", json!("PENDING")),
        ("displayFinancialStatus", json!("PARTIALLY_PAID")),
        ("displayFinancialStatus", json!("AUTHORIZED")),
        ("displayFinancialStatus", json!("REFUNDED")),
        ("displayFinancialStatus", json!("A_STATE_OF_2027")),
        ("displayFulfillmentStatus", json!("UNFULFILLED")),
        ("displayFulfillmentStatus", json!("ON_HOLD")),
        ("displayFulfillmentStatus", json!("A_STATE_OF_2027")),
        ("fulfillments", json!([{"displayStatus": "DELIVERED"}, {"displayStatus": "NOT_DELIVERED"}])),
    ] {
        let mut bought = order(3002, "2026-10-12T10:00:00Z", "CARE-WAX-100", 1, "59.90");
        bought[field] = value.clone();
        let shop = Shop::new(known(vec![bought]), config()).await;
        assert!(shop.plans(&refill()).await.is_empty(), "{field} {value}");
        assert_eq!(shop.ready(&joined()).await.1["recently_bought"], json!([]), "{field} {value}");
    }
}

#[tokio::test]
async fn of_an_order_that_was_sent_in_part_the_sent_part_counts() {
    let mut part = order(3002, "2026-10-12T10:00:00Z", "CARE-WAX-100", 1, "59.90");
    part["displayFulfillmentStatus"] = "PARTIALLY_FULFILLED".into();
    let shop = Shop::new(known(vec![part]), config()).await;
    let product = shop.ready(&refill()).await.1["products"][0].clone();
    assert_eq!((&product["title"], &product["quantity"]), (&json!("On the second page"), &json!(1)));
}

#[tokio::test]
async fn a_balance_is_never_counted_from_a_part_of_the_orders() {
    let shop = Shop::new(known(history()), config()).await;
    {
        let mut known = shop.known.lock().unwrap();
        known.scopes = vec!["read_orders"];
        known.customer["createdAt"] = "2024-03-01T09:00:00Z".into();
    }
    let plan = shop.plans(&statement()).await.remove(0);
    let error = shop.gather(&statement(), &plan).await.err().unwrap();
    assert!(error.reason.contains("read_all_orders"), "{}", error.reason);
    assert_ne!(error.class, comms::Class::Permanent, "it can be made once the scope is granted");
    // nothing is kept back of a customer who is not known for sixty days
    shop.known.lock().unwrap().customer["createdAt"] = "2026-10-01T09:00:00Z".into();
    assert_eq!(shop.ready(&statement()).await.1["points"]["balance"], "519");
}

#[tokio::test]
async fn a_balance_of_another_app_needs_no_orders_and_shows_none_of_a_part() {
    let config =
        changed("points_per_unit = \"1\"", "points_per_unit = \"1\"\nbalance_metafield = \"loyalty.points\"");
    let shop = Shop::new(Known { scopes: vec!["read_orders"], ..known(history()) }, config).await;
    {
        let mut known = shop.known.lock().unwrap();
        known.customer["createdAt"] = "2024-03-01T09:00:00Z".into();
        known.customer["metafield"] = json!({"value": "2100.7"});
    }
    let (_, data) = shop.ready(&statement()).await;
    let points = &data["points"];
    assert_eq!((&points["balance"], &points["balance_on"]), (&json!("2100"), &json!("2026-11-23")));
    assert_eq!((points.get("earned"), points.get("taken"), &data["movements"]), (None, None, &json!([])));
    contract::conforms(&schema(Document::LoyaltyStatement), &data);
}

#[tokio::test]
async fn a_gift_card_that_is_used_is_named_and_earns_nothing_again() {
    let mut used = order(3003, "2026-10-25T10:00:00Z", "X", 1, "30.00");
    let card = by(transaction("SALE", "2026-10-25T10:00:00Z", "50.00"), "gift_card");
    used["transactions"].as_array_mut().unwrap().push(card);
    let shop = Shop::new(known(vec![used]), config()).await;
    let (_, data) = shop.ready(&statement()).await;
    assert_eq!((&data["points"]["earned"], &data["points"]["balance"]), (&json!("30"), &json!("30")));
    assert_eq!(data["not_counted"][0]["reason"], "gift_card");
    assert_eq!(data["not_counted"][0]["amount"], json!({"amount": "50.00", "currency": "EUR"}));
}

#[tokio::test]
async fn lines_beyond_an_orders_first_page_run_out_too() {
    let mut large = order(3005, "2026-10-12T10:00:00Z", "X", 1, "10.00");
    large["lineItems"]["pageInfo"] = json!({"hasNextPage": true, "endCursor": "100"});
    let shop = Shop::new(known(vec![large]), config()).await;
    assert_eq!(shop.ready(&refill()).await.1["products"][0]["title"], "On the second page");
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

/// A balance that another app keeps is any number.
#[test]
fn a_level_that_is_too_far_away_is_an_error() {
    let tiers = [("Gold".to_owned(), 2000)].into();
    let lowest = rust_decimal::Decimal::MIN;
    assert_eq!(crate::points::Tier::of(lowest, &tiers), Err(crate::points::Overflow));
}
