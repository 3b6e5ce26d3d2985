//! One table, as far as recipients need it: items by key, and updates that depend on the item's version.

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Default)]
pub struct Items {
    pub items: BTreeMap<String, Map<String, Value>>,
    /// What others do between a read and the next write of the same item, one after each read.
    pub interference: VecDeque<fn(&mut Map<String, Value>)>,
    pub refused: usize,
    pub writes: usize,
}

#[derive(Clone, Default)]
pub struct Table(Arc<Mutex<Items>>);

impl Table {
    pub fn items(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap()
    }

    pub async fn ledger(&self) -> ledger::Ledger {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let url = fakes::serve(router).await;
        let config = fakes::aws_with(&url, fakes::RetryConfig::standard()).await;
        ledger::Ledger::new(aws_sdk_dynamodb::Client::new(&config), "table".to_owned())
    }
}

pub fn version(item: &Map<String, Value>) -> u64 {
    item.get("version").map_or(0, |version| version["N"].as_str().unwrap().parse().unwrap())
}

pub fn set_version(item: &mut Map<String, Value>, version: u64) {
    item.insert("version".to_owned(), json!({"N": version.to_string()}));
}

async fn answer(State(table): State<Table>, headers: HeaderMap, body: Bytes) -> (StatusCode, Json<Value>) {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let operation = fakes::operation(&headers).to_owned();
    let pk = request["Key"]["pk"]["S"].as_str().unwrap().to_owned();
    let items = &mut *table.items();
    let item = items.items.entry(pk).or_default();
    if operation == "GetItem" {
        assert_eq!(request["ConsistentRead"], true, "an old count would let one too many through");
        let read = item.clone();
        if let Some(interfere) = items.interference.pop_front() {
            interfere(item);
        }
        return (StatusCode::OK, Json(if read.is_empty() { json!({}) } else { json!({"Item": read}) }));
    }
    assert_eq!(operation, "UpdateItem");
    let values = &request["ExpressionAttributeValues"];
    let holds = match request["ConditionExpression"].as_str() {
        None => true,
        Some("version = :known") => item.get("version") == Some(&values[":known"]),
        Some("attribute_not_exists(version)") => !item.contains_key("version"),
        Some(other) => panic!("{other}"),
    };
    if !holds {
        items.refused += 1;
        let refusal = json!({
            "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
            "message": "The conditional request failed",
        });
        return (StatusCode::BAD_REQUEST, Json(refusal));
    }
    items.writes += 1;
    let expression = request["UpdateExpression"].as_str().unwrap();
    let next = version(item) + 1;
    set_version(item, next);
    if expression.starts_with("SET sent = :sent, expires_epoch_s = :expires ADD version") {
        item.insert("sent".to_owned(), values[":sent"].clone());
        item.insert("expires_epoch_s".to_owned(), values[":expires"].clone());
    } else if expression.starts_with("SET suppressed = :reason") {
        item.insert("suppressed".to_owned(), values[":reason"].clone());
        item.remove("expires_epoch_s");
    } else if expression.starts_with("REMOVE suppressed") {
        item.remove("suppressed");
    } else {
        panic!("{expression}");
    }
    (StatusCode::OK, Json(json!({})))
}
