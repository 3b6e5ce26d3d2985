//! What a loyalty statement says.

use super::{
    documents::{history, known, schema, statement},
    shop::{Known, Shop, by, changed, config, joined, order, transaction},
};
use comms::Document;
use serde_json::json;

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

/// A balance that another app keeps is any number.
#[test]
fn a_level_that_is_too_far_away_is_an_error() {
    let tiers = [("Gold".to_owned(), 2000)].into();
    let lowest = rust_decimal::Decimal::MIN;
    assert_eq!(crate::points::Tier::of(lowest, &tiers), Err(crate::points::Overflow));
}
