//! DynamoDB: which communications the ledger has, and what is written to them. The table is called `table`.

use super::{broken, list, refusal};
use crate::dynamodb::{Item, apply, holds};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The items of the table.
#[derive(Debug, Default)]
pub struct Items {
    /// Keys that there are.
    pub known: BTreeSet<String>,
    /// How many requests that read are refused for the moment.
    pub throttled: u32,
    /// The updates, as they were asked for.
    pub updates: Vec<Value>,
    /// Keys whose update fails.
    pub broken: Vec<String>,
    /// Items by their keys, for which the conditions of updates count. What is not here takes every update.
    pub items: BTreeMap<String, Item>,
}

impl Items {
    pub(super) fn batch_get(&mut self, request: &Value) -> Response {
        if self.throttled > 0 {
            self.throttled -= 1;
            return refusal("ProvisionedThroughputExceededException", "slow down");
        }
        let keys = list(&request["RequestItems"]["table"], "Keys");
        let names: BTreeSet<_> = keys.iter().map(name).collect();
        if names.len() < keys.len() {
            return refusal("ValidationException", "Provided list of item keys contains duplicates");
        }
        let found: Vec<_> = keys.iter().filter(|key| self.known.contains(name(key))).collect();
        json!({"Responses": {"table": found}, "UnprocessedKeys": {}}).to_string().into_response()
    }

    pub(super) fn update(&mut self, request: &Value) -> Response {
        if self.broken.iter().any(|key| key == name(&request["Key"])) {
            return broken();
        }
        if let Some(item) = self.items.get_mut(name(&request["Key"])) {
            let condition = request["ConditionExpression"].as_str().unwrap_or_default();
            if !condition.is_empty() && !holds(condition, Some(item), request).expect("a condition") {
                return refusal("ConditionalCheckFailedException", "The conditional request failed");
            }
            let change = request["UpdateExpression"].as_str().expect("an update changes something");
            apply(item, change, request).expect("a change");
        }
        self.updates.push(request.clone());
        "{}".into_response()
    }
}

fn name(key: &Value) -> &str {
    key["pk"]["S"].as_str().expect("an item has a key")
}
