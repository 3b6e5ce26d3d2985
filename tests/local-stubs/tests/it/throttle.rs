//! Costs as recorded from the real API, and the bucket they empty.

use crate::support::{Stub, order_event, shopify};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn cost(stub: &Stub, query: &str) -> (Value, Value) {
    let answer = stub.graphql(query, json!({"id": "gid://shopify/Order/1", "n": 50})).await;
    let cost = &answer["extensions"]["cost"];
    (cost["requestedQueryCost"].clone(), cost["actualQueryCost"].clone())
}

#[tokio::test]
async fn costs_are_those_shopify_charges() {
    let stub = shopify().await;
    stub.set("orders", json!([order_event(1), order_event(2), order_event(3), order_event(4)])).await;
    for (query, requested, actual) in [
        ("{ shop { currencyCode id } }", 1, 1),
        ("query($id: ID!) { order(id: $id) { id totalPriceSet { shopMoney { amount } } } }", 1, 1),
        (
            "query($id: ID!) { order(id: $id) { id fulfillments(first: 5) { id trackingInfo { number } } } }",
            3,
            1,
        ),
        // seven for twenty, four when there are four
        ("{ orders(first: 20) { nodes { id } pageInfo { hasNextPage } } }", 7, 4),
        ("{ orders(first: 1) { edges { cursor node { id } } } }", 3, 3),
        ("query($n: Int!) { orders(first: $n) { nodes { id customer { id } } } }", 16, 6),
        ("{ orders(first: 250) { nodes { id } } }", 13, 4),
        (
            "query($id: ID!) { order(id: $id) { lineItems(first: 10) { nodes { id } } shippingLines(first: 10) { nodes { title } } } }",
            13,
            7,
        ),
        (
            "mutation($id: ID!) { tagsAdd(id: $id, tags: [\"a\"]) { node { id } userErrors { message } } }",
            10,
            10,
        ),
        (
            "query($id: ID!) { node(id: $id) { id ... on Order { customer { id } } ... on Customer { id } } }",
            2,
            2,
        ),
    ] {
        assert_eq!(cost(&stub, query).await, (json!(requested), json!(actual)), "{query}");
    }
}

#[tokio::test]
async fn an_empty_bucket_throttles_until_it_has_refilled() {
    let stub = shopify().await;
    stub.set("orders", order_event(1)).await;
    stub.set("settings", json!({"bucket_size": 25, "restore_rate": 10})).await;
    let query =
        "mutation { tagsAdd(id: \"gid://shopify/Order/1\", tags: [\"a\"]) { userErrors { message } } }";
    let begun = Instant::now();
    assert!(stub.graphql(query, json!({})).await["data"]["tagsAdd"].is_object());
    let second = stub.graphql(query, json!({})).await;
    assert_eq!(second["extensions"]["cost"]["throttleStatus"]["maximumAvailable"], 25);
    let throttled = stub.graphql(query, json!({})).await;
    assert_eq!(throttled["errors"][0]["extensions"]["code"], "THROTTLED", "{throttled}");
    let status = &throttled["extensions"]["cost"]["throttleStatus"];
    assert_eq!(status["restoreRate"], 10);
    let wait = (10 - status["currentlyAvailable"].as_u64().unwrap()) * 1000 / 10;
    tokio::time::sleep(Duration::from_millis(wait + 5)).await;
    let answer = stub.graphql(query, json!({})).await;
    assert!(answer["data"]["tagsAdd"].is_object(), "{answer}");
    // thirty points from a bucket of twenty-five took at least the time of five
    assert!(begun.elapsed() >= Duration::from_millis(500));
}

#[tokio::test]
async fn a_query_that_is_too_dear_is_refused_whatever_the_bucket_holds() {
    let stub = shopify().await;
    let query =
        "{ orders(first: 250) { nodes { lineItems(first: 250) { nodes { id taxLines { title } } } } } }";
    stub.set("settings", json!({"max_query_cost": 200})).await;
    let answer = stub.graphql(query, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "MAX_COST_EXCEEDED");
    assert_eq!(answer["errors"][0]["extensions"]["cost"], 2 + 11 * (1 + 2 + 11 * 2));
    assert_eq!(stub.look("bucket").await["currentlyAvailable"], 2000);
}
