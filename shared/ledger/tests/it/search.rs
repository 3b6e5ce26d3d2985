//! Searching: what an outcome writes for each index, and what is asked of an index.

use axum::{Json, Router, body::Bytes, extract::State as Shared, http::HeaderMap};
use comms::{CustomerKey, EmailKey, Gid, ShopDomain, State, WriteBackState};
use jiff::Timestamp;
use ledger::{ChannelOutcome, Ledger};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Everything that the table was asked for.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, Value)>>>);

impl Asked {
    fn all(&self, operation: &str) -> Vec<Value> {
        let asked = self.0.lock().unwrap();
        asked.iter().filter(|(name, _)| name == operation).map(|(_, body)| body.clone()).collect()
    }
}

const ID: &str = "c4809f9b199959867b344883a5f958d0";

fn shop() -> ShopDomain {
    "acme.myshopify.com".parse().unwrap()
}

fn item(shop: &str) -> Value {
    let text = |text: &str| json!({"S": text});
    json!({
        "pk": text(ID), "shop": text(shop), "flow": text("order-confirmation"), "document": text("receipt"),
        "subject": text("gid://shopify/Order/1"), "revision": text("initial"), "reported_on": text("gid://shopify/Order/1"),
        "state": text("unknown"), "attempts": {"N": "1"}, "created_epoch_ms": {"N": "5"}, "updated_epoch_ms": {"N": "7"},
    })
}

/// A table with one communication of a shop, which every index lists.
async fn table(owner: &'static str) -> (Ledger, Asked) {
    let asked = Asked::default();
    let handle = move |Shared(asked): Shared<Asked>, headers: HeaderMap, body: Bytes| async move {
        let request: Value = serde_json::from_slice(&body).unwrap();
        let operation = fakes::operation(&headers).to_owned();
        let answer = match operation.as_str() {
            "Query" => {
                let mut listed = item(owner);
                listed["undelivered_ms"] = json!({"N": "7"});
                listed["reason"] = json!({"S": "why"});
                let damaged = json!({"pk": {"S": ID}, "state": {"S": "lost"}});
                json!({"Items": [listed, damaged], "Count": 2})
            }
            "GetItem" => json!({"Item": item(owner)}),
            "BatchGetItem" => json!({"Responses": {"table": [item(owner)]}, "UnprocessedKeys": {}}),
            "UpdateItem" => json!({"Attributes": item(owner)}),
            other => panic!("{other}"),
        };
        asked.0.lock().unwrap().push((operation, request));
        Json(answer)
    };
    let url = fakes::serve(Router::new().fallback(handle).with_state(asked.clone())).await;
    let config = fakes::aws(&url).await;
    (Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned()), asked)
}

#[tokio::test]
async fn each_index_is_asked_for_its_own_key_newest_first() {
    let (ledger, asked) = table("acme.myshopify.com").await;
    let customer = CustomerKey::derive(b"k", &shop(), &Gid::new("Customer", 1));
    let email = EmailKey::derive(b"k", &shop(), "doe@example.com");
    for found in [
        ledger.of_name(&shop(), "#1001").await.unwrap(),
        ledger.of_customer(&shop(), &customer).await.unwrap(),
        ledger.of_email(&shop(), &email).await.unwrap(),
    ] {
        // the second one listed has the same key here
        assert_eq!(found.entries[0].communication.as_str(), ID);
    }
    let queries = asked.all("Query");
    let keys: Vec<_> = queries
        .iter()
        .map(|query| (&query["IndexName"], &query["ExpressionAttributeValues"][":key"]))
        .collect();
    assert_eq!(keys[0].0, "by-name");
    assert_eq!(keys[0].1["B"].as_str().unwrap().len(), 12, "eight bytes");
    assert_eq!(keys[1], (&json!("by-customer"), &json!({"S": customer.as_str()})));
    assert_eq!(keys[2].0, "by-email");
    assert!(queries.iter().all(|query| query["ScanIndexForward"] == false && query["Limit"] == 100));
}

#[tokio::test]
async fn a_hash_that_two_shops_share_shows_nothing_of_the_other() {
    let (ledger, _) = table("other.myshopify.com").await;
    assert!(ledger.of_name(&shop(), "#1001").await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn what_was_not_delivered_comes_from_the_index_alone_and_one_damaged_item_costs_no_other() {
    let (ledger, asked) = table("acme.myshopify.com").await;
    let time = Timestamp::UNIX_EPOCH..Timestamp::from_second(9).unwrap();
    let rows = ledger.undelivered(&shop(), time, Some(State::Unknown), 10).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].state, rows[0].reason.as_deref()), (State::Unknown, Some("why")));
    assert!(asked.all("GetItem").is_empty() && asked.all("BatchGetItem").is_empty());
    let query = &asked.all("Query")[0];
    assert_eq!(query["IndexName"], "by-undelivered");
    assert_eq!(query["ExpressionAttributeValues"][":until"], json!({"N": "9000"}));
}

/// Without it, a letter that a person settled as delivered would stay in the list of failures for ever.
#[tokio::test]
async fn an_outcome_enters_the_list_of_failures_or_leaves_it() {
    let (ledger, asked) = table("acme.myshopify.com").await;
    let now = Timestamp::from_second(9).unwrap();
    let id = ID.parse().unwrap();
    for state in [State::Delivered, State::Failed] {
        ledger.settle(&id, state, "a: b", WriteBackState::None, now).await.unwrap();
    }
    let entry = ledger.get(&id).await.unwrap().unwrap();
    let bounced = ChannelOutcome::Bounced { reason: "no such user".to_owned() };
    ledger.record_report(&entry, &bounced, WriteBackState::None, now).await.unwrap();
    ledger.record_report(&entry, &ChannelOutcome::Delivered, WriteBackState::None, now).await.unwrap();
    let updates: Vec<String> = asked
        .all("UpdateItem")
        .iter()
        .map(|it| it["UpdateExpression"].as_str().unwrap().to_owned())
        .collect();
    let enters = |expression: &str| expression.contains("undelivered_ms = :now");
    let leaves = |expression: &str| {
        expression.split(" REMOVE ").nth(1).is_some_and(|removed| removed.contains("undelivered_ms"))
    };
    let seen: Vec<_> = updates.iter().map(|it| (enters(it), leaves(it))).collect();
    assert_eq!(seen, [(false, true), (true, false), (true, false), (false, true)], "{updates:?}");
}
