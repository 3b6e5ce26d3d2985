//! What a reminder reminds of.

use super::{
    documents::{history, known, products, refill},
    shop::{Known, Shop, campaign, config, joined, order},
};
use comms::Document;
use flow::Gathered;
use serde_json::json;

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
async fn lines_beyond_an_orders_first_page_run_out_too() {
    let mut large = order(3005, "2026-10-12T10:00:00Z", "X", 1, "10.00");
    large["lineItems"]["pageInfo"] = json!({"hasNextPage": true, "endCursor": "100"});
    let shop = Shop::new(known(vec![large]), config()).await;
    assert_eq!(shop.ready(&refill()).await.1["products"][0]["title"], "On the second page");
}
